/*
 * The package around the sheets: ECMA-376 part 2 (content types, relationships), and the workbook,
 * the styles and the tables of part 1, 18.2, 18.8 and 18.5. As little as Excel needs.
 */
#include <stdio.h>

#include "base/error.h"
#include "xlsx/text.h"
#include "xlsx/workbook.h"

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define MAIN_NAMESPACE "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define RELATIONS_HEAD                                                                             \
    XML_HEAD                                                                                       \
    "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
#define RELATION_TYPES "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define CONTENT_TYPES "application/vnd.openxmlformats-officedocument.spreadsheetml."

typedef lm_status package_part(const lm_xlsx_writer *writer, const void *context, lm_buffer *xml);

/* An entry whose whole text `make` appends. */
static lm_status put_part(lm_xlsx_writer *writer, const char *name, package_part *make,
                          const void *context, lm_error *error)
{
    lm_buffer xml;
    lm__buffer_init(&xml, writer->allocator, 0);
    lm_status status = make(writer, context, &xml);
    if (status != LM_OK)
        status = lm__error_memory(error, "writing a workbook");
    else
        status = lm__zip_entry(&writer->zip, writer->deflate, name, &xml, error);
    lm__buffer_deinit(&xml);
    return status;
}

static lm_status package_relations(const lm_xlsx_writer *writer, const void *context,
                                   lm_buffer *xml)
{
    (void)writer;
    (void)context;
    return lm__buffer_text(xml, RELATIONS_HEAD "<Relationship Id=\"rId1\" Type=\"" RELATION_TYPES
                                               "officeDocument\" Target=\"xl/workbook.xml\"/>"
                                               "</Relationships>");
}

lm_status lm__package_begin(lm_xlsx_writer *writer, lm_error *error)
{
    return put_part(writer, "_rels/.rels", package_relations, NULL, error);
}

static lm_status workbook_relations(const lm_xlsx_writer *writer, const void *context,
                                    lm_buffer *xml)
{
    (void)context;
    LM_TRY(lm__buffer_text(xml, RELATIONS_HEAD));
    for (uint32_t i = 1; i <= writer->sheet_count; i++)
        LM_TRY(lm__buffer_printf(xml,
                                 "<Relationship Id=\"rId%u\" Type=\"" RELATION_TYPES
                                 "worksheet\" Target=\"worksheets/sheet%u.xml\"/>",
                                 i, i));
    return lm__buffer_printf(xml,
                             "<Relationship Id=\"rId%u\" Type=\"" RELATION_TYPES
                             "styles\" Target=\"styles.xml\"/></Relationships>",
                             writer->sheet_count + 1);
}

/* "'it''s'!$A$1:$C$10", escaped. */
static lm_status filter_name(const lm_xlsx_sheet *sheet, uint32_t at, lm_buffer *xml)
{
    LM_TRY(lm__buffer_printf(xml,
                             "<definedName name=\"_xlnm._FilterDatabase\" localSheetId=\"%u\" "
                             "hidden=\"1\">'",
                             at));
    for (const char *rest = sheet->name; *rest;) {
        size_t run = strcspn(rest, "'");
        LM_TRY(lm__xlsx_attribute_append(xml, rest, run));
        rest += run;
        if (*rest && rest++) LM_TRY(lm__buffer_text(xml, "''"));
    }
    LM_TRY(lm__buffer_text(xml, "'!"));
    for (const char *c = sheet->filter; *c; c++) {
        bool digit = *c >= '0' && *c <= '9';
        bool before = c > sheet->filter && c[-1] >= '0' && c[-1] <= '9';
        bool letter = *c >= 'A' && *c <= 'Z';
        bool letter_before = c > sheet->filter && c[-1] >= 'A' && c[-1] <= 'Z';
        if ((digit && !before) || (letter && !letter_before)) LM_TRY(lm__buffer_byte(xml, '$'));
        LM_TRY(lm__buffer_byte(xml, (uint8_t)*c));
    }
    return lm__buffer_text(xml, "</definedName>");
}

static lm_status workbook(const lm_xlsx_writer *writer, const void *context, lm_buffer *xml)
{
    uint32_t at = 0;
    bool filters = false;
    (void)context;
    LM_TRY(lm__buffer_text(xml, XML_HEAD "<workbook xmlns=\"" MAIN_NAMESPACE
                                         "\" xmlns:r=\"http://schemas.openxmlformats.org/"
                                         "officeDocument/2006/relationships\">"
                                         "<bookViews><workbookView/></bookViews><sheets>"));
    for (const lm_xlsx_sheet *sheet = writer->first; sheet; sheet = sheet->next) {
        LM_TRY(lm__buffer_text(xml, "<sheet name=\""));
        LM_TRY(lm__xlsx_attribute_append(xml, sheet->name, strlen(sheet->name)));
        at++;
        LM_TRY(lm__buffer_printf(xml, "\" sheetId=\"%u\" r:id=\"rId%u\"/>", at, at));
        filters = filters || sheet->filter[0];
    }
    LM_TRY(lm__buffer_text(xml, "</sheets>"));
    if (filters) LM_TRY(lm__buffer_text(xml, "<definedNames>"));
    at = 0;
    for (const lm_xlsx_sheet *sheet = writer->first; sheet; sheet = sheet->next, at++)
        if (sheet->filter[0]) LM_TRY(filter_name(sheet, at, xml));
    if (filters) LM_TRY(lm__buffer_text(xml, "</definedNames>"));
    return lm__buffer_text(xml, "</workbook>");
}

/* Number formats of one's own have numbers from 164 on (18.8.30). */
static lm_status styles(const lm_xlsx_writer *writer, const void *context, lm_buffer *xml)
{
    enum { FORMAT_FIRST = 164 };
    uint32_t id = FORMAT_FIRST;
    (void)context;
    LM_TRY(lm__buffer_text(xml, XML_HEAD "<styleSheet xmlns=\"" MAIN_NAMESPACE "\">"));
    if (writer->formats)
        LM_TRY(lm__buffer_printf(xml, "<numFmts count=\"%u\">", writer->format_count));
    for (const lm_xlsx_format *format = writer->formats; format; format = format->next) {
        LM_TRY(lm__buffer_printf(xml, "<numFmt numFmtId=\"%u\" formatCode=\"", id++));
        LM_TRY(lm__xlsx_attribute_append(xml, format->code, strlen(format->code)));
        LM_TRY(lm__buffer_text(xml, "\"/>"));
    }
    if (writer->formats) LM_TRY(lm__buffer_text(xml, "</numFmts>"));
    LM_TRY(lm__buffer_printf(
        xml,
        "<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font>"
        "<font><b/><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font></fonts>"
        "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>"
        "<fill><patternFill patternType=\"gray125\"/></fill></fills>"
        "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
        "<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>"
        "</cellStyleXfs><cellXfs count=\"%u\">"
        "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>"
        "<xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>",
        writer->format_count + LM_XLSX_STYLE_FIRST));
    for (uint32_t i = 0; i < writer->format_count; i++)
        LM_TRY(lm__buffer_printf(xml,
                                 "<xf numFmtId=\"%u\" fontId=\"0\" fillId=\"0\" borderId=\"0\" "
                                 "xfId=\"0\" applyNumberFormat=\"1\"/>",
                                 FORMAT_FIRST + i));
    return lm__buffer_text(xml, "</cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" "
                                "xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>");
}

static lm_status content_types(const lm_xlsx_writer *writer, const void *context, lm_buffer *xml)
{
    (void)context;
    LM_TRY(lm__buffer_text(
        xml,
        XML_HEAD "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
                 "<Default Extension=\"rels\" "
                 "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
                 "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
                 "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" CONTENT_TYPES
                 "sheet.main+xml\"/><Override PartName=\"/xl/styles.xml\" "
                 "ContentType=\"" CONTENT_TYPES "styles+xml\"/>"));
    for (uint32_t i = 1; i <= writer->sheet_count; i++)
        LM_TRY(lm__buffer_printf(xml,
                                 "<Override PartName=\"/xl/worksheets/sheet%u.xml\" "
                                 "ContentType=\"" CONTENT_TYPES "worksheet+xml\"/>",
                                 i));
    for (uint32_t i = 1; i <= writer->table_count; i++)
        LM_TRY(lm__buffer_printf(xml,
                                 "<Override PartName=\"/xl/tables/table%u.xml\" "
                                 "ContentType=\"" CONTENT_TYPES "table+xml\"/>",
                                 i));
    return lm__buffer_text(xml, "</Types>");
}

lm_status lm__package_end(lm_xlsx_writer *writer, lm_error *error)
{
    LM_TRY(put_part(writer, "xl/workbook.xml", workbook, NULL, error));
    LM_TRY(put_part(writer, "xl/_rels/workbook.xml.rels", workbook_relations, NULL, error));
    LM_TRY(put_part(writer, "xl/styles.xml", styles, NULL, error));
    LM_TRY(put_part(writer, "[Content_Types].xml", content_types, NULL, error));
    return lm__zip_finish(&writer->zip, error);
}

typedef struct table_context {
    const lm_sheet_plan *plan;
    const char *name, *range;
} table_context;

static lm_status table(const lm_xlsx_writer *writer, const void *context, lm_buffer *xml)
{
    const table_context *made = context;
    LM_TRY(lm__buffer_printf(xml, XML_HEAD "<table xmlns=\"" MAIN_NAMESPACE "\" id=\"%u\" name=\"",
                             writer->table_count));
    LM_TRY(lm__xlsx_attribute_append(xml, made->name, strlen(made->name)));
    LM_TRY(lm__buffer_text(xml, "\" displayName=\""));
    LM_TRY(lm__xlsx_attribute_append(xml, made->name, strlen(made->name)));
    LM_TRY(lm__buffer_printf(xml,
                             "\" ref=\"%s\" totalsRowShown=\"0\"><autoFilter ref=\"%s\"/>"
                             "<tableColumns count=\"%u\">",
                             made->range, made->range, made->plan->column_count));
    for (uint32_t i = 0; i < made->plan->column_count; i++) {
        LM_TRY(lm__buffer_printf(xml, "<tableColumn id=\"%u\" name=\"", i + 1));
        const lm_field *field = made->plan->columns[i].field;
        LM_TRY(lm__xlsx_attribute_append(xml, field->name, field->name_size));
        LM_TRY(lm__buffer_text(xml, "\"/>"));
    }
    return lm__buffer_text(xml, "</tableColumns><tableStyleInfo name=\"TableStyleMedium2\" "
                                "showFirstColumn=\"0\" showLastColumn=\"0\" showRowStripes=\"1\" "
                                "showColumnStripes=\"0\"/></table>");
}

static lm_status sheet_relations(const lm_xlsx_writer *writer, const void *context, lm_buffer *xml)
{
    (void)context;
    return lm__buffer_printf(xml,
                             RELATIONS_HEAD "<Relationship Id=\"rId1\" Type=\"" RELATION_TYPES
                                            "table\" Target=\"../tables/table%u.xml\"/>"
                                            "</Relationships>",
                             writer->table_count);
}

lm_status lm__package_table(lm_xlsx_writer *writer, const lm_sheet_plan *plan, const char *name,
                            const char *range, lm_error *error)
{
    char entry[64];
    const table_context context = {plan, name, range};
    writer->table_count++;
    snprintf(entry, sizeof entry, "xl/tables/table%u.xml", writer->table_count);
    LM_TRY(put_part(writer, entry, table, &context, error));
    snprintf(entry, sizeof entry, "xl/worksheets/_rels/sheet%u.xml.rels", writer->sheet_count);
    return put_part(writer, entry, sheet_relations, NULL, error);
}
