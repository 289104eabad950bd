/* CSV as a table that is read forward. */
#include "base/error.h"
#include "io/reader.h"

lm_status lm__csv_table_open(const lm_allocator *allocator, lm_source *take_source,
                             const lm_feed *take_feed, const lm_read_request *request,
                             unsigned *done, lm_stream **stream, lm_error *error)
{
    struct ArrowArrayStream out;
    lm_csv_read_options options = {0};
    if (request->csv) options = *request->csv;
    if (request->types) options.schema = request->types;
    if (request->schema) options.schema = request->schema;
    options.schema_by_place = request->schema && request->schema_found;
    options.threads = request->threads;
    options.cancel = request->cancel;
    *done = 0;
    if (take_source)
        LM_TRY(lm_csv_read_take(allocator, take_source, &options, &out, error));
    else
        LM_TRY(lm_csv_pull_take(allocator, take_feed, &options, &out, error));
    return lm__stream_import_take(allocator, &out, LM_VALIDATE_NONE, stream, error);
}
