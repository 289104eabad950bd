/*
 * Rows that belong together by their keys: an index of `a`, which stays in memory, and `b` held
 * against it.
 *
 * A key is the text of its values, so that 1 is 1 in columns of any width. Two rows of one table
 * with the same key are LM_DATA: they could not be told apart.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "io/diff.h"
#include "parquet/bloom.h"
#include "store/store.h"

typedef struct key_entry {
    uint64_t hash;
    uint32_t batch; /* its number + 1; 0: free */
    uint32_t row;
} key_entry;

typedef struct key_index {
    lm_diff_state *d;
    lm_batch **batches;
    int64_t *bases; /* rows before each batch */
    size_t count, room;
    key_entry *slots;
    size_t used, capacity;
    uint8_t **seen; /* a bit for each row of a batch: b has it too */
    lm_buffer key, other;
    int64_t rows;
} key_index;

static lm_status no_memory(const key_index *x)
{
    return lm__error_memory(x->d->error, "comparing tables by keys");
}

static lm_status keep_batch_take(key_index *x, lm_batch *batch)
{
    const lm_allocator *allocator = x->d->allocator;
    size_t batches = x->room, bases = x->room, needed = x->count + 1;
    uint8_t *seen = lm__alloc_zero(allocator, (size_t)lm__batch_rows(batch) / 8 + 1);
    if (!seen || !lm__array_room(allocator, &x->batches, &batches, needed, sizeof *x->batches) ||
        !lm__array_room(allocator, &x->bases, &bases, needed, sizeof *x->bases) ||
        !lm__array_room(allocator, &x->seen, &x->room, needed, sizeof *x->seen)) {
        lm__free(allocator, seen);
        lm__batch_unref(batch);
        return no_memory(x);
    }
    x->batches[x->count] = batch;
    x->bases[x->count] = x->rows;
    x->seen[x->count++] = seen;
    return LM_OK;
}

static lm_status grow(key_index *x)
{
    size_t grown = x->capacity ? 2 * x->capacity : 1024;
    key_entry *slots = lm__alloc_array(x->d->allocator, grown, sizeof *slots);
    if (!slots) return no_memory(x);
    memset(slots, 0, grown * sizeof *slots);
    for (size_t i = 0; i < x->capacity; i++) {
        size_t at = x->slots[i].hash & (grown - 1);
        if (!x->slots[i].batch) continue;
        while (slots[at].batch) at = (at + 1) & (grown - 1);
        slots[at] = x->slots[i];
    }
    lm__free(x->d->allocator, x->slots);
    x->slots = slots;
    x->capacity = grown;
    return LM_OK;
}

static lm_status key_of(key_index *x, const lm_batch *batch, bool is_a, int64_t row, lm_buffer *key)
{
    lm__buffer_clear(key);
    return lm__diff_key_text(x->d, batch, is_a, row, key);
}

/* The slot of the key in x->key, or the free one where it belongs. */
static lm_status find(key_index *x, uint64_t hash, key_entry **found)
{
    for (size_t at = hash & (x->capacity - 1);; at = (at + 1) & (x->capacity - 1)) {
        key_entry *slot = &x->slots[at];
        *found = slot;
        if (!slot->batch) return LM_OK;
        if (slot->hash != hash) continue;
        LM_TRY(key_of(x, x->batches[slot->batch - 1], true, slot->row, &x->other));
        if (x->other.size == x->key.size && memcmp(x->other.data, x->key.data, x->key.size) == 0)
            return LM_OK;
    }
}

static lm_status twice(const key_index *x, const lm_diff_side *side, int64_t first, int64_t second)
{
    char shown[256], path[512];
    return lm__error_set(x->d->error, LM_DATA,
                         "%s: rows %lld and %lld have the same key %s: choose keys that differ",
                         lm__printable(path, sizeof path, side->path), (long long)first,
                         (long long)second,
                         lm__printable(shown, sizeof shown, (const char *)x->key.data));
}

static lm_status add_rows(key_index *x, uint32_t number)
{
    const lm_batch *batch = x->batches[number];
    for (int64_t row = 0; row < lm__batch_rows(batch); row++) {
        key_entry *slot;
        if (2 * x->used >= x->capacity) LM_TRY(grow(x));
        LM_TRY(key_of(x, batch, true, row, &x->key));
        uint64_t hash = lm__xxh64(x->key.data, x->key.size);
        LM_TRY(find(x, hash, &slot));
        if (slot->batch)
            return twice(x, &x->d->a, x->bases[slot->batch - 1] + slot->row, x->rows + row);
        *slot = (key_entry){hash, number + 1, (uint32_t)row};
        x->used++;
    }
    return LM_OK;
}

static lm_status next(key_index *x, lm_diff_side *side, lm_batch **batch)
{
    if (lm__cancel_requested(x->d->options->cancel))
        return lm__error_set(x->d->error, LM_CANCELLED, "interrupted");
    LM_TRY(lm__stream_next(side->stream, batch, x->d->error));
    if (*batch && lm__batch_rows(*batch) > (int64_t)UINT32_MAX) {
        lm__batch_unref(*batch);
        return lm__error_set(x->d->error, LM_LIMIT, "%s: a batch of more than 2^32 rows",
                             side->path);
    }
    return LM_OK;
}

static lm_status index_a(key_index *x)
{
    lm_batch *batch;
    for (;;) {
        LM_TRY(next(x, &x->d->a, &batch));
        if (!batch) return LM_OK;
        if (x->count >= UINT32_MAX - 1) {
            lm__batch_unref(batch);
            return lm__error_set(x->d->error, LM_LIMIT, "too many batches");
        }
        LM_TRY(keep_batch_take(x, batch));
        LM_TRY(add_rows(x, (uint32_t)(x->count - 1)));
        x->rows += lm__batch_rows(batch);
    }
}

static lm_status compare_row(key_index *x, const lm_batch *b, int64_t row, int64_t base)
{
    key_entry *slot;
    LM_TRY(key_of(x, b, false, row, &x->key));
    LM_TRY(find(x, lm__xxh64(x->key.data, x->key.size), &slot));
    const char *key = (const char *)x->key.data;
    if (!slot->batch) return lm__diff_row_alone(x->d, LM_DIFF_ROW_ADDED, b, row, base, key);
    uint8_t *seen = x->seen[slot->batch - 1];
    if (lm__bit_get(seen, slot->row))
        return lm__error_set(x->d->error, LM_DATA,
                             "%s: row %lld has the key %s of an earlier row: choose keys that "
                             "differ",
                             x->d->b.path, (long long)(base + row), key);
    lm__bit_set(seen, slot->row);
    return lm__diff_rows(x->d, x->batches[slot->batch - 1], slot->row, x->bases[slot->batch - 1], b,
                         row, base, key);
}

static lm_status compare_b(key_index *x, int64_t *rows)
{
    lm_batch *batch;
    *rows = 0;
    while (!lm__diff_is_done(x->d)) {
        lm_status status = LM_OK;
        LM_TRY(next(x, &x->d->b, &batch));
        if (!batch) return LM_OK;
        for (int64_t row = 0; row < lm__batch_rows(batch) && status == LM_OK; row++) {
            if (lm__diff_is_done(x->d)) break;
            status = compare_row(x, batch, row, *rows);
        }
        *rows += lm__batch_rows(batch);
        lm__batch_unref(batch);
        LM_TRY(status);
    }
    return LM_OK;
}

static lm_status tell_removed(key_index *x)
{
    for (size_t i = 0; i < x->count; i++)
        for (int64_t row = 0; row < lm__batch_rows(x->batches[i]); row++) {
            if (lm__diff_is_done(x->d)) return LM_OK;
            if (lm__bit_get(x->seen[i], row)) continue;
            LM_TRY(key_of(x, x->batches[i], true, row, &x->key));
            LM_TRY(lm__diff_row_alone(x->d, LM_DIFF_ROW_REMOVED, x->batches[i], row, x->bases[i],
                                      (const char *)x->key.data));
        }
    return LM_OK;
}

lm_status lm__diff_by_keys(lm_diff_state *d)
{
    key_index x = {.d = d};
    int64_t rows_b = 0;
    lm__buffer_init(&x.key, d->allocator, 0);
    lm__buffer_init(&x.other, d->allocator, 0);
    lm_status status = grow(&x);
    if (status == LM_OK) status = index_a(&x);
    if (status == LM_OK) status = compare_b(&x, &rows_b);
    if (status == LM_OK) status = tell_removed(&x);
    d->result->rows_a = (uint64_t)x.rows;
    d->result->rows_b = (uint64_t)rows_b;
    for (size_t i = 0; i < x.count; i++) {
        lm__batch_unref(x.batches[i]);
        lm__free(d->allocator, x.seen[i]);
    }
    lm__free(d->allocator, x.batches);
    lm__free(d->allocator, x.bases);
    lm__free(d->allocator, x.seen);
    lm__free(d->allocator, x.slots);
    lm__buffer_deinit(&x.key);
    lm__buffer_deinit(&x.other);
    return status;
}
