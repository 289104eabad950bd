"""The real command, killed (SIGKILL) at random moments, with readers that check every byte.

Readers see the old version or the new one, whole; never an older one than was said to be done; never nothing.
Afterwards gc leaves no trace of the dead.
"""
import hashlib
import multiprocessing
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import pytest

KILLS = 100 if os.environ.get("LAMELLA_COMMAND") else 500  # in each test; a sanitized command is slow
SECONDS_MAX = 100


@pytest.fixture
def tmp_path(tmp_path):
    """In memory where that can be: a killed process takes nothing with it that the kernel has."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="lamella-test-") as path:
        yield pathlib.Path(path)


def body(number):
    """Version `number`: it tells its own number, and every byte of it is known."""
    size = random.Random(number).choice([10, 3000, 70_000, 400_000])
    head = b"%012d %08d\n" % (number, size)
    block = hashlib.sha256(head).digest()
    return head + (block * (size // 32 + 1))[:size]


def number_of(data):
    assert len(data) >= 22, f"{len(data)} bytes"
    number = int(data[:12])
    assert data == body(number), f"version {number} is not whole"
    return number


class Readers:
    """Processes that look all the time; what they see never goes back, and is never less than what is done."""

    def __init__(self, look, count=2):
        fork = multiprocessing.get_context("fork")
        self.look, self.over, self.failed = look, fork.Event(), fork.Event()
        self.newest, self.looks, self.errors = fork.Value("q", 0), fork.Value("q", 0), fork.SimpleQueue()
        self.processes = [fork.Process(target=self.run, daemon=True) for _ in range(count)]

    def run(self):
        newest = 0
        try:
            while not self.over.is_set():
                done = self.newest.value
                number = self.look()
                assert number >= done, f"version {number} after {done} was done"
                assert number >= newest, f"version {number} after {newest} was seen"
                newest = number
                with self.looks.get_lock():
                    self.looks.value += 1
                time.sleep(0.002)  # the writer needs a processor too
        except BaseException as error:  # told by the main process
            self.errors.put(repr(error))
            self.failed.set()

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for process in self.processes:
            process.join()
        assert self.errors.empty(), self.errors.get()
        assert self.looks.value > 50


def kill_many(publish, readers):
    """publish(number) starts a process. Each is killed after a random time, or comes to its end first."""
    dice = random.Random(7)
    killed = number = 0
    longest = 0.02
    end = time.monotonic() + SECONDS_MAX
    while killed < KILLS and not readers.failed.is_set():
        assert time.monotonic() < end, f"only {killed} were killed in time"
        number += 1
        process = publish(number + 1)
        began = time.monotonic()
        if dice.random() < 0.9:
            moment = began + dice.random() * longest
            while time.monotonic() < moment:
                time.sleep(0)
            os.kill(process, signal.SIGKILL)
        status = ended(process)
        killed += status == -signal.SIGKILL
        if status == 0:
            readers.newest.value = number + 1
            longest = 0.9 * longest + 0.1 * (time.monotonic() - began)
        else:
            assert status == -signal.SIGKILL
    return killed


def temps(path):
    return [name for name in path.rglob("*") if name.name.startswith(".lamella-")]


def start(lamella, *words, stdin=None):
    # Popen comes back when a short publication is over already.
    null = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, stdin if stdin is not None else null, 0), (os.POSIX_SPAWN_DUP2, null, 2)]
        return os.posix_spawn(lamella, [lamella, *map(str, words)], os.environ, file_actions=actions)
    finally:
        os.close(null)


def ended(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_write(lamella, tmp_path):
    target = tmp_path / "out" / "a"
    target.parent.mkdir()
    target.write_bytes(body(1))
    source = tmp_path / "source"

    def publish(number):
        source.write_bytes(body(number))
        extra = [[], ["--manifest"], ["--keep", "2"], ["--durability", "none"]][number % 4]
        with open(source, "rb") as stdin:
            return start(lamella, "write", target, *extra, stdin=stdin.fileno())

    with Readers(lambda: number_of(target.read_bytes())) as readers:
        killed = kill_many(publish, readers)
    assert killed >= KILLS
    assert subprocess.run([lamella, "gc", target.parent], capture_output=True).returncode == 0
    assert temps(tmp_path) == []
    # Whatever the last one left: one more publication with a manifest, and all is well.
    with open(source, "rb") as stdin:
        assert ended(start(lamella, "write", target, "--manifest", stdin=stdin.fileno())) == 0
    assert subprocess.run([lamella, "verify", target], capture_output=True).returncode == 0


def test_publish_dir(lamella, tmp_path):
    place = tmp_path / "out"
    place.mkdir()
    target, staged = place / "d", place / "staged"
    names = ["a", "bb", "sub/c", "sub/sub/d"]  # each of its own length

    def stage(path, number):
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(body(number * 10 + len(name)))

    def look():
        """All of a tree, by one descriptor of it. If it is exchanged and removed while we look, we look again."""
        while True:
            try:
                top = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    numbers = set()
                    for name in names:
                        fd = os.open(name, os.O_RDONLY, dir_fd=top)
                        with open(fd, "rb") as file:
                            number = number_of(file.read())
                        assert number % 10 == len(name)
                        numbers.add(number // 10)
                finally:
                    os.close(top)
            except FileNotFoundError:
                assert target.is_dir(), "nothing is there"
                continue
            assert len(numbers) == 1, f"a mixture: {numbers}"
            return numbers.pop()

    def publish(number):
        # What an earlier one left at the staged place is finished by gc, or is a tree that never came.
        if staged.exists():
            done = subprocess.run([lamella, "gc", place], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            if staged.exists():
                subprocess.run(["rm", "-rf", staged], check=True)
        stage(staged, number)
        extra = [[], ["--manifest"], ["--durability", "none"]][number % 3]
        return start(lamella, "publish-dir", staged, target, *extra)

    stage(target, 1)
    with Readers(look) as readers:
        killed = kill_many(publish, readers)
    assert killed >= KILLS
    done = subprocess.run([lamella, "gc", place], capture_output=True, text=True)
    assert done.returncode == 0 and "spared" not in done.stdout, done.stdout
    assert temps(tmp_path) == []
    newest = look()
    assert newest >= readers.newest.value
    if staged.exists():  # staged, and never published
        assert number_of((staged / "a").read_bytes()) // 10 > newest


def test_gc_beside_living_writers(lamella, tmp_path):
    """gc runs all the time; no writer is disturbed by it."""
    over = threading.Event()
    failures = []

    def collect():
        while not over.is_set():
            done = subprocess.run([lamella, "gc", tmp_path], capture_output=True, text=True)
            if done.returncode:
                failures.append(done.stderr)

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        for i in range(KILLS // 8):
            source = tmp_path / "source"
            source.write_bytes(body(i))
            with open(source, "rb") as stdin:
                assert ended(start(lamella, "write", tmp_path / "a", stdin=stdin.fileno())) == 0
            (tmp_path / "s").mkdir()
            (tmp_path / "s/f").write_bytes(body(i))
            assert ended(start(lamella, "publish-dir", tmp_path / "s", tmp_path / "d")) == 0
            assert number_of((tmp_path / "d/f").read_bytes()) == i == number_of((tmp_path / "a").read_bytes())
    finally:
        over.set()
        collector.join()
    assert failures == []
    assert sorted(os.listdir(tmp_path)) == ["a", "d", "source"]
