/* Sets of row numbers (table/row_set.h): what Roaring's serialisation says, and what it must not.
 */
#include "check.h"
#include "check_alloc.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/buffer.h"
#include "base/error.h"
#include "table/row_set.h"

#define ROWS 300000

/* ---- a writer of its own: each container as it is told ---- */

typedef enum kind { AS_FITS, AS_RUNS } kind;

static void put16(lm_buffer *out, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    if (lm__buffer_append(out, bytes, 2) != LM_OK) abort();
}

static void put32(lm_buffer *out, uint32_t value)
{
    put16(out, value);
    put16(out, value >> 16);
}

static uint32_t count_of(const bool *rows)
{
    uint32_t count = 0;
    for (size_t i = 0; i < 65536; i++) count += rows[i];
    return count;
}

static void put_container(lm_buffer *out, const bool *rows, kind how)
{
    uint32_t count = count_of(rows), runs = 0;
    if (how == AS_RUNS) {
        for (size_t i = 0; i < 65536; i++) runs += rows[i] && (i == 0 || !rows[i - 1]);
        put16(out, runs);
        for (uint32_t i = 0, end; i < 65536; i = end + 1) {
            for (end = i; end < 65536 && rows[end];) end++;
            if (end == i) continue;
            put16(out, i);
            put16(out, end - i - 1);
        }
    } else if (count <= 4096) {
        for (uint32_t i = 0; i < 65536; i++)
            if (rows[i]) put16(out, i);
    } else {
        for (uint32_t i = 0; i < 65536; i += 8) {
            unsigned byte = 0;
            for (uint32_t b = 0; b < 8; b++) byte |= (unsigned)rows[i + b] << b;
            if (lm__buffer_byte(out, (uint8_t)byte) != LM_OK) abort();
        }
    }
}

/* The rows that are true, of `count`, a multiple of 65,536; containers as runs where the bit of
 * `runs` says so. They begin at row `high` * 2^32. */
static void put_set(lm_buffer *out, const bool *rows, size_t count, uint32_t runs, uint32_t high)
{
    uint32_t used[32], n = 0;
    for (uint32_t i = 0; i < count / 65536; i++)
        if (count_of(rows + (size_t)i * 65536)) used[n++] = i;
    put32(out, 1681511377);
    put32(out, n > 0);
    put32(out, 0);
    if (n == 0) return;
    put32(out, high);
    if (runs) {
        put32(out, 12347 | (n - 1) << 16);
        uint8_t flags[4] = {0};
        for (uint32_t i = 0; i < n; i++) flags[i / 8] |= (uint8_t)((runs >> i & 1) << i % 8);
        if (lm__buffer_append(out, flags, (n + 7) / 8) != LM_OK) abort();
    } else {
        put32(out, 12346);
        put32(out, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        put16(out, used[i]);
        put16(out, count_of(rows + (size_t)used[i] * 65536) - 1);
    }
    if (!runs || n >= 4)
        for (uint32_t i = 0; i < n; i++) put32(out, 0xAAAAAAAA); /* offsets, which nobody needs */
    for (uint32_t i = 0; i < n; i++)
        put_container(out, rows + (size_t)used[i] * 65536, runs >> i & 1 ? AS_RUNS : AS_FITS);
}

/* Of a copy of the bytes. */
static lm_status read_set(const lm_allocator *allocator, const void *bytes, size_t size,
                          lm_row_set **set, lm_error *error)
{
    uint8_t *copy = lm__alloc(allocator, size + 1);
    if (!copy) return LM_NO_MEMORY;
    memcpy(copy, bytes, size);
    return lm__row_set_new_take(allocator, copy, size, set, error);
}

/* Clears as the rows say, wherever the window is; and not a bit beyond it. */
static void check_window(const lm_row_set *set, const bool *rows, uint64_t base, size_t first,
                         size_t count)
{
    static uint8_t bits[ROWS / 8 + 64];
    size_t wanted = 0, wrong = 0;
    memset(bits, 0xFF, count / 8 + 16);
    size_t cleared = lm__row_set_clear(set, base + first, count, bits);
    for (size_t i = 0; i < count; i++) {
        wanted += rows[first + i];
        wrong += lm__bits_get((lm_bits){bits, 0}, i) == rows[first + i];
    }
    for (size_t i = count; i < count + 64; i++) wrong += !lm__bits_get((lm_bits){bits, 0}, i);
    CHECK_INT(cleared, wanted);
    CHECK_INT(wrong, 0);
}

static uint32_t state = 7;
static uint32_t random_below(uint32_t n)
{
    state = state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)state * n >> 32);
}

static void fill(bool *rows, uint32_t container, uint32_t way)
{
    bool *at = rows + (size_t)container * 65536;
    switch (way) {
    case 0: break; /* none */
    case 1: memset(at, 1, 65536); break;
    case 2: at[random_below(65536)] = at[0] = at[65535] = true; break;
    case 3:
        for (size_t i = 0; i < 65536; i++) at[i] = i % 2;
        break;
    case 4:
        for (size_t i = 0; i < 65536; i++) at[i] = random_below(20) == 0;
        break;
    default:
        for (uint32_t i = 0; i < 65536; i += 1 + random_below(9000))
            memset(at + i, 1, i + 2000 < 65536 ? 2000 : 65536 - i);
    }
}

/* Invariant 1: every kind of container, next to every other, in windows of all kinds. */
TEST(rows_are_those_that_were_written)
{
    static bool rows[5 * 65536];
    for (int round = 0; round < 60; round++) {
        lm_buffer out;
        lm_row_set *set;
        lm_error error;
        uint64_t count = 0, end = 0;
        uint32_t high = round % 3 == 2 ? 5 : 0;
        uint64_t base = (uint64_t)high << 32;
        memset(rows, 0, sizeof rows);
        for (uint32_t c = 0; c < 5; c++) fill(rows, c, random_below(6));
        lm__buffer_init(&out, NULL, 0);
        put_set(&out, rows, 5 * 65536, round % 2 ? random_below(32) : 0, high);
        CHECK_OK(read_set(NULL, out.data, out.size, &set, &error), error);
        for (size_t i = 0; i < 5 * 65536; i++)
            if (rows[i]) count++, end = base + i + 1;
        CHECK_INT(lm__row_set_count(set), count);
        CHECK_INT(lm__row_set_end(set), end);
        check_window(set, rows, base, 0, ROWS);
        check_window(set, rows, base, 65535, 2);
        check_window(set, rows, base, 65536, 65536);
        for (int i = 0; i < 20; i++)
            check_window(set, rows, base, random_below(200000), random_below(100000));
        uint8_t bit = 1;
        CHECK_INT(lm__row_set_clear(set, base + 5 * 65536, 1, &bit), 0);
        CHECK_INT(lm__row_set_clear(set, base + 7, 0, &bit), 0);
        lm__row_set_free(set);
        lm__buffer_deinit(&out);
    }
}

TEST(a_set_may_be_empty)
{
    lm_buffer out;
    lm_row_set *set;
    lm_error error;
    static const bool none[65536];
    uint8_t bits = 0xFF;
    lm__buffer_init(&out, NULL, 0);
    put_set(&out, none, 65536, 0, 0);
    CHECK_OK(read_set(NULL, out.data, out.size, &set, &error), error);
    CHECK_INT(lm__row_set_count(set), 0);
    CHECK_INT(lm__row_set_end(set), 0);
    CHECK_INT(lm__row_set_clear(set, 0, 8, &bits), 0);
    lm__row_set_free(set);
    lm__buffer_deinit(&out);
    lm__row_set_free(NULL);
}

/* As Delta's own kernel writes 3, 4, 7, 11, 18 and 29. */
static const uint8_t six[] = {0xd1, 0xd3, 0x39, 0x64, 1, 0, 0, 0, 0,  0, 0,  0, 0,  0,  0,
                              0,    0x3a, 0x30, 0,    0, 1, 0, 0, 0,  0, 0,  5, 0,  16, 0,
                              0,    0,    3,    0,    4, 0, 7, 0, 11, 0, 18, 0, 29, 0};

TEST(the_bytes_of_others_are_read)
{
    static bool rows[65536];
    static const uint8_t which[] = {3, 4, 7, 11, 18, 29};
    lm_row_set *set;
    lm_error error;
    for (size_t i = 0; i < sizeof which; i++) rows[which[i]] = true;
    CHECK_OK(read_set(NULL, six, sizeof six, &set, &error), error);
    CHECK_INT(lm__row_set_count(set), 6);
    CHECK_INT(lm__row_set_end(set), 30);
    check_window(set, rows, 0, 0, 64);
    check_window(set, rows, 0, 4, 25);
    lm__row_set_free(set);
    lm_buffer out; /* and the writer of these tests writes the same */
    lm__buffer_init(&out, NULL, 0);
    put_set(&out, rows, 65536, 0, 0);
    CHECK_INT(out.size, sizeof six);
    memcpy(out.data + 28, six + 28, 4); /* but for the offset */
    CHECK(memcmp(out.data, six, sizeof six) == 0);
    lm__buffer_deinit(&out);
}

TEST(what_is_no_set_is_refused)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *message;
    } cases[] = {
        {0, 0xd0, "it does not begin as one does"},
        {4, 2, "it ends too early"}, /* a second bitmap */
        {8, 1, "it has too many bitmaps"},
        {4, 0, "there is something behind its end"},
        {15, 0x80, "its bitmaps do not rise"},
        {16, 0x39, "it is no Roaring bitmap"},
        {22, 2, "it has too many containers"},
        {26, 6, "it ends too early"},
        {26, 4, "there is something behind its end"},
        {34, 3, "its rows do not rise"},
        {42, 17, "its rows do not rise"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[sizeof six];
        lm_row_set *set;
        lm_error error;
        memcpy(bytes, six, sizeof six);
        bytes[cases[i].at] = cases[i].value;
        CHECK_STATUS(read_set(NULL, bytes, sizeof bytes, &set, &error), LM_CORRUPT);
        CHECK_TEXT(error.message, cases[i].message);
        CHECK(set == NULL);
    }
    for (size_t size = 0; size < sizeof six; size++) {
        lm_row_set *set;
        lm_error error;
        CHECK_STATUS(read_set(NULL, six, size, &set, &error), LM_CORRUPT);
    }
}

/* The last two containers of `rows` as bits and as runs, and what is changed at so many bytes from
 * the end. */
static void refused(const bool *rows, uint32_t runs, size_t from_end, uint8_t value,
                    const char *message)
{
    lm_buffer out;
    lm_row_set *set;
    lm_error error;
    lm__buffer_init(&out, NULL, 0);
    put_set(&out, rows, 2 * 65536, runs, 0);
    out.data[out.size - from_end] = value;
    CHECK_STATUS(read_set(NULL, out.data, out.size, &set, &error), LM_CORRUPT);
    CHECK_TEXT(error.message, message);
    lm__buffer_deinit(&out);
}

TEST(containers_are_what_they_say)
{
    static bool rows[2 * 65536];
    fill(rows, 0, 3);
    fill(rows, 1, 3);
    refused(rows, 0, 1, 0xFF, "it has not as many rows as it says");
    refused(rows, 0, 2 * 8192 + 8 + 4, 0, "its containers do not rise"); /* the second's key */
    memset(rows, 0, sizeof rows);
    rows[1] = rows[2] = rows[65536 + 9] = rows[65536 + 20] = true; /* runs {9, 0}, {20, 0} */
    refused(rows, 3, 2, 1, "it has not as many rows as it says");
    refused(rows, 3, 4, 9, "its rows do not rise");
    refused(rows, 3, 10, 3, "it ends too early");
    rows[2 * 65536 - 1] = true;
    refused(rows, 3, 2, 1, "its rows do not rise"); /* past the container's end */
}

TEST(each_allocation_may_fail)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_row_set *set = NULL;
        lm_error error;
        check_alloc_init(&memory, n);
        lm_status status = read_set(&memory.allocator, six, sizeof six, &set, &error);
        lm__row_set_free(set);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(rows_are_those_that_were_written);
    RUN(a_set_may_be_empty);
    RUN(the_bytes_of_others_are_read);
    RUN(what_is_no_set_is_refused);
    RUN(containers_are_what_they_say);
    RUN(each_allocation_may_fail);
    return DONE();
}
