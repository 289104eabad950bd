/* The publication of a file, as its callers know it: lamella/publish.h. Numbers are writer.h's (w)
 * and publish/file.c's invariants. */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <lamella/publish.h>

#include "base/error.h"
#include "base/limits.h"
#include "publish/file.h"
#include "store/fault/sys.h"
#include "store/posix/posix.h"

static char here[256];
static uint8_t *bytes; /* more than a test needs */
static const size_t bytes_max = 40 << 20;

static const char *at(const char *name) { return scratch_join(here, name); }

/* Each test in an empty directory; no descriptor stays open. */
#define IN_SCRATCH(name)                                                                           \
    static void name##_in_scratch(void);                                                           \
    TEST(name)                                                                                     \
    {                                                                                              \
        scratch_make_fast(here);                                                                   \
        int before = scratch_open_files();                                                         \
        name##_in_scratch();                                                                       \
        CHECK_INT(scratch_open_files(), before);                                                   \
        scratch_remove(here);                                                                      \
    }                                                                                              \
    static void name##_in_scratch(void)

IN_SCRATCH(bytes_in_one_call)
{
    lm_error error;
    lm_file_result result;
    CHECK_OK(lm_publish_bytes(at("a"), "123456789", 9, NULL, &result, &error), error);
    CHECK(scratch_is(at("a"), "123456789"));
    CHECK_INT(result.state, LM_COMMIT_DONE);
    CHECK_INT(result.bytes, 9);
    CHECK_TEXT(result.checksum, "crc32c:e3069283");
    CHECK_TEXT(result.path, at("a"));
    CHECK(!result.replaced && !result.direct && result.warnings == 0);
    struct stat stat;
    CHECK(lstat(at("a"), &stat) == 0);
    CHECK_INT(result.inode, stat.st_ino);
    CHECK_INT(result.device, stat.st_dev);
    CHECK_INT(result.mtime_ns, stat.st_mtim.tv_sec * 1000000000LL + stat.st_mtim.tv_nsec);

    lm_file_options sha = {.checksum = "sha256"}, none = {.checksum = "none"},
                    bad = {.checksum = "md5"};
    CHECK_OK(lm_publish_bytes(at("a"), "", 0, &sha, &result, &error), error);
    CHECK(result.replaced);
    CHECK_TEXT(result.checksum,
               "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_OK(lm_publish_bytes(at("a"), "x", 1, &none, &result, &error), error);
    CHECK_TEXT(result.checksum, "");
    CHECK_STATUS(lm_publish_bytes(at("a"), "y", 1, &bad, &result, &error), LM_INVALID);
    CHECK_INT(result.state, LM_COMMIT_NOT_DONE);
    CHECK(scratch_is(at("a"), "x"));
    CHECK_STATUS(lm_publish_bytes(at("a"), "z", 1, NULL, NULL, NULL), LM_OK);
}

/* w1, w3: around the edges of every buffer. */
IN_SCRATCH(every_size_arrives)
{
    static const size_t edges[] = {1,
                                   4096,
                                   LM_STAGE_SMALL_BYTES,
                                   LM_STAGE_SLOT_BYTES,
                                   2 * LM_STAGE_SLOT_BYTES,
                                   (LM_STAGE_SLOTS + 1) * LM_STAGE_SLOT_BYTES};
    static const lm_direct ways[] = {LM_DIRECT_NEVER, LM_DIRECT_ALWAYS, LM_DIRECT_AUTO};
    uint64_t random = 5;
    for (size_t e = 0; e < sizeof edges / sizeof *edges; e++)
        for (int around = -1; around <= 1; around++)
            for (int w = 0; w < 3; w++) {
                size_t size = edges[e] + (size_t)around;
                lm_file_options options = {.direct = ways[w], .size_expected = w == 1 ? 17 : 0};
                lm_file_publication *p;
                lm_error error;
                CHECK_OK(lm_file_open(at("a"), &options, &p, &error), error);
                for (size_t done = 0; done < size;) { /* in pieces of any size */
                    size_t step = check_random(&random) % (size / 3 + 2);
                    if (step > size - done) step = size - done;
                    CHECK_OK(lm_file_write(p, bytes + done, step, &error), error);
                    done += step;
                }
                lm_file_result result;
                CHECK_OK(lm_file_finish(p, &result, &error), error);
                lm_file_close(p);
                CHECK_INT(result.bytes, size);
                if (!scratch_is_bytes(at("a"), bytes, size))
                    check_fail(__FILE__, __LINE__, "%zu bytes, way %d: not the same", size, w);
                char want[LM_CHECKSUM_TEXT_MAX];
                snprintf(want, sizeof want, "crc32c:%08x", lm__crc32c(0, bytes, size));
                CHECK_TEXT(result.checksum, want);
            }
}

static lm_status count_files(void *context, lm_store *store, const lm_sealed *sealed,
                             lm_error *error)
{
    (void)store;
    (void)error;
    (void)sealed;
    *(int *)context = scratch_open_files();
    return LM_OK;
}

/* w4: whole slots go around the page cache, as asked or when the file grows large. */
IN_SCRATCH(large_files_go_around_the_page_cache)
{
    lm_file_options always = {.direct = LM_DIRECT_ALWAYS}, never = {.direct = LM_DIRECT_NEVER};
    lm_file_options large = {.size_expected = LM_STAGE_DIRECT_BYTES_MIN};
    lm_file_options loose = {.durability = LM_DURABILITY_NONE,
                             .size_expected = LM_STAGE_DIRECT_BYTES_MIN};
    lm_file_result result;
    lm_file_publication *p;
    lm_error error;
    CHECK_OK(lm_publish_bytes(at("a"), bytes, 9 << 20, &always, &result, &error), error);
    if (!result.direct) SKIP("the file system has no direct writes");
    CHECK_OK(lm_publish_bytes(at("a"), bytes, 9 << 20, &never, &result, &error), error);
    CHECK(!result.direct);
    CHECK_OK(lm_publish_bytes(at("a"), bytes, 9 << 20, NULL, &result, &error), error);
    CHECK(!result.direct);
    CHECK_OK(lm_file_open(at("a"), &large, &p, &error), error);
    CHECK_OK(lm_file_write(p, bytes, 9 << 20, &error), error);
    CHECK_OK(lm_file_finish(p, &result, &error), error);
    CHECK(result.direct);
    lm_file_close(p);
    CHECK(scratch_is_bytes(at("a"), bytes, 9 << 20));
    CHECK_OK(lm_file_open(at("a"), &loose, &p, &error), error);
    CHECK_OK(lm_file_write(p, bytes, 9 << 20, &error), error);
    CHECK_OK(lm_file_finish(p, &result, &error), error);
    CHECK(!result.direct);
    lm_file_close(p);

    /* Nothing was said of the size: it begins in the page cache and leaves it. */
    CHECK_OK(lm_file_open(at("a"), NULL, &p, &error), error);
    for (size_t size = 0; size < LM_STAGE_DIRECT_BYTES_MIN + LM_STAGE_SLOT_BYTES * 2;
         size += LM_MIB)
        CHECK_OK(lm_file_write(p, bytes, LM_MIB, &error), error);
    CHECK_OK(lm_file_finish(p, &result, &error), error);
    CHECK(result.direct);
    lm_file_close(p);
}

IN_SCRATCH(memory_does_not_depend_on_the_size) /* w1 */
{
    lm_error error;
    lm_file_options options = {.direct = LM_DIRECT_NEVER};
    for (size_t size = 1; size <= bytes_max; size *= 20) {
        check_alloc memory;
        check_alloc_init(&memory, SIZE_MAX);
        options.allocator = &memory.allocator;
        CHECK_OK(lm_publish_bytes(at("a"), bytes, size, &options, NULL, &error), error);
        CHECK_INT(memory.live, 0);
        /* Publication, store, stage, small buffer, the sidecar's name; slots. */
        CHECK(memory.calls <= 5 + LM_STAGE_SLOTS);
        if (size <= LM_STAGE_SMALL_BYTES) CHECK(memory.calls <= 5);
    }
}

/* ---- descriptors and streams ---- */

typedef struct feeder {
    int fd;
    size_t size;
} feeder;

static void *feed(void *argument)
{
    feeder *f = argument;
    for (size_t done = 0; done < f->size;) {
        ssize_t wrote = write(f->fd, bytes + done, f->size - done);
        if (wrote <= 0) break;
        done += (size_t)wrote;
    }
    close(f->fd);
    return NULL;
}

IN_SCRATCH(a_pipe_is_read_to_its_end)
{
    int ends[2];
    pthread_t thread;
    lm_error error;
    lm_file_result result;
    REQUIRE(pipe(ends) == 0);
    feeder f = {ends[1], 9 << 20};
    REQUIRE(pthread_create(&thread, NULL, feed, &f) == 0);
    CHECK_OK(lm_publish_fd(at("a"), ends[0], NULL, &result, &error), error);
    pthread_join(thread, NULL);
    close(ends[0]);
    CHECK_INT(result.bytes, f.size);
    CHECK(scratch_is_bytes(at("a"), bytes, f.size));
}

IN_SCRATCH(a_file_is_read_from_where_it_stands)
{
    lm_error error;
    scratch_put(at("in"), "123456789");
    int fd = open(at("in"), O_RDONLY);
    CHECK(lseek(fd, 4, SEEK_SET) == 4);
    CHECK_OK(lm_publish_fd(at("a"), fd, NULL, NULL, &error), error);
    CHECK_OK(lm_publish_fd(at("b"), fd, NULL, NULL, &error), error);
    close(fd);
    CHECK(scratch_is(at("a"), "56789") && scratch_is(at("b"), ""));
    CHECK_STATUS(lm_publish_fd(at("a"), -1, NULL, NULL, &error), LM_IO);
    CHECK_INT(error.os_code, EBADF);
    CHECK(scratch_is(at("a"), "56789"));
    /* Onto itself: what is read is the old one to the end. */
    fd = open(at("in"), O_RDONLY);
    CHECK_OK(lm_publish_fd(at("in"), fd, NULL, NULL, &error), error);
    close(fd);
    CHECK(scratch_is(at("in"), "123456789"));
}

typedef struct pulled {
    size_t at, size, fail_at, too_much_at;
} pulled;

static lm_status pull(void *context, void *buffer, size_t size, size_t *got, lm_error *error)
{
    pulled *p = context;
    *got = p->size - p->at < 100003 ? p->size - p->at : 100003;
    if (*got > size) *got = size;
    if (p->fail_at && p->at >= p->fail_at)
        return lm__error_set(error, LM_DATA, "the source is wrong");
    if (p->too_much_at && p->at >= p->too_much_at) *got = size + 1;
    if (*got <= size) memcpy(buffer, bytes + p->at, *got);
    p->at += *got;
    return LM_OK;
}

IN_SCRATCH(a_stream_is_pulled_to_its_end)
{
    lm_error error;
    lm_file_result result;
    pulled p = {.size = 9 << 20};
    CHECK_OK(lm_publish_stream(at("a"), pull, &p, NULL, &result, &error), error);
    CHECK(scratch_is_bytes(at("a"), bytes, p.size));
    /* Its failure is the publication's, and changes nothing. */
    p = (pulled){.size = 9 << 20, .fail_at = 5 << 20};
    CHECK_STATUS(lm_publish_stream(at("a"), pull, &p, NULL, &result, &error), LM_DATA);
    CHECK_TEXT(error.message, "the source is wrong");
    CHECK_INT(result.state, LM_COMMIT_NOT_DONE);
    CHECK(result.bytes >= 5 << 20);
    p = (pulled){.size = 9 << 20, .too_much_at = 1};
    CHECK_STATUS(lm_publish_stream(at("a"), pull, &p, NULL, &result, &error), LM_INVALID);
    CHECK(scratch_is_bytes(at("a"), bytes, 9 << 20));
    CHECK_INT(scratch_count(here), 1);
}

/* ---- ends ---- */

IN_SCRATCH(as_a_sink)
{
    lm_error error;
    lm_file_publication *p;
    CHECK_OK(lm_file_open(at("a"), NULL, &p, &error), error);
    CHECK_OK(lm_sink_write(lm_file_sink(p), "abc", 3, &error), error);
    CHECK_INT(lm_file_sink(p)->bytes, 3);
    CHECK_OK(lm_sink_finish(lm_file_sink(p), &error), error);
    CHECK(scratch_is(at("a"), "abc"));
    CHECK_STATUS(lm_file_write(p, "d", 1, &error), LM_INVALID);
    CHECK_STATUS(lm_file_finish(p, NULL, &error), LM_INVALID);
    lm_file_close(p);
    CHECK_OK(lm_file_open(at("a"), NULL, &p, &error), error);
    CHECK_OK(lm_sink_write(lm_file_sink(p), "xyz", 3, &error), error);
    lm_sink_abort(lm_file_sink(p));
    lm_sink_abort(lm_file_sink(p));
    CHECK_STATUS(lm_file_write(p, "d", 1, &error), LM_CANCELLED);
    CHECK_STATUS(lm_file_finish(p, NULL, &error), LM_CANCELLED);
    lm_file_close(p);
    lm_file_close(NULL);
    CHECK(scratch_is(at("a"), "abc"));
    CHECK_INT(scratch_count(here), 1);
}

IN_SCRATCH(conditions)
{
    lm_error error;
    lm_file_result result;
    lm_file_options absent = {.mode = LM_COMMIT_IF_ABSENT};
    lm_file_options match = {.mode = LM_COMMIT_IF_MATCH};
    CHECK_OK(lm_publish_bytes(at("a"), "1", 1, &absent, &result, &error), error);
    CHECK_STATUS(lm_publish_bytes(at("a"), "2", 1, &absent, NULL, &error), LM_EXISTS);
    match.match = result.checksum;
    CHECK_OK(lm_publish_bytes(at("a"), "3", 1, &match, NULL, &error), error);
    CHECK_STATUS(lm_publish_bytes(at("a"), "4", 1, &match, NULL, &error), LM_CONFLICT);
    CHECK(scratch_is(at("a"), "3"));
}

static lm_status refuse(void *context, lm_store *store, const lm_sealed *sealed, lm_error *error)
{
    (void)store;
    *(uint64_t *)context = sealed->size;
    return lm__error_set(error, LM_SCHEMA, "the hook says no to %s", sealed->checksum);
}

/* 3 */
IN_SCRATCH(a_hook_stands_between_seal_and_commit)
{
    lm_posix_store posix;
    lm__posix_store_init(&posix, NULL, NULL);
    lm_error error;
    lm_file_publication *p;
    lm_file_result result;
    uint64_t size = 0;
    int files = 0;
    lm_file_hooks no = {refuse, &size}, yes = {count_files, &files};
    scratch_put(at("a"), "old");
    CHECK_OK(lm__file_open(&posix.store, at("a"), NULL, &no, &p, &error), error);
    CHECK_OK(lm_file_write(p, "123456789", 9, &error), error);
    CHECK_STATUS(lm_file_finish(p, &result, &error), LM_SCHEMA);
    lm_file_close(p);
    CHECK_TEXT(error.message, "the hook says no to crc32c:e3069283");
    CHECK_INT(size, 9);
    CHECK_INT(result.state, LM_COMMIT_NOT_DONE);
    CHECK(scratch_is(at("a"), "old"));
    CHECK_INT(scratch_count(here), 1);
    CHECK_OK(lm__file_open(&posix.store, at("a"), NULL, &yes, &p, &error), error);
    CHECK_OK(lm_file_finish(p, &result, &error), error);
    lm_file_close(p);
    CHECK(files > 0 && scratch_is(at("a"), ""));
}

/* 1: the four answers, and 2. */
IN_SCRATCH(the_state_is_true_whatever_the_status)
{
    static const struct {
        lm_sys_op op;
        int on_kind;
        uint64_t times;
        lm_status status;
        lm_commit_state state;
    } cases[] = {
        {LM_SYS_GETDENTS, 0, 1, LM_OK, LM_COMMIT_DONE},
        {LM_SYS_FSYNC, S_IFDIR, 1, LM_UNKNOWN_DURABILITY, LM_COMMIT_VISIBLE},
        {LM_SYS_FSYNC, S_IFREG, 1, LM_IO, LM_COMMIT_NOT_DONE},
        {LM_SYS_PWRITE, 0, 1, LM_IO, LM_COMMIT_NOT_DONE},
        {LM_SYS_RENAMEAT2, 0, 1, LM_IO, LM_COMMIT_NOT_DONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lm_fault_sys fault;
        lm_posix_store posix;
        lm_file_publication *p;
        lm_file_result result;
        lm_error error;
        scratch_put(at("a"), "old");
        lm__fault_sys_init(&fault, NULL, NULL);
        lm__fault_sys_rule(&fault, (lm_fault_rule){.op = cases[i].op,
                                                   .on_kind = cases[i].on_kind,
                                                   .times = cases[i].times,
                                                   .action = LM_FAULT_FAIL,
                                                   .os_code = EIO});
        lm__posix_store_init(&posix, NULL, &fault.sys);
        CHECK_OK(lm__file_open(&posix.store, at("a"), NULL, NULL, &p, &error), error);
        CHECK_OK(lm_file_write(p, "new", 3, &error), error);
        CHECK_STATUS(lm_file_finish(p, &result, &error), cases[i].status);
        CHECK_INT(result.state, cases[i].state);
        CHECK_INT(scratch_count(here), 1); /* before the close */
        CHECK_STATUS(lm_file_finish(p, NULL, NULL),
                     cases[i].status == LM_OK ? LM_INVALID : cases[i].status);
        lm_file_close(p);
        CHECK(scratch_is(at("a"), result.state == LM_COMMIT_NOT_DONE ? "old" : "new"));
        lm__fault_sys_deinit(&fault);
    }
}

/* A write that fails in the thread is told at the latest by finish, and stays told (w2). */
IN_SCRATCH(a_write_that_fails_in_the_middle)
{
    for (uint64_t nth = 0; nth < 12; nth++) {
        lm_file_options options = {.direct = nth < 6 ? LM_DIRECT_NEVER : LM_DIRECT_ALWAYS};
        uint64_t calls = nth % 6;
        lm_fault_sys fault;
        lm_posix_store posix;
        lm_file_publication *p;
        lm_file_result result;
        lm_error error;
        lm__fault_sys_init(&fault, NULL, NULL);
        lm__fault_sys_rule(&fault, (lm_fault_rule){.op = LM_SYS_PWRITE,
                                                   .nth = calls,
                                                   .action = LM_FAULT_FAIL,
                                                   .os_code = ENOSPC});
        lm__posix_store_init(&posix, NULL, &fault.sys);
        CHECK_OK(lm__file_open(&posix.store, at("a"), &options, NULL, &p, &error), error);
        lm_status status = LM_OK;
        for (size_t i = 0; i < 24 && status == LM_OK; i++)
            status = lm_file_write(p, bytes, LM_MIB, &error);
        CHECK(status == LM_OK || status == LM_NO_SPACE);
        CHECK_STATUS(lm_file_finish(p, &result, &error), LM_NO_SPACE);
        CHECK_INT(error.os_code, ENOSPC);
        /* Nothing after it, but what other threads had begun. */
        CHECK(fault.calls_of[LM_SYS_PWRITE] >= calls + 1);
        CHECK(fault.calls_of[LM_SYS_PWRITE] <= calls + (nth < 6 ? 1 : LM_STAGE_THREADS));
        CHECK_INT(fault.calls_of[LM_SYS_FSYNC], 0);
        CHECK_INT(scratch_count(here), 0);
        lm_file_close(p);
        lm__fault_sys_deinit(&fault);
    }
}

IN_SCRATCH(given_up_in_the_middle)
{
    for (int written = 0; written < 24; written += 5) {
        lm_file_publication *p;
        lm_error error;
        CHECK_OK(lm_file_open(at("a"), NULL, &p, &error), error);
        for (int i = 0; i < written; i++) CHECK_OK(lm_file_write(p, bytes, LM_MIB, &error), error);
        lm_file_close(p);
        CHECK_INT(scratch_count(here), 0);
    }
}

/* Cancelled from another thread, while it writes or waits for its input. */
static lm_cancel stop;

static void stop_now(int signal)
{
    (void)signal;
    atomic_store(&stop.requested, 1);
}

IN_SCRATCH(cancelled_while_it_writes)
{
    lm_file_options options = {.cancel = &stop};
    lm_file_publication *p;
    lm_error error;
    atomic_store(&stop.requested, 0);
    CHECK_OK(lm_file_open(at("a"), &options, &p, &error), error);
    CHECK_OK(lm_file_write(p, bytes, 9 << 20, &error), error);
    atomic_store(&stop.requested, 1);
    CHECK_STATUS(lm_file_write(p, bytes, 9 << 20, &error), LM_CANCELLED);
    CHECK_STATUS(lm_file_finish(p, NULL, &error), LM_CANCELLED);
    lm_file_close(p);
    CHECK_INT(scratch_count(here), 0);
}

IN_SCRATCH(cancelled_by_a_signal_while_it_waits)
{
    int ends[2];
    lm_error error;
    lm_file_options options = {.cancel = &stop};
    struct sigaction action = {.sa_handler = stop_now}, before; /* no SA_RESTART */
    atomic_store(&stop.requested, 0);
    REQUIRE(pipe(ends) == 0);
    CHECK(write(ends[1], "x", 1) == 1);
    sigaction(SIGALRM, &action, &before);
    alarm(1);
    CHECK_STATUS(lm_publish_fd(at("a"), ends[0], &options, NULL, &error), LM_CANCELLED);
    alarm(0);
    sigaction(SIGALRM, &before, NULL);
    close(ends[0]);
    close(ends[1]);
    CHECK_INT(scratch_count(here), 0);
}

IN_SCRATCH(every_allocation_in_turn)
{
    for (int large = 0; large < 2; large++)
        for (size_t n = 0;; n++) {
            check_alloc memory;
            lm_error error;
            pulled p = {.size = large ? 9 << 20 : 10};
            lm_file_options options = {.allocator = &memory.allocator};
            check_alloc_init(&memory, n);
            lm_status status = lm_publish_stream(at("a"), pull, &p, &options, NULL, &error);
            CHECK_INT(memory.live, 0);
            if (memory.failed && status == LM_OK) /* after the commit: a warning was not given */
                CHECK_INT(n, memory.calls - 1);
            else
                CHECK_STATUS(status, memory.failed ? LM_NO_MEMORY : LM_OK);
            CHECK_INT(scratch_count(here), status == LM_OK);
            (void)unlink(at("a"));
            if (!memory.failed) break;
        }
}

/* publish/file.c 4. */
IN_SCRATCH(a_fork_leaves_its_parents_publication_alone)
{
    lm_error error;
    lm_file_publication *publication;
    CHECK_OK(lm_file_open(at("a"), NULL, &publication, &error), error);
    CHECK_OK(lm_file_write(publication, "whole", 5, &error), error);
    for (int finishes = 0; finishes < 2; finishes++) {
        pid_t child = fork();
        if (child == 0) {
            lm_status status = finishes ? lm_file_finish(publication, NULL, &error) : LM_INVALID;
            lm_file_close(publication);
            _exit(status == LM_INVALID ? 0 : 1);
        }
        int ended;
        CHECK(waitpid(child, &ended, 0) == child && ended == 0);
        CHECK(access(at("a"), F_OK) != 0);
    }
    CHECK_OK(lm_file_finish(publication, NULL, &error), error);
    lm_file_close(publication);
    CHECK(scratch_is(at("a"), "whole"));
}

TEST(warnings_have_texts)
{
    for (unsigned bit = 1; bit <= LM_FILE_WARN_LAST; bit <<= 1)
        CHECK(strcmp(lm_file_warning_text(bit), "unknown warning") != 0);
    CHECK_TEXT(lm_file_warning_text(LM_FILE_WARN_LAST << 1), "unknown warning");
}

int main(void)
{
    umask(022);
    bytes = malloc(bytes_max);
    if (!bytes) return 1;
    uint64_t random = 3;
    for (size_t i = 0; i < bytes_max / 8; i++) {
        uint64_t word = check_random(&random);
        memcpy(bytes + 8 * i, &word, 8);
    }
    RUN(bytes_in_one_call);
    RUN(every_size_arrives);
    RUN(large_files_go_around_the_page_cache);
    RUN(memory_does_not_depend_on_the_size);
    RUN(a_pipe_is_read_to_its_end);
    RUN(a_file_is_read_from_where_it_stands);
    RUN(a_stream_is_pulled_to_its_end);
    RUN(as_a_sink);
    RUN(conditions);
    RUN(a_hook_stands_between_seal_and_commit);
    RUN(the_state_is_true_whatever_the_status);
    RUN(a_write_that_fails_in_the_middle);
    RUN(given_up_in_the_middle);
    RUN(cancelled_while_it_writes);
    RUN(cancelled_by_a_signal_while_it_waits);
    RUN(every_allocation_in_turn);
    RUN(a_fork_leaves_its_parents_publication_alone);
    RUN(warnings_have_texts);
    free(bytes);
    return DONE();
}
