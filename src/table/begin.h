/*
 * The beginning of a table, between no log and its first entry.
 *
 * Before a table's first part has a name, a mark lies in the log's directory. Who reads the table's
 * directory then finds a log without entries and no dataset of parts that nobody has committed;
 * another writer knows that what lies there is a table's.
 *
 * Invariants
 *  1. No table is begun over files that somebody else put there: it would hide them, and vacuum
 *     remove them.
 *  2. A mark that stays behind says nothing of a table that has entries; vacuum removes it.
 */
#ifndef LM_TABLE_BEGIN_H
#define LM_TABLE_BEGIN_H

#include "table/log.h"

/* LM_CONFLICT over strange files. *marked: the mark is this caller's own. */
LM_MUST_USE lm_status lm__table_begin(const lm_table_log *log, bool *marked, lm_error *error);
/* The first entry is there, or what was begun is given up. */
void lm__table_begun(const lm_table_log *log);

#endif
