/* The store on HDFS against a small WebHDFS (webhdfs.h): the requests in their order, and each of
 * them failing in every way. Numbers are those of store.h's invariants and of hdfs.h's. */
#define _GNU_SOURCE
#include <ctype.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include <lamella/io.h>
#include <lamella/merge.h>
#include <lamella/path.h>

#include "check.h"
#include "check_alloc.h"
#include "scratch.h"
#include "store/hdfs/hdfs.h"
#include "store/place.h"
#include "webhdfs.h"

static char root[64]; /* "webhdfs://127.0.0.1:PORT" */

static const char *at(const char *path)
{
    static char turns[8][600];
    static unsigned turn;
    char *to = turns[turn++ % 8];
    snprintf(to, 600, "%s%s", root, path);
    return to;
}

static lm_status no_sleep(void *context, int64_t ns, const lm_cancel *cancel)
{
    (void)context;
    (void)ns;
    return lm__cancel_requested(cancel) ? LM_CANCELLED : LM_OK;
}

static lm_store *store_open(const lm_allocator *allocator, const lm_storage_pair *pairs,
                            size_t count)
{
    const lm_storage storage = {.pairs = pairs, .pair_count = count};
    lm_store *store;
    lm_error error;
    if (lm__store_hdfs_open(allocator, root, &storage, &store, &error) != LM_OK) {
        check_fail(__FILE__, __LINE__, "%s", error.message);
        abort();
    }
    ((lm_hdfs_store *)store)->remote.retry.policy.sleep = no_sleep;
    return store;
}

static const lm_storage_pair user = {"user", "u"};

/* A server, and a store of the user "u" on it. */
static lm_store *start(void)
{
    web_start();
    snprintf(root, sizeof root, "webhdfs://127.0.0.1:%d", web.server.port);
    return store_open(NULL, &user, 1);
}

/* An empty server, and a store that has seen nothing. */
static lm_store *start_again(lm_store *store)
{
    lm__store_close(store);
    web_reset();
    return store_open(NULL, &user, 1);
}

static void stop(lm_store *store)
{
    lm__store_close(store);
    web_stop();
}

static lm_status put_bytes(lm_store *store, const char *path, const void *data, size_t size,
                           const lm_stage_options *options, lm_error *error)
{
    lm_stage *stage;
    lm_status status = lm__stage_open(store, at(path), options, &stage, error);
    if (status != LM_OK) return status;
    status = lm__stage_write(stage, data, size, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

static lm_status put(lm_store *store, const char *path, const char *text,
                     const lm_stage_options *options, lm_error *error)
{
    return put_bytes(store, path, text, strlen(text), options, error);
}

static bool reads(lm_store *store, const char *path, const char *text)
{
    uint8_t *data;
    size_t size;
    if (lm__store_read(store, at(path), NULL, 1 << 20, &data, &size, NULL) != LM_OK) return false;
    bool same = size == strlen(text) && memcmp(data, text, size) == 0;
    lm__free(NULL, data);
    return same;
}

static const lm_stage_options replace = {0}, if_absent = {.mode = LM_COMMIT_IF_ABSENT};

/* ---- the requests ---- */

TEST(a_small_file_is_these_requests)
{
    lm_store *store = start();
    lm_error error;
    CHECK_OK(put(store, "/d/a b+%", "hello", &replace, &error), error);
    CHECK_TEXT(web.journal,
               "GET GETFILESTATUS /d/a b+%\n"
               "PUT CREATE /d/.lamella-1.tmp overwrite=false createparent=true\n"
               "PUT data CREATE /d/.lamella-1.tmp\n"
               "GET GETFILESTATUS /d/.lamella-1.tmp\n"
               "PUT RENAME /d/.lamella-1.tmp destination=/d/a b+% renameoptions=OVERWRITE\n");
    CHECK(web_is("/d/a b+%", "hello"));
    CHECK(reads(store, "/d/a b+%", "hello"));
    web_plan(FAULT_NONE, 0, 0);
    CHECK_STATUS(put(store, "/d/a b+%", "x", &if_absent, &error), LM_EXISTS);
    CHECK_TEXT(web.journal, "GET GETFILESTATUS /d/a b+%\n");
    web_plan(FAULT_NONE, 0, 0);
    CHECK_OK(put(store, "/d/c", "", &if_absent, &error), error);
    CHECK(strstr(web.journal, "RENAME /d/.lamella-1.tmp destination=/d/c renameoptions=NONE\n"));
    CHECK(web_is("/d/c", ""));
    stop(store);
}

TEST(a_large_file_streams_in_bounded_memory)
{
    lm_store *store = start();
    lm_stage *stage;
    lm_error error;
    lm_checksum sum;
    char text[LM_CHECKSUM_TEXT_MAX];
    check_alloc memory;
    const size_t size = 3500000;
    uint8_t *data = malloc(size);
    uint64_t state = 7;
    for (size_t i = 0; i < size; i++) data[i] = (uint8_t)check_random(&state);
    check_alloc_init(&memory, SIZE_MAX);
    const lm_stage_options options = {
        .allocator = &memory.allocator, .checksum = LM_CHECKSUM_CRC32C, .block_bytes = 1 << 21};
    CHECK_OK(lm__stage_open(store, at("/big"), &options, &stage, &error), error);
    for (size_t from = 0, step = 1; from < size; from += step, step = step * 3 % 1500007 + 1) {
        if (step > size - from) step = size - from;
        CHECK_OK(lm__stage_write(stage, data + from, step, &error), error);
    }
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_INT(stage->sealed.size, size);
    CHECK_INT(stage->sealed.inode, web_find("/big") ? 0 : stage->sealed.inode);
    CHECK(!web_find("/big"));
    CHECK_OK(lm__stage_commit(stage, &error), error);
    CHECK_STATUS(lm__checksum_init(&sum, LM_CHECKSUM_CRC32C, NULL), LM_OK);
    CHECK_STATUS(lm__checksum_update(&sum, data, size, NULL), LM_OK);
    CHECK_STATUS(lm__checksum_final(&sum, text, NULL), LM_OK);
    CHECK_TEXT(stage->sealed.checksum, text);
    lm__stage_close(stage);
    CHECK(memory.largest <= LM_HDFS_SMALL_BYTES);
    CHECK_INT(memory.live, 0);
    const web_file *file = web_find("/big");
    CHECK(file && file->size == size && memcmp(file->bytes, data, size) == 0);
    CHECK(strstr(web.journal, " blocksize=2097152\n") != NULL);
    free(data);
    stop(store);
}

TEST(a_replaced_file_gives_its_mode_and_group)
{
    lm_store *store = start();
    lm_stage *stage;
    lm_error error;
    web_put("/a", "old");
    web_file *old = web_find("/a");
    old->permission = 0664;
    old->owner = "root";
    old->group = "wheel";
    CHECK_OK(lm__stage_open(store, at("/a"), &replace, &stage, &error), error);
    CHECK(stage->sealed.replaces);
    CHECK_OK(lm__stage_write(stage, "new", 3, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_INT(stage->sealed.warnings, LM_FILE_WARN_OWNER);
    CHECK_OK(lm__stage_commit(stage, &error), error);
    lm__stage_close(stage);
    CHECK_TEXT(web.journal,
               "GET GETFILESTATUS /a\n"
               "PUT CREATE /.lamella-1.tmp overwrite=false createparent=true permission=664\n"
               "PUT data CREATE /.lamella-1.tmp\n"
               "GET GETFILESTATUS /.lamella-1.tmp\n"
               "PUT SETOWNER /.lamella-1.tmp owner=root\n"
               "PUT SETOWNER /.lamella-1.tmp group=wheel\n"
               "PUT SETPERMISSION /.lamella-1.tmp permission=664\n"
               "PUT RENAME /.lamella-1.tmp destination=/a renameoptions=OVERWRITE\n");
    CHECK_INT(web_find("/a")->permission, 0664);
    CHECK_TEXT(web_find("/a")->group, "wheel");
    CHECK(web_is("/a", "new"));
    stop(store);
}

TEST(a_stage_that_is_closed_leaves_nothing)
{
    lm_store *store = start();
    lm_stage *stage;
    lm_error error;
    static char data[1200000];
    CHECK_OK(lm__stage_open(store, at("/a"), &replace, &stage, &error), error);
    CHECK_OK(lm__stage_write(stage, "x", 1, &error), error);
    lm__stage_close(stage);
    CHECK_INT(web.request, 1);
    CHECK_OK(lm__stage_open(store, at("/a"), &replace, &stage, &error), error);
    CHECK_OK(lm__stage_write(stage, "x", 1, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_INT(web_temps_left(), 1);
    lm__stage_close(stage);
    CHECK_INT(web_temps_left(), 0);
    /* A large one that is given up: the server closes what it has, and it is removed. */
    CHECK_OK(lm__stage_open(store, at("/a"), &replace, &stage, &error), error);
    CHECK_OK(lm__stage_write(stage, data, sizeof data, &error), error);
    CHECK_OK(lm__stage_write(stage, data, sizeof data, &error), error);
    lm__stage_close(stage);
    stop(store); /* the thread that had the upload may be at it still */
    CHECK(strstr(web.journal, "DELETE DELETE /.lamella-") != NULL);
    CHECK(!web_find("/a"));
}

/* ---- faults ---- */

static const web_fault faults[] = {
    FAULT_CUT_BEFORE, FAULT_CUT_AFTER, FAULT_LATER,    FAULT_HALF,
    FAULT_500,        FAULT_500_AFTER, FAULT_503,      FAULT_STANDBY,
    FAULT_RETRIABLE,  FAULT_GARBAGE,   FAULT_NONSENSE,
};

/* Each request of a publication fails in each way, once. What is told is true, what stands there is
 * whole, and nothing is left; where it can be done nevertheless, it is done. */
static void each_fault(const char *text, size_t size, const lm_stage_options *options,
                       const char *before)
{
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        lm_store *store = start();
        for (int nth = 0;; nth++) {
            store = start_again(store);
            lm_error error = {0};
            if (before) web_put("/d/a", before);
            web_plan(faults[f], nth, 1);
            lm_status status = put_bytes(store, "/d/a", text, size, options, &error);
            int requests = web.request;
            bool failed = check_failed;
            check_failed = false;
            const web_file *file = web_find("/d/a");
            bool is_new = file && file->size == size && memcmp(file->bytes, text, size) == 0;
            bool is_old = before ? web_is("/d/a", before) : !file;
            if (status == LM_OK)
                CHECK(is_new);
            else
                CHECK(is_old && error.message[0]);
            /* With one fault and a server that answers again, nobody needs to be left wondering;
             * of a large file, what broke in its upload is gone. */
            CHECK(status != LM_UNKNOWN_OUTCOME && status != LM_EXISTS);
            bool may_fail = faults[f] >= FAULT_GARBAGE || size > LM_HDFS_SMALL_BYTES;
            if (!may_fail) CHECK_OK(status, error);
            /* A request that is still on its way when all is over finds nothing. */
            pthread_mutex_lock(&web.mutex);
            web.later_in = web.later_in < 0 ? -1 : 0;
            web_later();
            pthread_mutex_unlock(&web.mutex);
            CHECK(web_is("/d/a", before) == is_old);
            /* Only the removal itself, cut off, leaves something: gc's. */
            CHECK(web_temps_left() == 0 || faults[f] == FAULT_HALF || status != LM_OK);
            if (check_failed)
                printf("# fault %d at request %d: %s %s\n%s", (int)faults[f], nth,
                       lm_status_name(status), error.message, web.journal);
            check_failed |= failed;
            if (requests <= nth || check_failed) break;
        }
        stop(store);
    }
}

TEST(a_small_publication_survives_each_fault)
{
    each_fault("new", 3, &replace, "old");
}
TEST(a_put_if_absent_survives_each_fault)
{
    each_fault("entry", 5, &if_absent, NULL);
}
TEST(a_large_publication_is_old_or_new_after_each_fault)
{
    static char data[2200000];
    memset(data, 'x', sizeof data);
    each_fault(data, sizeof data, &replace, "old");
}

static void add_progress(void *context, uint64_t bytes) { *(uint64_t *)context += bytes; }

static int times(const char *what)
{
    int count = 0;
    for (const char *found = web.journal; (found = strstr(found, what)); found++) count++;
    return count;
}

/* What has its source still begins again, to another temporary name; and no more often than
 * attempts says. */
TEST(a_copy_that_breaks_off_begins_again)
{
    const web_fault breaks[] = {FAULT_HALF, FAULT_500, FAULT_CUT_BEFORE, FAULT_NONSENSE};
    static char data[2200000];
    char scratch[256];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)('a' + i % 23);
    scratch_make(scratch);
    const char *source = scratch_join(scratch, "source");
    FILE *file = fopen(source, "w");
    CHECK(file && fwrite(data, 1, sizeof data, file) == sizeof data && fclose(file) == 0);
    lm_store *store = start();
    for (size_t f = 0; f < 2 * sizeof breaks / sizeof *breaks; f++) {
        bool is_once = f >= sizeof breaks / sizeof *breaks;
        const lm_storage_pair pairs[] = {user, {"attempts", is_once ? "1" : "3"}};
        const lm_storage storage = {.pairs = pairs, .pair_count = 2};
        const lm_file_options how = {.storage = &storage};
        uint64_t told = 0;
        const lm_copy_options options = {.file = &how, .progress = add_progress, .context = &told};
        lm_error error = {0};
        store = start_again(store);
        web_put("/a", "old");
        web_plan(breaks[f % 4], 2, 1);
        lm_status status = lm_path_copy(source, at("/a"), &options, NULL, &error);
        if (is_once) {
            CHECK_STATUS(status, LM_IO);
            CHECK(error.retryable);
            CHECK(web_is("/a", "old"));
            CHECK_INT(times("data CREATE"), 1);
        } else {
            CHECK_OK(status, error);
            const web_file *made = web_find("/a");
            CHECK(made && made->size == sizeof data && memcmp(made->bytes, data, made->size) == 0);
            CHECK_INT(told, sizeof data);
            CHECK_INT(times("data CREATE"), 2);
            /* The NameNode knows which one took the half. */
            if (breaks[f] == FAULT_HALF) CHECK_INT(times("excludedatanodes=127.0.0.1:7002\n"), 1);
        }
        CHECK_INT(web_temps_left(), 0);
    }
    stop(store);
    scratch_remove(scratch);
}

/* The journal from the first RENAME on. */
static const char *since_rename(void)
{
    const char *at_rename = strstr(web.journal, "PUT RENAME");
    return at_rename ? at_rename : "";
}

static lm_status put_source(const char *source, lm_error *error)
{
    const lm_file_options file = {.storage = &(lm_storage){.pairs = &user, .pair_count = 1}};
    const lm_put_options options = {.file = &file};
    return lm_put(source, at("/a.csv"), &options, NULL, error);
}

static lm_status merge_source(const char *source, lm_error *error)
{
    const lm_file_options file = {.storage = &(lm_storage){.pairs = &user, .pair_count = 1}};
    const lm_merge_options options = {.file = &file};
    lm_merge_plan *plan;
    lm_status status = lm_merge_plan_open(&source, 1, at("/a.csv"), &options, &plan, error);
    if (status != LM_OK) return status;
    status = lm_merge_run(plan, NULL, error);
    lm_merge_plan_close(plan);
    return status;
}

/* Each time it is begun again, by whatever makes it, the DataNode that failed is left out. */
TEST(what_is_begun_again_knows_who_failed)
{
    static lm_status (*const ways[])(const char *, lm_error *) = {put_source, merge_source};
    char scratch[256];
    scratch_make(scratch);
    const char *source = scratch_join(scratch, "source.csv");
    FILE *file = fopen(source, "w");
    CHECK(file && fputs("number,text\n", file) >= 0);
    for (int i = 0; file && i < 200000; i++) fprintf(file, "%d,text of it\n", 1000000 + i);
    CHECK(file && fclose(file) == 0);
    lm_store *store = start();
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        lm_error error = {0};
        store = start_again(store);
        web_plan(FAULT_HALF, 2, 1);
        CHECK_OK(ways[way](source, &error), error);
        CHECK_INT(times("data CREATE"), 2);
        CHECK_INT(times("excludedatanodes=127.0.0.1:7002\n"), 1);
        CHECK_INT(web_temps_left(), 0);
    }
    stop(store);
    scratch_remove(scratch);
}

TEST(a_lost_rename_is_fenced_and_found)
{
    lm_error error;
    lm_store *store = start();
    web_plan(FAULT_CUT_AFTER, 4, 1);
    CHECK_OK(put(store, "/a", "new", &if_absent, &error), error);
    CHECK_TEXT(since_rename(),
               "PUT RENAME /.lamella-1.tmp destination=/a renameoptions=NONE\n"
               "PUT RENAME /.lamella-1.tmp destination=/.lamella-2.tmp renameoptions=NONE\n"
               "GET GETFILESTATUS /a\n");
    stop(store);

    store = start();
    web_plan(FAULT_CUT_BEFORE, 4, 1);
    CHECK_OK(put(store, "/a", "new", &if_absent, &error), error);
    CHECK_TEXT(since_rename(),
               "PUT RENAME /.lamella-1.tmp destination=/a renameoptions=NONE\n"
               "PUT RENAME /.lamella-1.tmp destination=/.lamella-2.tmp renameoptions=NONE\n"
               "PUT RENAME /.lamella-2.tmp destination=/a renameoptions=NONE\n");
    stop(store);

    /* Still on its way, and done after the fence: it finds nothing. */
    store = start();
    web_put("/a", "old");
    web_plan(FAULT_LATER, 4, 1);
    CHECK_OK(put(store, "/a", "new", &replace, &error), error);
    CHECK(web_is("/a", "new"));
    CHECK_INT(web_temps_left(), 0);
    stop(store);
}

TEST(a_lost_rename_that_nobody_can_settle_is_unknown)
{
    lm_error error;
    lm_store *store = start();
    web_put("/a", "old");
    web_plan(FAULT_CUT_BEFORE, 4, 1000);
    CHECK_STATUS(put(store, "/a", "new", &replace, &error), LM_UNKNOWN_OUTCOME);
    CHECK(strstr(error.message, "/a: nobody can say whether it was put in place; look at it when "
                                "the NameNode answers again") != NULL);
    stop(store);
}

TEST(what_was_no_namenode_is_not_believed)
{
    lm_store *store = start();
    lm_error error;
    web_plan(FAULT_GARBAGE, 4, 1);
    CHECK_OK(put(store, "/a", "new", &replace, &error), error);
    web_plan(FAULT_NONSENSE, 4, 1);
    CHECK_OK(put(store, "/b", "new", &replace, &error), error);
    CHECK(web_is("/a", "new") && web_is("/b", "new"));
    web_plan(FAULT_NONSENSE, 2, 1000);
    CHECK_STATUS(put(store, "/c", "new", &replace, &error), LM_IO);
    web_plan(FAULT_NONSENSE, 2, 1);
    CHECK(reads(store, "/a", "new"));
    web_plan(FAULT_NONSENSE, 2, 1000);
    CHECK(!reads(store, "/a", "new"));
    stop(store);
}

TEST(a_lost_removal_is_looked_after)
{
    static const web_fault lost[] = {FAULT_CUT_AFTER, FAULT_500_AFTER, FAULT_GARBAGE};
    lm_store *store = start();
    lm_error error;
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        store = start_again(store);
        web_put("/a", "1");
        web_plan(lost[i], 1, 1);
        CHECK_OK(lm__store_remove(store, at("/a"), LM_DURABILITY_FULL, &error), error);
        CHECK(web_is("/a", NULL));
        store = start_again(store);
        web_put("/a", "1");
        web_plan(lost[i], 1, 1000);
        CHECK_STATUS(lm__store_remove(store, at("/a"), LM_DURABILITY_FULL, &error),
                     LM_UNKNOWN_OUTCOME);
        CHECK(strstr(error.message, "nobody can say whether it was removed") != NULL);
    }
    /* Nobody there any more after the first answer was lost. */
    store = start_again(store);
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    char here[32];
    snprintf(here, sizeof here, "%s", root + strlen("webhdfs://"));
    hdfs->nodes.hosts[0] = here;
    hdfs->nodes.hosts[1] = "127.0.0.1:1";
    hdfs->nodes.count = 2;
    hdfs->remote.retry.policy.attempts_max = 1;
    web_put("/a", "1");
    web_plan(FAULT_CUT_AFTER, 1, 1000);
    CHECK_STATUS(lm__store_remove(store, at("/a"), LM_DURABILITY_FULL, &error), LM_UNKNOWN_OUTCOME);
    store = start_again(store);
    web_put("/t/a", "1");
    web_plan(FAULT_CUT_BEFORE, 1, 1000);
    CHECK_STATUS(lm__store_tree_remove(store, at("/t"), NULL, &error), LM_UNKNOWN_OUTCOME);
    web_plan(FAULT_STANDBY, 1, 1000);
    CHECK_STATUS(lm__store_tree_remove(store, at("/t"), NULL, &error), LM_IO);
    stop(store);
}

TEST(what_is_refused_is_told_with_its_reason)
{
    lm_store *store = start();
    lm_error error;
    lm_stage *stage;
    web_put("/d/x", "1");
    CHECK_STATUS(put(store, "/d", "x", &replace, &error), LM_UNSUITABLE);
    CHECK_STATUS(put(store, "/d/", "x", &replace, &error), LM_UNSUITABLE);
    CHECK_STATUS(
        lm__stage_open(store, at("/no/x"), &(lm_stage_options){.no_parents = true}, &stage, &error),
        LM_OK);
    CHECK_OK(lm__stage_write(stage, "x", 1, &error), error);
    CHECK_STATUS(lm__stage_seal(stage, &error), LM_NOT_FOUND);
    lm__stage_close(stage);
    CHECK(!web_find("/no"));
    lm_stage_options options = {.mode = LM_COMMIT_IF_MATCH, .match = "crc32c:00000000"};
    CHECK_STATUS(lm__stage_open(store, at("/a"), &options, &stage, &error), LM_UNSUPPORTED);
    CHECK(strstr(error.message, "the hdfs store cannot replace only what was seen") != NULL);
    options = (lm_stage_options){.durability = LM_DURABILITY_NONE};
    CHECK_STATUS(lm__stage_open(store, at("/a"), &options, &stage, &error), LM_UNSUPPORTED);
    CHECK_STATUS(lm__store_link(store, at("/d/x"), at("/y"), LM_DURABILITY_FULL, &error),
                 LM_UNSUPPORTED);
    CHECK_STATUS(lm__store_remove(store, at("/d/no"), LM_DURABILITY_FULL, &error), LM_NOT_FOUND);
    CHECK(strstr(error.message, "/d/no: there is no such file or directory") != NULL);
    CHECK_STATUS(lm__store_remove(store, at("/d"), LM_DURABILITY_FULL, &error), LM_UNSUITABLE);
    CHECK_STATUS(lm__store_stat(store, "webhdfs://elsewhere/a", true, &(lm_store_stat){0}, &error),
                 LM_INVALID);
    stop(store);
}

/* ---- NameNodes ---- */

TEST(a_standby_is_passed_over_and_remembered)
{
    lm_store *store = start();
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    lm_store_stat stat;
    lm_error error;
    char other[32];
    snprintf(other, sizeof other, "127.0.0.1:%d", web.other.port);
    hdfs->nodes.hosts[1] = other;
    hdfs->nodes.count = 2;
    web_put("/a", "1");
    web.standby = &web.server;
    CHECK_OK(lm__store_stat(store, at("/a"), true, &stat, &error), error);
    CHECK_INT(web.request, 2);
    CHECK_OK(lm__store_stat(store, at("/a"), true, &stat, &error), error);
    CHECK_INT(web.request, 3);
    web.standby = &web.other; /* a failover: also what is not repeatable goes to the other one */
    CHECK_OK(put(store, "/b", "x", &if_absent, &error), error);
    CHECK(web_is("/b", "x"));
    hdfs->nodes.hosts[1] = "127.0.0.1:1"; /* nobody listens */
    atomic_store(&hdfs->active, 1);
    CHECK_OK(lm__store_stat(store, at("/a"), true, &stat, &error), error);
    CHECK_INT(atomic_load(&hdfs->active), 0);
    web.standby = &web.server;
    CHECK_STATUS(lm__store_stat(store, at("/a"), true, &stat, &error), LM_IO);
    CHECK(error.retryable);
    stop(store);
}

TEST(safe_mode_is_waited_for)
{
    lm_store *store = start();
    lm_error error;
    web_plan(FAULT_RETRIABLE, 1, 3);
    CHECK_OK(put(store, "/a", "x", &replace, &error), error);
    web_plan(FAULT_RETRIABLE, 4, 100);
    CHECK_STATUS(put(store, "/b", "x", &replace, &error), LM_IO);
    CHECK(strstr(error.message, "the NameNode asked to be asked again later") != NULL);
    CHECK(!web_find("/b"));
    stop(store);
}

/* ---- a gateway ---- */

TEST(a_gateway_puts_where_nothing_is_and_replaces_nothing)
{
    lm_store *store = start();
    lm_store_stat stat;
    lm_error error;
    web.is_gateway = true;
    CHECK_OK(put(store, "/d/a", "new", &if_absent, &error), error);
    CHECK(web_is("/d/a", "new"));
    CHECK(reads(store, "/d/a", "new"));
    CHECK_STATUS(put(store, "/d/a", "other", &if_absent, &error), LM_EXISTS);
    CHECK_STATUS(put(store, "/d/a", "other", &replace, &error), LM_UNSUPPORTED);
    CHECK(strstr(error.message, "(HttpFS)") != NULL);
    CHECK(web_is("/d/a", "new"));
    CHECK_OK(put(store, "/d/b", "new", &replace, &error), error);
    CHECK_INT(web_temps_left(), 0);
    CHECK_OK(lm__store_stat(store, at("/d/a"), true, &stat, &error), error);
    CHECK_INT(stat.inode, 0);
    /* A file that another one took the place of is noticed by its time. */
    lm_source *source;
    char byte;
    CHECK_OK(lm__store_open(store, at("/d/a"), &source, &error), error);
    web_put("/d/a", "new");
    CHECK_STATUS(lm_source_read(source, 0, &byte, 1, &error), LM_STALE);
    lm_source_close(source);
    stop(store);
}

/* ---- reading ---- */

TEST(a_file_that_was_listed_is_opened_without_a_request)
{
    lm_store *store = start();
    lm_source *source;
    lm_error error;
    char got[16] = "";
    web_put("/a", "0123456789");
    CHECK_OK(lm__store_open_seen(store, at("/a"), 10, 16386, &source, &error), error);
    CHECK_INT(source->size, 10);
    CHECK_TEXT(web.journal, "");
    CHECK_OK(lm_source_read(source, 2, got, 3, &error), error);
    CHECK_TEXT(got, "234");
    CHECK_TEXT(web.journal, "GET OPEN /.reserved/.inodes/16386 offset=2 length=3\n"
                            "GET data OPEN /.reserved/.inodes/16386\n");
    web_put("/a", NULL);
    CHECK_STATUS(lm_source_read(source, 7, got, 3, &error), LM_STALE);
    lm_source_close(source);
    web_put("/a", "another!!!");
    /* A gateway tells no inode: the path is looked at, and the size compared. */
    CHECK_STATUS(lm__store_open_seen(store, at("/a"), 9, 0, &source, &error), LM_STALE);
    CHECK(strstr(error.message, "/a: it had 9 bytes a moment ago, and has 10 now") != NULL);
    CHECK(source == NULL);
    stop(store);
}

TEST(a_range_is_asked_of_the_inode)
{
    lm_store *store = start();
    lm_source *source;
    lm_error error;
    char got[16] = "";
    web_put("/a", "0123456789");
    CHECK_OK(lm__store_open(store, at("/a"), &source, &error), error);
    CHECK_INT(source->size, 10);
    CHECK_OK(lm_source_read(source, 2, got, 3, &error), error);
    CHECK_TEXT(got, "234");
    CHECK_TEXT(web.journal, "GET GETFILESTATUS /a\n"
                            "GET OPEN /.reserved/.inodes/16386 offset=2 length=3\n"
                            "GET data OPEN /.reserved/.inodes/16386\n");
    pthread_mutex_lock(&web.mutex);
    snprintf(web_find("/a")->path, 512, "/moved");
    pthread_mutex_unlock(&web.mutex);
    CHECK_OK(lm_source_read(source, 7, got, 3, &error), error);
    CHECK_TEXT(got, "789");
    pthread_mutex_lock(&web.mutex);
    web_find("/moved")->size = 6;
    pthread_mutex_unlock(&web.mutex);
    CHECK_STATUS(lm_source_read(source, 5, got, 5, &error), LM_STALE);
    CHECK_STATUS(lm_source_read(source, 6, got, 1, &error), LM_STALE);
    web_put("/moved", NULL);
    CHECK_STATUS(lm_source_read(source, 0, got, 1, &error), LM_STALE);
    CHECK(strstr(error.message, "/a was replaced, shortened or removed while it was read; read it "
                                "again") != NULL);
    lm__store_close(store); /* a source goes on without */
    web_put("/b", "x");
    CHECK_STATUS(lm_source_read(source, 0, got, 1, &error), LM_STALE);
    lm_source_close(source);
    web_stop();
}

TEST(an_answer_that_promises_more_than_the_file_has_is_enough)
{
    lm_store *store = start();
    lm_source *source;
    lm_error error;
    char got[16] = "";
    web_put("/a", "0123456789");
    CHECK_OK(lm__store_open(store, at("/a"), &source, &error), error);
    web_plan(FAULT_LONG, 1, 1);
    CHECK_OK(lm_source_read(source, 0, got, 10, &error), error);
    CHECK_TEXT(got, "0123456789");
    lm_source_close(source);
    stop(store);
}

TEST(a_read_goes_on_behind_each_fault)
{
    static char data[100000];
    lm_store *store = start();
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++)
        for (int nth = 0; nth < 3; nth++) {
            store = start_again(store);
            for (size_t i = 0; i < sizeof data - 1; i++) data[i] = (char)('a' + i % 23);
            web_put("/a", data);
            web_plan(faults[f], nth, 1);
            bool garbage = faults[f] >= FAULT_GARBAGE;
            bool good = reads(store, "/a", data);
            if (!good && !garbage)
                check_fail(__FILE__, __LINE__, "fault %d at %d:\n%s", (int)faults[f], nth,
                           web.journal);
        }
    store = start_again(store);
    web_put("/a", data);
    web_plan(FAULT_HALF, 2, 1);
    CHECK(reads(store, "/a", data));
    CHECK(strstr(web.journal, "offset=49999 length=50000 excludedatanodes=127.0.0.1:7002\n"));
    stop(store);
}

TEST(a_dead_datanode_is_left_out)
{
    lm_store *store = start();
    lm_source *source;
    lm_error error;
    char got[4] = "";
    web.dead_node = true;
    web_put("/a", "0123456789");
    CHECK_OK(lm__store_open(store, at("/a"), &source, &error), error);
    CHECK_OK(lm_source_read(source, 2, got, 3, &error), error);
    CHECK_TEXT(got, "234");
    CHECK_TEXT(web.journal, "GET GETFILESTATUS /a\n"
                            "GET OPEN /.reserved/.inodes/16386 offset=2 length=3\n"
                            "GET GET_BLOCK_LOCATIONS /.reserved/.inodes/16386 offset=2 length=1\n"
                            "GET OPEN /.reserved/.inodes/16386 offset=2 length=3 "
                            "excludedatanodes=127.0.0.1:7001\n"
                            "GET data OPEN /.reserved/.inodes/16386\n");
    lm_source_close(source);
    CHECK_OK(put(store, "/b", "x", &replace, &error), error);
    CHECK(strstr(web.journal, "createparent=true excludedatanodes=127.0.0.1:7001\n") != NULL);
    /* One that never answered, by the address of its host. */
    store = start_again(store);
    web.dead_node = true;
    CHECK_OK(put(store, "/b", "x", &replace, &error), error);
    CHECK(strstr(web.journal, "createparent=true excludedatanodes=127.0.0.1\n") != NULL);
    CHECK_INT(web_temps_left(), 0);
    stop(store);
}

/* ---- listing ---- */

typedef struct listing {
    int count;
    char names[1000];
} listing;

static lm_status listing_add(void *context, const lm_store_entry *entry, lm_error *error)
{
    (void)error;
    listing *l = context;
    l->count++;
    snprintf(l->names + strlen(l->names), sizeof l->names - strlen(l->names), "%s ", entry->name);
    return LM_OK;
}

TEST(a_listing_goes_page_by_page)
{
    static const char *const names[] = {"a",   "b",   "c%20", "c%",       "d", "%41",
                                        "%42", "%43", "%44",  "\xc3\xa9", "z"};
    lm_store *store = start();
    for (size_t page = 1; page < 13; page++) {
        store = start_again(store);
        listing all = {0}, some = {0};
        lm_error error;
        char path[64];
        web.page = page;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            snprintf(path, sizeof path, "/d/%s", names[i]);
            web_put(path, "1");
        }
        web_put("/d/.lamella-00000000000000000000000000000000.tmp", "1");
        CHECK_OK(lm__store_list(store, at("/d"), NULL, listing_add, &all, &error), error);
        CHECK_INT(all.count, sizeof names / sizeof *names);
        CHECK_TEXT(all.names, "\xc3\xa9 %41 %42 %43 %44 a b c% c%20 d z ");
        const lm_list_options options = {.after = "c%"};
        CHECK_OK(lm__store_list(store, at("/d/"), &options, listing_add, &some, &error), error);
        CHECK_TEXT(some.names, "\xc3\xa9 c%20 d z ");
    }
    stop(store);
}

TEST(a_server_without_pages_gives_all_at_once)
{
    lm_store *store = start();
    listing all = {0};
    lm_error error;
    web.no_batch = true;
    web_put("/d/a", "1");
    web_put("/d/b/c", "1");
    CHECK_OK(lm__store_list(store, at("/d"), NULL, listing_add, &all, &error), error);
    CHECK_TEXT(all.names, "a b ");
    CHECK_OK(lm__store_list(store, at("/"), NULL, listing_add, &all, &error), error);
    CHECK_TEXT(web.journal, "GET LISTSTATUS_BATCH /d\nGET LISTSTATUS /d\nGET LISTSTATUS /\n");
    CHECK_STATUS(lm__store_list(store, at("/no"), NULL, listing_add, &all, &error), LM_NOT_FOUND);
    CHECK_STATUS(lm__store_list(store, at("/d/a"), NULL, listing_add, &all, &error), LM_NOT_FOUND);
    stop(store);
}

/* ---- joining ---- */

static lm_status join(lm_store *store, int count, size_t *done, lm_error *error)
{
    static char paths[40][600];
    const char *sources[40];
    for (int i = 0; i < count; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/d/part-%05d", root, i);
        sources[i] = paths[i];
    }
    return lm__store_concat(store, at("/d/t"), sources, (size_t)count, NULL, done, error);
}

static void parts_put(int count)
{
    char path[64], text[8];
    web_put("/d/t", "head ");
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/d/part-%05d", i);
        snprintf(text, sizeof text, "%d,", i);
        web_put(path, i % 5 == 4 ? "" : text);
    }
}

TEST(parts_are_joined_where_they_lie)
{
    lm_store *store = start();
    lm_error error;
    size_t done;
    parts_put(12);
    CHECK_OK(join(store, 12, &done, &error), error);
    CHECK_INT(done, 12);
    CHECK(web_is("/d/t", "head 0,1,2,3,5,6,7,8,10,11,"));
    CHECK(web_is("/d/part-00004", "") && web_is("/d/part-00005", NULL));
    CHECK_INT(web.concats, 1);
    CHECK(strstr(web.journal, "GET LISTSTATUS_BATCH /d\nPOST CONCAT /d/t sources=/d/part-00000,"));
    stop(store);

    store = start();
    parts_put(3);
    web_put("/d/part-00001", NULL);
    CHECK_STATUS(join(store, 3, &done, &error), LM_NOT_FOUND);
    CHECK_INT(done, 0);
    CHECK(web_is("/d/t", "head "));
    const char *comma[] = {at("/d/a,b")}, *large[] = {at("/d/large-blocks")};
    web_put("/d/a,b", "1");
    web_put("/d/large-blocks", "1");
    CHECK_STATUS(lm__store_concat(store, at("/d/t"), comma, 1, NULL, &done, &error),
                 LM_UNSUPPORTED);
    CHECK(strstr(error.message, "comma") != NULL);
    CHECK_STATUS(lm__store_concat(store, at("/d/t"), large, 1, NULL, &done, &error), LM_INVALID);
    CHECK(strstr(error.message, "whose blocks are at least as large as its own") != NULL);
    stop(store);
}

TEST(many_parts_go_in_batches)
{
    lm_store *store = start();
    lm_error error;
    char directory[400], path[500];
    static char urls[30][600];
    const char *sources[30];
    size_t done;
    memset(directory, 0, sizeof directory);
    for (int i = 0; i < 300; i++) directory[i] = i % 30 ? ' ' : '/'; /* three bytes of URL each */
    directory[1] = 'd';
    for (int i = 29; i < 300; i += 30) directory[i] = 'x';
    web_put("/x", NULL);
    snprintf(path, sizeof path, "%s/t", directory);
    web_put(path, "");
    for (int i = 0; i < 30; i++) {
        snprintf(path, sizeof path, "%s/%d", directory, i);
        web_put(path, "1");
        snprintf(urls[i], sizeof urls[i], "%s%s", root, path);
        sources[i] = urls[i];
    }
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    (void)hdfs;
    snprintf(path, sizeof path, "%s%s/t", root, directory);
    CHECK_OK(lm__store_concat(store, path, sources, 30, NULL, &done, &error), error);
    CHECK_INT(done, 30);
    CHECK(web.sources_bytes_max <= LM_HDFS_CONCAT_BYTES + 1200);
    snprintf(path, sizeof path, "%s/t", directory);
    CHECK_INT(web_find(path)->size, 30);
    stop(store);
}

TEST(a_join_survives_each_fault)
{
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        lm_store *store = start();
        for (int nth = 0;; nth++) {
            store = start_again(store);
            lm_error error;
            size_t done;
            parts_put(12);
            web_plan(faults[f], nth, 1);
            lm_status status = join(store, 12, &done, &error);
            bool joined = web_is("/d/t", "head 0,1,2,3,5,6,7,8,10,11,");
            int requests = web.request;
            if (faults[f] < FAULT_GARBAGE || nth == 2) CHECK_OK(status, error);
            CHECK(status == LM_OK ? joined && done == 12 : web_is("/d/t", "head ") && done == 0);
            if (check_failed) printf("# fault %d at %d\n%s", (int)faults[f], nth, web.journal);
            if (requests <= nth || check_failed) break;
        }
        stop(store);
    }
}

/* ---- trees, adopting, what dead writers left ---- */

TEST(a_directory_is_put_where_nothing_is)
{
    lm_store *store = start();
    lm_error error;
    lm_tree_result result;
    const lm_tree_options absent = {.mode = LM_COMMIT_IF_ABSENT}, over = {0};
    web_put("/s/a", "1");
    web_put("/s/b/c", "2");
    CHECK_OK(lm__store_tree_sync(store, at("/s"), NULL, &error), error);
    CHECK_OK(lm__store_tree_commit(store, at("/s"), at("/deep/out"), &over, &result, &error),
             error);
    CHECK(result.is_visible && !result.exchanged);
    CHECK(web_is("/deep/out/b/c", "2") && !web_find("/s"));
    web_put("/s/a", "3");
    CHECK_STATUS(lm__store_tree_commit(store, at("/s"), at("/deep/out"), &absent, &result, &error),
                 LM_EXISTS);
    CHECK_STATUS(lm__store_tree_commit(store, at("/s"), at("/deep/out"), &over, &result, &error),
                 LM_UNSUPPORTED);
    CHECK(strstr(error.message, "cannot exchange a directory for another in one step: publish "
                                "versions of it") != NULL);
    CHECK(!result.is_visible && web_is("/s/a", "3"));
    CHECK_STATUS(lm__store_tree_commit(store, at("/s/a"), at("/x"), &over, &result, &error),
                 LM_UNSUITABLE);
    CHECK_OK(lm__store_tree_remove(store, at("/deep"), NULL, &error), error);
    CHECK(!web_find("/deep") && !web_find("/deep/out/b/c"));
    CHECK_STATUS(lm__store_tree_remove(store, at("/deep"), NULL, &error), LM_NOT_FOUND);
    CHECK_STATUS(lm__store_tree_remove(store, at("/"), NULL, &error), LM_INVALID);
    /* Lost answers: found by inode, or done again; given up, the tree has its own name back. */
    web_plan(FAULT_CUT_AFTER, 1, 1);
    CHECK_OK(lm__store_tree_commit(store, at("/s"), at("/o1"), &absent, &result, &error), error);
    web_plan(FAULT_CUT_BEFORE, 1, 1);
    CHECK_OK(lm__store_tree_commit(store, at("/o1"), at("/o2"), &absent, &result, &error), error);
    CHECK(web_is("/o2/a", "3"));
    stop(store);
}

TEST(a_finished_file_is_adopted_without_being_read)
{
    lm_store *store = start();
    lm_stage *stage;
    lm_error error;
    web_put("/d/made", "whole");
    const lm_stage_options options = {.adopt = at("/d/made")};
    CHECK_OK(lm__stage_open(store, at("/out/a"), &options, &stage, &error), error);
    CHECK_STATUS(lm__stage_write(stage, "x", 1, &error), LM_INVALID);
    lm__stage_close(stage);
    CHECK_OK(lm__stage_open(store, at("/out/a"), &options, &stage, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_INT(stage->sealed.size, 5);
    lm__stage_close(stage); /* it stays where it is */
    CHECK(web_is("/d/made", "whole"));
    web_plan(FAULT_NONE, 0, 0);
    CHECK_OK(lm__stage_open(store, at("/out/a"), &options, &stage, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_OK(lm__stage_commit(stage, &error), error);
    lm__stage_close(stage);
    CHECK(web_is("/out/a", "whole") && web_is("/d/made", NULL));
    CHECK(strstr(web.journal, "OPEN") == NULL);

    /* Another file under its name is noticed. */
    web_put("/d/made", "1");
    CHECK_OK(lm__stage_open(store, at("/out/b"), &options, &stage, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    web_put("/d/made", "2");
    CHECK_STATUS(lm__stage_commit(stage, &error), LM_CONFLICT);
    lm__stage_close(stage);
    CHECK(web_is("/d/made", "2") && web_is("/out/b", NULL));

    /* Fenced and given up, it has its own name back. */
    CHECK_OK(lm__stage_open(store, at("/out/c"), &options, &stage, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    web_put("/out/c/in the way", "1");
    web_plan(FAULT_CUT_BEFORE, 1, 1);
    CHECK(lm__stage_commit(stage, &error) != LM_OK);
    lm__stage_close(stage);
    CHECK(web_is("/d/made", "2"));
    stop(store);
}

/* The answer of the first RENAME is lost and nothing was done; then somebody else is there. */
TEST(what_was_fenced_has_its_name_back)
{
    lm_store *store = start();
    lm_stage *stage;
    lm_error error;
    lm_tree_result result;
    const lm_tree_options absent = {.mode = LM_COMMIT_IF_ABSENT};
    web_put("/s/a", "1");
    web_put("/out/b", "2");
    web_plan(FAULT_CUT_BEFORE, 1, 1); /* the destination's parent is the root: no MKDIRS */
    CHECK_STATUS(lm__store_tree_commit(store, at("/s"), at("/out"), &absent, &result, &error),
                 LM_EXISTS);
    CHECK(strstr(web.journal, "destination=/.lamella-1.tree") != NULL);
    CHECK(web_is("/s/a", "1") && !result.is_visible);

    web_put("/made", "whole");
    const lm_stage_options options = {.adopt = at("/made"), .mode = LM_COMMIT_IF_ABSENT};
    CHECK_OK(lm__stage_open(store, at("/file"), &options, &stage, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    web_put("/file", "another's");
    web_plan(FAULT_CUT_BEFORE, 1, 1);
    CHECK_STATUS(lm__stage_commit(stage, &error), LM_EXISTS);
    lm__stage_close(stage);
    CHECK(web_is("/made", "whole") && web_is("/file", "another's"));
    CHECK_INT(web_temps_left(), 0);
    stop(store);
}

TEST(a_gateway_moves_no_directory_into_another)
{
    lm_store *store = start();
    lm_error error;
    lm_tree_result result;
    const lm_tree_options absent = {.mode = LM_COMMIT_IF_ABSENT};
    web.is_gateway = true;
    web_put("/s/a", "1");
    web_put("/out/b", "2");
    CHECK_STATUS(lm__store_tree_commit(store, at("/s"), at("/out"), &absent, &result, &error),
                 LM_EXISTS);
    CHECK_OK(lm__store_tree_commit(store, at("/s"), at("/new"), &absent, &result, &error), error);
    CHECK(web_is("/new/a", "1") && !web_find("/out/s"));
    stop(store);
}

typedef struct reaped {
    int removed, live, spared;
} reaped;

static lm_status reaped_add(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    reaped *r = context;
    r->removed += found->done == LM_GC_REMOVED;
    r->live += found->done == LM_GC_LIVE;
    r->spared += found->done == LM_GC_SPARED;
    CHECK(strncmp(found->path, root, strlen(root)) == 0 && found->reason[0]);
    return LM_OK;
}

#define TEMP(digit) ".lamella-0000000000000000000000000000000" digit

TEST(gc_goes_by_name_and_age)
{
    lm_store *store = start();
    lm_error error;
    lm_reap_options options = {.now_ns = 1700000000000ll * 1000000 + 3600000000000};
    reaped r = {0};
    web_put("/d/" TEMP("1") ".tmp", "old");
    web_put("/d/" TEMP("2") ".tmp", "open");
    web_find("/d/" TEMP("2") ".tmp")->is_open = true;
    web_put("/d/" TEMP("3") ".tree/a", "old");
    web_put("/d/sub/" TEMP("4") ".tmp", "below");
    web_put("/d/" TEMP("5") ".tree", "a file that is no tree");
    web_put("/d/a", "kept");
    web_put("/d/" TEMP("6") ".tmp", "young");
    web_find("/d/" TEMP("6") ".tmp")->mtime_ms += 3600000;
    CHECK_OK(lm__store_reap(store, at("/d"), &options, reaped_add, &r, &error), error);
    CHECK_INT(r.spared, 4);
    CHECK_INT(r.removed, 0);
    options.older_than_ns = 60000000000;
    options.dry_run = true;
    r = (reaped){0};
    CHECK_OK(lm__store_reap(store, at("/d/"), &options, reaped_add, &r, &error), error);
    CHECK_INT(r.removed, 2);
    CHECK_INT(web_temps_left(), 7);
    options.dry_run = false;
    options.recursive = true;
    r = (reaped){0};
    CHECK_OK(lm__store_reap(store, at("/"), &options, reaped_add, &r, &error), error);
    CHECK_INT(r.removed, 3);
    CHECK_INT(r.live, 1);
    CHECK_INT(r.spared, 1);
    CHECK(web_is("/d/a", "kept") && web_is("/d/" TEMP("5") ".tree", "a file that is no tree"));
    CHECK(!web_find("/d/" TEMP("3") ".tree") && !web_find("/d/sub/" TEMP("4") ".tmp"));
    stop(store);
}

#define LEFT(kind) ".lamella-" kind "-0123456789abcdef0123456789abcdef"

TEST(gc_finds_what_spark_and_merges_leave)
{
    lm_store *store = start();
    lm_error error;
    lm_reap_options options = {.now_ns = 1700000000000ll * 1000000 + 3600000000000};
    reaped r = {0};
    web_put("/d/" LEFT("spark") "/parts/_temporary/0/part-0", "old");
    web_put("/d/" LEFT("probe"), "?");
    web_put("/d/in/" LEFT("merge") ".part", "rows");
    web_put("/d/in/" LEFT("merge"), "rows");
    web_put("/d/in/.lamella-merge.journal", "lamella merge 1");
    web_put("/d/" LEFT("x"), "somebody else's");
    web_put("/d/sub/" LEFT("spark"), "a file");
    options.recursive = true;
    CHECK_OK(lm__store_reap(store, at("/d"), &options, reaped_add, &r, &error), error);
    CHECK_INT(r.spared, 5);
    CHECK_INT(r.removed, 0);
    options.older_than_ns = 60000000000;
    /* A directory is as young as what is in it, and lives while a file of it is being written. */
    web_find("/d/" LEFT("spark") "/parts/_temporary/0/part-0")->mtime_ms += 3600000;
    r = (reaped){0};
    CHECK_OK(lm__store_reap(store, at("/d"), &options, reaped_add, &r, &error), error);
    CHECK_INT(r.removed, 1);
    CHECK(!web_find("/d/" LEFT("probe")));
    web_find("/d/" LEFT("spark") "/parts/_temporary/0/part-0")->mtime_ms -= 3600000;
    web_find("/d/" LEFT("spark") "/parts/_temporary/0/part-0")->is_open = true;
    r = (reaped){0};
    CHECK_OK(lm__store_reap(store, at("/d"), &options, reaped_add, &r, &error), error);
    CHECK_INT(r.live, 1);
    CHECK_INT(r.spared, 3);
    web_find("/d/" LEFT("spark") "/parts/_temporary/0/part-0")->is_open = false;
    r = (reaped){0};
    CHECK_OK(lm__store_reap(store, at("/d"), &options, reaped_add, &r, &error), error);
    CHECK_INT(r.removed, 1);
    CHECK_INT(r.spared, 3);
    CHECK(!web_find("/d/" LEFT("spark")) && web_find("/d/" LEFT("x")));
    CHECK(web_is("/d/in/" LEFT("merge") ".part", "rows") && web_find("/d/sub/" LEFT("spark")));
    CHECK(web_is("/d/in/.lamella-merge.journal", "lamella merge 1"));
    stop(store);
}

/* ---- options, cancelling, memory ---- */

TEST(options_are_checked_and_used)
{
    static const struct {
        lm_storage_pair pair;
        const char *message;
    } bad[] = {
        {{"hdfs.usr", "x"}, "the storage option hdfs.usr is none of HDFS's"},
        {{"replication", "0"}, "the storage option replication is a whole number from 1 to 512"},
        {{"replication", "-1"}, "the storage option replication is a whole number from 1 to 512"},
        {{"block_size", "1k"}, "the storage option block_size is a whole number from 1 to"},
        {{"negotiate", "yes"}, "the storage option negotiate is true or false, not 'yes'"},
        {{"conf_dir", "/nowhere"}, "/nowhere has neither core-site.xml nor hdfs-site.xml"},
        {{"hdfs.attempts", "x"}, "the storage option attempts is a number from 1 to 100"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const lm_storage storage = {.pairs = &bad[i].pair, .pair_count = 1};
        lm_store *none;
        lm_error error = {0};
        CHECK(lm__store_hdfs_open(NULL, "webhdfs://h:1", &storage, &none, &error) != LM_OK);
        if (!strstr(error.message, bad[i].message))
            check_fail(__FILE__, __LINE__, "\"%s\"", error.message);
        CHECK(none == NULL);
    }
    static const lm_storage_pair pairs[] = {{"hdfs.user", "me"},  {"user", "other"},
                                            {"replication", "2"}, {"block_size", "4194304"},
                                            {"s3.region", "x"},   {"delegation", "secret+/="}};
    lm_store *store = start();
    lm_error error;
    lm__store_close(store);
    store = store_open(NULL, pairs, 5);
    CHECK_OK(put(store, "/a", "x", &replace, &error), error);
    CHECK(strstr(web.server.log, "GETFILESTATUS&user.name=me HTTP") != NULL);
    CHECK(strstr(web.journal, " blocksize=4194304 replication=2\n") != NULL);
    lm__store_close(store);
    store = store_open(NULL, pairs, 6);
    CHECK_OK(put(store, "/b", "x", &replace, &error), error);
    CHECK(strstr(web.server.log, "op=GETFILESTATUS&delegation=secret%2B/%3D HTTP") != NULL);
    web_plan(FAULT_CUT_BEFORE, 0, 100);
    CHECK_STATUS(put(store, "/b", "x", &replace, &error), LM_IO);
    CHECK(strstr(error.message, "secret") == NULL);
    stop(store);
}

TEST(a_cancelled_publication_changes_nothing)
{
    lm_store *store = start();
    lm_cancel cancel = {0};
    const lm_stage_options options = {.cancel = &cancel};
    lm_stage *stage;
    lm_error error;
    CHECK_OK(lm__stage_open(store, at("/a"), &options, &stage, &error), error);
    CHECK_OK(lm__stage_write(stage, "x", 1, &error), error);
    atomic_store(&cancel.requested, 1);
    CHECK_STATUS(lm__stage_write(stage, "x", 1, &error), LM_CANCELLED);
    lm__stage_close(stage);
    atomic_store(&cancel.requested, 0);
    CHECK_OK(lm__stage_open(store, at("/a"), &options, &stage, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    atomic_store(&cancel.requested, 1);
    CHECK_STATUS(lm__stage_commit(stage, &error), LM_CANCELLED);
    lm__stage_close(stage);
    CHECK(!web_find("/a"));
    CHECK_INT(web_temps_left(), 0);
    stop(store);
}

TEST(each_allocation_may_fail)
{
    static const lm_storage_pair pairs[] = {{"user", "u"}, {"attempts", "1"}};
    lm__store_close(start());
    for (size_t n = 0;; n++) {
        const lm_storage storage = {.pairs = pairs, .pair_count = 2};
        check_alloc memory;
        lm_store *store;
        uint8_t *data = NULL;
        size_t size, done;
        listing all = {0};
        check_alloc_init(&memory, n);
        web_put("/d/part", "1");
        web_put("/d/a", NULL);
        lm_status status = lm__store_hdfs_open(&memory.allocator, root, &storage, &store, NULL);
        if (status == LM_OK) {
            const char *sources[] = {at("/d/part")};
            status = put(store, "/d/a", "text", &replace, NULL);
            if (status == LM_OK)
                status =
                    lm__store_read(store, at("/d/a"), &memory.allocator, 100, &data, &size, NULL);
            lm__free(&memory.allocator, data);
            if (status == LM_OK)
                status = lm__store_list(store, at("/d"), NULL, listing_add, &all, NULL);
            if (status == LM_OK)
                status = lm__store_concat(store, at("/d/a"), sources, 1, NULL, &done, NULL);
            lm__store_close(store);
        }
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_STATUS(status, LM_OK);
            break;
        }
        if (status == LM_OK) continue; /* it went without: a kept connection, a window */
        if (status != LM_NO_MEMORY && status != LM_UNKNOWN_OUTCOME)
            check_fail(__FILE__, __LINE__, "allocation %zu: %s", n, lm_status_name(status));
    }
    web_stop();
}

int main(void)
{
    RUN(a_small_file_is_these_requests);
    RUN(a_large_file_streams_in_bounded_memory);
    RUN(a_replaced_file_gives_its_mode_and_group);
    RUN(a_stage_that_is_closed_leaves_nothing);
    RUN(a_small_publication_survives_each_fault);
    RUN(a_put_if_absent_survives_each_fault);
    RUN(a_large_publication_is_old_or_new_after_each_fault);
    RUN(a_copy_that_breaks_off_begins_again);
    RUN(what_is_begun_again_knows_who_failed);
    RUN(a_lost_rename_is_fenced_and_found);
    RUN(a_lost_rename_that_nobody_can_settle_is_unknown);
    RUN(what_was_no_namenode_is_not_believed);
    RUN(a_lost_removal_is_looked_after);
    RUN(what_is_refused_is_told_with_its_reason);
    RUN(a_standby_is_passed_over_and_remembered);
    RUN(safe_mode_is_waited_for);
    RUN(a_gateway_puts_where_nothing_is_and_replaces_nothing);
    RUN(a_file_that_was_listed_is_opened_without_a_request);
    RUN(a_range_is_asked_of_the_inode);
    RUN(an_answer_that_promises_more_than_the_file_has_is_enough);
    RUN(a_read_goes_on_behind_each_fault);
    RUN(a_dead_datanode_is_left_out);
    RUN(a_listing_goes_page_by_page);
    RUN(a_server_without_pages_gives_all_at_once);
    RUN(parts_are_joined_where_they_lie);
    RUN(many_parts_go_in_batches);
    RUN(a_join_survives_each_fault);
    RUN(a_directory_is_put_where_nothing_is);
    RUN(a_finished_file_is_adopted_without_being_read);
    RUN(what_was_fenced_has_its_name_back);
    RUN(a_gateway_moves_no_directory_into_another);
    RUN(gc_goes_by_name_and_age);
    RUN(gc_finds_what_spark_and_merges_leave);
    RUN(options_are_checked_and_used);
    RUN(a_cancelled_publication_changes_nothing);
    RUN(each_allocation_may_fail);
    return DONE();
}
