# Set-up, sourced by ../dev: system packages, the virtual environment, the builds. Each step says
# what it does in one line, and does nothing when all is there already.

say() { printf 'dev: %s\n' "$*"; }
die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

# quietly LOG COMMAND...: the output goes to build/log/LOG, and its end is shown when it fails.
quietly() {
    local log=build/log/$1
    shift
    mkdir -p build/log
    if ! "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        printf 'dev: failed: %s (all of it in %s)\n' "$*" "$log" >&2
        return 1
    fi
}

jobs_max() { echo "${LAMELLA_JOBS:-$(nproc)}"; }

# need GROUP...: installs what is missing of these groups of tools/packages.txt.
need() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: the tools must be there already
    local group name wanted=() missing=() have run=()
    for group in "$@"; do
        for name in $(sed -n "s/^$group  *//p" tools/packages.txt); do wanted+=("$name"); done
    done
    have=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' "${wanted[@]}" 2>/dev/null || true)"
    for name in "${wanted[@]}"; do
        [[ $have == *" $name=installed "* ]] || missing+=("$name")
    done
    ((${#missing[@]})) || return 0
    if (($(id -u) != 0)); then
        run=(sudo)
        [[ -t 0 ]] || run=(sudo -n)
        command -v sudo >/dev/null && "${run[@]}" true 2>/dev/null ||
            die "these Debian packages are missing, and this user may not install them: ${missing[*]}"
    fi
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    run+=(env DEBIAN_FRONTEND=noninteractive apt-get -q)
    quietly apt-update.log "${run[@]}" update || say "apt-get update failed; going on with what is known"
    quietly apt-install.log "${run[@]}" install -y --no-install-recommends "${missing[@]}" || exit 1
}

# need_python REQUIREMENTS...: the virtual environment .venv, with the pinned packages of these files.
need_python() {
    need python
    local file sum
    if [[ ! -x .venv/bin/python ]]; then
        say "making the virtual environment .venv"
        quietly venv.log /usr/bin/python3 -m venv .venv || exit 1
    fi
    for file in "$@"; do
        sum=$(sha256sum <"$file")
        [[ -f .venv/stamp-${file//\//-} && $(<".venv/stamp-${file//\//-}") == "$sum" ]] && continue
        say "installing the Python packages of $file into .venv"
        quietly pip.log .venv/bin/python -m pip install --disable-pip-version-check -r "$file" || exit 1
        echo "$sum" >".venv/stamp-${file//\//-}"
    done
}

# configure NAME OPTION...: build/NAME with exactly these meson options; made anew when they change.
configure() {
    local dir=build/$1 want="${CC:-cc} ${*:2}"
    [[ -f $dir/build.ninja && -f $dir/dev-options && $(<"$dir/dev-options") == "$want" ]] && return
    rm -rf "$dir"
    say "configuring $dir"
    quietly "setup-$1.log" meson setup "$dir" "${@:2}" || return 1
    echo "$want" >"$dir/dev-options"
}

# compile NAME TARGET...: builds in build/NAME; says so only when there is something to build.
compile() {
    local dir=build/$1
    ninja -C "$dir" -n "${@:2}" 2>/dev/null | grep -q 'no work to do' && return
    say "building $dir"
    quietly "build-$1.log" ninja -C "$dir" -j "$(jobs_max)" "${@:2}"
}

build_release() {
    need build
    configure release --buildtype=release && compile release "$@"
}

build_fuzzers() {
    need build fuzz
    CC=clang configure fuzz --buildtype=debugoptimized -Dtests=false -Dfuzzers=true \
        -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=all' && compile fuzz
}

# The optimised command and the libraries, in build/.
build_product() {
    build_release product || exit 1
    local file
    for file in build/release/liblamella.so* build/release/liblamella.a build/release/src/cli/lamella; do
        [[ -f $file ]] || continue
        cp -Pu --remove-destination "$file" build/
    done
}

# The Python package: a wheel in build/dist, and with "sdist" the sources too.
build_wheel() {
    need build
    need_python tests/requirements.txt tests/requirements-python.txt
    say "building the wheel"
    rm -rf build/dist
    PATH=$PWD/.venv/bin:$PATH quietly wheel.log .venv/bin/python -m pip wheel . --no-build-isolation --no-deps \
        --config-settings=build-dir=build/wheel -w build/dist || return 1
    [[ ${1:-} != sdist ]] || PATH=$PWD/.venv/bin:$PATH quietly sdist.log .venv/bin/python -m build --sdist \
        --no-isolation -o build/dist .
}

# python_place NAME [SITE-PACKAGES]: a clean virtual environment build/python/NAME with the wheel in it, and,
# where that is given, a look at the packages of another one.
python_place() {
    local place=build/python/$1
    rm -rf "$place"
    mkdir -p build/python
    quietly "place-$1.log" /usr/bin/python3 -m venv "$place" &&
        quietly "place-$1.log" "$place/bin/python" -m pip install --disable-pip-version-check --no-deps --no-index \
            build/dist/*.whl || return 1
    [[ -z ${2:-} ]] || echo "$2" >"$(echo "$place"/lib/python3*/site-packages)/others.pth"
}
