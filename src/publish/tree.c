/* Listing and hashing a tree; see tree.h. A failure leaves the list as far as it came. */
#include "publish/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/pool.h"

void lm__tree_init(lm_tree *tree, const lm_allocator *allocator)
{
    lm__arena_init(&tree->arena, allocator, 0);
    tree->entries = NULL;
    tree->count = tree->capacity = 0;
}

void lm__tree_deinit(lm_tree *tree)
{
    lm__free(tree->arena.allocator, tree->entries);
    lm__arena_deinit(&tree->arena);
}

/* A directory that is still to be listed. */
typedef struct tree_directory {
    const char *path; /* below the root; "" is the root */
    size_t depth;
    struct tree_directory *next;
} tree_directory;

typedef struct tree_walk {
    lm_tree *tree;
    lm_arena arena;
    tree_directory *here, *todo;
    lm_cancel *cancel;
} tree_walk;

static const char *join(lm_arena *arena, const char *directory, const char *name)
{
    return lm__arena_printf(arena, "%s%s%s", directory, directory[0] ? "/" : "", name);
}

static lm_status walk_directory(tree_walk *walk, const char *name, lm_error *error)
{
    if (walk->here->depth + 1 > LM_TREE_DEPTH_MAX)
        return lm__error_set(error, LM_LIMIT, "%s/%s is more than %d directories deep",
                             walk->here->path, name, LM_TREE_DEPTH_MAX);
    tree_directory *directory = lm__arena_alloc(&walk->arena, sizeof *directory);
    if (!directory || !(directory->path = join(&walk->arena, walk->here->path, name)))
        return lm__error_memory(error, "listing a directory");
    directory->depth = walk->here->depth + 1;
    directory->next = walk->todo;
    walk->todo = directory;
    return LM_OK;
}

static lm_status walk_entry(void *context, const lm_store_entry *entry, lm_error *error)
{
    tree_walk *walk = context;
    lm_tree *tree = walk->tree;
    if (entry->stat.kind == LM_STORE_DIRECTORY) return walk_directory(walk, entry->name, error);
    if (tree->count == LM_TREE_FILES_MAX)
        return lm__error_set(error, LM_LIMIT, "there are more than %d files", LM_TREE_FILES_MAX);
    if (!lm__array_room(tree->arena.allocator, &tree->entries, &tree->capacity, tree->count + 1,
                        sizeof *tree->entries))
        return lm__error_memory(error, "listing a directory");
    lm_tree_entry *added = &tree->entries[tree->count];
    memset(added, 0, sizeof *added);
    added->path = join(&tree->arena, walk->here->path, entry->name);
    if (!added->path) return lm__error_memory(error, "listing a directory");
    added->kind = entry->stat.kind;
    added->size = entry->stat.size;
    tree->count++;
    return LM_OK;
}

static int entry_order(const void *a, const void *b)
{
    return strcmp(((const lm_tree_entry *)a)->path, ((const lm_tree_entry *)b)->path);
}

lm_status lm__tree_list(lm_tree *tree, lm_store *store, const char *root, lm_cancel *cancel,
                        lm_error *error)
{
    tree_directory top = {"", 0, NULL};
    tree_walk walk = {.tree = tree, .todo = &top, .cancel = cancel};
    const lm_list_options options = {.with_stat = true, .cancel = cancel};
    lm_status status = LM_OK;
    lm__arena_init(&walk.arena, tree->arena.allocator, 0);
    while (walk.todo && status == LM_OK) {
        walk.here = walk.todo;
        walk.todo = walk.here->next;
        const char *path = lm__arena_printf(&walk.arena, "%s%s%s", root,
                                            walk.here->path[0] ? "/" : "", walk.here->path);
        status = path ? lm__store_list(store, path, &options, walk_entry, &walk, error)
                      : lm__error_memory(error, "listing a directory");
    }
    lm__arena_deinit(&walk.arena);
    if (status == LM_OK && tree->count > 0)
        qsort(tree->entries, tree->count, sizeof *tree->entries, entry_order);
    return status;
}

lm_tree_entry *lm__tree_find(const lm_tree *tree, const char *path)
{
    lm_tree_entry key = {.path = path};
    if (tree->count == 0) return NULL;
    return bsearch(&key, tree->entries, tree->count, sizeof key, entry_order);
}

/* What the threads share: each takes the next entry until none is left, or one has failed. */
typedef struct visiting {
    lm_tree *tree;
    lm_tree_visit *visit;
    void *context;
    atomic_size_t next;
    atomic_bool failed;
} visiting;

typedef struct visit_job {
    lm_job job; /* first: the job is found by it */
    visiting *shared;
    lm_arena arena; /* of one entry at a time */
    lm_status status;
    lm_error error;
} visit_job;

static void visit_run(lm_job *base)
{
    visit_job *job = (visit_job *)base;
    visiting *v = job->shared;
    while (job->status == LM_OK && !atomic_load(&v->failed)) {
        size_t i = atomic_fetch_add(&v->next, 1);
        if (i >= v->tree->count) break;
        lm__arena_reset(&job->arena);
        job->status = v->visit(v->context, &v->tree->entries[i], &job->arena, &job->error);
        if (job->status != LM_OK) atomic_store(&v->failed, true);
    }
}

lm_status lm__tree_each(lm_tree *tree, int threads, lm_tree_visit *visit, void *context,
                        lm_error *error)
{
    const lm_allocator *allocator = tree->arena.allocator;
    visiting shared = {.tree = tree, .visit = visit, .context = context};
    lm_pool *pool;
    lm_group group;
    LM_TRY(lm__pool_new(allocator, threads, &pool, error));
    size_t count = (size_t)lm__pool_threads(pool);
    if (count > tree->count) count = tree->count;
    visit_job *jobs = lm__alloc_array(allocator, count + 1, sizeof *jobs);
    if (!jobs) {
        lm__pool_free(pool);
        return lm__error_memory(error, "going through a directory");
    }
    lm__group_init(&group, pool);
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (visit_job){.job = {.run = visit_run}, .shared = &shared};
        lm__arena_init(&jobs[i].arena, allocator, 0);
        lm__group_submit(&group, &jobs[i].job);
    }
    lm__group_wait(&group);
    lm_status status = LM_OK;
    for (size_t i = 0; i < count; i++) {
        if (status == LM_OK && jobs[i].status != LM_OK) {
            status = jobs[i].status;
            if (error) *error = jobs[i].error;
        }
        lm__arena_deinit(&jobs[i].arena);
    }
    lm__free(allocator, jobs);
    lm__pool_free(pool);
    return status;
}

typedef struct hashing {
    lm_store *store;
    const char *root;
    lm_cancel *cancel;
} hashing;

static lm_status hash_entry(void *context, lm_tree_entry *entry, lm_arena *arena, lm_error *error)
{
    const hashing *h = context;
    if (entry->checksum_kind == LM_CHECKSUM_NONE) return LM_OK;
    char *path = lm__arena_printf(arena, "%s/%s", h->root, entry->path);
    if (!path) return lm__error_memory(error, "hashing a directory");
    entry->status =
        lm__store_checksum(h->store, path, entry->checksum_kind, h->cancel, entry->checksum, error);
    return entry->status == LM_CANCELLED || entry->status == LM_NO_MEMORY ? entry->status : LM_OK;
}

lm_status lm__tree_hash(lm_tree *tree, lm_store *store, const char *root, int threads,
                        lm_cancel *cancel, lm_error *error)
{
    hashing h = {store, root, cancel};
    return lm__tree_each(tree, threads, hash_entry, &h, error);
}
