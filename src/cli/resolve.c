/* lamella resolve: the newest version of a prefix, or another one. */
#include <inttypes.h>

#include <lamella/versions.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/version_json.h"

typedef struct settings {
    lm_cli_common common;
    const char *number, *run_id;
    bool list;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"number", LM_CLI_TEXT, offsetof(settings, number), "N", "Version N, counted from 0.", NULL},
    {"run-id", LM_CLI_TEXT, offsetof(settings, run_id), "ID", "The version of this run.", NULL},
    {"list", LM_CLI_FLAG, offsetof(settings, list), NULL, "All versions, the newest first.", NULL},
    {NULL},
};

void lm__cli_version_json(lm_json_writer *writer, const lm_version_info *version)
{
    lm__json_member_int_out(writer, "number", version->number);
    lm__json_member_string_out(writer, "run_id", version->run_id);
    lm__json_path_out(writer, "path", version->path);
    lm__json_member_string_out(writer, "created_at", version->created_at);
    lm__json_key(writer, "files");
    lm__json_uint(writer, version->files);
    lm__json_key(writer, "bytes");
    lm__json_uint(writer, version->bytes);
    lm__json_member_string_out(writer, "manifest", version->checksum);
    lm__json_member_bool_out(writer, "is_there", version->is_there);
}

static lm_status tell(void *context, const lm_version_info *version, lm_error *error)
{
    lm_cli *cli = context;
    char shown[2 * LM_ERROR_MESSAGE_MAX];
    (void)error;
    if (cli->json) {
        lm__json_open_object(&cli->writer);
        lm__cli_version_json(&cli->writer, version);
        lm__json_close_object(&cli->writer);
        return LM_OK;
    }
    lm__cli_print(cli, "%6" PRId64 "  %s  %s%s\n", version->number, version->created_at,
                  lm__printable(shown, sizeof shown, version->run_id),
                  version->is_there ? "" : "  (removed)");
    return LM_OK;
}

static bool read_number(const char *text, lm_version_which *which)
{
    uint64_t number = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || number > INT64_MAX / 100) return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    which->by_number = true;
    which->number = (int64_t)number;
    return *text != 0;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const lm_version_options how = {.storage = &cli->storage, .cancel = cli->cancel};
    const char *prefix = cli->words.items[0];
    lm_version_which which = {.run_id = given->run_id};
    lm_version_info version;
    lm_error error;
    lm_error_clear(&error);
    if ((given->number != NULL) + (given->run_id != NULL) + given->list > 1)
        return lm__cli_end(
            cli,
            lm__error_set(&error, LM_INVALID, "--number, --run-id and --list exclude each other"),
            &error);
    if (given->number && !read_number(given->number, &which))
        return lm__cli_end(cli,
                           lm__error_set(&error, LM_INVALID,
                                         "--number: %s is no number of a version", given->number),
                           &error);
    lm_status status;
    if (given->list) {
        if (cli->json) {
            lm__json_key(&cli->writer, "versions");
            lm__json_open_array(&cli->writer);
        }
        status = lm_version_list(prefix, &how, tell, cli, &error);
        if (cli->json) lm__json_close_array(&cli->writer);
        return lm__cli_end(cli, status, &error);
    }
    status = lm_version_resolve(prefix, &which, &how, &version, &error);
    if (status == LM_OK && cli->json) lm__cli_version_json(&cli->writer, &version);
    if (status == LM_OK && !cli->json) lm__cli_print(cli, "%s\n", version.path);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_resolve = {
    .name = "resolve",
    .usage = "PREFIX",
    .summary = "Tell where the newest version of a prefix lies.",
    .about = "Tells the path of the newest version of what `lamella publish-dir --versioned` "
             "publishes at PREFIX, by its log: the file PREFIX/latest is only where looking "
             "begins. Exit status 9 if there is no such version, or it was removed to keep few.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
