/*
 * Between the files of verification: what was seen of a chunk (facts), and what the file says of it
 * (claims). verify.c goes through file and chunks, verify_facts.c decodes and gathers, and
 * verify_claims.c compares.
 *
 * Invariants
 *  1. Problems are told and counted, and end nothing: what can still be looked at is, chunks that
 *     cannot be read are left out. Only what makes it impossible to go on (memory, the source, an
 *     interruption) is a failure.
 *  2. Facts are of what was decoded, never of what the file says.
 *  3. Memory holds one page, and of each page of one chunk its facts.
 */
#ifndef LM_PARQUET_VERIFY_H
#define LM_PARQUET_VERIFY_H

#include <lamella/parquet_verify.h>

#include "parquet/bounds.h"
#include "parquet/read_column.h"
#include "parquet/read_index.h"

/* Of the values of a page, or of a whole chunk. */
typedef struct lm_facts {
    int64_t entries, values, rows; /* values: without nulls; rows: that begin here */
    int64_t nans, unencoded;       /* unencoded: bytes of BYTE_ARRAY values */
    bool bounded;
    lm_bytes min, max;
    int64_t *definitions, *repetitions; /* how many of each level; NULL where there are none */
} lm_facts;

/* A data page: its header, then what was decoded of it. */
typedef struct lm_page_facts {
    int64_t ordinal;
    uint64_t offset;
    size_t size; /* in the file, the header counted in */
    bool v2;
    int64_t header_entries, header_nulls, header_rows; /* the last two: v2 */
    const lm_statistics *statistics;                   /* of the header; NULL: none */
    bool decoded, inside_row;                          /* begins in the middle of a row */
    int64_t first_row;
    lm_facts facts;
} lm_page_facts;

/* Different values by their hashes, up to a limit. */
typedef struct lm_distinct {
    uint64_t *slots; /* 0: free */
    size_t count, capacity;
    bool wanted, too_many;
} lm_distinct;

typedef struct lm_verifier {
    lm_parquet_reader *reader;
    const lm_parquet_verify_options *options;
    lm_parquet_verified result;
    lm_error first;   /* problem */
    lm_error unread;  /* why the first chunk that cannot be read is left out */
    lm_status failed; /* of the callback */
    lm_error *error;
    /* the chunk at hand */
    size_t row_group;
    const lm_read_node *leaf;
    const lm_column_metadata *metadata;
    lm_leaf order; /* as lm__bounds_compare wants it */
    lm_read_spec spec;
    lm_read_limits limits;
    lm_read_scratch *scratch;
    lm_arena arena;
    const lm_column_index *column_index;
    const lm_offset_index *offset_index;
    bool has_bloom;
    lm_bloom bloom;
    lm_buffer bloom_room;
    lm_distinct distinct;
    lm_page_facts *pages;
    size_t page_count, page_capacity;
    lm_facts chunk;
    int64_t last_ordinal; /* of the pages whose headers can be read */
    bool whole;           /* all pages were decoded */
} lm_verifier;

/* A problem of the chunk at hand, or of its page `page` (-1: of none). */
void lm__verify_problem(lm_verifier *v, int64_t page, const char *kind, const char *format, ...)
    LM_PRINTF(4, 5);
/* The same of a failure: LM_CORRUPT and its like are problems, others are handed on. */
LM_MUST_USE lm_status lm__verify_failure(lm_verifier *v, int64_t page, const char *kind,
                                         lm_status status, const lm_error *error);

/* verify_facts.c: the chunk's pages by their headers, then decoded; into v->pages and v->chunk. */
LM_MUST_USE lm_status lm__verify_decode(lm_verifier *v);
/* verify_claims.c: all that the file says of the chunk. */
void lm__verify_claims(lm_verifier *v);

/* verify_order.c */
/* How the leaf's values compare by what its column order says; LM_ORDER_NONE: not at all. */
lm_leaf_order lm__verify_order(const lm_parquet_reader *reader, const lm_read_node *leaf);
int lm__verify_compare(const lm_verifier *v, lm_bytes a, lm_bytes b);
/* What is kept of a value as a bound: of long byte strings not all. */
lm_bytes lm__verify_clip(const lm_verifier *v, lm_bytes value);
bool lm__verify_is_nan(const lm_verifier *v, lm_bytes value);
/* The least and the greatest of a vector without nulls, in it or in `room`; false: there are none.
 */
typedef union lm_verify_room {
    int64_t i64;
    double f64;
    bool truth;
    uint8_t bytes[8];
} lm_verify_room;
bool lm__verify_bounds(const lm_verifier *v, const lm_read_vector *vector, lm_verify_room room[2],
                       lm_bytes *min, lm_bytes *max, int64_t *nans);
lm_bytes lm__verify_value(const lm_read_vector *vector, size_t i);

#endif
