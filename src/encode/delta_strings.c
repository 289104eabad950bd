/*
 * DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY (delta.h). Encodings.md, "Delta-length byte array"
 * and "Delta Strings": the first is all the lengths, then all the bytes; the second is how many
 * bytes each string shares with the one before it, then the rests in the form of the first.
 *
 * The encoders keep the lengths at the end of the caller's room, past anything that is written
 * while they are needed.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/simd.h"
#include "encode/copy.h"
#include "encode/delta.h"

/* --- Writing -------------------------------------------------------------------------------- */

size_t lm__delta_length_bound(size_t bytes, size_t count)
{
    size_t work_bytes = 4 * count + 4; /* the strings' bytes may cover it */
    return lm__delta32_bound(count) + (bytes > work_bytes ? bytes : work_bytes) + LM_ENCODE_SLACK;
}

size_t lm__delta_strings_bound(size_t bytes, size_t count)
{
    return 2 * lm__delta32_bound(count) + bytes + 8 * count + 4 + LM_ENCODE_SLACK;
}

static int32_t *work_space(uint8_t *at) { return (int32_t *)(((uintptr_t)at + 3) & ~(uintptr_t)3); }

static size_t put_lengths(const lm_strings *strings, lm_bits valid, size_t count, int32_t *lengths)
{
    size_t n = 0;
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        if (!run.set) continue;
        for (size_t i = run.start; i < run.start + run.length; i++)
            lengths[n++] = (int32_t)lm__strings_get(strings, i).size;
    }
    return n;
}

/* Strings that lie one after the other are moved at once. */
static uint8_t *put_bytes(const lm_strings *strings, size_t start, size_t end, uint8_t *to)
{
    if (strings->kind != LM_STRINGS_VIEWS) {
        lm_slice first = lm__strings_get(strings, start), last = lm__strings_get(strings, end - 1);
        size_t bytes = (size_t)(last.data - first.data) + last.size;
        if (bytes) memcpy(to, first.data, bytes);
        return to + bytes;
    }
    for (size_t i = start; i < end; i++) {
        lm_slice string = lm__strings_get(strings, i);
        lm__copy_short(to, string.data, string.size, string.data + string.size);
        to += string.size;
    }
    return to;
}

size_t lm__delta_length_encode(const lm_strings *strings, lm_bits valid, size_t count, uint8_t *out)
{
    int32_t *lengths = work_space(out + lm__delta32_bound(count));
    size_t n = put_lengths(strings, valid, count, lengths);
    uint8_t *to = out + lm__delta32_encode(lengths, n, out);
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);)
        if (run.set) to = put_bytes(strings, run.start, run.start + run.length, to);
    return (size_t)(to - out);
}

/* A string, and the end of what may be read around it: for views its own. */
typedef struct source {
    const uint8_t *data, *limit;
    size_t size;
} source;

static inline source get(const lm_strings *strings, size_t i, const uint8_t *limit)
{
    lm_slice string = lm__strings_get(strings, i);
    return (source){string.data, limit ? limit : string.data + string.size, string.size};
}

static const uint8_t *strings_limit(const lm_strings *strings, size_t count)
{
    if (strings->kind == LM_STRINGS_VIEWS || count == 0) return NULL;
    lm_slice last = lm__strings_get(strings, count - 1);
    return last.data + last.size;
}

/* How many of the first bytes at a and b are the same, up to STEP_BYTES. */
#ifdef LM_SIMD_X86
#define STEP_BYTES 16
static inline size_t same_bytes(const uint8_t *a, const uint8_t *b)
{
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
                                  _mm_loadu_si128((const __m128i *)(const void *)b));
    return (size_t)__builtin_ctz(~(unsigned)_mm_movemask_epi8(same));
}
#else
#define STEP_BYTES 8
static inline size_t same_bytes(const uint8_t *a, const uint8_t *b)
{
    uint64_t differ = lm__load64(a) ^ lm__load64(b);
    return differ ? (size_t)__builtin_ctzll(differ) >> 3 : STEP_BYTES;
}
#endif

static inline size_t shared_prefix(source a, source b)
{
    size_t most = a.size < b.size ? a.size : b.size, i = 0;
    while (i < most && (size_t)(a.limit - a.data) - i >= STEP_BYTES &&
           (size_t)(b.limit - b.data) - i >= STEP_BYTES) {
        size_t same = same_bytes(a.data + i, b.data + i);
        i += same;
        if (same < STEP_BYTES || i > most) return i < most ? i : most;
    }
    while (i < most && a.data[i] == b.data[i]) i++;
    return i;
}

/* Returns how many strings are valid. */
static size_t put_prefixes(const lm_strings *strings, lm_bits valid, size_t count,
                           const uint8_t *limit, int32_t *prefixes, int32_t *suffixes)
{
    source previous = {NULL, NULL, 0};
    size_t n = 0;
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        for (size_t i = run.start; run.set && i < run.start + run.length; i++, n++) {
            source string = get(strings, i, limit);
            size_t prefix = shared_prefix(previous, string);
            prefixes[n] = (int32_t)prefix;
            suffixes[n] = (int32_t)(string.size - prefix);
            previous = string;
        }
    }
    return n;
}

size_t lm__delta_strings_encode(const lm_strings *strings, lm_bits valid, size_t count,
                                uint8_t *out)
{
    size_t bytes = lm__strings_bytes(strings, valid, count), n = 0;
    const uint8_t *limit = strings_limit(strings, count);
    int32_t *prefixes = work_space(out + 2 * lm__delta32_bound(count) + bytes);
    int32_t *suffixes = prefixes + count;
    size_t some = put_prefixes(strings, valid, count, limit, prefixes, suffixes);
    uint8_t *to = out + lm__delta32_encode(prefixes, some, out);
    to += lm__delta32_encode(suffixes, some, to);
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        for (size_t i = run.start; run.set && i < run.start + run.length; i++, n++) {
            source string = get(strings, i, limit);
            size_t suffix = (size_t)suffixes[n];
            lm__copy_short(to, string.data + prefixes[n], suffix, string.limit);
            to += suffix;
        }
    }
    return (size_t)(to - out);
}

/* --- Reading -------------------------------------------------------------------------------- */

static lm_status corrupt(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_CORRUPT, "delta-encoded strings: %s", what);
}

static lm_status too_long(lm_error *error)
{
    return lm__error_set(error, LM_LIMIT, "strings of more than 2 GiB in one array");
}

static lm_status read_lengths(const lm_delta_reader *reader, const uint8_t *src, size_t size,
                              int32_t **lengths, size_t *consumed, lm_error *error)
{
    *lengths = lm__alloc_array(reader->allocator, reader->count + 1, sizeof **lengths);
    if (!*lengths) return lm__error_memory(error, "reading the lengths of strings");
    return lm__delta32_decode(src, size, reader->count, *lengths, consumed, error);
}

/* The lengths against one another and against the bytes that are there. */
static lm_status measure(lm_delta_reader *reader, size_t bytes_left, lm_error *error)
{
    const int32_t *prefixes = reader->prefixes, *suffixes = reader->suffixes;
    uint64_t total = 0, suffix_total = 0, previous = reader->before.size;
    for (size_t i = 0; i < reader->count; i++) {
        if (suffixes[i] < 0) return corrupt(error, "a length below zero");
        suffix_total += (uint64_t)suffixes[i];
        if (suffix_total > bytes_left) return corrupt(error, "end before their last byte");
        uint64_t length = (uint64_t)suffixes[i];
        if (prefixes) {
            if (prefixes[i] < 0 || (uint64_t)prefixes[i] > previous)
                return corrupt(error, "a prefix longer than the string before it");
            length += (uint64_t)prefixes[i];
        }
        total += length;
        if (total > LM_STRINGS_BYTES_MAX) return too_long(error);
        previous = length;
    }
    reader->suffix_bytes = (size_t)suffix_total;
    reader->data_bytes = (size_t)total;
    return LM_OK;
}

/* `before` is NULL where there are no prefixes. */
static lm_status open_reader(lm_delta_reader *reader, const lm_allocator *allocator,
                             const lm_slice *before, const uint8_t *src, size_t size, size_t count,
                             lm_error *error)
{
    lm_status status = LM_OK;
    size_t at = 0, used = 0;
    *reader = (lm_delta_reader){.allocator = allocator, .count = count};
    if (before) {
        reader->before = *before;
        status = read_lengths(reader, src, size, &reader->prefixes, &used, error);
        at += used;
    }
    if (status == LM_OK) {
        status = read_lengths(reader, src + at, size - at, &reader->suffixes, &used, error);
        at += used;
    }
    if (status == LM_OK) status = measure(reader, size - at, error);
    if (status != LM_OK) {
        lm__delta_reader_close(reader);
        return status;
    }
    reader->bytes = src + at;
    reader->consumed = at + reader->suffix_bytes;
    return LM_OK;
}

lm_status lm__delta_length_open(lm_delta_reader *reader, const lm_allocator *allocator,
                                const uint8_t *src, size_t size, size_t count, lm_error *error)
{
    return open_reader(reader, allocator, NULL, src, size, count, error);
}

lm_status lm__delta_strings_open(lm_delta_reader *reader, const lm_allocator *allocator,
                                 const uint8_t *src, size_t size, size_t count, lm_slice before,
                                 lm_error *error)
{
    return open_reader(reader, allocator, &before, src, size, count, error);
}

void lm__delta_reader_close(lm_delta_reader *reader)
{
    lm__free(reader->allocator, reader->prefixes);
    lm__free(reader->allocator, reader->suffixes);
    reader->prefixes = reader->suffixes = NULL;
}

/* A prefix never overlaps the place it goes to, the bytes after it may: they go by a register. Both
 * have slack after them. */
static inline void copy_prefix(uint8_t *to, const uint8_t *from, size_t size)
{
    uint8_t bytes[LM_SHORT_BYTES];
    if (__builtin_expect(size > LM_SHORT_BYTES, 0)) {
        memcpy(to, from, size);
        return;
    }
    memcpy(bytes, from, LM_SHORT_BYTES);
    memcpy(to, bytes, LM_SHORT_BYTES);
}

/* From its end, which is its own, to its beginning, which is another's. */
lm_status lm__delta_reader_last(const lm_delta_reader *reader, lm_buffer *before, lm_error *error)
{
    size_t i = reader->count;
    if (i == 0) return LM_OK;
    size_t left = (size_t)reader->prefixes[i - 1] + (size_t)reader->suffixes[i - 1];
    if (lm__buffer_reserve(before, left + LM_ENCODE_SLACK) != LM_OK)
        return lm__error_memory(error, "reading strings");
    before->size = left;
    for (const uint8_t *from = reader->bytes + reader->suffix_bytes; left && i > 0;) {
        size_t prefix = (size_t)reader->prefixes[--i];
        from -= reader->suffixes[i];
        if (prefix >= left) continue;
        memcpy(before->data + prefix, from, left - prefix);
        left = prefix;
    }
    return LM_OK;
}

/* Puts strings together; `data` has slack. */
static void join(const lm_delta_reader *reader, uint8_t *data)
{
    const uint8_t *from = reader->bytes, *limit = from + reader->suffix_bytes;
    const uint8_t *previous = reader->before.data;
    uint8_t *to = data;
    for (size_t i = 0; i < reader->count; i++) {
        size_t prefix = (size_t)reader->prefixes[i], suffix = (size_t)reader->suffixes[i];
        uint8_t *start = to;
        if (prefix) copy_prefix(to, previous, prefix);
        lm__copy_short(to + prefix, from, suffix, limit);
        from += suffix;
        to += prefix + suffix;
        previous = start;
    }
}

#define READ(bits)                                                                                 \
    lm_status lm__delta_reader_read##bits(const lm_delta_reader *reader, int##bits##_t base,       \
                                          int##bits##_t *offsets, uint8_t *data, lm_error *error)  \
    {                                                                                              \
        if (reader->data_bytes > (size_t)(INT##bits##_MAX - base)) return too_long(error);         \
        int##bits##_t at = base;                                                                   \
        for (size_t i = 0; i < reader->count; i++) {                                               \
            offsets[i] = at;                                                                       \
            at += reader->suffixes[i];                                                             \
            if (reader->prefixes) at += reader->prefixes[i];                                       \
        }                                                                                          \
        offsets[reader->count] = at;                                                               \
        if (reader->prefixes)                                                                      \
            join(reader, data);                                                                    \
        else if (reader->data_bytes)                                                               \
            memcpy(data, reader->bytes, reader->data_bytes);                                       \
        return LM_OK;                                                                              \
    }

READ(32)
READ(64)

lm_status lm__delta_reader_read_fixed(const lm_delta_reader *reader, size_t width, uint8_t *data,
                                      lm_error *error)
{
    const int32_t *prefixes = reader->prefixes, *suffixes = reader->suffixes;
    for (size_t i = 0; i < reader->count; i++)
        if ((size_t)suffixes[i] + (size_t)(prefixes ? prefixes[i] : 0) != width)
            return lm__error_set(error, LM_CORRUPT,
                                 "delta-encoded strings: one that is not %zu bytes long", width);
    if (!prefixes) {
        if (reader->data_bytes) memcpy(data, reader->bytes, reader->data_bytes);
        return LM_OK;
    }
    const uint8_t *from = reader->bytes;
    for (size_t i = 0; i < reader->count; i++, data += width) {
        size_t prefix = (size_t)prefixes[i], suffix = (size_t)suffixes[i];
        if (prefix) memcpy(data, i ? data - width : reader->before.data, prefix);
        if (suffix) memcpy(data + prefix, from, suffix);
        from += suffix;
    }
    return LM_OK;
}
