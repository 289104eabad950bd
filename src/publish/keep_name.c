/* Lists of kept names; keep_name.h. */
#include "publish/keep_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

void lm__keep_names_init(lm_keep_names *names, const lm_allocator *allocator)
{
    lm__arena_init(&names->arena, allocator, 0);
    names->items = NULL;
    names->count = names->capacity = 0;
}

void lm__keep_names_deinit(lm_keep_names *names)
{
    lm__free(names->arena.allocator, names->items);
    lm__arena_deinit(&names->arena);
}

lm_status lm__keep_names_add(lm_keep_names *names, const char *name, bool is_standing,
                             lm_error *error)
{
    char *copy = lm__arena_strdup(&names->arena, name);
    if (!copy || !lm__array_room(names->arena.allocator, &names->items, &names->capacity,
                                 names->count + 1, sizeof *names->items))
        return lm__error_memory(error, "listing kept files");
    names->items[names->count++] = (lm_keep_name){copy, is_standing};
    return LM_OK;
}

static int name_order(const void *a, const void *b)
{
    return strcmp(((const lm_keep_name *)a)->name, ((const lm_keep_name *)b)->name);
}

void lm__keep_names_sort(lm_keep_names *names)
{
    if (names->count > 0) qsort(names->items, names->count, sizeof *names->items, name_order);
}
