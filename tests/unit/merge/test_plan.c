/* Planning a merge: each allocation failing in turn, and the journal's bytes. */
#include <lamella/merge.h>

#include "check.h"
#include "check_alloc.h"

#include "merge/journal.h"
#include "store/fault/store.h"
#include "store/find.h"

#define ROOT "mem://m"

static void fill(lm_store *store)
{
    static const char *const parts[] = {"k,v\n1,a\n", "k,v\n2,\"b\nc\"", "", "k,v\n"};
    char path[64];
    lm_error error = {0};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, ROOT "/in/part-%05d.csv", i);
        CHECK_OK(lm__store_put_if_absent(store, path, parts[i], strlen(parts[i]), &error), error);
    }
}

TEST(each_allocation_may_fail)
{
    static const char *const sources[] = {ROOT "/in", ROOT "/in2/*"};
    for (int how = 0; how < 3; how++)
        for (size_t n = 0;; n++) {
            check_alloc memory;
            lm_store *mem;
            lm_fault_store fault;
            lm_error error = {0};
            CHECK_OK(lm__store_mem_open(NULL, &mem, &error), error);
            fill(mem);
            CHECK_OK(lm__store_put_if_absent(mem, ROOT "/in2/x.csv", "k,v\n7,z\n", 8, &error),
                     error);
            lm__fault_store_init(&fault, mem);
            check_alloc_init(&memory, n);
            fault.store.allocator = &memory.allocator;
            lm_storage storage = {.reserved = &fault.store};
            lm_file_options file = {.storage = &storage, .allocator = &memory.allocator};
            lm_merge_options options = {.file = &file,
                                        .threads = 1,
                                        .count_rows = how > 0,
                                        .delete_sources = how == 1,
                                        .compression = how == 2 ? LM_MERGE_COMPRESSION_GZIP
                                                                : LM_MERGE_COMPRESSION_AUTO};
            lm_status status = lm_merge(sources, 2, ROOT "/out.csv", &options, NULL, &error);
            lm__store_close(mem);
            CHECK_INT(memory.live, 0);
            if (!memory.failed) {
                CHECK_OK(status, error);
                break;
            }
            if (status != LM_OK) CHECK_INT(status, LM_NO_MEMORY);
        }
}

TEST(a_journal_comes_back_as_it_was)
{
    lm_store *store;
    lm_arena arena;
    lm_error error = {0};
    lm_journal_part parts[] = {{ROOT "/in/a\nb \xff", 7, UINT64_MAX, true},
                               {ROOT "/in/", 0, 0, false}};
    lm_journal journal = {.path = ROOT "/in/" LM_MERGE_JOURNAL_NAME,
                          .destination = ROOT "/o\nut",
                          .target = ROOT "/in/t",
                          .prefix = (const uint8_t *)"a,b\n",
                          .prefix_size = 4,
                          .bytes = 11,
                          .device = 1,
                          .inode = 0xabcdef,
                          .before = 3,
                          .parts = parts,
                          .count = 2};
    lm_journal *back;
    CHECK_OK(lm__store_mem_open(NULL, &store, &error), error);
    lm__arena_init(&arena, NULL, 0);
    CHECK_STATUS(lm__journal_read(&arena, store, journal.path, &back, &error), LM_NOT_FOUND);
    CHECK_OK(lm__journal_write(store, &journal, &error), error);
    CHECK_STATUS(lm__journal_write(store, &journal, &error), LM_EXISTS);
    CHECK_OK(lm__journal_read(&arena, store, journal.path, &back, &error), error);
    CHECK_TEXT(back->path, journal.path);
    CHECK_TEXT(back->destination, journal.destination);
    CHECK_TEXT(back->target, journal.target);
    CHECK_INT(back->prefix_size, 4);
    CHECK_BYTES(back->prefix, journal.prefix, 4);
    CHECK_INT(back->bytes, 11);
    CHECK_INT(back->device, 1);
    CHECK_INT(back->inode, 0xabcdef);
    CHECK_INT(back->before, 3);
    REQUIRE(back->count == 2);
    for (int i = 0; i < 2; i++) {
        CHECK_TEXT(back->parts[i].path, parts[i].path);
        CHECK_INT(back->parts[i].size, parts[i].size);
        CHECK(back->parts[i].stamp == parts[i].stamp);
        CHECK_INT(back->parts[i].joined, parts[i].joined);
    }
    lm__arena_deinit(&arena);
    lm__store_close(store);
}

TEST(a_damaged_journal_is_told)
{
    lm_store *store;
    lm_error error = {0};
    lm_journal_part part = {ROOT "/in/a", 7, 9, true};
    lm_journal journal = {
        .path = ROOT "/j", .destination = ROOT "/out", .bytes = 11, .parts = &part, .count = 1};
    uint8_t *data;
    size_t size;
    CHECK_OK(lm__store_mem_open(NULL, &store, &error), error);
    CHECK_OK(lm__journal_write(store, &journal, &error), error);
    CHECK_OK(lm__store_read(store, journal.path, NULL, 4096, &data, &size, &error), error);
    for (size_t i = 0; i < 2 * size; i++) {
        lm_arena arena;
        lm_journal *back;
        char path[64];
        uint8_t bad[4096];
        size_t length = i < size ? size : i - size; /* a byte changed; cut short */
        memcpy(bad, data, size);
        if (i < size) bad[i] ^= 1;
        snprintf(path, sizeof path, ROOT "/bad%zu", i);
        lm__arena_init(&arena, NULL, 0);
        CHECK_OK(lm__store_put_if_absent(store, path, bad, length, &error), error);
        CHECK_STATUS(lm__journal_read(&arena, store, path, &back, &error), LM_CORRUPT);
        lm__arena_deinit(&arena);
    }
    free(data);
    lm__store_close(store);
}

int main(void)
{
    RUN(each_allocation_may_fail);
    RUN(a_journal_comes_back_as_it_was);
    RUN(a_damaged_journal_is_told);
    return DONE();
}
