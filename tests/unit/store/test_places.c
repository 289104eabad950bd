/* Where a file may stand, what is refused, and what the new file keeps of the old one. Numbers in
 * brackets are destination.c's invariants (d) and attributes.c's (a). */
#define _GNU_SOURCE
#include "check.h"
#include "scratch.h"

#include <acl/libacl.h>
#include <errno.h>
#include <sys/acl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "store/posix/posix.h"

static char here[256];
static lm_posix_store posix;

static lm_status put_as(const char *path, const char *text, lm_stage_options options,
                        unsigned *warnings, lm_error *error)
{
    lm_stage *stage;
    lm_status status = lm__stage_open(&posix.store, path, &options, &stage, error);
    if (status != LM_OK) return status;
    status = lm__stage_write(stage, text, strlen(text), error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (warnings) *warnings = stage->sealed.warnings;
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

static lm_status put(const char *name, const char *text)
{
    return put_as(scratch_join(here, name), text, (lm_stage_options){0}, NULL, NULL);
}

static const char *at(const char *name) { return scratch_join(here, name); }

static struct stat stat_of(const char *name)
{
    struct stat stat;
    scratch_must(lstat(at(name), &stat) == 0, name);
    return stat;
}

/* Each test in an empty directory, once with files without a name and once with named ones. */
static void both_ways(void (*test)(void))
{
    for (int named = 0; named < 2; named++) {
        scratch_make(here);
        lm__posix_store_init(&posix, NULL, NULL);
        posix.no_tmpfile = named;
        int before = scratch_open_files();
        test();
        CHECK_INT(scratch_open_files(), before);
        scratch_remove(here);
    }
}
#define IN_SCRATCH(name)                                                                           \
    static void name##_in_scratch(void);                                                           \
    TEST(name)                                                                                     \
    {                                                                                              \
        both_ways(name##_in_scratch);                                                              \
    }                                                                                              \
    static void name##_in_scratch(void)

static void check_refused(const char *path, lm_status want, const char *words,
                          lm_stage_options options)
{
    lm_error error = {0};
    CHECK_STATUS(put_as(path, "x", options, NULL, &error), want);
    CHECK_INT(error.code, want);
    if (!strstr(error.message, words))
        check_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", error.message, words);
}

/* ---- names ---- */

IN_SCRATCH(a_name_of_255_bytes)
{
    char name[300];
    memset(name, 'n', 255);
    name[255] = '\0';
    CHECK_STATUS(put(name, "1"), LM_OK);
    CHECK_STATUS(put(name, "2"), LM_OK);
    CHECK(scratch_is(at(name), "2"));
    name[255] = 'n';
    name[256] = '\0';
    check_refused(at(name), LM_INVALID, "File name too long", (lm_stage_options){0});
    CHECK_INT(scratch_count(here), 1);
}

IN_SCRATCH(a_name_that_is_not_utf8)
{
    CHECK_STATUS(put("\xff\xfe \n\x01", "1"), LM_OK);
    CHECK_STATUS(put("\xff\xfe \n\x01", "2"), LM_OK);
    CHECK(scratch_is(at("\xff\xfe \n\x01"), "2"));
    CHECK(mkdir(at("\xff dir"), 0755) == 0);
    check_refused(at("\xff dir"), LM_UNSUITABLE, "\\xff dir is a directory", (lm_stage_options){0});
}

IN_SCRATCH(a_path_too_long)
{
    char *path = malloc(6000);
    REQUIRE(path != NULL);
    memset(path, 'a', 5999);
    for (int i = 0; i < 5999; i += 200) path[i] = '/';
    path[5999] = '\0';
    check_refused(path, LM_INVALID, "too long", (lm_stage_options){0});
    free(path);
    CHECK_INT(scratch_count(here), 0);
}

IN_SCRATCH(what_is_no_name)
{
    check_refused("", LM_INVALID, "empty", (lm_stage_options){0});
    check_refused(at("a/"), LM_UNSUITABLE, "does not end in a name", (lm_stage_options){0});
    check_refused(at("."), LM_UNSUITABLE, "does not end in a name", (lm_stage_options){0});
    check_refused(at("a/.."), LM_UNSUITABLE, "does not end in a name", (lm_stage_options){0});
    check_refused("/", LM_UNSUITABLE, "does not end in a name", (lm_stage_options){0});
    CHECK_INT(scratch_count(here), 0);
}

/* ---- kinds ---- */

IN_SCRATCH(what_cannot_be_replaced)
{
    CHECK(mkfifo(at("fifo"), 0644) == 0);
    CHECK(mkdir(at("directory"), 0755) == 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at("socket"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(s, (struct sockaddr *)&address, sizeof address) == 0);
    close(s);
    check_refused(at("fifo"), LM_UNSUITABLE, "fifo is a FIFO", (lm_stage_options){0});
    check_refused(at("directory"), LM_UNSUITABLE, "is a directory", (lm_stage_options){0});
    check_refused(at("socket"), LM_UNSUITABLE, "is a socket", (lm_stage_options){0});
    check_refused("/dev/null", LM_UNSUITABLE, "is a device", (lm_stage_options){0});
    CHECK_INT(scratch_count(here), 3);
    CHECK(S_ISFIFO(stat_of("fifo").st_mode) && S_ISSOCK(stat_of("socket").st_mode));
    lm_source *source;
    CHECK_STATUS(lm__store_open(&posix.store, at("fifo"), &source, NULL), LM_UNSUITABLE);
    CHECK_STATUS(lm__store_open(&posix.store, at("directory"), &source, NULL), LM_UNSUITABLE);
}

/* A directory that appears after the look is not replaced by the rename either. */
IN_SCRATCH(a_directory_that_comes_late)
{
    lm_stage *stage;
    lm_error error;
    CHECK_STATUS(put("a", "old"), LM_OK);
    CHECK_STATUS(lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    CHECK(unlink(at("a")) == 0 && mkdir(at("a"), 0755) == 0);
    CHECK_STATUS(lm__stage_commit(stage, &error), LM_UNSUITABLE);
    lm__stage_close(stage);
    CHECK(S_ISDIR(stat_of("a").st_mode));
    CHECK_INT(scratch_count(here), 1);
}

/* A file that another process put there first is replaced, as it would have been a moment later. */
IN_SCRATCH(a_file_that_comes_late)
{
    lm_stage *stage;
    lm_error error;
    CHECK_STATUS(lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_write(stage, "new", 3, NULL), LM_OK);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    scratch_put(at("a"), "other");
    CHECK_OK(lm__stage_commit(stage, &error), error);
    lm__stage_close(stage);
    CHECK(scratch_is(at("a"), "new"));
    CHECK_INT(scratch_count(here), 1);
}

IN_SCRATCH(a_file_that_goes_early)
{
    lm_stage *stage;
    lm_error error;
    CHECK_STATUS(put("a", "old"), LM_OK);
    CHECK(chmod(at("a"), 0640) == 0);
    CHECK_STATUS(lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_write(stage, "new", 3, NULL), LM_OK);
    CHECK(unlink(at("a")) == 0);
    CHECK_OK(lm__stage_seal(stage, &error), error);
    CHECK_OK(lm__stage_commit(stage, &error), error);
    lm__stage_close(stage);
    CHECK(scratch_is(at("a"), "new"));
    CHECK_INT(stat_of("a").st_mode & 07777, 0640);
    CHECK_INT(scratch_count(here), 1);
}

/* ---- links ---- */

IN_SCRATCH(a_symlink_is_followed) /* d3 */
{
    CHECK(mkdir(at("sub"), 0755) == 0 && mkdir(at("far"), 0755) == 0);
    scratch_put(at("far/target"), "old");
    CHECK(symlink("../far/target", at("sub/second")) == 0);
    CHECK(symlink("sub/second", at("first")) == 0);
    lm_stage *stage;
    CHECK_STATUS(lm__stage_open(&posix.store, at("first"), NULL, &stage, NULL), LM_OK);
    CHECK_TEXT(stage->sealed.path, at("sub/../far/target"));
    lm__stage_close(stage);
    CHECK_STATUS(put("first", "new"), LM_OK);
    CHECK(S_ISLNK(stat_of("first").st_mode) && S_ISLNK(stat_of("sub/second").st_mode));
    CHECK(S_ISREG(stat_of("far/target").st_mode) && scratch_is(at("far/target"), "new"));
    CHECK_INT(scratch_count(at("far")), 1);
    CHECK_INT(scratch_count(at("sub")), 1);
}

IN_SCRATCH(an_absolute_symlink_is_followed)
{
    CHECK(mkdir(at("far"), 0755) == 0);
    scratch_put(at("far/target"), "old");
    CHECK(symlink(at("far/target"), at("link")) == 0);
    CHECK_STATUS(put("link", "new"), LM_OK);
    CHECK(S_ISLNK(stat_of("link").st_mode) && scratch_is(at("far/target"), "new"));
}

IN_SCRATCH(a_dangling_symlink_leads_to_a_new_file)
{
    CHECK(symlink("not/yet", at("link")) == 0);
    CHECK_STATUS(put("link", "new"), LM_OK);
    CHECK(S_ISLNK(stat_of("link").st_mode) && scratch_is(at("not/yet"), "new"));
    lm_stage_options absent = {.mode = LM_COMMIT_IF_ABSENT};
    check_refused(at("link"), LM_EXISTS, "exists already", absent);
}

IN_SCRATCH(no_follow_replaces_the_link)
{
    scratch_put(at("target"), "old");
    CHECK(symlink("target", at("link")) == 0);
    lm_stage_options no_follow = {.no_follow = true};
    CHECK_STATUS(put_as(at("link"), "new", no_follow, NULL, NULL), LM_OK);
    CHECK(S_ISREG(stat_of("link").st_mode) && scratch_is(at("link"), "new"));
    CHECK(scratch_is(at("target"), "old"));
    CHECK_INT(stat_of("link").st_mode & 0777, 0644); /* a link's own mode means nothing */
    CHECK_INT(scratch_count(here), 2);
}

IN_SCRATCH(links_in_a_circle)
{
    CHECK(symlink("b", at("a")) == 0 && symlink("a", at("b")) == 0);
    check_refused(at("a"), LM_IO, "Too many levels of symbolic links", (lm_stage_options){0});
    check_refused(at("a/x"), LM_IO, "Too many levels of symbolic links", (lm_stage_options){0});
}

IN_SCRATCH(links_to_what_cannot_be_replaced)
{
    CHECK(mkfifo(at("fifo"), 0644) == 0);
    CHECK(symlink("fifo", at("a")) == 0 && symlink(".", at("b")) == 0);
    check_refused(at("a"), LM_UNSUITABLE, "is a FIFO", (lm_stage_options){0});
    check_refused(at("b"), LM_UNSUITABLE, "is a directory", (lm_stage_options){0});
    /* Who reads a standard output that leads to a file has that file open. */
    int fd = open(at("out"), O_RDWR | O_CREAT, 0644);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    check_refused(path, LM_UNSUITABLE, "by way of /proc", (lm_stage_options){0});
    close(fd);
}

IN_SCRATCH(a_hard_linked_file_leaves_its_other_names)
{
    scratch_put(at("a"), "old");
    CHECK(link(at("a"), at("b")) == 0);
    CHECK_STATUS(put("a", "new"), LM_OK);
    CHECK(scratch_is(at("a"), "new") && scratch_is(at("b"), "old"));
    CHECK_INT(stat_of("a").st_nlink, 1);
}

/* ---- parents ---- */

IN_SCRATCH(missing_parents_are_made)
{
    CHECK_STATUS(put("x//y/./z/a", "1"), LM_OK);
    CHECK(scratch_is(at("x/y/z/a"), "1"));
    CHECK_INT(stat_of("x/y").st_mode & 0777, 0755);
    lm_stage_options no_parents = {.no_parents = true};
    check_refused(at("q/a"), LM_NOT_FOUND, "cannot open the directory", no_parents);
    check_refused(at("x/y/z/a/b"), LM_NOT_FOUND, "not a directory", (lm_stage_options){0});
    CHECK_INT(scratch_count(here), 1);
}

IN_SCRATCH(a_change_of_directory_harms_nothing) /* d1 */
{
    char before[1024];
    lm_stage *stage;
    REQUIRE(getcwd(before, sizeof before) != NULL);
    REQUIRE(chdir(here) == 0);
    lm_status status = lm__stage_open(&posix.store, "a", NULL, &stage, NULL);
    CHECK(chdir("/") == 0);
    CHECK_STATUS(status, LM_OK);
    if (status == LM_OK) {
        CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
        CHECK_STATUS(lm__stage_commit(stage, NULL), LM_OK);
        lm__stage_close(stage);
    }
    CHECK(chdir(before) == 0);
    CHECK(scratch_is(at("a"), ""));
}

IN_SCRATCH(a_renamed_parent_harms_nothing)
{
    lm_stage *stage;
    CHECK(mkdir(at("d"), 0755) == 0);
    CHECK_STATUS(lm__stage_open(&posix.store, at("d/a"), NULL, &stage, NULL), LM_OK);
    CHECK(rename(at("d"), at("e")) == 0);
    CHECK_STATUS(lm__stage_seal(stage, NULL), LM_OK);
    CHECK_STATUS(lm__stage_commit(stage, NULL), LM_OK);
    lm__stage_close(stage);
    CHECK(scratch_is(at("e/a"), ""));
    CHECK_INT(scratch_count(here), 1);
}

/* ---- attributes ---- */

IN_SCRATCH(the_mode_is_kept)
{
    static const unsigned modes[] = {0600, 0640, 0444, 0755, 0777, 04755, 02750, 0};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        scratch_put(at("a"), "old");
        CHECK(chmod(at("a"), modes[i]) == 0);
        CHECK_STATUS(put("a", "new"), LM_OK);
        CHECK_INT(stat_of("a").st_mode & 07777, modes[i]);
        CHECK(unlink(at("a")) == 0);
    }
    mode_t before = umask(027);
    CHECK_STATUS(put("b", "new"), LM_OK);
    umask(before);
    CHECK_INT(stat_of("b").st_mode & 07777, 0640);
}

IN_SCRATCH(owner_and_group_are_kept_by_root)
{
    if (geteuid() != 0) SKIP("needs root");
    unsigned warnings = 99;
    scratch_put(at("a"), "old");
    CHECK(chown(at("a"), 12345, 23456) == 0 && chmod(at("a"), 06751) == 0);
    CHECK_STATUS(put_as(at("a"), "new", (lm_stage_options){0}, &warnings, NULL), LM_OK);
    CHECK_INT(warnings, 0);
    CHECK_INT(stat_of("a").st_uid, 12345);
    CHECK_INT(stat_of("a").st_gid, 23456);
    CHECK_INT(stat_of("a").st_mode & 07777, 06751);
}

static void as_nobody(void (*work)(void))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        check_failed = false;
        if (setgid(65534) != 0 || setuid(65534) != 0) _exit(99);
        work();
        fflush(stdout);
        _exit(check_failed ? 1 : 0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

static void replace_a_foreign_file(void)
{
    unsigned warnings = 0;
    lm_error error = {0};
    CHECK_OK(put_as(at("a"), "new", (lm_stage_options){.keep_xattrs = true}, &warnings, &error),
             error);
    CHECK_INT(warnings & ~LM_FILE_WARN_XATTR, LM_FILE_WARN_OWNER | LM_FILE_WARN_GROUP);
    CHECK(scratch_is(at("a"), "new"));
}

/* a1: nobody takes root's file over; the set-bits go, and the new group gets what others had. */
IN_SCRATCH(what_cannot_be_kept_is_narrowed)
{
    if (geteuid() != 0) SKIP("needs root");
    CHECK(chmod(here, 0777) == 0);
    scratch_put(at("a"), "old");
    CHECK(chmod(at("a"), 06774) == 0);
    as_nobody(replace_a_foreign_file);
    CHECK_INT(stat_of("a").st_uid, 65534);
    CHECK_INT(stat_of("a").st_mode & 07777, 0744);
    /* A file that the writer may not even read. */
    scratch_put(at("a"), "old");
    CHECK(chown(at("a"), 0, 0) == 0 && chmod(at("a"), 0640) == 0);
    as_nobody(replace_a_foreign_file);
    CHECK_INT(stat_of("a").st_mode & 07777, 0600);
    CHECK_INT(scratch_count(here), 1);
}

static bool acl_put(const char *path, const char *text, acl_type_t type)
{
    acl_t acl = acl_from_text(text);
    bool good = acl && acl_set_file(path, type, acl) == 0;
    if (acl) acl_free(acl);
    return good;
}

static void check_acl(const char *path, const char *want)
{
    acl_t acl = acl_get_file(path, ACL_TYPE_ACCESS);
    REQUIRE(acl != NULL);
    char *text = acl_to_any_text(acl, NULL, ',', TEXT_ABBREVIATE | TEXT_NUMERIC_IDS);
    CHECK_TEXT(text, want);
    acl_free(text);
    acl_free(acl);
}

IN_SCRATCH(the_access_control_list_is_kept)
{
    scratch_put(at("a"), "old");
    if (!acl_put(at("a"), "u::rw,u:1234:r,g::r,g:99:rw,m::rw,o::-", ACL_TYPE_ACCESS))
        SKIP("the file system has no access control lists");
    CHECK_STATUS(put("a", "new"), LM_OK);
    CHECK(scratch_is(at("a"), "new"));
    check_acl(at("a"), "u::rw-,u:1234:r--,g::r--,g:99:rw-,m::rw-,o::---");
    CHECK_INT(stat_of("a").st_mode & 0777, 0660);
}

IN_SCRATCH(a_default_list_is_honoured_and_does_not_widen) /* a2 */
{
    scratch_put(at("old"), "old");
    CHECK(chmod(at("old"), 0640) == 0);
    if (!acl_put(here, "u::rwx,u:1234:rw,g::r,m::rw,o::-", ACL_TYPE_DEFAULT))
        SKIP("the file system has no access control lists");
    mode_t before = umask(077); /* does not count where there is a default list */
    CHECK_STATUS(put("new", "1"), LM_OK);
    CHECK_STATUS(put("old", "1"), LM_OK);
    umask(before);
    check_acl(at("new"), "u::rw-,u:1234:rw-,g::r--,m::rw-,o::---");
    check_acl(at("old"), "u::rw-,g::r--,o::---");
}

static void replace_a_foreign_file_with_a_list(void)
{
    unsigned warnings = 0;
    CHECK_STATUS(put_as(at("a"), "new", (lm_stage_options){0}, &warnings, NULL), LM_OK);
    CHECK_INT(warnings, LM_FILE_WARN_OWNER | LM_FILE_WARN_GROUP);
}

/* a1: the list stays, but the entry of the owning group speaks of another group now. */
IN_SCRATCH(a_list_on_a_foreign_file_is_narrowed)
{
    if (geteuid() != 0) SKIP("needs root");
    CHECK(chmod(here, 0777) == 0);
    for (int readable = 0; readable < 2; readable++) {
        scratch_put(at("a"), "old");
        CHECK(chown(at("a"), 0, 0) == 0);
        if (!acl_put(at("a"),
                     readable ? "u::rw,u:1234:r,g::rw,m::rw,o::r"
                              : "u::rw,u:1234:r,g::rw,m::rw,o::-",
                     ACL_TYPE_ACCESS))
            SKIP("the file system has no access control lists");
        as_nobody(replace_a_foreign_file_with_a_list);
        check_acl(at("a"), readable ? "u::rw-,u:1234:r--,g::r--,m::rw-,o::r--"
                                    : "u::rw-,u:1234:r--,g::---,m::rw-,o::---");
    }
}

/* Without /proc the list of a file that may not be read is unknown. */
static void replace_with_an_unknown_list(void)
{
    unsigned warnings = 0;
    CHECK_STATUS(put_as(at("a"), "new", (lm_stage_options){0}, &warnings, NULL), LM_OK);
    CHECK_INT(warnings, LM_FILE_WARN_OWNER | LM_FILE_WARN_GROUP | LM_FILE_WARN_ACL);
}

IN_SCRATCH(without_proc_it_works_by_names)
{
    posix.no_proc = true;
    CHECK_STATUS(put("a", "1"), LM_OK);
    CHECK_STATUS(put("a", "2"), LM_OK);
    CHECK(scratch_is(at("a"), "2"));
    CHECK_INT(scratch_count(here), 1);
    if (geteuid() != 0) SKIP("the rest needs root");
    CHECK(chmod(here, 0777) == 0 && chmod(at("a"), 0640) == 0);
    as_nobody(replace_with_an_unknown_list);
    CHECK_INT(stat_of("a").st_mode & 07777, 0600);
}

IN_SCRATCH(attributes_of_the_user_are_kept_by_choice)
{
    char value[16];
    scratch_put(at("a"), "old");
    if (setxattr(at("a"), "user.x", "1", 1, 0) != 0) SKIP("the file system has no user attributes");
    CHECK(setxattr(at("a"), "user.y", "", 0, 0) == 0);
    if (geteuid() == 0) CHECK(setxattr(at("a"), "trusted.z", "3", 1, 0) == 0);
    unsigned warnings = 9;
    lm_stage_options keep = {.keep_xattrs = true};
    CHECK_STATUS(put_as(at("a"), "new", keep, &warnings, NULL), LM_OK);
    CHECK_INT(warnings, 0);
    CHECK_INT(getxattr(at("a"), "user.x", value, sizeof value), 1);
    CHECK_INT(getxattr(at("a"), "user.y", value, sizeof value), 0);
    CHECK_INT(getxattr(at("a"), "trusted.z", value, sizeof value), -1);
    CHECK_STATUS(put("a", "new"), LM_OK);
    CHECK_INT(getxattr(at("a"), "user.x", value, sizeof value), -1);
}

/* The hidden file is never wider than the finished one will be (stage.c, 4). */
IN_SCRATCH(the_hidden_file_is_narrow)
{
    lm_stage *stage;
    struct stat stat;
    scratch_put(at("a"), "old");
    CHECK(chmod(at("a"), 0644) == 0);
    int fd = open("/dev/null", O_RDONLY); /* its number, then the directory's, the file's follow */
    CHECK_STATUS(lm__stage_open(&posix.store, at("a"), NULL, &stage, NULL), LM_OK);
    int found = 0;
    for (int i = fd + 1; i < fd + 8; i++)
        if (fstat(i, &stat) == 0 && S_ISREG(stat.st_mode)) {
            found++;
            CHECK_INT(stat.st_mode & 0777, 0600);
        }
    CHECK_INT(found, 1);
    lm__stage_close(stage);
    close(fd);
}

int main(void)
{
    umask(022);
    RUN(a_name_of_255_bytes);
    RUN(a_name_that_is_not_utf8);
    RUN(a_path_too_long);
    RUN(what_is_no_name);
    RUN(what_cannot_be_replaced);
    RUN(a_directory_that_comes_late);
    RUN(a_file_that_comes_late);
    RUN(a_file_that_goes_early);
    RUN(a_symlink_is_followed);
    RUN(an_absolute_symlink_is_followed);
    RUN(a_dangling_symlink_leads_to_a_new_file);
    RUN(no_follow_replaces_the_link);
    RUN(links_in_a_circle);
    RUN(links_to_what_cannot_be_replaced);
    RUN(a_hard_linked_file_leaves_its_other_names);
    RUN(missing_parents_are_made);
    RUN(a_change_of_directory_harms_nothing);
    RUN(a_renamed_parent_harms_nothing);
    RUN(the_mode_is_kept);
    RUN(owner_and_group_are_kept_by_root);
    RUN(what_cannot_be_kept_is_narrowed);
    RUN(the_access_control_list_is_kept);
    RUN(a_default_list_is_honoured_and_does_not_widen);
    RUN(a_list_on_a_foreign_file_is_narrowed);
    RUN(without_proc_it_works_by_names);
    RUN(attributes_of_the_user_are_kept_by_choice);
    RUN(the_hidden_file_is_narrow);
    return DONE();
}
