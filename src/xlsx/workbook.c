/* A workbook's life; see workbook.h. */
#include "xlsx/workbook.h"

#include "base/alloc.h"
#include "base/error.h"

enum { LEVEL_STANDARD = 5 };

static void writer_free(lm_xlsx_writer *writer)
{
    lm__sheet_parts_free(writer);
    lm__pool_free(writer->pool);
    lm__deflate_free(writer->deflate);
    lm__zip_deinit(&writer->zip);
    lm__arena_deinit(&writer->arena);
    lm__free(writer->allocator, writer);
}

lm_status lm_xlsx_writer_open(lm_sink *sink, const lm_xlsx_options *options,
                              lm_xlsx_writer **writer, lm_error *error)
{
    static const lm_xlsx_options standard;
    if (!options) options = &standard;
    const lm_allocator *allocator = lm__allocator_or_default(options->allocator);
    lm_xlsx_writer *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return lm__error_memory(error, "opening a workbook");
    made->options = *options;
    if (made->options.level == 0) made->options.level = LEVEL_STANDARD;
    made->allocator = allocator;
    made->last = &made->first;
    made->formats_last = &made->formats;
    lm__arena_init(&made->arena, allocator, 0);
    lm__zip_init(&made->zip, allocator, sink);
    lm_status status = lm__deflate_new(allocator, made->options.level, &made->deflate, error);
    if (status == LM_OK) status = lm__pool_new(allocator, options->threads, &made->pool, error);
    if (status == LM_OK) status = lm__sheet_parts_new(made, error);
    if (status != LM_OK) {
        writer_free(made);
        return status;
    }
    *writer = made;
    return LM_OK;
}

uint32_t lm__xlsx_style(lm_xlsx_writer *writer, const char *code)
{
    uint32_t style = LM_XLSX_STYLE_FIRST;
    for (const lm_xlsx_format *format = writer->formats; format; format = format->next, style++)
        if (strcmp(format->code, code) == 0) return style;
    lm_xlsx_format *made = lm__arena_zero(&writer->arena, sizeof *made);
    if (!made || !(made->code = lm__arena_strdup(&writer->arena, code))) return 0;
    *writer->formats_last = made;
    writer->formats_last = &made->next;
    writer->format_count++;
    return style;
}

static lm_status sheet_take(lm_xlsx_writer *writer, struct ArrowArrayStream *take_stream,
                            const lm_xlsx_sheet_options *options, uint64_t *rows, lm_error *error)
{
    lm_stream *stream;
    LM_TRY(
        lm__stream_import_take(writer->allocator, take_stream, LM_VALIDATE_TEXT, &stream, error));
    lm_status status = lm__sheet_write(writer, stream, options, rows, error);
    lm__stream_close(stream);
    return status;
}

lm_status lm_xlsx_writer_sheet_take(lm_xlsx_writer *writer, struct ArrowArrayStream *take_stream,
                                    const lm_xlsx_sheet_options *options, uint64_t *rows,
                                    lm_error *error)
{
    static const lm_xlsx_sheet_options standard;
    lm_error *failure = &writer->failure;
    if (failure->code != LM_OK) {
        take_stream->release(take_stream);
        if (error) *error = *failure;
        return failure->code;
    }
    lm_status status =
        sheet_take(writer, take_stream, options ? options : &standard, rows, failure);
    if (status != LM_OK && error) *error = *failure;
    failure->code = status;
    return status;
}

lm_status lm_xlsx_writer_finish(lm_xlsx_writer *writer, lm_xlsx_result *result, lm_error *error)
{
    lm_status status = writer->failure.code;
    if (status != LM_OK && error) *error = writer->failure;
    if (status == LM_OK && writer->sheet_count == 0)
        status = lm__error_set(error, LM_INVALID, "a workbook needs a sheet");
    if (status == LM_OK) status = lm__package_end(writer, error);
    if (status == LM_OK && result)
        *result = (lm_xlsx_result){
            .rows = writer->rows, .sheets = writer->sheet_count, .bytes = writer->zip.offset};
    writer_free(writer);
    return status;
}

void lm_xlsx_writer_abort(lm_xlsx_writer *writer)
{
    if (writer) writer_free(writer);
}
