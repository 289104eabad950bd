/*
 * The RLE hybrid: any bytes are decoded in pieces of any size by every function, without harm; and
 * what is written of any values decodes to them again.
 */
#include <stdlib.h>

#include "encode/rle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 4096

static uint32_t values[MOST], got[MOST];

static void decode(const uint8_t *data, size_t size, unsigned width, uint64_t pieces)
{
    static uint32_t dictionary32[256];
    static uint64_t dictionary64[256], out64[MOST];
    uint8_t bits[MOST / 8 + 8];
    lm_rle_decoder decoder;
    lm_error error;
    size_t some, most = 1 + (pieces >> 8) % MOST;
    if (lm__rle_decoder_init(&decoder, data, size, width, &error) != LM_OK) return;
    lm_status status = LM_OK;
    for (int round = 0; round < 64 && status == LM_OK;
         round++, pieces = pieces >> 3 | pieces << 61) {
        size_t n = 1 + (pieces >> 16) % most;
        switch (pieces % 7) {
        case 0: status = lm__rle_get8(&decoder, (uint8_t *)got, n, &error); break;
        case 1: status = lm__rle_get16(&decoder, (uint16_t *)got, n, &error); break;
        case 2: status = lm__rle_get32(&decoder, got, n, &error); break;
        case 3: status = lm__rle_get_bits(&decoder, bits, pieces % 9, n, &some, &error); break;
        case 4: status = lm__rle_skip(&decoder, n, (uint32_t)pieces & 3, &some, &error); break;
        case 5: status = lm__rle_gather32(&decoder, dictionary32, 256, got, n, &error); break;
        default: status = lm__rle_gather64(&decoder, dictionary64, 256, out64, n, &error);
        }
    }
    if (status != LM_OK && status != LM_CORRUPT) abort();
}

static void encode(const uint8_t *data, size_t size, unsigned width)
{
    size_t count = size / 2 < MOST ? size / 2 : MOST;
    uint32_t mask = width == 32 ? UINT32_MAX : ((uint32_t)1 << width) - 1;
    /* A byte of value, a byte of how often. */
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k <= data[2 * i + 1] % 40u && n < MOST; k++)
            values[n++] = data[2 * i] * 0x01010101u & mask;
    uint8_t *out = malloc(lm__rle_bound(n, width));
    if (!out) return;
    size_t written = lm__rle_encode32(values, n, width, out);
    lm_rle_decoder decoder;
    lm_error error;
    if (lm__rle_decoder_init(&decoder, out, written, width, &error) != LM_OK) abort();
    if (lm__rle_get32(&decoder, got, n, &error) != LM_OK) abort();
    if (n && memcmp(got, values, n * 4) != 0) abort();
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t pieces;
    if (size < 9) return 0;
    unsigned width = data[0] % 33;
    memcpy(&pieces, data + 1, 8);
    /* A copy, so that its end is watched. */
    uint8_t *copy = malloc(size - 9 ? size - 9 : 1);
    if (!copy) return 0;
    memcpy(copy, data + 9, size - 9);
    decode(copy, size - 9, width, pieces);
    encode(copy, size - 9, width);
    free(copy);
    return 0;
}
