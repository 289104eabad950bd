/* The dictionary builder's frame: options, nulls, and the way to the part that knows the width. */
#include "encode/dict.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "encode/dict_table.h"
#include "encode/plain.h"

/* Nullable values are moved together in pieces of this many. */
#define PIECE 1024

lm_status lm__dict_memory(lm_error *error)
{
    return lm__error_memory(error, "building a dictionary");
}

lm_status lm__dict_new(const lm_dict_options *options, lm_dict **out, lm_error *error)
{
    lm_dict *dict = lm__alloc_zero(options->allocator, sizeof *dict);
    if (!dict) return lm__dict_memory(error);
    dict->options = *options;
    if (!dict->options.bytes_max) dict->options.bytes_max = LM_DICT_BYTES_MAX;
    dict->value_width = lm__dict_widens(options) ? 4 : options->width;
    lm__buffer_init(&dict->bytes, options->allocator, 0);
    *out = dict;
    return LM_OK;
}

void lm__dict_free(lm_dict *dict)
{
    if (!dict) return;
    const lm_allocator *allocator = dict->options.allocator;
    lm__buffer_deinit(&dict->bytes);
    lm__free(allocator, dict->slots);
    lm__free(allocator, dict->string_slots);
    lm__free(allocator, dict->offsets);
    lm__free(allocator, dict->direct);
    lm__free(allocator, dict);
}

void lm__dict_reset(lm_dict *dict)
{
    dict->count = 0;
    lm__buffer_clear(&dict->bytes);
    if (dict->slots) memset(dict->slots, 0xff, dict->slot_count * sizeof *dict->slots);
    if (dict->string_slots)
        memset(dict->string_slots, 0xff, dict->slot_count * sizeof *dict->string_slots);
    if (dict->direct) memset(dict->direct, 0xff, dict->direct_count * sizeof *dict->direct);
    dict->direct_over = false;
}

size_t lm__dict_count(const lm_dict *dict) { return dict->count; }

const uint8_t *lm__dict_bytes(const lm_dict *dict, size_t *size)
{
    *size = dict->bytes.size;
    return dict->bytes.data;
}

unsigned lm__dict_index_width(const lm_dict *dict)
{
    return dict->count > 1 ? 32 - (unsigned)__builtin_clz(dict->count - 1) : 0;
}

/* FIXED_LEN_BYTE_ARRAY of any width is told apart as strings are. */
static lm_status put_wide(lm_dict *dict, const void *values, lm_bits valid, size_t count,
                          uint32_t *indices, lm_dict_progress *progress, lm_error *error)
{
    lm_strings strings = {
        .kind = LM_STRINGS_FIXED, .width = (uint32_t)dict->options.width, .data = values};
    return lm__dict_put_strings(dict, &strings, valid, count, indices, progress, error);
}

static lm_status put_dense(lm_dict *dict, const void *values, size_t count, uint32_t *indices,
                           size_t *consumed, lm_error *error)
{
    if (dict->options.width == 8)
        return lm__dict_put_8(dict, values, count, indices, consumed, error);
    if (dict->options.width == 4)
        return lm__dict_put_4(dict, values, count, indices, consumed, error);
    return lm__dict_put_small(dict, values, count, indices, consumed, error);
}

/* Where the set bit number `rank` (from 0) is. */
static size_t find_rank(lm_bits bits, size_t rank)
{
    size_t at = 0;
    for (;; at++)
        if (lm__bits_get(bits, at) && rank-- == 0) return at;
}

lm_status lm__dict_put(lm_dict *dict, const void *values, lm_bits valid, size_t count,
                       uint32_t *indices, lm_dict_progress *progress, lm_error *error)
{
    size_t width = dict->options.width;
    *progress = (lm_dict_progress){0};
    if (width != 4 && width != 8 && !lm__dict_widens(&dict->options))
        return put_wide(dict, values, valid, count, indices, progress, error);
    if (!valid.bytes) {
        lm_status status = put_dense(dict, values, count, indices, &progress->consumed, error);
        progress->written = progress->consumed;
        return status;
    }
    _Alignas(8) uint8_t together[PIECE * 8 + LM_ENCODE_SLACK];
    for (size_t from = 0; from < count; from += PIECE) {
        size_t some = count - from < PIECE ? count - from : PIECE, consumed;
        lm_bits bits = lm__bits_skip(valid, from);
        size_t dense =
            lm__compact((const uint8_t *)values + from * width, width, bits, some, together);
        lm_status status =
            put_dense(dict, together, dense, indices + progress->written, &consumed, error);
        progress->written += consumed;
        progress->consumed = from + (consumed == dense ? some : find_rank(bits, consumed));
        if (status != LM_OK || consumed < dense) return status;
    }
    return LM_OK;
}
