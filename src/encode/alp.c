/* ALP, to read (alp.h). */
#include "encode/alp.h"

#include <string.h>

#include "base/error.h"
#include "encode/bitpack.h"

#define HEADER_BYTES 7
#define TILE_VALUES 512 /* unpacked at once; a multiple of 8, so that each begins with a byte */

static const float powers32[] = {1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f, 1e8f, 1e9f, 1e10f};
static const float inverse32[] = {1e-0f, 1e-1f, 1e-2f, 1e-3f, 1e-4f, 1e-5f,
                                  1e-6f, 1e-7f, 1e-8f, 1e-9f, 1e-10f};
static const double powers64[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
static const double inverse64[] = {1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,
                                   1e-7,  1e-8,  1e-9,  1e-10, 1e-11, 1e-12, 1e-13,
                                   1e-14, 1e-15, 1e-16, 1e-17, 1e-18};

typedef struct vector {
    size_t count; /* values */
    unsigned exponent, factor, bits;
    size_t exception_count;
    uint64_t least;
    const uint8_t *packed, *places, *exceptions;
    size_t packed_bytes;
} vector;

static lm_status corrupt(lm_error *error, const char *what)
{
    return lm__error_set(error, LM_CORRUPT, "ALP data: %s", what);
}

lm_status lm__alp_open(lm_alp *alp, const uint8_t *src, size_t size, size_t width, lm_error *error)
{
    *alp = (lm_alp){.offsets = src, .vector_count = 1, .width = width};
    if (size == 0) return LM_OK;
    if (size < HEADER_BYTES) return corrupt(error, "ends within its header");
    if (src[0] != 0 || src[1] != 0)
        return lm__error_set(error, LM_UNSUPPORTED, "ALP data: mode %d with integer encoding %d",
                             src[0], src[1]);
    uint32_t count = lm__load32(src + 3);
    if (src[2] < 3 || src[2] > 15 || count > INT32_MAX) return corrupt(error, "a wrong header");
    alp->offsets = src + HEADER_BYTES;
    alp->size = size - HEADER_BYTES;
    alp->count = count;
    alp->vector_count = (size_t)1 << src[2];
    if ((alp->count + alp->vector_count - 1) / alp->vector_count > alp->size / 4)
        return corrupt(error, "ends within its offsets");
    return LM_OK;
}

/* Finds and checks the parts of vector `index`. */
static lm_status open_vector(const lm_alp *alp, size_t index, vector *v, lm_error *error)
{
    size_t offset = lm__load32(alp->offsets + 4 * index), header = alp->width + 5;
    if (offset > alp->size || alp->size - offset < header)
        return corrupt(error, "a vector outside the page");
    const uint8_t *at = alp->offsets + offset;
    size_t left = alp->size - offset - header, before = index * alp->vector_count;
    *v = (vector){
        .count = alp->count - before < alp->vector_count ? alp->count - before : alp->vector_count,
        .exponent = at[0],
        .factor = at[1],
        .exception_count = at[2] | (size_t)at[3] << 8,
        .least = alp->width == 4 ? lm__load32(at + 4) : lm__load64(at + 4),
        .bits = at[4 + alp->width],
        .packed = at + header,
    };
    if (v->exponent > (alp->width == 4 ? 10 : 18) || v->factor > v->exponent ||
        v->bits > 8 * alp->width || v->exception_count > v->count)
        return corrupt(error, "a wrong vector header");
    v->packed_bytes = lm__bitpack_bytes(v->count, v->bits);
    if (v->packed_bytes > left || v->exception_count * (2 + alp->width) > left - v->packed_bytes)
        return corrupt(error, "a vector that ends too early");
    v->places = v->packed + v->packed_bytes;
    v->exceptions = v->places + 2 * v->exception_count;
    return LM_OK;
}

/* `count` values of a vector from `from` on, a multiple of 8. */
#define TILE(w, real)                                                                              \
    static void tile##w(const vector *v, size_t from, size_t count, real *out)                     \
    {                                                                                              \
        uint##w##_t unpacked[TILE_VALUES];                                                         \
        real power = powers##w[v->factor], inverse = inverse##w[v->exponent];                      \
        size_t skipped = from / 8 * v->bits;                                                       \
        lm__bitunpack##w(v->packed + skipped, v->packed_bytes - skipped, count, v->bits,           \
                         unpacked);                                                                \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = (real)(int##w##_t)(unpacked[i] + (uint##w##_t)v->least) * power * inverse;    \
    }

TILE(32, float)
TILE(64, double)

/* Values [from, to) of a vector. */
static lm_status decode_vector(const vector *v, size_t width, size_t from, size_t to, uint8_t *out,
                               lm_error *error)
{
    union {
        float four[TILE_VALUES];
        double eight[TILE_VALUES];
    } values;
    for (size_t tile = from & ~(size_t)7; tile < to; tile += TILE_VALUES) {
        size_t count = to - tile < TILE_VALUES ? to - tile : TILE_VALUES;
        size_t first = tile < from ? from - tile : 0;
        if (width == 4)
            tile32(v, tile, count, values.four);
        else
            tile64(v, tile, count, values.eight);
        memcpy(out + (tile + first - from) * width, (const uint8_t *)&values + first * width,
               (count - first) * width);
    }
    for (size_t i = 0; i < v->exception_count; i++) {
        size_t place = v->places[2 * i] | (size_t)v->places[2 * i + 1] << 8;
        if (place >= v->count) return corrupt(error, "an exception outside its vector");
        if (place >= from && place < to)
            memcpy(out + (place - from) * width, v->exceptions + i * width, width);
    }
    return LM_OK;
}

lm_status lm__alp_decode(const lm_alp *alp, size_t start, size_t count, void *out, lm_error *error)
{
    uint8_t *to = out;
    if (start > alp->count || count > alp->count - start)
        return corrupt(error, "ends before its values");
    while (count) {
        vector v;
        size_t from = start % alp->vector_count;
        LM_TRY(open_vector(alp, start / alp->vector_count, &v, error));
        size_t some = count < v.count - from ? count : v.count - from;
        LM_TRY(decode_vector(&v, alp->width, from, from + some, to, error));
        start += some;
        count -= some;
        to += some * alp->width;
    }
    return LM_OK;
}
