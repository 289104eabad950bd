"""Parquet files byte by byte, of kinds that no library writes, and the canonical text of what is in them.

Independent of Lamella: Thrift, levels, pages and encodings are made here by the format's description, and the expected text
by docs/canonical.md from the values themselves.

A row is a list of the values of its columns: of an optional one the value or None, of a repeated one a list, of a group a
list again. Numbers are int and float, INT96, byte arrays and fixed ones are bytes.
"""
import dataclasses
import gzip
import io
import math
import random
import struct
import zlib

import cramjam
import numpy as np

# Thrift, the compact protocol.

BOOL, I8, I32, I64, BYTES, LIST, STRUCT = 1, 3, 5, 6, 8, 9, 12


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def zigzag(n):
    return varint(n << 1 if n >= 0 else -n * 2 - 1)


def thrift_value(kind, value):
    if kind == I8:
        return struct.pack("b", value)
    if kind in (I32, I64):
        return zigzag(value)
    if kind == BYTES:
        value = value.encode() if isinstance(value, str) else value
        return varint(len(value)) + value
    if kind == STRUCT:
        return value
    if kind == BOOL:
        return bytes([1 if value else 2])
    of, items = value
    head = bytes([len(items) << 4 | of]) if len(items) < 15 else bytes([0xF0 | of]) + varint(len(items))
    return head + b"".join(thrift_value(of, item) for item in items)


def thrift(*fields, long_ids=False):
    """A struct of (id, kind, value); fields without a value are left out."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        if value is None:
            continue
        wire = kind if kind != BOOL else 1 if value else 2
        if long_ids or not 0 < number - last < 16:
            out += bytes([wire]) + zigzag(number)
        else:
            out.append(number - last << 4 | wire)
        out += b"" if kind == BOOL else thrift_value(kind, value)
        last = number
    return bytes(out) + b"\0"


# Schemas.

TYPES = {name: i for i, name in enumerate("BOOLEAN INT32 INT64 INT96 FLOAT DOUBLE BYTE_ARRAY FIXED".split())}
CONVERTED = {
    name: i
    for i, name in enumerate(
        "UTF8 MAP MAP_KEY_VALUE LIST ENUM DECIMAL DATE TIME_MILLIS TIME_MICROS TIMESTAMP_MILLIS TIMESTAMP_MICROS UINT_8 UINT_16"
        " UINT_32 UINT_64 INT_8 INT_16 INT_32 INT_64 JSON BSON INTERVAL".split()
    )
}
LOGICAL = {
    "STRING": 1, "MAP": 2, "LIST": 3, "ENUM": 4, "DECIMAL": 5, "DATE": 6, "TIME": 7, "TIMESTAMP": 8, "INTEGER": 10,
    "UNKNOWN": 11, "JSON": 12, "BSON": 13, "UUID": 14, "FLOAT16": 15, "VARIANT": 16, "GEOMETRY": 17, "GEOGRAPHY": 18, "FILE": 19,
}  # fmt: skip
UNITS = {"ms": 1, "us": 2, "ns": 3}
PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclasses.dataclass
class Node:
    """`mode` is r(equired), o(ptional) or * (repeated). `logical` is a name or number, or that and what it takes."""

    name: str
    mode: str
    type: str | None = None
    width: int | None = None
    converted: str | int | None = None
    logical: object = None
    scale: int | None = None
    precision: int | None = None
    children: list | None = None
    number: int | None = None  # what is told of its physical type,
    repetition: int | None = None  # and of its mode, whatever they are
    parent: "Node | None" = dataclasses.field(default=None, repr=False)

    def __post_init__(self):
        for child in self.children or []:
            child.parent = self

    def leaves(self):
        return [self] if self.children is None else [leaf for child in self.children for leaf in child.leaves()]

    def above(self):
        """From the column down to this one."""
        return [] if self.parent is None else [*self.parent.above(), self]

    def levels(self):
        """The greatest definition and repetition level."""
        return sum(n.mode != "r" for n in self.above()), sum(n.mode == "*" for n in self.above())


def root(*columns):
    return Node("schema", "r", children=list(columns))


def named(logical):
    return logical if isinstance(logical, tuple) else (logical, {})


def logical_type(logical):
    if logical is None:
        return None
    name, said = named(logical)
    if isinstance(name, int):
        return thrift((name, STRUCT, thrift()))
    fields = []
    if name == "DECIMAL":
        fields = [(1, I32, said["scale"]), (2, I32, said["precision"])]
    elif name in ("TIME", "TIMESTAMP"):
        fields = [(1, BOOL, said["utc"]), (2, STRUCT, thrift((UNITS.get(said["unit"], 7), STRUCT, thrift())))]
    elif name == "INTEGER":
        fields = [(1, I8, said["bits"]), (2, BOOL, said["signed"])]
    return thrift((LOGICAL[name], STRUCT, thrift(*fields)))


def type_number(node):
    return TYPES[node.type] if node.number is None else node.number


def schema_elements(node):
    yield thrift(
        (1, I32, type_number(node) if node.type else None),
        (2, I32, node.width),
        (3, I32, node.repetition if node.repetition is not None else "ro*".index(node.mode) if node.parent else None),
        (4, BYTES, node.name),
        (5, I32, None if node.children is None else len(node.children)),
        (6, I32, CONVERTED.get(node.converted, node.converted)),
        (7, I32, node.scale),
        (8, I32, node.precision),
        (10, STRUCT, logical_type(node.logical)),
    )
    for child in node.children or []:
        yield from schema_elements(child)


def shred(schema, rows):
    """Of each leaf its entries: (repetition, definition, value)."""
    leaves = schema.leaves()
    columns = {id(leaf): [] for leaf in leaves}

    def there(node, value, repetition, definition, depth):
        if node.children is None:
            columns[id(node)].append((repetition, definition, value))
        for child, part in zip(node.children or [], value if node.children else []):
            field(child, part, repetition, definition, depth)

    def field(node, value, repetition, definition, depth):
        if node.mode == "r":
            there(node, value, repetition, definition, depth)
        elif value is None or value == [] and node.mode == "*":
            for leaf in node.leaves():
                columns[id(leaf)].append((repetition, definition, None))
        elif node.mode == "o":
            there(node, value, repetition, definition + 1, depth)
        else:
            for i, item in enumerate(value):
                there(node, item, depth + 1 if i else repetition, definition + 1, depth + 1)

    for row in rows:
        there(schema, row, 0, 0, 0)
    return [(leaf, columns[id(leaf)]) for leaf in leaves]


# Encodings.


def bit_packed(values, width):
    whole = sum(value << i * width for i, value in enumerate(values))
    return whole.to_bytes((len(values) * width + 7) // 8, "little")


def bit_packed_levels(values, width):
    """The deprecated BIT_PACKED, from the most significant bit on."""
    text = "".join(f"{value:0{width}b}" for value in values)
    text += "0" * (-len(text) % 8)
    return int(text or "0", 2).to_bytes(len(text) // 8, "big")


def hybrid(values, width, rng):
    """Runs and bit-packed groups as it falls; the last group whole, or only its bytes that are needed."""
    out, at = bytearray(), 0
    while at < len(values):
        run = at
        while run < len(values) and values[run] == values[at]:
            run += 1
        run -= at
        if run >= rng.choice([1, 4, 8]):
            run = rng.randint(1, run) if rng.random() < 0.3 else run
            out += varint(run << 1) + values[at].to_bytes((width + 7) // 8, "little")
            at += run
            continue
        groups = min(rng.randint(1, 4), (len(values) - at + 7) // 8)
        some = values[at : at + 8 * groups]
        cut = at + 8 * groups >= len(values) and rng.random() < 0.2
        out += varint(groups << 1 | 1) + bit_packed(some if cut else some + [0] * (8 * groups - len(some)), width)
        at += 8 * groups
    return bytes(out)


def delta(values, bits, rng):
    block, count = rng.choice([(128, 4), (128, 1), (256, 8), (128, 2), (384, 4), (1024, 32)])
    mask, half = (1 << bits) - 1, 1 << bits - 1
    out = bytearray(varint(block) + varint(count) + varint(len(values)) + zigzag(values[0] if values else 0))
    deltas = [((b - a + half) & mask) - half for a, b in zip(values, values[1:])]
    for at in range(0, len(deltas), block):
        some = deltas[at : at + block]
        least, each = min(some), block // count
        out += zigzag(least)
        widths, bodies = bytearray(), bytearray()
        for i in range(0, block, each):
            mini = [(d - least) & mask for d in some[i : i + each]]
            width = max(mini, default=0).bit_length() if mini else rng.choice([0, 7, 255])
            widths.append(width)
            bodies += bit_packed(mini + [0] * (each - len(mini)), width) if mini else b""
        out += widths + bodies
    return bytes(out)


def delta_lengths(values, rng):
    return delta([len(value) for value in values], 32, rng) + b"".join(values)


def delta_strings(values, rng):
    shared, rest, last = [], [], b""
    for value in values:
        most = min(len(value), len(last))
        same = next((i for i in range(most) if value[i] != last[i]), most)
        same = rng.randint(0, same) if rng.random() < 0.2 else same
        shared.append(same)
        rest.append(value[same:])
        last = value
    return delta(shared, 32, rng) + delta_lengths(rest, rng)


def alp_vector(values, real, whole, exponents, rng):
    """Powers as they fall; what does not come back by them bit for bit is an exception."""
    exponent = rng.randint(0, exponents)
    factor = rng.randint(0, exponent)
    up, down = (real(f"1e{factor}"), real(f"1e-{exponent}"))
    with np.errstate(all="ignore"):
        scaled = np.rint(values * real(f"1e{exponent}") * real(f"1e-{factor}"))
        limit = real(2.0 ** (8 * scaled.itemsize - 2))
        scaled = np.where(np.abs(scaled) < limit, scaled, 0).astype(whole)
        back = scaled.astype(real) * up * down
    places = [i for i in range(len(values)) if back[i].tobytes() != values[i].tobytes()]
    scaled[places] = next((scaled[i] for i in range(len(values)) if i not in places), 0)
    least = int(scaled.min())
    differences = [int(value) - least for value in scaled]
    width = max(differences).bit_length()
    head = struct.pack("<BBH", exponent, factor, len(places)) + whole(least).tobytes() + bytes([width])
    body = bit_packed(differences, width) + struct.pack(f"<{len(places)}H", *places)
    return head + body + b"".join(values[i].tobytes() for i in places)


def alp(leaf, values, rng):
    kinds = {"FLOAT": (np.float32, np.int32, 10), "DOUBLE": (np.float64, np.int64, 18)}
    real, log = kinds[leaf.type][0], rng.choice([3, 4, 5, 8, 10, 15])
    numbers = np.frombuffer(plain(leaf, values), real)
    vectors = [alp_vector(numbers[i : i + (1 << log)], *kinds[leaf.type], rng) for i in range(0, len(numbers), 1 << log)]
    starts = np.cumsum([4 * len(vectors)] + [len(vector) for vector in vectors])[:-1]
    return struct.pack("<BBBi", 0, 0, log, len(values)) + starts.astype("<u4").tobytes() + b"".join(vectors)


def stored(leaf, value):
    formats = {"INT32": "<i", "INT64": "<q", "FLOAT": "<f", "DOUBLE": "<d"}
    return struct.pack(formats[leaf.type], value) if leaf.type in formats else value


def plain(leaf, values):
    if leaf.type == "BOOLEAN":
        return bit_packed([int(value) for value in values], 1)
    if leaf.type == "BYTE_ARRAY":
        return b"".join(struct.pack("<I", len(value)) + value for value in values)
    return b"".join(stored(leaf, value) for value in values)


ENCODINGS = {
    "PLAIN": 0, "PLAIN_DICTIONARY": 2, "RLE": 3, "BIT_PACKED": 4, "DELTA_BINARY_PACKED": 5, "DELTA_LENGTH_BYTE_ARRAY": 6,
    "DELTA_BYTE_ARRAY": 7, "RLE_DICTIONARY": 8, "BYTE_STREAM_SPLIT": 9, "ALP": 10,
}  # fmt: skip


def encoded(leaf, values, encoding, rng):
    if encoding == "PLAIN":
        return plain(leaf, values)
    if encoding == "RLE":
        body = hybrid([int(value) for value in values], 1, rng)
        return struct.pack("<I", len(body)) + body
    if encoding == "DELTA_BINARY_PACKED":
        return delta(values, 32 if leaf.type == "INT32" else 64, rng)
    if encoding == "DELTA_LENGTH_BYTE_ARRAY":
        return delta_lengths(values, rng)
    if encoding == "DELTA_BYTE_ARRAY":
        return delta_strings(values, rng)
    if encoding == "ALP":
        return alp(leaf, values, rng)
    parts = [stored(leaf, value) for value in values]
    return b"".join(bytes(part[i] for part in parts) for i in range(len(parts[0]) if parts else 0))


def encodings_of(leaf):
    many = {
        "BOOLEAN": ["RLE"],
        "INT32": ["DICTIONARY", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
        "INT64": ["DICTIONARY", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
        "FLOAT": ["DICTIONARY", "BYTE_STREAM_SPLIT", "ALP"],
        "DOUBLE": ["DICTIONARY", "BYTE_STREAM_SPLIT", "ALP"],
        "INT96": ["DICTIONARY"],
        "BYTE_ARRAY": ["DICTIONARY", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
        "FIXED": ["DICTIONARY", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"],
    }
    return ["PLAIN", *many[leaf.type]]


# Codecs.

CODECS = {"NONE": 0, "SNAPPY": 1, "GZIP": 2, "BROTLI": 4, "LZ4": 5, "ZSTD": 6, "LZ4_RAW": 7}


def lz4_block(data):
    return bytes(cramjam.lz4.compress_block(data, store_size=False))


def lz4_of_old(data, how, cut):
    """Whatever was ever written as LZ4: a bare block, a frame, Hadoop's framing of one piece, of several, and in parts."""
    hadoop = lambda part, *blocks: struct.pack(">I", len(part)) + b"".join(struct.pack(">I", len(b)) + b for b in blocks)  # noqa: E731
    halves = [half for half in (data[:cut], data[cut:]) if half]
    if how == "block":
        return lz4_block(data)
    if how == "frame":
        return bytes(cramjam.lz4.compress(data))
    if how == "pieces":
        return b"".join(hadoop(half, lz4_block(half)) for half in halves)
    if how == "parts" and halves:
        return hadoop(data, *(lz4_block(half) for half in halves))
    return hadoop(data, lz4_block(data))


def compressed(codec, data, rng):
    cut = rng.randint(0, len(data))
    if codec == "SNAPPY":
        return bytes(cramjam.snappy.compress_raw(data))
    if codec == "BROTLI":
        return bytes(cramjam.brotli.compress(data))
    if codec == "LZ4_RAW":
        return lz4_block(data)
    if codec == "LZ4":
        return lz4_of_old(data, rng.choice(["block", "frame", "hadoop", "pieces", "parts"]), cut)
    if codec == "GZIP":
        with io.BytesIO() as out:
            gzip.GzipFile("a name", "wb", fileobj=out, mtime=7).write(data)
            named_member = out.getvalue()
        members = gzip.compress(data[:cut]) + gzip.compress(data[cut:])
        return rng.choice([gzip.compress(data), members])
    if codec == "ZSTD":
        skipped = struct.pack("<II", 0x184D2A50 + rng.randint(0, 15), 3) + b"xyz"
        frames = bytes(cramjam.zstd.compress(data[:cut])) + rng.choice([b"", skipped]) + bytes(cramjam.zstd.compress(data[cut:]))
        return rng.choice([bytes(cramjam.zstd.compress(data)), frames])
    return data


# Chunks and files.


@dataclasses.dataclass
class Ways:
    """How a file is written; what is not said here falls as it falls."""

    codecs: list = dataclasses.field(default_factory=lambda: list(CODECS))
    encodings: list | None = None
    page_entries: tuple = (1, 3, 10, 50, 1000, 100000)
    group_rows: tuple = (7, 100, 100000)
    v2: bool | None = None
    mixed: bool = False  # encodings in one chunk
    empty_pages: bool = False
    empty_groups: bool = False
    rows_in_pieces: bool = False  # pages begin in the middle of rows
    bit_packed_levels: bool = False
    index_pages: bool = False
    offset_index: bool = False
    column_index: bool = False
    statistics: bool = False
    paths: bool = True
    orders: list | None = None  # of each column the member of ColumnOrder
    crc: bool = False
    long_ids: bool = False  # Thrift's long form of field headers
    created_by: str = "tests"


def order_of(leaf):
    """The key by which its values are ordered, where the format has an order that needs no choice; else None."""
    name, said = meaning(leaf)
    if name == "UNKNOWN" or leaf.type in ("FLOAT", "DOUBLE") or name in ("FLOAT16", "INTERVAL", "GEOMETRY", "GEOGRAPHY"):
        return None
    if leaf.type == "INT96":
        return lambda value: struct.unpack("<qi", value)[::-1]
    if is_wide_time(leaf):
        return lambda value: int.from_bytes(value, "little", signed=True)
    if leaf.type in ("INT32", "INT64"):
        mask = (1 << int(leaf.type[3:])) - 1 if name == "INTEGER" and not said["signed"] else -1
        return lambda value: value & mask
    if name == "DECIMAL":
        return lambda value: int.from_bytes(value, "big", signed=True)
    return lambda value: value


def bounds_of(leaf, values):
    """The least and the greatest as they are stored, of values that have an order."""
    key = order_of(leaf)
    if not key or not values:
        return None, None
    return plain_one(leaf, min(values, key=key)), plain_one(leaf, max(values, key=key))


def plain_one(leaf, value):
    return bytes([value]) if leaf.type == "BOOLEAN" else stored(leaf, value)


def statistics(leaf, entries):
    """Statistics of the entries of a chunk."""
    values = [value for _, definition, value in entries if definition == leaf.levels()[0]]
    least, most = bounds_of(leaf, values)
    return thrift((3, I64, len(entries) - len(values)), (5, BYTES, most), (6, BYTES, least))


def column_index(leaf, pages):
    """ColumnIndex of the entries of each page; None where a page with values has no bounds."""
    nulls, least, most = [], [], []
    for entries in pages:
        values = [value for _, definition, value in entries if definition == leaf.levels()[0]]
        pair = bounds_of(leaf, values)
        if values and None in pair:
            return None
        nulls.append(len(entries) - len(values))
        least.append(pair[0] or b"")
        most.append(pair[1] or b"")
    empty = [len(entries) == missing for entries, missing in zip(pages, nulls)]
    return thrift(
        (1, LIST, (BOOL, empty)), (2, LIST, (BYTES, least)), (3, LIST, (BYTES, most)), (4, I32, 0), (5, LIST, (I64, nulls))
    )


def page_cuts(entries, rng, ways):
    cuts = [0]
    while cuts[-1] < len(entries):
        cut = min(len(entries), cuts[-1] + rng.choice(ways.page_entries))
        while not ways.rows_in_pieces and cut < len(entries) and entries[cut][0] != 0:
            cut += 1
        cuts.append(cut)
    pages = list(zip(cuts, cuts[1:]))
    if ways.empty_pages:
        at = rng.randint(0, len(pages))
        where = pages[at][0] if at < len(pages) else len(entries)
        pages.insert(at, (where, where))
    return pages


def signed(crc):
    return crc - (1 << 32) if crc >> 31 else crc


class ChunkWriter:
    def __init__(self, out, leaf, entries, rng, ways):
        self.out, self.leaf, self.entries, self.rng, self.ways = out, leaf, entries, rng, ways
        self.definition, self.repetition = leaf.levels()
        self.codec = rng.choice(ways.codecs)
        self.uncompressed, self.used, self.locations, self.pages, self.row = 0, set(), [], [], 0
        self.values = [value for _, definition, value in entries if definition == self.definition]

    def page(self, kind, size, body, *header):
        crc = signed(zlib.crc32(body)) if self.ways.crc else None
        head = thrift((1, I32, kind), (2, I32, size), (3, I32, len(body)), (4, I32, crc), *header, long_ids=self.ways.long_ids)
        self.out += head + body
        self.uncompressed += len(head) + size
        return len(head) + len(body)

    def dictionary(self):
        distinct = list({stored(self.leaf, value): value for value in self.values}.values())
        distinct += self.rng.choices(distinct, k=3) if distinct and self.rng.random() < 0.3 else []
        self.rng.shuffle(distinct)
        self.index = {stored(self.leaf, value): i for i, value in enumerate(distinct)}
        encoding = self.rng.choice(["PLAIN", "PLAIN_DICTIONARY"])
        self.used.add(encoding)
        body = plain(self.leaf, distinct)
        head = thrift((1, I32, len(distinct)), (2, I32, ENCODINGS[encoding]))
        self.page(2, len(body), compressed(self.codec, body, self.rng), (7, STRUCT, head))
        self.width = max(len(distinct) - 1, 0).bit_length()

    def body(self, values, encoding):
        """The values of a page; where there are none, often nothing at all."""
        if encoding == "DICTIONARY":
            width = min(32, self.width + self.rng.choice([0, 0, 1, 5, 20]))
            if not values and self.rng.random() < 0.3:
                return b"", "RLE_DICTIONARY"
            body = bytes([width]) + hybrid([self.index[stored(self.leaf, value)] for value in values], width, self.rng)
            return body, self.rng.choice(["RLE_DICTIONARY", "PLAIN_DICTIONARY"])
        if not values and self.rng.random() < 0.4:
            return b"", encoding
        return encoded(self.leaf, values, encoding, self.rng), encoding

    def data_page(self, first, end, encoding):
        entries, rng = self.entries[first:end], self.rng
        levels = [(self.repetition, [r for r, _, _ in entries]), (self.definition, [d for _, d, _ in entries])]
        values = [value for _, definition, value in entries if definition == self.definition]
        body, name = self.body(values, encoding)
        self.used.add(name)
        rows = sum(r == 0 for r, _, _ in entries)
        whole = (first == end or entries[0][0] == 0) and (end == len(self.entries) or self.entries[end][0] == 0)
        v2 = whole and (rng.random() < 0.5 if self.ways.v2 is None else self.ways.v2)
        at = len(self.out)
        if v2:
            parts = [hybrid(of, most.bit_length(), rng) if most else b"" for most, of in levels]
            packed = rng.choice([None, True, False])
            small = compressed(self.codec, body, rng) if packed is not False and (body or rng.random() < 0.5) else body
            head = thrift(
                (1, I32, len(entries)), (2, I32, len(entries) - len(values)), (3, I32, rows), (4, I32, ENCODINGS[name]),
                (5, I32, len(parts[1])), (6, I32, len(parts[0])), (7, BOOL, packed),
            )  # fmt: skip
            prefix = b"".join(parts)
            size = self.page(3, len(prefix) + len(body), prefix + small, (8, STRUCT, head))
        else:
            prefix, how = b"", []
            for most, of in levels:
                how.append(rng.choice(["RLE", "BIT_PACKED"]) if self.ways.bit_packed_levels or most == 0 else "RLE")
                if most and how[-1] == "RLE":
                    packed = hybrid(of, most.bit_length(), rng)
                    prefix += struct.pack("<I", len(packed)) + packed
                elif most:
                    prefix += bit_packed_levels(of, most.bit_length())
            codes = [ENCODINGS[each] for each in (name, how[1], how[0])]
            head = thrift((1, I32, len(entries)), *((i + 2, I32, code) for i, code in enumerate(codes)))
            size = self.page(0, len(prefix) + len(body), compressed(self.codec, prefix + body, rng), (5, STRUCT, head))
        self.locations.append((at, size, self.row))
        self.pages.append(entries)
        self.row += rows

    def write(self):
        """ColumnMetaData. The dictionary's place is said, or not said, as one writer or another does."""
        rng, start = self.rng, len(self.out)
        choices = self.ways.encodings or encodings_of(self.leaf)
        pages = page_cuts(self.entries, rng, self.ways)
        main, other = rng.choice(choices), rng.choice([c for c in choices if c != "DICTIONARY"] or choices)
        plan = [other if self.ways.mixed and i and rng.random() < 0.3 else main for i in range(len(pages))]
        has_dictionary = "DICTIONARY" in plan
        if has_dictionary:
            self.dictionary()
        data_at = len(self.out)
        for (first, end), encoding in zip(pages, plan):
            if self.ways.index_pages and rng.random() < 0.2:
                self.page(1, 5, b"index", (6, STRUCT, thrift()))
            self.data_page(first, end, encoding)
        dictionary_at = None
        if has_dictionary:
            dictionary_at, data_at = rng.choice([(start, data_at), (None, start), (0, start), (start, start)])
        return thrift(
            (1, I32, type_number(self.leaf)),
            (2, LIST, (I32, sorted(ENCODINGS[name] for name in self.used))),
            (3, LIST, (BYTES, [node.name for node in self.leaf.above()]) if self.ways.paths else None),
            (4, I32, CODECS[self.codec]),
            (5, I64, len(self.entries)),
            (6, I64, self.uncompressed),
            (7, I64, len(self.out) - start),
            (9, I64, data_at),
            (11, I64, dictionary_at),
            (12, STRUCT, statistics(self.leaf, self.entries) if self.ways.statistics else None),
        )


def column_chunk(out, chunk, metadata, ways):
    at = len(out)
    if not ways.offset_index or not chunk.locations:
        return thrift((2, I64, 0), (3, STRUCT, metadata))
    pages = [thrift((1, I64, place), (2, I32, size), (3, I64, row)) for place, size, row in chunk.locations]
    out += thrift((1, LIST, (STRUCT, pages)))
    end = len(out)
    index = column_index(chunk.leaf, chunk.pages) if ways.column_index else None
    out += index or b""
    return thrift(
        (2, I64, 0), (3, STRUCT, metadata), (4, I64, at), (5, I32, end - at),
        (6, I64, end if index else None), (7, I32, len(index) if index else None),
    )  # fmt: skip


def file_bytes(schema, rows, rng=None, ways=None):
    rng, ways = rng or random.Random(0), ways or Ways()
    out, groups, at = bytearray(b"PAR1"), [], 0
    while at < len(rows):
        groups.append(rows[at : at + rng.choice(ways.group_rows)])
        at += len(groups[-1])
    if ways.empty_groups:
        groups.insert(rng.randint(0, len(groups)), [])
    chunks = [[ChunkWriter(out, leaf, entries, rng, ways) for leaf, entries in shred(schema, group)] for group in groups]
    written = [[(chunk, chunk.write()) for chunk in group] for group in chunks]
    row_groups = [
        thrift((1, LIST, (STRUCT, [column_chunk(out, *each, ways) for each in group])), (2, I64, 0), (3, I64, len(rows_of)))
        for group, rows_of in zip(written, groups)
    ]
    footer = thrift(
        (1, I32, 1),
        (2, LIST, (STRUCT, list(schema_elements(schema)))),
        (3, I64, len(rows)),
        (4, LIST, (STRUCT, row_groups)),
        (6, BYTES, ways.created_by),
        (7, LIST, (STRUCT, [thrift((order, STRUCT, thrift())) for order in ways.orders]) if ways.orders else None),
        long_ids=ways.long_ids,
    )
    return bytes(out) + footer + struct.pack("<I", len(footer)) + b"PAR1"


# The canonical text (docs/canonical.md).


def quoted(text):
    letters = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    return '"' + "".join(letters.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def real_text(value, digits_most, narrow):
    if not math.isfinite(value):
        return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
    text = next(t for t in (f"{value:.{p}e}" for p in range(digits_most)) if narrow(t) == value)
    mantissa, exponent = text.split("e")
    exponent, sign = int(exponent), "-" * text.startswith("-")
    digits = mantissa.strip("-").replace(".", "").rstrip("0") or "0"
    if not -4 <= exponent < 16:
        return sign + digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{exponent:+03d}"
    if exponent < 0:
        return sign + "0." + "0" * (-exponent - 1) + digits
    digits = digits.ljust(exponent + 1, "0")
    return sign + digits[: exponent + 1] + "." + (digits[exponent + 1 :] or "0")


def date_text(days):
    """Proleptic Gregorian, by eras of 400 years that begin on a 1st of March."""
    era, day = divmod(days + 719468, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month += 3 if month < 10 else -9
    year += 400 * era + (month <= 2)
    shown = f"{year:04d}" if 0 <= year <= 9999 else f"-{-year:04d}" if year < 0 else f"+{year}"
    return f"{shown}-{month:02d}-{day:02d}"


def clock_text(value, unit):
    seconds, rest = divmod(value, PER_SECOND[unit])
    places = len(str(PER_SECOND[unit])) - 1
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:0{places}d}"


def timestamp_text(value, unit, utc):
    days, rest = divmod(value, 86400 * PER_SECOND[unit])
    return f'"{date_text(days)}T{clock_text(rest, unit)}{"Z" if utc else ""}"'


def meaning(node):
    """What the annotations say: the logical type where it is known, else the converted one; intervals have only that."""
    if node.logical is not None and (node.logical, node.converted) != ("UNKNOWN", "INTERVAL"):
        name, said = named(node.logical)
        return (name, said) if isinstance(name, str) else (None, {})
    name = node.converted if isinstance(node.converted, str) else None
    if name in ("TIME_MILLIS", "TIME_MICROS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS"):
        return name[: name.index("_")], {"utc": True, "unit": "ms" if name.endswith("MILLIS") else "us"}
    if name and name.startswith(("INT_", "UINT_")):
        return "INTEGER", {"bits": int(name[name.index("_") + 1 :]), "signed": name[0] == "I"}
    if name == "DECIMAL":
        return name, {"scale": node.scale or 0, "precision": node.precision}
    return "STRING" if name == "UTF8" else name, {}


def is_wide_time(leaf):
    """A timestamp of 96 bits, which the converted types do not have."""
    name, said = meaning(leaf)
    return (leaf.type, leaf.width, name) == ("FIXED", 12, "TIMESTAMP") and leaf.logical is not None and said["unit"] in UNITS


def integer_text(leaf, name, said, value):
    if name == "INTEGER":
        value &= (1 << said["bits"]) - 1
        return str(value - (1 << said["bits"]) if said["signed"] and value >> said["bits"] - 1 else value)
    if name == "DATE" and leaf.type == "INT32":
        return f'"{date_text(value)}"'
    if name == "TIME" and said["unit"] in UNITS:
        inside = 0 <= value < 86400 * PER_SECOND[said["unit"]]
        return f'"{clock_text(value, said["unit"])}"' if inside else str(value)
    if name == "TIMESTAMP" and said["unit"] in UNITS:
        return timestamp_text(value, said["unit"], said["utc"])
    return str(value)


def decimal_text(value, scale):
    number = value if isinstance(value, int) else int.from_bytes(value, "big", signed=True)
    digits = str(abs(number)).rjust(scale + 1, "0")
    return f'"{"-" if number < 0 else ""}{digits[: len(digits) - scale]}{"." if scale else ""}{digits[len(digits) - scale :]}"'


def leaf_text(leaf, value):
    name, said = meaning(leaf)
    if leaf.type == "BOOLEAN":
        return "true" if value else "false"
    if name == "DECIMAL" and leaf.type in ("INT32", "INT64", "BYTE_ARRAY", "FIXED"):
        return decimal_text(value, said["scale"])
    if leaf.type in ("INT32", "INT64"):
        return integer_text(leaf, name, said, value)
    if leaf.type == "DOUBLE":
        return real_text(value, 17, float)
    if leaf.type == "FLOAT":
        return real_text(value, 9, lambda text: float(np.float32(text)))
    if leaf.type == "INT96":
        nanos, day = struct.unpack("<qi", value)
        return timestamp_text((day - 2440588) * 86400 * 10**9 + nanos, "ns", False)
    if leaf.type == "BYTE_ARRAY" and name in ("STRING", "ENUM", "JSON"):
        try:
            return quoted(value.decode())
        except UnicodeDecodeError:
            return f'{{"$invalid_utf8":"{value.hex()}"}}'
    if (leaf.type, leaf.width, name) == ("FIXED", 2, "FLOAT16"):
        return real_text(float(np.frombuffer(value, "<f2")[0]), 9, lambda text: float(np.float32(text)))
    if is_wide_time(leaf):
        return timestamp_text(int.from_bytes(value, "little", signed=True), said["unit"], said["utc"])
    if (leaf.type, leaf.width, name) == ("FIXED", 12, "INTERVAL"):
        return '{{"months":{},"days":{},"millis":{}}}'.format(*struct.unpack("<III", value))
    text = value.hex()
    if (leaf.type, leaf.width, name) == ("FIXED", 16, "UUID"):
        text = "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])
    return f'"{text}"'


def is_called(node, name):
    known = node.logical is not None and isinstance(named(node.logical)[0], str)
    return (named(node.logical)[0] if known else node.converted) == name


def is_map(node):
    inner = node.children[0]
    if inner.children is None or len(inner.children) not in (1, 2):
        return False
    return is_called(node, "MAP") or is_called(node, "MAP_KEY_VALUE") and not is_called(node.parent, "MAP")


def there_text(node, value):
    if node.children is None:
        return leaf_text(node, value)
    inner = node.children[0] if len(node.children) == 1 and node.children[0].mode == "*" else None
    if inner and is_called(node, "LIST"):
        itself = inner.children is None or len(inner.children) != 1 or inner.children[0].mode == "*"
        if itself or inner.name in ("array", node.name + "_tuple"):
            return "[" + ",".join(there_text(inner, item) for item in value[0]) + "]"
        return "[" + ",".join(field_text(inner.children[0], item[0]) for item in value[0]) + "]"
    if inner and is_map(node):
        pairs = [[field_text(child, part) for child, part in zip(inner.children, item)] for item in value[0]]
        return "[" + ",".join(f"[{pair[0]},{(pair + ['null'])[1]}]" for pair in pairs) + "]"
    return "{" + ",".join(f"{quoted(child.name)}:{field_text(child, part)}" for child, part in zip(node.children, value)) + "}"


def field_text(node, value):
    if node.mode == "*":
        return "[" + ",".join(there_text(node, item) for item in value) + "]"
    return "null" if node.mode == "o" and value is None else there_text(node, value)


def canonical(schema, rows):
    return "".join(
        "{" + ",".join(f"{quoted(column.name)}:{field_text(column, value)}" for column, value in zip(schema.children, row)) + "}\n"
        for row in rows
    ).encode()
