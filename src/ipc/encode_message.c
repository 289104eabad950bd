/* The message of a record batch: its buffers compressed and laid out, its flatbuffer; see encode.h.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "codec/lz4_frame.h"
#include "ipc/encode.h"

static lm_status refuse_memory(lm_ipc_encoder *e)
{
    return lm__error_memory(e->error, "writing a record batch");
}

void lm__ipc_encoder_init(lm_ipc_encoder *e, const lm_allocator *allocator)
{
    *e = (lm_ipc_encoder){.allocator = lm__allocator_or_default(allocator)};
    lm__buffer_init(&e->nodes, allocator, 0);
    lm__buffer_init(&e->variadic, allocator, 0);
    lm__buffer_init(&e->parts, allocator, 0);
    lm__buffer_init(&e->message, allocator, 0);
    lm__buffer_init(&e->moved, allocator, 0);
}

void lm__ipc_encoder_deinit(lm_ipc_encoder *e)
{
    lm__ipc_hold_unref(e->hold);
    lm__codec_context_free(e->codec);
    lm__buffer_deinit(&e->nodes);
    lm__buffer_deinit(&e->variadic);
    lm__buffer_deinit(&e->parts);
    lm__buffer_deinit(&e->message);
    lm__buffer_deinit(&e->moved);
}

lm_status lm__ipc_encode_start(lm_ipc_encoder *e, int64_t rows, lm_error *error)
{
    e->error = error;
    e->rows = rows;
    lm__buffer_clear(&e->nodes);
    lm__buffer_clear(&e->variadic);
    lm__buffer_clear(&e->parts);
    lm__ipc_hold_unref(e->hold);
    e->hold = lm__ipc_hold_new(e->allocator, NULL);
    return e->hold ? LM_OK : refuse_memory(e);
}

static lm_ipc_part *parts_of(const lm_ipc_encoder *e, size_t *count)
{
    *count = e->parts.size / sizeof(lm_ipc_part);
    return (lm_ipc_part *)(void *)e->parts.data;
}

void lm__ipc_encode_digest(const lm_ipc_encoder *e, uint8_t digest[32])
{
    size_t count;
    lm_ipc_part *parts = parts_of(e, &count);
    lm_sha256 sha;
    lm__sha256_init(&sha);
    lm__sha256_update(&sha, e->nodes.data, e->nodes.size);
    for (size_t i = 0; i < count; i++) {
        lm__sha256_update(&sha, &parts[i].size, sizeof parts[i].size);
        lm__sha256_update(&sha, parts[i].data, parts[i].size);
    }
    lm__sha256_final(&sha, digest);
}

/* A buffer that does not shrink stays as it is, and says so. */
static lm_status part_compress(lm_ipc_encoder *e, lm_ipc_part *part)
{
    bool zstd = e->compression == LM_IPC_ZSTD;
    size_t capacity = zstd ? part->size : lm__lz4_frame_bound(part->size), written = 0;
    uint8_t *packed = lm__ipc_hold_alloc(e->hold, capacity);
    if (!packed) return refuse_memory(e);
    lm_status status =
        zstd ? lm__codec_compress(e->codec, LM_CODEC_ZSTD,
                                  e->level ? e->level : LM_CODEC_LEVEL_DEFAULT, part->data,
                                  part->size, packed, capacity, &written, e->error)
             : lm__lz4_frame_encode(e->codec, part->data, part->size, packed, &written, e->error);
    if (status != LM_OK && status != LM_LIMIT) return status;
    part->has_prefix = true;
    part->prefix = -1;
    if (status == LM_LIMIT || written >= part->size) return LM_OK;
    part->prefix = (int64_t)part->size;
    part->data = packed;
    part->size = written;
    return LM_OK;
}

lm_status lm__ipc_encode_compress(lm_ipc_encoder *e)
{
    size_t count;
    lm_ipc_part *parts = parts_of(e, &count);
    if (e->compression == LM_IPC_UNCOMPRESSED) return LM_OK;
    if (!e->codec) LM_TRY(lm__codec_context_new(e->allocator, &e->codec, e->error));
    for (size_t i = 0; i < count; i++)
        if (parts[i].size > 0) LM_TRY(part_compress(e, &parts[i]));
    return LM_OK;
}

/* Where each buffer lies in the body (invariant 2). */
static size_t buffers_place(const lm_ipc_encoder *e, uint8_t *out)
{
    size_t count, at = 0;
    lm_ipc_part *parts = parts_of(e, &count);
    for (size_t i = 0; i < count; i++) {
        size_t size = parts[i].size + (parts[i].has_prefix ? 8 : 0);
        if (out) {
            lm__fb_put_i64(out + i * LM_FB_BUFFER_BYTES, (int64_t)at);
            lm__fb_put_i64(out + i * LM_FB_BUFFER_BYTES + 8, (int64_t)size);
        }
        at += (size + LM_IPC_ALIGNMENT - 1) / LM_IPC_ALIGNMENT * LM_IPC_ALIGNMENT;
    }
    return at;
}

static void vector_put(lm_fb_builder *b, size_t slot, const lm_buffer *items, size_t item_size)
{
    uint8_t *out = lm__fb_vector(b, slot, items->size / item_size, item_size, 8);
    if (out && items->size > 0) memcpy(out, items->data, items->size);
}

static void records_put(const lm_ipc_encoder *e, lm_fb_builder *b, size_t slot)
{
    size_t count;
    (void)parts_of(e, &count);
    lm_fb_draft records = {0};
    lm__fb_set(&records, LM_FB_RECORDS_LENGTH, 8, e->rows);
    lm__fb_set_link(&records, LM_FB_RECORDS_NODES);
    lm__fb_set_link(&records, LM_FB_RECORDS_BUFFERS);
    if (e->compression != LM_IPC_UNCOMPRESSED) lm__fb_set_link(&records, LM_FB_RECORDS_COMPRESSION);
    if (e->variadic.size > 0) lm__fb_set_link(&records, LM_FB_RECORDS_VARIADIC);
    lm__fb_table(b, slot, &records);
    vector_put(b, records.fields[LM_FB_RECORDS_NODES].slot, &e->nodes, LM_FB_NODE_BYTES);
    uint8_t *buffers =
        lm__fb_vector(b, records.fields[LM_FB_RECORDS_BUFFERS].slot, count, LM_FB_BUFFER_BYTES, 8);
    if (buffers) (void)buffers_place(e, buffers);
    if (e->compression != LM_IPC_UNCOMPRESSED) {
        lm_fb_draft compression = {0};
        lm__fb_set(&compression, LM_FB_COMPRESSION_CODEC, 1,
                   e->compression == LM_IPC_ZSTD ? LM_FB_CODEC_ZSTD : LM_FB_CODEC_LZ4_FRAME);
        lm__fb_table(b, records.fields[LM_FB_RECORDS_COMPRESSION].slot, &compression);
    }
    if (e->variadic.size > 0)
        vector_put(b, records.fields[LM_FB_RECORDS_VARIADIC].slot, &e->variadic, 8);
}

lm_status lm__ipc_encode_message(lm_ipc_encoder *e, uint64_t at, int64_t dictionary, bool is_added,
                                 size_t *body_size)
{
    lm_buffer *out = &e->message;
    lm__buffer_clear(out);
    *body_size = buffers_place(e, NULL);
    static const uint8_t head[8] = {0xff, 0xff, 0xff, 0xff};
    if (lm__buffer_append(out, head, sizeof head) != LM_OK) return refuse_memory(e);
    lm_fb_builder b;
    lm__fb_builder_init(&b, out);
    lm_fb_draft message = {0};
    int type = dictionary < 0 ? LM_FB_HEADER_RECORDS : LM_FB_HEADER_DICTIONARY;
    lm__fb_set(&message, LM_FB_MESSAGE_VERSION, 2, LM_FB_VERSION_V5);
    lm__fb_set(&message, LM_FB_MESSAGE_HEADER_TYPE, 1, type);
    lm__fb_set_link(&message, LM_FB_MESSAGE_HEADER);
    lm__fb_set(&message, LM_FB_MESSAGE_BODY_LENGTH, 8, (int64_t)*body_size);
    lm__fb_table(&b, LM_FB_ROOT, &message);
    size_t slot = message.fields[LM_FB_MESSAGE_HEADER].slot;
    if (dictionary >= 0) {
        lm_fb_draft table = {0};
        lm__fb_set(&table, LM_FB_DICTIONARY_ID, 8, dictionary);
        lm__fb_set_link(&table, LM_FB_DICTIONARY_DATA);
        if (is_added) lm__fb_set(&table, LM_FB_DICTIONARY_DELTA, 1, true);
        lm__fb_table(&b, slot, &table);
        slot = table.fields[LM_FB_DICTIONARY_DATA].slot;
    }
    records_put(e, &b, slot);
    if (b.status != LM_OK)
        return lm__error_set(e->error, b.status,
                             "a record batch's message "
                             "grows too large");
    size_t padding = (size_t)(-(at + out->size) % LM_IPC_ALIGNMENT);
    static const uint8_t zeros[LM_IPC_ALIGNMENT];
    if (lm__buffer_append(out, zeros, padding) != LM_OK) return refuse_memory(e);
    lm__fb_put_i32(out->data + 4, (int32_t)(out->size - 8));
    return LM_OK;
}
