/* lamella merge: many parts become one file, whole or not at all. */
#include <lamella/merge.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_path.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/publication.h"
#include "codec/codec.h"

#define SHOWN_PARTS_MAX 40

typedef struct settings {
    lm_cli_common common;
    int format, order, compression;
    const char *header, *from_list, *level;
    bool require_success, allow_unfinished, trust_parts, rows, delete_sources, resume, dry_run,
        rewrite;
    int kv_conflict; /* a place in its choices */
    const char *codec;
    uint64_t threads, small_rows, small_bytes, row_group_rows, row_group_bytes;
    lm_cli_publication publication;
    lm_cli_manifest manifest;
    lm_cli_progress_settings progress;
} settings;

static const settings defaults;
static const char *const formats[] = {"auto", "csv", "jsonl", "text", "parquet", NULL};
static const char *const orders[] = {"auto", "part", "natural", "name", "time", "listed", NULL};
static const char *const compressions[] = {"auto", "none", "gzip", "zstd", NULL};

static const char *const kv_conflicts[] = {"drop", "first", "refuse", NULL};

static const lm_cli_option merge_options[] = {
    {"dry-run", LM_CLI_FLAG, offsetof(settings, dry_run), NULL,
     "Show the plan: the parts in their order, what each is, how its bytes will go and how many of "
     "them cross this machine. Nothing is written.",
     NULL},
    {"from-list", LM_CLI_TEXT, offsetof(settings, from_list), "FILE",
     "The sources, a line each (- is standard input), in place of SRC.", NULL},
    {"format", LM_CLI_CHOICE, offsetof(settings, format), "auto|csv|jsonl|text|parquet",
     "What the parts are; auto (the default) goes by their names, then by that of DST, then by "
     "their first bytes.",
     formats},
    {"order", LM_CLI_CHOICE, offsetof(settings, order), "auto|part|natural|name|time|listed",
     "part: by the number of part-NNNNN, directory by directory; natural: by path, numbers by "
     "their value; name: by path, bytewise; time: oldest first; listed: as the sources stand. auto "
     "(the default) is part where all names have a number, else listed.",
     orders},
    {"header", LM_CLI_TEXT, offsetof(settings, header), "auto|yes|no|TEXT",
     "yes: every part begins with one header, which the result has once; no: the parts have none; "
     "auto (the default): yes where all begin with the same line and it looks like names, and an "
     "error (exit 3) where only some do. Any other text is the header of parts that have none: "
     "\"user_id,product_id,score\".",
     NULL},
    {"compression", LM_CLI_CHOICE, offsetof(settings, compression), "auto|none|gzip|zstd",
     "Of the result; auto (the default) goes by its suffix. Parts that are compressed so already "
     "are joined as they are where they have no header.",
     compressions},
    {"level", LM_CLI_TEXT, offsetof(settings, level), "N", "The level of the compression.", NULL},
    {"trust-parts", LM_CLI_FLAG, offsetof(settings, trust_parts), NULL,
     "Do not look whether parts end with a line's end, nor decompress compressed ones to see that "
     "they are whole.",
     NULL},
    {"rows", LM_CLI_FLAG, offsetof(settings, rows), NULL,
     "Count the rows of the parts and of the result, hold one against the other, and tell them.",
     NULL},
    {"require-success", LM_CLI_FLAG, offsetof(settings, require_success), NULL,
     "Refuse (exit 4) a directory that has no _SUCCESS.", NULL},
    {"allow-unfinished", LM_CLI_FLAG, offsetof(settings, allow_unfinished), NULL,
     "Take a directory that has _temporary in it.", NULL},
    {"delete-sources", LM_CLI_FLAG, offsetof(settings, delete_sources), NULL,
     "The parts may go: a store that can join them by itself (HDFS) does, and no bytes are moved; "
     "elsewhere they are removed after DST is in place. A journal beside them tells what was "
     "begun, and nothing is lost if it is cut short.",
     NULL},
    {"resume", LM_CLI_FLAG, offsetof(settings, resume), NULL,
     "Carry on a merge with --delete-sources that was cut short; with none, merge.", NULL},
    {"rewrite", LM_CLI_FLAG, offsetof(settings, rewrite), NULL,
     "Parquet: read all rows and write them anew, in row groups of full size.", NULL},
    {"small-rows", LM_CLI_COUNT, offsetof(settings, small_rows), "N",
     "Parquet: write row groups of fewer rows anew, together with their neighbours of that kind, "
     "and carry the others over.",
     NULL},
    {"small-bytes", LM_CLI_COUNT, offsetof(settings, small_bytes), "N",
     "With --small-rows: only those that have fewer bytes in the file, too.", NULL},
    {"codec", LM_CLI_TEXT, offsetof(settings, codec), "NAME[:LEVEL]",
     "Parquet, of what is written anew: snappy (the default), zstd, gzip, lz4_raw, brotli or none.",
     NULL},
    {"row-group-rows", LM_CLI_COUNT, offsetof(settings, row_group_rows), "N",
     "Parquet, of what is written anew: the most rows of a row group.", NULL},
    {"row-group-bytes", LM_CLI_COUNT, offsetof(settings, row_group_bytes), "N",
     "Parquet, of what is written anew: the most bytes of Arrow data in a row group; this bounds "
     "the memory too.",
     NULL},
    {"kv-conflict", LM_CLI_CHOICE, offsetof(settings, kv_conflict), "drop|first|refuse",
     "Parquet: what becomes of key-value metadata that is not the same in all parts. drop (the "
     "default) leaves it out, first takes each key's first value, refuse fails (exit 3).",
     kv_conflicts},
    {"threads", LM_CLI_COUNT, offsetof(settings, threads), "N",
     "Threads to compress with; LAMELLA_THREADS, or as many as there are processors.", NULL},
    {NULL},
};

/* Sources. */

typedef struct source_list {
    const char **items; /* allocated */
    size_t count;
    char *text; /* of the list, allocated */
} source_list;

static lm_status read_text(const char *path, lm_buffer *text, lm_error *error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (!file) return lm__error_set(error, LM_NOT_FOUND, "%s: the list cannot be opened", path);
    lm_status status = LM_OK;
    while (status == LM_OK) {
        status = lm__buffer_reserve(text, LM_COPY_BLOCK_BYTES);
        if (status != LM_OK) break;
        size_t got = fread(text->data + text->size, 1, LM_COPY_BLOCK_BYTES, file);
        text->size += got;
        if (got == 0) break;
    }
    if (status == LM_OK && ferror(file))
        status = lm__error_set(error, LM_IO, "%s: the list cannot be read", path);
    else if (status != LM_OK)
        status = lm__error_set(error, status, "%s: the list is too long", path);
    if (!is_stdin) fclose(file);
    return status;
}

/* The lines of the list; empty ones are none. */
static lm_status read_list(const char *path, source_list *list, lm_error *error)
{
    lm_buffer text;
    lm__buffer_init(&text, NULL, LM_JSON_BYTES_MAX);
    lm_status status = read_text(path, &text, error);
    if (status == LM_OK) status = lm__buffer_byte(&text, '\0');
    size_t lines = 1;
    for (size_t i = 0; status == LM_OK && i < text.size; i++) lines += text.data[i] == '\n';
    if (status == LM_OK && !(list->items = lm__alloc_array(NULL, lines, sizeof *list->items)))
        status = lm__error_memory(error, "reading the list");
    list->text = (char *)text.data;
    for (char *line = list->text, *rest; status == LM_OK && line; line = rest) {
        rest = strchr(line, '\n');
        if (rest) *rest++ = '\0';
        size_t size = strlen(line);
        if (size > 0 && line[size - 1] == '\r') line[size - 1] = '\0';
        if (line[0]) list->items[list->count++] = line;
    }
    return status;
}

/* SRC… DST, or DST alone with a list. */
static lm_status find_sources(const lm_cli *cli, const settings *given, source_list *list,
                              lm_error *error)
{
    size_t words = (size_t)cli->words.count;
    if (given->from_list && words > 1)
        return lm__error_set(error, LM_INVALID, "with --from-list there is only DST, not '%s'",
                             cli->words.items[0]);
    if (given->from_list) return read_list(given->from_list, list, error);
    if (words < 2)
        return lm__error_set(error, LM_INVALID,
                             "%s: what is to be merged there? (merge SRC... DST)",
                             cli->words.items[0]);
    list->items = lm__alloc_array(NULL, words, sizeof *list->items);
    if (!list->items) return lm__error_memory(error, "reading the command line");
    for (list->count = 0; list->count + 1 < words; list->count++)
        list->items[list->count] = cli->words.items[list->count];
    return LM_OK;
}

/* Options. */

static lm_status read_parquet(const settings *given, lm_parquet_options *parquet,
                              lm_merge_options *options, lm_error *error)
{
    bool anew = given->rewrite || given->small_rows;
    if (!anew && (given->codec || given->row_group_rows || given->row_group_bytes))
        return lm__error_set(error, LM_INVALID,
                             "--codec, --row-group-rows and --row-group-bytes are of what is "
                             "written anew, by --rewrite or --small-rows");
    if (given->small_bytes && !given->small_rows)
        return lm__error_set(error, LM_INVALID, "--small-bytes goes with --small-rows");
    *parquet = lm_parquet_options_default();
    if (given->codec)
        LM_TRY(lm__codec_level_parse(given->codec, &parquet->codec, &parquet->level, error));
    if (given->row_group_rows) parquet->row_group_rows_max = (int64_t)given->row_group_rows;
    if (given->row_group_bytes) parquet->row_group_bytes_max = (size_t)given->row_group_bytes;
    parquet->threads = (int)given->threads;
    options->parquet = parquet;
    options->small_rows = (int64_t)given->small_rows;
    options->small_bytes = given->small_bytes;
    options->pairs = (lm_parquet_merge_pairs)given->kv_conflict;
    return LM_OK;
}

static lm_status read_settings(const settings *given, lm_parquet_options *parquet,
                               lm_merge_options *options, lm_error *error)
{
    LM_TRY(read_parquet(given, parquet, options, error));
    options->format = (lm_merge_format)given->format;
    options->order = (lm_merge_order)given->order;
    options->compression = (lm_merge_compression)given->compression;
    options->require_success = given->require_success;
    options->allow_unfinished = given->allow_unfinished;
    options->trust_parts = given->trust_parts;
    options->count_rows = given->rows;
    options->delete_sources = given->delete_sources || given->resume;
    options->resume = given->resume;
    options->rewrite = given->rewrite;
    options->threads = (int)given->threads;
    if (given->header && strcmp(given->header, "yes") == 0)
        options->header = LM_MERGE_HEADER_YES;
    else if (given->header && strcmp(given->header, "no") == 0)
        options->header = LM_MERGE_HEADER_NO;
    else if (given->header && strcmp(given->header, "auto") != 0)
        options->header_text = given->header;
    if (!given->level) return LM_OK;
    char *end;
    long level = strtol(given->level, &end, 10);
    if (end == given->level || *end || level < -1000 || level > 1000)
        return lm__error_set(error, LM_INVALID, "--level %s: that is no number", given->level);
    options->level_set = true;
    options->level = (int)level;
    return LM_OK;
}

/* Telling. */

static void member_count(lm_cli *cli, const char *key, uint64_t value)
{
    lm__json_key(&cli->writer, key);
    lm__json_uint(&cli->writer, value);
}

static void tell_part_json(lm_cli *cli, const lm_merge_part *part)
{
    lm_json_writer *writer = &cli->writer;
    lm__json_open_object(writer);
    lm__json_path_out(writer, "path", part->path);
    member_count(cli, "bytes", part->bytes);
    lm__json_member_bool_out(writer, "blank", part->blank);
    if (!part->blank) {
        lm__json_member_string_out(writer, "compression",
                                   lm_merge_compression_word(part->compression));
        lm__json_member_string_out(writer, "line_end", lm_merge_line_end_word(part->line_end));
        lm__json_member_bool_out(writer, "bom", part->bom);
        lm__json_member_bool_out(writer, "lacks_end", part->lacks_end);
        member_count(cli, "cut", part->cut);
        lm__json_member_string_out(writer, "way", lm_merge_strategy_word(part->way));
    }
    lm__json_close_object(writer);
}

static void tell_plan_json(lm_cli *cli, const lm_merge_plan *plan)
{
    const lm_merge_summary *s = lm_merge_plan_summary(plan);
    lm_json_writer *writer = &cli->writer;
    lm__json_member_string_out(writer, "format", lm_merge_format_word(s->format));
    lm__json_member_string_out(writer, "order", lm_merge_order_word(s->order));
    lm__json_member_string_out(writer, "strategy", lm_merge_strategy_word(s->strategy));
    lm__json_member_string_out(writer, "compression", lm_merge_compression_word(s->compression));
    lm__json_key(writer, "header");
    if (s->has_header)
        lm__json_string_n(writer, s->header, s->header_bytes);
    else
        lm__json_null(writer);
    lm__json_member_bool_out(writer, "bom", s->bom);
    member_count(cli, "blank_parts", s->blank_parts);
    member_count(cli, "source_bytes", s->source_bytes);
    member_count(cli, "client_bytes", s->client_bytes);
    member_count(cli, "line_ends", s->line_ends);
    lm__json_key(writer, "bytes");
    if (s->bytes_known)
        lm__json_uint(writer, s->bytes);
    else
        lm__json_null(writer);
    lm__json_key(writer, "hint");
    if (s->hint)
        lm__json_string(writer, s->hint);
    else
        lm__json_null(writer);
    lm__json_key(writer, "notes");
    lm__json_open_array(writer);
    for (size_t i = 0; i < s->note_count; i++) lm__json_string(writer, s->notes[i]);
    lm__json_close_array(writer);
    lm__json_member_bool_out(writer, "resumes", s->resumes);
    lm__json_key(writer, "parts");
    lm__json_open_array(writer);
    for (uint64_t i = 0; i < s->parts; i++) {
        lm_merge_part part;
        lm_merge_plan_part(plan, i, &part);
        tell_part_json(cli, &part);
    }
    lm__json_close_array(writer);
}

static void tell_part(lm_cli *cli, const lm_merge_part *part)
{
    char shown[2 * LM_ERROR_MESSAGE_MAX], cut[48] = "";
    if (part->cut) snprintf(cut, sizeof cut, ", %llu bytes cut", (unsigned long long)part->cut);
    lm__cli_print(cli, "  %14llu  %s  (%s%s%s%s%s)\n", (unsigned long long)part->bytes,
                  lm__printable(shown, sizeof shown, part->path),
                  part->blank ? "blank" : lm_merge_strategy_word(part->way),
                  part->compression > LM_MERGE_COMPRESSION_NONE ? ", " : "",
                  part->compression > LM_MERGE_COMPRESSION_NONE
                      ? lm_merge_compression_word(part->compression)
                      : "",
                  cut, part->lacks_end ? ", a line end put in" : "");
}

static void tell_plan(lm_cli *cli, const lm_merge_plan *plan)
{
    const lm_merge_summary *s = lm_merge_plan_summary(plan);
    uint64_t shown = s->parts > SHOWN_PARTS_MAX ? SHOWN_PARTS_MAX / 2 : s->parts;
    if (s->resumes) lm__cli_print(cli, "an interrupted merge is carried on:\n");
    lm__cli_print(cli, "%llu parts (%llu blank), %llu bytes, %s, order: %s\n",
                  (unsigned long long)s->parts, (unsigned long long)s->blank_parts,
                  (unsigned long long)s->source_bytes, lm_merge_format_word(s->format),
                  lm_merge_order_word(s->order));
    for (uint64_t i = 0; i < s->parts; i++) {
        lm_merge_part part;
        if (i == shown && s->parts > SHOWN_PARTS_MAX) {
            lm__cli_print(cli, "  %14s  %llu more\n", "...",
                          (unsigned long long)(s->parts - 2 * shown));
            i = s->parts - shown;
        }
        lm_merge_plan_part(plan, i, &part);
        tell_part(cli, &part);
    }
    if (s->has_header)
        lm__cli_print(cli, "header: %.*s\n", (int)(s->header_bytes < 2000 ? s->header_bytes : 2000),
                      s->header);
    else if (s->format == LM_MERGE_CSV)
        lm__cli_print(cli, "header: none\n");
    if (s->compression > LM_MERGE_COMPRESSION_NONE)
        lm__cli_print(cli, "compressed: %s\n", lm_merge_compression_word(s->compression));
    if (s->bytes_known) lm__cli_print(cli, "result: %llu bytes\n", (unsigned long long)s->bytes);
    lm__cli_print(cli, "strategy: %s; %llu bytes cross this machine\n",
                  lm_merge_strategy_word(s->strategy), (unsigned long long)s->client_bytes);
    if (s->hint) lm__cli_print(cli, "hint: %s\n", s->hint);
    for (size_t i = 0; i < s->note_count; i++) lm__cli_print(cli, "note: %s\n", s->notes[i]);
}

static void tell_result(lm_cli *cli, const lm_merge_result *result)
{
    if (result->left > 0)
        lm__cli_warn("warning: %llu parts were changed after they were merged, and are still there",
                     (unsigned long long)result->left);
    if (!cli->json) {
        if (result->has_rows && result->file.state != LM_COMMIT_NOT_DONE)
            lm__cli_print(cli, "%llu rows\n", (unsigned long long)result->rows);
        return;
    }
    lm__json_member_string_out(&cli->writer, "strategy", lm_merge_strategy_word(result->strategy));
    member_count(cli, "parts", result->parts);
    member_count(cli, "blank_parts", result->blank_parts);
    member_count(cli, "source_bytes", result->source_bytes);
    member_count(cli, "client_bytes", result->client_bytes);
    if (result->has_rows) member_count(cli, "rows", result->rows);
    member_count(cli, "deleted", result->deleted);
    member_count(cli, "left", result->left);
}

/* The run. */

typedef struct shown_progress {
    lm_cli_progress line;
    uint64_t done;
} shown_progress;

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    shown_progress *shown = context;
    (void)total;
    lm__cli_progress_add(&shown->line, done - shown->done);
    shown->done = done;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *path = cli->words.items[cli->words.count - 1];
    shown_progress shown = {0};
    source_list sources = {0};
    lm_manifest manifest;
    lm_file_options file;
    lm_parquet_options parquet;
    lm_merge_plan *plan = NULL;
    lm_merge_result result = {0};
    lm_merge_options options = {.file = &file, .progress = show_progress, .context = &shown};
    lm_error error;
    bool with_manifest;
    lm_error_clear(&error);
    lm_status status = lm__cli_manifest(&given->manifest, &manifest, &with_manifest, &error);
    if (status == LM_OK)
        status = lm__cli_file_options(cli, &given->publication, with_manifest ? &manifest : NULL,
                                      &file, &error);
    if (status == LM_OK) status = read_settings(given, &parquet, &options, &error);
    if (status == LM_OK) status = find_sources(cli, given, &sources, &error);
    if (status == LM_OK)
        status = lm_merge_plan_open(sources.items, sources.count, path, &options, &plan, &error);
    if (status == LM_OK && given->dry_run) {
        if (cli->json)
            tell_plan_json(cli, plan);
        else
            tell_plan(cli, plan);
    } else if (status == LM_OK) {
        lm__cli_progress_begin(&shown.line, &given->progress, "merging");
        status = lm_merge_run(plan, &result, &error);
        lm__cli_progress_end(&shown.line);
        tell_result(cli, &result);
    }
    lm_merge_plan_close(plan);
    lm__free(NULL, (void *)sources.items);
    lm__free(NULL, sources.text);
    return lm__cli_file_end(cli, path, &result.file, status, &error);
}

const lm_cli_command lm__cli_merge = {
    .name = "merge",
    .usage = "SRC... DST, or DST --from-list FILE",
    .summary = "Join many parts into the one file DST, all or nothing.",
    .about =
        "Joins the parts that SRC names (files, directories and patterns, all on one store) into "
        "DST: CSV, JSON lines and other text, plain or compressed (.gz, .zst), and Parquet "
        "(docs/merge.md). Values are never read as such or written anew. The result has one "
        "header and one byte order mark; line ends that are missing at the end of parts are put "
        "in; blank parts are left out. In directories, names that begin with _ or . do not "
        "count.\n\n"
        "Where the store can copy bytes by itself, or join files, they do not cross this machine; "
        "--dry-run tells. They are only summed (--checksum, --manifest) when asked for, since "
        "they have to be read for that: without a manifest auto is none here.\n\n"
        "A part that is changed while it is merged fails the merge. When anything fails DST is as "
        "it was, and so are the parts.",
    .groups = {{"Options", merge_options, 0},
               {"Publication", lm__cli_publication_options, offsetof(settings, publication)},
               {"Manifest", lm__cli_manifest_options, offsetof(settings, manifest)},
               {"Progress", lm__cli_progress_options, offsetof(settings, progress)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = -1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
