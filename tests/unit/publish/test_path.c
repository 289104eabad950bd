/* Listing, removing and copying on any store (lamella/path.h). */
#define _GNU_SOURCE
#include <lamella/path.h>

#include "base/alloc.h"
#include "check.h"
#include "check_alloc.h"
#include "publish/path.h"
#include "scratch.h"
#include "store/fault/store.h"

static char place[256];
static lm_store *mem;
static lm_fault_store fault; /* so that closing the store of a call leaves the objects */
static lm_storage storage;
static lm_error error;

static const char *at(const char *name) { return scratch_join(place, name); }

static void put(const char *path, const char *text)
{
    const lm_file_options file = {.storage = &storage, .durability = LM_DURABILITY_NONE};
    CHECK_OK(lm_publish_bytes(path, text, strlen(text), &file, NULL, &error), error);
}

/* The bytes that stand there, or "(none)". */
static const char *text_at(const char *path)
{
    static char text[64];
    lm_source *source;
    bool is_mem = strncmp(path, "mem:", 4) == 0;
    if (is_mem && lm__store_open(mem, path, &source, NULL) == LM_OK) {
        size_t size = source->size < sizeof text ? (size_t)source->size : sizeof text - 1;
        CHECK_OK(lm_source_read(source, 0, text, size, &error), error);
        text[size] = '\0';
        lm_source_close(source);
        return text;
    }
    FILE *file = is_mem ? NULL : fopen(path, "r");
    if (!file) return "(none)";
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static lm_status tell(void *context, const lm_path_info *info, lm_error *failure)
{
    char *text = context;
    const char *name = strncmp(info->path, place, strlen(place)) == 0
                           ? info->path + strlen(place) + 1
                           : info->path;
    (void)failure;
    sprintf(text + strlen(text), "%s%s(%d)", text[0] ? " " : "", name, (int)info->bytes);
    return LM_OK;
}

static const char *listed(const char *path, bool recursive)
{
    static char text[4096];
    const lm_path_options options = {.recursive = recursive, .storage = &storage};
    text[0] = '\0';
    if (lm_path_list(path, &options, tell, text, &error) != LM_OK) return error.message;
    return text;
}

static lm_status copy(const char *from, const char *to, bool recursive)
{
    const lm_file_options file = {.storage = &storage, .durability = LM_DURABILITY_NONE};
    const lm_copy_options options = {.file = &file, .recursive = recursive, .check = true};
    return lm_path_copy(from, to, &options, NULL, &error);
}

static lm_status discard(const char *path, bool recursive)
{
    const lm_path_options options = {.recursive = recursive, .storage = &storage};
    return lm_path_remove(path, &options, &error);
}

TEST(paths_are_taken_apart)
{
    char out[LM_FILE_PATH_MAX];
    static const char *const rows[][4] = {
        /* path, trimmed, name, parent */
        {"a/b//", "a/b", "b", "a"},
        {"a", "a", "a", "."},
        {"/", "/", "", "/"},
        {"///", "/", "", "/"},
        {"/a/", "/a", "a", "/"},
        {"x://h/a/b/", "x://h/a/b", "b", "x://h/a"},
        {"xx://h/", "xx://h", "", ""},
        {"xx://h", "xx://h", "", ""},
        {"xx://h/a", "xx://h/a", "a", "xx://h/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_OK(lm__path_trim(rows[i][0], out, &error), error);
        CHECK_TEXT(out, rows[i][1]);
        CHECK_TEXT(lm__path_name(rows[i][1]), rows[i][2]);
        if (!rows[i][3][0]) continue;
        CHECK_OK(lm__path_parent(rows[i][1], out, &error), error);
        CHECK_TEXT(out, rows[i][3]);
    }
}

TEST(lists_are_in_natural_order_and_show_nothing_staged)
{
    put("mem://x/l/part-10", "1");
    put("mem://x/l/part-9", "22");
    put("mem://x/l/sub/a", "333");
    put("mem://x/l/_SUCCESS", "");
    CHECK_TEXT(listed("mem://x/l", false), "mem://x/l/_SUCCESS(0) mem://x/l/part-9(2) "
                                           "mem://x/l/part-10(1) mem://x/l/sub(0)");
    CHECK_TEXT(listed("mem://x/l/sub", false), "mem://x/l/sub/a(3)");
    CHECK_TEXT(listed("mem://x/l/sub/a", false), "mem://x/l/sub/a(3)");
    CHECK_TEXT(listed("mem://x/l/part-*", false), "mem://x/l/part-9(2) mem://x/l/part-10(1)");
    CHECK(strstr(listed("mem://x/none", false), "mem://x/none") != NULL);

    put(at("l/b/c"), "1");
    put(at("l/a"), "22");
    put(at("l/.lamella-00000000000000000000000000000000.tmp"), "left");
    CHECK_TEXT(listed(at("l"), false), "l/a(2) l/b(0)");
    CHECK_TEXT(listed(at("l"), true), "l/a(2) l/b(0) l/b/c(1)");
}

TEST(a_stat_follows_symlinks_that_lead_somewhere)
{
    lm_path_info info;
    put(at("s/a"), "22");
    scratch_must(symlink("a", at("s/link")) == 0 && symlink("none", at("s/dangling")) == 0, "link");
    CHECK_OK(lm_path_stat(at("s/link"), NULL, &info, &error), error);
    CHECK_INT(info.kind, LM_PATH_FILE);
    CHECK_INT(info.bytes, 2);
    CHECK(info.mtime_ns > 0 && info.version[0]);
    CHECK_OK(lm_path_stat(at("s/dangling"), NULL, &info, &error), error);
    CHECK_INT(info.kind, LM_PATH_SYMLINK);
    CHECK_OK(lm_path_stat(at("s"), NULL, &info, &error), error);
    CHECK_INT(info.kind, LM_PATH_DIRECTORY);
    CHECK_INT(lm_path_stat(at("s/none"), NULL, &info, &error), LM_NOT_FOUND);
    CHECK_TEXT(lm_path_kind_word(LM_PATH_DIRECTORY), "directory");
}

TEST(directories_are_removed_when_it_is_meant)
{
    put(at("r/d/a"), "1");
    put(at("r/d/e/b"), "1");
    scratch_must(symlink("d", at("r/link")) == 0, "link");
    CHECK_INT(discard(at("r/d"), false), LM_UNSUITABLE);
    CHECK_OK(discard(at("r/link/"), true), error); /* the link, not what it leads to */
    CHECK_TEXT(text_at(at("r/d/a")), "1");
    CHECK_OK(discard(at("r/d/"), true), error);
    CHECK_INT(discard(at("r/d"), true), LM_NOT_FOUND);
    CHECK_TEXT(listed(at("r"), true), "");

    put("mem://x/r/a", "1");
    put("mem://x/r/e/b", "1");
    put("mem://x/ra", "1");
    CHECK_INT(discard("mem://x/r", false), LM_UNSUITABLE);
    CHECK_OK(discard("mem://x/r", true), error);
    CHECK_TEXT(text_at("mem://x/r/e/b"), "(none)");
    CHECK_TEXT(text_at("mem://x/ra"), "1");
    CHECK_INT(discard("mem://x/r*", true), LM_NOT_FOUND);
    CHECK(strstr(error.message, "pattern") != NULL);
}

TEST(a_root_is_never_removed)
{
    char up[300];
    int depth = 0;
    for (const char *c = place; *c; c++) depth += *c == '/';
    snprintf(up, sizeof up, "%s", place);
    while (depth-- > 0) strcat(up, "/..");
    static const char *const roots[] = {"/", "//", "file:///", "mem://x", "mem://x/", ".", ".."};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        CHECK_INT(discard(roots[i], true), LM_INVALID);
    CHECK_INT(discard(up, true), LM_INVALID);
    CHECK(strstr(error.message, "root") != NULL);
    CHECK(access(place, F_OK) == 0);
}

TEST(files_are_copied_between_any_two_stores)
{
    put(at("c/a"), "bytes");
    CHECK_OK(copy(at("c/a"), "mem://x/c/b", false), error);
    CHECK_TEXT(text_at("mem://x/c/b"), "bytes");
    CHECK_OK(copy("mem://x/c/b", "mem://x/c/d", false), error);
    CHECK_OK(copy("mem://x/c/d", at("c/sub/"), false), error);
    CHECK_TEXT(text_at(at("c/sub/d")), "bytes");
    put(at("c/empty"), "");
    CHECK_OK(copy(at("c/empty"), "mem://x/c/empty", false), error);
    CHECK_TEXT(text_at("mem://x/c/empty"), "");
    CHECK_INT(copy(at("c"), "mem://x/c/e", false), LM_UNSUITABLE);
    CHECK_INT(copy("mem://x/c/none", at("c/a"), false), LM_NOT_FOUND);
    CHECK_INT(copy("mem://x/c/d", "mem://x/", false), LM_OK);
    CHECK_TEXT(text_at("mem://x/d"), "bytes");
    CHECK_TEXT(text_at(at("c/a")), "bytes");
}

TEST(a_copy_has_the_conditions_of_a_publication)
{
    lm_copy_result result;
    lm_file_options file = {.storage = &storage, .mode = LM_COMMIT_IF_ABSENT};
    lm_copy_options options = {.file = &file};
    put("mem://x/k/a", "new");
    put(at("k"), "old");
    CHECK_INT(lm_path_copy("mem://x/k/a", at("k"), &options, &result, &error), LM_EXISTS);
    CHECK_TEXT(text_at(at("k")), "old");
    const lm_manifest manifest = {.run_id = "r"};
    file.mode = LM_COMMIT_REPLACE;
    file.manifest = &manifest;
    CHECK_OK(lm_path_copy("mem://x/k/a", at("k"), &options, &result, &error), error);
    CHECK_INT(result.bytes, 3);
    CHECK(strncmp(result.file.checksum, "sha256:", 7) == 0);
    CHECK_OK(lm_verify(at("k"), NULL, &error), error);
    file.manifest = NULL;
    file.checksum = "none";
    options.check = true;
    CHECK_INT(lm_path_copy("mem://x/k/a", at("k"), &options, &result, &error), LM_INVALID);
}

/* Changes the source when it is told of its bytes. */
static void spoil(void *context, uint64_t bytes)
{
    (void)bytes;
    put(context, "other");
}

TEST(a_source_that_changes_is_noticed)
{
    const lm_file_options file = {.storage = &storage};
    char source[] = "mem://x/change";
    const lm_copy_options options = {.file = &file, .progress = spoil, .context = source};
    put(source, "first");
    put(at("change"), "old");
    CHECK_INT(lm_path_copy(source, at("change"), &options, NULL, &error), LM_CONFLICT);
    CHECK(strstr(error.message, "mem://x/change") != NULL);
    CHECK_TEXT(text_at(at("change")), "old");
}

TEST(a_directory_appears_at_once)
{
    lm_copy_result result;
    const lm_manifest manifest = {.run_id = "r"};
    lm_file_options file = {.storage = &storage, .manifest = &manifest};
    const lm_copy_options options = {.file = &file, .recursive = true};
    put("mem://x/t/a", "1");
    put("mem://x/t/sub/part-1", "22");
    CHECK_OK(lm_path_copy("mem://x/t", at("t/new"), &options, &result, &error), error);
    CHECK(result.is_directory && !result.directory.replaced);
    CHECK_INT(result.files, 2);
    CHECK_INT(result.bytes, 3);
    CHECK_OK(lm_verify(at("t/new"), NULL, &error), error);
    put("mem://x/t/a", "3");
    CHECK_OK(lm_path_copy("mem://x/t/", at("t/new"), &options, &result, &error), error);
    CHECK(result.directory.replaced);
    CHECK_TEXT(text_at(at("t/new/a")), "3");
    CHECK_TEXT(listed(at("t"), false), "t/new(0)");
    file.mode = LM_COMMIT_IF_ABSENT;
    CHECK_INT(lm_path_copy("mem://x/t", at("t/new"), &options, &result, &error), LM_EXISTS);
    file.mode = LM_COMMIT_REPLACE;

    /* What cannot be put in place is refused before anything is copied. */
    CHECK_INT(lm_path_copy(at("t/new"), "mem://x/u", &options, &result, &error), LM_UNSUPPORTED);
    CHECK_INT(lm_path_copy("mem://x/t", at("t/new/a"), &options, &result, &error), LM_UNSUITABLE);
    CHECK_INT(lm_path_copy("mem://x/none", at("t/x"), &options, &result, &error), LM_NOT_FOUND);
}

TEST(symlinks_become_the_files_they_lead_to)
{
    put(at("y/a"), "1");
    scratch_must(symlink("a", at("y/link")) == 0, "link");
    CHECK_OK(copy(at("y"), at("z"), true), error);
    CHECK_TEXT(text_at(at("z/link")), "1");
    scratch_must(symlink(".", at("y/loop")) == 0, "link");
    CHECK_INT(copy(at("y"), at("z2"), true), LM_UNSUITABLE);
    CHECK(strstr(error.message, "y/loop") != NULL);
    CHECK(access(at("z2"), F_OK) != 0);
}

/* Every operation of the store in turn, before and after it is done. */
TEST(a_failure_leaves_old_or_new)
{
    static const char *const names[][2] = {{"mem://x/f/a", "mem://x/f/b"}, {NULL, NULL}};
    put(names[0][0], "new");
    for (int after = 0; after < 2; after++)
        for (uint64_t n = 0;; n++) {
            put(names[0][1], "old");
            uint64_t before = atomic_load(&fault.operations);
            fault.plan = (lm_fault_plan){.nth = before + n, .after = after, .status = LM_IO};
            lm_status status = copy(names[0][0], names[0][1], false);
            bool failed = atomic_load(&fault.operations) > before + n;
            fault.plan.nth = UINT64_MAX;
            const char *text = text_at(names[0][1]);
            CHECK(strcmp(text, "old") == 0 || strcmp(text, "new") == 0);
            if (status == LM_OK) CHECK_TEXT(text, "new");
            if (!failed) break;
        }
    CHECK_TEXT(listed("mem://x/f", false), "mem://x/f/a(3) mem://x/f/b(3)");
}

TEST(every_allocation_may_fail)
{
    put(at("m/d/a"), "1");
    put(at("m/d/b"), "22");
    for (size_t n = 0;; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        const lm_file_options file = {.allocator = &memory.allocator,
                                      .durability = LM_DURABILITY_NONE};
        const lm_copy_options options = {.file = &file, .recursive = true, .threads = 1};
        const lm_path_options path = {.allocator = &memory.allocator, .recursive = true};
        char text[256] = "";
        lm_status status = lm_path_copy(at("m/d"), at("m/e"), &options, NULL, &error);
        if (status == LM_OK) status = lm_path_list(at("m"), &path, tell, text, &error);
        if (status == LM_OK) status = lm_path_remove(at("m/e"), &path, &error);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK(status == LM_NO_MEMORY || status == LM_OK);
    }
    CHECK_TEXT(listed(at("m"), true), "m/d(0) m/d/a(1) m/d/b(2)");
}

int main(void)
{
    scratch_make(place);
    scratch_must(lm__store_mem_open(NULL, &mem, &error) == LM_OK, "a store");
    lm__fault_store_init(&fault, mem);
    fault.plan.nth = UINT64_MAX;
    storage.reserved = &fault.store;
    RUN(paths_are_taken_apart);
    RUN(lists_are_in_natural_order_and_show_nothing_staged);
    RUN(a_stat_follows_symlinks_that_lead_somewhere);
    RUN(directories_are_removed_when_it_is_meant);
    RUN(a_root_is_never_removed);
    RUN(files_are_copied_between_any_two_stores);
    RUN(a_copy_has_the_conditions_of_a_publication);
    RUN(a_source_that_changes_is_noticed);
    RUN(a_directory_appears_at_once);
    RUN(symlinks_become_the_files_they_lead_to);
    RUN(a_failure_leaves_old_or_new);
    RUN(every_allocation_may_fail);
    lm__store_close(mem);
    scratch_remove(place);
    return DONE();
}
