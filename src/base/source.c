/* Ranged reads, checked against the size, and the source in memory. */
#include <lamella/source.h>

#include <string.h>

#include "base/error.h"

lm_status lm_source_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                         lm_error *error)
{
    if (offset > source->size || size > source->size - offset)
        return lm__error_set(error, LM_CORRUPT,
                             "%s: %zu bytes asked for at %llu, but it has only %llu", source->name,
                             size, (unsigned long long)offset, (unsigned long long)source->size);
    if (size == 0) return LM_OK;
    return source->ops->read(source, offset, buffer, size, error);
}

const void *lm_source_view(lm_source *source, uint64_t offset, size_t size)
{
    if (!source->ops->view || offset > source->size || size > source->size - offset) return NULL;
    return source->ops->view(source, offset, size);
}

void lm_source_passed(lm_source *source, uint64_t offset, size_t size)
{
    if (!source->ops->passed || offset > source->size || size > source->size - offset) return;
    source->ops->passed(source, offset, size);
}

void lm_source_coming(lm_source *source, uint64_t offset, uint64_t size)
{
    if (!source->ops->coming || offset > source->size || size > source->size - offset) return;
    source->ops->coming(source, offset, size);
}

void lm_source_close(lm_source *source)
{
    if (source) source->ops->close(source);
}

static lm_status memory_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                             lm_error *error)
{
    (void)error;
    memcpy(buffer, ((lm_memory_source *)source)->data + offset, size);
    return LM_OK;
}

static const void *memory_view(lm_source *source, uint64_t offset, size_t size)
{
    (void)size;
    return ((lm_memory_source *)source)->data + offset;
}

static void memory_close(lm_source *source) { (void)source; }

void lm_memory_source_init(lm_memory_source *source, const void *data, size_t size,
                           const char *name)
{
    static const lm_source_ops ops = {memory_read, memory_view, memory_close};
    source->source = (lm_source){.ops = &ops, .size = size, .name = name ? name : "(memory)"};
    source->data = data;
}
