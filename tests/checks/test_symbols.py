"""What the libraries show, hide and hold."""
import re

SIZE_MAX = 1_500_000

# Calls that a library must not make: it never prints, and never ends the process.
FORBIDDEN = {
    "printf", "vprintf", "puts", "putchar", "perror", "stdout", "stderr", "fprintf", "vfprintf",
    "exit", "_exit", "quick_exit", "abort", "__printf_chk", "__fprintf_chk", "__vfprintf_chk",
}  # fmt: skip

# Globals that change, each with its reason.
CHANGING = {
    "base_cpu.c: known": "the processor's level, found once",
    "codec_brotli.c: decoder_library": "a library, loaded once when it is first needed",
    "codec_brotli.c: encoder_library": "the same",
    "codec_deflate.c: deflate_library": "the same",
    "codec_gzip.c: gzip_library": "the same",
    "codec_lz4.c: lz4_library": "the same",
    "codec_unpack.c: isal_library": "the same",
    "codec_unpack.c: zstd_library": "the same",
    "codec_zstd.c: zstd_library": "the same",
    "net_curl.c: library": "libcurl, loaded once when it is first needed",
    "store_sys.c: kernel": "never written; its type is that of the tests' kernels, which have state",
    "base_sha256.c: known": "whether the processor has the SHA instructions, found once",
}


SYMBOL = re.compile(
    r"[0-9a-f]+ .{6}[O ] ((?:\.data|\.bss|\.tdata|\.tbss|\*COM\*)\S*)\s+[0-9a-f]+ (?:\.hidden )?([A-Za-z_]\S*)$"
)


def nm(run, *options):
    """(name, letter) for each symbol."""
    found = []
    for line in run("nm", "-P", *options).splitlines():
        words = line.split()
        if len(words) >= 2 and not words[0].endswith(":"):
            found.append((words[0].split("@")[0], words[1]))
    return found


def not_ours(run, library, *options):
    return sorted(name for name, _ in nm(run, "-g", "--defined-only", *options, library) if not name.startswith("lm_"))


def exported(run, library):
    return {name for name, _ in nm(run, "-D", "--defined-only", library)}


def declared(header_text):
    """The functions that a public header declares with LM_API."""
    text = re.sub(r"/\*.*?\*/", "", header_text, flags=re.DOTALL)
    text = re.sub(r"^[ \t]*#(.*\\\n)*.*$", "", text, flags=re.MULTILINE)
    return set(re.findall(r"\bLM_API\b[^;{]*?\b(\w+)\s*\(", re.sub(r"LM_PRINTF\([^)]*\)", "", text)))


def forbidden_calls(run, library):
    return sorted({name for name, letter in nm(run, "-u", library)} & FORBIDDEN)


def changing_globals(run, library):
    """Variables outside read-only sections; tables of pointers lie in .data.rel.ro."""
    found, place = set(), ""
    for line in run("objdump", "-t", library).splitlines():
        if ": " in line and "file format" in line:
            place = line.split(":")[0].removeprefix("src_").removesuffix(".o").split("/")[-1]
        match = SYMBOL.match(line)
        if match and match[1] != ".data.rel.ro" and not match[1].startswith(".data.rel.ro."):
            found.add(f"{place}: {match[2].split('.')[0]}")
    return sorted(found - set(CHANGING))


def test_shared_library_exports_only_our_prefix(run, release):
    assert not_ours(run, release / "liblamella.so", "-D") == []


def test_shared_library_hides_internals(run, release):
    assert [name for name in exported(run, release / "liblamella.so") if name.startswith("lm__")] == []


def test_static_library_defines_only_our_prefix(run, release):
    assert not_ours(run, release / "liblamella.a") == []


def test_a_foreign_symbol_is_found(run, compile_object):
    source = "int lm_good(void); int lm_good(void) { return 1; } int stray(void); int stray(void) { return 2; }"
    assert not_ours(run, compile_object(source)) == ["stray"]
    assert not_ours(run, compile_object(source, "-shared", "-fPIC"), "-D") == ["stray"]


def test_public_headers_and_library_agree(run, root, release):
    promised = set()
    for header in (root / "include" / "lamella").glob("*.h"):
        promised |= declared(header.read_text())
    assert promised, "no LM_API function was found"
    there = exported(run, release / "liblamella.so")
    assert promised - there == set(), "declared, but not there"
    assert there - promised == set(), "exported, but in no public header"


def test_declarations_are_read():
    text = """
    #define LM_API __attribute__((visibility("default")))
    /* LM_API int lm_in_comment(void); */
    LM_API LM_MUST_USE lm_status lm_sink_write(lm_sink *sink,
                                               size_t size);
    LM_API LM_PRINTF(2, 3) void lm_say(int a, const char *f, ...);
    typedef struct lm_x { int (*call)(void); } lm_x;
    LM_API const char *lm_version(void);
    """
    assert declared(text) == {"lm_sink_write", "lm_say", "lm_version"}


def test_library_never_prints_or_exits(run, release):
    assert forbidden_calls(run, release / "liblamella.a") == []


def test_a_printing_library_is_found(run, compile_object):
    source = "#include <stdio.h>\n#include <stdlib.h>\nvoid f(int); void f(int n) { printf(\"%d\", n); abort(); }"
    assert forbidden_calls(run, compile_object(source)) == ["abort", "printf"]


def test_library_has_no_changing_globals(run, release):
    assert changing_globals(run, release / "liblamella.a") == []


def test_a_changing_global_is_found(run, compile_object):
    source = """
    static int hidden; int counter = 3; _Thread_local int each;
    static const char *const names[] = {"a", "b"};
    const char *name(int i); const char *name(int i) { return names[i + hidden++ + counter++ + each++]; }
    """
    assert changing_globals(run, compile_object(source, "-fPIC")) == ["case: counter", "case: each", "case: hidden"]


def stripped_size(run, library, copy):
    run("strip", "--strip-unneeded", "-o", copy, library)
    return copy.stat().st_size


def test_shared_library_is_small(run, release, tmp_path):
    assert stripped_size(run, release / "liblamella.so", tmp_path / "stripped.so") < SIZE_MAX


def test_a_large_library_is_found(run, compile_object, tmp_path):
    library = compile_object("char big[1600000] = {1};", "-shared", "-fPIC")
    assert stripped_size(run, library, tmp_path / "stripped.so") >= SIZE_MAX
