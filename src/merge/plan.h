/*
 * A merge, as its files share it.
 *
 *     sources.c   which files: found, in order, a job that is not finished refused
 *     look.c      what each part is, by its first and last bytes
 *     many.c      many parts at once: side by side, or by a listing
 *     header.c    one header for all, or none
 *     plan.c      from options to a plan: the way of each part, what it costs
 *     run.c       the plan is carried out, checked and published
 *     flow.c      a part's bytes, from its file to the result
 *     pack.c      text into members (gzip) or frames (zstd)
 *     rows.c      counts rows
 *     journal.c   what a merge that consumes its parts writes down first
 *     consume.c   parts joined by the store, or removed after the commit; carrying on
 *     parquet.c   parts of Parquet, by parquet/merge.h
 *
 * Invariants
 *  1. Memory does not depend on the sizes of the parts, and on their number only by their paths and
 *     sizeof(lm_part) for each.
 *  2. A byte of the result is a byte of a part, or of the header that was given, or a line's end or
 *     mark that was put in; and all bytes of all parts are there, in order, but for the marks and
 *     headers that stand in front already, and for parts in which nothing is.
 *  3. No part is removed, changed or consumed before a journal that tells all about it is durable,
 *     and none that is not as the plan saw it.
 *  4. What the plan saw of a part (size, time, version) is what it is when all has been read, or
 * the merge fails and the destination is as it was.
 */
#ifndef LM_MERGE_PLAN_H
#define LM_MERGE_PLAN_H

#include <lamella/merge.h>

#include "base/arena.h"
#include "codec/unpack.h"
#include "csv/rows.h"
#include "store/store.h"

typedef enum lm_part_way {
    LM_PART_SKIP,   /* nothing of it is in the result */
    LM_PART_COPY,   /* its bytes, past this process where the store can do that */
    LM_PART_READ,   /* its bytes, through this process */
    LM_PART_MEMBER, /* its compressed bytes, decompressed beside that to see what they are */
    LM_PART_TEXT,   /* decompressed, and compressed again if the result is */
} lm_part_way;

typedef struct lm_part {
    const char *path;
    uint64_t size, stamp, inode; /* inode 0: the store tells none */
    int64_t mtime_ns;
    uint64_t number;      /* of part-NNNNN; UINT64_MAX: none */
    uint32_t group, turn; /* the source that it is of, and its place among all that were found */
    uint32_t block_kib;   /* of the blocks that the store keeps it in */
    uint32_t cut;         /* bytes of text left out at the beginning */
    uint8_t way;          /* lm_part_way */
    uint8_t codec;        /* lm_codec */
    uint8_t line_end;     /* lm_merge_line_end */
    uint8_t format;       /* that its bytes are sure to be: PARQUET, or AUTO for any text */
    bool blank, bom, lacks_end;
    bool only_line; /* nothing stands behind that line */
    bool typed;     /* a cell of its first line is a number, a date or such: it is no header */
    bool same_line; /* it begins with the first line of the first part that is not blank */
    bool evident;   /* it begins with a header, by what its second line is */
} lm_part;

struct lm_merge_plan {
    const lm_allocator *allocator;
    lm_arena arena;
    lm_merge_options options;
    lm_file_options file;
    lm_merge_summary summary;
    lm_store *from, *to; /* the same where both are one store */
    const char *destination;
    bool is_local; /* the sources' store: looking at a part costs no round trip */

    lm_part *parts;
    size_t count, capacity;
    const char **sources; /* on their store */
    size_t source_count;
    const char *journal_directory; /* where the journal of these sources would be */

    lm_csv_dialect dialect;
    size_t first;        /* the first part that is not blank; `count` where all are */
    const uint8_t *kept; /* its first bytes, as they lie in it */
    size_t kept_size;
    const uint8_t *line; /* its first line (a record of CSV), without its end */
    size_t line_size;
    bool line_known, line_is_names;
    size_t line_cells;
    const uint8_t *prefix; /* what stands before the first part's bytes */
    size_t prefix_size;
    const char **notes;
    bool has_run;
    unsigned turn; /* how often it was run before, and broke off on its way to the store */
    bool again;    /* it broke off again, and is to be run once more */

    struct lm_merge_parquet *parquet;
    struct lm_journal *journal; /* of the merge that is carried on; NULL: none */
};

LM_MUST_USE static inline bool lm__part_is_in(const lm_part *part)
{
    return part->way != LM_PART_SKIP;
}

lm_codec lm__merge_codec(lm_merge_compression compression);

/* sources.c. Finds the parts and orders them; or reads the journal of a merge that is carried on,
 * and then there are none. */
LM_MUST_USE lm_status lm__merge_find(lm_merge_plan *plan, lm_error *error);
/* A format by a path's suffix, behind those of compression; AUTO where it tells none. */
lm_merge_format lm__merge_format_of(const char *path);
/* ".gz" and such behind the format's. */
lm_merge_compression lm__merge_compression_of(const char *path);

/* look.c. The first bytes of a part, decompressed. */
typedef struct lm_look {
    const uint8_t *bytes; /* as they lie in the part */
    size_t byte_count;
    uint8_t *text;
    size_t size, capacity;
    bool all; /* the part has no more text */
} lm_look;

LM_MUST_USE lm_status lm__merge_look(lm_merge_plan *plan, lm_error *error);
/* The first bytes of a part again, for a message; the text lies in `arena`. */
LM_MUST_USE lm_status lm__part_text(const lm_merge_plan *plan, const lm_part *part, lm_arena *arena,
                                    lm_look *look, lm_error *error);

/* header.c: settles has_header and cut of each part, and the prefix. */
LM_MUST_USE lm_status lm__merge_header(lm_merge_plan *plan, lm_error *error);

/* The part as the plan saw it; LM_CONFLICT where it is another one. */
LM_MUST_USE lm_status lm__merge_open_part(const lm_merge_plan *plan, const lm_part *part,
                                          lm_source **source, lm_error *error);
/* LM_CONFLICT unless each part is as the plan saw it. */
LM_MUST_USE lm_status lm__merge_unchanged(const lm_merge_plan *plan, lm_error *error);
/* What reading a part answered: that another one stands there is a conflict. */
lm_status lm__merge_part_status(lm_status status, lm_error *error);

LM_MUST_USE lm_status lm__merge_note(lm_merge_plan *plan, const char *note, lm_error *error);

/* "\n" of a line's end. */
const char *lm__line_end_text(lm_merge_line_end line_end);

#endif
