/* lamella stat: what stands at a path, on any store. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/path_info.h"

typedef struct settings {
    lm_cli_common common;
} settings;

static const settings defaults;

static void tell(lm_cli *cli, const lm_path_info *info)
{
    char time[LM_RFC3339_MAX], shown[2 * LM_ERROR_MESSAGE_MAX];
    if (cli->json) {
        lm__cli_path_json(&cli->writer, info);
        if (info->version[0]) lm__json_member_string_out(&cli->writer, "version", info->version);
        return;
    }
    lm__cli_print(cli, "path      %s\n", lm__printable(shown, sizeof shown, info->path));
    lm__cli_print(cli, "kind      %s\n", lm_path_kind_word(info->kind));
    if (info->kind == LM_PATH_FILE)
        lm__cli_print(cli, "bytes     %llu\n", (unsigned long long)info->bytes);
    if (info->mtime_ns) lm__cli_print(cli, "modified  %s\n", lm__cli_path_time(info, time));
    if (info->version[0])
        lm__cli_print(cli, "version   %s\n", lm__printable(shown, sizeof shown, info->version));
}

static int run(lm_cli *cli, void *context)
{
    const lm_path_options how = {.storage = &cli->storage, .cancel = cli->cancel};
    lm_path_info info;
    lm_error error;
    (void)context;
    lm_error_clear(&error);
    lm_status status = lm_path_stat(cli->words.items[0], &how, &info, &error);
    if (status == LM_OK) tell(cli, &info);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_stat = {
    .name = "stat",
    .usage = "PATH",
    .summary = "Tell what stands at a path, on any store.",
    .about = "Tells the kind (file, directory, symlink, other), size and time of the last change "
             "of what stands at PATH, and its version: a text that is another one whenever the "
             "file is. A symlink is followed, unless it leads nowhere. Exit status 9 if nothing is "
             "there.",
    .groups = {{"Storage", lm__cli_storage_options, 0}, {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
