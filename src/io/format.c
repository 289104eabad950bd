/* Formats by the suffixes of paths. */
#include <lamella/io.h>

#include <string.h>
#include <strings.h>

lm_format lm_format_of_path(const char *path)
{
    static const struct {
        const char *suffix;
        lm_format format;
    } rows[] = {
        {".parquet", LM_FORMAT_PARQUET}, {".pq", LM_FORMAT_PARQUET},
        {".arrow", LM_FORMAT_ARROW},     {".feather", LM_FORMAT_ARROW},
        {".ipc", LM_FORMAT_ARROW},       {".arrows", LM_FORMAT_ARROW_STREAM},
    };
    size_t size = strlen(path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t suffix = strlen(rows[i].suffix);
        if (size > suffix && strcasecmp(path + size - suffix, rows[i].suffix) == 0)
            return rows[i].format;
    }
    return LM_FORMAT_AUTO;
}
