/*
 * What a table asks of its readers and writers: protocol versions, table features, properties
 * (PROTOCOL.md, "Table Features", "Requirements for Writers").
 *
 * A feature that is not supported is LM_UNSUPPORTED by its name, before anything is read or
 * written. One that is listed and not in use (check constraints, say, of a table without any) asks
 * nothing and is no reason to refuse.
 */
#ifndef LM_TABLE_FEATURES_H
#define LM_TABLE_FEATURES_H

#include "table/actions.h"

/* `where` is the table, for messages. */
LM_MUST_USE lm_status lm__table_readable(const lm_delta_protocol *protocol,
                                         const lm_delta_metadata *metadata, const char *where,
                                         lm_error *error);
LM_MUST_USE lm_status lm__table_writable(const lm_allocator *allocator,
                                         const lm_delta_protocol *protocol,
                                         const lm_delta_metadata *metadata, const char *where,
                                         lm_error *error);

/* 1 and 2, or 3 and 7 with the feature timestampNtz and those that 2 has of itself. */
lm_delta_protocol lm__table_protocol(bool timestamp_ntz);

/* Its checkpoints are to be of the V2 kind (PROTOCOL.md, "V2 Checkpoint Table Feature"). */
bool lm__table_wants_v2(const lm_delta_protocol *protocol, const lm_delta_metadata *metadata);

/* Properties of the table: the fallback when they are absent or not understood. */
bool lm__property_bool(const lm_delta_metadata *metadata, const char *key, bool fallback);
int64_t lm__property_int(const lm_delta_metadata *metadata, const char *key, int64_t fallback);
/* "interval 30 days" in milliseconds; weeks to microseconds, several of them one after another. */
int64_t lm__property_interval_ms(const lm_delta_metadata *metadata, const char *key,
                                 int64_t fallback);

#define LM_PROPERTY_APPEND_ONLY "delta.appendOnly"
#define LM_PROPERTY_CHECKPOINT_INTERVAL "delta.checkpointInterval"
#define LM_PROPERTY_LOG_RETENTION "delta.logRetentionDuration"
#define LM_PROPERTY_REMOVE_RETENTION "delta.deletedFileRetentionDuration"
#define LM_PROPERTY_LOG_CLEANUP "delta.enableExpiredLogCleanup"
#define LM_PROPERTY_ISOLATION "delta.isolationLevel"
#define LM_LOG_RETENTION_MS (30 * INT64_C(86400000))
#define LM_REMOVE_RETENTION_MS (7 * INT64_C(86400000))

#endif
