/* Any bytes as a block: every kernel gives the same answer. Any bytes as data: they come back. */
#include <stdlib.h>
#include <string.h>

#include "codec/snappy.h"
#include "codec/snappy_kernel.h"

#define SIZE_LARGEST ((size_t)1 << 20)

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t said;
    if (lm__snappy_size(data, size, &said) && said <= SIZE_LARGEST) decode(data, size, said);
    decode(data, size, size);
    for (int kind = LM_CODEC_BYTES; kind <= LM_CODEC_STRINGS; kind++)
        round_trip(&(lm_codec_layout){(lm_codec_kind)kind, size ? data[0] % 32 : 0}, data, size);
    return 0;
}
