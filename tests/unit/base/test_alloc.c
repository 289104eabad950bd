/* Arrays that grow: on the heap (alloc.h) and in an arena (arena.h). */
#include "base/alloc.h"
#include "base/arena.h"
#include "check.h"
#include "check_alloc.h"

TEST(an_array_has_room_and_keeps_its_items)
{
    check_alloc memory;
    check_alloc_init(&memory, SIZE_MAX);
    uint32_t *items = NULL;
    size_t capacity = 0;
    CHECK(lm__array_room(&memory.allocator, &items, &capacity, 0, sizeof *items));
    CHECK(!items);
    for (uint32_t i = 0; i < 10000; i++) {
        size_t before = capacity, calls = memory.calls;
        REQUIRE(lm__array_room(&memory.allocator, &items, &capacity, i + 1, sizeof *items));
        REQUIRE(capacity > i);
        if (before > i)
            CHECK_INT(memory.calls, calls);
        else
            CHECK(capacity >= before + before / 2);
        items[i] = i;
    }
    CHECK(memory.calls < 20);
    CHECK(memory.largest == capacity * sizeof *items);
    REQUIRE(lm__array_room(&memory.allocator, &items, &capacity, 1000000, sizeof *items));
    CHECK_INT(capacity, 1000000);
    for (uint32_t i = 0; i < 10000; i++) CHECK_INT(items[i], i);
    lm__free(&memory.allocator, items);
    CHECK_INT(memory.live, 0);
}

TEST(an_array_without_memory_is_as_it_was)
{
    check_alloc memory;
    check_alloc_init(&memory, 1);
    uint64_t *items = NULL;
    size_t capacity = 0;
    REQUIRE(lm__array_room(&memory.allocator, &items, &capacity, 1, sizeof *items));
    items[0] = 42;
    uint64_t *before = items;
    size_t room = capacity;
    CHECK(!lm__array_room(&memory.allocator, &items, &capacity, room + 1, sizeof *items));
    CHECK(memory.failed && items == before && capacity == room);
    CHECK(!lm__array_room(&memory.allocator, &items, &capacity, SIZE_MAX / 8 + 1, 8));
    CHECK(!lm__array_room(&memory.allocator, &items, &capacity, SIZE_MAX, 2));
    CHECK_INT(memory.calls, 2); /* what overflows is not asked for */
    CHECK(items == before && capacity == room && items[0] == 42);
    lm__free(&memory.allocator, items);
    CHECK_INT(memory.live, 0);
}

/* One whose capacity is so large that half of it more wraps. */
TEST(an_array_does_not_grow_past_what_is_counted)
{
    uint8_t *items = NULL;
    size_t capacity = SIZE_MAX - 1;
    CHECK(!lm__array_room(NULL, &items, &capacity, SIZE_MAX, 2));
    CHECK(!items && capacity == SIZE_MAX - 1);
}

TEST(an_array_in_an_arena_has_room_and_keeps_its_items)
{
    lm_arena arena;
    lm__arena_init(&arena, NULL, 0);
    uint32_t *items = NULL;
    size_t capacity = 0;
    CHECK(lm__arena_room(&arena, &items, &capacity, 0, sizeof *items));
    CHECK(!items);
    for (uint32_t i = 0; i < 10000; i++) {
        size_t before = capacity;
        uint32_t *old = items;
        REQUIRE(lm__arena_room(&arena, &items, &capacity, i + 1, sizeof *items));
        REQUIRE(capacity > i);
        if (before > i)
            CHECK(items == old && capacity == before);
        else
            CHECK(capacity >= 2 * before);
        items[i] = i;
    }
    REQUIRE(lm__arena_room(&arena, &items, &capacity, 100000, sizeof *items));
    CHECK_INT(capacity, 100000);
    for (uint32_t i = 0; i < 10000; i++) CHECK_INT(items[i], i);
    lm__arena_deinit(&arena);
}

TEST(an_array_in_an_arena_without_memory_is_as_it_was)
{
    lm_arena arena;
    lm__arena_init(&arena, NULL, 4096);
    uint64_t *items = NULL;
    size_t capacity = 0;
    REQUIRE(lm__arena_room(&arena, &items, &capacity, 1, sizeof *items));
    items[0] = 42;
    uint64_t *before = items;
    size_t room = capacity;
    CHECK(!lm__arena_room(&arena, &items, &capacity, 1000, sizeof *items));
    CHECK(!lm__arena_room(&arena, &items, &capacity, SIZE_MAX / 8 + 1, 8));
    CHECK(!lm__arena_room(&arena, &items, &capacity, SIZE_MAX, 2));
    CHECK(items == before && capacity == room && items[0] == 42);
    lm__arena_deinit(&arena);
}

int main(void)
{
    RUN(an_array_has_room_and_keeps_its_items);
    RUN(an_array_without_memory_is_as_it_was);
    RUN(an_array_does_not_grow_past_what_is_counted);
    RUN(an_array_in_an_arena_has_room_and_keeps_its_items);
    RUN(an_array_in_an_arena_without_memory_is_as_it_was);
    return DONE();
}
