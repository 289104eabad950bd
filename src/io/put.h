/* What put and put_workbook share: rows made to fit and counted, and their publication. */
#ifndef LM_IO_PUT_H
#define LM_IO_PUT_H

#include <lamella/io.h>

#include "arrow/batch.h"
#include "io/expect.h"
#include "store/store.h"

/* What has passed, over all of a publication's streams. */
typedef struct lm_put_count {
    uint64_t *rows, bytes;
} lm_put_count;

/* How a source is read: what the scan leaves open is as the file has it. */
lm_scan_options lm__put_scan(const lm_put_options *options);

/* The rows as the file will have them, counted as they pass. Takes the stream. */
LM_MUST_USE lm_status lm__put_conform_take(const lm_put_options *options,
                                           struct ArrowArrayStream *take_stream,
                                           lm_put_count *count, lm_stream **out, lm_error *error);

/* Of a source that can be read once more: how often it was already, since what was made of it broke
 * off on its way to the store; and whether it is to be read again. */
typedef struct lm_put_again {
    unsigned turn;
    bool wanted;
    lm_store *store; /* of the first time, once it was wanted */
} lm_put_again;

typedef lm_status lm_put_write(void *context, const lm_file_options *file, lm_sink *sink,
                               lm_put_result *result, lm_error *error);
/* A publication at `path` of what `write` writes, where it is as expected (NULL: it is). `again` is
 * NULL where the rows cannot be had once more. */
LM_MUST_USE lm_status lm__put_publish(const char *path, const lm_put_options *options,
                                      lm_put_write *write, void *context, const lm_expect *expect,
                                      lm_put_again *again, lm_put_result *result, lm_error *error);

static inline const lm_allocator *lm__put_allocator(const lm_put_options *options)
{
    return options->file ? options->file->allocator : NULL;
}

#endif
