/*
 * Record batches: a walk over the schema's fields, depth first, that uses up the field nodes and
 * the buffers in the same order ("RecordBatch message"); see decode.h.
 */
#include "ipc/decode.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "codec/lz4_frame.h"
#include "ipc/message.h"

#define NOT_COMPRESSED (-1) /* a codec number that is none */

/* A dictionary that is attached after the rows were checked: it was itself before. Till then its
 * place is held by as many nulls. */
typedef struct pending {
    struct pending *next;
    lm_array *array, values, stand_in;
} pending;

typedef struct walk {
    lm_ipc_decoder *decoder;
    lm_batch *batch;
    const lm_ipc_body *body;
    lm_fb_vector nodes, buffers, variadic;
    size_t next_node, next_buffer, next_variadic;
    int codec; /* LM_FB_CODEC_…, or NOT_COMPRESSED */
    pending *dictionaries;
    lm_error *error;
} walk;

/* What stands for the contents of an empty buffer. */
static const _Alignas(64) uint8_t nothing[64];

static lm_status refuse(walk *w, const lm_path *path, const char *what)
{
    return lm__path_error(w->error, LM_CORRUPT, path, "%s", what);
}

static lm_status refuse_memory(walk *w)
{
    return lm__error_memory(w->error, "reading a record batch");
}

static lm_status decompress(walk *w, const uint8_t *src, size_t size, uint8_t *dst, size_t dst_size)
{
    if (w->codec == LM_FB_CODEC_LZ4_FRAME)
        return lm__lz4_frame_decode(src, size, dst, dst_size, w->error);
    if (!w->decoder->codec)
        LM_TRY(lm__codec_context_new(w->decoder->allocator, &w->decoder->codec, w->error));
    return lm__codec_decompress(w->decoder->codec, LM_CODEC_ZSTD, src, size, dst, dst_size,
                                w->error);
}

/* "Compression": the size of the contents in front, -1 where they stand as they are. */
static lm_status unpack(walk *w, const lm_path *path, const uint8_t **data, size_t *size)
{
    if (w->codec == NOT_COMPRESSED || *size == 0) return LM_OK;
    if (*size < 8) return refuse(w, path, "a compressed buffer is too short");
    int64_t contents = lm__fb_get_i64(*data);
    *data += 8;
    *size -= 8;
    if (contents == -1) return LM_OK;
    if (contents < 0) return refuse(w, path, "a compressed buffer of negative size");
    if ((uint64_t)contents > LM_IPC_BUFFER_BYTES_MAX)
        return lm__path_error(w->error, LM_LIMIT, path,
                              "a compressed buffer of %lld bytes, at most %zu", (long long)contents,
                              LM_IPC_BUFFER_BYTES_MAX);
    uint8_t *unpacked = lm__ipc_hold_alloc(w->body->hold, (size_t)contents);
    if (!unpacked) return refuse_memory(w);
    lm_status status = decompress(w, *data, *size, unpacked, (size_t)contents);
    if (status != LM_OK) {
        char text[LM_PATH_TEXT_MAX];
        return lm__error_within(w->error, status, "column %s", lm__path_text(path, text));
    }
    *data = unpacked;
    *size = (size_t)contents;
    return LM_OK;
}

/* The next buffer, of `needed` bytes at least (all of them when `size` is NULL). */
static lm_status buffer_take(walk *w, const lm_path *path, size_t needed, size_t alignment,
                             const void **data, size_t *size)
{
    if (w->next_buffer == w->buffers.length) return refuse(w, path, "its buffers are missing");
    const uint8_t *entry = lm__fb_item(&w->buffers, w->next_buffer++);
    int64_t offset = lm__fb_get_i64(entry), length = lm__fb_get_i64(entry + 8);
    if (offset < 0 || length < 0 || (uint64_t)offset > w->body->size ||
        (uint64_t)length > w->body->size - (uint64_t)offset)
        return refuse(w, path, "a buffer lies outside its message");
    const uint8_t *bytes = w->body->data + offset;
    size_t count = (size_t)length;
    LM_TRY(unpack(w, path, &bytes, &count));
    if (count < needed) return refuse(w, path, "a buffer is too short for its length");
    if (size) *size = count;
    if (!size) count = needed;
    if (count > 0 && (uintptr_t)bytes % alignment != 0) {
        uint8_t *copy = lm__ipc_hold_alloc(w->body->hold, count);
        if (!copy) return refuse_memory(w);
        memcpy(copy, bytes, count);
        bytes = copy;
    }
    *data = count > 0 ? bytes : nothing;
    return LM_OK;
}

/* What view.h asks for: the width, where it is a power of two, and 8 at most. */
static size_t alignment_of(size_t width)
{
    size_t power = width & -width;
    return power == 0 ? 1 : power < 8 ? power : 8;
}

/* `count` entries of `width` bytes. */
static lm_status entries_take(walk *w, const lm_path *path, int64_t count, size_t width,
                              const void **data)
{
    size_t needed;
    if (__builtin_mul_overflow((size_t)count, width, &needed))
        return refuse(w, path, "a length that no memory holds");
    return buffer_take(w, path, needed, alignment_of(width), data, NULL);
}

static lm_status node_take(walk *w, const lm_path *path, lm_array *array)
{
    if (w->next_node == w->nodes.length) return refuse(w, path, "its field node is missing");
    const uint8_t *node = lm__fb_item(&w->nodes, w->next_node++);
    array->length = lm__fb_get_i64(node);
    array->null_count = lm__fb_get_i64(node + 8);
    if (array->length < 0 || array->null_count < -1 || array->null_count > array->length)
        return refuse(w, path, "its length or null count is not valid");
    if (array->length > LM_ARROW_ROWS_MAX)
        return lm__path_error(w->error, LM_LIMIT, path, "%lld rows, at most %lld",
                              (long long)array->length, (long long)LM_ARROW_ROWS_MAX);
    return LM_OK;
}

/* A bitmap may be left out, or be there for nothing, when there are no nulls. */
static lm_status validity_take(walk *w, const lm_path *path, lm_array *array)
{
    const void *bits;
    size_t size, needed = ((size_t)array->length + 7) / 8;
    LM_TRY(buffer_take(w, path, 0, 1, &bits, &size));
    if (size == 0 && needed > 0) {
        if (array->null_count > 0) return refuse(w, path, "it has nulls, but no validity bitmap");
        array->null_count = 0;
        return LM_OK;
    }
    if (size < needed) return refuse(w, path, "its validity bitmap is too short");
    size_t set = lm__bits_count((lm_bits){bits, 0}, (size_t)array->length);
    int64_t nulls = array->length - (int64_t)set;
    if (array->null_count >= 0 && array->null_count != nulls)
        return refuse(w, path, "its null count is not that of its validity bitmap");
    array->null_count = nulls;
    array->validity = nulls > 0 ? bits : NULL;
    return LM_OK;
}

/* Offsets of `width` bytes; *last gets the last one. No rows may have no offsets at all. */
static lm_status offsets_take(walk *w, const lm_path *path, lm_array *array, size_t width,
                              int64_t *last)
{
    const void *offsets;
    size_t size = 0;
    *last = 0;
    LM_TRY(buffer_take(w, path, 0, width, &offsets, &size));
    array->offsets = nothing;
    if (array->length == 0 && size == 0) return LM_OK;
    if (size / width <= (uint64_t)array->length)
        return refuse(w, path, "its offsets are too short");
    array->offsets = offsets;
    *last = width == 4 ? ((const int32_t *)offsets)[array->length]
                       : ((const int64_t *)offsets)[array->length];
    return LM_OK;
}

static lm_status binary_take(walk *w, const lm_path *path, lm_array *array, size_t width)
{
    int64_t last;
    LM_TRY(offsets_take(w, path, array, width, &last));
    if (last < 0) return refuse(w, path, "a negative offset");
    return buffer_take(w, path, (size_t)last, 1, &array->values, NULL);
}

/* What the format asks of views besides their bounds, which are checked later with the rows: bytes
 * that are not used are zeros, and a prefix is that of its value. */
static bool views_are_clean(const lm_array *array)
{
    const lm_view *views = array->values;
    for (int64_t i = 0; i < array->length; i++) {
        const lm_view *view = &views[i];
        if (!lm__array_valid(array, i) || view->size < 0) continue;
        if (view->size <= LM_VIEW_INLINE_MAX) {
            uint8_t used = 0;
            for (int32_t b = view->size; b < LM_VIEW_INLINE_MAX; b++) used |= view->inlined[b];
            if (used) return false;
        } else if (view->buffer >= 0 && view->buffer < array->n_variadic && view->offset >= 0 &&
                   view->offset + (int64_t)view->size <= array->variadic_sizes[view->buffer]) {
            const uint8_t *value = (const uint8_t *)array->variadic[view->buffer] + view->offset;
            if (memcmp(view->prefix, value, sizeof view->prefix) != 0) return false;
        }
    }
    return true;
}

static lm_status views_take(walk *w, const lm_path *path, lm_array *array)
{
    LM_TRY(entries_take(w, path, array->length, sizeof(lm_view), &array->values));
    if (w->next_variadic == w->variadic.length)
        return refuse(w, path, "the number of its data buffers is missing");
    int64_t count = lm__fb_get_i64(lm__fb_item(&w->variadic, w->next_variadic++));
    if (count < 0 || (uint64_t)count > w->buffers.length - w->next_buffer)
        return refuse(w, path, "it has more data buffers than there are");
    if (count > LM_ARROW_VARIADIC_MAX)
        return lm__path_error(w->error, LM_LIMIT, path, "%lld data buffers, at most %d",
                              (long long)count, LM_ARROW_VARIADIC_MAX);
    const void **buffers = lm__arena_array(&w->batch->arena, (size_t)count, sizeof *buffers);
    int64_t *sizes = lm__arena_array(&w->batch->arena, (size_t)count, sizeof *sizes);
    if (!buffers || !sizes) return refuse_memory(w);
    for (int64_t i = 0; i < count; i++) {
        size_t size;
        LM_TRY(buffer_take(w, path, 0, 1, &buffers[i], &size));
        sizes[i] = (int64_t)size;
    }
    array->variadic = buffers;
    array->variadic_sizes = sizes;
    array->n_variadic = (int32_t)count;
    return views_are_clean(array) ? LM_OK : refuse(w, path, "a view with stray bytes");
}

static void batch_release(void *context, void *memory)
{
    (void)context;
    lm__batch_unref(memory);
}

static void hold_release(void *context, void *memory)
{
    (void)context;
    lm__ipc_hold_unref(memory);
}

static lm_status array_make_empty(walk *w, lm_array *array, const lm_field *field);

/* A dictionary that has not come is empty: that is allowed while no value is used. */
static lm_status dictionary_attach(walk *w, lm_array *array)
{
    static const lm_field nulls = {.name = "", .type = {.layout = LM_LAYOUT_NULL}};
    const lm_field *field = array->field;
    lm_ipc_dictionary *entry =
        lm__ipc_dictionary_find(&w->decoder->dictionaries, field->dictionary_id);
    pending *later = lm__arena_zero(&w->batch->arena, sizeof *later);
    if (!later) return refuse_memory(w);
    if (entry->values) {
        later->values = entry->values->root.children[0];
        lm_owned share = {.memory = lm__batch_ref(entry->values), .release = batch_release};
        if (lm__batch_own_take(w->batch, share) != LM_OK) return refuse_memory(w);
    } else {
        LM_TRY(array_make_empty(w, &later->values, field->dictionary));
    }
    later->values.field = field->dictionary;
    later->stand_in = (lm_array){.field = &nulls, .length = later->values.length};
    later->stand_in.null_count = later->stand_in.length;
    later->array = array;
    later->next = w->dictionaries;
    w->dictionaries = later;
    array->dictionary = &later->stand_in;
    return LM_OK;
}

/* The buffers of one field, without its children. */
static lm_status buffers_take(walk *w, const lm_path *path, lm_array *array)
{
    const lm_type *type = &array->field->type;
    int64_t last;
    if (type->layout == LM_LAYOUT_NULL) return LM_OK;
    if (type->layout == LM_LAYOUT_RUN_END) /* V4 had a bitmap, always empty */
        return w->body->version == LM_FB_VERSION_V4 ? validity_take(w, path, array) : LM_OK;
    LM_TRY(validity_take(w, path, array));
    switch (type->layout) {
    case LM_LAYOUT_BITS: return entries_take(w, path, (array->length + 7) / 8, 1, &array->values);
    case LM_LAYOUT_FIXED:
        LM_TRY(entries_take(w, path, array->length, (size_t)type->byte_width, &array->values));
        return type->id == LM_TYPE_DICTIONARY ? dictionary_attach(w, array) : LM_OK;
    case LM_LAYOUT_BINARY: return binary_take(w, path, array, 4);
    case LM_LAYOUT_LARGE_BINARY: return binary_take(w, path, array, 8);
    case LM_LAYOUT_VIEW: return views_take(w, path, array);
    case LM_LAYOUT_LIST: return offsets_take(w, path, array, 4, &last);
    case LM_LAYOUT_LARGE_LIST: return offsets_take(w, path, array, 8, &last);
    case LM_LAYOUT_LIST_VIEW:
        LM_TRY(entries_take(w, path, array->length, 4, &array->offsets));
        return entries_take(w, path, array->length, 4, &array->sizes);
    case LM_LAYOUT_LARGE_LIST_VIEW:
        LM_TRY(entries_take(w, path, array->length, 8, &array->offsets));
        return entries_take(w, path, array->length, 8, &array->sizes);
    default: return LM_OK; /* structs and fixed lists have no more; unions are refused before */
    }
}

static lm_status children_make(walk *w, lm_array *array, lm_array **children)
{
    array->n_children = array->field->n_children;
    *children = lm__arena_zero(&w->batch->arena, (size_t)array->n_children * sizeof **children);
    array->children = *children;
    return *children ? LM_OK : refuse_memory(w);
}

static lm_status array_make_empty(walk *w, lm_array *array, const lm_field *field)
{
    lm_array *children;
    array->field = field;
    array->values = array->offsets = array->sizes = nothing;
    LM_TRY(children_make(w, array, &children));
    for (int32_t i = 0; i < array->n_children; i++)
        LM_TRY(array_make_empty(w, &children[i], &field->children[i]));
    return field->dictionary ? dictionary_attach(w, array) : LM_OK;
}

static lm_status array_take(walk *w, const lm_path *up, const lm_field *field, lm_array *array)
{
    const lm_path path = {.up = up, .name = field->name};
    lm_array *children;
    array->field = field;
    LM_TRY(node_take(w, &path, array));
    LM_TRY(buffers_take(w, &path, array));
    LM_TRY(children_make(w, array, &children));
    for (int32_t i = 0; i < array->n_children; i++)
        LM_TRY(array_take(w, &path, &field->children[i], &children[i]));
    return LM_OK;
}

static lm_status columns_take(walk *w)
{
    lm_array *root = &w->batch->root, *columns = lm__batch_columns(w->batch);
    for (int32_t i = 0; i < root->n_children; i++) {
        const lm_path path = {.name = root->field->children[i].name};
        LM_TRY(array_take(w, NULL, &root->field->children[i], &columns[i]));
        if (columns[i].length != root->length)
            return refuse(w, &path, "its length is not the record batch's");
    }
    if (w->next_node != w->nodes.length || w->next_buffer != w->buffers.length ||
        w->next_variadic != w->variadic.length)
        return lm__error_set(w->error, LM_CORRUPT,
                             "a record batch has more than its schema's "
                             "columns");
    return LM_OK;
}

static lm_status walk_open(walk *w, const lm_fb_table *records, int64_t *rows)
{
    lm_fb_table compression = lm__fb_child(records, LM_FB_RECORDS_COMPRESSION);
    *rows = lm__fb_i64(records, LM_FB_RECORDS_LENGTH, 0);
    w->nodes = lm__fb_items(records, LM_FB_RECORDS_NODES, LM_FB_NODE_BYTES);
    w->buffers = lm__fb_items(records, LM_FB_RECORDS_BUFFERS, LM_FB_BUFFER_BYTES);
    w->variadic = lm__fb_items(records, LM_FB_RECORDS_VARIADIC, 8);
    w->codec = NOT_COMPRESSED;
    if (lm__fb_present(&compression)) {
        int method = lm__fb_u8(&compression, LM_FB_COMPRESSION_METHOD, 0);
        w->codec = lm__fb_u8(&compression, LM_FB_COMPRESSION_CODEC, LM_FB_CODEC_LZ4_FRAME);
        if (w->codec > LM_FB_CODEC_ZSTD || method != 0)
            return lm__error_set(w->error, LM_UNSUPPORTED,
                                 "compression by codec %d and method %d is not known", w->codec,
                                 method);
    }
    LM_TRY(lm__ipc_reader_check(records->reader, w->error));
    if (*rows < 0) return lm__error_set(w->error, LM_CORRUPT, "a record batch of negative length");
    return LM_OK;
}

lm_status lm__ipc_records_decode(lm_ipc_decoder *decoder, lm_schema *schema,
                                 const lm_fb_table *records, const lm_ipc_body *body,
                                 lm_batch **batch, lm_error *error)
{
    walk w = {.decoder = decoder, .body = body, .error = error};
    int64_t rows;
    *batch = NULL;
    LM_TRY(walk_open(&w, records, &rows));
    LM_TRY(lm__batch_new(decoder->allocator, schema, rows, &w.batch, error));
    lm_owned share = {.memory = lm__ipc_hold_ref(body->hold), .release = hold_release};
    lm_status status = lm__batch_own_take(w.batch, share);
    if (status != LM_OK)
        status = refuse_memory(&w);
    else
        status = columns_take(&w);
    if (status == LM_OK) status = lm__batch_validate(w.batch, LM_VALIDATE_TEXT, error);
    for (pending *at = w.dictionaries; at; at = at->next) at->array->dictionary = &at->values;
    if (status == LM_OK)
        *batch = w.batch;
    else
        lm__batch_unref(w.batch);
    return status;
}
