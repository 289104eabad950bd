/* lm_gc: the store's reaping in the words of lamella/upkeep.h. */
#include <lamella/upkeep.h>

#include "base/clock.h"
#include "store/posix/posix.h"

static lm_status reaped(void *context, const lm_reap_found *found, lm_error *error)
{
    const lm_gc_options *options = context;
    if (!options->callback) return LM_OK;
    lm_gc_found told = {
        .path = found->path,
        .what = found->is_tree ? LM_GC_TREE : LM_GC_FILE,
        .done = LM_GC_REMOVED,
        .bytes = found->bytes,
        .reason = "its writer is gone",
    };
    if (found->is_live) {
        told.done = LM_GC_LIVE;
        told.reason = "its writer lives, or cannot be asked";
    } else if (!found->is_removed && !options->dry_run) {
        told.done = LM_GC_SPARED;
        told.reason = "it is younger than asked for";
    }
    return options->callback(options->context, &told, error);
}

lm_status lm_gc(const char *path, const lm_gc_options *options, lm_error *error)
{
    static const lm_gc_options defaults = {0};
    const lm_clock *clock = lm__clock_system();
    lm_posix_store posix;
    if (!options) options = &defaults;
    const lm_reap_options how = {
        .dry_run = options->dry_run,
        .recursive = options->recursive,
        .older_than_ns = options->older_than_ns,
        .now_ns = clock->wall_ns(clock->context),
        .cancel = options->cancel,
    };
    lm__posix_store_init(&posix, options->allocator, NULL);
    return lm__store_reap(&posix.store, path, &how, reaped, (void *)options, error);
}
