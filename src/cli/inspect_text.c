/* What lamella inspect prints for people. */
#include <stdio.h>

#include "base/error.h"
#include "cli/inspect.h"
#include "cli/table.h"

#define VALUE_CHARACTERS_MAX 32 /* of a statistic's value */
#define METADATA_BYTES_MAX 72   /* of a metadata entry's value */

/* Cuts UTF-8 after so many characters. */
static void shorten(char *text, size_t characters)
{
    static const char more[] = "\xe2\x80\xa6"; /* … */
    for (size_t i = 0, seen = 0; text[i]; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80 || seen++ < characters) continue;
        memcpy(text + i, more, sizeof more); /* the callers leave room for it */
        return;
    }
}

static void printable_bytes(lm_parquet_bytes bytes, char *shown, size_t size, size_t most)
{
    char raw[LM_INSPECT_TEXT_MAX];
    size_t length = bytes.size < most ? bytes.size : most;
    if (length > sizeof raw - 1) length = sizeof raw - 1;
    if (length) memcpy(raw, bytes.data, length);
    raw[length] = '\0';
    lm__printable(shown, size, raw);
}

static void print_file(const lm_inspection *asked)
{
    lm_cli *cli = asked->cli;
    const lm_parquet_file_info *file = &asked->file;
    char shown[2 * LM_INSPECT_TEXT_MAX];
    lm__cli_print(cli, "%s: %lld rows, %lld row groups, %d columns, %llu bytes (footer %llu)\n",
                  lm__printable(shown, sizeof shown, asked->path), (long long)file->rows,
                  (long long)file->row_groups, file->columns, (unsigned long long)file->bytes,
                  (unsigned long long)file->footer_bytes);
    printable_bytes(file->created_by, shown, sizeof shown, LM_INSPECT_TEXT_MAX);
    lm__cli_print(cli, "format version %d%s%s\n", file->version,
                  file->created_by.data ? ", created by " : "", shown);
    for (size_t i = 0; i < file->key_values; i++) {
        lm_parquet_bytes key, value;
        char name[2 * LM_INSPECT_TEXT_MAX];
        lm_parquet_inspect_key_value(asked->reader, i, &key, &value);
        printable_bytes(key, name, sizeof name, LM_INSPECT_TEXT_MAX);
        printable_bytes(value, shown, sizeof shown, METADATA_BYTES_MAX);
        lm__cli_print(cli, "  %s%s%s%s", name, value.data ? " = " : "", shown,
                      value.size > METADATA_BYTES_MAX ? "\xe2\x80\xa6" : "");
        if (value.size > METADATA_BYTES_MAX) lm__cli_print(cli, " (%zu bytes)", value.size);
        lm__cli_print(cli, "\n");
    }
}

static void path_cell(lm_cli_table *table, const lm_inspection *asked, int32_t column)
{
    char path[LM_INSPECT_TEXT_MAX];
    (void)lm_parquet_column_path(asked->reader, column, path, sizeof path);
    lm__cli_table_text(table, path);
}

static void print_columns(const lm_inspection *asked, lm_cli_table *table)
{
    static const char *const heads[] = {"", "column", "type", "", "levels", "order"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) lm__cli_table_text(table, heads[i]);
    for (int32_t i = 0; i < asked->file.columns; i++) {
        char text[LM_INSPECT_TEXT_MAX], type[LM_INSPECT_TEXT_MAX];
        if (!lm__inspect_wants(asked, i)) continue;
        lm_parquet_column_info column = lm_parquet_inspect_column(asked->reader, i);
        lm__cli_table_count(table, i);
        path_cell(table, asked, i);
        (void)lm_parquet_column_type(asked->reader, i, type, sizeof type);
        if (column.physical[0] == '?')
            (void)snprintf(text, sizeof text, "? (%d)", column.physical_number);
        else if (column.type_length)
            (void)snprintf(text, sizeof text, "%s(%d) %.900s", column.physical, column.type_length,
                           type);
        else
            (void)snprintf(text, sizeof text, "%s %.900s", column.physical, type);
        lm__cli_table_text(table, text);
        lm__cli_table_text(table, column.repetition);
        (void)snprintf(text, sizeof text, "%d/%d", column.definition_max, column.repetition_max);
        lm__cli_table_text(table, text);
        lm__cli_table_text(table, column.order ? column.order : "");
    }
    lm__cli_print(asked->cli, "\n");
    lm__cli_table_print(asked->cli, table, 0);
}

/* "3 .. 9", with signs where the bounds are wider than the values. */
static void bounds_cells(lm_cli_table *table, const lm_inspection *asked, int32_t column,
                         const lm_parquet_statistics_info *statistics)
{
    for (int i = 0; i < 2; i++) {
        char text[LM_INSPECT_TEXT_MAX + 16];
        lm_parquet_bytes value = i ? statistics->max : statistics->min;
        int exact = i ? statistics->max_exact : statistics->min_exact;
        size_t at = 0;
        text[0] = '\0';
        if (value.data) {
            const char *mark = exact == 0 ? i ? "<=" : ">=" : statistics->deprecated ? "*" : "";
            at = strlen(strcpy(text, mark));
            (void)lm_parquet_value_text(asked->reader, column, value, text + at,
                                        LM_INSPECT_TEXT_MAX);
            shorten(text + at, VALUE_CHARACTERS_MAX);
        }
        lm__cli_table_text(table, value.data && !text[at] ? "''" : text);
    }
}

static void chunk_encodings(const lm_parquet_chunk_info *chunk, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0, at = 0; i < chunk->encoding_count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? "," : "", chunk->encodings[i]);
}

static void chunk_cells(lm_cli_table *table, const lm_inspection *asked, int32_t column,
                        const lm_parquet_chunk_info *chunk)
{
    char text[LM_INSPECT_TEXT_MAX];
    path_cell(table, asked, column);
    if (chunk->encrypted || !chunk->in_file) {
        lm__cli_table_text(table, chunk->encrypted ? "(encrypted)" : "(in another file)");
        for (int i = 0; i < 9; i++) lm__cli_table_text(table, "");
        return;
    }
    (void)snprintf(text, sizeof text, "codec %d", chunk->codec_number);
    lm__cli_table_text(table, chunk->codec ? chunk->codec : text);
    chunk_encodings(chunk, text, sizeof text);
    lm__cli_table_text(table, text);
    lm__cli_table_count(table, chunk->values);
    lm__cli_table_count(table, chunk->statistics.null_count);
    lm__cli_table_count(table, chunk->statistics.distinct_count);
    lm__cli_table_count(table, chunk->compressed_bytes);
    lm__cli_table_count(table, chunk->bytes);
    bounds_cells(table, asked, column, &chunk->statistics);
    (void)snprintf(text, sizeof text, "%s%s", chunk->column_index_offset >= 0 ? "c" : "",
                   chunk->offset_index_offset >= 0 ? "o" : "");
    if (chunk->bloom_offset >= 0 && chunk->bloom_bytes >= 0)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%sbloom(%lld)",
                       text[0] ? " " : "", (long long)chunk->bloom_bytes);
    else if (chunk->bloom_offset >= 0)
        (void)strcat(text, text[0] ? " bloom(?)" : "bloom(?)");
    lm__cli_table_text(table, text);
}

/* Pages. */

typedef struct page_rows {
    const lm_inspection *asked;
    lm_cli_table *table;
    int32_t column;
} page_rows;

static lm_status page_cells(void *context, const lm_parquet_page_info *page, lm_error *error)
{
    const page_rows *rows = context;
    lm_cli_table *table = rows->table;
    char crc[16] = "";
    (void)error;
    lm__cli_table_count(table, page->page);
    lm__cli_table_text(table, page->kind);
    lm__cli_table_text(table, page->encoding);
    lm__cli_table_count(table, (int64_t)page->offset);
    lm__cli_table_count(table, (int64_t)(page->header_bytes + page->compressed_bytes));
    lm__cli_table_count(table, (int64_t)page->bytes);
    lm__cli_table_count(table, page->values);
    lm__cli_table_count(table, page->nulls >= 0 ? page->nulls : page->statistics.null_count);
    lm__cli_table_count(table, page->first_row);
    bounds_cells(table, rows->asked, rows->column, &page->statistics);
    if (page->has_crc) (void)snprintf(crc, sizeof crc, "%08x", page->crc);
    lm__cli_table_text(table, crc);
    return LM_OK;
}

static lm_status print_pages(const lm_inspection *asked, int64_t row_group, lm_error *error)
{
    static const char *const heads[] = {"",        "page",  "encoding", "at",  "bytes", "unpacked",
                                        "entries", "nulls", "row",      "min", "max",   "crc"};
    for (int32_t i = 0; i < asked->file.columns; i++) {
        lm_parquet_chunk_info chunk;
        lm_cli_table table;
        page_rows rows = {asked, &table, i};
        char path[LM_INSPECT_TEXT_MAX], shown[2 * LM_INSPECT_TEXT_MAX];
        if (!lm__inspect_wants(asked, i)) continue;
        LM_TRY(lm_parquet_inspect_chunk(asked->reader, row_group, i, &chunk, error));
        if (chunk.encrypted || !chunk.in_file) continue;
        lm__cli_table_init(&table, sizeof heads / sizeof *heads, 0x1f9);
        for (size_t k = 0; k < sizeof heads / sizeof *heads; k++)
            lm__cli_table_text(&table, heads[k]);
        lm_status status =
            lm_parquet_inspect_pages(asked->reader, row_group, i, page_cells, &rows, error);
        (void)lm_parquet_column_path(asked->reader, i, path, sizeof path);
        lm__cli_print(asked->cli, "\nrow group %lld, pages of %s\n", (long long)row_group,
                      lm__printable(shown, sizeof shown, path));
        lm__cli_table_print(asked->cli, &table, 2);
        lm__cli_table_deinit(&table);
        LM_TRY(status);
    }
    return LM_OK;
}

static void print_group_head(const lm_inspection *asked, int64_t row_group)
{
    lm_cli *cli = asked->cli;
    lm_parquet_row_group_info info = lm_parquet_inspect_row_group(asked->reader, row_group);
    lm__cli_print(cli, "\nrow group %lld: %lld rows, %lld bytes (%lld unpacked)",
                  (long long)row_group, (long long)info.rows, (long long)info.compressed_bytes,
                  (long long)info.bytes);
    for (size_t i = 0; i < info.sorting_columns; i++) {
        lm_parquet_sorting_info by = lm_parquet_inspect_sorting(asked->reader, row_group, i);
        char path[LM_INSPECT_TEXT_MAX] = "?", shown[2 * LM_INSPECT_TEXT_MAX];
        if (by.column >= 0 && by.column < asked->file.columns)
            (void)lm_parquet_column_path(asked->reader, by.column, path, sizeof path);
        lm__cli_print(cli, "%s%s%s%s", i ? ", " : ", sorted by ",
                      lm__printable(shown, sizeof shown, path), by.descending ? " descending" : "",
                      by.nulls_first ? " nulls first" : "");
    }
    lm__cli_print(cli, "\n");
}

static lm_status print_row_group(const lm_inspection *asked, int64_t row_group, lm_cli_table *table,
                                 lm_error *error)
{
    static const char *const heads[] = {"column", "codec",    "encodings", "entries",
                                        "nulls",  "distinct", "bytes",     "unpacked",
                                        "min",    "max",      "index"};
    print_group_head(asked, row_group);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) lm__cli_table_text(table, heads[i]);
    for (int32_t i = 0; i < asked->file.columns; i++) {
        lm_parquet_chunk_info chunk;
        if (!lm__inspect_wants(asked, i)) continue;
        LM_TRY(lm_parquet_inspect_chunk(asked->reader, row_group, i, &chunk, error));
        chunk_cells(table, asked, i, &chunk);
    }
    lm__cli_table_print(asked->cli, table, 2);
    return asked->pages ? print_pages(asked, row_group, error) : LM_OK;
}

lm_status lm__inspect_text(const lm_inspection *asked, lm_error *error)
{
    lm_cli_table table;
    lm_status status = LM_OK;
    print_file(asked);
    lm__cli_table_init(&table, 6, 1);
    print_columns(asked, &table);
    lm__cli_table_deinit(&table);
    lm__cli_table_init(&table, 11, 0xf8);
    for (int64_t i = asked->row_group_first; i < asked->row_group_end && status == LM_OK; i++)
        status = print_row_group(asked, i, &table, error);
    lm__cli_table_deinit(&table);
    return status;
}
