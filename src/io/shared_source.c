/* Sources that are counted; see shared_source.h. */
#include "io/shared_source.h"

#include "base/alloc.h"
#include "base/error.h"

typedef struct shared_source {
    lm_source source; /* first */
    lm_source *inner;
    const lm_allocator *allocator;
    atomic_size_t uses;
} shared_source;

static lm_status shared_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                             lm_error *error)
{
    return lm_source_read(((shared_source *)source)->inner, offset, buffer, size, error);
}

static const void *shared_view(lm_source *source, uint64_t offset, size_t size)
{
    return lm_source_view(((shared_source *)source)->inner, offset, size);
}

static void shared_passed(lm_source *source, uint64_t offset, size_t size)
{
    lm_source_passed(((shared_source *)source)->inner, offset, size);
}

static void shared_coming(lm_source *source, uint64_t offset, uint64_t size)
{
    lm_source_coming(((shared_source *)source)->inner, offset, size);
}

static void shared_close(lm_source *source)
{
    shared_source *shared = (shared_source *)source;
    if (atomic_fetch_sub_explicit(&shared->uses, 1, memory_order_acq_rel) != 1) return;
    lm_source_close(shared->inner);
    lm__free(shared->allocator, shared);
}

lm_status lm__source_share_take(const lm_allocator *allocator, lm_source *source,
                                lm_source **shared, lm_error *error)
{
    static const lm_source_ops ops = {shared_read, shared_view, shared_close, shared_passed,
                                      shared_coming};
    shared_source *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) {
        lm_source_close(source);
        return lm__error_memory(error, "opening a table");
    }
    made->source = (lm_source){&ops, source->size, source->name};
    made->inner = source;
    made->allocator = allocator;
    atomic_init(&made->uses, 1);
    *shared = &made->source;
    return LM_OK;
}

lm_source *lm__source_again(lm_source *shared)
{
    atomic_fetch_add_explicit(&((shared_source *)shared)->uses, 1, memory_order_relaxed);
    return shared;
}
