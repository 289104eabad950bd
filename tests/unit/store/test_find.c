/* Finding files (src/store/find.c) on a store that is no file system. */
#include "store/find.h"

#include "check.h"
#include "check_alloc.h"

typedef struct told {
    char text[1024];
    size_t size, base;
} told;

static lm_status tell(void *context, const lm_find_entry *entry, lm_error *error)
{
    told *t = context;
    (void)error;
    t->size += (size_t)snprintf(t->text + t->size, sizeof t->text - t->size, "%s%s:%d",
                                t->size ? " " : "", entry->path, (int)entry->size);
    t->base = entry->base;
    return LM_OK;
}

static const char *found(lm_store *store, const char *path, told *t)
{
    lm_arena arena;
    lm_error error = {0};
    *t = (told){0};
    lm__arena_init(&arena, NULL, 0);
    lm_status status = lm__is_pattern(path)
                           ? lm__find_pattern(&arena, store, path, NULL, tell, t, &error)
                           : lm__find_directory(&arena, store, path, NULL, tell, t, &error);
    if (status != LM_OK) snprintf(t->text, sizeof t->text, "%s", error.message);
    lm__arena_deinit(&arena);
    return t->text;
}

TEST(any_store_is_walked)
{
    lm_store *store;
    lm_error error = {0};
    told t;
    CHECK_OK(lm__store_mem_open(NULL, &store, &error), error);
    static const char *const paths[] = {"out/part-10.csv",     "out/part-9.csv",
                                        "out/_SUCCESS",        "out/.part-9.csv.crc",
                                        "out/deep/part-1.csv", "out/x.csv.manifest.json",
                                        "out/_temporary/0/a"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CHECK_OK(lm__store_put_if_absent(store, paths[i], "12345", i, &error), error);
    CHECK_TEXT(found(store, "out", &t), "out/deep/part-1.csv:4 out/part-9.csv:1 out/part-10.csv:0");
    CHECK_INT(t.base, 4);
    CHECK_TEXT(found(store, "out/", &t),
               "out/deep/part-1.csv:4 out/part-9.csv:1 out/part-10.csv:0");
    CHECK_INT(t.base, 4);
    CHECK_TEXT(found(store, "o*/part-*", &t), "out/part-9.csv:1 out/part-10.csv:0");
    CHECK_INT(t.base, 0);
    CHECK_TEXT(found(store, "out/*/part-1.csv", &t), "out/deep/part-1.csv:4");
    CHECK_INT(t.base, 4);
    CHECK_TEXT(found(store, "out/_*", &t), "out/_SUCCESS:2 out/_temporary/0/a:6");
    CHECK_TEXT(found(store, "out/[a-c]*", &t), "");
    lm__store_close(store);
}

TEST(a_stamp_is_another_when_the_object_is)
{
    lm_store_stat a = {.size = 1, .mtime_ns = 2, .version = "1"}, b = a;
    CHECK(lm__store_stamp(&a) == lm__store_stamp(&b));
    b.size = 3;
    CHECK(lm__store_stamp(&a) != lm__store_stamp(&b));
    b = a;
    b.mtime_ns = 3;
    CHECK(lm__store_stamp(&a) != lm__store_stamp(&b));
    b = a;
    b.version[0] = '2';
    CHECK(lm__store_stamp(&a) != lm__store_stamp(&b));
}

TEST(each_allocation_may_fail)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_store *store;
        lm_arena arena;
        lm_error error = {0};
        told t = {0};
        CHECK_OK(lm__store_mem_open(NULL, &store, &error), error);
        CHECK_OK(lm__store_put_if_absent(store, "a/b/part-1", "x", 1, &error), error);
        check_alloc_init(&memory, n);
        lm__arena_init(&arena, &memory.allocator, 0);
        store->allocator = &memory.allocator;
        lm_status status = lm__find_pattern(&arena, store, "**/part*", NULL, tell, &t, &error);
        store->allocator = lm_allocator_default();
        lm__arena_deinit(&arena);
        lm__store_close(store);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_INT(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(any_store_is_walked);
    RUN(a_stamp_is_another_when_the_object_is);
    RUN(each_allocation_may_fail);
    return DONE();
}
