/*
 * Memory whose end is watched: an allocation of exactly the bytes wanted, so that AddressSanitizer
 * sees a read or write past it, shifted to any alignment.
 */
#ifndef LM_TESTS_ENCODE_EXACT_H
#define LM_TESTS_ENCODE_EXACT_H

#include "check.h"

typedef struct exact {
    uint8_t *memory, *data;
} exact;

static inline exact exact_new(size_t size, size_t shift)
{
    uint8_t *memory = malloc(16 + shift + size);
    if (!memory) exit(1);
    return (exact){memory, memory + 16 + shift};
}

static inline exact exact_copy(const void *from, size_t size, size_t shift)
{
    exact copy = exact_new(size, shift);
    if (size) memcpy(copy.data, from, size);
    return copy;
}

static inline void exact_free(exact memory) { free(memory.memory); }

static inline void random_bytes(uint64_t *state, void *out, size_t size)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)check_random(state);
}

#endif
