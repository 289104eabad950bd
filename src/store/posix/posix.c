/* The posix store as a table, with what it declares; see posix.h. */
#include "store/posix/posix.h"

#include "base/alloc.h"
#include "base/error.h"

static void posix_close(lm_store *store) { lm__free(store->allocator, store); }
static void posix_close_nothing(lm_store *store) { (void)store; }

#define POSIX_OPS(close_function)                                                                  \
    {                                                                                              \
        .name = "posix", .stage_open = lm__posix_stage_open, .open = lm__posix_open,               \
        .stat = lm__posix_stat, .list = lm__posix_list, .remove = lm__posix_remove,                \
        .link = lm__posix_link, .exclusive = lm__posix_exclusive,                                  \
        .sync_directory = lm__posix_sync_directory, .tree_sync = lm__posix_tree_sync,              \
        .tree_commit = lm__posix_tree_commit, .tree_remove = lm__posix_tree_remove,                \
        .reap = lm__posix_reap, .close = close_function,                                           \
    }

void lm__posix_store_init(lm_posix_store *store, const lm_allocator *allocator, lm_sys *sys)
{
    static const lm_store_ops ops = POSIX_OPS(posix_close_nothing);
    *store = (lm_posix_store){
        .store = {.ops = &ops,
                  .caps = LM_STORE_REPLACE | LM_STORE_IF_ABSENT | LM_STORE_IF_MATCH |
                          LM_STORE_LINK | LM_STORE_TREE | LM_STORE_TREE_EXCHANGE | LM_STORE_LOCAL |
                          LM_STORE_REAP | LM_STORE_ADOPT | LM_STORE_COPY,
                  .allocator = lm__allocator_or_default(allocator)},
        .sys = sys ? sys : lm__sys_kernel(),
    };
}

lm_status lm__store_posix_open(const lm_allocator *allocator, lm_store **store, lm_error *error)
{
    static const lm_store_ops ops = POSIX_OPS(posix_close);
    lm_posix_store *posix = lm__alloc(allocator, sizeof *posix);
    if (!posix) return lm__error_memory(error, "opening a store");
    lm__posix_store_init(posix, allocator, NULL);
    posix->store.ops = &ops;
    *store = &posix->store;
    return LM_OK;
}
