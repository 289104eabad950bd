/* Walking directories and patterns; see discover.h. */
#include "io/discover.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

#define NULL_VALUE "__HIVE_DEFAULT_PARTITION__"
#define MANIFEST_SUFFIX ".manifest.json"
#define MANY_NAMES 64

/* KEY=VALUE of the directories above, the innermost first. */
typedef struct partition_pair {
    const struct partition_pair *up;
    const char *key, *value;
} partition_pair;

typedef struct walk {
    lm_arena *arena;
    lm_store *store;
    lm_cancel *cancel;
    lm_found *found;
    size_t capacity;
    const lm_allocator *allocator;
    int depth;
    lm_error *error;
} walk;

typedef struct name_entry {
    const char *name;
    lm_store_kind kind;
} name_entry;

typedef struct names {
    walk *w;
    name_entry *items;
    size_t count, capacity;
    bool hidden; /* those that begin with _ or . too */
} names;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "listing files"); }

bool lm__is_pattern(const char *path) { return strpbrk(path, "*?[") != NULL; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

int lm__natural_compare(const char *a, const char *b)
{
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            while (*a == '0') a++;
            while (*b == '0') b++;
            size_t a_size = 0, b_size = 0;
            while (is_digit(a[a_size])) a_size++;
            while (is_digit(b[b_size])) b_size++;
            if (a_size != b_size) return a_size < b_size ? -1 : 1;
            int order = strncmp(a, b, a_size);
            if (order) return order;
            a += a_size;
            b += b_size;
        } else if (*a != *b) {
            /* A directory before the names that go on from its own. */
            if (*a == '/' || *b == '/') return *a == '/' ? -1 : 1;
            return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != 0) - (*b != 0);
}

/* Names of a directory. */

static int by_name(const void *a, const void *b)
{
    const char *x = ((const name_entry *)a)->name, *y = ((const name_entry *)b)->name;
    int order = lm__natural_compare(x, y);
    return order ? order : strcmp(x, y);
}

static lm_status take_name(void *context, const lm_store_entry *entry, lm_error *error)
{
    names *list = context;
    size_t size = strlen(entry->name), suffix = strlen(MANIFEST_SUFFIX);
    if (!list->hidden && (entry->name[0] == '_' || entry->name[0] == '.')) return LM_OK;
    if (size > suffix && strcmp(entry->name + size - suffix, MANIFEST_SUFFIX) == 0) return LM_OK;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : MANY_NAMES;
        name_entry *more =
            lm__realloc_array(list->w->allocator, list->items, capacity, sizeof *more);
        if (!more) return no_memory(error);
        list->items = more;
        list->capacity = capacity;
    }
    if (list->count == LM_SCAN_FILES_MAX)
        return lm__error_set(error, LM_LIMIT, "more than %d files in one directory",
                             LM_SCAN_FILES_MAX);
    const char *name = lm__arena_strdup(list->w->arena, entry->name);
    if (!name) return no_memory(error);
    list->items[list->count++] = (name_entry){name, entry->stat.kind};
    return LM_OK;
}

/* The names in natural order; `list` is given back by the caller. */
static lm_status list_names(walk *w, const char *path, bool hidden, names *list)
{
    lm_list_options options = {.cancel = w->cancel};
    *list = (names){.w = w, .hidden = hidden};
    LM_TRY(lm__store_list(w->store, path, &options, take_name, list, w->error));
    if (list->count) qsort(list->items, list->count, sizeof *list->items, by_name);
    return LM_OK;
}

static const char *join(walk *w, const char *directory, const char *name)
{
    size_t size = strlen(directory);
    if (size == 0) return lm__arena_strdup(w->arena, name);
    return lm__arena_printf(w->arena, directory[size - 1] == '/' ? "%s%s" : "%s/%s", directory,
                            name);
}

/* Partitions. */

static int hex_digit(char c)
{
    if (is_digit(c)) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded; a NUL is left as it is written. */
static const char *decode(walk *w, const char *text, size_t size)
{
    char *out = lm__arena_alloc(w->arena, size + 1), *to = out;
    for (size_t i = 0; out && i < size; i++) {
        int high = i + 2 < size && text[i] == '%' ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
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

/* The directory's own pair in front of those above it; `up` itself where its name is none. */
static lm_status read_pair(walk *w, const char *name, const partition_pair *up,
                           const partition_pair **out)
{
    const char *equals = strchr(name, '=');
    *out = up;
    if (!equals || equals == name) return LM_OK;
    partition_pair *pair = lm__arena_alloc(w->arena, sizeof *pair);
    if (!pair) return no_memory(w->error);
    *pair = (partition_pair){up, decode(w, name, (size_t)(equals - name)),
                             decode(w, equals + 1, strlen(equals + 1))};
    if (!pair->key || !pair->value) return no_memory(w->error);
    /* As it is written: encoded it is a text like any other. */
    if (strcmp(equals + 1, NULL_VALUE) == 0) pair->value = NULL;
    for (const partition_pair *above = up; above; above = above->up)
        if (strcmp(above->key, pair->key) == 0)
            return lm__error_set(w->error, LM_SCHEMA,
                                 "two directories one below the other have "
                                 "the partition key '%s'",
                                 pair->key);
    *out = pair;
    return LM_OK;
}

static lm_status set_keys(walk *w, const partition_pair *pairs, size_t count)
{
    lm_found *found = w->found;
    found->key_count = count;
    found->keys = lm__arena_array(w->arena, count, sizeof *found->keys);
    if (!found->keys) return no_memory(w->error);
    for (; pairs; pairs = pairs->up) found->keys[--count] = pairs->key;
    return LM_OK;
}

static lm_status add_file(walk *w, const char *path, uint64_t size, const partition_pair *pairs)
{
    lm_found *found = w->found;
    size_t count = 0;
    for (const partition_pair *pair = pairs; pair; pair = pair->up) count++;
    if (found->count == 0) LM_TRY(set_keys(w, pairs, count));
    if (found->count == LM_SCAN_FILES_MAX)
        return lm__error_set(w->error, LM_LIMIT, "more than %d files", LM_SCAN_FILES_MAX);
    if (found->count == w->capacity) {
        size_t capacity = w->capacity ? 2 * w->capacity : MANY_NAMES;
        lm_found_file *more = lm__arena_array(w->arena, capacity, sizeof *more);
        if (!more) return no_memory(w->error);
        if (found->count) memcpy(more, found->files, found->count * sizeof *more);
        found->files = more;
        w->capacity = capacity;
    }
    const char **values = lm__arena_array(w->arena, count, sizeof *values);
    if (!values) return no_memory(w->error);
    bool same = count == found->key_count;
    size_t at = count;
    for (const partition_pair *pair = pairs; pair && same; pair = pair->up) {
        values[--at] = pair->value;
        same = strcmp(pair->key, found->keys[at]) == 0;
    }
    if (!same)
        return lm__error_set(w->error, LM_SCHEMA,
                             "%s and %s do not have the same partition keys (KEY=VALUE in their "
                             "directories' names)",
                             found->files[0].path, path);
    found->files[found->count++] = (lm_found_file){path, size, values};
    return LM_OK;
}

/* Directories. */

static lm_status walk_directory(walk *w, const char *path, const partition_pair *pairs);

/* A file is added, a directory walked; what is neither (a pipe, a socket) is passed over. */
static lm_status walk_entry(walk *w, const char *path, const char *name,
                            const partition_pair *pairs)
{
    lm_store_stat stat;
    LM_TRY(lm__store_stat(w->store, path, true, &stat, w->error));
    if (stat.kind == LM_STORE_FILE) return add_file(w, path, stat.size, pairs);
    if (stat.kind != LM_STORE_DIRECTORY) return LM_OK;
    LM_TRY(read_pair(w, name, pairs, &pairs));
    return walk_directory(w, path, pairs);
}

static lm_status walk_directory(walk *w, const char *path, const partition_pair *pairs)
{
    names list;
    if (w->depth == LM_TREE_DEPTH_MAX)
        return lm__error_set(w->error, LM_LIMIT, "%s: directories nested more than %d deep", path,
                             LM_TREE_DEPTH_MAX);
    w->depth++;
    lm_status status = list_names(w, path, false, &list);
    for (size_t i = 0; i < list.count && status == LM_OK; i++) {
        const char *child = join(w, path, list.items[i].name);
        status = child ? walk_entry(w, child, list.items[i].name, pairs) : no_memory(w->error);
    }
    lm__free(w->allocator, list.items);
    w->depth--;
    return status;
}

lm_status lm__discover_directory(lm_arena *arena, lm_store *store, const char *path,
                                 lm_cancel *cancel, lm_found *found, lm_error *error)
{
    walk w = {arena, store, cancel, found, 0, store->allocator, 0, error};
    *found = (lm_found){0};
    LM_TRY(walk_directory(&w, path, NULL));
    if (found->count > 0) return LM_OK;
    return lm__error_set(error, LM_NOT_FOUND,
                         "%s: no file is in this directory (names that begin with _ or . do not "
                         "count)",
                         path);
}

/* Patterns. */

static lm_status expand(walk *w, const char *base, const char *rest, const partition_pair *pairs);

/* What fits one part of the pattern, and then the rest of it. */
static lm_status expand_entry(walk *w, const char *base, const name_entry *entry, const char *rest,
                              const partition_pair *pairs)
{
    lm_store_stat stat;
    const char *path = join(w, base, entry->name);
    if (!path) return no_memory(w->error);
    if (!*rest) return walk_entry(w, path, entry->name, pairs);
    LM_TRY(lm__store_stat(w->store, path, true, &stat, w->error));
    if (stat.kind != LM_STORE_DIRECTORY) return LM_OK;
    LM_TRY(read_pair(w, entry->name, pairs, &pairs));
    return expand(w, path, rest, pairs);
}

/* `**`: the rest here, and below every directory. */
static lm_status expand_deep(walk *w, const char *base, const char *rest,
                             const partition_pair *pairs)
{
    names list;
    while (strncmp(rest, "**/", 3) == 0) rest += 3; /* says the same again */
    if (!*rest || strcmp(rest, "**") == 0) return walk_directory(w, base, pairs);
    LM_TRY(expand(w, base, rest, pairs));
    lm_status status = list_names(w, base, false, &list);
    for (size_t i = 0; i < list.count && status == LM_OK; i++) {
        lm_store_stat stat;
        const partition_pair *below;
        const char *path = join(w, base, list.items[i].name);
        status = path ? lm__store_stat(w->store, path, true, &stat, w->error) : no_memory(w->error);
        if (status != LM_OK || stat.kind != LM_STORE_DIRECTORY) continue;
        status = read_pair(w, list.items[i].name, pairs, &below);
        if (status == LM_OK && w->depth++ == LM_TREE_DEPTH_MAX)
            status = lm__error_set(w->error, LM_LIMIT, "%s: directories nested too deep", path);
        if (status == LM_OK) status = expand_deep(w, path, rest, below);
        w->depth--;
    }
    lm__free(w->allocator, list.items);
    return status;
}

static lm_status expand(walk *w, const char *base, const char *rest, const partition_pair *pairs)
{
    names list;
    size_t size = strcspn(rest, "/"), after = size + strspn(rest + size, "/");
    const char *part = lm__arena_strndup(w->arena, rest, size);
    if (!part) return no_memory(w->error);
    rest += after;
    if (strcmp(part, "**") == 0) return expand_deep(w, base, rest, pairs);
    if (!lm__is_pattern(part)) { /* as it is spelled, hidden or not */
        lm_store_stat stat;
        name_entry entry = {part, LM_STORE_FILE};
        const char *path = join(w, base, part);
        if (!path) return no_memory(w->error);
        lm_error ignored;
        if (lm__store_stat(w->store, path, true, &stat, &ignored) != LM_OK) return LM_OK;
        return expand_entry(w, base, &entry, rest, pairs);
    }
    lm_status status = list_names(w, base, part[0] == '_' || part[0] == '.', &list);
    for (size_t i = 0; i < list.count && status == LM_OK; i++)
        if (fnmatch(part, list.items[i].name, FNM_PERIOD) == 0)
            status = expand_entry(w, base, &list.items[i], rest, pairs);
    lm__free(w->allocator, list.items);
    return status;
}

lm_status lm__discover_pattern(lm_arena *arena, lm_store *store, const char *pattern,
                               lm_cancel *cancel, lm_found *found, lm_error *error)
{
    walk w = {arena, store, cancel, found, 0, store->allocator, 0, error};
    *found = (lm_found){0};
    /* The directory before the first part with a wildcard. */
    size_t first = strcspn(pattern, "*?["), base = first;
    while (base > 0 && pattern[base - 1] != '/') base--;
    size_t kept = base > 1 ? base - 1 : base; /* without the slash, unless it is the root */
    const char *directory = lm__arena_strndup(arena, pattern, kept);
    if (!directory) return no_memory(error);
    lm_status status = expand(&w, directory, pattern + base, NULL);
    if (status != LM_OK || found->count > 0) return status;
    return lm__error_set(error, LM_NOT_FOUND, "no file fits %s", pattern);
}
