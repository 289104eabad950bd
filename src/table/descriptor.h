/*
 * A table as its owner describes it: columns with types and rules, partitioning, order, schema
 * version. Read from JSON (docs/tables.md), never changed, counted.
 *
 * Where it stands: appends check what comes against a descriptor, and a table's first commit keeps
 * its text, so that later appends can tell how the table has evolved (evolve.h).
 *
 * Invariants
 *  1. A descriptor that was read is sound: names, types that Delta can hold, rules that fit their
 *     columns. What is wrong is told with the file and its line or the JSON path.
 *  2. `declared` has the columns as they are written; `stored` as the table holds them
 *     (delta_schema.h), in the same order, and behind them the partition columns that are computed
 *     and not declared.
 */
#ifndef LM_TABLE_DESCRIPTOR_H
#define LM_TABLE_DESCRIPTOR_H

#include <lamella/parquet.h>
#include <lamella/table.h>

#include "arrow/filter.h"
#include "base/json.h"

/* "1.4@2026-01-01" */
typedef struct lm_table_version {
    int64_t major, minor;
    const char *date, *text;
} lm_table_version;

typedef enum lm_partition_kind {
    LM_PARTITION_BUCKET, /* source // size, floored */
    LM_PARTITION_VALUE,  /* the column's own values */
    LM_PARTITION_YEAR,
    LM_PARTITION_MONTH,
    LM_PARTITION_DAY,
} lm_partition_kind;

typedef struct lm_partition {
    lm_partition_kind kind;
    const char *name; /* of the partition column */
    int32_t column;   /* the partition column, in `stored` */
    int32_t source;   /* what it is computed of; VALUE: itself */
} lm_partition;

typedef enum lm_row_rule_kind {
    LM_RULE_MIN,
    LM_RULE_MAX,
    LM_RULE_SET,
    LM_RULE_LIKE,
    LM_RULE_PATTERN,
    LM_RULE_CHECK, /* of the whole row */
} lm_row_rule_kind;

typedef struct lm_row_rule {
    lm_row_rule_kind kind;
    int32_t column;   /* -1: CHECK */
    const char *text; /* as messages show it: "min 0", "like 'a%'" */
    lm_expr *breaks;  /* true for the rows that break it; NULL: PATTERN */
    const char *pattern;
} lm_row_rule;

typedef struct lm_unique_key {
    const int32_t *columns;
    size_t count;
    const char *text; /* "a, b" */
} lm_unique_key;

typedef struct lm_table_sort {
    int32_t column;
    bool descending, nulls_first;
} lm_table_sort;

struct lm_table_descriptor {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_arena arena;
    const char *name, *description; /* description "" when there is none */
    lm_table_version version;
    lm_schema *declared, *stored;
    lm_partition *partitions;
    size_t partition_count;
    int64_t bucket_size; /* 0: not said */
    int32_t bucket;      /* among the partitions; -1: there is none */
    int32_t tick;        /* whose least and greatest values are told of each part; -1: none */
    lm_row_rule *rules;
    size_t rule_count;
    lm_unique_key *uniques;
    size_t unique_count;
    lm_table_sort *sorts;
    size_t sort_count;
    lm_parquet_options parquet; /* columns, and nothing else that points */
    bool parquet_codec;         /* the codec was said */
    const char *json;           /* the whole text, compact */
};

#define LM_TABLE_BUCKET "bucket"

/* Reading, in parts. */
typedef struct lm_descriptor_reader {
    lm_table_descriptor *descriptor;
    const char *file; /* for messages */
    const lm_json *root;
    lm_error *error;
} lm_descriptor_reader;

/* "<file>: <path>: …" with LM_SCHEMA. */
lm_status lm__descriptor_refuse(const lm_descriptor_reader *reader, const char *path,
                                const char *format, ...) LM_PRINTF(3, 4);
lm_status lm__descriptor_memory(const lm_descriptor_reader *reader);
/* Every key of the object is one of the words, which NULL ends. */
LM_MUST_USE lm_status lm__descriptor_keys(const lm_descriptor_reader *reader, const lm_json *object,
                                          const char *path, const char *const *words);
/* The text, number or truth of a member; the fallback where there is none, and refused where it is
 * something else. */
LM_MUST_USE lm_status lm__descriptor_text(const lm_descriptor_reader *reader, const lm_json *object,
                                          const char *path, const char *key, const char *fallback,
                                          const char **text);
LM_MUST_USE lm_status lm__descriptor_count(const lm_descriptor_reader *reader,
                                           const lm_json *object, const char *path, const char *key,
                                           int64_t fallback, int64_t *count);
LM_MUST_USE lm_status lm__descriptor_bool(const lm_descriptor_reader *reader, const lm_json *object,
                                          const char *path, const char *key, bool fallback,
                                          bool *truth);
/* The declared column of that name. */
LM_MUST_USE lm_status lm__descriptor_column(const lm_descriptor_reader *reader, const lm_json *name,
                                            const char *path, int32_t *column);

/* descriptor_columns.c: `declared`, and `stored` without the computed columns. */
LM_MUST_USE lm_status lm__descriptor_columns(lm_descriptor_reader *reader);
/* descriptor_rules.c */
LM_MUST_USE lm_status lm__descriptor_rules(lm_descriptor_reader *reader);
/* descriptor_layout.c: partitioning, order, Parquet. */
LM_MUST_USE lm_status lm__descriptor_partitions(lm_descriptor_reader *reader);
LM_MUST_USE lm_status lm__descriptor_sorts(lm_descriptor_reader *reader);
LM_MUST_USE lm_status lm__descriptor_parquet(lm_descriptor_reader *reader);

/* "1.4@2026-01-01" in the arena; false when it is no such text. */
bool lm__table_version_read(lm_arena *arena, const char *text, lm_table_version *version);
/* [a-z][a-z0-9_]*, at most LM_TABLE_NAME_BYTES_MAX long */
bool lm__table_name_is(const char *name);

#endif
