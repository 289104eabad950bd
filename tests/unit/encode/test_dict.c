/* The dictionary builder against a slow one (dict.h, invariants 1 to 3), at every width and with
 * nulls. */
#include "encode/dict.h"

#include "check.h"
#include "encode/plain.h"

enum { MOST = 40000 };

/* Values of a width in first-seen order, found by looking at all of them. */
typedef struct slow_dict {
    size_t width, count;
    uint8_t values[4096 * 16];
} slow_dict;

static uint32_t slow_index(slow_dict *dict, const uint8_t *value)
{
    for (size_t i = 0; i < dict->count; i++)
        if (memcmp(dict->values + i * dict->width, value, dict->width) == 0) return (uint32_t)i;
    memcpy(dict->values + dict->count * dict->width, value, dict->width);
    return (uint32_t)dict->count++;
}

static uint8_t values[MOST * 16], bitmap[MOST / 8 + 16];
static uint32_t indices[MOST + 64];

/* Ranges around zero, far from it, growing, and scattered. */
static uint64_t make_value(int kind, size_t i, uint64_t *seed)
{
    switch (kind) {
    case 0: return check_random(seed) % 300 - 150;
    case 1: return 1700000000000000u + check_random(seed) % 1000;
    case 2: return i / 50;
    case 3: return (check_random(seed) % 2000) * 0x9e3779b97f4a7c15u;
    default: return i < MOST / 2 ? i % 100 : (check_random(seed) % 1000) << 40;
    }
}

static void one_width(size_t width, int kind, bool nullable, uint64_t seed)
{
    for (size_t i = 0; i < MOST; i++) {
        uint64_t value = make_value(kind, i, &seed), high = value * 3;
        memcpy(values + i * width, &value, width < 8 ? width : 8);
        if (width > 8) memcpy(values + i * width + 8, &high, width - 8);
    }
    for (size_t i = 0; i < sizeof bitmap; i++) bitmap[i] = (uint8_t)check_random(&seed);
    lm_dict *dict;
    lm_error error;
    lm_dict_options options = {.width = width, .bytes_max = 1 << 20};
    CHECK_OK(lm__dict_new(&options, &dict, &error), error);
    static slow_dict slow;
    for (int again = 0; again < 2; again++) { /* the second time after a reset */
        slow.width = width;
        slow.count = 0;
        size_t at = 0;
        while (at < MOST) {
            size_t some = 1 + check_random(&seed) % 9000;
            if (some > MOST - at) some = MOST - at;
            lm_bits valid = nullable ? (lm_bits){bitmap, at} : LM_BITS_ALL;
            lm_dict_progress progress;
            CHECK_OK(
                lm__dict_put(dict, values + at * width, valid, some, indices, &progress, &error),
                error);
            REQUIRE(progress.consumed == some);
            size_t k = 0;
            for (size_t i = 0; i < some; i++) {
                if (!lm__bits_get(valid, i)) continue;
                if (indices[k] != slow_index(&slow, values + (at + i) * width))
                    check_fail(__FILE__, __LINE__, "width %zu kind %d value %zu", width, kind,
                               at + i);
                k++;
            }
            CHECK_INT(progress.written, k);
            at += some;
            if (check_failed) return;
        }
        size_t size;
        const uint8_t *bytes = lm__dict_bytes(dict, &size);
        CHECK_INT(lm__dict_count(dict), slow.count);
        if (width > 2) {
            CHECK_INT(size, slow.count * width);
            CHECK_BYTES(bytes, slow.values, size);
        }
        lm__dict_reset(dict);
    }
    lm__dict_free(dict);
}

TEST(every_width_as_the_slow_one)
{
    static const size_t widths[] = {2, 4, 8, 12, 16};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (int kind = 0; kind < 5; kind++)
            for (int nullable = 0; nullable < 2; nullable++) {
                if (widths[w] == 2 && kind >= 3) continue;
                one_width(widths[w], kind, nullable, 7 + w * 100 + (uint64_t)kind);
                if (check_failed) return;
            }
}

TEST(two_bytes_may_be_bytes)
{
    static const uint8_t halves[] = {0, 0x3c, 0, 0xc0, 0, 0x3c};
    lm_dict *dict;
    lm_error error;
    lm_dict_progress progress;
    lm_dict_options options = {.width = 2, .is_bytes = true};
    CHECK_OK(lm__dict_new(&options, &dict, &error), error);
    CHECK_OK(lm__dict_put(dict, halves, LM_BITS_ALL, 3, indices, &progress, &error), error);
    size_t size;
    const uint8_t *bytes = lm__dict_bytes(dict, &size);
    CHECK_INT(size, 4);
    CHECK_BYTES(bytes, halves, 4);
    CHECK_INT(indices[2], 0);
    lm__dict_free(dict);
}

TEST(small_integers_widen)
{
    static const int8_t some[] = {-1, 5, -1, 127};
    lm_dict *dict;
    lm_error error;
    lm_dict_progress progress;
    for (int is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
        lm_dict_options options = {.width = 1, .is_unsigned = is_unsigned};
        CHECK_OK(lm__dict_new(&options, &dict, &error), error);
        CHECK_OK(lm__dict_put(dict, some, LM_BITS_ALL, 4, indices, &progress, &error), error);
        static const uint8_t as_signed[] = {255, 255, 255, 255, 5, 0, 0, 0, 127, 0, 0, 0};
        static const uint8_t as_unsigned[] = {255, 0, 0, 0, 5, 0, 0, 0, 127, 0, 0, 0};
        size_t size;
        const uint8_t *bytes = lm__dict_bytes(dict, &size);
        CHECK_INT(size, 12);
        CHECK_BYTES(bytes, is_unsigned ? as_unsigned : as_signed, 12);
        CHECK_INT(lm__dict_index_width(dict), 2);
        lm__dict_free(dict);
    }
}

/* Three layouts of the same strings give the same dictionary, which is PLAIN. */
TEST(strings_of_every_layout)
{
    enum { N = 5000 };
    static int32_t offsets32[N + 1];
    static int64_t offsets64[N + 1];
    static uint8_t data[N * 40], views[N * 16], bits[N / 8 + 9];
    uint64_t seed = 3;
    size_t at = 0;
    for (size_t i = 0; i < N; i++) {
        size_t length = check_random(&seed) % 4 * 9 + check_random(&seed) % 3;
        offsets32[i] = (int32_t)at;
        offsets64[i] = (int64_t)at;
        uint64_t kind = check_random(&seed) % 50;
        for (size_t k = 0; k < length; k++) data[at + k] = (uint8_t)(kind * 7 + k * k);
        uint32_t size = (uint32_t)length, buffer = 0, offset = (uint32_t)at;
        memcpy(views + 16 * i, &size, 4);
        if (length <= 12) {
            memcpy(views + 16 * i + 4, data + at, length);
        } else {
            memcpy(views + 16 * i + 4, data + at, 4);
            memcpy(views + 16 * i + 8, &buffer, 4);
            memcpy(views + 16 * i + 12, &offset, 4);
        }
        at += length;
        bits[i / 8] = (uint8_t)(bits[i / 8] | (check_random(&seed) % 4 != 0) << (i % 8));
    }
    offsets32[N] = (int32_t)at;
    offsets64[N] = (int64_t)at;
    const uint8_t *buffers[] = {data};
    lm_strings layouts[] = {
        {.kind = LM_STRINGS_OFFSETS32, .offsets = offsets32, .data = data},
        {.kind = LM_STRINGS_OFFSETS64, .offsets = offsets64, .data = data},
        {.kind = LM_STRINGS_VIEWS, .offsets = views, .buffers = buffers},
    };
    lm_bits valid = {bits, 0};
    static uint32_t first[N + 64];
    uint8_t page[40000];
    size_t page_size = 0;
    for (size_t layout = 0; layout < 3; layout++) {
        lm_dict *dict;
        lm_error error;
        lm_dict_progress progress;
        lm_dict_options options = {.bytes_max = 1 << 20};
        CHECK_OK(lm__dict_new(&options, &dict, &error), error);
        CHECK_OK(lm__dict_put_strings(dict, &layouts[layout], valid, N, indices, &progress, &error),
                 error);
        CHECK_INT(progress.consumed, N);
        CHECK_INT(progress.written, lm__bits_count(valid, N));
        size_t size;
        const uint8_t *bytes = lm__dict_bytes(dict, &size);
        if (layout == 0) {
            memcpy(first, indices, progress.written * 4);
            memcpy(page, bytes, size);
            page_size = size;
            /* Entry by entry the page reads back as the strings that were given. */
            size_t k = 0;
            for (size_t i = 0; i < N; i++) {
                if (!lm__bits_get(valid, i)) continue;
                const uint8_t *entry = bytes;
                for (uint32_t e = 0; e < indices[k]; e++) entry += 4 + lm__load32(entry);
                size_t length = (size_t)(offsets32[i + 1] - offsets32[i]);
                CHECK_INT(lm__load32(entry), length);
                CHECK(memcmp(entry + 4, data + offsets32[i], length) == 0);
                k++;
            }
        } else {
            CHECK_INT(size, page_size);
            CHECK_BYTES(bytes, page, page_size);
            CHECK(memcmp(first, indices, progress.written * 4) == 0);
        }
        lm__dict_free(dict);
    }
}

/* Invariant 2. */
TEST(a_full_dictionary_stops_before_what_does_not_fit)
{
    int64_t numbers[100];
    for (int i = 0; i < 100; i++) numbers[i] = i * 1000003;
    lm_dict *dict;
    lm_error error;
    lm_dict_progress progress;
    for (int nullable = 0; nullable < 2; nullable++) {
        static const uint8_t odd[] = {0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
                                      0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa};
        lm_bits valid = nullable ? (lm_bits){odd, 0} : LM_BITS_ALL;
        lm_dict_options options = {.width = 8, .bytes_max = 8 * 10 + 7};
        CHECK_OK(lm__dict_new(&options, &dict, &error), error);
        CHECK_OK(lm__dict_put(dict, numbers, valid, 100, indices, &progress, &error), error);
        CHECK_INT(progress.written, 10);
        CHECK_INT(progress.consumed, nullable ? 21 : 10);
        CHECK_INT(lm__dict_count(dict), 10);
        /* Values that are known still get in. */
        CHECK_OK(lm__dict_put(dict, numbers, valid, 8, indices, &progress, &error), error);
        CHECK_INT(progress.consumed, 8);
        lm__dict_free(dict);
    }
    lm_strings strings = {.kind = LM_STRINGS_FIXED, .width = 8, .data = (const uint8_t *)numbers};
    lm_dict_options options = {.bytes_max = 12 * 10 + 11};
    CHECK_OK(lm__dict_new(&options, &dict, &error), error);
    CHECK_OK(lm__dict_put_strings(dict, &strings, LM_BITS_ALL, 100, indices, &progress, &error),
             error);
    CHECK_INT(progress.consumed, 10);
    lm__dict_free(dict);
}

TEST(the_estimate_tells_few_from_many)
{
    static int64_t numbers[100000];
    lm_dict_estimate estimate;
    lm_error error;
    lm_dict_options options = {.width = 8, .bytes_max = 1 << 20};
    uint64_t seed = 5;
    for (size_t i = 0; i < 100000; i++) numbers[i] = (int64_t)(check_random(&seed) % 1000);
    CHECK_OK(
        lm__dict_estimate(&options, numbers, NULL, LM_BITS_ALL, 100000, 100000, &estimate, &error),
        error);
    CHECK(estimate.pays && estimate.distinct_total > 900 && estimate.distinct_total < 1100);
    for (size_t i = 0; i < 100000; i++) numbers[i] = (int64_t)check_random(&seed);
    CHECK_OK(
        lm__dict_estimate(&options, numbers, NULL, LM_BITS_ALL, 100000, 100000, &estimate, &error),
        error);
    CHECK(!estimate.pays);
    for (size_t i = 0; i < 100000; i++) numbers[i] = (int64_t)(i / 100); /* ascending ids */
    CHECK_OK(
        lm__dict_estimate(&options, numbers, NULL, LM_BITS_ALL, 100000, 100000, &estimate, &error),
        error);
    CHECK(estimate.pays && estimate.distinct_total < 2500);
    /* Ids that repeat less often than the sample is wide: neighbours tell. */
    for (size_t i = 0; i < 100000; i++) numbers[i] = (int64_t)(i / 10);
    CHECK_OK(
        lm__dict_estimate(&options, numbers, NULL, LM_BITS_ALL, 100000, 100000, &estimate, &error),
        error);
    CHECK(estimate.pays && estimate.distinct_total < 20000);
}

int main(void)
{
    RUN(every_width_as_the_slow_one);
    RUN(two_bytes_may_be_bytes);
    RUN(small_integers_widen);
    RUN(strings_of_every_layout);
    RUN(a_full_dictionary_stops_before_what_does_not_fit);
    RUN(the_estimate_tells_few_from_many);
    return DONE();
}
