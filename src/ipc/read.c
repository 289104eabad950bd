/*
 * Reading Arrow IPC: the stream format from a source or a pull, the file format from a source.
 *
 * A file is read by its footer; one that comes through a pipe is read as the stream that it holds,
 * and the footer is passed over.
 *
 * Invariants
 *  1. The input is closed when the stream ends, fails or is closed; batches hold on to the source
 *     whose bytes they borrow.
 *  2. A stream that stops without its end mark is an error, unless it was asked for otherwise; so
 *     are bytes that follow the mark.
 *  3. A file's dictionaries are all read before its first record batch.
 */
#include <lamella/ipc.h>

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "ipc/decode.h"
#include "ipc/message.h"

typedef enum reader_mode {
    MODE_STREAM,
    MODE_FILE,       /* by the footer */
    MODE_PIPED_FILE, /* as a stream between the magic and the footer */
} reader_mode;

typedef struct reader {
    lm_stream stream;
    const lm_allocator *allocator;
    lm_ipc_input input;
    lm_ipc_read_options options;
    lm_ipc_decoder decoder;
    reader_mode mode;
    char name[256]; /* outlives the input, for messages */
    /* files */
    lm_ipc_hold *footer_hold;
    lm_fb_reader footer;
    lm_fb_vector records, dictionaries;
    uint64_t footer_at;
    size_t next_record;
    bool dictionaries_read;
} reader;

static void reader_free(reader *r)
{
    lm__ipc_input_close(&r->input);
    lm__ipc_hold_unref(r->footer_hold);
    lm__ipc_dictionaries_deinit(&r->decoder.dictionaries);
    lm__codec_context_free(r->decoder.codec);
    lm__free(r->allocator, r);
}

static lm_status refuse(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_CORRUPT, "%s", what);
}

/* The body that follows a message, and what a message of that kind does. */

static lm_status body_take(reader *r, lm_ipc_hold *hold, const lm_ipc_message *message,
                           lm_ipc_body *body, lm_error *error)
{
    *body = (lm_ipc_body){
        .hold = hold,
        .size = message->body_size,
        .version = message->version,
    };
    body->data = (const uint8_t *)"";
    if (body->size == 0) return LM_OK;
    return lm__ipc_input_take(&r->input, hold, body->size, &body->data, error);
}

/* Takes the next message with its body; a dictionary is taken up, a record batch is decoded. */
static lm_status message_handle(reader *r, lm_ipc_hold *hold, lm_batch **batch, lm_ipc_end *end,
                                lm_error *error)
{
    lm_ipc_message message;
    lm_ipc_body body;
    LM_TRY(lm__ipc_message_take(&r->input, hold, &message, end, error));
    if (*end != LM_IPC_NOT_ENDED) return LM_OK;
    LM_TRY(body_take(r, hold, &message, &body, error));
    switch (message.header_type) {
    case LM_FB_HEADER_RECORDS:
        return lm__ipc_records_decode(&r->decoder, r->stream.schema, &message.header, &body, batch,
                                      error);
    case LM_FB_HEADER_DICTIONARY:
        return lm__ipc_dictionary_decode(&r->decoder, &message.header, &body, error);
    case LM_FB_HEADER_SCHEMA: return refuse(error, "a second schema");
    default:
        return lm__error_set(error, LM_UNSUPPORTED,
                             "a message of kind %d: only schemas, dictionaries and record batches "
                             "are read, no tensors",
                             message.header_type);
    }
}

/* Streams. */

/* What follows the end mark: nothing, or a piped file's footer with the magic at its end. */
static lm_status tail_check(reader *r, lm_error *error)
{
    uint8_t bytes[4096], tail[LM_IPC_MAGIC_BYTES] = {0};
    size_t got;
    do {
        LM_TRY(lm__ipc_input_read(&r->input, bytes, sizeof bytes, &got, error));
        if (r->mode == MODE_STREAM && got > 0)
            return refuse(error, "bytes follow the end of the stream");
        size_t kept = got < sizeof tail ? sizeof tail - got : 0;
        memmove(tail, tail + sizeof tail - kept, kept);
        memcpy(tail + kept, bytes + got - (sizeof tail - kept), sizeof tail - kept);
    } while (got > 0);
    if (r->mode == MODE_PIPED_FILE && memcmp(tail, LM_IPC_MAGIC, sizeof tail) != 0)
        return refuse(error, "the file is cut off");
    return LM_OK;
}

static lm_status stream_end(reader *r, lm_ipc_end end, lm_error *error)
{
    if (end == LM_IPC_ENDED_OPEN && (r->mode == MODE_PIPED_FILE || !r->options.open_end))
        return refuse(error, "it stops without an end mark, as if its writer had died");
    if (end == LM_IPC_ENDED_MARKED) LM_TRY(tail_check(r, error));
    return LM_OK;
}

static lm_status stream_next(reader *r, lm_batch **batch, lm_error *error)
{
    for (;;) {
        lm_ipc_end end;
        lm_ipc_hold *hold = lm__ipc_hold_new(r->allocator, r->input.origin);
        if (!hold) return lm__error_memory(error, "reading a message");
        lm_status status = message_handle(r, hold, batch, &end, error);
        lm__ipc_hold_unref(hold);
        LM_TRY(status);
        if (*batch) return LM_OK;
        if (end != LM_IPC_NOT_ENDED) return stream_end(r, end, error);
    }
}

/* Files ("IPC File Format"). */

/* The message of a block of the footer, which is what the footer says; its body comes next. */
static lm_status block_open(reader *r, const uint8_t *block, int header_type, lm_ipc_hold *hold,
                            lm_ipc_message *message, lm_error *error)
{
    int64_t at = lm__fb_get_i64(block), body_size = lm__fb_get_i64(block + 16);
    int32_t metadata_size = lm__fb_get_i32(block + 8);
    if (at < LM_IPC_FILE_HEAD_BYTES || body_size < 0 || metadata_size < 0 ||
        (uint64_t)at > r->footer_at || (uint64_t)metadata_size > r->footer_at - (uint64_t)at ||
        (uint64_t)body_size > r->footer_at - (uint64_t)at - (uint64_t)metadata_size)
        return refuse(error, "the footer names a block outside the file");
    lm_ipc_end end;
    r->input.at = (uint64_t)at;
    LM_TRY(lm__ipc_message_take(&r->input, hold, message, &end, error));
    if (end != LM_IPC_NOT_ENDED || message->header_type != header_type ||
        r->input.at > (uint64_t)at + (uint64_t)metadata_size ||
        message->body_size != (size_t)body_size)
        return refuse(error, "a block is not what the footer says");
    r->input.at = (uint64_t)at + (uint64_t)metadata_size;
    return LM_OK;
}

static lm_status block_handle(reader *r, const uint8_t *block, int header_type, lm_batch **batch,
                              lm_error *error)
{
    lm_ipc_message message;
    lm_ipc_body body;
    lm_ipc_hold *hold = lm__ipc_hold_new(r->allocator, r->input.origin);
    if (!hold) return lm__error_memory(error, "reading a message");
    lm_status status = block_open(r, block, header_type, hold, &message, error);
    if (status == LM_OK) status = body_take(r, hold, &message, &body, error);
    if (status == LM_OK && header_type == LM_FB_HEADER_RECORDS)
        status = lm__ipc_records_decode(&r->decoder, r->stream.schema, &message.header, &body,
                                        batch, error);
    else if (status == LM_OK)
        status = lm__ipc_dictionary_decode(&r->decoder, &message.header, &body, error);
    lm__ipc_hold_unref(hold);
    return status;
}

static lm_status file_next(reader *r, lm_batch **batch, lm_error *error)
{
    for (size_t i = 0; i < r->dictionaries.length && !r->dictionaries_read; i++)
        LM_TRY(block_handle(r, lm__fb_item(&r->dictionaries, i), LM_FB_HEADER_DICTIONARY, NULL,
                            error));
    r->dictionaries_read = true;
    if (r->next_record == r->records.length) return LM_OK;
    return block_handle(r, lm__fb_item(&r->records, r->next_record++), LM_FB_HEADER_RECORDS, batch,
                        error);
}

static lm_status footer_read(reader *r, lm_schema **schema, lm_error *error)
{
    lm_source *source = r->input.origin->source;
    const uint8_t *tail, *data;
    r->footer_hold = lm__ipc_hold_new(r->allocator, r->input.origin);
    if (!r->footer_hold) return lm__error_memory(error, "reading a footer");
    if (source->size < LM_IPC_FILE_HEAD_BYTES + LM_IPC_FILE_TAIL_BYTES)
        return refuse(error, "the file is cut off");
    r->input.at = source->size - LM_IPC_FILE_TAIL_BYTES;
    LM_TRY(lm__ipc_input_take(&r->input, r->footer_hold, LM_IPC_FILE_TAIL_BYTES, &tail, error));
    if (memcmp(tail + 4, LM_IPC_MAGIC, LM_IPC_MAGIC_BYTES) != 0)
        return refuse(error, "the file is cut off: it does not end with its magic");
    size_t size = (uint32_t)lm__fb_get_i32(tail);
    if (size > LM_IPC_MESSAGE_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a footer of %zu bytes, at most %zu", size,
                             LM_IPC_MESSAGE_BYTES_MAX);
    if (size > source->size - LM_IPC_FILE_HEAD_BYTES - LM_IPC_FILE_TAIL_BYTES)
        return refuse(error, "the footer is longer than the file");
    r->footer_at = r->input.at = source->size - LM_IPC_FILE_TAIL_BYTES - size;
    LM_TRY(lm__ipc_input_take(&r->input, r->footer_hold, size, &data, error));
    lm__fb_reader_init(&r->footer, data, size);
    lm_fb_table footer = lm__fb_root(&r->footer);
    lm_fb_table schema_table = lm__fb_child(&footer, LM_FB_FOOTER_SCHEMA);
    r->records = lm__fb_items(&footer, LM_FB_FOOTER_RECORDS, LM_FB_BLOCK_BYTES);
    r->dictionaries = lm__fb_items(&footer, LM_FB_FOOTER_DICTIONARIES, LM_FB_BLOCK_BYTES);
    LM_TRY(lm__ipc_reader_check(&r->footer, error));
    if (!lm__fb_present(&schema_table)) return refuse(error, "the footer has no schema");
    return lm__fb_schema_get(r->allocator, &schema_table, schema, error);
}

/* Opening. */

static lm_status stream_schema_read(reader *r, lm_schema **schema, lm_error *error)
{
    lm_ipc_end end;
    lm_ipc_message message;
    lm_ipc_hold *hold = lm__ipc_hold_new(r->allocator, r->input.origin);
    if (!hold) return lm__error_memory(error, "reading a schema");
    lm_status status = lm__ipc_message_take(&r->input, hold, &message, &end, error);
    if (status == LM_OK && end != LM_IPC_NOT_ENDED)
        status = refuse(error, "it ends before its schema");
    if (status == LM_OK && (message.header_type != LM_FB_HEADER_SCHEMA || message.body_size != 0))
        status = refuse(error, "it does not begin with a schema");
    if (status == LM_OK) status = lm__fb_schema_get(r->allocator, &message.header, schema, error);
    lm__ipc_hold_unref(hold);
    return status;
}

/* Looks at the first bytes; those of a stream are handed to the reading of the first message. */
static lm_status schema_read(reader *r, lm_schema **schema, lm_error *error)
{
    uint8_t head[LM_IPC_FILE_HEAD_BYTES];
    size_t got;
    LM_TRY(lm__ipc_input_read(&r->input, head, sizeof head, &got, error));
    bool magic = got >= LM_IPC_MAGIC_BYTES && memcmp(head, LM_IPC_MAGIC, LM_IPC_MAGIC_BYTES) == 0;
    if (!magic) {
        lm__ipc_input_unread(&r->input, head, got);
        return stream_schema_read(r, schema, error);
    }
    r->mode = r->input.origin ? MODE_FILE : MODE_PIPED_FILE;
    if (r->input.origin) return footer_read(r, schema, error);
    if (got < sizeof head) return refuse(error, "the file is cut off");
    return stream_schema_read(r, schema, error);
}

static lm_status reader_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    reader *r = (reader *)stream;
    *batch = NULL;
    lm_status status =
        r->mode == MODE_FILE ? file_next(r, batch, error) : stream_next(r, batch, error);
    if (status == LM_OK && *batch) return LM_OK;
    lm__ipc_input_close(&r->input);
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "%s", r->name);
}

static void reader_close(lm_stream *stream) { reader_free((reader *)stream); }

/* Takes the input. */
static lm_status reader_open(const lm_allocator *allocator, lm_ipc_input *input,
                             const lm_ipc_read_options *options, lm_stream **stream,
                             lm_error *error)
{
    static const lm_stream_ops ops = {reader_next, reader_close};
    reader *r = lm__alloc_zero(allocator, sizeof *r);
    if (!r) {
        lm__ipc_input_close(input);
        return lm__error_memory(error, "opening an IPC stream");
    }
    r->allocator = allocator;
    r->input = *input;
    r->decoder.allocator = allocator;
    if (options) r->options = *options;
    lm__printable(r->name, sizeof r->name, lm__ipc_input_name(input));
    lm_schema *schema = NULL;
    lm_status status = schema_read(r, &schema, error);
    if (status == LM_OK)
        status = lm__ipc_dictionaries_init(&r->decoder.dictionaries, allocator, schema, error);
    if (status != LM_OK) {
        status = lm__error_within(error, status, "%s", r->name);
        lm_schema_free(schema);
        reader_free(r);
        return status;
    }
    lm__stream_init(&r->stream, &ops, schema);
    lm_schema_free(schema);
    *stream = &r->stream;
    return LM_OK;
}

lm_status lm_ipc_read_take(const lm_allocator *allocator, lm_source *source,
                           const lm_ipc_read_options *options, struct ArrowArrayStream *out,
                           lm_error *error)
{
    lm_ipc_input input = {.origin = NULL};
    lm_stream *stream;
    allocator = lm__allocator_or_default(allocator);
    out->release = NULL;
    input.origin = lm__ipc_origin_new_take(allocator, source);
    if (!input.origin) return lm__error_memory(error, "opening an IPC stream");
    LM_TRY(reader_open(allocator, &input, options, &stream, error));
    return lm__stream_export_take(allocator, stream, out, error);
}

lm_status lm_ipc_pull_take(const lm_allocator *allocator, const lm_ipc_pull *pull,
                           const lm_ipc_read_options *options, struct ArrowArrayStream *out,
                           lm_error *error)
{
    lm_ipc_input input = {.pull = *pull};
    lm_stream *stream;
    allocator = lm__allocator_or_default(allocator);
    out->release = NULL;
    LM_TRY(reader_open(allocator, &input, options, &stream, error));
    return lm__stream_export_take(allocator, stream, out, error);
}

/* Counting. */

static lm_status count_message(const lm_ipc_message *message, int64_t *rows, lm_error *error)
{
    if (message->header_type != LM_FB_HEADER_RECORDS) return LM_OK;
    int64_t length = lm__fb_i64(&message->header, LM_FB_RECORDS_LENGTH, 0);
    LM_TRY(lm__ipc_reader_check(&message->reader, error));
    if (length < 0 || __builtin_add_overflow(*rows, length, rows))
        return refuse(error, "a record batch of an impossible length");
    return LM_OK;
}

/* The next message of a stream, whose body is passed over; *more is false at the end. */
static lm_status count_next(reader *r, lm_ipc_hold *hold, int64_t *rows, bool *more,
                            lm_error *error)
{
    lm_ipc_end end;
    lm_ipc_message message;
    LM_TRY(lm__ipc_message_take(&r->input, hold, &message, &end, error));
    *more = end == LM_IPC_NOT_ENDED;
    if (!*more) return stream_end(r, end, error);
    if (message.body_size > r->input.origin->source->size - r->input.at)
        return refuse(error, "it ends within a message");
    r->input.at += message.body_size;
    return count_message(&message, rows, error);
}

static lm_status count_all(reader *r, int64_t *rows, lm_error *error)
{
    bool more = true;
    for (size_t i = 0; r->mode == MODE_FILE ? i < r->records.length : more; i++) {
        lm_ipc_message message;
        lm_ipc_hold *hold = lm__ipc_hold_new(r->allocator, r->input.origin);
        if (!hold) return lm__error_memory(error, "reading a message");
        lm_status status;
        if (r->mode == MODE_FILE) {
            status = block_open(r, lm__fb_item(&r->records, i), LM_FB_HEADER_RECORDS, hold,
                                &message, error);
            if (status == LM_OK) status = count_message(&message, rows, error);
        } else {
            status = count_next(r, hold, rows, &more, error);
        }
        lm__ipc_hold_unref(hold);
        LM_TRY(status);
    }
    return LM_OK;
}

lm_status lm_ipc_rows_take(const lm_allocator *allocator, lm_source *take_source, int64_t *rows,
                           lm_error *error)
{
    lm_ipc_input input = {.origin = NULL};
    lm_stream *stream;
    allocator = lm__allocator_or_default(allocator);
    *rows = 0;
    input.origin = lm__ipc_origin_new_take(allocator, take_source);
    if (!input.origin) return lm__error_memory(error, "opening an IPC stream");
    LM_TRY(reader_open(allocator, &input, NULL, &stream, error));
    reader *r = (reader *)stream;
    lm_status status = count_all(r, rows, error);
    if (status != LM_OK) status = lm__error_within(error, status, "%s", r->name);
    lm__stream_close(stream);
    return status;
}
