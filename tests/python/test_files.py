"""Files, texts, pickles and directories: published whole, or not at all."""
import hashlib
import io
import os
import pathlib
import pickle
import signal
import stat
import threading
import zipfile

import pytest

import lamella


def test_bytes(nothing_left):
    result = lamella.atomic_write_bytes("a", b"hello")
    assert pathlib.Path("a").read_bytes() == b"hello"
    assert (result.path, result.bytes, result.state, result.replaced) == ("a", 5, "committed", False)
    assert result.checksum.startswith("crc32c:") and result.rows is None
    assert lamella.atomic_write_bytes("a", memoryview(b"again")[1:], checksum="sha256").checksum == (
        "sha256:" + hashlib.sha256(b"gain").hexdigest()
    )
    assert pathlib.Path("a").read_bytes() == b"gain"
    nothing_left("a")


@pytest.mark.parametrize("path", [b"b", pathlib.Path("p"), os.fsdecode(b"\xff\xfe"), "new/dir/s"])
def test_any_kind_of_path(path):
    result = lamella.atomic_write_bytes(path, b"x")
    assert os.path.exists(path) and os.fsencode(result.path) == os.fsencode(path)


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 9_000_000])
def test_sizes(size):
    lamella.atomic_write_bytes("a", bytes(size), durability="none")
    assert os.path.getsize("a") == size


def test_a_nul_in_a_path_is_refused():
    with pytest.raises(ValueError):
        lamella.atomic_write_bytes("a\0b", b"")


def test_overwrite_and_if_match(nothing_left):
    first = lamella.atomic_write_bytes("a", b"1", overwrite=False)
    with pytest.raises(FileExistsError) as told:
        lamella.atomic_write_bytes("a", b"2", overwrite=False)
    assert isinstance(told.value, lamella.Error) and told.value.errno == 17
    lamella.atomic_write_bytes("a", b"2", if_match=first.checksum)
    with pytest.raises(lamella.ConflictError):
        lamella.atomic_write_bytes("a", b"3", if_match=first.checksum)
    with pytest.raises(ValueError):
        lamella.atomic_write_bytes("a", b"3", if_match=first.checksum, overwrite=False)
    assert pathlib.Path("a").read_bytes() == b"2"
    nothing_left("a")


def test_manifest_and_verify():
    result = lamella.atomic_write_bytes("a", b"1", manifest={"source": "orders"}, run_id="run-7", source_snapshot="s")
    assert result.run_id == "run-7" and result.checksum.startswith("sha256:")
    lamella.verify("a")
    pathlib.Path("a").write_bytes(b"2")
    with pytest.raises(lamella.CorruptError):
        lamella.verify("a")


def test_keep_and_undo(nothing_left):
    for text in ("1", "2", "3"):
        lamella.atomic_write_text("a", text, keep=2)
    lamella.undo("a")
    assert pathlib.Path("a").read_text() == "2"
    lamella.undo("a")
    assert pathlib.Path("a").read_text() == "1"
    with pytest.raises(FileNotFoundError):
        lamella.undo("a")


def test_text():
    lamella.atomic_write_text("a", "grün\n", encoding="utf-8-sig", newline="\r\n")
    assert pathlib.Path("a").read_bytes() == b"\xef\xbb\xbfgr\xc3\xbcn\r\n"
    with pytest.raises(TypeError):
        lamella.atomic_write_text("a", b"bytes")
    with pytest.raises(UnicodeEncodeError):
        lamella.atomic_write_text("a", "\udcff")


def test_unknown_options_suggest_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'durability'"):
        lamella.atomic_write_bytes("a", b"", durabilty="full")
    with pytest.raises(ValueError, match="'full', 'file', 'none'"):
        lamella.atomic_write_bytes("a", b"", durability="ful")
    assert not os.path.exists("a")


def test_refused_destinations(tmp_path):
    os.mkdir("d")
    with pytest.raises(OSError):
        lamella.atomic_write_bytes("d", b"")
    os.mkfifo("f")
    with pytest.raises(lamella.UnsuitableError):
        lamella.atomic_write_bytes("f", b"")


def test_the_replaced_files_mode_is_kept():
    pathlib.Path("a").touch()
    os.chmod("a", 0o640)
    lamella.atomic_write_bytes("a", b"x")
    with lamella.atomic_open("a") as file:
        file.write(b"y")
    assert stat.S_IMODE(os.stat("a").st_mode) == 0o640


# ---- atomic_open ----


def test_open_publishes_on_a_clean_exit_only(nothing_left):
    with lamella.atomic_open("a", "w", newline="\n") as file:
        file.write("one\n")
        assert not os.path.exists("a")
    with pytest.raises(KeyError):
        with lamella.atomic_open("a", "w") as file:
            file.write("two\n" * 100_000)
            raise KeyError
    assert pathlib.Path("a").read_text() == "one\n"
    nothing_left("a")


def test_open_publishes_what_a_library_closed(nothing_left):
    opened = lamella.atomic_open("a")
    with opened as file:
        file.write(b"closed by another")
        file.close()
    assert pathlib.Path("a").read_bytes() == b"closed by another" and opened.result.bytes == 17
    nothing_left("a")


def test_open_serves_what_seeks():
    with lamella.atomic_open("a.zip") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", "y")
    assert zipfile.ZipFile("a.zip").read("x") == b"y"


def test_open_modes(nothing_left):
    with lamella.atomic_open("a", "x") as file:
        file.write("1")
    with pytest.raises(FileExistsError):
        with lamella.atomic_open("a", "xb") as file:
            raise AssertionError("told too late")
    for mode in ("r", "a", "rb+"):
        with pytest.raises(ValueError):
            lamella.atomic_open("a", mode)
    with pytest.raises(ValueError):
        lamella.atomic_open("a", "wb", encoding="utf-8")
    opened = lamella.atomic_open("b")
    with opened:
        pass
    with pytest.raises(ValueError):
        with opened:
            pass
    nothing_left("a", "b")


def test_a_file_that_was_put_there_meanwhile_is_not_overwritten(nothing_left):
    with pytest.raises(FileExistsError):
        with lamella.atomic_open("a", "x") as file:
            file.write("mine")
            pathlib.Path("a").write_text("theirs")
    assert pathlib.Path("a").read_text() == "theirs"
    nothing_left("a")


def test_replace(nothing_left):
    pathlib.Path("tmp").write_text("new")
    pathlib.Path("a").write_text("old")
    result = lamella.atomic_replace("tmp", "a")
    assert result.replaced and pathlib.Path("a").read_text() == "new"
    with pytest.raises(FileNotFoundError):
        lamella.atomic_replace("tmp", "a")
    nothing_left("a")


# ---- pickles ----


class Refuses:
    def __reduce__(self):
        raise RuntimeError("cannot be pickled")


def test_pickle(nothing_left):
    lamella.atomic_write_pickle("p", {"a": [1, 2]})
    with pytest.raises(ValueError, match="trusted=True"):
        lamella.load_pickle("p")
    assert lamella.load_pickle("p", trusted=True) == {"a": [1, 2]}
    with pytest.raises(RuntimeError):
        lamella.atomic_write_pickle("p", [bytes(1 << 20), Refuses()])
    assert pickle.loads(pathlib.Path("p").read_bytes()) == {"a": [1, 2]}
    nothing_left("p")


def test_a_pickle_larger_than_the_memory_that_is_left(child):
    """200 MB of objects, where 50 MB more may be taken: a copy of the whole pickle would not fit."""
    code = """
        import io, pickle, resource, lamella
        large = [bytes(20_000_000) for _ in range(10)]
        used = int(open("/proc/self/statm").read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, used + 50_000_000))
        lamella.atomic_write_pickle("p", large, durability="none")
    """
    done = child(code)
    assert done.returncode == 0, done.stderr
    assert os.path.getsize("p") > 200_000_000


# ---- directories ----


def test_directory(nothing_left):
    for round in "12":
        made = lamella.atomic_dir("d")
        with made as place:
            (place / f"x{round}").write_text(round)
        assert os.listdir("d") == [f"x{round}"]
    assert made.result.replaced
    with pytest.raises(KeyError):
        with lamella.atomic_dir("d") as place:
            (place / "y").write_text("y")
            raise KeyError
    assert os.listdir("d") == ["x2"]
    nothing_left("d")


def test_directory_if_absent(nothing_left):
    with lamella.atomic_dir("d", overwrite=False):
        pass
    with pytest.raises(FileExistsError):
        with lamella.atomic_dir("d", overwrite=False):
            pass
    nothing_left("d")


def test_replace_directory(nothing_left):
    os.makedirs("new/deep")
    pathlib.Path("new/deep/x").write_text("x")
    result = lamella.atomic_replace_dir("new", "d", manifest={"a": "b"})
    assert result.path == "d" and not result.replaced
    lamella.verify("d")
    nothing_left("d")


# ---- failures ----


def test_a_file_size_limit_leaves_the_old_file(child, nothing_left):
    pathlib.Path("a").write_text("old")
    code = """
        import lamella, resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        def write():
            if sys.argv[1] == "open":
                with lamella.atomic_open("a") as file:
                    file.write(bytes(2_000_000))
            elif sys.argv[1] == "pickle":
                lamella.atomic_write_pickle("a", bytes(2_000_000))
            elif sys.argv[1] == "dir":
                with lamella.atomic_dir("d") as place:
                    (place / "x").write_bytes(bytes(2_000_000))
            else:
                lamella.atomic_write_bytes("a", bytes(2_000_000))
        try:
            write()
        except OSError as error:
            print(error.errno)
    """
    for way in ("bytes", "open", "pickle", "dir"):
        done = child(code, way)
        assert done.stdout == "27\n", (way, done.stdout, done.stderr)
        assert pathlib.Path("a").read_text() == "old"
        nothing_left("a")


@pytest.mark.parametrize("way", ["open", "pickle", "dir"])
def test_killed_in_the_middle(child, way):
    pathlib.Path("a").write_text("old")
    code = """
        import lamella, os, pickle, signal, sys
        def die():
            os.kill(os.getpid(), signal.SIGKILL)
        class Killer:
            def __reduce__(self):
                die()
        if sys.argv[1] == "open":
            with lamella.atomic_open("a") as file:
                file.write(bytes(1_000_000))
                die()
        elif sys.argv[1] == "pickle":
            lamella.atomic_write_pickle("a", [bytes(1_000_000), Killer()])
        else:
            with lamella.atomic_dir("d") as place:
                (place / "x").write_text("x")
                die()
    """
    done = child(code, way)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert pathlib.Path("a").read_text() == "old" and not os.path.exists("d")
    lamella.gc(".")
    assert os.listdir() == ["a"]


def test_threads_do_not_mix(nothing_left):
    def write(number):
        for _ in range(50):
            lamella.atomic_write_bytes("a", str(number).encode() * 50_000, durability="none")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if os.path.exists("a"):
            data = pathlib.Path("a").read_bytes()
            assert len(data) == 50_000 and len(set(data)) == 1
    nothing_left("a")


def test_savefig_style_writers():
    """Whatever takes a file object."""
    with lamella.atomic_open("a.csv", "w") as file:
        print("a,b", file=file)
    with lamella.atomic_open("b") as file:
        io.BufferedWriter(file).write(b"x")
    assert pathlib.Path("a.csv").read_text() == "a,b\n"
