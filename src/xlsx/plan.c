/* How the columns of a sheet are written; see workbook.h. */
#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "xlsx/workbook.h"

static bool way_of(const lm_field *field, lm_cell_way *way)
{
    switch (field->type.id) {
    case LM_TYPE_NULL: *way = LM_CELL_NOTHING; return true;
    case LM_TYPE_BOOL: *way = LM_CELL_BOOL; return true;
    case LM_TYPE_INT8:
    case LM_TYPE_INT16:
    case LM_TYPE_INT32:
    case LM_TYPE_INT64: *way = LM_CELL_SIGNED; return true;
    case LM_TYPE_UINT8:
    case LM_TYPE_UINT16:
    case LM_TYPE_UINT32:
    case LM_TYPE_UINT64: *way = LM_CELL_UNSIGNED; return true;
    case LM_TYPE_FLOAT16: *way = LM_CELL_HALF; return true;
    case LM_TYPE_FLOAT32: *way = LM_CELL_FLOAT; return true;
    case LM_TYPE_FLOAT64: *way = LM_CELL_DOUBLE; return true;
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256: *way = LM_CELL_DECIMAL; return true;
    case LM_TYPE_UTF8:
    case LM_TYPE_LARGE_UTF8:
    case LM_TYPE_UTF8_VIEW: *way = LM_CELL_TEXT; return true;
    case LM_TYPE_BINARY:
    case LM_TYPE_LARGE_BINARY:
    case LM_TYPE_BINARY_VIEW:
    case LM_TYPE_FIXED_BINARY:
        *way = lm__field_is_uuid(field) ? LM_CELL_UUID : LM_CELL_BINARY;
        return true;
    case LM_TYPE_DATE32:
    case LM_TYPE_DATE64: *way = LM_CELL_DATE; return true;
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: *way = LM_CELL_TIME; return true;
    case LM_TYPE_TIMESTAMP: *way = LM_CELL_TIMESTAMP; return true;
    case LM_TYPE_DURATION: *way = LM_CELL_DURATION; return true;
    case LM_TYPE_INTERVAL_MONTHS:
    case LM_TYPE_INTERVAL_DAY_TIME:
    case LM_TYPE_INTERVAL_MONTH_DAY_NANO: *way = LM_CELL_INTERVAL; return true;
    default: *way = LM_CELL_JSON; return field->type.layout != LM_LAYOUT_UNION;
    }
}

static const lm_field *value_field(const lm_field *field)
{
    for (;;) {
        if (field->type.id == LM_TYPE_DICTIONARY)
            field = field->dictionary;
        else if (field->type.id == LM_TYPE_RUN_END_ENCODED)
            field = &field->children[1];
        else
            return field;
    }
}

static const char *format_of(const lm_xlsx_sheet_options *options, lm_cell_way way)
{
    switch (way) {
    case LM_CELL_DATE: return options->date_format ? options->date_format : "yyyy-mm-dd";
    case LM_CELL_TIMESTAMP:
        return options->timestamp_format ? options->timestamp_format : "yyyy-mm-dd hh:mm:ss";
    case LM_CELL_TIME: return options->time_format ? options->time_format : "hh:mm:ss";
    case LM_CELL_DURATION: return options->duration_format ? options->duration_format : "[h]:mm:ss";
    case LM_CELL_SIGNED:
    case LM_CELL_UNSIGNED: return options->integer_format;
    case LM_CELL_HALF:
    case LM_CELL_FLOAT:
    case LM_CELL_DOUBLE: return options->float_format;
    case LM_CELL_DECIMAL: return options->decimal_format;
    default: return NULL;
    }
}

static const lm_xlsx_column *settings_of(const lm_xlsx_sheet_options *options, const char *name)
{
    for (size_t i = 0; i < options->column_count; i++)
        if (strcmp(options->columns[i].name, name) == 0) return &options->columns[i];
    return NULL;
}

static lm_status column_make(lm_xlsx_writer *writer, lm_arena *arena, const lm_sheet_plan *plan,
                             uint32_t at, lm_error *error)
{
    lm_cell_column *column = &plan->columns[at];
    const lm_xlsx_sheet_options *options = plan->options;
    column->field = &plan->schema->root.children[at];
    column->value_field = value_field(column->field);
    column->options = options;
    lm_path path = {NULL, column->field->name};
    char type[LM_TYPE_TEXT_MAX];
    if (!way_of(column->value_field, &column->way))
        return lm__path_error(error, LM_SCHEMA, &path,
                              "its type, %s, has no place in a cell; leave it out or make text of "
                              "it",
                              lm__type_text_short(column->value_field, type));
    if (column->way == LM_CELL_BINARY && options->binary == LM_XLSX_BINARY_REFUSE)
        return lm__path_error(error, LM_SCHEMA, &path, "it is binary, which is to be refused");
    if (column->way == LM_CELL_JSON && options->refuse_nested)
        return lm__path_error(error, LM_SCHEMA, &path, "it is nested, which is to be refused");
    if (column->way == LM_CELL_JSON || column->way == LM_CELL_INTERVAL)
        LM_TRY(lm__value_json_make(arena, column->value_field, &path, &column->json, error));
    const lm_xlsx_column *settings = settings_of(options, column->field->name);
    const char *format =
        settings && settings->format ? settings->format : format_of(options, column->way);
    if (format && !(column->style = lm__xlsx_style(writer, format)))
        return lm__error_memory(error, "opening a sheet");
    column->width = settings ? settings->width : 0;
    lm__xlsx_letters(at, column->letters);
    lm__cell_frames(column);
    return LM_OK;
}

static lm_status settings_check(const lm_sheet_plan *plan, lm_error *error)
{
    const lm_xlsx_sheet_options *options = plan->options;
    for (size_t i = 0; i < options->column_count; i++) {
        const char *name = options->columns[i].name;
        if (lm__field_find(&plan->schema->root, name, strlen(name)) == -1)
            return lm__error_set(error, LM_INVALID, "the table has no column %s to be formatted",
                                 name);
    }
    if (!options->table) return LM_OK;
    LM_TRY(lm__xlsx_table_name_check(options->table, error));
    if (options->no_header)
        return lm__error_set(error, LM_INVALID, "an Excel table needs the header");
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const char *name = plan->schema->root.children[i].name;
        for (uint32_t j = 0; j < i; j++)
            if (lm__xlsx_same_name(name, plan->schema->root.children[j].name))
                return lm__error_set(error, LM_SCHEMA,
                                     "columns %u and %u are both called \"%s\", and those of an "
                                     "Excel table differ, in more than upper and lower case",
                                     j + 1, i + 1, name);
        if (!*name)
            return lm__error_set(error, LM_SCHEMA,
                                 "column %u has no name, and those of an Excel table have one",
                                 i + 1);
    }
    return LM_OK;
}

lm_status lm__sheet_plan_make(lm_xlsx_writer *writer, lm_arena *arena, const lm_schema *schema,
                              const lm_xlsx_sheet_options *options, lm_sheet_plan *plan,
                              lm_error *error)
{
    int32_t count = schema->root.n_children;
    *plan = (lm_sheet_plan){.schema = schema, .options = options};
    if (count < 1) return lm__error_set(error, LM_SCHEMA, "a sheet needs a column");
    if (count > LM_XLSX_COLUMNS_MAX)
        return lm__error_set(error, LM_SCHEMA,
                             "the table has %d columns, and a sheet holds %d: leave some out",
                             (int)count, LM_XLSX_COLUMNS_MAX);
    plan->column_count = (uint32_t)count;
    plan->columns = lm__arena_array(arena, (size_t)count, sizeof *plan->columns);
    if (!plan->columns) return lm__error_memory(error, "opening a sheet");
    memset(plan->columns, 0, (size_t)count * sizeof *plan->columns);
    LM_TRY(settings_check(plan, error));
    for (uint32_t i = 0; i < plan->column_count; i++)
        LM_TRY(column_make(writer, arena, plan, i, error));
    return LM_OK;
}

/* The width of the widest value in the sample and of the name; a little room beside it. */
static lm_status column_width(lm_sheet_plan *plan, lm_cell_column *column, const lm_array *array,
                              lm_buffer *scratch, lm_error *error)
{
    enum { WIDTH_MIN = 8, WIDTH_MAX = 60, BUTTON = 3 };
    const lm_xlsx_sheet_options *options = plan->options;
    double widest = WIDTH_MIN;
    lm_cell cell = {.kind = LM_CELL_IS_TEXT,
                    .text = (const uint8_t *)column->field->name,
                    .size = column->field->name_size};
    double name = lm__cell_width(column, &cell);
    if (options->filter || options->table) name += BUTTON;
    if (!options->no_header && name > widest) widest = name;
    for (int64_t i = 0; array && i < array->length && i < LM_XLSX_SAMPLE_ROWS; i++) {
        LM_TRY(lm__cell_make(column, array, i, scratch, &cell, error));
        double width = cell.kind == LM_CELL_BLANK ? 0 : lm__cell_width(column, &cell);
        if (width > widest) widest = width;
    }
    column->width = widest < WIDTH_MAX ? widest + 1 : WIDTH_MAX;
    return LM_OK;
}

lm_status lm__sheet_plan_widths(lm_sheet_plan *plan, const lm_batch *batch, lm_error *error)
{
    lm_buffer scratch;
    lm_status status = LM_OK;
    lm__buffer_init(&scratch, batch ? batch->allocator : NULL, 0);
    for (uint32_t i = 0; status == LM_OK && i < plan->column_count; i++) {
        lm_array array;
        if (plan->columns[i].width > 0) continue;
        if (batch) array = lm__batch_column(batch, (int32_t)i);
        lm_error ignored; /* a value that cannot be written is told with its place later */
        status = column_width(plan, &plan->columns[i], batch ? &array : NULL, &scratch, &ignored);
        if (status == LM_DATA) status = LM_OK;
    }
    lm__buffer_deinit(&scratch);
    return status == LM_OK ? LM_OK : lm__error_memory(error, "opening a sheet");
}
