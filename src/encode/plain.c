/*
 * PLAIN (plain.h): small integers widened and narrowed, byte arrays written and read. The moves
 * around nulls are in compact.c.
 */
#include "encode/plain.h"

#include "base/error.h"
#include "base/simd.h"
#include "encode/copy.h"

/* --- Integers ------------------------------------------------------------------------------- */

/* In a page the values follow the levels, wherever those end. */
typedef int32_t loose32 __attribute__((aligned(1), may_alias));

#define WIDEN(name, type, level, target)                                                           \
    target static void widen_##name##_##level(const type *values, size_t count, loose32 *out)      \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) out[i] = values[i];                                     \
    }                                                                                              \
    target static bool narrow_##name##_##level(const int32_t *values, size_t count, type *out)     \
    {                                                                                              \
        uint32_t lost = 0;                                                                         \
        for (size_t i = 0; i < count; i++) {                                                       \
            out[i] = (type)values[i];                                                              \
            lost |= (uint32_t)values[i] ^ (uint32_t)(int32_t)out[i];                               \
        }                                                                                          \
        return lost == 0;                                                                          \
    }

#ifdef LM_SIMD_X86
#define AT_LEVEL(function, ...)                                                                    \
    (lm__cpu_level() >= LM_CPU_AVX2 ? function##_avx2(__VA_ARGS__) : function##_scalar(__VA_ARGS__))
#define WIDEN_LEVELS(name, type) WIDEN(name, type, scalar, ) WIDEN(name, type, avx2, LM_TARGET_AVX2)
#else
#define AT_LEVEL(function, ...) function##_scalar(__VA_ARGS__)
#define WIDEN_LEVELS(name, type) WIDEN(name, type, scalar, )
#endif

#define WIDEN_CALLS(name, type)                                                                    \
    WIDEN_LEVELS(name, type)                                                                       \
    void lm__widen_##name(const type *values, size_t count, void *out)                             \
    {                                                                                              \
        AT_LEVEL(widen_##name, values, count, out);                                                \
    }                                                                                              \
    bool lm__narrow_##name(const int32_t *values, size_t count, type *out)                         \
    {                                                                                              \
        return AT_LEVEL(narrow_##name, values, count, out);                                        \
    }

WIDEN_CALLS(i8, int8_t)
WIDEN_CALLS(u8, uint8_t)
WIDEN_CALLS(i16, int16_t)
WIDEN_CALLS(u16, uint16_t)

/* --- Byte arrays ---------------------------------------------------------------------------- */

static inline uint8_t *put_size(uint8_t *out, size_t size)
{
    uint32_t little = (uint32_t)size;
    memcpy(out, &little, 4);
    return out + 4;
}

#define ENCODE_OFFSETS(bits)                                                                       \
    static uint8_t *put_strings##bits(const lm_strings *strings, size_t start, size_t end,         \
                                      const uint8_t *limit, uint8_t *out)                          \
    {                                                                                              \
        const int##bits##_t *offsets = strings->offsets;                                           \
        for (size_t i = start; i < end; i++) {                                                     \
            size_t size = (size_t)(offsets[i + 1] - offsets[i]);                                   \
            out = put_size(out, size);                                                             \
            lm__copy_short(out, strings->data + offsets[i], size, limit);                          \
            out += size;                                                                           \
        }                                                                                          \
        return out;                                                                                \
    }

ENCODE_OFFSETS(32)
ENCODE_OFFSETS(64)

/* A short view is the PLAIN form itself: 4 bytes of length, then up to 12 bytes. */
static uint8_t *put_views(const lm_strings *strings, size_t start, size_t end, uint8_t *out)
{
    const uint8_t *view = (const uint8_t *)strings->offsets + 16 * start;
    for (size_t i = start; i < end; i++, view += 16) {
        uint32_t size = lm__load32(view);
        if (size <= 12) {
            memcpy(out, view, 16);
        } else {
            const uint8_t *from = strings->buffers[lm__load32(view + 8)] + lm__load32(view + 12);
            put_size(out, size);
            lm__copy_short(out + 4, from, size, from + size);
        }
        out += 4 + (size_t)size;
    }
    return out;
}

static uint8_t *put_fixed(const lm_strings *strings, size_t start, size_t end, uint8_t *out)
{
    size_t width = strings->width;
    for (size_t i = start; i < end; i++) {
        out = put_size(out, width);
        memcpy(out, strings->data + i * width, width);
        out += width;
    }
    return out;
}

size_t lm__plain_strings_encode(const lm_strings *strings, lm_bits valid, size_t count,
                                uint8_t *out)
{
    if (count == 0) return 0;
    uint8_t *to = out;
    const uint8_t *limit = lm__strings_limit(strings, count);
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        if (!run.set) continue;
        size_t end = run.start + run.length;
        switch (strings->kind) {
        case LM_STRINGS_OFFSETS32: to = put_strings32(strings, run.start, end, limit, to); break;
        case LM_STRINGS_OFFSETS64: to = put_strings64(strings, run.start, end, limit, to); break;
        case LM_STRINGS_VIEWS: to = put_views(strings, run.start, end, to); break;
        case LM_STRINGS_FIXED: to = put_fixed(strings, run.start, end, to); break;
        }
    }
    return (size_t)(to - out);
}

static lm_status too_short(lm_error *error)
{
    return lm__error_set(error, LM_CORRUPT, "BYTE_ARRAY data: ends before its last value");
}

static lm_status too_long(lm_error *error)
{
    return lm__error_set(error, LM_LIMIT, "strings of more than 2 GiB in one array");
}

/* Every string takes 4 bytes for its length, so what is left for bytes is known from the start:
 * that one budget checks both that the lengths can be read and that the bytes are there. */
#define DECODE(bits)                                                                               \
    lm_status lm__plain_strings_decode##bits(                                                      \
        const uint8_t *src, size_t size, size_t count, int##bits##_t base, int##bits##_t *offsets, \
        uint8_t *data, size_t *data_bytes, size_t *consumed, lm_error *error)                      \
    {                                                                                              \
        if (count > size / 4) return too_short(error);                                             \
        size_t budget = size - 4 * count, room = (size_t)(INT##bits##_MAX - base), total = 0;      \
        const uint8_t *at = src, *limit = src + size;                                              \
        size_t most = budget < room ? budget : room;                                               \
        for (size_t i = 0; i < count; i++) {                                                       \
            size_t n = lm__load32(at);                                                             \
            if (n > most - total) return n > budget - total ? too_short(error) : too_long(error);  \
            at += 4;                                                                               \
            offsets[i] = (int##bits##_t)(base + (int##bits##_t)total);                             \
            lm__copy_short(data + total, at, n, limit);                                            \
            at += n;                                                                               \
            total += n;                                                                            \
        }                                                                                          \
        offsets[count] = (int##bits##_t)(base + (int##bits##_t)total);                             \
        *data_bytes = total;                                                                       \
        *consumed = (size_t)(at - src);                                                            \
        return LM_OK;                                                                              \
    }

DECODE(32)
DECODE(64)

lm_status lm__plain_strings_measure(const uint8_t *src, size_t size, size_t count,
                                    size_t *data_bytes, size_t *consumed, lm_error *error)
{
    if (count > size / 4) return too_short(error);
    size_t budget = size - 4 * count, total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = lm__load32(src + 4 * i + total);
        if (n > budget - total) return too_short(error);
        total += n;
    }
    *data_bytes = total;
    *consumed = 4 * count + total;
    return LM_OK;
}

lm_status lm__gather_strings_offsets32(const uint32_t *indices, size_t count,
                                       const int32_t *dictionary_offsets, size_t dictionary_count,
                                       int32_t base, int32_t *offsets, lm_error *error)
{
    int64_t total = base;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = indices[i];
        if (index >= dictionary_count)
            return lm__error_set(error, LM_CORRUPT, "dictionary index %u of %zu values",
                                 (unsigned)index, dictionary_count);
        offsets[i] = (int32_t)total;
        total += dictionary_offsets[index + 1] - dictionary_offsets[index];
        if (total > INT32_MAX) return too_long(error);
    }
    offsets[count] = (int32_t)total;
    return LM_OK;
}

void lm__gather_strings_data32(const uint32_t *indices, size_t count,
                               const int32_t *dictionary_offsets, size_t dictionary_count,
                               const uint8_t *dictionary_data, uint8_t *data)
{
    const uint8_t *limit = dictionary_data + dictionary_offsets[dictionary_count];
    for (size_t i = 0; i < count; i++) {
        const int32_t *at = dictionary_offsets + indices[i];
        size_t size = (size_t)(at[1] - at[0]);
        lm__copy_short(data, dictionary_data + at[0], size, limit);
        data += size;
    }
}

/* A string is two loads, and its copy always as long as the longest may be: nothing is guessed. */
#define GATHER_SHORT(level, target)                                                                \
    target static bool gather_short32_##level(                                                     \
        const uint32_t *indices, size_t count, const int32_t *dictionary_offsets,                  \
        size_t dictionary_count, const uint8_t *dictionary_data, int32_t base, int32_t *offsets,   \
        uint8_t *data)                                                                             \
    {                                                                                              \
        uint32_t most = 0;                                                                         \
        uint8_t *to = data;                                                                        \
        for (size_t i = 0; i < count; i++) most = indices[i] > most ? indices[i] : most;           \
        if (count && most >= dictionary_count) return false;                                       \
        for (size_t i = 0; i < count; i++) {                                                       \
            const int32_t *at = dictionary_offsets + indices[i];                                   \
            memcpy(to, dictionary_data + at[0], LM_GATHER_SHORT_BYTES);                            \
            offsets[i] = base + (int32_t)(to - data);                                              \
            to += at[1] - at[0];                                                                   \
        }                                                                                          \
        offsets[count] = base + (int32_t)(to - data);                                              \
        return true;                                                                               \
    }

GATHER_SHORT(scalar, )
#ifdef LM_SIMD_X86
GATHER_SHORT(avx2, LM_TARGET_AVX2)
#endif

bool lm__gather_strings_short32(const uint32_t *indices, size_t count,
                                const int32_t *dictionary_offsets, size_t dictionary_count,
                                const uint8_t *dictionary_data, int32_t base, int32_t *offsets,
                                uint8_t *data)
{
    return AT_LEVEL(gather_short32, indices, count, dictionary_offsets, dictionary_count,
                    dictionary_data, base, offsets, data);
}
