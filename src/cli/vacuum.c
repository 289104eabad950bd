/* lamella vacuum: files that no version of a table needs any longer go. */
#include <inttypes.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/commands.h"
#include "cli/table_change.h"

#define NOT_SAID (-1)

typedef struct settings {
    lm_cli_common common;
    int64_t retention_ns;
    bool force, dry_run;
    lm_cli_operation operation;
} settings;

static const settings defaults = {.retention_ns = NOT_SAID};

static const lm_cli_option options[] = {
    {"retention", LM_CLI_DURATION, offsetof(settings, retention_ns), "TIME",
     "Keep what a version of this time needs: 12h, 30d. By default the table's own "
     "(delta.deletedFileRetentionDuration), or 7 days.",
     NULL},
    {"force", LM_CLI_FLAG, offsetof(settings, force), NULL,
     "Take a retention that is shorter than the table's. Who still reads an older version misses "
     "parts then. Files that the log never knew are spared for 24 hours all the same, since they "
     "may be a living writer's.",
     NULL},
    {"dry-run", LM_CLI_FLAG, offsetof(settings, dry_run), NULL,
     "Tell what would be removed, remove nothing.", NULL},
    {NULL},
};

typedef struct telling {
    lm_cli *cli;
    bool dry_run;
} telling;

static lm_status tell_file(void *context, const lm_vacuum_file *file, lm_error *error)
{
    static const char *const reasons[] = {"removed from the table", "not in the log"};
    const telling *t = context;
    lm_cli *cli = t->cli;
    char shown[2 * LM_ERROR_MESSAGE_MAX];
    (void)error;
    if (cli->json) {
        lm__json_open_object(&cli->writer);
        lm__json_path_out(&cli->writer, "path", file->path);
        lm__json_key(&cli->writer, "bytes");
        lm__json_uint(&cli->writer, file->bytes);
        lm__json_member_string_out(&cli->writer, "reason", reasons[file->reason]);
        lm__json_close_object(&cli->writer);
    } else {
        lm__cli_print(
            cli, "%s %s (%" PRIu64 " bytes: %s)\n", t->dry_run ? "would remove" : "removed",
            lm__printable(shown, sizeof shown, file->path), file->bytes, reasons[file->reason]);
    }
    return LM_OK;
}

static void tell_result(lm_cli *cli, const settings *given, const lm_vacuum_result *result)
{
    if (cli->json) {
        lm__json_key(&cli->writer, "removed");
        lm__json_uint(&cli->writer, result->files);
        lm__json_key(&cli->writer, "bytes");
        lm__json_uint(&cli->writer, result->bytes);
        lm__json_key(&cli->writer, "spared");
        lm__json_uint(&cli->writer, result->kept);
        lm__json_member_bool_out(&cli->writer, "dry_run", given->dry_run);
    } else {
        lm__cli_print(cli, "%" PRIu64 " files%s (%" PRIu64 " bytes), %" PRIu64 " too young\n",
                      result->files, given->dry_run ? " to remove" : " removed", result->bytes,
                      result->kept);
    }
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    telling t = {cli, given->dry_run};
    const lm_table_vacuuming what = {
        .has_retention = given->retention_ns != NOT_SAID,
        .retention_ms = given->retention_ns / 1000000,
        .force = given->force,
        .dry_run = given->dry_run,
        .callback = tell_file,
        .context = &t,
    };
    lm_vacuum_result result = {0};
    lm_table_operation how;
    lm_error error;
    lm_error_clear(&error);
    if (cli->json) {
        lm__json_key(&cli->writer, "files");
        lm__json_open_array(&cli->writer);
    }
    lm_status status = lm__cli_operation(cli, &given->operation, &how, &error);
    if (status == LM_OK)
        status = lm_table_vacuum(cli->words.items[0], &what, &how, &result, &error);
    if (cli->json) lm__json_close_array(&cli->writer);
    if (status == LM_OK) tell_result(cli, given, &result);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_vacuum = {
    .name = "vacuum",
    .usage = "PATH",
    .summary = "Remove files that no version of a table needs.",
    .about = "Removes Parquet files below the table PATH (docs/tables.md) that are no part of it "
             "and were none for the retention. What a writer has staged and not committed is never "
             "removed; nor are manifest.json, the log, and files of other kinds. Versions that are "
             "older than the retention cannot be read whole afterwards.",
    .groups = {{"Options", options, 0},
               {"Operation", lm__cli_operation_options, offsetof(settings, operation)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
