/* Repairing a table: views and hints are made from the log, what dead writers staged goes. */
#include <lamella/upkeep.h>

#include "base/error.h"
#include "base/limits.h"
#include "table/checkpoint.h"
#include "table/manifest.h"
#include "table/operation.h"

static lm_status count_leftover(void *context, const lm_gc_found *found, lm_error *error)
{
    lm_table_repaired *result = context;
    (void)error;
    result->leftovers += found->done == LM_GC_REMOVED;
    return LM_OK;
}

/* A log that is long enough for a checkpoint has one, with a hint that leads to it. */
static lm_status repair_checkpoint(lm_operation *o, lm_table_repaired *result)
{
    lm_log_listing listing = {0};
    lm_checkpoint_result made;
    int64_t hint;
    LM_TRY(lm__log_hint(&o->log, &hint, o->error));
    LM_TRY(lm__log_listing_read(&o->log, 0, false, &o->arena, &listing, o->error));
    const lm_log_checkpoint *last = lm__log_listing_checkpoint(&listing, o->snapshot->version);
    bool is_led_to = last && hint >= last->version;
    if (is_led_to || (!last && listing.entry_count < LM_TABLE_CHECKPOINT_INTERVAL)) return LM_OK;
    lm_status status = lm__table_checkpoint(&o->log, -1, &made, o->error);
    result->checkpoint = status == LM_OK;
    return status == LM_UNSUPPORTED ? LM_OK : status; /* those who can will make it */
}

static lm_status repair(lm_operation *o, const char *path, lm_table_repaired *result)
{
    const lm_snapshot_options brief = {.without_parts = true};
    const lm_gc_options gc = {.recursive = true,
                              .callback = count_leftover,
                              .context = result,
                              .cancel = o->how->cancel,
                              .storage = o->how->storage,
                              .allocator = o->how->allocator};
    LM_TRY(lm__operation_look(o, &brief));
    result->version = o->snapshot->version;
    if (o->store->caps & LM_STORE_REAP) LM_TRY(lm_gc(path, &gc, o->error));
    LM_TRY(repair_checkpoint(o, result));
    return lm__manifest_repair(&o->log, &result->manifest, o->error);
}

lm_status lm_table_repair(const char *path, const lm_table_operation *how,
                          lm_table_repaired *result, lm_error *error)
{
    lm_operation o;
    lm_table_repaired ignored;
    if (!result) result = &ignored;
    *result = (lm_table_repaired){.version = -1};
    lm_status status = lm__operation_open(&o, path, how, error);
    if (status == LM_OK) status = repair(&o, path, result);
    lm__operation_close(&o);
    return status;
}
