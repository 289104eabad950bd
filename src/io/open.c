/* Opening tables; see open.h. */
#include "io/open.h"

#include <errno.h>
#include <fcntl.h>
#include <lamella/ipc.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

typedef struct pipe_input {
    const lm_allocator *allocator;
    lm_cancel *cancel;
    int fd;
    bool owned;
    const char *name;
} pipe_input;

/* A signal ends the read with EINTR, so that a silent pipe does not hold us. */
static lm_status pipe_read(void *context, void *buffer, size_t size, size_t *got, lm_error *error)
{
    pipe_input *input = context;
    for (;;) {
        if (input->cancel && atomic_load(&input->cancel->requested))
            return lm__error_set(error, LM_CANCELLED, "interrupted: nothing was published");
        ssize_t result = read(input->fd, buffer, size);
        if (result >= 0) {
            *got = (size_t)result;
            return LM_OK;
        }
        if (errno != EINTR) return lm__error_os(error, errno, "cannot read %s", input->name);
    }
}

static void pipe_close(void *context)
{
    pipe_input *input = context;
    if (input->owned) (void)close(input->fd);
    lm__free(input->allocator, input);
}

static lm_status open_pipe(const lm_allocator *allocator, const char *path, lm_cancel *cancel,
                           struct ArrowArrayStream *out, lm_error *error)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return lm__error_os(error, errno, "cannot open %s", path);
    pipe_input *input = lm__alloc(allocator, sizeof *input);
    if (!input) {
        if (!standard) (void)close(fd);
        return lm__error_memory(error, "opening a table");
    }
    *input = (pipe_input){allocator, cancel, fd, !standard, standard ? "standard input" : path};
    lm_ipc_pull pull = {pipe_read, pipe_close, input, input->name};
    return lm_ipc_pull_take(allocator, &pull, NULL, out, error);
}

lm_status lm__open_table(const lm_allocator *allocator, lm_store *store, const char *path,
                         lm_cancel *cancel, struct ArrowArrayStream *out, lm_error *error)
{
    if (strcmp(path, "-") == 0) return open_pipe(allocator, path, cancel, out, error);
    lm_store_stat stat;
    LM_TRY(lm__store_stat(store, path, true, &stat, error));
    if (stat.kind == LM_STORE_OTHER) return open_pipe(allocator, path, cancel, out, error);
    lm_source *source;
    LM_TRY(lm__store_open(store, path, &source, error));
    return lm_ipc_read_take(allocator, source, NULL, out, error);
}
