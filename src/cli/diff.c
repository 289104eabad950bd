/* lamella diff: what differs between two tables. */
#include <inttypes.h>
#include <lamella/diff.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_path.h"
#include "cli/commands.h"
#include "cli/reading.h"

#define EXIT_DIFFERENT 1
#define EXIT_TROUBLE 2 /* as in diff(1), so that 1 says that the tables differ and nothing else */

typedef struct settings {
    lm_cli_common common;
    const char *key;
    uint64_t limit;
    uint64_t version_a, version_b; /* UINT64_MAX: the last */
    const char *as_of_a, *as_of_b;
    bool schema, brief;
} settings;

static const settings defaults = {.limit = 100, .version_a = UINT64_MAX, .version_b = UINT64_MAX};

static const lm_cli_option options[] = {
    {"key", LM_CLI_TEXT, offsetof(settings, key), "NAME,...",
     "Rows belong together that are alike in these columns, in whatever order they stand; A is "
     "held "
     "in memory. A comma or a backslash that belongs to a name has a backslash before it.",
     NULL},
    {"limit", LM_CLI_COUNT, offsetof(settings, limit), "N",
     "The most rows to tell of (100); all differences are counted.", NULL},
    {"version-a", LM_CLI_COUNT, offsetof(settings, version_a), "N",
     "A is a table (docs/tables.md), as it was at this version.", NULL},
    {"as-of-a", LM_CLI_TEXT, offsetof(settings, as_of_a), "TIME",
     "A is a table, as it was at this time: 2026-01-31, or 2026-01-31T12:00:00Z (without a zone, "
     "UTC).",
     NULL},
    {"version-b", LM_CLI_COUNT, offsetof(settings, version_b), "N", "The same of B.", NULL},
    {"as-of-b", LM_CLI_TEXT, offsetof(settings, as_of_b), "TIME", "The same of B.", NULL},
    {"schema", LM_CLI_FLAG, offsetof(settings, schema), NULL, "Compare the columns only.", NULL},
    {"brief", LM_CLI_FLAG, offsetof(settings, brief), NULL,
     "Tell nothing, and stop at the first difference: the exit status says it.", NULL},
    {NULL},
};

/* Texts. */

static const char *or_nothing(const char *text) { return text ? text : ""; }

static void print_column(lm_cli *cli, const lm_difference *difference)
{
    const lm_diff_change *change = difference->changes;
    char name[1024];
    lm__printable(name, sizeof name, or_nothing(change->column));
    switch (difference->kind) {
    case LM_DIFF_COLUMN_ADDED: lm__cli_print(cli, "+ column %s: %s\n", name, change->b); break;
    case LM_DIFF_COLUMN_REMOVED: lm__cli_print(cli, "- column %s: %s\n", name, change->a); break;
    case LM_DIFF_COLUMN_MOVED:
        lm__cli_print(cli, "~ columns: they stand in another order\n");
        break;
    default: lm__cli_print(cli, "~ column %s: %s -> %s\n", name, change->a, change->b); break;
    }
}

/* Texts may be longer than a line of lm__cli_print. */
static void put(lm_cli *cli, const char *text)
{
    if (cli->writer.status == LM_OK) cli->writer.status = lm__buffer_text(&cli->out, text);
}

static void print_row(lm_cli *cli, const lm_difference *difference)
{
    char name[1024];
    bool added = difference->kind == LM_DIFF_ROW_ADDED;
    lm__cli_print(cli, "%c row %" PRId64,
                  added             ? '+'
                  : difference->row ? '-'
                                    : '~',
                  added ? difference->row_b : difference->row_a);
    if (difference->row_a >= 0 && difference->row_b >= 0 && difference->row_a != difference->row_b)
        lm__cli_print(cli, "/%" PRId64, difference->row_b);
    if (difference->key && !difference->row) {
        put(cli, " ");
        put(cli, difference->key);
    }
    put(cli, ":");
    if (difference->row) {
        put(cli, " ");
        put(cli, difference->row);
    }
    for (size_t i = 0; i < difference->change_count; i++) {
        const lm_diff_change *change = &difference->changes[i];
        lm__cli_print(cli, "%s %s: ", i ? ";" : "",
                      lm__printable(name, sizeof name, change->column));
        put(cli, change->a);
        put(cli, " -> ");
        put(cli, change->b);
    }
    put(cli, "\n");
}

/* JSON. */

/* A text that is JSON itself; one that is not (text that was not UTF-8) stands as a string. */
static void json_out(lm_json_writer *writer, const char *key, const char *text)
{
    const lm_json *value;
    lm_arena arena;
    if (!text) return;
    lm__json_key(writer, key);
    lm__arena_init(&arena, NULL, 0);
    if (lm__json_parse(&arena, text, strlen(text), &value, NULL) == LM_OK)
        lm__json_tree(writer, value);
    else
        lm__json_string(writer, text);
    lm__arena_deinit(&arena);
}

static void changes_out(lm_json_writer *writer, const lm_difference *difference)
{
    lm__json_key(writer, "changes");
    lm__json_open_array(writer);
    for (size_t i = 0; i < difference->change_count; i++) {
        const lm_diff_change *change = &difference->changes[i];
        lm__json_open_object(writer);
        lm__json_member_string_out(writer, "column", change->column);
        json_out(writer, "a", change->a);
        json_out(writer, "b", change->b);
        lm__json_close_object(writer);
    }
    lm__json_close_array(writer);
}

static void tell_json(lm_json_writer *writer, const lm_difference *difference)
{
    const lm_diff_change *change = difference->changes;
    lm__json_open_object(writer);
    lm__json_member_string_out(writer, "kind", lm_diff_kind_word(difference->kind));
    if (difference->kind < LM_DIFF_ROW_ADDED) {
        if (change->column) lm__json_member_string_out(writer, "column", change->column);
        if (change->a) lm__json_member_string_out(writer, "a", change->a);
        if (change->b) lm__json_member_string_out(writer, "b", change->b);
    } else {
        if (difference->row_a >= 0) lm__json_member_int_out(writer, "row_a", difference->row_a);
        if (difference->row_b >= 0) lm__json_member_int_out(writer, "row_b", difference->row_b);
        json_out(writer, "key", difference->key);
        json_out(writer, "row", difference->row);
        if (difference->change_count) changes_out(writer, difference);
    }
    lm__json_close_object(writer);
}

static lm_status tell(void *context, const lm_difference *difference, lm_error *error)
{
    lm_cli *cli = context;
    (void)error;
    if (cli->json)
        tell_json(&cli->writer, difference);
    else if (difference->kind < LM_DIFF_ROW_ADDED)
        print_column(cli, difference);
    else
        print_row(cli, difference);
    return cli->writer.status;
}

static void summary(lm_cli *cli, const lm_diff_result *result)
{
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {{"columns", result->columns},       {"rows_changed", result->rows_changed},
                  {"rows_added", result->rows_added}, {"rows_removed", result->rows_removed},
                  {"rows_a", result->rows_a},         {"rows_b", result->rows_b}};
    if (cli->json) {
        lm__json_member_bool_out(&cli->writer, "equal", result->equal);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            lm__json_key(&cli->writer, counts[i].key);
            lm__json_uint(&cli->writer, counts[i].count);
        }
    } else if (!result->equal) {
        lm__cli_print(cli,
                      "%" PRIu64 " differences of columns; rows: %" PRIu64 " changed, %" PRIu64
                      " added, %" PRIu64 " removed\n",
                      result->columns, result->rows_changed, result->rows_added,
                      result->rows_removed);
    }
}

static lm_status side_at(char side, uint64_t version, const char *as_of, lm_diff_at *at,
                         lm_error *error)
{
    char option[] = {'a', 's', '-', 'o', 'f', '-', side, 0};
    *at = (lm_diff_at){.has_version = version != UINT64_MAX, .has_time = as_of != NULL};
    if (at->has_version && at->has_time)
        return lm__error_set(error, LM_INVALID, "--version-%c and --as-of-%c: one of them", side,
                             side);
    if (at->has_version && version > INT64_MAX)
        return lm__error_set(error, LM_INVALID, "--version-%c: beyond 2^63", side);
    at->version = (int64_t)version;
    return as_of ? lm__cli_time(as_of, option, &at->time_ms, error) : LM_OK;
}

/* Without B, A stands for both: a table at two versions. */
static lm_status sides(const lm_cli *cli, const settings *given, lm_diff_options *how,
                       const char **b, lm_error *error)
{
    LM_TRY(side_at('a', given->version_a, given->as_of_a, &how->at_a, error));
    LM_TRY(side_at('b', given->version_b, given->as_of_b, &how->at_b, error));
    *b = cli->words.items[cli->words.count - 1];
    bool is_told =
        how->at_a.has_version || how->at_a.has_time || how->at_b.has_version || how->at_b.has_time;
    if (cli->words.count == 2 || is_told) return LM_OK;
    return lm__error_set(error, LM_INVALID,
                         "%s is to be compared with what? Name B, or with --version-a or --as-of-a "
                         "what the table was",
                         *b);
}

static lm_status diff(lm_cli *cli, const settings *given, lm_diff_result *result, lm_error *error)
{
    lm_scan_options keys = {0};
    lm_diff_options how = {
        .schema_only = given->schema,
        .first_only = given->brief,
        .rows_told_max = given->limit,
        .callback = given->brief ? NULL : tell,
        .context = cli,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    const lm_cli_reading reading = {
        .columns = given->key, .limit = UINT64_MAX, .version = UINT64_MAX};
    const char *b;
    LM_TRY(sides(cli, given, &how, &b, error));
    LM_TRY(lm__cli_scan_options(cli, &reading, &keys, error));
    how.keys = keys.columns;
    how.key_count = keys.column_count;
    if (cli->json && !given->brief) {
        lm__json_key(&cli->writer, "differences");
        lm__json_open_array(&cli->writer);
    }
    lm_status status = lm_diff(cli->words.items[0], b, &how, result, error);
    if (cli->json && !given->brief) lm__json_close_array(&cli->writer);
    lm__cli_scan_options_free(&keys);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    lm_diff_result result = {.equal = true};
    lm_error error;
    lm_error_clear(&error);
    lm_status status = diff(cli, given, &result, &error);
    int exit_status = lm_status_exit(status);
    if (status == LM_OK) {
        if (!given->brief || cli->json) summary(cli, &result);
        exit_status = result.equal ? 0 : EXIT_DIFFERENT;
    } else if (exit_status == EXIT_DIFFERENT) {
        exit_status = EXIT_TROUBLE;
    }
    return lm__cli_end_with(cli, exit_status, status, &error);
}

const lm_cli_command lm__cli_diff = {
    .name = "diff",
    .usage = "A [B]",
    .summary = "Tell what differs between two tables.",
    .about =
        "Compares two tables of any formats that can be read: columns by name, with their types "
        "and whether they allow nulls, then rows, the first with the first and so on, or by --key. "
        "A line that begins with + tells what only B has, with - what only A has, with ~ what is "
        "in both and differs; rows are counted from 0, and 3/5 is row 3 of A and row 5 of B. "
        "Values "
        "stand as JSON (docs/jsonl.md). Columns of two types are compared by that text. NaN equals "
        "NaN; -0.0 is another value than 0.0. In order, memory holds a little of each table; with "
        "--key all of A. A table can be compared with what it was: without B, A stands for "
        "both.\n\nExit status: 0 the tables are equal, 1 they differ, 2 a mistake in the "
        "command line or a failure that has no status of its own, as of diff(1); 3 damaged data, "
        "or "
        "a key that two rows of one table have; 9 a table that is not there.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 2,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
