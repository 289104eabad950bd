/* Bits with an offset, held to loops of one bit. */
#include "encode/bits.h"
#include "exact.h"

#define BITS 700

static uint8_t random_bits[BITS / 8 + 16];

static bool bit(const uint8_t *bytes, size_t i) { return (bytes[i / 8] >> (i % 8)) & 1; }

/* Bits of several densities: random, then long runs, then random. */
static void fill_random(uint64_t *state)
{
    random_bytes(state, random_bits, sizeof random_bits);
    size_t start = check_random(state) % 40, length = check_random(state) % 40;
    memset(random_bits + start, check_random(state) & 1 ? 0xff : 0, length);
}

/* The bytes that hold bits [offset, offset + count) and no others, for AddressSanitizer. */
static lm_bits cut(exact *memory, size_t offset, size_t count)
{
    size_t first = offset / 8, bytes = count ? (offset + count + 7) / 8 - first : 0;
    *memory = exact_copy(random_bits + first, bytes, 0);
    return (lm_bits){memory->data, offset % 8};
}

TEST(words_counts_and_finds)
{
    uint64_t state = 1;
    for (int round = 0; round < 3000; round++) {
        fill_random(&state);
        size_t offset = check_random(&state) % 70, count = check_random(&state) % (BITS - 70);
        exact memory;
        lm_bits bits = cut(&memory, offset, count);
        size_t ones = 0;
        for (size_t i = 0; i < count; i++) ones += bit(random_bits, offset + i);
        CHECK_INT(lm__bits_count(bits, count), ones);
        size_t n = count < 64 ? count : 64, from = count - n;
        uint64_t want = 0;
        for (size_t i = 0; i < n; i++) want |= (uint64_t)bit(random_bits, offset + from + i) << i;
        CHECK(lm__bits_word(bits, from, n) == want);
        size_t total = 0, at = 0;
        for (lm_bits_run run = {0}; lm__bits_next_run(bits, count, &run);) {
            CHECK_INT(run.start, at);
            CHECK(run.length > 0);
            for (size_t i = 0; i < run.length; i++)
                CHECK(bit(random_bits, offset + run.start + i) == run.set);
            if (run.start + run.length < count)
                CHECK(bit(random_bits, offset + run.start + run.length) != run.set);
            total += run.length;
            at += run.length;
        }
        CHECK_INT(total, count);
        exact_free(memory);
        if (check_failed) return;
    }
}

TEST(copies_fills_and_ands)
{
    uint64_t state = 2;
    for (int round = 0; round < 3000; round++) {
        fill_random(&state);
        size_t offset = check_random(&state) % 70, count = check_random(&state) % (BITS - 70);
        size_t to_offset = check_random(&state) % 20;
        exact memory;
        lm_bits bits = cut(&memory, offset, count);
        size_t bytes = (to_offset + count + 7) / 8;
        exact to = exact_new(bytes, 0), before = exact_new(bytes, 0);
        random_bytes(&state, to.data, bytes);
        memcpy(before.data, to.data, bytes);
        lm__bits_copy(to.data, to_offset, bits, count);
        for (size_t i = 0; i < bytes * 8; i++) {
            bool inside = i >= to_offset && i < to_offset + count;
            CHECK(bit(to.data, i) ==
                  (inside ? bit(random_bits, offset + i - to_offset) : bit(before.data, i)));
        }
        memcpy(to.data, before.data, bytes);
        bool value = round & 1;
        if (value)
            lm__bits_copy(to.data, to_offset, LM_BITS_ALL, count);
        else
            lm__bits_fill(to.data, to_offset, count, false);
        for (size_t i = 0; i < bytes * 8; i++) {
            bool inside = i >= to_offset && i < to_offset + count;
            CHECK(bit(to.data, i) == (inside ? value : bit(before.data, i)));
        }
        exact_free(to);
        to = exact_new((count + 7) / 8, 0);
        lm_bits other = {before.data, to_offset};
        lm__bits_and(to.data, bits, other, count);
        for (size_t i = 0; i < (count + 7) / 8 * 8; i++)
            CHECK(bit(to.data, i) ==
                  (i < count && bit(random_bits, offset + i) && bit(before.data, to_offset + i)));
        exact_free(to);
        exact_free(before);
        exact_free(memory);
        if (check_failed) return;
    }
}

TEST(no_bitmap_means_all)
{
    CHECK_INT(lm__bits_count(LM_BITS_ALL, 77), 77);
    CHECK_INT(lm__bits_find(LM_BITS_ALL, 3, 77, true), 3);
    CHECK_INT(lm__bits_find(LM_BITS_ALL, 3, 77, false), 77);
    CHECK(lm__bits_word(LM_BITS_ALL, 5, 3) == 7);
}

TEST(strings_in_every_layout)
{
    static const uint8_t data[] = "xxabcdefghijklmnopq";
    int32_t offsets32[] = {2, 5, 5, 19};
    int64_t offsets64[] = {2, 5, 5, 19};
    uint8_t views[48] = {0};
    const uint8_t *buffers[] = {NULL, data};
    views[0] = 3;
    memcpy(views + 4, "abc", 3);
    views[32] = 14;
    memcpy(views + 36, "defg", 4);
    views[40] = 1;
    views[44] = 5;
    const lm_strings all[] = {{LM_STRINGS_OFFSETS32, 0, offsets32, data, NULL},
                              {LM_STRINGS_OFFSETS64, 0, offsets64, data, NULL},
                              {LM_STRINGS_VIEWS, 0, views, NULL, buffers}};
    const uint8_t valid = 5;
    for (size_t k = 0; k < 3; k++) {
        lm_slice slice = lm__strings_get(&all[k], 0);
        CHECK(slice.size == 3 && memcmp(slice.data, "abc", 3) == 0);
        lm_strings rest = lm__strings_skip(all[k], 1);
        CHECK_INT(lm__strings_get(&rest, 0).size, 0);
        slice = lm__strings_get(&rest, 1);
        CHECK(slice.size == 14 && memcmp(slice.data, "defghijklmnopq", 14) == 0);
        CHECK_INT(lm__strings_bytes(&all[k], LM_BITS_ALL, 3), 17);
        CHECK_INT(lm__strings_bytes(&all[k], (lm_bits){&valid, 0}, 3), 17);
        CHECK_INT(lm__strings_bytes(&all[k], (lm_bits){&valid, 1}, 2), 0);
    }
    lm_strings fixed = {LM_STRINGS_FIXED, 4, NULL, data, NULL};
    CHECK_INT(lm__strings_bytes(&fixed, (lm_bits){&valid, 0}, 3), 8);
    fixed = lm__strings_skip(fixed, 2);
    CHECK(memcmp(lm__strings_get(&fixed, 1).data, "klmn", 4) == 0);
}

int main(void)
{
    RUN(words_counts_and_finds);
    RUN(copies_fills_and_ands);
    RUN(no_bitmap_means_all);
    RUN(strings_in_every_layout);
    return DONE();
}
