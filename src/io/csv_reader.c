/* CSV as a table that is read forward. Columns that nobody asks for are not converted. */
#include <string.h>

#include "base/error.h"
#include "io/reader.h"

/* Every column that is asked for is one of the schema; else the scan is to say what it makes of
 * the name. */
static bool are_columns(const lm_read_request *request)
{
    if (!request->columns || !request->schema) return false;
    for (size_t i = 0; i < request->column_count; i++)
        if (lm__field_find(&request->schema->root, request->columns[i],
                           strlen(request->columns[i])) < 0)
            return false;
    return true;
}

lm_status lm__csv_table_open(const lm_allocator *allocator, lm_source *take_source,
                             const lm_feed *take_feed, const lm_read_request *request,
                             unsigned *done, lm_stream **stream, lm_error *error)
{
    struct ArrowArrayStream out;
    lm_csv_read_options options = {0};
    if (request->csv) options = *request->csv;
    if (request->types) options.schema = request->types;
    if (request->schema_found)
        options.found = request->schema;
    else if (request->schema)
        options.schema = request->schema;
    options.columns = are_columns(request) ? request->columns : NULL;
    options.column_count = request->column_count;
    options.threads = request->threads;
    options.cancel = request->cancel;
    *done = 0;
    if (take_source)
        LM_TRY(lm_csv_read_take(allocator, take_source, &options, &out, error));
    else
        LM_TRY(lm_csv_pull_take(allocator, take_feed, &options, &out, error));
    return lm__stream_import_take(allocator, &out, LM_VALIDATE_NONE, stream, error);
}
