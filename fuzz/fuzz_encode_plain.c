/* PLAIN byte arrays: what decodes is written again as it was, and is measured the same. */
#include <stdlib.h>

#include "encode/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t count = data[0] | (size_t)(data[1] & 3) << 8, bytes = 0, consumed = 0;
    size -= 2;
    uint8_t *src = malloc(size + 1), *out = NULL, *again = NULL;
    int32_t *offsets = malloc((count + 1) * 4);
    int64_t *offsets64 = malloc((count + 1) * 8);
    if (!src || !offsets || !offsets64) goto done;
    memcpy(src, data + 2, size);
    lm_error error;
    size_t room = size >= 4 * count ? size - 4 * count : 0;
    out = malloc(room + LM_ENCODE_SLACK);
    if (!out) goto done;
    lm_status status =
        lm__plain_strings_decode32(src, size, count, 7, offsets, out, &bytes, &consumed, &error);
    size_t measured, measured_consumed;
    if (lm__plain_strings_measure(src, size, count, &measured, &measured_consumed, &error) !=
        status)
        abort();
    if (lm__plain_strings_decode64(src, size, count, 7, offsets64, out, &measured,
                                   &measured_consumed, &error) != status)
        abort();
    if (status != LM_OK) {
        if (status != LM_CORRUPT) abort();
        goto done;
    }
    if (bytes > room || measured != bytes || measured_consumed != consumed) abort();
    for (size_t i = 0; i <= count; i++)
        if (offsets[i] != offsets64[i]) abort();
    lm_strings strings = {LM_STRINGS_OFFSETS32, 0, offsets, out - 7, NULL};
    again = malloc(lm__plain_strings_bound(bytes, count));
    if (!again) goto done;
    if (lm__plain_strings_encode(&strings, LM_BITS_ALL, count, again) != consumed) abort();
    if (memcmp(again, src, consumed) != 0) abort();
done:
    free(src);
    free(out);
    free(again);
    free(offsets);
    free(offsets64);
    return 0;
}
