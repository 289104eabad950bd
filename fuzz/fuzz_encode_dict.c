/* Dictionaries: every index leads back to its value, no value is there twice, and the limit holds.
 */
#include <stdlib.h>

#include "encode/dict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 8192

static uint32_t indices[MOST + LM_ENCODE_SLACK / 4];

static lm_slice entry(const uint8_t *bytes, const size_t *starts, size_t width, uint32_t index)
{
    if (width) return (lm_slice){bytes + index * width, width};
    return (lm_slice){bytes + starts[index] + 4, lm__load32(bytes + starts[index])};
}

/* Strings of the lengths that the bytes at their starts tell; the last is what is left. */
static size_t cut_strings(const uint8_t *data, size_t size, int32_t *offsets)
{
    size_t count = 0, at = 0;
    while (at < size && count < MOST) {
        offsets[count++] = (int32_t)at;
        at += 1 + data[at] % 48u;
    }
    offsets[count] = (int32_t)(at < size ? at : size);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t widths[] = {0, 1, 2, 4, 8, 12, 16, 20};
    static int32_t offsets[MOST + 1];
    static size_t starts[MOST + 1];
    if (size < 3) return 0;
    size_t width = widths[data[0] & 7], step = 1 + data[2] * 5u, count;
    lm_dict_options options = {
        .width = width, .is_bytes = true, .bytes_max = data[1] ? data[1] * 64u : 0};
    data += 3;
    size -= 3;
    uint8_t *copy = aligned_alloc(64, (size / 64 + 1) * 64), *valid = malloc(MOST / 8);
    lm_dict *dict = NULL;
    lm_error error;
    if (!copy || !valid || lm__dict_new(&options, &dict, &error) != LM_OK) goto done;
    memcpy(copy, data, size);
    for (size_t i = 0; i < MOST / 8; i++) valid[i] = size ? data[i % size] : 0xff;
    lm_strings strings = {LM_STRINGS_OFFSETS32, 0, offsets, copy, NULL};
    if (width) {
        count = size / width < MOST ? size / width : MOST;
        strings = (lm_strings){LM_STRINGS_FIXED, (uint32_t)width, NULL, copy, NULL};
    } else {
        count = cut_strings(copy, size, offsets);
    }
    lm_bits bits = {step & 1 ? valid : NULL, 0};
    for (size_t at = 0; at < count; at += step) {
        size_t n = count - at < step ? count - at : step, bytes;
        lm_dict_progress progress;
        lm_bits some = lm__bits_skip(bits, at);
        lm_strings part = lm__strings_skip(strings, at);
        lm_status status =
            width ? lm__dict_put(dict, copy + at * width, some, n, indices, &progress, &error)
                  : lm__dict_put_strings(dict, &part, some, n, indices, &progress, &error);
        if (status != LM_OK) abort();
        const uint8_t *page = lm__dict_bytes(dict, &bytes);
        size_t entries = lm__dict_count(dict);
        if (options.bytes_max && bytes > options.bytes_max) abort();
        for (size_t i = 0, from = 0; i < entries && !width; i++) {
            starts[i] = from;
            from += 4 + lm__load32(page + from);
        }
        if (lm__bits_count(some, progress.consumed) != progress.written) abort();
        for (size_t i = 0, k = 0; i < progress.consumed; i++) {
            if (!lm__bits_get(some, i)) continue;
            if (indices[k] >= entries) abort();
            lm_slice want = lm__strings_get(&part, i), got = entry(page, starts, width, indices[k]);
            if (want.size != got.size || memcmp(want.data, got.data, got.size) != 0) abort();
            k++;
        }
        if (progress.consumed < n) break;
    }
done:
    lm__dict_free(dict);
    free(copy);
    free(valid);
    return 0;
}
