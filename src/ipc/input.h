/*
 * The bytes of messages one after another, from a source or a pull.
 *
 * Invariants
 *  1. Memory is asked for as bytes arrive: a length that lies costs at most twice what is there.
 *  2. Bytes of a source with a view are not copied.
 */
#ifndef LM_IPC_INPUT_H
#define LM_IPC_INPUT_H

#include <lamella/ipc.h>

#include "ipc/hold.h"

typedef struct lm_ipc_input {
    lm_ipc_origin *origin; /* or NULL, and the pull is asked */
    lm_ipc_pull pull;      /* closed already where all are NULL */
    uint64_t at;           /* the offset of the next byte; may be set where there is an origin */
    uint8_t unread[8];     /* of a pull: bytes that come again */
    size_t n_unread;
} lm_ipc_input;

void lm__ipc_input_close(lm_ipc_input *input);
const char *lm__ipc_input_name(const lm_ipc_input *input);

/* Up to `size` bytes into `buffer`; less only at the end. */
LM_MUST_USE lm_status lm__ipc_input_read(lm_ipc_input *input, void *buffer, size_t size,
                                         size_t *got, lm_error *error);
/* Puts the last bytes back that were read; 8 at most. */
void lm__ipc_input_unread(lm_ipc_input *input, const void *bytes, size_t size);
/* Exactly `size` bytes, borrowed or in memory of the hold; an earlier end is LM_CORRUPT. */
LM_MUST_USE lm_status lm__ipc_input_take(lm_ipc_input *input, lm_ipc_hold *hold, size_t size,
                                         const uint8_t **data, lm_error *error);

#endif
