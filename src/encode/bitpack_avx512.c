/*
 * Bit packing with AVX-512 (VBMI: bytes shuffled freely across a register, VBMI2: shifts across
 * two).
 *
 * Unpacking: a register of results takes a whole number of bytes from the stream, so the same
 * shuffle serves every step. It brings each 8-byte lane the bytes that its values lie in; a
 * multishift then cuts every result byte out of its lane at any bit, and a mask removes the
 * neighbour's bits.
 *
 * Packing goes the other way: values are joined by shifts until each 8-byte lane holds `bits` of
 * them (two of 32 bits, four of 16, one of 64), then the eight lanes are closed up: each is shifted
 * to its place within a byte and its bytes are shuffled to where they belong. A byte of the result
 * can hold bits of two lanes, so it takes two shuffles, and a third for lanes that overflow when
 * shifted.
 */
#include "encode/bitpack.h"

#include "encode/bitpack_kernels.h"

#ifdef LM_SIMD_X86

/* --- Unpacking ------------------------------------------------------------------------------ */

/* For lane j, whose first bit is j * step: the bytes to bring, and the multishift control on top of
 * `cuts`, the places of the result bytes within a lane. */
typedef struct unpack_plan {
    __m512i bytes, shifts;
} unpack_plan;

LM_TARGET_AVX512 static inline unpack_plan plan_unpack(unsigned step, uint64_t cuts)
{
    __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    __m512i bit = _mm512_mul_epu32(lane, _mm512_set1_epi64(step));
    __m512i spread = _mm512_set_epi64(0x0808080808080808, 0, 0x0808080808080808, 0,
                                      0x0808080808080808, 0, 0x0808080808080808, 0);
    __m512i byte = _mm512_shuffle_epi8(_mm512_srli_epi64(bit, 3), spread);
    __m512i shift = _mm512_shuffle_epi8(_mm512_and_si512(bit, _mm512_set1_epi64(7)), spread);
    return (unpack_plan){
        _mm512_add_epi8(byte, _mm512_set1_epi64(0x0706050403020100)),
        _mm512_add_epi8(shift, _mm512_set1_epi64((long long)cuts)),
    };
}

LM_TARGET_AVX512 static inline __m512i load_part(const uint8_t *src, size_t size)
{
    if (size >= 64) return _mm512_loadu_si512(src);
    return _mm512_maskz_loadu_epi8(_bzhi_u64(~(uint64_t)0, (unsigned)size), src);
}

/* `values` of each step come from `bytes` bytes; the last step is cut off by masks. */
#define UNPACK_STEPS(type, values, bytes, result)                                                  \
    do {                                                                                           \
        for (; count >= (values) && size >= 64;                                                    \
             count -= (values), size -= (bytes), src += (bytes), out += (values)) {                \
            __m512i raw = _mm512_loadu_si512(src);                                                 \
            _mm512_storeu_si512(out, (result));                                                    \
        }                                                                                          \
        while (count) {                                                                            \
            __m512i raw = load_part(src, size);                                                    \
            size_t n = count < (values) ? count : (values);                                        \
            _mm512_mask_storeu_epi8(out, _bzhi_u64(~(uint64_t)0, (unsigned)(n * sizeof(type))),    \
                                    (result));                                                     \
            out += n;                                                                              \
            count -= n;                                                                            \
            if (count) {                                                                           \
                src += (bytes);                                                                    \
                size -= (bytes);                                                                   \
            }                                                                                      \
        }                                                                                          \
    } while (0)

LM_TARGET_AVX512 void lm__unpack8_avx512(const uint8_t *src, size_t size, size_t count,
                                         unsigned width, uint8_t *out)
{
    if (count == 0) return;
    if (width == 0 || width == 8) {
        if (width)
            memcpy(out, src, count);
        else
            memset(out, 0, count);
        return;
    }
    unpack_plan plan = plan_unpack(8 * width, 0x0706050403020100 * (uint64_t)width);
    __m512i mask = _mm512_set1_epi8((char)((1 << width) - 1));
    UNPACK_STEPS(uint8_t, 64, 8 * width,
                 _mm512_and_si512(_mm512_multishift_epi64_epi8(
                                      plan.shifts, _mm512_permutexvar_epi8(plan.bytes, raw)),
                                  mask));
}

LM_TARGET_AVX512 void lm__unpack16_avx512(const uint8_t *src, size_t size, size_t count,
                                          unsigned width, uint16_t *out)
{
    if (count == 0) return;
    if (width == 0 || width == 16) {
        if (width)
            memcpy(out, src, count * 2);
        else
            memset(out, 0, count * 2);
        return;
    }
    unpack_plan plan =
        plan_unpack(4 * width, 0x0800080008000800 + 0x0303020201010000 * (uint64_t)width);
    __m512i mask = _mm512_set1_epi16((short)((1 << width) - 1));
    UNPACK_STEPS(uint16_t, 32, 4 * width,
                 _mm512_and_si512(_mm512_multishift_epi64_epi8(
                                      plan.shifts, _mm512_permutexvar_epi8(plan.bytes, raw)),
                                  mask));
}

/* 30 and 31 bits: two values and a shift pass 64 bits. A value is cut out of two shuffles, the four
 * bytes where it starts and those after them. */
LM_TARGET_AVX512 static void unpack32_wide(const uint8_t *src, size_t size, size_t count,
                                           unsigned width, uint32_t *out)
{
    __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i bit = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)width));
    __m512i byte = _mm512_mullo_epi32(_mm512_srli_epi32(bit, 3), _mm512_set1_epi32(0x01010101));
    __m512i low = _mm512_add_epi8(byte, _mm512_set1_epi32(0x03020100));
    __m512i high = _mm512_add_epi8(byte, _mm512_set1_epi32(0x07060504));
    __m512i shift = _mm512_and_si512(bit, _mm512_set1_epi32(7));
    __m512i mask = _mm512_set1_epi32((int)((1u << width) - 1));
    UNPACK_STEPS(uint32_t, 16, 2 * width,
                 _mm512_and_si512(_mm512_shrdv_epi32(_mm512_permutexvar_epi8(low, raw),
                                                     _mm512_permutexvar_epi8(high, raw), shift),
                                  mask));
}

LM_TARGET_AVX512 void lm__unpack32_avx512(const uint8_t *src, size_t size, size_t count,
                                          unsigned width, uint32_t *out)
{
    if (count == 0) return;
    if (width == 0 || width == 32) {
        if (width)
            memcpy(out, src, count * 4);
        else
            memset(out, 0, count * 4);
        return;
    }
    if (width > 29) {
        unpack32_wide(src, size, count, width, out);
        return;
    }
    unpack_plan plan =
        plan_unpack(2 * width, 0x1810080018100800 + 0x0101010100000000 * (uint64_t)width);
    __m512i mask = _mm512_set1_epi32((int)((1u << width) - 1));
    UNPACK_STEPS(uint32_t, 16, 2 * width,
                 _mm512_and_si512(_mm512_multishift_epi64_epi8(
                                      plan.shifts, _mm512_permutexvar_epi8(plan.bytes, raw)),
                                  mask));
}

LM_TARGET_AVX512 void lm__unpack64_avx512(const uint8_t *src, size_t size, size_t count,
                                          unsigned width, uint64_t *out)
{
    if (count == 0) return;
    if (width == 0 || width == 64) {
        if (width)
            memcpy(out, src, count * 8);
        else
            memset(out, 0, count * 8);
        return;
    }
    unpack_plan plan = plan_unpack(width, 0);
    __m512i mask = _mm512_set1_epi64((long long)(((uint64_t)1 << width) - 1));
    __m512i shift = _mm512_and_si512(plan.shifts, _mm512_set1_epi64(7));
    if (width <= 57) {
        UNPACK_STEPS(uint64_t, 8, width,
                     _mm512_and_si512(
                         _mm512_srlv_epi64(_mm512_permutexvar_epi8(plan.bytes, raw), shift), mask));
        return;
    }
    __m512i after = _mm512_add_epi8(plan.bytes, _mm512_set1_epi8(8));
    UNPACK_STEPS(uint64_t, 8, width,
                 _mm512_and_si512(_mm512_shrdv_epi64(_mm512_permutexvar_epi8(plan.bytes, raw),
                                                     _mm512_permutexvar_epi8(after, raw), shift),
                                  mask));
}

/* --- Packing -------------------------------------------------------------------------------- */

/*
 * Where byte k of a closed-up result comes from when each of 8 lanes holds n bits: FIRST is the
 * byte of the lane that its lowest bit belongs to, NEXT that of the lane which begins in the same
 * byte, OVER that of the bits which a lane lost when it was shifted into place. 0x80 means none.
 */
#define LANE(n, k) (8 * (k) / (n))
#define BYTE(n, k) ((k) - ((LANE(n, k) * (n)) >> 3))
#define FIRST(n, k) ((uint8_t)((k) >= (n) || BYTE(n, k) > 7 ? 0x80 : 8 * LANE(n, k) + BYTE(n, k)))
#define NEXT_LANE(n, k) ((8 * (k) + 7) / (n))
#define NEXT(n, k)                                                                                 \
    ((uint8_t)((k) >= (n) || NEXT_LANE(n, k) == LANE(n, k) ? 0x80 : 8 * NEXT_LANE(n, k)))
#define OVER(n, k) ((uint8_t)((k) < (n) && BYTE(n, k) > 7 ? 8 * LANE(n, k) : 0x80))
#define EIGHT(m, n, k)                                                                             \
    m(n, k), m(n, k + 1), m(n, k + 2), m(n, k + 3), m(n, k + 4), m(n, k + 5), m(n, k + 6),         \
        m(n, k + 7)
#define ROW(m, n)                                                                                  \
    {                                                                                              \
        EIGHT(m, n, 0), EIGHT(m, n, 8), EIGHT(m, n, 16), EIGHT(m, n, 24), EIGHT(m, n, 32),         \
            EIGHT(m, n, 40), EIGHT(m, n, 48), EIGHT(m, n, 56)                                      \
    }
#define ROWS8(m, n)                                                                                \
    ROW(m, n), ROW(m, n + 1), ROW(m, n + 2), ROW(m, n + 3), ROW(m, n + 4), ROW(m, n + 5),          \
        ROW(m, n + 6), ROW(m, n + 7)
#define CLOSE_BITS_MIN 16
#define CLOSE_OVER_MIN 56

static const uint8_t close_first[48][64] = {ROWS8(FIRST, 16), ROWS8(FIRST, 24), ROWS8(FIRST, 32),
                                            ROWS8(FIRST, 40), ROWS8(FIRST, 48), ROWS8(FIRST, 56)};
static const uint8_t close_next[48][64] = {ROWS8(NEXT, 16), ROWS8(NEXT, 24), ROWS8(NEXT, 32),
                                           ROWS8(NEXT, 40), ROWS8(NEXT, 48), ROWS8(NEXT, 56)};
static const uint8_t close_over[8][64] = {ROWS8(OVER, 56)};

typedef struct close_plan {
    __m512i left, first, next, over, right;
    __mmask64 has_first, has_next, has_over;
    bool overflows;
} close_plan;

/* bits is 16 to 63. */
LM_TARGET_AVX512 static inline close_plan plan_close(unsigned bits)
{
    close_plan plan;
    __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    plan.left =
        _mm512_and_si512(_mm512_mul_epu32(lane, _mm512_set1_epi64(bits)), _mm512_set1_epi64(7));
    plan.right = _mm512_sub_epi64(_mm512_set1_epi64(64), plan.left);
    plan.first = _mm512_loadu_si512(close_first[bits - CLOSE_BITS_MIN]);
    plan.next = _mm512_loadu_si512(close_next[bits - CLOSE_BITS_MIN]);
    plan.has_first = ~_mm512_movepi8_mask(plan.first);
    plan.has_next = ~_mm512_movepi8_mask(plan.next);
    plan.overflows = bits > 57;
    plan.over = plan.first;
    plan.has_over = 0;
    if (plan.overflows) {
        plan.over = _mm512_loadu_si512(close_over[bits - CLOSE_OVER_MIN]);
        plan.has_over = ~_mm512_movepi8_mask(plan.over);
    }
    return plan;
}

LM_TARGET_AVX512 static inline __m512i close_lanes(__m512i lanes, const close_plan *plan)
{
    __m512i placed = _mm512_sllv_epi64(lanes, plan->left);
    __m512i result =
        _mm512_or_si512(_mm512_maskz_permutexvar_epi8(plan->has_first, plan->first, placed),
                        _mm512_maskz_permutexvar_epi8(plan->has_next, plan->next, placed));
    if (plan->overflows) {
        __m512i lost = _mm512_srlv_epi64(lanes, plan->right);
        result = _mm512_or_si512(result,
                                 _mm512_maskz_permutexvar_epi8(plan->has_over, plan->over, lost));
    }
    return result;
}

/* Widths 1 to 7: as in the AVX2 kernel, then the gaps between eight lanes of `width` bytes are
 * closed by one shuffle. */
typedef struct narrow_plan {
    __m512i mask, pairs, fours, close;
    __m128i shift;
} narrow_plan;

#define GAP(n, k) ((uint8_t)((k) < 8 * (n) ? 8 * ((k) / (n)) + (k) % (n) : 0))
static const uint8_t close_gaps[7][64] = {ROW(GAP, 1), ROW(GAP, 2), ROW(GAP, 3), ROW(GAP, 4),
                                          ROW(GAP, 5), ROW(GAP, 6), ROW(GAP, 7)};

LM_TARGET_AVX512 static inline narrow_plan plan_narrow(unsigned width)
{
    return (narrow_plan){
        _mm512_set1_epi8((char)((1 << width) - 1)),
        _mm512_set1_epi16((short)(1 | 1 << (8 + width))),
        _mm512_set1_epi32(1 | 1 << (16 + 2 * width)),
        _mm512_loadu_si512(close_gaps[width - 1]),
        _mm_cvtsi32_si128((int)(4 * width)),
    };
}

LM_TARGET_AVX512 static inline __m512i close_narrow(__m512i bytes, const narrow_plan *plan)
{
    __m512i v = _mm512_maddubs_epi16(plan->pairs, _mm512_and_si512(bytes, plan->mask));
    v = _mm512_madd_epi16(v, plan->fours);
    __m512i upper = _mm512_sll_epi64(_mm512_srli_epi64(v, 32), plan->shift);
    v = _mm512_or_si512(_mm512_maskz_mov_epi32(0x5555, v), upper);
    return _mm512_permutexvar_epi8(plan->close, v);
}

LM_TARGET_AVX512 static inline uint64_t low_ones(size_t n)
{
    return _bzhi_u64(~(uint64_t)0, (unsigned)n);
}

LM_TARGET_AVX512 size_t lm__pack8_avx512(const uint8_t *values, size_t count, unsigned width,
                                         uint8_t *out)
{
    if (width == 0 || count == 0) return 0;
    if (width == 8) {
        memcpy(out, values, count);
        return count;
    }
    narrow_plan plan = plan_narrow(width);
    size_t left = count;
    for (; left >= 64; left -= 64, values += 64, out += 8 * width)
        _mm512_storeu_si512(out, close_narrow(_mm512_loadu_si512(values), &plan));
    if (left) {
        __m512i v = _mm512_maskz_loadu_epi8(low_ones(left), values);
        _mm512_storeu_si512(out, close_narrow(v, &plan));
    }
    return lm__bitpack_bytes(count, width);
}

/* The low bytes of 64 words, of which `n` are there. */
LM_TARGET_AVX512 static inline __m512i bytes_of_16(const uint16_t *values, size_t n)
{
    __m512i a, b;
    if (n >= 64) {
        a = _mm512_loadu_si512(values);
        b = _mm512_loadu_si512(values + 32);
    } else {
        uint64_t mask = low_ones(n);
        a = _mm512_maskz_loadu_epi16((__mmask32)mask, values);
        b = _mm512_maskz_loadu_epi16((__mmask32)(mask >> 32), values + 32);
    }
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(a)),
                              _mm512_cvtepi16_epi8(b), 1);
}

/* Four 16-bit values a lane; width 9 to 15. */
LM_TARGET_AVX512 static inline __m512i join_16(__m512i v, __m512i mask, __m128i once, __m128i twice)
{
    v = _mm512_and_si512(v, mask);
    v = _mm512_or_si512(_mm512_maskz_mov_epi16(0x55555555, v),
                        _mm512_sll_epi32(_mm512_srli_epi32(v, 16), once));
    return _mm512_or_si512(_mm512_maskz_mov_epi32(0x5555, v),
                           _mm512_sll_epi64(_mm512_srli_epi64(v, 32), twice));
}

LM_TARGET_AVX512 size_t lm__pack16_avx512(const uint16_t *values, size_t count, unsigned width,
                                          uint8_t *out)
{
    if (width == 0 || count == 0) return 0;
    if (width == 16) {
        memcpy(out, values, count * 2);
        return count * 2;
    }
    size_t left = count;
    if (width <= 8) {
        narrow_plan plan = plan_narrow(width < 8 ? width : 1);
        while (left) {
            __m512i v = bytes_of_16(values, left);
            _mm512_storeu_si512(out, width < 8 ? close_narrow(v, &plan) : v);
            size_t n = left < 64 ? left : 64;
            values += n;
            left -= n;
            out += 8 * width;
        }
        return lm__bitpack_bytes(count, width);
    }
    close_plan plan = plan_close(4 * width);
    __m512i mask = _mm512_set1_epi16((short)((1 << width) - 1));
    __m128i once = _mm_cvtsi32_si128((int)width), twice = _mm_cvtsi32_si128((int)(2 * width));
    for (; left >= 32; left -= 32, values += 32, out += 4 * width) {
        __m512i v = join_16(_mm512_loadu_si512(values), mask, once, twice);
        _mm512_storeu_si512(out, close_lanes(v, &plan));
    }
    if (left) {
        __m512i v = _mm512_maskz_loadu_epi16((__mmask32)low_ones(left), values);
        _mm512_storeu_si512(out, close_lanes(join_16(v, mask, once, twice), &plan));
    }
    return lm__bitpack_bytes(count, width);
}

/* Even bytes, or even words, of two registers: 0, 4, 8, … in bytes for 32-bit values. */
#define FROM_32_TO_8(n, k) ((k)*4)
#define FROM_32_TO_16(n, k) ((k) / 2 * 4 + (k) % 2)
static const uint8_t pick_bytes[64] = ROW(FROM_32_TO_8, 0), pick_words[64] = ROW(FROM_32_TO_16, 0);

LM_TARGET_AVX512 static inline __m512i load_32(const uint32_t *values, size_t at, size_t left)
{
    if (left >= at + 16) return _mm512_loadu_si512(values + at);
    if (left <= at) return _mm512_setzero_si512();
    return _mm512_maskz_loadu_epi32((__mmask16)low_ones(left - at), values + at);
}

LM_TARGET_AVX512 static void pack32_to_8(const uint32_t *values, size_t left, unsigned width,
                                         uint8_t *out)
{
    narrow_plan plan = plan_narrow(width < 8 ? width : 1);
    /* An index past 127 wraps: the upper half repeats the lower, which lets the blend take it. */
    __m512i pick = _mm512_loadu_si512(pick_bytes);
    while (left) {
        __m512i low =
            _mm512_permutex2var_epi8(load_32(values, 0, left), pick, load_32(values, 16, left));
        __m512i high =
            _mm512_permutex2var_epi8(load_32(values, 32, left), pick, load_32(values, 48, left));
        __m512i v = _mm512_mask_mov_epi64(low, 0xf0, high);
        _mm512_storeu_si512(out, width < 8 ? close_narrow(v, &plan) : v);
        if (left <= 64) break;
        values += 64;
        left -= 64;
        out += 8 * width;
    }
}

LM_TARGET_AVX512 static void pack32_to_16(const uint32_t *values, size_t left, unsigned width,
                                          uint8_t *out)
{
    close_plan plan = plan_close(width < 16 ? 4 * width : CLOSE_BITS_MIN);
    __m512i pick = _mm512_loadu_si512(pick_words);
    __m512i mask = _mm512_set1_epi16((short)((1u << width) - 1));
    __m128i once = _mm_cvtsi32_si128((int)width), twice = _mm_cvtsi32_si128((int)(2 * width));
    while (left) {
        __m512i v =
            _mm512_permutex2var_epi8(load_32(values, 0, left), pick, load_32(values, 16, left));
        if (width < 16) v = close_lanes(join_16(v, mask, once, twice), &plan);
        _mm512_storeu_si512(out, v);
        if (left <= 32) break;
        values += 32;
        left -= 32;
        out += 4 * width;
    }
}

LM_TARGET_AVX512 size_t lm__pack32_avx512(const uint32_t *values, size_t count, unsigned width,
                                          uint8_t *out)
{
    size_t bytes = lm__bitpack_bytes(count, width);
    if (bytes == 0) return 0;
    if (width == 32) {
        memcpy(out, values, bytes);
        return bytes;
    }
    if (width <= 8) {
        pack32_to_8(values, count, width, out);
        return bytes;
    }
    if (width <= 16) {
        pack32_to_16(values, count, width, out);
        return bytes;
    }
    close_plan plan = plan_close(2 * width);
    __m512i mask = _mm512_set1_epi32((int)((1u << width) - 1));
    __m128i shift = _mm_cvtsi32_si128((int)width);
    for (size_t left = count;;) {
        __m512i v = _mm512_and_si512(load_32(values, 0, left), mask);
        v = _mm512_or_si512(_mm512_maskz_mov_epi32(0x5555, v),
                            _mm512_sll_epi64(_mm512_srli_epi64(v, 32), shift));
        _mm512_storeu_si512(out, close_lanes(v, &plan));
        if (left <= 16) return bytes;
        values += 16;
        left -= 16;
        out += 2 * width;
    }
}

LM_TARGET_AVX512 static inline __m512i load_64(const uint64_t *values, size_t left)
{
    if (left >= 8) return _mm512_loadu_si512(values);
    return _mm512_maskz_loadu_epi64((__mmask8)low_ones(left), values);
}

LM_TARGET_AVX512 size_t lm__pack64_avx512(const uint64_t *values, size_t count, unsigned width,
                                          uint8_t *out)
{
    size_t bytes = lm__bitpack_bytes(count, width);
    if (bytes == 0) return 0;
    if (width == 64) {
        memcpy(out, values, bytes);
        return bytes;
    }
    if (width <= 32) {
        uint32_t low[256];
        for (size_t left = count;;) {
            size_t n = left < 256 ? left : 256;
            size_t i = 0;
            do {
                _mm256_storeu_si256((__m256i *)(low + i),
                                    _mm512_cvtepi64_epi32(load_64(values + i, n - i)));
                i += 8;
            } while (i < n);
            out += lm__pack32_avx512(low, n, width, out);
            if (left == n) return bytes;
            values += n;
            left -= n;
        }
    }
    close_plan plan = plan_close(width);
    __m512i mask = _mm512_set1_epi64((long long)(((uint64_t)1 << width) - 1));
    for (size_t left = count;;) {
        __m512i v = _mm512_and_si512(load_64(values, left), mask);
        _mm512_storeu_si512(out, close_lanes(v, &plan));
        if (left <= 8) return bytes;
        values += 8;
        left -= 8;
        out += width;
    }
}

#endif
