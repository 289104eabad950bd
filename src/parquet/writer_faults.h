/* Writers of other people that are known to have told untruths of their columns, by what they call
 * themselves in the footer's created_by. */
#ifndef LM_PARQUET_WRITER_FAULTS_H
#define LM_PARQUET_WRITER_FAULTS_H

#include "parquet/metadata.h"

/* Was what it said of columns of that physical type (lm_parquet_type) wrong: bounds, or with
 * `by_nulls` the number of nulls? */
bool lm__writer_misleads(lm_bytes created_by, int32_t physical, bool by_nulls);

/* Do other readers pass over bounds of such columns because of this name, or of there being none? A
 * file of another name with these bounds in it would be believed. */
bool lm__writer_is_doubted(lm_bytes created_by, int32_t physical);

#endif
