/* lamella put: a table becomes a file of another format, whole or not at all. */
#include <lamella/io.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/csv_options.h"
#include "cli/progress.h"
#include "cli/publication.h"
#include "cli/reading.h"
#include "cli/stdout_sink.h"
#include "cli/xlsx_options.h"
#include "codec/codec.h"
#include "parquet/metadata.h"

typedef struct parquet_settings {
    const char *codec;
    uint64_t row_group_rows, row_group_bytes, page_rows, page_bytes, threads;
    int data_page; /* places in their choices */
    bool no_dictionary, no_statistics, no_page_index;
    lm_cli_pairs encodings, codecs, blooms, pairs;
} parquet_settings;

typedef struct settings {
    lm_cli_common common;
    int to;
    const char *schema;
    lm_cli_pairs expectations;
    lm_cli_reading reading;
    lm_cli_publication publication;
    lm_cli_manifest manifest;
    parquet_settings parquet;
    lm_cli_csv csv;
    lm_cli_xlsx xlsx;
    lm_cli_progress_settings progress;
} settings;

static const settings defaults = {.reading = LM_CLI_READING_DEFAULTS};
static const char *const formats[] = {"auto",  "parquet", "arrow", "arrows",
                                      "jsonl", "csv",     "xlsx",  NULL};
static const char *const page_versions[] = {"v1", "v2", NULL};

static const lm_cli_option put_options[] = {
    {"to", LM_CLI_CHOICE, offsetof(settings, to), "auto|parquet|arrow|arrows|jsonl|csv|xlsx",
     "The format of DST; auto (the default) goes by its suffix.", formats},
    {"schema", LM_CLI_TEXT, offsetof(settings, schema), "TEXT|@PATH",
     "Make the table fit this schema (docs/schema-text.md; @PATH is a file that has it, or a table "
     "that has it for its own): columns by name, values converted "
     "where "
     "nothing is lost, everything else refused.",
     NULL},
    {"expect", LM_CLI_TEXTS, offsetof(settings, expectations), "EXPECTATION",
     "Leave DST as it is (exit 3) where this does not hold of the rows (docs/expectations.md): "
     "'rows >= 0.9*previous', 'user_id not null', 'price >= 0'. May be given more than once.",
     NULL},
    {NULL},
};

static const lm_cli_option parquet_options[] = {
    {"codec", LM_CLI_TEXT, offsetof(parquet_settings, codec), "NAME[:LEVEL]",
     "snappy (the default), zstd, gzip, lz4_raw, brotli or none.", NULL},
    {"row-group-rows", LM_CLI_COUNT, offsetof(parquet_settings, row_group_rows), "N",
     "The most rows of a row group.", NULL},
    {"row-group-bytes", LM_CLI_COUNT, offsetof(parquet_settings, row_group_bytes), "N",
     "The most bytes of Arrow data in a row group; this bounds the memory too.", NULL},
    {"page-rows", LM_CLI_COUNT, offsetof(parquet_settings, page_rows), "N",
     "The most rows of a page.", NULL},
    {"page-bytes", LM_CLI_COUNT, offsetof(parquet_settings, page_bytes), "N",
     "The most bytes of a page, before compression.", NULL},
    {"data-page", LM_CLI_CHOICE, offsetof(parquet_settings, data_page), "v1|v2",
     "The kind of data pages; v1 (the default) is read everywhere.", page_versions},
    {"no-dictionary", LM_CLI_FLAG, offsetof(parquet_settings, no_dictionary), NULL,
     "No dictionaries; without this a column gets one where it pays.", NULL},
    {"no-statistics", LM_CLI_FLAG, offsetof(parquet_settings, no_statistics), NULL,
     "No least and greatest values.", NULL},
    {"no-page-index", LM_CLI_FLAG, offsetof(parquet_settings, no_page_index), NULL,
     "No column and offset indexes.", NULL},
    {"encoding", LM_CLI_PAIRS, offsetof(parquet_settings, encodings), "COLUMN=NAME ...",
     "The encoding of a column: PLAIN, RLE_DICTIONARY, DELTA_BINARY_PACKED, "
     "DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT or RLE.",
     NULL},
    {"column-codec", LM_CLI_PAIRS, offsetof(parquet_settings, codecs), "COLUMN=NAME[:LEVEL] ...",
     "The codec of a column.", NULL},
    {"bloom", LM_CLI_PAIRS, offsetof(parquet_settings, blooms), "COLUMN=SHARE ...",
     "A bloom filter for a column, with this share of false positives (0.01, say).", NULL},
    {"kv", LM_CLI_PAIRS, offsetof(parquet_settings, pairs), "KEY=VALUE ...",
     "Metadata of the file.", NULL},
    {"threads", LM_CLI_COUNT, offsetof(parquet_settings, threads), "N",
     "Threads to encode with; LAMELLA_THREADS, or as many as there are processors.", NULL},
    {NULL},
};

/* One entry for each COLUMN=… of the three options; later ones add to earlier ones of the column.
 */
static lm_status read_columns(const parquet_settings *given, lm_parquet_options *options,
                              lm_error *error)
{
    const lm_cli_pairs *lists[] = {&given->encodings, &given->codecs, &given->blooms};
    size_t count = 0, most = given->encodings.count + given->codecs.count + given->blooms.count;
    lm_parquet_column_options *columns = lm__alloc_zero(NULL, (most + 1) * sizeof *columns);
    if (!columns) return lm__error_memory(error, "reading the command line");
    options->columns = columns;
    options->column_count = most;
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        for (size_t i = 0; i < lists[k]->count; i++) {
            lm_parquet_column_options *column = &columns[count++];
            const char *value = lm__cli_pair_value(lists[k]->items[i]);
            column->path = lists[k]->items[i];
            column->encoding = LM_ENCODING_AUTO;
            column->field_id = -1;
            if (k == 0 && !lm__parquet_encoding_parse(value, &column->encoding))
                return lm__error_set(error, LM_INVALID, "%s: no encoding has this name", value);
            if (k == 1) {
                column->codec_set = true;
                LM_TRY(lm__codec_level_parse(value, &column->codec, &column->level, error));
            }
            if (k == 2) {
                column->bloom = LM_CHOICE_ON;
                column->bloom_false_share = strtod(value, NULL);
                if (!(column->bloom_false_share > 0 && column->bloom_false_share < 1))
                    return lm__error_set(error, LM_INVALID,
                                         "--bloom %s=%s: the share is between 0 and 1",
                                         column->path, value);
            }
        }
    return LM_OK;
}

static lm_status read_parquet(const parquet_settings *given, lm_parquet_options *options,
                              lm_error *error)
{
    *options = lm_parquet_options_default();
    if (given->codec)
        LM_TRY(lm__codec_level_parse(given->codec, &options->codec, &options->level, error));
    if (given->row_group_rows) options->row_group_rows_max = (int64_t)given->row_group_rows;
    if (given->row_group_bytes) options->row_group_bytes_max = (size_t)given->row_group_bytes;
    if (given->page_rows) options->page_rows_max = (int64_t)given->page_rows;
    if (given->page_bytes) options->page_bytes_max = (size_t)given->page_bytes;
    options->threads = (int)given->threads;
    options->data_page_version = given->data_page + 1;
    options->dictionary = !given->no_dictionary;
    options->statistics = !given->no_statistics;
    options->page_index = !given->no_page_index;
    lm_parquet_key_value *pairs = lm__alloc_array(NULL, given->pairs.count + 1, sizeof *pairs);
    if (!pairs) return lm__error_memory(error, "reading the command line");
    for (size_t i = 0; i < given->pairs.count; i++) {
        const char *value = lm__cli_pair_value(given->pairs.items[i]);
        pairs[i] = (lm_parquet_key_value){given->pairs.items[i], value};
    }
    options->metadata = pairs;
    options->metadata_count = given->pairs.count;
    return read_columns(given, options, error);
}

typedef struct shown_progress {
    lm_cli_progress line;
    uint64_t bytes;
} shown_progress;

static void show_progress(void *context, uint64_t rows, uint64_t bytes)
{
    shown_progress *shown = context;
    (void)rows;
    lm__cli_progress_add(&shown->line, bytes - shown->bytes);
    shown->bytes = bytes;
}

static void tell_table(lm_cli *cli, const lm_put_result *result)
{
    if (!cli->json || result->file.state == LM_COMMIT_NOT_DONE) return;
    lm_json_writer *writer = &cli->writer;
    lm__json_key(writer, "rows");
    lm__json_uint(writer, result->rows);
    lm__json_key(writer, "row_groups");
    lm__json_uint(writer, result->row_groups);
    lm__json_key(writer, "footer_bytes");
    lm__json_uint(writer, result->footer_bytes);
    lm__json_member_string_out(writer, "schema_hash", result->schema_hash);
}

static lm_status read_settings(lm_cli *cli, const settings *given, lm_put_options *options,
                               lm_scan_options *scan, lm_manifest *manifest, lm_file_options *file,
                               lm_parquet_options *parquet, lm_csv_write_options *csv,
                               lm_error *error)
{
    bool with_manifest;
    LM_TRY(lm__cli_scan_options(cli, &given->reading, scan, error));
    LM_TRY(lm__cli_manifest(&given->manifest, manifest, &with_manifest, error));
    LM_TRY(lm__cli_file_options(cli, &given->publication, with_manifest ? manifest : NULL, file,
                                error));
    LM_TRY(read_parquet(&given->parquet, parquet, error));
    options->to = (lm_format)given->to;
    options->scan = scan;
    options->file = file;
    options->parquet = parquet;
    options->csv = csv;
    LM_TRY(lm__cli_csv(&given->csv, csv, error));
    csv->threads = (int)given->parquet.threads;
    options->cast.mode = LM_CAST_SAFE;
    options->expectations = (const char *const *)given->expectations.items;
    options->expectation_count = given->expectations.count;
    if (!given->schema) return LM_OK;
    return lm__cli_read_schema(cli, given->schema, &options->schema, error);
}

/* SRC and DST, or DST alone where sheets say what they are of. */
static lm_status check_words(const lm_cli *cli, const lm_cli_workbook *workbook, lm_error *error)
{
    const char *path = cli->words.items[cli->words.count - 1];
    if (workbook->sheet_count == 0)
        return cli->words.count == 2
                   ? LM_OK
                   : lm__error_set(error, LM_INVALID, "%s: what is to be put there? (put SRC DST)",
                                   path);
    if (cli->words.count == 2)
        return lm__error_set(error, LM_INVALID, "%s: name it as a sheet (--sheet NAME=SRC) too",
                             cli->words.items[0]);
    return LM_OK;
}

static bool is_stdout(const char *path) { return strcmp(path, "-") == 0; }

static lm_format format_of(const settings *given, const char *path)
{
    return given->to ? (lm_format)given->to : lm_format_of_path(path);
}

/* Of what goes to standard output nothing is published, so nothing can be asked of that. */
static lm_status check_stdout(const lm_cli *cli, const settings *given, lm_error *error)
{
    static const lm_cli_publication no_publication;
    static const lm_cli_manifest no_manifest;
    if (cli->json || given->expectations.count ||
        memcmp(&given->publication, &no_publication, sizeof no_publication) != 0 ||
        memcmp(&given->manifest, &no_manifest, sizeof no_manifest) != 0)
        return lm__error_set(error, LM_INVALID,
                             "-: --json, --expect and the options of publications and manifests "
                             "are not for standard output");
    if (!given->to)
        return lm__error_set(error, LM_INVALID, "-: say the format of standard output (--to)");
    if (given->to != LM_FORMAT_CSV && given->to != LM_FORMAT_JSONL && isatty(STDOUT_FILENO))
        return lm__error_set(error, LM_INVALID,
                             "--to %s is not for a terminal: send it to a file or a pipe",
                             formats[given->to]);
    return LM_OK;
}

/* What is asked for, and of another format than this one's, would be passed over. */
static lm_status check_options(const lm_cli *cli, const settings *given, const char *path,
                               lm_error *error)
{
    lm_format format = format_of(given, path);
    bool text = format == LM_FORMAT_CSV || format == LM_FORMAT_JSONL;
    if (is_stdout(path)) LM_TRY(check_stdout(cli, given, error));
    if (format && !text && (given->csv.compression || given->csv.level))
        return lm__error_set(error, LM_INVALID, "--compression is of CSV and JSON lines%s",
                             format == LM_FORMAT_PARQUET ? "; of Parquet it is --codec" : "");
    if (format && format != LM_FORMAT_PARQUET && given->parquet.codec)
        return lm__error_set(error, LM_INVALID, "--codec is of Parquet%s",
                             text ? "; of text it is --compression" : "");
    return LM_OK;
}

static lm_status put(const lm_cli *cli, const char *path, const lm_put_options *options,
                     const lm_cli_workbook *workbook, lm_put_result *result, lm_error *error)
{
    if (workbook->sheet_count == 0)
        return lm_put(cli->words.items[0], path, options, result, error);
    if ((options->to ? options->to : lm_format_of_path(path)) != LM_FORMAT_XLSX)
        return lm__error_set(error, LM_INVALID, "%s: only XLSX has sheets", path);
    return lm_put_workbook_take(path, workbook->sheets, workbook->sheet_count, options, result,
                                error);
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *path = cli->words.items[cli->words.count - 1];
    shown_progress shown = {0};
    lm_put_options options = {.progress = show_progress, .context = &shown};
    lm_scan_options scan = {0};
    lm_put_result result = {0};
    lm_manifest manifest;
    lm_file_options file;
    lm_parquet_options parquet = {0};
    lm_csv_write_options csv;
    lm_cli_workbook workbook = {0};
    lm_cli_stdout output;
    lm_error error;
    lm_error_clear(&error);
    lm__cli_stdout_init(&output, cli->cancel);
    if (is_stdout(path)) options.sink = &output.sink;
    lm_status status =
        read_settings(cli, given, &options, &scan, &manifest, &file, &parquet, &csv, &error);
    if (status == LM_OK)
        status = lm__cli_workbook_read(&given->xlsx, &given->csv, (int)given->parquet.threads,
                                       &workbook, &error);
    if (status == LM_OK) status = check_words(cli, &workbook, &error);
    if (status == LM_OK) status = check_options(cli, given, path, &error);
    if (status == LM_OK) {
        options.xlsx = &workbook.file;
        options.sheet = &workbook.sheet;
        lm__cli_progress_begin(&shown.line, &given->progress, "reading");
        status = put(cli, path, &options, &workbook, &result, &error);
        lm__cli_progress_end(&shown.line);
        if (!options.sink) tell_table(cli, &result);
    }
    lm_schema_free(options.schema);
    lm__cli_scan_options_free(&scan);
    lm__cli_workbook_free(&workbook);
    lm__free(NULL, (void *)parquet.columns);
    lm__free(NULL, (void *)parquet.metadata);
    if (options.sink) return lm__cli_stdout_end(cli, &output, status, &error);
    return lm__cli_file_end(cli, path, &result.file, status, &error);
}

const lm_cli_command lm__cli_put = {
    .name = "put",
    .usage = "SRC DST, or DST --sheet NAME=SRC ...",
    .summary = "Publish the table SRC as the file DST, in the format of DST, all or nothing.",
    .about =
        "Reads the table SRC (a file, a directory or a pattern, docs/datasets.md; - is standard "
        "input) and puts it in place as DST (.parquet, .arrow, .arrows, .jsonl, .csv or .xlsx) in "
        "one step, "
        "as `lamella write` does with bytes. When anything fails, in the data or on the disk, DST "
        "is as it was and nothing is "
        "left beside it. A table that breaks off in the middle is an error, never a short file. "
        "Where DST is - the file goes to standard output as it is made (--to says the format), and "
        "only the exit status tells whether all of it did.",
    .groups = {{"Options", put_options, 0},
               {"Reading", lm__cli_reading_options, offsetof(settings, reading)},
               {"Publication", lm__cli_publication_options, offsetof(settings, publication)},
               {"Manifest", lm__cli_manifest_options, offsetof(settings, manifest)},
               {"Parquet", parquet_options, offsetof(settings, parquet)},
               {"CSV", lm__cli_csv_options, offsetof(settings, csv)},
               {"XLSX", lm__cli_xlsx_options, offsetof(settings, xlsx)},
               {"Progress", lm__cli_progress_options, offsetof(settings, progress)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 2,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
