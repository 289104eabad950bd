/* Rows and cells; see rows.h. */
#define _GNU_SOURCE
#include "csv/rows.h"

#include <string.h>

#include "base/simd.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Where a cell without quotes stops: at a separator, a line's end or an escape. */
LM_ALWAYS_INLINE size_t plain_end(const lm_csv_dialect *d, const uint8_t *text, size_t size,
                                  size_t at)
{
    char escape = d->escape ? d->escape : d->separator;
#if defined(__SSE2__)
    __m128i separator = _mm_set1_epi8(d->separator), escapes = _mm_set1_epi8(escape);
    __m128i line_feed = _mm_set1_epi8('\n'), carriage_return = _mm_set1_epi8('\r');
    for (; at + 16 <= size; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        __m128i a = _mm_or_si128(_mm_cmpeq_epi8(bytes, separator), _mm_cmpeq_epi8(bytes, escapes));
        __m128i b =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, line_feed), _mm_cmpeq_epi8(bytes, carriage_return));
        int hits = _mm_movemask_epi8(_mm_or_si128(a, b));
        if (hits) return at + (size_t)__builtin_ctz((unsigned)hits);
    }
#endif
    for (; at < size; at++) {
        char c = (char)text[at];
        if (c == d->separator || c == '\n' || c == '\r' || c == escape) break;
    }
    return at;
}

/* Where a quoted part stops: at a quote or an escape. */
LM_ALWAYS_INLINE size_t quoted_end(const lm_csv_dialect *d, const uint8_t *text, size_t size,
                                   size_t at)
{
    if (!d->escape) {
        const uint8_t *found = memchr(text + at, d->quote, size - at);
        return found ? (size_t)(found - text) : size;
    }
    while (at < size && (char)text[at] != d->quote && (char)text[at] != d->escape) at++;
    return at;
}

/* What a walk carries: `to` is where the cell's bytes go, when they are wanted. */
typedef struct walk {
    const lm_csv_dialect *d;
    uint8_t *text;
    size_t size, at, to, lines;
    bool last, write;
} walk;

LM_ALWAYS_INLINE void keep(walk *w, size_t from, size_t to)
{
    if (w->write && w->to != from) memmove(w->text + w->to, w->text + from, to - from);
    w->to += to - from;
}

/* The character behind an escape; false when it is not there yet. */
static bool take_escaped(walk *w)
{
    if (w->at + 1 >= w->size) {
        if (w->last) { /* an escape at the very end stands for itself */
            w->at = w->size;
            return true;
        }
        return false;
    }
    w->lines += w->text[w->at + 1] == '\n';
    keep(w, w->at + 1, w->at + 2);
    w->at += 2;
    return true;
}

/* From behind the opening quote to behind the closing one. */
static lm_csv_walk take_quoted(walk *w)
{
    for (;;) {
        size_t end = quoted_end(w->d, w->text, w->size, w->at);
        w->lines += lm__csv_count(w->text + w->at, end - w->at, '\n');
        keep(w, w->at, end);
        w->at = end;
        if (end == w->size) return w->last ? LM_CSV_UNCLOSED : LM_CSV_PARTIAL;
        if ((char)w->text[end] != w->d->quote) {
            if (!take_escaped(w)) return LM_CSV_PARTIAL;
            continue;
        }
        if (end + 1 == w->size && !w->last) return LM_CSV_PARTIAL; /* is it doubled? */
        bool doubled = end + 1 < w->size && (char)w->text[end + 1] == w->d->quote;
        w->at = end + 1;
        if (!doubled) return LM_CSV_ROW;
        keep(w, end, end + 1);
        w->at++;
    }
}

/* Up to a separator or a line's end, or the text's. */
static lm_csv_walk take_plain(walk *w)
{
    for (;;) {
        size_t end = plain_end(w->d, w->text, w->size, w->at);
        keep(w, w->at, end);
        w->at = end;
        if (end == w->size) return w->last ? LM_CSV_ROW : LM_CSV_PARTIAL;
        if (!w->d->escape || (char)w->text[end] != w->d->escape) return LM_CSV_ROW;
        if (!take_escaped(w)) return LM_CSV_PARTIAL;
    }
}

lm_csv_walk lm__csv_row_walk(const lm_csv_dialect *dialect, uint8_t *text, size_t size, size_t from,
                             bool last, lm_csv_span *spans, size_t spans_max, lm_csv_row *row)
{
    walk w = {dialect, text, size, from, from, 1, last, spans != NULL};
    size_t cells = 0;
    for (;;) {
        bool quoted = dialect->quote && w.at < size && (char)text[w.at] == dialect->quote;
        w.at += quoted;
        size_t start = w.to = w.at;
        lm_csv_walk result = quoted ? take_quoted(&w) : LM_CSV_ROW;
        if (result == LM_CSV_ROW) result = take_plain(&w);
        if (result != LM_CSV_ROW) return result;
        if (spans && cells < spans_max)
            spans[cells] = (lm_csv_span){(uint32_t)start,
                                         (uint32_t)(w.to - start) | (quoted ? LM_CSV_QUOTED : 0)};
        cells++;
        if (w.at == size) break;
        char c = (char)text[w.at++];
        if (c == dialect->separator) continue;
        if (c == '\r') {
            if (w.at == size && !last) return LM_CSV_PARTIAL; /* an LF may follow */
            w.at += w.at < size && text[w.at] == '\n';
        }
        break;
    }
    *row = (lm_csv_row){cells, w.at, w.lines};
    return LM_CSV_ROW;
}

bool lm__csv_row_empty(const uint8_t *text, size_t size, size_t from, size_t *end)
{
    if (from >= size || (text[from] != '\n' && text[from] != '\r')) return false;
    *end = from + 1;
    if (text[from] == '\r' && from + 1 < size && text[from + 1] == '\n') ++*end;
    return true;
}

/* Rows by their cells, where quotes and escapes may hide line ends. */
static size_t rows_end_walked(const lm_csv_dialect *dialect, const uint8_t *text, size_t size,
                              bool last)
{
    size_t at = 0;
    lm_csv_row row;
    while (at < size &&
           lm__csv_row_walk(dialect, (uint8_t *)text, size, at, last, NULL, 0, &row) == LM_CSV_ROW)
        at = row.end;
    return at;
}

bool lm__csv_has_escapes(const lm_csv_dialect *dialect, const uint8_t *text, size_t size)
{
    return dialect->escape && memchr(text, dialect->escape, size);
}

size_t lm__csv_rows_end(const lm_csv_dialect *dialect, const uint8_t *text, size_t size, bool last)
{
    if (size == 0) return 0;
    if (lm__csv_has_escapes(dialect, text, size)) return rows_end_walked(dialect, text, size, last);
    if (dialect->quote && memchr(text, dialect->quote, size)) {
        bool regular;
        size_t end = lm__csv_regular_end(dialect, text, size, &regular);
        if (regular && !last) return end;
        return end + rows_end_walked(dialect, text + end, size - end, last);
    }
    if (last) return size;
    const uint8_t *feed = memrchr(text, '\n', size);
    if (feed) return (size_t)(feed - text) + 1;
    const uint8_t *found = memrchr(text, '\r', size - 1); /* an LF may follow the very last */
    return found ? (size_t)(found - text) + 1 : 0;
}

size_t lm__csv_count(const uint8_t *text, size_t size, char c)
{
    size_t count = 0, at = 0;
#if defined(__SSE2__)
    __m128i wanted = _mm_set1_epi8(c), zero = _mm_setzero_si128();
    while (at + 16 <= size) {
        __m128i sums = zero;
        for (int i = 0; i < 255 && at + 16 <= size; i++, at += 16)
            sums = _mm_sub_epi8(
                sums, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(text + at)),
                                     wanted));
        __m128i pair = _mm_sad_epu8(sums, zero);
        count += (size_t)_mm_cvtsi128_si64(pair) +
                 (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(pair, pair));
    }
#endif
    for (; at < size; at++) count += (char)text[at] == c;
    return count;
}

size_t lm__csv_lines(const uint8_t *text, size_t size)
{
    size_t lines = lm__csv_count(text, size, '\n');
    const uint8_t *end = text + size, *at = text;
    while ((at = memchr(at, '\r', (size_t)(end - at)))) lines += ++at == end || *at != '\n';
    return lines;
}
