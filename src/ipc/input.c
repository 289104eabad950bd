/* The bytes of messages; see input.h. */
#include "ipc/input.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

void lm__ipc_input_close(lm_ipc_input *input)
{
    lm__ipc_origin_unref(input->origin);
    input->origin = NULL;
    if (input->pull.close) input->pull.close(input->pull.context);
    input->pull = (lm_ipc_pull){.name = NULL};
}

const char *lm__ipc_input_name(const lm_ipc_input *input)
{
    const char *name = input->origin ? input->origin->source->name : input->pull.name;
    return name ? name : "(input)";
}

lm_status lm__ipc_input_read(lm_ipc_input *input, void *buffer, size_t size, size_t *got,
                             lm_error *error)
{
    *got = 0;
    if (input->origin) {
        lm_source *source = input->origin->source;
        uint64_t left = input->at < source->size ? source->size - input->at : 0;
        if (size > left) size = (size_t)left;
        LM_TRY(lm_source_read(source, input->at, buffer, size, error));
        *got = size;
    }
    if (input->n_unread > 0) {
        *got = size < input->n_unread ? size : input->n_unread;
        memcpy(buffer, input->unread, *got);
        input->n_unread -= *got;
        memmove(input->unread, input->unread + *got, input->n_unread);
    }
    while (!input->origin && *got < size) {
        size_t more = 0;
        LM_TRY(input->pull.read(input->pull.context, (uint8_t *)buffer + *got, size - *got, &more,
                                error));
        if (more == 0) break;
        *got += more;
    }
    input->at += *got;
    return LM_OK;
}

void lm__ipc_input_unread(lm_ipc_input *input, const void *bytes, size_t size)
{
    input->at -= size;
    if (input->origin) return;
    memcpy(input->unread, bytes, size);
    input->n_unread = size;
}

/* Invariant 1: a block as large as what has arrived, over and over. */
static lm_status pull_take(lm_ipc_input *input, lm_ipc_hold *hold, size_t size,
                           const uint8_t **data, lm_error *error)
{
    uint8_t *block = NULL;
    size_t held = 0;
    do {
        size_t wanted = held ? 2 * held : LM_IPC_PULL_BYTES, got;
        if (wanted > size) wanted = size;
        uint8_t *larger = lm__ipc_hold_alloc(hold, wanted);
        if (!larger) return lm__error_memory(error, "reading a message");
        if (held > 0) {
            memcpy(larger, block, held);
            lm__ipc_hold_drop_second(hold);
        }
        block = larger;
        LM_TRY(lm__ipc_input_read(input, block + held, wanted - held, &got, error));
        held += got;
        if (held < wanted) return lm__error_set(error, LM_CORRUPT, "it ends within a message");
    } while (held < size);
    *data = block;
    return LM_OK;
}

lm_status lm__ipc_input_take(lm_ipc_input *input, lm_ipc_hold *hold, size_t size,
                             const uint8_t **data, lm_error *error)
{
    if (!input->origin) return pull_take(input, hold, size, data, error);
    lm_source *source = input->origin->source;
    if (input->at > source->size || size > source->size - input->at)
        return lm__error_set(error, LM_CORRUPT, "it ends within a message");
    *data = lm_source_view(source, input->at, size);
    if (!*data) {
        uint8_t *block = lm__ipc_hold_alloc(hold, size);
        if (!block) return lm__error_memory(error, "reading a message");
        LM_TRY(lm_source_read(source, input->at, block, size, error));
        *data = block;
    }
    input->at += size;
    return LM_OK;
}
