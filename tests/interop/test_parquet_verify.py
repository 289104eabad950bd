"""`lamella verify` on files of every origin: sound ones are sound, damaged ones are found within their bounds, and what
is wrong with those that every reader takes is named."""
import json
import os
import pathlib
import subprocess
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_parquet_files import DAMAGED, ENCRYPTED, FILES, READABLE, SECONDS_MAX, bounded, cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")

# Readable, and yet they tell what is not so: the kinds of problems that they have.
UNTRUE = {
    "duckdb/bloom_filter_bad_length_range.parquet": {"bloom_filter"},
    "duckdb/bloom_filter_bad_numbytes.parquet": {"bloom_filter"},
    "duckdb/bloom_filter_short_numbytes.parquet": {"bloom_filter"},
    "duckdb/compression__generated__data_page=2_BROTLI.parquet": {"rows"},  # entries told as rows
    "duckdb/compression__generated__data_page=2_LZ4.parquet": {"rows"},
    "duckdb/compression__generated__data_page=2_NONE.parquet": {"rows"},
    "duckdb/compression__generated__data_page=2_ZSTD.parquet": {"rows"},
    "duckdb/h2oai__h2oai_group_small.parquet": {"statistics"},  # no nulls told where there are
    "duckdb/invalid.parquet": {"text"},
    "duckdb/invalid_utf8_dlba.parquet": {"text"},
    "duckdb/out_of_range_stats.parquet": {"statistics"},
    "hyparquet/alpha.parquet": {"sizes"},
    "hyparquet/mostlyempty.parquet": {"sizes"},
    "hyparquet/uuid.parquet": {"sizes", "statistics"},
    "parquet-testing/repeated_no_annotation.parquet": {"file"},  # its number of rows
    "parquet-testing/rle-dict-uncompressed-corrupt-checksum.parquet": {"page"},
}
# Damaged for those who put variants together, or in a way that nobody can see.
UNSEEN = {"parquet-testing/bad_data__ARROW-GH-43605.parquet", "parquet-testing/shredded_variant__case-084-INVALID.parquet"}


def verify(entry):
    start = time.monotonic()
    done = subprocess.run(
        [COMMAND, "verify", "--json", FILES / entry["cls"] / entry["name"]],
        capture_output=True,
        timeout=120,
        preexec_fn=bounded,
        env={"LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.txt:print_suppressions=0", **os.environ},
    )
    said = done.stderr.decode(errors="replace")
    crashed = done.returncode < 0 or "Sanitizer" in said or "runtime error" in said
    assert not crashed, f"status {done.returncode}: {said}"
    return json.loads(done.stdout), time.monotonic() - start


@pytest.mark.parametrize("entry", cases(READABLE))
def test_a_readable_file_is_sound_or_known_not_to_be(entry):
    told, _ = verify(entry)
    kinds = {problem["kind"] for problem in told["results"][0].get("problems", [])}
    assert kinds == UNTRUE.get(entry["name"], set())
    assert told["exit"] == (3 if kinds else 0)


@pytest.mark.parametrize("entry", cases(DAMAGED))
def test_a_damaged_file_is_found_out(entry):
    told, seconds = verify(entry)
    assert seconds < SECONDS_MAX
    if entry["verdict"].startswith("MUST_FAIL") and entry["name"] not in UNSEEN:
        assert told["exit"] == 3 and told["results"][0]["problems"]


@pytest.mark.parametrize("entry", cases(ENCRYPTED))
def test_an_encrypted_file_cannot_be_judged(entry):
    told, _ = verify(entry)
    assert told["exit"] == 1 and "encrypted" in told["message"]


def test_sizes_of_values_that_share_their_beginnings_may_be_told_without_it(tmp_path):
    """parquet-cpp counts only what is stored of a value in DELTA_BYTE_ARRAY."""
    path = tmp_path / "delta.parquet"
    table = pa.table({"s": [f"prefix-{i // 3:06d}" for i in range(5000)]})
    pq.write_table(table, path, use_dictionary=False, column_encoding={"s": "DELTA_BYTE_ARRAY"}, write_page_index=True)
    done = subprocess.run([COMMAND, "verify", path], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout
