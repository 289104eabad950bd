/*
 * Whether a chunk gets a dictionary, and its building.
 *
 * Left to itself the writer looks at a sample first, stops when most of what it has seen was new,
 * and at the end keeps the dictionary only where it and the indices are smaller than the values.
 * Asked for by name (RLE_DICTIONARY) it is kept as far as it goes: what comes after it is full is
 * PLAIN.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "encode/plain.h"
#include "parquet/chunk.h"
#include "parquet/values.h"

/* Fewer values than this are no sample. */
#define SAMPLE_VALUES_MIN 16384
/* A dictionary that takes more than this share of the plain bytes is compared after the codec. */
#define CODEC_SHARE 0.25
#define CODEC_SAMPLE_BYTES 65536
/* It must then win clearly: it costs more time than plain values. */
#define CODEC_MARGIN 0.9
/* After so many values with this share of new ones a dictionary will not pay. */
#define DOUBT_VALUES 65536
#define DOUBT_SHARE 0.75

static lm_dict_options dictionary_options(const lm_chunk *chunk)
{
    const lm_leaf *leaf = chunk->leaf;
    return (lm_dict_options){
        .allocator = chunk->options->allocator,
        .width = leaf->store == LM_STORE_STRINGS ? 0 : lm__leaf_memory_width(leaf),
        .is_unsigned = !leaf->is_signed,
        .is_bytes = leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY,
        .bytes_max = chunk->options->dictionary_bytes_max,
    };
}

static lm_status indices_room(lm_scratch *scratch, size_t count, lm_error *error)
{
    size_t needed = count + LM_ENCODE_SLACK;
    if (needed <= scratch->index_capacity) return LM_OK;
    lm__free_aligned(scratch->allocator, scratch->indices);
    scratch->indices = NULL;
    if (needed <= SIZE_MAX / 8)
        scratch->indices = lm__alloc_large(scratch->allocator, needed * sizeof *scratch->indices);
    scratch->index_capacity = scratch->indices ? needed : 0;
    return scratch->indices ? LM_OK : lm__error_memory(error, "building a dictionary");
}

static const lm_piece *largest_piece(const lm_shredded *shredded, size_t *index)
{
    *index = 0;
    for (size_t i = 1; i < shredded->piece_count; i++)
        if (shredded->pieces[i].count > shredded->pieces[*index].count) *index = i;
    return &shredded->pieces[*index];
}

/* What the codec makes of plain values, from a stretch in the middle of the largest piece. */
static lm_status codec_ratio(const lm_chunk *chunk, size_t piece, double value_bytes,
                             lm_scratch *scratch, double *ratio, lm_error *error)
{
    const lm_leaf *leaf = chunk->leaf;
    size_t count = chunk->shredded.pieces[piece].count, written;
    size_t slots = (size_t)(CODEC_SAMPLE_BYTES / (value_bytes + 1)) + 1;
    if (slots > count / 2) slots = count / 2;
    lm_cursor cursor = {.piece = piece, .slot = count / 2};
    *ratio = 1;
    lm__buffer_clear(&scratch->page);
    LM_TRY(lm__page_values(chunk, &cursor, slots, LM_PARQUET_PLAIN, scratch, error));
    size_t plain = scratch->page.size, bound = lm__codec_bound(leaf->codec, plain);
    if (plain == 0) return LM_OK;
    lm__buffer_clear(&scratch->dense);
    if (lm__buffer_reserve(&scratch->dense, bound) != LM_OK)
        return lm__error_memory(error, "compressing a sample");
    LM_TRY(lm__codec_compress(scratch->codec, leaf->codec, leaf->level, scratch->page.data, plain,
                              scratch->dense.data, bound, &written, error));
    *ratio = (double)written / (double)plain;
    return LM_OK;
}

/* Many small pieces, as when rows are scattered over files: values of some of them, piece by piece,
 * so that neighbours stay together; without nulls. */
static lm_status gather_sample(const lm_chunk *chunk, lm_scratch *scratch, size_t *count,
                               lm_error *error)
{
    const lm_shredded *shredded = &chunk->shredded;
    size_t width = lm__leaf_memory_width(chunk->leaf), pieces = shredded->piece_count;
    size_t step = shredded->slots / SAMPLE_VALUES_MIN; /* 1 or more */
    lm_buffer *out = &scratch->dense;
    lm__buffer_clear(out);
    for (size_t i = 0; i < pieces && out->size < SAMPLE_VALUES_MIN * width; i += step) {
        const lm_piece *piece = &shredded->pieces[i];
        const uint8_t *values = piece->fixed;
        lm_status status = LM_OK;
        if (!piece->nulls && piece->count)
            status = lm__buffer_append(out, values, piece->count * width);
        for (size_t k = 0; piece->nulls && k < piece->count && status == LM_OK; k++)
            if (lm__bits_get(piece->valid, k))
                status = lm__buffer_append(out, values + k * width, width);
        if (status != LM_OK) return lm__error_memory(error, "taking a sample");
    }
    *count = out->size / width;
    return LM_OK;
}

/* True unless a sample says that it will not pay. */
static lm_status sample_says(const lm_chunk *chunk, lm_scratch *scratch, bool *pays,
                             lm_error *error)
{
    const lm_shredded *shredded = &chunk->shredded;
    size_t index;
    const lm_piece *largest = largest_piece(shredded, &index);
    bool is_string = chunk->leaf->store == LM_STORE_STRINGS;
    bool is_small = largest->count < SAMPLE_VALUES_MIN;
    *pays = true;
    if (is_small && (is_string || shredded->slots < SAMPLE_VALUES_MIN)) return LM_OK;
    lm_dict_options options = dictionary_options(chunk);
    lm_dict_estimate estimate;
    double values = (double)(shredded->slots - shredded->nulls), ratio;
    const void *fixed = largest->fixed;
    lm_bits valid = largest->valid;
    size_t count = largest->count;
    if (is_small) {
        LM_TRY(gather_sample(chunk, scratch, &count, error));
        fixed = scratch->dense.data;
        valid = LM_BITS_ALL;
    }
    if (count < SAMPLE_VALUES_MIN / 4) return LM_OK;
    LM_TRY(lm__dict_estimate(&options, is_string ? NULL : fixed,
                             is_string ? &largest->strings : NULL, valid, count,
                             shredded->slots - shredded->nulls, &estimate, error));
    *pays = estimate.pays;
    if (!*pays || chunk->leaf->codec == LM_CODEC_UNCOMPRESSED ||
        estimate.bytes_dict < CODEC_SHARE * estimate.bytes_plain)
        return LM_OK;
    /* Values shrink alike in the dictionary and outside it; indices do not shrink. */
    LM_TRY(codec_ratio(chunk, index, estimate.bytes_plain / values, scratch, &ratio, error));
    double distinct = estimate.distinct_total * estimate.bytes_plain / values;
    double coded = distinct * ratio + (estimate.bytes_dict - distinct);
    *pays = coded < CODEC_MARGIN * ratio * estimate.bytes_plain;
    return LM_OK;
}

/* What the values take without a dictionary. */
static size_t plain_bytes(const lm_chunk *chunk, size_t values)
{
    if (chunk->leaf->width) return values * chunk->leaf->width;
    size_t bytes = 4 * values;
    for (size_t i = 0; i < chunk->shredded.piece_count; i++) {
        const lm_piece *piece = &chunk->shredded.pieces[i];
        bytes += lm__strings_bytes(&piece->strings, piece->valid, piece->count);
    }
    return bytes;
}

static lm_status put_pieces(lm_chunk *chunk, lm_scratch *scratch, bool forced, bool *full,
                            lm_error *error)
{
    size_t written = 0;
    *full = false;
    for (size_t i = 0; i < chunk->shredded.piece_count && !*full; i++) {
        const lm_piece *piece = &chunk->shredded.pieces[i];
        lm_bits valid = piece->nulls ? piece->valid : LM_BITS_ALL;
        size_t from = 0;
        while (from < piece->count && !*full) {
            /* In steps, so that a doubt can end it early. */
            size_t some = piece->count - from;
            if (!forced && written < DOUBT_VALUES && some > DOUBT_VALUES) some = DOUBT_VALUES;
            lm_dict_progress progress = {0};
            lm_bits bits = lm__bits_skip(valid, from);
            uint32_t *out = scratch->indices + written;
            if (chunk->leaf->store == LM_STORE_STRINGS) {
                lm_strings strings = lm__strings_skip(piece->strings, from);
                LM_TRY(
                    lm__dict_put_strings(chunk->dict, &strings, bits, some, out, &progress, error));
            } else {
                size_t width = lm__leaf_memory_width(chunk->leaf);
                LM_TRY(lm__dict_put(chunk->dict, (const uint8_t *)piece->fixed + from * width, bits,
                                    some, out, &progress, error));
            }
            written += progress.written;
            from += progress.consumed;
            *full = progress.consumed < some;
            if (!forced && written >= DOUBT_VALUES && written < 2 * DOUBT_VALUES &&
                (double)lm__dict_count(chunk->dict) > DOUBT_SHARE * (double)written)
                *full = true;
        }
    }
    chunk->dictionary_values = written;
    return LM_OK;
}

static lm_status build_from_values(lm_chunk *chunk, lm_scratch *scratch, bool forced,
                                   lm_error *error)
{
    bool pays = true, full;
    if (!forced) LM_TRY(sample_says(chunk, scratch, &pays, error));
    if (!pays) return LM_OK;
    LM_TRY(put_pieces(chunk, scratch, forced, &full, error));
    if (forced) return LM_OK;
    size_t values = chunk->shredded.slots - chunk->shredded.nulls, size;
    lm__dict_bytes(chunk->dict, &size);
    size_t coded = size + values * lm__dict_index_width(chunk->dict) / 8;
    if (full || coded >= plain_bytes(chunk, values)) chunk->dictionary_values = 0;
    return LM_OK;
}

/* Arrow's own dictionary: its values are hashed once, its indices only translated. */
typedef struct translation {
    const lm_array *from; /* the dictionary that `to` is for */
    uint32_t *to;
} translation;

static lm_status translate_dictionary(lm_chunk *chunk, const lm_array *dictionary,
                                      translation *made, bool *full, lm_error *error)
{
    lm_piece values;
    lm_arena *arena = &chunk->arena;
    LM_TRY(lm__values_piece(chunk->leaf, dictionary, arena, &values, error));
    lm_bits valid = values.nulls ? values.valid : LM_BITS_ALL;
    uint32_t *dense = lm__arena_array(arena, values.count + LM_ENCODE_SLACK, sizeof *dense);
    uint32_t *to = lm__arena_array(arena, values.count + LM_ENCODE_SLACK, sizeof *to);
    if (!dense || !to) return lm__error_memory(error, "translating a dictionary");
    lm_dict_progress progress = {0};
    if (chunk->leaf->store == LM_STORE_STRINGS)
        LM_TRY(lm__dict_put_strings(chunk->dict, &values.strings, valid, values.count, dense,
                                    &progress, error));
    else
        LM_TRY(
            lm__dict_put(chunk->dict, values.fixed, valid, values.count, dense, &progress, error));
    *full = progress.consumed < values.count;
    if (!*full) lm__expand(dense, sizeof *dense, valid, values.count, to);
    *made = (translation){dictionary, to};
    return LM_OK;
}

#define TRANSLATE(type)                                                                            \
    do {                                                                                           \
        const type *indices = (const type *)lm__array_fixed(&piece->array);                        \
        for (size_t i = 0; i < piece->count; i++)                                                  \
            if (lm__bits_get(piece->valid, i)) *out++ = to[indices[i]];                            \
    } while (0)

static uint32_t *translate_indices(const lm_piece *piece, const uint32_t *to, uint32_t *out)
{
    switch (piece->array.field->type.index_id) {
    case LM_TYPE_INT8:
    case LM_TYPE_UINT8: TRANSLATE(uint8_t); break;
    case LM_TYPE_INT16:
    case LM_TYPE_UINT16: TRANSLATE(uint16_t); break;
    case LM_TYPE_INT32:
    case LM_TYPE_UINT32: TRANSLATE(uint32_t); break;
    default: TRANSLATE(uint64_t); break;
    }
    return out;
}

static bool dictionary_too_large(const lm_chunk *chunk)
{
    const lm_shredded *shredded = &chunk->shredded;
    for (size_t i = 0; i < shredded->piece_count; i++) {
        size_t count = (size_t)shredded->pieces[i].array.dictionary->length;
        if (count > 1024 && count > shredded->slots) return true;
    }
    return false;
}

static lm_status build_from_dictionary(lm_chunk *chunk, lm_scratch *scratch, bool *done,
                                       lm_error *error)
{
    *done = false;
    if (dictionary_too_large(chunk)) return LM_OK;
    translation current = {0};
    uint32_t *out = scratch->indices;
    for (size_t i = 0; i < chunk->shredded.piece_count; i++) {
        const lm_piece *piece = &chunk->shredded.pieces[i];
        if (piece->array.dictionary != current.from) {
            bool full = false;
            LM_TRY(translate_dictionary(chunk, piece->array.dictionary, &current, &full, error));
            if (full) return LM_OK;
        }
        out = translate_indices(piece, current.to, out);
    }
    chunk->dictionary_values = (size_t)(out - scratch->indices);
    *done = true;
    return LM_OK;
}

lm_status lm__chunk_build_dictionary(lm_chunk *chunk, lm_scratch *scratch, lm_error *error)
{
    const lm_leaf *leaf = chunk->leaf;
    lm_shredded *shredded = &chunk->shredded;
    bool is_dictionary = leaf->field->type.id == LM_TYPE_DICTIONARY;
    bool forced = leaf->encoding == LM_ENCODING_RLE_DICTIONARY;
    bool wanted = forced || (leaf->encoding == LM_ENCODING_AUTO && leaf->dictionary);
    size_t values = shredded->slots - shredded->nulls;
    wanted = wanted && values > 0 && leaf->physical != LM_PARQUET_BOOLEAN;
    if (wanted) {
        lm_dict_options options = dictionary_options(chunk);
        LM_TRY(indices_room(scratch, values, error));
        LM_TRY(lm__dict_new(&options, &chunk->dict, error));
    }
    /* Converted values (dates of milliseconds, decimals) are hashed as Parquet will have them. */
    if (is_dictionary) {
        bool done = false;
        if (wanted && leaf->store != LM_STORE_CONVERT)
            LM_TRY(build_from_dictionary(chunk, scratch, &done, error));
        if (!done && wanted) lm__dict_reset(chunk->dict);
        LM_TRY(lm__values_decode(leaf, shredded, error));
        if (done) goto built;
    } else {
        LM_TRY(lm__values_prepare(leaf, shredded, error));
    }
    if (wanted) LM_TRY(build_from_values(chunk, scratch, forced, error));
built:
    if (chunk->dictionary_values) {
        chunk->index_width = lm__dict_index_width(chunk->dict);
        chunk->distinct = chunk->dictionary_values == values && !is_dictionary
                              ? (int64_t)lm__dict_count(chunk->dict)
                              : -1;
    }
    return LM_OK;
}
