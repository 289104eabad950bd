/*
 * DELTA_BINARY_PACKED and BYTE_STREAM_SPLIT. Two bytes of count, then any bytes: as a stream they
 * are read or refused, and what is read comes back the same when it is written again; as values
 * they come back the same.
 */
#include <stdlib.h>
#include <string.h>

#include "encode/delta.h"
#include "encode/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never NULL; exactly as large as it is said to be. */
static void *room(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) abort();
    return memory;
}

#define BOTH_WAYS(bits)                                                                            \
    static void round_trip##bits(const int##bits##_t *values, size_t count)                        \
    {                                                                                              \
        uint8_t *out = room(lm__delta##bits##_bound(count));                                       \
        size_t written = lm__delta##bits##_encode(values, count, out), used;                       \
        if (written + LM_ENCODE_SLACK > lm__delta##bits##_bound(count)) abort();                   \
        uint8_t *stream = room(written);                                                           \
        int##bits##_t *back = room(count * sizeof *back);                                          \
        memcpy(stream, out, written);                                                              \
        if (lm__delta##bits##_decode(stream, written, count, back, &used, NULL) != LM_OK ||        \
            used != written || memcmp(back, values, count * sizeof *back) != 0)                    \
            abort();                                                                               \
        free(out);                                                                                 \
        free(stream);                                                                              \
        free(back);                                                                                \
    }                                                                                              \
                                                                                                   \
    static void decode##bits(const uint8_t *stream, size_t size, size_t count)                     \
    {                                                                                              \
        int##bits##_t *values = room(count * sizeof *values);                                      \
        size_t used;                                                                               \
        lm_status status = lm__delta##bits##_decode(stream, size, count, values, &used, NULL);     \
        if (status == LM_OK) {                                                                     \
            if (used > size) abort();                                                              \
            round_trip##bits(values, count);                                                       \
        } else if (status != LM_CORRUPT) {                                                         \
            abort();                                                                               \
        }                                                                                          \
        free(values);                                                                              \
        size_t whole = size / sizeof *values;                                                      \
        values = room(whole * sizeof *values);                                                     \
        memcpy(values, stream, whole * sizeof *values);                                            \
        round_trip##bits(values, whole);                                                           \
        free(values);                                                                              \
    }

BOTH_WAYS(32)
BOTH_WAYS(64)

static void split(const uint8_t *values, size_t size, size_t width)
{
    size_t count = size / width;
    uint8_t *streams = room(count * width), *back = room(count * width);
    lm__split_encode(values, count, width, streams);
    if (lm__split_decode(streams, count * width, 0, count, width, back, NULL) != LM_OK ||
        memcmp(back, values, count * width) != 0)
        abort();
    free(streams);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t count = data[0] | (size_t)data[1] << 8;
    size -= 2;
    uint8_t *stream = room(size);
    memcpy(stream, data + 2, size);
    decode32(stream, size, count);
    decode64(stream, size, count);
    split(stream, size, 1 + count % 17);
    free(stream);
    return 0;
}
