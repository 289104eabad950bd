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
    uint64_t inside; /* of quotes, when the word begins outside: up to each closing one */
} masks;

#define WORDS 32 /* masks that are made at once */

typedef void find_masks(const lm_csv_dialect *dialect, const uint8_t *text, size_t words,
                        masks *to);

/* Each bit becomes the parity of those up to it. */
LM_ALWAYS_INLINE uint64_t parities(uint64_t bits)
{
    for (int by = 1; by < 64; by *= 2) bits ^= bits << by;
    return bits;
}

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
        m.inside = parities(m.quotes);
        to[w] = m;
    }
}

#ifdef LM_SIMD_X86
#define TARGET_SSE42 __attribute__((target("sse4.2,pclmul")))
/* parities by one product: of all ones, without carries. */
TARGET_SSE42 LM_ALWAYS_INLINE uint64_t parities_x86(uint64_t bits)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)bits), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

TARGET_SSE42 static uint64_t equal_sse42(const __m128i *part, char c)
{
    __m128i wanted = _mm_set1_epi8(c);
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++)
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part[i], wanted)) << (16 * i);
    return bits;
}

TARGET_SSE42 static void find_sse42(const lm_csv_dialect *d, const uint8_t *text, size_t words,
                                    masks *to)
{
    for (size_t w = 0; w < words; w++, text += 64) {
        __m128i part[4];
        for (int i = 0; i < 4; i++)
            part[i] = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        uint64_t quotes = equal_sse42(part, d->quote);
        to[w] = (masks){equal_sse42(part, d->separator), equal_sse42(part, '\n'),
                        equal_sse42(part, '\r'), quotes, parities_x86(quotes)};
    }
}

#define TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,fma,pclmul")))
#define TARGET_AVX512 __attribute__((target(LM_AVX512_FEATURES ",pclmul")))

TARGET_AVX2 static uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    __m256i wanted = _mm256_set1_epi8(c);
    uint32_t first = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    uint32_t second = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));
    return first | (uint64_t)second << 32;
}

TARGET_AVX2 static void find_avx2(const lm_csv_dialect *d, const uint8_t *text, size_t words,
                                  masks *to)
{
    for (size_t w = 0; w < words; w++, text += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)text);
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
        uint64_t quotes = equal_avx2(low, high, d->quote);
        to[w] = (masks){equal_avx2(low, high, d->separator), equal_avx2(low, high, '\n'),
                        equal_avx2(low, high, '\r'), quotes, parities_x86(quotes)};
    }
}

TARGET_AVX512 static void find_avx512(const lm_csv_dialect *d, const uint8_t *text, size_t words,
                                      masks *to)
{
    __m512i separator = _mm512_set1_epi8(d->separator), quote = _mm512_set1_epi8(d->quote);
    __m512i feed = _mm512_set1_epi8('\n'), carriage_return = _mm512_set1_epi8('\r');
    for (size_t w = 0; w < words; w++, text += 64) {
        __m512i bytes = _mm512_loadu_si512(text);
        uint64_t quotes = _mm512_cmpeq_epi8_mask(bytes, quote);
        to[w] =
            (masks){_mm512_cmpeq_epi8_mask(bytes, separator), _mm512_cmpeq_epi8_mask(bytes, feed),
                    _mm512_cmpeq_epi8_mask(bytes, carriage_return), quotes, parities_x86(quotes)};
    }
}
#endif

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
    /* what there was at all */
    uint64_t quotes, doubled, returns;
    uint64_t hidden; /* line ends within quotes */
    masks masks[WORDS];
} scan;

static void scan_init(scan *s, find_masks *find, const lm_csv_dialect *dialect, const uint8_t *text,
                      size_t size, size_t from)
{
    s->dialect = dialect;
    s->find = find;
    s->text = text;
    s->size = size;
    s->at = from;
    s->word = s->have = 0;
    s->inside = s->closed = s->returned = 0;
    s->quotes = s->doubled = s->returns = s->hidden = 0;
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
 * regular: then those before that. */
LM_ALWAYS_INLINE bool next_word(scan *s, uint64_t *cells, uint64_t *lines)
{
    if (s->word == s->have) more_masks(s);
    const masks *m = &s->masks[s->word++];
    size_t left = s->size - s->at;
    s->at += 64;
    uint64_t quotes = s->dialect->quote ? m->quotes : 0;
    uint64_t in = (s->dialect->quote ? m->inside : 0) ^ s->inside;
    uint64_t opens = quotes & in, closes = quotes & ~in, returns = m->returns & ~in;
    s->inside = (uint64_t)((int64_t)in >> 63);
    *lines = m->feeds & ~in;
    *cells = (m->separators & ~in) | *lines;
    uint64_t may_open = (*cells | closes) << 1 | s->may_open, closed = closes << 1 | s->closed;
    uint64_t odd = (opens & ~may_open) | (closed & ~(*cells | opens | returns)) |
                   ((returns << 1 | s->returned) & ~*lines);
    s->quotes |= quotes;
    s->doubled |= opens & closed;
    s->returns |= returns;
    s->hidden |= m->feeds & in;
    s->may_open = (*cells | closes) >> 63;
    s->closed = closes >> 63;
    s->returned = returns >> 63;
    if (__builtin_expect(left < 64, 0)) {
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

/* Cells from `start` on that end at the bits of `cells`; `at` is where the first bit stands. It
 * writes up to 64. Each moves `start` behind the last one. */
typedef size_t add_cells(lm_csv_span *to, uint64_t cells, size_t at, size_t *start);

LM_ALWAYS_INLINE size_t add_by_bits(lm_csv_span *to, uint64_t cells, size_t at, size_t *start)
{
    size_t count = 0, from = *start;
    for (; cells; cells &= cells - 1) {
        size_t stop = at + (size_t)__builtin_ctzll(cells);
        to[count++] = (lm_csv_span){(uint32_t)from, (uint32_t)(stop - from)};
        from = stop + 1;
    }
    *start = from;
    return count;
}

#ifdef LM_SIMD_X86
/* Four at a time, so that no branch depends on how many there are exactly. */
TARGET_AVX2 LM_ALWAYS_INLINE size_t add_by_fours(lm_csv_span *to, uint64_t cells, size_t at,
                                                 size_t *start)
{
    size_t count = (size_t)__builtin_popcountll(cells), from = *start;
    if (cells) *start = at + 64 - (size_t)__builtin_clzll(cells);
    for (size_t done = 0; done < count; done += 4)
        for (size_t i = done; i < done + 4; i++) {
            size_t stop = at + _tzcnt_u64(cells);
            to[i] = (lm_csv_span){(uint32_t)from, (uint32_t)(stop - from)};
            from = stop + 1;
            cells &= cells - 1;
        }
    return count;
}

/* Sixteen at a time: the bits' numbers, side by side. */
TARGET_AVX512 LM_ALWAYS_INLINE size_t add_by_sixteens(lm_csv_span *to, uint64_t cells, size_t at,
                                                      size_t *start)
{
    const __m512i numbers = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high =
        _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    size_t count = (size_t)__builtin_popcountll(cells), from = *start;
    if (cells) *start = at + 64 - (size_t)__builtin_clzll(cells);
    __m512i found = _mm512_maskz_compress_epi8(cells, numbers);
    for (size_t done = 0; done < count; done += 16) {
        __m512i stops = _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(found)),
                                         _mm512_set1_epi32((int)at));
        __m512i starts =
            _mm512_add_epi32(_mm512_alignr_epi32(stops, stops, 15), _mm512_set1_epi32(1));
        starts = _mm512_mask_mov_epi32(starts, 1, _mm512_set1_epi32((int)from));
        __m512i sizes = _mm512_sub_epi32(stops, starts);
        _mm512_storeu_si512(to + done, _mm512_permutex2var_epi32(starts, low, sizes));
        _mm512_storeu_si512(to + done + 8, _mm512_permutex2var_epi32(starts, high, sizes));
        from = to[done + 15].at + to[done + 15].size + 1;
        found = _mm512_shuffle_i32x4(found, found, 0x39);
    }
    return count;
}
#endif

/* Ends of cells until there are `wanted` of them, or the text ends or is not regular; LFs in
 * *feeds. */
LM_ALWAYS_INLINE size_t cut(scan *s, add_cells *add, size_t wanted, lm_csv_span *spans,
                            size_t *feeds)
{
    size_t count = 0, start = s->at, lines = 0;
    bool regular = true;
    while (regular && s->at < s->size && count < wanted) {
        size_t at = s->at;
        uint64_t cells, ends;
        regular = next_word(s, &cells, &ends);
        count += add(spans + count, cells, at, &start);
        lines += (size_t)__builtin_popcountll(ends);
    }
    *feeds = lines;
    return count;
}

/* Where the last row ends. */
LM_ALWAYS_INLINE size_t last_end(scan *s, bool *regular)
{
    size_t end = 0;
    *regular = true;
    while (*regular && s->at < s->size) {
        size_t at = s->at;
        uint64_t cells, lines;
        *regular = next_word(s, &cells, &lines);
        if (lines) end = at + 64 - (size_t)__builtin_clzll(lines);
    }
    return end;
}

#define LEVEL(name, target, add)                                                                   \
    target static size_t cut_##name(scan *s, size_t wanted, lm_csv_span *spans, size_t *feeds)     \
    {                                                                                              \
        return cut(s, add, wanted, spans, feeds);                                                  \
    }                                                                                              \
    target static size_t last_end_##name(scan *s, bool *regular) { return last_end(s, regular); }

LEVEL(scalar, , add_by_bits)
#ifdef LM_SIMD_X86
LEVEL(avx2, TARGET_AVX2, add_by_fours)
LEVEL(avx512, TARGET_AVX512, add_by_sixteens)
#endif

typedef struct kernels {
    find_masks *find;
    size_t (*cut)(scan *s, size_t wanted, lm_csv_span *spans, size_t *feeds);
    size_t (*last_end)(scan *s, bool *regular);
} kernels;

static kernels kernels_of_this(void)
{
#ifdef LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX512)
        return (kernels){find_avx512, cut_avx512, last_end_avx512};
    if (lm__cpu_level() >= LM_CPU_AVX2) return (kernels){find_avx2, cut_avx2, last_end_avx2};
    if (lm__cpu_level() >= LM_CPU_SSE42) return (kernels){find_sse42, cut_scalar, last_end_scalar};
#endif
    return (kernels){find_scalar, cut_scalar, last_end_scalar};
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

/* A branch on whether a cell has quotes would often be missed. */
static void take_quotes_out(uint8_t *text, char quote, bool doubled, lm_csv_span *spans,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lm_csv_span *span = &spans[i];
        uint32_t quoted = (span->size > 0) & ((char)text[span->at] == quote);
        span->at += quoted;
        span->size -= 2 * quoted;
        if (doubled && quoted) span->size = join_doubled(text + span->at, span->size, quote);
        span->size |= quoted << 31; /* LM_CSV_QUOTED */
    }
}

size_t lm__csv_regular_rows(const lm_csv_dialect *dialect, uint8_t *text, size_t size, size_t from,
                            size_t columns, size_t rows_max, lm_csv_span *spans, size_t *end,
                            size_t *lines)
{
    scan s;
    kernels k = kernels_of_this();
    size_t feeds;
    scan_init(&s, k.find, dialect, text, size, from);
    size_t count = k.cut(&s, rows_max * columns, spans, &feeds);
    size_t rows = whole_rows(text, spans, count, columns, feeds);
    if (rows > rows_max) rows = rows_max;
    for (size_t i = 0; columns == 1 && i < rows; i++)
        if (spans[i].size == 0 || (spans[i].size == 1 && text[spans[i].at] == '\r'))
            rows = i; /* an empty line */
    *end = rows == 0 ? from
                     : (size_t)spans[rows * columns - 1].at + spans[rows * columns - 1].size + 1;
    *lines = s.hidden ? lm__csv_count(text + from, *end - from, '\n') : rows;
    for (size_t i = 0; s.returns && i < rows; i++) {
        lm_csv_span *last = &spans[(i + 1) * columns - 1];
        last->size -= last->size > 0 && text[last->at + last->size - 1] == '\r';
    }
    if (s.quotes) take_quotes_out(text, dialect->quote, s.doubled != 0, spans, rows * columns);
    return rows;
}

size_t lm__csv_regular_end(const lm_csv_dialect *dialect, const uint8_t *text, size_t size,
                           bool *regular)
{
    scan s;
    kernels k = kernels_of_this();
    scan_init(&s, k.find, dialect, text, size, 0);
    return k.last_end(&s, regular);
}
