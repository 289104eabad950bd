/* The text of a CSV, forward: from a source or a pipe, unpacked, without its byte order mark. */
#ifndef LM_CSV_INPUT_H
#define LM_CSV_INPUT_H

#include <lamella/source.h>

#include "codec/unpack.h"

typedef struct lm_csv_input {
    const lm_allocator *allocator;
    lm_source *source; /* NULL: the feed */
    lm_feed feed;
    const char *name;
    uint64_t at; /* of the source */
    lm_unpack *unpack;
    uint8_t *packed; /* compressed bytes that were read */
    size_t packed_at, packed_size;
    bool begun, ended; /* ended: nothing more comes from below */
} lm_csv_input;

/* One of the two; taken, also on failure of what follows. */
void lm__csv_input_init(lm_csv_input *input, const lm_allocator *allocator, lm_source *take_source,
                        const lm_feed *take_feed);
void lm__csv_input_deinit(lm_csv_input *input);
/* From the first byte again; only of a source. */
void lm__csv_input_rewind(lm_csv_input *input);
/* Fills `buffer`; less than `size` only at the end. */
LM_MUST_USE lm_status lm__csv_input_read(lm_csv_input *input, uint8_t *buffer, size_t size,
                                         size_t *got, lm_error *error);

#endif
