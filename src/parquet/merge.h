/*
 * Between the files of merging.
 *
 * merge_survey.c looks at every footer once; merge_carry.c copies row groups, merge_nulls.c makes
 * chunks for columns that a file lacks, merge_rewrite.c writes row groups anew, merge_footer.c
 * writes indexes and footer. merge.c opens files and goes through these steps in turn.
 *
 * The new file: what is carried over of each file in turn, bloom filters behind the row groups as
 * they lay there; then all indexes, of each row group its column indexes and then its offset
 * indexes; then the footer. Indexes lie together, since readers fetch from the first to the last.
 *
 * Invariants
 *  1. One source is open at a time, and one footer is in memory. Of each file there stays: its size
 *     and a checksum of its footer; where its bytes went (spans); the sizes of its indexes; and, up
 *     to LM_PARQUET_MERGE_KEPT_BYTES_MAX for all of them, its tail, so that it need not be opened
 *     again for indexes and footer.
 *  2. A file is opened again only if size and footer are what they were: LM_CONFLICT.
 *  3. Only bytes that a footer speaks of are copied, each once, however many speak of them.
 *  4. Offsets in the new footer and in offset indexes lead to the same bytes as in the old ones.
 *  5. Bounds are never believed more in the new file than in the old one.
 */
#ifndef LM_PARQUET_MERGE_H
#define LM_PARQUET_MERGE_H

#include <lamella/parquet_merge.h>

#include "parquet/merge_pairs.h"
#include "parquet/writer.h"

typedef struct lm_merge_part {
    const char *name;
    uint64_t size;
    uint32_t footer_sum;
    uint32_t leaf_count;
    uint8_t *tail; /* the last tail_size bytes, or NULL */
    size_t tail_size;
} lm_merge_part;

/* Bytes [from, to) of a file, which lie at `at` in the new one. */
typedef struct lm_merge_span {
    uint64_t from, to, at;
} lm_merge_span;

/* A chunk of nulls. */
typedef struct lm_merge_nulls {
    size_t group; /* of the file */
    uint32_t leaf;
    uint32_t size; /* of its one page, the header counted in */
    uint64_t at;
    int64_t entries;
} lm_merge_nulls;

/* Row groups [first, end) of a file, or of the writer, as they follow one another. */
typedef struct lm_merge_segment lm_merge_segment;
struct lm_merge_segment {
    lm_merge_segment *next;
    size_t part; /* SIZE_MAX: of the writer */
    size_t first, end;
    lm_merge_span *spans; /* by `from` */
    size_t span_count;
    lm_merge_nulls *nulls; /* by row group, then leaf */
    size_t null_count, null_capacity;
    int32_t *index_sizes; /* of each chunk: column index, offset index */
    uint64_t index_at;
};

struct lm_parquet_merge {
    lm_parquet_merge_sources sources;
    lm_parquet_merge_options options;
    lm_parquet_options write;
    const lm_allocator *allocator;
    lm_arena arena;
    lm_parquet_merge_summary summary;
    lm_merge_schema schema;
    lm_merge_metadata metadata;
    lm_merge_part *parts;
    size_t kept_bytes;
    /* survey */
    int32_t version;
    lm_bytes created_by; /* the first file's; data NULL: none */
    bool created_by_differs;
    const char *doubt; /* why bounds cannot be kept, if created_by cannot */
    lm_footer_key_value_list pairs;
    int32_t *orders; /* of the leaves; NULL: none are told */
    lm_schema *rows; /* what is written anew; NULL where nothing is */
    struct lm_unifier *unifier;
    /* the open file */
    size_t part; /* SIZE_MAX: none */
    bool part_has_all;
    lm_parquet_reader *reader;
    lm_merge_place *places; /* of the schema's leaves in it */
    lm_source tail;
    /* the new file */
    lm_sink *sink;
    uint64_t offset;
    lm_buffer out; /* bytes on their way to the sink; `offset` counts them */
    uint8_t *copy_room;
    lm_merge_segment *segments, *last_segment;
    lm_parquet_writer *writer; /* of row groups written anew among others */
    bool writing;              /* row groups are under way in it */
    size_t writer_groups;      /* that have a segment */
    int64_t rows_written, groups_written;
};

/* Opens a file, or keeps it open; with `whole` it must be more than its tail. */
LM_MUST_USE lm_status lm__merge_part_open(lm_parquet_merge *merge, size_t part, bool whole,
                                          lm_error *error);
void lm__merge_part_close(lm_parquet_merge *merge);
/* Its name before an error. */
lm_status lm__merge_within(const lm_parquet_merge *merge, lm_status status, lm_error *error);

LM_MUST_USE lm_status lm__merge_put(lm_parquet_merge *merge, const void *data, size_t size,
                                    lm_error *error);
LM_MUST_USE lm_status lm__merge_flush(lm_parquet_merge *merge, lm_error *error);

/* Is the row group to be written anew? One without rows is neither carried nor written. */
bool lm__merge_is_small(const lm_parquet_merge *merge, const lm_row_group *group);
/* [*from, *to) of a chunk in its file, checked to be within it. */
LM_MUST_USE lm_status lm__merge_chunk_range(const lm_parquet_reader *reader,
                                            const lm_column_metadata *metadata, uint64_t *from,
                                            uint64_t *to, lm_error *error);

/* merge_survey.c: the open file. */
LM_MUST_USE lm_status lm__merge_survey(lm_parquet_merge *merge, const char *name, lm_error *error);
/* After the last one. */
LM_MUST_USE lm_status lm__merge_survey_end(lm_parquet_merge *merge, lm_error *error);

/* merge_carry.c: row groups [first, end) of the open file. */
LM_MUST_USE lm_status lm__merge_carry(lm_parquet_merge *merge, size_t first, size_t end,
                                      lm_error *error);
LM_MUST_USE lm_status lm__merge_segment_new(lm_parquet_merge *merge, size_t part, size_t first,
                                            size_t end, lm_merge_segment **segment,
                                            lm_error *error);
/* Where the byte at `offset` went; false: nowhere. */
bool lm__merge_moved(const lm_merge_segment *segment, int64_t offset, int64_t *moved);

/* merge_nulls.c: the page of a chunk of nulls, at the end of the new file. */
LM_MUST_USE lm_status lm__merge_nulls_put(lm_parquet_merge *merge, lm_merge_nulls *nulls,
                                          lm_error *error);
/* What the footer says of it, in `arena`; and its indexes. */
LM_MUST_USE lm_status lm__merge_nulls_metadata(const lm_parquet_merge *merge,
                                               const lm_merge_nulls *nulls, lm_arena *arena,
                                               lm_column_metadata *out, lm_error *error);
LM_MUST_USE lm_status lm__merge_nulls_column_index(const lm_merge_nulls *nulls, lm_buffer *out);
LM_MUST_USE lm_status lm__merge_nulls_offset_index(const lm_merge_nulls *nulls, lm_buffer *out);

/* merge_rewrite.c */
LM_MUST_USE lm_status lm__merge_rewrite_survey(lm_parquet_merge *merge, const char *name,
                                               lm_error *error);
LM_MUST_USE lm_status lm__merge_rewrite_survey_end(lm_parquet_merge *merge, lm_error *error);
/* Everything, the footer too. */
LM_MUST_USE lm_status lm__merge_rewrite_all(lm_parquet_merge *merge, lm_parquet_result *result,
                                            lm_error *error);
/* Row groups [first, end) of the open file, after those before; then those that are under way come
 * to an end, and get their segment. */
LM_MUST_USE lm_status lm__merge_rewrite(lm_parquet_merge *merge, size_t first, size_t end,
                                        lm_error *error);
LM_MUST_USE lm_status lm__merge_rewrite_end(lm_parquet_merge *merge, lm_error *error);

/* merge_footer.c */
LM_MUST_USE lm_status lm__merge_indexes(lm_parquet_merge *merge, lm_error *error);
LM_MUST_USE lm_status lm__merge_footer(lm_parquet_merge *merge, uint64_t *footer_bytes,
                                       lm_error *error);
/* A file without rows, with the schema and metadata of the new one. */
LM_MUST_USE lm_status lm__merge_empty_file(lm_parquet_merge *merge, lm_buffer *out,
                                           lm_error *error);

#endif
