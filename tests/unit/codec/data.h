/* Bytes of many kinds for the codecs' tests, the same at each run. */
#ifndef LM_TESTS_CODEC_DATA_H
#define LM_TESTS_CODEC_DATA_H

#include "check.h"

enum {
    DATA_ZEROES,
    DATA_RANDOM,
    DATA_IDS,       /* int64 below 2^21 */
    DATA_ASCENDING, /* int64 that rise by a little */
    DATA_ZONES,     /* int32 below 300 */
    DATA_PRICES,    /* doubles with two decimals */
    DATA_TEXT,      /* words and numbers */
    DATA_RUNS,      /* short patterns repeated, of all periods */
    DATA_MIXED,     /* pieces of all others */
    DATA_KINDS,
};

static inline void data_fill(int kind, uint64_t seed, uint8_t *bytes, size_t size)
{
    static const char *const words[] = {"alpha", "beta", "https://www.example.com/", "item",
                                        "?id="};
    uint64_t state = seed * 31 + (uint64_t)kind + 1, number = 0;
    char piece[64];
    for (size_t at = 0; at < size;) {
        uint64_t random = check_random(&state);
        size_t length = 8;
        double price = (double)(random % 5000) / 100;
        switch (kind) {
        case DATA_ZEROES: memset(piece, 0, 8); break;
        case DATA_RANDOM: memcpy(piece, &random, 8); break;
        case DATA_IDS:
            random %= 1 << 21;
            memcpy(piece, &random, 8);
            break;
        case DATA_ASCENDING:
            number += random % 1000;
            memcpy(piece, &number, 8);
            break;
        case DATA_ZONES:
            random %= 300;
            length = 4;
            memcpy(piece, &random, 4);
            break;
        case DATA_PRICES: memcpy(piece, &price, 8); break;
        case DATA_TEXT:
            length = (size_t)snprintf(piece, sizeof piece, "%s%d", words[random % 5],
                                      (int)(random >> 32) % 1000);
            break;
        case DATA_RUNS:
            length = 1 + random % 70;
            if (length > size - at) length = size - at;
            for (size_t end = at + (random >> 8) % 300 + length, i = at; i < end && i < size; i++)
                bytes[i] = i < at + length ? (uint8_t)check_random(&state) : bytes[i - length];
            at += (random >> 8) % 300 + length;
            continue;
        default:
            length = 1 + random % 3000;
            if (length > size - at) length = size - at;
            data_fill((int)(random >> 32) % DATA_MIXED, random, bytes + at, length);
            at += length;
            continue;
        }
        if (length > size - at) length = size - at;
        memcpy(bytes + at, piece, length);
        at += length;
    }
}

/* A copy on the heap of exactly that size, so that the sanitizer sees a step too far. */
static inline uint8_t *data_exact(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size) memcpy(copy, bytes, size);
    return copy;
}

#endif
