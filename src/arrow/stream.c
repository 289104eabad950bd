/*
 * Streams of batches, and the two ways across the C stream interface; see batch.h for the
 * invariants.
 */
#include <errno.h>

#include "arrow/import.h"
#include "base/alloc.h"
#include "base/error.h"

void lm__stream_init(lm_stream *stream, const lm_stream_ops *ops, lm_schema *schema)
{
    *stream = (lm_stream){.ops = ops, .schema = lm_schema_ref(schema)};
}

lm_status lm__stream_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    *batch = NULL;
    if (stream->failure.code == LM_OK && !stream->ended) {
        lm_status status = stream->ops->next(stream, batch, &stream->failure);
        stream->failure.code = status; /* also where a trial within failed and was made good */
        if (status == LM_OK) stream->ended = *batch == NULL;
    }
    if (stream->failure.code != LM_OK && error) *error = stream->failure;
    return stream->failure.code;
}

void lm__stream_close(lm_stream *stream)
{
    if (!stream) return;
    lm_schema *schema = stream->schema;
    stream->ops->close(stream);
    lm_schema_free(schema);
}

/* In. */

typedef struct imported {
    lm_stream stream;
    const lm_allocator *allocator;
    struct ArrowArrayStream source;
    lm_validate validate;
    int64_t rows; /* given so far */
} imported;

/* Why a callback failed, in the producer's words when it has some. */
static lm_status producer_error(struct ArrowArrayStream *source, int code, lm_error *error)
{
    const char *reason = source->get_last_error ? source->get_last_error(source) : NULL;
    if (!reason || !*reason)
        return lm__error_os(error, code, "the stream's producer failed without a reason");
    lm_status status = code == ENOMEM ? LM_NO_MEMORY : LM_IO;
    status = lm__error_set(error, status, "the stream's producer: %s", reason);
    if (error) error->os_code = code;
    return status;
}

static lm_status imported_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    imported *in = (imported *)stream;
    struct ArrowArray array = {0};
    int code = in->source.get_next(&in->source, &array);
    if (code != 0) return producer_error(&in->source, code, error);
    if (!array.release) return LM_OK;
    LM_TRY(lm__batch_import_rows_take(in->allocator, stream->schema, &array, in->validate, in->rows,
                                      batch, error));
    in->rows += lm__batch_rows(*batch);
    return LM_OK;
}

static void imported_close(lm_stream *stream)
{
    imported *in = (imported *)stream;
    in->source.release(&in->source);
    lm__free(in->allocator, in);
}

static const lm_stream_ops imported_ops = {imported_next, imported_close};

static lm_status stream_schema(const lm_allocator *allocator, struct ArrowArrayStream *source,
                               lm_schema **schema, lm_error *error)
{
    struct ArrowSchema given = {0};
    if (!source->get_schema || !source->get_next)
        return lm__error_set(error, LM_INVALID, "the stream has no callbacks");
    int code = source->get_schema(source, &given);
    if (code != 0) return producer_error(source, code, error);
    return lm_schema_import_take(allocator, &given, schema, error);
}

/* Out: a stream and the words of its last error. */
typedef struct outgoing {
    const lm_allocator *allocator;
    lm_stream *stream;
    lm_error error;
} outgoing;

static int errno_of(lm_status status)
{
    switch (status) {
    case LM_OK: return 0;
    case LM_NO_MEMORY: return ENOMEM;
    case LM_UNSUPPORTED: return ENOSYS;
    case LM_IO: return EIO;
    case LM_CANCELLED: return EINTR;
    default: return EINVAL;
    }
}

static int outgoing_schema(struct ArrowArrayStream *source, struct ArrowSchema *out)
{
    outgoing *own = source->private_data;
    return errno_of(lm_schema_export(own->stream->schema, out, &own->error));
}

static int outgoing_next(struct ArrowArrayStream *source, struct ArrowArray *out)
{
    outgoing *own = source->private_data;
    lm_batch *batch;
    *out = (struct ArrowArray){0};
    lm_status status = lm__stream_next(own->stream, &batch, &own->error);
    if (status != LM_OK || !batch) return errno_of(status);
    status = lm__batch_export(batch, out, &own->error);
    lm__batch_unref(batch);
    return errno_of(status);
}

static const char *outgoing_last_error(struct ArrowArrayStream *source)
{
    const outgoing *own = source->private_data;
    return own->error.code == LM_OK ? NULL : own->error.message;
}

static void outgoing_release(struct ArrowArrayStream *source)
{
    outgoing *own = source->private_data;
    lm__stream_close(own->stream);
    lm__free(own->allocator, own);
    source->release = NULL;
}

lm_status lm__stream_export_take(const lm_allocator *allocator, lm_stream *stream,
                                 struct ArrowArrayStream *out, lm_error *error)
{
    outgoing *own = lm__alloc_zero(allocator, sizeof *own);
    *out = (struct ArrowArrayStream){0};
    if (!own) {
        lm__stream_close(stream);
        return lm__error_memory(error, "exporting a stream");
    }
    *own = (outgoing){.allocator = allocator, .stream = stream};
    *out = (struct ArrowArrayStream){
        .get_schema = outgoing_schema,
        .get_next = outgoing_next,
        .get_last_error = outgoing_last_error,
        .release = outgoing_release,
        .private_data = own,
    };
    return LM_OK;
}

lm_status lm__stream_import_take(const lm_allocator *allocator, struct ArrowArrayStream *source,
                                 lm_validate validate, lm_stream **stream, lm_error *error)
{
    struct ArrowArrayStream own = *source;
    source->release = NULL;
    *stream = NULL;
    if (!own.release)
        return lm__error_set(error, LM_INVALID, "the stream has been released already");
    if (own.release == outgoing_release) { /* our own: nothing to copy, nothing to doubt */
        outgoing *wrapped = own.private_data;
        *stream = wrapped->stream;
        lm__free(wrapped->allocator, wrapped);
        return LM_OK;
    }
    lm_schema *schema;
    lm_status status = stream_schema(allocator, &own, &schema, error);
    if (status != LM_OK) {
        own.release(&own);
        return status;
    }
    imported *in = lm__alloc_zero(allocator, sizeof *in);
    if (in) {
        *in = (imported){.allocator = allocator, .source = own, .validate = validate};
        lm__stream_init(&in->stream, &imported_ops, schema);
        *stream = &in->stream;
    } else {
        own.release(&own);
        status = lm__error_memory(error, "opening a stream");
    }
    lm_schema_free(schema);
    return status;
}
