/*
 * The stores that the contract of store.h is held against: posix both ways, memory, each behind the
 * wrapper that fails; or, where LAMELLA_TEST_STORE has a URL, that one instead (./dev test
 * servers). A test is written once, with ON_EACH, and asks by CAN what it may expect.
 */
#ifndef LM_TESTS_STORES_H
#define LM_TESTS_STORES_H

#include "check.h"
#include "scratch.h"

#include "base/alloc.h"
#include "store/fault/store.h"
#include "store/place.h"
#include "store/posix/posix.h"

typedef struct bench {
    const char *what;
    char scratch[256]; /* a directory of the test's own, empty */
    lm_posix_store posix;
    lm_fault_store fault;
    lm_store *opened, *store;
    bool is_posix, is_remote;
} bench;

#define CAN(b, cap) (((b)->store->caps & (unsigned)(cap)) != 0)
/* Leaves a test of what this store cannot do; of a store that was asked for by name that is told.
 */
#define NEEDS(b, cap, what)                                                                        \
    do {                                                                                           \
        if (CAN(b, cap)) break;                                                                    \
        if ((b)->is_remote) SKIP("the %s store has no %s", (b)->store->ops->name, what);           \
        return;                                                                                    \
    } while (0)
/* No directory is there before something is in it. */
#define IS_FLAT(b) (!(b)->is_posix && !(b)->is_remote)

static inline const char *bench_url(void)
{
    const char *url = getenv("LAMELLA_TEST_STORE");
    return url && *url ? url : NULL;
}

static inline int bench_count(void) { return bench_url() ? 1 : 5; }

/* A path in the store. */
static inline const char *at(const bench *b, const char *name)
{
    return scratch_join(b->scratch, name);
}

static inline lm_status put_bytes(bench *b, const char *name, const void *data, size_t size,
                                  lm_stage_options options)
{
    lm_stage *stage;
    lm_status status = lm__stage_open(b->store, at(b, name), &options, &stage, NULL);
    if (status != LM_OK) return status;
    status = lm__stage_write(stage, data, size, NULL);
    if (status == LM_OK) status = lm__stage_seal(stage, NULL);
    if (status == LM_OK) status = lm__stage_commit(stage, NULL);
    lm__stage_close(stage);
    return status;
}

static inline lm_status put(bench *b, const char *name, const char *text, lm_stage_options options)
{
    return put_bytes(b, name, text, strlen(text), options);
}

static inline bool is(bench *b, const char *name, const char *text)
{
    uint8_t *data;
    size_t size;
    if (lm__store_read(b->store, at(b, name), NULL, 1 << 20, &data, &size, NULL) != LM_OK)
        return false;
    bool same = size == strlen(text) && memcmp(data, text, size) == 0;
    lm__free(NULL, data);
    return same;
}

/* Opens the store once more, as another process would: only what is not memory can be. */
static inline void bench_reopen(bench *b)
{
    const char *path;
    lm_error error;
    lm__posix_store_init(&b->posix, NULL, NULL);
    b->store = &b->posix.store;
    if (!b->is_remote) return;
    if (lm__store_for(NULL, bench_url(), NULL, &b->opened, &path, &error) != LM_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    b->store = b->opened;
}

static inline void bench_open(bench *b, int which)
{
    static const char *const names[] = {"posix, unnamed", "posix, named", "memory",
                                        "posix behind fault", "memory behind fault"};
    static unsigned turn;
    *b = (bench){.what = bench_url() ? bench_url() : names[which]};
    b->is_remote = bench_url() != NULL;
    if (b->is_remote) {
        bench_reopen(b);
        snprintf(b->scratch, sizeof b->scratch, "%s/lamella-test-%ld-%u", bench_url(),
                 (long)getpid(), turn++);
        scratch_must(put(b, "a", "", (lm_stage_options){0}) == LM_OK, "to make a directory");
        scratch_must(lm__store_remove(b->store, at(b, "a"), LM_DURABILITY_FULL, NULL) == LM_OK,
                     "to empty it");
        if (which >= 3) {
            lm__fault_store_init(&b->fault, b->store);
            b->store = &b->fault.store;
        }
        return;
    }
    scratch_make(b->scratch);
    lm__posix_store_init(&b->posix, NULL, NULL);
    b->posix.no_tmpfile = which == 1;
    b->is_posix = which != 2 && which != 4;
    if (lm__store_mem_open(NULL, &b->opened, NULL) != LM_OK) abort();
    b->store = b->is_posix ? &b->posix.store : b->opened;
    if (which >= 3) {
        lm__fault_store_init(&b->fault, b->store);
        b->store = &b->fault.store;
    }
}

static inline void bench_close(bench *b)
{
    if (!b->is_remote)
        scratch_remove(b->scratch);
    else if (CAN(b, LM_STORE_TREE))
        (void)!lm__store_tree_remove(b->store, b->scratch, NULL, NULL);
    lm__store_close(b->opened);
}

typedef struct listing {
    int count, directories;
    char names[400];
    uint64_t bytes;
} listing;

static inline lm_status listing_add(void *context, const lm_store_entry *entry, lm_error *error)
{
    (void)error;
    listing *l = context;
    l->count++;
    l->directories += entry->stat.kind == LM_STORE_DIRECTORY;
    l->bytes += entry->stat.size;
    strncat(l->names, entry->name, sizeof l->names - strlen(l->names) - 1);
    strncat(l->names, " ", sizeof l->names - strlen(l->names) - 1);
    return LM_OK;
}

static inline listing list(bench *b, const char *after)
{
    listing l = {0};
    lm_error error;
    lm_list_options options = {.after = after, .with_stat = true};
    CHECK_OK(lm__store_list(b->store, b->scratch, &options, listing_add, &l, &error), error);
    return l;
}

#define ON_EACH(name)                                                                              \
    static void name##_on(bench *b);                                                               \
    TEST(name)                                                                                     \
    {                                                                                              \
        for (int which = 0; which < bench_count(); which++) {                                      \
            bench b;                                                                               \
            bool failed = check_failed;                                                            \
            check_failed = false;                                                                  \
            bench_open(&b, which);                                                                 \
            name##_on(&b);                                                                         \
            if (check_failed) printf("# on %s\n", b.what);                                         \
            check_failed |= failed;                                                                \
            bench_close(&b);                                                                       \
        }                                                                                          \
    }                                                                                              \
    static void name##_on(bench *b)

#endif
