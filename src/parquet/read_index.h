/*
 * What a file tells of a chunk outside of its pages: column index, offset index, bloom filter.
 *
 * Invariants
 *  1. Nothing is read outside the source, and no room is made for more than it has.
 *  2. What they say is as the file has it, lists checked to be of one length: whoever believes a
 *     page's place or bounds checks them himself.
 *  3. Errors name the column; the row group and the file are for the caller to add.
 */
#ifndef LM_PARQUET_READ_INDEX_H
#define LM_PARQUET_READ_INDEX_H

#include "parquet/bloom.h"
#include "parquet/reader.h"

/* In the arena, or in the reader's source; *index is NULL where the chunk has none. */
LM_MUST_USE lm_status lm__read_column_index(const lm_parquet_reader *reader, size_t row_group,
                                            const lm_read_node *leaf, lm_arena *arena,
                                            const lm_column_index **index, lm_error *error);
LM_MUST_USE lm_status lm__read_offset_index(const lm_parquet_reader *reader, size_t row_group,
                                            const lm_read_node *leaf, lm_arena *arena,
                                            const lm_offset_index **index, lm_error *error);

/* Tells the source that all indexes will be read, where they are few enough to be fetched at once.
 */
void lm__read_indexes_coming(const lm_parquet_reader *reader);

/* What a bloom filter's header says, and where the filter lies, the header counted in. */
typedef struct lm_read_bloom_place {
    bool there;
    uint64_t offset;
    size_t size;
    lm_bloom_filter_header header;
} lm_read_bloom_place;

LM_MUST_USE lm_status lm__read_bloom_place(const lm_parquet_reader *reader, size_t row_group,
                                           const lm_read_node *leaf, lm_read_bloom_place *place,
                                           lm_error *error);
/* The filter at a place that is there; `room` holds its bytes where the source gives no views. */
LM_MUST_USE lm_status lm__read_bloom(const lm_parquet_reader *reader, const lm_read_node *leaf,
                                     const lm_read_bloom_place *place, lm_buffer *room,
                                     lm_bloom *bloom, lm_error *error);

#endif
