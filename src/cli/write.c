/* lamella write: standard input becomes a file, whole or not at all. */
#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/publication.h"
#include "store/store.h"

typedef struct settings {
    lm_cli_common common;
    lm_cli_publication publication;
    lm_cli_manifest manifest;
    lm_cli_progress_settings progress;
} settings;

static const settings defaults;

typedef struct input_state {
    lm_cli_progress progress;
    lm_cancel *cancel;
} input_state;

/* An lm_pull. A signal ends the read with EINTR, so that a silent pipe does not hold us. */
static lm_status input_read(void *context, void *buffer, size_t size, size_t *got, lm_error *error)
{
    input_state *input = context;
    for (;;) {
        if (lm__cancel_requested(input->cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted: nothing was published");
        ssize_t result = read(STDIN_FILENO, buffer, size);
        if (result >= 0) {
            *got = (size_t)result;
            lm__cli_progress_add(&input->progress, (uint64_t)result);
            return LM_OK;
        }
        if (errno != EINTR) return lm__error_os(error, errno, "cannot read standard input");
    }
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *path = cli->words.items[0];
    input_state input = {.cancel = cli->cancel};
    lm_manifest manifest;
    lm_file_options options;
    lm_file_result result = {0};
    lm_error error;
    bool with_manifest;
    lm_error_clear(&error);
    lm_status status = lm__cli_manifest(&given->manifest, &manifest, &with_manifest, &error);
    if (status == LM_OK)
        status = lm__cli_file_options(cli, &given->publication, with_manifest ? &manifest : NULL,
                                      &options, &error);
    if (status != LM_OK) return lm__cli_end(cli, status, &error);
    lm__cli_progress_begin(&input.progress, &given->progress, "reading");
    status = lm_publish_stream(path, input_read, &input, &options, &result, &error);
    lm__cli_progress_end(&input.progress);
    return lm__cli_file_end(cli, path, &result, status, &error);
}

const lm_cli_command lm__cli_write = {
    .name = "write",
    .usage = "DST",
    .summary = "Publish standard input as the file DST, all or nothing.",
    .about =
        "Reads standard input to its end and puts it in place as DST in one step: whoever opens "
        "DST meanwhile sees the old file or the new one, whole. Missing directories above DST are "
        "made. When anything fails, or on SIGINT, SIGTERM or SIGHUP, DST is as it was and nothing "
        "is left beside it.\n\n"
        "The end of standard input is taken for the end of the data: in `program | lamella write "
        "DST` what a failing program wrote so far is published.",
    .groups = {{"Options", lm__cli_publication_options, offsetof(settings, publication)},
               {"Manifest", lm__cli_manifest_options, offsetof(settings, manifest)},
               {"Progress", lm__cli_progress_options, offsetof(settings, progress)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
