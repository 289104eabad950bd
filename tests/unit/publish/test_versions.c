/* Versions of a prefix: found whatever `latest` says, every operation and every allocation failing,
 * writers at once. Numbers in brackets are the invariants of publish/versions.h. */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"

#include <errno.h>
#include <pthread.h>

#include "base/error.h"
#include "publish/versions.h"
#include "store/fault/store.h"

static char here[256];
static lm_error error;

static const char *at(const char *name) { return scratch_join(here, name); }

static const char *stage(const char *name, const char *text)
{
    char path[2100];
    const char *root = at(name);
    (void)mkdir(root, 0755);
    snprintf(path, sizeof path, "%s/sub", root);
    (void)mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/sub/a", root);
    scratch_put(path, text);
    return root;
}

static bool holds(const char *directory, const char *text)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/sub/a", directory);
    return access(path, F_OK) == 0 && scratch_is(path, text);
}

static lm_status publish(const char *run, unsigned keep, lm_version_result *result)
{
    const lm_manifest manifest = {.run_id = run};
    const lm_version_options options = {
        .manifest = &manifest, .keep = keep, .durability = LM_DURABILITY_NONE};
    return lm_version_publish(stage("staged", run), at("p"), &options, result, &error);
}

TEST(the_newest_is_found)
{
    lm_version_result result;
    lm_version_info version;
    CHECK_STATUS(lm_version_resolve(at("p"), NULL, NULL, &version, &error), LM_NOT_FOUND);
    CHECK_OK(publish("one", 0, &result), error);
    CHECK_INT(result.state, LM_COMMIT_DONE);
    CHECK_INT(result.version.number, 0);
    CHECK_INT(result.version.files, 1);
    CHECK_INT(result.version.bytes, 3);
    CHECK(access(at("staged"), F_OK) != 0);
    CHECK_OK(publish("two", 0, &result), error);
    CHECK_OK(lm_version_resolve(at("p"), NULL, NULL, &version, &error), error);
    CHECK_INT(version.number, 1);
    CHECK_TEXT(version.run_id, "two");
    CHECK_TEXT(version.path, at("p/_runs/two"));
    CHECK_TEXT(version.checksum, result.version.checksum);
    CHECK(holds(version.path, "two"));
    CHECK_OK(
        lm_version_resolve(at("p"), &(lm_version_which){.run_id = "one"}, NULL, &version, &error),
        error);
    CHECK(version.number == 0 && holds(version.path, "one"));
    CHECK_OK(
        lm_version_resolve(at("p"), &(lm_version_which){.by_number = true}, NULL, &version, &error),
        error);
    CHECK_TEXT(version.run_id, "one");
    CHECK_STATUS(
        lm_version_resolve(at("p"), &(lm_version_which){.run_id = "six"}, NULL, &version, &error),
        LM_NOT_FOUND);
    CHECK_STATUS(publish("one", 0, &result), LM_EXISTS);
    CHECK(holds(at("staged"), "one"));
    static const char *const names[] = {"", ".a", "_a", "a/b", "\xff"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_STATUS(publish(names[i], 0, &result), LM_INVALID);
}

/* [2] */
TEST(latest_may_say_anything)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{\"lamella_latest\": 2, \"version\": 0}",
                                        "{\"lamella_latest\": 1, \"version\": 0}",
                                        "{\"lamella_latest\": 1, \"version\": -5}",
                                        "{\"lamella_latest\": 1, \"version\": 99}",
                                        "{\"lamella_latest\": 1, \"version\": 1}"};
    lm_version_info version;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        scratch_put(at("p/latest"), texts[i]);
        CHECK_OK(lm_version_resolve(at("p"), NULL, NULL, &version, &error), error);
        CHECK_TEXT(version.run_id, "two");
    }
    scratch_must(unlink(at("p/latest")) == 0, "latest");
    CHECK_OK(lm_version_resolve(at("p"), NULL, NULL, &version, &error), error);
    CHECK_TEXT(version.run_id, "two");
}

static lm_status count(void *context, const lm_version_info *version, lm_error *unused)
{
    (void)unused;
    ((int *)context)[version->is_there]++;
    return LM_OK;
}

TEST(few_are_kept)
{
    lm_version_result result;
    lm_version_info version;
    int counts[2] = {0};
    scratch_must(mkdir(at("p/_runs/another"), 0755) == 0, "another"); /* on its way, perhaps */
    CHECK_OK(publish("three", 2, &result), error);
    CHECK_INT(result.removed, 1);
    CHECK(!result.removal_left);
    CHECK_OK(lm_version_list(at("p"), NULL, count, counts, &error), error);
    CHECK_INT(counts[1], 2);
    CHECK_INT(counts[0], 1);
    CHECK(access(at("p/_runs/another"), F_OK) == 0 && access(at("p/_runs/one"), F_OK) != 0);
    CHECK_STATUS(
        lm_version_resolve(at("p"), &(lm_version_which){.run_id = "one"}, NULL, &version, &error),
        LM_NOT_FOUND);
    CHECK(strstr(error.message, "was removed, as only the newest are kept") != NULL);
}

TEST(entries_are_checked)
{
    static const struct {
        const char *text;
        lm_status status;
    } wrong[] = {
        {"", LM_CORRUPT},
        {"{}", LM_CORRUPT},
        {"{\"lamella_run\": 2}", LM_UNSUPPORTED},
        {"{\"lamella_run\": 1, \"run_id\": \"../../etc\", \"created_at\": \"\", \"manifest\": "
         "\"\", "
         "\"file_count\": 1, \"bytes\": 1}",
         LM_CORRUPT},
        {"{\"lamella_run\": 1, \"run_id\": \"a\\u0000b\", \"created_at\": \"\", \"manifest\": "
         "\"\", "
         "\"file_count\": 1, \"bytes\": 1}",
         LM_CORRUPT},
        {"{\"lamella_run\": 1, \"run_id\": \"a\", \"created_at\": \"\", \"manifest\": \"\", "
         "\"file_count\": -1, \"bytes\": 1}",
         LM_CORRUPT},
    };
    lm_version_info version;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_STATUS(
            lm__version_entry_parse("e", wrong[i].text, strlen(wrong[i].text), &version, &error),
            wrong[i].status);
}

/* One attempt at a third version, on a prefix with two of which one stays. */
typedef struct attempt {
    lm_status status;
    lm_version_result result;
    uint64_t operations;
} attempt;

static attempt try_with(lm_fault_plan plan)
{
    attempt a = {0};
    lm_store *inner;
    lm_fault_store fault;
    const lm_manifest manifest = {.run_id = "new"};
    const lm_version_options options = {.manifest = &manifest, .keep = 2};
    lm_version_result ignored;
    char staged[2048], prefix[2048];
    scratch_remove(here);
    scratch_must(mkdir(here, 0755) == 0, here);
    if (publish("one", 0, &ignored) != LM_OK || publish("two", 0, &ignored) != LM_OK) abort();
    if (lm__store_posix_open(NULL, &inner, NULL) != LM_OK) abort();
    lm__fault_store_init(&fault, inner);
    fault.plan = plan;
    snprintf(staged, sizeof staged, "%s", stage("staged", "new"));
    snprintf(prefix, sizeof prefix, "%s", at("p"));
    lm_error_clear(&error);
    a.status = lm__version_publish(&fault.store, staged, prefix, &options, &a.result, &error);
    a.operations = atomic_load(&fault.operations);
    lm__store_close(inner);
    return a;
}

/* [1] and [3]: old or new, whole; what is told is true; what was staged is not lost. */
TEST(every_operation_may_fail)
{
    uint64_t operations = try_with((lm_fault_plan){.nth = UINT64_MAX}).operations;
    CHECK(operations > 10);
    for (uint64_t nth = 0; nth < operations; nth++)
        for (int after = 0; after < 2; after++) {
            lm_fault_plan plan = {nth, after == 1, after == 1 ? LM_UNKNOWN_OUTCOME : LM_IO};
            attempt a = try_with(plan);
            lm_version_info version;
            CHECK_OK(lm_version_resolve(at("p"), NULL, NULL, &version, &error), error);
            bool is_new = strcmp(version.run_id, "new") == 0;
            CHECK(is_new || strcmp(version.run_id, "two") == 0);
            CHECK(holds(version.path, version.run_id));
            CHECK(!is_new || a.result.state != LM_COMMIT_NOT_DONE);
            CHECK(is_new ||
                  (a.result.state != LM_COMMIT_DONE && a.result.state != LM_COMMIT_VISIBLE));
            CHECK(a.status != LM_OK || is_new);
            CHECK(is_new || holds(at("staged"), "new") || holds(at("p/_runs/new"), "new"));
            CHECK(access(at("p/_runs/one"), F_OK) != 0 || holds(at("p/_runs/one"), "one"));
        }
}

TEST(every_allocation_may_fail)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_version_result result;
        lm_version_info version;
        scratch_remove(here);
        scratch_must(mkdir(here, 0755) == 0, here);
        if (publish("one", 0, &result) != LM_OK) abort();
        check_alloc_init(&memory, n);
        const lm_manifest manifest = {.run_id = "new"};
        const lm_version_options options = {.manifest = &manifest,
                                            .keep = 1,
                                            .threads = 1,
                                            .durability = LM_DURABILITY_NONE,
                                            .allocator = &memory.allocator};
        lm_status status =
            lm_version_publish(stage("staged", "new"), at("p"), &options, &result, &error);
        CHECK_INT(memory.live, 0);
        REQUIRE(lm_version_resolve(at("p"), NULL, NULL, &version, &error) == LM_OK);
        CHECK(holds(version.path, version.run_id));
        CHECK((strcmp(version.run_id, "new") == 0) == (status == LM_OK));
        CHECK(status == LM_OK || status == LM_NO_MEMORY);
        if (!memory.failed) break;
    }
}

#define WRITERS 6
#define ROUNDS 8

static void *writer(void *context)
{
    int self = (int)(intptr_t)context;
    for (int i = 0; i < ROUNDS; i++) {
        char run[32], name[32], staged[2048], path[2100], prefix[600];
        lm_error own;
        snprintf(run, sizeof run, "w%d-%d", self, i);
        snprintf(name, sizeof name, "staged-%d", self);
        snprintf(staged, sizeof staged, "%s/%s", here, name);
        snprintf(path, sizeof path, "%s/sub", staged);
        snprintf(prefix, sizeof prefix, "%s/p", here);
        (void)mkdir(staged, 0755);
        (void)mkdir(path, 0755);
        snprintf(path, sizeof path, "%s/sub/a", staged);
        scratch_put(path, run);
        const lm_manifest manifest = {.run_id = run};
        const lm_version_options options = {
            .manifest = &manifest, .keep = 3, .threads = 1, .durability = LM_DURABILITY_NONE};
        lm_error_clear(&own);
        if (lm_version_publish(staged, prefix, &options, NULL, &own) != LM_OK)
            return strdup(own.message);
    }
    return NULL;
}

TEST(writers_at_once_all_have_their_version)
{
    pthread_t threads[WRITERS];
    lm_version_info version;
    int counts[2] = {0};
    scratch_remove(here);
    scratch_must(mkdir(here, 0755) == 0, here);
    for (int i = 0; i < WRITERS; i++)
        scratch_must(pthread_create(&threads[i], NULL, writer, (void *)(intptr_t)i) == 0, "thread");
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        if (failed) check_fail(__FILE__, __LINE__, "%s", (char *)failed);
        free(failed);
    }
    CHECK_OK(lm_version_resolve(at("p"), NULL, NULL, &version, &error), error);
    CHECK_INT(version.number, WRITERS * ROUNDS - 1);
    CHECK(holds(version.path, version.run_id));
    CHECK_OK(lm_version_list(at("p"), NULL, count, counts, &error), error);
    CHECK_INT(counts[0] + counts[1], WRITERS * ROUNDS);
    CHECK(counts[1] >= 3 && counts[1] < 3 + WRITERS);
}

int main(void)
{
    scratch_make_fast(here);
    RUN(the_newest_is_found);
    RUN(latest_may_say_anything);
    RUN(few_are_kept);
    RUN(entries_are_checked);
    RUN(every_operation_may_fail);
    RUN(every_allocation_may_fail);
    RUN(writers_at_once_all_have_their_version);
    scratch_remove(here);
    return DONE();
}
