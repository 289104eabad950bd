/*
 * The pieces of JSON text (RFC 8259): spaces, strings, numbers, whole values. What the reader of
 * lines (parse.c) and the guessing of types (infer.c) are made of.
 *
 * Invariants
 *  1. Nothing is read at or past `end`; `at` only goes forward.
 *  2. A failure sets `why`, a text that lives for ever, and leaves `at` at the place.
 *  3. Text is taken to be UTF-8; what an escape gives is, too.
 */
#ifndef LM_JSONL_TOKEN_H
#define LM_JSONL_TOKEN_H

#include "base/buffer.h"

typedef struct lm_jsonl_cursor {
    const uint8_t *at, *end;
    const char *why;
} lm_jsonl_cursor;

static inline void lm__jsonl_space(lm_jsonl_cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r')) c->at++;
}
/* The next byte after spaces, or 0. */
static inline uint8_t lm__jsonl_peek(lm_jsonl_cursor *c)
{
    lm__jsonl_space(c);
    return c->at < c->end ? *c->at : 0;
}
static inline bool lm__jsonl_take(lm_jsonl_cursor *c, uint8_t byte)
{
    if (lm__jsonl_peek(c) != byte || c->at == c->end) return false;
    c->at++;
    return true;
}

/* The string that begins at `at`: a view of the line or, where it has escapes, of `scratch`, which
 * is overwritten. LM_DATA, LM_NO_MEMORY. */
LM_MUST_USE lm_status lm__jsonl_take_string(lm_jsonl_cursor *c, lm_buffer *scratch,
                                            const char **text, size_t *size);
/* The number that begins at `at`; *whole says that it has neither point nor exponent. */
LM_MUST_USE lm_status lm__jsonl_take_number(lm_jsonl_cursor *c, const char **text, size_t *size,
                                            bool *whole);
/* "null", "true", "false". */
LM_MUST_USE lm_status lm__jsonl_take_word(lm_jsonl_cursor *c, const char *word);
/* Passes over one value of any kind, checked, nested up to LM_JSON_DEPTH_MAX. */
LM_MUST_USE lm_status lm__jsonl_skip(lm_jsonl_cursor *c, lm_buffer *scratch);

#endif
