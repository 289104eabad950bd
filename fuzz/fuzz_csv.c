/* CSV from hostile bytes: sniffed, typed and read; the same text read on one thread and on three,
 * by a source and by a pipe, gives the same rows or the same failure. The first bytes choose. */
#include <lamella/csv.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct pipe_text {
    const uint8_t *text;
    size_t size, at;
} pipe_text;

static lm_status pipe_read(void *context, void *buffer, size_t size, size_t *got, lm_error *error)
{
    pipe_text *pipe = context;
    (void)error;
    *got = pipe->size - pipe->at;
    if (*got > size) *got = size;
    if (*got > 7) *got = 7;
    if (*got > 0) memcpy(buffer, pipe->text + pipe->at, *got);
    pipe->at += *got;
    return LM_OK;
}

static lm_status count(const uint8_t *text, size_t size, const lm_csv_read_options *options,
                       bool by_pipe, int64_t *rows)
{
    lm_memory_source source;
    pipe_text pipe = {text, size, 0};
    struct ArrowArrayStream exported;
    lm_stream *stream;
    *rows = 0;
    lm_memory_source_init(&source, text, size, "in.csv");
    lm_feed feed = {pipe_read, NULL, &pipe, "in.csv"};
    lm_status status = by_pipe ? lm_csv_pull_take(NULL, &feed, options, &exported, NULL)
                               : lm_csv_read_take(NULL, &source.source, options, &exported, NULL);
    if (status != LM_OK) return status;
    if (lm__stream_import_take(NULL, &exported, LM_VALIDATE_NONE, &stream, NULL) != LM_OK) abort();
    for (lm_batch *batch; (status = lm__stream_next(stream, &batch, NULL)) == LM_OK && batch;) {
        if (lm__batch_validate(batch, LM_VALIDATE_TEXT, NULL) != LM_OK) abort();
        *rows += lm__batch_rows(batch);
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char characters[] = {0, ',', '"', '\'', '\\', ';', 'a', '\t'};
    if (size < 3) return 0;
    lm_csv_read_options options = {
        .separator = characters[data[0] & 7],
        .quote = characters[data[0] >> 3 & 7],
        .no_quotes = data[0] >> 6 & 1,
        .header = data[0] >> 7 ? LM_CSV_HEADER_NO : LM_CSV_HEADER_AUTO,
        .escape = data[1] & 1 ? '\\' : 0,
        .ragged = (lm_csv_ragged)((data[1] >> 1 & 3) % 3),
        .replace_invalid = data[1] >> 3 & 1,
        .all_text = data[1] >> 4 & 1,
        .sample_bytes = data[1] >> 5 & 1 ? 16 : 0,
        .row_bytes_max = 1 << 16,
        .threads = 1,
    };
    int64_t one, other;
    lm_status status = count(data + 2, size - 2, &options, false, &one);
    options.threads = 3;
    if (count(data + 2, size - 2, &options, true, &other) != status) abort();
    if (status == LM_OK && one != other) abort();
    options.threads = 1;
    options.whole_sample = true;
    status = count(data + 2, size - 2, &options, false, &other);
    if (status == LM_OK && options.sample_bytes == 0 && one > other) abort();
    return 0;
}
