/* The dictionary builder against a slow one (dict.h, invariants 1 to 3), at every width and with
 * nulls. */
#include "encode/dict.h"

#include "encode/dict_table.h"
#include "encode/plain.h"
#include "exact.h"

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
        exact odd = exact_copy("\xaa\xaa\xaa", 3, 0);
        lm_bits valid = nullable ? (lm_bits){odd.data, 0} : LM_BITS_ALL;
        lm_dict_options options = {.width = 8, .bytes_max = 8 * 10 + 7};
        CHECK_OK(lm__dict_new(&options, &dict, &error), error);
        CHECK_OK(lm__dict_put(dict, numbers, valid, 24, indices, &progress, &error), error);
        CHECK_INT(progress.written, 10);
        CHECK_INT(progress.consumed, nullable ? 21 : 10);
        CHECK_INT(lm__dict_count(dict), 10);
        /* Values that are known still get in. */
        CHECK_OK(lm__dict_put(dict, numbers, valid, 8, indices, &progress, &error), error);
        CHECK_INT(progress.consumed, 8);
        lm__dict_free(dict);
        exact_free(odd);
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

/* What lies at the ends of the type, and ranges that grow to both sides. */
TEST(direct_tables_at_the_ends_of_the_type)
{
    static const int64_t starts[] = {INT64_MIN, INT64_MAX - 3000, -1500, 0, INT32_MAX - 10};
    static int64_t some[6000];
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        lm_dict *dict;
        lm_error error;
        lm_dict_progress progress;
        lm_dict_options options = {.width = 8};
        CHECK_OK(lm__dict_new(&options, &dict, &error), error);
        /* Downwards from the middle, then upwards. */
        for (int i = 0; i < 3000; i++) some[i] = starts[s] + 1500 - (i < 1500 ? i : 1500 - i);
        for (int i = 0; i < 3000; i++) some[3000 + i] = some[2999 - i];
        for (size_t at = 0; at < 6000; at += 100) {
            CHECK_OK(
                lm__dict_put(dict, some + at, LM_BITS_ALL, 100, indices + at, &progress, &error),
                error);
            CHECK_INT(progress.consumed, 100);
        }
        size_t size;
        const uint8_t *bytes = lm__dict_bytes(dict, &size);
        CHECK_INT(lm__dict_count(dict), 2999);
        for (int i = 0; i < 6000; i++)
            CHECK(lm__load64(bytes + 8 * indices[i]) == (uint64_t)some[i]);
        lm__dict_free(dict);
    }
}

/* The value 0 is what an empty slot's key is. */
TEST(zero_is_a_value_like_others)
{
    static uint64_t some[5000];
    uint64_t seed = 9;
    for (int i = 0; i < 5000; i++) some[i] = check_random(&seed) % 7 ? check_random(&seed) : 0;
    lm_dict *dict;
    lm_error error;
    lm_dict_progress progress;
    lm_dict_options options = {.width = 8};
    CHECK_OK(lm__dict_new(&options, &dict, &error), error);
    for (int again = 0; again < 2; again++) {
        CHECK_OK(lm__dict_put(dict, some, LM_BITS_ALL, 5000, indices, &progress, &error), error);
        size_t size;
        const uint8_t *bytes = lm__dict_bytes(dict, &size);
        for (int i = 0; i < 5000; i++) CHECK(lm__load64(bytes + 8 * indices[i]) == some[i]);
    }
    lm__dict_free(dict);
}

TEST(kernels_agree)
{
    uint64_t seed = 10;
    uint32_t values32[LM_DICT_BLOCK], want[LM_DICT_BLOCK], got[LM_DICT_BLOCK];
    uint64_t values64[LM_DICT_BLOCK], words[LM_DICT_BLOCK / 64], want_words[LM_DICT_BLOCK / 64];
    _Alignas(64) static lm_dict_slot32 slots32[1 << 10];
    _Alignas(64) static lm_dict_slot64 slots64[1 << 10];
    for (uint32_t i = 0; i < 300; i++) {
        uint64_t value = i * 7;
        size_t at = lm__dict_home32((uint32_t)value, 10);
        while (slots32[at].index) at = (at + 1) % 1024;
        slots32[at] = (lm_dict_slot32){(uint32_t)value, i + 1};
        at = lm__dict_home64(value, 10);
        while (slots64[at].index) at = (at + 1) % 1024;
        slots64[at] = (lm_dict_slot64){value, i + 1, 0};
    }
    const lm_dict_kernels *scalar = lm__dict_kernels(LM_CPU_SCALAR);
    for (int round = 0; round < 1000 && !check_failed; round++) {
        size_t n = 1 + check_random(&seed) % LM_DICT_BLOCK, bytes = (n + 63) / 64 * 8;
        for (size_t i = 0; i < n; i++) {
            bool same = i && check_random(&seed) % 3 == 0;
            values64[i] = same ? values64[i - 1] : check_random(&seed) % 2500;
            values32[i] = (uint32_t)values64[i];
        }
        exact in32 = exact_copy(values32, n * 4, 0), in64 = exact_copy(values64, n * 8, 0);
        const uint32_t *at32 = (const void *)in32.data;
        const uint64_t *at64 = (const void *)in64.data;
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            const lm_dict_kernels *kernels = lm__dict_kernels(level);
            size_t heads = scalar->heads32(at32, n, want_words);
            CHECK_INT(kernels->heads32(at32, n, words), heads);
            CHECK_BYTES(words, want_words, bytes);
            CHECK_INT(kernels->heads64(at64, n, words), heads);
            CHECK_BYTES(words, want_words, bytes);
            scalar->hashed32(slots32, 10, at32, n, want);
            kernels->hashed32(slots32, 10, at32, n, got);
            CHECK_BYTES(got, want, n * 4);
            scalar->nones(want, n, want_words);
            kernels->nones(got, n, words);
            CHECK_BYTES(words, want_words, bytes);
            scalar->hashed64(slots64, 10, at64, n, want);
            kernels->hashed64(slots64, 10, at64, n, got);
            CHECK_BYTES(got, want, n * 4);
        }
        exact_free(in32);
        exact_free(in64);
    }
}

/* Every length up to 200 bytes, in each layout, ending where the memory ends; strings that differ
 * in one byte only, wherever it is. */
TEST(strings_of_every_length)
{
    enum { LONGEST = 200, COPIES = 6 };
    uint64_t seed = 12;
    for (size_t length = 0; length <= LONGEST && !check_failed; length++) {
        size_t n = 2 * COPIES * (length + 1);
        uint8_t text[LONGEST + 1];
        random_bytes(&seed, text, sizeof text);
        exact data = exact_new(n * length, 0), views = exact_new(n * 16, 0);
        int32_t *offsets = malloc((n + 1) * 4);
        for (size_t i = 0; i < n; i++) {
            uint8_t *at = data.data + i * length;
            size_t place = i % (length + 1);
            if (length) memcpy(at, text, length);
            if (place < length) at[place] ^= 1;
            uint32_t view[4] = {(uint32_t)length, 0, 0, (uint32_t)(i * length)};
            if (length <= 12) view[3] = 0, memcpy(view + 1, at, length);
            memcpy(views.data + 16 * i, view, 16);
            offsets[i] = (int32_t)(i * length);
        }
        offsets[n] = (int32_t)(n * length);
        const uint8_t *buffers[] = {data.data};
        lm_strings layouts[] = {{LM_STRINGS_OFFSETS32, 0, offsets, data.data, NULL},
                                {LM_STRINGS_VIEWS, 0, views.data, NULL, buffers},
                                {LM_STRINGS_FIXED, (uint32_t)length, NULL, data.data, NULL}};
        for (int k = 0; k < 3; k++) {
            lm_dict *dict;
            lm_error error;
            lm_dict_progress progress;
            lm_dict_options options = {.width = k == 2 ? length : 0};
            CHECK_OK(lm__dict_new(&options, &dict, &error), error);
            CHECK_OK(
                lm__dict_put_strings(dict, &layouts[k], LM_BITS_ALL, n, indices, &progress, &error),
                error);
            CHECK_INT(progress.written, n);
            CHECK_INT(lm__dict_count(dict), length + 1);
            for (size_t i = 0; i < n; i++) CHECK_INT(indices[i], i % (length + 1));
            lm__dict_free(dict);
        }
        exact_free(data);
        exact_free(views);
        free(offsets);
    }
}

/* An allocator that fails at the n-th call. */
static size_t calls_left;
static void *failing_alloc(void *context, size_t bytes)
{
    (void)context;
    return calls_left-- ? malloc(bytes) : (calls_left = 0, (void *)NULL);
}
static void *failing_realloc(void *context, void *memory, size_t bytes)
{
    (void)context;
    return calls_left-- ? realloc(memory, bytes) : (calls_left = 0, (void *)NULL);
}
static void plain_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

/* Invariant 4. */
TEST(every_allocation_may_fail)
{
    static uint64_t some[9000];
    const lm_allocator allocator = {failing_alloc, failing_realloc, plain_free, NULL};
    lm_strings strings = {LM_STRINGS_FIXED, 8, NULL, (const uint8_t *)some, NULL};
    for (int i = 0; i < 9000; i++) some[i] = (uint64_t)i * (i < 4000 ? 1 : 0x9e3779b97f4a7c15u);
    for (int kind = 0; kind < 2; kind++) {
        lm_status status = LM_NO_MEMORY;
        for (size_t fail = 0; status == LM_NO_MEMORY; fail++) {
            REQUIRE(fail < 100);
            lm_dict *dict;
            lm_error error;
            lm_dict_progress progress;
            lm_dict_options options = {.allocator = &allocator, .width = kind ? 0 : 8};
            calls_left = fail;
            status = lm__dict_new(&options, &dict, &error);
            if (status != LM_OK) continue;
            for (int at = 0; at < 9000 && status == LM_OK; at += 1000) {
                lm_strings part = lm__strings_skip(strings, (size_t)at);
                status = kind ? lm__dict_put_strings(dict, &part, LM_BITS_ALL, 1000, indices,
                                                     &progress, &error)
                              : lm__dict_put(dict, some + at, LM_BITS_ALL, 1000, indices, &progress,
                                             &error);
            }
            CHECK(status == LM_OK || status == LM_NO_MEMORY);
            lm__dict_reset(dict);
            lm__dict_free(dict);
        }
    }
}

int main(void)
{
    RUN(every_width_as_the_slow_one);
    RUN(two_bytes_may_be_bytes);
    RUN(small_integers_widen);
    RUN(strings_of_every_layout);
    RUN(a_full_dictionary_stops_before_what_does_not_fit);
    RUN(the_estimate_tells_few_from_many);
    RUN(direct_tables_at_the_ends_of_the_type);
    RUN(zero_is_a_value_like_others);
    RUN(kernels_agree);
    RUN(strings_of_every_length);
    RUN(every_allocation_may_fail);
    return DONE();
}
