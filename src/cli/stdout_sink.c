/* See stdout_sink.h. */
#include "cli/stdout_sink.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "store/store.h"

static lm_status output_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    lm_cancel *cancel = ((lm_cli_stdout *)sink)->cancel;
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

void lm__cli_stdout_init(lm_cli_stdout *output, lm_cancel *cancel)
{
    static const lm_sink_ops ops = {output_write, output_finish, output_abort};
    output->cancel = cancel;
    lm_sink_init(&output->sink, &ops);
}

int lm__cli_stdout_end(lm_cli *cli, const lm_cli_stdout *output, lm_status status,
                       const lm_error *error)
{
    if (status != LM_OK && output->sink.first_error.os_code == EPIPE) {
        lm__buffer_deinit(&cli->out);
        return 128 + SIGPIPE;
    }
    return lm__cli_end(cli, status, error);
}
