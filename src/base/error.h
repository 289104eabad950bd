/*
 * Filling lm_error, and the one macro that hides control flow.
 *
 * Every function here takes a NULL error and does nothing then but return the status.
 */
#ifndef LM_BASE_ERROR_H
#define LM_BASE_ERROR_H

#include <lamella/base.h>

/* Return early with a failure. Only where nothing is held. */
#define LM_TRY(expr)                                                                               \
    do {                                                                                           \
        lm_status lm_try_status_ = (expr);                                                         \
        if (__builtin_expect(lm_try_status_ != LM_OK, 0)) return lm_try_status_;                   \
    } while (0)

/* Fill the error and return `code`. */
lm_status lm__error_set(lm_error *error, lm_status code, const char *format, ...) LM_PRINTF(3, 4);

/* The same from an errno: the code is its status, and ": <text of errno>" is appended. */
lm_status lm__error_os(lm_error *error, int os_code, const char *format, ...) LM_PRINTF(3, 4);

/* "out of memory while <what>". */
lm_status lm__error_memory(lm_error *error, const char *what);

/* Put "<context>: " before the message of a filled error (a file's name, say); returns its code. */
lm_status lm__error_within(lm_error *error, lm_status code, const char *format, ...)
    LM_PRINTF(3, 4);

lm_status lm__status_from_errno(int os_code);

/* Writes a name for a message: valid UTF-8 as it is, control characters and stray bytes as \xNN.
 * Always terminated; cut with "…" when it does not fit. Returns `buffer`. */
const char *lm__printable(char *buffer, size_t buffer_size, const char *bytes);

#endif
