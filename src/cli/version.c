/* lamella version */
#include "cli/cli.h"
#include "cli/commands.h"

static const lm_cli_common defaults;

static int run(lm_cli *cli, void *settings)
{
    (void)settings;
    lm_error error;
    lm_error_clear(&error);
    lm__cli_print(cli, "lamella %s\n", lm_version());
    if (cli->json) lm__json_member_string_out(&cli->writer, "version", lm_version());
    return lm__cli_end(cli, LM_OK, &error);
}

const lm_cli_command lm__cli_version = {
    .name = "version",
    .usage = "",
    .summary = "Tell the version.",
    .about = "Tells the version of the command and the library.",
    .groups = {{"Options", lm__cli_common_options, 0}},
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
