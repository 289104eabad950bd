/*
 * The dictionaries of a stream: which there are, by the schema, and what they hold at the moment.
 *
 * Several columns may share one dictionary; then its values have one type. A dictionary lives as a
 * batch of one column, so that record batches can hold on to it after it was replaced.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "ipc/decode.h"
#include "ipc/join.h"
#include "ipc/message.h"

static size_t dictionaries_count(const lm_field *field)
{
    size_t count = field->dictionary ? 1 + dictionaries_count(field->dictionary) : 0;
    for (int32_t i = 0; i < field->n_children; i++)
        count += dictionaries_count(&field->children[i]);
    return count;
}

typedef struct found {
    int64_t id;
    const lm_field *field;
} found;

static void dictionaries_list(const lm_field *field, found **next)
{
    if (field->dictionary) {
        *(*next)++ = (found){field->dictionary_id, field};
        dictionaries_list(field->dictionary, next);
    }
    for (int32_t i = 0; i < field->n_children; i++) dictionaries_list(&field->children[i], next);
}

static int found_compare(const void *a, const void *b)
{
    int64_t left = ((const found *)a)->id, right = ((const found *)b)->id;
    return left < right ? -1 : left > right;
}

/* A schema of one column, called as the first column that uses it. */
static lm_status schema_make(lm_ipc_dictionary *entry, const lm_allocator *allocator,
                             const lm_field *user, lm_error *error)
{
    LM_TRY(lm__schema_new(allocator, &entry->schema, error));
    lm_schema *schema = entry->schema;
    lm_field *column = lm__field_children(&schema->arena, &schema->root, 1);
    if (!column) return lm__error_memory(error, "reading a schema");
    LM_TRY(lm__field_copy(&schema->arena, user->dictionary, column, error));
    char *name = lm__arena_strndup(&schema->arena, user->name, user->name_size);
    if (!name) return lm__error_memory(error, "reading a schema");
    column->name = name;
    column->name_size = user->name_size;
    return LM_OK;
}

lm_status lm__ipc_dictionaries_init(lm_ipc_dictionaries *dictionaries,
                                    const lm_allocator *allocator, const lm_schema *schema,
                                    lm_error *error)
{
    size_t count = dictionaries_count(&schema->root);
    *dictionaries = (lm_ipc_dictionaries){.allocator = allocator};
    if (count == 0) return LM_OK;
    found *all = lm__alloc_array(allocator, count, sizeof *all), *next = all;
    dictionaries->items = lm__alloc_zero(allocator, count * sizeof *dictionaries->items);
    lm_status status = LM_OK;
    if (!all || !dictionaries->items) {
        status = lm__error_memory(error, "reading a schema");
        goto done;
    }
    dictionaries_list(&schema->root, &next);
    qsort(all, count, sizeof *all, found_compare);
    for (size_t i = 0; i < count && status == LM_OK; i++) {
        if (i > 0 && all[i].id == all[i - 1].id) {
            if (!lm__field_same_layout(all[i].field->dictionary, all[i - 1].field->dictionary))
                status = lm__error_set(error, LM_CORRUPT,
                                       "columns of different types share the dictionary %lld",
                                       (long long)all[i].id);
            continue;
        }
        lm_ipc_dictionary *entry = &dictionaries->items[dictionaries->count++];
        entry->id = all[i].id;
        status = schema_make(entry, allocator, all[i].field, error);
    }
done:
    lm__free(allocator, all);
    if (status != LM_OK) lm__ipc_dictionaries_deinit(dictionaries);
    return status;
}

void lm__ipc_dictionaries_deinit(lm_ipc_dictionaries *dictionaries)
{
    for (size_t i = 0; i < dictionaries->count; i++) {
        lm__batch_unref(dictionaries->items[i].values);
        lm_schema_free(dictionaries->items[i].schema);
    }
    lm__free(dictionaries->allocator, dictionaries->items);
    dictionaries->items = NULL;
    dictionaries->count = 0;
}

lm_ipc_dictionary *lm__ipc_dictionary_find(const lm_ipc_dictionaries *dictionaries, int64_t id)
{
    size_t low = 0, high = dictionaries->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        lm_ipc_dictionary *entry = &dictionaries->items[middle];
        if (entry->id == id) return entry;
        if (entry->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

lm_status lm__ipc_dictionary_decode(lm_ipc_decoder *decoder, const lm_fb_table *table,
                                    const lm_ipc_body *body, lm_error *error)
{
    int64_t id = lm__fb_i64(table, LM_FB_DICTIONARY_ID, 0);
    bool delta = lm__fb_bool(table, LM_FB_DICTIONARY_DELTA, false);
    lm_fb_table records = lm__fb_child(table, LM_FB_DICTIONARY_DATA);
    LM_TRY(lm__ipc_reader_check(table->reader, error));
    lm_ipc_dictionary *entry = lm__ipc_dictionary_find(&decoder->dictionaries, id);
    if (!entry || !lm__fb_present(&records))
        return lm__error_set(error, LM_CORRUPT, "a dictionary (%lld) that no column uses",
                             (long long)id);
    lm_batch *values;
    LM_TRY(lm__ipc_records_decode(decoder, entry->schema, &records, body, &values, error));
    if (delta && entry->values) {
        lm_batch *both = NULL;
        lm_status status = lm__ipc_batches_join(decoder->allocator, entry->schema, entry->values,
                                                values, &both, error);
        lm__batch_unref(values);
        if (status != LM_OK) return status;
        values = both;
    }
    lm__batch_unref(entry->values);
    entry->values = values;
    return LM_OK;
}
