/* Random rows of any type, and whether two arrays say the same. */
#ifndef LM_TESTS_ARROW_RANDOM_H
#define LM_TESTS_ARROW_RANDOM_H

#include "arrow/build.h"

#include "arrow/fixture.h"

/* Every layout in one schema. */
#define EVERY_LAYOUT                                                                               \
    "n: null, b: bool, i1: int8, u2: uint16, i4: int32, i8: int64, f2: float16, f8: float64,"      \
    "d4: decimal32(9, 2), d8: decimal64(18, 1), d16: decimal128(20, 3), d32: decimal256(50, 0),"   \
    "s: utf8, ls: large_utf8, sv: utf8_view, y: binary, yv: binary_view, fb: fixed_binary[3],"     \
    "ts: timestamp[us, UTC], iv: interval_month_day_nano, l: list<utf8>, ll: large_list<int32>,"   \
    "lv: list_view<int16>, llv: large_list_view<utf8_view>, fl: fixed_list<bool>[3],"              \
    "st: struct<a: int8, b: utf8, c: struct<d: bool>>, m: map<utf8, list<int8>>,"                  \
    "di: dictionary<int16, utf8>, re: run_end_encoded<int32, utf8>, e: struct<>,"                  \
    "dl: list<dictionary<uint8, int64>>, fs: fixed_list<struct<x: utf8>>[2]"

static inline lm_status random_row(lm_builder *builder, uint64_t *seed, int nulls_of_8);

static inline lm_status random_value(lm_builder *builder, uint64_t *seed, int nulls_of_8)
{
    const lm_type *type = &builder->field->type;
    uint64_t random = check_random(seed);
    char text[40];
    switch (type->layout) {
    case LM_LAYOUT_NULL: return lm__build_null(builder);
    case LM_LAYOUT_BITS:
        LM_TRY_TEST(lm__builder_reserve(builder, 1));
        lm__build_bool(builder, random & 1);
        return LM_OK;
    case LM_LAYOUT_FIXED: {
        uint8_t bytes[64] = {0};
        LM_TRY_TEST(lm__builder_reserve(builder, 1));
        if (type->id == LM_TYPE_DICTIONARY) {
            while (builder->dictionary->length < 7)
                LM_TRY_TEST(random_value(builder->dictionary, seed, nulls_of_8));
            random %= 7;
        }
        memcpy(bytes, &random, 8);
        if (lm__type_is_decimal(type->id)) { /* few digits, both signs */
            int64_t small = (int64_t)(random % 1999) - 999;
            memset(bytes, small < 0 ? 0xff : 0, sizeof bytes);
            memcpy(bytes, &small, 8);
        }
        lm__build_fixed(builder, bytes);
        return LM_OK;
    }
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
    case LM_LAYOUT_VIEW:
        for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + check_random(seed) % 26);
        return lm__build_bytes(builder, text, random % 3 ? random % 9 : random % sizeof text);
    case LM_LAYOUT_STRUCT:
        for (int32_t i = 0; i < builder->n_children; i++)
            LM_TRY_TEST(random_row(&builder->children[i], seed, nulls_of_8));
        return lm__build_struct_end(builder);
    case LM_LAYOUT_RUN_END: {
        bool more = builder->length > 0 && random % 3;
        LM_TRY_TEST(lm__builder_reserve(&builder->children[0], 1));
        if (more) { /* the last run one longer */
            lm_builder *ends = &builder->children[0];
            ends->length--;
            ends->values.size -= (size_t)ends->field->type.byte_width;
        } else {
            LM_TRY_TEST(random_row(&builder->children[1], seed, nulls_of_8));
        }
        lm__build_int(&builder->children[0], ++builder->length);
        return LM_OK;
    }
    default: {
        int64_t items =
            type->layout == LM_LAYOUT_FIXED_LIST ? type->list_size : (int64_t)(random % 4);
        for (int64_t i = 0; i < items; i++)
            LM_TRY_TEST(random_row(&builder->children[0], seed, nulls_of_8));
        return lm__build_list_end(builder);
    }
    }
}

static inline lm_status random_row(lm_builder *builder, uint64_t *seed, int nulls_of_8)
{
    bool null = (int)(check_random(seed) % 8) < nulls_of_8 && builder->field->nullable;
    if (null || builder->field->type.id == LM_TYPE_NULL) return lm__build_null(builder);
    return random_value(builder, seed, nulls_of_8);
}

/* Whether row i of the one says what row k of the other does; fields alike in layout, though lists
 * and text may be of any kind. */
static inline bool rows_equal(const lm_array *a, int64_t i, const lm_array *b, int64_t k)
{
    while (a->field->type.layout == LM_LAYOUT_RUN_END) {
        i = lm__array_run_find(a, i, NULL);
        a = &a->children[1];
    }
    while (b->field->type.layout == LM_LAYOUT_RUN_END) {
        k = lm__array_run_find(b, k, NULL);
        b = &b->children[1];
    }
    if (a->dictionary && lm__array_valid(a, i))
        return rows_equal(a->dictionary, lm__array_index(a, i), b, k);
    if (b->dictionary && lm__array_valid(b, k))
        return rows_equal(a, i, b->dictionary, lm__array_index(b, k));
    bool valid = lm__array_valid(a, i);
    if (valid != lm__array_valid(b, k)) return false;
    if (!valid) return true;
    lm_layout layout = a->field->type.layout;
    if (layout == LM_LAYOUT_BITS)
        return lm__bit_get(a->values, a->offset + i) == lm__bit_get(b->values, b->offset + k);
    if (layout == LM_LAYOUT_STRUCT) {
        for (int32_t c = 0; c < a->n_children; c++) {
            lm_array x = lm__array_child(a, c), y = lm__array_child(b, c);
            if (!rows_equal(&x, i, &y, k)) return false;
        }
        return true;
    }
    if (a->n_children) {
        int64_t start[2], size[2];
        lm__array_list_range(a, i, &start[0], &size[0]);
        lm__array_list_range(b, k, &start[1], &size[1]);
        if (size[0] != size[1]) return false;
        for (int64_t item = 0; item < size[0]; item++)
            if (!rows_equal(&a->children[0], start[0] + item, &b->children[0], start[1] + item))
                return false;
        return true;
    }
    size_t size[2];
    const uint8_t *x = lm__array_bytes(a, i, &size[0]), *y = lm__array_bytes(b, k, &size[1]);
    return size[0] == size[1] && (size[0] == 0 || memcmp(x, y, size[0]) == 0);
}

/* A batch of random rows, by a builder of the schema's root that the caller made; sums up what
 * failed. */
static inline lm_status random_batch(lm_builder *root, lm_schema *schema, int64_t rows,
                                     uint64_t *seed, int nulls_of_8, lm_batch **batch,
                                     lm_error *error)
{
    for (int64_t row = 0; row < rows; row++)
        for (int32_t i = 0; i < root->n_children; i++)
            LM_TRY_TEST(random_row(&root->children[i], seed, nulls_of_8));
    return lm__builder_finish(root, schema, batch, error);
}

#endif
