/* lm_gc: the posix store's reaping, with the time that it is. */
#include <lamella/upkeep.h>

#include "base/clock.h"
#include "store/posix/posix.h"

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
    return lm__store_reap(&posix.store, path, &how, options->callback, options->context, error);
}
