/* Bit packing: golden bytes from Encodings.md, and every kernel held to a reading bit by bit. */
#include "encode/bitpack.h"
#include "exact.h"

static const char *level_names[] = {"scalar", "sse42", "avx2", "avx512"};

/* Bit by bit, slowly: what the specification says and nothing else. */
static void reference_pack(const uint64_t *values, size_t count, unsigned width, uint8_t *out)
{
    memset(out, 0, lm__bitpack_bytes(count, width));
    for (size_t i = 0; i < count; i++)
        for (unsigned b = 0; b < width; b++)
            if ((values[i] >> b) & 1)
                out[(i * width + b) / 8] |= (uint8_t)(1 << (i * width + b) % 8);
}

TEST(golden)
{
    /* Encodings.md: the numbers 0 to 7 in 3 bits give 10001000 11000110 11111010. */
    const uint8_t want[] = {0x88, 0xc6, 0xfa};
    for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
        const lm_bitpack_kernels *kernels = lm__bitpack_kernels(level);
        uint8_t values8[8], out[3 + LM_ENCODE_SLACK];
        uint16_t values16[8];
        uint32_t values32[8];
        uint64_t values64[8];
        for (unsigned i = 0; i < 8; i++) {
            values8[i] = (uint8_t)i;
            values16[i] = (uint16_t)i;
            values32[i] = i;
            values64[i] = i;
        }
        CHECK_INT(kernels->pack8(values8, 8, 3, out), 3);
        CHECK_BYTES(out, want, 3);
        CHECK_INT(kernels->pack16(values16, 8, 3, out), 3);
        CHECK_BYTES(out, want, 3);
        CHECK_INT(kernels->pack32(values32, 8, 3, out), 3);
        CHECK_BYTES(out, want, 3);
        CHECK_INT(kernels->pack64(values64, 8, 3, out), 3);
        CHECK_BYTES(out, want, 3);
        uint32_t back[8];
        kernels->unpack32(want, 3, 8, 3, back);
        for (unsigned i = 0; i < 8; i++) CHECK_INT(back[i], i);
    }
}

TEST(widths)
{
    CHECK_INT(lm__bit_width(0), 0);
    CHECK_INT(lm__bit_width(1), 1);
    CHECK_INT(lm__bit_width(255), 8);
    CHECK_INT(lm__bit_width(256), 9);
    CHECK_INT(lm__bit_width(~(uint64_t)0), 64);
    CHECK_INT(lm__bitpack_bytes(0, 7), 0);
    CHECK_INT(lm__bitpack_bytes(9, 7), 8);
    CHECK_INT(lm__bitpack_bytes(8, 64), 64);
}

/* One count, one width, every kernel: packed as the reference, unpacked as it was, with inputs and
 * outputs that end where they should. High bits that do not fit are put on top when `dirty`. */
#define ROUND(bits, type)                                                                          \
    static void round##bits(const lm_bitpack_kernels *kernels, const uint64_t *random,             \
                            size_t count, unsigned width, size_t shift, bool dirty)                \
    {                                                                                              \
        uint64_t mask = width ? ~(uint64_t)0 >> (64 - width) : 0;                                  \
        size_t bytes = lm__bitpack_bytes(count, width);                                            \
        exact values = exact_new(count * sizeof(type), shift * sizeof(type));                      \
        uint64_t *wide = malloc((count + 1) * 8);                                                  \
        type *at = malloc((count + 1) * sizeof(type));                                             \
        uint8_t *want = malloc(bytes + 1);                                                         \
        for (size_t i = 0; i < count; i++) {                                                       \
            wide[i] = random[i] & mask;                                                            \
            at[i] = (type)(dirty ? random[i] : wide[i]);                                           \
        }                                                                                          \
        if (count) memcpy(values.data, at, count * sizeof(type));                                  \
        reference_pack(wide, count, width, want);                                                  \
        exact packed = exact_new(bytes + LM_ENCODE_SLACK, shift);                                  \
        CHECK_INT(kernels->pack##bits((const void *)values.data, count, width, packed.data),       \
                  bytes);                                                                          \
        CHECK_BYTES(packed.data, want, bytes);                                                     \
        exact_free(packed);                                                                        \
        packed = exact_copy(want, bytes, shift);                                                   \
        exact out = exact_new(count * sizeof(type), 0);                                            \
        kernels->unpack##bits(packed.data, bytes, count, width, (void *)out.data);                 \
        for (size_t i = 0; i < count; i++) at[i] = (type)wide[i];                                  \
        CHECK_BYTES(out.data, at, count * sizeof(type));                                           \
        exact_free(packed);                                                                        \
        exact_free(out);                                                                           \
        exact_free(values);                                                                        \
        free(wide);                                                                                \
        free(at);                                                                                  \
        free(want);                                                                                \
    }

ROUND(8, uint8_t)
ROUND(16, uint16_t)
ROUND(32, uint32_t)
ROUND(64, uint64_t)

TEST(every_kernel_at_every_width_and_tail)
{
    static const size_t more[] = {255, 256, 257, 511, 512, 515, 1000};
    uint64_t state = 7, random[1000];
    for (size_t i = 0; i < 1000; i++) random[i] = check_random(&state);
    for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
        const lm_bitpack_kernels *kernels = lm__bitpack_kernels(level);
        for (unsigned width = 0; width <= 64 && !check_failed; width++) {
            for (size_t c = 0; c < 140 + sizeof more / sizeof *more; c++) {
                size_t count = c < 140 ? c : more[c - 140];
                size_t shift = check_random(&state) % 16;
                bool dirty = check_random(&state) & 1;
                if (width <= 8) round8(kernels, random, count, width, shift, dirty);
                if (width <= 16) round16(kernels, random, count, width, shift, dirty);
                if (width <= 32) round32(kernels, random, count, width, shift, dirty);
                round64(kernels, random, count, width, shift, dirty);
                if (check_failed) {
                    printf("# %s, width %u, count %zu\n", level_names[level], width, count);
                    break;
                }
            }
        }
    }
}

/* Unpacking may use bytes that follow the values, but what they hold must not matter. */
TEST(following_bytes_do_not_matter)
{
    uint64_t state = 11;
    uint8_t src[1024];
    for (unsigned width = 1; width <= 64; width++) {
        for (size_t count = 0; count < 70; count += 3) {
            size_t bytes = lm__bitpack_bytes(count, width);
            random_bytes(&state, src, sizeof src);
            exact cut = exact_copy(src, bytes, 0);
            for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
                uint64_t a[70], b[70];
                lm__bitpack_kernels(level)->unpack64(src, sizeof src, count, width, a);
                lm__bitpack_kernels(level)->unpack64(cut.data, bytes, count, width, b);
                CHECK_BYTES(a, b, count * 8);
                if (width > 32) continue;
                uint32_t c[70], d[70];
                lm__bitpack_kernels(level)->unpack32(src, sizeof src, count, width, c);
                lm__bitpack_kernels(level)->unpack32(cut.data, bytes, count, width, d);
                CHECK_BYTES(c, d, count * 4);
            }
            exact_free(cut);
        }
    }
}

int main(void)
{
    RUN(golden);
    RUN(widths);
    RUN(every_kernel_at_every_width_and_tail);
    RUN(following_bytes_do_not_matter);
    return DONE();
}
