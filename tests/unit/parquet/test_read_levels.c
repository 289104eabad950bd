/* Levels: every kernel held to the scalar one (read_levels.h, invariant 1), and that to an example.
 */
#include "parquet/read_levels.h"

#include <string.h>

#include "base/bits.h"
#include "check.h"

#define MOST 700

TEST(slots_and_lists_of_an_example)
{
    /* An optional list of optional items: [[], null, [1, null], [2]]; the list's definition is 1,
     * an item's 2, a value's 3. */
    static const uint8_t definitions[] = {1, 0, 3, 2, 3}, repetitions[] = {0, 0, 0, 1, 0};
    const lm_level_kernels *kernels = lm__level_kernels(LM_CPU_SCALAR);
    lm_level_lists lists = {.slot = 0, .item = 2, .repetition = 1};
    lm_level_slots list = {.slot = 0, .valid = 1, .context = 0};
    lm_level_slots leaf = {.slot = 2, .valid = 3, .context = 1};
    int32_t offsets[5] = {0}, items = 10;
    uint8_t bits[16] = {0};
    size_t valid;
    CHECK_INT(kernels->lists(&lists, definitions, repetitions, 5, offsets, &items), 4);
    CHECK_INT(items, 13);
    CHECK_INT(offsets[0], 10);
    CHECK_INT(offsets[1], 10);
    CHECK_INT(offsets[2], 10);
    CHECK_INT(offsets[3], 12);
    CHECK_INT(kernels->slots(&list, definitions, repetitions, 5, bits, 0, &valid), 4);
    CHECK_INT(valid, 3);
    CHECK_INT(bits[0] & 15, 13);
    CHECK_INT(kernels->slots(&leaf, definitions, NULL, 5, bits, 4, &valid), 3);
    CHECK_INT(valid, 2);
    CHECK_INT(bits[0] & 127, 13 | 5 << 4);
}

static void fill(uint8_t *levels, uint8_t most, uint64_t *state)
{
    for (size_t i = 0; i < MOST;) {
        uint64_t random = check_random(state);
        size_t run = random % 3 ? 1 : 1 + (random >> 8) % 90;
        uint8_t level = (uint8_t)((random >> 32) % ((unsigned)most + 1));
        while (run-- && i < MOST) levels[i++] = level;
    }
}

static void compare_slots(const lm_level_kernels *kernels, const lm_level_slots *rule,
                          const uint8_t *definitions, const uint8_t *repetitions, size_t count,
                          size_t at)
{
    const lm_level_kernels *scalar = lm__level_kernels(LM_CPU_SCALAR);
    uint8_t expected[MOST / 8 + 32], bits[MOST / 8 + 32];
    size_t valid, valid_expected;
    memset(expected, 0x5a, sizeof expected);
    memset(bits, 0x5a, sizeof bits);
    size_t slots_expected =
        scalar->slots(rule, definitions, repetitions, count, expected, at, &valid_expected);
    size_t slots = kernels->slots(rule, definitions, repetitions, count, bits, at, &valid);
    CHECK_INT(slots, slots_expected);
    CHECK_INT(valid, valid_expected);
    for (size_t i = 0; i < at + slots; i++)
        if (lm__bits_get((lm_bits){bits, 0}, i) != lm__bits_get((lm_bits){expected, 0}, i))
            CHECK_INT(i, -1);
    size_t past = (at + slots) / 8 + 9; /* invariant 2 */
    for (size_t i = past; i < sizeof bits; i++) CHECK_INT(bits[i], 0x5a);
}

static void compare_lists(const lm_level_kernels *kernels, const lm_level_lists *rule,
                          const uint8_t *definitions, const uint8_t *repetitions, size_t count)
{
    const lm_level_kernels *scalar = lm__level_kernels(LM_CPU_SCALAR);
    int32_t expected[MOST + 1], offsets[MOST + 1], items_expected = 7, items = 7;
    size_t lists_expected =
        scalar->lists(rule, definitions, repetitions, count, expected, &items_expected);
    size_t lists = kernels->lists(rule, definitions, repetitions, count, offsets, &items);
    CHECK_INT(lists, lists_expected);
    CHECK_INT(items, items_expected);
    for (size_t i = 0; i < lists && i < lists_expected; i++)
        if (offsets[i] != expected[i]) CHECK_INT(offsets[i], expected[i]);
}

TEST(every_kernel_agrees)
{
    static const size_t counts[] = {0, 1, 7, 63, 64, 65, 127, 128, 200, 512, MOST};
    static const uint8_t most[] = {1, 2, 4, 7, 255};
    uint8_t definitions[MOST], repetitions[MOST];
    uint64_t state = 3;
    for (lm_cpu_level level = LM_CPU_SSE42; level <= lm__cpu_level(); level++) {
        const lm_level_kernels *kernels = lm__level_kernels(level);
        for (size_t round = 0; round < 400; round++) {
            uint8_t deepest = most[round % 5], deep = most[round / 5 % 5];
            uint64_t random = check_random(&state);
            size_t count = counts[random % 11], at = (random >> 8) % 17;
            fill(definitions, deepest, &state);
            fill(repetitions, deep, &state);
            lm_level_slots slots = {(uint8_t)((random >> 16) % (deepest + 1u)),
                                    (uint8_t)((random >> 24) % (deepest + 1u)),
                                    (uint8_t)((random >> 32) % (deep + 1u))};
            lm_level_lists lists = {slots.slot, slots.valid,
                                    (uint8_t)(slots.context ? slots.context : 1)};
            compare_slots(kernels, &slots, definitions, repetitions, count, at);
            compare_slots(kernels, &slots, definitions, NULL, count, at);
            compare_lists(kernels, &lists, definitions, repetitions, count);
            CHECK_INT(kernels->count(definitions, count, slots.slot),
                      lm__bytes_count_least(definitions, count, slots.slot));
        }
    }
}

int main(void)
{
    RUN(slots_and_lists_of_an_example);
    RUN(every_kernel_agrees);
    return DONE();
}
