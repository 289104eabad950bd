/* The plan of a reader; see open.h. */
#include "csv/open.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "csv/head.h"

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "reading CSV"); }

/* The first row's cells. */
typedef struct first_row {
    lm_csv_span *spans;
    lm_csv_row row;
    size_t at;    /* where it begins */
    size_t lines; /* before it */
} first_row;

/* Of a file without a row, whose columns a schema tells: cells without text. */
static lm_status take_no_row(lm_arena *arena, size_t columns, size_t at, first_row *first,
                             lm_error *error)
{
    *first = (first_row){.at = at, .row = {.cells = columns, .end = at}};
    first->spans = lm__arena_array(arena, columns + 1, sizeof *first->spans);
    if (!first->spans) return no_memory(error);
    memset(first->spans, 0, (columns + 1) * sizeof *first->spans);
    return LM_OK;
}

/* `columns`: how many a schema tells of a text that has neither a header nor a row; else 0. */
static lm_status take_first_row(lm_arena *arena, const lm_csv_plan *plan, const char *name,
                                size_t columns, uint8_t *sample, size_t size, bool last,
                                first_row *first, lm_error *error)
{
    *first = (first_row){0};
    while (lm__csv_row_empty(sample, size, first->at, &first->at)) first->lines++;
    if (first->at == size && columns) return take_no_row(arena, columns, size, first, error);
    if (first->at == size)
        return lm__error_set(error, LM_DATA, "%s: it is empty: a CSV has at least a header", name);
    lm_csv_walk result =
        lm__csv_row_walk(&plan->dialect, sample, size, first->at, last, NULL, 0, &first->row);
    if (result != LM_CSV_ROW)
        return lm__error_set(error, LM_DATA, "%s: line %zu: %s", name, first->lines + 1,
                             result == LM_CSV_UNCLOSED
                                 ? "a quote is opened and never closed"
                                 : "the first row is longer than the sample; take a larger one");
    if (first->row.cells > LM_ARROW_CHILDREN_MAX)
        return lm__error_set(error, LM_LIMIT,
                             "%s: line %zu: it has %zu cells, and a table has at "
                             "most %d columns",
                             name, first->lines + 1, first->row.cells, LM_ARROW_CHILDREN_MAX);
    first->spans = lm__arena_array(arena, first->row.cells, sizeof *first->spans);
    return first->spans ? LM_OK : no_memory(error);
}

/* Columns are called by the header's cells, else column1, column2, … */
static const char *column_name(lm_arena *arena, const lm_csv_plan *plan, const first_row *first,
                               const uint8_t *text, size_t column)
{
    char made[32];
    size_t size = lm__csv_span_size(first->spans[column]);
    if (plan->header && size > 0)
        return lm__arena_strndup(arena, (const char *)text + first->spans[column].at, size);
    int length = snprintf(made, sizeof made, "column%zu", column + 1);
    return lm__arena_strndup(arena, made, (size_t)length);
}

static lm_status check_name(const char *name, const uint8_t *text, lm_csv_span span, size_t column,
                            size_t line, lm_error *error)
{
    size_t size = lm__csv_span_size(span);
    const uint8_t *cell = text + span.at;
    size_t valid = lm__utf8_valid_prefix(cell, size);
    if (valid < size)
        return lm__error_set(error, LM_DATA,
                             "%s: line %zu: the name of column %zu is not UTF-8 (0x%02x): convert "
                             "the file first (iconv -f latin1 -t utf-8, if that is what it is)",
                             name, line, column + 1, cell[valid]);
    if (size > LM_ARROW_NAME_BYTES_MAX || memchr(cell, 0, size))
        return lm__error_set(error, LM_DATA,
                             "%s: line %zu: the name of column %zu %s; say that there is no header",
                             name, line, column + 1,
                             size > LM_ARROW_NAME_BYTES_MAX ? "is too long" : "has a NUL in it");
    return LM_OK;
}

/* The field that a schema has for a column, by its name or else by its place; NULL where it has
 * none. */
static lm_status given_field(const lm_schema *schema, bool by_name, const lm_csv_plan *plan,
                             const char *file, const char *name, size_t column,
                             const lm_field **field, lm_error *error)
{
    *field = NULL;
    if (!schema) return LM_OK;
    const lm_field *root = &schema->root;
    int32_t at = (int32_t)column;
    if (by_name) {
        at = lm__field_find(root, name, strlen(name));
        if (at == -2)
            return lm__error_set(error, LM_SCHEMA, "%s: column %s is more than once in the schema",
                                 file, name);
    } else if ((size_t)root->n_children != plan->n_columns) {
        return lm__error_set(error, LM_SCHEMA,
                             "%s: it has %zu columns without names, and the schema has %d", file,
                             plan->n_columns, root->n_children);
    }
    if (at >= 0) *field = &root->children[at];
    return LM_OK;
}

static lm_status make_schema(const lm_allocator *allocator, lm_csv_plan *plan, size_t columns,
                             lm_error *error)
{
    LM_TRY(lm__schema_new(allocator, &plan->schema, error));
    lm_field *fields =
        lm__field_children(&plan->schema->arena, &plan->schema->root, (int32_t)columns);
    return fields ? LM_OK : no_memory(error);
}

/* Types that are made by a cast are read as text. */
static lm_type read_type(const lm_type *type)
{
    return lm__csv_convert(type) ? *type : lm__type_make(LM_TYPE_UTF8);
}

static lm_status make_columns(lm_arena *arena, const lm_allocator *allocator,
                              const lm_csv_read_options *options, const char *file,
                              const first_row *first, const uint8_t *text, lm_csv_plan *plan,
                              bool *narrow, lm_error *error)
{
    *narrow = false;
    plan->n_columns = first->row.cells;
    plan->columns = lm__arena_array(arena, plan->n_columns, sizeof *plan->columns);
    if (!plan->columns) return no_memory(error);
    LM_TRY(make_schema(allocator, plan, plan->n_columns, error));
    for (size_t i = 0; i < plan->n_columns; i++) {
        const lm_field *given, *found;
        lm_field *field = &plan->schema->root.children[i];
        if (plan->header)
            LM_TRY(check_name(file, text, first->spans[i], i, first->lines + 1, error));
        const char *name = column_name(arena, plan, first, text, i);
        if (!name) return no_memory(error);
        LM_TRY(given_field(options->schema, plan->header, plan, file, name, i, &given, error));
        LM_TRY(given_field(options->found, false, plan, file, name, i, &found, error));
        const bool strict = found && !given;
        if (found) given = found;
        lm_type type = given ? read_type(&given->type) : lm__type_make(LM_TYPE_UTF8);
        if (!lm__field_init(&plan->schema->arena, field, given ? given->name : name, type, true))
            return no_memory(error);
        plan->columns[i] =
            (lm_csv_column){.field = field, .strict = strict, .open = !given && !options->all_text};
        *narrow = *narrow || plan->columns[i].open;
    }
    return lm__schema_seal(plan->schema, error);
}

static lm_status take_options(lm_arena *arena, const lm_csv_read_options *options,
                              lm_csv_plan *plan, lm_error *error)
{
    size_t count = options->null_texts ? options->null_count : 1;
    const char **texts = lm__arena_array(arena, count + 1, sizeof *texts);
    if (!texts) return no_memory(error);
    for (size_t i = 0; i < count; i++) {
        texts[i] = lm__arena_strdup(arena, options->null_texts ? options->null_texts[i] : "");
        if (!texts[i]) return no_memory(error);
    }
    plan->null_texts = texts;
    plan->null_count = count;
    plan->null_empty_only = count == 1 && texts[0][0] == '\0';
    plan->ragged = options->ragged;
    plan->replace_invalid = options->replace_invalid;
    return LM_OK;
}

static lm_status check_encoding(const char *name, const uint8_t *sample, size_t size,
                                lm_error *error)
{
    const uint8_t first[4] = {size > 0 ? sample[0] : 1, size > 1 ? sample[1] : 1,
                              size > 2 ? sample[2] : 1, size > 3 ? sample[3] : 1};
    bool little = first[0] == 0xff && first[1] == 0xfe, big = first[0] == 0xfe && first[1] == 0xff;
    bool wide = little && first[2] == 0 && first[3] == 0;
    /* Without a mark every other byte of ASCII is zero. */
    if (!little && !big) {
        little = first[0] && !first[1] && first[2] && !first[3];
        big = !first[0] && first[1] && !first[2] && first[3];
    }
    if (memcmp(first, "PK\3\4", 4) == 0)
        return lm__error_set(error, LM_DATA,
                             "%s: it is a zip archive, or a workbook (XLSX), and no CSV", name);
    if (!little && !big) return LM_OK;
    const char *encoding = wide ? "utf-32" : little ? "utf-16le" : "utf-16be";
    return lm__error_set(error, LM_DATA,
                         "%s: it is %s, and only UTF-8 is read: convert it first (iconv -f %s -t "
                         "utf-8)",
                         name, wide ? "UTF-32" : "UTF-16",
                         first[0] >= 0xfe ? (wide ? "utf-32" : "utf-16") : encoding);
}

/* Spreadsheets take a first line "sep=;" for what separates cells, and some write it: its bytes. */
static size_t separator_line(const uint8_t *sample, size_t size, char *separator)
{
    if (size < 6 || memcmp(sample, "sep=", 4) != 0) return 0;
    if (sample[5] != '\n' && sample[5] != '\r') return 0;
    *separator = (char)sample[4];
    return 6 + (size > 6 && sample[5] == '\r' && sample[6] == '\n');
}

/* The bytes of the lines at the beginning that are passed over. */
static lm_status skip_lines(const char *name, const uint8_t *sample, size_t size, bool last,
                            size_t lines, size_t *skipped, lm_error *error)
{
    size_t at = 0;
    for (size_t i = 0; i < lines; i++) {
        while (at < size && sample[at] != '\n' && sample[at] != '\r') at++;
        if (at == size && !last)
            return lm__error_set(error, LM_LIMIT,
                                 "%s: the lines to pass over are longer than the sample", name);
        if (at == size) break;
        at += 1 + (sample[at] == '\r' && at + 1 < size && sample[at + 1] == '\n');
    }
    *skipped = at;
    return LM_OK;
}

static lm_status check_characters(const lm_csv_dialect *d, lm_error *error)
{
    const char of[] = {d->separator, d->quote, d->escape};
    for (size_t i = 0; i < sizeof of; i++)
        if ((of[i] & 0x80) || of[i] == '\n' || of[i] == '\r' || (i > 0 && of[i] == d->separator))
            return lm__error_set(error, LM_INVALID,
                                 "the separator, the quote and the escape character of a CSV are "
                                 "different ASCII characters that end no line");
    return LM_OK;
}

static lm_status find_header(lm_arena *arena, const lm_csv_dialect *dialect, const first_row *first,
                             const uint8_t *text, const uint8_t *sample, size_t size, bool last,
                             bool *header, lm_error *error)
{
    const size_t end = first->at + first->row.end, cells = first->row.cells;
    *header = lm__csv_is_names(first->spans, cells, text);
    if (*header) return LM_OK;
    bool cut = size - end > LM_CSV_SNIFF_BYTES;
    return lm__csv_is_names_with_gaps(arena, dialect, first->spans, cells, text, sample + end,
                                      cut ? LM_CSV_SNIFF_BYTES : size - end, last && !cut, header,
                                      error);
}

lm_status lm__csv_plan_make(lm_arena *arena, const lm_allocator *allocator,
                            const lm_csv_read_options *options, const char *name, uint8_t *sample,
                            size_t size, bool last, lm_csv_plan *plan, size_t *used, size_t *lines,
                            bool *narrow, lm_error *error)
{
    first_row first;
    lm_csv_read_options own = *options;
    LM_TRY(check_encoding(name, sample, size, error));
    size_t mark = 0;
    LM_TRY(skip_lines(name, sample, size, last, options->lines_skipped, &mark, error));
    if (mark == 0) mark = separator_line(sample, size, &own.separator);
    const size_t passed = options->lines_skipped ? options->lines_skipped : mark > 0;
    if (options->separator) own.separator = options->separator;
    options = &own;
    sample += mark;
    size -= mark;
    lm__csv_sniff(options, sample, size, last, &plan->dialect);
    LM_TRY(check_characters(&plan->dialect, error));
    if (plan->dialect.escape == plan->dialect.quote) plan->dialect.escape = 0; /* doubling */
    LM_TRY(take_options(arena, options, plan, error));
    const lm_schema *said = options->found ? options->found : options->schema;
    size_t columns =
        said && options->header == LM_CSV_HEADER_NO && last ? (size_t)said->root.n_children : 0;
    LM_TRY(take_first_row(arena, plan, name, columns, sample, size, last, &first, error));
    first.lines += passed;
    /* The walk takes quotes out in place: of a row that may be read again. */
    size_t row_size = first.row.end - first.at;
    uint8_t *text = lm__arena_aligned(arena, 1, row_size + 1);
    if (!text) return no_memory(error);
    memcpy(text, sample + first.at, row_size);
    if (row_size > 0) /* it ends at row_size from now on */
        (void)!lm__csv_row_walk(&plan->dialect, text, row_size, 0, true, first.spans,
                                first.row.cells, &first.row);
    plan->header = options->header == LM_CSV_HEADER_YES;
    if (options->header == LM_CSV_HEADER_AUTO)
        LM_TRY(find_header(arena, &plan->dialect, &first, text, sample, size, last, &plan->header,
                           error));
    *used = mark + first.at + (plan->header ? row_size : 0);
    *lines = first.lines + (plan->header ? first.row.lines : 0);
    return make_columns(arena, allocator, options, name, &first, text, plan, narrow, error);
}

lm_status lm__csv_plan_types(const lm_allocator *allocator, lm_csv_plan *plan,
                             const lm_csv_types *types, const bool *any, lm_error *error)
{
    lm_schema *texts = plan->schema;
    plan->schema = NULL;
    lm_status status = make_schema(allocator, plan, plan->n_columns, error);
    for (size_t i = 0; i < plan->n_columns && status == LM_OK; i++) {
        lm_field *field = &plan->schema->root.children[i];
        lm_csv_column *column = &plan->columns[i];
        lm_type type =
            column->open ? lm__csv_types_best(types[i], any[i]) : texts->root.children[i].type;
        if (!lm__field_init(&plan->schema->arena, field, texts->root.children[i].name, type, true))
            status = no_memory(error);
        *column = (lm_csv_column){.field = field, .strict = column->strict || column->open};
    }
    lm_schema_free(texts);
    if (status != LM_OK) return status;
    return lm__schema_seal(plan->schema, error);
}

static bool is_wanted(const lm_csv_read_options *options, const char *name)
{
    for (size_t i = 0; i < options->column_count; i++)
        if (strcmp(options->columns[i], name) == 0) return true;
    return false;
}

static lm_status check_wanted(const lm_csv_read_options *options, const lm_field *root,
                              const char *file, lm_error *error)
{
    char shown[80];
    for (size_t i = 0; i < options->column_count; i++) {
        const char *name = options->columns[i];
        if (lm__field_find(root, name, strlen(name)) == -1)
            return lm__error_set(error, LM_INVALID, "%s: it has no column %s", file,
                                 lm__printable(shown, sizeof shown, name));
    }
    return LM_OK;
}

lm_status lm__csv_plan_choose(const lm_allocator *allocator, const lm_csv_read_options *options,
                              const char *file, lm_csv_plan *plan, lm_error *error)
{
    lm_schema *all = plan->schema;
    size_t count = 0, n = plan->n_columns;
    if (!options->columns) return LM_OK;
    LM_TRY(check_wanted(options, &all->root, file, error));
    for (size_t i = 0; i < n; i++) count += is_wanted(options, all->root.children[i].name);
    plan->schema = NULL;
    lm_status status = make_schema(allocator, plan, count, error);
    lm_field *field = status == LM_OK ? plan->schema->root.children : NULL;
    for (size_t i = 0; i < n && status == LM_OK; i++) {
        const lm_field *from = &all->root.children[i];
        plan->columns[i].field = NULL;
        if (!is_wanted(options, from->name)) continue;
        if (!lm__field_init(&plan->schema->arena, field, from->name, from->type, true))
            status = no_memory(error);
        plan->columns[i].field = field++;
    }
    lm_schema_free(all);
    if (status != LM_OK) return status;
    return lm__schema_seal(plan->schema, error);
}
