/*
 * A dataset, many files that are one table, as a reader of a scan.
 *
 *     discover.c → format → partition.c → pruning → schemas, unify.c → a stream of parts (parts.c)
 *
 * Invariants
 *  1. Files are opened to learn their schemas when the dataset is opened, and closed again; to be
 *     read they are opened one after another, as they come.
 *  2. What the filter says of partition columns alone is settled before any file is opened; files
 *     that it rules out are never opened, unless none is left to tell a schema.
 *  3. A partition column stands for the column of that name in the files.
 *  4. Errors name the file.
 */
#ifndef LM_IO_DATASET_H
#define LM_IO_DATASET_H

#include "io/reader.h"
#include "table/actions.h"

typedef struct lm_dataset lm_dataset;

typedef struct lm_part {
    const char *path;
    uint64_t size;
    int64_t rows;      /* that count; -1: not known */
    int64_t place;     /* its row in the partition table */
    lm_schema *schema; /* for formats without types: what its columns are read as, or NULL. A
                          reference of the dataset's */
    const lm_delta_vector *vector; /* of a table's part, the rows that do not count; or NULL */
} lm_part;

struct lm_dataset {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_arena arena;
    lm_store *store;
    const lm_format_row *row;
    const char *root; /* of a table, where deletion vectors are looked for */
    lm_part *parts;
    size_t count;
    lm_batch *partitions; /* a row for each file that was found; NULL without partition columns */
    bool settled;         /* pruning has done all that the filter asks for */
    lm_schema *schema;    /* of the whole */
    lm_schema *loose;     /* the same, but every partition column may be null */
    lm_schema **kept;     /* what the parts refer to */
    size_t kept_count;
};

lm_dataset *lm__dataset_ref(lm_dataset *dataset);
void lm__dataset_unref(lm_dataset *dataset); /* takes NULL */

/* The partition column of that name, or -1. */
int32_t lm__dataset_partition(const lm_dataset *dataset, const char *name, size_t name_size);

/* Opens the files below the directory, or those that fit the pattern. Takes the store. */
LM_MUST_USE lm_status lm__dataset_open_take(const lm_allocator *allocator, lm_store *take_store,
                                            const char *path, bool is_pattern, lm_format format,
                                            const lm_read_request *request,
                                            const lm_format_row **row, lm_reader **reader,
                                            lm_error *error);

/* What opening is made of, for tables too (table_reader.h). One without anything but its store,
 * which is taken. */
LM_MUST_USE lm_status lm__dataset_new_take(const lm_allocator *allocator, lm_store *take_store,
                                           lm_dataset **dataset, lm_error *error);
/* The parts for which what the filter says of partition columns is true stay. */
LM_MUST_USE lm_status lm__dataset_prune(lm_dataset *dataset, const lm_read_request *request,
                                        lm_error *error);
/* Of a dataset that has its row, parts, partitions and schema; which is taken. */
LM_MUST_USE lm_status lm__dataset_reader_take(lm_dataset *take_dataset, bool fits,
                                              const lm_format_row **row, lm_reader **reader,
                                              lm_error *error);

/* parts.c: the rows of all parts, in their order; the request's columns and filter are done. */
LM_MUST_USE lm_status lm__parts_stream(lm_dataset *dataset, const lm_read_request *request,
                                       lm_stream **stream, lm_error *error);
/* Passes over parts whose rows are known to be among the first *offset, which gets less. Only
 * before the first batch, and of a stream without a filter. */
void lm__parts_skip(lm_stream *stream, uint64_t *offset);

#endif
