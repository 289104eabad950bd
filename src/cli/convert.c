/* lamella convert: a directory of Parquet files becomes a table. */
#include <inttypes.h>
#include <lamella/table_convert.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/table_change.h"

typedef struct settings {
    lm_cli_common common;
    bool dry_run;
    lm_cli_operation operation;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"dry-run", LM_CLI_FLAG, offsetof(settings, dry_run), NULL,
     "Look at all files and tell whether they fit; write nothing.", NULL},
    {NULL},
};

static void tell(lm_cli *cli, const lm_table_converted *result)
{
    if (cli->json) {
        lm__json_key(&cli->writer, "version");
        if (result->version >= 0)
            lm__json_int(&cli->writer, result->version);
        else
            lm__json_null(&cli->writer);
        lm__json_member_int_out(&cli->writer, "parts", (int64_t)result->parts);
        lm__json_member_int_out(&cli->writer, "rows", (int64_t)result->rows);
        lm__json_member_int_out(&cli->writer, "bytes", (int64_t)result->bytes);
        lm__json_member_int_out(&cli->writer, "partition_columns",
                                (int64_t)result->partition_columns);
    } else {
        lm__cli_print(cli, "%s %" PRIu64 " files, %" PRIu64 " rows, %" PRIu64 " bytes\n",
                      result->version >= 0 ? "a table of" : "would make a table of", result->parts,
                      result->rows, result->bytes);
    }
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    lm_table_operation how;
    lm_table_converted result;
    lm_error error;
    lm_error_clear(&error);
    lm_status status = lm__cli_operation(cli, &given->operation, &how, &error);
    if (status == LM_OK)
        status = lm_table_convert(cli->words.items[0], given->dry_run, &how, &result, &error);
    if (status == LM_OK) tell(cli, &result);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_convert = {
    .name = "convert",
    .usage = "PATH",
    .summary = "Make a table of a directory of Parquet files.",
    .about = "Puts a Delta log into the directory PATH that tells of all Parquet files below it "
             "(docs/tables.md). The files are not rewritten. Directories KEY=VALUE are partition "
             "columns; schemas are joined, and what does not fit is refused with file and column.",
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
