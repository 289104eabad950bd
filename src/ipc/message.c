/* Encapsulated messages; see message.h. */
#include "ipc/message.h"

#include "base/error.h"
#include "base/limits.h"

lm_status lm__ipc_reader_check(const lm_fb_reader *reader, lm_error *error)
{
    if (!reader->bad) return LM_OK;
    return lm__error_set(error, LM_CORRUPT, "a message's metadata is not a valid flatbuffer");
}

/* The four bytes that may be the end, a length, or the continuation before a length (since 0.15).
 */
static lm_status length_take(lm_ipc_input *input, size_t *length, lm_ipc_end *end, lm_error *error)
{
    uint8_t word[4];
    size_t got;
    LM_TRY(lm__ipc_input_read(input, word, sizeof word, &got, error));
    *end = got == 0 ? LM_IPC_ENDED_OPEN : LM_IPC_NOT_ENDED;
    if (got == 0) return LM_OK;
    if (got == sizeof word && (uint32_t)lm__fb_get_i32(word) == LM_FB_CONTINUATION)
        LM_TRY(lm__ipc_input_read(input, word, sizeof word, &got, error));
    if (got < sizeof word) return lm__error_set(error, LM_CORRUPT, "it ends within a message");
    *length = (uint32_t)lm__fb_get_i32(word);
    if (*length == 0) *end = LM_IPC_ENDED_MARKED;
    if (*length > LM_IPC_MESSAGE_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a message with metadata of %zu bytes, at most %zu",
                             *length, LM_IPC_MESSAGE_BYTES_MAX);
    return LM_OK;
}

static lm_status message_open(lm_ipc_message *message, const uint8_t *data, size_t size,
                              lm_error *error)
{
    lm__fb_reader_init(&message->reader, data, size);
    lm_fb_table root = lm__fb_root(&message->reader);
    int16_t version = lm__fb_i16(&root, LM_FB_MESSAGE_VERSION, 0);
    int64_t body = lm__fb_i64(&root, LM_FB_MESSAGE_BODY_LENGTH, 0);
    message->header_type = lm__fb_u8(&root, LM_FB_MESSAGE_HEADER_TYPE, 0);
    message->header = lm__fb_child(&root, LM_FB_MESSAGE_HEADER);
    LM_TRY(lm__ipc_reader_check(&message->reader, error));
    if (version != LM_FB_VERSION_V4 && version != LM_FB_VERSION_V5)
        return lm__error_set(error, LM_UNSUPPORTED, "metadata version V%d, only V4 and V5 are read",
                             version + 1);
    if (!lm__fb_present(&message->header))
        return lm__error_set(error, LM_CORRUPT, "a message without a header");
    if (body < 0) return lm__error_set(error, LM_CORRUPT, "a message's body is of negative size");
    if ((uint64_t)body > LM_IPC_BODY_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a message with a body of %lld bytes, at most %zu",
                             (long long)body, LM_IPC_BODY_BYTES_MAX);
    message->body_size = (size_t)body;
    message->version = version;
    return LM_OK;
}

lm_status lm__ipc_message_take(lm_ipc_input *input, lm_ipc_hold *hold, lm_ipc_message *message,
                               lm_ipc_end *end, lm_error *error)
{
    size_t size = 0;
    const uint8_t *data;
    LM_TRY(length_take(input, &size, end, error));
    if (*end != LM_IPC_NOT_ENDED) return LM_OK;
    LM_TRY(lm__ipc_input_take(input, hold, size, &data, error));
    return message_open(message, data, size, error);
}
