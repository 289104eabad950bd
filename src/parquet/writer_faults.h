/* Writers of other people that are known to have told untruths of their columns, or to have written
 * them oddly, by what they call themselves in the footer's created_by. */
#ifndef LM_PARQUET_WRITER_FAULTS_H
#define LM_PARQUET_WRITER_FAULTS_H

#include "parquet/read_schema.h"

/* What has to be known of the writer to read its pages at all. */
typedef struct lm_writer_oddities {
    bool short_chunks;   /* the dictionary page's header is not in the chunk's size (PARQUET-816) */
    bool prefixes_go_on; /* DELTA_BYTE_ARRAY: from one page to the next (PARQUET-246) */
} lm_writer_oddities;
lm_writer_oddities lm__writer_oddities(lm_bytes created_by);

/* Was what it said of columns like that wrong: bounds, or with `by_nulls` the number of nulls? */
bool lm__writer_misleads(lm_bytes created_by, const lm_read_node *leaf, bool by_nulls);

/* May there be fewer nulls in a row group than it told? */
bool lm__writer_overcounts_nulls(lm_bytes created_by);

/* Do other readers pass over bounds of such columns because of this name, or of there being none? A
 * file of another name with these bounds in it would be believed. */
bool lm__writer_is_doubted(lm_bytes created_by, const lm_read_node *leaf);

#endif
