/* Parquet files as tables of a scan: columns, rows and batches are the engine's own affair. */
#include "base/alloc.h"
#include "base/error.h"
#include "io/reader.h"
#include "parquet/read_stream.h"

typedef struct parquet_reader {
    lm_reader reader; /* first */
    const lm_allocator *allocator;
    lm_parquet_reader *file;
} parquet_reader;

static lm_parquet_read_options options_of(const lm_read_request *request)
{
    return (lm_parquet_read_options){
        .columns = request->columns,
        .column_count = request->column_count,
        .batch_rows = request->batch_rows,
        .memory_bytes_max = request->memory_bytes_max,
        .threads = request->threads,
        .dictionaries = request->dictionaries,
        .int96_per_second = request->int96_per_second,
        .cancel = request->cancel,
        .filter = request->filter,
    };
}

static lm_status parquet_project(lm_reader *reader, const lm_read_request *request,
                                 lm_schema **schema, lm_error *error)
{
    const parquet_reader *own = (parquet_reader *)reader;
    lm_parquet_read_options options = options_of(request);
    struct ArrowSchema exported;
    LM_TRY(lm_parquet_reader_schema(own->file, &options, &exported, error));
    return lm_schema_import_take(own->allocator, &exported, schema, error);
}

static lm_status parquet_stream(lm_reader *reader, const lm_read_request *request, unsigned *done,
                                lm_stream **stream, lm_error *error)
{
    const parquet_reader *own = (parquet_reader *)reader;
    lm_parquet_read_options options = options_of(request);
    *done = LM_READ_PROJECTED | LM_READ_BATCHED;
    /* Row count 0 means all: no rows at all are the scan's to give. */
    if (request->offset <= INT64_MAX && request->limit <= INT64_MAX &&
        (!request->limited || request->limit > 0)) {
        options.row_first = (int64_t)request->offset;
        options.row_count = request->limited ? (int64_t)request->limit : 0;
        *done |= LM_READ_SLICED;
    }
    return lm__parquet_stream_open(own->file, &options, stream, error);
}

static lm_status parquet_rows(lm_reader *reader, const lm_read_request *request, int64_t *rows,
                              lm_error *error)
{
    (void)error;
    *rows = request->filter ? -1 : lm_parquet_reader_rows(((parquet_reader *)reader)->file);
    return LM_OK;
}

static void parquet_close(lm_reader *reader)
{
    parquet_reader *own = (parquet_reader *)reader;
    lm_parquet_reader_close(own->file);
    lm__free(own->allocator, own);
}

lm_status lm__parquet_table_open(lm_input *take_input, const lm_read_request *request,
                                 lm_reader **reader, lm_error *error)
{
    static const lm_reader_ops ops = {parquet_project, parquet_stream, parquet_rows, parquet_close};
    const lm_allocator *allocator = take_input->allocator;
    lm_parquet_reader_options options = {.without_row_groups = request->without_rows,
                                         .page_bytes_max = request->page_bytes_max,
                                         .allocator = allocator};
    lm_parquet_reader *file;
    lm_schema *schema;
    if (!take_input->source) {
        lm_status status = lm__error_set(error, LM_UNSUPPORTED,
                                         "%s: Parquet is read from its end, and a pipe is not: put "
                                         "it into a file first",
                                         take_input->name);
        lm__input_close(take_input);
        return status;
    }
    LM_TRY(lm_parquet_reader_open(take_input->source, &options, &file, error));
    parquet_reader *own = lm__alloc_zero(allocator, sizeof *own);
    if (!own) {
        lm_parquet_reader_close(file);
        return lm__error_memory(error, "opening a table");
    }
    *own = (parquet_reader){{.ops = &ops}, allocator, file};
    lm_read_request all = {.dictionaries = request->dictionaries,
                           .int96_per_second = request->int96_per_second};
    lm_status status = parquet_project(&own->reader, &all, &schema, error);
    if (status != LM_OK) {
        parquet_close(&own->reader);
        return status;
    }
    own->reader.schema = schema;
    own->reader.filters = true;
    *reader = &own->reader;
    return LM_OK;
}
