/*
 * Operations on tables (docs/tables.md): each that changes a table is one entry of its log, and
 * leaves the table as it was or as it shall be.
 *
 *     LM_TRY(lm_expr_parse(NULL, "bucket < 10", 11, &where, error));
 *     LM_TRY(lm_table_delete("out/run-7/trades", where, NULL, &change, error));
 *
 * `path` is the table's directory (a path or URL), of whatever writer's making. Others may read and
 * write the table meanwhile: who reads a version reads it whole, and of two writers that cannot
 * both be right one looks again and decides anew.
 */
#ifndef LAMELLA_TABLE_OPS_H
#define LAMELLA_TABLE_OPS_H

#include <lamella/expr.h>
#include <lamella/table.h>

/* What all operations take; may be NULL. All zero is the default of everything. */
typedef struct lm_table_operation {
    const char *run_id; /* told in the log's entry; NULL: none */
    lm_durability durability;
    const char *checksum;    /* of new parts: "crc32c" or "sha256"; NULL: crc32c */
    size_t memory_bytes_max; /* 0: 256 MiB */
    int threads; /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: this thread alone */
    const lm_storage *storage;
    lm_cancel *cancel;
    const lm_allocator *allocator;
} lm_table_operation;

/* What became of the table. */
typedef struct lm_table_change {
    int64_t version; /* that has the change; -1: there was nothing to do */
    uint64_t parts_added, parts_removed, bytes_added, bytes_removed;
    uint64_t rows_removed;   /* of the parts removed, as the log has it */
    bool manifest_is_behind; /* manifest.json could not be written: it shows an older version */
} lm_table_change;

/* The rows of all partitions for which `where` is true (NULL: all rows) are the table's no longer.
 * LM_SCHEMA when `where` looks at other than partition columns: parts are not rewritten. */
LM_API LM_MUST_USE lm_status lm_table_delete(const char *path, const lm_expr *where,
                                             const lm_table_operation *how, lm_table_change *change,
                                             lm_error *error);

typedef struct lm_table_compaction {
    const lm_expr *where;  /* only these partitions; NULL: all */
    uint64_t target_bytes; /* of a part; 0: 128 MiB */
} lm_table_compaction;

/* Small parts of a partition become large ones: the rows are the same, and so is their order where
 * the table has a sort order. Two parts or more that are each below three quarters of the target
 * are put together; others stay. `what` may be NULL. */
LM_API LM_MUST_USE lm_status lm_table_compact(const char *path, const lm_table_compaction *what,
                                              const lm_table_operation *how,
                                              lm_table_change *change, lm_error *error);

typedef enum lm_vacuum_reason {
    LM_VACUUM_REMOVED = 0, /* the table had it, and has it no longer */
    LM_VACUUM_UNKNOWN = 1, /* the log never knew it: what a failed writer left */
} lm_vacuum_reason;

typedef struct lm_vacuum_file {
    const char *path; /* relative to the table */
    uint64_t bytes;
    int64_t mtime_ms;
    lm_vacuum_reason reason;
} lm_vacuum_file;

/* Any status but LM_OK ends the vacuum and is its result. */
typedef lm_status lm_vacuum_callback(void *context, const lm_vacuum_file *file, lm_error *error);

typedef struct lm_table_vacuuming {
    bool has_retention; /* else the table's delta.deletedFileRetentionDuration, or 7 days */
    int64_t retention_ms;
    bool force; /* needed for a retention that is shorter than the table's */
    bool dry_run;
    lm_vacuum_callback *callback; /* each file before it is removed; may be NULL */
    void *context;
} lm_table_vacuuming;

typedef struct lm_vacuum_result {
    uint64_t files, bytes; /* removed, or that would be */
    uint64_t kept;         /* unreferenced ones that are too young */
} lm_vacuum_result;

/* Removes Parquet files that no version within the retention has. What the log never knew may be a
 * living writer's: it goes only once it is older than LM_VACUUM_WRITER_MS too, with `force` as
 * well. Hidden files and directories, manifest.json and files of other kinds are never touched. */
#define LM_VACUUM_WRITER_MS (24 * INT64_C(3600000))
LM_API LM_MUST_USE lm_status lm_table_vacuum(const char *path, const lm_table_vacuuming *what,
                                             const lm_table_operation *how,
                                             lm_vacuum_result *result, lm_error *error);

/* A version, by its entry. Texts live for the call. */
typedef struct lm_table_entry {
    int64_t version;
    int64_t time_ms;                         /* when it was made; -1: not told */
    const char *operation, *run_id, *engine; /* "" where not told */
    const char *parameters;                  /* JSON, an object */
    uint64_t parts_added, parts_removed, bytes_added, bytes_removed;
    uint64_t rows_added;
    bool knows_rows_added; /* every part's were told */
    bool changes_data;     /* else parts were only rearranged */
} lm_table_entry;

typedef lm_status lm_table_history_callback(void *context, const lm_table_entry *version,
                                            lm_error *error);

/* The versions whose entries are kept, newest first, at most `limit` (0: all). */
LM_API LM_MUST_USE lm_status lm_table_history(const char *path, uint64_t limit,
                                              const lm_table_operation *how,
                                              lm_table_history_callback *callback, void *context,
                                              lm_error *error);

/* Something that is not as the log tells. */
typedef struct lm_table_problem {
    const char *part;    /* its path below the table; NULL: the table's own */
    const char *kind;    /* "missing", "size", "checksum", "contents", "rows", "deletions",
                            "statistics",    "schema", "partition", "manifest" */
    const char *message; /* a clause */
} lm_table_problem;

/* Any status but LM_OK ends the verification and is its result. */
typedef lm_status lm_table_problem_callback(void *context, const lm_table_problem *problem,
                                            lm_error *error);

typedef struct lm_table_verifying {
    bool without_reading;                /* existence and sizes only */
    lm_table_problem_callback *callback; /* may be NULL */
    void *context;
} lm_table_verifying;

typedef struct lm_table_verified {
    int64_t version;
    uint64_t parts, rows, bytes; /* live ones; rows as they were read */
    uint64_t problems;
    int64_t manifest_version;                  /* that manifest.json shows; -1: there is none */
    uint64_t unreferenced, unreferenced_bytes; /* Parquet files that the version has not: of older
                                                  ones, or of writers that are at work or died */
} lm_table_verified;

/* Holds every live part against the log: that it is there, its size and checksum, all that a
 * Parquet file tells of itself (lm_parquet_verify), rows, bounds and nulls of the statistics,
 * partition values; and manifest.json against the log at the version that it shows. With problems
 * LM_CORRUPT, LM_NOT_FOUND where parts are missing and nothing worse is wrong, LM_STALE where only
 * the manifest is; the message is the first one's. `result` is filled then too. */
LM_API LM_MUST_USE lm_status lm_table_verify(const char *path, const lm_table_verifying *what,
                                             const lm_table_operation *how,
                                             lm_table_verified *result, lm_error *error);

typedef struct lm_table_repaired {
    int64_t version;
    bool manifest;      /* was made anew: it was missing, damaged, or of another version */
    bool checkpoint;    /* was made, or the hint that leads to it */
    uint64_t leftovers; /* files of dead writers that were removed */
} lm_table_repaired;

/* What can be made from the log is made anew: manifest.json, a checkpoint with `_last_checkpoint`;
 * what dead writers staged is removed. The log and the parts stay as they are. */
LM_API LM_MUST_USE lm_status lm_table_repair(const char *path, const lm_table_operation *how,
                                             lm_table_repaired *result, lm_error *error);

/* Of a path: has it a Delta log? */
LM_API LM_MUST_USE lm_status lm_table_is(const char *path, const lm_table_operation *how,
                                         bool *is_table, lm_error *error);

#endif
