/* Walking directories and patterns; see find.h. */
#include "store/find.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/place.h"

#define MANIFEST_SUFFIX ".manifest.json"

typedef struct walk {
    lm_arena *arena;
    lm_store *store;
    lm_cancel *cancel;
    size_t base;
    int depth;
    lm_find_callback *callback;
    void *context;
    lm_error *error;
} walk;

/* What a directory has. */
typedef struct name_entry {
    const char *path, *name; /* the name is the path's end */
    lm_store_kind kind;
    uint64_t size, stamp, inode, block_bytes;
    int64_t mtime_ns;
} name_entry;

typedef struct names {
    walk *w;
    const char *directory;
    name_entry *items;
    size_t count, capacity;
    bool hidden; /* those that begin with _ or . too */
} names;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "listing files"); }

bool lm__is_pattern(const char *path)
{
    return strpbrk(path + lm__place_root_size(path), "*?[") != NULL;
}

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

static bool is_manifest(const char *name)
{
    size_t size = strlen(name), suffix = strlen(MANIFEST_SUFFIX);
    return size > suffix && strcmp(name + size - suffix, MANIFEST_SUFFIX) == 0;
}

bool lm__name_is_hidden(const char *name)
{
    return name[0] == '_' || name[0] == '.' || is_manifest(name);
}

/* FNV-1a. Versions are short, and only two of the same object are ever compared. */
static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t lm__store_stamp(const lm_store_stat *stat)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), stat->version, strlen(stat->version));
    hash = mix(hash, &stat->size, sizeof stat->size);
    return mix(hash, &stat->mtime_ns, sizeof stat->mtime_ns);
}

/* Names of a directory. */

static int by_name(const void *a, const void *b)
{
    const char *x = ((const name_entry *)a)->name, *y = ((const name_entry *)b)->name;
    int order = lm__natural_compare(x, y);
    return order ? order : strcmp(x, y);
}

static void take_stat(name_entry *entry, const lm_store_stat *stat)
{
    entry->kind = stat->kind;
    entry->size = stat->size;
    entry->mtime_ns = stat->mtime_ns;
    entry->stamp = lm__store_stamp(stat);
    entry->inode = stat->inode;
    entry->block_bytes = stat->block_bytes;
}

static const char *join(walk *w, const char *directory, const char *name)
{
    size_t size = strlen(directory);
    if (size == 0) return lm__arena_strdup(w->arena, name);
    return lm__arena_printf(w->arena, directory[size - 1] == '/' ? "%s%s" : "%s/%s", directory,
                            name);
}

static lm_status take_name(void *context, const lm_store_entry *entry, lm_error *error)
{
    names *list = context;
    if (strcmp(entry->name, LM_MERGE_JOURNAL_NAME) == 0)
        return lm__error_set(error, LM_CONFLICT,
                             "%s: a merge that deletes its sources is under way there, or was "
                             "interrupted (`lamella merge --resume` carries it on): what is left "
                             "is not all",
                             list->directory);
    if (list->hidden ? is_manifest(entry->name) : lm__name_is_hidden(entry->name)) return LM_OK;
    if (list->count == LM_SCAN_FILES_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: more than %d files in one directory",
                             list->directory, LM_SCAN_FILES_MAX);
    const char *path = join(list->w, list->directory, entry->name);
    if (!path || !lm__array_room(list->w->store->allocator, &list->items, &list->capacity,
                                 list->count + 1, sizeof *list->items))
        return no_memory(error);
    name_entry *made = &list->items[list->count++];
    *made = (name_entry){.path = path, .name = path + strlen(path) - strlen(entry->name)};
    take_stat(made, &entry->stat);
    return LM_OK;
}

/* The names in natural order; `list` is given back by the caller, on failure too. */
static lm_status list_names(walk *w, const char *path, bool hidden, names *list)
{
    lm_list_options options = {.with_stat = true, .cancel = w->cancel};
    *list = (names){.w = w, .directory = path, .hidden = hidden};
    LM_TRY(lm__store_list(w->store, path, &options, take_name, list, w->error));
    if (list->count) qsort(list->items, list->count, sizeof *list->items, by_name);
    return LM_OK;
}

static lm_status see_through(walk *w, name_entry *entry)
{
    lm_store_stat stat;
    if (entry->kind != LM_STORE_SYMLINK) return LM_OK;
    LM_TRY(lm__store_stat(w->store, entry->path, true, &stat, w->error));
    take_stat(entry, &stat);
    return LM_OK;
}

/* Directories. */

static lm_status walk_directory(walk *w, const char *path);

/* A file is told, a directory walked; what is neither (a pipe, a socket) is passed over. */
static lm_status walk_entry(walk *w, name_entry *entry)
{
    LM_TRY(see_through(w, entry));
    if (entry->kind == LM_STORE_DIRECTORY) return walk_directory(w, entry->path);
    if (entry->kind != LM_STORE_FILE) return LM_OK;
    lm_find_entry found = {.path = entry->path,
                           .base = w->base,
                           .size = entry->size,
                           .mtime_ns = entry->mtime_ns,
                           .stamp = entry->stamp,
                           .inode = entry->inode,
                           .block_bytes = entry->block_bytes};
    return w->callback(w->context, &found, w->error);
}

static lm_status deeper(walk *w, const char *path)
{
    if (w->depth++ < LM_TREE_DEPTH_MAX) return LM_OK;
    return lm__error_set(w->error, LM_LIMIT, "%s: directories nested more than %d deep", path,
                         LM_TREE_DEPTH_MAX);
}

static lm_status walk_directory(walk *w, const char *path)
{
    names list = {0};
    lm_status status = deeper(w, path);
    if (status == LM_OK) status = list_names(w, path, false, &list);
    for (size_t i = 0; i < list.count && status == LM_OK; i++)
        status = walk_entry(w, &list.items[i]);
    lm__free(w->store->allocator, list.items);
    w->depth--;
    return status;
}

static size_t behind(const char *directory)
{
    size_t size = strlen(directory);
    return size + (size > 0 && directory[size - 1] != '/');
}

lm_status lm__find_directory(lm_arena *arena, lm_store *store, const char *path, lm_cancel *cancel,
                             lm_find_callback *callback, void *context, lm_error *error)
{
    walk w = {arena, store, cancel, behind(path), 0, callback, context, error};
    return walk_directory(&w, path);
}

/* Patterns. */

static lm_status expand(walk *w, const char *base, const char *rest);

/* What fits one part of the pattern, and then the rest of it. */
static lm_status expand_entry(walk *w, name_entry *entry, const char *rest)
{
    if (!*rest) return walk_entry(w, entry);
    LM_TRY(see_through(w, entry));
    return entry->kind == LM_STORE_DIRECTORY ? expand(w, entry->path, rest) : LM_OK;
}

/* `**`: the rest here, and below every directory. */
static lm_status expand_deep(walk *w, const char *base, const char *rest)
{
    names list = {0};
    while (strncmp(rest, "**/", 3) == 0) rest += 3; /* says the same again */
    if (!*rest || strcmp(rest, "**") == 0) return walk_directory(w, base);
    LM_TRY(expand(w, base, rest));
    lm_status status = deeper(w, base);
    if (status == LM_OK) status = list_names(w, base, false, &list);
    for (size_t i = 0; i < list.count && status == LM_OK; i++) {
        status = see_through(w, &list.items[i]);
        if (status == LM_OK && list.items[i].kind == LM_STORE_DIRECTORY)
            status = expand_deep(w, list.items[i].path, rest);
    }
    lm__free(w->store->allocator, list.items);
    w->depth--;
    return status;
}

static lm_status expand(walk *w, const char *base, const char *rest)
{
    names list = {0};
    size_t size = strcspn(rest, "/"), after = size + strspn(rest + size, "/");
    const char *part = lm__arena_strndup(w->arena, rest, size);
    if (!part) return no_memory(w->error);
    rest += after;
    if (strcmp(part, "**") == 0) return expand_deep(w, base, rest);
    if (!lm__is_pattern(part)) { /* as it is spelled, hidden or not */
        lm_store_stat stat;
        name_entry entry = {.path = join(w, base, part), .name = part};
        if (!entry.path) return no_memory(w->error);
        lm_status status = lm__store_stat(w->store, entry.path, true, &stat, w->error);
        if (status != LM_OK) return status == LM_NOT_FOUND ? LM_OK : status;
        take_stat(&entry, &stat);
        return expand_entry(w, &entry, rest);
    }
    lm_status status = list_names(w, base, part[0] == '_' || part[0] == '.', &list);
    for (size_t i = 0; i < list.count && status == LM_OK; i++)
        if (fnmatch(part, list.items[i].name, FNM_PERIOD) == 0)
            status = expand_entry(w, &list.items[i], rest);
    lm__free(w->store->allocator, list.items);
    return status;
}

lm_status lm__find_pattern(lm_arena *arena, lm_store *store, const char *pattern, lm_cancel *cancel,
                           lm_find_callback *callback, void *context, lm_error *error)
{
    /* The directory before the first part with a wildcard. */
    size_t root = lm__place_root_size(pattern);
    size_t first = root + strcspn(pattern + root, "*?["), base = first;
    while (base > 0 && pattern[base - 1] != '/') base--;
    size_t kept = base > 1 ? base - 1 : base; /* without the slash, unless it is the root */
    const char *directory = lm__arena_strndup(arena, pattern, kept);
    if (!directory) return no_memory(error);
    walk w = {arena, store, cancel, behind(directory), 0, callback, context, error};
    return expand(&w, directory, pattern + base);
}
