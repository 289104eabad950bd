# The test suites, sourced by ../dev. A suite is a function suite_NAME that leaves its results where
# tools/tally.py finds them; a suite without results counts as failed. To add one, write its function
# and name it in suites_default (or leave it out there, when it runs only on request).

suites_default=(unit asan tsan fuzz checks cli cli_asan crash interop python)

# run_c NAME DIR MESON-TEST-OPTION...: runs C tests of build/DIR; the results are in $c_results.
runner=()
run_c() {
    c_results=build/$2/meson-logs/testlog.json
    rm -f "$c_results"
    quietly "test-$1.log" "${runner[@]}" meson test -C "build/$2" --num-processes "$(jobs_max)" "${@:3}" \
        >/dev/null 2>&1 || true
}

# run_py NAME PATH...: runs pytest over these; the results are in $py_results.
run_py() {
    py_results=build/results/$1.xml
    rm -f "$py_results"
    quietly "test-$1-py.log" "${py_command:-.venv/bin/python}" -m pytest -c tests/pytest.ini --junitxml "$py_results" "${@:2}" \
        >/dev/null 2>&1 || true
}

# The same as the whole of the suite NAME.
c_tests() {
    run_c "$@"
    tools/tally.py suite "$1" "$c_results"
}
py_tests() {
    need_python tests/requirements.txt
    run_py "$@"
    tools/tally.py suite "$1" "$py_results"
}

# A locale with a decimal comma, which no number that we write or read may heed.
need_locale() {
    need test
    export LOCPATH=$PWD/build/locale
    [[ -d $LOCPATH/de_DE.UTF-8 ]] && return
    mkdir -p "$LOCPATH"
    quietly locale.log localedef -i de_DE -f UTF-8 "$LOCPATH/de_DE.UTF-8"
}

suite_unit() {
    need_locale
    build_release && c_tests unit release --suite unit
}

build_asan() {
    need build
    # detect_stack_use_after_return stays off: gcc 12 misaligns 64-byte vectors on its false stack.
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
    export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.txt:print_suppressions=0
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    configure asan --buildtype=debug -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args=-fno-sanitize-recover=all && compile asan "$@"
}

suite_asan() {
    need_locale
    build_asan && c_tests asan asan -t 4 --no-suite long
}

suite_tsan() {
    need build
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    configure tsan --buildtype=debug -Doptimization=1 -Db_sanitize=thread -Db_lundef=false &&
        compile tsan || return 0
    # The sanitizer of gcc 12 does not bear the address space of newer kernels shuffled.
    setarch -R true 2>/dev/null && runner=(setarch -R)
    c_tests tsan tsan -t 4 --suite threads
}

# Each fuzz target reads its seeds, or makes a few thousand inputs up where it has none.
suite_fuzz() {
    build_fuzzers && c_tests fuzz fuzz --suite fuzz
}

suite_checks() {
    need check
    build_product
    py_tests checks tests/checks
}

suite_cli() {
    need test
    build_product
    py_tests cli tests/cli
}

# The command's tests once more, on the command built with the sanitizers.
suite_cli_asan() {
    need test
    build_asan product || exit 1
    export LAMELLA_COMMAND=$PWD/build/asan/src/cli/lamella
    py_tests cli_asan tests/cli
}

suite_crash() {
    build_release || exit 1
    run_c crash release --suite crash
    tools/tally.py suite crash "$c_results"
}

suite_interop() {
    build_product
    build_release tests/interop/table_driver || exit 1
    py_tests interop tests/interop
}

# The wheel, installed into clean environments and tested there: once with the packages of
# tests/requirements.txt, once with older ones, and (what tests/python/test_bare.py starts) with none.
suite_python() {
    build_wheel || exit 1
    python_place bare && python_place full "$(echo "$PWD"/.venv/lib/python3*/site-packages)" || exit 1
    local results=()
    py_command=$PWD/build/python/full/bin/python run_py python tests/python
    results+=("$py_results")
    if older=$(need_older); then
        python_place older "$older" || exit 1
        py_command=$PWD/build/python/older/bin/python run_py python-older tests/python
        results+=("$py_results")
    else
        say "the older packages of tests/requirements-older.txt cannot be had: the suite runs without them"
    fi
    tools/tally.py suite python "${results[@]}"
}

# Where the packages of tests/requirements-older.txt are; they are installed when they are not there.
need_older() {
    local place=.venv/older file=tests/requirements-older.txt
    [[ -f $place/stamp && $(<"$place/stamp") == "$(sha256sum <$file)" ]] || {
        rm -rf "$place"
        quietly older.log .venv/bin/python -m pip install --disable-pip-version-check --target "$place" -r $file \
            >/dev/null 2>&1 || return 1
        sha256sum <$file >"$place/stamp"
    }
    echo "$PWD/$place"
}

# Thousands of generated tables and the whole grid, shown to every reader, workbooks to LibreOffice, and files of other
# writers, whose programs are built first: minutes, so only on request.
suite_long() {
    need office
    build_product
    build_release && c_tests long release --suite long -t 4
    py_tests long tests/long tests/interop/test_xlsx.py
}

# parquet-java, which Spark reads Parquet by, is fetched once, into .cache/; only on request.
need_parquet_java() {
    need java
    fetch_jars spark tests/spark/pom.xml || exit 1
    mkdir -p build/spark
    quietly javac.log javac -cp ".cache/spark/jars/*" -d build/spark tests/spark/Reads.java || exit 1
}

# Spark itself, of which PyPI's package has all, into .cache/pyspark.
need_pyspark() {
    local place=.cache/pyspark file=tests/requirements-spark.txt
    [[ -f $place/stamp && $(<"$place/stamp") == "$(sha256sum <$file)" ]] && return
    say "fetching Spark from PyPI into $place"
    rm -rf "$place"
    quietly pyspark.log timeout 900 .venv/bin/python -m pip install --disable-pip-version-check --no-deps \
        --target "$place" -r $file || return 1
    sha256sum <$file >"$place/stamp"
}

# Spark's reader on our files, and lamella.spark from the wheel. Tests of what cannot be had say so, and are skipped.
suite_spark() {
    build_product
    need_parquet_java
    build_wheel || exit 1
    python_place full "$(echo "$PWD"/.venv/lib/python3*/site-packages)" || exit 1
    need_pyspark || export LAMELLA_NO_SPARK="Spark cannot be had here: PyPI is not reached (build/log)"
    fetch_jars delta tests/spark/delta/pom.xml ||
        export LAMELLA_NO_DELTA="Delta Lake cannot be had here: Maven Central is not reached (build/log)"
    need_hdfs || export LAMELLA_NO_HDFS="HDFS cannot be had here: there is no Java, or no Maven Central (build/log)"
    py_command=$PWD/build/python/full/bin/python run_py spark tests/spark
    tools/tally.py suite spark "$py_results"
}

# fetch_jars NAME POM: what the pom names, fetched once into .cache/NAME/jars.
fetch_jars() {
    local jars=.cache/$1/jars sum
    sum=$(sha256sum <"$2")
    [[ -f $jars/stamp && $(<"$jars/stamp") == "$sum" ]] && return
    say "fetching $1 by Maven into .cache/$1"
    rm -rf "$jars"
    quietly "maven-$1.log" timeout 600 mvn -q -B -f "$2" -Dmaven.repo.local="$PWD/.cache/maven" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory="$PWD/$jars" || return 1
    echo "$sum" >"$jars/stamp"
}

# HDFS, which runs in a Java process of our own making. Fails where there is no Java or no Maven Central.
need_hdfs() {
    (need java) && fetch_jars hdfs tests/servers/hdfs/pom.xml || return 1
    local classes=build/servers/hdfs
    mkdir -p $classes/webapps/hdfs $classes/webapps/datanode
    cp tests/servers/hdfs/*.properties $classes/
    [[ $classes/Hdfs.class -nt tests/servers/hdfs/Hdfs.java ]] ||
        quietly javac-hdfs.log javac -cp ".cache/hdfs/jars/*" -d $classes tests/servers/hdfs/Hdfs.java
}

# A KDC, in a Java process too.
need_kdc() {
    fetch_jars kdc tests/servers/kdc/pom.xml || return 1
    mkdir -p build/servers/kdc
    [[ build/servers/kdc/Kdc.class -nt tests/servers/kdc/Kdc.java ]] ||
        quietly javac-kdc.log javac -cp ".cache/kdc/jars/*" -d build/servers/kdc tests/servers/kdc/Kdc.java
}

need_servers() {
    build_product
    build_release && build_wheel || exit 1
    python_place full "$(echo "$PWD"/.venv/lib/python3*/site-packages)" || exit 1
    need_hdfs || export LAMELLA_NO_HDFS="HDFS cannot be had here: there is no Java, or no Maven Central (build/log)"
}

# Real servers: what store.h promises, the publications over a network that fails, Java's own client. The tests of
# a server that cannot be had say so, and are skipped.
suite_servers() {
    need_servers
    local results=()
    if [[ -z ${LAMELLA_NO_HDFS-} ]]; then
        runner=(.venv/bin/python tests/servers/server.py hdfs --block-bytes 1048576 --list-limit 10 --)
        run_c servers release --suite contract
        results+=(build/results/servers-contract.log)
        cp "$c_results" "${results[0]}" || true
        runner=(env LAMELLA_TEST_SIMULATED=1 .venv/bin/python tests/servers/server.py hdfs --simulated --)
        run_c servers-large release --suite contract-large
        results+=("$c_results")
        need_kdc || export LAMELLA_NO_KDC="a KDC cannot be had here: no Maven Central (build/log)"
    fi
    py_command=$PWD/build/python/full/bin/python run_py servers tests/servers
    tools/tally.py suite servers "${results[@]}" "$py_results"
}

# Every request of every operation x every fault, of which `servers` tries a third; only on request.
suite_faults() {
    need_servers
    export LAMELLA_FAULTS=all
    py_command=$PWD/build/python/full/bin/python run_py faults tests/servers/test_{,merge_,table_}faults.py
    tools/tally.py suite faults "$py_results"
}

# run_suites NAME...: each in a subshell, so that one that fails leaves the others their turn.
run_suites() {
    local name names=()
    for name in "$@"; do
        if [[ $name == all ]]; then
            names+=("${suites_default[@]}")
        else
            declare -F "suite_$name" >/dev/null || die "no suite is called $name (there are: $(suite_names))"
            names+=("$name")
        fi
    done
    need build # among them the Python that counts the results
    mkdir -p build/results
    rm -f build/results/*
    for name in "${names[@]}"; do
        ("suite_$name") || true
    done
    tools/tally.py total "${names[@]}"
}

suite_names() { declare -F | sed -n 's/^declare -f suite_\(.*\)/\1/p' | grep -v '^names$' | tr '\n' ' '; }
