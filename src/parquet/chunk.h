/*
 * A column chunk: one leaf of one row group, from rows to finished pages. Each runs as a job of its
 * own, its pages kept in memory until the row group's writer puts them into the file in order; when
 * the writer itself runs the job whose turn it is, they go there at once.
 *
 *     shred (shred.h) → prepare (values.h) → dictionary, if it pays → pages: levels, values, codec,
 * CRC
 *
 * Invariants
 *  1. The bytes depend on the rows and the options alone: not on batch boundaries, threads or what
 * the scratch was used for before.
 *  2. A page holds whole rows; the dictionary page comes first; pages coded by the dictionary come
 * before those that are not.
 *  3. Page sizes are told as the format has them: with the header for the chunk's totals, without
 * in the page's.
 */
#ifndef LM_PARQUET_CHUNK_H
#define LM_PARQUET_CHUNK_H

#include "base/buffer.h"
#include "codec/codec.h"
#include "encode/dict.h"
#include "parquet/bloom.h"
#include "parquet/bounds.h"
#include "parquet/shred.h"

/* What a thread needs while it makes a chunk, used again for the next. */
typedef struct lm_scratch {
    struct lm_scratch *next;
    const lm_allocator *allocator;
    lm_codec_context *codec;
    lm_buffer page;  /* a page before compression */
    lm_buffer dense; /* its values without gaps, for encodings that want them so */
    lm_buffer header;
    lm_arena levels; /* the chunk's level arrays */
    uint32_t *indices;
    size_t index_capacity;
} lm_scratch;

LM_MUST_USE lm_status lm__scratch_new(const lm_allocator *allocator, lm_scratch **scratch,
                                      lm_error *error);
void lm__scratch_free(lm_scratch *scratch);

typedef struct lm_page_record {
    size_t start, size;                    /* in the chunk's `out`: header and body */
    size_t header_size, uncompressed_size; /* of the body */
    int32_t encoding;
    size_t first_row, rows, entries, slots, values;
    lm_bounds bounds;
    size_t unencoded_bytes; /* of byte strings */
} lm_page_record;

/* Where pages go as they are made: straight to the sink, out of a cache that still holds them. */
typedef struct lm_page_sink {
    lm_status (*put)(void *context, const void *data, size_t size, lm_error *error);
    void *context;
} lm_page_sink;

/* page_level.c: whether the quickest level does as well as the one that was asked for. */
typedef struct lm_level_choice {
    bool made, quick;
} lm_level_choice;

typedef struct lm_chunk {
    const lm_leaf *leaf;
    const lm_parquet_options *options;
    lm_arena arena;
    lm_shredded shredded;
    lm_dict *dict;            /* while the chunk is made */
    size_t dictionary_values; /* so many of the first values are coded by the dictionary */
    unsigned index_width;
    const lm_bytes *entries;   /* the dictionary's byte strings, once they are needed */
    lm_level_choice levels[2]; /* of plain pages, and of those coded by the dictionary */
    lm_page_sink sink;         /* put NULL: pages are kept in `out` */
    lm_buffer out;
    lm_page_record dictionary; /* size 0: none */
    lm_page_record *pages;
    size_t page_count, page_capacity;
    lm_bounds bounds;
    int64_t distinct; /* -1: not counted */
    /* By level; NULL where they say nothing that the null count does not. */
    int64_t *definition_histogram, *repetition_histogram;
    size_t values;  /* entries that are no nulls */
    lm_bloom bloom; /* blocks 0: none */
} lm_chunk;

void lm__chunk_init(lm_chunk *chunk, const lm_leaf *leaf, const lm_parquet_options *options);
void lm__chunk_deinit(lm_chunk *chunk);
/* All of it. The rows must stay until then; afterwards bounds of byte strings still point into
 * them. */
LM_MUST_USE lm_status lm__chunk_make(lm_chunk *chunk, const lm_rows *rows, size_t row_ranges,
                                     lm_scratch *scratch, lm_error *error);

/* chunk_dictionary.c: decides, and builds. Afterwards scratch->indices holds the indices of the
 * first dictionary_values values. */
LM_MUST_USE lm_status lm__chunk_build_dictionary(lm_chunk *chunk, lm_scratch *scratch,
                                                 lm_error *error);

/* page_values.c: where the pages stand in the pieces. */
typedef struct lm_cursor {
    size_t piece, slot; /* the next slot, within that piece */
    size_t value;       /* values passed so far */
} lm_cursor;

/* Appends the values of the next `slots` slots to scratch->page, in the given encoding;
 * `index_from` etc. come from the cursor, which moves on. */
LM_MUST_USE lm_status lm__page_values(const lm_chunk *chunk, lm_cursor *cursor, size_t slots,
                                      int32_t encoding, lm_scratch *scratch, lm_error *error);
/* The next span of at most `slots` slots within one piece; the cursor moves past it. */
typedef struct lm_span {
    const lm_piece *piece;
    size_t from, count;
} lm_span;
lm_span lm__cursor_next(const lm_chunk *chunk, lm_cursor *cursor, size_t slots);

/* page_level.c: the codec's level for a page with such a body. */
LM_MUST_USE lm_status lm__page_level(lm_chunk *chunk, lm_scratch *scratch, bool by_dictionary,
                                     const uint8_t *body, size_t size, int32_t *level,
                                     lm_error *error);

/* page.c: levels, values, codec, CRC and header, appended to chunk->out. */
LM_MUST_USE lm_status lm__page_dictionary(lm_chunk *chunk, lm_scratch *scratch, lm_error *error);
LM_MUST_USE lm_status lm__page_data(lm_chunk *chunk, lm_page_record *page, size_t first_entry,
                                    lm_cursor *cursor, lm_scratch *scratch, lm_error *error);

#endif
