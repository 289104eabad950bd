"""Planning over the log of a table: Lamella against deltalake, in turn, each time in a process of its own.

    bench/bench_delta_log.py [--commits 10000] [--parts 100000] [--runs 5]

A log of so many commits that add so many parts is made, with statistics of four columns. Both open the table and list its
live parts, from the entries alone and from a checkpoint (ours, the same for both); the figures are the least wall and CPU
seconds and the most memory, starting the process included (for deltalake without the start of Python). The last line is a
commit of one part to the same log, and to one of ten entries.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DRIVER = ROOT / "build/release/tests/interop/table_driver"
TYPES = {"id": "long", "price": "double", "name": "string", "day": "date", "bucket": "long"}
PEER = """
import resource, sys, time
import deltalake
wall, cpu = time.perf_counter(), time.process_time()
uris = deltalake.DeltaTable(sys.argv[1]).file_uris()
print(time.perf_counter() - wall, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(uris))
"""


def add(n):
    stats = {
        "numRecords": 1000,
        "minValues": {"id": n * 1000, "price": n / 7, "name": f"name {n}", "day": "2024-01-01"},
        "maxValues": {"id": n * 1000 + 999, "price": n / 7 + 100, "name": f"name {n} z", "day": "2024-12-31"},
        "nullCount": {"id": 0, "price": 3, "name": 1, "day": 0},
    }
    return {
        "add": {
            "path": f"bucket={n % 50}/part-{uuid.uuid4()}.parquet",
            "partitionValues": {"bucket": str(n % 50)},
            "size": 123456 + n,
            "modificationTime": 1700000000000,
            "dataChange": True,
            "stats": json.dumps(stats, separators=(",", ":")),
            "tags": {"checksum": f"crc32c:{n:08x}"},
        }
    }


def make(root, commits, parts):
    fields = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in TYPES.items()]
    metadata = {
        "id": str(uuid.uuid4()),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": fields}),
        "partitionColumns": ["bucket"],
        "configuration": {},
    }
    log = root / "_delta_log"
    log.mkdir(parents=True)
    for version in range(commits):
        lines = [{"commitInfo": {"timestamp": 1700000000000, "operation": "WRITE", "isBlindAppend": True}}]
        if version == 0:
            lines += [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": metadata}]
        lines += [add(n) for n in range(parts * version // commits, parts * (version + 1) // commits)]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        (log / f"{version:020}.json").write_text(text)


def ours(root, *args, actions=None):
    """Wall and CPU seconds, memory in KB, and the answer."""
    text = None if actions is None else "".join(json.dumps(a) + "\n" for a in actions)
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = ["/usr/bin/env", "time", "-f", "%M", DRIVER, str(root), *args]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, int(done.stderr.split()[-1]), json.loads(done.stdout)


def theirs(root):
    done = subprocess.run([sys.executable, "-c", PEER, str(root)], capture_output=True, text=True, check=True)
    wall, cpu, memory, count = done.stdout.split()
    return float(wall), float(cpu), int(memory), int(count)


def least(results):
    return tuple(min(r[i] for r in results) for i in range(3))


def compare(what, root, parts, runs):
    mine, others = [], []
    for _ in range(runs):
        mine.append(ours(root, "load"))
        others.append(theirs(root))
        assert mine[-1][3]["parts"] == others[-1][3] == parts
    mine, others = least(mine), least(others)
    print(
        f"{what:16} lamella {mine[0]:6.3f} s wall {mine[1]:6.3f} s CPU {mine[2] / 1024:5.0f} MiB"
        f"   deltalake {others[0]:6.3f} s {others[1]:6.3f} s {others[2] / 1024:5.0f} MiB"
        f"   {others[0] / mine[0]:5.2f} x wall {others[1] / mine[1]:5.2f} x CPU {others[2] / mine[2]:4.1f} x memory"
    )


def commit(root, runs):
    parts = [[add(n)] for n in range(runs)]
    return least([ours(root, "commit", actions=part) for part in parts])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--commits", type=int, default=10000)
    parser.add_argument("--parts", type=int, default=100000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    subprocess.run(["ninja", "-C", str(ROOT / "build/release"), "tests/interop/table_driver"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as scratch:
        large, small = Path(scratch) / "large", Path(scratch) / "small"
        make(large, args.commits, args.parts)
        make(small, 10, 10)
        compare("from entries", large, args.parts, args.runs)
        wall, cpu, _, answer = ours(large, "checkpoint")
        print(f"a checkpoint     {wall:6.3f} s wall {cpu:6.3f} s CPU, {answer['actions']} actions")
        compare("from checkpoint", large, args.parts, args.runs)
        ours(small, "checkpoint")
        (lw, lc, _), (sw, sc, _) = commit(large, args.runs), commit(small, args.runs)
        print(f"one commit       {lw:6.4f} s wall {lc:6.4f} s CPU; in a small table {sw:6.4f} s {sc:6.4f} s")


if __name__ == "__main__":
    main()
