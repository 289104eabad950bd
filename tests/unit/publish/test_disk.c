/* Disks that are really full, and directories that really cannot be written. */
#define _GNU_SOURCE
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <lamella/publish.h>

#include "base/limits.h"

static char here[256];
static char *bytes;
static const size_t bytes_max = 12 << 20;

static const char *at(const char *name) { return scratch_join(here, name); }

enum { CHILD_SKIPPED = 77 };

/* Runs `work` in a process of its own; what it checks and prints counts here. False when it could
 * not do its work. */
static bool in_child(void (*work)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        check_failed = false;
        work();
        fflush(stdout);
        _exit(check_failed ? 1 : 0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED) return false;
    CHECK_INT(status, 0);
    return true;
}

static void check_refused(size_t size, int os_code, lm_status want)
{
    static const lm_direct ways[] = {LM_DIRECT_NEVER, LM_DIRECT_ALWAYS};
    for (int i = 0; i < 2; i++) {
        lm_error error = {0};
        lm_file_result result;
        lm_file_options options = {.direct = ways[i]};
        int files = scratch_open_files();
        CHECK_STATUS(lm_publish_bytes(at("a"), bytes, size, &options, &result, &error), want);
        CHECK_INT(error.os_code, os_code);
        CHECK_INT(result.state, LM_COMMIT_NOT_DONE);
        CHECK(scratch_is(at("a"), "old"));
        CHECK_INT(scratch_count(here), 1);
        CHECK_INT(scratch_open_files(), files);
    }
}

static bool put_line(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY);
    bool good = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);
    if (fd >= 0) close(fd);
    return good;
}

/* A name space of mounts of this process alone; without root's rights, in one of users too. */
static bool own_mounts(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (geteuid() != 0 &&
        (unshare(CLONE_NEWUSER) != 0 || !put_line("/proc/self/uid_map", users) ||
         !put_line("/proc/self/setgroups", "deny") || !put_line("/proc/self/gid_map", groups)))
        return false;
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void on_a_small_disk(void)
{
    if (!own_mounts() || mount("tmpfs", here, "tmpfs", 0, "size=4m") != 0) _exit(CHILD_SKIPPED);
    scratch_put(at("a"), "old");
    check_refused(12 << 20, ENOSPC, LM_NO_SPACE);
    check_refused(5 << 20, ENOSPC, LM_NO_SPACE);
    lm_error error;
    CHECK_OK(lm_publish_bytes(at("a"), bytes, 3 << 20, NULL, NULL, &error), error);
    CHECK(scratch_is_bytes(at("a"), bytes, 3 << 20));
    /* The old one and the new one do not fit side by side: said, and the old one stays. */
    CHECK_STATUS(lm_publish_bytes(at("a"), bytes + 1, 3 << 20, NULL, NULL, &error), LM_NO_SPACE);
    CHECK(scratch_is_bytes(at("a"), bytes, 3 << 20));
    CHECK(umount(here) == 0);
}

TEST(a_full_disk)
{
    scratch_make(here);
    bool done = in_child(on_a_small_disk);
    scratch_remove(here);
    if (!done) SKIP("no right to mount a small file system");
}

/* The nearest thing to a full disk without rights: files may not grow past a size. */
static void under_a_limit(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    check_refused(12 << 20, EFBIG, LM_NO_SPACE);
    check_refused((1 << 20) + 1, EFBIG, LM_NO_SPACE);
    lm_error error;
    CHECK_OK(lm_publish_bytes(at("a"), bytes, 1 << 20, NULL, NULL, &error), error);
}

TEST(files_that_may_not_grow)
{
    scratch_make(here);
    scratch_put(at("a"), "old");
    (void)in_child(under_a_limit);
    CHECK(scratch_is_bytes(at("a"), bytes, 1 << 20));
    scratch_remove(here);
}

static void drop_rights(void)
{
    if (geteuid() == 0) scratch_must(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
}

static void in_a_read_only_directory(void)
{
    drop_rights();
    check_refused(3, EACCES, LM_PERMISSION);
    check_refused(5 << 20, EACCES, LM_PERMISSION);
    lm_error error;
    CHECK_STATUS(lm_publish_bytes(at("new"), "x", 1, NULL, NULL, &error), LM_PERMISSION);
    CHECK(strstr(error.message, "cannot make a temporary file beside") != NULL);
    CHECK_STATUS(lm_publish_bytes(at("sub/new"), "x", 1, NULL, NULL, &error), LM_PERMISSION);
    CHECK(strstr(error.message, "cannot make the directory sub") != NULL);
}

TEST(a_read_only_directory)
{
    scratch_make(here);
    scratch_put(at("a"), "old");
    CHECK(chmod(here, 0555) == 0);
    (void)in_child(in_a_read_only_directory);
    CHECK(chmod(here, 0755) == 0);
    CHECK_INT(scratch_count(here), 1);
    scratch_remove(here);
}

static void in_a_directory_without_names(void)
{
    drop_rights();
    lm_error error;
    CHECK_STATUS(lm_publish_bytes(at("a"), "x", 1, NULL, NULL, &error), LM_PERMISSION);
    CHECK_INT(error.os_code, EACCES);
}

TEST(a_directory_that_may_not_be_entered)
{
    scratch_make(here);
    CHECK(chmod(here, 0000) == 0);
    (void)in_child(in_a_directory_without_names);
    CHECK(chmod(here, 0755) == 0);
    CHECK_INT(scratch_count(here), 0);
    scratch_remove(here);
}

int main(void)
{
    umask(022);
    bytes = malloc(bytes_max);
    if (!bytes) return 1;
    for (size_t i = 0; i < bytes_max; i++) bytes[i] = (char)(i * 7 + (i >> 9));
    RUN(a_full_disk);
    RUN(files_that_may_not_grow);
    RUN(a_read_only_directory);
    RUN(a_directory_that_may_not_be_entered);
    free(bytes);
    return DONE();
}
