/*
 * Byte strings: PLAIN, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY. Two bytes of count, then any
 * bytes: as a stream they are read or refused, and what is read comes back the same when it is
 * written again; cut at each line's end they are strings, and come back the same. DELTA_BYTE_ARRAY
 * is read as the page after another as well.
 */
#include <stdlib.h>
#include <string.h>

#include "encode/delta.h"
#include "encode/plain.h"

#define DATA_LARGEST ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum string_form {
    FORM_PLAIN,
    FORM_LENGTHS,
    FORM_PREFIXES,
    FORM_GOING_ON, /* the first prefix may be of the stream's first bytes; only read */
    FORM_COUNT,
} string_form;

/* Never NULL; exactly as large as it is said to be. */
static void *room(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) abort();
    return memory;
}

static void check_last(const lm_delta_reader *reader, const int32_t *offsets, const uint8_t *data,
                       lm_buffer *before)
{
    if (lm__delta_reader_last(reader, before, NULL) != LM_OK) abort();
    if (reader->count == 0) return;
    size_t start = (size_t)offsets[reader->count - 1], end = (size_t)offsets[reader->count];
    if (before->size != end - start || memcmp(before->data, data + start, end - start) != 0)
        abort();
}

/* What was read: *data and count + 1 offsets, freed by the caller when this answers true. */
static bool decode(string_form form, const uint8_t *stream, size_t size, size_t count,
                   uint8_t **data, int32_t **offsets)
{
    lm_delta_reader reader = {0};
    lm_buffer before;
    lm_status status;
    size_t bytes, used, shared = form == FORM_GOING_ON ? count % (size + 1) : 0;
    lm__buffer_init(&before, NULL, 0);
    if (lm__buffer_append(&before, stream, shared) != LM_OK ||
        lm__buffer_reserve(&before, LM_ENCODE_SLACK) != LM_OK)
        abort();
    if (form == FORM_PLAIN) {
        status = lm__plain_strings_measure(stream, size, count, &bytes, &used, NULL);
    } else {
        status = form == FORM_LENGTHS
                     ? lm__delta_length_open(&reader, NULL, stream, size, count, NULL)
                     : lm__delta_strings_open(&reader, NULL, stream, size, count,
                                              (lm_slice){before.data, before.size}, NULL);
        bytes = reader.data_bytes;
        used = reader.consumed;
    }
    if (status != LM_OK) {
        if (status != LM_CORRUPT && status != LM_LIMIT) abort();
        lm__buffer_deinit(&before);
        return false;
    }
    if (used > size) abort();
    bool taken = bytes <= DATA_LARGEST;
    if (taken) {
        size_t data_room = form == FORM_PLAIN ? size - 4 * count : bytes;
        *offsets = room((count + 1) * sizeof **offsets);
        *data = room(data_room + LM_ENCODE_SLACK);
        status = form == FORM_PLAIN ? lm__plain_strings_decode32(stream, size, count, 0, *offsets,
                                                                 *data, &bytes, &used, NULL)
                                    : lm__delta_reader_read32(&reader, 0, *offsets, *data, NULL);
        if (status != LM_OK || (size_t)(*offsets)[count] != bytes) abort();
        if (form >= FORM_PREFIXES) check_last(&reader, *offsets, *data, &before);
    }
    lm__delta_reader_close(&reader);
    lm__buffer_deinit(&before);
    return taken;
}

static void round_trip(string_form form, const uint8_t *data, const int32_t *offsets, size_t count)
{
    lm_strings strings = {.kind = LM_STRINGS_OFFSETS32, .offsets = offsets, .data = data};
    size_t bytes = (size_t)offsets[count], bound, written;
    bound = form == FORM_PLAIN     ? lm__plain_strings_bound(bytes, count)
            : form == FORM_LENGTHS ? lm__delta_length_bound(bytes, count)
                                   : lm__delta_strings_bound(bytes, count);
    uint8_t *out = room(bound);
    written = form == FORM_PLAIN     ? lm__plain_strings_encode(&strings, LM_BITS_ALL, count, out)
              : form == FORM_LENGTHS ? lm__delta_length_encode(&strings, LM_BITS_ALL, count, out)
                                     : lm__delta_strings_encode(&strings, LM_BITS_ALL, count, out);
    if (written + LM_ENCODE_SLACK > bound) abort();
    uint8_t *stream = room(written), *back;
    int32_t *back_offsets;
    memcpy(stream, out, written);
    if (!decode(form, stream, written, count, &back, &back_offsets) ||
        memcmp(back_offsets, offsets, (count + 1) * sizeof *offsets) != 0 ||
        memcmp(back, data, bytes) != 0)
        abort();
    free(out);
    free(stream);
    free(back);
    free(back_offsets);
}

/* Lines as strings, without what follows the last. */
static size_t cut_lines(const uint8_t *data, size_t size, int32_t *offsets)
{
    size_t count = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < size; i++)
        if (data[i] == '\n') offsets[++count] = (int32_t)i + 1;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t count = data[0] | (size_t)data[1] << 8;
    size -= 2;
    uint8_t *stream = room(size), *read;
    memcpy(stream, data + 2, size);
    int32_t *offsets, *lines = room((size + 1) * sizeof *lines);
    size_t line_count = cut_lines(stream, size, lines);
    uint8_t *text = room((size_t)lines[line_count]);
    memcpy(text, stream, (size_t)lines[line_count]);
    for (string_form form = FORM_PLAIN; form < FORM_COUNT; form++) {
        if (form != FORM_GOING_ON) round_trip(form, text, lines, line_count);
        if (!decode(form, stream, size, count, &read, &offsets)) continue;
        round_trip(form == FORM_GOING_ON ? FORM_PREFIXES : form, read, offsets, count);
        free(read);
        free(offsets);
    }
    free(text);
    free(lines);
    free(stream);
    return 0;
}
