/*
 * Whether a table's file is sound in itself, whatever its manifest says: all of it is read, and
 * what it tells of its contents is held against them (lamella/parquet_verify.h has the list for
 * Parquet; Arrow IPC is read to its end).
 */
#ifndef LAMELLA_CONTENTS_H
#define LAMELLA_CONTENTS_H

#include <lamella/parquet_verify.h>
#include <lamella/scan.h>
#include <lamella/storage.h>

typedef struct lm_contents_options {
    lm_parquet_problem_callback callback; /* may be NULL */
    void *context;
    size_t page_bytes_max;     /* as for a scan */
    lm_cancel *cancel;         /* may be NULL */
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_contents_options;

typedef struct lm_contents {
    lm_format format; /* LM_FORMAT_AUTO: no table, and nothing was looked at */
    uint64_t rows;
    uint64_t pages, values, problems, damage, unread; /* Parquet only; see lm_parquet_verified */
} lm_contents;

/* LM_OK also for what is no table. LM_CORRUPT with the first problem as the message, LM_UNSUPPORTED
 * where a part of it cannot be read; `out` is filled then too. */
LM_API LM_MUST_USE lm_status lm_verify_contents(const char *path,
                                                const lm_contents_options *options,
                                                lm_contents *out, lm_error *error);

#endif
