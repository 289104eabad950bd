/* The bytes of a CSV; see input.h. */
#include "csv/input.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

void lm__csv_input_init(lm_csv_input *input, const lm_allocator *allocator, lm_source *take_source,
                        const lm_feed *take_feed)
{
    *input = (lm_csv_input){.allocator = allocator, .source = take_source};
    if (take_feed) input->feed = *take_feed;
    input->name = take_source ? take_source->name : take_feed->name;
    if (!input->name) input->name = "(input)";
}

void lm__csv_input_deinit(lm_csv_input *input)
{
    if (input->source) lm_source_close(input->source);
    if (input->feed.close) input->feed.close(input->feed.context);
    lm__unpack_free(input->unpack);
    lm__free(input->allocator, input->packed);
    memset(input, 0, sizeof *input);
}

void lm__csv_input_rewind(lm_csv_input *input)
{
    lm__unpack_free(input->unpack);
    input->unpack = NULL;
    input->at = 0;
    input->packed_at = input->packed_size = 0;
    input->begun = input->ended = false;
}

/* Bytes as they lie below. */
static lm_status read_raw(lm_csv_input *input, uint8_t *buffer, size_t size, size_t *got,
                          lm_error *error)
{
    *got = 0;
    if (input->source) {
        uint64_t left = input->source->size - input->at;
        if (size > left) size = (size_t)left;
        if (size > 0) LM_TRY(lm_source_read(input->source, input->at, buffer, size, error));
        input->at += size;
        *got = size;
        return LM_OK;
    }
    while (*got < size && !input->ended) {
        size_t more = 0;
        LM_TRY(input->feed.read(input->feed.context, buffer + *got, size - *got, &more, error));
        if (more == 0) input->ended = true;
        *got += more;
    }
    return LM_OK;
}

/* The first bytes tell whether the rest is compressed. They stay in `packed`. */
static lm_status begin(lm_csv_input *input, lm_error *error)
{
    input->begun = true;
    if (!input->packed) input->packed = lm__alloc(input->allocator, LM_CSV_PACKED_BYTES);
    if (!input->packed) return lm__error_memory(error, "reading CSV");
    LM_TRY(read_raw(input, input->packed, 4, &input->packed_size, error));
    lm_codec codec = lm__unpack_codec(input->packed, input->packed_size);
    if (codec == LM_CODEC_UNCOMPRESSED) return LM_OK;
    return lm__unpack_new(input->allocator, codec, &input->unpack, error);
}

static lm_status read_unpacked(lm_csv_input *input, uint8_t *buffer, size_t size, size_t *got,
                               lm_error *error)
{
    lm_unpack_step step = {.out = buffer, .out_size = size};
    while (step.out_size > 0) {
        if (input->packed_at == input->packed_size) {
            input->packed_at = 0;
            LM_TRY(read_raw(input, input->packed, LM_CSV_PACKED_BYTES, &input->packed_size, error));
        }
        size_t before = step.out_size;
        bool end = input->packed_size == 0;
        step.in = input->packed + input->packed_at;
        step.in_size = input->packed_size - input->packed_at;
        lm_status status = lm__unpack_run(input->unpack, &step, error);
        if (status != LM_OK) return lm__error_within(error, status, "%s", input->name);
        input->packed_at = input->packed_size - step.in_size;
        if (!end || step.out_size != before) continue;
        if (!lm__unpack_ended(input->unpack))
            return lm__error_set(error, LM_CORRUPT, "%s: it breaks off within its compressed data",
                                 input->name);
        break;
    }
    *got = size - step.out_size;
    return LM_OK;
}

lm_status lm__csv_input_read(lm_csv_input *input, uint8_t *buffer, size_t size, size_t *got,
                             lm_error *error)
{
    if (!input->begun) LM_TRY(begin(input, error));
    if (input->unpack) return read_unpacked(input, buffer, size, got, error);
    size_t head = input->packed_size - input->packed_at;
    if (head > size) head = size;
    if (head > 0) memcpy(buffer, input->packed + input->packed_at, head);
    input->packed_at += head;
    LM_TRY(read_raw(input, buffer + head, size - head, got, error));
    *got += head;
    return LM_OK;
}
