"""The structs that the tests declare for ctypes lie in memory as the C compiler has them."""

import ctypes
import inspect
import subprocess

import pytest

import ipc_library
import lamella_c

# "rest" stands for members that nobody sets from Python: it has room for them, and no place of its own.
STRUCTS = {
    (lamella_c, "ArrowArrayStream"): "struct ArrowArrayStream",
    (lamella_c, "ColumnOptions"): "lm_parquet_column_options",
    (lamella_c, "CsvReadOptions"): "lm_csv_read_options",
    (lamella_c, "CsvReport"): "lm_csv_report",
    (lamella_c, "CsvWriteOptions"): "lm_csv_write_options",
    (lamella_c, "Error"): "lm_error",
    (lamella_c, "FileOptions"): "lm_file_options",
    (lamella_c, "KeyValue"): "lm_parquet_key_value",
    (lamella_c, "MemorySink"): "lm_memory_sink",
    (lamella_c, "MemorySource"): "lm_memory_source",
    (lamella_c, "MergeOptions"): "lm_parquet_merge_options",
    (lamella_c, "MergeSources"): "lm_parquet_merge_sources",
    (lamella_c, "MergeSummary"): "lm_parquet_merge_summary",
    (lamella_c, "Options"): "lm_parquet_options",
    (lamella_c, "ReadCounts"): "lm_parquet_read_counts",
    (lamella_c, "ReadOptions"): "lm_parquet_read_options",
    (lamella_c, "ReaderOptions"): "lm_parquet_reader_options",
    (lamella_c, "Result"): "lm_parquet_result",
    (lamella_c, "ScanOptions"): "lm_scan_options",
    (lamella_c, "Sink"): "lm_sink",
    (lamella_c, "SinkOps"): "lm_sink_ops",
    (lamella_c, "Sorting"): "lm_parquet_sorting",
    (lamella_c, "Source"): "lm_source",
    (lamella_c, "SourceOps"): "lm_source_ops",
    (ipc_library, "Error"): "lm_error",
    (ipc_library, "MemorySink"): "lm_memory_sink",
    (ipc_library, "MemorySource"): "lm_memory_source",
    (ipc_library, "Pull"): "lm_feed",
    (ipc_library, "ReadOptions"): "lm_ipc_read_options",
    (ipc_library, "SourceOps"): "lm_source_ops",
    (ipc_library, "Stream"): "struct ArrowArrayStream",
    (ipc_library, "WriteOptions"): "lm_ipc_write_options",
}
# Members of the struct that another one begins with.
WITHIN = {
    (ipc_library, "MemorySink"): {name: f"sink.{name}" for name in ("ops", "bytes", "first_error")},
    (ipc_library, "MemorySource"): {name: f"source.{name}" for name in ("ops", "size", "name")},
}
HEADERS = sorted(path.name for path in (lamella_c.ROOT / "include" / "lamella").glob("*.h"))


def _declared():
    return {
        (module, name): made
        for module in (lamella_c, ipc_library)
        for name, made in inspect.getmembers(module, inspect.isclass)
        if issubclass(made, ctypes.Structure) and made is not ctypes.Structure
    }


def _members(made):
    return [name for name, *_ in made._fields_ if name != "rest"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """{(module, struct, member): [offset, size]}, and the size of the whole by the member "", as in the headers."""
    place, keys = tmp_path_factory.mktemp("layout"), []
    lines = [f"#include <lamella/{name}>" for name in HEADERS]
    lines += ["#include <stddef.h>", "#include <stdio.h>", "int main(void) {"]
    for key, made in _declared().items():
        struct = STRUCTS[key]
        lines.append(f'printf("0 %zu\\n", sizeof({struct}));')
        keys.append((*key, ""))
        for name in _members(made):
            member = WITHIN.get(key, {}).get(name, name)
            lines.append(
                f'printf("%zu %zu\\n", offsetof({struct}, {member}), sizeof((({struct} *)0)->{member}));'
            )
            keys.append((*key, name))
    lines.append("return 0; }")
    (place / "layout.c").write_text("\n".join(lines))
    include = lamella_c.ROOT / "include"
    subprocess.run(["cc", "-std=gnu11", f"-I{include}", "-o", place / "layout", place / "layout.c"], check=True)
    told = subprocess.run([place / "layout"], capture_output=True, check=True, text=True).stdout
    return dict(zip(keys, ([int(word) for word in line.split()] for line in told.splitlines()), strict=True))


def test_every_struct_is_held_against_the_headers():
    assert set(_declared()) == set(STRUCTS)


@pytest.mark.parametrize("key", STRUCTS, ids=lambda key: f"{key[0].__name__}-{key[1]}")
def test_a_struct_is_as_the_compiler_lays_it_out(layout, key):
    made = _declared()[key]
    have = {name: [getattr(made, name).offset, getattr(made, name).size] for name in _members(made)}
    assert have == {name: layout[(*key, name)] for name in have}
    size, want = ctypes.sizeof(made), layout[(*key, "")][1]
    assert size == want or (size > want and hasattr(made, "rest"))
