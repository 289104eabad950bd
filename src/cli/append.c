/* lamella append: rows of a table are added to a table's directory, all or none. */
#include <lamella/scan.h>
#include <lamella/table.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/publication.h"
#include "cli/reading.h"
#include "cli/table_change.h"

typedef struct settings {
    lm_cli_common common;
    const char *root, *run_id, *registry, *metadata_prefix, *partitions;
    uint64_t bucket_size, batch, memory, open_parts, part_bytes, threads;
    bool any_order, validate_rows, no_strict, drop_extra;
    int durability, checksum;
    lm_cli_reading reading;
} settings;

#define NO_BATCH UINT64_MAX

static const settings defaults = {.batch = NO_BATCH, .reading = LM_CLI_READING_DEFAULTS};
static const char *const checksums[] = {"crc32c", "sha256", NULL};

static const lm_cli_option append_options[] = {
    {"root", LM_CLI_TEXT, offsetof(settings, root), "DIR",
     "The directory (or URL) of all runs. The table is DIR/ID/TABLE.", NULL},
    {"run-id", LM_CLI_TEXT, offsetof(settings, run_id), "ID", "The run that the rows are of.",
     NULL},
    {"registry", LM_CLI_TEXT, offsetof(settings, registry), "DIR",
     "The directory of the tables' descriptors (docs/tables.md). Without it a table that is there "
     "goes by the descriptor that is with it.",
     NULL},
    {"tick-bucket-size", LM_CLI_COUNT, offsetof(settings, bucket_size), "N",
     "How many ticks a bucket has, where neither the descriptor nor the table says it.", NULL},
    {"batch", LM_CLI_COUNT, offsetof(settings, batch), "N",
     "The number of this append among those of its run: the same run and number is appended once, "
     "however often it is tried. Numbers rise, or come --any-order.",
     NULL},
    {"any-order", LM_CLI_FLAG, offsetof(settings, any_order), NULL,
     "The numbers of --batch come in any order, from several writers at once. For all appends of a "
     "run, or for none.",
     NULL},
    {"validate-rows", LM_CLI_FLAG, offsetof(settings, validate_rows), NULL,
     "Hold all rows against the descriptor's rules; where one breaks a rule nothing is appended.",
     NULL},
    {"no-strict", LM_CLI_FLAG, offsetof(settings, no_strict), NULL,
     "Convert values to the descriptor's types where nothing is lost. Without this, types must be "
     "the descriptor's, save in CSV and JSON lines, which have none.",
     NULL},
    {"drop-extra", LM_CLI_FLAG, offsetof(settings, drop_extra), NULL,
     "Leave columns out that the table does not have, instead of refusing them.", NULL},
    {"durability", LM_CLI_CHOICE, offsetof(settings, durability), "full|file|none",
     "full (the default): a power cut takes nothing back once the command is done. With the others "
     "parts are not synced, or not their directories, and after a power cut the log may name parts "
     "that are not there: for tables that can be made anew.",
     lm__cli_durabilities},
    {"checksum", LM_CLI_CHOICE, offsetof(settings, checksum), "crc32c|sha256",
     "The parts' checksums, in the log and the manifest; crc32c by default.", checksums},
    {"metadata-prefix", LM_CLI_TEXT, offsetof(settings, metadata_prefix), "TEXT",
     "What the keys schema_version, table_name and run_id in the parts' metadata begin with; crv_ "
     "by default.",
     NULL},
    {"memory", LM_CLI_COUNT, offsetof(settings, memory), "BYTES",
     "Of rows that wait for their part; 256 MiB by default.", NULL},
    {"open-parts", LM_CLI_COUNT, offsetof(settings, open_parts), "N",
     "The most parts that are written at once; 64 by default.", NULL},
    {"part-bytes", LM_CLI_COUNT, offsetof(settings, part_bytes), "BYTES",
     "A part that is larger is ended and another begun; 1 GiB by default.", NULL},
    {"threads", LM_CLI_COUNT, offsetof(settings, threads), "N",
     "Threads to encode with; LAMELLA_THREADS, or as many as there are processors.", NULL},
    {NULL},
};

static const lm_cli_option overwrite_options[] = {
    {"partitions", LM_CLI_TEXT, offsetof(settings, partitions), "CONDITION",
     "Replace only the partitions for which this is true: \"bucket in (1, 2)\". SRC may have rows "
     "of "
     "these only. Without it all that the table has is replaced.",
     NULL},
    {NULL},
};

static void tell_number(lm_json_writer *writer, const char *key, bool there, int64_t value)
{
    lm__json_key(writer, key);
    if (there)
        lm__json_int(writer, value);
    else
        lm__json_null(writer);
}

static void tell_part(lm_json_writer *writer, const lm_table_part *part)
{
    lm__json_open_object(writer);
    tell_number(writer, "bucket_id", part->has_bucket, part->bucket_id);
    lm__json_path_out(writer, "path", part->path);
    lm__json_member_string_out(writer, "partition", part->partition);
    tell_number(writer, "rows", true, (int64_t)part->rows);
    tell_number(writer, "bytes", true, (int64_t)part->bytes);
    tell_number(writer, "tick_min", part->has_ticks, part->tick_min);
    tell_number(writer, "tick_max", part->has_ticks, part->tick_max);
    lm__json_member_string_out(writer, "checksum", part->checksum);
    lm__json_close_object(writer);
}

static void tell_summary(lm_cli *cli, const lm_table_summary *summary)
{
    lm_json_writer *writer = &cli->writer;
    if (summary->repeated)
        lm__cli_warn("warning: this batch of the run %s was appended before (version %lld); "
                     "nothing was written",
                     summary->run_id, (long long)summary->version);
    if (summary->manifest_is_behind)
        lm__cli_warn("warning: manifest.json could not be written; the next append or repair "
                     "makes it anew");
    if (!cli->json) return;
    lm__json_member_string_out(writer, "table", summary->table);
    lm__json_member_string_out(writer, "run_id", summary->run_id);
    lm__json_key(writer, "parts");
    lm__json_open_array(writer);
    for (size_t i = 0; i < summary->part_count; i++) tell_part(writer, &summary->parts[i]);
    lm__json_close_array(writer);
    lm__json_key(writer, "rows");
    lm__json_uint(writer, summary->rows);
    lm__json_key(writer, "buckets");
    lm__json_open_array(writer);
    for (size_t i = 0; i < summary->bucket_count; i++) lm__json_int(writer, summary->buckets[i]);
    lm__json_close_array(writer);
    tell_number(writer, "version", summary->version >= 0, summary->version);
    lm__json_member_bool_out(writer, "repeated", summary->repeated);
    if (cli->command == &lm__cli_overwrite)
        tell_number(writer, "parts_removed", true, (int64_t)summary->parts_removed);
}

static lm_status check_settings(const settings *given, lm_error *error)
{
    if (!given->root) return lm__error_set(error, LM_INVALID, "--root is needed");
    if (!given->run_id) return lm__error_set(error, LM_INVALID, "--run-id is needed");
    if (given->bucket_size > INT64_MAX || (given->batch > INT64_MAX && given->batch != NO_BATCH))
        return lm__error_set(error, LM_INVALID, "--tick-bucket-size, --batch: beyond 2^63");
    if (given->threads > INT32_MAX || given->open_parts > UINT32_MAX)
        return lm__error_set(error, LM_INVALID, "--threads, --open-parts: too many");
    return LM_OK;
}

/* Text is read as what the table stores: "007" stays text where it is text. */
static lm_status append_source(const char *table, const char *source, const settings *given,
                               lm_table_options *options, const lm_scan_options *reading,
                               lm_table_summary **summary, lm_error *error)
{
    lm_table_descriptor *descriptor;
    lm_scan_options how = *reading;
    lm_scan *scan;
    struct ArrowArrayStream stream;
    if (how.types)
        return lm__error_set(error, LM_INVALID, "--read-types: types are those of the table");
    LM_TRY(lm_table_describe(options, table, given->run_id, &descriptor, error));
    how.types = lm_table_descriptor_stored(descriptor);
    lm_status status = lm_scan_open(source, &how, &scan, error);
    if (status == LM_OK) {
        lm_format format = lm_scan_format(scan);
        if (format == LM_FORMAT_CSV || format == LM_FORMAT_JSONL) options->check = LM_TABLE_SAFE;
        status = lm_scan_stream(scan, &stream, error);
        if (status == LM_OK)
            status = lm_table_append_take(options, table, given->run_id, &stream, summary, error);
        lm_scan_close(scan);
    }
    lm_table_descriptor_free(descriptor);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    lm_table_options options = {
        .root = given->root,
        .tick_bucket_size = (int64_t)given->bucket_size,
        .has_batch = given->batch != NO_BATCH,
        .batch = (int64_t)given->batch,
        .any_order = given->any_order,
        .check = given->no_strict ? LM_TABLE_SAFE : LM_TABLE_STRICT,
        .drop_extra = given->drop_extra,
        .validate_rows = given->validate_rows,
        .durability = (lm_durability)given->durability,
        .checksum = checksums[given->checksum],
        .metadata_prefix = given->metadata_prefix,
        .memory_bytes_max = (size_t)given->memory,
        .open_parts_max = (uint32_t)given->open_parts,
        .part_bytes_max = given->part_bytes,
        .threads = (int)given->threads,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    lm_registry *registry = NULL;
    lm_expr *partitions = NULL;
    lm_table_summary *summary = NULL;
    lm_scan_options how = {0};
    lm_error error;
    lm_error_clear(&error);
    lm_status status = check_settings(given, &error);
    if (status == LM_OK) status = lm__cli_scan_options(cli, &given->reading, &how, &error);
    if (status == LM_OK && given->registry)
        status = lm_registry_read(NULL, &cli->storage, given->registry, &registry, &error);
    if (status == LM_OK)
        status = lm__cli_expression(given->partitions, "partitions", &partitions, &error);
    options.registry = registry;
    options.replace = cli->command == &lm__cli_overwrite;
    options.replace_where = partitions;
    how.threads = options.threads;
    if (status == LM_OK)
        status = append_source(cli->words.items[0], cli->words.items[1], given, &options, &how,
                               &summary, &error);
    if (summary) tell_summary(cli, summary);
    lm_table_summary_free(summary);
    lm_registry_free(registry);
    lm_expr_free(partitions);
    lm__cli_scan_options_free(&how);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_append = {
    .name = "append",
    .usage = "TABLE SRC --root DIR --run-id ID",
    .summary = "Append the rows of SRC to a table, all or none.",
    .about =
        "Reads SRC (a file, a directory or a pattern, docs/datasets.md; - is standard input), "
        "holds "
        "it "
        "against the descriptor of TABLE (docs/tables.md) and adds its rows to the table "
        "DIR/ID/TABLE: a "
        "Parquet file for each partition, and one entry in the table's Delta log that makes them "
        "all part of it at once. When anything fails the table is as it was. Any number of "
        "processes may append to one table.",
    .groups = {{"Options", append_options, 0},
               {"Reading", lm__cli_reading_options, offsetof(settings, reading)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 2,
    .words_max = 2,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};

const lm_cli_command lm__cli_overwrite = {
    .name = "overwrite",
    .usage = "TABLE SRC --root DIR --run-id ID",
    .summary = "Replace a table's rows by those of SRC, in one step.",
    .about =
        "As `append`, but the entry that makes the rows of SRC part of the table DIR/ID/TABLE "
        "takes "
        "all that was there out of it, or the partitions that --partitions names. Who reads sees "
        "the old rows or the new ones. Older versions can still be read, until `vacuum` removes "
        "their files.",
    .groups = {{"Overwriting", overwrite_options, 0},
               {"Options", append_options, 0},
               {"Reading", lm__cli_reading_options, offsetof(settings, reading)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 2,
    .words_max = 2,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
