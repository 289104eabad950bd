/*
 * Checksums: crc32c (fast, catches accidents) and sha256 (names contents). No others are promised
 * to users; page CRCs (crc32) and bloom hashes (xxh64) belong to the Parquet format and live with
 * it.
 *
 * The text form is "<algorithm>:<lower-case hex>".
 */
#ifndef LM_BASE_HASH_H
#define LM_BASE_HASH_H

#include <lamella/base.h>

typedef enum lm_checksum_kind {
    LM_CHECKSUM_NONE = 0,
    LM_CHECKSUM_CRC32C = 1,
    LM_CHECKSUM_SHA256 = 2,
} lm_checksum_kind;

#define LM_CHECKSUM_TEXT_MAX 80 /* "sha256:" + 64 + NUL, with room */

/* crc is 0 at the start; the result of one call goes into the next. */
uint32_t lm__crc32c(uint32_t crc, const void *data, size_t size);
/* The bytewise table-driven reference, kept equal by the tests. */
uint32_t lm__crc32c_scalar(uint32_t crc, const void *data, size_t size);
/* crc of A followed by B, from the two crcs and B's length. */
uint32_t lm__crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t size_b);

#define LM_SHA256_BYTES 32

typedef struct lm_sha256 {
    uint32_t state[8];
    uint64_t bytes; /* so far */
    uint8_t block[64];
} lm_sha256;

void lm__sha256_init(lm_sha256 *sha);
void lm__sha256_update(lm_sha256 *sha, const void *data, size_t size);
void lm__sha256_final(lm_sha256 *sha, uint8_t digest[LM_SHA256_BYTES]);
/* One whole text in one call, through the reference only: the tests hold the fast path to it. */
void lm__sha256_scalar(const void *data, size_t size, uint8_t digest[LM_SHA256_BYTES]);

/* A running checksum of either kind; it holds no memory. */
typedef struct lm_checksum {
    lm_checksum_kind kind;
    uint32_t crc;
    lm_sha256 sha256;
} lm_checksum;

LM_MUST_USE lm_status lm__checksum_init(lm_checksum *checksum, lm_checksum_kind kind,
                                        lm_error *error);
LM_MUST_USE lm_status lm__checksum_update(lm_checksum *checksum, const void *data, size_t size,
                                          lm_error *error);
/* Writes the text form ("" for NONE); the checksum cannot be updated afterwards. */
LM_MUST_USE lm_status lm__checksum_final(lm_checksum *checksum, char text[LM_CHECKSUM_TEXT_MAX],
                                         lm_error *error);
void lm__checksum_deinit(lm_checksum *checksum);

/* Reads "sha256:ab…" or "crc32c:…" into its kind and canonical text; LM_INVALID otherwise. */
LM_MUST_USE lm_status lm__checksum_parse(const char *text, lm_checksum_kind *kind,
                                         char canonical[LM_CHECKSUM_TEXT_MAX], lm_error *error);

#endif
