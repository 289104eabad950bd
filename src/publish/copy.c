/*
 * Copies between any two stores. A file's bytes are read once, summed by the stage that takes them,
 * and published; copy_tree.c does many of them as one directory.
 *
 * Invariants
 *  1. What is published has as many bytes as the source had when it was opened, and the source was
 *     the same before and after (its version; LM_CONFLICT else).
 *  2. Nothing appears at the destination before all of it is there.
 *  3. A copy that breaks off on its way to a far store begins again; what was told of its progress
 *     is not told twice.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "publish/file.h"
#include "publish/path.h"
#include "store/place.h"

/* `at` bytes are copied, `*told` of which are known. */
static void tell_progress(lm_copy *copy, uint64_t at, uint64_t *told)
{
    if (!copy->options->progress || at <= *told) return;
    uint64_t bytes = at - *told;
    *told = at;
    atomic_fetch_add(&copy->untold, bytes);
    if (atomic_flag_test_and_set(&copy->telling)) return; /* whoever is at it, or comes next */
    copy->options->progress(copy->options->context, atomic_exchange(&copy->untold, 0));
    atomic_flag_clear(&copy->telling);
}

/* What the store copies by itself, piece by piece; *at is where that ends. */
static lm_status copy_within(lm_copy *copy, lm_source *source, lm_file_publication *publication,
                             uint64_t *at, uint64_t *told, lm_error *error)
{
    uint64_t copied, length = 1;
    for (copied = 1; copied == length && *at < source->size;) {
        length = source->size - *at;
        if (length > LM_COPY_WITHIN_BYTES) length = LM_COPY_WITHIN_BYTES;
        LM_TRY(lm__file_copy_source(publication, source, *at, length, &copied, error));
        *at += copied;
        tell_progress(copy, *at, told);
    }
    return LM_OK;
}

static lm_status copy_bytes(lm_copy *copy, lm_source *source, lm_file_publication *publication,
                            uint8_t *block, uint64_t *told, lm_error *error)
{
    uint64_t at = 0;
    if (copy->is_within) LM_TRY(copy_within(copy, source, publication, &at, told, error));
    if (at < source->size) lm_source_coming(source, at, source->size - at);
    while (at < source->size) {
        size_t size = LM_COPY_SOURCE_BYTES;
        if (size > source->size - at) size = (size_t)(source->size - at);
        if (lm__cancel_requested(copy->cancel))
            return lm__error_set(error, LM_CANCELLED, "%s: interrupted", source->name);
        LM_TRY(lm_source_read(source, at, block, size, error));
        LM_TRY(lm_file_write(publication, block, size, error));
        at += size;
        tell_progress(copy, at, told);
    }
    return LM_OK;
}

/* Invariant 1. */
static lm_status unchanged(lm_copy *copy, const char *source, const lm_store_stat *before,
                           lm_error *error)
{
    lm_store_stat after;
    LM_TRY(lm__store_stat(copy->from, source, true, &after, error));
    if (after.size == before->size && strcmp(after.version, before->version) == 0) return LM_OK;
    return lm__error_set(error, LM_CONFLICT,
                         "%s changed while it was copied: nothing was published", source);
}

static lm_status check_copy(lm_copy *copy, const lm_file_result *result, lm_error *error)
{
    char sum[LM_CHECKSUM_TEXT_MAX], canonical[LM_CHECKSUM_TEXT_MAX];
    lm_checksum_kind kind;
    LM_TRY(lm__checksum_parse(result->checksum, &kind, canonical, error));
    LM_TRY(lm__store_checksum(copy->to, result->path, kind, copy->cancel, sum, error));
    if (strcmp(sum, canonical) == 0) return LM_OK;
    return lm__error_set(error, LM_CORRUPT, "%s has the checksum %s, and %s was written",
                         result->path, sum, canonical);
}

/* One attempt; *again tells whether there shall be another one. */
static lm_status copy_once(lm_copy *copy, lm_source *from, const lm_store_stat *before,
                           const char *path, const lm_file_options *file, uint8_t *block,
                           uint64_t *told, unsigned turn, lm_file_result *result, bool *again,
                           lm_error *error)
{
    lm_file_publication *publication = NULL;
    *again = false;
    LM_TRY(lm__file_open(copy->to, path, file, NULL, &publication, error));
    lm_status status = copy_bytes(copy, from, publication, block, told, error);
    if (status == LM_OK) status = unchanged(copy, from->name, before, error);
    if (status == LM_OK) status = lm_file_finish(publication, result, error);
    if (status == LM_OK && copy->options->check) status = check_copy(copy, result, error);
    if (status != LM_OK) *again = lm__file_again(publication, turn);
    lm_file_close(publication);
    return status;
}

lm_status lm__copy_file(lm_copy *copy, const char *source, const lm_store_stat *before,
                        const char *path, const lm_file_options *file, lm_file_result *result,
                        lm_error *error)
{
    lm_file_options how = *file;
    lm_source *from = NULL;
    uint64_t told = 0;
    LM_TRY(lm__store_open(copy->from, source, &from, error));
    how.size_expected = from->size;
    lm_status status = LM_OK;
    uint8_t *block = lm__alloc(copy->allocator, LM_COPY_SOURCE_BYTES);
    if (!block) status = lm__error_memory(error, "copying a file");
    if (status == LM_OK && from->size != before->size)
        status = lm__error_set(error, LM_CONFLICT, "%s changed while it was copied", source);
    bool again = status == LM_OK;
    for (unsigned turn = 0; again; turn++)
        status =
            copy_once(copy, from, before, path, &how, block, &told, turn, result, &again, error);
    lm__free(copy->allocator, block);
    lm_source_close(from);
    return status;
}

/* "DIR/" is the source's name in DIR. */
static lm_status destination_of(const char *source, const char *path, char out[LM_FILE_PATH_MAX],
                                lm_error *error)
{
    size_t size = strlen(path);
    bool into = size > 0 && path[size - 1] == '/';
    int needed = snprintf(out, LM_FILE_PATH_MAX, "%s%s", path, into ? lm__path_name(source) : "");
    if (needed < 0 || needed >= LM_FILE_PATH_MAX)
        return lm__error_set(error, LM_INVALID, "the path of %d bytes is too long", needed);
    if (lm__path_name(out)[0]) return LM_OK;
    return lm__error_set(error, LM_INVALID, "%s: a copy needs a name there", path);
}

static lm_status copy_any(lm_copy *copy, const char *source, const char *path,
                          lm_copy_result *result, lm_error *error)
{
    lm_store_stat stat;
    LM_TRY(lm__store_stat(copy->from, source, true, &stat, error));
    result->is_directory = stat.kind == LM_STORE_DIRECTORY;
    if (result->is_directory && !copy->options->recursive)
        return lm__error_set(error, LM_UNSUITABLE,
                             "%s is a directory: --recursive (recursive=True) copies it", source);
    if (result->is_directory) return lm__copy_tree(copy, source, path, result, error);
    if (stat.kind != LM_STORE_FILE)
        return lm__error_set(error, LM_UNSUITABLE, "%s is no file", source);
    LM_TRY(lm__copy_file(copy, source, &stat, path, copy->file, &result->file, error));
    result->files = 1;
    result->bytes = result->file.bytes;
    return LM_OK;
}

lm_status lm_path_copy(const char *source, const char *path, const lm_copy_options *options,
                       lm_copy_result *result, lm_error *error)
{
    static const lm_copy_options defaults;
    static const lm_file_options file_defaults;
    char origin[LM_FILE_PATH_MAX], destination[LM_FILE_PATH_MAX];
    lm_copy_result unused;
    if (!options) options = &defaults;
    if (!result) result = &unused;
    memset(result, 0, sizeof *result);
    lm_copy copy = {.options = options, .file = options->file ? options->file : &file_defaults};
    copy.allocator = lm__allocator_or_default(copy.file->allocator);
    copy.cancel = copy.file->cancel;
    copy.is_within = lm__place_is_same(source, path);
    atomic_flag_clear(&copy.telling);
    if (options->check && copy.file->checksum && strcmp(copy.file->checksum, "none") == 0)
        return lm__error_set(error, LM_INVALID, "a copy that is to be checked needs a checksum");
    LM_TRY(lm__store_for(copy.allocator, source, copy.file->storage, &copy.from, &source, error));
    lm_status status =
        lm__store_for(copy.allocator, path, copy.file->storage, &copy.to, &path, error);
    if (status == LM_OK) status = lm__path_trim(source, origin, error);
    if (status == LM_OK) status = destination_of(origin, path, destination, error);
    if (status == LM_OK) status = copy_any(&copy, origin, destination, result, error);
    lm__store_close(copy.to);
    lm__store_close(copy.from);
    return status;
}
