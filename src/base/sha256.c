/*
 * SHA-256 (FIPS 180-4): the reference and the processor's instructions.
 *
 * Our own, because loading a cryptography library takes longer than all the rest of a small
 * command. It names contents; nothing here is secret, so no care is taken about timing.
 *
 * Invariants
 *  1. Both paths give the same digest for every text and every way to cut it into updates.
 */
#include "base/hash.h"

#include <string.h>

#include "base/cpu.h"

typedef void blocks_fn(uint32_t state[8], const uint8_t *blocks, size_t count);

/* FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the first 64 primes' cube roots.
 */
static const uint32_t rounds[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

static inline uint32_t load_be32(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return __builtin_bswap32(word);
}

/* FIPS 180-4, 6.2.2. */
static void blocks_scalar(uint32_t state[8], const uint8_t *blocks, size_t count)
{
    for (; count > 0; count--, blocks += 64) {
        uint32_t w[64], s[8];
        for (int t = 0; t < 16; t++) w[t] = load_be32(blocks + 4 * t);
        for (int t = 16; t < 64; t++) {
            uint32_t x = w[t - 15], y = w[t - 2];
            w[t] = w[t - 16] + w[t - 7] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) +
                   (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
        }
        memcpy(s, state, sizeof s);
        /* The eight words stand still and their names turn: in round t the word called `a` is
         * s[-t mod 8]. */
#pragma GCC unroll 8
        for (int t = 0; t < 64; t++) {
#define WORD(name) s[(unsigned)(name - t) & 7]
            uint32_t a = WORD(0), e = WORD(4);
            uint32_t one = WORD(7) + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                           ((e & WORD(5)) ^ (~e & WORD(6))) + rounds[t] + w[t];
            uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                           ((a & WORD(1)) ^ (a & WORD(2)) ^ (WORD(1) & WORD(2)));
            WORD(3) += one;
            WORD(7) = one + two;
#undef WORD
        }
        for (int i = 0; i < 8; i++) state[i] += s[i];
    }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* The instructions keep the state as two registers, ABEF and CDGH, and do two rounds each; the
 * schedule of the next four words is made as the rounds go. */
__attribute__((target("sha,sse4.1"))) static void blocks_shani(uint32_t state[8],
                                                               const uint8_t *blocks, size_t count)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abcd = _mm_loadu_si128((const __m128i *)state);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(abcd, 0xb1), hgfe = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, cdab, 0xf0);
    for (; count > 0; count--, blocks += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
#pragma GCC unroll 16
        for (int g = 0; g < 16; g++) {
            __m128i now;
            if (g < 4) {
                now = _mm_loadu_si128((const __m128i *)(blocks + 16 * g));
                now = _mm_shuffle_epi8(now, big_endian);
            } else {
                __m128i last = w[(g + 3) & 3];
                now = _mm_sha256msg1_epu32(w[g & 3], w[(g + 1) & 3]);
                now = _mm_add_epi32(now, _mm_alignr_epi8(last, w[(g + 2) & 3], 4));
                now = _mm_sha256msg2_epu32(now, last);
            }
            w[g & 3] = now;
            now = _mm_add_epi32(now, _mm_load_si128((const __m128i *)(rounds + 4 * g)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, now);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(now, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static bool has_shani(void)
{
    unsigned eax, ebx, ecx, edx;
    return lm__cpu_level() >= LM_CPU_SSE42 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
           (ebx & (1u << 29));
}

static blocks_fn *blocks_choose(void)
{
    static _Atomic(blocks_fn *) known; /* cpuid is slow under a hypervisor */
    blocks_fn *chosen = atomic_load_explicit(&known, memory_order_relaxed);
    if (__builtin_expect(!chosen, 0)) {
        chosen = has_shani() ? blocks_shani : blocks_scalar;
        atomic_store_explicit(&known, chosen, memory_order_relaxed);
    }
    return chosen;
}
#else
static blocks_fn *blocks_choose(void) { return blocks_scalar; }
#endif

void lm__sha256_init(lm_sha256 *sha)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                      0x9b05688c, 0x1f83d9ab, 0x5be0cd19}; /* FIPS 180-4, 5.3.3 */
    memcpy(sha->state, start, sizeof start);
    sha->bytes = 0;
}

static void update(lm_sha256 *sha, const uint8_t *data, size_t size, blocks_fn *blocks)
{
    size_t held = sha->bytes % 64;
    sha->bytes += size;
    if (held > 0) {
        size_t more = 64 - held < size ? 64 - held : size;
        memcpy(sha->block + held, data, more);
        data += more;
        size -= more;
        if (held + more < 64) return;
        blocks(sha->state, sha->block, 1);
    }
    blocks(sha->state, data, size / 64);
    if (size % 64 > 0) memcpy(sha->block, data + size / 64 * 64, size % 64);
}

/* FIPS 180-4, 5.1.1: a one bit, zeros, and the length in bits, big-endian. */
static void final(lm_sha256 *sha, uint8_t digest[LM_SHA256_BYTES], blocks_fn *blocks)
{
    uint8_t padding[72] = {0x80};
    uint64_t bits = sha->bytes * 8;
    size_t zeros = (119 - sha->bytes % 64) % 64;
    for (int i = 0; i < 8; i++) padding[1 + zeros + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    update(sha, padding, 1 + zeros + 8, blocks);
    for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(sha->state[i]);
        memcpy(digest + 4 * i, &word, sizeof word);
    }
}

void lm__sha256_update(lm_sha256 *sha, const void *data, size_t size)
{
    if (size > 0) update(sha, data, size, blocks_choose());
}

void lm__sha256_final(lm_sha256 *sha, uint8_t digest[LM_SHA256_BYTES])
{
    final(sha, digest, blocks_choose());
}

void lm__sha256_scalar(const void *data, size_t size, uint8_t digest[LM_SHA256_BYTES])
{
    lm_sha256 sha;
    lm__sha256_init(&sha);
    if (size > 0) update(&sha, data, size, blocks_scalar);
    final(&sha, digest, blocks_scalar);
}
