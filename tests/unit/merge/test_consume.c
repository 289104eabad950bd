/*
 * Merges that consume their parts (src/merge/consume.c), killed before and after every operation of
 * the store, and with every answer lost in turn; then carried on. Invariant 1 is looked at after
 * each: no byte is lost, ever.
 */
#define _GNU_SOURCE
#include <lamella/merge.h>

#include "check.h"
#include "scratch.h"

#include "base/alloc.h"
#include "store/fault/store.h"
#include "store/find.h"

#define ROOT "mem://m"
#define OUT ROOT "/out.csv"
enum { PARTS = 5 };

typedef struct scene {
    const char *what;
    const char *const *parts; /* contents */
    const char *header;       /* given; NULL: none */
    const char *expected;
    lm_merge_strategy strategy;
    bool no_concat, is_far;
} scene;

static const char *const plain_parts[] = {"1,a\n", "", "2,b\n3,c\n", "\n", "4,d\n"};
static const char *const headed_parts[] = {"k,v\n1,a\n", "k,v\n", "k,v\n2,b", "", "k,v\n3,c\n"};

static const scene scenes[] = {
    {"joined", plain_parts, NULL, "1,a\n2,b\n3,c\n4,d\n", LM_MERGE_CONCAT, false, false},
    {"joined with a header", plain_parts, "k,v", "k,v\n1,a\n2,b\n3,c\n4,d\n", LM_MERGE_CONCAT,
     false, false},
    {"removed", headed_parts, NULL, "k,v\n1,a\n2,b\n3,c\n", LM_MERGE_STREAM, false, false},
    {"removed where nothing joins", plain_parts, NULL, "1,a\n2,b\n3,c\n4,d\n", LM_MERGE_STREAM,
     true, false},
    {"joined far away", plain_parts, "k,v", "k,v\n1,a\n2,b\n3,c\n4,d\n", LM_MERGE_CONCAT, false,
     true},
    {"removed far away", headed_parts, NULL, "k,v\n1,a\n2,b\n3,c\n", LM_MERGE_STREAM, false, true},
};

static const char *part_path(int number)
{
    static char paths[PARTS][64];
    snprintf(paths[number], sizeof paths[number], ROOT "/in/part-%05d.csv", number);
    return paths[number];
}

static bool on_posix;

typedef struct bench {
    lm_store *store;
    lm_fault_store fault;
} bench;

static void bench_open(bench *b, const scene *s, bool with_old)
{
    lm_error error = {0};
    if (on_posix) {
        scratch_remove("mem:"); /* which is a name like any other there */
        CHECK_OK(lm__store_posix_open(NULL, &b->store, &error), error);
    } else {
        CHECK_OK(lm__store_mem_open(NULL, &b->store, &error), error);
    }
    if (s->no_concat) b->store->caps &= ~(unsigned)LM_STORE_CONCAT;
    for (int i = 0; i < PARTS; i++)
        CHECK_OK(lm__store_put_if_absent(b->store, part_path(i), s->parts[i], strlen(s->parts[i]),
                                         &error),
                 error);
    if (with_old) CHECK_OK(lm__store_put_if_absent(b->store, OUT, "old", 3, &error), error);
    lm__fault_store_init(&b->fault, b->store);
}

static lm_status merge(bench *b, const scene *s, bool resume, lm_fault_plan plan,
                       lm_merge_result *result, lm_error *error)
{
    static const char *const sources[] = {ROOT "/in"};
    lm__fault_store_init(&b->fault, b->store);
    b->fault.plan = plan;
    if (s->is_far) b->fault.store.caps &= ~(unsigned)LM_STORE_LOCAL;
    lm_storage storage = {.reserved = &b->fault.store};
    lm_file_options file = {.storage = &storage};
    lm_merge_options options = {
        .header_text = s->header, .delete_sources = true, .resume = resume, .file = &file};
    memset(result, 0, sizeof *result);
    memset(error, 0, sizeof *error);
    return lm_merge(sources, 1, OUT, &options, result, error);
}

/* "" where it is not there. */
static const char *text_of(bench *b, const char *path)
{
    static char texts[4][512];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    uint8_t *data;
    size_t size;
    text[0] = '\0';
    if (lm__store_read(b->store, path, NULL, 500, &data, &size, NULL) != LM_OK) return text;
    memcpy(text, data, size);
    text[size] = '\0';
    lm__free(NULL, data);
    return text;
}

typedef struct left {
    int parts, others;
    char target[256], journal[256];
} left;

static lm_status count_left(void *context, const lm_store_entry *entry, lm_error *error)
{
    left *l = context;
    (void)error;
    if (strncmp(entry->name, "part-", 5) == 0)
        l->parts++;
    else
        l->others++;
    if (strncmp(entry->name, ".lamella-merge-", 15) == 0)
        snprintf(l->target, sizeof l->target, ROOT "/in/%s", entry->name);
    if (strcmp(entry->name, LM_MERGE_JOURNAL_NAME) == 0)
        snprintf(l->journal, sizeof l->journal, ROOT "/in/%s", entry->name);
    return LM_OK;
}

static left look(bench *b)
{
    left l = {0};
    (void)!lm__store_list(b->store, ROOT "/in", NULL, count_left, &l, NULL);
    return l;
}

/* Every line of the expected text is somewhere; the destination is the old one or the new. */
static void check_nothing_lost(bench *b, const scene *s, bool with_old, const char *what)
{
    char all[2048] = "", lines[512];
    left l = look(b);
    const char *out = text_of(b, OUT);
    bool is_new = strcmp(out, s->expected) == 0;
    if (!is_new && strcmp(out, with_old ? "old" : "") != 0)
        check_fail(__FILE__, __LINE__, "%s: the destination is neither old nor new: %s", what, out);
    strcat(all, out);
    if (l.target[0]) strcat(all, text_of(b, l.target));
    for (int i = 0; i < PARTS; i++) strcat(strcat(all, text_of(b, part_path(i))), "\n");
    snprintf(lines, sizeof lines, "%s", s->expected);
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n"))
        if (!strstr(all, line) && !(s->header && strcmp(line, s->header) == 0))
            check_fail(__FILE__, __LINE__, "%s: the line %s is lost", what, line);
}

static void check_merged(bench *b, const scene *s, const char *what)
{
    left l = look(b);
    if (strcmp(text_of(b, OUT), s->expected) != 0)
        check_fail(__FILE__, __LINE__, "%s: the result is %s", what, text_of(b, OUT));
    if (l.parts + l.others)
        check_fail(__FILE__, __LINE__, "%s: %d parts and %d others are left", what, l.parts,
                   l.others);
}

static const lm_fault_plan no_fault = {.nth = UINT64_MAX};

TEST(parts_are_consumed)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (int with_old = 0; with_old < 2; with_old++) {
            bench b;
            lm_merge_result result;
            lm_error error;
            bench_open(&b, &scenes[i], with_old);
            CHECK_OK(merge(&b, &scenes[i], false, no_fault, &result, &error), error);
            CHECK_INT(result.strategy, scenes[i].strategy);
            CHECK_INT(result.deleted, PARTS);
            if (result.strategy == LM_MERGE_CONCAT) CHECK_INT(result.client_bytes, 0);
            CHECK_INT(result.file.bytes, strlen(scenes[i].expected));
            check_merged(&b, &scenes[i], scenes[i].what);
            lm__store_close(b.store);
        }
}

/* The operation number `nth` fails, and if `for_good` all after it; then the merge is carried on.
 */
static bool fail_once(const scene *s, uint64_t nth, bool after, bool for_good, bool with_old)
{
    bench b;
    lm_merge_result result;
    lm_error error;
    char what[128];
    snprintf(what, sizeof what, "%s, operation %d%s%s%s", s->what, (int)nth,
             after ? ", after it" : "", for_good ? ", dead" : "", with_old ? ", over old" : "");
    bench_open(&b, s, with_old);
    lm_fault_plan plan = {.nth = nth,
                          .after = after,
                          .for_good = for_good,
                          .status = after ? LM_UNKNOWN_OUTCOME : LM_IO};
    lm_status first = merge(&b, s, false, plan, &result, &error);
    bool reached = b.fault.operations > nth;
    check_nothing_lost(&b, s, with_old, what);
    left l = look(&b);
    if (first == LM_OK) {
        check_merged(&b, s, what);
    } else {
        /* What is left of a merge that failed and had not consumed anything can be merged. */
        if (l.journal[0]) CHECK_STATUS(merge(&b, s, false, no_fault, &result, &error), LM_CONFLICT);
        if (l.parts > 0 || l.journal[0]) {
            lm_status again = merge(&b, s, true, no_fault, &result, &error);
            if (again != LM_OK)
                check_fail(__FILE__, __LINE__, "%s: %s after %s", what, error.message,
                           lm_status_name(first));
        }
        check_merged(&b, s, what);
    }
    lm__store_close(b.store);
    return reached;
}

TEST(every_operation_may_be_the_last)
{
    int count = 0;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (int how = 0; how < 8; how++)
            for (uint64_t nth = 0; fail_once(&scenes[i], nth, how & 1, how & 2, how & 4); nth++)
                count++;
    printf("# %d failures\n", count);
    CHECK(count > 500);
}

TEST(every_operation_may_be_the_last_on_files)
{
    int count = 0;
    on_posix = true;
    for (size_t i = 2; i < sizeof scenes / sizeof *scenes && !scenes[i].is_far; i++)
        for (int how = 0; how < 8; how++)
            for (uint64_t nth = 0; fail_once(&scenes[i], nth, how & 1, how & 2, how & 4); nth++)
                count++;
    on_posix = false;
    printf("# %d failures\n", count);
    CHECK(count > 200);
}

/* Killed, and the carrying on killed too, at every operation of both. */
TEST(carrying_on_may_be_cut_short_too)
{
    int count = 0;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (uint64_t first = 0;; first += 1) {
            bool any = false;
            for (uint64_t second = 0;; second++, count++) {
                bench b;
                lm_merge_result result;
                lm_error error;
                lm_fault_plan plan = {.nth = first, .for_good = true, .status = LM_IO};
                bench_open(&b, &scenes[i], true);
                (void)!merge(&b, &scenes[i], false, plan, &result, &error);
                any = b.fault.operations > first;
                left l = look(&b);
                bool open = l.parts > 0 || l.journal[0];
                plan = (lm_fault_plan){.nth = second,
                                       .after = second & 1,
                                       .for_good = true,
                                       .status = LM_UNKNOWN_OUTCOME};
                if (open) (void)!merge(&b, &scenes[i], true, plan, &result, &error);
                bool more = open && b.fault.operations > second;
                check_nothing_lost(&b, &scenes[i], true, scenes[i].what);
                l = look(&b);
                if (l.parts > 0 || l.journal[0])
                    CHECK_OK(merge(&b, &scenes[i], true, no_fault, &result, &error), error);
                check_merged(&b, &scenes[i], scenes[i].what);
                lm__store_close(b.store);
                if (!more || !any) break;
            }
            if (!any) break;
        }
    printf("# %d pairs\n", count);
}

/* Cuts a merge that joins after so many parts. */
static void cut_short(bench *b, const scene *s, int in_target)
{
    lm_merge_result result;
    lm_error error;
    lm_status status = LM_OK;
    bench_open(b, s, true);
    for (uint64_t nth = 0; status == LM_OK || look(b).target[0] == '\0'; nth++) {
        lm__store_close(b->store);
        bench_open(b, s, true);
        lm_fault_plan plan = {.nth = nth, .for_good = true, .status = LM_IO};
        status = merge(b, s, false, plan, &result, &error);
    }
    /* The target is there and nothing in it yet; the rest by hand, as a store does that joins in
     * several steps. */
    const char *sources[PARTS];
    size_t count = 0, done;
    for (int i = 0; i < PARTS && (int)count < in_target; i++)
        if (strchr(s->parts[i], ',')) sources[count++] = part_path(i);
    CHECK_OK(lm__store_concat(b->store, look(b).target, sources, count, NULL, &done, &error),
             error);
}

TEST(parts_that_are_joined_already_are_known_by_the_targets_size)
{
    for (int in_target = 0; in_target <= 3; in_target++) {
        bench b;
        lm_merge_result result;
        lm_error error;
        cut_short(&b, &scenes[1], in_target);
        CHECK_OK(merge(&b, &scenes[1], true, no_fault, &result, &error), error);
        CHECK_INT(result.deleted, PARTS);
        check_merged(&b, &scenes[1], "resumed");
        lm__store_close(b.store);
    }
}

TEST(what_somebody_else_changed_is_not_touched)
{
    bench b;
    lm_merge_result result;
    lm_error error;
    lm_stage *stage;
    /* A part that is still to be joined. */
    cut_short(&b, &scenes[0], 1);
    CHECK_OK(lm__stage_open(b.store, part_path(4), NULL, &stage, &error), error);
    CHECK_OK(lm__stage_write(stage, "9,x\n", 4, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_OK(lm__stage_commit(stage, &error), error);
    lm__stage_close(stage);
    CHECK_STATUS(merge(&b, &scenes[0], true, no_fault, &result, &error), LM_CONFLICT);
    CHECK(strstr(error.message, "part-00004.csv") != NULL);
    CHECK_INT(look(&b).parts, 4);
    lm__store_close(b.store);
    /* One that is gone. */
    cut_short(&b, &scenes[0], 1);
    CHECK_OK(lm__store_remove(b.store, part_path(2), LM_DURABILITY_FULL, &error), error);
    CHECK_STATUS(merge(&b, &scenes[0], true, no_fault, &result, &error), LM_CORRUPT);
    lm__store_close(b.store);
    /* The target itself. */
    cut_short(&b, &scenes[0], 1);
    CHECK_OK(lm__store_remove(b.store, look(&b).target, LM_DURABILITY_FULL, &error), error);
    CHECK_STATUS(merge(&b, &scenes[0], true, no_fault, &result, &error), LM_CORRUPT);
    CHECK_TEXT(text_of(&b, OUT), "old");
    lm__store_close(b.store);
}

TEST(a_condition_is_refused_before_anything_is_consumed)
{
    static const char *const sources[] = {ROOT "/in"};
    bench b;
    lm_error error = {0};
    bench_open(&b, &scenes[0], true);
    lm_storage storage = {.reserved = &b.fault.store};
    lm_file_options file = {.storage = &storage, .mode = LM_COMMIT_IF_ABSENT};
    lm_merge_options options = {.delete_sources = true, .file = &file};
    CHECK_STATUS(lm_merge(sources, 1, OUT, &options, NULL, &error), LM_EXISTS);
    CHECK_INT(look(&b).parts, PARTS);
    CHECK_INT(look(&b).others, 0);
    lm__store_close(b.store);
}

/* Somebody writes to a part while it is merged. */
typedef struct meddler {
    lm_store *mem;
    uint64_t turn, now;
    bool has_written;
} meddler;

static void meddle(void *context, const char *name)
{
    meddler *m = context;
    lm_stage *stage;
    /* No store removes a file only if it is as it was: the moment between the last look and the
     * removal stays. */
    if (m->now++ != m->turn || strcmp(name, "fault_remove") == 0) return;
    if (lm__stage_open(m->mem, part_path(2), NULL, &stage, NULL) != LM_OK) return;
    if (lm__stage_write(stage, "9,new\n", 6, NULL) == LM_OK && lm__stage_seal(stage, NULL) == LM_OK)
        m->has_written = lm__stage_commit(stage, NULL) == LM_OK;
    lm__stage_close(stage);
}

TEST(a_part_that_changes_meanwhile_is_in_the_result_or_left)
{
    static const char *const sources[] = {ROOT "/in"};
    int refused = 0, left_over = 0;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (uint64_t turn = 0;; turn++) {
            const scene *s = &scenes[i];
            bench b;
            bench_open(&b, s, true);
            meddler m = {b.store, turn, 0, false};
            b.fault.hook = meddle;
            b.fault.hook_context = &m;
            lm_storage storage = {.reserved = &b.fault.store};
            lm_file_options file = {.storage = &storage};
            lm_merge_options options = {
                .header_text = s->header, .delete_sources = true, .file = &file};
            lm_merge_result result;
            lm_error error = {0};
            lm_status status = lm_merge(sources, 1, OUT, &options, &result, &error);
            bool had_old = strcmp(text_of(&b, OUT), "old") == 0;
            bool is_new = strstr(text_of(&b, OUT), "9,new") != NULL;
            left l = look(&b); /* joined in the moment in which it changed: told, and kept */
            if (l.target[0]) is_new = is_new || strstr(text_of(&b, l.target), "9,new");
            bool is_left = strcmp(text_of(&b, part_path(2)), "9,new\n") == 0;
            refused += status != LM_OK && had_old;
            left_over += is_left && !had_old;
            if (m.has_written && !is_new && !is_left)
                check_fail(__FILE__, __LINE__, "%s, operation %d: what was written is lost: %s",
                           s->what, (int)turn, error.message);
            if (status != LM_OK && !had_old && !l.journal[0] && !is_left)
                check_fail(__FILE__, __LINE__, "%s, operation %d: %s", s->what, (int)turn,
                           error.message);
            bool more = m.now > turn;
            lm__store_close(b.store);
            if (!more) break;
        }
    printf("# %d refused, %d left\n", refused, left_over);
    CHECK(refused > 10);
}

int main(void)
{
    char place[256];
    scratch_make_fast(place);
    scratch_must(chdir(place) == 0, place);
    RUN(a_part_that_changes_meanwhile_is_in_the_result_or_left);
    RUN(parts_are_consumed);
    RUN(every_operation_may_be_the_last);
    RUN(every_operation_may_be_the_last_on_files);
    RUN(carrying_on_may_be_cut_short_too);
    RUN(parts_that_are_joined_already_are_known_by_the_targets_size);
    RUN(what_somebody_else_changed_is_not_touched);
    RUN(a_condition_is_refused_before_anything_is_consumed);
    scratch_must(chdir("/") == 0, "/");
    scratch_remove(place);
    return DONE();
}
