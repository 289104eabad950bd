/* lamella verify: what is there against what its manifest tells. */
#include <lamella/manifest.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/cli.h"
#include "cli/commands.h"

typedef struct settings {
    lm_cli_common common;
    bool extra_ok;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"extra-ok", LM_CLI_FLAG, offsetof(settings, extra_ok), NULL,
     "Files in a directory that its manifest does not name are no fault.", NULL},
    {NULL},
};

/* The verification of one PATH: its files come first, then itself. */
typedef struct path_report {
    lm_cli *cli;
    const char *path;
    bool in_files;
} path_report;

static void report_members(path_report *report, const lm_verified *verified)
{
    lm_json_writer *writer = &report->cli->writer;
    lm__json_path_out(writer, "path", verified->path);
    lm__json_member_string_out(writer, "verdict", lm_verdict_word(verified->verdict));
    lm__json_member_string_out(writer, "reason", verified->reason);
    lm__json_key(writer, "bytes");
    lm__json_uint(writer, verified->bytes);
}

/* An lm_verify_callback. In JSON a directory's files stand in a list before its own verdict. */
static lm_status report_one(void *context, const lm_verified *verified, lm_error *error)
{
    path_report *report = context;
    lm_cli *cli = report->cli;
    bool is_whole = verified->path == report->path;
    (void)error;
    if (!cli->json) {
        char shown[2 * LM_ERROR_MESSAGE_MAX];
        if (is_whole || verified->verdict != LM_VERDICT_OK)
            lm__cli_print(cli, "%-16s %s%s%s\n", lm_verdict_word(verified->verdict),
                          is_whole ? "" : report->path, is_whole ? "" : "/",
                          lm__printable(shown, sizeof shown, verified->path));
        return LM_OK;
    }
    if (!is_whole && !report->in_files) {
        lm__json_key(&cli->writer, "files");
        lm__json_open_array(&cli->writer);
        report->in_files = true;
    }
    if (is_whole && report->in_files) {
        lm__json_close_array(&cli->writer);
        report->in_files = false;
    }
    if (!is_whole) lm__json_open_object(&cli->writer);
    report_members(report, verified);
    if (!is_whole) lm__json_close_object(&cli->writer);
    return LM_OK;
}

/* Corrupt before failures of other kinds, those before missing, that before stale. */
static int rank(lm_status status)
{
    switch (status) {
    case LM_OK: return 0;
    case LM_STALE: return 1;
    case LM_NOT_FOUND: return 2;
    case LM_CORRUPT: return 4;
    case LM_CANCELLED: return 5;
    default: return 3;
    }
}

static lm_status verify_one(lm_cli *cli, const char *path, const settings *given, lm_error *error)
{
    path_report report = {cli, path, false};
    const lm_verify_options how = {
        .extra_ok = given->extra_ok,
        .callback = report_one,
        .context = &report,
        .cancel = cli->cancel,
    };
    lm_json_writer *writer = &cli->writer;
    char word[48];
    if (cli->json) lm__json_open_object(writer);
    lm_status status = lm_verify(path, &how, error);
    bool is_verdict =
        status == LM_OK || status == LM_STALE || status == LM_NOT_FOUND || status == LM_CORRUPT;
    if (cli->json) {
        if (report.in_files) lm__json_close_array(writer);
        if (!is_verdict) lm__json_path_out(writer, "path", path);
        lm__json_member_string_out(writer, "status", lm__cli_status_word(status, word));
        if (status != LM_OK) lm__json_member_string_out(writer, "message", error->message);
        lm__json_close_object(writer);
    }
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
    .summary = "Tell whether files and directories are what their manifests tell.",
    .about =
        "Reads each PATH and compares it with its manifest (`write --manifest`, `publish-dir "
        "--manifest`). The verdicts: ok; previous (ok too: the file from before a publication "
        "that did not come to its end); stale, exit 8: the manifest speaks of another file; "
        "corrupt, exit 3: the file that it speaks of, with other bytes; missing and "
        "manifest_missing, exit 9. In a directory each file has its own verdict, and extra (exit "
        "8) is a file that the manifest does not name. With several paths the exit status is that "
        "of the worst: corrupt, then failures to look, then missing, then stale.",
    .groups = {{"Options", options, 0}, {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = -1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
