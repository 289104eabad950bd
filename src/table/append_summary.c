/* What an append tells of itself: from its own parts, or from the log when it was there before. */
#include <stdlib.h>
#include <string.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/append.h"
#include "table/part_facts.h"

/* In front of the public struct: where all of it lives. */
typedef struct owned_summary {
    lm_table_summary summary; /* first */
    lm_arena arena;
    const lm_allocator *allocator;
    lm_table_part *parts;
    size_t part_capacity;
} owned_summary;

void lm_table_summary_free(lm_table_summary *summary)
{
    if (!summary) return;
    owned_summary *own = (owned_summary *)summary;
    lm__arena_deinit(&own->arena);
    lm__free(own->allocator, own);
}

static owned_summary *summary_new(const lm_append *a)
{
    owned_summary *own = lm__alloc_zero(a->allocator, sizeof *own);
    if (!own) return NULL;
    own->allocator = a->allocator;
    lm__arena_init(&own->arena, a->allocator, 0);
    own->summary.version = -1;
    own->summary.table = lm__arena_strdup(&own->arena, a->table);
    own->summary.run_id = lm__arena_strdup(&own->arena, a->run_id);
    if (own->summary.table && own->summary.run_id) return own;
    lm_table_summary_free(&own->summary);
    return NULL;
}

static lm_table_part *next_part(owned_summary *own)
{
    size_t count = own->summary.part_count;
    if (!lm__arena_room(&own->arena, &own->parts, &own->part_capacity, count + 1,
                        sizeof *own->parts))
        return NULL;
    own->summary.parts = own->parts;
    memset(&own->parts[count], 0, sizeof *own->parts);
    return &own->parts[own->summary.part_count++];
}

/* The path as the caller has the root, and the directory that it is in. */
static bool put_path(owned_summary *own, const lm_append *a, const char *path, lm_table_part *part)
{
    const char *root = a->options->root;
    size_t size = strlen(root);
    const char *slash = strrchr(path, '/');
    part->path =
        lm__arena_printf(&own->arena, "%s%s%s/%s/%s", root,
                         size && root[size - 1] == '/' ? "" : "/", a->run_id, a->table, path);
    part->partition = lm__arena_strndup(&own->arena, path, slash ? (size_t)(slash - path) : 0);
    return part->path && part->partition;
}

static int by_bucket(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool put_buckets(owned_summary *own)
{
    lm_table_summary *s = &own->summary;
    int64_t *buckets = lm__arena_array(&own->arena, s->part_count + 1, sizeof *buckets);
    size_t count = 0, left = 0;
    if (!buckets) return false;
    for (size_t i = 0; i < s->part_count; i++) {
        s->rows += s->parts[i].rows;
        if (s->parts[i].has_bucket) buckets[count++] = s->parts[i].bucket_id;
    }
    qsort(buckets, count, sizeof *buckets, by_bucket);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || buckets[i] != buckets[left - 1]) buckets[left++] = buckets[i];
    s->buckets = buckets;
    s->bucket_count = left;
    return true;
}

/* Ends the making: the summary or nothing. */
static lm_status hand_out(const lm_append *a, owned_summary *own, bool whole,
                          lm_table_summary **summary)
{
    if (whole && put_buckets(own)) {
        *summary = &own->summary;
        return LM_OK;
    }
    lm_table_summary_free(&own->summary);
    return lm__append_memory(a);
}

lm_status lm__append_summary(lm_append *a, lm_table_summary **summary)
{
    owned_summary *own = summary_new(a);
    if (!own) return lm__append_memory(a);
    bool whole = true;
    for (size_t i = 0; i < a->done_count && whole; i++) {
        const lm_part_done *done = &a->done[i];
        const lm_slot *slot = lm__route_slot(a->route, done->slot);
        lm_table_part *part = next_part(own);
        whole = part && put_path(own, a, done->path, part);
        if (!whole) break;
        part->checksum = lm__arena_strdup(&own->arena, done->checksum);
        whole = part->checksum != NULL;
        part->rows = (uint64_t)done->rows;
        part->bytes = done->bytes;
        part->has_ticks = done->ticks.there;
        part->tick_min = done->ticks.min;
        part->tick_max = done->ticks.max;
        if (a->descriptor->bucket < 0) continue;
        part->has_bucket = !slot->keys[a->descriptor->bucket].is_null;
        part->bucket_id = slot->keys[a->descriptor->bucket].code;
    }
    return hand_out(a, own, whole, summary);
}

/* From the log. */

typedef struct retelling {
    lm_append *append;
    owned_summary *own;
} retelling;

static lm_status retell_part(retelling *r, const lm_delta_add *add)
{
    lm_append *a = r->append;
    const lm_table_descriptor *d = a->descriptor;
    const char *tick = d->tick < 0 ? NULL : d->stored->root.children[d->tick].name;
    lm_part_facts facts;
    LM_TRY(lm__part_facts(&r->own->arena, add, tick, &facts, a->error));
    lm_table_part *part = next_part(r->own);
    if (!part || !put_path(r->own, a, facts.path, part)) return lm__append_memory(a);
    part->checksum = facts.checksum;
    part->rows = (uint64_t)facts.rows;
    part->bytes = (uint64_t)add->size;
    part->has_bucket = facts.has_bucket && d->bucket >= 0;
    part->bucket_id = facts.bucket;
    part->has_ticks = facts.has_ticks;
    part->tick_min = facts.tick_min;
    part->tick_max = facts.tick_max;
    return LM_OK;
}

static lm_status retell_entry(void *context, int64_t version, const lm_action *actions,
                              size_t count, lm_error *error)
{
    (void)version;
    (void)error;
    for (size_t i = 0; i < count; i++)
        if (actions[i].kind == LM_ACTION_ADD) LM_TRY(retell_part(context, &actions[i].add));
    return LM_OK;
}

/* The entry is gone: what is left of its parts has run and batch among its tags. */
static lm_status retell_snapshot(retelling *r)
{
    lm_append *a = r->append;
    char batch[LM_VALUE_TEXT_MAX];
    lm_snapshot *snapshot;
    batch[lm__text_from_i64(a->options->batch, batch)] = '\0';
    LM_TRY(lm__snapshot_load(&a->log, NULL, &snapshot, a->error));
    lm_status status = LM_OK;
    for (size_t i = 0; i < snapshot->part_count && status == LM_OK; i++) {
        const lm_text_map *tags = &snapshot->parts[i].tags;
        const char *of_run = lm__text_map_get(tags, LM_TABLE_TAG_RUN);
        const char *of_batch = lm__text_map_get(tags, LM_TABLE_TAG_BATCH);
        if (of_run && of_batch && strcmp(of_run, a->run_id) == 0 && strcmp(of_batch, batch) == 0)
            status = retell_part(r, &snapshot->parts[i]);
    }
    r->own->summary.version = snapshot->version;
    lm__snapshot_free(snapshot);
    return status;
}

lm_status lm__append_summary_again(lm_append *a, int64_t version, lm_table_summary **summary)
{
    retelling r = {a, summary_new(a)};
    if (!r.own) return lm__append_memory(a);
    r.own->summary.repeated = true;
    r.own->summary.version = version;
    lm_status status = version >= 0
                           ? lm__log_entries(&a->log, version, version, retell_entry, &r, a->error)
                           : retell_snapshot(&r);
    if (status == LM_OK) return hand_out(a, r.own, true, summary);
    lm_table_summary_free(&r.own->summary);
    return status;
}
