/*
 * CONCAT: files joined where their blocks lie.
 *
 * The sources go into requests of at most LM_HDFS_CONCAT_BYTES of URL. What the NameNode refuses is
 * looked for before: it wants its sources in one directory, not empty, and cannot be told a name
 * with a comma.
 *
 * Invariants
 *  1. A request is done whole or not at all, and its sources are gone then: so one whose answer was
 *     lost is sent again. That its sources are missing then, and the target is longer by their
 *     bytes, says that the first one was done.
 *  2. *done counts what is known to be in the target.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "store/hdfs/hdfs.h"

typedef struct part {
    const char *path; /* on the store, in the arena */
    const char *name;
    uint64_t size;
    bool is_seen;
} part;

typedef struct joiner {
    lm_hdfs_store *hdfs;
    const lm_cancel *cancel;
    lm_arena arena;
    char target[LM_PATH_BYTES_MAX];
    uint64_t target_bytes; /* with what was joined so far */
    part *parts;
    part **by_name;
    size_t count;
} joiner;

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(part *const *)a)->name, (*(part *const *)b)->name);
}

static lm_status parts_fill(joiner *j, const char *const *sources, lm_error *error)
{
    const lm_hdfs_store *hdfs = j->hdfs;
    char path[LM_PATH_BYTES_MAX];
    j->parts = lm__arena_array(&j->arena, j->count, sizeof *j->parts);
    j->by_name = lm__arena_array(&j->arena, j->count, sizeof *j->by_name);
    if (!j->parts || !j->by_name) return lm__error_memory(error, "joining files");
    for (size_t i = 0; i < j->count; i++) {
        LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, sources[i], path, error));
        if (strchr(path, ','))
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "%s: HDFS cannot join a file with a comma in its path: rename it, "
                                 "or copy it",
                                 sources[i]);
        const char *kept = lm__arena_strdup(&j->arena, path);
        if (!kept) return lm__error_memory(error, "joining files");
        j->parts[i] = (part){.path = kept, .name = strrchr(kept, '/') + 1};
        j->by_name[i] = &j->parts[i];
    }
    qsort(j->by_name, j->count, sizeof *j->by_name, compare_names);
    for (size_t i = 1; i < j->count; i++)
        if (strcmp(j->by_name[i - 1]->name, j->by_name[i]->name) == 0)
            return lm__error_set(error, LM_INVALID, "%s%s stands twice among the sources",
                                 hdfs->root, j->by_name[i]->path);
    return LM_OK;
}

/* ---- how large they are ---- */

static lm_status part_see(void *context, const lm_hdfs_file *file, lm_error *error)
{
    joiner *j = context;
    part wanted = {.name = file->name}, *key = &wanted;
    part **found = bsearch(&key, j->by_name, j->count, sizeof *j->by_name, compare_names);
    if (!found) return LM_OK;
    if (file->kind != LM_STORE_FILE)
        return lm__error_set(error, LM_UNSUITABLE, "%s%s is not a file", j->hdfs->root,
                             (*found)->path);
    (*found)->size = file->size;
    (*found)->is_seen = true;
    return LM_OK;
}

/* A few are looked at one by one, more by a listing. */
static lm_status parts_look(joiner *j, lm_error *error)
{
    if (j->count <= LM_HDFS_CONCAT_FEW) {
        for (size_t i = 0; i < j->count; i++) {
            lm_hdfs_file file;
            LM_TRY(lm__hdfs_look(j->hdfs, j->parts[i].path, j->cancel, &file, error));
            file.name = j->parts[i].name;
            LM_TRY(part_see(j, &file, error));
        }
        return LM_OK;
    }
    size_t parent = lm__hdfs_parent_size(j->target);
    const char *directory = parent ? lm__arena_strndup(&j->arena, j->target, parent) : "/";
    if (!directory) return lm__error_memory(error, "joining files");
    LM_TRY(lm__hdfs_each_file(j->hdfs, directory, j->cancel, part_see, j, error));
    for (size_t i = 0; i < j->count; i++)
        if (!j->parts[i].is_seen)
            return lm__error_set(error, LM_NOT_FOUND, "%s%s is not there", j->hdfs->root,
                                 j->parts[i].path);
    return LM_OK;
}

/* ---- a request ---- */

/* As many of the parts from `from` on as a URL takes: "&sources=a,b,c". */
static lm_status batch_make(const joiner *j, size_t from, lm_buffer *out, size_t *end,
                            uint64_t *bytes, lm_error *error)
{
    lm__buffer_clear(out);
    *bytes = 0;
    lm_status status = lm__buffer_text(out, "&sources=");
    size_t i = from, named = 0;
    for (; i < j->count && status == LM_OK; i++) {
        const part *p = &j->parts[i];
        size_t before = out->size;
        if (p->size == 0) continue;
        if (named > 0) status = lm__buffer_text(out, "%2C");
        if (status == LM_OK) status = lm__hdfs_encode(out, p->path, strlen(p->path));
        if (status == LM_OK && named > 0 && out->size > LM_HDFS_CONCAT_BYTES) {
            out->size = before;
            break;
        }
        named++;
        *bytes += p->size;
    }
    if (status == LM_OK) status = lm__buffer_byte(out, '\0');
    *end = i;
    return status == LM_OK ? LM_OK : lm__error_memory(error, "building a request");
}

/* After a request whose answer was lost: was it done? */
static bool was_done(const joiner *j, uint64_t bytes)
{
    lm_hdfs_file file;
    lm_error unused;
    return lm__hdfs_look(j->hdfs, j->target, NULL, &file, &unused) == LM_OK &&
           file.size == j->target_bytes + bytes;
}

static lm_status batch_join(joiner *j, const char *parameters, uint64_t bytes, lm_error *error)
{
    const lm_hdfs_call call = {.method = "POST",
                               .operation = "CONCAT",
                               .path = j->target,
                               .parameters = parameters,
                               .cancel = j->cancel};
    lm_hdfs_answer answer;
    lm_retry_loop loop;
    lm_status status;
    lm_error own;
    bool lost, done, was_lost = false;
    if (!error) error = &own;
    lm__retry_begin(&loop, &j->hdfs->remote.retry, j->cancel);
    do {
        lm__hdfs_answer_init(&answer, j->hdfs);
        status = lm__hdfs_ask_yes(j->hdfs, &call, &answer, &done, error);
        lost = status != LM_OK && answer.lost;
        was_lost |= lost;
        lm__hdfs_answer_deinit(&answer);
    } while (lm__retry_again(&loop, lost && !lm__cancel_requested(j->cancel), 0));
    if (status == LM_OK || (was_lost && was_done(j, bytes))) return LM_OK;
    if (was_lost) {
        (void)lm__error_within(error, LM_UNKNOWN_OUTCOME,
                               "%s%s: nobody can say whether the files were joined to it",
                               j->hdfs->root, j->target);
        error->code = LM_UNKNOWN_OUTCOME;
        return LM_UNKNOWN_OUTCOME;
    }
    if (strstr(error->message, "block size"))
        return lm__error_within(error, status,
                                "a file is joined only to one whose blocks are at least as large "
                                "as its own");
    return status;
}

static lm_status join(joiner *j, size_t *done, lm_error *error)
{
    lm_buffer parameters;
    lm_status status = LM_OK;
    lm__buffer_init(&parameters, j->hdfs->store.allocator, LM_HDFS_URL_BYTES_MAX);
    for (size_t at = 0; at < j->count && status == LM_OK;) {
        size_t end;
        uint64_t bytes;
        if (lm__cancel_requested(j->cancel)) {
            status =
                lm__error_set(error, LM_CANCELLED, "%s%s: interrupted", j->hdfs->root, j->target);
            break;
        }
        status = batch_make(j, at, &parameters, &end, &bytes, error);
        if (status == LM_OK && bytes > 0)
            status = batch_join(j, (const char *)parameters.data, bytes, error);
        if (status != LM_OK) break;
        j->target_bytes += bytes;
        *done = at = end;
    }
    lm__buffer_deinit(&parameters);
    return status;
}

lm_status lm__hdfs_concat(lm_store *store, const char *target, const char *const *sources,
                          size_t count, lm_cancel *cancel, size_t *done, lm_error *error)
{
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    joiner j = {.hdfs = hdfs, .cancel = cancel, .count = count};
    lm_hdfs_file file;
    if (count == 0) return LM_OK;
    lm__arena_init(&j.arena, store->allocator, 0);
    lm_status status = lm__hdfs_path(hdfs->root, hdfs->root_size, target, j.target, error);
    if (status == LM_OK) status = parts_fill(&j, sources, error);
    if (status == LM_OK) status = lm__hdfs_look(hdfs, j.target, cancel, &file, error);
    if (status == LM_OK) status = parts_look(&j, error);
    j.target_bytes = file.size;
    if (status == LM_OK) status = join(&j, done, error);
    lm__arena_deinit(&j.arena);
    return status;
}
