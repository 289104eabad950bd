/*
 * Many Parquet files into one. Row groups are carried over as bytes, whatever their encodings and
 * codecs are, under one new footer; or they are decoded and written anew, in larger row groups.
 *
 *     LM_TRY(lm_parquet_merge_open(&sources, &options, &merge, error));   // looks at every footer
 *     … lm_parquet_merge_plan(merge)->bytes_carried …                     // what it will do
 *     status = lm_parquet_merge_run(merge, sink, &result, error);         // does it
 *     lm_parquet_merge_close(merge);
 *
 * Sources are opened one after another, several times, never two at once. Memory holds the footer
 * of one of them, not of all: the new footer is put together piece by piece.
 *
 * What becomes of what the files say
 *  - Schemas are joined by the names of columns. One that some files lack must be OPTIONAL (or
 *    REPEATED) and gets chunks of nulls there, and where it is of the null type (UNKNOWN). New
 *    columns come after those that are known. The names of what is inside lists and maps are the
 *    first file's. REQUIRED against OPTIONAL, other physical or logical types, other field ids:
 *    refused.
 *  - Chunks keep statistics, sizes, encodings, their key-value metadata, sorting columns, page
 *    indexes and bloom filters; every offset is moved. Row groups without rows are left out.
 *  - Fields that are not known to us are left out: they may tell of places in the old file. Logical
 *    types and column orders that are not known are kept.
 *  - created_by: kept where all agree. Else it is ours, and files are refused for whose sake
 *    readers mistrust bounds by the writer's name (or its absence), where they have such bounds.
 *  - The order of a column's bounds is that of the files that have such bounds; they must agree.
 *  - ARROW:schema: kept where all agree; else put together of what the files say of each column,
 *    where they agree on each; else left out, and types are those of the Parquet schema.
 *  - Other key-value metadata: kept where all agree; what differs, or is missing in some, goes by
 *    `pairs`.
 */
#ifndef LAMELLA_PARQUET_MERGE_H
#define LAMELLA_PARQUET_MERGE_H

#include <lamella/parquet.h>
#include <lamella/source.h>

/* The files, in the order that their rows shall have. */
typedef struct lm_parquet_merge_sources {
    size_t count;
    /* Opens one; its name stands in messages. It is closed before the next is opened. */
    lm_status (*open)(void *context, size_t index, lm_source **source, lm_error *error);
    /* Puts bytes of the open source `index` into the sink, all of them or fails. NULL: through
     * memory. */
    lm_status (*copy)(void *context, size_t index, lm_source *source, uint64_t offset,
                      uint64_t size, lm_sink *sink, lm_error *error);
    void *context;
} lm_parquet_merge_sources;

/* Key-value metadata that is not the same in all files. */
typedef enum lm_parquet_merge_pairs {
    LM_PARQUET_PAIRS_DROP = 0,
    LM_PARQUET_PAIRS_FIRST = 1, /* of each key the first value */
    LM_PARQUET_PAIRS_REFUSE = 2,
} lm_parquet_merge_pairs;

/* All zero carries everything over. */
typedef struct lm_parquet_merge_options {
    bool rewrite; /* decode everything and write it anew: types may differ where a third one holds
                     the values of both; LM_UNSUPPORTED where there is one that our writer has not
                     (variants, geometries), and ENUM becomes text */
    /* Row groups of fewer rows, and with bytes set of fewer bytes in the file too, are written
     * anew, together with their neighbours of that kind; 0: none. */
    int64_t small_rows;
    uint64_t small_bytes;
    const lm_parquet_options *write; /* of what is written anew; NULL: the default ones */
    lm_parquet_merge_pairs pairs;
    uint32_t alignment; /* what is carried over keeps its place modulo this, so that a file system
                           can share blocks; 0: no padding. At most 64 KiB */
    const lm_cancel *cancel;
    const lm_allocator *allocator;
} lm_parquet_merge_options;

/* What there is to do. Bytes are of column chunks as they lie in the files. */
typedef struct lm_parquet_merge_summary {
    size_t files;
    int64_t rows;
    int64_t row_groups_carried, row_groups_rewritten; /* of the files; those without rows aside */
    uint64_t bytes_carried, bytes_rewritten;
    size_t columns;       /* leaves of the joined schema */
    size_t files_widened; /* that lack some of them */
    size_t pairs_dropped; /* keys of metadata that are not kept, or not from all files */
    bool created_by_kept, arrow_schema_kept;
} lm_parquet_merge_summary;

typedef struct lm_parquet_merge lm_parquet_merge;

/* Looks at the footers of all files, and refuses what cannot be merged: LM_SCHEMA where schemas
 * differ, LM_UNSUPPORTED for encrypted files and those whose statistics cannot be kept, with file,
 * column and remedy. Options and sources must stay until the end. */
LM_API LM_MUST_USE lm_status lm_parquet_merge_open(const lm_parquet_merge_sources *sources,
                                                   const lm_parquet_merge_options *options,
                                                   lm_parquet_merge **merge, lm_error *error);
LM_API const lm_parquet_merge_summary *lm_parquet_merge_plan(const lm_parquet_merge *merge);
/* Writes the file, once; the sink is the caller's to finish or abort. LM_CONFLICT when a source is
 * no longer what it was. `result` may be NULL. */
LM_API LM_MUST_USE lm_status lm_parquet_merge_run(lm_parquet_merge *merge, lm_sink *sink,
                                                  lm_parquet_result *result, lm_error *error);
LM_API void lm_parquet_merge_close(lm_parquet_merge *merge); /* takes NULL */

#endif
