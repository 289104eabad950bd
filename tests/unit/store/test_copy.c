/*
 * Bytes that come into a stage without passing through the process (lm__stage_copy), and finished
 * files that become one (adopt) where the contract's own tests do not look.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "scratch.h"
#include "store/fault/store.h"
#include "store/fault/sys.h"
#include "store/posix/posix.h"

static char place[256];

static const char *at(const char *name) { return scratch_join(place, name); }

enum { PART_BYTES = 300000 };

static uint8_t part[PART_BYTES];

static void make_part(void)
{
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof part; i++) part[i] = (uint8_t)check_random(&seed);
    int fd = open(at("part"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    scratch_must(fd >= 0 && write(fd, part, sizeof part) == (ssize_t)sizeof part, "part");
    close(fd);
}

typedef struct step {
    size_t written, offset, copied;
} step;

/* Writes and copies by turns. `moved`: bytes that the system copied. */
static lm_status build(lm_store *store, const lm_stage_options *options, const step *steps,
                       uint64_t *moved, lm_error *error)
{
    lm_stage *stage;
    lm_source *source;
    *moved = 0;
    lm_status status = lm__store_open(store, at("part"), &source, error);
    if (status != LM_OK) return status;
    status = lm__stage_open(store, at("out"), options, &stage, error);
    for (const step *s = steps; status == LM_OK && (s->written || s->copied); s++) {
        uint64_t copied = 0;
        status = lm__stage_write(stage, part, s->written, error);
        if (status == LM_OK)
            status = lm__stage_copy(stage, source, s->offset, s->copied, &copied, error);
        if (status == LM_OK)
            status = lm__stage_write(stage, part + s->offset + copied, s->copied - copied, error);
        *moved += copied;
    }
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    lm_source_close(source);
    return status;
}

static void check_out(lm_store *store, const step *steps)
{
    uint8_t *data;
    size_t size, from = 0;
    lm_error error = {0};
    CHECK_OK(lm__store_read(store, at("out"), NULL, 64 << 20, &data, &size, &error), error);
    if (!data) return;
    for (const step *s = steps; s->written || s->copied; s++) {
        CHECK(from + s->written + s->copied <= size);
        if (from + s->written + s->copied > size) break;
        CHECK_BYTES(data + from, part, s->written);
        CHECK_BYTES(data + from + s->written, part + s->offset, s->copied);
        from += s->written + s->copied;
    }
    CHECK_INT(from, size);
    free(data);
}

static const step mixed[] = {{5, 0, 100000},      {0, 7, 1},     {70000, 4096, 200000}, {1, 0, 0},
                             {250000, 0, 300000}, {0, 0, 65536}, {3, 299999, 1},        {0, 0, 0}};
static const step plain[] = {{0, 0, 300000}, {0, 0, 0}};
/* What is written by itself goes around the page cache before the copy comes. */
static const step late[] = {{300000, 0, 0}, {0, 5, 1000}, {2, 0, 300000}, {0, 0, 0}};

static uint64_t total(const step *steps)
{
    uint64_t sum = 0;
    for (; steps->written || steps->copied; steps++) sum += steps->copied;
    return sum;
}

TEST(what_is_copied_lies_between_what_is_written)
{
    const step *const all[] = {mixed, plain, late};
    lm_posix_store posix;
    lm_error error = {0};
    uint64_t moved;
    lm__posix_store_init(&posix, NULL, NULL);
    for (size_t i = 0; i < 3; i++)
        for (int durability = 0; durability < 3; durability++) {
            lm_stage_options options = {.durability = (lm_durability)durability};
            CHECK_OK(build(&posix.store, &options, all[i], &moved, &error), error);
            CHECK_INT(moved, total(all[i]));
            check_out(&posix.store, all[i]);
            options.checksum = LM_CHECKSUM_CRC32C; /* what is summed is read */
            CHECK_OK(build(&posix.store, &options, all[i], &moved, &error), error);
            CHECK_INT(moved, 0);
            check_out(&posix.store, all[i]);
            options.checksum = LM_CHECKSUM_NONE;
            options.direct = LM_DIRECT_ALWAYS;
            CHECK_OK(build(&posix.store, &options, all[i], &moved, &error), error);
            check_out(&posix.store, all[i]);
        }
}

TEST(what_the_system_cannot_copy_is_left_to_the_caller)
{
    static const int codes[] = {EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM};
    lm_fault_sys sys;
    lm_posix_store posix;
    lm_error error = {0};
    uint64_t moved;
    for (size_t i = 0; i < 2 * sizeof codes / sizeof *codes; i++) {
        lm__fault_sys_init(&sys, NULL, NULL);
        lm__posix_store_init(&posix, NULL, &sys.sys);
        lm__fault_sys_rule(&sys, (lm_fault_rule){.op = LM_SYS_COPY_RANGE,
                                                 .nth = i & 1 ? 2 : 0,
                                                 .action = LM_FAULT_FAIL,
                                                 .os_code = codes[i / 2]});
        CHECK_OK(build(&posix.store, NULL, mixed, &moved, &error), error);
        CHECK(moved < total(mixed));
        CHECK_INT(sys.calls_of[LM_SYS_COPY_RANGE], i & 1 ? 3 : 1);
        check_out(&posix.store, mixed);
        lm__fault_sys_deinit(&sys);
    }
}

TEST(short_copies_go_on)
{
    lm_fault_sys sys;
    lm_posix_store posix;
    lm_error error = {0};
    uint64_t moved;
    lm__fault_sys_init(&sys, NULL, NULL);
    lm__posix_store_init(&posix, NULL, &sys.sys);
    lm__fault_sys_rule(&sys, (lm_fault_rule){.op = LM_SYS_COPY_RANGE, .action = LM_FAULT_SHORT});
    CHECK_OK(build(&posix.store, NULL, mixed, &moved, &error), error);
    CHECK_INT(moved, total(mixed));
    check_out(&posix.store, mixed);
    lm__fault_sys_deinit(&sys);
}

TEST(a_failed_copy_ends_the_stage)
{
    static const int codes[] = {ENOSPC, EIO, EDQUOT};
    lm_fault_sys sys;
    lm_posix_store posix;
    uint64_t moved;
    (void)unlink(at("out"));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        lm_error error = {0};
        lm__fault_sys_init(&sys, NULL, NULL);
        lm__posix_store_init(&posix, NULL, &sys.sys);
        lm__fault_sys_rule(&sys, (lm_fault_rule){.op = LM_SYS_COPY_RANGE,
                                                 .nth = 1,
                                                 .action = LM_FAULT_FAIL,
                                                 .os_code = codes[i]});
        CHECK_INT(build(&posix.store, NULL, mixed, &moved, &error),
                  codes[i] == EIO ? LM_IO : LM_NO_SPACE);
        CHECK(strstr(error.message, "out") != NULL);
        CHECK(access(at("out"), F_OK) != 0);
        lm__fault_sys_deinit(&sys);
    }
}

/* A source that grows shorter while it is copied is told by whoever reads the rest. */
TEST(a_source_that_was_cut_is_not_made_up)
{
    lm_posix_store posix;
    lm_source *source;
    lm_stage *stage;
    lm_error error = {0};
    uint64_t copied;
    lm__posix_store_init(&posix, NULL, NULL);
    CHECK_OK(lm__store_open(&posix.store, at("part"), &source, &error), error);
    CHECK_OK(lm__stage_open(&posix.store, at("out"), NULL, &stage, &error), error);
    CHECK(truncate(at("part"), 1000) == 0);
    CHECK_OK(lm__stage_copy(stage, source, 0, PART_BYTES, &copied, &error), error);
    CHECK_INT(copied, 1000);
    lm__stage_close(stage);
    lm_source_close(source);
    make_part();
}

TEST(a_source_of_another_store_is_read)
{
    lm_posix_store posix;
    lm_memory_source memory;
    lm_stage *stage;
    lm_error error = {0};
    uint64_t copied = 1;
    lm__posix_store_init(&posix, NULL, NULL);
    lm_memory_source_init(&memory, part, sizeof part, NULL);
    CHECK_OK(lm__stage_open(&posix.store, at("out"), NULL, &stage, &error), error);
    CHECK_OK(lm__stage_copy(stage, &memory.source, 0, 100, &copied, &error), error);
    CHECK_INT(copied, 0);
    CHECK_STATUS(lm__stage_copy(stage, &memory.source, 1, PART_BYTES, &copied, &error), LM_INVALID);
    lm__stage_close(stage);
}

/* adopt in memory, as the posix store has it. */
TEST(an_object_is_adopted)
{
    lm_store *store;
    lm_error error = {0};
    lm_store_stat before, stat;
    CHECK_OK(lm__store_mem_open(NULL, &store, &error), error);
    CHECK_OK(lm__store_put_if_absent(store, "d/new", "abc", 3, &error), error);
    CHECK_OK(lm__store_stat(store, "d/new", true, &before, &error), error);
    lm_stage_options options = {.adopt = "d/new", .checksum = LM_CHECKSUM_CRC32C};
    for (int keep = 1; keep >= 0; keep--) {
        lm_stage *stage;
        CHECK_OK(lm__stage_open(store, "d/out", &options, &stage, &error), error);
        CHECK_STATUS(lm__stage_write(stage, "x", 1, &error), LM_INVALID);
        lm__stage_close(stage);
        CHECK_OK(lm__stage_open(store, "d/out", &options, &stage, &error), error);
        CHECK_OK(lm__stage_seal(stage, &error), error);
        CHECK_INT(stage->sealed.size, 3);
        CHECK_INT(stage->sealed.inode, before.inode);
        CHECK(stage->sealed.checksum[0] != '\0');
        if (!keep) CHECK_OK(lm__stage_commit(stage, &error), error);
        lm__stage_close(stage);
        CHECK_INT(lm__store_stat(store, "d/new", true, &stat, &error), keep ? LM_OK : LM_NOT_FOUND);
        CHECK_INT(lm__store_stat(store, "d/out", true, &stat, &error), keep ? LM_NOT_FOUND : LM_OK);
    }
    CHECK_INT(stat.inode, before.inode);
    lm_stage *stage;
    CHECK_STATUS(lm__stage_open(store, "d/out", &options, &stage, &error), LM_NOT_FOUND);
    options.adopt = "d/out";
    CHECK_STATUS(lm__stage_open(store, "d/out", &options, &stage, &error), LM_INVALID);
    CHECK_OK(lm__stage_open(store, "d/three", &options, &stage, &error), error);
    CHECK_OK(lm__store_remove(store, "d/out", LM_DURABILITY_FULL, &error), error);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_STATUS(lm__stage_commit(stage, &error), LM_NOT_FOUND);
    lm__stage_close(stage);
    lm__store_close(store);
}

int main(void)
{
    scratch_make(place);
    make_part();
    RUN(what_is_copied_lies_between_what_is_written);
    RUN(what_the_system_cannot_copy_is_left_to_the_caller);
    RUN(short_copies_go_on);
    RUN(a_failed_copy_ends_the_stage);
    RUN(a_source_that_was_cut_is_not_made_up);
    RUN(a_source_of_another_store_is_read);
    RUN(an_object_is_adopted);
    scratch_remove(place);
    return DONE();
}
