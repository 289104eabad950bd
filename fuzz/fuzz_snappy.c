/* Any bytes as a block: every kernel gives the same answer. Any bytes as data: they come back. */
#include <stdlib.h>
#include <string.h>

#include "codec/snappy.h"
#include "codec/snappy_kernel.h"

#define SIZE_LARGEST ((size_t)1 << 20)
#define LARGE_BYTES ((size_t)20000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const lm_cpu_level levels[] = {LM_CPU_SCALAR, LM_CPU_AVX2, LM_CPU_AVX512};

static void decode(const uint8_t *block, size_t block_size, size_t size)
{
    uint8_t *first = NULL;
    bool wanted = false;
    for (size_t i = 0; i < 3 && levels[i] <= lm__cpu_level(); i++) {
        uint8_t *out = malloc(size ? size : 1);
        bool whole = lm__snappy_decompress_at(levels[i], block, block_size, out, size);
        if (i == 0) {
            wanted = whole;
            first = out;
            continue;
        }
        if (whole != wanted || (whole && memcmp(first, out, size) != 0)) abort();
        free(out);
    }
    /* Two by turns. */
    uint8_t *one = malloc(size ? size : 1), *two = malloc(size ? size : 1);
    lm_snappy_block a = {block, block_size, one, size}, b = {block, block_size, two, size};
    if (lm__snappy_decompress_two(&a, &b) != wanted) abort();
    if (wanted && (memcmp(first, one, size) != 0 || memcmp(first, two, size) != 0)) abort();
    free(one);
    free(two);
    free(first);
}

static void round_trip(const lm_codec_layout *layout, const uint8_t *data, size_t size)
{
    static lm_snappy_table table;
    size_t capacity = lm__snappy_bound(size);
    uint8_t *block = malloc(capacity), *out = malloc(size ? size : 1);
    size_t written = lm__snappy_compress_values(data, size, layout, block, capacity, &table);
    if (written == 0 || written > capacity) abort();
    if (!lm__snappy_decompress(block, written, out, size) || memcmp(out, data, size) != 0) abort();
    /* Tight: exactly enough room, or less, never leads outside. */
    uint8_t *tight = malloc(written);
    size_t again =
        lm__snappy_compress_values(data, size, layout, tight, written - size % 2, &table);
    if (again && (again != written || memcmp(tight, block, written) != 0)) abort();
    free(tight);
    free(block);
    free(out);
}

/* A block that is large enough for the ways of numbers and strings (snappy_values.c): pieces of the
 * data, as the data says, some of them with their length before them. */
static size_t enlarge(const uint8_t *data, size_t size, uint8_t *to)
{
    size_t at = 0, from = 0;
    for (size_t turn = 0; at < LARGE_BYTES; turn++) {
        size_t length = 1 + ((size_t)data[turn % size] << data[(turn + 1) % size] % 8);
        if (data[(turn + 2) % size] & 1) {
            uint32_t said = (uint32_t)length;
            memcpy(to + at, &said, 4);
            at += 4;
        }
        for (size_t i = 0; i < length; i++) to[at++] = data[from++ % size];
        from += data[(turn + 3) % size];
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t large[LARGE_BYTES + (1 << 16)];
    size_t said;
    if (lm__snappy_size(data, size, &said) && said <= SIZE_LARGEST) decode(data, size, said);
    decode(data, size, size);
    for (int kind = LM_CODEC_BYTES; kind <= LM_CODEC_STRINGS; kind++)
        round_trip(&(lm_codec_layout){(lm_codec_kind)kind, size ? data[0] % 32 : 0}, data, size);
    if (size < 4 || data[0] & 7) return 0;
    size_t enlarged = enlarge(data, size, large);
    for (int kind = LM_CODEC_BYTES; kind <= LM_CODEC_STRINGS; kind++)
        round_trip(&(lm_codec_layout){(lm_codec_kind)kind, data[1] % 64}, large, enlarged);
    return 0;
}
