/*
 * What each column's cells are made by, and the cells that stand on others: dictionaries, run ends,
 * binary, nested values.
 */
#include <string.h>

#include "base/bytes_text.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "csv/cells.h"

static char *put_text(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    size_t size;
    const uint8_t *text = lm__array_bytes(&cell->array, row, &size);
    return lm__csv_text_put(out, cell->field->name, text, size, false, to);
}

static char *put_text_quoted(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    size_t size;
    const uint8_t *text = lm__array_bytes(&cell->array, row, &size);
    return lm__csv_text_put(out, cell->field->name, text, size, true, to);
}

/* Columns of 32-bit offsets, the usual ones. */
static char *put_text32(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    const int32_t *offsets = (const int32_t *)cell->array.offsets + cell->array.offset + row;
    return lm__csv_text_put(out, cell->field->name,
                            (const uint8_t *)cell->array.values + offsets[0],
                            (size_t)(offsets[1] - offsets[0]), false, to);
}

/* Bounded cells whose text has no character that matters. */
static char *put_in_quotes(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    *to = out->style->quote;
    to = cell->bare(out, cell, row, to + 1);
    *to = out->style->quote;
    return to + 1;
}

/* Bounded cells that may have one. */
static char *put_checked(lm_csv_out *out, lm_csv_cell *cell, int64_t row, bool quoted, char *to)
{
    char text[16 * LM_CSV_FORMAT_BYTES_MAX + LM_FIXED_TEXT_MAX];
    char *end = cell->bare(out, cell, row, text);
    return lm__csv_text_put(out, cell->field->name, (const uint8_t *)text, (size_t)(end - text),
                            quoted, to);
}

static char *put_as_text(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    return put_checked(out, cell, row, false, to);
}

static char *put_as_quoted_text(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    return put_checked(out, cell, row, true, to);
}

/* Binary. */

static lm_status scratch_failed(lm_csv_out *out, lm_status status)
{
    out->status = status;
    if (status == LM_NO_MEMORY) return lm__error_memory(out->error, "writing CSV");
    return lm__error_set(out->error, status, "row %lld: a value is too large for a cell",
                         (long long)out->row);
}

/* What was put into the scratch becomes a cell. */
static char *put_scratch(lm_csv_out *out, const lm_csv_cell *cell, char *to)
{
    bool quoted = out->style->options.quoting == LM_CSV_QUOTE_ALL ||
                  out->style->options.quoting == LM_CSV_QUOTE_NON_NUMERIC;
    return lm__csv_text_put(out, cell->field->name, out->scratch.data, out->scratch.size, quoted,
                            to);
}

static char *put_binary(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    size_t size;
    const uint8_t *bytes = lm__array_bytes(&cell->array, row, &size);
    lm__buffer_clear(&out->scratch);
    lm_status status =
        size > SIZE_MAX / 4 ? LM_LIMIT : lm__buffer_reserve(&out->scratch, 2 * size + 64);
    if (status != LM_OK) {
        (void)scratch_failed(out, status);
        return NULL;
    }
    char *start = (char *)out->scratch.data, *end;
    if (lm__field_is_uuid(cell->field))
        end = lm__uuid_text(start, bytes);
    else if (out->style->options.binary == LM_CSV_BINARY_HEX)
        end = lm__hex_text(start, bytes, size);
    else
        end = lm__base64_text(start, bytes, size);
    out->scratch.size = (size_t)(end - start);
    return put_scratch(out, cell, to);
}

/* Nested values are JSON, durations the text that JSON has for them. */
static bool make_text(lm_csv_out *out, lm_csv_cell *cell, int64_t row)
{
    lm__buffer_clear(&out->scratch);
    lm_status status = lm__value_json_put(cell->json, &cell->array, row, &out->scratch);
    if (status != LM_OK) (void)scratch_failed(out, status);
    return status == LM_OK;
}

static char *put_json(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    return make_text(out, cell, row) ? put_scratch(out, cell, to) : NULL;
}

static char *put_duration(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    if (!make_text(out, cell, row)) return NULL;
    out->scratch.size -= 2; /* its own quotes */
    memmove(out->scratch.data, out->scratch.data + 1, out->scratch.size);
    return put_scratch(out, cell, to);
}

/* Cells that stand on others. */

static char *put_dictionary(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    return lm__csv_cell_put(out, cell->value, lm__array_index(&cell->array, row), to);
}

static char *put_run(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    if (row >= cell->run_end || cell->run_end == 0)
        cell->run = lm__array_run_find(&cell->array, row, &cell->run_end);
    return lm__csv_cell_put(out, cell->value, cell->run, to);
}

char *lm__csv_cell_put(lm_csv_out *out, lm_csv_cell *cell, int64_t row, char *to)
{
    if (__builtin_expect(lm__array_valid(&cell->array, row), 1))
        return cell->put(out, cell, row, to);
    const lm_csv_style *style = out->style;
    if (style->alone && style->null_size == 0) { /* an empty line is no row to most readers */
        *to++ = style->quote;
        *to++ = style->quote;
        return to;
    }
    memcpy(to, style->null_text, style->null_size);
    return to + style->null_size;
}

/* The plan. */

static bool has_special(const lm_csv_style *style, const char *text)
{
    for (; *text; text++)
        if (style->special[(uint8_t)*text]) return true;
    return false;
}

/* All characters that a bounded cell of this type may have. */
static bool may_need_quotes(const lm_csv_style *style, const lm_type *type)
{
    const lm_csv_write_options *options = &style->options;
    if (type->id == LM_TYPE_BOOL)
        return has_special(style, options->true_text) || has_special(style, options->false_text);
    if (lm__type_is_float(type->id))
        return has_special(style, "0123456789+-.einf") || has_special(style, options->nan_text);
    if (lm__type_is_integer(type->id) || lm__type_is_decimal(type->id))
        return has_special(style, "0123456789-.");
    if (has_special(style, "0123456789+-:. Z")) return true;
    return (options->date_format || options->time_format || options->timestamp_format);
}

static bool is_numeric(const lm_type *type)
{
    return lm__type_is_integer(type->id) || lm__type_is_float(type->id) ||
           lm__type_is_decimal(type->id) || type->id == LM_TYPE_BOOL;
}

static void wrap_fixed(const lm_csv_style *style, lm_csv_cell *cell)
{
    lm_csv_quoting quoting = style->options.quoting;
    bool quoted = quoting == LM_CSV_QUOTE_ALL ||
                  (quoting == LM_CSV_QUOTE_NON_NUMERIC && !is_numeric(&cell->field->type));
    if (may_need_quotes(style, &cell->field->type)) {
        cell->bare = cell->put;
        cell->put = quoted ? put_as_quoted_text : put_as_text;
        cell->room = 0;
    } else if (quoted) {
        cell->bare = cell->put;
        cell->put = put_in_quotes;
        cell->room += 2;
    }
}

static lm_status refuse(const lm_field *field, const char *what, const char *remedy,
                        lm_error *error)
{
    char type[LM_TYPE_TEXT_MAX];
    lm_path path = {NULL, field->name};
    return lm__path_error(error, LM_SCHEMA, &path, "%s (%s) %s", what,
                          lm__type_text_short(field, type), remedy);
}

static lm_status make_below(lm_arena *arena, const lm_csv_style *style, const lm_field *value,
                            const char *name, lm_csv_cell *cell, lm_error *error)
{
    lm_field *field = lm__arena_array(arena, 1, sizeof *field);
    cell->value = lm__arena_array(arena, 1, sizeof *cell->value);
    if (!field || !cell->value) return lm__error_memory(error, "writing CSV");
    *field = *value; /* messages name the column */
    field->name = name;
    LM_TRY(lm__csv_cell_make(arena, style, field, cell->value, error));
    cell->room = cell->value->room;
    return LM_OK;
}

static lm_status make_json(lm_arena *arena, const lm_csv_style *style, const lm_field *field,
                           lm_csv_cell *cell, lm_error *error)
{
    bool nested = field->n_children > 0;
    lm_path path = {NULL, field->name};
    if (nested && style->options.nested == LM_CSV_NESTED_REFUSE)
        return refuse(field, "a nested column", "is refused: write it as JSON", error);
    cell->json = lm__arena_array(arena, 1, sizeof *cell->json);
    if (!cell->json) return lm__error_memory(error, "writing CSV");
    cell->put = nested ? put_json : put_duration;
    return lm__value_json_make(arena, field, &path, cell->json, error);
}

static lm_status zone_of(lm_arena *arena, const lm_csv_style *style, const lm_field *field,
                         lm_csv_cell *cell, lm_error *error)
{
    char name[80];
    const char *own = field->type.timezone;
    cell->zone = style->zone;
    if (!style->own_zones || strcmp(own, "UTC") == 0) return LM_OK;
    lm_status status = lm__csv_zone_load(arena, own, &cell->zone, error);
    if (status == LM_OK) return LM_OK;
    return lm__error_within(error, status == LM_INVALID ? LM_SCHEMA : status, "column %s",
                            lm__printable(name, sizeof name, field->name));
}

lm_status lm__csv_cell_make(lm_arena *arena, const lm_csv_style *style, const lm_field *field,
                            lm_csv_cell *cell, lm_error *error)
{
    const lm_csv_write_options *options = &style->options;
    bool quoted =
        options->quoting == LM_CSV_QUOTE_ALL || options->quoting == LM_CSV_QUOTE_NON_NUMERIC;
    *cell = (lm_csv_cell){.field = field};
    if (field->type.id == LM_TYPE_TIMESTAMP && field->type.timezone)
        LM_TRY(zone_of(arena, style, field, cell, error));
    cell->put = lm__csv_fixed_put(style, &field->type, &cell->room);
    if (cell->put) {
        wrap_fixed(style, cell);
        return LM_OK;
    }
    switch (field->type.id) {
    case LM_TYPE_NULL: return LM_OK;
    case LM_TYPE_UTF8: cell->put = quoted ? put_text_quoted : put_text32; return LM_OK;
    case LM_TYPE_LARGE_UTF8:
    case LM_TYPE_UTF8_VIEW: cell->put = quoted ? put_text_quoted : put_text; return LM_OK;
    case LM_TYPE_BINARY:
    case LM_TYPE_LARGE_BINARY:
    case LM_TYPE_BINARY_VIEW:
    case LM_TYPE_FIXED_BINARY:
        if (options->binary == LM_CSV_BINARY_REFUSE && !lm__field_is_uuid(field))
            return refuse(field, "binary", "is refused: write it as hex or base64", error);
        cell->put = put_binary;
        return LM_OK;
    case LM_TYPE_DICTIONARY:
        cell->put = put_dictionary;
        return make_below(arena, style, field->dictionary, field->name, cell, error);
    case LM_TYPE_RUN_END_ENCODED:
        cell->put = put_run;
        return make_below(arena, style, &field->children[1], field->name, cell, error);
    default: return make_json(arena, style, field, cell, error);
    }
}

void lm__csv_cell_bind(lm_csv_cell *cell, const lm_array *array)
{
    cell->array = *array;
    cell->run_end = 0;
    cell->tries = cell->misses = 0;
    if (!cell->value) return;
    lm__csv_cell_bind(cell->value, array->dictionary ? array->dictionary : &array->children[1]);
}
