/* Deleting partitions: their parts are removed from the log, nothing is rewritten. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"
#include "table/operation.h"
#include "table/partition_rows.h"

typedef struct deleting {
    lm_operation *operation;
    const lm_expr *where;
} deleting;

/* Would the part be deleted? Where that cannot be told it is taken to be. */
static bool is_deleted(void *context, const lm_delta_add *part)
{
    deleting *d = context;
    const lm_operation *o = d->operation;
    bool chosen = true;
    lm_error ignored;
    lm_status status = lm__partitions_choose(o->allocator, o->root, "deleted", o->schema,
                                             &o->snapshot->metadata.partition_columns, part, 1,
                                             d->where, &chosen, &ignored);
    return status != LM_OK || chosen;
}

/* As Spark has it: {"predicate": "[\"bucket < 10\"]"}. */
static lm_status make_parameters(const deleting *d, lm_commit_request *request)
{
    lm_operation *o = d->operation;
    lm_buffer text;
    lm_json_writer json;
    lm_key_value *pair = lm__arena_array(&o->arena, 1, sizeof *pair);
    size_t size = d->where ? lm_expr_format(d->where, NULL, 0) + 1 : 1;
    char *where = lm__arena_alloc(&o->arena, size);
    if (!pair || !where) return lm__operation_memory(o);
    if (d->where) lm_expr_format(d->where, where, size);
    lm__buffer_init(&text, o->allocator, 0);
    lm__json_writer_init(&json, &text, false);
    lm__json_open_array(&json);
    lm__json_string(&json, d->where ? where : "true");
    lm__json_close_array(&json);
    char *list = json.status == LM_OK
                     ? lm__arena_strndup(&o->arena, (const char *)text.data, text.size)
                     : NULL;
    lm__buffer_deinit(&text);
    if (!list) return lm__operation_memory(o);
    pair[0] = lm__text_pair("predicate", list);
    request->parameters = (lm_text_map){pair, 1};
    return LM_OK;
}

static lm_status delete_once(deleting *d, bool *chosen, lm_table_change *change)
{
    lm_operation *o = d->operation;
    const lm_snapshot *s = o->snapshot;
    int64_t now = lm__operation_now_ms(o);
    lm_action *actions = lm__arena_array(&o->arena, s->part_count + 1, sizeof *actions);
    lm_commit_request request = {.operation = "DELETE",
                                 .actions = actions,
                                 .reads = d->where ? LM_READS_MATCHING : LM_READS_ALL,
                                 .test = is_deleted,
                                 .test_context = d};
    if (!actions) return lm__operation_memory(o);
    LM_TRY(lm__partitions_choose(o->allocator, o->root, "deleted", o->schema,
                                 &s->metadata.partition_columns, s->parts, s->part_count, d->where,
                                 chosen, o->error));
    for (size_t i = 0; i < s->part_count; i++) {
        if (!chosen[i]) continue;
        actions[request.action_count++] = lm__action_remove(&s->parts[i], now, true);
        LM_TRY(lm__operation_count_removed(o, &s->parts[i], change));
    }
    if (request.action_count == 0) return LM_OK;
    LM_TRY(make_parameters(d, &request));
    return lm__operation_commit(o, &request, change);
}

lm_status lm_table_delete(const char *path, const lm_expr *where, const lm_table_operation *how,
                          lm_table_change *change, lm_error *error)
{
    lm_operation o;
    deleting d = {.operation = &o, .where = where};
    lm_table_change made = {.version = -1};
    int rounds = 0;
    lm_status status = lm__operation_open(&o, path, how, error);
    while (status == LM_OK) {
        made = (lm_table_change){.version = -1};
        status = lm__operation_look(&o, NULL);
        if (status != LM_OK) break;
        bool *chosen = lm__alloc_array(o.allocator, o.snapshot->part_count + 1, sizeof *chosen);
        status = chosen ? delete_once(&d, chosen, &made) : lm__operation_memory(&o);
        lm__free(o.allocator, chosen);
        if (!lm__operation_repeat(status, &rounds)) break;
        status = LM_OK;
    }
    lm__operation_close(&o);
    if (change) *change = made;
    return status;
}
