/* lamella cat: the rows of a table on standard output. */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "parquet/canonical.h"
#include "store/store.h"

typedef struct settings {
    lm_cli_common common;
    int format;
} settings;

static const settings defaults;

static const char *const formats[] = {"canonical", NULL};

static const lm_cli_option options[] = {
    {"format", LM_CLI_CHOICE, offsetof(settings, format), "FORMAT",
     "What to write: canonical, a line of JSON for each row in the one text that each value has "
     "(docs/canonical.md), to compare files byte for byte.",
     formats},
    {NULL},
};

/* Rows go out as they come, not in one piece at the end. */
typedef struct output_sink {
    lm_sink sink;
    lm_cancel *cancel;
} output_sink;

static lm_status output_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    lm_cancel *cancel = ((output_sink *)sink)->cancel;
    for (const uint8_t *at = data; size > 0;) {
        if (lm__cancel_requested(cancel)) return lm__error_set(error, LM_CANCELLED, "interrupted");
        ssize_t written = write(STDOUT_FILENO, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return lm__error_os(error, errno, "cannot write to standard output");
        at += written;
        size -= (size_t)written;
    }
    return LM_OK;
}

static lm_status output_finish(lm_sink *sink, lm_error *error)
{
    (void)sink;
    (void)error;
    return LM_OK;
}

static void output_abort(lm_sink *sink) { (void)sink; }

static lm_status cat(lm_cli *cli, lm_store *store, lm_error *error)
{
    static const lm_sink_ops ops = {output_write, output_finish, output_abort};
    output_sink output = {.cancel = cli->cancel};
    lm_parquet_reader *reader;
    lm_source *source;
    lm_sink_init(&output.sink, &ops);
    LM_TRY(lm__store_open(store, cli->words.items[0], &source, error));
    LM_TRY(lm_parquet_reader_open(source, NULL, &reader, error));
    lm_status status = lm__canonical_write(reader, &output.sink, error);
    lm_parquet_reader_close(reader);
    if (status == LM_OK) return lm_sink_finish(&output.sink, error);
    lm_sink_abort(&output.sink);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    lm_store *store;
    lm_error error;
    (void)context;
    lm_error_clear(&error);
    if (cli->json)
        return lm__cli_end(
            cli, lm__error_set(&error, LM_INVALID, "cat writes rows, and no JSON object"), &error);
    lm_status status = lm__store_posix_open(NULL, &store, &error);
    if (status == LM_OK) {
        status = cat(cli, store, &error);
        lm__store_close(store);
    }
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_cat = {
    .name = "cat",
    .usage = "FILE",
    .summary = "Write the rows of a Parquet file to standard output.",
    .about = "Reads FILE and writes its rows, in order, one a line. A damaged file ends with exit "
             "status 3; what was written by then are rows before the damage. An encrypted one is "
             "refused.",
    .groups = {{"Options", options, 0}, {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
