/*
 * manifest.json in a table's directory: the live parts by bucket, for whoever reads no Delta log.
 *
 * It is a view of the log and says which version it shows; the truth is the log. It is replaced in
 * one step after a commit, but never synced: after a power cut an old one, or none, or a damaged
 * one may be there, and whoever loads it by lm_table_manifest_load gets what the log says all the
 * same.
 *
 * Invariants
 *  1. Among Lamella's writers on one host it never goes back to an older version: it is replaced
 *     under the table's lock, after a look at what stands there.
 *  2. What writing it costs an append is bounded, however many parts the table has: the manifest of
 *     a table of n parts is written anew only when it is n / LM_TABLE_MANIFEST_PARTS versions
 *     behind. Loading it brings it up to date.
 */
#ifndef LM_TABLE_MANIFEST_H
#define LM_TABLE_MANIFEST_H

#include "table/part_facts.h"

#define LM_TABLE_MANIFEST_NAME "manifest.json"

/* The text for a snapshot with its parts. `table` is the table's directory. */
LM_MUST_USE lm_status lm__manifest_text(const lm_snapshot *snapshot, const char *table,
                                        lm_buffer *out, lm_error *error);
/* A part as the manifest has it. */
typedef struct lm_manifest_part {
    lm_part_facts facts;
    int64_t bytes, mtime_ms;
} lm_manifest_part;

/* Whoever made entry `version` of nothing but these parts brings the manifest up to it, if that is
 * due: by itself where it shows the version before, else by the log. */
LM_MUST_USE lm_status lm__manifest_extend(lm_table_log *log, int64_t version,
                                          const lm_manifest_part *parts, size_t count,
                                          lm_error *error);
/* Whoever made entry `version` of the log brings the manifest up to it, if that is due. */
LM_MUST_USE lm_status lm__manifest_update(lm_table_log *log, int64_t version, lm_error *error);
/* Whatever stands there, the newest version's text shall; *changed tells whether another one was
 * there, or none. */
LM_MUST_USE lm_status lm__manifest_repair(lm_table_log *log, bool *changed, lm_error *error);
/* What stands there, whole, of the log's allocator; NULL: nothing. */
LM_MUST_USE lm_status lm__manifest_read(lm_table_log *log, char **text, lm_error *error);

#endif
