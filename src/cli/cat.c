/* lamella cat: the rows of a table on standard output. */
#include <unistd.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/csv_options.h"
#include "cli/reading.h"
#include "cli/stdout_sink.h"
#include "io/write.h"
#include "parquet/canonical.h"

typedef struct settings {
    lm_cli_common common;
    int format;
    uint64_t threads;
    lm_cli_csv csv;
    lm_cli_reading reading;
} settings;

static const settings defaults = {.reading = LM_CLI_READING_DEFAULTS};

static const char *const formats[] = {"jsonl", "arrow",     "arrows", "parquet",
                                      "csv",   "canonical", NULL};
enum { CANONICAL = 5 };
static const lm_format formats_written[] = {
    LM_FORMAT_JSONL, LM_FORMAT_ARROW, LM_FORMAT_ARROW_STREAM, LM_FORMAT_PARQUET, LM_FORMAT_CSV};

static const lm_cli_option options[] = {
    {"format", LM_CLI_CHOICE, offsetof(settings, format),
     "jsonl|arrow|arrows|parquet|csv|canonical",
     "What to write: jsonl (the default), a JSON object a line (docs/jsonl.md); arrow and arrows, "
     "Arrow IPC as a file and as a stream; parquet; csv (docs/csv.md); canonical, of whole Parquet "
     "files only, a line "
     "of JSON for each row in the one text that each value has (docs/canonical.md), to compare "
     "files byte for byte.",
     formats},
    {"threads", LM_CLI_COUNT, offsetof(settings, threads), "N",
     "Threads to read with; LAMELLA_THREADS, or as many as there are processors.", NULL},
    {NULL},
};

static lm_status cat_canonical(const lm_cli *cli, const settings *given, lm_sink *sink,
                               lm_error *error)
{
    const lm_parquet_reader_options how = {.page_bytes_max = (size_t)given->reading.page_bytes};
    lm_source *source;
    lm_parquet_reader *reader;
    LM_TRY(lm__cli_source(cli, cli->words.items[0], &source, error));
    LM_TRY(lm_parquet_reader_open(source, &how, &reader, error));
    lm_status status = lm__canonical_write(reader, sink, error);
    lm_parquet_reader_close(reader);
    return status;
}

static lm_status cat_table(lm_cli *cli, const settings *given, lm_sink *sink, lm_error *error)
{
    lm_scan_options what;
    lm_scan *scan = NULL;
    struct ArrowArrayStream stream;
    lm_put_result result = {0};
    lm_csv_write_options csv;
    LM_TRY(lm__cli_csv(&given->csv, &csv, error));
    csv.threads = (int)given->threads;
    lm_write_how how = {
        .format = formats_written[given->format], .csv = &csv, .cancel = cli->cancel};
    lm_status status = lm__cli_scan_options(cli, &given->reading, &what, error);
    what.threads = (int)given->threads;
    if (status == LM_OK) status = lm_scan_open(cli->words.items[0], &what, &scan, error);
    if (status == LM_OK) status = lm_scan_stream(scan, &stream, error);
    if (status == LM_OK) status = lm__write_table_take(&how, &stream, sink, &result, error);
    lm_scan_close(scan);
    lm__cli_scan_options_free(&what);
    return status;
}

static lm_status check(lm_cli *cli, const settings *given, lm_error *error)
{
    const lm_cli_reading *reading = &given->reading;
    if (cli->json) return lm__error_set(error, LM_INVALID, "cat writes rows, and no JSON object");
    if (given->threads > INT32_MAX)
        return lm__error_set(error, LM_INVALID, "--threads: there are not so many");
    if (given->format != CANONICAL) {
        lm_format format = formats_written[given->format];
        bool binary = format != LM_FORMAT_JSONL && format != LM_FORMAT_CSV;
        if (binary && isatty(STDOUT_FILENO))
            return lm__error_set(error, LM_INVALID,
                                 "--format %s is not for a terminal: send it to a file or a pipe",
                                 formats[given->format]);
        return LM_OK;
    }
    if (lm__cli_reading_is_part(reading))
        return lm__error_set(error, LM_INVALID,
                             "--format canonical is of a whole file: it goes with no --columns, "
                             "--where, --limit or --offset");
    return LM_OK;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    lm_cli_stdout output;
    lm_error error;
    lm_error_clear(&error);
    lm__cli_stdout_init(&output, cli->cancel);
    lm_status status = check(cli, given, &error);
    if (status != LM_OK) return lm__cli_end(cli, status, &error);
    status = given->format == CANONICAL ? cat_canonical(cli, given, &output.sink, &error)
                                        : cat_table(cli, given, &output.sink, &error);
    if (status == LM_OK) status = lm_sink_finish(&output.sink, &error);
    return lm__cli_stdout_end(cli, &output, status, &error);
}

const lm_cli_command lm__cli_cat = {
    .name = "cat",
    .usage = "PATH",
    .summary = "Write the rows of a table to standard output.",
    .about =
        "Reads the table at PATH (a file, a directory or a pattern, docs/datasets.md; - is "
        "standard input) and writes its rows, in order. A damaged file ends with exit status 3; "
        "what was written by then are rows before the damage. An encrypted one is refused. When "
        "whoever reads the output goes away cat stops, without a word, with exit status 141.",
    .groups = {{"Options", options, 0},
               {"Reading", lm__cli_reading_options, offsetof(settings, reading)},
               {"CSV", lm__cli_csv_options, offsetof(settings, csv)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
