/*
 * Encapsulated messages ("Encapsulated message format"): where each begins, and its Message table.
 */
#ifndef LM_IPC_MESSAGE_H
#define LM_IPC_MESSAGE_H

#include "ipc/format.h"
#include "ipc/input.h"

typedef enum lm_ipc_end {
    LM_IPC_NOT_ENDED,
    LM_IPC_ENDED_MARKED, /* by an end mark */
    LM_IPC_ENDED_OPEN,   /* the bytes end before a message */
} lm_ipc_end;

/* Not to be copied: the tables point to the reader. */
typedef struct lm_ipc_message {
    lm_fb_reader reader;
    lm_fb_table header;
    int header_type; /* LM_FB_HEADER_… */
    int version;     /* LM_FB_VERSION_V4 or …_V5 */
    size_t body_size;
} lm_ipc_message;

/* Reads the metadata of the next message into memory of the hold; its body follows in the input. */
LM_MUST_USE lm_status lm__ipc_message_take(lm_ipc_input *input, lm_ipc_hold *hold,
                                           lm_ipc_message *message, lm_ipc_end *end,
                                           lm_error *error);
/* For after a walk over tables: LM_CORRUPT when it left the message. */
LM_MUST_USE lm_status lm__ipc_reader_check(const lm_fb_reader *reader, lm_error *error);

#endif
