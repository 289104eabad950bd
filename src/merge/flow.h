/*
 * The bytes of parts on their way into the result, part after part.
 *
 * Where it stands: run.c opens the publication, hands the parts in, and asks at the end what there
 * was.
 *
 * Invariants
 *  1. What went in and what came out is counted apart, in bytes and, if they are counted, in rows:
 *     the two are compared before the commit.
 *  2. Memory is that of two blocks and, for a compressed result, of the packer's.
 */
#ifndef LM_MERGE_FLOW_H
#define LM_MERGE_FLOW_H

#include "merge/pack.h"
#include "merge/plan.h"
#include "merge/rows.h"
#include "publish/file.h"

typedef struct lm_flow {
    const lm_merge_plan *plan;
    lm_file_publication *publication;
    lm_pack *pack; /* NULL: the result is plain */
    uint8_t *block, *text;
    bool has_sum;
    lm_checksum sum; /* of what was handed to the publication */
    uint64_t bytes;  /* likewise; and what the system copied */
    uint64_t client_bytes, done, total;
    lm_rows rows_out;
    uint64_t rows_in, rows_out_header; /* rows of parts; 1 where the result begins with a header */
    lm_rows rows_part;
} lm_flow;

/* Always followed by _deinit. */
LM_MUST_USE lm_status lm__flow_init(lm_flow *flow, const lm_merge_plan *plan,
                                    lm_file_publication *publication, lm_error *error);
void lm__flow_deinit(lm_flow *flow);
/* The prefix, before the parts. */
LM_MUST_USE lm_status lm__flow_begin(lm_flow *flow, lm_error *error);
LM_MUST_USE lm_status lm__flow_part(lm_flow *flow, const lm_part *part, lm_error *error);
/* Bytes of an open source as they are, past this process if they may and can. */
LM_MUST_USE lm_status lm__flow_bytes(lm_flow *flow, lm_source *source, uint64_t offset,
                                     uint64_t size, bool can_copy, lm_error *error);
LM_MUST_USE lm_status lm__flow_end(lm_flow *flow, lm_error *error);
/* Holds what was published against what came out of the parts. */
LM_MUST_USE lm_status lm__flow_check(const lm_flow *flow, const lm_sealed *sealed, lm_error *error);
void lm__flow_progress(lm_flow *flow, uint64_t bytes);

#endif
