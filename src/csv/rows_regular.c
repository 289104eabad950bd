/*
 * Regular rows, 64 bytes at a time: quotes stand around whole cells or not at all, a quote within
 * is doubled, CR comes before LF only, nothing is escaped. Nearly all CSV is written so; the walk
 * of rows.c takes what is not.
 *
 *     bytes → masks (one bit a byte; by processor) → inside or outside of quotes → ends of cells
 *
 * Invariants
 *  1. A row that is not regular, or not ended by LF, is left to the caller, with all after it.
 *  2. What is found is what the walk would find (rows.h, invariant 1).
 */
#include <string.h>

#include "base/simd.h"
#include "csv/rows.h"

/* A bit for each of 64 bytes. */
typedef struct masks {
    uint64_t separators, feeds, returns, quotes;
} masks;

#define WORDS 32 /* masks that are made at once */

typedef void find_masks(const lm_csv_dialect *dialect, const uint8_t *text, size_t words,
                        masks *to);

static void find_scalar(const lm_csv_dialect *d, const uint8_t *text, size_t words, masks *to)
{
    for (size_t w = 0; w < words; w++, text += 64) {
        masks m = {0};
        for (int i = 0; i < 64; i++) {
            char c = (char)text[i];
            m.separators |= (uint64_t)(c == d->separator) << i;
            m.feeds |= (uint64_t)(c == '\n') << i;
            m.returns |= (uint64_t)(c == '\r') << i;
            m.quotes |= (uint64_t)(c == d->quote) << i;
        }
        to[w] = m;
    }
}

#ifdef LM_SIMD_X86
LM_TARGET_SSE42 static uint64_t equal_sse42(const __m128i *part, char c)
{
    __m128i wanted = _mm_set1_epi8(c);
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++)
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part[i], wanted)) << (16 * i);
    return bits;
}

LM_TARGET_SSE42 static void find_sse42(const lm_csv_dialect *d, const uint8_t *text, size_t words,
                                       masks *to)
{
    for (size_t w = 0; w < words; w++, text += 64) {
        __m128i part[4];
        for (int i = 0; i < 4; i++)
            part[i] = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        to[w] = (masks){equal_sse42(part, d->separator), equal_sse42(part, '\n'),
                        equal_sse42(part, '\r'), equal_sse42(part, d->quote)};
    }
}

LM_TARGET_AVX2 static uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    __m256i wanted = _mm256_set1_epi8(c);
    uint32_t first = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    uint32_t second = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));
    return first | (uint64_t)second << 32;
}

LM_TARGET_AVX2 static void find_avx2(const lm_csv_dialect *d, const uint8_t *text, size_t words,
                                     masks *to)
{
    for (size_t w = 0; w < words; w++, text += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)text);
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
        to[w] = (masks){equal_avx2(low, high, d->separator), equal_avx2(low, high, '\n'),
                        equal_avx2(low, high, '\r'), equal_avx2(low, high, d->quote)};
    }
}
#endif

static find_masks *find(void)
{
#ifdef LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) return find_avx2;
    if (lm__cpu_level() >= LM_CPU_SSE42) return find_sse42;
#endif
    return find_scalar;
}

/* Text from `from` on, word by word. Each carry is a bit, or all of them, of the word before. */
typedef struct scan {
    const lm_csv_dialect *dialect;
    find_masks *find;
    const uint8_t *text;
    size_t size, at;   /* at: where the next word begins */
    size_t word, have; /* of the masks that were made */
    uint64_t inside;   /* of quotes: all bits */
    uint64_t may_open; /* a quote that comes next may open a quoted part, or is a doubled one's */
    uint64_t closed;   /* a quoted part has just ended */
    uint64_t returned; /* a CR was last */
    masks masks[WORDS];
} scan;

static void scan_init(scan *s, const lm_csv_dialect *dialect, const uint8_t *text, size_t size,
                      size_t from)
{
    s->dialect = dialect;
    s->find = find();
    s->text = text;
    s->size = size;
    s->at = from;
    s->word = s->have = 0;
    s->inside = s->closed = s->returned = 0;
    s->may_open = 1;
}

static void more_masks(scan *s)
{
    size_t left = s->size - s->at, words = left / 64;
    s->word = 0;
    s->have = words < WORDS ? words : WORDS;
    if (s->have > 0) {
        s->find(s->dialect, s->text + s->at, s->have, s->masks);
        return;
    }
    uint8_t tail[64] = {0};
    memcpy(tail, s->text + s->at, left);
    s->have = 1;
    s->find(s->dialect, tail, 1, s->masks);
}

LM_ALWAYS_INLINE uint64_t below(unsigned bit) { return ((uint64_t)1 << bit) - 1; }

/* The ends of cells, lines' ends among them, in the next 64 bytes; false where they are not all
 * regular: then those before that. `doubled` gets bits where there are doubled quotes. */
LM_ALWAYS_INLINE bool next_word(scan *s, uint64_t *cells, uint64_t *lines, uint64_t *quotes,
                                uint64_t *doubled)
{
    if (s->word == s->have) more_masks(s);
    masks m = s->masks[s->word++];
    if (!s->dialect->quote) m.quotes = 0;
    size_t left = s->size - s->at;
    s->at += 64;
    uint64_t opens = 0, closes = 0;
    if (m.quotes | s->inside) {
        uint64_t in = m.quotes;
        for (int by = 1; by < 64; by *= 2) in ^= in << by;
        in ^= s->inside;
        opens = m.quotes & in;
        closes = m.quotes & ~in;
        m.separators &= ~in;
        m.feeds &= ~in;
        m.returns &= ~in;
        s->inside = (uint64_t)((int64_t)in >> 63);
    }
    *lines = m.feeds;
    *cells = m.separators | m.feeds;
    *quotes |= m.quotes;
    uint64_t may_open = (*cells | closes) << 1 | s->may_open, closed = closes << 1 | s->closed;
    uint64_t odd = (opens & ~may_open) | (closed & ~(*cells | opens | m.returns)) |
                   ((m.returns << 1 | s->returned) & ~m.feeds);
    *doubled |= opens & closed;
    s->may_open = (*cells | closes) >> 63;
    s->closed = closes >> 63;
    s->returned = m.returns >> 63;
    if (left < 64) {
        odd &= below((unsigned)left);
        *cells &= below((unsigned)left);
        *lines &= below((unsigned)left);
    }
    if (__builtin_expect(odd == 0, 1)) return true;
    uint64_t before = below((unsigned)__builtin_ctzll(odd));
    *cells &= before;
    *lines &= before;
    return false;
}

/* Of `count` ends of cells, the rows that have `columns` of them. */
static size_t whole_rows(const uint8_t *text, const lm_csv_span *spans, size_t count,
                         size_t columns, size_t lines)
{
#define IS_LINE(span) (text[(span).at + (span).size] == '\n')
    size_t rows = count / columns;
    bool whole = true;
    for (size_t i = 0; i < rows; i++) whole &= IS_LINE(spans[(i + 1) * columns - 1]);
    for (size_t i = rows * columns; i < count; i++) lines -= IS_LINE(spans[i]);
    if (whole && lines == rows) return rows;
    for (size_t i = 0; i < rows * columns; i++)
        if (IS_LINE(spans[i]) != (i % columns == columns - 1)) return i / columns;
    return rows;
#undef IS_LINE
}

/* Takes out one of each two quotes. The bytes that are left behind are no line ends: lines are
 * counted in this text. */
static uint32_t join_doubled(uint8_t *text, uint32_t size, char quote)
{
    uint8_t *to = memchr(text, quote, size);
    if (!to) return size;
    const uint8_t *from = to, *end = text + size;
    while (from < end) {
        from += (char)*from == quote;
        const uint8_t *next = memchr(from + 1, quote, (size_t)(end - from - 1));
        size_t part = (size_t)((next ? next : end) - from);
        memmove(to, from, part);
        to += part;
        from += part;
    }
    memset(to, 0, (size_t)(end - to));
    return (uint32_t)(to - text);
}

static void take_quotes_out(uint8_t *text, char quote, bool doubled, lm_csv_span *spans,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lm_csv_span *span = &spans[i];
        if (span->size == 0 || (char)text[span->at] != quote) continue;
        span->at++;
        span->size -= 2;
        if (doubled) span->size = join_doubled(text + span->at, span->size, quote);
        span->size |= LM_CSV_QUOTED;
    }
}

size_t lm__csv_regular_rows(const lm_csv_dialect *dialect, uint8_t *text, size_t size, size_t from,
                            size_t columns, size_t rows_max, lm_csv_span *spans, size_t *end,
                            size_t *lines)
{
    scan s;
    scan_init(&s, dialect, text, size, from);
    size_t count = 0, start = from, feeds = 0, wanted = rows_max * columns;
    uint64_t quotes = 0, doubled = 0;
    bool regular = true;
    while (regular && s.at < size && count < wanted) {
        size_t at = s.at;
        uint64_t cells, ends;
        regular = next_word(&s, &cells, &ends, &quotes, &doubled);
        for (; cells; cells &= cells - 1) {
            size_t stop = at + (size_t)__builtin_ctzll(cells);
            spans[count++] = (lm_csv_span){(uint32_t)start, (uint32_t)(stop - start)};
            start = stop + 1;
        }
        for (; ends; ends &= ends - 1) feeds++;
    }
    size_t rows = whole_rows(text, spans, count, columns, feeds);
    if (rows > rows_max) rows = rows_max;
    for (size_t i = 0; columns == 1 && i < rows; i++)
        if (spans[i].size == 0 || (spans[i].size == 1 && text[spans[i].at] == '\r'))
            rows = i; /* an empty line */
    *end = rows == 0 ? from
                     : (size_t)spans[rows * columns - 1].at + spans[rows * columns - 1].size + 1;
    *lines = quotes ? lm__csv_count(text + from, *end - from, '\n') : rows;
    for (size_t i = 0; i < rows; i++) {
        lm_csv_span *last = &spans[(i + 1) * columns - 1];
        last->size -= last->size > 0 && text[last->at + last->size - 1] == '\r';
    }
    if (quotes) take_quotes_out(text, dialect->quote, doubled != 0, spans, rows * columns);
    return rows;
}

size_t lm__csv_regular_end(const lm_csv_dialect *dialect, const uint8_t *text, size_t size,
                           bool *regular)
{
    scan s;
    scan_init(&s, dialect, text, size, 0);
    size_t end = 0;
    uint64_t quotes = 0, doubled = 0;
    *regular = true;
    while (*regular && s.at < size) {
        size_t at = s.at;
        uint64_t cells, lines;
        *regular = next_word(&s, &cells, &lines, &quotes, &doubled);
        if (lines) end = at + 64 - (size_t)__builtin_clzll(lines);
    }
    return end;
}
