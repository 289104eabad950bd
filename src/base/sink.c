/* The sink's sticky calls, and the sink in memory; see lamella/sink.h for the invariants. */
#include <lamella/sink.h>

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

void lm_sink_init(lm_sink *sink, const lm_sink_ops *ops)
{
    sink->ops = ops;
    sink->bytes = 0;
    lm_error_clear(&sink->first_error);
}

static lm_status sink_tell(const lm_sink *sink, lm_error *error)
{
    if (error) *error = sink->first_error;
    return sink->first_error.code;
}

static lm_status sink_keep(lm_sink *sink, lm_status status, lm_error *error)
{
    if (sink->first_error.code == LM_OK) /* the implementation gave a status and no message */
        lm__error_set(&sink->first_error, status, "%s", lm_status_text(status));
    return sink_tell(sink, error);
}

lm_status lm_sink_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    if (sink->first_error.code != LM_OK) return sink_tell(sink, error);
    if (size == 0) return LM_OK;
    lm_status status = sink->ops->write(sink, data, size, &sink->first_error);
    if (status != LM_OK) return sink_keep(sink, status, error);
    sink->bytes += size;
    return LM_OK;
}

lm_status lm_sink_finish(lm_sink *sink, lm_error *error)
{
    if (sink->first_error.code != LM_OK) return sink_tell(sink, error);
    lm_status status = sink->ops->finish(sink, &sink->first_error);
    return status == LM_OK ? LM_OK : sink_keep(sink, status, error);
}

void lm_sink_abort(lm_sink *sink) { sink->ops->abort(sink); }

static lm_status memory_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    lm_memory_sink *memory = (lm_memory_sink *)sink;
    if (size > memory->bytes_max - memory->size)
        return lm__error_set(error, LM_LIMIT, "the result is larger than the %zu bytes allowed",
                             memory->bytes_max);
    size_t needed = memory->size + size;
    if (!lm__array_room(memory->allocator, &memory->data, &memory->capacity, needed, 1))
        return lm__error_memory(error, "collecting bytes in memory");
    memcpy(memory->data + memory->size, data, size);
    memory->size = needed;
    return LM_OK;
}

static lm_status memory_finish(lm_sink *sink, lm_error *error)
{
    (void)sink;
    (void)error;
    return LM_OK;
}

static void memory_abort(lm_sink *sink) { lm_memory_sink_deinit((lm_memory_sink *)sink); }

void lm_memory_sink_init(lm_memory_sink *sink, const lm_allocator *allocator, size_t bytes_max)
{
    static const lm_sink_ops ops = {memory_write, memory_finish, memory_abort};
    lm_sink_init(&sink->sink, &ops);
    sink->allocator = lm__allocator_or_default(allocator);
    sink->data = NULL;
    sink->size = sink->capacity = 0;
    sink->bytes_max = bytes_max;
}

void lm_memory_sink_deinit(lm_memory_sink *sink)
{
    lm__free(sink->allocator, sink->data);
    sink->data = NULL;
    sink->size = sink->capacity = 0;
}
