"""The Python package on HDFS: every function that takes a path, with a URL and storage_options."""

import os
import pickle

import pytest

lamella = pytest.importorskip("lamella", reason="the wheel is not installed here: ./dev test servers does it")

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
STORAGE = {"user": "etl", "hdfs.attempts": 3}


def in_hdfs(url):
    return "/" + url.split("/", 3)[3]


def names(url):
    return [info.path[len(url) + 1 :] for info in lamella.ls(url, recursive=True) if info.is_file]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_files(hdfs, place):
    result = lamella.atomic_write_bytes(f"{place}/a", b"bytes", storage_options=STORAGE)
    assert (result.path, result.bytes, result.state, result.replaced) == (f"{place}/a", 5, "committed", False)
    assert hdfs.shell("-cat", in_hdfs(f"{place}/a")) == (0, b"bytes")
    with pytest.raises(FileExistsError):
        lamella.atomic_write_text(f"{place}/a", "text", overwrite=False)
    assert lamella.atomic_write_text(f"{place}/a", "text", manifest={"k": "v"}).replaced
    lamella.verify(f"{place}/a", storage_options=STORAGE)
    lamella.atomic_write_pickle(f"{place}/p", {"k": [1]})
    assert pickle.loads(hdfs.shell("-cat", in_hdfs(f"{place}/p"))[1]) == {"k": [1]}
    assert lamella.load_pickle(f"{place}/p", trusted=True, storage_options=STORAGE) == {"k": [1]}
    for options in ({"keep": 1}, {"durability": "none"}, {"if_match": "crc32c:00000000"}):
        with pytest.raises(NotImplementedError, match="hdfs"):
            lamella.atomic_write_bytes(f"{place}/a", b"", **options)
    with pytest.raises(NotImplementedError):
        lamella.undo(f"{place}/a")
    with pytest.raises(ValueError, match="usr"):
        lamella.stat(f"{place}/a", storage_options={"usr": "x"})


def test_a_file_object_is_copied_when_it_is_whole(hdfs, place):
    with lamella.atomic_open(f"{place}/f.csv", "w", storage_options=STORAGE) as file:
        file.write("a,b\n")
        file.seek(0)
        file.write("A")
        assert not os.listdir(".")
    assert hdfs.shell("-cat", in_hdfs(f"{place}/f.csv")) == (0, b"A,b\n")
    with pytest.raises(KeyError):
        with lamella.atomic_open(f"{place}/g") as file:
            file.write(b"x")
            raise KeyError
    with pytest.raises(FileExistsError):
        lamella.atomic_open(f"{place}/f.csv", "x").__enter__()
    with lamella.atomic_dir(f"{place}/d", manifest=True) as there:
        (there / "sub").mkdir()
        (there / "sub/x").write_text("1")
    lamella.verify(f"{place}/d")
    assert names(place) == ["d/_manifest.json", "d/sub/x", "f.csv"]
    with pytest.raises(NotImplementedError, match="exchange"):
        with lamella.atomic_dir(f"{place}/d") as there:
            (there / "y").write_text("1")


@pytest.mark.parametrize("write", ["write_parquet", "atomic_write_csv", "atomic_write_xlsx", "stream"])
def test_tables(place, write):
    url = f"{place}/t." + {"atomic_write_csv": "csv", "atomic_write_xlsx": "xlsx"}.get(write, "parquet")
    if write == "write_parquet":
        result = lamella.write_parquet(ROWS, url, storage_options=STORAGE, manifest=True)
        assert result.rows == 2
        lamella.verify(url)
    elif write == "stream":
        with lamella.ParquetStreamWriter(url, "id: int64, name: utf8", storage_options=STORAGE) as writer:
            for row in ROWS:
                writer.write_chunk([row])
    else:
        getattr(lamella, write)(url, ROWS, storage_options=STORAGE)
    assert lamella.stat(url).bytes > 0
    if not url.endswith("xlsx"):
        assert lamella.read_parquet(url, "table", storage_options=STORAGE).to_pylist() == ROWS
        assert len(list(lamella.read_parquet_iter(url, 1))) == 2
        scan = lamella.scan(url, storage_options=STORAGE).filter("id > 1")
        assert scan.select(["name"]).to_table().to_pylist() == [{"name": "b"}] and scan.count_rows() == 1
        assert lamella.inspect_schema(url).names == ["id", "name"]


def test_an_interrupted_writer_leaves_nothing(hdfs, place):
    def rows():
        yield ROWS
        raise KeyError("in the data")

    with pytest.raises(KeyError):
        lamella.write_parquet(rows(), f"{place}/t.parquet")
    assert hdfs.shell("-ls", in_hdfs(place))[1].count(b".lamella-") == 0
    with pytest.raises(FileNotFoundError):
        lamella.read_parquet(f"{place}/t.parquet")


def test_arrow_libraries_read_it(place):
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    table = pa.table({"id": range(200_000), "text": [str(i % 1000) for i in range(200_000)]})
    lamella.write_parquet(table, f"{place}/t.parquet", row_group_size=20_000)
    scan = lamella.scan(f"{place}/t.parquet")
    assert pa.table(scan).equals(table)
    reader = lamella.read_parquet(f"{place}/t.parquet", "stream", columns=["id"])
    del scan
    assert reader.read_all().column("id").to_pylist() == list(range(200_000))
    found = lamella.scan(f"{place}/t.parquet").to_polars_lazy().filter(pl.col("id") == 123_456).collect()
    assert found.rows() == [(123_456, "456")]


def test_datasets(hdfs, place):
    root = f"{place}/data"
    result = lamella.write_to_dataset(ROWS, root, partition_cols=["name"], storage_options=STORAGE)
    assert len(result.files) == 2 and sorted(path.split("/")[-2] for path in result.files) == ["name=a", "name=b"]
    lamella.write_to_dataset(ROWS, root + "/", partition_cols=["name"])
    assert lamella.scan(root).count_rows() == 4
    assert lamella.read_parquet(root, "table", filters="name = 'b'").to_pylist() == [ROWS[1], ROWS[1]]
    with pytest.raises(FileExistsError):
        lamella.write_to_dataset(ROWS, root, mode="create")
    for mode in ("overwrite", "overwrite_partitions"):
        with pytest.raises(NotImplementedError, match="exchange"):
            lamella.write_to_dataset(ROWS, root, partition_cols=["name"], mode=mode)
    created = lamella.write_to_dataset(ROWS, f"{place}/new", partition_cols=["name"], mode="create")
    assert sorted(names(f"{place}/new")) == sorted(path[len(f"{place}/new/") :] for path in created.files)

    def broken():
        yield ROWS
        raise KeyError("in the data")

    for mode in ("append", "create"):
        with pytest.raises(KeyError):
            lamella.write_to_dataset(broken(), f"{place}/no", partition_cols=["name"], mode=mode)
    assert [info.path for info in lamella.ls(place)] == [root, f"{place}/new"]
    assert hdfs.shell("-ls", in_hdfs(place))[1].count(b".lamella-") == 0


def test_paths(hdfs, place):
    lamella.atomic_write_bytes("a", b"12345")
    assert lamella.cp("a", f"{place}/d/", check=True, storage_options=STORAGE).path == f"{place}/d/a"
    assert lamella.cp(f"{place}/d", f"{place}/e", recursive=True).path == f"{place}/e"
    assert lamella.cp(f"{hdfs.rpc_url}{in_hdfs(place)}/e/a", "b", storage_options={"conf_dir": hdfs.configuration}).bytes == 5
    info = lamella.stat(f"{place}/e/a")
    assert info.is_file and info.bytes == 5 and info.modified is not None and info.version
    with pytest.raises(OSError, match="recursive"):
        lamella.rm(f"{place}/e")
    lamella.rm(f"{place}/e", recursive=True, storage_options=STORAGE)
    with pytest.raises(FileNotFoundError):
        lamella.rm(f"{place}/e", recursive=True)
    assert names(place) == ["d/a"]
    with pytest.raises(ValueError, match="root"):
        lamella.rm(hdfs.url + "/", recursive=True)
    assert lamella.gc(place, older_than=3600) == 0
