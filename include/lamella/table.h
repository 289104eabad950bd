/*
 * Tables: an append-only home for rows that a descriptor describes (docs/tables.md).
 *
 *     LM_TRY(lm_registry_read(NULL, "tables", &registry, error));      // one JSON file a table
 *     lm_table_options options = {.root = "out", .registry = registry, .tick_bucket_size = 1000};
 *     LM_TRY(lm_table_append_take(&options, "trades", "run-7", &stream, &summary, error));
 *     lm_table_summary_free(summary);
 *
 * A table is the directory root/run_id/table: Parquet files, and a Delta log that says which of
 * them are the table. All parts of an append appear together, by one entry of the log; an append
 * that fails leaves the table as it was. Any number of processes may append at once.
 */
#ifndef LAMELLA_TABLE_H
#define LAMELLA_TABLE_H

#include <lamella/arrow.h>
#include <lamella/base.h>
#include <lamella/commit.h>
#include <lamella/expr.h>
#include <lamella/parquet.h>
#include <lamella/storage.h>

/* What a table is: never changes once read; counted, so that it may be shared between threads. */
typedef struct lm_table_descriptor lm_table_descriptor;

/* From JSON (docs/tables.md). LM_SCHEMA, with the line or the JSON path, for what is wrong in it;
 * `file` is its name in messages (NULL: "descriptor"). */
LM_API LM_MUST_USE lm_status lm_table_descriptor_parse(const lm_allocator *allocator,
                                                       const char *text, size_t size,
                                                       const char *file,
                                                       lm_table_descriptor **descriptor,
                                                       lm_error *error);
LM_API lm_table_descriptor *lm_table_descriptor_ref(lm_table_descriptor *descriptor);
/* Gives one reference back; takes NULL. */
LM_API void lm_table_descriptor_free(lm_table_descriptor *descriptor);
LM_API const char *lm_table_descriptor_name(const lm_table_descriptor *descriptor);
/* "1.4@2026-01-01" */
LM_API const char *lm_table_descriptor_version(const lm_table_descriptor *descriptor);
/* The columns as they are declared, and as the table stores them, computed partition columns among
 * them; both belong to the descriptor. */
LM_API lm_schema *lm_table_descriptor_schema(const lm_table_descriptor *descriptor);
LM_API lm_schema *lm_table_descriptor_stored(const lm_table_descriptor *descriptor);
/* The whole as compact JSON. */
LM_API const char *lm_table_descriptor_json(const lm_table_descriptor *descriptor);

typedef enum lm_table_evolution {
    LM_TABLE_SAME = 0,  /* the same columns and partitions */
    LM_TABLE_MINOR = 1, /* nullable columns were added, or types widened */
    LM_TABLE_MAJOR = 2, /* anything else */
} lm_table_evolution;

/* How `to` differs from `from`, which came before it; `why` tells the first difference of the
 * gravest kind, "" where they are the same. */
LM_API lm_table_evolution lm_table_descriptor_compare(const lm_table_descriptor *from,
                                                      const lm_table_descriptor *to,
                                                      char why[LM_ERROR_MESSAGE_MAX]);

/* Descriptors by name. Filled first, then only read, by any number of threads. */
typedef struct lm_registry lm_registry;

LM_API LM_MUST_USE lm_status lm_registry_new(const lm_allocator *allocator, lm_registry **registry,
                                             lm_error *error);
/* Keeps a reference. LM_EXISTS for a second one of its name. */
LM_API LM_MUST_USE lm_status lm_registry_add(lm_registry *registry, lm_table_descriptor *descriptor,
                                             lm_error *error);
/* All files NAME.json of a directory; a descriptor's name is its file's. `storage` may be NULL. */
LM_API LM_MUST_USE lm_status lm_registry_read(const lm_allocator *allocator,
                                              const lm_storage *storage, const char *path,
                                              lm_registry **registry, lm_error *error);
LM_API size_t lm_registry_count(const lm_registry *registry);
/* By their names' order; and by name, NULL for none. They belong to the registry. */
LM_API lm_table_descriptor *lm_registry_at(const lm_registry *registry, size_t i);
LM_API lm_table_descriptor *lm_registry_find(const lm_registry *registry, const char *name);
LM_API void lm_registry_free(lm_registry *registry); /* takes NULL */

typedef enum lm_table_check {
    LM_TABLE_STRICT = 0, /* columns have the types of the descriptor; order does not matter */
    LM_TABLE_SAFE = 1,   /* values are converted, and refused where something would be lost */
} lm_table_check;

/* All zero but `root` is the default of everything. */
typedef struct lm_table_options {
    const char *root;            /* path or URL of a directory */
    const lm_registry *registry; /* NULL: a table that is there has its descriptor with it */
    int64_t tick_bucket_size;    /* 0: the descriptor's, or that of the table that is there */
    bool has_batch;
    int64_t batch;  /* run_id and batch together are appended once: a second time gives the summary
                       of the first. Numbers of one run rise, */
    bool any_order; /* or come in any order, from many writers: then the log keeps each number by
                       itself. One way or the other for all of a run */
    lm_table_check check;
    /* An overwrite: the table's parts, or those of the partitions for which `replace_where` is
     * true, are replaced by the rows, in one step. Rows of other partitions are refused then. */
    bool replace;
    const lm_expr *replace_where;
    bool drop_extra;             /* columns that the table has not are left out, not refused */
    bool validate_rows;          /* the descriptor's row rules hold, or nothing is appended */
    lm_durability durability;    /* of the parts; below full, a power cut may leave an entry whose
                                    parts are gone */
    const char *checksum;        /* of the parts: "crc32c" or "sha256"; NULL: crc32c */
    const char *metadata_prefix; /* of the keys in the parts' metadata; NULL: "crv_" */
    const lm_parquet_options *parquet; /* NULL: the standard ones. What the descriptor says of
                                          columns stands over them */
    size_t memory_bytes_max;           /* of rows that wait to be written; 0: 256 MiB */
    uint32_t open_parts_max;           /* 0: 64 */
    uint64_t part_bytes_max;           /* a part past this is closed and another begun; 0: 1 GiB */
    int threads; /* 0: LAMELLA_THREADS, else the CPUs of this process; 1: this thread alone */
    const lm_storage *storage;
    lm_cancel *cancel;
    const lm_allocator *allocator;
} lm_table_options;

typedef struct lm_table_part {
    bool has_bucket;
    int64_t bucket_id;
    const char *path;      /* joined to the root */
    const char *partition; /* "bucket=42/venue=oslo"; "" without partitions */
    const char *checksum;  /* "crc32c:…"; "" when it is not known */
    uint64_t rows, bytes;
    bool has_ticks; /* of the bucket's source column, or of a column `tick` */
    int64_t tick_min, tick_max;
} lm_table_part;

/* Parts by bucket, then by partition. */
typedef struct lm_table_summary {
    const char *table, *run_id;
    const lm_table_part *parts;
    size_t part_count;
    uint64_t rows;
    const int64_t *buckets; /* that were touched, rising */
    size_t bucket_count;
    uint64_t parts_removed; /* by an overwrite */
    int64_t version; /* of the table, that has the append; -1 when there was nothing to append */
    bool repeated;   /* run_id and batch had been appended before */
    bool manifest_is_behind; /* manifest.json could not be written: it shows an older version */
} lm_table_summary;

/* Takes the stream, also on failure. An empty stream is nothing to do: an empty summary. `summary`
 * may be NULL, else it is freed by the caller (and is NULL after a failure). LM_SCHEMA where the
 * columns do not fit, LM_DATA where a value does not. */
LM_API LM_MUST_USE lm_status lm_table_append_take(const lm_table_options *options,
                                                  const char *table, const char *run_id,
                                                  struct ArrowArrayStream *take_stream,
                                                  lm_table_summary **summary, lm_error *error);
/* The descriptor by which an append would go: the registry's, or that of the table that is there.
 * The caller gives it back. */
LM_API LM_MUST_USE lm_status lm_table_describe(const lm_table_options *options, const char *table,
                                               const char *run_id, lm_table_descriptor **descriptor,
                                               lm_error *error);
LM_API void lm_table_summary_free(lm_table_summary *summary); /* takes NULL */

/* manifest.json, the live parts of a table by bucket: a view of the log, which says the version
 * that it shows (docs/tables.md). */
typedef struct lm_table_manifest lm_table_manifest;

/* That of the table at `path` (root/run_id/table), as of the log's last version: the file, when it
 * shows that, else made anew, and written where that is allowed. Of the options storage, threads,
 * cancel and allocator count; they may be NULL. LM_NOT_FOUND when there is no table. */
LM_API LM_MUST_USE lm_status lm_table_manifest_load(const char *path,
                                                    const lm_table_options *options,
                                                    lm_table_manifest **manifest, lm_error *error);
/* The JSON, which a NUL ends; `size` may be NULL. */
LM_API const char *lm_table_manifest_text(const lm_table_manifest *manifest, size_t *size);
LM_API int64_t lm_table_manifest_version(const lm_table_manifest *manifest);
/* The file showed another version, or was missing or damaged. */
LM_API bool lm_table_manifest_was_behind(const lm_table_manifest *manifest);
LM_API void lm_table_manifest_free(lm_table_manifest *manifest); /* takes NULL */

#endif
