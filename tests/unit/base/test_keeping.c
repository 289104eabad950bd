/* The allocator that keeps large blocks (keeping.c, invariants 1 to 3). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "check.h"

#define LARGE ((size_t)1 << 20)

/* An inner allocator that counts, and that can run dry. */
typedef struct counts {
    atomic_size_t blocks, made;
    bool dry;
} counts;

static void *count_alloc(void *context, size_t bytes)
{
    counts *c = context;
    if (c->dry) return NULL;
    c->blocks++;
    c->made++;
    return malloc(bytes);
}

static void *count_realloc(void *context, void *memory, size_t bytes)
{
    counts *c = context;
    return c->dry ? NULL : realloc(memory, bytes);
}

static void count_free(void *context, void *memory)
{
    if (memory) ((counts *)context)->blocks--;
    free(memory);
}

static const lm_allocator *make(lm_allocator *inner, counts *c, size_t bytes_max)
{
    const lm_allocator *allocator = NULL;
    memset(c, 0, sizeof *c);
    *inner = (lm_allocator){count_alloc, count_realloc, count_free, c};
    CHECK_STATUS(lm_keeping_allocator_new(inner, bytes_max, &allocator, NULL), LM_OK);
    return allocator;
}

TEST(large_blocks_are_used_again)
{
    counts c;
    lm_allocator inner;
    const lm_allocator *a = make(&inner, &c, 8 * LARGE);
    uint8_t *first = lm__alloc(a, LARGE);
    REQUIRE(first);
    CHECK_INT((uintptr_t)first % 16, 0);
    memset(first, 1, LARGE);
    lm__free(a, first);
    CHECK(lm__alloc(a, LARGE - LARGE / 16) == first); /* a little less will do, */
    lm__free(a, first);
    uint8_t *half = lm__alloc(a, LARGE / 2); /* half as much will not */
    CHECK(half != first);
    uint8_t *small = lm__alloc(a, 100);
    size_t made = c.made;
    lm__free(a, small);
    small = lm__alloc(a, 100);
    CHECK_INT(c.made, made + 1);
    lm__free(a, small);
    lm__free(a, half);
    lm_keeping_allocator_close(a);
    CHECK_INT(c.blocks, 0);
}

TEST(no_more_is_kept_than_allowed)
{
    counts c;
    lm_allocator inner;
    const lm_allocator *a = make(&inner, &c, 2 * LARGE);
    void *blocks[4], *huge = lm__alloc(a, 3 * LARGE);
    for (size_t i = 0; i < 4; i++) blocks[i] = lm__alloc(a, LARGE);
    lm__free(a, huge);
    for (size_t i = 0; i < 4; i++) lm__free(a, blocks[i]);
    CHECK_INT(c.blocks, 3);                  /* itself and two */
    CHECK(lm__alloc(a, LARGE) == blocks[3]); /* the newest stayed */
    CHECK(lm__alloc(a, LARGE) == blocks[2]);
    lm__free(a, blocks[2]);
    lm__free(a, blocks[3]);
    lm_keeping_allocator_close(a);
    CHECK_INT(c.blocks, 0);
}

TEST(blocks_move_with_their_contents)
{
    static const size_t sizes[] = {10,        LARGE / 3, 5,         LARGE, LARGE / 2,
                                   LARGE - 9, LARGE / 4, 2 * LARGE, 100};
    counts c;
    lm_allocator inner;
    const lm_allocator *a = make(&inner, &c, 8 * LARGE);
    uint8_t *memory = NULL;
    size_t before = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memory = lm__realloc_array(a, memory, sizes[i], 1);
        REQUIRE(memory);
        size_t same = before < sizes[i] ? before : sizes[i];
        for (size_t k = 0; k < same; k++)
            if (memory[k] != (uint8_t)(k * 7)) CHECK_INT(k, -1);
        for (size_t k = 0; k < sizes[i]; k++) memory[k] = (uint8_t)(k * 7);
        before = sizes[i];
    }
    CHECK(lm__realloc_array(a, memory, SIZE_MAX, 1) == NULL);
    lm__free(a, memory);
    lm_keeping_allocator_close(a);
    CHECK_INT(c.blocks, 0);
}

TEST(memory_outlives_the_closing)
{
    counts c;
    lm_allocator inner;
    const lm_allocator *a = make(&inner, &c, 8 * LARGE);
    uint8_t *one = lm__alloc(a, LARGE), *two = lm__alloc(a, 10), *kept = lm__alloc(a, LARGE);
    REQUIRE(one && two && kept);
    lm__free(a, kept);
    lm_keeping_allocator_close(a);
    CHECK_INT(c.blocks, 3);
    memset(one, 3, LARGE);
    lm__free(a, one);
    CHECK_INT(c.blocks, 2);
    lm__free(a, two);
    CHECK_INT(c.blocks, 0);
    lm_keeping_allocator_close(NULL);
}

TEST(no_memory_is_told)
{
    counts c;
    lm_allocator inner;
    const lm_allocator *a = make(&inner, &c, 8 * LARGE), *none = NULL;
    uint8_t *memory = lm__alloc(a, 10);
    c.dry = true;
    CHECK(lm__alloc(a, LARGE) == NULL);
    CHECK(lm__realloc_array(a, memory, 100, 1) == NULL);
    CHECK(lm__realloc_array(a, memory, LARGE, 1) == NULL);
    CHECK_STATUS(lm_keeping_allocator_new(&inner, 1, &none, NULL), LM_NO_MEMORY);
    lm__free(a, memory);
    lm_keeping_allocator_close(a);
    CHECK_INT(c.blocks, 0);
}

static void *churn(void *allocator)
{
    const lm_allocator *a = allocator;
    void *held[8] = {0};
    uint64_t state = (uintptr_t)&state;
    for (int i = 0; i < 2000; i++) {
        size_t at = check_random(&state) % 8;
        lm__free(a, held[at]);
        held[at] = lm__alloc(a, (at + 1) * (LARGE / 4));
        if (held[at]) memset(held[at], i, 64);
    }
    for (size_t i = 0; i < 8; i++) lm__free(a, held[i]);
    return NULL;
}

TEST(threads_share_it)
{
    counts c;
    lm_allocator inner;
    const lm_allocator *a = make(&inner, &c, 5 * LARGE);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, churn, (void *)(uintptr_t)a) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    lm_keeping_allocator_close(a);
    CHECK_INT(c.blocks, 0);
}

int main(void)
{
    RUN(large_blocks_are_used_again);
    RUN(no_more_is_kept_than_allowed);
    RUN(blocks_move_with_their_contents);
    RUN(memory_outlives_the_closing);
    RUN(no_memory_is_told);
    RUN(threads_share_it);
    return DONE();
}
