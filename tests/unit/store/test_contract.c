/* What store.h promises, held by every store (stores.h). Numbers are store.h's invariants. */
#define _GNU_SOURCE
#include "stores.h"

ON_EACH(a_stage_is_hidden_until_its_commit) /* 1 */
{
    lm_stage *stage;
    lm_error error;
    CHECK_STATUS(put(b, "a", "old", (lm_stage_options){0}), LM_OK);
    CHECK_OK(lm__stage_open(b->store, at(b, "a"), NULL, &stage, &error), error);
    CHECK(stage->sealed.replaces);
    CHECK_OK(lm__stage_write(stage, "ne", 2, &error), error);
    CHECK_OK(lm__stage_write(stage, "w!", 2, &error), error);
    CHECK_INT(list(b, NULL).count, 1);
    CHECK(is(b, "a", "old"));
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_INT(list(b, NULL).count, 1);
    CHECK(is(b, "a", "old"));
    CHECK_OK(lm__stage_commit(stage, &error), error);
    CHECK(is(b, "a", "new!"));
    lm__stage_close(stage);
    CHECK(is(b, "a", "new!"));
    CHECK_INT(list(b, NULL).count, 1);
}

/* Where a store can tell of the bytes before they are durable; the seal tells the same. */
ON_EACH(an_ended_stage_tells_of_its_bytes_and_takes_no_more)
{
    lm_stage *stage;
    lm_error error;
    bool ended;
    const lm_stage_options sum = {.checksum = LM_CHECKSUM_CRC32C};
    CHECK_OK(lm__stage_open(b->store, at(b, "a"), &sum, &stage, &error), error);
    CHECK_OK(lm__stage_write(stage, "123456789", 9, &error), error);
    CHECK_OK(lm__stage_end(stage, &ended, &error), error);
    if (ended) {
        const lm_sealed told = stage->sealed;
        CHECK_INT(told.size, 9);
        CHECK_TEXT(told.checksum, "crc32c:e3069283");
        CHECK(told.mtime_ns > 0);
        CHECK_STATUS(lm__stage_write(stage, "x", 1, &error), LM_INVALID);
        CHECK_STATUS(lm__stage_commit(stage, &error), LM_INVALID);
        CHECK_OK(lm__stage_end(stage, &ended, &error), error);
        CHECK_OK(lm__stage_seal(stage, &error), error);
        CHECK_INT(stage->sealed.mtime_ns, told.mtime_ns);
        CHECK_TEXT(stage->sealed.checksum, told.checksum);
    }
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_OK(lm__stage_commit(stage, &error), error);
    lm__stage_close(stage);
    CHECK(is(b, "a", "123456789"));
}

ON_EACH(closing_a_stage_leaves_nothing) /* 3 */
{
    lm_stage *stage;
    CHECK_STATUS(put(b, "a", "old", (lm_stage_options){0}), LM_OK);
    for (int how = 0; how < 3; how++) {
        CHECK_STATUS(lm__stage_open(b->store, at(b, how == 2 ? "b" : "a"), NULL, &stage, NULL),
                     LM_OK);
        CHECK_STATUS(lm__stage_write(stage, "new", 3, NULL), LM_OK);
        if (how > 0) CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
        lm__stage_close(stage);
        CHECK(is(b, "a", "old"));
        CHECK_INT(list(b, NULL).count, 1);
    }
}

ON_EACH(if_absent_is_exclusive)
{
    lm_stage_options absent = {.mode = LM_COMMIT_IF_ABSENT};
    lm_stage *first, *second;
    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &absent, &first, NULL), LM_OK);
    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &absent, &second, NULL), LM_OK);
    CHECK_STATUS(lm__stage_write(first, "first", 5, NULL), LM_OK);
    CHECK_STATUS(lm__stage_write(second, "second", 6, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(first, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(second, NULL), LM_OK);
    CHECK_STATUS(lm__stage_commit(second, NULL), LM_OK);
    CHECK_STATUS(lm__stage_commit(first, NULL), LM_EXISTS);
    lm__stage_close(first);
    lm__stage_close(second);
    CHECK(is(b, "a", "second"));
    CHECK_STATUS(put(b, "a", "third", absent), LM_EXISTS);
    CHECK_STATUS(lm__store_put_if_absent(b->store, at(b, "a"), "x", 1, NULL), LM_EXISTS);
    CHECK_STATUS(lm__store_put_if_absent(b->store, at(b, "b"), "x", 1, NULL), LM_OK);
    CHECK(is(b, "a", "second") && is(b, "b", "x"));
    CHECK_INT(list(b, NULL).count, 2);
}

ON_EACH(if_match_compares_what_is_there)
{
    NEEDS(b, LM_STORE_IF_MATCH, "if-match");
    lm_stage_options match = {.mode = LM_COMMIT_IF_MATCH, .match = "crc32c:e3069283"};
    CHECK_STATUS(put(b, "a", "1", match), LM_CONFLICT); /* nothing there */
    CHECK_STATUS(put(b, "a", "123456789", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(put(b, "a", "2", match), LM_OK);
    CHECK_STATUS(put(b, "a", "3", match), LM_CONFLICT);
    CHECK(is(b, "a", "2"));
    match.match = "sha256:d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35";
    CHECK_STATUS(put(b, "a", "4", match), LM_OK);
    match.match = "md5:00";
    CHECK_STATUS(put(b, "a", "5", match), LM_INVALID);
    match.match = NULL;
    CHECK_STATUS(put(b, "a", "5", match), LM_INVALID);
    CHECK(is(b, "a", "4"));
    CHECK_INT(list(b, NULL).count, 1);
}

ON_EACH(if_match_sees_a_change_before_the_commit)
{
    NEEDS(b, LM_STORE_IF_MATCH, "if-match");
    lm_stage_options match = {.mode = LM_COMMIT_IF_MATCH, .match = "crc32c:e3069283"};
    lm_stage *stage;
    CHECK_STATUS(put(b, "a", "123456789", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &match, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    CHECK_STATUS(put(b, "a", "another", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_CONFLICT);
    lm__stage_close(stage);
    CHECK(is(b, "a", "another"));

    /* The same bytes again are the same: it is the checksum that was asked for. */
    CHECK_STATUS(put(b, "a", "123456789", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &match, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    CHECK_STATUS(put(b, "a", "123456789", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_OK);
    lm__stage_close(stage);
    CHECK(is(b, "a", ""));

    /* And gone is gone. */
    match.match = "crc32c:00000000";
    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &match, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    CHECK_STATUS(lm__store_remove(b->store, at(b, "a"), LM_DURABILITY_FULL, NULL), LM_OK);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_CONFLICT);
    lm__stage_close(stage);
    CHECK_INT(list(b, NULL).count, 0);
}

ON_EACH(a_version_changes_with_the_object)
{
    lm_store_stat first, second;
    char version[200];
    CHECK_STATUS(put(b, "a", "1", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_stat(b->store, at(b, "a"), true, &first, NULL), LM_OK);
    snprintf(version, sizeof version, "version:%s", first.version);
    lm_stage_options match = {.mode = LM_COMMIT_IF_MATCH, .match = version};
    if (!CAN(b, LM_STORE_IF_MATCH)) match = (lm_stage_options){0};
    CHECK_STATUS(put(b, "a", "2", match), LM_OK);
    CHECK_STATUS(lm__store_stat(b->store, at(b, "a"), true, &second, NULL), LM_OK);
    CHECK(strcmp(first.version, second.version) != 0);
    if (CAN(b, LM_STORE_IF_MATCH)) CHECK_STATUS(put(b, "a", "3", match), LM_CONFLICT);
    CHECK(is(b, "a", "2"));
    CHECK_INT(second.kind, LM_STORE_FILE);
    CHECK_INT(second.size, 1);
    CHECK(second.mtime_ns > 0);
}

ON_EACH(a_second_name_does_not_change_the_version)
{
    NEEDS(b, LM_STORE_LINK, "second names");
    lm_store_stat stat;
    char version[200];
    CHECK_STATUS(put(b, "a", "1", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_stat(b->store, at(b, "a"), true, &stat, NULL), LM_OK);
    snprintf(version, sizeof version, "version:%s", stat.version);
    CHECK_STATUS(lm__store_link(b->store, at(b, "a"), at(b, "kept"), LM_DURABILITY_FULL, NULL),
                 LM_OK);
    CHECK_STATUS(lm__store_link(b->store, at(b, "a"), at(b, "kept"), LM_DURABILITY_FULL, NULL),
                 LM_EXISTS);
    CHECK_STATUS(lm__store_link(b->store, at(b, "no"), at(b, "n2"), LM_DURABILITY_FULL, NULL),
                 LM_NOT_FOUND);
    lm_stage_options match = {.mode = LM_COMMIT_IF_MATCH, .match = version};
    CHECK_STATUS(put(b, "a", "2", match), LM_OK);
    CHECK(is(b, "a", "2") && is(b, "kept", "1"));
}

ON_EACH(the_seal_tells_size_and_sum)
{
    static const struct {
        lm_checksum_kind kind;
        const char *text;
    } sums[] = {
        {LM_CHECKSUM_NONE, ""},
        {LM_CHECKSUM_CRC32C, "crc32c:e3069283"},
        {LM_CHECKSUM_SHA256,
         "sha256:15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
    };
    for (size_t i = 0; i < 3; i++) {
        lm_stage *stage;
        lm_stage_options options = {.checksum = sums[i].kind};
        char text[LM_CHECKSUM_TEXT_MAX] = "";
        CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &options, &stage, NULL), LM_OK);
        CHECK_STATUS(lm__stage_write(stage, "12345", 5, NULL), LM_OK);
        CHECK_STATUS(lm__stage_write(stage, "6789", 4, NULL), LM_OK);
        CHECK_STATUS(lm_sink_finish(&stage->sink, NULL), LM_OK); /* the seal, as a sink's */
        CHECK(stage->is_sealed);
        CHECK_INT(stage->sealed.size, 9);
        CHECK_TEXT(stage->sealed.checksum, sums[i].text);
        CHECK_TEXT(stage->sealed.path, at(b, "a"));
        CHECK(stage->sealed.mtime_ns > 0);
        CHECK_STATUS(lm__stage_commit(stage, NULL), LM_OK);
        lm__stage_close(stage);
        if (sums[i].kind == LM_CHECKSUM_NONE) continue;
        CHECK_STATUS(lm__store_checksum(b->store, at(b, "a"), sums[i].kind, NULL, text, NULL),
                     LM_OK);
        CHECK_TEXT(text, sums[i].text);
    }
}

ON_EACH(steps_out_of_order_are_refused)
{
    lm_stage *stage;
    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), NULL, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_INVALID);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK); /* asked again, answered again */
    CHECK_STATUS(lm__stage_write(stage, "x", 1, NULL), LM_INVALID);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_INVALID);
    lm__stage_close(stage);
    CHECK(is(b, "a", ""));

    CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), NULL, &stage, NULL), LM_OK);
    lm_sink_abort(&stage->sink);
    CHECK_STATUS(lm__stage_write(stage, "x", 1, NULL), LM_CANCELLED);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_CANCELLED);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_INVALID);
    lm__stage_close(stage);
    lm__stage_close(NULL);

    CHECK_STATUS(put(b, "a", "x", (lm_stage_options){.mode = (lm_commit_mode)9}), LM_INVALID);
    CHECK_STATUS(put(b, "a", "x", (lm_stage_options){.durability = (lm_durability)9}), LM_INVALID);
}

ON_EACH(a_cancelled_stage_changes_nothing)
{
    CHECK_STATUS(put(b, "a", "old", (lm_stage_options){0}), LM_OK);
    for (int when = 0; when < 2; when++) {
        lm_cancel cancel = {0};
        lm_stage *stage;
        lm_stage_options options = {.cancel = &cancel};
        CHECK_STATUS(lm__stage_open(b->store, at(b, "a"), &options, &stage, NULL), LM_OK);
        CHECK_STATUS(lm__stage_write(stage, "new", 3, NULL), LM_OK);
        if (when == 0) atomic_store(&cancel.requested, 1);
        CHECK_STATUS(lm__stage_seal(stage, NULL), when == 0 ? LM_CANCELLED : LM_OK);
        atomic_store(&cancel.requested, 1);
        if (when == 1) CHECK_STATUS(lm__stage_commit(stage, NULL), LM_CANCELLED);
        lm__stage_close(stage);
        CHECK(is(b, "a", "old"));
        CHECK_INT(list(b, NULL).count, 1);
    }
}

ON_EACH(a_reader_keeps_what_it_opened)
{
    lm_source *source;
    char bytes[9];
    CHECK_STATUS(put(b, "a", "123456789", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_open(b->store, at(b, "a"), &source, NULL), LM_OK);
    CHECK_STATUS(put(b, "a", "new", (lm_stage_options){0}), LM_OK);
    CHECK_INT(source->size, 9);
    CHECK_TEXT(source->name, at(b, "a"));
    lm_status status = lm_source_read(source, 0, bytes, 9, NULL);
    /* Where it cannot be kept, that is said: other bytes are never given. */
    if (status != LM_STALE || !b->is_remote) {
        CHECK_STATUS(status, LM_OK);
        CHECK_BYTES(bytes, "123456789", 9);
    }
    CHECK_STATUS(lm_source_read(source, 8, bytes, 2, NULL), LM_CORRUPT);
    const char *view = lm_source_view(source, 3, 6);
    CHECK(view != NULL || b->is_remote);
    if (view) CHECK_BYTES(view, "456789", 6);
    CHECK(lm_source_view(source, 3, 7) == NULL);
    lm_source_close(source);
    CHECK_STATUS(lm__store_open(b->store, at(b, "none"), &source, NULL), LM_NOT_FOUND);
    CHECK(source == NULL);
}

ON_EACH(what_was_passed_can_be_viewed_again)
{
    enum { SIZE = 300000 };
    static char text[SIZE + 1];
    lm_source *source;
    for (size_t i = 0; i < SIZE; i++) text[i] = (char)('a' + i % 23);
    CHECK_STATUS(put(b, "a", text, (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_open(b->store, at(b, "a"), &source, NULL), LM_OK);
    lm_source_passed(source, 0, SIZE); /* before there is a view */
    const char *view = lm_source_view(source, 0, SIZE);
    CHECK(view != NULL || b->is_remote);
    if (view) CHECK_BYTES(view, text, SIZE);
    lm_source_passed(source, 5000, SIZE - 5000);
    lm_source_passed(source, SIZE - 1, 2); /* past the end: nothing */
    lm_source_passed(source, 7, 0);
    if (view) CHECK_BYTES(view, text, SIZE);
    char some[10];
    CHECK_STATUS(lm_source_read(source, SIZE - 10, some, 10, NULL), LM_OK);
    CHECK_BYTES(some, text + SIZE - 10, 10);
    lm_source_close(source);
}

ON_EACH(an_empty_object_can_be_read)
{
    lm_source *source;
    CHECK_STATUS(put(b, "a", "", (lm_stage_options){0}), LM_OK);
    CHECK(is(b, "a", ""));
    CHECK_STATUS(lm__store_open(b->store, at(b, "a"), &source, NULL), LM_OK);
    CHECK_INT(source->size, 0);
    lm_source_close(source);
}

ON_EACH(read_has_a_limit)
{
    uint8_t *data;
    size_t size;
    CHECK_STATUS(put(b, "a", "123456789", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_read(b->store, at(b, "a"), NULL, 8, &data, &size, NULL), LM_LIMIT);
    CHECK(data == NULL);
    CHECK_STATUS(lm__store_read(b->store, at(b, "b"), NULL, 8, &data, &size, NULL), LM_NOT_FOUND);
}

ON_EACH(a_listing_is_of_one_directory)
{
    static const char *const names[] = {"b", "a.txt", "a/x", "a/y/z", "c0", "c/q", "00001.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_STATUS(put(b, names[i], "12", (lm_stage_options){0}), LM_OK);
    listing all = list(b, NULL);
    CHECK_INT(all.count, 6);
    CHECK_INT(all.directories, 2);
    for (const char *name = "00001.json\0a\0a.txt\0b\0c\0c0\0"; *name; name += strlen(name) + 1)
        CHECK(strstr(all.names, name) != NULL);
    CHECK_INT(list(b, "a").count, 4); /* a.txt b c c0 */
    CHECK_INT(list(b, "a.txt").count, 3);
    CHECK_INT(list(b, "c").count, 1);
    CHECK_INT(list(b, "zz").count, 0);

    listing none = {0};
    CHECK_STATUS(lm__store_list(b->store, at(b, "no"), NULL, listing_add, &none, NULL),
                 IS_FLAT(b) ? LM_OK : LM_NOT_FOUND);
    CHECK_INT(none.count, 0);
    lm_store_stat stat;
    CHECK_STATUS(lm__store_stat(b->store, at(b, "a"), true, &stat, NULL), LM_OK);
    CHECK_INT(stat.kind, LM_STORE_DIRECTORY);
    CHECK_STATUS(lm__store_stat(b->store, at(b, "a/y/z"), true, &stat, NULL), LM_OK);
    CHECK_INT(stat.kind, LM_STORE_FILE);
    CHECK_STATUS(lm__store_stat(b->store, at(b, "a/y/n"), true, &stat, NULL), LM_NOT_FOUND);
}

static lm_status listing_stop(void *context, const lm_store_entry *entry, lm_error *error)
{
    (void)entry;
    (void)error;
    ++*(int *)context;
    return LM_LIMIT;
}

ON_EACH(a_callback_can_end_a_listing)
{
    int count = 0;
    CHECK_STATUS(put(b, "a", "1", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(put(b, "b", "1", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_list(b->store, b->scratch, NULL, listing_stop, &count, NULL), LM_LIMIT);
    CHECK_INT(count, 1);
    lm_cancel cancel = {1};
    lm_list_options options = {.cancel = &cancel};
    CHECK_STATUS(lm__store_list(b->store, b->scratch, &options, listing_stop, &count, NULL),
                 LM_CANCELLED);
    CHECK_INT(count, 1);
}

ON_EACH(remove_takes_a_name_away)
{
    CHECK_STATUS(put(b, "a", "1", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_remove(b->store, at(b, "a"), LM_DURABILITY_FULL, NULL), LM_OK);
    CHECK_STATUS(lm__store_remove(b->store, at(b, "a"), LM_DURABILITY_FULL, NULL), LM_NOT_FOUND);
    CHECK_INT(list(b, NULL).count, 0);
    CHECK_STATUS(lm__store_sync_directory(b->store, b->scratch, NULL), LM_OK);
}

ON_EACH(joining_moves_what_the_sources_hold)
{
    char target[400], a[400], empty[400], c[400], away[400];
    snprintf(target, sizeof target, "%s", at(b, "t"));
    snprintf(a, sizeof a, "%s", at(b, "a"));
    snprintf(empty, sizeof empty, "%s", at(b, "empty"));
    snprintf(c, sizeof c, "%s", at(b, "c"));
    snprintf(away, sizeof away, "%s", at(b, "other/c"));
    const char *sources[] = {a, empty, c};
    size_t done = 7;
    lm_error error;
    if (!(b->store->caps & LM_STORE_CONCAT)) {
        CHECK_STATUS(lm__store_concat(b->store, target, sources, 3, NULL, &done, &error),
                     LM_UNSUPPORTED);
        CHECK(strstr(error.message, "store cannot join files where their bytes lie") != NULL);
        return;
    }
    CHECK_STATUS(put(b, "t", "head ", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(put(b, "a", "one ", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(put(b, "empty", "", (lm_stage_options){0}), LM_OK);
    CHECK_STATUS(lm__store_concat(b->store, target, sources, 3, NULL, &done, &error), LM_NOT_FOUND);
    CHECK_INT(done, 0);
    CHECK(is(b, "t", "head ") && is(b, "a", "one "));

    CHECK_STATUS(put(b, "c", "three", (lm_stage_options){0}), LM_OK);
    CHECK_OK(lm__store_concat(b->store, target, sources, 3, NULL, &done, &error), error);
    CHECK_INT(done, 3);
    CHECK(is(b, "t", "head one three") && is(b, "empty", ""));
    lm_store_stat stat;
    CHECK_STATUS(lm__store_stat(b->store, a, true, &stat, NULL), LM_NOT_FOUND);
    CHECK_STATUS(lm__store_stat(b->store, c, true, &stat, NULL), LM_NOT_FOUND);
    CHECK_STATUS(lm__store_concat(b->store, target, NULL, 0, NULL, &done, &error), LM_OK);

    const char *twice[] = {empty, empty}, *self[] = {target}, *elsewhere[] = {away};
    CHECK_STATUS(lm__store_concat(b->store, target, twice, 2, NULL, &done, &error), LM_INVALID);
    CHECK_STATUS(lm__store_concat(b->store, target, self, 1, NULL, &done, &error), LM_INVALID);
    CHECK_STATUS(lm__store_concat(b->store, target, elsewhere, 1, NULL, &done, &error), LM_INVALID);
    CHECK(strstr(error.message, "are in two directories") != NULL);
    lm_cancel cancel = {1};
    CHECK_STATUS(lm__store_concat(b->store, target, sources, 1, &cancel, &done, &error),
                 LM_CANCELLED);
    CHECK(is(b, "t", "head one three"));
}

TEST(a_store_without_a_primitive_says_so)
{
    lm_store *mem;
    lm_error error;
    lm_tree_result result;
    CHECK_STATUS(lm__store_mem_open(NULL, &mem, NULL), LM_OK);
    CHECK_STATUS(lm__store_put_if_absent(mem, "", "x", 1, &error), LM_INVALID);
    CHECK_STATUS(lm__store_tree_sync(mem, "a", NULL, &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "the mem store cannot put a directory in place in one step");
    CHECK_STATUS(lm__store_tree_commit(mem, "a", "b", NULL, &result, &error), LM_UNSUPPORTED);
    CHECK_STATUS(lm__store_tree_remove(mem, "a", NULL, &error), LM_UNSUPPORTED);
    CHECK_STATUS(lm__store_reap(mem, "a", NULL, NULL, NULL, &error), LM_UNSUPPORTED);
    mem->caps &= ~(unsigned)(LM_STORE_IF_ABSENT | LM_STORE_IF_MATCH | LM_STORE_REPLACE |
                             LM_STORE_LINK | LM_STORE_LOCAL);
    CHECK_STATUS(lm__store_put_if_absent(mem, "a", "x", 1, &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message,
               "a: the mem store cannot create an object only where none is (if-absent)");
    lm_stage *stage;
    lm_stage_options options = {.mode = LM_COMMIT_IF_MATCH, .match = "crc32c:00000000"};
    CHECK_STATUS(lm__stage_open(mem, "a", &options, &stage, &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "a: the mem store cannot replace only what was seen (if-match)");
    CHECK_STATUS(lm__stage_open(mem, "a", NULL, &stage, &error), LM_UNSUPPORTED);
    CHECK_STATUS(lm__store_link(mem, "a", "b", LM_DURABILITY_FULL, &error), LM_UNSUPPORTED);
    mem->caps |= LM_STORE_REPLACE;
    options = (lm_stage_options){.durability = LM_DURABILITY_NONE};
    CHECK_STATUS(lm__stage_open(mem, "a", &options, &stage, &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "a: the mem store cannot choose the durability: it is always full");
    CHECK(stage == NULL);
    lm__store_close(mem);
    lm__store_close(NULL);
}

/* The wrapper: each operation of a publication fails in turn, before and after it was done. */
TEST(a_failing_store_fails_where_it_is_told)
{
    for (int after = 0; after < 2; after++) {
        for (uint64_t nth = 0;; nth++) {
            bench b;
            bench_open(&b, 3);
            b.fault.plan = (lm_fault_plan){.nth = nth, .after = after, .status = LM_IO};
            lm_status status = put(&b, "a", "new", (lm_stage_options){0});
            bool done = atomic_load(&b.fault.operations) <= nth;
            b.fault.plan.nth = UINT64_MAX;
            CHECK_STATUS(status, done ? LM_OK : LM_IO);
            /* open, write, seal, commit: the lost answer of the last one hides a success. */
            CHECK(is(&b, "a", "new") == (done || (after && nth == 3)));
            bench_close(&b);
            if (done) {
                CHECK_INT(nth, 4);
                break;
            }
        }
    }
}

int main(void)
{
    RUN(a_stage_is_hidden_until_its_commit);
    RUN(an_ended_stage_tells_of_its_bytes_and_takes_no_more);
    RUN(closing_a_stage_leaves_nothing);
    RUN(if_absent_is_exclusive);
    RUN(if_match_compares_what_is_there);
    RUN(if_match_sees_a_change_before_the_commit);
    RUN(a_version_changes_with_the_object);
    RUN(a_second_name_does_not_change_the_version);
    RUN(the_seal_tells_size_and_sum);
    RUN(steps_out_of_order_are_refused);
    RUN(a_cancelled_stage_changes_nothing);
    RUN(a_reader_keeps_what_it_opened);
    RUN(what_was_passed_can_be_viewed_again);
    RUN(an_empty_object_can_be_read);
    RUN(read_has_a_limit);
    RUN(a_listing_is_of_one_directory);
    RUN(a_callback_can_end_a_listing);
    RUN(remove_takes_a_name_away);
    RUN(joining_moves_what_the_sources_hold);
    RUN(a_store_without_a_primitive_says_so);
    RUN(a_failing_store_fails_where_it_is_told);
    return DONE();
}
