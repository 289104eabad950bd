/* LZ4 frames; see lz4_frame.h. Sections are those of the frame and the block format's description.
 */
#include "codec/lz4_frame.h"

#include <string.h>

#include "base/error.h"

#define MAGIC 0x184d2204u
#define MAGIC_SKIPPABLE 0x184d2a50u /* its last four bits are free */
#define BLOCK_BYTES_MAX ((size_t)4 << 20)
#define BLOCK_STORED 0x80000000u
#define FRAME_OVERHEAD 19 /* magic, descriptor of 11, end mark */

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline void store32(uint8_t *at, uint32_t word) { memcpy(at, &word, sizeof word); }

/* xxHash, 32 bits, seed 0 ("xxHash fast digest algorithm"). */

#define PRIME_1 0x9e3779b1u
#define PRIME_2 0x85ebca77u
#define PRIME_3 0xc2b2ae3du
#define PRIME_4 0x27d4eb2fu
#define PRIME_5 0x165667b1u

static inline uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

static uint32_t xxh32(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    uint32_t hash = PRIME_5;
    if (size >= 16) {
        uint32_t lanes[4] = {PRIME_1 + PRIME_2, PRIME_2, 0, 0u - PRIME_1};
        for (; end - data >= 16; data += 16)
            for (int i = 0; i < 4; i++)
                lanes[i] = rotate(lanes[i] + load32(data + 4 * i) * PRIME_2, 13) * PRIME_1;
        hash =
            rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    }
    hash += (uint32_t)size;
    for (; end - data >= 4; data += 4) hash = rotate(hash + load32(data) * PRIME_3, 17) * PRIME_4;
    for (; data < end; data++) hash = rotate(hash + *data * PRIME_5, 11) * PRIME_1;
    hash = (hash ^ hash >> 15) * PRIME_2;
    hash = (hash ^ hash >> 13) * PRIME_3;
    return hash ^ hash >> 16;
}

/* A length's further bytes: each 255 says that another follows. False past the end. */
static inline bool length_take(const uint8_t **at, const uint8_t *end, size_t *length)
{
    uint8_t byte;
    do {
        if (*at == end) return false;
        byte = *(*at)++;
        *length += byte;
    } while (byte == 255);
    return true;
}

/* Copies a match that may overlap what it makes. */
static inline void match_copy(uint8_t *to, size_t distance, size_t length, size_t room)
{
    const uint8_t *from = to - distance;
    if (distance >= 16 && room >= length + 16) { /* in steps, past the end of the match */
        for (size_t i = 0; i < length; i += 16) memcpy(to + i, from + i, 16);
    } else if (distance >= length) {
        memcpy(to, from, length);
    } else {
        for (size_t i = 0; i < length; i++) to[i] = from[i];
    }
}

/* One block, at dst + *filled; matches reach back as far as dst. */
static bool block_decode(const uint8_t *src, size_t src_size, uint8_t *dst, size_t dst_size,
                         size_t *filled)
{
    const uint8_t *end = src + src_size;
    uint8_t *out = dst + *filled, *out_end = dst + dst_size;
    for (;;) {
        if (src == end) return false;
        uint8_t token = *src++;
        size_t literals = token >> 4, match = token & 15;
        if (literals == 15 && !length_take(&src, end, &literals)) return false;
        if (literals > (size_t)(end - src) || literals > (size_t)(out_end - out)) return false;
        if (literals > 0) memcpy(out, src, literals);
        out += literals;
        src += literals;
        if (src == end) break; /* the last sequence has no match */
        if (end - src < 2) return false;
        size_t distance = src[0] | (size_t)src[1] << 8;
        src += 2;
        if (match == 15 && !length_take(&src, end, &match)) return false;
        match += 4;
        if (distance == 0 || distance > (size_t)(out - dst)) return false;
        if (match > (size_t)(out_end - out)) return false;
        match_copy(out, distance, match, (size_t)(out_end - out));
        out += match;
    }
    *filled = (size_t)(out - dst);
    return true;
}

typedef struct descriptor {
    bool independent, block_checksums, content_checksum;
    size_t bytes;
} descriptor;

/* Frame descriptor: FLG, BD, content size (8), dictionary's id (4), header checksum. */
static lm_status descriptor_take(const uint8_t *src, size_t size, descriptor *d, lm_error *error)
{
    if (size < 3) return lm__error_set(error, LM_CORRUPT, "an LZ4 frame is cut off");
    uint8_t flags = src[0];
    if (flags >> 6 != 1 || (flags & 2) || (src[1] & 0x8f) || src[1] >> 4 < 4)
        return lm__error_set(error, LM_CORRUPT, "an LZ4 frame's descriptor is not valid");
    if (flags & 1) return lm__error_set(error, LM_UNSUPPORTED, "an LZ4 frame needs a dictionary");
    *d = (descriptor){
        .independent = flags & 0x20,
        .block_checksums = flags & 0x10,
        .content_checksum = flags & 4,
        .bytes = (flags & 8 ? 10 : 2) + 1,
    };
    if (size < d->bytes) return lm__error_set(error, LM_CORRUPT, "an LZ4 frame is cut off");
    if ((uint8_t)(xxh32(src, d->bytes - 1) >> 8) != src[d->bytes - 1])
        return lm__error_set(error, LM_CORRUPT, "an LZ4 frame's header checksum is wrong");
    return LM_OK;
}

/* The blocks of a frame up to its end mark; moves *src on. */
static bool blocks_decode(const descriptor *d, const uint8_t **src, const uint8_t *end,
                          uint8_t *dst, size_t dst_size, size_t *filled)
{
    for (;;) {
        if (end - *src < 4) return false;
        uint32_t head = load32(*src);
        size_t size = head & ~BLOCK_STORED, tail = d->block_checksums ? 4 : 0;
        *src += 4;
        if (head == 0) return true;
        if (size > BLOCK_BYTES_MAX || size + tail > (size_t)(end - *src)) return false;
        if (tail > 0 && xxh32(*src, size) != load32(*src + size)) return false;
        uint8_t *first = d->independent ? dst + *filled : dst;
        size_t base = (size_t)(first - dst), at = *filled - base;
        if (head & BLOCK_STORED) {
            if (size > dst_size - *filled) return false;
            memcpy(dst + *filled, *src, size);
            *filled += size;
        } else {
            if (!block_decode(*src, size, first, dst_size - base, &at)) return false;
            *filled = base + at;
        }
        *src += size + tail;
    }
}

lm_status lm__lz4_frame_decode(const uint8_t *src, size_t src_size, uint8_t *dst, size_t dst_size,
                               lm_error *error)
{
    const uint8_t *end = src + src_size;
    size_t filled = 0;
    while (src < end) {
        if (end - src < 8) return lm__error_set(error, LM_CORRUPT, "an LZ4 frame is cut off");
        uint32_t magic = load32(src);
        if ((magic & ~15u) == MAGIC_SKIPPABLE) {
            size_t skip = load32(src + 4);
            if (skip > (size_t)(end - src) - 8)
                return lm__error_set(error, LM_CORRUPT, "an LZ4 frame is cut off");
            src += 8 + skip;
            continue;
        }
        if (magic != MAGIC) return lm__error_set(error, LM_CORRUPT, "not an LZ4 frame");
        descriptor d = {0};
        LM_TRY(descriptor_take(src + 4, (size_t)(end - src) - 4, &d, error));
        src += 4 + d.bytes;
        uint8_t *content = dst + filled;
        size_t bytes = 0;
        if (!blocks_decode(&d, &src, end, content, dst_size - filled, &bytes))
            return lm__error_set(error, LM_CORRUPT, "an LZ4 frame's blocks are not valid");
        filled += bytes;
        if (!d.content_checksum) continue;
        if (end - src < 4 || load32(src) != xxh32(content, bytes))
            return lm__error_set(error, LM_CORRUPT, "an LZ4 frame's checksum is wrong");
        src += 4;
    }
    if (filled != dst_size)
        return lm__error_set(error, LM_CORRUPT, "LZ4 frames of %zu bytes, not %zu", filled,
                             dst_size);
    return LM_OK;
}

size_t lm__lz4_frame_bound(size_t size)
{
    return FRAME_OVERHEAD + size + (size / BLOCK_BYTES_MAX + 1) * 4;
}

/* Independent blocks of 4 MiB, the content's size told; a block that does not shrink is stored. */
lm_status lm__lz4_frame_encode(lm_codec_context *context, const uint8_t *src, size_t size,
                               uint8_t *dst, size_t *written, lm_error *error)
{
    uint8_t *out = dst;
    store32(out, MAGIC);
    out[4] = 0x68; /* version 1, independent blocks, content size */
    out[5] = 0x70; /* blocks of 4 MiB */
    uint64_t content = size;
    for (int i = 0; i < 8; i++) out[6 + i] = (uint8_t)(content >> 8 * i);
    out[14] = (uint8_t)(xxh32(out + 4, 10) >> 8);
    out += 15;
    while (size > 0) {
        size_t block = size < BLOCK_BYTES_MAX ? size : BLOCK_BYTES_MAX, packed = 0;
        lm_status status = lm__codec_compress(context, LM_CODEC_LZ4_RAW, LM_CODEC_LEVEL_DEFAULT,
                                              src, block, out + 4, block - 1, &packed, error);
        if (status == LM_LIMIT) {
            memcpy(out + 4, src, block);
            store32(out, (uint32_t)block | BLOCK_STORED);
            packed = block;
        } else if (status == LM_OK) {
            store32(out, (uint32_t)packed);
        } else {
            return status;
        }
        out += 4 + packed;
        src += block;
        size -= block;
    }
    store32(out, 0);
    *written = (size_t)(out + 4 - dst);
    return LM_OK;
}
