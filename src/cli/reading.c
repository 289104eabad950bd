/* The options of reading; see reading.h. */
#include "cli/reading.h"

#include "base/alloc.h"
#include "base/error.h"

/* In the order of lm_format. */
static const char *const formats[] = {"auto", "parquet", "arrow", "arrows", "jsonl", NULL};

const lm_cli_option lm__cli_reading_options[] = {
    {"from", LM_CLI_CHOICE, offsetof(lm_cli_reading, from), "auto|parquet|arrow|arrows|jsonl",
     "The format of what is read; auto (the default) goes by its first bytes, then by its suffix.",
     formats},
    {"read-schema", LM_CLI_TEXT, offsetof(lm_cli_reading, schema), "TEXT",
     "What the table is (docs/schema-text.md): formats without types are read so, of others the "
     "columns are converted where nothing is lost. Columns that it has not are left out.",
     NULL},
    {"columns", LM_CLI_TEXT, offsetof(lm_cli_reading, columns), "NAME,...",
     "Only these columns, in this order; a.b is the field b of the struct a. A comma or a "
     "backslash that belongs to a name has a backslash before it.",
     NULL},
    {"where", LM_CLI_TEXT, offsetof(lm_cli_reading, where), "CONDITION",
     "Only rows for which this is true (docs/expressions.md): \"amount > 10 and city in ('Oslo', "
     "'Bergen')\". --limit and --offset count what it leaves.",
     NULL},
    {"limit", LM_CLI_COUNT, offsetof(lm_cli_reading, limit), "N", "The most rows.", NULL},
    {"offset", LM_CLI_COUNT, offsetof(lm_cli_reading, offset), "N",
     "Rows that are passed over before the first.", NULL},
    {NULL},
};

/* "a,b\,c" becomes "a" and "b,c". */
static lm_status split_columns(const char *text, lm_scan_options *options, lm_error *error)
{
    size_t size = strlen(text), count = 0;
    char *names = lm__alloc(NULL, size + 1), *to = names;
    const char **columns = lm__alloc_array(NULL, size + 1, sizeof *columns);
    if (!names || !columns) {
        lm__free(NULL, names);
        lm__free(NULL, columns);
        return lm__error_memory(error, "reading the command line");
    }
    columns[count++] = to;
    for (; *text; text++) {
        if (*text == '\\' && (text[1] == ',' || text[1] == '\\')) {
            *to++ = *++text;
        } else if (*text == ',') {
            *to++ = '\0';
            columns[count++] = to;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    options->columns = columns;
    options->column_count = count;
    return LM_OK;
}

lm_status lm__cli_scan_options(const lm_cli *cli, const lm_cli_reading *settings,
                               lm_scan_options *options, lm_error *error)
{
    *options = (lm_scan_options){
        .format = (lm_format)settings->from,
        .offset = settings->offset,
        .limit = settings->limit,
        .limited = settings->limit != UINT64_MAX,
        .cancel = cli->cancel,
    };
    if (settings->schema) {
        lm_status status = lm_schema_parse(NULL, settings->schema, strlen(settings->schema),
                                           &options->schema, error);
        if (status != LM_OK) return lm__error_within(error, status, "--read-schema");
    }
    if (settings->columns) LM_TRY(split_columns(settings->columns, options, error));
    if (!settings->where) return LM_OK;
    lm_status status =
        lm_expr_parse(NULL, settings->where, strlen(settings->where), &options->filter, error);
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "--where");
}

void lm__cli_scan_options_free(lm_scan_options *options)
{
    if (options->columns) lm__free(NULL, (void *)options->columns[0]); /* all the names */
    lm__free(NULL, (void *)options->columns);
    lm_expr_free(options->filter);
    lm_schema_free(options->schema);
}

bool lm__cli_reading_is_part(const lm_cli_reading *settings)
{
    return settings->schema || settings->columns || settings->where ||
           settings->limit != UINT64_MAX || settings->offset;
}

bool lm__cli_reading_filters(const lm_cli_reading *settings) { return settings->where != NULL; }
