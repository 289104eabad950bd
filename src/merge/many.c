/* Many parts at once; see many.h. */
#include "merge/many.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"
#include "store/find.h"

/* ---- side by side ---- */

typedef struct many_job {
    lm_job job;
    const lm_merge_plan *plan;
    lm_many_run *run;
    void *context;
    atomic_size_t *next; /* the number whose turn it is */
    atomic_bool *failed;
    size_t count, at; /* the one that failed */
    lm_status status;
    lm_error error;
} many_job;

/* Numbers are taken in order and each is brought to its end, so that all before a failure were run:
 * invariant 1. */
static void job_run(lm_job *job)
{
    many_job *m = (many_job *)job;
    lm_arena scratch;
    lm__arena_init(&scratch, m->plan->allocator, LM_MERGE_LOOK_ARENA_BYTES_MAX);
    while (m->status == LM_OK && !atomic_load(m->failed)) {
        size_t at = atomic_fetch_add(m->next, 1);
        if (at >= m->count) break;
        lm__arena_reset(&scratch);
        m->at = at;
        m->status = lm__cancel_requested(m->plan->file.cancel)
                        ? lm__error_set(&m->error, LM_CANCELLED, "interrupted among the parts")
                        : m->run(m->context, at, &scratch, &m->error);
    }
    if (m->status != LM_OK) atomic_store(m->failed, true);
    lm__arena_deinit(&scratch);
}

static lm_status run_aside(const lm_merge_plan *plan, size_t width, size_t count, lm_many_run *run,
                           void *context, lm_error *error)
{
    many_job jobs[LM_MERGE_ASIDE];
    atomic_size_t next;
    atomic_bool failed;
    lm_pool *pool;
    lm_group group;
    if (width > count) width = count;
    if (plan->is_local) width = 1;
    if (count == 0) return LM_OK;
    atomic_init(&next, 0);
    atomic_init(&failed, false);
    LM_TRY(lm__pool_new(plan->allocator, (int)width, &pool, error));
    lm__group_init(&group, pool);
    for (size_t i = 0; i < width; i++) {
        jobs[i] = (many_job){.job = {job_run},
                             .plan = plan,
                             .run = run,
                             .context = context,
                             .next = &next,
                             .failed = &failed,
                             .count = count};
        lm__group_submit(&group, &jobs[i].job);
    }
    lm__group_wait(&group);
    lm__pool_free(pool);
    const many_job *first = NULL;
    for (size_t i = 0; i < width; i++)
        if (jobs[i].status != LM_OK && (!first || jobs[i].at < first->at)) first = &jobs[i];
    if (!first) return LM_OK;
    if (error) *error = first->error;
    return first->status;
}

lm_status lm__many_run(const lm_merge_plan *plan, size_t count, lm_many_run *run, void *context,
                       lm_error *error)
{
    return run_aside(plan, LM_MERGE_ASIDE, count, run, context, error);
}

/* ---- looking ---- */

/* Paths of one directory, which is listed. */
typedef struct group {
    size_t begin, end; /* in `order` */
    size_t first;      /* of the standings; the groups are taken in its order */
} group;

typedef struct looking {
    const lm_merge_plan *plan;
    lm_standing *standings;
    lm_standing **order; /* by directory, then by name */
    group *groups;
    size_t count, group_count;
} looking;

/* The bytes of a path up to its name. */
static size_t directory_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash + 1 - path) : 0;
}

static int by_directory(const void *a, const void *b)
{
    const char *x = (*(lm_standing *const *)a)->path, *y = (*(lm_standing *const *)b)->path;
    size_t x_size = directory_size(x), y_size = directory_size(y);
    int order = memcmp(x, y, x_size < y_size ? x_size : y_size);
    if (order) return order;
    if (x_size != y_size) return x_size < y_size ? -1 : 1;
    return strcmp(x + x_size, y + x_size);
}

static int by_first(const void *a, const void *b)
{
    size_t x = ((const group *)a)->first, y = ((const group *)b)->first;
    return (x > y) - (x < y);
}

static void settle(lm_standing *s, const lm_store_stat *stat)
{
    s->is_known = true;
    s->there = stat != NULL;
    if (!stat) return;
    s->size = stat->size;
    s->stamp = lm__store_stamp(stat);
}

/* One directory's paths, and what its listing told so far. */
typedef struct listing {
    lm_standing *const *order;
    size_t count, seen;
    bool given_up; /* it is far larger than what is looked for in it */
} listing;

static int compare_name(const void *key, const void *item)
{
    const char *path = (*(lm_standing *const *)item)->path;
    return strcmp(key, path + directory_size(path));
}

static lm_status take_entry(void *context, const lm_store_entry *entry, lm_error *error)
{
    listing *l = context;
    if (++l->seen > LM_MERGE_LIST_SPARE + LM_MERGE_LIST_SHARE * l->count) {
        l->given_up = true;
        return lm__error_set(error, LM_LIMIT, "the directory is too large to be listed");
    }
    lm_standing *const *found =
        bsearch(entry->name, l->order, l->count, sizeof(lm_standing *), compare_name);
    if (found) settle(*found, &entry->stat);
    return LM_OK;
}

static lm_status list_group(void *context, size_t number, lm_arena *scratch, lm_error *error)
{
    const looking *all = context;
    const group *g = &all->groups[number];
    listing l = {.order = all->order + g->begin, .count = g->end - g->begin};
    const lm_list_options options = {.with_stat = true, .cancel = all->plan->file.cancel};
    const char *path = l.order[0]->path;
    size_t size = directory_size(path);
    const char *directory = lm__arena_strndup(scratch, path, size > 1 ? size - 1 : size);
    if (!directory) return lm__error_memory(error, "looking at the parts");
    lm_status status = lm__store_list(all->plan->from, directory, &options, take_entry, &l, error);
    if (l.given_up) return LM_OK; /* the rest is looked at one by one */
    if (status != LM_OK && status != LM_NOT_FOUND) return status;
    for (size_t i = 0; i < l.count; i++)
        if (!l.order[i]->is_known) settle(l.order[i], NULL);
    return LM_OK;
}

static lm_status look_at(void *context, size_t number, lm_arena *scratch, lm_error *error)
{
    const looking *all = context;
    lm_standing *s = &all->standings[number];
    lm_store_stat stat;
    (void)scratch;
    if (s->is_known) return LM_OK;
    lm_status status = lm__store_stat(all->plan->from, s->path, true, &stat, error);
    if (status != LM_OK && status != LM_NOT_FOUND) return status;
    settle(s, status == LM_OK ? &stat : NULL);
    return LM_OK;
}

/* The directories in which enough is looked for. Stores may leave hidden names out of a list. */
static void make_groups(looking *all)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *path = all->standings[i].path;
        if (path[directory_size(path)] != '.') all->order[count++] = &all->standings[i];
    }
    if (count > 1) qsort(all->order, count, sizeof *all->order, by_directory);
    for (size_t begin = 0, end; begin < count; begin = end) {
        const char *path = all->order[begin]->path;
        size_t size = directory_size(path), first = SIZE_MAX;
        for (end = begin; end < count; end++) {
            size_t at = (size_t)(all->order[end] - all->standings);
            if (directory_size(all->order[end]->path) != size ||
                memcmp(all->order[end]->path, path, size) != 0)
                break;
            if (at < first) first = at;
        }
        if (end - begin > LM_MERGE_LIST_FEW && size > 0)
            all->groups[all->group_count++] = (group){begin, end, first};
    }
    if (all->group_count > 1) qsort(all->groups, all->group_count, sizeof *all->groups, by_first);
}

lm_status lm__many_look(const lm_merge_plan *plan, lm_standing *standings, size_t count,
                        lm_error *error)
{
    looking all = {.plan = plan, .standings = standings, .count = count};
    lm_status status = LM_OK;
    if (!plan->is_local && count > LM_MERGE_LIST_FEW) {
        all.order = lm__alloc_array(plan->allocator, count, sizeof(lm_standing *));
        all.groups =
            lm__alloc_array(plan->allocator, count / LM_MERGE_LIST_FEW + 1, sizeof *all.groups);
        if (!all.order || !all.groups)
            status = lm__error_memory(error, "looking at the parts");
        else
            make_groups(&all);
        if (status == LM_OK)
            status = run_aside(plan, LM_MERGE_LISTINGS, all.group_count, list_group, &all, error);
    }
    size_t known = 0;
    while (known < count && standings[known].is_known) known++;
    if (status == LM_OK && known < count) status = lm__many_run(plan, count, look_at, &all, error);
    lm__free(plan->allocator, all.groups);
    lm__free(plan->allocator, all.order);
    return status;
}
