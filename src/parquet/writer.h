/*
 * The inside of a Parquet writer: what stays from the first row group to the footer.
 *
 * Invariants
 *  1. `offset` is where the next byte lands in the file: every offset in the footer is taken from
 * it.
 *  2. At most `in_flight_max` row groups are being made; the oldest is written first.
 *  3. After a failure `failure` holds it, and nothing more is written.
 */
#ifndef LM_PARQUET_WRITER_H
#define LM_PARQUET_WRITER_H

#include "arrow/cast.h"
#include "parquet/row_group.h"

/* What the footer will say of one chunk, with its indexes as bytes. */
typedef struct lm_chunk_done {
    lm_column_chunk chunk;
    lm_bytes column_index, offset_index; /* size 0: none */
} lm_chunk_done;

struct lm_parquet_writer {
    lm_parquet_options options;
    lm_arena arena;    /* lives until the footer is written */
    lm_schema *input;  /* of the batches */
    lm_schema *schema; /* of the file: the same, but for run ends */
    lm_cast *decode;   /* from the one to the other; NULL where they are the same */
    lm_write_schema columns;
    lm_sink *sink;
    uint64_t offset;
    lm_pool *pool;
    lm_scratch_shelf shelf;
    lm_rows *pending; /* rows that no row group has yet; each holds a reference */
    size_t pending_count, pending_capacity;
    int64_t pending_rows;
    size_t pending_bytes;
    lm_row_group_work *oldest, *newest;
    size_t in_flight, in_flight_max;
    lm_row_group *groups;
    lm_chunk_done **chunks; /* an array of leaf_count for each group */
    size_t group_count, group_capacity;
    int64_t rows;
    lm_error failure; /* code is LM_OK while all is well */
};

/* The writer's calls for whoever is inside; lm_parquet_writer_abort frees it. */
LM_MUST_USE lm_status lm__writer_new(lm_sink *sink, const lm_parquet_options *options,
                                     lm_schema *schema, lm_parquet_writer **writer,
                                     lm_error *error);
/* All batches of a stream of the schema; does not close it. */
LM_MUST_USE lm_status lm__writer_take_all(lm_parquet_writer *writer, lm_stream *stream,
                                          lm_error *error);
/* What is there of rows becomes row groups, all of them written. */
LM_MUST_USE lm_status lm__writer_flush(lm_parquet_writer *writer, lm_error *error);

lm_status lm__writer_put(lm_parquet_writer *writer, const void *data, size_t size, lm_error *error);

/* For whoever writes many files at once and must know what stands in them. */

/* The batches, of the writer's schema, become row groups in the file, with what was written before,
 * and none is held any more: by the pool's threads (NULL: the writer's own). From within a job only
 * by the writer's own, of one thread. The batches stay the caller's. */
LM_MUST_USE lm_status lm__writer_batches(lm_parquet_writer *writer, lm_batch *const *batches,
                                         size_t count, lm_pool *pool, lm_error *error);
/* What _finish does, but the writer stays, for a look at what its chunks tell; it is freed by
 * lm_parquet_writer_abort. */
LM_MUST_USE lm_status lm__writer_end(lm_parquet_writer *writer, lm_parquet_result *result,
                                     lm_error *error);

/* decode_input.c: sets `schema` and `decode`. */
LM_MUST_USE lm_status lm__writer_decode_input(lm_parquet_writer *writer, lm_schema *input,
                                              lm_error *error);
/* batch_bytes.c: the bytes of Arrow data that a row takes, on the average. */
double lm__batch_row_bytes(const lm_batch *batch);

/* row_group_write.c: a finished row group goes into the file and into writer->groups. */
LM_MUST_USE lm_status lm__row_group_write(lm_parquet_writer *writer, lm_row_group_work *work,
                                          lm_error *error);
/* footer.c: indexes and footer. */
LM_MUST_USE lm_status lm__writer_footer(lm_parquet_writer *writer, uint64_t *footer_bytes,
                                        lm_error *error);

#endif
