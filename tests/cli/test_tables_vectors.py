"""Tables whose rows were deleted by deletion vectors (Delta's, whose bitmaps CRoaring writes here): read without them."""

import base64
import json
import random
import struct
import uuid
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
pyroaring = pytest.importorskip("pyroaring", reason="pyroaring is not installed")

COUNT = 150_000
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"


def z85(data):
    return base64.b85encode(data + bytes(-len(data) % 4)).decode().translate(str.maketrans(B85, Z85))


def bitmap(rows, runs):
    made = pyroaring.BitMap64(rows)
    if runs:
        made.run_optimize()
    return struct.pack("<I", 1681511377) + made.serialize()


class Vectors:
    """Deletion vectors of a table: several in one file, or in the log itself."""

    def __init__(self, place, directory=""):
        self.id, self.directory, self.place = uuid.uuid4(), directory, place
        self.bytes = b"\x01"

    @property
    def path(self):
        return self.place / self.directory / f"deletion_vector_{self.id}.bin"

    def add(self, rows, storage="u", runs=False):
        data = bitmap(rows, runs)
        told = {"storageType": storage, "sizeInBytes": len(data), "cardinality": len(rows)}
        if storage == "i":
            return {**told, "pathOrInlineDv": z85(data)}
        told |= {"offset": len(self.bytes), "pathOrInlineDv": self.path.as_uri() if storage == "p" else self.directory + z85(self.id.bytes)}
        self.bytes += struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_bytes(self.bytes)
        return told


class Table:
    """Parts of rising ids, and how to delete rows of them."""

    def __init__(self, place, **how):
        self.place, self.rows = place, {}
        ids = pa.array(range(COUNT), pa.int64())
        text = pa.array([None if i % 7 == 0 else f"t{i}" for i in range(COUNT)])
        deltalake.write_deltalake(str(place), pa.table({"id": ids, "part": pa.array([i % 2 for i in range(COUNT)], pa.int32()), "text": text}), **how)
        self.version, self.live = 0, {}
        for add in self.actions(0, "add"):
            self.live[add["path"]] = add
            part = json.loads(add["stats"])["minValues"]["id"] if how else None
            self.rows[add["path"]] = [i for i in range(COUNT) if part is None or i % 2 == part % 2]
        self.left = set(range(COUNT))

    def actions(self, version, kind):
        text = (self.place / "_delta_log" / f"{version:020}.json").read_text()
        return [action[kind] for action in map(json.loads, text.splitlines()) if kind in action]

    def commit(self, *actions):
        self.version += 1
        text = "".join(json.dumps(action) + "\n" for action in actions)
        (self.place / "_delta_log" / f"{self.version:020}.json").write_text(text)

    def allow(self):
        features = ["deletionVectors"]
        self.commit({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}})

    def delete(self, path, positions, vector):
        """The part's vector is to be one of those positions."""
        old = self.live[path]
        new = {**old, "deletionVector": vector}
        if "stats" in old:
            new["stats"] = json.dumps({**json.loads(old["stats"]), "tightBounds": False})
        gone = {"path": path, "deletionTimestamp": 1, "dataChange": True}
        if "deletionVector" in old:
            gone["deletionVector"] = old["deletionVector"]
        self.commit({"remove": gone}, {"add": new})
        self.live[path] = new
        self.left -= {self.rows[path][i] for i in positions}


def positions_of(kind, count, rng):
    return {
        "one": {rng.randrange(count)},
        "ends": {0, count - 1},
        "few": set(rng.sample(range(count), 20)),
        "many": set(rng.sample(range(count), count // 3)),
        "every other": set(range(0, count, 2)),
        "runs": {i for first in range(0, count, 9000) for i in range(first, min(count, first + 4000))},
        "all": set(range(count)),
    }[kind]


KINDS = ["one", "ends", "few", "many", "every other", "runs", "all"]


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


@pytest.mark.parametrize("storage", ["u", "i", "p"])
@pytest.mark.parametrize("kind", KINDS)
def test_deleted_rows_are_left_out(told, tmp_path, kind, storage):
    table, rng = Table(tmp_path / "a table", **({"partition_by": ["part"]} if storage != "i" else {})), random.Random(kind + storage)
    table.allow()
    vectors = Vectors(table.place, "xy" if storage == "u" else "")
    for path, rows in table.rows.items():
        positions = positions_of(kind, len(rows), rng)
        table.delete(path, positions, vectors.add(positions, storage, runs=rng.random() < 0.5))
    left = sorted(table.left)
    read = ids(told("cat", table.place, "--columns", "id"))
    assert sorted(read) == left
    assert told("count", table.place).strip() == str(len(left))
    assert json.loads(told("verify", table.place, "--json"))["results"][0]["table"]["rows"] == len(left)
    for where, keeps in {
        "id > 149000": lambda i: i > 149000,
        "text is null": lambda i: i % 7 == 0,
        "part = 1 and id between 65000 and 66000": lambda i: i % 2 and 65000 <= i <= 66000,
        "text = 't77776'": lambda i: i == 77776,
    }.items():
        wanted = [i for i in left if keeps(i)]
        assert sorted(ids(told("cat", table.place, "--where", where, "--columns", "id"))) == wanted
        assert told("count", table.place, "--where", where).strip() == str(len(wanted))
    for offset in (0, len(left) // 3, len(left) - 5):
        assert ids(told("cat", table.place, "--columns", "id", "--offset", max(offset, 0), "--limit", 7)) == read[max(offset, 0) :][:7]
    assert told("count", table.place, "--version", 0).strip() == str(COUNT)


def test_a_vector_takes_the_place_of_another(told, tmp_path):
    """Each version has its own; of parts without statistics the rows are counted."""
    table, rng, counts = Table(tmp_path / "table"), random.Random(5), []
    table.allow()
    (path,) = table.rows
    table.live[path].pop("stats")
    vectors, positions = Vectors(table.place), set()
    for kind in ("one", "few", "runs", "many"):
        positions |= positions_of(kind, COUNT, rng)
        table.delete(path, positions, vectors.add(positions))
        counts.append(COUNT - len(positions))
    for version, count in enumerate(counts, 2):
        assert told("count", table.place, "--version", version).strip() == str(count)
    old = table.live[path]
    table.commit({"remove": {"path": path, "deletionTimestamp": 1, "deletionVector": old["deletionVector"]}}, {"add": table.actions(0, "add")[0]})
    assert told("count", table.place).strip() == str(COUNT)


@pytest.mark.parametrize("required", [False, True])
def test_vectors_in_a_checkpoint(told, tmp_path, required):
    """Whose columns may be required within the vector: then those of a part without one have values."""
    table = Table(tmp_path / "table", partition_by=["part"])
    table.allow()
    vectors = Vectors(table.place)
    path = list(table.rows)[-1]
    table.delete(path, {1, 2}, vectors.add({1, 2}))
    table.delete(path, {1, 2, 3}, vectors.add({1, 2, 3}, "i"))
    log = table.place / "_delta_log"
    metadata = table.actions(0, "metaData")[0]
    columns = ("path", "size", "modificationTime", "dataChange", "stats", "deletionVector")
    adds = [{**{key: add.get(key) for key in columns}, "partitionValues": list(add["partitionValues"].items())} for add in table.live.values()]
    types = {"storageType": pa.string(), "pathOrInlineDv": pa.string(), "offset": pa.int32(), "sizeInBytes": pa.int32(), "cardinality": pa.int64()}
    vector = pa.struct([pa.field(name, kind, nullable=not required or name == "offset") for name, kind in types.items()])
    words = pa.map_(pa.string(), pa.string())
    add = pa.struct([("path", pa.string()), ("partitionValues", words), ("size", pa.int64()), ("modificationTime", pa.int64()), ("dataChange", pa.bool_()), ("stats", pa.string()), ("deletionVector", vector)])
    protocol = pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32()), ("readerFeatures", pa.list_(pa.string())), ("writerFeatures", pa.list_(pa.string()))])
    meta = pa.struct([("id", pa.string()), ("schemaString", pa.string()), ("partitionColumns", pa.list_(pa.string()))])
    none = [None] * len(adds)
    checkpoint = pa.table({
        "protocol": pa.array([*table.actions(1, "protocol"), None, *none], protocol),
        "metaData": pa.array([None, {key: metadata[key] for key in ("id", "schemaString", "partitionColumns")}, *none], meta),
        "add": pa.array([None, None, *adds], add),
    })  # fmt: skip
    pq.write_table(checkpoint, log / f"{table.version:020}.checkpoint.parquet")
    for version in range(table.version):
        (log / f"{version:020}.json").unlink()
    assert sorted(ids(told("cat", table.place))) == sorted(table.left)
    assert len(table.left) == COUNT - 3
    # An entry after it that takes a part away, by its vector; and one that means the part without.
    gone = {"path": path, "deletionTimestamp": 1, "deletionVector": table.live[path]["deletionVector"]}
    table.commit({"remove": {"path": path, "deletionTimestamp": 1}})
    assert told("count", table.place).strip() == str(COUNT - 3)
    table.commit({"remove": gone})
    assert told("count", table.place).strip() == str(COUNT // 2)


def test_writing_is_refused_by_name(told, tmp_path):
    table = Table(tmp_path / "table")
    table.allow()
    (path,) = table.rows
    table.delete(path, {7}, Vectors(table.place).add({7}, "i"))
    before = sorted(tmp_path.rglob("*"))
    for words in (["compact"], ["delete", "--all"], ["vacuum", "--retention", "0s", "--force"]):
        assert "deletionVectors" in told(words[0], table.place, *words[1:], status=1), words
    assert "deletion vector, of which a manifest cannot tell" in told("repair", table.place, status=1)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_damaged_is_told(told, tmp_path):
    table = Table(tmp_path / "table")
    table.allow()
    (path,) = table.rows
    vectors = Vectors(table.place)
    table.delete(path, {7}, vectors.add({7}))
    vectors.path.write_bytes(vectors.bytes[:-1] + b"?")
    for command in ("cat", "verify"):
        assert f"{vectors.path.name}: the deletion vector is damaged: its CRC is not so" in told(command, table.place, status=3)
    vectors.path.unlink()
    assert vectors.path.name in told("cat", table.place, status=9)
    assert f"missing: cannot open {vectors.path}" in told("verify", table.place, status=9)
    table.delete(path, {7}, vectors.add({7, COUNT}, "i"))
    for command in ("cat", "verify"):
        assert f"{COUNT}" in told(command, table.place, status=3)
