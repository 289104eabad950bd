/*
 * The JSON writer; see json.h.
 *
 * Invariants
 *  1. After the first failure nothing more is appended.
 *  2. What it wrote the reader takes: nesting past LM_JSON_DEPTH_MAX fails with LM_LIMIT.
 */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/number.h"
#include "base/utf8.h"

void lm__json_writer_init(lm_json_writer *writer, lm_buffer *out, bool pretty)
{
    *writer = (lm_json_writer){.out = out, .status = LM_OK, .pretty = pretty};
}

static void put(lm_json_writer *writer, const char *text, size_t size)
{
    if (writer->status == LM_OK) writer->status = lm__buffer_append(writer->out, text, size);
}

/* These two stand before every value: one copy keeps what writes values small. */
__attribute__((noinline)) static void line_break(lm_json_writer *writer)
{
    static const char spaces[2 * LM_JSON_DEPTH_MAX + 1] = {[0 ... 2 * LM_JSON_DEPTH_MAX - 1] = ' '};
    put(writer, "\n", 1);
    put(writer, spaces, 2 * (size_t)writer->depth);
}

/* What stands before a value or a key. */
__attribute__((noinline)) static void separate(lm_json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    if (writer->comma) put(writer, ",", 1);
    if (writer->pretty && writer->depth > 0) line_break(writer);
    writer->comma = true;
}

static void open_level(lm_json_writer *writer, const char *bracket)
{
    if (writer->depth == LM_JSON_DEPTH_MAX && writer->status == LM_OK) writer->status = LM_LIMIT;
    if (writer->status != LM_OK) return;
    separate(writer);
    put(writer, bracket, 1);
    writer->depth++;
    writer->comma = false;
}

static void close_level(lm_json_writer *writer, const char *bracket)
{
    if (writer->status != LM_OK) return;
    assert(writer->depth > 0 && !writer->after_key);
    bool empty = !writer->comma;
    writer->depth--;
    if (writer->pretty && !empty) line_break(writer);
    put(writer, bracket, 1);
    writer->comma = true;
}

void lm__json_open_object(lm_json_writer *writer) { open_level(writer, "{"); }
void lm__json_close_object(lm_json_writer *writer) { close_level(writer, "}"); }
void lm__json_open_array(lm_json_writer *writer) { open_level(writer, "["); }
void lm__json_close_array(lm_json_writer *writer) { close_level(writer, "]"); }

/* RFC 8259, 7: quotes, backslashes and control characters are escaped, all else stands. */
static void put_escaped(lm_json_writer *writer, uint8_t byte)
{
    static const char *const shorter[] = {
        ['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n",  ['\r'] = "\\r",
        ['\t'] = "\\t", ['"'] = "\\\"", ['\\'] = "\\\\",
    };
    char text[8];
    if (shorter[byte])
        put(writer, shorter[byte], 2);
    else
        put(writer, text, (size_t)snprintf(text, sizeof text, "\\u%04x", byte));
}

static void put_string(lm_json_writer *writer, const char *text, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t done = 0, at = 0, valid = size > 0 ? lm__utf8_valid_prefix(bytes, size) : 0;
    put(writer, "\"", 1);
    while (at < size) {
        bool stray = at == valid;
        if (!stray && bytes[at] >= 0x20 && bytes[at] != '"' && bytes[at] != '\\') {
            at++;
            continue;
        }
        put(writer, text + done, at - done);
        if (stray)
            put(writer, "\xef\xbf\xbd", 3);
        else
            put_escaped(writer, bytes[at]);
        done = ++at;
        if (stray) valid = at + lm__utf8_valid_prefix(bytes + at, size - at);
    }
    if (size > done) put(writer, text + done, size - done);
    put(writer, "\"", 1);
}

static void put_key(lm_json_writer *writer, const char *key, size_t size)
{
    if (writer->status != LM_OK) return;
    assert(!writer->after_key);
    separate(writer);
    put_string(writer, key, size);
    put(writer, ": ", writer->pretty ? 2 : 1);
    writer->after_key = true;
}

void lm__json_key(lm_json_writer *writer, const char *key) { put_key(writer, key, strlen(key)); }

void lm__json_string_n(lm_json_writer *writer, const char *text, size_t size)
{
    separate(writer);
    put_string(writer, text, size);
}

void lm__json_string(lm_json_writer *writer, const char *text)
{
    lm__json_string_n(writer, text, strlen(text));
}

static void put_value(lm_json_writer *writer, const char *text, size_t size)
{
    separate(writer);
    put(writer, text, size);
}

void lm__json_int(lm_json_writer *writer, int64_t value)
{
    char text[24];
    put_value(writer, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

void lm__json_uint(lm_json_writer *writer, uint64_t value)
{
    char text[24];
    put_value(writer, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

void lm__json_double(lm_json_writer *writer, double value)
{
    char text[LM_DOUBLE_TEXT_MAX];
    if (isfinite(value))
        put_value(writer, text, lm__double_text(value, text));
    else
        lm__json_null(writer);
}

void lm__json_bool(lm_json_writer *writer, bool value)
{
    put_value(writer, value ? "true" : "false", value ? 4 : 5);
}

void lm__json_null(lm_json_writer *writer) { put_value(writer, "null", 4); }

void lm__json_tree(lm_json_writer *writer, const lm_json *value)
{
    bool object = value->kind == LM_JSON_OBJECT;
    switch (value->kind) {
    case LM_JSON_NULL: lm__json_null(writer); return;
    case LM_JSON_FALSE: lm__json_bool(writer, false); return;
    case LM_JSON_TRUE: lm__json_bool(writer, true); return;
    case LM_JSON_STRING: lm__json_string_n(writer, value->text, value->text_size); return;
    case LM_JSON_INT:
    case LM_JSON_NUMBER: put_value(writer, value->text, value->text_size); return;
    case LM_JSON_ARRAY:
    case LM_JSON_OBJECT: break;
    }
    open_level(writer, object ? "{" : "[");
    for (const lm_json *child = value->first; child && writer->status == LM_OK;
         child = child->next) {
        if (object) put_key(writer, child->key, child->key_size);
        lm__json_tree(writer, child);
    }
    close_level(writer, object ? "}" : "]");
}

void lm__json_member_string_out(lm_json_writer *writer, const char *key, const char *text)
{
    lm__json_key(writer, key);
    lm__json_string(writer, text);
}

void lm__json_member_int_out(lm_json_writer *writer, const char *key, int64_t value)
{
    lm__json_key(writer, key);
    lm__json_int(writer, value);
}

void lm__json_member_bool_out(lm_json_writer *writer, const char *key, bool value)
{
    lm__json_key(writer, key);
    lm__json_bool(writer, value);
}
