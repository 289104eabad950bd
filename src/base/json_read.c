/*
 * The JSON reader: one pass over the bytes into a tree in an arena; see json.h.
 *
 * On failure the arena keeps what was built until its reset, and the error says the line and the
 * column (in characters, from 1) of the byte that could not be taken.
 *
 * Invariants
 *  1. Work and memory grow with the size of the text, times its logarithm at worst, whatever the
 *     keys are: there is no hash table that chosen keys could fill badly.
 *  2. The stack is never deeper than LM_JSON_DEPTH_MAX values.
 *  3. The locale does not matter.
 */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "base/utf8.h"

/* Up to this many members are compared with one another; more are sorted. */
#define MEMBERS_COMPARED_MAX 16

typedef struct reader {
    lm_arena *arena;
    const uint8_t *start, *at, *end;
    int depth;
    lm_error *error;
} reader;

/* RFC 8259 has no names for places, so the message has: the line, and the character in it. */
static lm_status refuse_at(reader *r, const uint8_t *place, const char *what)
{
    size_t line = 1, column = 1;
    for (const uint8_t *byte = r->start; byte < place; byte++) {
        if (*byte == '\n') {
            line++;
            column = 1;
        } else if ((*byte & 0xc0) != 0x80) {
            column++;
        }
    }
    return lm__error_set(r->error, LM_DATA, "JSON, line %zu, column %zu: %s", line, column, what);
}

static lm_status refuse(reader *r, const char *what)
{
    return refuse_at(r, r->at, r->at == r->end ? "the text ends too early" : what);
}

static lm_status refuse_memory(reader *r) { return lm__error_memory(r->error, "reading JSON"); }

static void space_skip(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* Strings: RFC 8259, 7. */

/* The four digits after \u, or -1. */
static int32_t hex4(const uint8_t *at, const uint8_t *end)
{
    int32_t value = 0;
    if (end - at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int digit = lm__hex_digit(at[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char *utf8_put(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
        *out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (char)(0xe0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    }
    return out;
}

/* Reads the escape at r->at (its backslash) and moves past it. */
static lm_status escape_take(reader *r, char **out)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const uint8_t *place = r->at++;
    const char *letter = memchr(letters, *r->at, sizeof letters - 1);
    if (letter) {
        *(*out)++ = meant[letter - letters];
        r->at++;
        return LM_OK;
    }
    int32_t point = *r->at == 'u' ? hex4(r->at + 1, r->end) : -1;
    if (point < 0) return refuse_at(r, place, "not an escape");
    r->at += 5;
    if (point >= 0xd800 && point < 0xe000) { /* two halves, the high one first */
        bool has_low = point < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u';
        int32_t low = has_low ? hex4(r->at + 2, r->end) : -1;
        if (low < 0xdc00 || low >= 0xe000) return refuse_at(r, place, "half a surrogate pair");
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        r->at += 6;
    }
    *out = utf8_put(*out, (uint32_t)point);
    return LM_OK;
}

/* Moves past the closing quote at *end without reading escapes; tells whether there are any. */
static lm_status string_measure(reader *r, const uint8_t **end, bool *escapes)
{
    const uint8_t *at = r->at;
    uint8_t seen = 0;
    *escapes = false;
    for (; at < r->end && *at != '"'; at++) {
        if (*at < 0x20) return refuse_at(r, at, "a control character in a string");
        seen |= *at;
        if (*at != '\\') continue;
        *escapes = true;
        if (++at == r->end) break;
    }
    if (at >= r->end) return refuse_at(r, r->end, "a string without its end");
    *end = at;
    if (seen < 0x80) return LM_OK;
    size_t valid = lm__utf8_valid_prefix(r->at, (size_t)(at - r->at));
    return r->at + valid == at ? LM_OK : refuse_at(r, r->at + valid, "not UTF-8");
}

/* r->at stands on the opening quote. Unescaped, a string is never longer than as written. */
static lm_status string_take(reader *r, const char **text, size_t *size)
{
    bool escapes;
    const uint8_t *end = ++r->at;
    LM_TRY(string_measure(r, &end, &escapes));
    char *made = lm__arena_aligned(r->arena, 1, (size_t)(end - r->at) + 1), *out = made;
    if (!made) return refuse_memory(r);
    if (!escapes) {
        memcpy(out, r->at, (size_t)(end - r->at));
        out += end - r->at;
    }
    while (escapes && r->at < end) {
        if (*r->at == '\\')
            LM_TRY(escape_take(r, &out));
        else
            *out++ = (char)*r->at++;
    }
    *out = '\0';
    *text = made;
    *size = (size_t)(out - made);
    r->at = end + 1;
    return LM_OK;
}

/* Numbers: RFC 8259, 6. */

static bool digits_skip(reader *r)
{
    const uint8_t *before = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return r->at > before;
}

static lm_status number_skip(reader *r, bool *integer)
{
    *integer = true;
    if (r->at < r->end && *r->at == '-') r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!digits_skip(r))
        return refuse(r, "not a number");
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        *integer = false;
        if (!digits_skip(r)) return refuse(r, "a digit must follow the point");
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        *integer = false;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        if (!digits_skip(r)) return refuse(r, "a digit must be in the exponent");
    }
    return LM_OK;
}

static bool int64_from_text(const char *text, size_t size, int64_t *value)
{
    bool negative = *text == '-';
    int64_t sum = 0;
    for (size_t i = negative; i < size; i++) {
        int digit = text[i] - '0';
        if (__builtin_mul_overflow(sum, 10, &sum)) return false;
        if (__builtin_sub_overflow(sum, digit, &sum)) return false; /* INT64_MIN fits so */
    }
    *value = sum;
    return negative || !__builtin_sub_overflow((int64_t)0, sum, value);
}

static lm_status number_take(reader *r, lm_json *value)
{
    const uint8_t *start = r->at;
    bool integer;
    LM_TRY(number_skip(r, &integer));
    value->text_size = (size_t)(r->at - start);
    char *text = lm__arena_aligned(r->arena, 1, value->text_size + 1);
    if (!text) return refuse_memory(r);
    memcpy(text, start, value->text_size);
    text[value->text_size] = '\0';
    value->text = text;
    if (integer && int64_from_text(text, value->text_size, &value->integer)) {
        value->kind = LM_JSON_INT;
        value->number = value->integer == 0 && *text == '-' ? -0.0 : (double)value->integer;
        return LM_OK;
    }
    value->kind = LM_JSON_NUMBER;
    (void)lm__double_parse(text, value->text_size,
                           &value->number); /* number_skip knows it is one */
    return LM_OK;
}

static lm_status literal_take(reader *r, lm_json *value, const char *word, lm_json_kind kind)
{
    size_t size = strlen(word);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
        return refuse_at(r, r->at, "not a value");
    r->at += size;
    value->kind = kind;
    return LM_OK;
}

/* Keys that occur twice. */

static int key_compare(const lm_json *a, const lm_json *b)
{
    if (a->key_size != b->key_size) return a->key_size < b->key_size ? -1 : 1;
    return memcmp(a->key, b->key, a->key_size);
}

static lm_status refuse_key(reader *r, const lm_json *member)
{
    char name[80], what[128];
    lm__printable(name, sizeof name, member->key);
    snprintf(what, sizeof what, "the key \"%s\" occurs twice in one object", name);
    return refuse_at(r, r->at, what);
}

/* Merges runs of `width` of `from` into runs of twice the width in `to`. */
static void runs_merge(const lm_json **from, const lm_json **to, size_t count, size_t width)
{
    for (size_t left = 0; left < count; left += 2 * width) {
        size_t middle = left + width < count ? left + width : count;
        size_t right = left + 2 * width < count ? left + 2 * width : count;
        size_t a = left, b = middle;
        for (size_t i = left; i < right; i++) {
            bool take_a = b == right || (a < middle && key_compare(from[a], from[b]) <= 0);
            to[i] = take_a ? from[a++] : from[b++];
        }
    }
}

/* The keys of a closed object, sorted (invariant 1) so that equal ones stand together. */
static lm_status keys_check(reader *r, const lm_json *object)
{
    size_t count = object->count;
    if (count <= MEMBERS_COMPARED_MAX) return LM_OK;
    const lm_json **from = lm__alloc_array(r->arena->allocator, count, 2 * sizeof *from);
    if (!from) return refuse_memory(r);
    const lm_json **to = from + count, **held = from, *member = object->first;
    for (size_t i = 0; i < count; i++, member = member->next) from[i] = member;
    for (size_t width = 1; width < count; width *= 2) {
        runs_merge(from, to, count, width);
        const lm_json **other = from;
        from = to;
        to = other;
    }
    lm_status status = LM_OK;
    for (size_t i = 1; i < count && status == LM_OK; i++)
        if (key_compare(from[i - 1], from[i]) == 0) status = refuse_key(r, from[i]);
    lm__free(r->arena->allocator, held);
    return status;
}

/* While the object is small each key is compared with those before it. */
static lm_status key_check(reader *r, const lm_json *object, const lm_json *member)
{
    if (object->count >= MEMBERS_COMPARED_MAX) return LM_OK;
    for (const lm_json *other = object->first; other; other = other->next)
        if (key_compare(other, member) == 0) return refuse_key(r, member);
    return LM_OK;
}

static lm_status value_take(reader *r, lm_json *value);

static lm_status member_key_take(reader *r, const lm_json *object, lm_json *member)
{
    const uint8_t *place = r->at;
    if (place == r->end || *place != '"') return refuse(r, "a key must be a string");
    LM_TRY(string_take(r, &member->key, &member->key_size));
    const uint8_t *after = r->at;
    r->at = place;
    LM_TRY(key_check(r, object, member));
    r->at = after;
    space_skip(r);
    if (r->at == r->end || *r->at != ':') return refuse(r, "a colon must follow the key");
    r->at++;
    space_skip(r);
    return LM_OK;
}

/* r->at stands on the opening bracket. */
static lm_status children_take(reader *r, lm_json *parent, char closing)
{
    lm_json **tail = &parent->first;
    if (++r->depth > LM_JSON_DEPTH_MAX) return refuse_at(r, r->at, "nested too deeply");
    r->at++;
    space_skip(r);
    while (r->at == r->end || *r->at != closing) {
        if (parent->count > 0) {
            if (r->at == r->end || *r->at != ',')
                return refuse(r, "a comma or the end must follow");
            r->at++;
            space_skip(r);
        }
        lm_json *child = lm__arena_zero(r->arena, sizeof *child);
        if (!child) return refuse_memory(r);
        if (parent->kind == LM_JSON_OBJECT) LM_TRY(member_key_take(r, parent, child));
        LM_TRY(value_take(r, child));
        *tail = child;
        tail = &child->next;
        parent->count++;
        space_skip(r);
    }
    if (parent->kind == LM_JSON_OBJECT) LM_TRY(keys_check(r, parent));
    r->at++;
    r->depth--;
    return LM_OK;
}

static lm_status value_take(reader *r, lm_json *value)
{
    switch (r->at < r->end ? *r->at : 0) {
    case '{': value->kind = LM_JSON_OBJECT; return children_take(r, value, '}');
    case '[': value->kind = LM_JSON_ARRAY; return children_take(r, value, ']');
    case '"': value->kind = LM_JSON_STRING; return string_take(r, &value->text, &value->text_size);
    case 'n': return literal_take(r, value, "null", LM_JSON_NULL);
    case 't': return literal_take(r, value, "true", LM_JSON_TRUE);
    case 'f': return literal_take(r, value, "false", LM_JSON_FALSE);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return number_take(r, value);
    default: return refuse(r, "not a value");
    }
}

lm_status lm__json_parse(lm_arena *arena, const char *text, size_t size, const lm_json **root,
                         lm_error *error)
{
    *root = NULL;
    if (size > LM_JSON_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "JSON of %zu bytes, at most %zu are read", size,
                             LM_JSON_BYTES_MAX);
    if (size == 0) return lm__error_set(error, LM_DATA, "JSON: the text is empty");
    const uint8_t *bytes = (const uint8_t *)text;
    reader r = {.arena = arena, .start = bytes, .at = bytes, .end = bytes + size, .error = error};
    lm_json *value = lm__arena_zero(arena, sizeof *value);
    if (!value) return refuse_memory(&r);
    space_skip(&r);
    LM_TRY(value_take(&r, value));
    space_skip(&r);
    if (r.at < r.end) return refuse(&r, "something follows the value");
    *root = value;
    return LM_OK;
}

const lm_json *lm__json_member(const lm_json *object, const char *key)
{
    if (!object || object->kind != LM_JSON_OBJECT) return NULL;
    size_t size = strlen(key);
    for (const lm_json *member = object->first; member; member = member->next)
        if (member->key_size == size && memcmp(member->key, key, size) == 0) return member;
    return NULL;
}

const char *lm__json_member_text(const lm_json *object, const char *key, const char *fallback)
{
    const lm_json *member = lm__json_member(object, key);
    return member && member->kind == LM_JSON_STRING ? member->text : fallback;
}

int64_t lm__json_member_int(const lm_json *object, const char *key, int64_t fallback)
{
    const lm_json *member = lm__json_member(object, key);
    return member && member->kind == LM_JSON_INT ? member->integer : fallback;
}

bool lm__json_member_bool(const lm_json *object, const char *key, bool fallback)
{
    const lm_json *member = lm__json_member(object, key);
    if (!member || (member->kind != LM_JSON_TRUE && member->kind != LM_JSON_FALSE)) return fallback;
    return member->kind == LM_JSON_TRUE;
}
