/* PLAIN both ways, and the moves around nulls: golden bytes, kernels against loops, bad bytes. */
#include "encode/plain.h"
#include "exact.h"

static bool bit(const uint8_t *bytes, size_t i) { return (bytes[i / 8] >> (i % 8)) & 1; }

static void random_validity(uint64_t *state, uint8_t *bytes, size_t size)
{
    switch (check_random(state) % 5) {
    case 0: memset(bytes, 0, size); break;
    case 1: memset(bytes, 0xff, size); break;
    case 2:
        for (size_t i = 0; i < size; i++) bytes[i] = check_random(state) % 16 ? 0xff : 0x6f;
        break;
    case 3:
        for (size_t i = 0; i < size; i++) bytes[i] = check_random(state) % 8 ? 0 : 0x21;
        break;
    default: random_bytes(state, bytes, size);
    }
}

TEST(compact_and_expand_at_every_width)
{
    static const size_t widths[] = {1, 2, 4, 8, 12, 16, 32, 3, 20};
    uint64_t state = 21;
    for (int round = 0; round < 6000 && !check_failed; round++) {
        size_t width = widths[round % 9], count = check_random(&state) % 400;
        size_t offset = check_random(&state) % 9, bytes = count ? (offset + count + 7) / 8 : 0;
        size_t shift = check_random(&state) % 16;
        exact valid = exact_new(bytes, 0), values = exact_new(count * width, shift);
        random_validity(&state, valid.data, bytes);
        random_bytes(&state, values.data, count * width);
        lm_bits bits = {valid.data, offset};
        uint8_t *want = calloc(count + 1, width), *spread = calloc(count + 1, width);
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            if (!bit(valid.data, offset + i)) continue;
            memcpy(want + n * width, values.data + i * width, width);
            memcpy(spread + i * width, values.data + i * width, width);
            n++;
        }
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            const lm_plain_kernels *kernels = lm__plain_kernels(level);
            exact out = exact_new(n * width + LM_ENCODE_SLACK, shift);
            CHECK_INT(kernels->compact(values.data, width, bits, count, out.data), n);
            CHECK_BYTES(out.data, want, n * width);
            exact_free(out);
            out = exact_new(count * width + LM_ENCODE_SLACK, 0);
            if (count) memcpy(out.data, values.data, count * width);
            CHECK_INT(kernels->compact(out.data, width, bits, count, out.data), n);
            CHECK_BYTES(out.data, want, n * width);
            exact_free(out);

            exact packed = exact_copy(want, n * width, shift);
            out = exact_new(count * width, shift);
            kernels->expand(packed.data, width, bits, count, out.data);
            CHECK_BYTES(out.data, spread, count * width);
            if (n) memcpy(out.data, want, n * width);
            kernels->expand(out.data, width, bits, count, out.data);
            CHECK_BYTES(out.data, spread, count * width);
            exact_free(out);
            exact_free(packed);
        }
        exact_free(valid);
        exact_free(values);
        free(want);
        free(spread);
    }
}

TEST(compact_and_expand_bits)
{
    uint64_t state = 22;
    for (int round = 0; round < 4000 && !check_failed; round++) {
        size_t count = check_random(&state) % 400, offset = check_random(&state) % 9;
        size_t from = check_random(&state) % 9, bytes = count ? (offset + count + 7) / 8 : 0;
        size_t from_bytes = count ? (from + count + 7) / 8 : 0;
        exact valid = exact_new(bytes, 0), values = exact_new(from_bytes, 0);
        random_validity(&state, valid.data, bytes);
        random_bytes(&state, values.data, from_bytes);
        uint8_t want[64] = {0}, spread[64] = {0};
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            if (!bit(valid.data, offset + i)) continue;
            want[n / 8] |= (uint8_t)(bit(values.data, from + i) << n % 8);
            spread[i / 8] |= (uint8_t)(bit(values.data, from + i) << i % 8);
            n++;
        }
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            const lm_plain_kernels *kernels = lm__plain_kernels(level);
            exact out = exact_new((n + 7) / 8 + LM_ENCODE_SLACK, 0);
            CHECK_INT(kernels->compact_bits((lm_bits){values.data, from},
                                            (lm_bits){valid.data, offset}, count, out.data),
                      n);
            CHECK_BYTES(out.data, want, (n + 7) / 8);
            exact_free(out);
            exact packed = exact_copy(want, (n + 7) / 8, 0);
            out = exact_new((count + 7) / 8, 0);
            kernels->expand_bits((lm_bits){packed.data, 0}, (lm_bits){valid.data, offset}, count,
                                 out.data);
            CHECK_BYTES(out.data, spread, (count + 7) / 8);
            exact_free(out);
            exact_free(packed);
        }
        exact_free(valid);
        exact_free(values);
    }
}

TEST(no_bitmap_is_a_copy)
{
    uint32_t values[5] = {1, 2, 3, 4, 5}, out[5 + LM_ENCODE_SLACK / 4];
    CHECK_INT(lm__compact(values, 4, LM_BITS_ALL, 5, out), 5);
    CHECK_BYTES(out, values, 20);
    memset(out, 0, sizeof out);
    lm__expand(values, 4, LM_BITS_ALL, 5, out);
    CHECK_BYTES(out, values, 20);
}

TEST(widen_and_narrow)
{
    int8_t i8[300];
    uint8_t u8[300];
    int16_t i16[300];
    uint16_t u16[300];
    int32_t out[300];
    uint8_t anywhere[sizeof out + 3]; /* in a page they follow the levels */
    for (int i = 0; i < 300; i++) {
        i8[i] = (int8_t)(i * 7);
        u8[i] = (uint8_t)(i * 7);
        i16[i] = (int16_t)(i * 1777);
        u16[i] = (uint16_t)(i * 1777);
    }
#define BOTH_WAYS(name, values)                                                                    \
    do {                                                                                           \
        lm__widen_##name(values, 300, out);                                                        \
        for (int i = 0; i < 300; i++) CHECK_INT(out[i], values[i]);                                \
        lm__widen_##name(values, 300, anywhere + 3);                                               \
        CHECK_BYTES(anywhere + 3, out, sizeof out);                                                \
        memset(values, 1, sizeof values);                                                          \
        CHECK(lm__narrow_##name(out, 300, values));                                                \
        for (int i = 0; i < 300; i++) CHECK_INT(values[i], out[i]);                                \
        out[299] = 1 << 20;                                                                        \
        CHECK(!lm__narrow_##name(out, 300, values));                                               \
    } while (0)
    BOTH_WAYS(i8, i8);
    BOTH_WAYS(u8, u8);
    BOTH_WAYS(i16, i16);
    BOTH_WAYS(u16, u16);
    out[0] = -1;
    CHECK(lm__narrow_i8(out, 1, i8) && !lm__narrow_u8(out, 1, u8) && !lm__narrow_u16(out, 1, u16));
    out[0] = 200;
    CHECK(!lm__narrow_i8(out, 1, i8) && lm__narrow_u8(out, 1, u8));
}

TEST(strings_golden)
{
    /* Encodings.md, "Plain": BYTE_ARRAY is a 4-byte little-endian length, then the bytes. */
    static const uint8_t want[] = "\3\0\0\0abc\0\0\0\0\2\0\0\0de";
    const int32_t offsets[] = {0, 3, 3, 7, 9};
    lm_strings strings = {LM_STRINGS_OFFSETS32, 0, offsets, (const uint8_t *)"abcXXXXde", NULL};
    const uint8_t valid = 0x0b;
    uint8_t out[17 + LM_ENCODE_SLACK];
    CHECK_INT(lm__plain_strings_encode(&strings, (lm_bits){&valid, 0}, 4, out), 17);
    CHECK_BYTES(out, want, 17);
    int32_t back[4];
    uint8_t data[5 + LM_ENCODE_SLACK];
    size_t bytes, consumed;
    lm_error error;
    CHECK_OK(lm__plain_strings_decode32(want, 17, 3, 100, back, data, &bytes, &consumed, &error),
             error);
    CHECK_BYTES(data, "abcde", 5);
    CHECK(back[0] == 100 && back[1] == 103 && back[2] == 103 && back[3] == 105);
    CHECK(bytes == 5 && consumed == 17);
    CHECK_OK(lm__plain_strings_measure(want, 17, 2, &bytes, &consumed, &error), error);
    CHECK(bytes == 3 && consumed == 11);
}

TEST(strings_of_every_layout)
{
    uint64_t state = 23;
    for (int round = 0; round < 2000 && !check_failed; round++) {
        size_t count = check_random(&state) % 60, longest = round % 3 ? 20 : 100;
        int32_t *offsets = malloc((count + 1) * 4);
        int64_t *offsets64 = malloc((count + 1) * 8);
        int32_t first = (int32_t)(check_random(&state) % 3), total = first;
        for (size_t i = 0; i < count; i++) {
            offsets64[i] = offsets[i] = total;
            total += (int32_t)(check_random(&state) % longest);
        }
        offsets64[count] = offsets[count] = total;
        exact data = exact_new((size_t)total, 0), views = exact_new(count * 16, 0);
        random_bytes(&state, data.data, (size_t)total);
        for (size_t i = 0; i < count; i++) {
            uint32_t view[4] = {(uint32_t)(offsets[i + 1] - offsets[i]), 0, 0,
                                (uint32_t)offsets[i]};
            if (view[0] <= 12) view[3] = 0, memcpy(view + 1, data.data + offsets[i], view[0]);
            memcpy(views.data + 16 * i, view, 16);
        }
        const uint8_t *buffers[] = {data.data};
        lm_strings layouts[3] = {{LM_STRINGS_OFFSETS32, 0, offsets, data.data, NULL},
                                 {LM_STRINGS_OFFSETS64, 0, offsets64, data.data, NULL},
                                 {LM_STRINGS_VIEWS, 0, views.data, NULL, buffers}};
        uint8_t valid[9];
        random_validity(&state, valid, 9);
        lm_bits bits = {check_random(&state) % 4 ? valid : NULL, 3};
        size_t n = lm__bits_count(bits, count);
        for (int k = 0; k < 3; k++) {
            size_t bytes = lm__strings_bytes(&layouts[k], bits, count), got, consumed;
            exact out = exact_new(lm__plain_strings_bound(bytes, n), 0);
            size_t size = lm__plain_strings_encode(&layouts[k], bits, count, out.data);
            CHECK_INT(size, bytes + 4 * n);
            exact cut = exact_copy(out.data, size, 0);
            exact to = exact_new(bytes + LM_ENCODE_SLACK, 0);
            int64_t *back = malloc((n + 1) * 8);
            int32_t *back32 = malloc((n + 1) * 4);
            lm_error error;
            CHECK_OK(lm__plain_strings_decode64(cut.data, size, n, 0, back, to.data, &got,
                                                &consumed, &error),
                     error);
            CHECK(got == bytes && consumed == size);
            CHECK_OK(lm__plain_strings_decode32(cut.data, size, n, 0, back32, to.data, &got,
                                                &consumed, &error),
                     error);
            size_t j = 0;
            for (size_t i = 0; i < count; i++) {
                if (!lm__bits_get(bits, i)) continue;
                lm_slice want = lm__strings_get(&layouts[k], i);
                CHECK_INT(back[j + 1] - back[j], want.size);
                CHECK_INT(back[j], back32[j]);
                CHECK_BYTES(to.data + back[j], want.data, want.size);
                j++;
            }
            /* Truncated anywhere, it is refused. */
            for (size_t less = 0; less < size && less < 40; less++) {
                exact part = exact_copy(cut.data, less, 0);
                size_t room = less >= 4 * n ? less - 4 * n : 0;
                exact small = exact_new(room + LM_ENCODE_SLACK, 0);
                CHECK_STATUS(lm__plain_strings_decode32(part.data, less, n, 0, back32, small.data,
                                                        &got, &consumed, &error),
                             LM_CORRUPT);
                CHECK_STATUS(lm__plain_strings_measure(part.data, less, n, &got, &consumed, &error),
                             LM_CORRUPT);
                exact_free(part);
                exact_free(small);
            }
            exact_free(out);
            exact_free(cut);
            exact_free(to);
            free(back);
            free(back32);
        }
        exact_free(data);
        exact_free(views);
        free(offsets);
        free(offsets64);
    }
}

TEST(a_long_string_may_not_eat_the_lengths_after_it)
{
    const uint8_t src[] = {4, 0, 0, 0, 'a', 'b', 'c', 'd', 0, 0, 0};
    int32_t offsets[4];
    exact data = exact_new(sizeof src - 8 + LM_ENCODE_SLACK, 0);
    size_t bytes, consumed;
    lm_error error;
    CHECK_STATUS(lm__plain_strings_decode32(src, sizeof src, 2, 0, offsets, data.data, &bytes,
                                            &consumed, &error),
                 LM_CORRUPT);
    CHECK_STATUS(lm__plain_strings_decode32(src, sizeof src, 1, INT32_MAX - 3, offsets, data.data,
                                            &bytes, &consumed, &error),
                 LM_LIMIT);
    CHECK_STATUS(lm__plain_strings_decode32(src, sizeof src, SIZE_MAX / 2, 0, offsets, data.data,
                                            &bytes, &consumed, &error),
                 LM_CORRUPT);
    exact_free(data);
}

TEST(strings_gathered)
{
    const int32_t dictionary[] = {0, 5, 5, 50};
    uint8_t bytes[50];
    for (int i = 0; i < 50; i++) bytes[i] = (uint8_t)('A' + i);
    exact source = exact_copy(bytes, 50, 0), data = exact_new(100 + LM_ENCODE_SLACK, 0);
    const uint32_t indices[] = {2, 0, 1, 0, 2, 3};
    int32_t offsets[7];
    lm_error error;
    CHECK_OK(lm__gather_strings_offsets32(indices, 5, dictionary, 3, 7, offsets, &error), error);
    const int32_t want[] = {7, 52, 57, 57, 62, 107};
    CHECK_BYTES(offsets, want, sizeof want);
    lm__gather_strings_data32(indices, 5, dictionary, 3, source.data, data.data);
    CHECK_BYTES(data.data, bytes + 5, 45);
    CHECK_BYTES(data.data + 45, bytes, 5);
    CHECK_BYTES(data.data + 55, bytes + 5, 45);
    CHECK_STATUS(lm__gather_strings_offsets32(indices, 6, dictionary, 3, 7, offsets, &error),
                 LM_CORRUPT);
    CHECK_STATUS(
        lm__gather_strings_offsets32(indices, 5, dictionary, 3, INT32_MAX - 99, offsets, &error),
        LM_LIMIT);
    exact_free(source);
    exact_free(data);
}

TEST(short_strings_gathered_in_one_step)
{
    enum { ENTRIES = 40, COUNT = 333 };
    uint64_t state = 5;
    int32_t dictionary[ENTRIES + 1] = {0}, offsets[COUNT + 1], want[COUNT + 1];
    for (size_t i = 0; i < ENTRIES; i++)
        dictionary[i + 1] =
            dictionary[i] + (int32_t)(check_random(&state) % (LM_GATHER_SHORT_BYTES + 1));
    size_t size = (size_t)dictionary[ENTRIES];
    exact source = exact_new(size + LM_ENCODE_SLACK, 0);
    exact data = exact_new(COUNT * LM_GATHER_SHORT_BYTES + LM_ENCODE_SLACK, 0);
    exact same = exact_new(COUNT * LM_GATHER_SHORT_BYTES + LM_ENCODE_SLACK, 0);
    random_bytes(&state, source.data, size + LM_ENCODE_SLACK);
    uint32_t indices[COUNT];
    lm_error error;
    for (size_t count = 0; count <= COUNT; count += 37) {
        for (size_t i = 0; i < count; i++) indices[i] = (uint32_t)(check_random(&state) % ENTRIES);
        CHECK_OK(lm__gather_strings_offsets32(indices, count, dictionary, ENTRIES, 9, want, &error),
                 error);
        lm__gather_strings_data32(indices, count, dictionary, ENTRIES, source.data, same.data);
        CHECK(lm__gather_strings_short32(indices, count, dictionary, ENTRIES, source.data, 9,
                                         offsets, data.data));
        CHECK_BYTES(offsets, want, (count + 1) * sizeof *want);
        CHECK_BYTES(data.data, same.data, (size_t)(want[count] - 9));
    }
    indices[200] = ENTRIES;
    CHECK(!lm__gather_strings_short32(indices, COUNT, dictionary, ENTRIES, source.data, 0, offsets,
                                      data.data));
    CHECK(
        !lm__gather_strings_short32(indices, 1, dictionary, 0, source.data, 0, offsets, data.data));
    exact_free(source);
    exact_free(data);
    exact_free(same);
}

int main(void)
{
    RUN(compact_and_expand_at_every_width);
    RUN(compact_and_expand_bits);
    RUN(no_bitmap_is_a_copy);
    RUN(widen_and_narrow);
    RUN(strings_golden);
    RUN(strings_of_every_layout);
    RUN(a_long_string_may_not_eat_the_lengths_after_it);
    RUN(strings_gathered);
    RUN(short_strings_gathered_in_one_step);
    return DONE();
}
