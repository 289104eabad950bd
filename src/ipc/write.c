/* Writing Arrow IPC; see write.h. */
#include "ipc/write.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "ipc/encode.h"
#include "ipc/unify.h"

/* What was last written of a dictionary. */
typedef struct written {
    lm_batch *holder; /* keeps `values` in memory; NULL while none was written */
    lm_array values;
    uint8_t digest[LM_SHA256_BYTES];
    size_t block;            /* of a file: which of its blocks it is */
    lm_ipc_unified *unified; /* of a file, once there are others */
    const uint32_t *places;  /* in it, of the last */
} written;

struct lm_ipc_writer {
    const lm_allocator *allocator;
    lm_sink *sink;
    lm_ipc_write_options options;
    lm_schema *schema; /* with dictionaries numbered from 0 */
    written *dictionaries;
    size_t n_dictionaries;
    lm_ipc_encoder encoder;
    uint64_t start; /* of the output in the sink */
    lm_buffer record_blocks, dictionary_blocks;
    lm_error failure;
};

static uint64_t position(const lm_ipc_writer *w) { return w->sink->bytes - w->start; }

static lm_status refuse_memory(lm_error *error)
{
    return lm__error_memory(error, "writing an IPC stream");
}

/* Messages. */

static lm_status zeros_write(lm_ipc_writer *w, size_t count, lm_error *error)
{
    static const uint8_t zeros[LM_IPC_ALIGNMENT];
    return count > 0 ? lm_sink_write(w->sink, zeros, count, error) : LM_OK;
}

static lm_status body_write(lm_ipc_writer *w, lm_error *error)
{
    const lm_ipc_part *parts = (const lm_ipc_part *)(const void *)w->encoder.parts.data;
    size_t count = w->encoder.parts.size / sizeof *parts;
    for (size_t i = 0; i < count; i++) {
        size_t size = parts[i].size;
        if (parts[i].has_prefix) {
            uint8_t prefix[8];
            lm__fb_put_i64(prefix, parts[i].prefix);
            LM_TRY(lm_sink_write(w->sink, prefix, sizeof prefix, error));
            size += sizeof prefix;
        }
        if (parts[i].size > 0) LM_TRY(lm_sink_write(w->sink, parts[i].data, parts[i].size, error));
        LM_TRY(zeros_write(w, -size % LM_IPC_ALIGNMENT, error));
    }
    return LM_OK;
}

/* The record batch in the encoder, as it is or as (values that are added to) a dictionary, by its
 * number. */
static lm_status message_write(lm_ipc_writer *w, int64_t dictionary, bool is_added, lm_error *error)
{
    size_t body_size;
    uint64_t at = position(w);
    LM_TRY(lm__ipc_encode_compress(&w->encoder));
    LM_TRY(lm__ipc_encode_message(&w->encoder, at, dictionary, is_added, &body_size));
    const lm_buffer *message = &w->encoder.message;
    LM_TRY(lm_sink_write(w->sink, message->data, message->size, error));
    LM_TRY(body_write(w, error));
    if (w->options.format != LM_IPC_FILE || is_added) return LM_OK;
    uint8_t block[LM_FB_BLOCK_BYTES] = {0};
    lm__fb_put_i64(block, (int64_t)at);
    lm__fb_put_i32(block + 8, (int32_t)message->size);
    lm__fb_put_i64(block + 16, (int64_t)body_size);
    lm_buffer *blocks = dictionary < 0 ? &w->record_blocks : &w->dictionary_blocks;
    if (lm__buffer_append(blocks, block, sizeof block) != LM_OK) return refuse_memory(error);
    return LM_OK;
}

/* Dictionaries. */

/* Whether two arrays are the same memory: then they have the same values, if both are held. */
static bool same_memory(const lm_array *a, const lm_array *b)
{
    if (a->length != b->length || a->offset != b->offset || a->validity != b->validity ||
        a->values != b->values || a->offsets != b->offsets || a->sizes != b->sizes ||
        a->n_variadic != b->n_variadic || a->n_children != b->n_children)
        return false;
    for (int32_t i = 0; i < a->n_variadic; i++)
        if (a->variadic[i] != b->variadic[i]) return false;
    for (int32_t i = 0; i < a->n_children; i++)
        if (!same_memory(&a->children[i], &b->children[i])) return false;
    return !a->dictionary || same_memory(a->dictionary, b->dictionary);
}

static lm_status dictionaries_write(lm_ipc_writer *w, lm_batch *batch, const lm_field *field,
                                    const lm_array *array, bool *changed, lm_error *error);

static lm_status refuse_change(const lm_field *field, const char *what, lm_error *error)
{
    return lm__error_set(error, LM_UNSUPPORTED,
                         "column %s: its dictionary changes from batch to batch, and %s; an Arrow "
                         "file cannot hold that, an Arrow stream can",
                         field->name, what);
}

static bool are_in_place(const uint32_t *places, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (places[i] != i) return false;
    return true;
}

/* What is in the footer's place for it is read first; who reads the file from its beginning, as a
 * stream, has what is added to it on the way. */
static lm_status unified_write(lm_ipc_writer *w, int64_t number, bool is_added, lm_error *error)
{
    lm_ipc_unified *unified = w->dictionaries[number].unified;
    lm_array values;
    lm_batch *owner;
    LM_TRY(lm__batch_new(w->allocator, w->schema, 0, &owner, error));
    lm_status status = is_added ? lm__ipc_unified_take_added(unified, owner, &values, error)
                                : lm__ipc_unified_take(unified, owner, &values, error);
    if (status == LM_OK && (values.length || !is_added)) {
        status = lm__ipc_encode_start(&w->encoder, values.length, error);
        if (status == LM_OK) status = lm__ipc_encode_array(&w->encoder, &values);
        if (status == LM_OK) status = message_write(w, number, is_added, error);
    }
    lm__batch_unref(owner);
    return status;
}

/* A file's, which is another than the last. */
static lm_status dictionary_unify(lm_ipc_writer *w, const lm_field *field, const lm_array *values,
                                  lm_error *error)
{
    written *last = &w->dictionaries[field->dictionary_id];
    if (!lm__ipc_unified_can(field->dictionary))
        return refuse_change(field, "its values are nested", error);
    if (!last->unified)
        LM_TRY(lm__ipc_unified_new(w->allocator, field->dictionary, &last->values, &last->unified,
                                   error));
    LM_TRY(lm__ipc_unified_add(last->unified, values, &last->places, error));
    if (field->type.ordered && !are_in_place(last->places, values->length))
        return refuse_change(field, "with it the order of its values", error);
    if (lm__ipc_unified_count(last->unified) - 1 > lm__type_greatest(field->type.index_id))
        return refuse_change(field, "all its values are more than its indices can tell", error);
    return unified_write(w, field->dictionary_id, true, error);
}

static lm_status dictionary_take(lm_ipc_writer *w, lm_batch *batch, const lm_field *field,
                                 const lm_array *values, bool within, bool *changed,
                                 lm_error *error)
{
    written *last = &w->dictionaries[field->dictionary_id];
    uint8_t digest[LM_SHA256_BYTES];
    LM_TRY(lm__ipc_encode_start(&w->encoder, values->length, error));
    LM_TRY(lm__ipc_encode_array(&w->encoder, values));
    lm__ipc_encode_digest(&w->encoder, digest);
    if (!last->holder || within || memcmp(digest, last->digest, sizeof digest) != 0) {
        if (last->holder && w->options.format == LM_IPC_FILE) {
            LM_TRY(dictionary_unify(w, field, values, error));
        } else {
            last->block = w->dictionary_blocks.size;
            LM_TRY(message_write(w, field->dictionary_id, false, error));
        }
        *changed = true;
    }
    lm__batch_unref(last->holder);
    last->holder = lm__batch_ref(batch);
    last->values = *values;
    memcpy(last->digest, digest, sizeof digest);
    return LM_OK;
}

static lm_status dictionary_write(lm_ipc_writer *w, lm_batch *batch, const lm_field *field,
                                  const lm_array *values, bool *changed, lm_error *error)
{
    written *last = &w->dictionaries[field->dictionary_id];
    bool within = false; /* a dictionary among the values has changed */
    LM_TRY(dictionaries_write(w, batch, field->dictionary, values, &within, error));
    if (!last->holder || within || !same_memory(values, &last->values))
        LM_TRY(dictionary_take(w, batch, field, values, within, changed, error));
    if (!last->unified) return LM_OK;
    const lm_ipc_moved moved = {values, last->places};
    if (lm__buffer_append(&w->encoder.moved, &moved, sizeof moved) != LM_OK)
        return refuse_memory(error);
    return LM_OK;
}

/* `field` is the writer's own, in the place of the array's. */
static lm_status dictionaries_write(lm_ipc_writer *w, lm_batch *batch, const lm_field *field,
                                    const lm_array *array, bool *changed, lm_error *error)
{
    if (field->dictionary)
        LM_TRY(dictionary_write(w, batch, field, array->dictionary, changed, error));
    for (int32_t i = 0; i < field->n_children; i++)
        LM_TRY(
            dictionaries_write(w, batch, &field->children[i], &array->children[i], changed, error));
    return LM_OK;
}

/* Behind the last batch; its block stands for the first one's then. */
static lm_status whole_write(lm_ipc_writer *w, int64_t number, lm_error *error)
{
    lm_buffer *blocks = &w->dictionary_blocks;
    LM_TRY(unified_write(w, number, false, error));
    blocks->size -= LM_FB_BLOCK_BYTES;
    memcpy(blocks->data + w->dictionaries[number].block, blocks->data + blocks->size,
           LM_FB_BLOCK_BYTES);
    return LM_OK;
}

static lm_status all_unified_write(lm_ipc_writer *w, lm_error *error)
{
    for (size_t i = 0; i < w->n_dictionaries; i++)
        if (w->dictionaries[i].unified) LM_TRY(whole_write(w, (int64_t)i, error));
    return LM_OK;
}

/* The three steps. */

static lm_status schema_write(lm_ipc_writer *w, lm_error *error)
{
    lm_buffer *out = &w->encoder.message;
    lm__buffer_clear(out);
    LM_TRY(lm__fb_schema_message(w->schema, out, error));
    return lm_sink_write(w->sink, out->data, out->size, error);
}

static lm_status schema_number(lm_ipc_writer *w, const lm_schema *schema, lm_error *error)
{
    LM_TRY(lm__schema_new(w->allocator, &w->schema, error));
    LM_TRY(lm__field_copy(&w->schema->arena, &schema->root, &w->schema->root, error));
    w->n_dictionaries = (size_t)lm__fb_schema_number(&w->schema->root);
    if (w->n_dictionaries == 0) return LM_OK;
    w->dictionaries = lm__alloc_zero(w->allocator, w->n_dictionaries * sizeof *w->dictionaries);
    return w->dictionaries ? LM_OK : refuse_memory(error);
}

lm_status lm__ipc_writer_open(const lm_allocator *allocator, const lm_schema *schema, lm_sink *sink,
                              const lm_ipc_write_options *options, lm_ipc_writer **writer,
                              lm_error *error)
{
    allocator = lm__allocator_or_default(allocator);
    *writer = NULL;
    lm_ipc_writer *w = lm__alloc_zero(allocator, sizeof *w);
    if (!w) return refuse_memory(error);
    w->allocator = allocator;
    w->sink = sink;
    w->start = sink->bytes;
    if (options) w->options = *options;
    lm__ipc_encoder_init(&w->encoder, allocator);
    w->encoder.compression = w->options.codec;
    w->encoder.level = w->options.level;
    lm__buffer_init(&w->record_blocks, allocator, 0);
    lm__buffer_init(&w->dictionary_blocks, allocator, 0);
    lm_status status = schema_number(w, schema, error);
    static const char magic[LM_IPC_FILE_HEAD_BYTES] = LM_IPC_MAGIC;
    if (status == LM_OK && w->options.format == LM_IPC_FILE)
        status = lm_sink_write(sink, magic, sizeof magic, error);
    if (status == LM_OK) status = schema_write(w, error);
    if (status == LM_OK)
        *writer = w;
    else
        lm__ipc_writer_close(w);
    return status;
}

static lm_status fail(lm_ipc_writer *w, lm_status status, lm_error *error)
{
    if (error) *error = w->failure;
    return status;
}

static lm_status batch_write(lm_ipc_writer *w, lm_batch *batch, lm_error *error)
{
    bool changed = false;
    lm__buffer_clear(&w->encoder.moved);
    LM_TRY(dictionaries_write(w, batch, &w->schema->root, &batch->root, &changed, error));
    LM_TRY(lm__ipc_encode_start(&w->encoder, batch->root.length, error));
    for (int32_t i = 0; i < batch->root.n_children; i++) {
        lm_array column = lm__batch_column(batch, i);
        LM_TRY(lm__ipc_encode_array(&w->encoder, &column));
    }
    return message_write(w, -1, false, error);
}

lm_status lm__ipc_writer_batch(lm_ipc_writer *w, lm_batch *batch, lm_error *error)
{
    lm_status status = w->failure.code;
    if (status == LM_OK) status = batch_write(w, batch, &w->failure);
    return status == LM_OK ? LM_OK : fail(w, status, error);
}

static void blocks_put(lm_fb_builder *b, size_t slot, const lm_buffer *blocks)
{
    uint8_t *out = lm__fb_vector(b, slot, blocks->size / LM_FB_BLOCK_BYTES, LM_FB_BLOCK_BYTES, 8);
    if (out && blocks->size > 0) memcpy(out, blocks->data, blocks->size);
}

static lm_status footer_write(lm_ipc_writer *w, lm_error *error)
{
    lm_buffer *out = &w->encoder.message;
    lm__buffer_clear(out);
    lm_fb_builder b;
    lm_fb_draft footer = {0};
    lm__fb_builder_init(&b, out);
    lm__fb_set(&footer, LM_FB_FOOTER_VERSION, 2, LM_FB_VERSION_V5);
    lm__fb_set_link(&footer, LM_FB_FOOTER_SCHEMA);
    lm__fb_set_link(&footer, LM_FB_FOOTER_DICTIONARIES);
    lm__fb_set_link(&footer, LM_FB_FOOTER_RECORDS);
    lm__fb_table(&b, LM_FB_ROOT, &footer);
    lm__fb_schema_put(&b, footer.fields[LM_FB_FOOTER_SCHEMA].slot, w->schema);
    blocks_put(&b, footer.fields[LM_FB_FOOTER_DICTIONARIES].slot, &w->dictionary_blocks);
    blocks_put(&b, footer.fields[LM_FB_FOOTER_RECORDS].slot, &w->record_blocks);
    if (b.status != LM_OK) return lm__error_set(error, b.status, "the footer grows too large");
    uint8_t tail[LM_IPC_FILE_TAIL_BYTES];
    lm__fb_put_i32(tail, (int32_t)out->size);
    memcpy(tail + 4, LM_IPC_MAGIC, LM_IPC_MAGIC_BYTES);
    LM_TRY(lm_sink_write(w->sink, out->data, out->size, error));
    return lm_sink_write(w->sink, tail, sizeof tail, error);
}

lm_status lm__ipc_writer_end(lm_ipc_writer *w, lm_error *error)
{
    static const uint8_t mark[8] = {0xff, 0xff, 0xff, 0xff};
    lm_status status = w->failure.code;
    if (status == LM_OK) status = all_unified_write(w, &w->failure);
    if (status == LM_OK) status = lm_sink_write(w->sink, mark, sizeof mark, &w->failure);
    if (status == LM_OK && w->options.format == LM_IPC_FILE) status = footer_write(w, &w->failure);
    return status == LM_OK ? LM_OK : fail(w, status, error);
}

void lm__ipc_writer_close(lm_ipc_writer *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->n_dictionaries && w->dictionaries; i++) {
        lm__batch_unref(w->dictionaries[i].holder);
        lm__ipc_unified_free(w->dictionaries[i].unified);
    }
    lm__free(w->allocator, w->dictionaries);
    lm_schema_free(w->schema);
    lm__ipc_encoder_deinit(&w->encoder);
    lm__buffer_deinit(&w->record_blocks);
    lm__buffer_deinit(&w->dictionary_blocks);
    lm__free(w->allocator, w);
}

static lm_status stream_write(lm_ipc_writer *writer, lm_stream *stream, const lm_cancel *cancel,
                              lm_error *error)
{
    for (;;) {
        lm_batch *batch;
        if (lm__cancel_requested(cancel)) return lm__error_set(error, LM_CANCELLED, "interrupted");
        LM_TRY(lm__stream_next(stream, &batch, error));
        if (!batch) return lm__ipc_writer_end(writer, error);
        lm_status status = lm__ipc_writer_batch(writer, batch, error);
        lm__batch_unref(batch);
        LM_TRY(status);
    }
}

lm_status lm_ipc_write_take(const lm_allocator *allocator, struct ArrowArrayStream *source,
                            lm_sink *sink, const lm_ipc_write_options *options, lm_error *error)
{
    lm_stream *stream = NULL;
    lm_ipc_writer *writer = NULL;
    lm_status status = lm__stream_import_take(allocator, source, LM_VALIDATE_FULL, &stream, error);
    if (status == LM_OK)
        status = lm__ipc_writer_open(allocator, stream->schema, sink, options, &writer, error);
    if (status == LM_OK)
        status = stream_write(writer, stream, options ? options->cancel : NULL, error);
    lm__ipc_writer_close(writer);
    lm__stream_close(stream);
    return status;
}
