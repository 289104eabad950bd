"""The C library through ctypes: what the interoperability tests and the benches drive it by.

Only what they need is declared. The structs are those of include/lamella/*.h, member for member, which test_lamella_c.py
holds against the headers.
"""

import ctypes as c
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(os.environ.get("LAMELLA_LIBRARY", ROOT / "build" / "liblamella.so"))

CODECS = {"none": 0, "snappy": 1, "gzip": 2, "brotli": 4, "zstd": 6, "lz4_raw": 7}
ENCODINGS = {
    "AUTO": -1,
    "PLAIN": 0,
    "RLE": 3,
    "DELTA_BINARY_PACKED": 5,
    "DELTA_LENGTH_BYTE_ARRAY": 6,
    "DELTA_BYTE_ARRAY": 7,
    "RLE_DICTIONARY": 8,
    "BYTE_STREAM_SPLIT": 9,
}


class Error(c.Structure):
    _fields_ = [
        ("code", c.c_int),
        ("os_code", c.c_int),
        ("http_code", c.c_int),
        ("retryable", c.c_bool),
        ("message", c.c_char * 1024),
    ]


class SinkOps(c.Structure):
    _fields_ = [("write", c.c_void_p), ("finish", c.c_void_p), ("abort", c.c_void_p)]


class Sink(c.Structure):
    _fields_ = [("ops", c.POINTER(SinkOps)), ("bytes", c.c_uint64), ("first_error", Error)]


class MemorySink(c.Structure):
    _fields_ = [
        ("sink", Sink),
        ("allocator", c.c_void_p),
        ("data", c.c_void_p),
        ("size", c.c_size_t),
        ("capacity", c.c_size_t),
        ("bytes_max", c.c_size_t),
    ]


class ColumnOptions(c.Structure):
    _fields_ = [
        ("path", c.c_char_p),
        ("encoding", c.c_int),
        ("codec_set", c.c_bool),
        ("codec", c.c_int),
        ("level", c.c_int32),
        ("dictionary", c.c_int),
        ("statistics", c.c_int),
        ("bloom", c.c_int),
        ("bloom_false_share", c.c_double),
        ("bloom_distinct", c.c_int64),
        ("field_id", c.c_int32),
    ]


class Sorting(c.Structure):
    _fields_ = [("path", c.c_char_p), ("descending", c.c_bool), ("nulls_first", c.c_bool)]


class KeyValue(c.Structure):
    _fields_ = [("key", c.c_char_p), ("value", c.c_char_p)]


class Options(c.Structure):
    _fields_ = [
        ("codec", c.c_int),
        ("level", c.c_int32),
        ("dictionary", c.c_bool),
        ("statistics", c.c_bool),
        ("page_index", c.c_bool),
        ("size_statistics", c.c_bool),
        ("page_crc", c.c_bool),
        ("arrow_schema", c.c_bool),
        ("data_page_version", c.c_int),
        ("row_group_rows_max", c.c_int64),
        ("row_group_bytes_max", c.c_size_t),
        ("page_bytes_max", c.c_size_t),
        ("page_rows_max", c.c_int64),
        ("dictionary_bytes_max", c.c_size_t),
        ("statistics_bytes_max", c.c_size_t),
        ("utf8_check", c.c_bool),
        ("threads", c.c_int),
        ("columns", c.POINTER(ColumnOptions)),
        ("column_count", c.c_size_t),
        ("sorting", c.POINTER(Sorting)),
        ("sorting_count", c.c_size_t),
        ("metadata", c.POINTER(KeyValue)),
        ("metadata_count", c.c_size_t),
        ("created_by", c.c_char_p),
        ("cancel", c.c_void_p),
        ("allocator", c.c_void_p),
    ]


class Result(c.Structure):
    _fields_ = [
        ("rows", c.c_int64),
        ("row_groups", c.c_int64),
        ("bytes", c.c_uint64),
        ("footer_bytes", c.c_uint64),
    ]


class FileOptions(c.Structure):
    _fields_ = [
        ("durability", c.c_int),
        ("mode", c.c_int),
        ("match", c.c_char_p),
        ("checksum", c.c_char_p),
        ("direct", c.c_int),
        ("size_expected", c.c_uint64),
        ("no_follow", c.c_bool),
        ("keep_xattrs", c.c_bool),
        ("no_parents", c.c_bool),
        ("rest", c.c_char * 256),  # zero: the defaults
    ]


class ArrowArrayStream(c.Structure):
    _fields_ = [
        ("get_schema", c.c_void_p),
        ("get_next", c.c_void_p),
        ("get_last_error", c.c_void_p),
        ("release", c.c_void_p),
        ("private_data", c.c_void_p),
    ]


class ScanOptions(c.Structure):
    _fields_ = [
        ("format", c.c_int),
        ("columns", c.POINTER(c.c_char_p)),
        ("column_count", c.c_size_t),
        ("filter", c.c_void_p),
        ("offset", c.c_uint64),
        ("limit", c.c_uint64),
        ("limited", c.c_bool),
        ("batch_rows", c.c_int64),
        ("memory_bytes_max", c.c_size_t),
        ("threads", c.c_int),
        ("dictionaries", c.c_int),
        ("page_bytes_max", c.c_size_t),
        ("int96_per_second", c.c_int),
        ("schema", c.c_void_p),
        ("types", c.c_void_p),
        ("csv", c.c_void_p),
        ("without_rows", c.c_bool),
        ("has_version", c.c_bool),
        ("has_time", c.c_bool),
        ("version", c.c_int64),
        ("time_ms", c.c_int64),
        ("cancel", c.c_void_p),
        ("storage", c.c_void_p),
        ("allocator", c.c_void_p),
        ("rest", c.c_char * 256),  # zero: the defaults
    ]


class CsvWriteOptions(c.Structure):
    _fields_ = [
        ("no_header", c.c_bool),
        ("separator", c.c_char),
        ("quote", c.c_char),
        ("escape", c.c_char),
        ("quoting", c.c_int),
        ("crlf", c.c_bool),
        ("bom", c.c_bool),
        ("null_text", c.c_char_p),
        ("true_text", c.c_char_p),
        ("false_text", c.c_char_p),
        ("nan_text", c.c_char_p),
        ("float_fixed", c.c_bool),
        ("float_places", c.c_int),
        ("date_format", c.c_char_p),
        ("time_format", c.c_char_p),
        ("timestamp_format", c.c_char_p),
        ("timezone", c.c_char_p),
        ("binary", c.c_int),
        ("nested", c.c_int),
        ("guard_formulas", c.c_bool),
        ("compression", c.c_int),
        ("level_set", c.c_bool),
        ("level", c.c_int),
        ("threads", c.c_int),
        ("cancel", c.c_void_p),
        ("allocator", c.c_void_p),
    ]


class SourceOps(c.Structure):
    _fields_ = [(name, c.c_void_p) for name in ("read", "view", "close", "passed", "coming")]


class Source(c.Structure):
    _fields_ = [("ops", c.POINTER(SourceOps)), ("size", c.c_uint64), ("name", c.c_char_p)]


class MemorySource(c.Structure):
    _fields_ = [("source", Source), ("data", c.c_void_p)]


class ReaderOptions(c.Structure):
    _fields_ = [
        ("crc_check", c.c_bool),
        ("without_row_groups", c.c_bool),
        ("no_views", c.c_bool),
        ("page_bytes_max", c.c_size_t),
        ("allocator", c.c_void_p),
    ]


class ReadOptions(c.Structure):
    _fields_ = [
        ("columns", c.POINTER(c.c_char_p)),
        ("column_count", c.c_size_t),
        ("row_groups", c.POINTER(c.c_int64)),
        ("row_group_count", c.c_size_t),
        ("row_first", c.c_int64),
        ("row_count", c.c_int64),
        ("batch_rows", c.c_int64),
        ("memory_bytes_max", c.c_size_t),
        ("threads", c.c_int),
        ("dictionaries", c.c_int),
        ("ignore_arrow_schema", c.c_bool),
        ("utf8_unchecked", c.c_bool),
        ("int96_per_second", c.c_int),
        ("cancel", c.c_void_p),
        ("filter", c.c_void_p),
        ("no_pruning", c.c_bool),
        ("counts", c.c_void_p),
        ("rest", c.c_char * 256),  # zero: the defaults
    ]


class ReadCounts(c.Structure):
    _fields_ = [
        (name, c.c_int64)
        for name in (
            "row_groups",
            "row_groups_by_statistics",
            "row_groups_by_bloom",
            "row_groups_by_dictionary",
            "row_groups_by_pages",
            "rows",
            "rows_by_values",
            "rows_filtered",
            "rows_selected",
            "pages_read",
            "bytes_read",
        )
    ]


OPEN_PART = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_size_t, c.POINTER(c.POINTER(Source)), c.POINTER(Error))


class MergeSources(c.Structure):
    _fields_ = [("count", c.c_size_t), ("open", OPEN_PART), ("copy", c.c_void_p), ("context", c.c_void_p)]


class MergeOptions(c.Structure):
    _fields_ = [
        ("rewrite", c.c_bool),
        ("small_rows", c.c_int64),
        ("small_bytes", c.c_uint64),
        ("write", c.POINTER(Options)),
        ("pairs", c.c_int),
        ("alignment", c.c_uint32),
        ("cancel", c.c_void_p),
        ("allocator", c.c_void_p),
    ]


class MergeSummary(c.Structure):
    _fields_ = [
        ("files", c.c_size_t),
        ("rows", c.c_int64),
        ("row_groups_carried", c.c_int64),
        ("row_groups_rewritten", c.c_int64),
        ("bytes_carried", c.c_uint64),
        ("bytes_rewritten", c.c_uint64),
        ("columns", c.c_size_t),
        ("files_widened", c.c_size_t),
        ("pairs_dropped", c.c_size_t),
        ("created_by_kept", c.c_bool),
        ("arrow_schema_kept", c.c_bool),
    ]


class CsvReport(c.Structure):
    _fields_ = [("rows_skipped", c.c_uint64), ("first_skipped_line", c.c_uint64)]


class CsvReadOptions(c.Structure):
    _fields_ = [
        ("separator", c.c_char),
        ("quote", c.c_char),
        ("no_quotes", c.c_bool),
        ("escape", c.c_char),
        ("header", c.c_int),
        ("null_texts", c.POINTER(c.c_char_p)),
        ("null_count", c.c_size_t),
        ("all_text", c.c_bool),
        ("schema", c.c_void_p),
        ("found", c.c_void_p),
        ("columns", c.POINTER(c.c_char_p)),
        ("column_count", c.c_size_t),
        ("whole_sample", c.c_bool),
        ("ragged", c.c_int),
        ("replace_invalid", c.c_bool),
        ("sample_bytes", c.c_size_t),
        ("row_bytes_max", c.c_size_t),
        ("lines_skipped", c.c_size_t),
        ("report", c.POINTER(CsvReport)),
        ("threads", c.c_int),
        ("cancel", c.c_void_p),
    ]


library = c.CDLL(str(LIBRARY))
library.lm_parquet_options_default.restype = Options
library.lm_file_sink.restype = c.c_void_p
library.lm_status_name.restype = c.c_char_p


class LamellaError(Exception):
    def __init__(self, status, error):
        self.status = library.lm_status_name(status).decode()
        super().__init__(f"{self.status}: {error.message.decode(errors='replace')}")


def check(status, error):
    if status:
        raise LamellaError(status, error)


def options(columns=None, sorting=None, metadata=None, **settings):
    """lm_parquet_options; `columns` is {path: {member: value}}. Codecs and encodings by name."""
    made = library.lm_parquet_options_default()
    for name, value in settings.items():
        setattr(made, name, CODECS[value] if name == "codec" else value)
    if columns:
        made.columns = (ColumnOptions * len(columns))()
        made.column_count = len(columns)
        for slot, (path, wanted) in zip(made.columns, columns.items()):
            slot.path, slot.encoding, slot.field_id = path.encode(), -1, -1
            for name, value in wanted.items():
                if name == "codec":
                    slot.codec_set, slot.level, value = True, -(2**31), CODECS[value]
                setattr(slot, name, ENCODINGS[value] if name == "encoding" else value)
    if sorting:
        made.sorting = (Sorting * len(sorting))(*[Sorting(p.encode(), d, n) for p, d, n in sorting])
        made.sorting_count = len(sorting)
    if metadata:
        pairs = [KeyValue(k.encode(), v.encode()) for k, v in metadata.items()]
        made.metadata = (KeyValue * len(pairs))(*pairs)
        made.metadata_count = len(pairs)
    return made


def keeping_allocator(bytes_max):
    """For `allocator=` of read(); never closed."""
    allocator, error = c.c_void_p(), Error()
    check(
        library.lm_keeping_allocator_new(None, c.c_size_t(bytes_max), c.byref(allocator), c.byref(error)), error
    )
    return allocator


def _stream(data):
    """An ArrowArrayStream of a pyarrow Table or RecordBatchReader."""
    reader = data.to_reader() if hasattr(data, "to_reader") else data
    stream = ArrowArrayStream()
    reader._export_to_c(c.addressof(stream))
    return stream


def _bytes(write, data, made):
    """What `write`, a function of the library, puts into a sink in memory."""
    sink, error = MemorySink(), Error()
    library.lm_memory_sink_init(c.byref(sink), None, c.c_size_t(2**40))
    stream = _stream(data)
    try:
        check(write(c.byref(sink), c.byref(stream), c.byref(made), None, c.byref(error)), error)
        return c.string_at(sink.data, sink.size)
    finally:
        library.lm_memory_sink_deinit(c.byref(sink))


def csv_bytes(data, **settings):
    """The bytes of the CSV that the library writes; `settings` are members of lm_csv_write_options."""
    return _bytes(library.lm_csv_write_stream, data, CsvWriteOptions(**settings))


def _publish(write, data, path, made, durability):
    error, publication = Error(), c.c_void_p()
    file_options = FileOptions(durability=durability)
    check(
        library.lm_file_open(
            os.fsencode(path), c.byref(file_options), c.byref(publication), c.byref(error)
        ),
        error,
    )
    try:
        sink, stream = c.c_void_p(library.lm_file_sink(publication)), _stream(data)
        check(write(sink, c.byref(stream), c.byref(made), None, c.byref(error)), error)
        check(library.lm_file_finish(publication, None, c.byref(error)), error)
    finally:
        library.lm_file_close(publication)


def write_csv(data, path, durability=0, **settings):
    """Published at `path`: durability 0 full, 1 file, 2 none."""
    _publish(library.lm_csv_write_stream, data, path, CsvWriteOptions(**settings), durability)


def parquet_bytes(data, made=None):
    """The bytes of the Parquet file that the library writes."""
    sink, error, result = MemorySink(), Error(), Result()
    library.lm_memory_sink_init(c.byref(sink), None, c.c_size_t(2**40))
    stream = _stream(data)
    made = made or options()
    try:
        check(
            library.lm_parquet_write_stream(
                c.byref(sink), c.byref(stream), c.byref(made), c.byref(result), c.byref(error)
            ),
            error,
        )
        return c.string_at(sink.data, sink.size)
    finally:
        library.lm_memory_sink_deinit(c.byref(sink))


def merge_parquet(parts, write=None, again=lambda i, data: data, **settings):
    """One Parquet file of several, all as bytes, and the summary; settings are members of
    lm_parquet_merge_options. `again` gives the bytes that part i has when it is opened."""
    sink, error, merge, held = MemorySink(), Error(), c.c_void_p(), [None]

    def open_part(_, index, out, __):
        data = again(index, parts[index])
        held[0] = (MemorySource(), c.create_string_buffer(data, len(data)), b"part%d" % index)
        library.lm_memory_source_init(c.byref(held[0][0]), held[0][1], c.c_size_t(len(data)), held[0][2])
        out[0] = c.pointer(held[0][0].source)
        return 0

    sources = MergeSources(len(parts), OPEN_PART(open_part), None, None)
    made = MergeOptions(write=c.pointer(write) if write else None, **settings)
    library.lm_parquet_merge_plan.restype = c.POINTER(MergeSummary)
    library.lm_memory_sink_init(c.byref(sink), None, c.c_size_t(2**40))
    try:
        check(
            library.lm_parquet_merge_open(c.byref(sources), c.byref(made), c.byref(merge), c.byref(error)), error
        )
        check(library.lm_parquet_merge_run(merge, c.byref(sink), None, c.byref(error)), error)
        return c.string_at(sink.data, sink.size), MergeSummary.from_buffer_copy(
            library.lm_parquet_merge_plan(merge).contents
        )
    finally:
        library.lm_parquet_merge_close(merge)
        library.lm_memory_sink_deinit(c.byref(sink))


def write_parquet(data, path, made=None, durability=0):
    """Published at `path`: durability 0 full, 1 file, 2 none."""
    error, result, publication = Error(), Result(), c.c_void_p()
    file_options = FileOptions(durability=durability)
    check(
        library.lm_file_open(
            os.fsencode(path), c.byref(file_options), c.byref(publication), c.byref(error)
        ),
        error,
    )
    try:
        sink = c.c_void_p(library.lm_file_sink(publication))
        stream = _stream(data)
        made = made or options()
        check(
            library.lm_parquet_write_stream(
                sink, c.byref(stream), c.byref(made), c.byref(result), c.byref(error)
            ),
            error,
        )
        check(library.lm_file_finish(publication, None, c.byref(error)), error)
    finally:
        library.lm_file_close(publication)
    return result


def _expression(text):
    expression, error = c.c_void_p(), Error()
    data = text.encode()
    check(library.lm_expr_parse(None, data, c.c_size_t(len(data)), c.byref(expression), c.byref(error)), error)
    return expression


def read(path, columns=None, where=None, **settings):
    """The rows of a file as a pyarrow Table, without a copy; `settings` are members of lm_scan_options."""
    import pyarrow as pa

    made, scan, error, stream = ScanOptions(**settings), c.c_void_p(), Error(), ArrowArrayStream()
    if columns is not None:
        made.columns = (c.c_char_p * len(columns))(*[name.encode() for name in columns])
        made.column_count = len(columns)
    made.filter = condition = _expression(where) if where is not None else c.c_void_p()
    status = library.lm_scan_open(os.fsencode(path), c.byref(made), c.byref(scan), c.byref(error))
    library.lm_expr_free(condition)
    check(status, error)
    status = library.lm_scan_stream(scan, c.byref(stream), c.byref(error))
    library.lm_scan_close(scan)
    check(status, error)
    return pa.RecordBatchReader._import_from_c(c.addressof(stream)).read_all()


def read_parquet(path, columns=None, where=None, counts=None, no_views=False, **settings):
    """The file's rows as a pyarrow Table, without a copy. `where` is the text of an expression, `counts` a
    ReadCounts to be filled; with `no_views` it is read by ranges, as from a store; `settings` are members of
    lm_parquet_read_options."""
    import pyarrow as pa

    made, source, reader = ReadOptions(**settings), MemorySource(), c.c_void_p()
    opened = ReaderOptions(no_views=no_views)
    error, stream = Error(), ArrowArrayStream()
    expression = _expression(where) if where is not None else c.c_void_p()
    made.filter = expression
    made.counts = c.addressof(counts) if counts is not None else None
    if columns is not None:
        made.columns = (c.c_char_p * len(columns))(*[name.encode() for name in columns])
        made.column_count = len(columns)
    mapped = pa.memory_map(os.fspath(path)).read_buffer()
    library.lm_memory_source_init(
        c.byref(source), c.c_void_p(mapped.address), c.c_size_t(mapped.size), os.fsencode(path)
    )
    check(library.lm_parquet_reader_open(c.byref(source), c.byref(opened), c.byref(reader), c.byref(error)), error)
    status = library.lm_parquet_read_stream(reader, c.byref(made), c.byref(stream), c.byref(error))
    library.lm_parquet_reader_close(reader)
    library.lm_expr_free(expression)
    check(status, error)
    return pa.RecordBatchReader._import_from_c(c.addressof(stream)).read_all()


def read_csv(data, schema=None, nulls=None, name="in.csv", **settings):
    """Rows of bytes (or of a path, mapped) as a pyarrow Table; `settings` are members of lm_csv_read_options."""
    import pyarrow as pa

    made, source, error, stream = CsvReadOptions(**settings), MemorySource(), Error(), ArrowArrayStream()
    held = pa.memory_map(os.fspath(data)).read_buffer() if not isinstance(data, bytes) else pa.py_buffer(data)
    if nulls is not None:
        made.null_texts = (c.c_char_p * len(nulls))(*nulls)
        made.null_count = len(nulls)
    parsed, name = c.c_void_p(), name.encode()
    if schema is not None:
        text = schema.encode()
        check(library.lm_schema_parse(None, text, c.c_size_t(len(text)), c.byref(parsed), c.byref(error)), error)
        made.schema = parsed
    library.lm_memory_source_init(
        c.byref(source), c.c_void_p(held.address), c.c_size_t(held.size), name
    )
    status = library.lm_csv_read_take(None, c.byref(source), c.byref(made), c.byref(stream), c.byref(error))
    library.lm_schema_free(parsed)
    check(status, error)
    return pa.RecordBatchReader._import_from_c(c.addressof(stream)).read_all()
