/* Cutting bounds; see statistics.h. */
#include "parquet/statistics.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

/* The longest prefix of at most `most` bytes that ends with a whole character. */
static size_t text_prefix(const uint8_t *text, size_t size, size_t most)
{
    size_t at = 0;
    while (at < size) {
        size_t length = lm__utf8_sequence(text + at, size - at);
        if (length == 0 || at + length > most) break;
        at += length;
    }
    return at;
}

static size_t encode_character(uint32_t character, uint8_t *out)
{
    if (character < 0x80) {
        out[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (uint8_t)(0xc0 | character >> 6);
        out[1] = (uint8_t)(0x80 | (character & 63));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (uint8_t)(0xe0 | character >> 12);
        out[1] = (uint8_t)(0x80 | (character >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (character & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | character >> 18);
    out[1] = (uint8_t)(0x80 | (character >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (character >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (character & 63));
    return 4;
}

static uint32_t decode_character(const uint8_t *text, size_t length)
{
    if (length == 1) return text[0];
    uint32_t character = text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) character = character << 6 | (text[i] & 63);
    return character;
}

/* The next larger text that is no longer than the room: the last character that has a successor of
 * no more bytes is raised, what follows is dropped. 0 when there is none. */
static size_t text_raise(uint8_t *text, size_t size)
{
    while (size) {
        size_t start = size - 1;
        while (start && (text[start] & 0xc0) == 0x80) start--;
        size_t length = size - start;
        uint32_t next = decode_character(text + start, length) + 1;
        if (next == 0xd800) next = 0xe000; /* over the surrogates */
        uint8_t raised[4];
        if (next <= 0x10ffff && encode_character(next, raised) == length) {
            memcpy(text + start, raised, length);
            return size;
        }
        size = start;
    }
    return 0;
}

static size_t bytes_raise(uint8_t *bytes, size_t size)
{
    while (size) {
        if (++bytes[size - 1]) return size;
        size--;
    }
    return 0;
}

static uint8_t *copy_bytes(lm_arena *arena, lm_bytes bytes, size_t size)
{
    uint8_t *copy = lm__arena_aligned(arena, 1, size + 1);
    if (copy && size) memcpy(copy, bytes.data, size);
    return copy;
}

lm_status lm__statistics_cut(lm_arena *arena, lm_bytes min, lm_bytes max, size_t bytes_max,
                             bool text, lm_statistics *out, lm_error *error)
{
    size_t min_size = min.size, max_size = max.size;
    text = text && lm__utf8_valid(min.data, min.size) && lm__utf8_valid(max.data, max.size);
    if (min_size > bytes_max) {
        min_size = text ? text_prefix(min.data, min.size, bytes_max) : bytes_max;
        out->is_min_value_exact = false;
    }
    if (max_size > bytes_max) {
        max_size = text ? text_prefix(max.data, max.size, bytes_max) : bytes_max;
        out->is_max_value_exact = false;
    }
    uint8_t *min_copy = copy_bytes(arena, min, min_size);
    uint8_t *max_copy = copy_bytes(arena, max, max_size);
    if (!min_copy || !max_copy) return lm__error_memory(error, "keeping statistics");
    out->min_value = (lm_bytes){min_copy, min_size};
    if (max_size < max.size) {
        max_size = text ? text_raise(max_copy, max_size) : bytes_raise(max_copy, max_size);
        if (max_size == 0) {
            out->max_value = (lm_bytes){0};
            out->has &= ~(uint32_t)LM_STATISTICS_MAX_EXACT;
            if (max.size > LM_PARQUET_BOUND_BYTES_MAX) return LM_OK;
            max_size = max.size;
            max_copy = copy_bytes(arena, max, max_size);
            if (!max_copy) return lm__error_memory(error, "keeping statistics");
            out->has |= LM_STATISTICS_MAX_EXACT;
            out->is_max_value_exact = true;
        }
    }
    out->max_value = (lm_bytes){max_copy, max_size};
    return LM_OK;
}
