/*
 * Status texts and the filling of lm_error.
 *
 * Invariants
 *  1. Nothing here allocates, so every failure can be told, running out of memory included.
 *  2. A message is one line of printable UTF-8, always terminated.
 */
#define _GNU_SOURCE
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

typedef struct status_row {
    const char *name, *text;
    int exit_status;
    const char *exception;
} status_row;

static const status_row *status_find(lm_status status)
{
    static const status_row rows[] = {
#define ROW(name, number, text, exit_status, exception)                                            \
    [number] = {#name, text, exit_status, exception},
        LM_STATUS_TABLE(ROW)
#undef ROW
    };
    size_t index = (size_t)status;
    return &rows[index < sizeof rows / sizeof *rows ? index : LM_BROKEN];
}

const char *lm_status_name(lm_status status) { return status_find(status)->name; }
const char *lm_status_text(lm_status status) { return status_find(status)->text; }
int lm_status_exit(lm_status status) { return status_find(status)->exit_status; }
const char *lm_status_exception(lm_status status) { return status_find(status)->exception; }

void lm_error_clear(lm_error *error)
{
    if (!error) return;
    error->code = LM_OK;
    error->os_code = 0;
    error->http_code = 0;
    error->retryable = false;
    error->message[0] = '\0';
}

static void message_format(lm_error *error, const char *format, va_list args)
{
    char raw[LM_ERROR_MESSAGE_MAX];
    if (vsnprintf(raw, sizeof raw, format, args) < 0) raw[0] = '\0';
    lm__printable(error->message, sizeof error->message, raw);
}

lm_status lm__error_set(lm_error *error, lm_status code, const char *format, ...)
{
    if (!error) return code;
    lm_error_clear(error);
    error->code = code;
    va_list args;
    va_start(args, format);
    message_format(error, format, args);
    va_end(args);
    return code;
}

lm_status lm__status_from_errno(int os_code)
{
    switch (os_code) {
    case 0: return LM_OK;
    case ENOMEM: return LM_NO_MEMORY;
    case ENOENT:
    case ENOTDIR: return LM_NOT_FOUND;
    case EEXIST: return LM_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS: return LM_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return LM_NO_SPACE;
    case ENOSYS:
    case EOPNOTSUPP: return LM_UNSUPPORTED;
    case ENAMETOOLONG: return LM_INVALID;
    default: return LM_IO;
    }
}

lm_status lm__error_os(lm_error *error, int os_code, const char *format, ...)
{
    lm_status code = lm__status_from_errno(os_code);
    if (code == LM_OK) code = LM_IO;
    if (!error) return code;
    lm_error_clear(error);
    error->code = code;
    error->os_code = os_code;
    error->retryable = os_code == EINTR || os_code == EAGAIN || os_code == ENOMEM;
    va_list args;
    va_start(args, format);
    message_format(error, format, args);
    va_end(args);
    char reason[128];
    const char *text = strerror_r(os_code, reason, sizeof reason);
    size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, ": %s", text);
    return code;
}

lm_status lm__error_memory(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_NO_MEMORY, "out of memory while %s", what);
}

lm_status lm__error_within(lm_error *error, lm_status code, const char *format, ...)
{
    if (!error) return code;
    char inner[LM_ERROR_MESSAGE_MAX];
    memcpy(inner, error->message, sizeof inner);
    va_list args;
    va_start(args, format);
    message_format(error, format, args);
    va_end(args);
    size_t used = strlen(error->message);
    int more = snprintf(error->message + used, sizeof error->message - used, ": %s", inner);
    (void)more; /* a message too long is cut */
    return code;
}

const char *lm__printable(char *buffer, size_t buffer_size, const char *bytes)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t left = strlen(bytes), used = 0, cut_at = 0; /* cut_at: the last end with room for "…" */
    const uint8_t *next = (const uint8_t *)bytes;
    if (buffer_size == 0) return buffer;
    while (left > 0) {
        char piece[8];
        size_t length = lm__utf8_sequence(next, left), step = length ? length : 1;
        if (length == 0 || *next < 0x20 || *next == 0x7f)
            length = (size_t)snprintf(piece, sizeof piece, "\\x%02x", *next);
        else
            memcpy(piece, next, length);
        if (used + length + 1 > buffer_size) {
            used = cut_at;
            if (used + sizeof ellipsis <= buffer_size) {
                memcpy(buffer + used, ellipsis, sizeof ellipsis - 1);
                used += sizeof ellipsis - 1;
            }
            break;
        }
        memcpy(buffer + used, piece, length);
        used += length;
        if (used + sizeof ellipsis <= buffer_size) cut_at = used;
        next += step;
        left -= step;
    }
    buffer[used] = '\0';
    return buffer;
}
