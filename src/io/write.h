/* Rows into a sink, in any format that is written. */
#ifndef LM_IO_WRITE_H
#define LM_IO_WRITE_H

#include <lamella/io.h>

typedef struct lm_write_how {
    lm_format format;
    const lm_parquet_options *parquet; /* NULL: the defaults */
    const lm_csv_write_options *csv;   /* NULL: the defaults */
    const char *path; /* where it goes: its suffix tells what the options leave open; or NULL */
    lm_cancel *cancel;
    const lm_allocator *allocator;
} lm_write_how;

/* Takes the stream; the sink is not finished. Of `result` what the format knows is filled. */
LM_MUST_USE lm_status lm__write_table_take(const lm_write_how *how,
                                           struct ArrowArrayStream *take_stream, lm_sink *sink,
                                           lm_put_result *result, lm_error *error);

#endif
