/* The formats that can be read, a row each, and how they are told apart. */
#include <lamella/ipc.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/reader.h"

static const lm_format_row rows[] = {
    {.format = LM_FORMAT_PARQUET,
     .name = "parquet",
     .suffixes = {".parquet", ".pq"},
     .magic = {"PAR1", "PARE"},
     .open = lm__parquet_table_open},
    {.format = LM_FORMAT_ARROW,
     .name = "arrow",
     .suffixes = {".arrow", ".feather", ".ipc"},
     .magic = {"ARROW1"},
     .forward = lm__ipc_table_open,
     .rows = lm_ipc_rows_take},
    {.format = LM_FORMAT_ARROW_STREAM,
     .name = "arrows",
     .suffixes = {".arrows"},
     .magic = {"\xff\xff\xff\xff"},
     .forward = lm__ipc_table_open,
     .rows = lm_ipc_rows_take},
    {.format = LM_FORMAT_JSONL,
     .name = "jsonl",
     .suffixes = {".jsonl", ".ndjson"},
     .packed = true,
     .forward = lm__jsonl_table_open},
    {.format = LM_FORMAT_CSV,
     .name = "csv",
     .suffixes = {".csv", ".tsv"},
     .packed = true,
     .forward = lm__csv_table_open},
    {.format = LM_FORMAT_XLSX, .name = "xlsx", .suffixes = {".xlsx"}},
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

const lm_format_row *lm__format_row(lm_format format)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].format == format) return &rows[i];
    return NULL;
}

static bool ends_with(const char *path, size_t size, const char *suffix)
{
    size_t length = strlen(suffix);
    return size >= length && strncasecmp(path + size - length, suffix, length) == 0;
}

lm_packing lm__path_packing(const char *path, size_t *size)
{
    *size = strlen(path);
    lm_packing packing = ends_with(path, *size, ".gz")    ? LM_PACKING_GZIP
                         : ends_with(path, *size, ".zst") ? LM_PACKING_ZSTD
                                                          : LM_PACKING_NONE;
    *size -= packing == LM_PACKING_GZIP ? strlen(".gz") : 0;
    *size -= packing == LM_PACKING_ZSTD ? strlen(".zst") : 0;
    return packing;
}

bool lm__path_has_tabs(const char *path)
{
    size_t size;
    (void)lm__path_packing(path, &size);
    return ends_with(path, size, ".tsv");
}

/* More than the suffix alone. */
static bool has_suffix(const lm_format_row *row, const char *path)
{
    size_t size;
    if (lm__path_packing(path, &size) != LM_PACKING_NONE && !row->packed) return false;
    for (const char *const *suffix = row->suffixes; *suffix; suffix++)
        if (size > strlen(*suffix) && ends_with(path, size, *suffix)) return true;
    return false;
}

static bool has_magic(const lm_format_row *row, const void *head, size_t size)
{
    for (const char *const *magic = row->magic; *magic; magic++)
        if (strlen(*magic) <= size && memcmp(head, *magic, strlen(*magic)) == 0) return true;
    return false;
}

static const lm_format_row *find_suffix(const char *path)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (has_suffix(&rows[i], path)) return &rows[i];
    return NULL;
}

const lm_format_row *lm__format_find(const void *head, size_t head_size, const char *path)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (has_magic(&rows[i], head, head_size)) return &rows[i];
    const lm_format_row *row = find_suffix(path);
    bool object = head_size > 0 && *(const char *)head == '{';
    return row || !object ? row : lm__format_row(LM_FORMAT_JSONL);
}

const char *lm__format_names(char text[LM_FORMAT_NAMES_MAX])
{
    size_t size = 0;
    for (size_t i = 0; i < ROW_COUNT; i++)
        size += (size_t)snprintf(text + size, LM_FORMAT_NAMES_MAX - size, "%s%s",
                                 i == 0               ? ""
                                 : i == ROW_COUNT - 1 ? " or "
                                                      : ", ",
                                 rows[i].name);
    return text;
}

lm_format lm_format_of_path(const char *path)
{
    const lm_format_row *row = find_suffix(path);
    return row ? row->format : LM_FORMAT_AUTO;
}

const char *lm_format_name(lm_format format)
{
    const lm_format_row *row = lm__format_row(format);
    return row ? row->name : "auto";
}
