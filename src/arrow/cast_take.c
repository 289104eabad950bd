/*
 * Rows picked by their numbers, and what is made of that: dictionaries and run ends to values. And
 * the other way: values to a dictionary of them.
 */
#include "arrow/cast_plan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

/* Picking. */

#define PICK(type)                                                                                 \
    do {                                                                                           \
        const type *from = (const type *)values->values + values->offset;                          \
        type *to = memory;                                                                         \
        for (int64_t i = 0; i < count; i++) to[i] = from[indices[i] < 0 ? 0 : indices[i]];         \
    } while (0)

/* Fixed widths; where nothing is to be picked (index -1) anything is. */
static lm_status pick_fixed(cast_run *run, const lm_array *values, const int64_t *indices,
                            int64_t count, lm_array *out)
{
    size_t width = (size_t)values->field->type.byte_width;
    void *memory = lm__cast_alloc(run, (size_t)count, width);
    if (!memory) return lm__cast_memory(run);
    out->values = memory;
    if (values->length == 0) {
        memset(memory, 0, (size_t)count * width);
        return LM_OK;
    }
    switch (width) {
    case 1: PICK(uint8_t); return LM_OK;
    case 2: PICK(uint16_t); return LM_OK;
    case 4: PICK(uint32_t); return LM_OK;
    case 8: PICK(uint64_t); return LM_OK;
    default: break;
    }
    const uint8_t *from = lm__array_fixed(values);
    uint8_t *to = memory;
    for (int64_t i = 0; i < count; i++, to += width)
        if (width) memcpy(to, from + (size_t)(indices[i] < 0 ? 0 : indices[i]) * width, width);
    return LM_OK;
}

/* Which rows are not null: those with an index to a value that is not. */
static lm_status pick_validity(cast_run *run, const lm_array *values, const int64_t *indices,
                               int64_t count, lm_array *out)
{
    int64_t least = 0;
    for (int64_t i = 0; i < count; i++) least = indices[i] < least ? indices[i] : least;
    if (least == 0 && lm__array_null_count(values) == 0) return LM_OK;
    uint8_t *bits = lm__cast_alloc(run, (size_t)count / 8 + 1, 1);
    if (!bits) return lm__cast_memory(run);
    memset(bits, 0, (size_t)count / 8 + 1);
    out->null_count = 0;
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] >= 0 && lm__array_valid(values, indices[i]))
            lm__bit_set(bits, i);
        else
            out->null_count++;
    }
    out->validity = out->null_count ? bits : NULL;
    return LM_OK;
}

/* Text and binary: the sizes first, then the bytes, short ones in one move of 16 where the source
 * goes on for that long. */
static lm_status pick_bytes(cast_run *run, const cast_plan *plan, const lm_array *values,
                            const int64_t *indices, int64_t count, lm_array *out)
{
    bool large = values->field->type.layout == LM_LAYOUT_LARGE_BINARY;
    int64_t *offsets = lm__cast_alloc(run, (size_t)count + 1, sizeof *offsets), first, last;
    if (!offsets) return lm__cast_memory(run);
    const uint8_t **starts = lm__alloc_array(run->batch->allocator, (size_t)count, sizeof *starts);
    if (!starts) return lm__cast_memory(run);
    size_t size;
    offsets[0] = 0;
    for (int64_t i = 0; i < count; i++) {
        bool valid = indices[i] >= 0 && lm__array_valid(values, indices[i]);
        starts[i] = valid ? lm__array_bytes(values, indices[i], &size) : NULL;
        offsets[i + 1] = offsets[i] + (valid ? (int64_t)size : 0);
        if (!large && offsets[i + 1] > INT32_MAX) {
            lm__free(run->batch->allocator, starts);
            return lm__cast_built(run, plan, LM_LIMIT);
        }
    }
    uint8_t *bytes = lm__cast_alloc(run, (size_t)offsets[count] + 16, 1);
    lm__array_span(values, &first, &last);
    const uint8_t *end = (const uint8_t *)values->values + last;
    for (int64_t i = 0; bytes && i < count; i++) {
        size = (size_t)(offsets[i + 1] - offsets[i]);
        if (size == 0) continue;
        if (size <= 16 && end - starts[i] >= 16)
            memcpy(bytes + offsets[i], starts[i], 16);
        else
            memcpy(bytes + offsets[i], starts[i], size);
    }
    lm__free(run->batch->allocator, starts);
    if (!bytes) return lm__cast_memory(run);
    out->values = bytes;
    out->offsets = offsets;
    if (large) return LM_OK;
    for (int64_t i = 0; i <= count; i++) { /* in place: each lands before what is read next */
        int32_t narrow = (int32_t)offsets[i];
        memcpy((uint8_t *)offsets + 4 * i, &narrow, 4);
    }
    return LM_OK;
}

/* Views are picked like numbers: their bytes stay where they are. */
static lm_status pick_views(cast_run *run, const lm_array *values, const int64_t *indices,
                            int64_t count, lm_array *out)
{
    lm_view *to = lm__cast_alloc(run, (size_t)count, sizeof *to);
    if (!to) return lm__cast_memory(run);
    const lm_view *from = (const lm_view *)values->values + values->offset;
    for (int64_t i = 0; i < count; i++) {
        bool valid = indices[i] >= 0 && lm__array_valid(values, indices[i]);
        to[i] = valid ? from[indices[i]] : (lm_view){0};
    }
    out->values = to;
    out->variadic = values->variadic;
    out->variadic_sizes = values->variadic_sizes;
    out->n_variadic = values->n_variadic;
    return LM_OK;
}

/* All other layouts, through a builder. */
static lm_status pick_built(cast_run *run, const cast_plan *plan, const lm_array *values,
                            const int64_t *indices, int64_t count, lm_array *out)
{
    lm_builder builder;
    LM_TRY(lm__builder_init(&builder, run->batch->allocator, values->field, run->error));
    lm_status status = lm__builder_reserve(&builder, count);
    for (int64_t i = 0; status == LM_OK && i < count; i++)
        status = indices[i] < 0 ? lm__build_null(&builder)
                                : lm__build_rows(&builder, values, indices[i], 1);
    status = lm__cast_built(run, plan, status);
    if (status == LM_OK) status = lm__builder_take(&builder, run->batch, out, run->error);
    lm__builder_deinit(&builder);
    return status;
}

lm_status lm__cast_take(cast_run *run, const cast_plan *plan, const lm_array *values,
                        const int64_t *indices, int64_t count, lm_array *out)
{
    *out = (lm_array){.field = values->field, .length = count};
    lm_layout layout = values->field->type.layout;
    bool fixed = layout == LM_LAYOUT_FIXED && !values->dictionary;
    bool binary = layout == LM_LAYOUT_BINARY || layout == LM_LAYOUT_LARGE_BINARY;
    if (!fixed && !binary && layout != LM_LAYOUT_VIEW)
        return pick_built(run, plan, values, indices, count, out);
    LM_TRY(pick_validity(run, values, indices, count, out));
    if (fixed) return pick_fixed(run, values, indices, count, out);
    if (binary) return pick_bytes(run, plan, values, indices, count, out);
    return pick_views(run, values, indices, count, out);
}

/* Decoding: each row's place in the values, then those, then what they are to become. */
lm_status lm__cast_decode(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    size_t count = (size_t)in->length;
    int64_t *indices = lm__alloc_array(run->batch->allocator, count, sizeof *indices);
    if (!indices) return lm__cast_memory(run);
    const lm_array *values = in->dictionary ? in->dictionary : &in->children[1];
    if (in->dictionary) {
        for (int64_t row = 0; row < in->length; row++)
            indices[row] = lm__array_valid(in, row) ? lm__array_index(in, row) : -1;
    } else {
        for (int64_t row = 0, end; row < in->length;) {
            int64_t run_number = lm__array_run_find(in, row, &end);
            while (row < end) indices[row++] = run_number;
        }
    }
    lm_array decoded;
    lm_status status = lm__cast_take(run, plan, values, indices, in->length, &decoded);
    lm__free(run->batch->allocator, indices);
    if (status != LM_OK) return status;
    return plan->inner->step(run, plan->inner, &decoded, out);
}

/* Encoding: values are numbered as they come, in a table with open addressing. */

typedef struct numbering {
    const lm_allocator *allocator;
    int64_t *slots; /* the number of a value, or -1 */
    uint64_t *hashes;
    size_t mask;
    int64_t *first; /* the row that had the value first, by number */
    int64_t count;
} numbering;

static uint64_t hash_bytes(const uint8_t *bytes, size_t size)
{
    uint64_t hash = size * 0x9e3779b97f4a7c15u + 0x6a09e667f3bcc909u, word;
    for (; size >= 8; size -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    word = 0;
    if (size) memcpy(&word, bytes, size);
    hash = (hash ^ word) * 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 29;
}

static void numbering_free(numbering *n)
{
    lm__free(n->allocator, n->slots);
    lm__free(n->allocator, n->hashes);
    lm__free(n->allocator, n->first);
}

static bool numbering_grow(numbering *n)
{
    size_t slots = n->slots ? 2 * (n->mask + 1) : 64;
    int64_t *more = lm__alloc_array(n->allocator, slots, sizeof *more);
    if (!more) return false;
    lm__free(n->allocator, n->slots);
    n->slots = more;
    n->mask = slots - 1;
    uint64_t *hashes = lm__realloc_array(n->allocator, n->hashes, slots / 2, sizeof *hashes);
    if (hashes) n->hashes = hashes;
    int64_t *first = lm__realloc_array(n->allocator, n->first, slots / 2, sizeof *first);
    if (first) n->first = first;
    if (!hashes || !first) return false;
    for (size_t i = 0; i < slots; i++) more[i] = -1;
    for (int64_t number = 0; number < n->count; number++) {
        size_t slot = (size_t)n->hashes[number] & n->mask;
        while (more[slot] >= 0) slot = (slot + 1) & n->mask;
        more[slot] = number;
    }
    return true;
}

/* A value's bytes; a boolean's is one byte. */
static const uint8_t *value_bytes(const lm_array *in, int64_t row, size_t *size, uint8_t *scratch)
{
    if (in->field->type.layout != LM_LAYOUT_BITS) return lm__array_bytes(in, row, size);
    *scratch = lm__bit_get(in->values, in->offset + row);
    *size = 1;
    return scratch;
}

/* The number of the row's value, or -1 without memory. */
static int64_t number_of(numbering *n, const lm_array *in, int64_t row)
{
    if (!n->slots || (size_t)n->count >= (n->mask + 1) / 2)
        if (!numbering_grow(n)) return -1;
    uint8_t scratch[2];
    size_t size, other_size;
    const uint8_t *bytes = value_bytes(in, row, &size, &scratch[0]);
    uint64_t hash = hash_bytes(bytes, size);
    size_t slot = (size_t)hash & n->mask;
    for (; n->slots[slot] >= 0; slot = (slot + 1) & n->mask) {
        int64_t number = n->slots[slot];
        if (n->hashes[number] != hash) continue;
        const uint8_t *other = value_bytes(in, n->first[number], &other_size, &scratch[1]);
        if (size == other_size && (size == 0 || memcmp(bytes, other, size) == 0)) return number;
    }
    n->slots[slot] = n->count;
    n->hashes[n->count] = hash;
    n->first[n->count] = row;
    return n->count++;
}

static lm_status encode_rows(cast_run *run, const cast_plan *plan, const lm_array *in, numbering *n,
                             lm_array *out)
{
    const lm_type *type = &plan->to->type;
    size_t width = (size_t)type->byte_width;
    int64_t most = lm__type_greatest(type->index_id);
    uint8_t *indices = lm__cast_alloc(run, (size_t)in->length, width);
    lm_array *dictionary = lm__arena_alloc(&run->batch->arena, sizeof *dictionary);
    if (!indices || !dictionary) return lm__cast_memory(run);
    for (int64_t row = 0; row < in->length; row++) {
        int64_t number = lm__array_valid(in, row) ? number_of(n, in, row) : 0;
        if (number < 0) return lm__cast_memory(run);
        if (number > most)
            return lm__path_error(run->error, LM_DATA, &plan->path,
                                  "more than %lld different values in one batch, too many for an "
                                  "index of %s",
                                  (long long)most + 1, lm__type_name(type->index_id));
        memcpy(indices + (size_t)row * width, &number, width);
    }
    LM_TRY(lm__cast_take(run, plan, in, n->first, n->count, dictionary));
    dictionary->field = plan->to->dictionary;
    out->values = indices;
    out->dictionary = dictionary;
    return LM_OK;
}

lm_status lm__cast_encode(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    lm_array values = {.field = plan->to->dictionary};
    LM_TRY(plan->inner->step(run, plan->inner, in, &values));
    LM_TRY(lm__cast_validity(run, &values, out));
    numbering n = {.allocator = run->batch->allocator};
    lm_status status = encode_rows(run, plan, &values, &n, out);
    numbering_free(&n);
    return status;
}
