/*
 * What differs between two tables, of any formats that can be read: columns by name, then rows, in
 * their order or by keys.
 */
#ifndef LAMELLA_DIFF_H
#define LAMELLA_DIFF_H

#include <lamella/scan.h>
#include <lamella/storage.h>

typedef enum lm_diff_kind {
    LM_DIFF_COLUMN_ADDED,    /* b has it, a not */
    LM_DIFF_COLUMN_REMOVED,  /* a has it, b not */
    LM_DIFF_COLUMN_TYPE,     /* two types */
    LM_DIFF_COLUMN_NULLABLE, /* nulls are allowed in one of them */
    LM_DIFF_COLUMN_MOVED,    /* the columns of both stand in another order; told once */
    LM_DIFF_ROW_ADDED,
    LM_DIFF_ROW_REMOVED,
    LM_DIFF_ROW_CHANGED,
} lm_diff_kind;

/* "column_added", "row_changed" and so on. */
LM_API const char *lm_diff_kind_word(lm_diff_kind kind);

/* A column: its types as text (docs/schema-text.md), or its values as JSON (docs/jsonl.md). NULL
 * where there is none. */
typedef struct lm_diff_change {
    const char *column;
    const char *a, *b;
} lm_diff_change;

typedef struct lm_difference {
    lm_diff_kind kind;
    const lm_diff_change *changes; /* of columns one; of a changed row those that differ */
    size_t change_count;
    int64_t row_a, row_b; /* from 0; -1: no such row */
    const char *key;      /* the key as a JSON object; NULL without keys */
    const char *row;      /* added and removed ones as a JSON object */
} lm_difference;

/* Another status than LM_OK ends the comparison and is its result. */
typedef lm_status (*lm_diff_callback)(void *context, const lm_difference *difference,
                                      lm_error *error);

/* Of a Delta table: as it was at a version, or at a time; all zero: as it is. */
typedef struct lm_diff_at {
    bool has_version, has_time; /* one of them, or none */
    int64_t version, time_ms;
} lm_diff_at;

/* All zero compares all rows in their order. */
typedef struct lm_diff_options {
    lm_diff_at at_a, at_b; /* so that a table can be compared with what it was */
    /* Names of columns that tell which rows belong together, whatever their order; both tables must
     * have them, and no two rows of one may have the same (LM_DATA). `a` is held in memory then. */
    const char *const *keys;
    size_t key_count;
    bool schema_only;
    bool first_only;           /* stops at the first difference */
    uint64_t rows_told_max;    /* differences of rows that are told; all are counted. 0: none */
    lm_diff_callback callback; /* may be NULL */
    void *context;
    int threads; /* as in lm_scan_options */
    lm_cancel *cancel;
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_diff_options;

typedef struct lm_diff_result {
    bool equal;
    uint64_t columns; /* differences of columns */
    uint64_t rows_added, rows_removed, rows_changed;
    uint64_t rows_a, rows_b; /* that were read */
} lm_diff_result;

/* LM_OK whether they differ or not: `result` says it. Columns whose types differ are compared by
 * the text of their values. NaN equals NaN, and -0.0 is another value than 0.0. */
LM_API LM_MUST_USE lm_status lm_diff(const char *a, const char *b, const lm_diff_options *options,
                                     lm_diff_result *result, lm_error *error);

#endif
