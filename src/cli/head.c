/* lamella head: the first rows of a table, for people to read. */
#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arrow/value_json.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/text_width.h"
#include "cli/commands.h"
#include "cli/reading.h"
#include "io/scan.h"

#define HEAD_ROWS 10
#define HEAD_BYTES_MAX (256 * LM_MIB)

typedef struct settings {
    lm_cli_common common;
    uint64_t width;
    lm_cli_reading reading;
} settings;

static const settings defaults = {.width = 40,
                                  .reading = {.limit = HEAD_ROWS, .version = UINT64_MAX}};

static const lm_cli_option options[] = {
    {"width", LM_CLI_COUNT, offsetof(settings, width), "N",
     "The widest that a column may be, 40 by default; longer texts are cut. 0 cuts nothing, nor "
     "leaves columns out that the terminal has no room for.",
     NULL},
    {NULL},
};

typedef struct head_cell {
    size_t at, size, width; /* of `text` */
} head_cell;

typedef struct head_table {
    lm_arena arena;
    lm_value_json root;
    const lm_schema *schema;
    lm_buffer text, cells; /* head_cell: names, types, then row by row */
    size_t columns, rows;
    size_t *widths;
    size_t width_max;
} head_table;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "showing a table"); }

/* What was put into `text` from `start` on becomes a cell: without control characters, cut. */
static lm_status end_cell(head_table *t, size_t column, size_t start)
{
    static const char cut[] = "\xe2\x80\xa6";
    head_cell cell = {start, t->text.size - start, 0};
    char *text = (char *)t->text.data + start;
    for (size_t i = 0; i < cell.size; i++) /* tabs and line breaks of a text */
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f) text[i] = ' ';
    cell.width = lm__text_width(text, cell.size);
    if (t->width_max && cell.width > t->width_max) {
        cell.size = lm__text_fit(text, cell.size, t->width_max - 1);
        cell.width = lm__text_width(text, cell.size) + 1;
        t->text.size = start + cell.size;
        LM_TRY(lm__buffer_append(&t->text, cut, 3));
        cell.size += 3;
    }
    if (cell.width > t->widths[column]) t->widths[column] = cell.width;
    return lm__buffer_append(&t->cells, &cell, sizeof cell);
}

/* Texts stand without quotes, all else as in JSON lines. */
static lm_status put_value(head_table *t, size_t column, const lm_array *array, int64_t row)
{
    size_t start = t->text.size;
    if (lm__type_is_text(array->field->type.id) && lm__array_valid(array, row)) {
        size_t size;
        const uint8_t *bytes = lm__array_bytes(array, row, &size);
        LM_TRY(lm__buffer_append(&t->text, bytes, size));
        return end_cell(t, column, start);
    }
    LM_TRY(lm__value_json_put(&t->root.children[column], array, row, &t->text));
    uint8_t *text = t->text.data + start;
    size_t size = t->text.size - start;
    if (array->field->n_children == 0 && size >= 2 && text[0] == '"') {
        memmove(text, text + 1, size - 2);
        t->text.size -= 2;
    }
    return end_cell(t, column, start);
}

static lm_status put_headings(head_table *t)
{
    const lm_field *fields = t->schema->root.children;
    for (size_t i = 0; i < t->columns; i++) {
        size_t start = t->text.size;
        LM_TRY(lm__buffer_append(&t->text, fields[i].name, fields[i].name_size));
        LM_TRY(end_cell(t, i, start));
    }
    for (size_t i = 0; i < t->columns; i++) {
        size_t start = t->text.size;
        LM_TRY(lm__type_text(&fields[i], &t->text));
        LM_TRY(end_cell(t, i, start));
    }
    return LM_OK;
}

static lm_status put_rows(head_table *t, lm_stream *stream, lm_error *error)
{
    for (;;) {
        lm_batch *batch;
        LM_TRY(lm__stream_next(stream, &batch, error));
        if (!batch) return LM_OK;
        lm_status status = LM_OK;
        for (int64_t row = 0; row < lm__batch_rows(batch) && status == LM_OK; row++) {
            for (size_t i = 0; i < t->columns && status == LM_OK; i++) {
                lm_array column = lm__batch_column(batch, (int32_t)i);
                status = put_value(t, i, &column, row);
            }
            t->rows++;
        }
        lm__batch_unref(batch);
        if (status == LM_LIMIT)
            return lm__error_set(error, status, "these rows are too long to be shown: take fewer");
        if (status != LM_OK) return no_memory(error);
    }
}

/* Drawing. */

static bool right_aligned(const lm_field *field)
{
    const lm_type *type = field->dictionary ? &field->dictionary->type : &field->type;
    return lm__type_is_integer(type->id) || lm__type_is_float(type->id) ||
           lm__type_is_decimal(type->id);
}

static lm_status pad(lm_buffer *out, size_t count)
{
    if (count == 0) return LM_OK;
    LM_TRY(lm__buffer_reserve(out, count));
    memset(out->data + out->size, ' ', count);
    out->size += count;
    return LM_OK;
}

/* Row `row` of the cells; the last column has no spaces after it. */
static lm_status draw_row(const head_table *t, size_t row, size_t columns, lm_buffer *out)
{
    const head_cell *cells = (const head_cell *)(const void *)t->cells.data + row * t->columns;
    for (size_t i = 0; i < columns; i++) {
        size_t spaces = t->widths[i] - cells[i].width;
        bool right = right_aligned(&t->schema->root.children[i]);
        if (i > 0) LM_TRY(pad(out, 2));
        if (right) LM_TRY(pad(out, spaces));
        LM_TRY(lm__buffer_append(out, t->text.data + cells[i].at, cells[i].size));
        if (!right && i + 1 < columns) LM_TRY(pad(out, spaces));
    }
    return lm__buffer_byte(out, '\n');
}

static lm_status draw_line(const head_table *t, size_t columns, lm_buffer *out)
{
    for (size_t i = 0; i < columns; i++) {
        if (i > 0) LM_TRY(pad(out, 2));
        for (size_t k = 0; k < t->widths[i]; k++) LM_TRY(lm__buffer_byte(out, '-'));
    }
    return lm__buffer_byte(out, '\n');
}

/* As many columns from the left as the terminal has room for, and one at least. */
static size_t columns_shown(const head_table *t)
{
    struct winsize size;
    if (!t->width_max || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return t->columns;
    size_t used = 0, shown = 0;
    for (; shown < t->columns; shown++) {
        used += t->widths[shown] + (shown > 0 ? 2 : 0);
        if (used > size.ws_col && shown > 0) break;
    }
    return shown;
}

static lm_status draw(const head_table *t, int64_t rows_told, lm_buffer *out)
{
    size_t columns = columns_shown(t);
    for (size_t row = 0; row < t->rows + 2 && columns > 0; row++) {
        LM_TRY(draw_row(t, row, columns, out));
        if (row == 1) LM_TRY(draw_line(t, columns, out));
    }
    LM_TRY(lm__buffer_printf(out, "(%zu", t->rows));
    if (rows_told >= 0) LM_TRY(lm__buffer_printf(out, " of %" PRId64, rows_told));
    LM_TRY(
        lm__buffer_printf(out, " row%s, %zu", t->rows == 1 && rows_told < 0 ? "" : "s", columns));
    if (columns < t->columns) LM_TRY(lm__buffer_printf(out, " of %zu", t->columns));
    return lm__buffer_printf(out, " column%s)\n", t->columns == 1 ? "" : "s");
}

/* --json: the rows as objects. */
static lm_status tell_rows(lm_cli *cli, const lm_value_json *root, lm_stream *stream,
                           lm_error *error)
{
    bool first = true;
    lm_status status = LM_OK;
    lm__json_key(&cli->writer, "rows");
    lm__json_open_array(&cli->writer);
    while (status == LM_OK) {
        lm_batch *batch;
        status = lm__stream_next(stream, &batch, error);
        if (status != LM_OK || !batch) break;
        for (int64_t row = 0; row < lm__batch_rows(batch) && cli->writer.status == LM_OK; row++) {
            if (!first) cli->writer.status = lm__buffer_byte(&cli->out, ',');
            if (cli->writer.status == LM_OK)
                cli->writer.status = lm__value_json_put(root, &batch->root, row, &cli->out);
            first = false;
        }
        lm__batch_unref(batch);
    }
    lm__json_close_array(&cli->writer);
    return status;
}

/* As cells the columns need not have different names, as in JSON they must. */
static lm_status plan_cells(head_table *t, lm_error *error)
{
    const lm_field *root = &t->schema->root;
    t->root.children = lm__arena_array(&t->arena, t->columns + 1, sizeof *t->root.children);
    if (!t->root.children) return no_memory(error);
    for (size_t i = 0; i < t->columns; i++) {
        lm_path at = {NULL, root->children[i].name};
        LM_TRY(
            lm__value_json_make(&t->arena, &root->children[i], &at, &t->root.children[i], error));
    }
    return LM_OK;
}

static lm_status show(lm_cli *cli, head_table *t, lm_scan *scan, lm_stream *stream, lm_error *error)
{
    int64_t rows_told = -1;
    t->schema = stream->schema;
    if (cli->json) {
        LM_TRY(lm__value_json_make(&t->arena, &t->schema->root, NULL, &t->root, error));
        return tell_rows(cli, &t->root, stream, error);
    }
    t->columns = (size_t)t->schema->root.n_children;
    LM_TRY(plan_cells(t, error));
    t->widths = lm__arena_zero(&t->arena, (t->columns + 1) * sizeof *t->widths);
    if (!t->widths || put_headings(t) != LM_OK) return no_memory(error);
    LM_TRY(put_rows(t, stream, error));
    LM_TRY(lm__scan_rows_told(scan, &rows_told, error));
    return draw(t, rows_told, &cli->out) == LM_OK ? LM_OK : no_memory(error);
}

static lm_status head(lm_cli *cli, const settings *given, lm_error *error)
{
    lm_scan_options what;
    lm_scan *scan = NULL;
    lm_stream *stream = NULL;
    head_table t = {.width_max = given->width};
    lm__arena_init(&t.arena, NULL, 0);
    lm__buffer_init(&t.text, NULL, HEAD_BYTES_MAX);
    lm__buffer_init(&t.cells, NULL, HEAD_BYTES_MAX);
    lm_status status = lm__cli_scan_options(cli, &given->reading, &what, error);
    what.threads = 1; /* a few rows: done before a thread would have started */
    if (status == LM_OK) status = lm_scan_open(cli->words.items[0], &what, &scan, error);
    if (status == LM_OK) status = lm__scan_stream(scan, &stream, error);
    if (status == LM_OK) status = show(cli, &t, scan, stream, error);
    lm__stream_close(stream);
    lm_scan_close(scan);
    lm__cli_scan_options_free(&what);
    lm__buffer_deinit(&t.cells);
    lm__buffer_deinit(&t.text);
    lm__arena_deinit(&t.arena);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    lm_error error;
    lm_error_clear(&error);
    return lm__cli_end(cli, head(cli, context, &error), &error);
}

const lm_cli_command lm__cli_head = {
    .name = "head",
    .usage = "PATH",
    .summary = "Show the first rows of a table.",
    .about = "Shows the first rows of the table at PATH (a file, a directory or a pattern; - is "
             "standard input) as a text: names, types, and 10 rows unless --limit (or -n) says "
             "otherwise, in columns as wide as what is in them. With --json the rows are objects, "
             "whole, as `lamella cat` writes them.",
    .groups = {{"Options", options, 0},
               {"Reading", lm__cli_reading_options, offsetof(settings, reading)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
