/*
 * Tables made of bytes. The first bytes choose the schema and the ways of the values; the values
 * come from a generator that the bytes seed, so that few bytes make a large table and each of them
 * counts. Two texts are made of a schema: as it is, and with run ends decoded, as Parquet keeps it.
 */
#ifndef LM_FUZZ_TABLE_H
#define LM_FUZZ_TABLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/build.h"
#include "base/alloc.h"
#include "base/buffer.h"

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) == LM_OK) break;                                                                \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #call);                                 \
        abort();                                                                                   \
    } while (0)
/* With what `error` says. */
#define MUST_TELL(call, error)                                                                     \
    do {                                                                                           \
        if ((call) == LM_OK) break;                                                                \
        fprintf(stderr, "%s\n", (error)->message);                                                 \
        abort();                                                                                   \
    } while (0)

typedef struct fuzz_input {
    const uint8_t *at, *end;
    uint64_t state; /* of the generator */
} fuzz_input;

/* After the end zeros: what comes then is plain. */
static inline uint8_t fuzz_byte(fuzz_input *in) { return in->at < in->end ? *in->at++ : 0; }
static inline uint32_t fuzz_below(fuzz_input *in, uint32_t n) { return fuzz_byte(in) % n; }

static inline uint64_t fuzz_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}
static inline uint64_t fuzz_random(fuzz_input *in)
{
    return fuzz_mix(in->state += 0x9e3779b97f4a7c15u);
}

/* Schemas. */

typedef struct fuzz_schema_text {
    lm_buffer written, kept; /* as the table has it; as Parquet keeps it */
} fuzz_schema_text;

static inline void fuzz_put(fuzz_schema_text *text, const char *part)
{
    MUST(lm__buffer_text(&text->written, part));
    MUST(lm__buffer_text(&text->kept, part));
}

static const char *const fuzz_leaves[] = {
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "utf8",
    "large_utf8",
    "utf8_view",
    "binary",
    "large_binary",
    "binary_view",
    "fixed_binary[1]",
    "fixed_binary[3]",
    "fixed_binary[8]",
    "fixed_binary[16]",
    "fixed_binary[40]",
    "date32",
    "date64",
    "time32[s]",
    "time32[ms]",
    "time64[us]",
    "time64[ns]",
    "timestamp[s]",
    "timestamp[ms, UTC]",
    "timestamp[us]",
    "timestamp[ns, Europe/Oslo]",
    "duration[s]",
    "duration[ns]",
    "interval_months",
    "interval_day_time",
    "interval_month_day_nano",
    "decimal32(1, 0)",
    "decimal32(9, 4)",
    "decimal64(17, 2)",
    "decimal128(4, 4)",
    "decimal128(18, 3)",
    "decimal128(19, 0)",
    "decimal128(38, 10)",
    "decimal256(9, 2)",
    "decimal256(39, 1)",
    "decimal256(76, 38)",
    "extension<arrow.uuid: fixed_binary[16]>",
    "extension<arrow.json: utf8>",
    "extension<a.name: int32>",
    "null",
};

/* Says whether "not null" may follow: run ends are kept as nullable as their values. */
static inline bool fuzz_type(fuzz_input *in, fuzz_schema_text *text, int depth);

static inline const char *fuzz_leaf(fuzz_input *in)
{
    return fuzz_leaves[fuzz_below(in, sizeof fuzz_leaves / sizeof *fuzz_leaves)];
}

static inline void fuzz_item(fuzz_input *in, fuzz_schema_text *text, int depth)
{
    if (fuzz_type(in, text, depth) && fuzz_byte(in) % 4 == 1) fuzz_put(text, " not null");
}

static inline void fuzz_struct(fuzz_input *in, fuzz_schema_text *text, int depth)
{
    static const char *const names[] = {"a: ", "b: ", "\"\": ", "a.b: ", "\"item x\": ", "żółw: "};
    uint32_t fields = 1 + fuzz_below(in, 3);
    fuzz_put(text, "struct<");
    for (uint32_t i = 0; i < fields; i++) {
        if (i) fuzz_put(text, ", ");
        fuzz_put(text, names[fuzz_byte(in) >= 240 ? fuzz_below(in, 6) : i]);
        fuzz_item(in, text, depth - 1);
    }
    fuzz_put(text, ">");
}

static inline void fuzz_map(fuzz_input *in, fuzz_schema_text *text, int depth)
{
    fuzz_put(text, "map<");
    const char *key = fuzz_leaf(in);
    fuzz_put(text, strcmp(key, "null") == 0 ? "utf8" : key);
    fuzz_put(text, " not null, ");
    fuzz_item(in, text, depth - 1);
    fuzz_put(text, ">");
}

/* The written type is wrapped; what is kept is the type within. */
static inline void fuzz_runs(fuzz_input *in, fuzz_schema_text *text, int depth)
{
    static const char *const ends[] = {"run_end_encoded<int16, ", "run_end_encoded<int32, ",
                                       "run_end_encoded<int64, "};
    MUST(lm__buffer_text(&text->written, ends[fuzz_below(in, 3)]));
    (void)fuzz_type(in, text, depth - 1);
    MUST(lm__buffer_text(&text->written, ">"));
}

/* Of a leaf mostly; one of structs or maps is kept as its values. */
static inline bool fuzz_dictionary(fuzz_input *in, fuzz_schema_text *text, int depth)
{
    static const char *const indices[] = {"int8",  "int16",  "int32",  "int64",
                                          "uint8", "uint16", "uint32", "uint64"};
    char before[32];
    snprintf(before, sizeof before, "dictionary<%s, ", indices[fuzz_below(in, 8)]);
    uint8_t choice = fuzz_byte(in);
    if (choice < 40 && depth > 0) {
        MUST(lm__buffer_text(&text->written, before));
        if (choice < 24)
            fuzz_struct(in, text, depth);
        else
            fuzz_map(in, text, depth);
        MUST(lm__buffer_text(&text->written, ">"));
        return true;
    }
    const char *value = fuzz_leaf(in); /* IPC schemas know no extension of a dictionary's values */
    fuzz_put(text, before);
    fuzz_put(text, strncmp(value, "extension", 9) == 0 ? "int16" : value);
    fuzz_put(text, choice >= 200 ? ">[ordered]" : ">");
    return strcmp(value, "null") != 0;
}

static inline bool fuzz_type(fuzz_input *in, fuzz_schema_text *text, int depth)
{
    static const char *const lists[] = {"list<item: ", "large_list<",
                                        "list_view<element: ", "large_list_view<", "fixed_list<"};
    static const char *const sizes[] = {">[0]", ">[1]", ">[2]", ">[3]"};
    uint8_t choice = fuzz_byte(in);
    if (depth <= 0 || choice < 128) {
        const char *leaf = fuzz_leaf(in);
        fuzz_put(text, leaf);
        return strcmp(leaf, "null") != 0;
    }
    if (choice < 160) {
        return fuzz_dictionary(in, text, depth);
    } else if (choice < 170) {
        fuzz_runs(in, text, depth);
        return false;
    } else if (choice < 200) {
        fuzz_struct(in, text, depth);
    } else if (choice < 220) {
        fuzz_map(in, text, depth);
    } else {
        uint32_t kind = fuzz_below(in, 5);
        fuzz_put(text, lists[kind]);
        fuzz_item(in, text, depth - 1);
        fuzz_put(text, kind == 4 ? sizes[fuzz_below(in, 4)] : ">");
    }
    return true;
}

static inline void fuzz_schemas(fuzz_input *in, int depth, lm_schema **written, lm_schema **kept)
{
    fuzz_schema_text text;
    lm_error error;
    lm__buffer_init(&text.written, NULL, 0);
    lm__buffer_init(&text.kept, NULL, 0);
    uint32_t columns = 1 + fuzz_below(in, 4);
    for (uint32_t i = 0; i < columns; i++) {
        static const char *const names[] = {"a: ", "b: ", "c: ", "d: "};
        if (i) fuzz_put(&text, ", ");
        fuzz_put(&text, names[fuzz_byte(in) >= 250 ? 0 : i]);
        fuzz_item(in, &text, depth);
    }
    MUST_TELL(lm_schema_parse(NULL, (char *)text.written.data, text.written.size, written, &error),
              &error);
    MUST_TELL(lm_schema_parse(NULL, (char *)text.kept.data, text.kept.size, kept, &error), &error);
    lm__buffer_deinit(&text.written);
    lm__buffer_deinit(&text.kept);
}

/* Rows. A field's ways are told by a number, and its children's made of it. */

static inline uint32_t fuzz_ways(uint32_t ways, int32_t child)
{
    return (uint32_t)fuzz_mix(ways * 31u + (uint32_t)child + 1);
}

static inline int64_t fuzz_int(fuzz_input *in, uint32_t ways, int64_t row)
{
    static const int64_t extremes[] = {0, -1, 1, INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 127};
    uint64_t random = fuzz_random(in);
    switch (ways % 6) {
    case 0: return (int64_t)(random % 3);
    case 1: return row * 1000 + (int64_t)(random % 4);
    case 2: return extremes[random % 8];
    case 3: return row / 37;
    case 4: return (int64_t)(random % 1000) - 500;
    default: return (int64_t)random;
    }
}

/* Within so many digits: by the bits that those can always fill. */
static inline void fuzz_decimal(fuzz_input *in, uint32_t ways, int64_t row, const lm_type *type,
                                uint8_t bytes[32])
{
    int bits = (int)(type->precision * 3.3219);
    int64_t value = fuzz_int(in, ways, row);
    memset(bytes, value < 0 ? 0xff : 0, 32);
    memcpy(bytes, &value, 8);
    if (bits >= 64 && ways % 6 >= 4) {
        uint64_t random[4];
        for (int i = 0; i < 4; i++) random[i] = fuzz_random(in);
        memcpy(bytes, random, 32);
    }
    bool negative = bits > 64 ? bytes[31] & 0x80 : value < 0;
    for (int bit = bits; bit < 256; bit++) {
        uint8_t mask = (uint8_t)(1u << (bit & 7));
        bytes[bit >> 3] = (uint8_t)(negative ? bytes[bit >> 3] | mask : bytes[bit >> 3] & ~mask);
    }
}

/* A value that Parquet can say: whole days, milliseconds that fit, intervals that are positive. */
static inline void fuzz_fixed(fuzz_input *in, uint32_t ways, int64_t row, const lm_type *type,
                              uint8_t bytes[64])
{
    int64_t value = fuzz_int(in, ways, row);
    int32_t parts[4] = {(int32_t)(value & INT32_MAX), (int32_t)(value & 0xffff), 0, 0};
    memset(bytes, (int)(ways % 6 == 5 ? fuzz_random(in) : value), 64);
    switch (type->id) {
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256: fuzz_decimal(in, ways, row, type, bytes); return;
    case LM_TYPE_DATE64: value = (int64_t)(int32_t)value * 86400000; break;
    case LM_TYPE_TIME32: value = (value & INT32_MAX) % 86400; break;
    case LM_TYPE_TIMESTAMP:
        if (type->unit == LM_UNIT_SECOND) value %= INT64_MAX / 1000;
        break;
    case LM_TYPE_INTERVAL_MONTHS:
    case LM_TYPE_INTERVAL_DAY_TIME: memcpy(bytes, parts, 8); return;
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO: {
        int64_t nanos = (value & UINT32_MAX) * 1000000;
        memcpy(bytes, parts, 8);
        memcpy(bytes + 8, &nanos, 8);
        return;
    }
    default: break;
    }
    memcpy(bytes, &value, 8);
}

static inline void fuzz_bytes(fuzz_input *in, uint32_t ways, lm_builder *builder)
{
    static const char letters[] = "aaaabcdefghijklmnopqrstuvwxyz 0123456789\n\"\\,\t";
    uint8_t bytes[400];
    uint64_t random = ways % 2 ? fuzz_random(in) : fuzz_random(in) % 7;
    uint64_t state = fuzz_mix(random + ways);
    size_t size = ways % 5 == 0 ? 0 : state % (random % 31 == 0 ? sizeof bytes : 24);
    bool text = lm__type_is_text(builder->field->type.id);
    for (size_t i = 0; i < size; i++) {
        state = fuzz_mix(state + 1);
        bytes[i] = text ? (uint8_t)letters[state % (sizeof letters - 1)] : (uint8_t)state;
        if (ways % 7 == 1 && i < 80) bytes[i] = 'p'; /* a prefix that all have */
        if (text && i > 0 && state >> 60 == 0) {
            bytes[i - 1] = 0xc5;
            bytes[i] = (uint8_t)(0x80 + (state >> 8) % 64);
        }
    }
    /* A second byte that was overwritten leaves its first alone. */
    for (size_t i = 0; text && i < size; i++) {
        if (bytes[i] < 0x80) continue;
        if (bytes[i] == 0xc5 && i + 1 < size && bytes[i + 1] >= 0x80 && bytes[i + 1] != 0xc5)
            i++;
        else
            bytes[i] = '?';
    }
    MUST(lm__build_bytes(builder, bytes, size));
}

static inline void fuzz_value(fuzz_input *in, uint32_t ways, lm_builder *builder);
static inline void fuzz_row(fuzz_input *in, uint32_t ways, lm_builder *builder);

static inline void fuzz_dictionary_row(fuzz_input *in, uint32_t ways, lm_builder *builder)
{
    int64_t most = builder->field->type.byte_width == 1 ? 100 : 300;
    int64_t count = ways % 16 == 0 ? most : 1 + (int64_t)(ways >> 8) % 20;
    while (builder->dictionary->length < count)
        if (builder->field->nullable)
            fuzz_row(in, ways >> 3, builder->dictionary);
        else
            fuzz_value(in, ways >> 3, builder->dictionary);
    MUST(lm__builder_reserve(builder, 1));
    int64_t index =
        ways % 3 ? (int64_t)(fuzz_random(in) % (uint64_t)count) : builder->length % count;
    lm__build_int(builder, index);
}

static inline void fuzz_run_row(fuzz_input *in, uint32_t ways, lm_builder *builder)
{
    bool more = builder->length > 0 && fuzz_random(in) % 8 >= ways % 8;
    lm_builder *ends = &builder->children[0];
    MUST(lm__builder_reserve(ends, 1));
    if (more) { /* the last run one longer */
        ends->length--;
        ends->values.size -= (size_t)ends->field->type.byte_width;
    } else {
        fuzz_row(in, fuzz_ways(ways, 1), &builder->children[1]);
    }
    lm__build_int(ends, ++builder->length);
}

static inline void fuzz_value(fuzz_input *in, uint32_t ways, lm_builder *builder)
{
    const lm_type *type = &builder->field->type;
    uint8_t bytes[64];
    switch (type->layout) {
    case LM_LAYOUT_BITS:
        MUST(lm__builder_reserve(builder, 1));
        lm__build_bool(builder, fuzz_int(in, ways, builder->length) & 1);
        return;
    case LM_LAYOUT_FIXED:
        if (type->id == LM_TYPE_DICTIONARY) {
            fuzz_dictionary_row(in, ways, builder);
            return;
        }
        fuzz_fixed(in, ways, builder->length, type, bytes);
        MUST(lm__builder_reserve(builder, 1));
        lm__build_fixed(builder, bytes);
        return;
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
    case LM_LAYOUT_VIEW: fuzz_bytes(in, ways, builder); return;
    case LM_LAYOUT_RUN_END: fuzz_run_row(in, ways, builder); return;
    case LM_LAYOUT_STRUCT:
        for (int32_t i = 0; i < builder->n_children; i++)
            fuzz_row(in, fuzz_ways(ways, i), &builder->children[i]);
        MUST(lm__build_struct_end(builder));
        return;
    default: {
        int64_t items = (int64_t)(fuzz_random(in) % (ways % 4 + 1));
        if (ways % 32 == 7 && fuzz_random(in) % 64 == 0) items = 100;
        if (type->layout == LM_LAYOUT_FIXED_LIST) items = type->list_size;
        for (int64_t i = 0; i < items; i++) fuzz_row(in, fuzz_ways(ways, 0), &builder->children[0]);
        MUST(lm__build_list_end(builder));
    }
    }
}

static inline void fuzz_row(fuzz_input *in, uint32_t ways, lm_builder *builder)
{
    static const uint8_t shares[] = {0, 0, 60, 128, 250, 255};
    uint8_t share = shares[(ways >> 4) % 6];
    bool null = builder->field->nullable && share && (fuzz_random(in) & 0xff) <= share;
    if (builder->field->type.id == LM_TYPE_NULL ||
        (null && builder->field->type.layout != LM_LAYOUT_RUN_END))
        MUST(lm__build_null(builder));
    else
        fuzz_value(in, ways, builder);
}

/* Two rows of a list view change places, and so do not follow one another any more. */
static inline void fuzz_swap(fuzz_input *in, lm_array *array)
{
    size_t width = array->field->type.layout == LM_LAYOUT_LARGE_LIST_VIEW ? 8 : 4;
    if (array->length < 2) return;
    size_t a = fuzz_random(in) % (uint64_t)array->length;
    size_t b = fuzz_random(in) % (uint64_t)array->length;
    void *parts[] = {(void *)array->offsets, (void *)array->sizes};
    for (int i = 0; i < 2; i++) {
        uint8_t *x = (uint8_t *)parts[i] + a * width, *y = (uint8_t *)parts[i] + b * width;
        uint64_t kept = 0;
        memcpy(&kept, x, width);
        memmove(x, y, width);
        memcpy(y, &kept, width);
    }
}

/* Nulls are put over rows that were made: lists keep their items, structs their fields, and values
 * become what no value may be. */
static inline void fuzz_hide(fuzz_input *in, lm_batch *batch, lm_array *array)
{
    const lm_type *type = &array->field->type;
    for (int32_t i = 0; i < array->n_children; i++)
        if (type->layout != LM_LAYOUT_RUN_END || i > 0)
            fuzz_hide(in, batch, (lm_array *)&array->children[i]);
    if (array->dictionary && array->field->nullable)
        fuzz_hide(in, batch, (lm_array *)array->dictionary);
    if (type->layout == LM_LAYOUT_LIST_VIEW || type->layout == LM_LAYOUT_LARGE_LIST_VIEW)
        fuzz_swap(in, array);
    if (!array->field->nullable || array->offset || type->layout == LM_LAYOUT_RUN_END ||
        type->layout == LM_LAYOUT_NULL || fuzz_random(in) % 4)
        return;
    size_t bytes = (size_t)(array->length + 7) / 8;
    uint8_t *validity = lm__alloc(NULL, bytes + 1);
    if (!validity) abort();
    MUST(lm__batch_own_memory_take(batch, validity));
    memset(validity, 0xff, bytes);
    if (array->validity) memcpy(validity, array->validity, bytes);
    for (int64_t i = 0; i < array->length; i++) {
        if (fuzz_random(in) % 8) continue;
        lm__bit_clear(validity, i);
        size_t width = (size_t)type->byte_width;
        if (type->layout == LM_LAYOUT_VIEW) width = sizeof(lm_view);
        if (type->layout == LM_LAYOUT_FIXED || type->layout == LM_LAYOUT_VIEW)
            memset((uint8_t *)array->values + (size_t)i * width, 0xff, width);
    }
    array->validity = validity;
    array->null_count = -1;
}

/* Of so many rows; to be given back with lm__batch_unref. */
static inline lm_batch *fuzz_batch(fuzz_input *in, uint32_t ways, lm_schema *schema, int64_t rows)
{
    lm_builder root;
    lm_batch *batch;
    lm_error error;
    MUST(lm__builder_init(&root, NULL, &schema->root, &error));
    for (int32_t i = 0; i < root.n_children; i++)
        for (int64_t row = 0; row < rows; row++)
            fuzz_row(in, fuzz_ways(ways, i), &root.children[i]);
    root.length = rows;
    MUST(lm__builder_finish(&root, schema, &batch, &error));
    lm__builder_deinit(&root);
    if (ways & 0x80000000u)
        for (int32_t i = 0; i < batch->root.n_children; i++)
            fuzz_hide(in, batch, &lm__batch_columns(batch)[i]);
    return batch;
}

/* Whether row i of the one says what row k of the other does, through dictionaries and run ends. */
static inline bool fuzz_rows_equal(const lm_array *a, int64_t i, const lm_array *b, int64_t k)
{
    while (a->field->type.layout == LM_LAYOUT_RUN_END) {
        i = lm__array_run_find(a, i, NULL);
        a = &a->children[1];
    }
    if (a->dictionary && lm__array_valid(a, i))
        return fuzz_rows_equal(a->dictionary, lm__array_index(a, i), b, k);
    if (b->dictionary && lm__array_valid(b, k))
        return fuzz_rows_equal(a, i, b->dictionary, lm__array_index(b, k));
    bool valid = lm__array_valid(a, i);
    if (valid != lm__array_valid(b, k)) return false;
    if (!valid) return true;
    if (a->field->type.layout == LM_LAYOUT_BITS)
        return lm__bit_get(a->values, a->offset + i) == lm__bit_get(b->values, b->offset + k);
    if (a->field->type.layout == LM_LAYOUT_STRUCT) {
        for (int32_t c = 0; c < a->n_children; c++) {
            lm_array x = lm__array_child(a, c), y = lm__array_child(b, c);
            if (!fuzz_rows_equal(&x, i, &y, k)) return false;
        }
        return true;
    }
    if (a->n_children) {
        int64_t start[2], size[2];
        lm__array_list_range(a, i, &start[0], &size[0]);
        lm__array_list_range(b, k, &start[1], &size[1]);
        for (int64_t item = 0; size[0] == size[1] && item < size[0]; item++)
            if (!fuzz_rows_equal(&a->children[0], start[0] + item, &b->children[0],
                                 start[1] + item))
                return false;
        return size[0] == size[1];
    }
    size_t size[2];
    const uint8_t *x = lm__array_bytes(a, i, &size[0]), *y = lm__array_bytes(b, k, &size[1]);
    return size[0] == size[1] && (size[0] == 0 || memcmp(x, y, size[0]) == 0);
}

#endif
