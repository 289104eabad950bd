/* lamella verify: what is there against what its manifest tells. */
#include <lamella/contents.h>
#include <lamella/manifest.h>
#include <lamella/table_ops.h>
#include <lamella/versions.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/cli.h"
#include "cli/commands.h"

typedef enum look_inside { INSIDE_AUTO, INSIDE_ALWAYS, INSIDE_NEVER } look_inside;

typedef struct settings {
    lm_cli_common common;
    bool extra_ok;
    int contents; /* look_inside */
    uint64_t page_bytes;
} settings;

static const settings defaults;

static const char *const contents_choices[] = {"auto", "always", "never", NULL};

static const lm_cli_option options[] = {
    {"contents", LM_CLI_CHOICE, offsetof(settings, contents), "auto|always|never",
     "Whether tables (Parquet, Arrow) are read to their end and held against what they tell of "
     "themselves: auto (the default) for a PATH that is one, always for those in directories too.",
     contents_choices},
    {"extra-ok", LM_CLI_FLAG, offsetof(settings, extra_ok), NULL,
     "Files in a directory that its manifest does not name are no fault.", NULL},
    {"read-page-bytes", LM_CLI_COUNT, offsetof(settings, page_bytes), "N",
     "Parquet: the most bytes of one page, decompressed; 1 GiB and a sixteenth by default.", NULL},
    {NULL},
};

/* The verification of one PATH: its files come first, then itself. */
typedef struct path_report {
    lm_cli *cli;
    const char *path;        /* of a prefix of versions its newest */
    lm_version_info version; /* that one; its path is "" where there are none */
    look_inside inside;
    size_t page_bytes_max;
    bool in_files, in_problems, seen;
    lm_verdict verdict; /* of the path itself */
    char reason[LM_ERROR_MESSAGE_MAX];
    uint64_t bytes;
    const char *shown; /* whose contents are looked at */
    lm_status worst;   /* of the contents of files in a directory */
    lm_error worst_error;
} path_report;

/* Contents. */

static lm_status report_problem(void *context, const lm_parquet_problem *problem, lm_error *error)
{
    path_report *report = context;
    lm_json_writer *writer = &report->cli->writer;
    char shown[2 * LM_ERROR_MESSAGE_MAX], place[2 * LM_ERROR_MESSAGE_MAX] = "", page[40] = "";
    (void)error;
    if (report->cli->json && !report->in_problems) {
        lm__json_key(writer, "problems");
        lm__json_open_array(writer);
        report->in_problems = true;
    }
    if (report->cli->json) {
        lm__json_open_object(writer);
        if (problem->row_group >= 0)
            lm__json_member_int_out(writer, "row_group", problem->row_group);
        if (problem->column) lm__json_member_string_out(writer, "column", problem->column);
        if (problem->page >= 0) lm__json_member_int_out(writer, "page", problem->page);
        lm__json_member_string_out(writer, "kind", problem->kind);
        lm__json_member_string_out(writer, "message", problem->message);
        lm__json_close_object(writer);
        return LM_OK;
    }
    if (problem->page >= 0)
        (void)snprintf(page, sizeof page, ", page %lld", (long long)problem->page);
    if (problem->row_group >= 0)
        (void)snprintf(place, sizeof place, "row group %lld%s%s%s: ", (long long)problem->row_group,
                       problem->column ? ", column " : "", problem->column ? problem->column : "",
                       page);
    lm__cli_print(report->cli, "%s: %s%s: %s\n", lm__printable(shown, sizeof shown, report->shown),
                  place, problem->kind, problem->message);
    return LM_OK;
}

static void tell_extent(path_report *report, const lm_contents *contents)
{
    char shown[2 * LM_ERROR_MESSAGE_MAX];
    lm__printable(shown, sizeof shown, report->shown);
    if (contents->unread)
        lm__cli_print(report->cli,
                      "%s: %llu column chunks cannot be read here; what can be was looked at\n",
                      shown, (unsigned long long)contents->unread);
    else if (contents->problems && !contents->damage)
        lm__cli_print(report->cli,
                      "%s: all values can be read; what the file tells of them is untrue\n", shown);
}

/* The contents of `path`, told as members of the object at hand; *is_table says whether there was
 * something to look at. */
static lm_status look_into(path_report *report, const char *path, bool *is_table, lm_error *error)
{
    lm_json_writer *writer = &report->cli->writer;
    const lm_contents_options how = {.callback = report_problem,
                                     .context = report,
                                     .page_bytes_max = report->page_bytes_max,
                                     .storage = &report->cli->storage,
                                     .cancel = report->cli->cancel};
    lm_contents contents;
    report->shown = path;
    lm_status status = lm_verify_contents(path, &how, &contents, error);
    *is_table = contents.format != LM_FORMAT_AUTO;
    if (report->in_problems) lm__json_close_array(writer);
    report->in_problems = false;
    if (!report->cli->json) tell_extent(report, &contents);
    if (!report->cli->json || !*is_table) return status;
    lm__json_key(writer, "contents");
    lm__json_open_object(writer);
    lm__json_member_string_out(writer, "format", lm_format_name(contents.format));
    lm__json_member_int_out(writer, "rows", (int64_t)contents.rows);
    if (contents.format == LM_FORMAT_PARQUET) {
        lm__json_member_int_out(writer, "pages", (int64_t)contents.pages);
        lm__json_member_int_out(writer, "values", (int64_t)contents.values);
        lm__json_member_int_out(writer, "problems", (int64_t)contents.problems);
        lm__json_member_int_out(writer, "damage", (int64_t)contents.damage);
        lm__json_member_int_out(writer, "unread", (int64_t)contents.unread);
    }
    lm__json_close_object(writer);
    return status;
}

/* Verdicts. */

static void report_members(path_report *report, const char *path, lm_verdict verdict,
                           const char *reason, uint64_t bytes)
{
    lm_json_writer *writer = &report->cli->writer;
    lm__json_path_out(writer, "path", path);
    lm__json_member_string_out(writer, "verdict", lm_verdict_word(verdict));
    lm__json_member_string_out(writer, "reason", reason);
    lm__json_key(writer, "bytes");
    lm__json_uint(writer, bytes);
}

static int rank(lm_status status);

/* Of a file in a directory that is what the manifest tells. */
static lm_status look_into_file(path_report *report, const char *name)
{
    lm_buffer path;
    lm_error error;
    bool is_table;
    lm__buffer_init(&path, NULL, 0);
    lm_status status = lm__buffer_printf(&path, "%s/%s", report->path, name);
    if (status == LM_OK) {
        status = look_into(report, (const char *)path.data, &is_table, &error);
        if (rank(status) > rank(report->worst)) {
            report->worst = status;
            report->worst_error = error;
        }
        status = status == LM_CANCELLED ? status : LM_OK;
    }
    lm__buffer_deinit(&path);
    return status;
}

/* An lm_verify_callback. In JSON a directory's files stand in a list before its own verdict. */
static lm_status report_one(void *context, const lm_verified *verified, lm_error *error)
{
    path_report *report = context;
    lm_cli *cli = report->cli;
    lm_status status = LM_OK;
    char shown[2 * LM_ERROR_MESSAGE_MAX];
    (void)error;
    if (verified->path == report->path || strcmp(verified->path, report->version.path) == 0) {
        report->seen = true;
        report->verdict = verified->verdict;
        report->bytes = verified->bytes;
        (void)snprintf(report->reason, sizeof report->reason, "%s", verified->reason);
        return LM_OK;
    }
    if (!report->in_files && cli->json) {
        lm__json_key(&cli->writer, "files");
        lm__json_open_array(&cli->writer);
        report->in_files = true;
    }
    if (cli->json) {
        lm__json_open_object(&cli->writer);
        report_members(report, verified->path, verified->verdict, verified->reason,
                       verified->bytes);
    } else if (verified->verdict != LM_VERDICT_OK) {
        lm__cli_print(cli, "%-16s %s/%s\n", lm_verdict_word(verified->verdict), report->path,
                      lm__printable(shown, sizeof shown, verified->path));
    }
    if (report->inside == INSIDE_ALWAYS &&
        (verified->verdict == LM_VERDICT_OK || verified->verdict == LM_VERDICT_EXTRA))
        status = look_into_file(report, verified->path);
    if (cli->json) lm__json_close_object(&cli->writer);
    return status;
}

/* Corrupt before failures of other kinds, those before missing, that before stale. */
static int rank(lm_status status)
{
    switch (status) {
    case LM_OK: return 0;
    case LM_STALE: return 1;
    case LM_NOT_FOUND: return 2;
    case LM_DATA:
    case LM_CORRUPT: return 4;
    case LM_CANCELLED: return 5;
    default: return 3;
    }
}

/* The contents' part in the verdict: a table without a manifest is judged by them alone. */
static lm_status join(path_report *report, lm_status status, lm_status inside,
                      const lm_error *inside_error, lm_error *error)
{
    bool alone = status == LM_NOT_FOUND && report->verdict == LM_VERDICT_MANIFEST_MISSING;
    if (!alone && rank(inside) <= rank(status)) return status;
    if (inside == LM_OK) {
        report->verdict = LM_VERDICT_OK;
        (void)snprintf(report->reason, sizeof report->reason,
                       "its contents are sound; there is no manifest");
        return LM_OK;
    }
    if (inside == LM_CORRUPT || inside == LM_DATA) {
        report->verdict = LM_VERDICT_CORRUPT;
        (void)snprintf(report->reason, sizeof report->reason, "%s", inside_error->message);
    }
    *error = *inside_error;
    return inside;
}

static bool is_verdict(lm_status status)
{
    return status == LM_OK || status == LM_STALE || status == LM_NOT_FOUND ||
           status == LM_CORRUPT || status == LM_DATA;
}

static void report_whole(path_report *report, lm_status status, const lm_error *error)
{
    lm_cli *cli = report->cli;
    char shown[2 * LM_ERROR_MESSAGE_MAX], word[48];
    bool told = report->seen && is_verdict(status);
    if (!cli->json) {
        if (told)
            lm__cli_print(cli, "%-16s %s\n", lm_verdict_word(report->verdict),
                          lm__printable(shown, sizeof shown, report->path));
        return;
    }
    if (told)
        report_members(report, report->path, report->verdict, report->reason, report->bytes);
    else
        lm__json_path_out(&cli->writer, "path", report->path);
    lm__json_member_string_out(&cli->writer, "status", lm__cli_status_word(status, word));
    if (status != LM_OK) lm__json_member_string_out(&cli->writer, "message", error->message);
    lm__json_close_object(&cli->writer);
}

/* A table is held against its log. */

static lm_status report_table_problem(void *context, const lm_table_problem *problem,
                                      lm_error *error)
{
    path_report *report = context;
    lm_json_writer *writer = &report->cli->writer;
    char shown[2 * LM_ERROR_MESSAGE_MAX], part[2 * LM_ERROR_MESSAGE_MAX];
    (void)error;
    if (!report->cli->json) {
        lm__printable(shown, sizeof shown, report->path);
        lm__printable(part, sizeof part, problem->part ? problem->part : "");
        lm__cli_print(report->cli, "%s%s%s: %s: %s\n", shown, problem->part ? "/" : "", part,
                      problem->kind, problem->message);
        return LM_OK;
    }
    if (!report->in_problems) {
        lm__json_key(writer, "problems");
        lm__json_open_array(writer);
        report->in_problems = true;
    }
    lm__json_open_object(writer);
    if (problem->part) lm__json_path_out(writer, "part", problem->part);
    lm__json_member_string_out(writer, "kind", problem->kind);
    lm__json_member_string_out(writer, "message", problem->message);
    lm__json_close_object(writer);
    return LM_OK;
}

static void report_table(const path_report *report, const lm_table_verified *found)
{
    lm_json_writer *writer = &report->cli->writer;
    lm__json_key(writer, "table");
    lm__json_open_object(writer);
    lm__json_member_int_out(writer, "version", found->version);
    lm__json_member_int_out(writer, "parts", (int64_t)found->parts);
    lm__json_member_int_out(writer, "rows", (int64_t)found->rows);
    lm__json_member_int_out(writer, "bytes", (int64_t)found->bytes);
    lm__json_member_int_out(writer, "problems", (int64_t)found->problems);
    lm__json_key(writer, "manifest_version");
    if (found->manifest_version >= 0)
        lm__json_int(writer, found->manifest_version);
    else
        lm__json_null(writer);
    lm__json_member_int_out(writer, "unreferenced", (int64_t)found->unreferenced);
    lm__json_member_int_out(writer, "unreferenced_bytes", (int64_t)found->unreferenced_bytes);
    lm__json_close_object(writer);
}

static lm_status verify_table(lm_cli *cli, const char *path, const settings *given, lm_error *error)
{
    static const lm_verdict verdicts[] = {LM_VERDICT_OK, LM_VERDICT_STALE, LM_VERDICT_MISSING,
                                          LM_VERDICT_CORRUPT};
    path_report report = {.cli = cli, .path = path, .seen = true};
    const lm_table_verifying what = {.without_reading = given->contents == INSIDE_NEVER,
                                     .callback = report_table_problem,
                                     .context = &report};
    const lm_table_operation how = {.storage = &cli->storage, .cancel = cli->cancel};
    lm_table_verified found;
    if (cli->json) lm__json_open_object(&cli->writer);
    lm_status status = lm_table_verify(path, &what, &how, &found, error);
    if (report.in_problems) lm__json_close_array(&cli->writer);
    report.verdict = verdicts[status == LM_STALE       ? 1
                              : status == LM_NOT_FOUND ? 2
                              : status == LM_CORRUPT   ? 3
                                                       : 0];
    report.bytes = found.bytes;
    if (cli->json) report_table(&report, &found);
    report_whole(&report, status, error);
    if (!cli->json && found.unreferenced > 0)
        lm__cli_print(cli,
                      "%llu Parquet files (%llu bytes) are no part of version %lld: of older "
                      "versions, or of writers that are at work or died (vacuum)\n",
                      (unsigned long long)found.unreferenced,
                      (unsigned long long)found.unreferenced_bytes, (long long)found.version);
    return status;
}

static lm_status verify_one(lm_cli *cli, const char *path, const settings *given, lm_error *error)
{
    path_report report = {.cli = cli,
                          .path = path,
                          .inside = (look_inside)given->contents,
                          .page_bytes_max = (size_t)given->page_bytes};
    const lm_verify_options how = {
        .extra_ok = given->extra_ok,
        .callback = report_one,
        .context = &report,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };

    const lm_version_options follow = {.storage = &cli->storage, .cancel = cli->cancel};
    const lm_table_operation where = {.storage = &cli->storage, .cancel = cli->cancel};
    lm_error inside_error;
    bool is_table = false;
    if (lm_table_is(path, &where, &is_table, NULL) == LM_OK && is_table)
        return verify_table(cli, path, given, error);
    is_table = false;
    /* What stands for a prefix of versions is its newest. */
    if (lm_version_resolve(path, NULL, &follow, &report.version, NULL) == LM_OK)
        report.path = report.version.path;
    else
        report.version.path[0] = '\0';
    if (cli->json) lm__json_open_object(&cli->writer);
    lm_status status = lm_verify(path, &how, error);
    if (report.in_files) lm__json_close_array(&cli->writer);
    if (given->contents != INSIDE_NEVER && is_verdict(status) && report.seen &&
        report.verdict != LM_VERDICT_MISSING) {
        lm_status inside = look_into(&report, report.path, &is_table, &inside_error);
        if (is_table || inside != LM_OK)
            status = join(&report, status, inside, &inside_error, error);
    }
    if (rank(report.worst) > rank(status)) {
        status = report.worst;
        *error = report.worst_error;
        report.verdict = LM_VERDICT_CORRUPT;
    }
    report_whole(&report, status, error);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    lm_status worst = LM_OK;
    lm_error error, worst_error;
    lm_error_clear(&worst_error);
    if (cli->json) {
        lm__json_key(&cli->writer, "results");
        lm__json_open_array(&cli->writer);
    }
    for (int i = 0; i < cli->words.count && worst != LM_CANCELLED; i++) {
        lm_error_clear(&error);
        lm_status status = verify_one(cli, cli->words.items[i], context, &error);
        if (rank(status) <= rank(worst)) {
            if (status != LM_OK) lm__cli_warn("%s", error.message);
            continue;
        }
        if (worst != LM_OK) lm__cli_warn("%s", worst_error.message);
        worst = status;
        worst_error = error;
    }
    if (cli->json) lm__json_close_array(&cli->writer);
    return lm__cli_end(cli, worst, &worst_error);
}

const lm_cli_command lm__cli_verify = {
    .name = "verify",
    .usage = "PATH...",
    .summary =
        "Tell whether files and directories are what their manifests, and they themselves, tell.",
    .about =
        "Reads each PATH and compares it with its manifest (`write --manifest`, `publish-dir "
        "--manifest`). The verdicts: ok; previous (ok too: the file from before a publication "
        "that did not come to its end); stale, exit 8: the manifest speaks of another file; "
        "corrupt, exit 3: the file that it speaks of, with other bytes; missing and "
        "manifest_missing, exit 9. In a directory each file has its own verdict, and extra (exit "
        "8) is a file that the manifest does not name. With several paths the exit status is that "
        "of the worst: corrupt, then failures to look, then missing, then stale.\n\n"
        "A table is read to its end as well, and needs no manifest for that. Of a Parquet file "
        "every page is unpacked and decoded, and what it tells is held against the values: CRCs, "
        "levels, numbers of rows, values and bytes, statistics of chunks and pages, column and "
        "offset index, size statistics, bloom filters, sorting, text. Each problem is told with "
        "row group, column and page; a file that has one is corrupt, exit 3. Where "
        "none is of the values themselves, only of what is told of them, that is said too.\n\n"
        "A directory with a Delta log is a table (docs/tables.md), and held against that: each "
        "part "
        "is there, has the size, checksum, rows, bounds and nulls that the log tells of, and is "
        "sound in itself; manifest.json is what the log tells of its version. With --contents "
        "never only existence and sizes are looked at.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = -1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
