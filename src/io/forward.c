/*
 * Readers of formats that are read from the first byte to the last.
 *
 * Invariants
 *  1. Of a source each stream is a new one, from a use of the source of its own; of a feed there is
 *     one stream, made when the reader is opened.
 */
#include <lamella/ipc.h>
#include <lamella/jsonl.h>

#include "base/alloc.h"
#include "base/error.h"
#include "io/reader.h"
#include "io/shared_source.h"

typedef struct forward_reader {
    lm_reader reader; /* first */
    const lm_allocator *allocator;
    const lm_format_row *row;
    lm_source *source; /* NULL: a feed */
    lm_stream *only;   /* of a feed, until it is asked for */
    const char *name;
    bool given; /* the schema was */
} forward_reader;

static lm_status forward_stream(lm_reader *reader, const lm_read_request *request, unsigned *done,
                                lm_stream **stream, lm_error *error)
{
    forward_reader *own = (forward_reader *)reader;
    *done = 0;
    if (own->source) {
        lm_read_request again = *request;
        again.schema = reader->schema;
        again.schema_found = !own->given;
        return own->row->forward(own->allocator, lm__source_again(own->source), NULL, &again, done,
                                 stream, error);
    }
    if (!own->only)
        return lm__error_set(error, LM_INVALID, "%s is a pipe, and has been read already",
                             own->name);
    *stream = own->only;
    own->only = NULL;
    return LM_OK;
}

static lm_status forward_rows(lm_reader *reader, const lm_read_request *request, int64_t *rows,
                              lm_error *error)
{
    forward_reader *own = (forward_reader *)reader;
    (void)request;
    *rows = -1;
    if (!own->row->rows || !own->source) return LM_OK;
    return own->row->rows(own->allocator, lm__source_again(own->source), rows, error);
}

static void forward_close(lm_reader *reader)
{
    forward_reader *own = (forward_reader *)reader;
    lm__stream_close(own->only);
    lm_source_close(own->source);
    lm__free(own->allocator, own);
}

lm_status lm__forward_reader_open(const lm_format_row *row, lm_input *take_input,
                                  const lm_read_request *request, lm_reader **reader,
                                  lm_error *error)
{
    static const lm_reader_ops ops = {NULL, forward_stream, forward_rows, forward_close};
    forward_reader *own = lm__alloc_zero(take_input->allocator, sizeof *own);
    lm_stream *first = NULL;
    /* All columns, so that the schema is the whole one. */
    lm_read_request all = {.schema = request->schema,
                           .schema_found = request->schema_found,
                           .types = request->types,
                           .batch_rows = request->batch_rows,
                           .memory_bytes_max = request->memory_bytes_max,
                           .threads = request->threads,
                           .csv = request->csv,
                           .cancel = request->cancel};
    unsigned done;
    if (!own) {
        lm__input_close(take_input);
        return lm__error_memory(error, "opening a table");
    }
    own->allocator = take_input->allocator;
    own->row = row;
    own->source = take_input->source;
    own->name = take_input->name;
    own->reader.ops = &ops;
    own->given = request->schema && !request->schema_found;
    lm_source *use = own->source ? lm__source_again(own->source) : NULL;
    lm_status status = own->row->forward(own->allocator, use, use ? NULL : &take_input->feed, &all,
                                         &done, &first, error);
    if (status != LM_OK) {
        forward_close(&own->reader);
        return status;
    }
    own->reader.schema = lm_schema_ref(first->schema);
    if (own->source)
        lm__stream_close(first);
    else
        own->only = first;
    *reader = &own->reader;
    return LM_OK;
}

void lm__reader_close(lm_reader *reader)
{
    if (!reader) return;
    lm_schema *schema = reader->schema;
    reader->ops->close(reader);
    lm_schema_free(schema);
}

lm_status lm__ipc_table_open(const lm_allocator *allocator, lm_source *take_source,
                             const lm_feed *take_feed, const lm_read_request *request,
                             unsigned *done, lm_stream **stream, lm_error *error)
{
    struct ArrowArrayStream out;
    (void)request;
    *done = 0;
    if (take_source)
        LM_TRY(lm_ipc_read_take(allocator, take_source, NULL, &out, error));
    else
        LM_TRY(lm_ipc_pull_take(allocator, take_feed, NULL, &out, error));
    return lm__stream_import_take(allocator, &out, LM_VALIDATE_NONE, stream, error);
}

lm_status lm__jsonl_table_open(const lm_allocator *allocator, lm_source *take_source,
                               const lm_feed *take_feed, const lm_read_request *request,
                               unsigned *done, lm_stream **stream, lm_error *error)
{
    lm_jsonl_read_options options = {.schema = request->schema,
                                     .types = request->types,
                                     .schema_guessed = request->schema_found,
                                     .threads = request->threads,
                                     .cancel = request->cancel};
    struct ArrowArrayStream out;
    *done = 0;
    if (take_source)
        LM_TRY(lm_jsonl_read_take(allocator, take_source, &options, &out, error));
    else
        LM_TRY(lm_jsonl_feed_take(allocator, take_feed, &options, &out, error));
    return lm__stream_import_take(allocator, &out, LM_VALIDATE_NONE, stream, error);
}
