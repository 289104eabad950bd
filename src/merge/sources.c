/*
 * Which files are merged, and in which order.
 *
 * A source is a file, a directory or a pattern. Names that begin with `_` or `.` are left out, as
 * are the destination itself, where it lies among what was found, and manifests of Lamella's. A
 * directory that a job is still writing to (`_temporary` in it) is refused.
 *
 * Invariants
 *  1. No file is merged twice: a path that is found by two sources is refused.
 *  2. All sources are on one store.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "merge/journal.h"
#include "merge/plan.h"
#include "publish/versions.h"
#include "store/find.h"
#include "store/place.h"

#define NO_NUMBER UINT64_MAX

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "planning a merge"); }

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path + lm__place_root_size(path), '/');
    return slash ? slash + 1 : path;
}

/* Formats by name. */

typedef struct suffix_row {
    const char *suffix;
    int what;
} suffix_row;

static const suffix_row packed_suffixes[] = {
    {".gz", LM_MERGE_COMPRESSION_GZIP},
    {".gzip", LM_MERGE_COMPRESSION_GZIP},
    {".zst", LM_MERGE_COMPRESSION_ZSTD},
    {".zstd", LM_MERGE_COMPRESSION_ZSTD},
};

static const suffix_row format_suffixes[] = {
    {".csv", LM_MERGE_CSV},    {".tsv", LM_MERGE_CSV},         {".tab", LM_MERGE_CSV},
    {".psv", LM_MERGE_CSV},    {".jsonl", LM_MERGE_JSONL},     {".ndjson", LM_MERGE_JSONL},
    {".json", LM_MERGE_JSONL}, {".txt", LM_MERGE_TEXT},        {".text", LM_MERGE_TEXT},
    {".log", LM_MERGE_TEXT},   {".parquet", LM_MERGE_PARQUET}, {".parq", LM_MERGE_PARQUET},
    {".pq", LM_MERGE_PARQUET},
};

static int suffix_find(const suffix_row *rows, size_t count, const char *name, size_t *size)
{
    for (size_t i = 0; i < count; i++) {
        size_t suffix = strlen(rows[i].suffix);
        if (*size <= suffix || strncasecmp(name + *size - suffix, rows[i].suffix, suffix) != 0)
            continue;
        *size -= suffix;
        return rows[i].what;
    }
    return 0;
}

#define FIND(rows, name, size) suffix_find(rows, sizeof(rows) / sizeof *(rows), name, size)

lm_merge_compression lm__merge_compression_of(const char *path)
{
    const char *name = name_of(path);
    size_t size = strlen(name);
    return (lm_merge_compression)FIND(packed_suffixes, name, &size);
}

lm_merge_format lm__merge_format_of(const char *path)
{
    const char *name = name_of(path);
    size_t size = strlen(name);
    (void)FIND(packed_suffixes, name, &size);
    return (lm_merge_format)FIND(format_suffixes, name, &size);
}

/* Finding. */

/* N of part-N…, part-r-N… and part-m-N…. */
static uint64_t part_number(const char *path)
{
    const char *name = name_of(path);
    if (strncmp(name, "part-", 5) != 0) return NO_NUMBER;
    name += 5;
    if ((name[0] == 'r' || name[0] == 'm') && name[1] == '-') name += 2;
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 18) return NO_NUMBER;
    return strtoull(name, NULL, 10);
}

typedef struct finding {
    lm_merge_plan *plan;
    uint64_t destination_stamp; /* 0: nothing is there, or nothing that has a version */
    uint32_t group;
    size_t found;    /* by this source */
    bool listed;     /* by its own name */
    bool was_listed; /* the source before */
} finding;

static lm_status add_part(void *context, const lm_find_entry *entry, lm_error *error)
{
    finding *f = context;
    lm_merge_plan *plan = f->plan;
    f->found++;
    bool is_destination =
        plan->from == plan->to && (strcmp(entry->path, plan->destination) == 0 ||
                                   (f->destination_stamp && entry->stamp == f->destination_stamp));
    if (is_destination && f->listed)
        return lm__error_set(error, LM_INVALID, "%s is a source and the destination", entry->path);
    if (is_destination) return LM_OK;
    if (plan->count == LM_MERGE_PARTS_MAX)
        return lm__error_set(error, LM_LIMIT, "more than %d parts", LM_MERGE_PARTS_MAX);
    if (!lm__array_room(plan->allocator, &plan->parts, &plan->capacity, plan->count + 1,
                        sizeof *plan->parts))
        return no_memory(error);
    plan->parts[plan->count] = (lm_part){
        .path = entry->path,
        .size = entry->size,
        .stamp = entry->stamp,
        .inode = entry->inode,
        .block_kib = (uint32_t)((entry->block_bytes + LM_KIB - 1) / LM_KIB),
        .mtime_ns = entry->mtime_ns,
        .number = part_number(entry->path),
        .group = f->group,
        .turn = (uint32_t)plan->count,
    };
    plan->count++;
    return LM_OK;
}

static const char *join(lm_arena *arena, const char *directory, const char *name)
{
    size_t size = strlen(directory);
    if (size == 0) return lm__arena_strdup(arena, name);
    return lm__arena_printf(arena, directory[size - 1] == '/' ? "%s%s" : "%s/%s", directory, name);
}

/* The directory that holds a path; "" for the current one. */
static const char *parent_of(lm_arena *arena, const char *path)
{
    size_t root = lm__place_root_size(path), size = strlen(path);
    while (size > root + 1 && path[size - 1] == '/') size--;
    while (size > root && path[size - 1] != '/') size--;
    if (size > root + 1) size--; /* without the slash, but for the root's */
    return lm__arena_strndup(arena, path, size);
}

static lm_status is_there(const lm_merge_plan *plan, lm_arena *arena, const char *directory,
                          const char *name, bool *there, lm_error *error)
{
    lm_store_stat stat;
    const char *path = join(arena, directory, name);
    if (!path) return no_memory(error);
    lm_status status = lm__store_stat(plan->from, path, true, &stat, error);
    *there = status == LM_OK;
    return status == LM_NOT_FOUND ? LM_OK : status;
}

/* Is the job that writes to this directory finished? */
static lm_status check_job(const lm_merge_plan *plan, const char *directory, lm_error *error)
{
    bool busy = false, done = true;
    lm_arena arena;
    lm__arena_init(&arena, plan->allocator, 0);
    lm_status status = LM_OK;
    if (!plan->options.allow_unfinished)
        status = is_there(plan, &arena, directory, "_temporary", &busy, error);
    if (status == LM_OK && plan->options.require_success)
        status = is_there(plan, &arena, directory, "_SUCCESS", &done, error);
    lm__arena_deinit(&arena);
    const char *shown = directory[0] ? directory : ".";
    if (status == LM_OK && busy)
        return lm__error_set(error, LM_CONFLICT,
                             "%s: a job is still writing there, or died while it did (_temporary "
                             "is there); wait for it, or say --allow-unfinished if what is there "
                             "is whole",
                             shown);
    if (status == LM_OK && !done)
        return lm__error_set(error, LM_CONFLICT,
                             "%s: there is no _SUCCESS, so the job that writes there has not "
                             "finished; run it again, or leave --require-success away if its "
                             "committer writes no such file",
                             shown);
    return status;
}

/* The directories of the parts, each once where parts of one stand together. */
static lm_status check_jobs(const lm_merge_plan *plan, size_t from, lm_error *error)
{
    const char *before = NULL;
    size_t before_size = 0;
    lm_arena arena;
    lm__arena_init(&arena, plan->allocator, 0);
    lm_status status = LM_OK;
    for (size_t i = from; i < plan->count && status == LM_OK; i++) {
        const char *path = plan->parts[i].path;
        size_t size = (size_t)(name_of(path) - path);
        if (before && size == before_size && memcmp(before, path, size) == 0) continue;
        before = path;
        before_size = size;
        lm__arena_reset(&arena);
        const char *directory = parent_of(&arena, path);
        status = directory ? check_job(plan, directory, error) : no_memory(error);
    }
    lm__arena_deinit(&arena);
    return status;
}

/* A source's own path: its directory, or where its pattern begins. */
static const char *source_directory(lm_merge_plan *plan, const char *path, bool is_directory)
{
    lm_arena *arena = &plan->arena;
    if (is_directory) {
        size_t size = strlen(path), root = lm__place_root_size(path);
        while (size > root + 1 && path[size - 1] == '/') size--;
        return lm__arena_strndup(arena, path, size);
    }
    size_t root = lm__place_root_size(path), size = root + strcspn(path + root, "*?[");
    while (size > root && path[size - 1] != '/') size--;
    if (size > root + 1) size--; /* without the slash, but for the root's */
    return lm__arena_strndup(arena, path, size);
}

/* The directory that both lie below, or are. */
static const char *common_directory(lm_arena *arena, const char *a, const char *b)
{
    size_t same = 0, end = 0;
    if (!a) return b;
    while (a[same] && a[same] == b[same]) {
        same++;
        if (a[same - 1] == '/') end = same;
    }
    bool a_ends = !a[same] || a[same] == '/', b_ends = !b[same] || b[same] == '/';
    if (a_ends && b_ends) end = same;
    size_t root = lm__place_root_size(a);
    if (end > root + 1 && a[end - 1] == '/') end--;
    return lm__arena_strndup(arena, a, end);
}

typedef enum source_kind { SOURCE_FILE, SOURCE_DIRECTORY, SOURCE_PATTERN, SOURCE_GONE } source_kind;

/* The prefix of versions stands for its newest one (publish/versions.h). */
static lm_status follow_versions(lm_merge_plan *plan, const char **source, lm_error *error)
{
    char run[LM_PATH_BYTES_MAX];
    bool is_prefix;
    const char *directory = source_directory(plan, *source, true);
    if (!directory) return no_memory(error);
    LM_TRY(lm__versions_follow(plan->from, directory, NULL, plan->file.cancel, &is_prefix, run,
                               NULL, error));
    if (!is_prefix) return LM_OK;
    if (plan->options.delete_sources)
        return lm__error_set(error, LM_INVALID,
                             "%s: the files of a version are not deleted one by one: leave "
                             "--delete-sources away",
                             *source);
    *source = lm__arena_strdup(&plan->arena, run);
    return *source ? LM_OK : no_memory(error);
}

/* What a source is, and where the journal of all would be. */
static lm_status look_up(lm_merge_plan *plan, const char **source, source_kind *kind,
                         lm_error *error)
{
    const char *path = *source;
    lm_store_stat stat;
    lm_status status = lm__store_stat(plan->from, path, true, &stat, error);
    bool gone = status == LM_NOT_FOUND;
    if (status != LM_OK && !gone) return status;
    *kind = !gone && stat.kind == LM_STORE_DIRECTORY ? SOURCE_DIRECTORY
            : !gone                                  ? SOURCE_FILE
            : lm__is_pattern(path)                   ? SOURCE_PATTERN
                                                     : SOURCE_GONE;
    if (*kind == SOURCE_GONE && !plan->options.resume) return status;
    if (*kind == SOURCE_FILE && stat.kind != LM_STORE_FILE)
        return lm__error_set(error, LM_UNSUITABLE, "%s is no file and no directory", path);
    if (*kind == SOURCE_DIRECTORY) LM_TRY(follow_versions(plan, source, error));
    const char *directory = source_directory(plan, *source, *kind == SOURCE_DIRECTORY);
    if (directory)
        plan->journal_directory =
            common_directory(&plan->arena, plan->journal_directory, directory);
    return directory && plan->journal_directory ? LM_OK : no_memory(error);
}

static lm_status find_file(finding *f, const char *path, lm_error *error)
{
    lm_store_stat stat;
    LM_TRY(lm__store_stat(f->plan->from, path, true, &stat, error));
    lm_find_entry entry = {.path = path,
                           .size = stat.size,
                           .mtime_ns = stat.mtime_ns,
                           .stamp = lm__store_stamp(&stat),
                           .inode = stat.inode,
                           .block_bytes = stat.block_bytes};
    return add_part(f, &entry, error);
}

static lm_status find_source(finding *f, const char *path, source_kind kind, lm_error *error)
{
    lm_merge_plan *plan = f->plan;
    lm_cancel *cancel = plan->file.cancel;
    size_t before = plan->count;
    f->listed = kind == SOURCE_FILE;
    f->group += !(f->listed && f->was_listed); /* files next to each other are one source */
    f->was_listed = f->listed;
    f->found = 0;
    if (kind == SOURCE_DIRECTORY) {
        const char *directory = source_directory(plan, path, true);
        if (!directory) return no_memory(error);
        LM_TRY(check_job(plan, directory, error));
        LM_TRY(lm__find_directory(&plan->arena, plan->from, directory, cancel, add_part, f, error));
    } else if (kind == SOURCE_PATTERN) {
        LM_TRY(lm__find_pattern(&plan->arena, plan->from, path, cancel, add_part, f, error));
    } else {
        LM_TRY(find_file(f, path, error));
    }
    if (f->found == 0 && kind == SOURCE_PATTERN)
        return lm__error_set(error, LM_NOT_FOUND, "no file fits %s", path);
    if (f->found == 0)
        return lm__error_set(error, LM_NOT_FOUND,
                             "%s: no file is in this directory (names that begin with _ or . do "
                             "not count)",
                             path);
    return check_jobs(plan, before, error);
}

/* A journal here, or in a directory above: an earlier merge was interrupted. */
static lm_status find_journal(lm_merge_plan *plan, lm_error *error)
{
    const char *directory = plan->journal_directory;
    for (;;) {
        const char *path;
        lm_error found = {0};
        LM_TRY(lm__journal_path(&plan->arena, directory, &path, error));
        lm_status status = lm__journal_read(&plan->arena, plan->from, path, &plan->journal, &found);
        if (status == LM_OK) break;
        plan->journal = NULL;
        if (status != LM_NOT_FOUND) {
            if (error) *error = found;
            return status;
        }
        const char *up = parent_of(&plan->arena, directory);
        if (!up) return no_memory(error);
        if (strcmp(up, directory) == 0) return LM_OK;
        directory = up;
    }
    if (!plan->options.resume)
        return lm__error_set(error, LM_CONFLICT,
                             "%s: an earlier merge of what lies below, to %s, was interrupted or "
                             "is still under way: --resume carries it on",
                             plan->journal->path, plan->journal->destination);
    if (strcmp(plan->journal->destination, plan->destination) == 0) return LM_OK;
    return lm__error_set(error, LM_CONFLICT,
                         "%s: the merge that was interrupted was to become %s: give that as the "
                         "destination",
                         plan->journal->path, plan->journal->destination);
}

/* Order. */

/* Paths up to their last part. */
static int compare_directories(const char *a, const char *b)
{
    size_t a_size = (size_t)(name_of(a) - a), b_size = (size_t)(name_of(b) - b);
    if (a_size == b_size && memcmp(a, b, a_size) == 0) return 0;
    int order = lm__natural_compare(a, b);
    return order ? order : strcmp(a, b);
}

static int natural(const char *a, const char *b)
{
    int order = lm__natural_compare(a, b);
    return order ? order : strcmp(a, b);
}

static int by_turn(const void *a, const void *b)
{
    uint32_t x = ((const lm_part *)a)->turn, y = ((const lm_part *)b)->turn;
    return (x > y) - (x < y);
}

static int by_path(const void *a, const void *b)
{
    int order = strcmp(((const lm_part *)a)->path, ((const lm_part *)b)->path);
    return order ? order : by_turn(a, b);
}

static int by_natural(const void *a, const void *b)
{
    int order = natural(((const lm_part *)a)->path, ((const lm_part *)b)->path);
    return order ? order : by_turn(a, b);
}

static int by_number(const void *a, const void *b)
{
    const lm_part *x = a, *y = b;
    int order = compare_directories(x->path, y->path);
    if (order) return order;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return by_natural(a, b);
}

/* The sources as they stand, numbers within. Files that were named one by one are one source. */
static int by_group_number(const void *a, const void *b)
{
    const lm_part *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return by_number(a, b);
}

static int by_time(const void *a, const void *b)
{
    const lm_part *x = a, *y = b;
    if (x->mtime_ns != y->mtime_ns) return x->mtime_ns < y->mtime_ns ? -1 : 1;
    return by_natural(a, b);
}

static lm_status sort_parts(lm_merge_plan *plan, lm_error *error)
{
    static int (*const orders[])(const void *, const void *) = {
        [LM_MERGE_ORDER_AUTO] = by_group_number, [LM_MERGE_ORDER_PART] = by_number,
        [LM_MERGE_ORDER_NATURAL] = by_natural,   [LM_MERGE_ORDER_NAME] = by_path,
        [LM_MERGE_ORDER_TIME] = by_time,         [LM_MERGE_ORDER_LISTED] = by_turn,
    };
    lm_merge_order order = plan->options.order;
    const lm_part *odd = NULL;
    for (size_t i = 0; i < plan->count && !odd; i++)
        if (plan->parts[i].number == NO_NUMBER) odd = &plan->parts[i];
    if (order == LM_MERGE_ORDER_PART && odd)
        return lm__error_set(error, LM_INVALID,
                             "%s has no part number (part-NNNNN) to be ordered by: choose another "
                             "--order",
                             odd->path);
    qsort(plan->parts, plan->count, sizeof *plan->parts, by_path);
    for (size_t i = 1; i < plan->count; i++)
        if (strcmp(plan->parts[i].path, plan->parts[i - 1].path) == 0)
            return lm__error_set(error, LM_INVALID, "%s is twice among the sources",
                                 plan->parts[i].path);
    bool by_parts = order == LM_MERGE_ORDER_AUTO && !odd;
    qsort(plan->parts, plan->count, sizeof *plan->parts,
          order == LM_MERGE_ORDER_AUTO && odd ? by_turn : orders[order]);
    plan->summary.order = by_parts                       ? LM_MERGE_ORDER_PART
                          : order == LM_MERGE_ORDER_AUTO ? LM_MERGE_ORDER_LISTED
                                                         : order;
    return LM_OK;
}

lm_status lm__merge_find(lm_merge_plan *plan, lm_error *error)
{
    finding f = {.plan = plan};
    lm_store_stat stat;
    source_kind *kinds = lm__arena_array(&plan->arena, plan->source_count, sizeof *kinds);
    if (!kinds) return no_memory(error);
    for (size_t i = 0; i < plan->source_count; i++)
        LM_TRY(look_up(plan, &plan->sources[i], &kinds[i], error));
    LM_TRY(find_journal(plan, error));
    if (plan->journal) return LM_OK;
    if (plan->from == plan->to &&
        lm__store_stat(plan->to, plan->destination, true, &stat, NULL) == LM_OK && stat.version[0])
        f.destination_stamp = lm__store_stamp(&stat);
    for (size_t i = 0; i < plan->source_count; i++) {
        if (kinds[i] == SOURCE_GONE) /* nothing was interrupted */
            return lm__error_set(error, LM_NOT_FOUND, "%s is not there", plan->sources[i]);
        LM_TRY(find_source(&f, plan->sources[i], kinds[i], error));
    }
    return sort_parts(plan, error);
}
