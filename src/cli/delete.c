/* lamella delete: partitions of a table go. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/table_change.h"

typedef struct settings {
    lm_cli_common common;
    const char *where;
    bool all;
    lm_cli_operation operation;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"where", LM_CLI_TEXT, offsetof(settings, where), "CONDITION",
     "The partitions (docs/expressions.md): \"bucket < 10 and venue in ('oslo', 'bergen')\". Only "
     "partition columns may be in it, since parts are not rewritten.",
     NULL},
    {"all", LM_CLI_FLAG, offsetof(settings, all), NULL, "All rows.", NULL},
    {NULL},
};

static lm_status delete_rows(lm_cli *cli, const settings *given, lm_table_change *change,
                             lm_error *error)
{
    lm_table_operation how;
    lm_expr *where;
    if ((given->where != NULL) == given->all)
        return lm__error_set(error, LM_INVALID, "--where or --all: one of them");
    LM_TRY(lm__cli_operation(cli, &given->operation, &how, error));
    LM_TRY(lm__cli_expression(given->where, "where", &where, error));
    lm_status status = lm_table_delete(cli->words.items[0], where, &how, change, error);
    lm_expr_free(where);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    lm_table_change change = {.version = -1};
    lm_error error;
    lm_error_clear(&error);
    lm_status status = delete_rows(cli, context, &change, &error);
    if (status == LM_OK) lm__cli_tell_change(cli, "deleted", &change);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_delete = {
    .name = "delete",
    .usage = "PATH --where CONDITION",
    .summary = "Delete whole partitions of a table.",
    .about = "Takes the partitions of the table PATH (docs/tables.md) for which CONDITION is true "
             "out of it, by one entry of its log. Older versions still have them, until `vacuum` "
             "removes their files.",
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
