/* What a store can do it does in one step; what it cannot it refuses by name. Trees, adopted files,
 * leavings, and things that are no files, on every store (stores.h). */
#define _GNU_SOURCE
#include "stores.h"

#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"

static const struct {
    unsigned cap;
    const char *text;
} caps[] = {
    {LM_STORE_REPLACE, "replace an object"},
    {LM_STORE_IF_ABSENT, "(if-absent)"},
    {LM_STORE_IF_MATCH, "(if-match)"},
    {LM_STORE_LINK, "second name"},
    {LM_STORE_TREE, "put a directory in place"},
    {LM_STORE_LOCAL, "durability"},
    {LM_STORE_REAP, "leftovers"},
    {LM_STORE_ADOPT, "finished file"},
    {LM_STORE_CONCAT, "join files"},
};

static lm_status use(bench *b, unsigned cap, lm_error *error)
{
    lm_stage *stage = NULL;
    lm_stage_options options = {0};
    lm_tree_result result;
    lm_reap_options reap = {0};
    const char *sources[] = {at(b, "b")};
    size_t done;
    switch (cap) {
    case LM_STORE_IF_ABSENT: options.mode = LM_COMMIT_IF_ABSENT; break;
    case LM_STORE_IF_MATCH:
        options.mode = LM_COMMIT_IF_MATCH;
        options.match = "crc32c:00000000";
        break;
    case LM_STORE_LOCAL: options.durability = LM_DURABILITY_NONE; break;
    case LM_STORE_ADOPT: options.adopt = at(b, "b"); break;
    case LM_STORE_LINK:
        return lm__store_link(b->store, at(b, "b"), at(b, "a"), LM_DURABILITY_FULL, error);
    case LM_STORE_REAP: return lm__store_reap(b->store, b->scratch, &reap, NULL, NULL, error);
    case LM_STORE_CONCAT:
        return lm__store_concat(b->store, at(b, "a"), sources, 1, NULL, &done, error);
    case LM_STORE_TREE:
        if (lm__store_tree_sync(b->store, at(b, "b"), NULL, error) != LM_UNSUPPORTED ||
            lm__store_tree_remove(b->store, at(b, "b"), NULL, error) != LM_UNSUPPORTED)
            return LM_BROKEN;
        return lm__store_tree_commit(b->store, at(b, "b"), at(b, "a"),
                                     &(lm_tree_options){.mode = LM_COMMIT_IF_ABSENT}, &result,
                                     error);
    }
    lm_status status = lm__stage_open(b->store, at(b, "a"), &options, &stage, error);
    lm__stage_close(stage);
    return status;
}

/* Those that it lacks, and each of those that it has once it is taken away. */
ON_EACH(what_is_lacking_is_refused_by_name)
{
    unsigned before = b->store->caps;
    lm_error error;
    char wanted[80];
    snprintf(wanted, sizeof wanted, "the %s store cannot ", b->store->ops->name);
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        b->store->caps = before & ~caps[i].cap;
        error.message[0] = '\0';
        CHECK_STATUS(use(b, caps[i].cap, &error), LM_UNSUPPORTED);
        if (!strstr(error.message, wanted) || !strstr(error.message, caps[i].text))
            check_fail(__FILE__, __LINE__, "of \"%s\" it says: %s", caps[i].text, error.message);
    }
    b->store->caps = before;
    CHECK_INT(list(b, NULL).count, 0);
}

ON_EACH(what_is_not_there_is_not_found)
{
    lm_store_stat stat;
    lm_source *source;
    lm_error error;
    char text[LM_CHECKSUM_TEXT_MAX];
    CHECK_STATUS(lm__store_open(b->store, at(b, "no"), &source, &error), LM_NOT_FOUND);
    CHECK(strstr(error.message, at(b, "no")) != NULL);
    CHECK_STATUS(lm__store_stat(b->store, at(b, "no"), true, &stat, &error), LM_NOT_FOUND);
    CHECK(strstr(error.message, at(b, "no")) != NULL);
    CHECK_STATUS(lm__store_stat(b->store, at(b, "no/such"), false, &stat, &error), LM_NOT_FOUND);
    CHECK_STATUS(lm__store_remove(b->store, at(b, "no"), LM_DURABILITY_FULL, &error), LM_NOT_FOUND);
    CHECK(strstr(error.message, at(b, "no")) != NULL);
    CHECK_STATUS(lm__store_remove(b->store, at(b, "no/such"), LM_DURABILITY_FULL, &error),
                 LM_NOT_FOUND);
    CHECK_STATUS(lm__store_checksum(b->store, at(b, "no"), LM_CHECKSUM_CRC32C, NULL, text, &error),
                 LM_NOT_FOUND);
    if (CAN(b, LM_STORE_TREE)) {
        CHECK_STATUS(lm__store_tree_sync(b->store, at(b, "no"), NULL, &error), LM_NOT_FOUND);
        CHECK_STATUS(lm__store_tree_remove(b->store, at(b, "no"), NULL, &error), LM_NOT_FOUND);
    }
}

/* A directory is no file, and what lies under it stays. */
ON_EACH(a_directory_is_no_file)
{
    if (IS_FLAT(b)) return;
    lm_source *source;
    lm_error error;
    CHECK_STATUS(put(b, "d/x", "kept", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_open(b->store, at(b, "d"), &source, &error), LM_UNSUITABLE);
    CHECK_STATUS(put(b, "d", "x", (lm_stage_options){0}), LM_UNSUITABLE);
    CHECK(put(b, "d", "x", (lm_stage_options){.mode = LM_COMMIT_IF_ABSENT}) != LM_OK);
    CHECK(put(b, "d/x/y", "x", (lm_stage_options){0}) != LM_OK);
    CHECK(lm__store_remove(b->store, at(b, "d"), LM_DURABILITY_FULL, &error) != LM_OK);
    CHECK(is(b, "d/x", "kept"));
    CHECK_INT(list(b, NULL).count, 1);
}

/* A directory that comes to stand where a file is about to be put. */
ON_EACH(a_directory_that_came_between_stays)
{
    if (IS_FLAT(b)) return;
    for (int mode = 0; mode < 2; mode++) {
        lm_stage *stage;
        lm_stage_options options = {.mode = mode ? LM_COMMIT_IF_ABSENT : LM_COMMIT_REPLACE};
        CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &options, &stage, NULL), LM_OK);
        CHECK_STATUS(lm__stage_write(stage, "x", 1, NULL), LM_OK);
        CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
        CHECK_STATUS(put(b, "a/b", "kept", (lm_stage_options){0}), LM_OK);
        lm_status status = lm__stage_commit(stage, NULL);
        CHECK(status == LM_UNSUITABLE || status == LM_EXISTS);
        lm__stage_close(stage);
        CHECK(is(b, "a/b", "kept"));
        CHECK_STATUS(lm__store_remove(b->store, at(b, "a/b"), LM_DURABILITY_FULL, NULL), LM_OK);
        CHECK_INT(list(b, NULL).count, 1);
        if (!CAN(b, LM_STORE_TREE)) return;
        CHECK_STATUS(lm__store_tree_remove(b->store, at(b, "a"), NULL, NULL), LM_OK);
    }
}

/* ---- trees ---- */

static void grow(bench *b, const char *name, const char *text)
{
    static const char *const files[] = {"part 0", "sub%20/part+1", "sub%20/deep/part#2"};
    char path[200];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", name, files[i]);
        CHECK_STATUS(put(b, path, text, (lm_stage_options){0}), LM_OK);
    }
}

static bool has_grown(bench *b, const char *name, const char *text)
{
    char path[3][200];
    snprintf(path[0], sizeof path[0], "%s/part 0", name);
    snprintf(path[1], sizeof path[1], "%s/sub%%20/part+1", name);
    snprintf(path[2], sizeof path[2], "%s/sub%%20/deep/part#2", name);
    return is(b, path[0], text) && is(b, path[1], text) && is(b, path[2], text);
}

ON_EACH(a_tree_is_put_in_place)
{
    NEEDS(b, LM_STORE_TREE, "trees");
    lm_tree_options absent = {.mode = LM_COMMIT_IF_ABSENT}, replace = {.mode = LM_COMMIT_REPLACE};
    lm_tree_result result;
    lm_store_stat stat;
    lm_error error;
    grow(b, "new", "1");
    CHECK_OK(lm__store_tree_sync(b->store, at(b, "new"), NULL, &error), error);
    CHECK_OK(
        lm__store_tree_commit(b->store, at(b, "new"), at(b, "x/y/out"), &absent, &result, &error),
        error);
    CHECK(result.is_visible && !result.exchanged);
    CHECK(has_grown(b, "x/y/out", "1"));
    CHECK_STATUS(lm__store_stat(b->store, at(b, "new"), false, &stat, &error), LM_NOT_FOUND);

    grow(b, "new", "2");
    CHECK_STATUS(
        lm__store_tree_commit(b->store, at(b, "new"), at(b, "x/y/out"), &absent, &result, &error),
        LM_EXISTS);
    CHECK(!result.is_visible && has_grown(b, "x/y/out", "1") && has_grown(b, "new", "2"));
    if (CAN(b, LM_STORE_TREE_EXCHANGE)) {
        CHECK_OK(lm__store_tree_commit(b->store, at(b, "new"), at(b, "x/y/out"), &replace, &result,
                                       &error),
                 error);
        CHECK(result.exchanged && has_grown(b, "x/y/out", "2") && has_grown(b, "new", "1"));
    } else {
        lm_status status = lm__store_tree_commit(b->store, at(b, "new"), at(b, "x/y/out"), &replace,
                                                 &result, &error);
        CHECK_INT(status, LM_UNSUPPORTED);
        CHECK(!result.is_visible && has_grown(b, "x/y/out", "1") && has_grown(b, "new", "2"));
    }
    CHECK_OK(
        lm__store_tree_commit(b->store, at(b, "new"), at(b, "fresh"), &replace, &result, &error),
        error);
    CHECK(result.is_visible && !result.exchanged);
    CHECK_OK(lm__store_tree_remove(b->store, at(b, "x"), NULL, &error), error);
    CHECK_INT(list(b, NULL).count, 1);
}

ON_EACH(what_is_no_tree_is_refused)
{
    NEEDS(b, LM_STORE_TREE, "trees");
    lm_tree_options absent = {.mode = LM_COMMIT_IF_ABSENT};
    lm_tree_result result;
    lm_error error;
    CHECK_STATUS(put(b, "file", "x", (lm_stage_options){0}), LM_OK);
    grow(b, "tree", "1");
    CHECK_STATUS(
        lm__store_tree_commit(b->store, at(b, "file"), at(b, "out"), &absent, &result, &error),
        LM_UNSUITABLE);
    CHECK_STATUS(
        lm__store_tree_commit(b->store, at(b, "none"), at(b, "out"), &absent, &result, &error),
        LM_NOT_FOUND);
    lm_status status =
        lm__store_tree_commit(b->store, at(b, "tree"), at(b, "file"), &absent, &result, &error);
    CHECK(status == LM_EXISTS || status == LM_UNSUITABLE);
    CHECK_STATUS(
        lm__store_tree_commit(b->store, at(b, "tree"), at(b, "tree/sub"), &absent, &result, &error),
        LM_INVALID);
    CHECK(has_grown(b, "tree", "1") && is(b, "file", "x"));
    CHECK_INT(list(b, NULL).count, 2);
}

/* ---- adopted files ---- */

ON_EACH(a_finished_file_becomes_a_stage)
{
    NEEDS(b, LM_STORE_ADOPT, "adopted files");
    char made[400];
    lm_store_stat stat;
    snprintf(made, sizeof made, "%s", at(b, "made"));
    for (int mode = 0; mode < 2; mode++) {
        lm_stage *stage;
        lm_error error;
        lm_stage_options options = {.adopt = made,
                                    .mode = mode ? LM_COMMIT_IF_ABSENT : LM_COMMIT_REPLACE,
                                    .checksum = LM_CHECKSUM_CRC32C};
        const char *to = mode ? "new" : "a";
        if (!mode) CHECK_STATUS(put(b, "a", "old", (lm_stage_options){0}), LM_OK);
        CHECK_STATUS(put(b, "made", "123456789", (lm_stage_options){0}), LM_OK);
        for (int commit = 0; commit < 2; commit++) {
            CHECK_OK(lm__stage_open(b->store, at(b, to), &options, &stage, &error), error);
            if (check_failed) return;
            CHECK(lm__stage_write(stage, "x", 1, NULL) != LM_OK || commit == 0);
            lm__stage_close(stage);
            CHECK(is(b, "made", "123456789"));
            CHECK_OK(lm__stage_open(b->store, at(b, to), &options, &stage, &error), error);
            CHECK_OK(lm__stage_seal(stage, &error), error);
            CHECK_INT(stage->sealed.size, 9);
            CHECK_TEXT(stage->sealed.checksum, "crc32c:e3069283");
            if (commit) CHECK_OK(lm__stage_commit(stage, &error), error);
            lm__stage_close(stage);
            if (!commit) CHECK(is(b, "made", "123456789"));
        }
        CHECK(is(b, to, "123456789"));
        CHECK_STATUS(lm__store_stat(b->store, made, false, &stat, NULL), LM_NOT_FOUND);
        if (!mode) continue;
        CHECK_STATUS(put(b, "made", "again", (lm_stage_options){0}), LM_OK);
        lm_status status = lm__stage_open(b->store, at(b, to), &options, &stage, &error);
        if (status == LM_OK) status = lm__stage_seal(stage, &error);
        if (status == LM_OK) status = lm__stage_commit(stage, &error);
        CHECK_INT(status, LM_EXISTS);
        lm__stage_close(stage);
        CHECK(is(b, to, "123456789") && is(b, "made", "again"));
    }
    lm_stage *stage = NULL;
    char none[400];
    snprintf(none, sizeof none, "%s", at(b, "none"));
    CHECK_STATUS(
        lm__stage_open(b->store, at(b, "a"), &(lm_stage_options){.adopt = none}, &stage, NULL),
        LM_NOT_FOUND);
}

/* ---- leavings ---- */

typedef struct counts {
    int found, removed;
} counts;

static lm_status count(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    counts *c = context;
    c->found++;
    c->removed += found->done == LM_GC_REMOVED;
    return LM_OK;
}

static counts reap(bench *b, lm_reap_options options)
{
    counts c = {0};
    lm_error error;
    CHECK_OK(lm__store_reap(b->store, b->scratch, &options, count, &c, &error), error);
    return c;
}

/* 3: what a writer leaves that dies in the middle is no file of anybody's, and is found. */
ON_EACH(a_dead_writers_leavings_are_found)
{
    NEEDS(b, LM_STORE_REAP, "way to know leavings");
    const int64_t hour = INT64_C(3600) * 1000000000;
    int64_t now = lm__clock_system()->wall_ns(lm__clock_system()->context);
    CHECK_STATUS(put(b, "a", "old", (lm_stage_options){0}), LM_OK);
    fflush(stdout);
    for (int when = 0; when < 3; when++) {
        pid_t child = fork();
        scratch_must(child >= 0, "fork");
        if (child == 0) {
            lm_stage *stage;
            char block[100000] = "new";
            bool named = b->posix.no_tmpfile;
            bench_reopen(b);
            b->posix.no_tmpfile = named;
            if (lm__stage_open(b->store, at(b, "a"), NULL, &stage, NULL) != LM_OK) _exit(1);
            if (when > 0 && lm__stage_write(stage, block, sizeof block, NULL) != LM_OK) _exit(2);
            if (when > 1 && lm__stage_seal(stage, NULL) != LM_OK) _exit(3);
            _exit(0);
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    CHECK(is(b, "a", "old"));
    CHECK_INT(list(b, NULL).count, 1); /* 1 */

    lm_stage *living;
    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), NULL, &living, NULL), LM_OK);
    CHECK_STATUS(lm__stage_write(living, "living", 6, NULL), LM_OK);
    CHECK_INT(reap(b, (lm_reap_options){.older_than_ns = hour, .now_ns = now}).removed, 0);
    CHECK_STATUS(lm__stage_seal(living, NULL), LM_OK);
    CHECK_STATUS(lm__stage_commit(living, NULL), LM_OK);
    lm__stage_close(living);
    CHECK(is(b, "a", "living"));

    lm_reap_options later = {.older_than_ns = hour, .now_ns = now + 48 * hour, .dry_run = true};
    counts seen = reap(b, later);
    CHECK(seen.found <= 3);
    CHECK_INT(reap(b, later).found, seen.found);
    later.dry_run = false;
    CHECK_INT(reap(b, later).removed, seen.found);
    CHECK_INT(reap(b, later).found, 0);
    CHECK(is(b, "a", "living"));
    CHECK_INT(list(b, NULL).count, 1);
}

int main(void)
{
    RUN(a_dead_writers_leavings_are_found); /* forks: before there are threads */
    RUN(what_is_lacking_is_refused_by_name);
    RUN(what_is_not_there_is_not_found);
    RUN(a_directory_is_no_file);
    RUN(a_directory_that_came_between_stays);
    RUN(a_tree_is_put_in_place);
    RUN(what_is_no_tree_is_refused);
    RUN(a_finished_file_becomes_a_stage);
    return DONE();
}
