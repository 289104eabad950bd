/*
 * ALP: any bytes are a page of floats or of doubles, or are refused; and what is read in pieces is
 * what is read at once.
 */
#include <stdlib.h>
#include <string.h>

#include "encode/alp.h"

#define VALUES_MOST ((size_t)1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never NULL; exactly as large as it is said to be. */
static void *room(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) abort();
    return memory;
}

static void read_in_pieces(const lm_alp *alp, size_t step, const uint8_t *whole)
{
    for (size_t start = 0; start < alp->count; start += step) {
        size_t count = alp->count - start < step ? alp->count - start : step;
        uint8_t *piece = room(count * alp->width);
        if (lm__alp_decode(alp, start, count, piece, NULL) != LM_OK ||
            memcmp(piece, whole + start * alp->width, count * alp->width) != 0)
            abort();
        free(piece);
    }
}

static void decode(const uint8_t *page, size_t size, size_t width, size_t step)
{
    lm_alp alp;
    if (lm__alp_open(&alp, page, size, width, NULL) != LM_OK || alp.count > VALUES_MOST) return;
    uint8_t *whole = room(alp.count * width);
    if (lm__alp_decode(&alp, 0, alp.count, whole, NULL) == LM_OK)
        read_in_pieces(&alp, step < alp.count / 64 ? alp.count / 64 : step, whole);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    uint8_t *page = room(size - 1);
    if (size > 1) memcpy(page, data + 1, size - 1);
    decode(page, size - 1, 4, (size_t)data[0] + 1);
    decode(page, size - 1, 8, (size_t)data[0] + 1);
    free(page);
    return 0;
}
