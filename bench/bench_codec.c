/*
 * Snappy against libsnappy, and the other codecs, on pages of 1 MiB as a Parquet writer makes them:
 * MB/s of the unpacked bytes and the share that is left of them. The contenders take turns, and the
 * least time of many runs counts.
 *
 *     build/release/bench/bench_codec [word in a shape's name]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "codec/codec.h"

#if HAVE_SNAPPY
#include <snappy-c.h>
#endif

#define PAGE ((size_t)1 << 20)
#define RUNS 25

static uint64_t state = 1;

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

/* Pages: each fills `page`. */

static void fill_8(uint8_t *page, uint64_t (*value)(uint64_t i))
{
    for (uint64_t i = 0; i < PAGE / 8; i++) {
        uint64_t bits = value(i);
        memcpy(page + 8 * i, &bits, 8);
    }
}

static uint64_t id_21(uint64_t i) { return (void)i, random64() % 2000000; }
static uint64_t id_40(uint64_t i) { return (void)i, random64() >> 24; }
static uint64_t ascending(uint64_t i)
{
    return 1700000000000000u + i * 500000 + random64() % 500000;
}
static uint64_t price(uint64_t i)
{
    double euros = (double)(300 + random64() % 64 * (random64() % 64)) / 100;
    uint64_t bits;
    (void)i;
    memcpy(&bits, &euros, 8);
    return bits;
}
static uint64_t anything(uint64_t i) { return (void)i, random64(); }

static void fill_ids(uint8_t *page) { fill_8(page, id_21); }
static void fill_wide_ids(uint8_t *page) { fill_8(page, id_40); }
static void fill_times(uint8_t *page) { fill_8(page, ascending); }
static void fill_prices(uint8_t *page) { fill_8(page, price); }
static void fill_floats(uint8_t *page) { fill_8(page, anything); }

static void fill_zones(uint8_t *page)
{
    for (size_t i = 0; i < PAGE / 4; i++) {
        uint32_t zone = (uint32_t)(random64() % 265);
        memcpy(page + 4 * i, &zone, 4);
    }
}

/* Dictionary indices of three bits, one value in a half of the places; bit-packed. */
static void fill_indices(uint8_t *page)
{
    memset(page, 0, PAGE);
    for (size_t i = 0; i < PAGE * 8 / 3; i++) {
        uint64_t random = random64(), index = random & 8 ? 1 : random & 7;
        for (size_t bit = 0; bit < 3; bit++)
            page[(3 * i + bit) >> 3] |= (uint8_t)((index >> bit & 1) << ((3 * i + bit) & 7));
    }
}

/* PLAIN byte strings: a length of four bytes, then the text. */
static void fill_text(uint8_t *page, int (*make)(char text[128]))
{
    char text[128];
    for (size_t at = 0; at < PAGE;) {
        uint32_t size = (uint32_t)make(text);
        uint8_t piece[160];
        memcpy(piece, &size, 4);
        memcpy(piece + 4, text, size);
        size_t room = PAGE - at < size + 4 ? PAGE - at : size + 4;
        memcpy(page + at, piece, room);
        at += room;
    }
}

static const char *const words[] = {"alpha", "beta", "gamma", "delta",
                                    "news",  "shop", "item",  "view"};
static int make_url(char text[128])
{
    return snprintf(text, 128, "https://www.example.com/%s/%s?id=%d", words[random64() % 8],
                    words[random64() % 8], (int)(random64() % 10000000));
}
static int make_uuid(char text[128])
{
    uint64_t a = random64(), b = random64();
    return snprintf(text, 128, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
                    (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff), (unsigned)(b >> 48),
                    (unsigned long long)(b & 0xffffffffffffu));
}
static int make_name(char text[128])
{
    return snprintf(text, 128, "customer name %d", (int)(random64() % 50000));
}
static int make_word(char text[128]) { return snprintf(text, 128, "%s", words[random64() % 8]); }

static void fill_urls(uint8_t *page) { fill_text(page, make_url); }
static void fill_uuids(uint8_t *page) { fill_text(page, make_uuid); }
static void fill_names(uint8_t *page) { fill_text(page, make_name); }
static void fill_words(uint8_t *page) { fill_text(page, make_word); }

static const struct {
    const char *name;
    void (*fill)(uint8_t *page);
    lm_codec_kind kind; /* as the writer says it */
} shapes[] = {
    {"int64 ids below 2 million", fill_ids, LM_CODEC_WORDS},
    {"int64 ids of 40 bits", fill_wide_ids, LM_CODEC_WORDS},
    {"timestamps, ascending", fill_times, LM_CODEC_WORDS},
    {"prices, float64", fill_prices, LM_CODEC_WORDS},
    {"random float64", fill_floats, LM_CODEC_WORDS},
    {"int32 zones", fill_zones, LM_CODEC_BYTES},
    {"dictionary indices, 3 bits", fill_indices, LM_CODEC_BYTES},
    {"urls", fill_urls, LM_CODEC_STRINGS},
    {"uuids", fill_uuids, LM_CODEC_STRINGS},
    {"names with numbers", fill_names, LM_CODEC_STRINGS},
    {"words", fill_words, LM_CODEC_STRINGS},
};

/* Contenders: libsnappy is number -1. */
typedef struct result {
    double pack, unpack; /* seconds */
    size_t size;
} result;

static lm_codec_context *context;
static lm_error error;
static uint8_t *page, *packed, *unpacked;
static size_t capacity;

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, error.message);
    exit(1);
}

static void run_once(int codec, lm_codec_kind kind, result *best)
{
    size_t size = 0;
    double start = now(), between, end;
    if (codec >= 0) {
        const lm_codec_layout layout = {kind, 0};
        if (lm__codec_compress_values(context, (lm_codec)codec, LM_CODEC_LEVEL_DEFAULT, &layout,
                                      page, PAGE, packed, capacity, &size, &error) != LM_OK)
            die("compress");
        between = now();
        if (lm__codec_decompress(context, codec, packed, size, unpacked, PAGE, &error) != LM_OK)
            die("decompress");
    } else {
#if HAVE_SNAPPY
        size_t room = PAGE;
        size = capacity;
        if (snappy_compress((char *)page, PAGE, (char *)packed, &size) != SNAPPY_OK)
            die("libsnappy");
        between = now();
        if (snappy_uncompress((char *)packed, size, (char *)unpacked, &room) != SNAPPY_OK)
            die("libsnappy");
#else
        between = start;
#endif
    }
    end = now();
    if (memcmp(page, unpacked, PAGE) != 0) die("what came back differs");
    if (between - start < best->pack) best->pack = between - start;
    if (end - between < best->unpack) best->unpack = end - between;
    best->size = size;
}

static double rate(double seconds) { return (double)PAGE / seconds / 1e6; }

static void run_shape(const char *name, lm_codec_kind kind)
{
    static const int others[] = {LM_CODEC_LZ4_RAW, LM_CODEC_ZSTD};
    result ours = {1e9, 1e9, 0}, theirs = ours, other[2] = {ours, ours};
    for (int run = 0; run < RUNS; run++) {
        run_once(LM_CODEC_SNAPPY, kind, &ours);
        if (HAVE_SNAPPY) run_once(-1, kind, &theirs);
        for (int i = 0; i < 2; i++) run_once(others[i], kind, &other[i]);
    }
    printf("%-28s snappy %.3f %6.0f %6.0f", name, (double)ours.size / PAGE, rate(ours.pack),
           rate(ours.unpack));
    if (HAVE_SNAPPY)
        printf(" | libsnappy %.3f %6.0f %6.0f (%.2f x, %.2f x)", (double)theirs.size / PAGE,
               rate(theirs.pack), rate(theirs.unpack), theirs.pack / ours.pack,
               theirs.unpack / ours.unpack);
    for (int i = 0; i < 2; i++)
        printf(" | %s %.3f %.0f %.0f", lm__codec_name(others[i]), (double)other[i].size / PAGE,
               rate(other[i].pack), rate(other[i].unpack));
    printf("\n");
}

int main(int argc, char **argv)
{
    page = malloc(PAGE);
    unpacked = malloc(PAGE);
    capacity = 2 * PAGE;
    packed = malloc(capacity);
    if (!page || !unpacked || !packed) return 1;
    if (lm__codec_context_new(NULL, &context, &error) != LM_OK) die("context");
    printf("share left, MB/s packed, MB/s unpacked, of a page of 1 MiB\n");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (argc > 1 && !strstr(shapes[i].name, argv[1])) continue;
        shapes[i].fill(page);
        run_shape(shapes[i].name, shapes[i].kind);
    }
    lm__codec_context_free(context);
    free(page);
    free(unpacked);
    free(packed);
    return 0;
}
