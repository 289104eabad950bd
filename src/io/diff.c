/* Comparing two tables: their columns, and their rows in order; see diff.h. */
#include "io/diff.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/store.h"

#define BLOCK_ROWS 1024 /* that are compared column by column */

const char *lm_diff_kind_word(lm_diff_kind kind)
{
    static const char *const words[] = {
        "column_added", "column_removed", "column_type", "column_nullable",
        "column_moved", "row_added",      "row_removed", "row_changed",
    };
    return words[kind];
}

/* Columns. */

static lm_status tell_column(lm_diff_state *d, lm_diff_kind kind, const char *name, const char *a,
                             const char *b)
{
    const lm_diff_change change = {name, a, b};
    return lm__diff_tell(
        d, &(lm_difference){
               .kind = kind, .changes = &change, .change_count = 1, .row_a = -1, .row_b = -1});
}

static lm_status type_text(lm_diff_state *d, const lm_field *field, lm_buffer *out)
{
    lm__buffer_clear(out);
    lm_status status = lm__type_text(field, out);
    if (status == LM_OK) status = lm__buffer_byte(out, 0);
    return status == LM_OK ? LM_OK : lm__error_memory(d->error, "comparing schemas");
}

/* Values that lie as bytes: the same kind of bytes in both. A dictionary's count as what they stand
 * for. */
static bool is_direct(const lm_field *a, const lm_field *b)
{
    if (a->type.id == LM_TYPE_DICTIONARY) return is_direct(a->dictionary, b);
    if (b->type.id == LM_TYPE_DICTIONARY) return is_direct(a, b->dictionary);
    if (lm__type_is_text(a->type.id)) return lm__type_is_text(b->type.id);
    if (lm__type_is_binary(a->type.id)) return lm__type_is_binary(b->type.id);
    if (!lm__type_equal(&a->type, &b->type)) return false;
    return a->type.layout == LM_LAYOUT_NULL || a->type.layout == LM_LAYOUT_BITS ||
           a->type.layout == LM_LAYOUT_FIXED;
}

static lm_status compare_pair(lm_diff_state *d, const lm_field *a, const lm_field *b)
{
    static const char *const nullable[] = {"not null", "nullable"};
    LM_TRY(type_text(d, a, &d->text_a));
    LM_TRY(type_text(d, b, &d->text_b));
    const char *type_a = (const char *)d->text_a.data, *type_b = (const char *)d->text_b.data;
    if (strcmp(type_a, type_b) != 0)
        LM_TRY(tell_column(d, LM_DIFF_COLUMN_TYPE, a->name, type_a, type_b));
    if (a->nullable == b->nullable) return LM_OK;
    return tell_column(d, LM_DIFF_COLUMN_NULLABLE, a->name, nullable[a->nullable],
                       nullable[b->nullable]);
}

static lm_status tell_alone(lm_diff_state *d, lm_diff_kind kind, const lm_field *field)
{
    LM_TRY(type_text(d, field, &d->text_a));
    const char *type = (const char *)d->text_a.data;
    bool is_a = kind == LM_DIFF_COLUMN_REMOVED;
    return tell_column(d, kind, field->name, is_a ? type : NULL, is_a ? NULL : type);
}

/* Invariant 1. */
static lm_status pair_columns(lm_diff_state *d)
{
    const lm_field *a = d->a.root, *b = d->b.root;
    bool *taken = lm__arena_zero(&d->arena, (size_t)b->n_children + 1);
    d->pairs = lm__arena_array(&d->arena, (size_t)a->n_children + 1, sizeof *d->pairs);
    d->changes = lm__arena_array(&d->arena, (size_t)a->n_children + 1, sizeof *d->changes);
    d->places = lm__arena_array(&d->arena, (size_t)a->n_children + 1, sizeof *d->places);
    bool moved = false;
    int32_t last = -1;
    if (!taken || !d->pairs || !d->changes || !d->places)
        return lm__error_memory(d->error, "comparing schemas");
    for (int32_t i = 0; i < a->n_children; i++) {
        const lm_field *field = &a->children[i];
        int32_t at = 0;
        while (at < b->n_children &&
               (taken[at] || b->children[at].name_size != field->name_size ||
                memcmp(b->children[at].name, field->name, field->name_size) != 0))
            at++;
        if (at == b->n_children) {
            LM_TRY(tell_alone(d, LM_DIFF_COLUMN_REMOVED, field));
            continue;
        }
        taken[at] = true;
        moved |= at < last;
        last = at;
        LM_TRY(compare_pair(d, field, &b->children[at]));
        d->pairs[d->pair_count++] =
            (lm_diff_pair){i, at, is_direct(field, &b->children[at]), false};
    }
    for (int32_t i = 0; i < b->n_children; i++)
        if (!taken[i]) LM_TRY(tell_alone(d, LM_DIFF_COLUMN_ADDED, &b->children[i]));
    return moved ? tell_column(d, LM_DIFF_COLUMN_MOVED, NULL, NULL, NULL) : LM_OK;
}

static lm_status find_keys(lm_diff_state *d)
{
    for (size_t i = 0; i < d->options->key_count; i++) {
        const char *key = d->options->keys[i];
        size_t at = 0;
        while (at < d->pair_count && strcmp(d->a.root->children[d->pairs[at].a].name, key) != 0)
            at++;
        if (at == d->pair_count)
            return lm__error_set(d->error, LM_INVALID,
                                 "the key '%s' is not a column of both tables", key);
        d->pairs[at].key = true;
    }
    return LM_OK;
}

/* Rows in order. */

/* Marks the rows of a block in which a column's values differ. */
static lm_status mark_column(lm_diff_state *d, const lm_diff_pair *pair, const lm_batch *a,
                             int64_t row_a, const lm_batch *b, int64_t row_b, int64_t rows,
                             bool *differs)
{
    lm_array of_a = lm__batch_column(a, pair->a), of_b = lm__batch_column(b, pair->b);
    const lm_type *type = &of_a.field->type;
    if (pair->direct && type->layout == LM_LAYOUT_FIXED && type->id != LM_TYPE_DICTIONARY &&
        of_b.field->type.id == type->id && of_a.null_count == 0 && of_b.null_count == 0 &&
        memcmp((const uint8_t *)lm__array_fixed(&of_a) + row_a * type->byte_width,
               (const uint8_t *)lm__array_fixed(&of_b) + row_b * type->byte_width,
               (size_t)(rows * type->byte_width)) == 0)
        return LM_OK;
    for (int64_t i = 0; i < rows; i++) {
        bool equal;
        if (differs[i]) continue;
        LM_TRY(lm__diff_values(d, pair, a, row_a + i, b, row_b + i, &equal));
        differs[i] = !equal;
    }
    return LM_OK;
}

static lm_status compare_block(lm_diff_state *d, const lm_batch *a, int64_t row_a, int64_t base_a,
                               const lm_batch *b, int64_t row_b, int64_t base_b, int64_t rows)
{
    bool differs[BLOCK_ROWS] = {false};
    for (size_t i = 0; i < d->pair_count; i++)
        LM_TRY(mark_column(d, &d->pairs[i], a, row_a, b, row_b, rows, differs));
    for (int64_t i = 0; i < rows && !lm__diff_is_done(d); i++)
        if (differs[i]) LM_TRY(lm__diff_rows(d, a, row_a + i, base_a, b, row_b + i, base_b, NULL));
    return LM_OK;
}

/* Where a table stands. */
typedef struct cursor {
    lm_diff_side *side;
    lm_batch *batch;
    int64_t row, base; /* base: rows of the batches before */
    bool ended;
} cursor;

static lm_status advance(lm_diff_state *d, cursor *c)
{
    while (!c->ended && (!c->batch || c->row == lm__batch_rows(c->batch))) {
        if (c->batch) c->base += lm__batch_rows(c->batch);
        lm__batch_unref(c->batch);
        c->batch = NULL;
        c->row = 0;
        LM_TRY(lm__stream_next(c->side->stream, &c->batch, d->error));
        c->ended = c->batch == NULL;
    }
    return LM_OK;
}

/* The rest of one table, which the other has no rows for. */
static lm_status tell_rest(lm_diff_state *d, cursor *c, lm_diff_kind kind)
{
    while (!c->ended && !lm__diff_is_done(d)) {
        LM_TRY(lm__diff_row_alone(d, kind, c->batch, c->row, c->base, NULL));
        c->row++;
        LM_TRY(advance(d, c));
    }
    return LM_OK;
}

static lm_status compare_cursors(lm_diff_state *d, cursor *a, cursor *b)
{
    for (;;) {
        LM_TRY(advance(d, a));
        LM_TRY(advance(d, b));
        if (a->ended || b->ended || lm__diff_is_done(d)) break;
        if (lm__cancel_requested(d->options->cancel))
            return lm__error_set(d->error, LM_CANCELLED, "interrupted");
        int64_t rows = lm__batch_rows(a->batch) - a->row;
        int64_t left = lm__batch_rows(b->batch) - b->row;
        if (rows > left) rows = left;
        if (rows > BLOCK_ROWS) rows = BLOCK_ROWS;
        LM_TRY(compare_block(d, a->batch, a->row, a->base, b->batch, b->row, b->base, rows));
        a->row += rows;
        b->row += rows;
    }
    LM_TRY(tell_rest(d, a, LM_DIFF_ROW_REMOVED));
    return tell_rest(d, b, LM_DIFF_ROW_ADDED);
}

static lm_status compare_in_order(lm_diff_state *d)
{
    cursor a = {.side = &d->a}, b = {.side = &d->b};
    lm_status status = compare_cursors(d, &a, &b);
    d->result->rows_a = (uint64_t)(a.base + a.row);
    d->result->rows_b = (uint64_t)(b.base + b.row);
    lm__batch_unref(a.batch);
    lm__batch_unref(b.batch);
    return status;
}

/* The whole. */

static lm_status open_side(lm_diff_state *d, lm_diff_side *side, const char *path,
                           const lm_diff_at *when)
{
    const lm_scan_options options = {
        .has_version = when->has_version,
        .has_time = when->has_time,
        .version = when->version,
        .time_ms = when->time_ms,
        .threads = d->options->threads,
        .cancel = d->options->cancel,
        .storage = d->options->storage,
        .allocator = d->options->allocator,
    };
    struct ArrowArrayStream exported;
    side->path = path;
    LM_TRY(lm_scan_open(path, &options, &side->scan, d->error));
    LM_TRY(lm_scan_stream(side->scan, &exported, d->error));
    LM_TRY(
        lm__stream_import_take(d->allocator, &exported, LM_VALIDATE_FULL, &side->stream, d->error));
    side->root = &side->stream->schema->root;
    side->columns =
        lm__arena_array(&d->arena, (size_t)side->root->n_children + 1, sizeof *side->columns);
    if (!side->columns) return lm__error_memory(d->error, "comparing tables");
    for (int32_t i = 0; i < side->root->n_children; i++) {
        const lm_path at = {NULL, side->root->children[i].name};
        LM_TRY(lm__value_json_make(&d->arena, &side->root->children[i], &at, &side->columns[i],
                                   d->error));
    }
    return LM_OK;
}

static void close_side(lm_diff_side *side)
{
    lm__stream_close(side->stream);
    lm_scan_close(side->scan);
}

static lm_status compare(lm_diff_state *d, const char *a, const char *b)
{
    LM_TRY(open_side(d, &d->a, a, &d->options->at_a));
    LM_TRY(open_side(d, &d->b, b, &d->options->at_b));
    LM_TRY(pair_columns(d));
    LM_TRY(find_keys(d));
    if (d->options->schema_only || lm__diff_is_done(d)) return LM_OK;
    return d->options->key_count ? lm__diff_by_keys(d) : compare_in_order(d);
}

lm_status lm_diff(const char *a, const char *b, const lm_diff_options *options,
                  lm_diff_result *result, lm_error *error)
{
    static const lm_diff_options defaults;
    lm_diff_state d = {.options = options ? options : &defaults, .result = result, .error = error};
    d.allocator = lm__allocator_or_default(d.options->allocator);
    *result = (lm_diff_result){.equal = true};
    lm__arena_init(&d.arena, d.allocator, 0);
    lm__buffer_init(&d.text_a, d.allocator, 0);
    lm__buffer_init(&d.text_b, d.allocator, 0);
    lm__buffer_init(&d.text, d.allocator, 0);
    lm_status status = compare(&d, a, b);
    close_side(&d.a);
    close_side(&d.b);
    lm__buffer_deinit(&d.text_a);
    lm__buffer_deinit(&d.text_b);
    lm__buffer_deinit(&d.text);
    lm__arena_deinit(&d.arena);
    return status;
}
