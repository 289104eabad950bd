/*
 * Parts that a merge consumes: joined by the store onto a hidden target beside them, which is then
 * put in place; or removed after the commit. And carrying on where such a merge was interrupted.
 *
 *     joined    journal → target with its first bytes → concat … → commit of the target → what was
 *               blank is removed → journal removed
 *     removed   everything copied and sealed → journal → commit → parts removed → journal removed
 *
 * What was done is seen by looking, never by believing: how many parts are in the target by its
 * size, whether the commit took place by what stands at the destination.
 *
 * Invariants
 *  1. Between a journal and its removal each byte of each part is in exactly one of: the part, the
 *     target, the destination; or, when parts are removed, in the destination whatever else.
 *  2. A part is only removed if it is, by size, time and version, the one that was merged; another
 *     one under its name is left.
 *  3. The journal goes last, when the rest is durable.
 *
 * docs/merge.md lists the states and what becomes of each.
 */
#include "merge/consume.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "merge/many.h"
#include "store/find.h"
#include "store/place.h"

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "merging"); }

/* What stands at a path. */
typedef struct standing {
    bool there;
    uint64_t stamp;
    lm_store_stat stat;
} standing;

static lm_status look_at(lm_store *store, const char *path, standing *s, lm_error *error)
{
    *s = (standing){0};
    lm_status status = lm__store_stat(store, path, true, &s->stat, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    LM_TRY(status);
    s->there = true;
    s->stamp = lm__store_stamp(&s->stat);
    return LM_OK;
}

/* The directory of a path, "" for the current one. */
static void directory_of(const char *path, char directory[LM_PATH_BYTES_MAX])
{
    size_t root = lm__place_root_size(path), size = strlen(path);
    while (size > root && path[size - 1] != '/') size--;
    if (size > root + 1) size--;
    snprintf(directory, LM_PATH_BYTES_MAX, "%.*s", (int)size, path);
}

static lm_status sync_directory_of(lm_store *store, const char *path, lm_error *error)
{
    char directory[LM_PATH_BYTES_MAX];
    directory_of(path, directory);
    return lm__store_sync_directory(store, directory[0] ? directory : ".", error);
}

/* ---- removing ---- */

static lm_status remove_quietly(lm_store *store, const char *path, lm_error *error)
{
    lm_status status = lm__store_remove(store, path, LM_DURABILITY_FULL, error);
    return status == LM_NOT_FOUND ? LM_OK : status;
}

typedef struct removal {
    lm_store *store;
    const lm_journal *journal;
    bool *left; /* of each part: it is another one by now */
} removal;

/* Invariant 2. */
static lm_status remove_part(void *context, size_t number, lm_arena *scratch, lm_error *error)
{
    const removal *r = context;
    const lm_journal_part *part = &r->journal->parts[number];
    standing now;
    (void)scratch;
    if (part->joined) return LM_OK;
    LM_TRY(look_at(r->store, part->path, &now, error));
    r->left[number] = now.there && now.stamp != part->stamp;
    if (!now.there || r->left[number]) return LM_OK;
    lm_status status = lm__store_remove(r->store, part->path, LM_DURABILITY_NONE, error);
    return status == LM_NOT_FOUND ? LM_OK : status;
}

static lm_status sync_directories(lm_store *store, const lm_journal *j, lm_error *error)
{
    char directory[LM_PATH_BYTES_MAX], before[LM_PATH_BYTES_MAX] = "";
    bool has_one = false;
    for (size_t i = 0; i < j->count; i++) {
        if (j->parts[i].joined) continue;
        directory_of(j->parts[i].path, directory);
        if (has_one && strcmp(directory, before) == 0) continue;
        LM_TRY(sync_directory_of(store, j->parts[i].path, error));
        has_one = true;
        memcpy(before, directory, strlen(directory) + 1);
    }
    return LM_OK;
}

/* Those that were not joined, which are all where nothing was. */
static lm_status remove_parts(lm_merge_plan *plan, const lm_journal *j, lm_merge_result *result,
                              lm_error *error)
{
    removal r = {.store = plan->from, .journal = j};
    r.left = lm__alloc_zero(plan->allocator, j->count + 1);
    if (!r.left) return no_memory(error);
    lm_status status = lm__many_run(plan, j->count, remove_part, &r, error);
    for (size_t i = 0; i < j->count && status == LM_OK; i++) {
        result->left += r.left[i];
        result->deleted += !r.left[i];
    }
    lm__free(plan->allocator, r.left);
    return status == LM_OK ? sync_directories(plan->from, j, error) : status;
}

lm_status lm__merge_remove(lm_merge_plan *plan, const lm_journal *journal, bool committed,
                           lm_merge_result *result, lm_error *error)
{
    lm_status status = LM_OK;
    if (committed) status = remove_parts(plan, journal, result, error);
    if (status == LM_OK) status = remove_quietly(plan->from, journal->path, error);
    if (status == LM_OK || !committed) return status;
    return lm__error_within(error, status,
                            "%s is in place, but not all parts are removed (--resume carries on)",
                            journal->destination);
}

/* ---- the journal ---- */

static lm_status make_journal(lm_merge_plan *plan, bool joins, lm_journal **journal,
                              lm_error *error)
{
    standing before;
    lm_journal *j = lm__arena_zero(&plan->arena, sizeof *j);
    if (!j) return no_memory(error);
    LM_TRY(lm__journal_path(&plan->arena, plan->journal_directory, &j->path, error));
    LM_TRY(look_at(plan->to, plan->destination, &before, error));
    j->destination = plan->destination;
    j->prefix = plan->prefix;
    j->prefix_size = joins ? plan->prefix_size : 0;
    j->before = before.stamp;
    j->parts = lm__arena_array(&plan->arena, plan->count, sizeof *j->parts);
    if (!j->parts) return no_memory(error);
    for (j->count = 0; j->count < plan->count; j->count++) {
        const lm_part *part = &plan->parts[j->count];
        j->parts[j->count] =
            (lm_journal_part){part->path, part->size, part->stamp, joins && lm__part_is_in(part)};
    }
    *journal = j;
    return LM_OK;
}

/* A journal whose writing ended in an unknown way: is it there, and ours? */
static bool is_written(const lm_merge_plan *plan, const lm_journal *ours)
{
    lm_arena arena;
    lm_journal *found;
    lm__arena_init(&arena, plan->allocator, 0);
    bool is_ours = lm__journal_read(&arena, plan->from, ours->path, &found, NULL) == LM_OK &&
                   strcmp(found->destination, ours->destination) == 0 &&
                   found->bytes == ours->bytes && found->inode == ours->inode &&
                   found->count == ours->count && !found->target == !ours->target &&
                   (!ours->target || strcmp(found->target, ours->target) == 0);
    lm__arena_deinit(&arena);
    return is_ours;
}

static lm_status write_journal(lm_merge_plan *plan, const lm_journal *j, lm_error *error)
{
    lm_status status = lm__journal_write(plan->from, j, error);
    if (status == LM_OK) return LM_OK;
    if (status == LM_EXISTS)
        return lm__error_set(error, LM_CONFLICT,
                             "%s: another merge that deletes these sources has begun meanwhile",
                             j->path);
    if (status == LM_UNKNOWN_OUTCOME && is_written(plan, j))
        (void)remove_quietly(plan->from, j->path, NULL); /* nothing was done by it yet */
    return lm__error_within(error, status == LM_UNKNOWN_OUTCOME ? LM_IO : status,
                            "the journal of the merge could not be written");
}

lm_status lm__merge_remember(lm_merge_plan *plan, const lm_sealed *sealed, lm_journal **journal,
                             lm_error *error)
{
    lm_journal *j;
    LM_TRY(make_journal(plan, false, &j, error));
    j->bytes = sealed->size;
    j->device = sealed->device;
    j->inode = sealed->inode;
    LM_TRY(write_journal(plan, j, error));
    *journal = j;
    return LM_OK;
}

/* ---- joining ---- */

static lm_status interrupted(const lm_journal *j, size_t done, size_t count, lm_status status,
                             lm_error *error)
{
    return lm__error_within(error, status,
                            "%zu of %zu parts are joined, in %s, and --resume carries on: nothing "
                            "is lost",
                            done, count, j->target);
}

/* From the joined part number `from` on. *done counts from the first. */
static lm_status join_parts(const lm_merge_plan *plan, const lm_journal *j, size_t from,
                            size_t *done, lm_error *error)
{
    size_t count = 0, joined = 0;
    const char **paths = lm__alloc_array(plan->allocator, j->count + 1, sizeof *paths);
    if (!paths) return no_memory(error);
    for (size_t i = 0, turn = 0; i < j->count; i++)
        if (j->parts[i].joined && turn++ >= from) paths[count++] = j->parts[i].path;
    lm_status status = LM_OK;
    if (count > 0)
        status = lm__store_concat(plan->from, j->target, paths, count, plan->file.cancel, &joined,
                                  error);
    *done = from + joined;
    lm__free(plan->allocator, paths);
    return status;
}

/* The target, whole, takes its place. */
static lm_status put_in_place(lm_merge_plan *plan, const lm_journal *j, lm_merge_result *result,
                              lm_error *error)
{
    lm_file_publication *publication;
    LM_TRY(lm__file_adopt(plan->to, j->destination, j->target, &plan->file, NULL, &publication,
                          error));
    lm_status status = lm_file_finish(publication, &result->file, error);
    lm_file_close(publication);
    result->file.bytes = j->bytes;
    return status;
}

/* A store joins what is there when it does: a part may have been written to after the last look. */
static lm_status check_target(const lm_merge_plan *plan, const lm_journal *j, lm_error *error)
{
    standing target;
    LM_TRY(look_at(plan->from, j->target, &target, error));
    if (target.there && target.stat.size == j->bytes) return LM_OK;
    return lm__error_set(error, LM_CORRUPT,
                         "%s has %llu bytes, and the parts had %llu: one was written to in the "
                         "moment in which it was joined. All of them are in there; put it where it "
                         "belongs by hand, and remove %s",
                         j->target, (unsigned long long)target.stat.size,
                         (unsigned long long)j->bytes, j->path);
}

static lm_status finish_joined(lm_merge_plan *plan, const lm_journal *j, lm_merge_result *result,
                               lm_error *error)
{
    LM_TRY(check_target(plan, j, error));
    lm_status status = put_in_place(plan, j, result, error);
    if (status != LM_OK)
        return lm__error_within(error, status,
                                "all parts are joined, in %s, and --resume carries on: nothing is "
                                "lost",
                                j->target);
    if (plan->options.progress)
        plan->options.progress(plan->options.context, plan->summary.source_bytes,
                               plan->summary.source_bytes);
    return lm__merge_remove(plan, j, true, result, error);
}

/* HDFS takes no source whose blocks are larger than the target's. */
static uint64_t largest_block(const lm_merge_plan *plan)
{
    uint64_t most = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->parts[i].block_kib > most) most = plan->parts[i].block_kib;
    return most * LM_KIB;
}

static lm_status make_target(const lm_merge_plan *plan, const lm_journal *j, lm_error *error)
{
    const lm_stage_options options = {
        .mode = LM_COMMIT_IF_ABSENT,
        .block_bytes = largest_block(plan),
        .size_expected = j->prefix_size,
        .cancel = plan->file.cancel,
    };
    lm_stage *stage;
    LM_TRY(lm__stage_open(plan->from, j->target, &options, &stage, error));
    lm_status status = lm__stage_write(stage, j->prefix, j->prefix_size, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

/* Nothing was consumed: neither target nor journal stays. */
static void put_back(const lm_merge_plan *plan, const lm_journal *j)
{
    if (remove_quietly(plan->from, j->target, NULL) == LM_OK)
        (void)remove_quietly(plan->from, j->path, NULL);
}

/* A name for the target that no gc takes for a dead writer's. */
static lm_status name_target(lm_merge_plan *plan, lm_journal *j, lm_error *error)
{
    char unique[LM_UNIQUE_MAX], directory[LM_PATH_BYTES_MAX];
    LM_TRY(lm__unique(unique, error));
    directory_of(plan->parts[plan->first].path, directory);
    size_t size = strlen(directory);
    const char *slash = size == 0 || directory[size - 1] == '/' ? "" : "/";
    j->target =
        lm__arena_printf(&plan->arena, "%s%s.lamella-merge-%s.part", directory, slash, unique);
    return j->target ? LM_OK : no_memory(error);
}

/* What the commit would refuse is refused now. */
static lm_status check_publication(const lm_merge_plan *plan, lm_error *error)
{
    lm_file_publication *publication;
    LM_TRY(lm__file_open(plan->to, plan->destination, &plan->file, NULL, &publication, error));
    lm_file_close(publication);
    return LM_OK;
}

static size_t joined_count(const lm_journal *j)
{
    size_t count = 0;
    for (size_t i = 0; i < j->count; i++) count += j->parts[i].joined;
    return count;
}

/* Was anything consumed by a call that says it did nothing? */
static lm_status see_begun(const lm_merge_plan *plan, const lm_journal *j, bool *begun,
                           lm_error *error)
{
    standing target;
    LM_TRY(look_at(plan->from, j->target, &target, error));
    *begun = target.there && target.stat.size != j->prefix_size;
    return LM_OK;
}

lm_status lm__merge_concat(lm_merge_plan *plan, lm_merge_result *result, bool *begun,
                           lm_error *error)
{
    lm_journal *j;
    size_t done = 0;
    lm_error refusal = {0};
    *begun = false;
    LM_TRY(check_publication(plan, error));
    LM_TRY(lm__merge_unchanged(plan, error));
    LM_TRY(make_journal(plan, true, &j, error));
    j->bytes = plan->summary.bytes;
    LM_TRY(name_target(plan, j, error));
    LM_TRY(write_journal(plan, j, error));
    lm_status status = make_target(plan, j, &refusal);
    if (status == LM_OK) status = join_parts(plan, j, 0, &done, &refusal);
    if (status == LM_OK) {
        *begun = true;
        return finish_joined(plan, j, result, error);
    }
    if (error) *error = refusal;
    lm_error ignored;
    /* After an unknown outcome a request may still be on its way: then nothing is taken back. */
    if (done == 0 && status != LM_UNKNOWN_OUTCOME && see_begun(plan, j, begun, &ignored) == LM_OK &&
        !*begun) {
        put_back(plan, j);
        bool cannot = status == LM_INVALID || status == LM_UNSUITABLE;
        return cannot ? LM_UNSUPPORTED : status;
    }
    *begun = true;
    return interrupted(j, done, joined_count(j), status, error);
}

/* ---- carrying on ---- */

/* How many parts are in a target of this size; LM_CORRUPT where none fits. */
static lm_status count_in_target(const lm_journal *j, uint64_t size, size_t *done, lm_error *error)
{
    uint64_t sum = j->prefix_size;
    *done = 0;
    for (size_t i = 0; i < j->count && sum < size; i++) {
        if (!j->parts[i].joined) continue;
        sum += j->parts[i].size;
        ++*done;
    }
    if (sum == size) return LM_OK;
    return lm__error_set(error, LM_CORRUPT,
                         "%s has %llu bytes, which are not those of the first so many parts: "
                         "somebody else has written to it",
                         j->target, (unsigned long long)size);
}

/* How the joined parts from number `from` on are. */
typedef struct presence {
    size_t there, gone;
    const char *changed, *missing;
} presence;

static lm_status look_at_parts(const lm_merge_plan *plan, const lm_journal *j, size_t from,
                               bool joined, presence *p, lm_error *error)
{
    size_t count = 0;
    *p = (presence){0};
    lm_standing *now = lm__alloc_array(plan->allocator, j->count + 1, sizeof *now);
    const lm_journal_part **parts = lm__alloc_array(plan->allocator, j->count + 1, sizeof *parts);
    if (!now || !parts) {
        lm__free(plan->allocator, parts);
        lm__free(plan->allocator, now);
        return no_memory(error);
    }
    for (size_t i = 0, turn = 0; i < j->count; i++) {
        if (j->parts[i].joined != joined || turn++ < from) continue;
        parts[count] = &j->parts[i];
        now[count++] = (lm_standing){.path = j->parts[i].path};
    }
    lm_status status = lm__many_look(plan, now, count, error);
    for (size_t i = 0; i < count && status == LM_OK; i++) {
        p->gone += !now[i].there;
        p->there += now[i].there;
        if (!now[i].there && !p->missing) p->missing = now[i].path;
        if (now[i].there && now[i].stamp != parts[i]->stamp && !p->changed)
            p->changed = now[i].path;
    }
    lm__free(plan->allocator, parts);
    lm__free(plan->allocator, now);
    return status;
}

/* Is what stands at the destination this merge's result? */
static lm_status see_result(const lm_merge_plan *plan, const lm_journal *j, bool *is_result,
                            standing *now, lm_error *error)
{
    LM_TRY(look_at(plan->to, j->destination, now, error));
    *is_result = now->there && now->stat.size == j->bytes && now->stamp != j->before &&
                 (!j->inode || now->stat.inode == j->inode);
    return LM_OK;
}

/* The result stands; the rest of the way. */
static lm_status finish_committed(lm_merge_plan *plan, const lm_journal *j, const standing *now,
                                  lm_merge_result *result, lm_error *error)
{
    LM_TRY(sync_directory_of(plan->to, j->destination, error));
    result->file.state = LM_COMMIT_DONE;
    result->file.bytes = now->stat.size;
    result->file.mtime_ns = now->stat.mtime_ns;
    result->file.device = now->stat.device;
    result->file.inode = now->stat.inode;
    snprintf(result->file.path, sizeof result->file.path, "%s", j->destination);
    return lm__merge_remove(plan, j, true, result, error);
}

static lm_status drop_journal(const lm_merge_plan *plan, const lm_journal *j, bool *anew,
                              lm_error *error)
{
    LM_TRY(remove_quietly(plan->from, j->path, error));
    *anew = true;
    return LM_OK;
}

static lm_status puzzled(const lm_journal *j, const char *missing, lm_error *error)
{
    return lm__error_set(error, LM_CORRUPT,
                         "%s: neither the result at %s nor %s is there as this journal has it; "
                         "something else has changed them, and nothing more is done by itself",
                         j->path, j->destination, missing ? missing : j->target);
}

/* The target is gone: it was put in place, or was never made. */
static lm_status resume_without_target(lm_merge_plan *plan, const lm_journal *j, bool *anew,
                                       lm_merge_result *result, lm_error *error)
{
    presence joined;
    standing now;
    bool is_result;
    LM_TRY(look_at_parts(plan, j, 0, true, &joined, error));
    if (joined.gone == 0) return drop_journal(plan, j, anew, error);
    LM_TRY(see_result(plan, j, &is_result, &now, error));
    if (joined.there > 0 || !is_result) return puzzled(j, joined.missing, error);
    return finish_committed(plan, j, &now, result, error);
}

static lm_status resume_joining(lm_merge_plan *plan, const lm_journal *j, bool *anew,
                                lm_merge_result *result, lm_error *error)
{
    standing target;
    presence rest;
    size_t done;
    LM_TRY(look_at(plan->from, j->target, &target, error));
    if (!target.there) return resume_without_target(plan, j, anew, result, error);
    LM_TRY(count_in_target(j, target.stat.size, &done, error));
    LM_TRY(look_at_parts(plan, j, done, true, &rest, error));
    if (rest.missing) return puzzled(j, rest.missing, error);
    if (rest.changed && done == 0) { /* nothing is consumed yet: the parts count as they are now */
        LM_TRY(remove_quietly(plan->from, j->target, error));
        return drop_journal(plan, j, anew, error);
    }
    if (rest.changed)
        return lm__error_set(error, LM_CONFLICT,
                             "%s was changed since the merge was interrupted; %zu of %zu parts are "
                             "joined, in %s. Put it back as it was, and resume again",
                             rest.changed, done, joined_count(j), j->target);
    lm_status status = join_parts(plan, j, done, &done, error);
    if (status != LM_OK) return interrupted(j, done, joined_count(j), status, error);
    return finish_joined(plan, j, result, error);
}

static lm_status resume_removing(lm_merge_plan *plan, const lm_journal *j, bool *anew,
                                 lm_merge_result *result, lm_error *error)
{
    presence parts;
    standing now;
    bool is_result;
    LM_TRY(see_result(plan, j, &is_result, &now, error));
    if (is_result) return finish_committed(plan, j, &now, result, error);
    LM_TRY(look_at_parts(plan, j, 0, false, &parts, error));
    if (parts.gone == 0) return drop_journal(plan, j, anew, error);
    return puzzled(j, parts.missing, error);
}

lm_status lm__merge_resume(lm_merge_plan *plan, lm_merge_result *result, bool *anew,
                           lm_error *error)
{
    const lm_journal *j = plan->journal;
    *anew = false;
    return j->target ? resume_joining(plan, j, anew, result, error)
                     : resume_removing(plan, j, anew, result, error);
}
