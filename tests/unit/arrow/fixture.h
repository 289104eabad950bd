/* What the Arrow tests share: an allocator that counts and fails when told to. */
#ifndef LM_TESTS_ARROW_FIXTURE_H
#define LM_TESTS_ARROW_FIXTURE_H

#include <lamella/arrow.h>

#include "check.h"

/* Fails the allocation number `fail_at` (from 0) and all after it; -1 never fails. */
typedef struct counting {
    lm_allocator allocator;
    long live, calls, fail_at;
} counting;

static inline bool counting_refuses(counting *c)
{
    return c->fail_at >= 0 && c->calls++ >= c->fail_at;
}
static inline void *counting_alloc(void *context, size_t bytes)
{
    counting *c = context;
    if (counting_refuses(c)) return NULL;
    c->live++;
    return malloc(bytes);
}
static inline void *counting_realloc(void *context, void *memory, size_t bytes)
{
    counting *c = context;
    if (counting_refuses(c)) return NULL;
    if (!memory) c->live++;
    return realloc(memory, bytes);
}
static inline void counting_free(void *context, void *memory)
{
    ((counting *)context)->live--;
    free(memory);
}
static inline void counting_init(counting *c, long fail_at)
{
    *c = (counting){{counting_alloc, counting_realloc, counting_free, c}, 0, 0, fail_at};
}

#define LM_TRY_TEST(call)                                                                          \
    do {                                                                                           \
        lm_status status_ = (call);                                                                \
        if (status_ != LM_OK) return status_;                                                      \
    } while (0)

/* Runs `call` (an expression of lm_status that uses `c.allocator`, and on success frees what it
 * made) with every allocation failing in turn, until it succeeds. */
#define CHECK_ALLOCATIONS(c, call)                                                                 \
    do {                                                                                           \
        for (long at_ = 0;; at_++) {                                                               \
            counting_init(&(c), at_);                                                              \
            lm_status status_ = (call);                                                            \
            CHECK_INT((c).live, 0);                                                                \
            if (status_ == LM_OK) break;                                                           \
            CHECK_INT(status_, LM_NO_MEMORY);                                                      \
            if (status_ != LM_NO_MEMORY || (c).live != 0) break;                                   \
        }                                                                                          \
    } while (0)

/* An ArrowArray in the test's own memory; its releases are counted. */
typedef struct array_fixture {
    struct ArrowArray array;
    const void *buffers[8];
    struct ArrowArray *children[8];
    int releases;
} array_fixture;

static inline void fixture_release(struct ArrowArray *array)
{
    ((array_fixture *)array->private_data)->releases++;
    for (int64_t i = 0; i < array->n_children && array->children; i++)
        if (array->children[i] && array->children[i]->release)
            array->children[i]->release(array->children[i]);
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    array->release = NULL;
}

static inline void fixture_init(array_fixture *f, int64_t length, int64_t n_buffers, const void *b0,
                                const void *b1, const void *b2)
{
    *f = (array_fixture){.buffers = {b0, b1, b2}};
    f->array = (struct ArrowArray){
        .length = length,
        .null_count = b0 ? -1 : 0,
        .n_buffers = n_buffers,
        .release = fixture_release,
        .private_data = f,
    };
    f->array.buffers = f->buffers;
}

static inline void fixture_add(array_fixture *parent, array_fixture *child)
{
    parent->children[parent->array.n_children++] = &child->array;
    parent->array.children = parent->children;
}

#endif
