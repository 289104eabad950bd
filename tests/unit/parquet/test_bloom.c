/* Bloom filters and the hash beneath, on values worked out from BloomFilter.md and by libxxhash. */
#include "parquet/bloom.h"

#include "base/limits.h"
#include "check.h"
#include "check_alloc.h"

static lm_error error;

TEST(hash)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } cases[] = {
        {0, 0xef46db3751d8e999},   {1, 0x1f25c8d0bc1f4bb6},  {3, 0x31d2363f52e564c9},
        {4, 0x9bb64b7d66ee9fda},   {7, 0x9a7b149959ce60d8},  {8, 0xdab99d95c6f90092},
        {9, 0x170bb6bf975b4c02},   {12, 0xd52e407833af5133}, {15, 0x1b47cb8243cc8e32},
        {16, 0x434850232b787be2},  {31, 0xa2aa5f33cc4a6119}, {32, 0x23c3c17ef790fd97},
        {33, 0x50a7cfc7ba588784},  {40, 0xb620306b253d76b6}, {63, 0x5e3e54b431c7493c},
        {64, 0x0eb64b3ef6eeb01f},  {65, 0xa383b724b2bd12f1}, {100, 0xa61f8d4c170fe531},
        {199, 0xf7efd3430a01de39},
    };
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(lm__xxh64(bytes, cases[i].size) == cases[i].hash);
    for (size_t i = 0; i < 100; i++) {
        CHECK(lm__xxh64_4(bytes + i) == lm__xxh64(bytes + i, 4));
        CHECK(lm__xxh64_8(bytes + i) == lm__xxh64(bytes + i, 8));
    }
}

/* The bits of three values in a filter of four blocks. */
TEST(golden_bits)
{
    static const uint32_t first[8] = {0x10 | 0x100000,    0x80 | 0x200,      0x8000000 | 0x400,
                                      0x200 | 0x80,       0x2 | 0x200,       0x400000 | 0x80000000,
                                      0x200 | 0x10000000, 0x1000 | 0x8000000};
    static const uint32_t second[8] = {0x100, 0x20000000, 0x40, 0x1000, 0x8, 0x4, 0x2000000, 0x4};
    int64_t seven = 7;
    int32_t minus_one = -1;
    lm_bloom bloom;
    CHECK_OK(lm__bloom_init(&bloom, NULL, 128, &error), error);
    lm__bloom_insert_8(&bloom, &seven, 1);
    lm__bloom_insert_4(&bloom, &minus_one, 1);
    lm__bloom_insert_bytes(&bloom, "hello", 5);
    CHECK_BYTES(bloom.words, first, 32);
    CHECK_BYTES(bloom.words + 8, second, 32);
    for (int i = 16; i < 32; i++) CHECK_INT(bloom.words[i], 0);
    CHECK(lm__bloom_has(&bloom, "hello", 5));
    CHECK(lm__bloom_has(&bloom, &seven, 8));
    CHECK(!lm__bloom_has(&bloom, "hallo", 5));
    lm__bloom_deinit(&bloom);
}

TEST(sizes)
{
    static const struct {
        uint64_t distinct;
        double rate;
        size_t bytes;
    } cases[] = {
        {0, 0.01, 32},
        {1, 0.01, 32},
        {1000, 0.01, 2048},
        {100000, 0.01, 131072},
        {1000000, 0.001, 2097152},
        {1000000, 0.05, 1048576},
        {20000, 0.1, 16384},
        {UINT64_MAX, 0.01, LM_PARQUET_BLOOM_BYTES_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(lm__bloom_bytes(cases[i].distinct, cases[i].rate, 0), cases[i].bytes);
    CHECK_INT(lm__bloom_bytes(1000000, 0.01, 5000), 4096);
    CHECK_INT(lm__bloom_bytes(1000000, 0, 0), lm__bloom_bytes(1000000, 1e-9, 0));
    CHECK_INT(lm__bloom_bytes(100, 2, 0), lm__bloom_bytes(100, 0.999, 0));
}

/* Invariants 2 and 3, and about as many false positives as were asked for. */
TEST(found_and_not_found)
{
    enum { COUNT = 20000 };
    lm_bloom bloom, scalar;
    uint64_t state = 1, *hashes = malloc(COUNT * sizeof *hashes);
    size_t bytes = lm__bloom_bytes(COUNT, 0.01, 0), wrong = 0;
    CHECK_OK(lm__bloom_init(&bloom, NULL, bytes, &error), error);
    CHECK_OK(lm__bloom_init(&scalar, NULL, bytes, &error), error);
    for (size_t i = 0; i < COUNT; i++) hashes[i] = check_random(&state);
    lm__bloom_insert_hashes(&bloom, hashes, COUNT);
    lm__bloom_insert_scalar(&scalar, hashes, COUNT);
    CHECK_BYTES(bloom.words, scalar.words, bytes);
    for (size_t i = 0; i < COUNT; i++) CHECK(lm__bloom_has_hash(&bloom, hashes[i]));
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t other = check_random(&state);
        CHECK_INT(lm__bloom_has_hash(&bloom, other), lm__bloom_has_scalar(&bloom, other));
        wrong += lm__bloom_has_hash(&bloom, other);
    }
    CHECK(wrong < COUNT / 50);
    lm__bloom_deinit(&bloom);
    lm__bloom_deinit(&scalar);
    free(hashes);
}

/* All ways in give the same filter as one value at a time. */
TEST(batches)
{
    enum { COUNT = 200 };
    lm_bloom one, many;
    uint8_t values[COUNT * 16];
    int32_t offsets[COUNT + 1] = {0};
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof values; i++) values[i] = (uint8_t)check_random(&state);
    for (size_t i = 0; i < COUNT; i++) offsets[i + 1] = offsets[i] + (int32_t)(i % 30);
    for (int way = 0; way < 4; way++) {
        CHECK_OK(lm__bloom_init(&one, NULL, 512, &error), error);
        CHECK_OK(lm__bloom_init(&many, NULL, 512, &error), error);
        for (size_t i = 0; i < COUNT; i++) {
            size_t width = way == 0 ? 4 : way == 1 ? 8 : 16;
            if (way < 3) lm__bloom_insert_bytes(&one, values + i * width, width);
            if (way == 3)
                lm__bloom_insert_bytes(&one, values + offsets[i],
                                       (size_t)(offsets[i + 1] - offsets[i]));
        }
        if (way == 0) lm__bloom_insert_4(&many, values, COUNT);
        if (way == 1) lm__bloom_insert_8(&many, values, COUNT);
        if (way == 2) lm__bloom_insert_fixed(&many, values, 16, COUNT);
        if (way == 3) lm__bloom_insert_offsets32(&many, values, offsets, COUNT);
        CHECK_BYTES(many.words, one.words, 512);
        lm__bloom_deinit(&one);
        lm__bloom_deinit(&many);
    }
}

TEST(written_and_read)
{
    /* BloomFilterHeader: numBytes 64 (zigzag 80 01), three unions of an empty struct each. */
    static const uint8_t header[] = {0x15, 0x80, 0x01, 0x1c, 0x1c, 0x00, 0x00, 0x1c,
                                     0x1c, 0x00, 0x00, 0x1c, 0x1c, 0x00, 0x00, 0x00};
    lm_bloom bloom, read;
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    CHECK_OK(lm__bloom_init(&bloom, NULL, 64, &error), error);
    lm__bloom_insert_bytes(&bloom, "hello", 5);
    CHECK_STATUS(lm__bloom_write(&bloom, &out), LM_OK);
    CHECK_INT(out.size, sizeof header + 64);
    CHECK_BYTES(out.data, header, sizeof header);
    for (size_t shift = 0; shift < 5; shift++) {
        uint8_t *memory = malloc(shift + out.size);
        memcpy(memory + shift, out.data, out.size);
        CHECK_OK(lm__bloom_read(&read, NULL, memory + shift, out.size, &error), error);
        CHECK_INT(read.blocks, 2);
        CHECK(lm__bloom_has(&read, "hello", 5));
        CHECK(!lm__bloom_has(&read, "hallo", 5));
        lm__bloom_deinit(&read);
        for (size_t cut = 0; cut < out.size; cut++)
            CHECK_STATUS(lm__bloom_read(&read, NULL, memory + shift, cut, &error), LM_CORRUPT);
        free(memory);
    }
    out.data[4] = 0x2c; /* another algorithm */
    CHECK_STATUS(lm__bloom_read(&read, NULL, out.data, out.size, &error), LM_UNSUPPORTED);
    out.data[4] = 0x1c;
    out.data[1] = 0x82; /* 65 bytes */
    CHECK_STATUS(lm__bloom_read(&read, NULL, out.data, out.size, &error), LM_CORRUPT);
    lm__buffer_deinit(&out);
    lm__bloom_deinit(&bloom);
}

TEST(refused)
{
    lm_bloom bloom;
    CHECK_STATUS(lm__bloom_init(&bloom, NULL, 0, &error), LM_INVALID);
    CHECK_STATUS(lm__bloom_init(&bloom, NULL, 33, &error), LM_INVALID);
    CHECK_STATUS(lm__bloom_init(&bloom, NULL, 2 * LM_PARQUET_BLOOM_BYTES_MAX, &error), LM_INVALID);
    check_alloc memory;
    check_alloc_init(&memory, 0);
    CHECK_STATUS(lm__bloom_init(&bloom, &memory.allocator, 32, &error), LM_NO_MEMORY);
    lm__bloom_deinit(&bloom);
}

int main(void)
{
    RUN(hash);
    RUN(golden_bits);
    RUN(sizes);
    RUN(found_and_not_found);
    RUN(batches);
    RUN(written_and_read);
    RUN(refused);
    return DONE();
}
