/*
 * The key-value metadata of merged files, Arrow's schema among it; lamella/parquet_merge.h has the
 * rules.
 */
#ifndef LM_PARQUET_MERGE_PAIRS_H
#define LM_PARQUET_MERGE_PAIRS_H

#include <lamella/parquet_merge.h>

#include "parquet/merge_schema.h"

typedef struct lm_merge_pair {
    lm_bytes key, value;
    bool has_value, differs;
    size_t seen; /* the last file that had it, counted from 1 */
} lm_merge_pair;

typedef enum lm_merge_arrow {
    LM_MERGE_ARROW_ONE,     /* the same text in all, or in none */
    LM_MERGE_ARROW_COLUMNS, /* the same field of each column: lm_merge_node.arrow */
    LM_MERGE_ARROW_NONE,    /* they differ */
} lm_merge_arrow;

typedef struct lm_merge_metadata {
    const lm_allocator *allocator;
    lm_arena *arena;
    lm_parquet_merge_pairs mode;
    size_t files;
    lm_merge_pair *pairs;
    size_t count, capacity;
    const char *first_file;
    lm_merge_arrow arrow;
    lm_bytes arrow_text; /* the first file's */
    lm_buffer last_text; /* of the last file whose columns were looked at */
} lm_merge_metadata;

void lm__merge_metadata_init(lm_merge_metadata *metadata, const lm_allocator *allocator,
                             lm_arena *arena, lm_parquet_merge_pairs mode);
void lm__merge_metadata_deinit(lm_merge_metadata *metadata);
/* One more file, whose schema was joined already; the name stays. LM_SCHEMA where what differs is
 * refused. */
LM_MUST_USE lm_status lm__merge_metadata_add(lm_merge_metadata *metadata,
                                             const lm_merge_schema *schema,
                                             const lm_parquet_reader *reader, const char *name,
                                             lm_error *error);
/* What goes into the footer, in the arena, and how many keys do not. */
LM_MUST_USE lm_status lm__merge_metadata_list(lm_merge_metadata *metadata,
                                              const lm_merge_schema *schema,
                                              lm_footer_key_value_list *list, size_t *dropped,
                                              lm_error *error);

#endif
