/*
 * A plan is carried out: publication opened, parts handed in, checked, committed; and then what was
 * to be deleted goes.
 *
 * On failure before the commit the destination is as it was, and so are the parts, but where the
 * store had begun to join them: then the journal stays, and the message says so.
 */
#include <string.h>

#include "base/error.h"
#include "merge/consume.h"
#include "merge/flow.h"
#include "merge/parquet.h"

typedef struct run_state {
    lm_merge_plan *plan;
    lm_flow flow;
    lm_journal *journal; /* of the parts that go after the commit */
} run_state;

/* Between seal and commit. */
static lm_status before_commit(void *context, lm_store *store, const lm_sealed *sealed,
                               lm_error *error)
{
    run_state *run = context;
    (void)store;
    if (!run->plan->parquet) LM_TRY(lm__flow_check(&run->flow, sealed, error));
    LM_TRY(lm__merge_unchanged(run->plan, error));
    if (!run->plan->options.delete_sources) return LM_OK;
    return lm__merge_remember(run->plan, sealed, &run->journal, error);
}

static lm_status hand_in(run_state *run, uint64_t *rows, lm_error *error)
{
    lm_merge_plan *plan = run->plan;
    if (plan->parquet) return lm__merge_parquet_run(plan, &run->flow, rows, error);
    LM_TRY(lm__flow_begin(&run->flow, error));
    for (size_t i = plan->first; i < plan->count; i++) {
        if (lm__part_is_in(&plan->parts[i]))
            LM_TRY(lm__flow_part(&run->flow, &plan->parts[i], error));
        else
            lm__flow_progress(&run->flow, plan->parts[i].size);
    }
    *rows = run->flow.rows_in;
    return lm__flow_end(&run->flow, error);
}

static lm_status merge_parts(lm_merge_plan *plan, lm_merge_result *result, lm_error *error)
{
    run_state run = {.plan = plan};
    lm_manifest manifest;
    const lm_file_hooks hooks = {before_commit, &run};
    lm_file_options file = plan->file;
    lm_file_publication *publication;
    file.size_expected = plan->summary.bytes_known ? plan->summary.bytes : 0;
    if (file.manifest) { /* the rows are known before the sidecar is written */
        manifest = *file.manifest;
        file.manifest = &manifest;
    }
    LM_TRY(lm__file_open(plan->to, plan->destination, &file, &hooks, &publication, error));
    lm_status status = lm__flow_init(&run.flow, plan, publication, error);
    if (status == LM_OK) status = lm__merge_part_status(hand_in(&run, &result->rows, error), error);
    if (status == LM_OK && (plan->options.count_rows || plan->parquet)) {
        result->has_rows = true;
        manifest.has_rows = true;
        manifest.rows = result->rows;
    }
    if (status == LM_OK) status = lm_file_finish(publication, &result->file, error);
    result->client_bytes = run.flow.client_bytes;
    bool committed = result->file.state == LM_COMMIT_DONE;
    bool not_done = result->file.state == LM_COMMIT_NOT_DONE;
    if (status != LM_OK) plan->again = lm__file_again(publication, plan->turn);
    lm_file_close(publication);
    lm__flow_deinit(&run.flow);
    if (!run.journal || !(committed || not_done)) return status; /* unknown: --resume looks */
    lm_error later;
    lm_status removed =
        lm__merge_remove(plan, run.journal, committed, result, status == LM_OK ? error : &later);
    return status == LM_OK ? removed : status;
}

static lm_status run_plan(lm_merge_plan *plan, lm_merge_result *result, lm_error *error)
{
    bool begun = false;
    if (plan->summary.strategy == LM_MERGE_CONCAT) {
        lm_status status = lm__merge_concat(plan, result, &begun, error);
        if (begun || status != LM_UNSUPPORTED) return status;
        result->strategy = LM_MERGE_STREAM; /* the store cannot, for these parts */
        plan->summary.bytes_known = false;
    }
    return merge_parts(plan, result, error);
}

static lm_status run_plan_or_journal(lm_merge_plan *plan, lm_merge_result *result, bool *anew,
                                     lm_error *error)
{
    *anew = false;
    *result = (lm_merge_result){
        .strategy = plan->summary.strategy,
        .parts = plan->summary.parts,
        .blank_parts = plan->summary.blank_parts,
        .source_bytes = plan->summary.source_bytes,
    };
    plan->has_run = true;
    return plan->journal ? lm__merge_resume(plan, result, anew, error)
                         : run_plan(plan, result, error);
}

static void stores_swap(lm_merge_plan *a, lm_merge_plan *b)
{
    lm_store *from = a->from, *to = a->to;
    a->from = b->from;
    a->to = b->to;
    b->from = from;
    b->to = to;
}

/* A merge that was interrupted before anything was done, or that broke off on its way to the store,
 * is planned anew: the parts are still there. It is run with the stores of the first plan, which by
 * now know what of them fails. */
static lm_status run_anew(lm_merge_plan *plan, unsigned turn, lm_merge_result *result, bool *again,
                          lm_error *error)
{
    lm_merge_plan *anew;
    bool unused;
    *again = false;
    LM_TRY(lm_merge_plan_open(plan->sources, plan->source_count, plan->destination, &plan->options,
                              &anew, error));
    anew->turn = turn;
    stores_swap(plan, anew);
    lm_status status = run_plan_or_journal(anew, result, &unused, error);
    stores_swap(plan, anew);
    *again = anew->again;
    lm_merge_plan_close(anew);
    return status;
}

lm_status lm_merge_run(lm_merge_plan *plan, lm_merge_result *result, lm_error *error)
{
    lm_merge_result own;
    bool again;
    if (!result) result = &own;
    *result = (lm_merge_result){0};
    if (plan->has_run) return lm__error_set(error, LM_INVALID, "a plan is run once");
    lm_status status = run_plan_or_journal(plan, result, &again, error);
    if (status == LM_OK && !again) return LM_OK;
    again = again || plan->again;
    for (unsigned turn = status == LM_OK ? 0 : 1; again; turn++)
        status = run_anew(plan, turn, result, &again, error);
    return status;
}
