/*
 * The dictionary's life, and the way from a piece with nulls to dense blocks (dict.h). Integers are
 * looked up in dict_fixed.c, strings in dict_strings.c.
 */
#include "encode/dict.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "encode/bitpack.h"
#include "encode/dict_table.h"
#include "encode/plain.h"

lm_status lm__dict_memory(lm_error *error)
{
    return lm__error_memory(error, "building a dictionary");
}

lm_status lm__dict_new(const lm_dict_options *options, lm_dict **dict, lm_error *error)
{
    lm_dict *made = lm__alloc_zero(options->allocator, sizeof *made);
    *dict = NULL;
    if (!made) return lm__dict_memory(error);
    made->options = *options;
    if (made->options.bytes_max == 0) made->options.bytes_max = LM_DICT_BYTES_MAX;
    if (made->options.bytes_max > INT32_MAX) made->options.bytes_max = INT32_MAX;
    made->out_width = lm__dict_widens(options) ? 4 : options->width;
    *dict = made;
    return LM_OK;
}

void lm__dict_free(lm_dict *dict)
{
    if (!dict) return;
    const lm_allocator *allocator = dict->options.allocator;
    lm__free(allocator, dict->bytes);
    lm__free(allocator, dict->direct);
    lm__free_aligned(allocator, dict->slots);
    lm__free(allocator, dict->strings);
    lm__free(allocator, dict);
}

void lm__dict_reset(lm_dict *dict)
{
    dict->count = dict->seen = dict->size = 0;
    dict->direct_base = dict->direct_size = 0;
    dict->hashed = false;
    dict->slots_bits = 0;
}

lm_status lm__dict_reserve(lm_dict *dict, size_t extra, lm_error *error)
{
    size_t need = dict->size + extra + LM_ENCODE_SLACK;
    return lm__array_room(dict->options.allocator, &dict->bytes, &dict->capacity, need, 1)
               ? LM_OK
               : lm__dict_memory(error);
}

lm_status lm__dict_new_slots(lm_dict *dict, size_t bytes, lm_error *error)
{
    if (bytes > dict->slots_capacity) {
        lm__free_aligned(dict->options.allocator, dict->slots);
        dict->slots_capacity = 0;
        dict->slots = lm__alloc_aligned(dict->options.allocator, 64, bytes);
        if (!dict->slots) return lm__dict_memory(error);
        dict->slots_capacity = bytes;
    }
    memset(dict->slots, 0, bytes);
    return LM_OK;
}

/* Three slots in four stay empty while the table is small enough for the caches near the core: a
 * collision costs more than the room. */
unsigned lm__dict_slots_bits(size_t count)
{
    unsigned bits = 10;
    while (bits < 16 && count * 4 > (size_t)1 << bits) bits++;
    while (count * 2 > (size_t)1 << bits) bits++;
    return bits;
}

size_t lm__dict_count(const lm_dict *dict) { return dict->count; }

const uint8_t *lm__dict_bytes(const lm_dict *dict, size_t *size)
{
    *size = dict->size;
    return dict->bytes;
}

unsigned lm__dict_index_width(const lm_dict *dict)
{
    return dict->count > 1 ? lm__bit_width(dict->count - 1) : 0;
}

static lm_status put_block(lm_dict *dict, const void *values, size_t n, uint32_t *indices,
                           size_t *done, lm_error *error)
{
    switch (dict->options.width) {
    case 1: return lm__dict_block8(dict, values, n, indices, done, error);
    case 2: return lm__dict_block16(dict, values, n, indices, done, error);
    case 4: return lm__dict_block32(dict, values, n, indices, done, error);
    default: return lm__dict_block64(dict, values, n, indices, done, error);
    }
}

/* Which of the first `count` bits that are set is number n, from 0. */
static size_t nth_valid(lm_bits valid, size_t count, size_t n)
{
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        if (!run.set) continue;
        if (n < run.length) return run.start + n;
        n -= run.length;
    }
    return count;
}

lm_status lm__dict_put(lm_dict *dict, const void *values, lm_bits valid, size_t count,
                       uint32_t *indices, lm_dict_progress *progress, lm_error *error)
{
    size_t width = dict->options.width;
    if (width != 4 && width != 8 && !lm__dict_widens(&dict->options)) {
        lm_strings fixed = {.kind = LM_STRINGS_FIXED, .width = (uint32_t)width, .data = values};
        return lm__dict_put_strings(dict, &fixed, valid, count, indices, progress, error);
    }
    *progress = (lm_dict_progress){0};
    const uint8_t *at = values;
    dict->seen += count;
    while (progress->consumed < count) {
        uint64_t dense[LM_DICT_BLOCK + LM_ENCODE_SLACK / 8];
        const void *block = at + progress->consumed * width;
        size_t n = count - progress->consumed, few, done;
        if (n > LM_DICT_BLOCK) n = LM_DICT_BLOCK;
        few = n;
        lm_bits here = lm__bits_skip(valid, progress->consumed);
        if (valid.bytes) {
            few = lm__compact(block, width, here, n, dense);
            block = dense;
        }
        LM_TRY(put_block(dict, block, few, indices + progress->written, &done, error));
        progress->written += done;
        progress->consumed += done == few ? n : valid.bytes ? nth_valid(here, n, done) : done;
        if (done < few) break;
    }
    return LM_OK;
}
