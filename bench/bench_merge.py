"""Many parts into one file, on the local disk: lamella merge against cat and sync, shutil, DuckDB and Polars.

    ./dev bench merge [GIB [PARTS [PLACE]]]        4 GiB in 200 parts by default, in the current directory

Once with parts that have no header, once with one in each. All results are made durable: lamella syncs by itself, the others
are synced behind. cat and shutil know nothing of headers; with headers they are given `tail -n +2` and a readline, as people
do. DuckDB and Polars read and write every value. The peers that decode are run on a tenth of the parts where that saves
minutes, and said so. Each is run three times, by turns, and the quickest counts; results are compared byte for byte with
cat's, but for those that write values anew.

Aims: within 1.05 of cat and sync without headers, 1.2 with them; under 32 MiB of memory.
"""
import hashlib
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

LAMELLA = pathlib.Path(__file__).resolve().parents[1] / "build" / "lamella"
HEADER = b"user_id,product_id,score\n"
ROUNDS = 3


def make_parts(folder, total, count, header):
    """Rows of a recommender, all different enough; the same block shifted, since the disk does not care."""
    block = b"".join(b"%d,%d,%.6f\n" % (40_000_000 + i * 7919 % 10**7, i * 104729 % 10**6, i % 997 / 997) for i in range(40_000))
    folder.mkdir()
    for number in range(count):
        with open(folder / f"part-{number:05d}.csv", "wb", 1 << 20) as out:
            if header:
                out.write(HEADER)
            left = total // count + number % 7 * 31
            while left > 0:
                end = len(block) if left >= len(block) else block.rfind(b"\n", 0, left) + 1
                if not end:
                    break
                out.write(block[:end])
                left -= end
    os.sync()


def synced(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)


def by_lamella(parts, out, header):
    run(LAMELLA, "merge", parts[0].parent, out)


def by_cat(parts, out, header):
    if header:
        script = 'head -n 1 "$2" > "$1"; out=$1; shift; tail -q -n +2 "$@" >> "$out"; sync "$out"'
    else:
        script = 'out=$1; shift; cat "$@" > "$out"; sync "$out"'
    run("bash", "-c", script, "-", out, *parts)


def by_shutil(parts, out, header):
    with open(out, "wb") as to:
        for number, part in enumerate(parts):
            with open(part, "rb") as source:
                if header and number:
                    source.readline()
                shutil.copyfileobj(source, to, 1 << 20)
    synced(out)


def by_duckdb(parts, out, header):
    code = (
        "import duckdb, sys\n"
        f"duckdb.sql(\"copy (from read_csv('\" + sys.argv[1] + \"/*.csv', header={header})) to '\" + sys.argv[2] + \"' (header {header})\")"
    )
    run(sys.executable, "-c", code, parts[0].parent, out)
    synced(out)


def by_polars(parts, out, header):
    code = (
        "import polars, sys\n"
        f"polars.scan_csv(sys.argv[1] + '/*.csv', has_header={header}).sink_csv(sys.argv[2], include_header={header})"
    )
    run(sys.executable, "-c", code, parts[0].parent, out)
    synced(out)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(place, total, count, header):
    folder, out = place / f"parts-{header}", place / "out.csv"
    make_parts(folder, total, count, header)
    parts = sorted(folder.iterdir())
    size = sum(part.stat().st_size for part in parts)
    print(f"\n{size / 2**30:.2f} GiB in {count} parts, {'with headers' if header else 'without headers'}")
    few = place / f"few-{header}"
    few.mkdir()
    for part in parts[: max(1, count // 10)]:
        os.link(part, few / part.name)
    best = {}
    sums = set()
    for turn in range(ROUNDS):
        for name, function in {"cat and sync": by_cat, "lamella": by_lamella, "shutil": by_shutil}.items():
            out.unlink(missing_ok=True)
            os.sync()
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            begin = time.perf_counter()
            function(parts, out, header)
            best[name] = min(best.get(name, 1e9), time.perf_counter() - begin)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            if name == "lamella" and turn == 0 and before < peak:  # else those before it had more
                print(f"  lamella: {peak / 1024:.1f} MiB of memory at most")
            if turn == 0:
                sums.add(digest(out))
    assert len(sums) == 1, "the results differ"
    for name, function in {"DuckDB": by_duckdb, "Polars": by_polars}.items():
        out.unlink(missing_ok=True)
        begin = time.perf_counter()
        try:
            function(sorted(few.iterdir()), out, header)
        except RuntimeError as error:
            print(f"  {name}: {str(error).strip().splitlines()[-1]}")
            continue
        share = sum(part.stat().st_size for part in few.iterdir()) / size
        best[f"{name} (a tenth of the parts, times {1 / share:.0f})"] = (time.perf_counter() - begin) / share
    out.unlink(missing_ok=True)
    for name, seconds in sorted(best.items(), key=lambda item: item[1]):
        print(f"  {name:45} {seconds:8.2f} s {size / 2**30 / seconds:6.2f} GiB/s   {seconds / best['cat and sync']:6.2f} x cat and sync")
    ratio, aim = best["lamella"] / best["cat and sync"], 1.2 if header else 1.05
    print(f"  aim {aim}: {'met' if ratio <= aim else 'missed'} ({ratio:.2f})")
    shutil.rmtree(folder)
    shutil.rmtree(few)


def main():
    words = sys.argv[1:]
    total = int(float(words[0] if words else 4) * 2**30)
    count = int(words[1]) if len(words) > 1 else 200
    with tempfile.TemporaryDirectory(dir=words[2] if len(words) > 2 else ".", prefix="bench-merge-") as place:
        free = shutil.disk_usage(place).free
        if total * 2.5 > free:
            total = int(free / 2.5)
            print(f"the disk has room for {total / 2**30:.1f} GiB")
        for header in (False, True):
            measure(pathlib.Path(place), total, count, header)


main()
