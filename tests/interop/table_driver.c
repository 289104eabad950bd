/*
 * A table's log from the outside, for test_delta_log.py:
 *
 *     table_driver ROOT state [VERSION]         the state, an action a line, after a line about it
 *     table_driver ROOT commit [create] [all]   actions from stdin; `all`: everything was read
 *     table_driver ROOT load [VERSION]          no more than how much there is
 *     table_driver ROOT checkpoint [VERSION]
 *     table_driver ROOT cleanup DAYS            as it will be in so many days
 *
 * ROOT may be a URL; TABLE_DRIVER_ATTEMPTS is how often its store tries a request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/place.h"
#include "table/checkpoint.h"
#include "table/commit.h"

static lm_error error;

static int fail(lm_status status)
{
    fprintf(stderr, "%s: %s\n", lm_status_name(status), error.message);
    return lm_status_exit(status);
}

static int64_t days;
static int64_t wall_ns(void *context)
{
    (void)context;
    const lm_clock *clock = lm__clock_system();
    return clock->wall_ns(clock->context) + days * 86400 * INT64_C(1000000000);
}

static lm_status print(const lm_action *action)
{
    lm_buffer line;
    lm__buffer_init(&line, NULL, 0);
    lm_status status = lm__action_write(&line, action, &error);
    if (status == LM_OK) fwrite(line.data, 1, line.size, stdout);
    lm__buffer_deinit(&line);
    return status;
}

static lm_status state(lm_table_log *log, int64_t version)
{
    lm_snapshot *s;
    const lm_snapshot_options options = {
        .has_version = version >= 0, .version = version, .with_removes = true};
    LM_TRY(lm__snapshot_load(log, &options, &s, &error));
    printf("{\"version\":%lld,\"checkpoint\":%lld}\n", (long long)s->version,
           (long long)s->checkpoint_version);
    lm_status status = print(&(lm_action){.kind = LM_ACTION_PROTOCOL, .protocol = s->protocol});
    if (status == LM_OK)
        status = print(&(lm_action){.kind = LM_ACTION_METADATA, .metadata = s->metadata});
    for (size_t i = 0; status == LM_OK && i < s->txn_count; i++)
        status = print(&(lm_action){.kind = LM_ACTION_TXN, .txn = s->txns[i].txn});
    for (size_t i = 0; status == LM_OK && i < s->part_count; i++)
        status = print(&(lm_action){.kind = LM_ACTION_ADD, .add = s->parts[i]});
    for (size_t i = 0; status == LM_OK && i < s->remove_count; i++)
        status = print(&(lm_action){.kind = LM_ACTION_REMOVE, .remove = s->removes[i]});
    lm__snapshot_free(s);
    return status;
}

static lm_status load(lm_table_log *log, int64_t version)
{
    lm_snapshot *s;
    const lm_snapshot_options options = {.has_version = version >= 0, .version = version};
    LM_TRY(lm__snapshot_load(log, &options, &s, &error));
    printf("{\"version\":%lld,\"parts\":%zu,\"bytes\":%zu}\n", (long long)s->version, s->part_count,
           s->arena.bytes_held + s->part_capacity * sizeof *s->parts);
    lm__snapshot_free(s);
    return LM_OK;
}

static lm_status commit(lm_table_log *log, bool create, bool all)
{
    static char text[1 << 24];
    size_t size = fread(text, 1, sizeof text, stdin);
    lm_arena arena;
    lm_snapshot *base = NULL;
    lm_commit_request request = {.operation = create ? "CREATE TABLE" : "WRITE",
                                 .reads = all ? LM_READS_ALL : LM_READS_NOTHING};
    lm_commit_result result;
    lm_action *actions;
    lm__arena_init(&arena, NULL, 0);
    lm_status status =
        lm__actions_read(&arena, text, size, "stdin", &actions, &request.action_count, &error);
    if (status == LM_OK && !create)
        status =
            lm__snapshot_load(log, &(lm_snapshot_options){.without_parts = true}, &base, &error);
    request.base = base;
    request.actions = actions;
    if (status == LM_OK) status = lm__table_commit(log, &request, &result, &error);
    if (status == LM_OK)
        printf("{\"version\":%lld,\"was_there\":%s}\n", (long long)result.version,
               result.was_there ? "true" : "false");
    lm__snapshot_free(base);
    lm__arena_deinit(&arena);
    return status;
}

static lm_status checkpoint(lm_table_log *log, int64_t version)
{
    lm_checkpoint_result result;
    LM_TRY(lm__table_checkpoint(log, version, &result, &error));
    printf("{\"version\":%lld,\"actions\":%lld}\n", (long long)result.version,
           (long long)result.actions);
    return LM_OK;
}

static lm_status cleanup(lm_table_log *log)
{
    static const lm_clock ahead = {.wall_ns = wall_ns};
    lm_snapshot *s;
    size_t removed;
    log->clock = &ahead;
    LM_TRY(lm__snapshot_load(log, NULL, &s, &error));
    lm_status status = lm__table_cleanup(log, &s->metadata, false, &removed, &error);
    lm__snapshot_free(s);
    if (status == LM_OK) printf("{\"removed\":%zu}\n", removed);
    return status;
}

static bool has(int argc, char **argv, const char *word)
{
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], word) == 0) return true;
    return false;
}

int main(int argc, char **argv)
{
    lm_store *store;
    lm_table_log log;
    if (argc < 3) return 2;
    int64_t number = argc > 3 ? strtoll(argv[3], NULL, 10) : -1;
    const char *root, *attempts = getenv("TABLE_DRIVER_ATTEMPTS");
    const lm_storage_pair pair = {"attempts", attempts};
    const lm_storage storage = {.pairs = &pair, .pair_count = attempts ? 1 : 0};
    lm_status status = lm__store_for(NULL, argv[1], &storage, &store, &root, &error);
    if (status != LM_OK) return fail(status);
    status = lm__table_log_init(&log, NULL, store, root, &error);
    if (status == LM_OK) {
        if (strcmp(argv[2], "state") == 0)
            status = state(&log, number);
        else if (strcmp(argv[2], "load") == 0)
            status = load(&log, number);
        else if (strcmp(argv[2], "commit") == 0)
            status = commit(&log, has(argc, argv, "create"), has(argc, argv, "all"));
        else if (strcmp(argv[2], "checkpoint") == 0)
            status = checkpoint(&log, number);
        else
            status = (days = number, cleanup(&log));
        lm__table_log_deinit(&log);
    }
    lm__store_close(store);
    return status == LM_OK ? 0 : fail(status);
}
