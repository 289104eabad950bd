/*
 * One leaf of one row group: its entries (levels) and values, page after page, as many rows at a
 * time as are asked for.
 *
 * Stands above pages and values. Whoever reads takes one of two ways and keeps to it: _flat, for a
 * leaf without lists under no optional group, goes straight from the page to the column; _block
 * gives levels for the caller to look at, and then their values.
 *
 * Invariants
 *  1. Rows are whole: a block ends before the entry that begins the row after the last one asked
 *     for. The first entry of a chunk begins a row.
 *  2. No level is greater than the leaf's.
 *  3. Errors say which column and which page; the row group and the file are for the caller to add.
 *  4. After a failure the column can only be closed.
 *  5. A leaf that is unreadable (read_schema.h 5) is never opened: LM_UNSUPPORTED.
 */
#ifndef LM_PARQUET_READ_COLUMN_H
#define LM_PARQUET_READ_COLUMN_H

#include "parquet/read_values.h"

typedef struct lm_read_levels {
    uint8_t max;
    bool packed;          /* decoded already: `bytes` */
    const uint8_t *bytes; /* the next */
    lm_rle_decoder rle;
} lm_read_levels;

/* A page that goes straight to its column has no more levels than this. */
#define LM_READ_HEAD_MAX 64

typedef struct lm_read_column {
    const lm_read_node *leaf;
    const lm_read_spec *spec;
    lm_read_scratch *scratch;
    lm_read_pages pages;
    lm_read_vector dictionary;
    uint64_t dictionary_at; /* where a seek left one unread; 0: nowhere */
    bool has_dictionary, ended, begun;
    uint32_t entries_left; /* of the page, levels not yet decoded */
    lm_read_levels repetitions, definitions;
    lm_read_values values;
    size_t block_at, block_size; /* entries decoded and not yet given, in the scratch */
    lm_read_vector *target;      /* of the call of _flat under way, */
    size_t target_rows;          /* which wants so many more */
    size_t head_size;            /* of the last page, the levels in front of its values */
    uint8_t head[LM_READ_HEAD_MAX];
} lm_read_column;

/* Entries of one page, at most LM_READ_INDICES. */
typedef struct lm_read_block {
    const uint8_t *definitions, *repetitions; /* NULL where the level is 0 */
    size_t entries;
    size_t rows;   /* that begin in it */
    size_t values; /* entries whose definition is the leaf's: to be read or skipped next */
} lm_read_block;

/* `spec` and `scratch` must live as long. */
LM_MUST_USE lm_status lm__read_column_open(lm_read_column *column, lm_source *source,
                                           const lm_read_node *leaf,
                                           const lm_column_metadata *metadata,
                                           lm_writer_oddities oddities, const lm_read_spec *spec,
                                           const lm_read_limits *limits, lm_read_scratch *scratch,
                                           lm_error *error);
void lm__read_column_close(lm_read_column *column);

static inline bool lm__read_is_flat(const lm_read_node *leaf)
{
    return leaf->repetition == 0 && leaf->definition <= 1;
}

/* Up to `rows` rows into the vector (nullable where the leaf's definition is 1); *got is less only
 * at the end of the chunk. */
LM_MUST_USE lm_status lm__read_column_flat(lm_read_column *column, size_t rows,
                                           lm_read_vector *vector, size_t *got, lm_error *error);

/* The next entries of rows that have begun and of up to `rows` more; none (entries 0) when the next
 * entry begins another row, or at the end. */
LM_MUST_USE lm_status lm__read_column_block(lm_read_column *column, size_t rows,
                                            lm_read_block *block, lm_error *error);
/* The block's values, without gaps, at vector->count, with room made for `slots` slots. */
LM_MUST_USE lm_status lm__read_column_values(lm_read_column *column, size_t values, size_t slots,
                                             lm_read_vector *vector, lm_error *error);

/* Do values of the page at hand share bytes with those of the pages next to it, so that neither can
 * be read without the one before? */
bool lm__read_column_goes_on(const lm_read_column *column);
LM_MUST_USE lm_status lm__read_column_skip(lm_read_column *column, size_t rows, size_t *got,
                                           lm_error *error);
/* Loads the dictionary, if the chunk opens with one; nothing else may have been read. */
LM_MUST_USE lm_status lm__read_column_dictionary(lm_read_column *column, lm_error *error);
/* Goes on at the page that begins at `offset` in the file, with a row, as the offset index says it;
 * `first` is where the first one begins. What lies in between is not looked at, a dictionary when
 * there are indices into it. */
LM_MUST_USE lm_status lm__read_column_seek(lm_read_column *column, uint64_t first, uint64_t offset,
                                           lm_error *error);

/* LM_CORRUPT when entries are left. */
LM_MUST_USE lm_status lm__read_column_end(lm_read_column *column, lm_error *error);

#endif
