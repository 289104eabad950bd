/*
 * How tables evolve: which changes of a schema are minor, which are major (docs/tables.md).
 *
 * Added nullable columns and types that hold all values of the old ones are minor, and so are the
 * same within structs, lists and maps; all else is major. Order, descriptions, rules, sorting and
 * Parquet's options are no part of the schema.
 */
#ifndef LM_TABLE_EVOLVE_H
#define LM_TABLE_EVOLVE_H

#include "table/descriptor.h"

/* Does every value of the stored type `from` stand in `to` exactly? */
bool lm__delta_widens(const lm_field *from, const lm_field *to);
/* Of stored columns; `why` tells the first of the gravest. */
lm_table_evolution lm__columns_compare(const lm_field *from, const lm_field *to,
                                       char why[LM_ERROR_MESSAGE_MAX]);

#endif
