/*
 * A store in memory, with the contract of the others: for tests, and for running many writers
 * against each other without a disk.
 *
 * Invariants
 *  1. One mutex guards the table of objects; a commit is one change under it, exclusive and visible
 *     to all at once. Conditions are compared under the same lock.
 *  2. Bytes never change once they are in the table: a reader holds its own count on them.
 *  3. The table is sorted by path, bytewise. A directory is a path that is the beginning, up to a
 *     '/', of another.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "store/store.h"

typedef struct mem_blob {
    atomic_size_t count;
    const lm_allocator *allocator;
    size_t size;
    uint8_t *data;
} mem_blob;

typedef struct mem_object {
    char *path;
    mem_blob *blob;
    uint64_t version, inode;
    int64_t mtime_ns;
} mem_object;

typedef struct mem_store {
    lm_store store;
    pthread_mutex_t mutex;
    mem_object *objects;
    size_t count, capacity;
    uint64_t next_version;
} mem_store;

typedef struct mem_stage {
    lm_stage stage;
    const lm_allocator *allocator;
    lm_stage_options options;
    lm_memory_sink bytes;
    mem_blob *blob; /* once sealed; of what is adopted from the start */
    char *match;
    uint64_t inode;
    char path[];
} mem_stage;

/* ---- blobs ---- */

static void blob_release(mem_blob *blob)
{
    if (!blob || atomic_fetch_sub(&blob->count, 1) != 1) return;
    lm__free(blob->allocator, blob->data);
    lm__free(blob->allocator, blob);
}

static mem_blob *blob_hold(mem_blob *blob)
{
    atomic_fetch_add(&blob->count, 1);
    return blob;
}

/* ---- the table; all under the mutex ---- */

/* Where `path` is, or would be. */
static size_t table_find(const mem_store *mem, const char *path, bool *found)
{
    size_t low = 0, high = mem->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(mem->objects[middle].path, path);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

/* Takes the caller's count on the blob on success. */
static lm_status table_put(mem_store *mem, const char *path, mem_blob *blob, uint64_t inode,
                           lm_error *error)
{
    bool found;
    size_t at = table_find(mem, path, &found);
    if (!found) {
        const lm_allocator *allocator = mem->store.allocator;
        char *copy = lm__array_room(allocator, &mem->objects, &mem->capacity, mem->count + 1,
                                    sizeof *mem->objects)
                         ? lm__strdup(allocator, path)
                         : NULL;
        if (!copy) return lm__error_memory(error, "storing an object");
        memmove(mem->objects + at + 1, mem->objects + at, (mem->count - at) * sizeof *mem->objects);
        mem->objects[at] = (mem_object){.path = copy};
        mem->count++;
    }
    mem_object *object = &mem->objects[at];
    blob_release(object->blob);
    object->blob = blob;
    object->version = mem->next_version++;
    object->inode = inode;
    object->mtime_ns = lm__clock_system()->wall_ns(lm__clock_system()->context);
    return LM_OK;
}

/* Takes the object out of the table. */
static void table_drop(mem_store *mem, size_t at)
{
    blob_release(mem->objects[at].blob);
    lm__free(mem->store.allocator, mem->objects[at].path);
    mem->count--;
    memmove(mem->objects + at, mem->objects + at + 1, (mem->count - at) * sizeof *mem->objects);
}

static void object_stat(const mem_object *object, lm_store_stat *stat)
{
    memset(stat, 0, sizeof *stat);
    stat->kind = LM_STORE_FILE;
    stat->size = object->blob->size;
    stat->mtime_ns = object->mtime_ns;
    stat->inode = object->inode;
    snprintf(stat->version, sizeof stat->version, "%llu", (unsigned long long)object->version);
}

static lm_status not_found(const char *path, lm_error *error)
{
    return lm__error_set(error, LM_NOT_FOUND, "%s: no such object", path);
}

/* ---- stages ---- */

static lm_status stage_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    mem_stage *s = (mem_stage *)sink;
    if (s->options.adopt)
        return lm__error_set(error, LM_INVALID, "%s is taken as it is", s->options.adopt);
    if (lm__cancel_requested(s->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", s->path);
    return lm_sink_write(&s->bytes.sink, data, size, error);
}

/* What was written becomes a blob. */
static lm_status blob_make(mem_stage *s, lm_error *error)
{
    if (s->options.adopt) {
        s->stage.sink.bytes = s->blob->size;
        return LM_OK;
    }
    mem_blob *blob = lm__alloc(s->allocator, sizeof *blob);
    if (!blob) return lm__error_memory(error, "storing an object");
    *blob = (mem_blob){.allocator = s->allocator, .size = s->bytes.size, .data = s->bytes.data};
    atomic_init(&blob->count, 1);
    s->bytes.data = NULL; /* the blob's now */
    s->blob = blob;
    return LM_OK;
}

static lm_status stage_end(lm_stage *stage, bool *ended, lm_error *error)
{
    mem_stage *s = (mem_stage *)stage;
    lm_checksum sum;
    if (lm__cancel_requested(s->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", s->path);
    LM_TRY(blob_make(s, error));
    LM_TRY(lm__checksum_init(&sum, s->options.checksum, error));
    lm_status status = lm__checksum_update(&sum, s->blob->data, s->blob->size, error);
    if (status == LM_OK) status = lm__checksum_final(&sum, stage->sealed.checksum, error);
    lm__checksum_deinit(&sum);
    if (status != LM_OK) return status;
    stage->sealed.size = s->blob->size;
    stage->sealed.inode = s->inode;
    stage->sealed.mtime_ns = lm__clock_system()->wall_ns(lm__clock_system()->context);
    *ended = true;
    return LM_OK;
}

static lm_status stage_seal(lm_stage *stage, lm_error *error)
{
    bool ended;
    return stage->is_ended ? LM_OK : stage_end(stage, &ended, error);
}

/* Under the mutex. `found` may be NULL: nothing is there. */
static lm_status match_check(const mem_stage *s, const mem_object *found, lm_error *error)
{
    lm_checksum sum;
    lm_checksum_kind kind;
    lm_store_stat stat;
    char wanted[LM_CHECKSUM_TEXT_MAX], text[LM_CHECKSUM_TEXT_MAX];
    if (!found) return lm__error_set(error, LM_CONFLICT, "%s is not there", s->path);
    if (strncmp(s->match, "version:", 8) == 0) {
        object_stat(found, &stat);
        if (strcmp(stat.version, s->match + 8) == 0) return LM_OK;
        return lm__error_set(error, LM_CONFLICT, "%s is another one than the one seen", s->path);
    }
    LM_TRY(lm__checksum_parse(s->match, &kind, wanted, error));
    LM_TRY(lm__checksum_init(&sum, kind, error));
    lm_status status = lm__checksum_update(&sum, found->blob->data, found->blob->size, error);
    if (status == LM_OK) status = lm__checksum_final(&sum, text, error);
    lm__checksum_deinit(&sum);
    if (status == LM_OK && strcmp(text, wanted) != 0)
        status = lm__error_set(error, LM_CONFLICT, "%s has another checksum", s->path);
    return status;
}

static lm_status condition_check(mem_store *mem, const mem_stage *s, lm_error *error)
{
    bool found;
    size_t at = table_find(mem, s->path, &found);
    if (s->options.mode == LM_COMMIT_IF_ABSENT && found)
        return lm__error_set(error, LM_EXISTS, "%s exists already", s->path);
    if (s->options.mode == LM_COMMIT_IF_MATCH)
        return match_check(s, found ? &mem->objects[at] : NULL, error);
    return LM_OK;
}

/* Under the mutex: the object that is adopted, which must still be the one that was. */
static lm_status adopted_find(mem_store *mem, mem_stage *s, size_t *at, lm_error *error)
{
    bool found;
    *at = table_find(mem, s->options.adopt, &found);
    if (!found) return not_found(s->options.adopt, error);
    if (s->blob && mem->objects[*at].blob != s->blob)
        return lm__error_set(error, LM_CONFLICT, "%s is another one by now", s->options.adopt);
    return LM_OK;
}

/* Under the mutex. */
static lm_status put_in_place(mem_store *mem, mem_stage *s, lm_error *error)
{
    size_t at;
    if (s->options.adopt) LM_TRY(adopted_find(mem, s, &at, error));
    LM_TRY(table_put(mem, s->path, s->blob, s->inode, error));
    s->blob = NULL;
    if (!s->options.adopt) return LM_OK;
    bool found;
    table_drop(mem, table_find(mem, s->options.adopt, &found));
    return LM_OK;
}

static lm_status stage_commit(lm_stage *stage, lm_error *error)
{
    mem_stage *s = (mem_stage *)stage;
    mem_store *mem = (mem_store *)stage->store;
    if (lm__cancel_requested(s->options.cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", s->path);
    pthread_mutex_lock(&mem->mutex);
    lm_status status = condition_check(mem, s, error);
    if (status == LM_OK) status = put_in_place(mem, s, error);
    pthread_mutex_unlock(&mem->mutex);
    return status;
}

static void stage_close(lm_stage *stage)
{
    mem_stage *s = (mem_stage *)stage;
    blob_release(s->blob);
    lm_memory_sink_deinit(&s->bytes);
    lm__free(s->allocator, s->match);
    lm__free(s->allocator, s);
}

/* Under the mutex. */
static lm_status stage_begin(mem_store *mem, mem_stage *s, lm_error *error)
{
    size_t at;
    (void)table_find(mem, s->path, &s->stage.sealed.replaces);
    s->inode = mem->next_version++;
    LM_TRY(condition_check(mem, s, error));
    if (!s->options.adopt) return LM_OK;
    if (strcmp(s->options.adopt, s->path) == 0)
        return lm__error_set(error, LM_INVALID, "%s would take its own place", s->path);
    LM_TRY(adopted_find(mem, s, &at, error));
    s->blob = blob_hold(mem->objects[at].blob);
    s->inode = mem->objects[at].inode;
    return LM_OK;
}

static lm_status mem_stage_open(lm_store *store, const char *path, const lm_stage_options *options,
                                lm_stage **stage, lm_error *error)
{
    static const lm_stage_ops ops = {
        .seal = stage_seal, .commit = stage_commit, .close = stage_close, .end = stage_end};
    mem_store *mem = (mem_store *)store;
    const lm_allocator *allocator = options->allocator ? options->allocator : store->allocator;
    size_t length = strlen(path);
    if (length == 0 || length >= LM_PATH_BYTES_MAX)
        return lm__error_set(error, LM_INVALID, "a path of %zu bytes", length);
    mem_stage *s = lm__alloc_zero(allocator, sizeof *s + length + 1);
    if (!s) return lm__error_memory(error, "opening a publication");
    memcpy(s->path, path, length + 1);
    lm__stage_init(&s->stage, store, &ops, stage_write);
    s->allocator = allocator;
    s->options = *options;
    lm_memory_sink_init(&s->bytes, allocator, LM_BUFFER_BYTES_MAX);
    s->stage.sealed.path = s->path;
    lm_status status = LM_OK;
    if (options->mode == LM_COMMIT_IF_MATCH) {
        s->match = lm__strdup(allocator, options->match);
        if (!s->match) status = lm__error_memory(error, "opening a publication");
    }
    if (status == LM_OK) {
        pthread_mutex_lock(&mem->mutex);
        status = stage_begin(mem, s, error);
        pthread_mutex_unlock(&mem->mutex);
    }
    if (status != LM_OK) {
        stage_close(&s->stage);
        return status;
    }
    *stage = &s->stage;
    return LM_OK;
}

/* ---- reading ---- */

typedef struct mem_source {
    lm_source source;
    const lm_allocator *allocator;
    mem_blob *blob;
    char name[];
} mem_source;

static lm_status source_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                             lm_error *error)
{
    (void)error;
    memcpy(buffer, ((mem_source *)source)->blob->data + offset, size);
    return LM_OK;
}

static const void *source_view(lm_source *source, uint64_t offset, size_t size)
{
    (void)size;
    const uint8_t *data = ((mem_source *)source)->blob->data;
    return data ? data + offset : NULL;
}

static void source_close(lm_source *source)
{
    mem_source *s = (mem_source *)source;
    blob_release(s->blob);
    lm__free(s->allocator, s);
}

static lm_status mem_open(lm_store *store, const char *path, lm_source **source, lm_error *error)
{
    static const lm_source_ops ops = {source_read, source_view, source_close};
    mem_store *mem = (mem_store *)store;
    mem_source *s = lm__alloc_zero(store->allocator, sizeof *s + strlen(path) + 1);
    if (!s) return lm__error_memory(error, "opening an object");
    memcpy(s->name, path, strlen(path) + 1);
    s->allocator = store->allocator;
    pthread_mutex_lock(&mem->mutex);
    bool found;
    size_t at = table_find(mem, path, &found);
    if (found) s->blob = blob_hold(mem->objects[at].blob);
    pthread_mutex_unlock(&mem->mutex);
    if (!found) {
        lm__free(s->allocator, s);
        return not_found(path, error);
    }
    s->source = (lm_source){.ops = &ops, .size = s->blob->size, .name = s->name};
    *source = &s->source;
    return LM_OK;
}

/* Does an object lie under the directory `path`? `at` is where the path itself would be. */
static bool is_directory(const mem_store *mem, const char *path, size_t at)
{
    size_t length = strlen(path);
    for (; at < mem->count && strncmp(mem->objects[at].path, path, length) == 0; at++)
        if (mem->objects[at].path[length] == '/') return true;
    return false;
}

static lm_status mem_stat(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                          lm_error *error)
{
    (void)follow;
    mem_store *mem = (mem_store *)store;
    lm_status status = LM_OK;
    bool found;
    pthread_mutex_lock(&mem->mutex);
    size_t at = table_find(mem, path, &found);
    if (found)
        object_stat(&mem->objects[at], stat);
    else if (is_directory(mem, path, at))
        *stat = (lm_store_stat){.kind = LM_STORE_DIRECTORY};
    else
        status = not_found(path, error);
    pthread_mutex_unlock(&mem->mutex);
    return status;
}

/* Where a listing stands: everything before `from` was told. */
typedef struct mem_cursor {
    char prefix[LM_PATH_BYTES_MAX + 1], from[2 * LM_PATH_BYTES_MAX + 2];
    size_t prefix_size;
    bool from_told; /* `from` itself was told too */
} mem_cursor;

/* The next entry; false at the end. It takes the mutex for itself, so that the callback of a
 * listing may use the store. A directory's objects stand together: they are told once and jumped
 * over. */
static bool list_next(mem_store *mem, mem_cursor *cursor, char name[LM_PATH_BYTES_MAX],
                      lm_store_stat *stat)
{
    bool found;
    pthread_mutex_lock(&mem->mutex);
    size_t at = table_find(mem, cursor->from, &found);
    if (found && cursor->from_told) at++;
    found =
        at < mem->count && strncmp(mem->objects[at].path, cursor->prefix, cursor->prefix_size) == 0;
    if (found) {
        const mem_object *object = &mem->objects[at];
        const char *rest = object->path + cursor->prefix_size;
        size_t part = strcspn(rest, "/");
        bool directory = rest[part] != '\0';
        snprintf(name, LM_PATH_BYTES_MAX, "%.*s", (int)part, rest);
        if (directory)
            *stat = (lm_store_stat){.kind = LM_STORE_DIRECTORY};
        else
            object_stat(object, stat);
        /* '0' is the byte after '/': past all that lies in the directory. */
        snprintf(cursor->from, sizeof cursor->from, "%s%s%s", cursor->prefix, name,
                 directory ? "0" : "");
        cursor->from_told = !directory;
    }
    pthread_mutex_unlock(&mem->mutex);
    return found;
}

static lm_status mem_list(lm_store *store, const char *path, const lm_list_options *options,
                          lm_list_callback *callback, void *context, lm_error *error)
{
    mem_cursor cursor;
    char name[LM_PATH_BYTES_MAX];
    size_t length = strlen(path);
    if (length >= LM_PATH_BYTES_MAX ||
        (options->after && strlen(options->after) >= LM_PATH_BYTES_MAX))
        return lm__error_set(error, LM_INVALID, "the path of %zu bytes is too long", length);
    const char *slash = length > 0 && path[length - 1] != '/' ? "/" : "";
    cursor.prefix_size = (size_t)snprintf(cursor.prefix, sizeof cursor.prefix, "%s%s", path, slash);
    snprintf(cursor.from, sizeof cursor.from, "%s%s", cursor.prefix,
             options->after ? options->after : "");
    cursor.from_told = true;
    lm_store_entry entry = {.name = name};
    while (list_next((mem_store *)store, &cursor, name, &entry.stat)) {
        if (lm__cancel_requested(options->cancel))
            return lm__error_set(error, LM_CANCELLED, "%s: interrupted", path);
        if (options->after && strcmp(name, options->after) <= 0) continue;
        LM_TRY(callback(context, &entry, error));
    }
    return LM_OK;
}

/* ---- small changes ---- */

static lm_status mem_remove(lm_store *store, const char *path, lm_durability durability,
                            lm_error *error)
{
    (void)durability;
    mem_store *mem = (mem_store *)store;
    bool found;
    pthread_mutex_lock(&mem->mutex);
    size_t at = table_find(mem, path, &found);
    if (found) table_drop(mem, at);
    pthread_mutex_unlock(&mem->mutex);
    return found ? LM_OK : not_found(path, error);
}

static lm_status mem_link(lm_store *store, const char *from, const char *to,
                          lm_durability durability, lm_error *error)
{
    (void)durability;
    mem_store *mem = (mem_store *)store;
    bool found, taken;
    lm_status status;
    pthread_mutex_lock(&mem->mutex);
    size_t at = table_find(mem, from, &found);
    (void)table_find(mem, to, &taken);
    if (!found) {
        status = not_found(from, error);
    } else if (taken) {
        status = lm__error_set(error, LM_EXISTS, "%s exists already", to);
    } else {
        mem_blob *blob = blob_hold(mem->objects[at].blob);
        status = table_put(mem, to, blob, mem->objects[at].inode, error);
        if (status != LM_OK) blob_release(blob);
    }
    pthread_mutex_unlock(&mem->mutex);
    return status;
}

/* The size of all together; under the mutex. */
static lm_status concat_size(const mem_store *mem, const char *target, const char *const *sources,
                             size_t count, size_t *size, lm_error *error)
{
    *size = 0;
    for (size_t i = 0; i <= count; i++) {
        const char *path = i == 0 ? target : sources[i - 1];
        bool found;
        size_t at = table_find(mem, path, &found);
        if (!found) return not_found(path, error);
        for (size_t j = 0; j + 1 < i; j++)
            if (strcmp(sources[j], path) == 0)
                return lm__error_set(error, LM_INVALID, "%s stands twice among the sources", path);
        if (__builtin_add_overflow(*size, mem->objects[at].blob->size, size))
            return lm__error_set(error, LM_LIMIT, "%s: too large", target);
    }
    return LM_OK;
}

/* Under the mutex; nothing is changed unless all can be. */
static lm_status concat(mem_store *mem, const char *target, const char *const *sources,
                        size_t count, lm_error *error)
{
    const lm_allocator *allocator = mem->store.allocator;
    size_t size, filled = 0;
    bool found;
    LM_TRY(concat_size(mem, target, sources, count, &size, error));
    mem_blob *blob = lm__alloc(allocator, sizeof *blob);
    uint8_t *data = lm__alloc(allocator, size ? size : 1);
    if (!blob || !data) {
        lm__free(allocator, blob);
        lm__free(allocator, data);
        return lm__error_memory(error, "joining objects");
    }
    *blob = (mem_blob){.allocator = allocator, .size = size, .data = data};
    atomic_init(&blob->count, 1);
    for (size_t i = 0; i <= count; i++) {
        size_t at = table_find(mem, i == 0 ? target : sources[i - 1], &found);
        const mem_blob *from = mem->objects[at].blob;
        if (from->size) memcpy(data + filled, from->data, from->size);
        filled += from->size;
        if (i > 0 && from->size) table_drop(mem, at);
    }
    mem_object *object = &mem->objects[table_find(mem, target, &found)];
    blob_release(object->blob);
    object->blob = blob;
    object->version = mem->next_version++;
    object->mtime_ns = lm__clock_system()->wall_ns(lm__clock_system()->context);
    return LM_OK;
}

static lm_status mem_concat(lm_store *store, const char *target, const char *const *sources,
                            size_t count, lm_cancel *cancel, size_t *done, lm_error *error)
{
    mem_store *mem = (mem_store *)store;
    if (lm__cancel_requested(cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", target);
    pthread_mutex_lock(&mem->mutex);
    lm_status status = concat(mem, target, sources, count, error);
    pthread_mutex_unlock(&mem->mutex);
    if (status == LM_OK) *done = count;
    return status;
}

static void mem_close(lm_store *store)
{
    mem_store *mem = (mem_store *)store;
    for (size_t i = 0; i < mem->count; i++) {
        blob_release(mem->objects[i].blob);
        lm__free(store->allocator, mem->objects[i].path);
    }
    lm__free(store->allocator, mem->objects);
    pthread_mutex_destroy(&mem->mutex);
    lm__free(store->allocator, mem);
}

lm_status lm__store_mem_open(const lm_allocator *allocator, lm_store **store, lm_error *error)
{
    static const lm_store_ops ops = {
        .name = "mem",
        .stage_open = mem_stage_open,
        .open = mem_open,
        .stat = mem_stat,
        .list = mem_list,
        .remove = mem_remove,
        .link = mem_link,
        .concat = mem_concat,
        .close = mem_close,
    };
    allocator = lm__allocator_or_default(allocator);
    mem_store *mem = lm__alloc_zero(allocator, sizeof *mem);
    if (!mem) return lm__error_memory(error, "opening a store");
    mem->store = (lm_store){.ops = &ops,
                            .caps = LM_STORE_REPLACE | LM_STORE_IF_ABSENT | LM_STORE_IF_MATCH |
                                    LM_STORE_IF_MATCH_ALL | LM_STORE_LINK | LM_STORE_LOCAL |
                                    LM_STORE_CONCAT | LM_STORE_ADOPT,
                            .allocator = allocator};
    mem->next_version = 1;
    pthread_mutex_init(&mem->mutex, NULL);
    *store = &mem->store;
    return LM_OK;
}
