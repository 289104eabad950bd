/* May a commit come after an entry that it did not know of? See commit.h. */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "table/commit.h"

lm_status lm__conflicts_init(lm_conflicts *c, const lm_table_log *log,
                             const lm_commit_request *request, lm_error *error)
{
    const char *level = request->base ? lm__text_map_get(&request->base->metadata.configuration,
                                                         LM_PROPERTY_ISOLATION)
                                      : NULL;
    *c = (lm_conflicts){
        .log = log,
        .request = request,
        .serializable = level && strcasecmp(level, "Serializable") == 0,
    };
    lm__text_index_init(&c->removes, log->allocator);
    for (size_t i = 0; i < request->action_count; i++) {
        const lm_action *action = &request->actions[i];
        if (action->kind == LM_ACTION_TXN) c->txn = &action->txn;
        if (action->kind == LM_ACTION_ADD) c->changes_data |= action->add.data_change;
        if (action->kind != LM_ACTION_REMOVE) continue;
        c->changes_data |= action->remove.data_change;
        if (lm__text_index_find(&c->removes, action->remove.path))
            return lm__error_set(error, LM_INVALID, "%s is removed twice", action->remove.path);
        if (lm__text_index_add(&c->removes, action->remove.path, 0) != LM_OK)
            return lm__error_memory(error, "committing to a table");
    }
    return LM_OK;
}

void lm__conflicts_deinit(lm_conflicts *c) { lm__text_index_deinit(&c->removes); }

static lm_status conflict(const lm_conflicts *c, int64_t version, const char *why, const char *path,
                          lm_error *error)
{
    return lm__error_set(error, LM_CONFLICT, "%s/%020lld%s, which was written meanwhile, %s%s%s",
                         c->log->directory, (long long)version, LM_TABLE_ENTRY_SUFFIX, why,
                         path ? ": " : "", path ? path : "");
}

/* Would the part have been read? */
static bool is_read(const lm_conflicts *c, const lm_delta_add *part)
{
    const lm_commit_request *r = c->request;
    if (r->reads == LM_READS_MATCHING) return r->test(r->test_context, part);
    return r->reads == LM_READS_ALL;
}

static lm_status check_add(const lm_conflicts *c, int64_t version, const lm_delta_add *add,
                           bool blind, lm_error *error)
{
    if (!c->changes_data || !add->data_change) return LM_OK;
    if ((blind && !c->serializable) || !is_read(c, add)) return LM_OK;
    return conflict(c, version, "added a part that would have been read", add->path, error);
}

static lm_status check_remove(const lm_conflicts *c, int64_t version, const lm_delta_remove *remove,
                              lm_error *error)
{
    if (lm__text_index_find(&c->removes, remove->path))
        return conflict(c, version, "removed a part that is removed here too", remove->path, error);
    const lm_delta_add part = {
        .path = remove->path,
        .partition_values = remove->partition_values,
        .size = remove->size,
    };
    /* Without its partition values nobody knows whether it was read. */
    bool read = c->request->reads != LM_READS_NOTHING && (!remove->extended || is_read(c, &part));
    if (!read) return LM_OK;
    return conflict(c, version, "removed a part that was read", remove->path, error);
}

lm_status lm__conflicts_check(lm_conflicts *c, int64_t version, const lm_action *actions,
                              size_t count, lm_error *error)
{
    bool blind = false;
    for (size_t i = 0; i < count; i++) {
        const lm_action *action = &actions[i];
        if (action->kind == LM_ACTION_COMMIT_INFO) blind = action->commit_info.is_blind_append == 1;
        if (action->kind == LM_ACTION_TXN && c->txn &&
            strcmp(action->txn.app_id, c->txn->app_id) == 0 &&
            action->txn.version >= c->txn->version)
            c->was_there = true;
    }
    if (c->was_there) return LM_OK;
    for (size_t i = 0; i < count; i++) {
        const lm_action *action = &actions[i];
        switch (action->kind) {
        case LM_ACTION_PROTOCOL:
            return conflict(c, version, "changed the protocol of the table", NULL, error);
        case LM_ACTION_METADATA:
            return conflict(c, version, "changed the metadata of the table", NULL, error);
        case LM_ACTION_ADD: LM_TRY(check_add(c, version, &action->add, blind, error)); break;
        case LM_ACTION_REMOVE: LM_TRY(check_remove(c, version, &action->remove, error)); break;
        default: break;
        }
    }
    return LM_OK;
}
