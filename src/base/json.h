/*
 * JSON, both ways (RFC 8259). The reader builds a tree in an arena from bytes of any origin; the
 * writer appends to a buffer.
 *
 * Invariants
 *  1. The reader accepts exactly RFC 8259 in UTF-8, refuses depth past LM_JSON_DEPTH_MAX and
 * duplicate keys in one object, and says line and column.
 *  2. Integers that fit int64 stay exact; other numbers keep their text and are given as doubles.
 *  3. The writer's output is always valid JSON: commas and nesting are its own affair, bytes that
 * are not UTF-8 become U+FFFD, NaN and infinity become null.
 */
#ifndef LM_BASE_JSON_H
#define LM_BASE_JSON_H

#include "base/arena.h"
#include "base/buffer.h"

typedef enum lm_json_kind {
    LM_JSON_NULL,
    LM_JSON_FALSE,
    LM_JSON_TRUE,
    LM_JSON_INT,    /* fits int64 */
    LM_JSON_NUMBER, /* any other number */
    LM_JSON_STRING,
    LM_JSON_ARRAY,
    LM_JSON_OBJECT,
} lm_json_kind;

typedef struct lm_json lm_json;
struct lm_json {
    lm_json_kind kind;
    const char *key; /* when it is a member; NUL-terminated */
    size_t key_size;
    const char *text; /* string: unescaped, NUL-terminated; number: as written */
    size_t text_size;
    int64_t integer;
    double number; /* for INT too */
    lm_json *first, *next;
    size_t count; /* of children */
};

LM_MUST_USE lm_status lm__json_parse(lm_arena *arena, const char *text, size_t size,
                                     const lm_json **root, lm_error *error);
/* NULL when `object` is NULL, no object, or has no such member. */
const lm_json *lm__json_member(const lm_json *object, const char *key);
/* Typed looks at a member; the fallback when it is absent or of another kind. */
const char *lm__json_member_text(const lm_json *object, const char *key, const char *fallback);
int64_t lm__json_member_int(const lm_json *object, const char *key, int64_t fallback);
bool lm__json_member_bool(const lm_json *object, const char *key, bool fallback);

/* The writer is sticky: check `status` once, at the end. */
typedef struct lm_json_writer {
    lm_buffer *out;
    lm_status status;
    int depth;
    bool pretty;
    bool comma; /* something stands before on this level */
    bool after_key;
} lm_json_writer;

void lm__json_writer_init(lm_json_writer *writer, lm_buffer *out, bool pretty);
void lm__json_open_object(lm_json_writer *writer);
void lm__json_close_object(lm_json_writer *writer);
void lm__json_open_array(lm_json_writer *writer);
void lm__json_close_array(lm_json_writer *writer);
void lm__json_key(lm_json_writer *writer, const char *key);
void lm__json_string(lm_json_writer *writer, const char *text);
void lm__json_string_n(lm_json_writer *writer, const char *text, size_t size);
void lm__json_int(lm_json_writer *writer, int64_t value);
void lm__json_uint(lm_json_writer *writer, uint64_t value);
void lm__json_double(lm_json_writer *writer, double value); /* shortest text that reads back */
void lm__json_bool(lm_json_writer *writer, bool value);
void lm__json_null(lm_json_writer *writer);
/* A parsed tree, as it was. */
void lm__json_tree(lm_json_writer *writer, const lm_json *value);

/* Members in one call. */
void lm__json_member_string_out(lm_json_writer *writer, const char *key, const char *text);
void lm__json_member_int_out(lm_json_writer *writer, const char *key, int64_t value);
void lm__json_member_bool_out(lm_json_writer *writer, const char *key, bool value);

#endif
