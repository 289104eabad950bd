/*
 * Overwrites: an append whose entry also removes the parts that were there, all or those of some
 * partitions; see append.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "table/append.h"
#include "table/operation.h"
#include "table/partition_rows.h"

static lm_status choose(lm_append *a, const lm_schema *schema, const lm_delta_add *parts,
                        size_t count, bool *chosen, lm_error *error)
{
    const lm_table_descriptor *d = a->descriptor;
    const char *names[LM_TABLE_PARTITIONS_MAX];
    for (size_t i = 0; i < d->partition_count; i++) names[i] = d->partitions[i].name;
    const lm_text_list columns = {names, d->partition_count};
    return lm__partitions_choose(a->allocator, a->directory, "replaced", schema, &columns, parts,
                                 count, a->options->replace_where, chosen, error);
}

/* A slot as the log will have it. */
static lm_delta_add slot_part(const lm_append *a, size_t at, lm_key_value *values)
{
    const lm_table_descriptor *d = a->descriptor;
    const lm_slot *slot = lm__route_slot(a->route, at);
    for (size_t i = 0; i < d->partition_count; i++)
        values[i] = lm__text_pair(d->partitions[i].name, slot->values[i]);
    return (lm_delta_add){.path = slot->directory,
                          .partition_values = {values, d->partition_count}};
}

lm_status lm__append_check_slots(lm_append *a)
{
    const lm_expr *where = a->options->replace_where;
    lm_key_value values[LM_TABLE_PARTITIONS_MAX];
    char text[256];
    if (!where) return LM_OK;
    for (; a->slots_checked < lm__route_count(a->route); a->slots_checked++) {
        const lm_delta_add part = slot_part(a, a->slots_checked, values);
        bool chosen;
        LM_TRY(choose(a, a->stored, &part, 1, &chosen, a->error));
        if (chosen) continue;
        lm_expr_format(where, text, sizeof text);
        return lm__error_set(a->error, LM_DATA,
                             "%s: there are rows of the partition %s, which is not among those "
                             "that are replaced (%s)",
                             a->directory, part.path, text);
    }
    return LM_OK;
}

lm_status lm__append_removes(lm_append *a, lm_arena *arena, lm_action **removes, size_t *count)
{
    const lm_snapshot *s = a->base;
    const lm_clock *clock = a->log.clock;
    int64_t now = clock->wall_ns(clock->context) / 1000000;
    *count = 0;
    *removes = NULL;
    if (!a->options->replace || !s) return LM_OK;
    bool *chosen = lm__arena_array(arena, s->part_count + 1, sizeof *chosen);
    *removes = lm__arena_array(arena, s->part_count + 1, sizeof **removes);
    if (!chosen || !*removes) return lm__append_memory(a);
    LM_TRY(choose(a, a->stored, s->parts, s->part_count, chosen, a->error));
    for (size_t i = 0; i < s->part_count; i++)
        if (chosen[i]) (*removes)[(*count)++] = lm__action_remove(&s->parts[i], now, true);
    a->parts_removed = *count;
    return LM_OK;
}

/* Would the part be replaced? Where that cannot be told it is taken to be. */
static bool is_replaced(void *context, const lm_delta_add *part)
{
    lm_append *a = context;
    bool chosen = true;
    lm_error ignored;
    return choose(a, a->stored, part, 1, &chosen, &ignored) != LM_OK || chosen;
}

void lm__append_reads(lm_append *a, lm_commit_request *request)
{
    if (!a->options->replace) return;
    request->reads = a->options->replace_where ? LM_READS_MATCHING : LM_READS_ALL;
    request->test = is_replaced;
    request->test_context = a;
}
