/* lamella inspect: what a Parquet file is made of. */
#include "cli/inspect.h"

#include "base/error.h"
#include "cli/commands.h"
#include "cli/reading.h"

typedef struct settings {
    lm_cli_common common;
    bool pages;
    uint64_t row_group;
    const char *column;
} settings;

static const settings defaults = {.row_group = UINT64_MAX};

static const lm_cli_option options[] = {
    {"row-group", LM_CLI_COUNT, offsetof(settings, row_group), "N",
     "Only this row group; the first is 0.", NULL},
    {"column", LM_CLI_TEXT, offsetof(settings, column), "NAME",
     "Only this column, or those in this group; the path has dots (a.list.element).", NULL},
    {"pages", LM_CLI_FLAG, offsetof(settings, pages), NULL,
     "The pages of each chunk too, by their headers and the page index.", NULL},
    {NULL},
};

bool lm__inspect_wants(const lm_inspection *asked, int32_t column)
{
    char path[LM_INSPECT_TEXT_MAX];
    if (!asked->column) return true;
    size_t size = strlen(asked->column);
    if (size >= sizeof path) return false;
    (void)lm_parquet_column_path(asked->reader, column, path, sizeof path);
    return strncmp(path, asked->column, size) == 0 && (path[size] == '\0' || path[size] == '.');
}

static lm_status check_asked(lm_inspection *asked, uint64_t row_group, lm_error *error)
{
    char shown[LM_INSPECT_TEXT_MAX];
    asked->row_group_end = asked->file.row_groups;
    if (row_group != UINT64_MAX) {
        if (row_group >= (uint64_t)asked->file.row_groups)
            return lm__error_set(error, LM_INVALID, "there is no row group %llu: the file has %lld",
                                 (unsigned long long)row_group, (long long)asked->file.row_groups);
        asked->row_group_first = (int64_t)row_group;
        asked->row_group_end = asked->row_group_first + 1;
    }
    for (int32_t i = 0; i < asked->file.columns; i++)
        if (lm__inspect_wants(asked, i)) return LM_OK;
    if (!asked->column) return LM_OK; /* a file without columns */
    return lm__error_set(error, LM_INVALID, "there is no column '%s'",
                         lm__printable(shown, sizeof shown, asked->column));
}

static lm_status inspect(lm_cli *cli, const settings *given, lm_error *error)
{
    lm_inspection asked = {
        .cli = cli,
        .path = cli->words.items[0],
        .column = given->column,
        .pages = given->pages,
    };
    lm_source *source;
    LM_TRY(lm__cli_source(cli, asked.path, &source, error));
    LM_TRY(lm_parquet_reader_open(source, NULL, &asked.reader, error));
    asked.file = lm_parquet_inspect_file(asked.reader);
    lm_status status = check_asked(&asked, given->row_group, error);
    if (status == LM_OK)
        status = cli->json ? lm__inspect_json(&asked, error) : lm__inspect_text(&asked, error);
    lm_parquet_reader_close(asked.reader);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    lm_error error;
    lm_error_clear(&error);
    lm_status status = inspect(cli, context, &error);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_inspect = {
    .name = "inspect",
    .usage = "FILE",
    .summary = "Tell what a Parquet file is made of.",
    .about =
        "Prints the file's rows, row groups and metadata, its columns with their types and "
        "the orders of their bounds, and for each row group the chunks: codec, encodings, entries, "
        "sizes, statistics, indexes (c and o "
        "are column and offset index) and bloom filters. Values of statistics read as their type "
        "says; <= and >= mark bounds that are not exact, * those in the old fields, whose order is "
        "not defined for every type. Nothing is decompressed and nothing is checked: `lamella "
        "verify` does. In JSON all values of statistics are strings, and what the file does not "
        "tell is left out.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
