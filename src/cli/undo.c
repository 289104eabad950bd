/* lamella undo: the newest kept file is put back. */
#include <lamella/upkeep.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/publication.h"

typedef struct settings {
    lm_cli_common common;
    bool no_follow;
    int durability;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"durability", LM_CLI_CHOICE, offsetof(settings, durability), "full|file|none",
     "As for `lamella write`.", lm__cli_durabilities},
    {"no-follow", LM_CLI_FLAG, offsetof(settings, no_follow), NULL,
     "If DST is a symlink undo the symlink, not what it points to.", NULL},
    {NULL},
};

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *path = cli->words.items[0];
    lm_undo_result result = {0};
    lm_error error;
    const lm_undo_options how = {
        .durability = (lm_durability)given->durability,
        .no_follow = given->no_follow,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    lm_error_clear(&error);
    lm_status status = lm_undo(path, &how, &result, &error);
    bool visible = result.state == LM_COMMIT_DONE || result.state == LM_COMMIT_VISIBLE;
    if (visible) {
        char to[LM_ERROR_MESSAGE_MAX], from[LM_ERROR_MESSAGE_MAX];
        lm__cli_print(cli, "%s is again what was kept as %s (%u older left)\n",
                      lm__printable(to, sizeof to, result.path),
                      lm__printable(from, sizeof from, result.kept), result.left);
    }
    if (cli->json) {
        lm__json_path_out(&cli->writer, "path", visible ? result.path : path);
        if (visible) {
            lm__json_path_out(&cli->writer, "kept", result.kept);
            lm__json_member_int_out(&cli->writer, "left", result.left);
        }
    }
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_undo = {
    .name = "undo",
    .usage = "DST",
    .summary = "Put the newest kept file back in place of DST.",
    .about =
        "Puts the newest of the files that `write --keep N` (or `guard --keep N`) kept back in "
        "place of DST, in one step; what stood there is gone. Each undo goes one further back. "
        "Exit 9 when nothing is kept.",
    .groups = {{"Options", options, 0}, {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
