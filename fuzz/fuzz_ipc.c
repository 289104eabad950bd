/* Any bytes as an IPC stream or file; what is read is sound enough to be written and read again. */
#include <lamella/ipc.h>

#include <stdlib.h>
#include <string.h>

#define ALLOCATION_BYTES_MAX ((size_t)64 << 20) /* a compressed buffer may claim 2 GiB */
#define BATCHES_MAX 16
#define ROWS_MAX 100000 /* columns of nulls have as many rows as they like */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#include "capped.h"

typedef struct pulled {
    const uint8_t *data;
    size_t size;
} pulled;

static lm_status pull_read(void *context, void *buffer, size_t size, size_t *got, lm_error *error)
{
    pulled *from = context;
    (void)error;
    *got = size < from->size ? size : from->size;
    if (*got > 7) *got = 7;
    memcpy(buffer, from->data, *got);
    from->data += *got;
    from->size -= *got;
    return LM_OK;
}

/* The batches pass, a few and no long ones: then the stream is at its end. */
typedef struct limited {
    struct ArrowArrayStream inner;
    int left;
} limited;

static int limited_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    limited *l = stream->private_data;
    return l->inner.get_schema(&l->inner, out);
}

static int limited_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    limited *l = stream->private_data;
    out->release = NULL;
    if (l->left-- <= 0) return 0;
    int code = l->inner.get_next(&l->inner, out);
    if (code == 0 && out->release && out->length > ROWS_MAX) {
        out->release(out);
        out->release = NULL;
    }
    return code;
}

static const char *limited_error(struct ArrowArrayStream *stream)
{
    limited *l = stream->private_data;
    return l->inner.get_last_error(&l->inner);
}

static void limited_release(struct ArrowArrayStream *stream)
{
    limited *l = stream->private_data;
    l->inner.release(&l->inner);
    stream->release = NULL;
}

static lm_status rewrite(struct ArrowArrayStream *source, int format, lm_memory_sink *sink)
{
    limited l = {.inner = *source, .left = BATCHES_MAX};
    struct ArrowArrayStream stream = {limited_schema, limited_next, limited_error, limited_release,
                                      &l};
    lm_ipc_write_options options = {.format = (lm_ipc_format)format};
    lm_memory_sink_init(sink, NULL, ALLOCATION_BYTES_MAX);
    return lm_ipc_write_take(&capped, &stream, &sink->sink, &options, NULL);
}

static void check_again(const lm_memory_sink *first)
{
    lm_memory_source source;
    lm_memory_sink second;
    struct ArrowArrayStream stream;
    lm_memory_source_init(&source, first->data, first->size, NULL);
    if (lm_ipc_read_take(&capped, &source.source, NULL, &stream, NULL) != LM_OK) abort();
    lm_status status = rewrite(&stream, LM_IPC_STREAM, &second);
    if (status == LM_OK &&
        (first->size != second.size || memcmp(first->data, second.data, first->size) != 0))
        abort();
    if (status != LM_OK && status != LM_NO_MEMORY) abort();
    lm_memory_sink_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ArrowArrayStream stream;
    lm_memory_source source;
    lm_memory_sink sink;
    lm_memory_source_init(&source, data, size, NULL);
    if (lm_ipc_read_take(&capped, &source.source, NULL, &stream, NULL) == LM_OK) {
        if (rewrite(&stream, LM_IPC_STREAM, &sink) == LM_OK) check_again(&sink);
        lm_memory_sink_deinit(&sink);
    }
    pulled from = {data, size};
    lm_ipc_pull pull = {pull_read, NULL, &from, NULL};
    if (lm_ipc_pull_take(&capped, &pull, NULL, &stream, NULL) == LM_OK) {
        (void)rewrite(&stream, LM_IPC_FILE, &sink);
        lm_memory_sink_deinit(&sink);
    }
    return 0;
}
