/*
 * Parts of Parquet: row groups carried over as bytes under one new footer, by parquet/merge. Here
 * stands what that cannot know: where the parts lie, which of them are blank, and that their bytes
 * may go past this process.
 */
#include "merge/parquet.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

struct lm_merge_parquet {
    const lm_merge_plan *plan;
    lm_parquet_merge *merge;
    lm_parquet_merge_sources sources;
    lm_parquet_merge_options options;
    lm_parquet_options write; /* of what is written anew */
    const lm_part **parts;    /* that are not blank */
    bool can_copy;
    lm_flow *flow; /* of the run */
};

static lm_status open_part(void *context, size_t index, lm_source **source, lm_error *error)
{
    const struct lm_merge_parquet *p = context;
    const lm_part *part = p->parts[index];
    return lm__merge_open_part(p->plan, part, source, error);
}

static lm_status copy_bytes(void *context, size_t index, lm_source *source, uint64_t offset,
                            uint64_t size, lm_sink *sink, lm_error *error)
{
    const struct lm_merge_parquet *p = context;
    (void)index;
    (void)sink; /* the publication's */
    return lm__flow_bytes(p->flow, source, offset, size, p->can_copy, error);
}

static lm_status note_row_groups(lm_merge_plan *plan, const lm_parquet_merge_summary *s,
                                 lm_error *error)
{
    const char *note = lm__arena_printf(
        &plan->arena,
        "%lld rows; %lld row groups of %llu bytes are carried over, %lld of %llu written anew",
        (long long)s->rows, (long long)s->row_groups_carried, (unsigned long long)s->bytes_carried,
        (long long)s->row_groups_rewritten, (unsigned long long)s->bytes_rewritten);
    if (!note) return lm__error_memory(error, "planning a merge");
    return lm__merge_note(plan, note, error);
}

lm_status lm__merge_parquet_plan(lm_merge_plan *plan, bool can_copy, lm_error *error)
{
    struct lm_merge_parquet *p = lm__arena_zero(&plan->arena, sizeof *p);
    if (!p) return lm__error_memory(error, "planning a merge");
    p->plan = plan;
    p->can_copy = can_copy;
    p->parts = lm__arena_array(&plan->arena, plan->count, sizeof(const lm_part *));
    if (!p->parts) return lm__error_memory(error, "planning a merge");
    for (size_t i = 0; i < plan->count; i++)
        if (lm__part_is_in(&plan->parts[i])) p->parts[p->sources.count++] = &plan->parts[i];
    if (p->sources.count == 0)
        return lm__error_set(error, LM_DATA, "all parts are blank: none has a schema");
    p->sources.open = open_part;
    p->sources.copy = copy_bytes;
    p->sources.context = p;
    p->write = plan->options.parquet ? *plan->options.parquet : lm_parquet_options_default();
    p->options = (lm_parquet_merge_options){.rewrite = plan->options.rewrite,
                                            .small_rows = plan->options.small_rows,
                                            .small_bytes = plan->options.small_bytes,
                                            .write = &p->write,
                                            .pairs = plan->options.pairs,
                                            .cancel = plan->file.cancel,
                                            .allocator = plan->allocator};
    LM_TRY(lm__merge_part_status(lm_parquet_merge_open(&p->sources, &p->options, &p->merge, error),
                                 error));
    plan->parquet = p;
    const lm_parquet_merge_summary *s = lm_parquet_merge_plan(p->merge);
    plan->summary.client_bytes = s->bytes_rewritten + (can_copy ? 0 : s->bytes_carried);
    plan->summary.strategy =
        can_copy && s->row_groups_rewritten == 0 ? LM_MERGE_COPY : LM_MERGE_STREAM;
    LM_TRY(note_row_groups(plan, s, error));
    if (s->files_widened > 0)
        LM_TRY(lm__merge_note(plan, "some parts lack columns that others have: they get nulls",
                              error));
    if (s->pairs_dropped > 0)
        LM_TRY(lm__merge_note(plan,
                              plan->options.pairs == LM_PARQUET_PAIRS_FIRST
                                  ? "key-value metadata that differs between the parts is that of "
                                    "the first which has it"
                                  : "key-value metadata that differs between the parts is left out",
                              error));
    return LM_OK;
}

lm_status lm__merge_parquet_run(lm_merge_plan *plan, lm_flow *flow, uint64_t *rows, lm_error *error)
{
    struct lm_merge_parquet *p = plan->parquet;
    lm_parquet_result result;
    p->flow = flow;
    lm_status status =
        lm_parquet_merge_run(p->merge, lm_file_sink(flow->publication), &result, error);
    if (status == LM_OK) {
        *rows = (uint64_t)result.rows;
        plan->summary.bytes_known = true;
        plan->summary.bytes = result.bytes;
    }
    return status;
}

void lm__merge_parquet_close(lm_merge_plan *plan)
{
    if (plan->parquet) lm_parquet_merge_close(plan->parquet->merge);
}
