/*
 * A leaf's values out of a page's bytes, in the form that they are wanted in.
 *
 * Stands between the pages (read_pages.h) and whoever gathers a column (read_column.h): what is
 * asked for is decoded to its final place, once.
 *
 * Invariants
 *  1. _read appends values without gaps at vector->count, for which the caller has made room, and
 *     leaves count to the caller: it opens the gaps of nulls first.
 *  2. Whatever the bytes are, nothing outside them is read; too few of them, or an index past the
 *     dictionary, is LM_CORRUPT.
 *  3. A dictionary holds values in their final form: conversions are done once for each of them.
 *  4. Byte strings of 32-bit offsets end at 2 GiB: `overflow` of the vector is set then, and the
 *     status is LM_LIMIT.
 */
#ifndef LM_PARQUET_READ_VALUES_H
#define LM_PARQUET_READ_VALUES_H

#include "encode/alp.h"
#include "encode/bits.h"
#include "encode/rle.h"
#include "parquet/read_convert.h"
#include "parquet/read_memory.h"
#include "parquet/read_pages.h"

typedef struct lm_read_coded lm_read_coded;

/* Values as they come: slots of one column, growing. */
typedef struct lm_read_vector {
    const lm_allocator *allocator;
    lm_read_form form;
    uint32_t width; /* FIXED */
    bool nullable;  /* has a validity bitmap */
    bool overflow;
    size_t count, capacity; /* slots */
    size_t expected;        /* so many slots may be made room for at once; a hint */
    lm_read_slab *slab;     /* may be NULL */
    uint8_t *values;        /* FIXED, BITS */
    void *offsets;          /* STRINGS: capacity + 1 of them */
    uint8_t *data;
    size_t data_size, data_capacity;
    size_t data_expected; /* bytes that are likely to come in all; 0: not known */
    size_t longest;       /* of a dictionary's strings */
    uint8_t *validity;
    size_t nulls;
    lm_read_buffer values_buffer, offsets_buffer, data_buffer; /* whose memory those are */
    lm_read_coded *coded; /* `values` are indices into this; or NULL */
} lm_read_vector;

void lm__read_vector_init(lm_read_vector *vector, const lm_allocator *allocator, lm_read_form form,
                          uint32_t width, bool nullable);
void lm__read_vector_deinit(lm_read_vector *vector);
/* Empty again, memory kept. */
void lm__read_vector_clear(lm_read_vector *vector);
/* Moves memory that was kept to a vector that has none, and back. */
void lm__read_vector_take_kept(lm_read_vector *vector, lm_read_kept *kept);
void lm__read_vector_give_kept(lm_read_vector *vector, lm_read_kept *kept);
/* Room for so many more slots, and LM_ENCODE_SLACK. */
LM_MUST_USE lm_status lm__read_vector_reserve(lm_read_vector *vector, size_t slots,
                                              lm_error *error);
/* Room for so many more bytes of strings, and LM_ENCODE_SLACK. */
LM_MUST_USE lm_status lm__read_vector_reserve_data(lm_read_vector *vector, size_t bytes,
                                                   lm_error *error);
/* Opens the gaps: the last `present` values move to the slots of [count, count + slots) that are
 * valid, and count grows by `slots`. */
LM_MUST_USE lm_status lm__read_vector_expand(lm_read_vector *vector, size_t present, size_t slots,
                                             lm_read_scratch *scratch, lm_error *error);

typedef enum lm_read_how {
    LM_HOW_NOTHING,
    LM_HOW_PLAIN,
    LM_HOW_DICTIONARY,
    LM_HOW_BOOLS, /* RLE */
    LM_HOW_SPLIT,
    LM_HOW_ALP,
    LM_HOW_DELTA, /* whole pages only; else by way of `held` */
    LM_HOW_HELD,
} lm_read_how;

typedef struct lm_read_values {
    const lm_read_spec *spec;
    lm_read_scratch *scratch;
    const lm_read_vector *dictionary;
    lm_read_how how;
    int32_t encoding;
    bool prefixes_go_on; /* lm_writer_oddities; from scratch->before */
    const uint8_t *at, *end;
    size_t count; /* DELTA: of the page */
    size_t next;  /* PLAIN booleans, SPLIT, ALP, HELD: the next value */
    lm_rle_decoder rle;
    lm_alp alp;
    lm_read_vector held; /* a page decoded ahead */
} lm_read_values;

/* What it holds is for the caller to deinitialise: `held`. Where prefixes go on, no page of them
 * may be left out. */
void lm__read_values_init(lm_read_values *values, const lm_allocator *allocator,
                          const lm_read_spec *spec, bool prefixes_go_on, lm_read_scratch *scratch);

/* Decodes a dictionary page into a vector for _start. */
void lm__read_dictionary_init(lm_read_vector *dictionary, const lm_allocator *allocator,
                              const lm_read_spec *spec);
LM_MUST_USE lm_status lm__read_dictionary_load(lm_read_vector *dictionary, const lm_read_spec *spec,
                                               const lm_read_page *page, lm_read_scratch *scratch,
                                               lm_error *error);

/* Whether _start must be told the number of values in the page. */
bool lm__read_values_need_count(int32_t encoding);
/* Takes up a page; dictionary may be NULL. The page's bytes stay the caller's. */
LM_MUST_USE lm_status lm__read_values_start(lm_read_values *values, const lm_read_page *page,
                                            const lm_read_vector *dictionary, size_t count,
                                            lm_error *error);
/* The next `count` values of the page. */
LM_MUST_USE lm_status lm__read_values_read(lm_read_values *values, size_t count,
                                           lm_read_vector *vector, lm_error *error);
LM_MUST_USE lm_status lm__read_values_skip(lm_read_values *values, size_t count, lm_error *error);

#endif
