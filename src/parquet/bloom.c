/*
 * Bloom filters of blocks; see bloom.h.
 *
 * Values go in by batches: their hashes first, and with each hash a word to the cache that its
 * block will be needed, since a filter is often larger than the cache.
 */
#include "parquet/bloom.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/simd.h"
#include "parquet/metadata.h"

#define BATCH 64
#define BLOCK_BYTES 32

/* BloomFilter.md, "Technical Approach". */
static const uint32_t salts[8]
    __attribute__((aligned(32))) = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                    0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

/* The square root by Newton's steps; value in (0, 1). */
static double square_root(double value)
{
    double root = 1;
    for (int i = 0; i < 100; i++) root = (root + value / root) / 2;
    return root;
}

/* -ln(1 - x) for x in (0, 1): the series of 2 artanh after halving 1 - x's distance to 1. The C
 * library's log is in a library of its own. */
static double minus_log1m(double x)
{
    double value = 1 - x, sum = 0;
    for (; value < 0.75; value *= 2) sum += 0.69314718055994530942;
    double z = (1 - value) / (1 + value), term = 2 * z;
    for (int i = 1; i < 30; i += 2, term *= z * z) sum += term / i;
    return sum;
}

/* BloomFilter.md: of m bits and n values, 1 - fpp^(1/8) = e^(-8n/m). */
size_t lm__bloom_bytes(uint64_t distinct, double false_positive_rate, size_t bytes_max)
{
    if (bytes_max == 0 || bytes_max > LM_PARQUET_BLOOM_BYTES_MAX)
        bytes_max = LM_PARQUET_BLOOM_BYTES_MAX;
    if (!(false_positive_rate > 1e-9)) false_positive_rate = 1e-9;
    if (false_positive_rate > 0.999) false_positive_rate = 0.999;
    double eighth = square_root(square_root(square_root(false_positive_rate)));
    double bytes = (double)distinct / minus_log1m(eighth);
    size_t result = BLOCK_BYTES;
    while ((double)result < bytes && result * 2 <= bytes_max) result *= 2;
    return result;
}

lm_status lm__bloom_init(lm_bloom *bloom, const lm_allocator *allocator, size_t bitset_bytes,
                         lm_error *error)
{
    *bloom = (lm_bloom){.allocator = lm__allocator_or_default(allocator)};
    if (bitset_bytes == 0 || bitset_bytes % BLOCK_BYTES != 0 ||
        bitset_bytes > LM_PARQUET_BLOOM_BYTES_MAX)
        return lm__error_set(error, LM_INVALID, "a bloom filter cannot have %zu bytes",
                             bitset_bytes);
    bloom->words = lm__alloc_aligned(bloom->allocator, 64, bitset_bytes);
    if (!bloom->words) return lm__error_memory(error, "making a bloom filter");
    memset(bloom->words, 0, bitset_bytes);
    bloom->blocks = bitset_bytes / BLOCK_BYTES;
    return LM_OK;
}

void lm__bloom_deinit(lm_bloom *bloom)
{
    if (bloom->allocator && bloom->words) lm__free_aligned(bloom->allocator, bloom->words);
    *bloom = (lm_bloom){.allocator = NULL};
}

/* The upper half of the hash chooses the block. */
static inline uint32_t *block_of(const lm_bloom *bloom, uint64_t hash)
{
    return bloom->words + 8 * (size_t)(((hash >> 32) * bloom->blocks) >> 32);
}

/* The lower half chooses a bit in each word. */
static inline uint32_t bit_of(uint64_t hash, int word)
{
    uint32_t bit = (uint32_t)1 << (((uint32_t)hash * salts[word]) >> 27);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bit = __builtin_bswap32(bit);
#endif
    return bit;
}

void lm__bloom_insert_scalar(lm_bloom *bloom, const uint64_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t *block = block_of(bloom, hashes[i]);
        for (int word = 0; word < 8; word++) block[word] |= bit_of(hashes[i], word);
    }
}

bool lm__bloom_has_scalar(const lm_bloom *bloom, uint64_t hash)
{
    const uint32_t *block = block_of(bloom, hash);
    uint32_t missing = 0;
    for (int word = 0; word < 8; word++) missing |= ~block[word] & bit_of(hash, word);
    return missing == 0;
}

#if LM_SIMD_X86

LM_TARGET_AVX2 static inline __m256i bits_of(uint64_t hash)
{
    __m256i salt = _mm256_load_si256((const __m256i *)salts);
    __m256i product = _mm256_mullo_epi32(_mm256_set1_epi32((int)(uint32_t)hash), salt);
    return _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_srli_epi32(product, 27));
}

LM_TARGET_AVX2 static void insert_avx2(lm_bloom *bloom, const uint64_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        __m256i *block = (__m256i *)block_of(bloom, hashes[i]);
        __m256i bits = _mm256_loadu_si256(block);
        _mm256_storeu_si256(block, _mm256_or_si256(bits, bits_of(hashes[i])));
    }
}

LM_TARGET_AVX2 static bool has_avx2(const lm_bloom *bloom, uint64_t hash)
{
    __m256i bits = _mm256_loadu_si256((const __m256i *)block_of(bloom, hash));
    return _mm256_testc_si256(bits, bits_of(hash));
}

#endif

void lm__bloom_insert_hashes(lm_bloom *bloom, const uint64_t *hashes, size_t count)
{
#if LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) {
        insert_avx2(bloom, hashes, count);
        return;
    }
#endif
    lm__bloom_insert_scalar(bloom, hashes, count);
}

bool lm__bloom_has_hash(const lm_bloom *bloom, uint64_t hash)
{
#if LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX2) return has_avx2(bloom, hash);
#endif
    return lm__bloom_has_scalar(bloom, hash);
}

bool lm__bloom_has(const lm_bloom *bloom, const void *value, size_t size)
{
    return lm__bloom_has_hash(bloom, lm__xxh64(value, size));
}

/* Hashes `hash_one` of every value, `i` counting them, and inserts them by batches. */
#define INSERT_ALL(hash_one)                                                                       \
    do {                                                                                           \
        uint64_t hashes[BATCH];                                                                    \
        for (size_t from = 0; from < count; from += BATCH) {                                       \
            size_t batch = count - from < BATCH ? count - from : BATCH;                            \
            for (size_t at = 0; at < batch; at++) {                                                \
                size_t i = from + at;                                                              \
                hashes[at] = (hash_one);                                                           \
                __builtin_prefetch(block_of(bloom, hashes[at]), 1);                                \
            }                                                                                      \
            lm__bloom_insert_hashes(bloom, hashes, batch);                                         \
        }                                                                                          \
    } while (0)

void lm__bloom_insert_4(lm_bloom *bloom, const void *values, size_t count)
{
    const uint8_t *bytes = values;
    INSERT_ALL(lm__xxh64_4(bytes + 4 * i));
}

void lm__bloom_insert_8(lm_bloom *bloom, const void *values, size_t count)
{
    const uint8_t *bytes = values;
    INSERT_ALL(lm__xxh64_8(bytes + 8 * i));
}

void lm__bloom_insert_fixed(lm_bloom *bloom, const void *values, size_t width, size_t count)
{
    const uint8_t *bytes = values;
    INSERT_ALL(lm__xxh64(bytes + width * i, width));
}

void lm__bloom_insert_offsets32(lm_bloom *bloom, const uint8_t *data, const int32_t *offsets,
                                size_t count)
{
    INSERT_ALL(lm__xxh64(data + offsets[i], (size_t)(offsets[i + 1] - offsets[i])));
}

void lm__bloom_insert_bytes(lm_bloom *bloom, const void *value, size_t size)
{
    uint64_t hash = lm__xxh64(value, size);
    lm__bloom_insert_hashes(bloom, &hash, 1);
}

/* In the file: the header, then the bitset. */

lm_status lm__bloom_write(const lm_bloom *bloom, lm_buffer *out)
{
    lm_bloom_filter_header header = {.num_bytes = (int32_t)(bloom->blocks * BLOCK_BYTES),
                                     .algorithm = 1,
                                     .hash = 1,
                                     .compression = 1};
    LM_TRY(lm__bloom_filter_header_write(&header, out));
    return lm__buffer_append(out, bloom->words, bloom->blocks * BLOCK_BYTES);
}

lm_status lm__bloom_read(lm_bloom *bloom, const lm_allocator *allocator, const void *source,
                         size_t size, lm_error *error)
{
    lm_bloom_filter_header header;
    size_t taken;
    *bloom = (lm_bloom){.allocator = NULL};
    LM_TRY(lm__bloom_filter_header_read(source, size, &header, &taken, error));
    if (header.algorithm != 1 || header.hash != 1 || header.compression != 1)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "a bloom filter of algorithm %d, hash %d and compression %d is not "
                             "known",
                             header.algorithm, header.hash, header.compression);
    if (header.num_bytes <= 0 || header.num_bytes % BLOCK_BYTES != 0)
        return lm__error_set(error, LM_CORRUPT, "a bloom filter says that it has %d bytes",
                             header.num_bytes);
    size_t bytes = (size_t)header.num_bytes;
    if (bytes > LM_PARQUET_BLOOM_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a bloom filter has %zu bytes; the limit is %zu",
                             bytes, LM_PARQUET_BLOOM_BYTES_MAX);
    if (bytes > size - taken)
        return lm__error_set(error, LM_CORRUPT, "a bloom filter is cut off: %zu of %zu bytes",
                             size - taken, bytes);
    const uint8_t *bitset = (const uint8_t *)source + taken;
    if ((uintptr_t)bitset % sizeof(uint32_t) == 0) {
        /* Never written through: a filter that was read is only asked. */
        bloom->words = (uint32_t *)bitset;
        bloom->blocks = bytes / BLOCK_BYTES;
        return LM_OK;
    }
    LM_TRY(lm__bloom_init(bloom, allocator, bytes, error));
    memcpy(bloom->words, bitset, bytes);
    return LM_OK;
}
