/*
 * Arrays that lie: a schema and an ArrowArray of it are made from the bytes, with buffers that are
 * as long as the lengths say (the C interface has no way to check more) but contents, counts,
 * pointers and children as the bytes will have them. What is taken is then read, row by row,
 * copied, cast and exported: the sanitizers say whether a lie got through.
 */
#include <stdlib.h>
#include <string.h>

#include "arrow/build.h"
#include "arrow/cast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const uint8_t *at, *end;
} input;

static uint8_t next(input *in) { return in->at < in->end ? *in->at++ : 0; }
/* A rare event: most arrays must be nearly right to come far. */
static bool rarely(input *in) { return next(in) >= 250; }

static const char *const schemas[] = {
    "a: int32, b: utf8, c: bool",
    "a: utf8_view, b: binary_view not null",
    "a: list<item: utf8>, b: large_list<item: int8>",
    "a: list_view<item: int16>, b: large_list_view<item: utf8>",
    "a: fixed_list<item: utf8>[2], b: fixed_binary[3]",
    "a: struct<x: int8, y: struct<z: utf8>>, b: null",
    "a: map<utf8, int8>",
    "a: dictionary<int8, utf8>, b: dictionary<uint64, list<item: int8>>",
    "a: run_end_encoded<int16, utf8>, b: run_end_encoded<int64, int32>",
    "a: decimal32(3, 1), b: decimal128(20, 2), c: decimal256(40, 0)",
    "a: struct<l: fixed_list<item: dictionary<int8, utf8>>[2]>",
    "a: list<item: struct<x: list<item: dictionary<int16, large_utf8>>>>",
};

/* The same tables in other types, for the cast. */
static const char *const targets[] = {
    "c: bool, b: large_utf8, a: int8",
    "a: utf8, b: large_binary not null",
    "a: large_list<utf8_view>, b: list_view<int64>",
    "a: list<int8>, b: fixed_list<utf8>[1]",
    "a: list<utf8>, b: binary",
    "a: struct<y: struct<z: binary>, x: utf8>, b: int8",
    "a: map<large_utf8, float64>",
    "a: utf8, b: list<int16>",
    "a: large_utf8, b: utf8",
    "a: decimal128(5, 3), b: int64, c: utf8",
    "a: struct<l: list<utf8>>",
    "a: list<item: struct<x: large_list<utf8>>>",
};

static void *bytes_of(input *in, size_t size)
{
    uint8_t *memory = malloc(size ? size : 1);
    if (!memory) abort();
    for (size_t i = 0; i < size; i++) memory[i] = next(in);
    return memory;
}

/* Small numbers of that width, now and then negative or out of order. */
static void *numbers_of(input *in, int64_t count, size_t width, bool rising)
{
    uint8_t *memory = malloc((size_t)count * width + 1);
    if (!memory) abort();
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t value = (int8_t)next(in);
        if (rising) value = rarely(in) ? value : (sum += value & 3);
        memcpy(memory + (size_t)i * width, &value, width);
    }
    return memory;
}

/* The last offset: as many bytes there must be. */
static int64_t last_of(const void *numbers, int64_t at, size_t width)
{
    int64_t last = width == 8 ? ((const int64_t *)numbers)[at] : ((const int32_t *)numbers)[at];
    return last < 0 ? 0 : last;
}

static void release(struct ArrowArray *array)
{
    for (int64_t i = 0; i < 8; i++) {
        struct ArrowArray *child = ((struct ArrowArray **)array->private_data)[i];
        if (!child) continue;
        if (child->release) child->release(child);
        free(child);
    }
    if (array->dictionary) {
        if (array->dictionary->release) array->dictionary->release(array->dictionary);
        free(array->dictionary);
    }
    for (int i = 0; i < 6; i++) free(((void **)array->private_data)[8 + i]);
    free(array->private_data);
    array->release = NULL;
}

/* private_data: eight children, six buffers as they were made, six as they are told. */
static void make_array(input *in, const lm_field *field, int64_t length, struct ArrowArray *out);

static void make_buffers(input *in, const lm_field *field, struct ArrowArray *out, void **own,
                         const void **told)
{
    int64_t rows = out->offset + out->length;
    size_t bits = (size_t)(rows + 7) / 8;
    const lm_type *type = &field->type;
    bool large = type->layout == LM_LAYOUT_LARGE_BINARY || type->layout == LM_LAYOUT_LARGE_LIST ||
                 type->layout == LM_LAYOUT_LARGE_LIST_VIEW;
    size_t width = large ? 8 : 4;
    if (next(in) & 1) own[0] = bytes_of(in, bits);
    out->n_buffers = 2;
    switch (type->layout) {
    case LM_LAYOUT_NULL:
    case LM_LAYOUT_RUN_END: out->n_buffers = 0; break;
    case LM_LAYOUT_STRUCT:
    case LM_LAYOUT_FIXED_LIST: out->n_buffers = 1; break;
    case LM_LAYOUT_BITS: own[1] = bytes_of(in, bits); break;
    case LM_LAYOUT_FIXED:
        own[1] = lm__type_is_integer(type->id) || type->id == LM_TYPE_DICTIONARY
                     ? numbers_of(in, rows, (size_t)type->byte_width, false)
                     : bytes_of(in, (size_t)rows * (size_t)type->byte_width);
        break;
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
        own[1] = numbers_of(in, rows + 1, width, true);
        own[2] = bytes_of(in, (size_t)last_of(own[1], rows, width));
        out->n_buffers = 3;
        break;
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST: own[1] = numbers_of(in, rows + 1, width, true); break;
    case LM_LAYOUT_LIST_VIEW:
    case LM_LAYOUT_LARGE_LIST_VIEW:
        own[1] = numbers_of(in, rows, width, false);
        own[2] = numbers_of(in, rows, width, false);
        out->n_buffers = 3;
        break;
    default: { /* views */
        lm_view *views = calloc((size_t)rows + 1, sizeof *views);
        int64_t *sizes = malloc(2 * sizeof *sizes);
        if (!views || !sizes) abort();
        for (int64_t i = 0; i < rows; i++) {
            views[i].size = (int8_t)next(in);
            views[i].buffer = (int8_t)next(in) % 3;
            views[i].offset = (int8_t)next(in);
        }
        sizes[0] = 32;
        sizes[1] = next(in) % 64;
        own[1] = views;
        own[2] = bytes_of(in, 32);
        own[3] = bytes_of(in, (size_t)sizes[1]);
        own[4] = sizes;
        out->n_buffers = 5;
    }
    }
    for (int i = 0; i < 6; i++) told[i] = rarely(in) ? NULL : own[i];
}

static void make_array(input *in, const lm_field *field, int64_t length, struct ArrowArray *out)
{
    void **block = calloc(20, sizeof *block);
    if (!block) abort();
    struct ArrowArray **children = (struct ArrowArray **)block;
    *out = (struct ArrowArray){
        .length = length,
        .null_count = -1,
        .offset = rarely(in) ? next(in) % 9 : 0,
        .n_children = field->n_children,
        .children = children,
        .buffers = (const void **)(block + 14),
        .release = release,
        .private_data = block,
    };
    make_buffers(in, field, out, block + 8, out->buffers);
    for (int32_t i = 0; i < field->n_children && i < 8; i++) {
        children[i] = calloc(1, sizeof **children);
        if (!children[i]) abort();
        int64_t rows = out->offset + length;
        if (field->type.id != LM_TYPE_STRUCT) rows = rows * 2 + next(in) % 8;
        if (rarely(in)) rows = next(in) % 16;
        make_array(in, &field->children[i], rows, children[i]);
    }
    if (field->dictionary) {
        out->dictionary = calloc(1, sizeof *out->dictionary);
        if (!out->dictionary) abort();
        make_array(in, field->dictionary, next(in) % 64 + 1, out->dictionary);
    }
    if (!rarely(in)) return;
    switch (next(in) % 8) { /* lies that the structure tells */
    case 0: out->length = -out->length; break;
    case 1: out->null_count = (int8_t)next(in); break;
    case 2: /* of views the last buffer is the sizes, and that is the producer's word */
        if (field->type.layout != LM_LAYOUT_VIEW) out->n_buffers = (int8_t)next(in) % 6;
        break;
    case 3: out->n_children = (int8_t)next(in) % 4; break;
    case 4: out->offset = INT64_MAX - next(in); break;
    case 5: out->buffers = NULL; break;
    case 6: out->children = NULL; break;
    default: out->length = INT64_MAX - next(in); break;
    }
}

static volatile uint64_t sum;

static void read_rows(const lm_array *array)
{
    for (int64_t row = 0; row < array->length; row++) {
        size_t size = 0;
        int64_t start, items;
        if (!lm__array_valid_logical(array, row) || !lm__array_valid(array, row)) continue;
        switch (array->field->type.layout) {
        case LM_LAYOUT_FIXED:
        case LM_LAYOUT_BINARY:
        case LM_LAYOUT_LARGE_BINARY:
        case LM_LAYOUT_VIEW: {
            const uint8_t *bytes = lm__array_bytes(array, row, &size);
            for (size_t i = 0; i < size; i++) sum += bytes[i];
            break;
        }
        case LM_LAYOUT_LIST:
        case LM_LAYOUT_LARGE_LIST:
        case LM_LAYOUT_LIST_VIEW:
        case LM_LAYOUT_LARGE_LIST_VIEW:
        case LM_LAYOUT_FIXED_LIST: {
            lm__array_list_range(array, row, &start, &items);
            lm_array part = lm__array_slice(&array->children[0], start, items);
            read_rows(&part);
            break;
        }
        default: break;
        }
    }
    if (array->field->type.layout == LM_LAYOUT_STRUCT)
        for (int32_t i = 0; i < array->n_children; i++) {
            lm_array child = lm__array_child(array, i);
            read_rows(&child);
        }
    sum += (uint64_t)lm__array_null_count(array);
}

static void use(lm_batch *batch, const char *target)
{
    lm_error error;
    read_rows(&batch->root);
    lm_builder copy;
    if (lm__builder_init(&copy, NULL, &batch->schema->root, &error) != LM_OK) abort();
    if (lm__build_rows(&copy, &batch->root, 0, lm__batch_rows(batch)) == LM_OK) {
        lm_batch *built;
        if (lm__builder_finish(&copy, batch->schema, &built, &error) != LM_OK) abort();
        if (lm__batch_validate(built, LM_VALIDATE_TEXT, &error) != LM_OK) abort();
        lm__batch_unref(built);
    }
    lm__builder_deinit(&copy);
    lm_schema *schema;
    lm_cast *cast;
    lm_cast_options safe = {.mode = LM_CAST_SAFE};
    if (lm_schema_parse(NULL, target, strlen(target), &schema, &error) != LM_OK) abort();
    if (lm__cast_new(NULL, batch->schema, schema, &safe, &cast, &error) != LM_OK) abort();
    lm_batch *out;
    if (lm__cast_batch(cast, batch, 0, &out, &error) == LM_OK) {
        if (lm__batch_validate(out, LM_VALIDATE_TEXT, &error) != LM_OK) abort();
        read_rows(&out->root);
        lm__batch_unref(out);
    }
    lm__cast_free(cast);
    lm_schema_free(schema);
    struct ArrowArray exported;
    if (lm__batch_export(batch, &exported, &error) != LM_OK) abort();
    lm__batch_unref(batch);
    exported.release(&exported);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, data + size};
    size_t which = next(&in) % (sizeof schemas / sizeof *schemas);
    lm_schema *schema;
    lm_error error;
    if (lm_schema_parse(NULL, schemas[which], strlen(schemas[which]), &schema, &error) != LM_OK)
        abort();
    struct ArrowArray array;
    make_array(&in, &schema->root, next(&in) % 24, &array);
    lm_batch *batch;
    lm_status status =
        lm__batch_import_take(NULL, schema, &array, LM_VALIDATE_TEXT, &batch, &error);
    if (array.release) abort();
    if (status == LM_OK) use(batch, targets[which]);
    lm_schema_free(schema);
    return 0;
}
