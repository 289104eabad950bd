/* Writers of other people that are known to have told untruths of their columns, by what they call
 * themselves in the footer's created_by. */
#ifndef LM_PARQUET_WRITER_FAULTS_H
#define LM_PARQUET_WRITER_FAULTS_H

#include "parquet/read_schema.h"

/* Was what it said of columns like that wrong: bounds, or with `by_nulls` the number of nulls? */
bool lm__writer_misleads(lm_bytes created_by, const lm_read_node *leaf, bool by_nulls);

/* May there be fewer nulls in a row group than it told? */
bool lm__writer_overcounts_nulls(lm_bytes created_by);

/* Do other readers pass over bounds of such columns because of this name, or of there being none? A
 * file of another name with these bounds in it would be believed. */
bool lm__writer_is_doubted(lm_bytes created_by, const lm_read_node *leaf);

#endif
