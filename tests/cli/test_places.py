"""The promise table of README.md, on each file system that it names."""
import json
import signal
import subprocess
import zlib

import pytest

IMAGE_BYTES = 400 << 20  # the least that btrfs and xfs accept, and some


def call(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


def mount_image(kind, place):
    image = place / "image"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    return call(f"mkfs.{kind}", "-q", image) or call("mount", "-o", "loop", "-t", kind, image, place / "in")


def mount_tmpfs(kind, place):
    return call("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place / "in")


def mount_overlay(kind, place):
    problem = mount_tmpfs(kind, place)
    if problem:
        return problem
    for name in ("lower", "upper", "work", "over"):
        (place / "in" / name).mkdir()
    (place / "in" / "lower" / "below").write_bytes(b"old")
    layers = ",".join(f"{name}dir={place}/in/{name}" for name in ("lower", "upper", "work"))
    return call("mount", "-t", "overlay", "-o", layers, "overlay", place / "in" / "over")


MOUNTS = {
    "ext4": mount_image,
    "xfs": mount_image,
    "btrfs": mount_image,
    "tmpfs": mount_tmpfs,
    "overlay": mount_overlay,
}


@pytest.fixture(scope="module", params=MOUNTS)
def place(request, tmp_path_factory):
    top = tmp_path_factory.mktemp(request.param)
    (top / "in").mkdir()
    problem = MOUNTS[request.param](request.param, top)
    try:
        if problem:
            pytest.skip(f"{request.param} cannot be mounted here: {problem.splitlines()[-1]}")
        yield top / "in" / ("over" if request.param == "overlay" else "")
    finally:
        call("umount", top / "in" / "over")
        call("umount", top / "in")
        (top / "image").unlink(missing_ok=True)


@pytest.fixture
def here(place, request):
    directory = place / request.node.originalname
    directory.mkdir()
    return directory


def left(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_replaced(run, here):
    for content in (b"one", b"two" * 100_000, b"", b"three"):
        assert run("write", "a", stdin=content, cwd=here).returncode == 0
        assert (here / "a").read_bytes() == content
    assert left(here) == ["a"]


def test_a_file_that_was_there_is_replaced(run, place):
    """On the overlay it is one of the layer below."""
    if not (place / "below").exists():
        (place / "below").write_bytes(b"old")
    assert run("write", "below", stdin=b"new", cwd=place).returncode == 0
    assert (place / "below").read_bytes() == b"new"


def test_if_absent(run, here):
    assert run("write", "a", "--if-absent", stdin=b"one", cwd=here).returncode == 0
    assert run("write", "a", "--if-absent", stdin=b"two", cwd=here).returncode == 5
    assert (here / "a").read_bytes() == b"one" and left(here) == ["a"]


def test_if_match(run, here):
    run("write", "a", "--checksum", "crc32c", stdin=b"123456789", cwd=here)
    seen = "crc32c:e3069283"
    assert run("write", "a", "--if-match", "crc32c:00000000", stdin=b"no", cwd=here).returncode == 4
    assert run("write", "a", "--if-match", seen, stdin=b"two", cwd=here).returncode == 0
    assert run("write", "a", "--if-match", seen, stdin=b"no", cwd=here).returncode == 4
    assert (here / "a").read_bytes() == b"two" and left(here) == ["a"]


def test_the_sidecar(run, here):
    for content in (b"one", b"two"):
        assert run("write", "a", "--manifest", "k=v", stdin=content, cwd=here).returncode == 0
        assert run("verify", "a", cwd=here).returncode == 0
    assert json.loads((here / "a.manifest.json").read_text())["bytes"] == 3
    (here / "a").write_bytes(b"foreign")
    assert run("verify", "a", cwd=here).returncode != 0


def test_a_killed_writer_leaves_the_old_file(lamella, run, here):
    run("write", "a", stdin=b"old", cwd=here)
    writer = subprocess.Popen([lamella, "write", "a"], stdin=subprocess.PIPE, cwd=here)
    writer.stdin.write(b"new" * 1_000_000)
    writer.stdin.flush()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdin.close()
    assert run("gc", ".", cwd=here).returncode == 0
    assert (here / "a").read_bytes() == b"old" and left(here) == ["a"]


def test_a_directory_is_put_in_place_and_exchanged(run, here):
    for generation in ("one", "two"):
        (here / "staged" / "deep").mkdir(parents=True)
        (here / "staged" / f"part-{generation}").write_text(generation)
        (here / "staged" / "deep" / "part").write_text(generation)
        assert run("publish-dir", "staged", "out", cwd=here).returncode == 0
        assert left(here) == ["out"] and left(here / "out") == ["deep", f"part-{generation}"]
        assert (here / "out" / "deep" / "part").read_text() == generation


def test_a_large_file(run, here):
    content = bytes(range(256)) * (40 << 12)  # 40 MiB
    assert run("write", "a", stdin=content, cwd=here).returncode == 0
    assert zlib.crc32((here / "a").read_bytes()) == zlib.crc32(content)
