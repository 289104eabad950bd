/* The wrapper of store.h, operation by operation; see fault/store.h. */
#include "store/fault/store.h"

#include "base/alloc.h"
#include "base/error.h"

typedef struct fault_stage {
    lm_stage stage;
    lm_stage *inner;
    const lm_allocator *allocator;
} fault_stage;

/* Counts an operation. Fills *fails_after, or fails at once. */
static lm_status before(lm_fault_store *fault, const char *name, bool *fails_after, lm_error *error)
{
    if (fault->hook) fault->hook(fault->hook_context, name);
    uint64_t turn = atomic_fetch_add(&fault->operations, 1);
    bool is_it = turn == fault->plan.nth;
    bool is_dead = fault->plan.for_good && turn > fault->plan.nth;
    *fails_after = is_it && fault->plan.after;
    if (is_dead || (is_it && !fault->plan.after))
        return lm__error_set(error, fault->plan.status, "a failure was asked for");
    return LM_OK;
}

static lm_status after(const lm_fault_store *fault, bool fails_after, lm_status status,
                       lm_error *error)
{
    if (fault->answered) fault->answered(fault->hook_context, status);
    if (!fails_after || status != LM_OK) return status;
    return lm__error_set(error, fault->plan.status, "a lost answer was asked for");
}

#define COUNTED(fault, call)                                                                       \
    do {                                                                                           \
        bool fails_after_;                                                                         \
        LM_TRY(before((fault), __func__, &fails_after_, error));                                   \
        return after((fault), fails_after_, (call), error);                                        \
    } while (0)

static lm_fault_store *fault_of(lm_store *store) { return (lm_fault_store *)store; }

static void tell_path(lm_store *store, const char *path)
{
    const lm_fault_store *fault = fault_of(store);
    if (fault->at) fault->at(fault->hook_context, path);
}

static lm_status stage_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    fault_stage *s = (fault_stage *)sink;
    COUNTED(fault_of(s->stage.store), lm__stage_write(s->inner, data, size, error));
}

static lm_status stage_copy(lm_stage *stage, lm_source *source, uint64_t offset, uint64_t length,
                            uint64_t *copied, lm_error *error)
{
    fault_stage *s = (fault_stage *)stage;
    COUNTED(fault_of(stage->store),
            lm__stage_copy(s->inner, source, offset, length, copied, error));
}

static lm_status stage_seal(lm_stage *stage, lm_error *error)
{
    fault_stage *s = (fault_stage *)stage;
    bool fails_after;
    LM_TRY(before(fault_of(stage->store), __func__, &fails_after, error));
    lm_status status = lm__stage_seal(s->inner, error);
    stage->sealed = s->inner->sealed;
    return after(fault_of(stage->store), fails_after, status, error);
}

static lm_status stage_end(lm_stage *stage, bool *ended, lm_error *error)
{
    fault_stage *s = (fault_stage *)stage;
    bool fails_after;
    LM_TRY(before(fault_of(stage->store), __func__, &fails_after, error));
    lm_status status = lm__stage_end(s->inner, ended, error);
    stage->sealed = s->inner->sealed;
    return after(fault_of(stage->store), fails_after, status, error);
}

static lm_status stage_commit(lm_stage *stage, lm_error *error)
{
    fault_stage *s = (fault_stage *)stage;
    COUNTED(fault_of(stage->store), lm__stage_commit(s->inner, error));
}

static void stage_close(lm_stage *stage)
{
    fault_stage *s = (fault_stage *)stage;
    lm__stage_close(s->inner);
    lm__free(s->allocator, s);
}

static lm_status fault_stage_open(lm_store *store, const char *path,
                                  const lm_stage_options *options, lm_stage **stage,
                                  lm_error *error)
{
    static const lm_stage_ops ops = {stage_seal, stage_commit, stage_close, stage_copy, stage_end};
    lm_fault_store *fault = fault_of(store);
    bool fails_after;
    tell_path(store, path);
    LM_TRY(before(fault, __func__, &fails_after, error));
    fault_stage *s = lm__alloc_zero(store->allocator, sizeof *s);
    if (!s) return lm__error_memory(error, "opening a publication");
    lm__stage_init(&s->stage, store, &ops, stage_write);
    s->allocator = store->allocator;
    lm_status status = lm__stage_open(fault->inner, path, options, &s->inner, error);
    status = after(fault, fails_after, status, error);
    if (status != LM_OK) {
        stage_close(&s->stage);
        return status;
    }
    s->stage.sealed = s->inner->sealed;
    *stage = &s->stage;
    return LM_OK;
}

static lm_status fault_open(lm_store *store, const char *path, lm_source **source, lm_error *error)
{
    bool fails_after;
    tell_path(store, path);
    LM_TRY(before(fault_of(store), __func__, &fails_after, error));
    lm_status status = lm__store_open(fault_of(store)->inner, path, source, error);
    if (status != LM_OK || !fails_after) return status;
    lm_source_close(*source);
    return after(fault_of(store), fails_after, status, error);
}

static lm_status fault_stat(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                            lm_error *error)
{
    tell_path(store, path);
    COUNTED(fault_of(store), lm__store_stat(fault_of(store)->inner, path, follow, stat, error));
}

static lm_status fault_list(lm_store *store, const char *path, const lm_list_options *options,
                            lm_list_callback *callback, void *context, lm_error *error)
{
    tell_path(store, path);
    COUNTED(fault_of(store),
            lm__store_list(fault_of(store)->inner, path, options, callback, context, error));
}

static lm_status fault_remove(lm_store *store, const char *path, lm_durability durability,
                              lm_error *error)
{
    tell_path(store, path);
    COUNTED(fault_of(store), lm__store_remove(fault_of(store)->inner, path, durability, error));
}

static lm_status fault_link(lm_store *store, const char *from, const char *to,
                            lm_durability durability, lm_error *error)
{
    COUNTED(fault_of(store), lm__store_link(fault_of(store)->inner, from, to, durability, error));
}

static lm_status fault_sync_directory(lm_store *store, const char *path, lm_error *error)
{
    COUNTED(fault_of(store), lm__store_sync_directory(fault_of(store)->inner, path, error));
}

static lm_status fault_tree_sync(lm_store *store, const char *path, lm_cancel *cancel,
                                 lm_error *error)
{
    COUNTED(fault_of(store), lm__store_tree_sync(fault_of(store)->inner, path, cancel, error));
}

static lm_status fault_tree_commit(lm_store *store, const char *staged, const char *path,
                                   const lm_tree_options *options, lm_tree_result *result,
                                   lm_error *error)
{
    COUNTED(fault_of(store),
            lm__store_tree_commit(fault_of(store)->inner, staged, path, options, result, error));
}

static lm_status fault_tree_remove(lm_store *store, const char *path, lm_cancel *cancel,
                                   lm_error *error)
{
    COUNTED(fault_of(store), lm__store_tree_remove(fault_of(store)->inner, path, cancel, error));
}

static lm_status fault_reap(lm_store *store, const char *path, const lm_reap_options *options,
                            lm_gc_callback *callback, void *context, lm_error *error)
{
    COUNTED(fault_of(store),
            lm__store_reap(fault_of(store)->inner, path, options, callback, context, error));
}

static lm_status fault_concat(lm_store *store, const char *target, const char *const *sources,
                              size_t count, lm_cancel *cancel, size_t *done, lm_error *error)
{
    COUNTED(fault_of(store),
            lm__store_concat(fault_of(store)->inner, target, sources, count, cancel, done, error));
}

static void fault_close(lm_store *store) { (void)store; }

void lm__fault_store_init(lm_fault_store *fault, lm_store *inner)
{
    static const lm_store_ops ops = {
        .name = "fault",
        .stage_open = fault_stage_open,
        .open = fault_open,
        .stat = fault_stat,
        .list = fault_list,
        .remove = fault_remove,
        .link = fault_link,
        .sync_directory = fault_sync_directory,
        .tree_sync = fault_tree_sync,
        .tree_commit = fault_tree_commit,
        .tree_remove = fault_tree_remove,
        .reap = fault_reap,
        .concat = fault_concat,
        .close = fault_close,
    };
    *fault = (lm_fault_store){
        .store = {.ops = &ops, .caps = inner->caps, .allocator = inner->allocator},
        .inner = inner,
        .plan = {.nth = UINT64_MAX},
    };
}
