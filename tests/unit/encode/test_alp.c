/* ALP: the specification's example, vectors of every size and width, ranges, bytes that are wrong.
 */
#include <math.h>

#include "encode/alp.h"
#include "encode/bitpack.h"
#include "exact.h"

/* AlpEncoding.md, "Worked Example": 1500, NaN, 2500, 333.5 in one vector, whose parts are given. */
static const uint8_t example[] = {
    0,    0,    3,    4,    0,    0,    0,              /* header: vectors of 8, 4 values */
    4,    0,    0,    0,                                /* offset of the vector */
    4,    3,    1,    0,                                /* exponent, factor, one exception */
    0x07, 0x0d, 0,    0,    0,    0,    0,    0,    15, /* 3335, 15 bits */
    0x91, 0xad, 0xc8, 0x56, 0x28, 0x15, 0x00, 0x00,     /* 11665, 11665, 21665, 0 */
    1,    0,                                            /* the second */
    0x01, 0,    0,    0,    0,    0,    0xf8, 0xff,     /* a NaN of its own */
};

TEST(golden_example)
{
    static const uint64_t nan_bits = UINT64_C(0xfff8000000000001);
    double out[4];
    lm_alp alp;
    lm_error error = {0};
    exact page = exact_copy(example, sizeof example, 0);
    CHECK_OK(lm__alp_open(&alp, page.data, sizeof example, 8, &error), error);
    CHECK_INT(alp.count, 4);
    CHECK_OK(lm__alp_decode(&alp, 0, 4, out, &error), error);
    CHECK(out[0] == 1500.0 && out[2] == 2500.0 && out[3] == 333.5);
    CHECK(memcmp(&out[1], &nan_bits, 8) == 0);
    exact_free(page);
}

/* A page made here, and what must come of it by the formula. */
typedef struct made {
    exact page, values;
    size_t count, size;
} made;

static size_t put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * i);
    return bytes;
}

static double power(int digits, bool inverse, size_t width)
{
    char text[16];
    snprintf(text, sizeof text, "1e%s%d", inverse ? "-" : "", digits);
    return width == 4 ? (double)strtof(text, NULL) : strtod(text, NULL);
}

static void decoded(uint64_t integer, unsigned exponent, unsigned factor, size_t width, void *out)
{
    if (width == 4) {
        volatile float value = (float)(int32_t)(uint32_t)integer;
        value = value * (float)power((int)factor, false, 4);
        value = value * (float)power((int)exponent, true, 4);
        float last = value;
        memcpy(out, &last, 4);
    } else {
        volatile double value = (double)(int64_t)integer;
        value = value * power((int)factor, false, 8);
        value = value * power((int)exponent, true, 8);
        double last = value;
        memcpy(out, &last, 8);
    }
}

/* One vector to `at`, its values to `values`; returns its bytes. */
static size_t make_vector(uint64_t *state, size_t width, size_t count, uint8_t *at, uint8_t *values)
{
    unsigned exponent = (unsigned)(check_random(state) % (width == 4 ? 11 : 19));
    unsigned factor = (unsigned)(check_random(state) % (exponent + 1));
    unsigned bits = (unsigned)(check_random(state) % (8 * width + 1));
    size_t exceptions = check_random(state) % 3 ? check_random(state) % (count / 8 + 1) : 0;
    if (check_random(state) % 8 == 0) exceptions = count;
    uint64_t least = check_random(state), *differences = malloc(count * 8);
    uint8_t *start = at;
    at += put(at, exponent | factor << 8 | exceptions << 16, 4);
    at += put(at, least, width);
    at += put(at, bits, 1);
    size_t packed = lm__bitpack_bytes(count, bits);
    memset(at, 0, packed);
    for (size_t i = 0; i < count; i++) {
        differences[i] = bits ? check_random(state) >> (64 - bits) : 0;
        for (unsigned b = 0; b < bits; b++)
            at[(i * bits + b) / 8] |= (uint8_t)((differences[i] >> b & 1) << (i * bits + b) % 8);
        decoded(least + differences[i], exponent, factor, width, values + i * width);
    }
    free(differences);
    at += packed;
    uint8_t *bytes = at + 2 * exceptions;
    for (size_t i = 0; i < exceptions; i++) {
        size_t place = check_random(state) % count;
        at += put(at, place, 2);
        random_bytes(state, bytes + i * width, width);
        memcpy(values + place * width, bytes + i * width, width);
    }
    return (size_t)(bytes + exceptions * width - start);
}

static made make_page(uint64_t *state, size_t width, unsigned log, size_t count)
{
    size_t vector = (size_t)1 << log, vectors = (count + vector - 1) / vector;
    size_t most = 7 + vectors * (4 + 13) + count * (2 * width + 2) + vectors * 8,
           at = 7 + 4 * vectors;
    uint8_t *bytes = calloc(1, most);
    made m = {.values = exact_new(count * width, 0), .count = count};
    put(bytes, (uint64_t)log << 16 | (uint64_t)count << 24, 7);
    for (size_t v = 0; v < vectors; v++) {
        size_t some = count - v * vector < vector ? count - v * vector : vector;
        put(bytes + 7 + 4 * v, at - 7, 4);
        at += make_vector(state, width, some, bytes + at, m.values.data + v * vector * width);
    }
    m.page = exact_copy(bytes, at, check_random(state) % 16);
    m.size = at;
    free(bytes);
    return m;
}

TEST(any_page_and_any_range)
{
    uint64_t state = 77;
    for (int round = 0; round < 600 && !check_failed; round++) {
        size_t width = round & 1 ? 4 : 8;
        unsigned log = 3 + (unsigned)(check_random(&state) % (round % 20 ? 7 : 13));
        size_t count = check_random(&state) % (round % 7 ? 300 : 5000);
        made m = make_page(&state, width, log, count);
        lm_alp alp;
        lm_error error = {0};
        CHECK_OK(lm__alp_open(&alp, m.page.data, m.size, width, &error), error);
        CHECK_INT(alp.count, count);
        for (int range = 0; range < 6; range++) {
            size_t from = range && count ? check_random(&state) % count : 0;
            size_t some = range ? check_random(&state) % (count - from + 1) : count;
            exact out = exact_new(some * width, check_random(&state) % 16);
            CHECK_OK(lm__alp_decode(&alp, from, some, out.data, &error), error);
            CHECK_BYTES(out.data, m.values.data + from * width, some * width);
            exact_free(out);
        }
        exact_free(m.page);
        exact_free(m.values);
    }
}

/* No bytes, or a header of none, are no values. */
TEST(pages_of_nothing)
{
    static const uint8_t none[7] = {0, 0, 10};
    lm_alp alp;
    lm_error error = {0};
    CHECK_OK(lm__alp_open(&alp, NULL, 0, 8, &error), error);
    CHECK_OK(lm__alp_decode(&alp, 0, 0, NULL, &error), error);
    CHECK_OK(lm__alp_open(&alp, none, sizeof none, 4, &error), error);
    CHECK_OK(lm__alp_decode(&alp, 0, 0, NULL, &error), error);
    CHECK_STATUS(lm__alp_decode(&alp, 0, 1, NULL, &error), LM_CORRUPT);
    CHECK_STATUS(lm__alp_decode(&alp, 1, 0, NULL, &error), LM_CORRUPT);
}

static lm_status read_changed(size_t at, uint8_t value, size_t size)
{
    double out[8];
    lm_alp alp;
    exact page = exact_copy(example, size, 0);
    if (at < size) page.data[at] = value;
    lm_status status = lm__alp_open(&alp, page.data, size, 8, NULL);
    if (status == LM_OK) status = lm__alp_decode(&alp, 0, 4, out, NULL);
    exact_free(page);
    return status;
}

TEST(pages_that_are_wrong)
{
    for (size_t size = 1; size < sizeof example; size++)
        CHECK_STATUS(read_changed(size, 0, size), LM_CORRUPT);
    CHECK_STATUS(read_changed(0, 1, sizeof example), LM_UNSUPPORTED); /* a mode to come */
    CHECK_STATUS(read_changed(1, 1, sizeof example), LM_UNSUPPORTED);
    CHECK_STATUS(read_changed(2, 2, sizeof example), LM_CORRUPT); /* vectors of 4 */
    CHECK_STATUS(read_changed(2, 16, sizeof example), LM_CORRUPT);
    CHECK_STATUS(read_changed(3, 3, sizeof example), LM_CORRUPT);    /* fewer than are wanted */
    CHECK_STATUS(read_changed(6, 0x80, sizeof example), LM_CORRUPT); /* less than nothing */
    CHECK_STATUS(read_changed(5, 1, sizeof example), LM_CORRUPT);    /* more than the offsets */
    CHECK_STATUS(read_changed(7, 60, sizeof example), LM_CORRUPT);   /* a vector past the end */
    CHECK_STATUS(read_changed(11, 19, sizeof example), LM_CORRUPT);  /* exponent */
    CHECK_STATUS(read_changed(12, 5, sizeof example), LM_CORRUPT);   /* factor past exponent */
    CHECK_STATUS(read_changed(13, 5, sizeof example), LM_CORRUPT);   /* exceptions */
    CHECK_STATUS(read_changed(23, 65, sizeof example), LM_CORRUPT);  /* bits */
    CHECK_STATUS(read_changed(32, 4, sizeof example), LM_CORRUPT);   /* place of the exception */
}

int main(void)
{
    RUN(golden_example);
    RUN(any_page_and_any_range);
    RUN(pages_of_nothing);
    RUN(pages_that_are_wrong);
    return DONE();
}
