/* lamella repair: what can be made from a table's log is made anew. */
#include <inttypes.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/table_change.h"

typedef struct settings {
    lm_cli_common common;
} settings;

static const settings defaults;

static int run(lm_cli *cli, void *context)
{
    const lm_table_operation how = {.storage = &cli->storage, .cancel = cli->cancel};
    lm_table_repaired result;
    lm_error error;
    (void)context;
    lm_error_clear(&error);
    lm_status status = lm_table_repair(cli->words.items[0], &how, &result, &error);
    if (status == LM_OK && cli->json) {
        lm__json_member_int_out(&cli->writer, "version", result.version);
        lm__json_member_bool_out(&cli->writer, "manifest", result.manifest);
        lm__json_member_bool_out(&cli->writer, "checkpoint", result.checkpoint);
        lm__json_member_int_out(&cli->writer, "leftovers", (int64_t)result.leftovers);
    } else if (status == LM_OK) {
        lm__cli_print(cli,
                      "version %" PRId64 ": manifest.json %s, checkpoint %s, %" PRIu64
                      " leftovers removed\n",
                      result.version, result.manifest ? "made anew" : "as it should be",
                      result.checkpoint ? "made anew" : "as it should be", result.leftovers);
    }
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_repair = {
    .name = "repair",
    .usage = "PATH",
    .summary = "Make anew what is made from a table's log.",
    .about =
        "Writes manifest.json of the table PATH (docs/tables.md) anew if it is not what the log "
        "tells of the last version, and a checkpoint where none is or nothing leads to it; "
        "removes what dead writers staged. The log and the parts stay as they are: `verify` "
        "tells whether they are whole.",
    .groups = {{"Storage", lm__cli_storage_options, 0}, {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
