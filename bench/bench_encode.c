/*
 * The encodings' kernels against memcpy: GB/s of the values in memory (not of the encoded bytes),
 * and that as a share of what memcpy reaches on the same values. The least time of many runs
 * counts.
 *
 *     build/release/bench/bench_encode [word in a line's name]
 */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "encode/bitpack.h"
#include "encode/delta.h"
#include "encode/dict.h"
#include "encode/minmax.h"
#include "encode/plain.h"
#include "encode/rle.h"
#include "encode/split.h"

#ifndef COUNT
#define COUNT ((size_t)1 << 17)
#endif
#define RUNS 40

static const char *only;
static uint64_t state = 1;
static uint8_t *in, *out, *back, *bits;
static lm_error error;
static double memcpy_rate[9]; /* by width */

static uint64_t random64(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void report(const char *name, double seconds, double bytes)
{
    double rate = bytes / seconds / 1e9, base = memcpy_rate[8];
    printf("%-44s %8.2f GB/s %6.2f x memcpy %8.0f M values/s\n", name, rate, rate / base,
           (double)COUNT / seconds / 1e6);
}

static void check(lm_status status)
{
    if (status == LM_OK) return;
    fprintf(stderr, "%s\n", error.message);
    exit(1);
}

/* Runs the statement many times and reports the least time. */
#define BENCH(bytes, statement, ...)                                                               \
    do {                                                                                           \
        char name_[80];                                                                            \
        snprintf(name_, sizeof name_, __VA_ARGS__);                                                \
        if (only && !strstr(name_, only)) break;                                                   \
        double best_ = 1e9;                                                                        \
        for (int run_ = 0; run_ < RUNS; run_++) {                                                  \
            double start_ = now();                                                                 \
            statement;                                                                             \
            double took_ = now() - start_;                                                         \
            if (took_ < best_) best_ = took_;                                                      \
        }                                                                                          \
        report(name_, best_, (double)(bytes));                                                     \
    } while (0)

static void bench_memcpy(void)
{
    double best = 1e9;
    for (int run = 0; run < 200; run++) {
        double start = now();
        memcpy(out, in, COUNT * 4);
        __asm__ volatile("" ::: "memory");
        double took = now() - start;
        if (took < best) best = took;
    }
    memcpy_rate[8] = (double)COUNT * 4 / best / 1e9;
    report("memcpy, 512 KiB", best, (double)COUNT * 4);
}

static void bench_bitpack(void)
{
    static const unsigned widths[] = {1, 3, 7, 8, 10, 13, 17, 20, 27, 30, 31, 40, 53, 61};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        unsigned width = widths[w];
        uint64_t mask = ~(uint64_t)0 >> (64 - width);
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t value = random64() & mask;
            if (width <= 32)
                ((uint32_t *)(void *)in)[i] = (uint32_t)value;
            else
                ((uint64_t *)(void *)in)[i] = value;
        }
        size_t size = lm__bitpack_bytes(COUNT, width);
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            if (level == LM_CPU_SSE42) continue;
            const lm_bitpack_kernels *kernels = lm__bitpack_kernels(level);
            if (width <= 32) {
                BENCH(COUNT * 4, kernels->pack32((void *)in, COUNT, width, out),
                      "pack32 width %u level %d", width, level);
                BENCH(COUNT * 4, kernels->unpack32(out, size, COUNT, width, (void *)back),
                      "unpack32 width %u level %d", width, level);
            } else {
                BENCH(COUNT * 8, kernels->pack64((void *)in, COUNT, width, out),
                      "pack64 width %u level %d", width, level);
                BENCH(COUNT * 8, kernels->unpack64(out, size, COUNT, width, (void *)back),
                      "unpack64 width %u level %d", width, level);
            }
        }
    }
}

static void decode32(size_t size, unsigned width)
{
    lm_rle_decoder decoder;
    check(lm__rle_decoder_init(&decoder, out, size, width, &error));
    check(lm__rle_get32(&decoder, (void *)back, COUNT, &error));
}

static void bench_rle_values(const char *what, unsigned width)
{
    uint32_t *values = (void *)in, *dictionary = (void *)bits;
    size_t size = lm__rle_encode32(values, COUNT, width, out);
    BENCH(COUNT * 4, lm__rle_encode32(values, COUNT, width, out), "rle encode %s", what);
    BENCH(COUNT * 4, decode32(size, width), "rle decode %s", what);
    if (width > 20) return;
    for (size_t i = 0; i < (size_t)1 << width; i++) dictionary[i] = (uint32_t)i * 3;
    lm_rle_decoder decoder;
    BENCH(COUNT * 4,
          (check(lm__rle_decoder_init(&decoder, out, size, width, &error)),
           check(lm__rle_gather32(&decoder, dictionary, (size_t)1 << width, (void *)back, COUNT,
                                  &error))),
          "rle gather32 %s", what);
    BENCH(COUNT * 8,
          (check(lm__rle_decoder_init(&decoder, out, size, width, &error)),
           check(lm__rle_gather64(&decoder, (void *)dictionary, (size_t)1 << width, (void *)back,
                                  COUNT, &error))),
          "rle gather64 %s", what);
}

static void bench_rle(void)
{
    uint32_t *values = (void *)in;
    for (size_t i = 0; i < COUNT; i++) values[i] = (uint32_t)(i / 100);
    bench_rle_values("ids, each 100 times", 11);
    for (size_t i = 0; i < COUNT; i++) values[i] = (uint32_t)(i / 10);
    bench_rle_values("ids, each 10 times", 14);
    for (size_t i = 0; i < COUNT; i++) values[i] = (uint32_t)random64() & 1023;
    bench_rle_values("random of 1024", 10);
    for (size_t i = 0; i < COUNT; i++) values[i] = (uint32_t)random64() & 7;
    bench_rle_values("random of 8", 3);
    for (size_t i = 0; i < COUNT; i++) values[i] = (uint32_t)random64() & 0x1ffff;
    bench_rle_values("random of 131072", 17);
    for (size_t i = 0; i < COUNT;) {
        size_t n = 1 + random64() % 20;
        for (uint32_t value = (uint32_t)random64() & 255; n && i < COUNT; n--) values[i++] = value;
    }
    bench_rle_values("runs of 1 to 20 of 256", 8);
    static const char *names[] = {"no nulls", "random 10 % nulls", "half nulls", "runs of nulls"};
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < COUNT / 8 + 8; i++) {
            uint64_t some = random64();
            in[i] = kind == 0   ? 0xff
                    : kind == 1 ? (uint8_t) ~(some & some >> 8 & some >> 16)
                    : kind == 2 ? (uint8_t)some
                                : (uint8_t)(i / 64 % 2 ? 0xff : 0);
        }
        size_t size = lm__rle_encode_bits((lm_bits){in, 3}, COUNT, out), ones;
        BENCH(COUNT / 8, lm__rle_encode_bits((lm_bits){in, 3}, COUNT, out), "levels encode, %s",
              names[kind]);
        lm_rle_decoder decoder;
        BENCH(COUNT / 8,
              (check(lm__rle_decoder_init(&decoder, out, size, 1, &error)),
               check(lm__rle_get_bits(&decoder, back, 0, COUNT, &ones, &error))),
              "levels decode, %s", names[kind]);
    }
}

static void bench_plain(void)
{
    static const size_t widths[] = {1, 2, 4, 8, 12, 16};
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < COUNT / 8 + 8; i++) {
            uint64_t some = random64();
            bits[i] = kind ? (uint8_t)some : (uint8_t) ~(some & some >> 8 & some >> 16);
        }
        lm_bits valid = {bits, 0};
        for (size_t w = 0; w < 6; w++) {
            for (lm_cpu_level level = 0; level <= lm__cpu_level(); level += 3) {
                const lm_plain_kernels *kernels = lm__plain_kernels(level);
                BENCH(COUNT * widths[w], kernels->compact(in, widths[w], valid, COUNT, out),
                      "compact width %zu %s level %d", widths[w],
                      kind ? "half nulls" : "10 % nulls", level);
                BENCH(COUNT * widths[w], kernels->expand(out, widths[w], valid, COUNT, back),
                      "expand width %zu %s level %d", widths[w], kind ? "half nulls" : "10 % nulls",
                      level);
            }
        }
    }
    BENCH(COUNT * 4, lm__widen_i8((void *)in, COUNT, (void *)out), "widen int8");
    BENCH(COUNT * 4, lm__widen_u16((void *)in, COUNT, (void *)out), "widen uint16");
}

/* Strings of the given lengths, into offsets and data. */
static int32_t offsets[COUNT + 1];
static size_t make_strings(size_t least, size_t most, size_t distinct)
{
    size_t total = 0;
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t which = random64() % distinct;
        uint64_t seed = which * 0x9e3779b97f4a7c15u;
        size_t size = least + (seed >> 20) % (most - least + 1);
        offsets[i] = (int32_t)total;
        for (size_t k = 0; k < size; k += 8, seed = seed * 0xd1342543de82ef95u + 1) {
            uint64_t letters = (seed >> 3 & 0x0f0f0f0f0f0f0f0f) + 0x6161616161616161;
            memcpy(in + total + k, &letters, 8);
        }
        total += size;
    }
    offsets[COUNT] = (int32_t)total;
    return total;
}

static void bench_strings(void)
{
    static const size_t sizes[][2] = {{1, 8}, {10, 10}, {1, 30}, {36, 36}, {40, 120}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t total = make_strings(sizes[s][0], sizes[s][1], 1000), bytes, consumed;
        lm_strings strings = {LM_STRINGS_OFFSETS32, 0, offsets, in, NULL};
        size_t size = lm__plain_strings_encode(&strings, LM_BITS_ALL, COUNT, out);
        BENCH(total + 4 * COUNT, lm__plain_strings_encode(&strings, LM_BITS_ALL, COUNT, out),
              "plain strings encode, %zu to %zu bytes", sizes[s][0], sizes[s][1]);
        static int32_t decoded[COUNT + 1];
        BENCH(total + 4 * COUNT,
              check(lm__plain_strings_decode32(out, size, COUNT, 0, decoded, back, &bytes,
                                               &consumed, &error)),
              "plain strings decode, %zu to %zu bytes", sizes[s][0], sizes[s][1]);
        size_t least, most;
        BENCH(total + 4 * COUNT, lm__minmax_strings(&strings, LM_BITS_ALL, COUNT, &least, &most),
              "minmax strings, %zu to %zu bytes", sizes[s][0], sizes[s][1]);
        static const size_t distinct[] = {10, 1000, 20000};
        for (size_t d = 0; d < 3; d++) {
            total = make_strings(sizes[s][0], sizes[s][1], distinct[d]);
            lm_dict_options options = {.width = 0, .bytes_max = 8 << 20};
            lm_dict *dict;
            lm_dict_progress progress;
            check(lm__dict_new(&options, &dict, &error));
            BENCH(total + 4 * COUNT,
                  check(lm__dict_put_strings(dict, &strings, LM_BITS_ALL, COUNT, (void *)back,
                                             &progress, &error)),
                  "dict strings, %zu to %zu bytes, %zu", sizes[s][0], sizes[s][1], distinct[d]);
            lm__dict_free(dict);
        }
    }
}

static void bench_delta_values(const char *what)
{
    const int64_t *values = (const int64_t *)(const void *)in;
    static int32_t narrow[COUNT];
    for (size_t i = 0; i < COUNT; i++) narrow[i] = (int32_t)values[i];
    size_t consumed, size = lm__delta32_encode(narrow, COUNT, out);
    BENCH(COUNT * 4, lm__delta32_encode(narrow, COUNT, out), "delta32 encode %s", what);
    BENCH(COUNT * 4,
          check(lm__delta32_decode(out, size, COUNT, (int32_t *)(void *)back, &consumed, &error)),
          "delta32 decode %s", what);
    size = lm__delta64_encode(values, COUNT, out);
    BENCH(COUNT * 8, lm__delta64_encode(values, COUNT, out), "delta64 encode %s", what);
    BENCH(COUNT * 8,
          check(lm__delta64_decode(out, size, COUNT, (int64_t *)(void *)back, &consumed, &error)),
          "delta64 decode %s", what);
}

static void bench_delta_kernels(lm_cpu_level level)
{
    const lm_delta_kernels *kernels = lm__delta_kernels(level);
    uint64_t *deltas = (uint64_t *)(void *)back, ors[4];
    BENCH(COUNT * 4 - 512,
          for (size_t i = 1; i + 128 <= COUNT; i += 128)
              kernels->block32((int32_t *)(void *)in + i, (uint32_t *)deltas, (uint32_t *)ors),
          "delta block32 level %d", level);
    BENCH(COUNT * 8 - 1024,
          for (size_t i = 1; i + 128 <= COUNT; i += 128)
              kernels->block64((int64_t *)(void *)in + i, deltas, ors),
          "delta block64 level %d", level);
    BENCH(COUNT * 4,
          for (size_t i = 0; i < COUNT; i += 128)
              kernels->sum32((uint32_t *)(void *)out + i, 128, 1, 1),
          "delta sum32 level %d", level);
    BENCH(COUNT * 8,
          for (size_t i = 0; i < COUNT; i += 128)
              kernels->sum64((uint64_t *)(void *)out + i, 128, 1, 1),
          "delta sum64 level %d", level);
}

static void bench_delta(void)
{
    int64_t *values = (int64_t *)(void *)in;
    for (size_t i = 0; i < COUNT; i++) values[i] = (int64_t)i;
    bench_delta_values("ids");
    for (size_t i = 0; i < COUNT; i++) values[i] = (int64_t)(i * 1000 + random64() % 200);
    bench_delta_values("times, 9 bits");
    for (size_t i = 0; i < COUNT; i++)
        values[i] = (int64_t)(i << 10) + (int64_t)(random64() >> (i / 40 % 8 + 54));
    bench_delta_values("times, widths that change");
    for (size_t i = 0; i < COUNT; i++) values[i] = (int64_t)(random64() >> 44);
    bench_delta_values("random of 2^20");
    for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++)
        if (level != LM_CPU_SSE42) bench_delta_kernels(level);
}

static void bench_delta_strings(void)
{
    static const size_t sizes[][2] = {{1, 8}, {10, 10}, {1, 30}, {36, 36}, {40, 120}};
    static int32_t decoded[COUNT + 1];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t total = make_strings(sizes[s][0], sizes[s][1], 1000);
        lm_strings strings = {LM_STRINGS_OFFSETS32, 0, offsets, in, NULL};
        for (int prefixes = 0; prefixes < 2; prefixes++) {
            char what[60];
            snprintf(what, sizeof what, "%s, %zu to %zu bytes", prefixes ? "strings" : "lengths",
                     sizes[s][0], sizes[s][1]);
            size_t size = prefixes ? lm__delta_strings_encode(&strings, LM_BITS_ALL, COUNT, out)
                                   : lm__delta_length_encode(&strings, LM_BITS_ALL, COUNT, out);
            lm_delta_reader reader;
            BENCH(total + 4 * COUNT,
                  prefixes ? lm__delta_strings_encode(&strings, LM_BITS_ALL, COUNT, out)
                           : lm__delta_length_encode(&strings, LM_BITS_ALL, COUNT, out),
                  "delta encode %s", what);
            BENCH(total + 4 * COUNT,
                  (check(prefixes ? lm__delta_strings_open(&reader, NULL, out, size, COUNT,
                                                           (lm_slice){0}, &error)
                                  : lm__delta_length_open(&reader, NULL, out, size, COUNT, &error)),
                   check(lm__delta_reader_read32(&reader, 0, decoded, back, &error)),
                   lm__delta_reader_close(&reader)),
                  "delta decode %s", what);
        }
    }
}

static void bench_split(void)
{
    for (size_t i = 0; i < COUNT * 8; i++) in[i] = (uint8_t)random64();
    for (size_t width = 2; width <= 16; width *= 2)
        for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
            if (level == LM_CPU_SSE42) continue;
            const lm_split_kernels *kernels = lm__split_kernels(level);
            size_t count = COUNT * 4 / width;
            BENCH(COUNT * 4, kernels->encode(in, count, width, out),
                  "split encode width %zu level %d", width, level);
            BENCH(COUNT * 4, kernels->decode(out, count, count, width, back),
                  "split decode width %zu level %d", width, level);
        }
}

static void bench_dict_values(const char *what, size_t width)
{
    lm_dict_options options = {.width = width};
    lm_dict *dict;
    lm_dict_progress progress;
    check(lm__dict_new(&options, &dict, &error));
    BENCH(COUNT * width,
          (lm__dict_reset(dict),
           check(lm__dict_put(dict, in, LM_BITS_ALL, COUNT, (void *)out, &progress, &error))),
          "dict%zu %s, from empty", width * 8, what);
    BENCH(COUNT * width,
          check(lm__dict_put(dict, in, LM_BITS_ALL, COUNT, (void *)out, &progress, &error)),
          "dict%zu %s, settled", width * 8, what);
    lm__dict_free(dict);
    lm_dict_estimate estimate;
    BENCH(
        COUNT * width,
        check(lm__dict_estimate(&options, in, NULL, LM_BITS_ALL, COUNT, COUNT, &estimate, &error)),
        "dict%zu %s, estimate", width * 8, what);
}

static void bench_dict(void)
{
    uint32_t *u32 = (void *)in;
    uint64_t *u64 = (void *)in;
    double *f64 = (void *)in;
    for (size_t i = 0; i < COUNT; i++) in[i] = (uint8_t)random64();
    bench_dict_values("random of 256", 1);
    for (size_t i = 0; i < COUNT; i++) u32[i] = (uint32_t)(random64() % 6);
    bench_dict_values("random of 6", 4);
    for (size_t i = 0; i < COUNT; i++) u32[i] = (uint32_t)(random64() % 300);
    bench_dict_values("random of 300", 4);
    for (size_t i = 0; i < COUNT; i++) u32[i] = (uint32_t)(random64() % 50000);
    bench_dict_values("random of 50000", 4);
    for (size_t i = 0; i < COUNT; i++) u32[i] = (uint32_t)(random64() % 10000) * 1000003;
    bench_dict_values("scattered 10000", 4);
    for (size_t i = 0; i < COUNT; i++) u32[i] = (uint32_t)(i / 100);
    bench_dict_values("ids, each 100 times", 4);
    for (size_t i = 0; i < COUNT; i++) u64[i] = 1000000 + i / 10;
    bench_dict_values("ids, each 10 times", 8);
    for (size_t i = 0; i < COUNT; i++) u64[i] = 1000000 + i / 3;
    bench_dict_values("ids, each 3 times", 8);
    for (size_t i = 0; i < COUNT; i++) u64[i] = random64() % 100000 * 977;
    bench_dict_values("scattered 100000", 8);
    for (size_t i = 0; i < COUNT; i++) f64[i] = (double)(random64() % 100) / 100;
    bench_dict_values("prices of 100", 8);
    for (size_t i = 0; i < COUNT; i++) f64[i] = (double)(random64() % 3000) / 100;
    bench_dict_values("prices of 3000", 8);
    for (size_t i = 0; i < COUNT; i++) f64[i] = (double)(random64() % 10000) / 100;
    bench_dict_values("prices of 10000", 8);
    for (size_t i = 0; i < COUNT; i++) f64[i] = (double)(int64_t)(random64() % 10);
    bench_dict_values("counts of 10", 8);
    for (size_t i = 0; i < COUNT; i++) {
        double u = (double)(random64() >> 11) / 9007199254740992.0;
        f64[i] = floor(2.5 * exp(2.5 * u) * exp(u * u) * 100) / 100;
    }
    bench_dict_values("skewed prices", 8);
    for (size_t i = 0; i < COUNT; i++) u64[i] = random64() % 5000 * 0x9e3779b97f4a7c15u;
    bench_dict_values("scattered 5000 pairs", 16);
}

static void bench_minmax(void)
{
    for (size_t i = 0; i < COUNT * 8; i++) in[i] = (uint8_t)random64();
    for (size_t i = 0; i < COUNT; i++) ((double *)(void *)in)[i] = (double)(random64() >> 20);
    for (lm_cpu_level level = 0; level <= lm__cpu_level(); level++) {
        if (level == LM_CPU_SSE42) continue;
        const lm_minmax_kernels *kernels = lm__minmax_kernels(level);
        int64_t least[2], most[2];
        BENCH(COUNT, kernels->i8((void *)in, COUNT, (void *)least, (void *)most),
              "minmax int8 level %d", level);
        BENCH(COUNT * 2, kernels->i16((void *)in, COUNT, (void *)least, (void *)most),
              "minmax int16 level %d", level);
        BENCH(COUNT * 4, kernels->i32((void *)in, COUNT, (void *)least, (void *)most),
              "minmax int32 level %d", level);
        BENCH(COUNT * 8, kernels->i64((void *)in, COUNT, (void *)least, (void *)most),
              "minmax int64 level %d", level);
        BENCH(COUNT * 4, kernels->f32((void *)in, COUNT, (void *)least, (void *)most),
              "minmax float level %d", level);
        BENCH(COUNT * 8, kernels->f64((void *)in, COUNT, (void *)least, (void *)most),
              "minmax double level %d", level);
    }
    BENCH(COUNT / 8, lm__bits_count((lm_bits){in, 3}, COUNT), "bits count");
}

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : NULL;
    /* What is freed stays ours: or each decoding of lengths would wait for fresh pages. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    size_t room = COUNT * 200 + 4096;
    in = malloc(room);
    out = malloc(room);
    back = malloc(room);
    bits = malloc(room);
    if (!in || !out || !back || !bits) return 1;
    memset(in, 1, room);
    memset(out, 1, room);
    memset(back, 1, room);
    memset(bits, 1, room);
    bench_memcpy();
    bench_bitpack();
    bench_rle();
    bench_plain();
    bench_strings();
    bench_delta();
    bench_delta_strings();
    bench_split();
    bench_dict();
    bench_minmax();
    free(in);
    free(out);
    free(back);
    free(bits);
    return 0;
}
