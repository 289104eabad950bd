/* lamella history: the versions of a table. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/table_change.h"

typedef struct settings {
    lm_cli_common common;
    uint64_t limit;
    lm_cli_operation operation;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"limit", LM_CLI_COUNT, offsetof(settings, limit), "N", "Only the newest N versions.", NULL},
    {NULL},
};

static void number_out(lm_json_writer *writer, const char *key, bool there, uint64_t value)
{
    lm__json_key(writer, key);
    if (there)
        lm__json_uint(writer, value);
    else
        lm__json_null(writer);
}

static void text_out(lm_json_writer *writer, const char *key, const char *text)
{
    lm__json_key(writer, key);
    if (*text)
        lm__json_string(writer, text);
    else
        lm__json_null(writer);
}

static void version_out(lm_json_writer *writer, const lm_table_entry *v, const char *time)
{
    lm_arena arena;
    const lm_json *parameters;
    lm__json_open_object(writer);
    number_out(writer, "version", true, (uint64_t)v->version);
    text_out(writer, "time", time);
    text_out(writer, "operation", v->operation);
    text_out(writer, "run_id", v->run_id);
    text_out(writer, "engine", v->engine);
    lm__json_key(writer, "parameters");
    lm__arena_init(&arena, NULL, 0);
    if (lm__json_parse(&arena, v->parameters, strlen(v->parameters), &parameters, NULL) == LM_OK)
        lm__json_tree(writer, parameters);
    else
        lm__json_null(writer);
    lm__arena_deinit(&arena);
    number_out(writer, "rows_added", v->knows_rows_added, v->rows_added);
    number_out(writer, "parts_added", true, v->parts_added);
    number_out(writer, "bytes_added", true, v->bytes_added);
    number_out(writer, "parts_removed", true, v->parts_removed);
    number_out(writer, "bytes_removed", true, v->bytes_removed);
    lm__json_member_bool_out(writer, "changes_data", v->changes_data);
    lm__json_close_object(writer);
}

static lm_status tell_version(void *context, const lm_table_entry *v, lm_error *error)
{
    lm_cli *cli = context;
    char time[LM_RFC3339_MAX] = "", operation[64], run[256];
    (void)error;
    if (v->time_ms >= 0 && v->time_ms < INT64_MAX / 1000000)
        lm__rfc3339(v->time_ms * 1000000, time);
    if (cli->json) {
        version_out(&cli->writer, v, time);
        return LM_OK;
    }
    lm__cli_print(cli, "%6" PRId64 "  %-27s  %-16s", v->version, time,
                  lm__printable(operation, sizeof operation, v->operation));
    if (v->knows_rows_added) lm__cli_print(cli, "  +%" PRIu64 " rows", v->rows_added);
    lm__cli_print(cli, "  +%" PRIu64 " -%" PRIu64 " parts", v->parts_added, v->parts_removed);
    if (!v->changes_data && v->parts_added + v->parts_removed > 0)
        lm__cli_print(cli, " (rearranged)");
    if (*v->run_id) lm__cli_print(cli, "  run %s", lm__printable(run, sizeof run, v->run_id));
    lm__cli_print(cli, "\n");
    return LM_OK;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    lm_table_operation how;
    lm_error error;
    lm_error_clear(&error);
    if (cli->json) {
        lm__json_key(&cli->writer, "versions");
        lm__json_open_array(&cli->writer);
    }
    lm_status status = lm__cli_operation(cli, &given->operation, &how, &error);
    if (status == LM_OK)
        status =
            lm_table_history(cli->words.items[0], given->limit, &how, tell_version, cli, &error);
    if (cli->json) lm__json_close_array(&cli->writer);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_history = {
    .name = "history",
    .usage = "PATH",
    .summary = "Tell the versions of a table.",
    .about = "Tells each version of the table PATH (docs/tables.md) whose entry the log still has, "
             "newest first: its time, the operation that made it, the run, and the rows and parts "
             "that it added and removed. `cat`, `count` and the like read a version by --version "
             "or --as-of.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
