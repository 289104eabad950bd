/* Byte strings in any Arrow layout (bits.h). */
#include "encode/bits.h"

size_t lm__strings_bytes(const lm_strings *strings, lm_bits valid, size_t count)
{
    size_t bytes = 0;
    if (strings->kind == LM_STRINGS_FIXED) {
        return strings->width * lm__bits_count(valid, count);
    }
    if (strings->kind == LM_STRINGS_VIEWS && !valid.bytes) {
        const uint8_t *view = strings->offsets;
        for (size_t i = 0; i < count; i++) bytes += lm__load32(view + 16 * i);
        return bytes;
    }
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        if (!run.set) continue;
        size_t end = run.start + run.length;
        if (strings->kind == LM_STRINGS_OFFSETS32) {
            const int32_t *offsets = strings->offsets;
            bytes += (size_t)(offsets[end] - offsets[run.start]);
        } else if (strings->kind == LM_STRINGS_OFFSETS64) {
            const int64_t *offsets = strings->offsets;
            bytes += (size_t)(offsets[end] - offsets[run.start]);
        } else {
            const uint8_t *view = strings->offsets;
            for (size_t i = run.start; i < end; i++) bytes += lm__load32(view + 16 * i);
        }
    }
    return bytes;
}
