"""The library's IPC calls by ctypes: bytes in, an Arrow stream out, and back. test_lamella_c.py holds the structs against
the headers."""

import ctypes
import itertools
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("LAMELLA_LIBRARY", ROOT / "build" / "liblamella.so")


class Error(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_int),
        ("os_code", ctypes.c_int),
        ("http_code", ctypes.c_int),
        ("retryable", ctypes.c_bool),
        ("message", ctypes.c_char * 1024),
    ]


class Failure(Exception):
    def __init__(self, status, error):
        super().__init__(f"{status}: {error.message.decode()}")
        self.status = status


CLOSE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class MemorySource(ctypes.Structure):
    _fields_ = [
        ("ops", ctypes.c_void_p),
        ("size", ctypes.c_uint64),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
    ]


class SourceOps(ctypes.Structure):
    _fields_ = [
        ("read", ctypes.c_void_p),
        ("view", ctypes.c_void_p),
        ("close", CLOSE),
        ("passed", ctypes.c_void_p),
        ("coming", ctypes.c_void_p),
    ]


# What a source or a pull borrows, by its address or number; the close gives it back.
borrowed = {}
numbers = itertools.count(1)
give_back = CLOSE(lambda key: borrowed.pop(key) and None)


def source_of(data, shift):
    """A source over a copy of the bytes, which is kept until the source is closed."""
    memory = ctypes.create_string_buffer(len(data) + 64 + shift)
    start = ctypes.addressof(memory)
    start += -start % 64 + shift
    ctypes.memmove(start, data, len(data))
    source = MemorySource()
    library.lm_memory_source_init(ctypes.byref(source), start, len(data), b"memory")
    ops = SourceOps.from_buffer_copy(SourceOps.from_address(source.ops))
    ops.close = give_back
    source.ops = ctypes.addressof(ops)
    borrowed[ctypes.addressof(source)] = source, ops, memory
    return source


class MemorySink(ctypes.Structure):
    _fields_ = [
        ("ops", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
        ("first_error", Error),
        ("allocator", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("capacity", ctypes.c_size_t),
        ("bytes_max", ctypes.c_size_t),
    ]


PULL_READ = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t), ctypes.c_void_p)


class Pull(ctypes.Structure):
    _fields_ = [
        ("read", PULL_READ),
        ("close", CLOSE),
        ("context", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
    ]


class ReadOptions(ctypes.Structure):
    _fields_ = [("open_end", ctypes.c_bool)]


class WriteOptions(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_int),
        ("codec", ctypes.c_int),
        ("level", ctypes.c_int),
        ("cancel", ctypes.c_void_p),
    ]


class Stream(ctypes.Structure):
    _fields_ = [
        ("get_schema", ctypes.c_void_p),
        ("get_next", ctypes.c_void_p),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]


library = ctypes.CDLL(str(LIBRARY))
library.lm_memory_sink_init.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
library.lm_memory_source_init.argtypes = [
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]


def pull_of(data, most):
    """A pull that hands out at most that many bytes at once."""
    left = memoryview(data)

    def read(context, buffer, size, got, error):
        nonlocal left
        piece = left[: min(size, most)]
        ctypes.memmove(buffer, bytes(piece), len(piece))
        got[0] = len(piece)
        left = left[len(piece):]
        return 0

    key = next(numbers)
    pull = Pull(PULL_READ(read), give_back, key, b"pipe")
    borrowed[key] = pull, pull.read
    return pull


def check(status, error):
    if status != 0:
        raise Failure(status, error)


class Read:
    """`reader` is a pyarrow RecordBatchReader over these bytes."""

    def __init__(self, data, shift=0, pull=None, open_end=False):
        import pyarrow

        error, stream, options = Error(), Stream(), ReadOptions(open_end)
        if pull is None:
            source = source_of(data, shift)
            status = library.lm_ipc_read_take(
                None, ctypes.byref(source), ctypes.byref(options), ctypes.byref(stream),
                ctypes.byref(error))
        else:
            source = pull_of(data, pull)
            status = library.lm_ipc_pull_take(
                None, ctypes.byref(source), ctypes.byref(options), ctypes.byref(stream),
                ctypes.byref(error))
        check(status, error)
        self.reader = pyarrow.RecordBatchReader._import_from_c(ctypes.addressof(stream))


def read(data, **options):
    return Read(data, **options).reader.read_all()


STREAM, FILE = 0, 1
UNCOMPRESSED, ZSTD, LZ4 = 0, 1, 2


def write(reader, format=STREAM, codec=UNCOMPRESSED, level=0):
    """The bytes of a pyarrow RecordBatchReader."""
    error, stream, sink = Error(), Stream(), MemorySink()
    options = WriteOptions(format, codec, level, None)
    reader._export_to_c(ctypes.addressof(stream))
    library.lm_memory_sink_init(ctypes.byref(sink), None, 1 << 40)
    try:
        check(library.lm_ipc_write_take(
            None, ctypes.byref(stream), ctypes.byref(sink), ctypes.byref(options),
            ctypes.byref(error)), error)
        return ctypes.string_at(sink.data, sink.size)
    finally:
        library.lm_memory_sink_deinit(ctypes.byref(sink))
