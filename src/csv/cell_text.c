/*
 * Cells of text: copied, and looked at on the way for what needs quotes.
 */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/simd.h"
#include "csv/cells.h"

char *lm__csv_room(lm_csv_out *out, char *to, size_t bytes)
{
    size_t wanted;
    if (__builtin_add_overflow(bytes, out->row_room + LM_CSV_SLACK, &wanted)) wanted = SIZE_MAX;
    if (__builtin_expect((size_t)(out->end - to) >= wanted, 1)) return to;
    out->text.size = (size_t)(to - (char *)out->text.data);
    out->status = wanted == SIZE_MAX ? LM_LIMIT : lm__buffer_reserve(&out->text, wanted);
    if (out->status != LM_OK) {
        if (out->status == LM_LIMIT)
            lm__error_set(out->error, LM_LIMIT, "row %lld: its text takes too much memory",
                          (long long)out->row);
        else
            lm__error_memory(out->error, "writing CSV");
        return NULL;
    }
    out->end = (char *)out->text.data + out->text.capacity;
    return (char *)out->text.data + out->text.size;
}

/* Copying. At most LM_CSV_SLACK bytes past the end are written, none past the end are read. */

#if defined(__SSE2__)
#include <emmintrin.h>

typedef struct scanner {
    __m128i separator, quote, line_feed, carriage_return;
} scanner;

static scanner scanner_make(const lm_csv_style *style)
{
    return (scanner){_mm_set1_epi8(style->separator), _mm_set1_epi8(style->quote),
                     _mm_set1_epi8('\n'), _mm_set1_epi8('\r')};
}

LM_ALWAYS_INLINE int hits(const scanner *s, __m128i bytes)
{
    __m128i a = _mm_or_si128(_mm_cmpeq_epi8(bytes, s->separator), _mm_cmpeq_epi8(bytes, s->quote));
    __m128i b = _mm_or_si128(_mm_cmpeq_epi8(bytes, s->line_feed),
                             _mm_cmpeq_epi8(bytes, s->carriage_return));
    return _mm_movemask_epi8(_mm_or_si128(a, b));
}

LM_ALWAYS_INLINE int copy16(const scanner *s, const uint8_t *text, char *to)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    _mm_storeu_si128((__m128i *)(void *)to, bytes);
    return hits(s, bytes);
}

/* Copies the text; true when something in it needs quotes. */
static bool copy_plain(const lm_csv_style *style, const uint8_t *text, size_t size, char *to)
{
    scanner s = scanner_make(style);
    int hit = 0;
    if (size >= 16) {
        for (size_t at = 0; at + 16 < size; at += 16) hit |= copy16(&s, text + at, to + at);
        return hit | copy16(&s, text + size - 16, to + size - 16);
    }
    if (size >= 8) {
        uint64_t first = lm__load64(text), last = lm__load64(text + size - 8);
        memcpy(to, &first, 8);
        memcpy(to + size - 8, &last, 8);
        return hits(&s, _mm_set_epi64x((long long)last, (long long)first));
    }
    uint64_t word = 0x6161616161616161; /* letters, where there is no text */
    if (size >= 4) {
        uint32_t first = lm__load32(text), last = lm__load32(text + size - 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
        word = (uint64_t)last << 32 | first;
        return hits(&s, _mm_set1_epi64x((long long)word));
    }
    for (size_t i = 0; i < size; i++) {
        to[i] = (char)text[i];
        hit |= style->special[text[i]];
    }
    return hit;
}
#else
static bool copy_plain(const lm_csv_style *style, const uint8_t *text, size_t size, char *to)
{
    bool hit = false;
    for (size_t i = 0; i < size; i++) {
        to[i] = (char)text[i];
        hit |= style->special[text[i]];
    }
    return hit;
}
#endif

/* In quotes. Quotes within, and the escape character where there is one, are preceded by it, or
 * doubled. There is room for twice the size and two. */
static char *put_quoted(const lm_csv_style *style, const uint8_t *text, size_t size, char *to)
{
    char quote = style->quote, escape = style->escape, before = escape ? escape : quote;
    *to++ = quote;
    for (size_t i = 0; i < size; i++) {
        char c = (char)text[i];
        if (c == quote || (escape && c == escape)) *to++ = before;
        *to++ = c;
    }
    *to++ = quote;
    return to;
}

static bool same_text(const uint8_t *text, size_t size, const char *other, size_t other_size)
{
    return size == other_size && memcmp(text, other, size) == 0;
}

/* Without quotes at all. */
static char *put_escaped(lm_csv_out *out, const char *column, const uint8_t *text, size_t size,
                         char *to)
{
    const lm_csv_style *style = out->style;
    for (size_t i = 0; i < size; i++) {
        if (style->special[text[i]]) {
            if (!style->escape) {
                char shown[64], name[64];
                char raw[41] = {0};
                memcpy(raw, text, size < 40 ? size : 40);
                out->status = lm__error_set(
                    out->error, LM_DATA,
                    "row %lld: column %s: %s needs quotes, and quoting is off: give an escape "
                    "character, or let text be quoted",
                    (long long)out->row, lm__printable(name, sizeof name, column),
                    lm__printable(shown, sizeof shown, raw));
                return NULL;
            }
            *to++ = style->escape;
        }
        *to++ = (char)text[i];
    }
    return to;
}

/* What spreadsheets run: OWASP's list. */
static bool is_formula(const uint8_t *text, size_t size)
{
    return size > 0 && memchr("=+-@\t\r", text[0], 6);
}

/* Whether text that copy_plain did not judge needs quotes. */
static bool needs_quotes(const lm_csv_style *style, const uint8_t *text, size_t size)
{
    /* The byte order mark at the start of a file is lost to most readers. */
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) return true;
    for (size_t i = 0; i < size; i++)
        if (style->special[text[i]]) return true;
    return false;
}

char *lm__csv_text_put(lm_csv_out *out, const char *column, const uint8_t *text, size_t size,
                       bool quoted, char *to)
{
    const lm_csv_style *style = out->style;
    if (__builtin_expect((size_t)(out->end - to) < 2 * size + 4 + out->row_room + LM_CSV_SLACK,
                         0)) {
        to = lm__csv_room(out, to, size > SIZE_MAX / 4 ? SIZE_MAX / 2 : 2 * size + 4);
        if (!to) return NULL;
    }
    bool guarded = style->options.guard_formulas && is_formula(text, size);
    *to = '\'';
    if (style->options.quoting == LM_CSV_QUOTE_NONE)
        return put_escaped(out, column, text, size, to + guarded);
    if (!quoted && size > 0 && !same_text(text, size, style->null_text, style->null_size)) {
        bool odd = style->escape || text[0] == 0xef;
        if (!odd && !copy_plain(style, text, size, to + guarded)) return to + guarded + size;
        if (odd && !needs_quotes(style, text, size)) {
            memcpy(to + guarded, text, size);
            return to + guarded + size;
        }
    }
    char *end = put_quoted(style, text, size, to + guarded);
    if (guarded) { /* its mark goes inside */
        to[0] = style->quote;
        to[1] = '\'';
    }
    return end;
}
