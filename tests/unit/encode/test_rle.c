/* The RLE / bit-packed hybrid: golden bytes from Encodings.md, and rle.h's invariants by number. */
#include "encode/rle.h"

#include "encode/bitpack.h"
#include "exact.h"

/* A reader of its own, bit by bit: fails the test on a stream that the specification does not
 * allow. */
static size_t reference_decode(const uint8_t *src, size_t size, unsigned width, uint32_t *out,
                               size_t room)
{
    size_t at = 0, count = 0;
    while (at < size) {
        uint64_t header = 0;
        unsigned shift = 0;
        do {
            header |= (uint64_t)(src[at] & 0x7f) << shift;
            shift += 7;
        } while (src[at++] & 0x80);
        size_t n = (size_t)(header >> 1) * (header & 1 ? 8 : 1);
        CHECK(n > 0);
        for (size_t i = 0; i < n; i++) {
            uint32_t value = 0;
            for (unsigned b = 0; b < width; b++) {
                size_t bit = (header & 1 ? i * width : 0) + b;
                value |= (uint32_t)(src[at + bit / 8] >> bit % 8 & 1) << b;
            }
            if (count < room) out[count] = value;
            count++;
        }
        at += header & 1 ? n / 8 * width : (width + 7) / 8;
    }
    CHECK_INT(at, size);
    return count;
}

TEST(golden)
{
    uint8_t out[256];
    uint32_t ones[100], few[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int i = 0; i < 100; i++) ones[i] = 1;
    /* A header is the length shifted by one, ULEB128; the value follows in whole bytes. */
    const uint8_t want_run[] = {0xc8, 0x01, 0x01};
    CHECK_INT(lm__rle_encode32(ones, 100, 1, out), 3);
    CHECK_BYTES(out, want_run, 3);
    CHECK_INT(lm__rle_encode_bits(LM_BITS_ALL, 100, out), 3);
    CHECK_BYTES(out, want_run, 3);
    /* One group of 8: header (1 << 1) | 1, then Encodings.md's example of 3 bits. */
    const uint8_t want_group[] = {0x03, 0x88, 0xc6, 0xfa};
    CHECK_INT(lm__rle_encode32(few, 8, 3, out), 4);
    CHECK_BYTES(out, want_group, 4);
    /* 1 then nine 2s, 10 bits: the first group takes seven of the 2s, which leaves too few for a
     * run; the second group is padded. */
    const uint8_t want_padded[] = {0x05, 0x01, 0x08, 0x20, 0x80, 0x00, 0x02, 0x08, 0x20, 0x80, 0x00,
                                   0x02, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    uint16_t padded[10] = {1, 2, 2, 2, 2, 2, 2, 2, 2, 2};
    CHECK_INT(lm__rle_encode16(padded, 10, 10, out), 21);
    CHECK_BYTES(out, want_padded, 21);
    /* The same with twenty: a run of 13 follows the group. */
    const uint8_t want_mixed[] = {0x03, 0x01, 0x08, 0x20, 0x80, 0x00, 0x02,
                                  0x08, 0x20, 0x80, 0x00, 0x1a, 0x02, 0x00};
    uint16_t mixed[21] = {1};
    for (int i = 1; i < 21; i++) mixed[i] = 2;
    CHECK_INT(lm__rle_encode16(mixed, 21, 10, out), 14);
    CHECK_BYTES(out, want_mixed, 13);
    /* Booleans: a 4-byte little-endian length before the hybrid. */
    const uint8_t bits = 0x15, want_bools[] = {2, 0, 0, 0, 0x03, 0x15};
    CHECK_INT(lm__rle_encode_bools((lm_bits){&bits, 0}, 5, out), 6);
    CHECK_BYTES(out, want_bools, 6);
    /* Width 0: no value bytes at all. */
    CHECK_INT(lm__rle_encode32(ones, 100, 0, out), 2);
    CHECK_INT(out[0], 0xc8);
}

TEST(bit_packed_levels_golden)
{
    /* Encodings.md, "Bit-packed (Deprecated)": 0 to 7 in 3 bits are 00000101 00111001 01110111. */
    const uint8_t src[] = {0x05, 0x39, 0x77};
    uint16_t out[8];
    size_t consumed;
    lm_error error;
    CHECK_OK(lm__bit_packed_levels(src, 3, 8, 3, out, &consumed, &error), error);
    for (int i = 0; i < 8; i++) CHECK_INT(out[i], i);
    CHECK_INT(consumed, 3);
    CHECK_STATUS(lm__bit_packed_levels(src, 2, 8, 3, out, &consumed, &error), LM_CORRUPT);
    CHECK_STATUS(lm__bit_packed_levels(src, 3, 1, 17, out, &consumed, &error), LM_CORRUPT);
}

/* Values in which runs of every length begin at every place; `spread` is the share of random ones.
 */
static void make_values(uint64_t *state, uint32_t *values, size_t count, unsigned width)
{
    uint32_t mask = width == 32 ? 0xffffffff : (1u << width) - 1;
    unsigned kind = (unsigned)(check_random(state) % 5);
    static const size_t longest[] = {1, 12, 70, 300, 5000};
    for (size_t i = 0; i < count;) {
        size_t n = 1 + check_random(state) % longest[kind];
        uint32_t value = (uint32_t)check_random(state) & mask;
        if (kind && check_random(state) % 3 == 0) n = 1 + check_random(state) % 3;
        for (; n && i < count; n--) values[i++] = value;
    }
}

static void check_round(const uint32_t *values, size_t count, unsigned width, const uint8_t *src,
                        size_t size)
{
    uint32_t *out = malloc(count * 4 + 64);
    CHECK(size <= lm__rle_bound(count, width) - LM_ENCODE_SLACK);
    size_t got = reference_decode(src, size, width, out, count);
    CHECK(got >= count && got < count + 8);
    CHECK_BYTES(out, values, count * 4);
    free(out);
}

TEST(what_is_written_decodes)
{
    uint64_t state = 3;
    static uint32_t values[20000];
    static uint16_t values16[20000];
    static uint8_t values8[20000];
    for (int round = 0; round < 1500 && !check_failed; round++) {
        unsigned width = (unsigned)(round % 33);
        size_t count = check_random(&state) % (round % 10 ? 700 : 20000);
        make_values(&state, values, count, width);
        size_t room = lm__rle_bound(count, width);
        exact in = exact_copy(values, count * 4, 0), out = exact_new(room, 0), in8, in16;
        size_t size = lm__rle_encode32((const void *)in.data, count, width, out.data);
        check_round(values, count, width, out.data, size);
        exact_free(in);
        for (size_t i = 0; i < count; i++) {
            values8[i] = (uint8_t)values[i];
            values16[i] = (uint16_t)values[i];
        }
        in8 = exact_copy(values8, count, 0);
        in16 = exact_copy(values16, count * 2, 0);
        exact again = exact_new(room, 0);
        if (width <= 8) {
            CHECK_INT(lm__rle_encode8(in8.data, count, width, again.data), size);
            CHECK_BYTES(again.data, out.data, size);
        }
        if (width <= 16) {
            CHECK_INT(lm__rle_encode16((const void *)in16.data, count, width, again.data), size);
            CHECK_BYTES(again.data, out.data, size);
        }
        exact_free(in8);
        exact_free(in16);
        exact_free(again);
        exact_free(out);
    }
}

TEST(bits_decode_to_the_same_levels)
{
    uint64_t state = 4;
    for (int round = 0; round < 3000 && !check_failed; round++) {
        size_t offset = check_random(&state) % 9, count = check_random(&state) % 3000;
        uint32_t *values = calloc(count + 1, 4);
        make_values(&state, values, count, 1);
        size_t bytes = count ? (offset + count + 7) / 8 : 0;
        exact bits = exact_new(bytes, 0), out = exact_new(lm__rle_bound(count, 1), 0);
        random_bytes(&state, bits.data, bytes);
        for (size_t i = 0; i < count; i++) {
            size_t at = offset + i;
            bits.data[at / 8] &= (uint8_t) ~(1 << at % 8);
            bits.data[at / 8] |= (uint8_t)(values[i] << at % 8);
        }
        size_t size = lm__rle_encode_bits((lm_bits){bits.data, offset}, count, out.data);
        check_round(values, count, 1, out.data, size);
        /* Back to bits, in pieces, beside bits that keep their values. */
        exact cut = exact_copy(out.data, size, 0);
        lm_rle_decoder decoder;
        lm_error error;
        CHECK_OK(lm__rle_decoder_init(&decoder, cut.data, size, 1, &error), error);
        uint8_t *back = calloc(1, (count + 16) / 8 + 1);
        size_t to = check_random(&state) % 8, ones = 0, want = 0;
        memset(back, 0xff, 1);
        for (size_t at = 0; at < count;) {
            size_t n = 1 + check_random(&state) % 900, some;
            if (n > count - at) n = count - at;
            CHECK_OK(lm__rle_get_bits(&decoder, back, to + at, n, &some, &error), error);
            ones += some;
            at += n;
        }
        for (size_t i = 0; i < to; i++) CHECK(back[0] >> i & 1);
        for (size_t i = 0; i < count; i++) {
            CHECK((back[(to + i) / 8] >> (to + i) % 8 & 1) == (int)values[i]);
            want += values[i];
        }
        CHECK_INT(ones, want);
        exact_free(cut);
        exact_free(out);
        exact_free(bits);
        free(back);
        free(values);
    }
}

TEST(pieces_skips_and_gathers)
{
    uint64_t state = 5;
    enum { MOST = 6000 };
    static uint32_t values[MOST], got[MOST];
    static uint16_t got16[MOST];
    static uint8_t got8[MOST], out[MOST * 4 + 1024];
    static uint64_t dictionary64[1024], got64[MOST];
    static uint32_t dictionary32[1024];
    for (int i = 0; i < 1024; i++) {
        dictionary64[i] = check_random(&state);
        dictionary32[i] = (uint32_t)dictionary64[i];
    }
    for (int round = 0; round < 1200 && !check_failed; round++) {
        unsigned width = (unsigned)(round % 33);
        size_t count = check_random(&state) % MOST;
        make_values(&state, values, count, width);
        size_t size = lm__rle_encode32(values, count, width, out);
        exact cut = exact_copy(out, size, 0);
        lm_rle_decoder decoder;
        lm_error error;
        CHECK_OK(lm__rle_decoder_init(&decoder, cut.data, size, width, &error), error);
        for (size_t at = 0; at < count && !check_failed;) {
            size_t n = 1 + check_random(&state) % (round % 2 ? 50 : 2000), matches = 0, want = 0;
            if (n > count - at) n = count - at;
            switch (check_random(&state) % 6) {
            case 0:
                for (size_t i = 0; i < n; i++) want += values[at + i] == values[at];
                CHECK_OK(lm__rle_skip(&decoder, n, values[at], &matches, &error), error);
                CHECK_INT(matches, want);
                break;
            case 1:
                if (width > 8) continue;
                CHECK_OK(lm__rle_get8(&decoder, got8, n, &error), error);
                for (size_t i = 0; i < n; i++) CHECK_INT(got8[i], values[at + i]);
                break;
            case 2:
                if (width > 16) continue;
                CHECK_OK(lm__rle_get16(&decoder, got16, n, &error), error);
                for (size_t i = 0; i < n; i++) CHECK_INT(got16[i], values[at + i]);
                break;
            case 3:
                if (width > 10) continue;
                CHECK_OK(lm__rle_gather32(&decoder, dictionary32, 1u << width, got, n, &error),
                         error);
                for (size_t i = 0; i < n; i++) CHECK_INT(got[i], dictionary32[values[at + i]]);
                break;
            case 4:
                if (width > 10) continue;
                CHECK_OK(lm__rle_gather64(&decoder, dictionary64, 1u << width, got64, n, &error),
                         error);
                for (size_t i = 0; i < n; i++) CHECK(got64[i] == dictionary64[values[at + i]]);
                break;
            default:
                CHECK_OK(lm__rle_get32(&decoder, got, n, &error), error);
                CHECK_BYTES(got, values + at, n * 4);
            }
            at += n;
        }
        exact_free(cut);
    }
}

TEST(kernels_agree)
{
    uint64_t state = 6;
    uint32_t values[700], dictionary[40], out[700], want[700];
    uint64_t dictionary64[40], out64[700];
    uint16_t values16[700];
    uint8_t values8[700];
    for (int i = 0; i < 40; i++) dictionary64[i] = dictionary[i] = (uint32_t)check_random(&state);
    const lm_rle_kernels *scalar = lm__rle_kernels(LM_CPU_SCALAR);
    for (int round = 0; round < 4000 && !check_failed; round++) {
        size_t count = check_random(&state) % 700, entries = 1 + check_random(&state) % 40;
        make_values(&state, values, count, round % 2 ? 2 : 1);
        if (check_random(&state) & 1) {
            for (size_t i = 0; i < count; i++) values[i] = (uint32_t)check_random(&state) & 1;
        }
        for (size_t i = 0; i < count; i++) {
            values16[i] = (uint16_t)values[i];
            values8[i] = (uint8_t)values[i];
        }
        exact in = exact_copy(values, count * 4, 0), in16 = exact_copy(values16, count * 2, 0);
        exact in8 = exact_copy(values8, count, 0);
        size_t run = scalar->run32(values, count), find = scalar->find32(values, count);
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            const lm_rle_kernels *kernels = lm__rle_kernels(level);
            CHECK_INT(kernels->run32((const void *)in.data, count), run);
            CHECK_INT(kernels->run16((const void *)in16.data, count), run);
            CHECK_INT(kernels->run8(in8.data, count), run);
            CHECK_INT(kernels->find32((const void *)in.data, count), find);
            CHECK_INT(kernels->find16((const void *)in16.data, count), find);
            CHECK_INT(kernels->find8(in8.data, count), find);
        }
        for (size_t i = 0; i < count; i++) {
            values[i] = (uint32_t)check_random(&state) % (uint32_t)entries;
            want[i] = dictionary[values[i]];
        }
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            const lm_rle_kernels *kernels = lm__rle_kernels(level);
            CHECK(kernels->gather32(values, count, dictionary, entries, out));
            CHECK_BYTES(out, want, count * 4);
            CHECK(kernels->gather64(values, count, dictionary64, entries, out64));
            for (size_t i = 0; i < count; i++) CHECK(out64[i] == want[i]);
            if (count == 0) continue;
            size_t at = check_random(&state) % count;
            uint32_t kept = values[at];
            values[at] = (uint32_t)entries;
            CHECK(!kernels->gather32(values, count, dictionary, entries, out));
            CHECK(!kernels->gather64(values, count, dictionary64, entries, out64));
            values[at] = kept;
        }
        exact_free(in);
        exact_free(in16);
        exact_free(in8);
    }
}

TEST(bad_streams_are_refused)
{
    static const struct {
        uint8_t bytes[8];
        size_t size, count;
        unsigned width;
    } bad[] = {
        {{0}, 0, 1, 3},                                  /* nothing */
        {{0x00, 0x01}, 2, 1, 3},                         /* a run of none */
        {{0x01}, 1, 1, 3},                               /* no groups */
        {{0x10}, 1, 1, 3},                               /* no value */
        {{0x10, 0x08}, 2, 1, 3},                         /* a value of 4 bits */
        {{0x10, 0x01}, 2, 9, 3},                         /* 8 values, 9 wanted */
        {{0x03}, 1, 1, 3},                               /* a group without its bytes */
        {{0x03, 0x88}, 2, 3, 3},                         /* 2 values and a bit, 3 wanted */
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 6, 1, 3}, /* 6 bytes of header */
        {{0xfe, 0xff, 0xff, 0xff, 0x1f, 0x01}, 6, 1, 3}, /* past 32 bits */
        {{0x80, 0x80}, 2, 1, 3},                         /* inside the header */
    };
    uint32_t out[16];
    lm_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        exact cut = exact_copy(bad[i].bytes, bad[i].size, 0);
        lm_rle_decoder decoder;
        CHECK_OK(lm__rle_decoder_init(&decoder, cut.data, bad[i].size, bad[i].width, &error),
                 error);
        CHECK_STATUS(lm__rle_get32(&decoder, out, bad[i].count, &error), LM_CORRUPT);
        exact_free(cut);
    }
    lm_rle_decoder decoder;
    CHECK_STATUS(lm__rle_decoder_init(&decoder, out, 4, 33, &error), LM_CORRUPT);
    const uint8_t longer[] = {3, 0, 0, 0, 3, 0};
    CHECK_STATUS(lm__rle_decoder_init_bools(&decoder, longer, 6, &error), LM_CORRUPT);
    CHECK_STATUS(lm__rle_decoder_init_bools(&decoder, longer, 3, &error), LM_CORRUPT);
    /* A last group cut short still gives the values it holds. */
    const uint8_t cut[] = {0x03, 0x88};
    CHECK_OK(lm__rle_decoder_init(&decoder, cut, 2, 3, &error), error);
    CHECK_OK(lm__rle_get32(&decoder, out, 2, &error), error);
    CHECK_INT(out[1], 1);
}

TEST(garbage_stays_inside)
{
    uint64_t state = 8;
    static uint32_t out[3000];
    static uint64_t dictionary[16], out64[3000];
    for (int round = 0; round < 20000; round++) {
        size_t size = check_random(&state) % 60, count = check_random(&state) % 3000;
        unsigned width = (unsigned)(check_random(&state) % 33);
        exact src = exact_new(size, 0);
        random_bytes(&state, src.data, size);
        lm_rle_decoder decoder;
        lm_error error;
        size_t consumed, ones;
        uint8_t bits[400];
        CHECK_OK(lm__rle_decoder_init(&decoder, src.data, size, width, &error), error);
        lm_status status = LM_OK;
        switch (round % 5) {
        case 0: status = lm__rle_get32(&decoder, out, count, &error); break;
        case 1: status = lm__rle_gather64(&decoder, dictionary, 16, out64, count, &error); break;
        case 2: status = lm__rle_skip(&decoder, count, 3, &consumed, &error); break;
        case 3: status = lm__rle_get_bits(&decoder, bits, 5, count, &ones, &error); break;
        default:
            status = lm__bit_packed_levels(src.data, size, count, width % 20, (uint16_t *)out,
                                           &consumed, &error);
        }
        CHECK(status == LM_OK || status == LM_CORRUPT);
        exact_free(src);
    }
}

int main(void)
{
    RUN(golden);
    RUN(bit_packed_levels_golden);
    RUN(what_is_written_decodes);
    RUN(bits_decode_to_the_same_levels);
    RUN(pieces_skips_and_gathers);
    RUN(kernels_agree);
    RUN(bad_streams_are_refused);
    RUN(garbage_stays_inside);
    return DONE();
}
