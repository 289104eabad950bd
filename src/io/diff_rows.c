/* Single rows of two tables: whether they are equal, and how they are told; see diff.h. */
#include "io/diff.h"

#include "base/error.h"

static lm_status no_memory(lm_diff_state *d, lm_status status)
{
    if (status == LM_LIMIT)
        return lm__error_set(d->error, LM_LIMIT, "a value that is too long to be told");
    return lm__error_memory(d->error, "comparing tables");
}

/* Telling. */

lm_status lm__diff_tell(lm_diff_state *d, const lm_difference *difference)
{
    bool is_row = difference->kind >= LM_DIFF_ROW_ADDED;
    d->result->equal = false;
    if (!is_row) d->result->columns++;
    d->result->rows_added += difference->kind == LM_DIFF_ROW_ADDED;
    d->result->rows_removed += difference->kind == LM_DIFF_ROW_REMOVED;
    d->result->rows_changed += difference->kind == LM_DIFF_ROW_CHANGED;
    if (!d->options->callback || (is_row && d->rows_told >= d->options->rows_told_max))
        return LM_OK;
    d->rows_told += is_row;
    return d->options->callback(d->options->context, difference, d->error);
}

/* Nobody will see its text. */
static bool is_silent(const lm_diff_state *d)
{
    return !d->options->callback || d->rows_told >= d->options->rows_told_max;
}

/* One value as JSON, NUL-terminated, at the end of `out`; *at is where it begins. */
static lm_status put_value(lm_diff_state *d, const lm_value_json *node, const lm_array *column,
                           int64_t row, lm_buffer *out, size_t *at)
{
    *at = out->size;
    lm_status status = lm__value_json_put(node, column, row, out);
    if (status == LM_OK) status = lm__buffer_byte(out, 0);
    return status == LM_OK ? LM_OK : no_memory(d, status);
}

static lm_status put_member(lm_diff_state *d, const lm_field *named, const lm_value_json *node,
                            const lm_array *column, int64_t row, bool first, lm_buffer *out)
{
    lm_status status = lm__buffer_byte(out, first ? '{' : ',');
    if (status == LM_OK) status = lm__value_json_string(out, named->name, named->name_size);
    if (status == LM_OK) status = lm__buffer_byte(out, ':');
    if (status == LM_OK) status = lm__value_json_put(node, column, row, out);
    return status == LM_OK ? LM_OK : no_memory(d, status);
}

lm_status lm__diff_key_text(lm_diff_state *d, const lm_batch *batch, bool is_a, int64_t row,
                            lm_buffer *out)
{
    const lm_diff_side *side = is_a ? &d->a : &d->b;
    bool first = true;
    for (size_t i = 0; i < d->pair_count; i++) {
        const lm_diff_pair *pair = &d->pairs[i];
        int32_t at = is_a ? pair->a : pair->b;
        if (!pair->key) continue;
        lm_array column = lm__batch_column(batch, at);
        LM_TRY(put_member(d, &d->a.root->children[pair->a], &side->columns[at], &column, row, first,
                          out));
        first = false;
    }
    lm_status status = lm__buffer_byte(out, '}');
    if (status == LM_OK) status = lm__buffer_byte(out, 0);
    return status == LM_OK ? LM_OK : no_memory(d, status);
}

static lm_status row_text(lm_diff_state *d, const lm_diff_side *side, const lm_batch *batch,
                          int64_t row, lm_buffer *out)
{
    lm__buffer_clear(out);
    for (int32_t i = 0; i < side->root->n_children; i++) {
        lm_array column = lm__batch_column(batch, i);
        LM_TRY(
            put_member(d, &side->root->children[i], &side->columns[i], &column, row, i == 0, out));
    }
    lm_status status = LM_OK;
    if (side->root->n_children == 0) status = lm__buffer_byte(out, '{');
    if (status == LM_OK) status = lm__buffer_byte(out, '}');
    if (status == LM_OK) status = lm__buffer_byte(out, 0);
    return status == LM_OK ? LM_OK : no_memory(d, status);
}

lm_status lm__diff_row_alone(lm_diff_state *d, lm_diff_kind kind, const lm_batch *batch,
                             int64_t row, int64_t base, const char *key)
{
    bool is_a = kind == LM_DIFF_ROW_REMOVED;
    lm_difference difference = {.kind = kind, .row_a = -1, .row_b = -1, .key = key};
    *(is_a ? &difference.row_a : &difference.row_b) = base + row;
    if (!is_silent(d)) {
        LM_TRY(row_text(d, is_a ? &d->a : &d->b, batch, row, &d->text));
        difference.row = (const char *)d->text.data;
    }
    return lm__diff_tell(d, &difference);
}

/* Comparing. */

/* What a dictionary's index stands for. */
static const lm_array *resolve(const lm_array *column, int64_t *row)
{
    while (column->field->type.id == LM_TYPE_DICTIONARY) {
        *row = lm__array_index(column, *row);
        column = column->dictionary;
    }
    return column;
}

static bool equal_floats(const lm_type *type, const void *a, const void *b)
{
    double x = 0, y = 0;
    if (memcmp(a, b, (size_t)type->byte_width) == 0) return true;
    if (type->id == LM_TYPE_FLOAT64) {
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
    } else if (type->id == LM_TYPE_FLOAT32) {
        float single[2];
        memcpy(&single[0], a, 4);
        memcpy(&single[1], b, 4);
        x = single[0];
        y = single[1];
    } else {
        uint16_t half[2];
        memcpy(&half[0], a, 2);
        memcpy(&half[1], b, 2);
        return (half[0] & 0x7fff) > 0x7c00 && (half[1] & 0x7fff) > 0x7c00;
    }
    return x != x && y != y;
}

static bool equal_direct(const lm_array *a, int64_t row_a, const lm_array *b, int64_t row_b)
{
    size_t size_a, size_b;
    if (a->field->type.layout == LM_LAYOUT_NULL) return true;
    if (a->field->type.layout == LM_LAYOUT_BITS)
        return lm__bit_get(a->values, a->offset + row_a) ==
               lm__bit_get(b->values, b->offset + row_b);
    const uint8_t *x = lm__array_bytes(a, row_a, &size_a), *y = lm__array_bytes(b, row_b, &size_b);
    if (lm__type_is_float(a->field->type.id)) return equal_floats(&a->field->type, x, y);
    return size_a == size_b && (size_a == 0 || memcmp(x, y, size_a) == 0);
}

lm_status lm__diff_values(lm_diff_state *d, const lm_diff_pair *pair, const lm_batch *batch_a,
                          int64_t row_a, const lm_batch *batch_b, int64_t row_b, bool *equal)
{
    lm_array a = lm__batch_column(batch_a, pair->a), b = lm__batch_column(batch_b, pair->b);
    bool valid = lm__array_valid_logical(&a, row_a);
    size_t at_a, at_b;
    *equal = valid == lm__array_valid_logical(&b, row_b);
    if (!*equal || !valid) return LM_OK;
    if (pair->direct) {
        const lm_array *values_a = resolve(&a, &row_a), *values_b = resolve(&b, &row_b);
        *equal = equal_direct(values_a, row_a, values_b, row_b);
        return LM_OK;
    }
    lm__buffer_clear(&d->text_a);
    lm__buffer_clear(&d->text_b);
    LM_TRY(put_value(d, &d->a.columns[pair->a], &a, row_a, &d->text_a, &at_a));
    LM_TRY(put_value(d, &d->b.columns[pair->b], &b, row_b, &d->text_b, &at_b));
    *equal = d->text_a.size == d->text_b.size &&
             memcmp(d->text_a.data, d->text_b.data, d->text_a.size) == 0;
    return LM_OK;
}

/* The texts of the values that differ; where each begins is kept until all are there, since the
 * buffers move. */
static lm_status change_texts(lm_diff_state *d, const lm_batch *a, int64_t row_a, const lm_batch *b,
                              int64_t row_b, size_t count)
{
    lm__buffer_clear(&d->text_a);
    lm__buffer_clear(&d->text_b);
    for (size_t i = 0; i < count; i++) {
        const lm_diff_pair *pair = &d->pairs[d->places[i]];
        lm_array of_a = lm__batch_column(a, pair->a), of_b = lm__batch_column(b, pair->b);
        size_t at_a, at_b;
        LM_TRY(put_value(d, &d->a.columns[pair->a], &of_a, row_a, &d->text_a, &at_a));
        LM_TRY(put_value(d, &d->b.columns[pair->b], &of_b, row_b, &d->text_b, &at_b));
        d->changes[i] = (lm_diff_change){.column = d->a.root->children[pair->a].name};
    }
    const char *text_a = (const char *)d->text_a.data, *text_b = (const char *)d->text_b.data;
    for (size_t i = 0; i < count; i++) {
        d->changes[i].a = text_a;
        d->changes[i].b = text_b;
        text_a += strlen(text_a) + 1;
        text_b += strlen(text_b) + 1;
    }
    return LM_OK;
}

lm_status lm__diff_rows(lm_diff_state *d, const lm_batch *a, int64_t row_a, int64_t base_a,
                        const lm_batch *b, int64_t row_b, int64_t base_b, const char *key)
{
    size_t count = 0;
    for (size_t i = 0; i < d->pair_count; i++) {
        bool equal;
        if (d->pairs[i].key) continue;
        LM_TRY(lm__diff_values(d, &d->pairs[i], a, row_a, b, row_b, &equal));
        if (!equal) d->places[count++] = i;
    }
    if (count == 0) return LM_OK;
    lm_difference difference = {.kind = LM_DIFF_ROW_CHANGED,
                                .changes = d->changes,
                                .change_count = count,
                                .row_a = base_a + row_a,
                                .row_b = base_b + row_b,
                                .key = key};
    if (!is_silent(d)) LM_TRY(change_texts(d, a, row_a, b, row_b, count));
    return lm__diff_tell(d, &difference);
}
