/* Bytes that say which rows of a part are deleted: whatever they are, what is read of them has as
 * many rows as it says, each cleared once, whichever way they are asked for. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "table/row_set.h"

#define WINDOW 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* By windows of `step` rows, of the first ones. */
static size_t cleared(const lm_row_set *set, size_t step)
{
    static uint8_t bits[WINDOW / 8 + 8];
    size_t count = 0;
    for (size_t first = 0; first < WINDOW; first += step) {
        size_t some = WINDOW - first < step ? WINDOW - first : step;
        memset(bits, 0xFF, sizeof bits);
        size_t now = lm__row_set_clear(set, first, some, bits);
        if (now != some - lm__bits_count((lm_bits){bits, 0}, some)) abort();
        count += now;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_row_set *set;
    uint8_t *copy = lm__alloc(NULL, size + 1);
    if (!copy) abort();
    memcpy(copy, data, size);
    if (lm__row_set_new_take(NULL, copy, size, &set, NULL) != LM_OK) return 0;
    uint64_t end = lm__row_set_end(set);
    size_t first = cleared(set, WINDOW);
    if (first != cleared(set, 4099) || first > lm__row_set_count(set)) abort();
    if (end <= WINDOW && first != lm__row_set_count(set)) abort();
    uint8_t last[2] = {3, 0};
    if (end > 0 && (lm__row_set_clear(set, end - 1, 2, last) != 1 || last[0] != 2)) abort();
    lm__row_set_free(set);
    return 0;
}
