/* Registries: descriptors by name; see lamella/table.h. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/place.h"
#include "table/descriptor.h"

struct lm_registry {
    const lm_allocator *allocator;
    lm_table_descriptor **items; /* by name */
    size_t count, capacity;
};

lm_status lm_registry_new(const lm_allocator *allocator, lm_registry **registry, lm_error *error)
{
    allocator = lm__allocator_or_default(allocator);
    *registry = lm__alloc_zero(allocator, sizeof **registry);
    if (!*registry) return lm__error_memory(error, "making a registry");
    (*registry)->allocator = allocator;
    return LM_OK;
}

void lm_registry_free(lm_registry *registry)
{
    if (!registry) return;
    for (size_t i = 0; i < registry->count; i++) lm_table_descriptor_free(registry->items[i]);
    lm__free(registry->allocator, registry->items);
    lm__free(registry->allocator, registry);
}

/* Where the name is, or belongs. */
static size_t place_of(const lm_registry *registry, const char *name, bool *is_there)
{
    size_t low = 0, high = registry->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(registry->items[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = low < registry->count && strcmp(registry->items[low]->name, name) == 0;
    return low;
}

lm_status lm_registry_add(lm_registry *registry, lm_table_descriptor *descriptor, lm_error *error)
{
    bool is_there;
    size_t at = place_of(registry, descriptor->name, &is_there);
    if (is_there)
        return lm__error_set(error, LM_EXISTS, "the table %s is described already",
                             descriptor->name);
    if (registry->count == LM_TABLE_REGISTRY_MAX)
        return lm__error_set(error, LM_LIMIT, "more than %d tables in one registry",
                             LM_TABLE_REGISTRY_MAX);
    if (!lm__array_room(registry->allocator, &registry->items, &registry->capacity,
                        registry->count + 1, sizeof *registry->items))
        return lm__error_memory(error, "adding to a registry");
    memmove(&registry->items[at + 1], &registry->items[at],
            (registry->count - at) * sizeof *registry->items);
    registry->items[at] = lm_table_descriptor_ref(descriptor);
    registry->count++;
    return LM_OK;
}

size_t lm_registry_count(const lm_registry *registry) { return registry->count; }

lm_table_descriptor *lm_registry_at(const lm_registry *registry, size_t i)
{
    return registry->items[i];
}

lm_table_descriptor *lm_registry_find(const lm_registry *registry, const char *name)
{
    bool is_there;
    size_t at = place_of(registry, name, &is_there);
    return is_there ? registry->items[at] : NULL;
}

/* A directory of descriptors. */

typedef struct reading {
    lm_store *store;
    const char *directory;
    lm_registry *registry;
} reading;

/* "trades.json" is the table trades. */
static lm_status read_file(void *context, const lm_store_entry *entry, lm_error *error)
{
    const reading *in = context;
    const lm_allocator *allocator = in->registry->allocator;
    size_t size = strlen(entry->name);
    char path[LM_PATH_BYTES_MAX];
    if (entry->stat.kind == LM_STORE_DIRECTORY || entry->name[0] == '.' || size <= 5 ||
        strcmp(entry->name + size - 5, ".json") != 0)
        return LM_OK;
    int length = snprintf(path, sizeof path, "%s/%s", in->directory, entry->name);
    if (length < 0 || (size_t)length >= sizeof path)
        return lm__error_set(error, LM_LIMIT, "%s: the path is too long", in->directory);
    uint8_t *text;
    LM_TRY(lm__store_read(in->store, path, allocator, LM_TABLE_DESCRIPTOR_BYTES_MAX, &text, &size,
                          error));
    lm_table_descriptor *made = NULL;
    lm_status status =
        lm_table_descriptor_parse(allocator, (const char *)text, size, path, &made, error);
    size_t stem = strlen(entry->name) - 5;
    if (status == LM_OK &&
        (strlen(made->name) != stem || memcmp(made->name, entry->name, stem) != 0))
        status = lm__error_set(error, LM_SCHEMA,
                               "%s: name: it is \"%s\", and a descriptor's file is called after "
                               "its table (%s.json)",
                               path, made->name, made->name);
    if (status == LM_OK) status = lm_registry_add(in->registry, made, error);
    lm_table_descriptor_free(made);
    lm__free(allocator, text);
    return status;
}

lm_status lm_registry_read(const lm_allocator *allocator, const lm_storage *storage,
                           const char *path, lm_registry **registry, lm_error *error)
{
    lm_store *store;
    const char *place;
    *registry = NULL;
    LM_TRY(
        lm__store_for(lm__allocator_or_default(allocator), path, storage, &store, &place, error));
    lm_registry *made;
    lm_status status = lm_registry_new(allocator, &made, error);
    if (status == LM_OK) {
        reading in = {store, place, made};
        status = lm__store_list(store, place, NULL, read_file, &in, error);
        if (status == LM_OK)
            *registry = made;
        else
            lm_registry_free(made);
    }
    lm__store_close(store);
    return status;
}
