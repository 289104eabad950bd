/* Cut bounds still bound, and stay text (statistics.h, invariants 1 and 2). */
#include "parquet/statistics.h"

#include "base/utf8.h"
#include "check.h"
#include "parquet/writer_faults.h"

static void cut(const char *min, const char *max, size_t most, bool text, lm_arena *arena,
                lm_statistics *out)
{
    lm_error error;
    *out = (lm_statistics){.has = LM_STATISTICS_MIN_EXACT | LM_STATISTICS_MAX_EXACT,
                           .is_min_value_exact = true,
                           .is_max_value_exact = true};
    CHECK_OK(lm__statistics_cut(arena, lm__bytes(min, strlen(min)), lm__bytes(max, strlen(max)),
                                most, text, out, &error),
             error);
}

static bool bytes_are(lm_bytes bytes, const char *want)
{
    return bytes.data && bytes.size == strlen(want) && memcmp(bytes.data, want, bytes.size) == 0;
}

TEST(short_bounds_stay_whole)
{
    lm_arena arena;
    lm_statistics out;
    lm__arena_init(&arena, NULL, 0);
    cut("", "zz", 2, true, &arena, &out);
    CHECK(bytes_are(out.min_value, "") && out.is_min_value_exact);
    CHECK(bytes_are(out.max_value, "zz") && out.is_max_value_exact);
    lm__arena_deinit(&arena);
}

TEST(long_bounds_are_cut_around_the_values)
{
    lm_arena arena;
    lm_statistics out;
    lm__arena_init(&arena, NULL, 0);
    cut("abcdef", "abcdef", 3, true, &arena, &out);
    CHECK(bytes_are(out.min_value, "abc") && !out.is_min_value_exact);
    CHECK(bytes_are(out.max_value, "abd") && !out.is_max_value_exact);
    cut("a", "a\xff\xff\xff", 3, false, &arena, &out);
    CHECK(bytes_are(out.max_value, "b"));
    lm__arena_deinit(&arena);
}

TEST(text_is_cut_between_characters)
{
    lm_arena arena;
    lm_statistics out;
    lm__arena_init(&arena, NULL, 0);
    cut("a\xc3\xa9z", "a\xc3\xa9z", 2, true, &arena, &out);
    CHECK(bytes_are(out.min_value, "a"));
    CHECK(bytes_are(out.max_value, "b"));
    /* U+007F has no successor of one byte: the character before it is raised. */
    cut("a", "a\x7fz", 2, true, &arena, &out);
    CHECK(bytes_are(out.max_value, "b"));
    /* U+D7FF is followed by U+E000. */
    cut("a", "\xed\x9f\xbfz", 3, true, &arena, &out);
    CHECK(bytes_are(out.max_value, "\xee\x80\x80"));
    lm__arena_deinit(&arena);
}

TEST(a_max_that_cannot_be_raised_stays_whole_or_is_left_out)
{
    lm_arena arena;
    lm_statistics out;
    lm__arena_init(&arena, NULL, 0);
    cut("a", "\xff\xff\xff", 2, false, &arena, &out);
    CHECK(bytes_are(out.max_value, "\xff\xff\xff") && out.is_max_value_exact);
    char *huge = malloc(10001);
    memset(huge, 0xff, 10000);
    huge[10000] = '\0';
    cut("a", huge, 2, false, &arena, &out);
    CHECK(out.max_value.data == NULL);
    CHECK(!LM_HAS(&out, LM_STATISTICS_MAX_EXACT));
    free(huge);
    lm__arena_deinit(&arena);
}

TEST(raised_bounds_come_after_every_value)
{
    uint64_t seed = 1;
    lm_arena arena;
    lm__arena_init(&arena, NULL, 0);
    for (int round = 0; round < 20000; round++) {
        uint8_t value[12];
        size_t size = check_random(&seed) % sizeof value, most = 1 + check_random(&seed) % 6;
        for (size_t i = 0; i < size; i++)
            value[i] = check_random(&seed) % 3 ? (uint8_t)check_random(&seed) : 0xff;
        bool text = lm__utf8_valid(value, size);
        lm_statistics out = {0};
        lm_bytes bound = lm__bytes(value, size);
        REQUIRE(lm__statistics_cut(&arena, bound, bound, most, text, &out, NULL) == LM_OK);
        int low = memcmp(out.min_value.data, value, out.min_value.size);
        CHECK(low == 0 && out.min_value.size <= size);
        size_t shared = out.max_value.size < size ? out.max_value.size : size;
        int high = memcmp(out.max_value.data, value, shared);
        CHECK(high > 0 || (high == 0 && out.max_value.size >= size));
        if (text) CHECK(lm__utf8_valid(out.max_value.data, out.max_value.size));
        lm__arena_reset(&arena);
    }
    lm__arena_deinit(&arena);
}

static bool misleads(const char *by, int32_t physical, lm_read_meaning meaning, bool by_nulls)
{
    const lm_read_node leaf = {.physical = physical, .meaning = meaning};
    return lm__writer_misleads(lm__bytes(by, strlen(by)), &leaf, by_nulls);
}

TEST(writers_that_told_untruths_are_known_by_name)
{
    static const struct {
        const char *by;
        int32_t physical;
        lm_read_meaning meaning;
        bool bounds, nulls;
    } told[] = {
        {"parquet-cpp-arrow version 3.0.0", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_MEANS_DECIMAL, true,
         false},
        {"parquet-cpp-arrow version 3.0.0", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_MEANS_UUID, false,
         false},
        {"parquet-cpp-arrow version 4.0.1", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_MEANS_DECIMAL,
         false, false},
        {"parquet-cpp-arrow version 11.0.0", LM_PARQUET_BYTE_ARRAY, LM_MEANS_STRING, true, true},
        {"parquet-cpp-arrow version 12.0.0", LM_PARQUET_BYTE_ARRAY, LM_MEANS_STRING, false, false},
        {"parquet-cpp version 1.5.1", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_MEANS_DECIMAL, true,
         false},
        {"parquet-rs version 60.1.0", LM_PARQUET_BYTE_ARRAY, LM_MEANS_DECIMAL, true, false},
        {"parquet-rs version 60.1.0", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_MEANS_DECIMAL, false,
         false},
        {"parquet-rs version 4.4.0", LM_PARQUET_INT32, LM_MEANS_NOTHING, false, true},
        {"Arrow2 - Native Rust implementation of Arrow", LM_PARQUET_INT32, LM_MEANS_NOTHING, false,
         true},
        {"Polars", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_MEANS_DECIMAL, true, false},
        {"Polars", LM_PARQUET_INT32, LM_MEANS_NOTHING, false, false},
        {"Polars", LM_PARQUET_DOUBLE, LM_MEANS_NOTHING, true, false},
        {"github.com/parquet-go/parquet-go version 0.32.0", LM_PARQUET_FIXED_LEN_BYTE_ARRAY,
         LM_MEANS_DECIMAL, true, false},
        {"Polars (python) version 2.1.0 (build x)", LM_PARQUET_FIXED_LEN_BYTE_ARRAY,
         LM_MEANS_DECIMAL, false, false},
        {"hyparquet", LM_PARQUET_INT32, LM_MEANS_DECIMAL, true, false},
        {"hyparquet", LM_PARQUET_INT64, LM_MEANS_DECIMAL, false, false},
        {"lamella version 0.1.0", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_MEANS_DECIMAL, false, false},
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        CHECK_INT(misleads(told[i].by, told[i].physical, told[i].meaning, false), told[i].bounds);
        CHECK_INT(misleads(told[i].by, told[i].physical, told[i].meaning, true), told[i].nulls);
    }
    CHECK(lm__writer_overcounts_nulls(lm__bytes("Polars", 6)));
    CHECK(!lm__writer_overcounts_nulls(lm__bytes("Polars (python) version 2.1.0", 29)));
}

int main(void)
{
    RUN(short_bounds_stay_whole);
    RUN(long_bounds_are_cut_around_the_values);
    RUN(text_is_cut_between_characters);
    RUN(a_max_that_cannot_be_raised_stays_whole_or_is_left_out);
    RUN(raised_bounds_come_after_every_value);
    RUN(writers_that_told_untruths_are_known_by_name);
    return DONE();
}
