/* Parts of a sheet: rows as XML, deflated; see workbook.h. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "xlsx/workbook.h"

struct lm_sheet_part {
    lm_job job; /* first: the part is found by it */
    lm_group group;
    bool busy;
    const lm_cancel *cancel;
    const lm_sheet_plan *plan;
    lm_batch *batch;
    int64_t start, count;
    uint64_t sheet_row, table_row;
    lm_array *columns;
    size_t column_room;
    lm_deflate *deflate;
    lm_buffer xml, scratch, packed;
    uint32_t crc;
    uint64_t size;
    lm_status status;
    lm_error error;
};

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "writing a sheet"); }

static lm_status pack(lm_sheet_part *part)
{
    LM_TRY(lm__deflate_part(part->deflate, part->xml.data, part->xml.size, &part->packed,
                            &part->error));
    uint32_t crc = lm__deflate_crc(part->deflate, 0, part->xml.data, part->xml.size);
    part->crc = lm__crc32_join(part->crc, crc, part->xml.size);
    part->size += part->xml.size;
    lm__buffer_clear(&part->xml);
    return LM_OK;
}

static lm_status cell(lm_sheet_part *part, uint32_t column, int64_t row, const char *number,
                      size_t number_size)
{
    const lm_cell_column *of = &part->plan->columns[column];
    lm_cell made;
    lm_status status =
        lm__cell_make(of, &part->columns[column], row, &part->scratch, &made, &part->error);
    if (status != LM_OK)
        return lm__error_within(
            &part->error, status, "column %s, row %llu (cell %s%.*s)", of->field->name,
            (unsigned long long)part->table_row + (unsigned long long)(row - part->start),
            of->letters, (int)number_size, number);
    if (lm__cell_append(of, &made, number, number_size, &part->xml) != LM_OK)
        return no_memory(&part->error);
    return LM_OK;
}

static lm_status row(lm_sheet_part *part, int64_t at)
{
    char number[LM_INTEGER_TEXT_MAX], open[48];
    size_t size = lm__u64_text(part->sheet_row + (uint64_t)(at - part->start), number);
    size_t open_size = (size_t)snprintf(open, sizeof open, "<row r=\"%.*s\">", (int)size, number);
    if (lm__buffer_append(&part->xml, open, open_size) != LM_OK) return no_memory(&part->error);
    for (uint32_t i = 0; i < part->plan->column_count; i++) LM_TRY(cell(part, i, at, number, size));
    if (lm__buffer_text(&part->xml, "</row>") != LM_OK) return no_memory(&part->error);
    return part->xml.size < LM_XLSX_PART_BYTES ? LM_OK : pack(part);
}

static lm_status rows(lm_sheet_part *part)
{
    for (int64_t i = 0; i < part->count; i++) {
        if (lm__cancel_requested(part->cancel))
            return lm__error_set(&part->error, LM_CANCELLED, "interrupted");
        LM_TRY(row(part, part->start + i));
    }
    return part->xml.size ? pack(part) : LM_OK;
}

static void part_run(lm_job *job)
{
    lm_sheet_part *part = (lm_sheet_part *)job;
    part->status = rows(part);
}

static void part_reset(lm_sheet_part *part)
{
    lm__batch_unref(part->batch);
    part->batch = NULL;
    part->busy = false;
    part->crc = 0;
    part->size = 0;
    lm__buffer_clear(&part->xml);
    lm__buffer_clear(&part->packed);
}

lm_status lm__sheet_parts_new(lm_xlsx_writer *writer, lm_error *error)
{
    int threads = lm__pool_threads(writer->pool);
    size_t count = threads > 1 ? (size_t)threads * 2 : 1;
    writer->parts = lm__alloc_zero(writer->allocator, count * sizeof *writer->parts);
    if (!writer->parts) return no_memory(error);
    writer->part_count = count;
    for (size_t i = 0; i < count; i++) {
        lm_sheet_part *part = &writer->parts[i];
        lm__buffer_init(&part->xml, writer->allocator, 0);
        lm__buffer_init(&part->scratch, writer->allocator, 0);
        lm__buffer_init(&part->packed, writer->allocator, 0);
        LM_TRY(lm__deflate_new(writer->allocator, writer->options.level, &part->deflate, error));
    }
    return LM_OK;
}

void lm__sheet_parts_free(lm_xlsx_writer *writer)
{
    if (!writer->parts) return;
    lm__sheet_parts_drop(writer);
    for (size_t i = 0; i < writer->part_count; i++) {
        lm_sheet_part *part = &writer->parts[i];
        lm__deflate_free(part->deflate);
        lm__buffer_deinit(&part->xml);
        lm__buffer_deinit(&part->scratch);
        lm__buffer_deinit(&part->packed);
        lm__free(writer->allocator, part->columns);
    }
    lm__free(writer->allocator, writer->parts);
}

/* Waits for the part, if it is under way, and writes it. */
static lm_status part_write(lm_xlsx_writer *writer, lm_sheet_part *part, lm_error *error)
{
    if (!part->busy) return LM_OK;
    lm__group_wait_helping(&part->group);
    lm_status status = part->status;
    if (status != LM_OK && error) *error = part->error;
    if (status == LM_OK)
        status = lm__zip_part(&writer->zip, &part->packed, part->crc, part->size, error);
    part_reset(part);
    return status;
}

lm_status lm__sheet_parts_add(lm_xlsx_writer *writer, const lm_sheet_plan *plan, lm_batch *batch,
                              int64_t start, int64_t count, uint64_t sheet_row, uint64_t table_row,
                              lm_error *error)
{
    lm_sheet_part *part = &writer->parts[writer->part_next];
    LM_TRY(part_write(writer, part, error));
    if (!lm__array_room(writer->allocator, &part->columns, &part->column_room, plan->column_count,
                        sizeof *part->columns))
        return no_memory(error);
    for (uint32_t i = 0; i < plan->column_count; i++)
        part->columns[i] = lm__batch_column(batch, (int32_t)i);
    part->plan = plan;
    part->batch = lm__batch_ref(batch);
    part->start = start;
    part->count = count;
    part->sheet_row = sheet_row;
    part->table_row = table_row;
    part->cancel = writer->options.cancel;
    part->busy = true;
    part->job.run = part_run;
    lm__group_init(&part->group, writer->pool);
    lm__group_submit(&part->group, &part->job);
    writer->part_next = (writer->part_next + 1) % writer->part_count;
    return LM_OK;
}

lm_status lm__sheet_parts_flush(lm_xlsx_writer *writer, lm_error *error)
{
    for (size_t i = 0; i < writer->part_count; i++)
        LM_TRY(part_write(writer, &writer->parts[(writer->part_next + i) % writer->part_count],
                          error));
    return LM_OK;
}

void lm__sheet_parts_drop(lm_xlsx_writer *writer)
{
    for (size_t i = 0; i < writer->part_count; i++) {
        if (!writer->parts[i].busy) continue;
        lm__group_wait(&writer->parts[i].group);
        part_reset(&writer->parts[i]);
    }
}

lm_status lm__xlsx_put(lm_xlsx_writer *writer, const lm_buffer *xml, lm_error *error)
{
    lm_buffer packed;
    if (xml->size == 0) return LM_OK;
    lm__buffer_init(&packed, writer->allocator, 0);
    lm_status status = lm__deflate_part(writer->deflate, xml->data, xml->size, &packed, error);
    if (status == LM_OK)
        status = lm__zip_part(&writer->zip, &packed,
                              lm__deflate_crc(writer->deflate, 0, xml->data, xml->size), xml->size,
                              error);
    lm__buffer_deinit(&packed);
    return status;
}
