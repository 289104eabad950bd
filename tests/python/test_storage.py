"""storage_options= and URLs, as far as no server is needed; ls, stat, cp and rm."""
import datetime
import os
import pathlib

import pytest

import lamella

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
STORAGE = {"user": "someone", "token": None, "attempts": 3, "verbose": True}


def url(name):
    return pathlib.Path(name).absolute().as_uri()


def test_every_function_takes_storage_options(nothing_left):
    lamella.atomic_write_bytes("a", b"1", storage_options=STORAGE)
    lamella.atomic_write_text("b", "1", storage_options=STORAGE)
    lamella.atomic_write_pickle("c", [1], storage_options=STORAGE)
    assert lamella.load_pickle("c", trusted=True, storage_options=STORAGE) == [1]
    with lamella.atomic_open("d", "w", storage_options=STORAGE) as file:
        file.write("1")
    with lamella.atomic_dir("e", storage_options=STORAGE, manifest=True) as place:
        (place / "x").write_text("1")
    lamella.verify("e", storage_options=STORAGE)
    assert lamella.gc(".", storage_options=STORAGE, older_than=60) == 0
    lamella.atomic_write_csv("f.csv", ROWS, storage_options=STORAGE)
    lamella.atomic_write_xlsx("g.xlsx", ROWS, storage_options=STORAGE)
    lamella.write_parquet(ROWS, "h.parquet", storage_options=STORAGE)
    with lamella.ParquetStreamWriter("i.parquet", "id: int64, name: utf8", storage_options=STORAGE) as writer:
        writer.write_chunk(ROWS)
    for name in ("f.csv", "h.parquet", "i.parquet"):
        assert lamella.read_parquet(name, "table", storage_options=STORAGE).to_pylist() == ROWS
    assert len(list(lamella.read_parquet_iter("h.parquet", 1, storage_options=STORAGE))) == 2
    assert lamella.inspect_schema("h.parquet", storage_options=STORAGE).names == ["id", "name"]
    scan = lamella.scan("h.parquet", storage_options=STORAGE).select(["id"]).filter("id > 1")
    assert scan.to_table().to_pylist() == [{"id": 2}]
    lamella.write_to_dataset(ROWS, "j", partition_cols=["name"], storage_options=STORAGE)
    assert len(lamella.ls("j", recursive=True, storage_options=STORAGE)) == 4
    nothing_left("a", "b", "c", "d", "e", "f.csv", "g.xlsx", "h.parquet", "i.parquet", "j")


def test_storage_options_are_a_dict_of_texts():
    for wrong in ("user=a", 3, {3: "a"}):
        with pytest.raises(TypeError, match="storage_options"):
            lamella.scan("a", storage_options=wrong)
        with pytest.raises(TypeError, match="storage_options"):
            lamella.atomic_write_bytes("a", b"", storage_options=wrong)
    with pytest.raises(TypeError, match="storage_options"):
        lamella.atomic_write_bytes("a", b"", storage_option={})
    with pytest.raises(ValueError):
        lamella.stat("a", storage_options={"a": "b\0c"})


def test_file_urls_are_paths(nothing_left):
    lamella.atomic_write_bytes(url("a"), b"1")
    assert pathlib.Path("a").read_bytes() == b"1"
    with pytest.raises(FileExistsError):
        with lamella.atomic_open(url("a"), "x"):
            raise AssertionError("told before any work")
    with lamella.atomic_open(url("a")) as file:
        file.write(b"2")
    assert pathlib.Path("a").read_bytes() == b"2"
    lamella.atomic_write_pickle(url("p"), 3)
    assert lamella.load_pickle(url("p"), trusted=True) == 3
    result = lamella.write_to_dataset(ROWS, url("d"), mode="create")
    assert lamella.read_parquet(url("d"), "table").to_pylist() == ROWS and len(result.files) == 1
    lamella.write_to_dataset(ROWS, url("d"), mode="overwrite")
    with pytest.raises(FileExistsError):
        lamella.write_to_dataset(ROWS, url("d"), mode="create")
    nothing_left("a", "p", "d")


@pytest.mark.parametrize(
    "call",
    [
        lambda u: lamella.atomic_write_bytes(u, b""),
        lambda u: lamella.atomic_write_pickle(u, 1),
        lambda u: lamella.load_pickle(u, trusted=True),
        lambda u: lamella.write_parquet(ROWS, u),
        lambda u: lamella.atomic_write_csv(u, ROWS),
        lambda u: lamella.atomic_write_xlsx(u, ROWS),
        lambda u: lamella.write_to_dataset(ROWS, u),
        lambda u: lamella.write_to_dataset(ROWS, u, mode="create"),
        lambda u: lamella.read_parquet(u),
        lambda u: lamella.verify(u),
        lambda u: lamella.gc(u),
        lambda u: lamella.undo(u),
        lambda u: lamella.ls(u),
        lambda u: lamella.stat(u),
        lambda u: lamella.rm(u),
        lambda u: lamella.cp(u, "b"),
        lambda u: lamella.cp("a", u),
        lambda u: lamella.atomic_replace("a", u),
        lambda u: lamella.atomic_replace_dir("a", u),
        lambda u: lamella.atomic_open(u).__enter__(),
        lambda u: lamella.atomic_dir(u).__enter__(),
    ],
)
def test_an_unknown_scheme_is_refused_by_name(call, nothing_left):
    pathlib.Path("a").write_bytes(b"1")
    with pytest.raises(NotImplementedError, match="gopher://"):
        call("gopher://host/x")
    nothing_left("a")


def test_ls_and_stat():
    os.makedirs("d/sub")
    for name in ("part-10", "part-9", "sub/x"):
        pathlib.Path("d", name).write_bytes(b"12345")
    found = lamella.ls("d", recursive=True)
    assert [info.path for info in found] == ["d/part-9", "d/part-10", "d/sub", "d/sub/x"]
    assert found[0].is_file and found[0].bytes == 5 and found[2].is_dir and not found[2].is_file
    assert [info.path for info in lamella.ls("d/part-*")] == ["d/part-9", "d/part-10"]
    info = lamella.stat("d/part-9")
    assert info.mtime_ns == os.stat("d/part-9").st_mtime_ns and info.version
    assert abs(info.modified - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(hours=1)
    assert os.fspath(info) == "d/part-9" and "bytes=5" in repr(info)
    for function in (lamella.ls, lamella.stat):
        with pytest.raises(FileNotFoundError):
            function("none")


def test_cp(nothing_left):
    pathlib.Path("a").write_bytes(b"123")
    result = lamella.cp("a", "x/b", check=True, manifest={"k": "v"})
    assert (result.path, result.bytes, result.replaced) == ("x/b", 3, False)
    lamella.verify("x/b")
    with pytest.raises(FileExistsError):
        lamella.cp("a", "x/b", overwrite=False)
    with pytest.raises(OSError, match="recursive"):
        lamella.cp("x", "y")
    copied = lamella.cp("x", "y", recursive=True)
    assert (copied.path, copied.bytes > 3) == ("y", True)
    assert sorted(os.listdir("y")) == ["b", "b.manifest.json"]
    with pytest.raises(TypeError, match="keep"):
        lamella.cp("a", "b", kep=1)
    nothing_left("a", "x", "y")


def test_rm(nothing_left):
    os.makedirs("d/sub")
    pathlib.Path("d/a").write_bytes(b"")
    with pytest.raises(OSError, match="recursive"):
        lamella.rm("d")
    lamella.rm("d/a")
    with pytest.raises(FileNotFoundError):
        lamella.rm("d/a")
    lamella.rm("d/a", missing_ok=True)
    with pytest.raises(ValueError, match="root"):
        lamella.rm("/", recursive=True)
    lamella.rm("d", recursive=True)
    nothing_left()
