/*
 * A stream becomes a sheet, or several: what comes before the rows, the rows in parts (part.c), and
 * what comes after them. ECMA-376 part 1, 18.3; the order of the elements is that of CT_Worksheet.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "xlsx/text.h"
#include "xlsx/workbook.h"

typedef struct sheet_state {
    lm_xlsx_writer *writer;
    const lm_xlsx_sheet_options *options;
    lm_sheet_plan plan;
    lm_xlsx_sheet *sheet; /* that is open */
    uint64_t sheet_rows;  /* in it, the header too */
    uint64_t table_rows;  /* of the stream */
    unsigned number;      /* of the sheets of this stream */
    lm_buffer xml;
    lm_error *error;
} sheet_state;

static lm_status no_memory(const sheet_state *s)
{
    return lm__error_memory(s->error, "writing a sheet");
}

static lm_status put_columns(sheet_state *s)
{
    bool any = false;
    for (uint32_t i = 0; i < s->plan.column_count; i++) {
        double width = s->plan.columns[i].width;
        if (width <= 0) continue;
        char number[LM_DOUBLE_TEXT_MAX + 1];
        number[lm__double_text(width, number)] = '\0';
        LM_TRY(lm__buffer_printf(&s->xml,
                                 "%s<col min=\"%u\" max=\"%u\" width=\"%s\" customWidth=\"1\"/>",
                                 any ? "" : "<cols>", i + 1, i + 1, number));
        any = true;
    }
    return any ? lm__buffer_text(&s->xml, "</cols>") : LM_OK;
}

static lm_status put_head(sheet_state *s, bool selected)
{
    lm_buffer *xml = &s->xml;
    LM_TRY(lm__buffer_text(
        xml, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
             "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" "
             "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">"
             "<sheetViews>"));
    LM_TRY(lm__buffer_printf(xml, "<sheetView%s workbookViewId=\"0\">",
                             selected ? " tabSelected=\"1\"" : ""));
    if (!s->options->no_header && !s->options->no_freeze)
        LM_TRY(lm__buffer_text(xml,
                               "<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\""
                               " state=\"frozen\"/><selection pane=\"bottomLeft\"/>"));
    LM_TRY(lm__buffer_text(xml, "</sheetView></sheetViews><sheetFormatPr "
                                "defaultRowHeight=\"15\"/>"));
    LM_TRY(put_columns(s));
    return lm__buffer_text(xml, "<sheetData>");
}

static lm_status put_header(sheet_state *s)
{
    LM_TRY(lm__buffer_text(&s->xml, "<row r=\"1\">"));
    for (uint32_t i = 0; i < s->plan.column_count; i++) {
        lm_cell_column column = s->plan.columns[i];
        lm_cell cell = {.kind = LM_CELL_IS_TEXT,
                        .text = (const uint8_t *)column.field->name,
                        .size = column.field->name_size};
        column.style = s->options->plain_header ? LM_XLSX_STYLE_PLAIN : LM_XLSX_STYLE_HEADER;
        lm__cell_frames(&column);
        LM_TRY(lm__cell_append(&column, &cell, "1", 1, &s->xml));
    }
    return lm__buffer_text(&s->xml, "</row>");
}

static lm_status flush_xml(sheet_state *s)
{
    lm_status status = lm__xlsx_put(s->writer, &s->xml, s->error);
    lm__buffer_clear(&s->xml);
    return status;
}

/* The sheet's name, not taken yet. */
static lm_status name_sheet(sheet_state *s, char name[LM_XLSX_SHEET_NAME_BYTES])
{
    const char *asked = s->options->name ? s->options->name : "data";
    if (++s->number == 1) {
        LM_TRY(lm__xlsx_sheet_name_check(asked, s->error));
        strcpy(name, asked);
    } else {
        lm__xlsx_sheet_name_numbered(asked, s->number, name);
    }
    for (const lm_xlsx_sheet *other = s->writer->first; other; other = other->next)
        if (lm__xlsx_same_name(other->name, name))
            return lm__error_set(s->error, LM_INVALID,
                                 "two sheets would be called \"%s\" (case does not count)", name);
    return LM_OK;
}

static bool table_is_taken(const sheet_state *s, const char *name)
{
    for (const lm_xlsx_sheet *other = s->writer->first; other; other = other->next)
        if (other->table && lm__xlsx_same_name(other->table, name)) return true;
    return false;
}

/* The name that was asked for; tables further on get a number behind it. */
static lm_status name_table(sheet_state *s, const char **name)
{
    lm_arena *arena = &s->writer->arena;
    if (!s->options->table) return LM_OK;
    *name = lm__arena_strdup(arena, s->options->table);
    for (unsigned number = 2; *name && table_is_taken(s, *name); number++)
        *name = lm__arena_printf(arena, "%s_%u", s->options->table, number);
    return *name ? LM_OK : no_memory(s);
}

static lm_status begin_sheet(sheet_state *s)
{
    lm_xlsx_writer *writer = s->writer;
    char name[LM_XLSX_SHEET_NAME_BYTES], entry[48];
    const char *table = NULL;
    LM_TRY(name_sheet(s, name));
    LM_TRY(name_table(s, &table));
    lm_xlsx_sheet *sheet = lm__arena_zero(&writer->arena, sizeof *sheet);
    if (!sheet || !(sheet->name = lm__arena_strdup(&writer->arena, name))) return no_memory(s);
    sheet->table = table;
    *writer->last = sheet;
    writer->last = &sheet->next;
    writer->sheet_count++;
    s->sheet = sheet;
    s->sheet_rows = s->options->no_header ? 0 : 1;
    if (writer->sheet_count == 1) LM_TRY(lm__package_begin(writer, s->error));
    snprintf(entry, sizeof entry, "xl/worksheets/sheet%u.xml", writer->sheet_count);
    LM_TRY(lm__zip_begin(&writer->zip, entry, s->error));
    if (put_head(s, writer->sheet_count == 1) != LM_OK) return no_memory(s);
    if (!s->options->no_header && put_header(s) != LM_OK) return no_memory(s);
    return flush_xml(s);
}

static lm_status put_end(sheet_state *s, const char *range)
{
    LM_TRY(lm__buffer_text(&s->xml, "</sheetData>"));
    if (s->sheet->filter[0]) LM_TRY(lm__buffer_printf(&s->xml, "<autoFilter ref=\"%s\"/>", range));
    if (s->sheet->table)
        LM_TRY(lm__buffer_text(&s->xml, "<tableParts count=\"1\"><tablePart r:id=\"rId1\"/>"
                                        "</tableParts>"));
    return lm__buffer_text(&s->xml, "</worksheet>");
}

static lm_status end_sheet(sheet_state *s)
{
    char range[LM_XLSX_RANGE_TEXT_MAX];
    /* A table has a row below its header, be it a blank one. */
    uint64_t rows = s->sheet_rows > 1 ? s->sheet_rows : s->sheet->table ? 2 : 1;
    LM_TRY(lm__sheet_parts_flush(s->writer, s->error));
    lm__xlsx_range(s->plan.column_count, rows, range);
    if (s->options->filter && !s->sheet->table && !s->options->no_header)
        strcpy(s->sheet->filter, range);
    if (put_end(s, range) != LM_OK) return no_memory(s);
    LM_TRY(flush_xml(s));
    LM_TRY(lm__zip_end(&s->writer->zip, s->error));
    return s->sheet->table
               ? lm__package_table(s->writer, &s->plan, s->sheet->table, range, s->error)
               : LM_OK;
}

static lm_status next_sheet(sheet_state *s)
{
    if (!s->options->split)
        return lm__error_set(s->error, LM_DATA,
                             "row %llu: a sheet holds %d rows with its header; have the rows split "
                             "into several sheets, or write CSV or Parquet",
                             (unsigned long long)s->table_rows, LM_XLSX_ROWS_MAX);
    LM_TRY(end_sheet(s));
    return begin_sheet(s);
}

static lm_status add_batch(sheet_state *s, lm_batch *batch)
{
    int64_t rows = lm__batch_rows(batch);
    int64_t at_once = LM_XLSX_PART_CELLS / s->plan.column_count;
    if (at_once < 1) at_once = 1;
    for (int64_t at = 0; at < rows;) {
        if (s->sheet_rows == LM_XLSX_ROWS_MAX) LM_TRY(next_sheet(s));
        int64_t some = rows - at < at_once ? rows - at : at_once;
        int64_t room = (int64_t)(LM_XLSX_ROWS_MAX - s->sheet_rows);
        if (some > room) some = room;
        LM_TRY(lm__sheet_parts_add(s->writer, &s->plan, batch, at, some, s->sheet_rows + 1,
                                   s->table_rows, s->error));
        at += some;
        s->sheet_rows += (uint64_t)some;
        s->table_rows += (uint64_t)some;
    }
    return LM_OK;
}

static lm_status add_stream(sheet_state *s, lm_stream *stream)
{
    lm_batch *batch;
    LM_TRY(lm__stream_next(stream, &batch, s->error));
    lm_status status = LM_OK;
    if (!s->options->no_widths) status = lm__sheet_plan_widths(&s->plan, batch, s->error);
    if (status == LM_OK) status = begin_sheet(s);
    while (status == LM_OK && batch) {
        status = add_batch(s, batch);
        lm__batch_unref(batch);
        batch = NULL;
        if (status == LM_OK) status = lm__stream_next(stream, &batch, s->error);
    }
    lm__batch_unref(batch);
    return status == LM_OK ? end_sheet(s) : status;
}

lm_status lm__sheet_write(lm_xlsx_writer *writer, lm_stream *stream,
                          const lm_xlsx_sheet_options *options, uint64_t *rows, lm_error *error)
{
    sheet_state s = {.writer = writer, .options = options, .error = error};
    lm_arena arena;
    lm__arena_init(&arena, writer->allocator, 0);
    lm__buffer_init(&s.xml, writer->allocator, 0);
    lm_status status = lm__sheet_plan_make(writer, &arena, stream->schema, options, &s.plan, error);
    if (status == LM_OK) status = add_stream(&s, stream);
    lm__sheet_parts_drop(writer);
    writer->rows += s.table_rows;
    if (rows) *rows = s.table_rows;
    lm__buffer_deinit(&s.xml);
    lm__arena_deinit(&arena);
    return status;
}
