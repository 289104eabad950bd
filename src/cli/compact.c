/* lamella compact: small parts of a table become large ones. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/table_change.h"

typedef struct settings {
    lm_cli_common common;
    const char *where;
    uint64_t target;
    lm_cli_operation operation;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"where", LM_CLI_TEXT, offsetof(settings, where), "CONDITION",
     "Only these partitions; a condition on partition columns.", NULL},
    {"target-size", LM_CLI_COUNT, offsetof(settings, target), "BYTES",
     "How large parts shall become; 128 MiB by default. Parts of three quarters of this stay.",
     NULL},
    {NULL},
};

static lm_status compact(lm_cli *cli, const settings *given, lm_table_change *change,
                         lm_error *error)
{
    lm_table_operation how;
    lm_expr *where;
    LM_TRY(lm__cli_operation(cli, &given->operation, &how, error));
    LM_TRY(lm__cli_expression(given->where, "where", &where, error));
    const lm_table_compaction what = {.where = where, .target_bytes = given->target};
    lm_status status = lm_table_compact(cli->words.items[0], &what, &how, change, error);
    lm_expr_free(where);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    lm_table_change change = {.version = -1};
    lm_error error;
    lm_error_clear(&error);
    lm_status status = compact(cli, context, &change, &error);
    if (status == LM_OK) lm__cli_tell_change(cli, "compacted", &change);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_compact = {
    .name = "compact",
    .usage = "PATH",
    .summary = "Put small parts of a table together.",
    .about = "Makes large Parquet files of the small ones in each partition of the table PATH "
             "(docs/tables.md), and puts them in their place by one entry of its log. The rows are "
             "the same, sorted tables stay sorted, and who reads or appends meanwhile is not "
             "disturbed. The old files stay for older versions, until `vacuum` removes them.",
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
