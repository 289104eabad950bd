/* The arena and the bounded buffer keep their invariants (arena.h 1 to 3, buffer.h 1 and 2). */
#include "base/arena.h"
#include "base/buffer.h"
#include "check.h"

TEST(arena_aligns_and_grows)
{
    lm_arena arena;
    lm__arena_init(&arena, NULL, 0);
    for (size_t size = 0; size < 5000; size += 7) {
        uint8_t *memory = lm__arena_alloc(&arena, size);
        REQUIRE(memory);
        CHECK_INT((uintptr_t)memory % 16, 0);
        memset(memory, 0xab, size);
    }
    CHECK_INT((uintptr_t)lm__arena_aligned(&arena, 4096, 100) % 4096, 0);
    CHECK_TEXT(lm__arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    size_t held = arena.bytes_held;
    lm__arena_reset(&arena);
    for (size_t size = 0; size < 5000; size += 7) REQUIRE(lm__arena_alloc(&arena, size));
    CHECK_INT(arena.bytes_held, held);
    lm__arena_deinit(&arena);
}

TEST(arena_keeps_its_limit)
{
    lm_arena arena;
    lm__arena_init(&arena, NULL, 100000);
    size_t got = 0;
    while (lm__arena_alloc(&arena, 1000)) got += 1000;
    CHECK(got >= 50000 && got <= 100000);
    CHECK(arena.bytes_held <= 100000);
    CHECK(lm__arena_array(&arena, SIZE_MAX / 2, 4) == NULL);
    CHECK(lm__arena_alloc(&arena, SIZE_MAX - 4) == NULL);
    lm__arena_deinit(&arena);
}

TEST(buffer_keeps_its_limit_and_contents)
{
    lm_buffer buffer;
    lm__buffer_init(&buffer, NULL, 10);
    CHECK_STATUS(lm__buffer_append(&buffer, "12345678", 8), LM_OK);
    CHECK_STATUS(lm__buffer_append(&buffer, "9ab", 3), LM_LIMIT);
    CHECK_STATUS(lm__buffer_reserve(&buffer, SIZE_MAX), LM_LIMIT);
    CHECK_INT(buffer.size, 8);
    CHECK_BYTES(buffer.data, "12345678", 8);
    CHECK_STATUS(lm__buffer_append(&buffer, "9a", 2), LM_OK);
    CHECK(buffer.capacity <= 10);
    lm__buffer_deinit(&buffer);
}

int main(void)
{
    RUN(arena_aligns_and_grows);
    RUN(arena_keeps_its_limit);
    RUN(buffer_keeps_its_limit_and_contents);
    return DONE();
}
