/* See token.h. */
#include "jsonl/token.h"

#include "arrow/value_json.h"
#include "base/error.h"
#include "base/limits.h"

static lm_status wrong(lm_jsonl_cursor *c, const char *why)
{
    c->why = why;
    return LM_DATA;
}

static bool hex4(const uint8_t *text, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = text[i], lower = c | 0x20;
        bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
        if (!digit && !letter) return false;
        *value = *value << 4 | (uint32_t)(digit ? c - '0' : lower - 'a' + 10);
    }
    return true;
}

/* \uXXXX, with the second half of a pair; at the `u`. */
static lm_status take_code_point(lm_jsonl_cursor *c, uint32_t *point)
{
    uint32_t low;
    if (c->end - c->at < 5 || !hex4(c->at + 1, point)) return wrong(c, "\\u wants four digits");
    c->at += 5;
    if (*point < 0xd800 || *point > 0xdfff) return LM_OK;
    if (*point > 0xdbff || c->end - c->at < 6 || c->at[0] != '\\' || c->at[1] != 'u' ||
        !hex4(c->at + 2, &low) || low < 0xdc00 || low > 0xdfff)
        return wrong(c, "half of a surrogate pair");
    c->at += 6;
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return LM_OK;
}

static size_t put_utf8(uint32_t point, uint8_t text[4])
{
    if (point < 0x80) {
        text[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6) text[i] = (uint8_t)(0x80 | (point & 0x3f));
    text[0] = (uint8_t)((0xf00u >> size & 0xff) | point);
    return size;
}

/* At the backslash. */
static lm_status take_escape(lm_jsonl_cursor *c, lm_buffer *scratch)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint8_t utf8[4];
    uint32_t point;
    if (++c->at == c->end) return wrong(c, "a string without an end");
    if (*c->at == 'u') {
        LM_TRY(take_code_point(c, &point));
        return lm__buffer_append(scratch, utf8, put_utf8(point, utf8));
    }
    const char *found = *c->at ? strchr(from, *c->at) : NULL;
    if (!found) return wrong(c, "no such escape");
    c->at++;
    return lm__buffer_byte(scratch, (uint8_t)to[found - from]);
}

lm_status lm__jsonl_take_string(lm_jsonl_cursor *c, lm_buffer *scratch, const char **text,
                                size_t *size)
{
    const uint8_t *start = ++c->at; /* after the quote */
    size_t plain = lm__value_json_plain(start, (size_t)(c->end - start));
    c->at += plain;
    if (c->at < c->end && *c->at == '"') {
        *text = (const char *)start;
        *size = plain;
        c->at++;
        return LM_OK;
    }
    lm__buffer_clear(scratch);
    LM_TRY(lm__buffer_append(scratch, start, plain));
    while (c->at < c->end && *c->at == '\\') {
        LM_TRY(take_escape(c, scratch));
        plain = lm__value_json_plain(c->at, (size_t)(c->end - c->at));
        LM_TRY(lm__buffer_append(scratch, c->at, plain));
        c->at += plain;
    }
    if (c->at == c->end) return wrong(c, "a string without an end");
    if (*c->at != '"') return wrong(c, "a control character in a string");
    c->at++;
    *text = (const char *)scratch->data;
    *size = scratch->size;
    return LM_OK;
}

static size_t digits(lm_jsonl_cursor *c)
{
    const uint8_t *start = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') c->at++;
    return (size_t)(c->at - start);
}

lm_status lm__jsonl_take_number(lm_jsonl_cursor *c, const char **text, size_t *size, bool *whole)
{
    const uint8_t *start = c->at;
    if (c->at < c->end && *c->at == '-') c->at++;
    bool zero = c->at < c->end && *c->at == '0';
    size_t count = digits(c);
    *whole = true;
    if (count == 0) return wrong(c, "no value");
    if (zero && count > 1) return wrong(c, "a number with needless zeros");
    if (c->at < c->end && *c->at == '.') {
        c->at++;
        *whole = false;
        if (digits(c) == 0) return wrong(c, "a number without digits after its point");
    }
    if (c->at < c->end && (*c->at | 0x20) == 'e') {
        c->at++;
        *whole = false;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-')) c->at++;
        if (digits(c) == 0) return wrong(c, "a number without digits in its exponent");
    }
    *text = (const char *)start;
    *size = (size_t)(c->at - start);
    return LM_OK;
}

lm_status lm__jsonl_take_word(lm_jsonl_cursor *c, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(c->end - c->at) < size || memcmp(c->at, word, size) != 0)
        return wrong(c, "no value");
    c->at += size;
    return LM_OK;
}

static lm_status skip_value(lm_jsonl_cursor *c, lm_buffer *scratch, int depth);

static lm_status skip_items(lm_jsonl_cursor *c, lm_buffer *scratch, int depth, bool object)
{
    const char *text;
    size_t size;
    uint8_t close = object ? '}' : ']';
    if (depth == LM_JSON_DEPTH_MAX) return wrong(c, "nested too deeply");
    c->at++;
    if (lm__jsonl_take(c, close)) return LM_OK;
    do {
        if (object) {
            if (lm__jsonl_peek(c) != '"') return wrong(c, "a name is expected");
            LM_TRY(lm__jsonl_take_string(c, scratch, &text, &size));
            if (!lm__jsonl_take(c, ':')) return wrong(c, "':' is expected");
        }
        LM_TRY(skip_value(c, scratch, depth + 1));
    } while (lm__jsonl_take(c, ','));
    return lm__jsonl_take(c, close)
               ? LM_OK
               : wrong(c, object ? "',' or '}' is expected" : "',' or ']' is expected");
}

static lm_status skip_value(lm_jsonl_cursor *c, lm_buffer *scratch, int depth)
{
    const char *text;
    size_t size;
    bool whole;
    switch (lm__jsonl_peek(c)) {
    case '"': return lm__jsonl_take_string(c, scratch, &text, &size);
    case '{': return skip_items(c, scratch, depth, true);
    case '[': return skip_items(c, scratch, depth, false);
    case 'n': return lm__jsonl_take_word(c, "null");
    case 't': return lm__jsonl_take_word(c, "true");
    case 'f': return lm__jsonl_take_word(c, "false");
    default: return lm__jsonl_take_number(c, &text, &size, &whole);
    }
}

lm_status lm__jsonl_skip(lm_jsonl_cursor *c, lm_buffer *scratch)
{
    return skip_value(c, scratch, 0);
}
