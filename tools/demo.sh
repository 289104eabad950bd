#!/usr/bin/env bash
# The main job, visibly: publish, die in the middle, look, clear up. ./dev demo builds and runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/build:$PATH
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

title() { printf '\n== %s\n' "$*"; }
show() {
    printf '$ %s\n' "$*"
    bash -c "$*" 2>&1 || printf '(exit status %s)\n' $?
}
must_be() { # must_be WHAT GOT WANTED
    [[ $2 == "$3" ]] && return
    printf 'demo: %s is "%s", not "%s"\n' "$@" >&2
    exit 1
}
rows() { # rows GENERATION COUNT
    seq -f "$1,%.0f" 1 "$2"
}

title "A file, published whole, with a manifest that binds its source to its bytes"
show "seq -f 'monday,%.0f' 1 1000000 | lamella write sales.csv --manifest source=orders"
show "ls -A"
show "lamella verify sales.csv"
before=$(sha256sum <sales.csv)

title "A writer killed in the middle (kill -9), ten times"
for _ in {1..10}; do
    mkfifo pipe
    lamella write sales.csv <pipe &
    writer=$!
    exec {input}>pipe
    rows tuesday 500000 >&"$input"
    kill -9 "$writer"
    wait "$writer" 2>/dev/null || true
    exec {input}>&-
    rm pipe
    must_be "sales.csv after the kill" "$(sha256sum <sales.csv)" "$before"
done 2>/dev/null
echo "sales.csv is Monday's still, byte for byte"
show "ls -A"
show "lamella verify sales.csv"

title "The same writer, left alone"
show "seq -f 'tuesday,%.0f' 1 500000 | lamella write sales.csv --manifest source=orders"
show "lamella verify sales.csv"
show "seq 3 | lamella write sales.csv --if-absent"

title "A directory of 4,000 files replaced in one step, the writer killed while it removes the old one"
for generation in old new; do
    mkdir "$generation"
    for part in {1..4000}; do echo "$generation" >"$generation/part-$part"; done
done
lamella publish-dir old out >/dev/null
lamella publish-dir new out >/dev/null 2>&1 &
writer=$!
{
    until [[ $(<out/part-1) == new ]]; do :; done
    kill -9 "$writer" || true
    wait "$writer" || true
} 2>/dev/null
must_be "the number of new parts" "$(cat out/* | sort | uniq -c | tr -s ' ')" " 4000 new"
echo "out/ holds all 4,000 new parts and no old one; what the dead writer left:"
show "ls -A | grep -v -e '^sales' -e '^out$' || echo '(nothing: it was done already)'"
show "lamella gc ."
must_be "what is left" "$(ls -A | tr '\n' ' ')" "out sales.csv sales.csv.manifest.json "
show "ls -A"

title "The hundred parts of a cluster become one file; values are copied, not read"
mkdir parts
for part in {0..99}; do printf 'user,score\n%s,0.5\n' "$part" >"parts/part-$(printf %05d "$part").csv"; done
show "lamella merge parts all.csv --delete-sources"
must_be "the lines of all.csv" "$(wc -l <all.csv)" 101

title "Rows appended to a table, all or none; the same batch twice is one append"
mkdir registry
cat >registry/trades.json <<'END'
{"name": "trades", "schema_version": "1.0@2026-01-01", "partitioning": ["bucket"],
 "columns": [{"name": "tick", "type": "int64", "nullable": false}, {"name": "price", "type": "float64"}]}
END
printf 'tick,price\n7,1.5\n1007,2.5\n' >day.csv
for _ in 1 2; do
    show "lamella append trades day.csv --root . --run-id r1 --batch 1 --registry registry --tick-bucket-size 1000"
done
show "lamella cat r1/trades --where 'bucket = 1'"
must_be "the rows of the table" "$(lamella count r1/trades)" 2
