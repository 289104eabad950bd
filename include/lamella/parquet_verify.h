/*
 * Whether a Parquet file is what it says: every page decoded, and whatever the file tells of its
 * values held against them.
 *
 * Checked are the CRCs; levels and how they fit together; the numbers of rows, values and bytes;
 * statistics of chunks and pages (bounds, exactness, nulls, NaNs, distinct values); column and
 * offset index; size statistics; bloom filters; the order of the first sorting column; text.
 */
#ifndef LAMELLA_PARQUET_VERIFY_H
#define LAMELLA_PARQUET_VERIFY_H

#include <lamella/parquet_read.h>

typedef struct lm_parquet_problem {
    int64_t row_group;  /* -1: of the whole file */
    const char *column; /* dotted path; NULL: of no one column */
    int64_t page;       /* from 0, the dictionary counted in; -1: of the whole chunk */
    /* "file", "row_group", "page", "levels", "nulls", "rows", "sizes", "encodings", "statistics",
     * "text", "column_index", "offset_index", "bloom_filter", "sorting" */
    const char *kind;
    const char *message;
} lm_parquet_problem;

/* Another status than LM_OK ends the verification and is its result. */
typedef lm_status (*lm_parquet_problem_callback)(void *context, const lm_parquet_problem *problem,
                                                 lm_error *error);

typedef struct lm_parquet_verify_options {
    lm_parquet_problem_callback callback; /* may be NULL */
    void *context;
    uint64_t problems_max; /* that are told; more are only counted. 0: 1000 */
    const lm_cancel *cancel;
} lm_parquet_verify_options;

typedef struct lm_parquet_verified {
    uint64_t problems;
    uint64_t damage; /* those of them that are of the values ("file", "page", "levels", "text", and
                        "rows" of a chunk): where there are none, all can be read, and only what is
                        told of them is untrue */
    uint64_t unread; /* column chunks that cannot be read here, encrypted ones, say */
    uint64_t rows, pages, values; /* decoded; values without nulls */
} lm_parquet_verified;

/* LM_CORRUPT when there are problems, with the first one as the message; LM_UNSUPPORTED when there
 * are none in what can be read, and chunks that cannot: the first one and why is the message. With
 * these and with LM_OK `result` (may be NULL) is filled. */
LM_API LM_MUST_USE lm_status lm_parquet_verify(lm_parquet_reader *reader,
                                               const lm_parquet_verify_options *options,
                                               lm_parquet_verified *result, lm_error *error);

#endif
