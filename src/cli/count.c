/* lamella count: how many rows a table has. */
#include <inttypes.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/commands.h"
#include "cli/reading.h"

typedef struct settings {
    lm_cli_common common;
    lm_cli_reading reading;
} settings;

static const settings defaults = {.reading = LM_CLI_READING_DEFAULTS};

static lm_status count_path(const char *path, const lm_scan_options *what, uint64_t *rows,
                            lm_error *error)
{
    lm_scan *scan;
    LM_TRY(lm_scan_open(path, what, &scan, error));
    lm_status status = lm_scan_rows(scan, rows, error);
    lm_scan_close(scan);
    return status;
}

static lm_status count_all(lm_cli *cli, lm_scan_options *what, lm_error *error)
{
    uint64_t total = 0;
    if (cli->json) {
        lm__json_key(&cli->writer, "paths");
        lm__json_open_array(&cli->writer);
    }
    lm_status status = LM_OK;
    for (int i = 0; i < cli->words.count && status == LM_OK; i++) {
        uint64_t rows = 0;
        const char *path = cli->words.items[i];
        status = count_path(path, what, &rows, error);
        if (status != LM_OK) break;
        if (__builtin_add_overflow(total, rows, &total))
            status = lm__error_set(error, LM_LIMIT, "more rows than 64 bits can count");
        if (cli->json) {
            lm__json_open_object(&cli->writer);
            lm__json_path_out(&cli->writer, "path", path);
            lm__json_key(&cli->writer, "rows");
            lm__json_uint(&cli->writer, rows);
            lm__json_close_object(&cli->writer);
        } else if (cli->words.count > 1) {
            char shown[1024];
            lm__cli_print(cli, "%" PRIu64 "\t%s\n", rows, lm__printable(shown, sizeof shown, path));
        }
    }
    if (cli->json) lm__json_close_array(&cli->writer);
    if (status != LM_OK) return status;
    if (cli->json) {
        lm__json_key(&cli->writer, "rows");
        lm__json_uint(&cli->writer, total);
    } else if (cli->words.count > 1) {
        lm__cli_print(cli, "%" PRIu64 "\ttotal\n", total);
    } else {
        lm__cli_print(cli, "%" PRIu64 "\n", total);
    }
    return LM_OK;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    lm_scan_options what;
    lm_error error;
    lm_error_clear(&error);
    lm_status status = lm__cli_scan_options(cli, &given->reading, &what, &error);
    what.without_rows = !lm__cli_reading_filters(&given->reading);
    if (status == LM_OK) status = count_all(cli, &what, &error);
    lm__cli_scan_options_free(&what);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_count = {
    .name = "count",
    .usage = "PATH...",
    .summary = "Tell how many rows tables have.",
    .about =
        "Tells how many rows the table at PATH (a file, a directory or a pattern; - is standard "
        "input) has: of Parquet and Arrow IPC by their metadata alone, of other formats by "
        "reading it. With several paths each is told on a line of its own, rows first, and "
        "then the total.",
    .groups = {{"Reading", lm__cli_reading_options, offsetof(settings, reading)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = -1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
