/* lm_gc: the store's reaping, with the time that it is. */
#include <lamella/upkeep.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/place.h"

lm_status lm_gc(const char *path, const lm_gc_options *options, lm_error *error)
{
    static const lm_gc_options defaults = {0};
    const lm_clock *clock = lm__clock_system();
    lm_store *store;
    if (!options) options = &defaults;
    const lm_reap_options how = {
        .dry_run = options->dry_run,
        .recursive = options->recursive,
        .older_than_ns = options->older_than_ns,
        .now_ns = clock->wall_ns(clock->context),
        .cancel = options->cancel,
    };
    LM_TRY(lm__store_for(options->allocator, path, options->storage, &store, &path, error));
    lm_status status =
        lm__store_reap(store, path, &how, options->callback, options->context, error);
    lm__store_close(store);
    return status;
}
