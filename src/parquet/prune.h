/*
 * What a filter lets be left unread: row groups by statistics, bloom filters and dictionaries, and
 * pages by the column index.
 *
 * Stands between a filter's tests (arrow/filter.h) and the metadata of a row group. A leaf's test
 * is held against what the file says of the column's values; `and` and `or` join the answers.
 *
 * Invariants
 *  1. Rows that are pruned hold none that the filter selects, if the file tells the truth: bounds
 *     may be wider than the values (cut, or of zeros and NaNs), never narrower.
 *  2. What the file says is used only where its order is the filter's: deprecated bounds and those
 *     without a column order only of numbers that compare signed, those of INT96 only within one
 *     day and by INT96_TIMESTAMP_ORDER, none of types without an order, none that are NaN or stand
 *     the wrong way round, nothing of writers that are known to have been wrong.
 *  3. Bounds say nothing of NaNs: a test that NaN would pass is pruned only where their number is
 *     known to be none.
 *  4. What cannot be read or understood prunes nothing; the pages themselves will tell.
 */
#ifndef LM_PARQUET_PRUNE_H
#define LM_PARQUET_PRUNE_H

#include "arrow/filter.h"
#include "base/pool.h"
#include "parquet/read_arrow.h"
#include "parquet/read_column.h"
#include "parquet/row_ranges.h"

/* A filter bound to a plan's schema, and a row group that it may leave out. */
typedef struct lm_prune {
    const lm_parquet_reader *reader;
    const lm_read_plan *plan;
    const lm_filter *filter;
    const lm_read_limits *limits;
    size_t row_group;
    lm_arena *arena; /* for the while */
} lm_prune;

typedef enum lm_prune_level {
    LM_PRUNE_STATISTICS,
    LM_PRUNE_BLOOM,      /* and statistics */
    LM_PRUNE_DICTIONARY, /* and both */
} lm_prune_level;

/* May the row group have rows that the filter selects? Only LM_NO_MEMORY and LM_CANCELLED fail. */
LM_MUST_USE lm_status lm__prune_row_group(const lm_prune *prune, lm_prune_level level, bool *may,
                                          lm_error *error);
/* Which of its rows may, by the page index. */
LM_MUST_USE lm_status lm__prune_pages(const lm_prune *prune, lm_row_ranges *rows, lm_error *error);

/* The same by looking at the values themselves, for tests that promise anything; bits of *in_vain
 * are set for those where many pages had values that pass, and keep them from being tried again. */
LM_MUST_USE lm_status lm__prune_values(const lm_prune *prune, lm_pool *pool, lm_row_ranges *rows,
                                       uint64_t *in_vain, lm_error *error);

/* Parts. */

/* Where a test's column lies in the file; NULL where it is no leaf, or one that cannot be read. */
const lm_read_field *lm__prune_field(const lm_prune *prune, const lm_test_column *column);
const lm_column_chunk *lm__prune_chunk(const lm_prune *prune, const lm_read_field *field);

/* What is known of the values of a column in some rows. */
typedef struct lm_prune_facts {
    lm_bytes min, max;           /* data NULL: not known */
    bool deprecated;             /* of Statistics.min and max */
    bool has_nulls, has_nans;    /* whether their number is known */
    int64_t nulls, nans, values; /* values: with nulls; -1: not known */
} lm_prune_facts;

/* May the test be true for one of them? */
bool lm__prune_by_facts(const lm_prune *prune, const lm_test *test, const lm_read_field *field,
                        const lm_prune_facts *facts);
bool lm__prune_by_bloom(const lm_prune *prune, const lm_test *test, const lm_read_field *field);
LM_MUST_USE lm_status lm__prune_by_dictionary(const lm_prune *prune, const lm_test *test,
                                              const lm_read_field *field, bool *may,
                                              lm_error *error);

/* Values as an array of `field`, which is made: text and binary by their bytes alone. */
lm_array lm__prune_array(const lm_read_vector *vector, const lm_field *values, lm_field *field);
/* Which of a dictionary's values pass; *bits is for the caller to free, NULL on LM_NO_MEMORY. */
LM_MUST_USE lm_status lm__prune_dictionary_bits(const lm_prune *prune, const lm_test *test,
                                                const lm_read_vector *dictionary,
                                                const lm_field *values, uint8_t **bits,
                                                lm_error *error);

/* The offset index of a chunk; *out is NULL where there is none that holds together. */
LM_MUST_USE lm_status lm__prune_offsets(const lm_parquet_reader *reader, size_t row_group,
                                        const lm_read_node *leaf, lm_arena *arena,
                                        const lm_offset_index **out, lm_error *error);

#endif
