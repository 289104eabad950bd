/* Commands that change tables; see table_change.h. */
#include "cli/table_change.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "cli/publication.h"

static const char *const checksums[] = {"crc32c", "sha256", NULL};

const lm_cli_option lm__cli_operation_options[] = {
    {"run-id", LM_CLI_TEXT, offsetof(lm_cli_operation, run_id), "ID",
     "The run that does this, told in the log's entry.", NULL},
    {"durability", LM_CLI_CHOICE, offsetof(lm_cli_operation, durability), "full|file|none",
     "What survives a power cut once the command is done: all of it (full, the default), or what "
     "the system has written by then.",
     lm__cli_durabilities},
    {"checksum", LM_CLI_CHOICE, offsetof(lm_cli_operation, checksum), "crc32c|sha256",
     "Of new parts, in the log and the manifest; crc32c by default.", checksums},
    {"memory", LM_CLI_COUNT, offsetof(lm_cli_operation, memory), "BYTES",
     "Of rows that wait to be written; 256 MiB by default.", NULL},
    {"threads", LM_CLI_COUNT, offsetof(lm_cli_operation, threads), "N",
     "Threads to work with; LAMELLA_THREADS, or as many as there are processors.", NULL},
    {NULL},
};

lm_status lm__cli_operation(const lm_cli *cli, const lm_cli_operation *settings,
                            lm_table_operation *how, lm_error *error)
{
    if (settings->threads > INT32_MAX)
        return lm__error_set(error, LM_INVALID, "--threads: too many");
    *how = (lm_table_operation){
        .run_id = settings->run_id,
        .durability = (lm_durability)settings->durability,
        .checksum = checksums[settings->checksum],
        .memory_bytes_max = (size_t)settings->memory,
        .threads = (int)settings->threads,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    return LM_OK;
}

lm_status lm__cli_expression(const char *text, const char *option, lm_expr **expr, lm_error *error)
{
    *expr = NULL;
    if (!text) return LM_OK;
    lm_status status = lm_expr_parse(NULL, text, strlen(text), expr, error);
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "--%s", option);
}

static void count_out(lm_json_writer *writer, const char *key, uint64_t value)
{
    lm__json_key(writer, key);
    lm__json_uint(writer, value);
}

void lm__cli_tell_change(lm_cli *cli, const char *verb, const lm_table_change *change)
{
    if (change->manifest_is_behind)
        lm__cli_warn("warning: manifest.json could not be written; `lamella repair` makes it anew");
    if (cli->json) {
        lm__json_key(&cli->writer, "version");
        if (change->version >= 0)
            lm__json_int(&cli->writer, change->version);
        else
            lm__json_null(&cli->writer);
        count_out(&cli->writer, "parts_added", change->parts_added);
        count_out(&cli->writer, "bytes_added", change->bytes_added);
        count_out(&cli->writer, "parts_removed", change->parts_removed);
        count_out(&cli->writer, "bytes_removed", change->bytes_removed);
        count_out(&cli->writer, "rows_removed", change->rows_removed);
    } else if (change->version < 0) {
        lm__cli_print(cli, "nothing to do\n");
    } else {
        lm__cli_print(cli, "version %" PRId64 ": %s %" PRIu64 " parts (%" PRIu64 " bytes)",
                      change->version, verb, change->parts_removed, change->bytes_removed);
        if (change->parts_added)
            lm__cli_print(cli, " into %" PRIu64 " (%" PRIu64 " bytes)", change->parts_added,
                          change->bytes_added);
        lm__cli_print(cli, "\n");
    }
}
