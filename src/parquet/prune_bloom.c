/*
 * Equality and sets against a bloom filter: each value in its plain encoding is hashed, and the one
 * block that it falls into read.
 */
#include <math.h>
#include <string.h>

#include "parquet/prune.h"
#include "parquet/read_index.h"

#define BLOCK_BYTES 32

/* The filter's place in the file. */
typedef struct bloom_place {
    const lm_parquet_reader *reader;
    uint64_t at; /* of the bitset */
    uint64_t blocks;
} bloom_place;

static bool open_bloom(const lm_prune *prune, const lm_read_field *field, bloom_place *out)
{
    lm_read_bloom_place place;
    const lm_bloom_filter_header *header = &place.header;
    if (lm__read_bloom_place(prune->reader, prune->row_group, field->node, &place, NULL) != LM_OK ||
        !place.there)
        return false;
    const lm_column_metadata *metadata = lm__prune_chunk(prune, field)->meta_data;
    if (LM_HAS(metadata, LM_COLUMN_METADATA_BLOOM_FILTER_LENGTH) &&
        (uint64_t)metadata->bloom_filter_length != place.size)
        return false; /* one of the two lengths is wrong, and with it the block of a value */
    if (header->algorithm != 1 || header->hash != 1 || header->compression != 1 ||
        header->num_bytes <= 0 || header->num_bytes % BLOCK_BYTES != 0 ||
        (size_t)header->num_bytes > place.size)
        return false;
    uint64_t at = place.offset + place.size - (size_t)header->num_bytes;
    *out = (bloom_place){prune->reader, at, (uint64_t)header->num_bytes / BLOCK_BYTES};
    return true;
}

static bool may_have(const bloom_place *place, const void *value, size_t size)
{
    uint32_t words[BLOCK_BYTES / 4];
    uint64_t hash = lm__xxh64(value, size);
    uint64_t block = (hash >> 32) * place->blocks >> 32;
    if (lm_source_read(place->reader->source, place->at + block * BLOCK_BYTES, words, sizeof words,
                       NULL) != LM_OK)
        return true;
    const lm_bloom one = {NULL, words, 1};
    return lm__bloom_has_scalar(&one, hash);
}

/* An integral value as the file stores it; false where that is not known for sure. *none is set
 * where the file cannot store it at all. */
static bool stored_integer(const lm_read_spec *spec, lm_i256 value, uint8_t out[32], size_t *size,
                           bool *none)
{
    uint8_t little[32];
    *size = spec->width;
    if (*size == 0 || *size > 32) return false;
    lm__i256_store(value, little, 32);
    uint8_t sign = lm__i256_negative(value) ? 0xff : 0;
    for (size_t i = *size; i < 32; i++) *none |= little[i] != sign;
    *none |= ((little[*size - 1] ^ sign) & 0x80) != 0;
    for (size_t i = 0; i < *size; i++)
        out[i] = spec->convert == LM_CONVERT_BIG_ENDIAN ? little[*size - 1 - i] : little[i];
    return true;
}

static bool float_may(const bloom_place *place, const lm_read_field *field, double value)
{
    float single = (float)value;
    bool is_double = field->node->physical == LM_PARQUET_DOUBLE;
    if (value == 0) { /* both zeros are the filter's 0 */
        double zero = 0, minus = -0.0;
        float zero_single = 0, minus_single = -0.0f;
        if (is_double) return may_have(place, &zero, 8) || may_have(place, &minus, 8);
        return may_have(place, &zero_single, 4) || may_have(place, &minus_single, 4);
    }
    return is_double ? may_have(place, &value, 8) : may_have(place, &single, 4);
}

static bool integer_may(const bloom_place *place, const lm_test_column *column,
                        const lm_read_field *field, uint64_t raw, lm_i256 wide)
{
    const lm_read_spec *spec = &field->spec;
    uint8_t bytes[32];
    size_t size;
    bool none = false;
    if (spec->convert == LM_CONVERT_NONE && column->class == LM_CLASS_INT)
        return may_have(place, &raw, spec->width);
    if (spec->convert != LM_CONVERT_EXTEND && spec->convert != LM_CONVERT_BIG_ENDIAN) return true;
    if (column->class == LM_CLASS_INT) wide = lm__i256_from_i64((int64_t)raw);
    if (!stored_integer(spec, wide, bytes, &size, &none)) return true;
    return !none && may_have(place, bytes, size);
}

bool lm__prune_by_bloom(const lm_prune *prune, const lm_test *test, const lm_read_field *field)
{
    const lm_test_column *column = &test->column;
    const lm_range *range = &test->range;
    const lm_set *set = &test->set;
    bool is_set = test->kind == LM_TEST_SET;
    bloom_place place;
    if (test->negated || (!is_set && test->kind != LM_TEST_RANGE)) return true;
    if ((is_set ? set->nan : column->class == LM_CLASS_FLOAT && range->nan)) return true;
    size_t count = is_set ? set->count : 1;
    switch (column->class) {
    case LM_CLASS_INT:
        if (!is_set && range->low != range->high) return true;
        if (!open_bloom(prune, field, &place)) return true;
        for (size_t i = 0; i < count; i++)
            if (integer_may(&place, column, field, is_set ? set->ints[i] : range->low,
                            (lm_i256){{0}}))
                return true;
        return false;
    case LM_CLASS_WIDE:
        if (!is_set && lm__i256_compare(range->low_wide, range->high_wide) != 0) return true;
        if (!open_bloom(prune, field, &place)) return true;
        for (size_t i = 0; i < count; i++)
            if (integer_may(&place, column, field, 0, is_set ? set->wides[i] : range->low_wide))
                return true;
        return false;
    case LM_CLASS_FLOAT:
        if (field->node->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY) return true; /* halves */
        if (!is_set && !(range->low_float == range->high_float)) return true;
        if (!open_bloom(prune, field, &place)) return true;
        for (size_t i = 0; i < count; i++)
            if (float_may(&place, field, is_set ? set->floats[i] : range->low_float)) return true;
        return false;
    case LM_CLASS_BYTES:
        if (!is_set && (!range->low_bytes.data || range->low_bytes.data != range->high_bytes.data))
            return true;
        if (field->spec.convert != LM_CONVERT_NONE || !open_bloom(prune, field, &place))
            return true;
        for (size_t i = 0; i < count; i++) {
            const lm_value *value = is_set ? &set->bytes[i] : &range->low_bytes;
            if (may_have(&place, value->data, value->size)) return true;
        }
        return false;
    default: return true;
    }
}
