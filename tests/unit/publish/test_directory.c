/* Directories published: every call the last one, every call failing, every allocation failing, and
 * what reap makes of journals. Numbers are swap.h's invariants. */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "publish/directory.h"
#include "store/fault/sys.h"
#include "store/posix/posix.h"

static char here[256];

static const char *at(const char *name) { return scratch_join(here, name); }

/* A tree that can be told from others by its text, in three files at two depths. */
static void tree_make(const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/sub", at(name));
    scratch_must(mkdir(at(name), 0755) == 0 && mkdir(path, 0755) == 0, path);
    snprintf(path, sizeof path, "%s/a", at(name));
    scratch_put(path, text);
    snprintf(path, sizeof path, "%s/sub/b", at(name));
    scratch_put(path, text);
    snprintf(path, sizeof path, "%s/link", at(name));
    scratch_must(symlink("a", path) == 0, path);
}

/* Is the tree whole, with this text? */
static bool tree_is(const char *name, const char *text)
{
    char a[600], b[600], link[600], target[8] = "";
    snprintf(a, sizeof a, "%s/a", at(name));
    snprintf(b, sizeof b, "%s/sub/b", at(name));
    snprintf(link, sizeof link, "%s/link", at(name));
    return scratch_is(a, text) && scratch_is(b, text) &&
           readlink(link, target, sizeof target) == 1 && target[0] == 'a';
}

static bool exists(const char *name)
{
    struct stat stat;
    return lstat(at(name), &stat) == 0;
}

static int leftovers;
static int leftover_look(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    leftovers += strncmp(path + walk->base, ".lamella-", 9) == 0;
    return 0;
}
static int leftovers_count(void)
{
    leftovers = 0;
    (void)nftw(here, leftover_look, 16, FTW_PHYS);
    return leftovers;
}

typedef struct told {
    int found, live, spared;
    char reason[200];
} told;

static lm_status tell(void *context, const lm_gc_found *found, lm_error *error)
{
    told *t = context;
    (void)error;
    t->found++;
    t->live += found->done == LM_GC_LIVE;
    t->spared += found->done == LM_GC_SPARED;
    snprintf(t->reason, sizeof t->reason, "%s", found->reason);
    return LM_OK;
}

static told reap(bool dry_run)
{
    lm_posix_store posix;
    told t = {0};
    lm_error error;
    const lm_reap_options options = {.recursive = true, .dry_run = dry_run};
    lm__posix_store_init(&posix, NULL, NULL);
    CHECK_OK(lm__store_reap(&posix.store, here, &options, tell, &t, &error), error);
    return t;
}

typedef struct scene {
    const char *what, *staged;
    bool has_old, with_manifest, if_absent;
    lm_durability durability;
} scene;

static const scene scenes[] = {
    {.what = "exchanged", .staged = "new", .has_old = true},
    {.what = "exchanged, with a manifest", .staged = "new", .has_old = true, .with_manifest = true},
    {.what = "staged below", .staged = "x/new", .has_old = true},
    {.what = "put where nothing is", .staged = "new", .if_absent = true},
    {.what = "not durable", .staged = "x/new", .has_old = true, .durability = LM_DURABILITY_NONE},
};

static void scene_fill(const scene *s)
{
    scratch_make_fast(here);
    scratch_must(mkdir(at("x"), 0755) == 0, "x");
    if (s->has_old) tree_make("out", "old");
    tree_make(s->staged, "new");
}

static lm_status scene_publish(const scene *s, lm_sys *sys, const lm_allocator *allocator,
                               lm_directory_result *result, lm_error *error)
{
    static const lm_manifest manifest = {.run_id = "r"};
    lm_posix_store posix;
    const lm_directory_options options = {
        .manifest = s->with_manifest ? &manifest : NULL,
        .if_absent = s->if_absent,
        .durability = s->durability,
        .threads = 1,
    };
    memset(result, 0, sizeof *result);
    lm__posix_store_init(&posix, allocator, sys);
    return lm__directory_publish(&posix.store, at(s->staged), at("out"), &options, result, error);
}

/* ---- every call the last ---- */

typedef struct mortal {
    lm_sys sys;
    atomic_int calls; /* files are synced by threads */
    int last;
    bool does_last;
} mortal;

static int64_t mortal_run(lm_sys *sys, const lm_sys_call *call)
{
    mortal *m = (mortal *)sys;
    bool is_last = atomic_fetch_add(&m->calls, 1) + 1 == m->last;
    if (is_last && !m->does_last) _exit(99);
    int64_t result = lm__sys_run(lm__sys_kernel(), call);
    if (is_last) _exit(99);
    return result;
}

/* The writer dies: whole trees only, and after reap not a trace of the one that went. */
static bool dies_well(const scene *s, int last, bool does_last)
{
    scene_fill(s);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        mortal m = {.sys = {mortal_run}, .last = last, .does_last = does_last};
        lm_directory_result result;
        lm_error error;
        _exit(scene_publish(s, &m.sys, NULL, &result, &error) == LM_OK ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    bool is_done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    CHECK(is_done || (WIFEXITED(status) && WEXITSTATUS(status) == 99));

    bool is_new = tree_is("out", "new");
    CHECK(is_new || (s->has_old ? tree_is("out", "old") : !exists("out")));
    CHECK(!is_done || is_new);
    (void)reap(false);
    CHECK(tree_is("out", is_new ? "new" : "old") || (!s->has_old && !exists("out")));
    CHECK_INT(leftovers_count(), 0);
    if (is_new)
        CHECK(!exists(s->staged)); /* the old tree is gone, by whoever */
    else
        CHECK(tree_is(s->staged, "new")); /* 1: what was not published is the user's */
    if (check_failed) printf("# %s, dead at call %d%s\n", s->what, last, does_last ? "+" : "");
    scratch_remove(here);
    return is_done;
}

TEST(a_writer_may_die_at_any_call)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (int how = 0; how < 2; how++)
            for (int last = 1; !check_failed; last++)
                if (dies_well(&scenes[i], last, how)) break;
}

/* ---- every call failing ---- */

static void fails_well(const scene *s, uint64_t nth, int os_code, bool lost, bool *again)
{
    lm_fault_sys fault;
    lm_directory_result result;
    lm_error error = {0};
    scene_fill(s);
    int files = scratch_open_files();
    lm__fault_sys_init(&fault, NULL, NULL);
    lm__fault_sys_rule(&fault, (lm_fault_rule){.any_op = true,
                                               .nth = nth,
                                               .times = 1,
                                               .action = lost ? LM_FAULT_LOST : LM_FAULT_FAIL,
                                               .os_code = os_code});
    lm_status status = scene_publish(s, &fault.sys, NULL, &result, &error);
    *again = fault.calls > nth;
    CHECK(lost || scratch_open_files() == files);

    bool is_new = tree_is("out", "new");
    CHECK(is_new || (s->has_old ? tree_is("out", "old") : !exists("out")));
    CHECK(status != LM_OK || is_new);
    CHECK(result.state != LM_COMMIT_NOT_DONE || !is_new);
    CHECK((result.state == LM_COMMIT_DONE) == (status == LM_OK));
    CHECK(result.state != LM_COMMIT_VISIBLE || (status == LM_UNKNOWN_DURABILITY && is_new));
    CHECK(status == LM_OK || error.message[0]);
    if (!is_new) CHECK(tree_is(s->staged, "new"));
    (void)reap(false);
    CHECK_INT(leftovers_count(), 0);
    CHECK(tree_is("out", is_new ? "new" : "old") || (!s->has_old && !exists("out")));
    if (is_new) CHECK(!exists(s->staged));
    if (check_failed)
        printf("# %s: call %llu %s %d: %s: %s\n", s->what, (unsigned long long)nth,
               lost ? "lost" : "failed", os_code, lm_status_name(status), error.message);
    lm__fault_sys_deinit(&fault);
    scratch_remove(here);
}

TEST(any_call_may_fail)
{
    static const int codes[] = {EIO, ENOSPC, EDQUOT, EACCES, EINTR};
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (size_t code = 0; code < sizeof codes / sizeof *codes; code++)
            for (int lost = 0; lost < 2; lost++) {
                bool again = true;
                for (uint64_t nth = 0; again && !check_failed; nth++)
                    fails_well(&scenes[i], nth, codes[code], lost, &again);
            }
}

TEST(any_allocation_may_fail)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (size_t n = 0;; n++) {
            check_alloc memory;
            lm_directory_result result;
            lm_error error = {0};
            scene_fill(&scenes[i]);
            check_alloc_init(&memory, n);
            lm_status status = scene_publish(&scenes[i], NULL, &memory.allocator, &result, &error);
            CHECK_INT(memory.live, 0);
            CHECK(tree_is("out", status == LM_OK ? "new" : "old") ||
                  (status != LM_OK && !scenes[i].has_old));
            if (memory.failed && !result.old_left) CHECK(status == LM_NO_MEMORY || status == LM_OK);
            CHECK_INT(leftovers_count(), 0);
            scratch_remove(here);
            if (!memory.failed || check_failed) break;
        }
}

/* ---- what reap makes of journals ---- */

/* Dies right after the exchange, so that the journal and the old tree stay. */
static int64_t dies_after_exchange(lm_sys *sys, const lm_sys_call *call)
{
    (void)sys;
    int64_t result = lm__sys_run(lm__sys_kernel(), call);
    if (call->op == LM_SYS_RENAMEAT2 && call->flags == RENAME_EXCHANGE) _exit(99);
    return result;
}
static int64_t dies_before_exchange(lm_sys *sys, const lm_sys_call *call)
{
    (void)sys;
    if (call->op == LM_SYS_RENAMEAT2 && call->flags == RENAME_EXCHANGE) _exit(99);
    return lm__sys_run(lm__sys_kernel(), call);
}

static void die(const scene *s, int64_t (*run)(lm_sys *, const lm_sys_call *))
{
    scene_fill(s);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        lm_sys sys = {run};
        lm_directory_result result;
        (void)!scene_publish(s, &sys, NULL, &result, NULL);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 99);
    CHECK_INT(leftovers_count(), 1);
}

TEST(a_journal_brings_the_removal_to_its_end)
{
    die(&scenes[0], dies_after_exchange);
    CHECK(tree_is("out", "new") && tree_is("new", "old"));
    told dry = reap(true);
    CHECK(dry.found == 1 && tree_is("new", "old"));
    told real = reap(false);
    CHECK_INT(real.found, 1);
    CHECK(strstr(real.reason, "took place") != NULL);
    CHECK(tree_is("out", "new") && !exists("new"));
    CHECK_INT(leftovers_count(), 0);
    scratch_remove(here);
}

TEST(an_exchange_that_did_not_come_leaves_what_was_staged)
{
    die(&scenes[0], dies_before_exchange);
    told t = reap(false);
    CHECK(strstr(t.reason, "did not take place") != NULL);
    CHECK(tree_is("out", "old") && tree_is("new", "new"));
    CHECK_INT(leftovers_count(), 0);
    scratch_remove(here);
}

TEST(another_tree_at_the_staged_place_is_not_touched) /* 1 */
{
    die(&scenes[0], dies_after_exchange);
    scratch_remove(at("new"));
    tree_make("new", "mine"); /* most likely with the inode of the old tree */
    told t = reap(false);
    CHECK_INT(t.found, 1);
    CHECK(tree_is("new", "mine") && tree_is("out", "new"));
    CHECK_INT(leftovers_count(), 0);
    scratch_remove(here);
}

TEST(without_the_new_tree_in_place_nothing_is_removed) /* 1, 4 */
{
    die(&scenes[0], dies_after_exchange);
    CHECK(rename(at("out"), at("elsewhere")) == 0);
    told t = reap(false);
    CHECK_INT(t.spared, 1);
    CHECK(tree_is("new", "old"));
    CHECK_INT(leftovers_count(), 1);
    CHECK(rename(at("elsewhere"), at("out")) == 0); /* and back */
    t = reap(false);
    CHECK_INT(t.spared, 0);
    CHECK(!exists("new") && leftovers_count() == 0);
    scratch_remove(here);
}

TEST(a_staged_place_that_is_gone)
{
    die(&scenes[2], dies_after_exchange);
    scratch_remove(at("x")); /* below the destination's directory: surely gone */
    told t = reap(false);
    CHECK_INT(t.spared, 0);
    CHECK_INT(leftovers_count(), 0);
    scratch_remove(here);
}

/* The name of the one leftover. */
static void leftover_name(char name[300])
{
    DIR *listing = opendir(here);
    name[0] = '\0';
    for (struct dirent *entry; (entry = readdir(listing));)
        if (strncmp(entry->d_name, ".lamella-", 9) == 0) snprintf(name, 300, "%s", entry->d_name);
    closedir(listing);
}

static void journal_put(const char *text)
{
    scratch_make_fast(here);
    tree_make("out", "new");
    tree_make("new", "old");
    scratch_put(at(".lamella-00000000000000000000000000000001.swap"), text);
}

TEST(journals_that_are_not_whole)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"lamella_swap\": 2}",
        "{\"lamella_swap\": 1, \"destination\": \"out\", \"staged\": \"new\"}",
        "{\"lamella_swap\": 1, \"destination\": \"../out\", \"staged\": \"new\","
        " \"old\": {\"inode\": 1}, \"new\": {\"inode\": 2}}",
        "{\"lamella_swap\": 1, \"destination\": \"out\", \"staged\": \"\","
        " \"old\": {\"inode\": 1}, \"new\": {\"inode\": 2}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        journal_put(texts[i]);
        told t = reap(false);
        CHECK_INT(t.found, 1);
        CHECK(tree_is("out", "new") && tree_is("new", "old"));
        CHECK_INT(leftovers_count(), 0);
        scratch_remove(here);
    }
}

TEST(a_staged_place_that_cannot_be_looked_at_is_left_to_people) /* 4 */
{
    journal_put("{\"lamella_swap\": 1, \"destination\": \"out\", \"staged\": \"/nowhere/at/all\","
                " \"old\": {\"inode\": 1}, \"new\": {\"inode\": 2}}");
    told t = reap(false);
    CHECK_INT(t.spared, 1);
    CHECK_INT(leftovers_count(), 1);
    scratch_remove(here);
}

TEST(a_living_writer_keeps_its_journal)
{
    char name[300];
    die(&scenes[0], dies_after_exchange);
    leftover_name(name);
    int fd = open(at(name), O_RDWR);
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
    told t = reap(false);
    CHECK_INT(t.live, 1);
    CHECK(tree_is("new", "old"));
    close(fd);
    t = reap(false);
    CHECK(t.live == 0 && !exists("new"));
    scratch_remove(here);
}

TEST(names_that_are_not_utf8)
{
    static const scene odd = {.what = "odd", .staged = "\xff\xfe", .has_old = true};
    die(&odd, dies_after_exchange);
    (void)reap(false);
    CHECK(tree_is("out", "new") && !exists(odd.staged));
    CHECK_INT(leftovers_count(), 0);
    scratch_remove(here);
}

TEST(the_old_tree_stays_until_the_exchange_is_durable)
{
    lm_fault_sys fault;
    lm_directory_result result;
    lm_error error;
    scene_fill(&scenes[0]);
    lm__fault_sys_init(&fault, NULL, NULL);
    lm__fault_sys_rule(&fault, (lm_fault_rule){.op = LM_SYS_FSYNC,
                                               .nth = 6, /* after 4 of the tree, 2 of the journal */
                                               .times = 1,
                                               .action = LM_FAULT_FAIL,
                                               .os_code = EIO});
    CHECK_STATUS(scene_publish(&scenes[0], &fault.sys, NULL, &result, &error),
                 LM_UNKNOWN_DURABILITY);
    CHECK(result.state == LM_COMMIT_VISIBLE && result.old_left);
    CHECK(tree_is("out", "new") && tree_is("new", "old"));
    lm__fault_sys_deinit(&fault);
    scratch_remove(here);
}

TEST(an_interruption_before_the_step_changes_nothing)
{
    lm_posix_store posix;
    lm_directory_result result = {0};
    lm_cancel cancel = {1};
    const lm_directory_options options = {.cancel = &cancel};
    scene_fill(&scenes[0]);
    lm__posix_store_init(&posix, NULL, NULL);
    CHECK_STATUS(lm__directory_publish(&posix.store, at("new"), at("out"), &options, &result, NULL),
                 LM_CANCELLED);
    CHECK(tree_is("out", "old") && tree_is("new", "new"));
    CHECK_INT(leftovers_count(), 0);
    scratch_remove(here);
}

int main(void)
{
    umask(022);
    RUN(a_writer_may_die_at_any_call);
    RUN(any_call_may_fail);
    RUN(any_allocation_may_fail);
    RUN(a_journal_brings_the_removal_to_its_end);
    RUN(an_exchange_that_did_not_come_leaves_what_was_staged);
    RUN(another_tree_at_the_staged_place_is_not_touched);
    RUN(without_the_new_tree_in_place_nothing_is_removed);
    RUN(a_staged_place_that_is_gone);
    RUN(journals_that_are_not_whole);
    RUN(a_staged_place_that_cannot_be_looked_at_is_left_to_people);
    RUN(a_living_writer_keeps_its_journal);
    RUN(names_that_are_not_utf8);
    RUN(the_old_tree_stays_until_the_exchange_is_durable);
    RUN(an_interruption_before_the_step_changes_nothing);
    return DONE();
}
