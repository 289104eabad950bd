/*
 * Snappy, raw blocks, both ways.
 *
 * Format: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * Invariants
 *  1. Compression writes only to dst[0, capacity), decompression only to dst[0, size); neither
 *     reads outside src.
 *  2. The same input gives the same bytes: the table is cleared at the start.
 *  3. Any output of a conforming encoder is decoded, whatever its offsets and however its copies
 *     overlap; any other input is refused.
 */
#ifndef LM_CODEC_SNAPPY_H
#define LM_CODEC_SNAPPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/layout.h"

#define LM_SNAPPY_TABLE_ENTRIES ((size_t)1 << 14)

/* What the compressor remembers; any contents will do. */
typedef struct lm_snappy_table {
    uint16_t entries[LM_SNAPPY_TABLE_ENTRIES];
} lm_snappy_table;

/* The most that `size` bytes become; SIZE_MAX when that overflows. */
size_t lm__snappy_bound(size_t size);

/* The bytes written, or 0 when they do not fit. src_size is at most UINT32_MAX. With a capacity
 * below the bound, 0 may be given although the result would just fit. */
size_t lm__snappy_compress(const void *src, size_t src_size, void *dst, size_t capacity,
                           lm_snappy_table *table);

/* The same, faster where the layout tells what there is. */
size_t lm__snappy_compress_values(const void *src, size_t src_size, const lm_codec_layout *layout,
                                  void *dst, size_t capacity, lm_snappy_table *table);

/* Reads the size that a block says it has; false when it says none. */
bool lm__snappy_size(const void *src, size_t src_size, size_t *size);

/* Fills dst[0, size); false when the block is damaged or has another size. */
bool lm__snappy_decompress(const void *src, size_t src_size, void *dst, size_t size);

typedef struct lm_snappy_block {
    const void *src;
    size_t src_size;
    void *dst;
    size_t size;
} lm_snappy_block;

/* Does it take less time to have two at once? */
bool lm__snappy_gains_by_two(void);
bool lm__snappy_decompress_two(const lm_snappy_block *one, const lm_snappy_block *two);

#endif
