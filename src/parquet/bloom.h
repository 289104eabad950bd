/*
 * Split block bloom filters (BloomFilter.md): blocks of 256 bits, eight words of 32, one bit in
 * each; the hash is xxHash64 with seed 0 of the value's plain encoding (without a length).
 *
 * Invariants
 *  1. blocks >= 1, and 32 * blocks <= LM_PARQUET_BLOOM_BYTES_MAX. Filters that are written have a
 *     power of two of blocks; those that are read may have any number.
 *  2. What was inserted is found.
 *  3. The AVX2 kernels set and find the bits that the scalar ones do.
 */
#ifndef LM_PARQUET_BLOOM_H
#define LM_PARQUET_BLOOM_H

#include "base/buffer.h"

/* xxHash64, seed 0; and the same for 4 and 8 bytes. */
uint64_t lm__xxh64(const void *data, size_t size);
uint64_t lm__xxh64_4(const void *value);
uint64_t lm__xxh64_8(const void *value);

typedef struct lm_bloom {
    const lm_allocator *allocator; /* NULL when the words are borrowed */
    uint32_t *words;               /* eight a block, in the file's byte order */
    size_t blocks;
} lm_bloom;

/* The bytes of a bitset for that many distinct values at that rate of false positives, within
 * `bytes_max` (0: LM_PARQUET_BLOOM_BYTES_MAX). */
size_t lm__bloom_bytes(uint64_t distinct, double false_positive_rate, size_t bytes_max);

/* All zeroes; bitset_bytes as lm__bloom_bytes gives it. */
LM_MUST_USE lm_status lm__bloom_init(lm_bloom *bloom, const lm_allocator *allocator,
                                     size_t bitset_bytes, lm_error *error);
void lm__bloom_deinit(lm_bloom *bloom);

void lm__bloom_insert_hashes(lm_bloom *bloom, const uint64_t *hashes, size_t count);
/* Values of INT32 and FLOAT, of INT64 and DOUBLE, of fixed width, and of BYTE_ARRAY (count + 1
 * offsets into data). */
void lm__bloom_insert_4(lm_bloom *bloom, const void *values, size_t count);
void lm__bloom_insert_8(lm_bloom *bloom, const void *values, size_t count);
void lm__bloom_insert_fixed(lm_bloom *bloom, const void *values, size_t width, size_t count);
void lm__bloom_insert_offsets32(lm_bloom *bloom, const uint8_t *data, const int32_t *offsets,
                                size_t count);
void lm__bloom_insert_bytes(lm_bloom *bloom, const void *value, size_t size);

bool lm__bloom_has_hash(const lm_bloom *bloom, uint64_t hash);
/* What the kernels are held to. */
void lm__bloom_insert_scalar(lm_bloom *bloom, const uint64_t *hashes, size_t count);
bool lm__bloom_has_scalar(const lm_bloom *bloom, uint64_t hash);
bool lm__bloom_has(const lm_bloom *bloom, const void *value, size_t size);

/* Header and bitset, as they stand in the file. */
LM_MUST_USE lm_status lm__bloom_write(const lm_bloom *bloom, lm_buffer *out);
/* A filter over source[0, size), which must live as long and be aligned to 4 bytes at the bitset or
 * else is copied with the allocator. LM_UNSUPPORTED for algorithms that are not known. */
LM_MUST_USE lm_status lm__bloom_read(lm_bloom *bloom, const lm_allocator *allocator,
                                     const void *source, size_t size, lm_error *error);

#endif
