/*
 * A block of rows becomes a batch; see block.h.
 *
 *     text (→ valid UTF-8) → slices of rows: cells (rows.h) → columns (convert.c) → a batch
 *
 * Slices keep the places of cells in the processor's cache between the two.
 */
#include "csv/block.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

static lm_status no_memory(lm_csv_block *b)
{
    b->error_line = SIZE_MAX;
    return lm__error_memory(&b->error, "reading CSV");
}

/* UTF-8. */

static lm_status replace_invalid(lm_csv_block *b)
{
    const uint8_t *at = b->text.data;
    size_t left = b->text.size;
    lm__buffer_clear(&b->valid_text);
    while (left > 0) {
        size_t valid = lm__utf8_valid_prefix(at, left);
        if (lm__buffer_append(&b->valid_text, at, valid) != LM_OK) return no_memory(b);
        at += valid;
        left -= valid;
        if (left == 0) break;
        if (lm__buffer_append(&b->valid_text, "\xef\xbf\xbd", 3) != LM_OK) return no_memory(b);
        /* One for each byte that begins no sequence, with those that cannot begin any after it. */
        do {
            at++;
            left--;
        } while (left > 0 && (*at & 0xc0) == 0x80);
    }
    if (lm__buffer_reserve(&b->valid_text, LM_CSV_TEXT_SLACK) != LM_OK) return no_memory(b);
    lm_buffer other = b->text;
    b->text = b->valid_text;
    b->valid_text = other;
    return LM_OK;
}

static lm_status check_utf8(lm_csv_block *b)
{
    if (lm__utf8_valid(b->text.data, b->text.size)) return LM_OK;
    if (b->plan->replace_invalid) return replace_invalid(b);
    size_t at = lm__utf8_valid_prefix(b->text.data, b->text.size), line = at;
    while (line > 0 && b->text.data[line - 1] != '\n') line--;
    b->error_line = lm__csv_lines(b->text.data, line);
    return lm__error_set(&b->error, LM_DATA,
                         "byte %zu of the line (0x%02x) is not UTF-8: convert the file, or have "
                         "such bytes replaced",
                         at - line + 1, b->text.data[at]);
}

/* Rows. */

typedef struct slicing {
    lm_csv_slice slice;
    size_t at;                   /* of the text: the next row */
    size_t line;                 /* its line */
    size_t at_first, line_first; /* of the slice */
    bool escapes, lines_known;
} slicing;

static lm_status ragged(lm_csv_block *b, slicing *s, const lm_csv_row *row, bool *skip)
{
    size_t columns = b->plan->n_columns;
    lm_csv_span *spans = b->spans + s->slice.rows * columns;
    *skip = false;
    if (b->plan->ragged == LM_CSV_RAGGED_PAD && row->cells < columns) {
        for (size_t i = row->cells; i < columns; i++) spans[i] = (lm_csv_span){LM_CSV_MISSING, 0};
        return LM_OK;
    }
    if (b->plan->ragged == LM_CSV_RAGGED_SKIP) {
        if (b->rows_skipped++ == 0) b->first_skipped = s->line;
        *skip = true;
        return LM_OK;
    }
    b->error_line = s->line;
    return lm__error_set(&b->error, LM_DATA,
                         "it has %zu cells, and the first row has %zu: have such rows %sskipped",
                         row->cells, columns, row->cells < columns ? "padded or " : "");
}

/* Rows of any kind. */
static lm_status walk_rows(lm_csv_block *b, slicing *s)
{
    size_t columns = b->plan->n_columns, size = b->text.size;
    s->lines_known = true;
    while (s->at < size && s->slice.rows < LM_CSV_READ_ROWS) {
        lm_csv_row row;
        bool skip = false;
        if (lm__csv_row_empty(b->text.data, size, s->at, &s->at)) {
            s->line++;
            continue;
        }
        lm_csv_walk result = lm__csv_row_walk(&b->plan->dialect, b->text.data, size, s->at, true,
                                              b->spans + s->slice.rows * columns, columns, &row);
        if (result != LM_CSV_ROW) {
            b->error_line = s->line;
            return lm__error_set(&b->error, LM_DATA, "a quote is opened and never closed");
        }
        if (row.cells != columns) LM_TRY(ragged(b, s, &row, &skip));
        if (!skip) b->row_lines[s->slice.rows++] = (uint32_t)s->line;
        s->line += row.lines;
        s->at = row.end;
    }
    return LM_OK;
}

/* The next slice; no rows at the end. */
static lm_status next_slice(lm_csv_block *b, slicing *s)
{
    s->slice.row_first += s->slice.rows;
    s->slice.rows = 0;
    s->at_first = s->at;
    s->line_first = s->line;
    s->lines_known = false;
    size_t lines = 0;
    if (!s->escapes)
        s->slice.rows =
            lm__csv_regular_rows(&b->plan->dialect, b->text.data, b->text.size, s->at,
                                 b->plan->n_columns, LM_CSV_READ_ROWS, b->spans, &s->at, &lines);
    s->line += lines;
    if (s->slice.rows == 0) LM_TRY(walk_rows(b, s));
    s->slice.bytes = s->at - s->at_first;
    return LM_OK;
}

/* Columns. */

static size_t line_of_row(const lm_csv_block *b, const slicing *s, size_t row)
{
    if (s->lines_known) return b->row_lines[row];
    size_t at = s->slice.spans[row * s->slice.columns].at;
    return s->line_first + lm__csv_count(b->text.data + s->at_first, at - s->at_first, '\n');
}

static lm_status misfit(lm_csv_block *b, const slicing *s, size_t column, size_t row)
{
    char shown[80], raw[61] = {0}, type[LM_TYPE_TEXT_MAX], name[80];
    const lm_csv_column *of = &b->plan->columns[column];
    lm_csv_span span = s->slice.spans[row * s->slice.columns + column];
    size_t size = lm__csv_span_size(span);
    memcpy(raw, b->text.data + span.at, size < 60 ? size : 60);
    b->error_line = line_of_row(b, s, row);
    return lm__error_set(&b->error, LM_DATA, "column %s: \"%s\" is no %s%s",
                         lm__printable(name, sizeof name, of->field->name),
                         lm__printable(shown, sizeof shown, raw),
                         lm__type_text_short(of->field, type),
                         of->strict ? ", as the first rows were: give a schema, or have the types "
                                      "found out by all rows"
                                    : "");
}

static lm_status convert_slice(lm_csv_block *b, const slicing *s)
{
    for (size_t i = 0; i < b->plan->n_columns; i++) {
        size_t good;
        if (!b->plan->columns[i].field) continue;
        lm_csv_convert *convert = lm__csv_convert(&b->plan->columns[i].field->type);
        lm_status status = convert(b->plan, i, &s->slice, &b->values[i], &good);
        if (status == LM_LIMIT)
            return lm__error_set(&b->error, LM_LIMIT,
                                 "the text of a column is too long for a batch");
        if (status != LM_OK) return no_memory(b);
        if (good < s->slice.rows) return misfit(b, s, i, good);
    }
    return LM_OK;
}

static void infer_slice(lm_csv_block *b, const slicing *s)
{
    for (size_t i = 0; i < b->plan->n_columns; i++) {
        const lm_csv_span *span = s->slice.spans + i;
        for (size_t row = 0; row < s->slice.rows && b->types[i]; row++, span += s->slice.columns) {
            if (lm__csv_span_size(*span) == 0 || lm__csv_is_null(b->plan, s->slice.text, *span))
                continue;
            b->any[i] = true;
            b->types[i] = lm__csv_types_narrow(b->types[i], (const char *)s->slice.text + span->at,
                                               lm__csv_span_size(*span));
        }
    }
}

/* The batch. */

static bool is_text(const lm_csv_column *column) { return column->field->type.id == LM_TYPE_UTF8; }

/* As much as the text of the block before needed, and a little more. */
static size_t expected_bytes(const lm_csv_block *b, size_t column)
{
    size_t size = b->text.size, bytes = size / b->plan->n_columns;
    if (b->text_before > 0) {
        double share = (double)b->bytes_before[column] / (double)b->text_before;
        bytes = (size_t)((double)size * share * (1 + 1.0 / 32)) + LM_CSV_COPY_BYTES;
    }
    return (bytes < size ? bytes : size) + LM_CSV_COPY_BYTES;
}

static lm_status make_room(lm_csv_block *b, size_t rows)
{
    size_t page_bytes = 4 * b->text.size; /* a small file gets little memory */
    b->room.page_bytes = page_bytes < LM_CSV_PAGE_BYTES ? page_bytes : LM_CSV_PAGE_BYTES;
    for (size_t i = 0; i < b->plan->n_columns; i++) {
        if (!b->plan->columns[i].field) continue;
        const lm_type *type = &b->plan->columns[i].field->type;
        bool text = is_text(&b->plan->columns[i]);
        size_t width = text                       ? sizeof(int32_t)
                       : type->id == LM_TYPE_BOOL ? 1
                                                  : (size_t)type->byte_width;
        lm_csv_values *values = &b->values[i];
        *values = (lm_csv_values){.room = &b->room};
        values->values = lm__csv_room_take(&b->room, (rows + 1) * width);
        if (!values->values) return no_memory(b);
        if (!text) continue;
        memset(values->values, 0, sizeof(int32_t));
        values->bytes_capacity = expected_bytes(b, i);
        values->bytes = lm__csv_room_take(&b->room, values->bytes_capacity);
        if (!values->bytes) return no_memory(b);
    }
    return LM_OK;
}

static void pack_bits(uint8_t *values, size_t rows)
{
    for (size_t at = 0; at < rows; at += 8) {
        uint8_t byte = 0;
        for (size_t i = at; i < rows && i < at + 8; i++) byte |= (uint8_t)(values[i] << (i - at));
        values[at / 8] = byte;
    }
}

static lm_status make_batch(lm_csv_block *b, size_t rows)
{
    LM_TRY(lm__batch_new(b->allocator, b->plan->schema, (int64_t)rows, &b->batch, &b->error));
    lm_array *column = lm__batch_columns(b->batch);
    for (size_t i = 0; i < b->plan->n_columns; i++) {
        if (!b->plan->columns[i].field) continue;
        lm_csv_values *values = &b->values[i];
        column->null_count = values->null_count;
        if (values->null_count > 0) column->validity = values->validity;
        if (column->field->type.id == LM_TYPE_BOOL) pack_bits(values->values, rows);
        column->values = values->values;
        b->bytes_before[i] = values->bytes_size;
        if (is_text(&b->plan->columns[i])) {
            column->offsets = values->values;
            column->values = values->bytes;
        }
        column++;
    }
    b->text_before = b->text.size;
    return lm__csv_room_give(&b->room, b->batch) == LM_OK ? LM_OK : no_memory(b);
}

static lm_status run(lm_csv_block *b)
{
    LM_TRY(check_utf8(b));
    const uint8_t *text = b->text.data;
    size_t size = b->text.size;
    slicing s = {.escapes = lm__csv_has_escapes(&b->plan->dialect, text, size)};
    size_t rows = lm__csv_lines(text, size) + 1;
    s.slice = (lm_csv_slice){
        .text = text, .spans = b->spans, .columns = b->plan->n_columns, .capacity = rows};
    if (!b->infer) LM_TRY(make_room(b, rows));
    for (;;) {
        LM_TRY(next_slice(b, &s));
        if (s.slice.rows == 0) break;
        if (b->infer)
            infer_slice(b, &s);
        else
            LM_TRY(convert_slice(b, &s));
    }
    b->lines = s.line;
    return b->infer || s.slice.row_first == 0 ? LM_OK : make_batch(b, s.slice.row_first);
}

void lm__csv_block_run(lm_job *job)
{
    lm_csv_block *b = (lm_csv_block *)job;
    b->batch = NULL;
    b->lines = b->rows_skipped = 0;
    b->error_line = SIZE_MAX;
    lm_error_clear(&b->error);
    b->status = run(b);
    lm__csv_room_drop(&b->room);
    if (b->status == LM_OK) return;
    lm__batch_unref(b->batch);
    b->batch = NULL;
}

lm_status lm__csv_block_init(lm_csv_block *block, const lm_allocator *allocator,
                             const lm_csv_plan *plan, lm_error *error)
{
    size_t columns = plan->n_columns;
    block->allocator = allocator;
    block->plan = plan;
    block->job.run = lm__csv_block_run;
    lm__buffer_init(&block->text, allocator, 0);
    lm__buffer_init(&block->valid_text, allocator, 0);
    block->spans =
        lm__alloc_array(allocator, (LM_CSV_READ_ROWS + 1) * columns + 64, sizeof *block->spans);
    block->row_lines = lm__alloc_array(allocator, LM_CSV_READ_ROWS, sizeof *block->row_lines);
    block->values = lm__alloc_zero(allocator, (columns + 1) * sizeof *block->values);
    block->types = lm__alloc_array(allocator, columns + 1, sizeof *block->types);
    block->any = lm__alloc_zero(allocator, columns + 1);
    block->bytes_before = lm__alloc_array(allocator, columns + 1, sizeof *block->bytes_before);
    block->room.allocator = allocator;
    if (block->bytes_before && block->spans && block->row_lines && block->values && block->types &&
        block->any)
        return LM_OK;
    return lm__error_memory(error, "reading CSV");
}

void lm__csv_block_deinit(lm_csv_block *block)
{
    lm__batch_unref(block->batch);
    lm__buffer_deinit(&block->text);
    lm__buffer_deinit(&block->valid_text);
    lm__free(block->allocator, block->spans);
    lm__free(block->allocator, block->row_lines);
    lm__free(block->allocator, block->values);
    lm__free(block->allocator, block->types);
    lm__free(block->allocator, block->any);
    lm__free(block->allocator, block->bytes_before);
    lm__csv_room_deinit(&block->room);
}
