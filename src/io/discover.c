/* The files of a dataset and their partitions; see discover.h. */
#include "io/discover.h"

#include <string.h>

#include "base/bytes_text.h"
#include "base/error.h"
#include "base/limits.h"

#define NULL_VALUE "__HIVE_DEFAULT_PARTITION__"

typedef struct discovery {
    lm_arena *arena;
    lm_found *found;
    size_t capacity;
    const char *first; /* the path that the keys are of */
    const char *path;  /* of the directory before, for its values: up to `directory` of them */
    size_t directory;
    const char **values;
} discovery;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "listing files"); }

/* Percent-decoded; a NUL is left as it is written. */
static const char *decode(lm_arena *arena, const char *text, size_t size)
{
    char *out = lm__arena_alloc(arena, size + 1), *to = out;
    for (size_t i = 0; out && i < size; i++) {
        int high = i + 2 < size && text[i] == '%' ? lm__hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? lm__hex_digit(text[i + 2]) : -1;
        if (low >= 0 && high * 16 + low > 0) {
            *to++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *to++ = text[i];
        }
    }
    if (out) *to = '\0';
    return out;
}

/* Where the `=` of a directory's name is, NULL where the name is no pair; *next is behind it. NULL
 * in *next: `text` is the file's own name. */
static const char *pair_in(const char *text, const char **next)
{
    const char *end = strchr(text, '/');
    *next = end ? end + 1 : NULL;
    if (!end) return NULL;
    const char *equals = memchr(text, '=', (size_t)(end - text));
    return equals == text ? NULL : equals;
}

static size_t count_pairs(const char *text)
{
    size_t count = 0;
    for (const char *next; text; text = next) count += pair_in(text, &next) != NULL;
    return count;
}

/* The keys and values of the directories; `keys` and `values` have room. */
static lm_status read_pairs(discovery *d, const char *text, const char **keys, const char **values,
                            lm_error *error)
{
    size_t count = 0;
    for (const char *next; text; text = next) {
        const char *equals = pair_in(text, &next);
        if (!equals) continue;
        size_t size = (size_t)(next - 1 - equals - 1);
        keys[count] = decode(d->arena, text, (size_t)(equals - text));
        values[count] = decode(d->arena, equals + 1, size);
        if (!keys[count] || !values[count]) return no_memory(error);
        /* As it is written: encoded it is a text like any other. */
        if (size == strlen(NULL_VALUE) && memcmp(equals + 1, NULL_VALUE, size) == 0)
            values[count] = NULL;
        for (size_t i = 0; i < count; i++)
            if (strcmp(keys[i], keys[count]) == 0)
                return lm__error_set(error, LM_SCHEMA,
                                     "two directories one below the other have "
                                     "the partition key '%s'",
                                     keys[count]);
        count++;
    }
    return LM_OK;
}

/* The values of the file's directories; a directory's files share them. */
static lm_status take_values(discovery *d, const lm_find_entry *entry, lm_error *error)
{
    lm_found *found = d->found;
    const char *slash = strrchr(entry->path, '/');
    size_t directory = slash ? (size_t)(slash - entry->path) : 0;
    if (d->path && d->directory == directory && memcmp(d->path, entry->path, directory) == 0)
        return LM_OK;
    size_t count = count_pairs(entry->path + entry->base);
    const char **keys = lm__arena_array(d->arena, count, sizeof *keys);
    const char **values = lm__arena_array(d->arena, count, sizeof *values);
    if (!keys || !values) return no_memory(error);
    LM_TRY(read_pairs(d, entry->path + entry->base, keys, values, error));
    if (!d->path) {
        d->first = entry->path;
        found->keys = keys;
        found->key_count = count;
    }
    bool same = count == found->key_count;
    for (size_t i = 0; same && i < count; i++) same = strcmp(keys[i], found->keys[i]) == 0;
    if (!same)
        return lm__error_set(error, LM_SCHEMA,
                             "%s and %s do not have the same partition keys (KEY=VALUE in their "
                             "directories' names)",
                             d->first, entry->path);
    d->path = entry->path;
    d->directory = directory;
    d->values = values;
    return LM_OK;
}

static lm_status add_file(void *context, const lm_find_entry *entry, lm_error *error)
{
    discovery *d = context;
    lm_found *found = d->found;
    LM_TRY(take_values(d, entry, error));
    if (found->count == LM_SCAN_FILES_MAX)
        return lm__error_set(error, LM_LIMIT, "more than %d files", LM_SCAN_FILES_MAX);
    if (!lm__arena_room(d->arena, &found->files, &d->capacity, found->count + 1,
                        sizeof *found->files))
        return no_memory(error);
    found->files[found->count++] = (lm_found_file){entry->path, entry->size, d->values};
    return LM_OK;
}

lm_status lm__discover_directory(lm_arena *arena, lm_store *store, const char *path,
                                 lm_cancel *cancel, lm_found *found, lm_error *error)
{
    discovery d = {.arena = arena, .found = found};
    *found = (lm_found){0};
    LM_TRY(lm__find_directory(arena, store, path, cancel, add_file, &d, error));
    if (found->count > 0) return LM_OK;
    return lm__error_set(error, LM_NOT_FOUND,
                         "%s: no file is in this directory (names that begin with _ or . do not "
                         "count)",
                         path);
}

lm_status lm__discover_pattern(lm_arena *arena, lm_store *store, const char *pattern,
                               lm_cancel *cancel, lm_found *found, lm_error *error)
{
    discovery d = {.arena = arena, .found = found};
    *found = (lm_found){0};
    LM_TRY(lm__find_pattern(arena, store, pattern, cancel, add_file, &d, error));
    if (found->count > 0) return LM_OK;
    return lm__error_set(error, LM_NOT_FOUND, "no file fits %s", pattern);
}
