/* xxHash64 with seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). */
#include <string.h>

#include "parquet/bloom.h"

#define PRIME_1 0x9e3779b185ebca87u
#define PRIME_2 0xc2b2ae3d27d4eb4fu
#define PRIME_3 0x165667b19e3779f9u
#define PRIME_4 0x85ebca77c2b2ae63u
#define PRIME_5 0x27d4eb2f165667c5u

static inline uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static inline uint64_t load64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint32_t load32(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline uint64_t lane(uint64_t state, uint64_t word)
{
    return rotate(state + word * PRIME_2, 31) * PRIME_1;
}

static inline uint64_t merge(uint64_t hash, uint64_t state)
{
    return (hash ^ lane(0, state)) * PRIME_1 + PRIME_4;
}

/* Steps 1 to 4: the stripes of 32 bytes. */
static uint64_t stripes(const uint8_t **bytes, size_t *left)
{
    uint64_t a = PRIME_1 + PRIME_2, b = PRIME_2, c = 0, d = -PRIME_1;
    const uint8_t *at = *bytes;
    size_t size = *left;
    for (; size >= 32; size -= 32, at += 32) {
        a = lane(a, load64(at));
        b = lane(b, load64(at + 8));
        c = lane(c, load64(at + 16));
        d = lane(d, load64(at + 24));
    }
    *bytes = at;
    *left = size;
    uint64_t hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    return merge(merge(merge(merge(hash, a), b), c), d);
}

static inline uint64_t avalanche(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}

uint64_t lm__xxh64(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t left = size;
    uint64_t hash = (size >= 32 ? stripes(&bytes, &left) : PRIME_5) + size;
    for (; left >= 8; left -= 8, bytes += 8)
        hash = rotate(hash ^ lane(0, load64(bytes)), 27) * PRIME_1 + PRIME_4;
    for (; left >= 4; left -= 4, bytes += 4)
        hash = rotate(hash ^ load32(bytes) * PRIME_1, 23) * PRIME_2 + PRIME_3;
    for (; left > 0; left--, bytes++) hash = rotate(hash ^ *bytes * PRIME_5, 11) * PRIME_1;
    return avalanche(hash);
}

uint64_t lm__xxh64_4(const void *value)
{
    uint64_t hash = PRIME_5 + 4;
    return avalanche(rotate(hash ^ load32(value) * PRIME_1, 23) * PRIME_2 + PRIME_3);
}

uint64_t lm__xxh64_8(const void *value)
{
    uint64_t hash = PRIME_5 + 8;
    return avalanche(rotate(hash ^ lane(0, load64(value)), 27) * PRIME_1 + PRIME_4);
}
