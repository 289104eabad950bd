/*
 * From a path to a reader: a file through the store, or what can only be read forward (a pipe, a
 * device, standard input) as a feed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "io/reader.h"
#include "io/shared_source.h"
#include "store/place.h"

#define STANDARD_INPUT "standard input"
#define PIPE_WAIT_MS 100 /* between two looks at a cancel */

void lm__input_close(lm_input *input)
{
    if (input->source) lm_source_close(input->source);
    if (input->feed.close) input->feed.close(input->feed.context);
    *input = (lm_input){.allocator = input->allocator, .name = input->name};
}

/* A descriptor that is read forward; the bytes that told its format come first. */
typedef struct pipe_input {
    const lm_allocator *allocator;
    lm_cancel *cancel;
    int fd;
    bool owned;
    uint8_t head[LM_FORMAT_HEAD_BYTES];
    size_t head_at, head_size;
    char name[];
} pipe_input;

/* A silent pipe does not hold us, whichever thread signals come to. */
static lm_status pipe_pull(pipe_input *input, void *buffer, size_t size, size_t *got,
                           lm_error *error)
{
    for (;;) {
        if (lm__cancel_requested(input->cancel))
            return lm__error_set(error, LM_CANCELLED, "interrupted while reading %s", input->name);
        struct pollfd waiting = {.fd = input->fd, .events = POLLIN};
        if (input->cancel && poll(&waiting, 1, PIPE_WAIT_MS) == 0) continue;
        ssize_t result = read(input->fd, buffer, size);
        if (result >= 0) {
            *got = (size_t)result;
            return LM_OK;
        }
        if (errno != EINTR) return lm__error_os(error, errno, "cannot read %s", input->name);
    }
}

static lm_status pipe_read(void *context, void *buffer, size_t size, size_t *got, lm_error *error)
{
    pipe_input *input = context;
    size_t left = input->head_size - input->head_at;
    if (left == 0) return pipe_pull(input, buffer, size, got, error);
    *got = left < size ? left : size;
    memcpy(buffer, input->head + input->head_at, *got);
    input->head_at += *got;
    return LM_OK;
}

static void pipe_close(void *context)
{
    pipe_input *input = context;
    if (input->owned) (void)close(input->fd);
    lm__free(input->allocator, input);
}

static lm_status open_pipe(const lm_allocator *allocator, const char *path, lm_cancel *cancel,
                           lm_input *out, uint8_t head[LM_FORMAT_HEAD_BYTES], size_t *head_size,
                           lm_error *error)
{
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? STANDARD_INPUT : path;
    size_t name_bytes = strlen(name) + 1;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return lm__error_os(error, errno, "cannot open %s", path);
    pipe_input *input = lm__alloc_zero(allocator, sizeof *input + name_bytes);
    if (!input) {
        if (!standard) (void)close(fd);
        return lm__error_memory(error, "opening a table");
    }
    *input = (pipe_input){.allocator = allocator, .cancel = cancel, .fd = fd, .owned = !standard};
    memcpy(input->name, name, name_bytes);
    for (size_t got = 1; got > 0 && input->head_size < sizeof input->head;) {
        lm_status status = pipe_pull(input, input->head + input->head_size,
                                     sizeof input->head - input->head_size, &got, error);
        if (status != LM_OK) {
            pipe_close(input);
            return status;
        }
        input->head_size += got;
    }
    memcpy(head, input->head, input->head_size);
    *head_size = input->head_size;
    *out = (lm_input){allocator, NULL, {pipe_read, pipe_close, input, input->name}, input->name};
    return LM_OK;
}

static lm_status unknown_format(const char *name, lm_error *error)
{
    char names[LM_FORMAT_NAMES_MAX];
    return lm__error_set(error, LM_INVALID,
                         "%s: no format is known by these first bytes, nor by this suffix; say "
                         "which it is (%s)",
                         name, lm__format_names(names));
}

/* Takes the input. */
static lm_status open_input(lm_input *input, const uint8_t *head, size_t head_size,
                            const char *path, lm_format format, const lm_read_request *request,
                            const lm_format_row **row, lm_reader **reader, lm_error *error)
{
    *row =
        format == LM_FORMAT_AUTO ? lm__format_find(head, head_size, path) : lm__format_row(format);
    if (!*row) {
        lm_status status = unknown_format(input->name, error);
        lm__input_close(input);
        return status;
    }
    if ((*row)->open) return (*row)->open(input, request, reader, error);
    if (!(*row)->forward) {
        lm_status status = lm__error_set(error, LM_UNSUPPORTED, "%s: %s is written, not read",
                                         input->name, (*row)->name);
        lm__input_close(input);
        return status;
    }
    return lm__forward_reader_open(*row, input, request, reader, error);
}

/* Of a file that is far away and called a Parquet file the end is looked at first: it tells as much
 * as the beginning does, and the reader will want it next. */
static lm_status look_at_end(const lm_allocator *allocator, lm_source *source, lm_format *format,
                             lm_error *error)
{
    size_t size = LM_PARQUET_READ_TAIL_BYTES;
    if (lm_format_of_path(source->name) != LM_FORMAT_PARQUET || source->size == 0 ||
        lm_source_view(source, 0, 1))
        return LM_OK;
    if (size > source->size) size = (size_t)source->size;
    uint8_t *end = lm__alloc(allocator, size + 1);
    if (!end) return lm__error_memory(error, "opening a table");
    lm_status status = lm_source_read(source, source->size - size, end, size, error);
    bool is_parquet =
        status == LM_OK && size >= 12 &&
        (memcmp(end + size - 4, "PAR1", 4) == 0 || memcmp(end + size - 4, "PARE", 4) == 0);
    lm__free(allocator, end);
    if (is_parquet) *format = LM_FORMAT_PARQUET;
    return status;
}

lm_status lm__table_open_source_take(const lm_allocator *allocator, lm_source *take_source,
                                     lm_format format, const lm_read_request *request,
                                     const lm_format_row **row, lm_reader **reader, lm_error *error)
{
    lm_input input = {.allocator = allocator};
    uint8_t head[LM_FORMAT_HEAD_BYTES];
    size_t head_size = take_source->size < sizeof head ? (size_t)take_source->size : sizeof head;
    LM_TRY(lm__source_share_take(allocator, take_source, &input.source, error));
    input.name = input.source->name;
    lm_status status = LM_OK;
    if (format == LM_FORMAT_AUTO) status = look_at_end(allocator, input.source, &format, error);
    if (status == LM_OK && format == LM_FORMAT_AUTO)
        status = lm_source_read(input.source, 0, head, head_size, error);
    if (status != LM_OK) {
        lm__input_close(&input);
        return status;
    }
    return open_input(&input, head, head_size, input.name, format, request, row, reader, error);
}

/* Standard input that is a file can be read as one. */
static bool standard_is_file(void)
{
    struct stat found;
    return fstat(STDIN_FILENO, &found) == 0 && S_ISREG(found.st_mode) &&
           lseek(STDIN_FILENO, 0, SEEK_CUR) == 0;
}

lm_status lm__table_open(const lm_allocator *allocator, lm_store *store, const char *path,
                         const lm_store_stat *seen, lm_format format,
                         const lm_read_request *request, const lm_format_row **row,
                         lm_reader **reader, lm_error *error)
{
    lm_source *source;
    lm_input input;
    uint8_t head[LM_FORMAT_HEAD_BYTES];
    size_t head_size = 0;
    lm_store_stat stat = {.kind = LM_STORE_OTHER};
    bool standard = strcmp(path, "-") == 0, is_far = lm__place_root_size(path) > 0;
    if (standard && standard_is_file()) path = "/dev/stdin";
    if (is_far)
        stat.kind = LM_STORE_FILE; /* pipes are on this system only */
    else if (strcmp(path, "-") != 0)
        LM_TRY(lm__store_stat(store, path, true, &stat, error));
    if (stat.kind == LM_STORE_OTHER) {
        LM_TRY(open_pipe(allocator, path, request->cancel, &input, head, &head_size, error));
        return open_input(&input, head, head_size, path, format, request, row, reader, error);
    }
    if (seen && is_far)
        LM_TRY(lm__store_open_seen(store, path, seen->size, seen->inode, &source, error));
    else
        LM_TRY(lm__store_open(store, path, &source, error));
    return lm__table_open_source_take(allocator, source, format, request, row, reader, error);
}
