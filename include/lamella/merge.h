/*
 * Many parts into one file: what a cluster wrote as a directory of parts becomes one file, all or
 * nothing, and values are never looked at, let alone written anew (docs/merge.md).
 *
 *     lm_merge_plan_open -> (look at it) -> lm_merge_run -> lm_merge_plan_close
 *
 * The plan reads the parts' first and last bytes and settles what will be done: the order, one
 * header, the way of each part's bytes. The run does it; a part that changed since the plan fails
 * it. Until the commit the destination is as it was and every part is where it was.
 */
#ifndef LAMELLA_MERGE_H
#define LAMELLA_MERGE_H

#include <lamella/parquet_merge.h>
#include <lamella/publish.h>

typedef enum lm_merge_format {
    LM_MERGE_AUTO = 0, /* by the names and first bytes of the parts, then by the destination's */
    LM_MERGE_CSV = 1,
    LM_MERGE_JSONL = 2,
    LM_MERGE_TEXT = 3, /* lines, without a header */
    LM_MERGE_PARQUET = 4,
} lm_merge_format;

typedef enum lm_merge_order {
    LM_MERGE_ORDER_AUTO = 0,    /* PART where all names have a part number, else as listed and,
                                   within a directory or pattern, natural */
    LM_MERGE_ORDER_PART = 1,    /* by the number of part-NNNNN, directory by directory */
    LM_MERGE_ORDER_NATURAL = 2, /* by path, numbers in it by their value */
    LM_MERGE_ORDER_NAME = 3,    /* by path, bytewise */
    LM_MERGE_ORDER_TIME = 4,    /* oldest first */
    LM_MERGE_ORDER_LISTED = 5,  /* as the sources stand; within one natural */
} lm_merge_order;

typedef enum lm_merge_header {
    LM_MERGE_HEADER_AUTO = 0, /* YES where all parts begin with one line that looks like names; NO
                                 where none has that line; else refused */
    LM_MERGE_HEADER_YES = 1,
    LM_MERGE_HEADER_NO = 2,
} lm_merge_header;

typedef enum lm_merge_compression {
    LM_MERGE_COMPRESSION_AUTO = 0, /* by the destination's suffix: .gz, .zst */
    LM_MERGE_COMPRESSION_NONE = 1,
    LM_MERGE_COMPRESSION_GZIP = 2,
    LM_MERGE_COMPRESSION_ZSTD = 3,
} lm_merge_compression;

/* How bytes get from the parts to the result. */
typedef enum lm_merge_strategy {
    LM_MERGE_STREAM = 0, /* read and written by this process */
    LM_MERGE_COPY = 1,   /* copied by the system (copy_file_range, which clones where it can) */
    LM_MERGE_CONCAT = 2, /* joined by the store, which consumes the parts; nothing is moved */
} lm_merge_strategy;

/* Bytes of the parts that are done with, and of all parts. */
typedef void lm_merge_progress(void *context, uint64_t done, uint64_t total);

/* All zero is the default of everything. What is pointed to must outlive the plan. */
typedef struct lm_merge_options {
    lm_merge_format format;
    lm_merge_order order;
    lm_merge_header header;
    const char *header_text; /* the header of parts that have none: "a,b,c". NULL: none is given */
    lm_merge_compression compression; /* of the result */
    bool level_set;
    int level;             /* of the compression */
    bool require_success;  /* a directory without _SUCCESS is refused */
    bool allow_unfinished; /* a directory with _temporary is not */
    bool trust_parts;      /* it is not looked whether parts end with a line's end, and compressed
                              ones are not decompressed to see that they are whole */
    bool count_rows;       /* tells the rows; the bytes have to be read for it */
    bool delete_sources;   /* the parts are consumed: after the commit, or by joining them */
    bool resume;           /* carries on an interrupted merge that was to delete its sources */
    bool rewrite;          /* Parquet: rows are encoded again, into row groups of full size */
    int64_t small_rows;    /* Parquet: so are, of the row groups that are carried over otherwise, */
    uint64_t small_bytes;  /* those that are small (lamella/parquet_merge.h) */
    const lm_parquet_options *parquet; /* of what is encoded again; NULL: the default ones */
    lm_parquet_merge_pairs pairs;      /* key-value metadata that differs */
    int threads;                       /* to compress with; 0: as many as there are processors */
    const lm_file_options
        *file; /* the publication. Its checksum NULL is "none" here, or sha256 with
                  a manifest: bytes are only summed, and so read, when asked to */
    lm_merge_progress *progress; /* may be NULL */
    void *context;
} lm_merge_options;

typedef enum lm_merge_line_end {
    LM_MERGE_LINE_NONE = 0, /* no line ends within the first bytes */
    LM_MERGE_LINE_LF = 1,
    LM_MERGE_LINE_CRLF = 2,
    LM_MERGE_LINE_CR = 3,
} lm_merge_line_end;

typedef struct lm_merge_part {
    const char *path;
    uint64_t bytes;
    int64_t mtime_ns;
    lm_merge_compression compression; /* never AUTO */
    lm_merge_line_end line_end;
    bool blank;     /* nothing in it: left out */
    bool bom;       /* it begins with a byte order mark */
    bool lacks_end; /* its last line does not end; not known of what is compressed */
    uint64_t cut;   /* bytes left out at its beginning: a repeated header or mark */
    lm_merge_strategy way;
} lm_merge_part;

typedef struct lm_merge_summary {
    lm_merge_format format;
    lm_merge_order order;
    lm_merge_strategy strategy; /* STREAM where any part is */
    lm_merge_compression compression;
    bool has_header;    /* the result's first line is one */
    bool bom;           /* the result begins with a byte order mark */
    const char *header; /* without its line's end, not ended by NUL; NULL: none */
    size_t header_bytes;
    uint64_t parts, blank_parts;
    uint64_t source_bytes; /* of all parts */
    uint64_t client_bytes; /* that will be read by this process */
    uint64_t line_ends;    /* that will be put in; not counting compressed parts */
    bool bytes_known;
    uint64_t bytes;   /* of the result, where they are known beforehand */
    const char *hint; /* what would save moving the bytes; NULL: nothing, or nothing to save */
    const char *const *notes; /* what a careful reader wants to know */
    size_t note_count;
    bool resumes; /* an interrupted merge is carried on */
} lm_merge_summary;

typedef struct lm_merge_plan lm_merge_plan;

/* `sources` are files, directories and patterns, all on one store. LM_CONFLICT where a job is not
 * finished, or an interrupted merge is in the way (`resume`); LM_SCHEMA and LM_DATA where the parts
 * do not fit together. */
LM_API LM_MUST_USE lm_status lm_merge_plan_open(const char *const *sources, size_t source_count,
                                                const char *destination,
                                                const lm_merge_options *options,
                                                lm_merge_plan **plan, lm_error *error);
/* Valid until the plan is closed. */
LM_API const lm_merge_summary *lm_merge_plan_summary(const lm_merge_plan *plan);
LM_API void lm_merge_plan_part(const lm_merge_plan *plan, uint64_t index, lm_merge_part *part);

typedef struct lm_merge_result {
    lm_file_result file;
    lm_merge_strategy strategy;
    uint64_t parts, blank_parts;
    uint64_t source_bytes, client_bytes;
    bool has_rows;
    uint64_t rows;
    uint64_t deleted; /* parts that are gone */
    uint64_t left;    /* parts that were to be deleted and changed after the merge: still there */
} lm_merge_result;

/* Once for each plan. result may be NULL; it is filled on failure too, as far as things are known.
 */
LM_API LM_MUST_USE lm_status lm_merge_run(lm_merge_plan *plan, lm_merge_result *result,
                                          lm_error *error);
/* Takes NULL. */
LM_API void lm_merge_plan_close(lm_merge_plan *plan);

/* In one call. */
LM_API LM_MUST_USE lm_status lm_merge(const char *const *sources, size_t source_count,
                                      const char *destination, const lm_merge_options *options,
                                      lm_merge_result *result, lm_error *error);

/* "csv", "part", "copy", "gzip", "crlf". */
LM_API const char *lm_merge_format_word(lm_merge_format format);
LM_API const char *lm_merge_order_word(lm_merge_order order);
LM_API const char *lm_merge_strategy_word(lm_merge_strategy strategy);
LM_API const char *lm_merge_compression_word(lm_merge_compression compression);
LM_API const char *lm_merge_line_end_word(lm_merge_line_end line_end);

#endif
