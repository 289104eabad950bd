/* lamella rm: files and directories removed, on any store. */
#include <lamella/path.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/cli.h"
#include "cli/commands.h"

typedef struct settings {
    lm_cli_common common;
    bool recursive;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"recursive", LM_CLI_FLAG, offsetof(settings, recursive), NULL,
     "Directories too, with all that is in them; symlinks are removed, not followed.", NULL},
    {NULL},
};

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const lm_path_options how = {
        .recursive = given->recursive, .storage = &cli->storage, .cancel = cli->cancel};
    lm_status first = LM_OK;
    lm_error error, first_error;
    lm_error_clear(&first_error);
    if (cli->json) {
        lm__json_key(&cli->writer, "removed");
        lm__json_open_array(&cli->writer);
    }
    for (int i = 0; i < cli->words.count && first != LM_CANCELLED; i++) {
        lm_error_clear(&error);
        lm_status status = lm_path_remove(cli->words.items[i], &how, &error);
        if (status == LM_OK && cli->json) {
            lm__json_open_object(&cli->writer);
            lm__json_path_out(&cli->writer, "path", cli->words.items[i]);
            lm__json_close_object(&cli->writer);
        }
        if (status == LM_OK) continue;
        if (first != LM_OK) lm__cli_warn("%s", error.message);
        if (first == LM_OK) {
            first = status;
            first_error = error;
        }
    }
    if (cli->json) lm__json_close_array(&cli->writer);
    return lm__cli_end(cli, first, &first_error);
}

const lm_cli_command lm__cli_rm = {
    .name = "rm",
    .usage = "PATH...",
    .summary = "Remove files, and with --recursive directories, on any store.",
    .about = "Removes each PATH, so that it stays away also after a power cut. A directory is "
             "refused without --recursive, and the root of a store always; a symlink is removed "
             "itself. PATH is a name, not a pattern. A PATH that is not there is exit status 9; "
             "the others are removed all the same. The manifest beside a file is a file of its "
             "own.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = -1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
