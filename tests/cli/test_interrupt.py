"""SIGINT and SIGTERM leave the destination as it was and nothing beside it."""
import os
import signal
import socket
import subprocess
import time

import pytest

ANSWER_SECONDS = 0.1


def start(lamella, tmp_path, *words):
    def signals_as_usual():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        [lamella, *words], cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=signals_as_usual
    )


def waits_in_read(pid):
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[0] == "0"


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_blocked_in_a_read(lamella, tmp_path, number, size):
    (tmp_path / "a").write_bytes(b"old")
    writer = start(lamella, tmp_path, "write", "a", "--manifest")
    writer.stdin.write(b"x" * size)
    writer.stdin.flush()
    until(lambda: waits_in_read(writer.pid))
    began = time.monotonic()
    writer.send_signal(number)
    assert writer.wait(10) == 130
    took = time.monotonic() - began
    assert b"interrupted" in writer.stderr.read()
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"
    assert took < 10 * ANSWER_SECONDS  # with room for a busy machine


def test_at_any_moment(lamella, tmp_path):
    """However early or late the signal comes, the file is the old one or the new one, and nothing is left."""
    for i in range(60):
        writer = start(lamella, tmp_path, "write", "a", "--durability", "none")
        try:
            if i % 3:
                writer.stdin.write(b"%d" % i * 1000)
            if i % 3 == 2:
                writer.stdin.close()
        except BrokenPipeError:
            pass
        time.sleep(i * 0.0001)
        writer.send_signal(signal.SIGINT)
        assert writer.wait(10) in (130, 0, -signal.SIGINT)  # the last: before main set its handlers
        assert os.listdir(tmp_path) in ([], ["a"])


def test_a_signal_that_was_ignored_stays_ignored(lamella, tmp_path):
    writer = subprocess.Popen(
        [lamella, "write", "a"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    until(lambda: waits_in_read(writer.pid))
    writer.send_signal(signal.SIGHUP)
    time.sleep(0.05)
    writer.stdin.write(b"1")
    writer.stdin.close()
    assert writer.wait(10) == 0 and (tmp_path / "a").read_bytes() == b"1"


@pytest.mark.parametrize("words", [("cat",), ("ls",), ("stat",), ("rm",), ("write",), ("cp", "a"), ("verify",)])
def test_waiting_for_a_server_that_does_not_answer(lamella, tmp_path, words):
    (tmp_path / "a").write_bytes(b"old")
    with socket.create_server(("127.0.0.1", 0)) as server:
        waiting = start(lamella, tmp_path, *words, f"webhdfs://127.0.0.1:{server.getsockname()[1]}/x")
        with server.accept()[0] as asked:
            assert asked.recv(1)
            waiting.send_signal(signal.SIGINT)
            assert waiting.wait(10) == 130
    assert b"interrupted" in waiting.stderr.read()
    assert os.listdir(tmp_path) == ["a"]
