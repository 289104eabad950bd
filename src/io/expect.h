/*
 * Expectations: what must hold of the rows that are about to be published, or they are not
 * (docs/expectations.md). Counted while the rows pass, decided when all bytes are written and
 * before they are sealed.
 *
 * Invariants
 *  1. What can be told from the text and the schema alone is told before a row passes.
 *  2. What stands at the destination is looked at only where `previous` is asked for, and before
 *     the commit.
 */
#ifndef LM_IO_EXPECT_H
#define LM_IO_EXPECT_H

#include <lamella/storage.h>

#include "arrow/batch.h"

typedef struct lm_expect lm_expect;

/* Parses each text and binds it to the schema of the rows: LM_INVALID, LM_SCHEMA. *expect is NULL
 * where there are none. */
LM_MUST_USE lm_status lm__expect_new(const lm_allocator *allocator, const char *const *texts,
                                     size_t count, lm_schema *schema, lm_expect **expect,
                                     lm_error *error);
void lm__expect_free(lm_expect *expect); /* takes NULL */
/* The same rows, counted as they pass; `expect` must outlive them. Takes the stream. */
LM_MUST_USE lm_status lm__expect_stream_take(lm_expect *expect, lm_stream *inner,
                                             lm_stream **stream, lm_error *error);
/* LM_DATA, with all that do not hold and their numbers, where one does not. `path` is the
 * destination, `bytes` what will stand there. Takes NULL. */
LM_MUST_USE lm_status lm__expect_check(const lm_expect *expect, const char *path,
                                       const lm_storage *storage, uint64_t bytes, lm_error *error);

#endif
