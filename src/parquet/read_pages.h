/*
 * The pages of one column chunk, in order: header, checks, CRC, codec, levels and values told
 * apart.
 *
 * Stands between the source and the column reader (read_column.h). A page is taken in two steps,
 * so that whoever knows where its values shall lie can have them decompressed right there:
 * _next reads the header, _load or _load_into the rest.
 *
 * Invariants
 *  1. Nothing is read outside the chunk as the footer gives it, nor outside the source.
 *  2. No room is made on a size that the bytes at hand cannot give: a compressed page must lie
 *     within the chunk, its codec must be able to make so much of it, and page_bytes_max stands
 *     above all.
 *  3. The entries of the data pages add up to the chunk's num_values, or it is LM_CORRUPT; not so
 *     after a seek.
 *  4. Index pages, and pages of a type that is not known, are passed over.
 */
#ifndef LM_PARQUET_READ_PAGES_H
#define LM_PARQUET_READ_PAGES_H

#include <lamella/source.h>

#include "base/buffer.h"
#include "codec/codec.h"
#include "parquet/read_memory.h"
#include "parquet/read_schema.h"
#include "parquet/writer_faults.h"

/* What a thread needs while it reads a chunk, used again for the next. */
#define LM_READ_INDICES 4096
typedef struct lm_read_scratch {
    struct lm_read_scratch *next;
    const lm_allocator *allocator;
    lm_codec_context *codec;
    lm_arena arena;                /* of the current page's header */
    lm_buffer window;              /* of the source, where it gives no views */
    lm_buffer page;                /* the current page, decompressed, */
    lm_buffer ahead;               /* and the one after it, together with it */
    lm_arena ahead_arena;          /* of that one's header */
    lm_buffer levels;              /* of a page in the BIT_PACKED encoding, as bytes */
    lm_buffer values;              /* between decoding and converting */
    lm_buffer before;              /* the last string of the page before, where prefixes go on */
    lm_read_kept dictionary, held; /* what the last column had */
    uint32_t indices[LM_READ_INDICES];
    uint8_t definitions[LM_READ_INDICES], repetitions[LM_READ_INDICES];
} lm_read_scratch;

LM_MUST_USE lm_status lm__read_scratch_new(const lm_allocator *allocator, lm_read_scratch **scratch,
                                           lm_error *error);
void lm__read_scratch_free(lm_read_scratch *scratch); /* takes NULL */
/* At least `size` bytes in one of its buffers; what was there is lost. */
LM_MUST_USE lm_status lm__read_room(lm_buffer *buffer, size_t size);

/* What has been read so far, by all threads. */
typedef struct lm_read_tally {
    atomic_ullong pages, bytes; /* loaded, as they stand in the file */
} lm_read_tally;

typedef struct lm_read_limits {
    size_t page_bytes_max; /* of a page, uncompressed */
    bool crc_check;
    const lm_cancel *cancel; /* looked at from page to page; may be NULL */
    lm_read_tally *tally;    /* may be NULL */
} lm_read_limits;

typedef struct lm_read_page {
    bool is_dictionary;
    bool v2;
    int32_t encoding;
    uint32_t entries; /* of a dictionary its values */
    uint32_t nulls;   /* v2 only */
    size_t size;      /* uncompressed, levels included */
    /* after loading */
    lm_bytes repetitions, definitions; /* without length prefixes; size 0 where the level is 0 */
    int32_t repetition_encoding, definition_encoding;
    lm_bytes values;
} lm_read_page;

typedef struct lm_read_pages {
    lm_source *source;
    const lm_read_node *leaf;
    const lm_column_metadata *metadata;
    lm_read_scratch *scratch;
    lm_read_limits limits;
    uint64_t at, end;      /* in the source */
    uint64_t passed_at;    /* what lies before it the source has been told to let go of */
    uint64_t window_at;    /* where the window lies */
    int64_t entries_left;  /* of data pages to come; after a seek at most so many */
    bool sought;           /* the chunk's end is that of its pages */
    bool to_end;           /* pages without values, behind the last value, are wanted too */
    int64_t ordinal;       /* of the current page, from 0 */
    uint64_t header_at;    /* where the current page's header begins */
    lm_page_header header; /* the current page's */
    const uint8_t *body;   /* as it stands in the file */
    uint8_t *into;         /* where it is decompressed to; NULL: the scratch */
    bool next_too;         /* set by who will load the next page as well: both may be decompressed
                              at once */
    const uint8_t *ahead;  /* what scratch->ahead was decompressed from; NULL: nothing */
    size_t ahead_size;
    lm_read_page page;
} lm_read_pages;

/* Of a data page: its values are indices into the dictionary. */
static inline bool lm__read_is_indices(int32_t encoding)
{
    return encoding == LM_PARQUET_PLAIN_DICTIONARY || encoding == LM_PARQUET_RLE_DICTIONARY;
}

/* Says the chunk that it has pages like that? */
bool lm__read_has_encoding(const lm_column_metadata *metadata, int32_t encoding);

/* `source`, metadata and scratch must outlive the pages. */
LM_MUST_USE lm_status lm__read_pages_open(lm_read_pages *pages, lm_source *source,
                                          const lm_read_node *leaf,
                                          const lm_column_metadata *metadata,
                                          lm_writer_oddities oddities, const lm_read_limits *limits,
                                          lm_read_scratch *scratch, lm_error *error);

/* Where the chunk begins in its file: at the dictionary page, if there is one. */
uint64_t lm__read_chunk_start(const lm_column_metadata *metadata);

/* How far a chunk may reach that ends at `end` by the footer, in a file of so many bytes. */
static inline uint64_t lm__read_chunk_end(uint64_t end, lm_writer_oddities oddities,
                                          uint64_t file_size)
{
    uint64_t left = file_size - end;
    if (!oddities.short_chunks) return end;
    return end + (left < 100 ? left : 100); /* a dictionary page's header */
}

/* The next dictionary or data page: pages->page up to `size`. *more is false at the end. */
LM_MUST_USE lm_status lm__read_pages_next(lm_read_pages *pages, bool *more, lm_error *error);
/* The rest of it. What page->values points to is valid until the next _next. */
LM_MUST_USE lm_status lm__read_pages_load(lm_read_pages *pages, lm_error *error);
/* The same, and what is to be decompressed goes to `to`, which has room for page->size bytes: all
 * of the page, or of v2 its values. Not for chunks without a codec. */
LM_MUST_USE lm_status lm__read_pages_load_into(lm_read_pages *pages, uint8_t *to, lm_error *error);

/* Makes the page at `offset`, within the chunk, the next one. */
void lm__read_pages_seek(lm_read_pages *pages, uint64_t offset);

#endif
