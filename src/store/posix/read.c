/*
 * Looking and reading: open, stat, list; and the small changes: remove, link, sync of a directory.
 *
 * Invariants
 *  1. A source holds the file that was there when it was opened: a publication over its name does
 *     not change what it reads. A file that is cut short under it is LM_CORRUPT from read; from a
 *     view it is the program's end (SIGBUS), which is why views are only taken of published files.
 *  2. A listing does not show temporary files.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/posix/posix.h"

/* ---- the source ---- */

typedef struct posix_source {
    lm_source source;
    lm_sys *sys;
    const lm_allocator *allocator;
    int fd;
    _Atomic(void *) map; /* made at the first view */
    char name[];
} posix_source;

static lm_status source_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                             lm_error *error)
{
    posix_source *s = (posix_source *)source;
    for (size_t done = 0; done < size;) {
        int64_t got = lm__sys_pread(s->sys, s->fd, (uint8_t *)buffer + done, size - done,
                                    (int64_t)(offset + done));
        if (got < 0) return lm__error_os(error, (int)-got, "cannot read %s", source->name);
        if (got == 0)
            return lm__error_set(error, LM_CORRUPT, "%s was cut short while it was read",
                                 source->name);
        done += (size_t)got;
    }
    return LM_OK;
}

static const void *source_view(lm_source *source, uint64_t offset, size_t size)
{
    (void)size;
    posix_source *s = (posix_source *)source;
    void *map = atomic_load_explicit(&s->map, memory_order_acquire);
    if (!map) {
        if (source->size == 0 || source->size > SIZE_MAX) return NULL;
        map = mmap(NULL, (size_t)source->size, PROT_READ, MAP_SHARED, s->fd, 0);
        if (map == MAP_FAILED) return NULL;
        void *before = NULL;
        if (!atomic_compare_exchange_strong(&s->map, &before, map)) {
            munmap(map, (size_t)source->size);
            map = before;
        }
    }
    return (const uint8_t *)map + offset;
}

/* The pages of the file stay in the page cache, but no longer count as this process's. */
static void source_passed(lm_source *source, uint64_t offset, size_t size)
{
    posix_source *s = (posix_source *)source;
    uint8_t *map = atomic_load_explicit(&s->map, memory_order_acquire);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (!map) return;
    uintptr_t start = ((uintptr_t)map + offset + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)map + offset + size) & ~(page - 1);
    if (start < end) (void)madvise((void *)start, end - start, MADV_DONTNEED);
}

static void source_coming(lm_source *source, uint64_t offset, uint64_t size)
{
    posix_source *s = (posix_source *)source;
    (void)lm__sys_advise(s->sys, s->fd, (int64_t)offset, (size_t)size, POSIX_FADV_SEQUENTIAL);
    if (size > LM_SOURCE_AHEAD_BYTES) size = LM_SOURCE_AHEAD_BYTES;
    (void)lm__sys_advise(s->sys, s->fd, (int64_t)offset, (size_t)size, POSIX_FADV_WILLNEED);
}

static void source_close(lm_source *source)
{
    posix_source *s = (posix_source *)source;
    void *map = atomic_load_explicit(&s->map, memory_order_acquire);
    if (map) munmap(map, (size_t)source->size);
    (void)lm__sys_close(s->sys, s->fd);
    lm__free(s->allocator, s);
}

static const lm_source_ops source_ops = {source_read, source_view, source_close, source_passed,
                                         source_coming};

int lm__posix_source_fd(const lm_source *source)
{
    return source->ops == &source_ops ? ((const posix_source *)source)->fd : -1;
}

lm_status lm__posix_open(lm_store *store, const char *path, lm_source **source, lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    int fd = lm__sys_openat(sys, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) return lm__error_os(error, -fd, "cannot open %s", path);
    lm_status status;
    struct stat stat;
    posix_source *s = NULL;
    int result = lm__sys_fstat(sys, fd, &stat);
    if (result < 0) {
        status = lm__error_os(error, -result, "cannot look at %s", path);
        goto failed;
    }
    if (!S_ISREG(stat.st_mode)) {
        status = lm__error_set(error, LM_UNSUITABLE, "%s is not a regular file", path);
        goto failed;
    }
    size_t length = strlen(path) + 1;
    s = lm__alloc_zero(store->allocator, sizeof *s + length);
    if (!s) {
        status = lm__error_memory(error, "opening a file");
        goto failed;
    }
    memcpy(s->name, path, length);
    s->source = (lm_source){.ops = &source_ops, .size = (uint64_t)stat.st_size, .name = s->name};
    s->sys = sys;
    s->allocator = store->allocator;
    s->fd = fd;
    *source = &s->source;
    return LM_OK;
failed:
    (void)lm__sys_close(sys, fd);
    return status;
}

/* ---- stat ---- */

static lm_store_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode)) return LM_STORE_FILE;
    if (S_ISDIR(mode)) return LM_STORE_DIRECTORY;
    return S_ISLNK(mode) ? LM_STORE_SYMLINK : LM_STORE_OTHER;
}

void lm__posix_stat_fill(const struct stat *from, lm_store_stat *to)
{
    memset(to, 0, sizeof *to);
    to->kind = kind_of(from->st_mode);
    to->size = (uint64_t)from->st_size;
    to->mtime_ns = (int64_t)from->st_mtim.tv_sec * 1000000000 + from->st_mtim.tv_nsec;
    to->device = from->st_dev;
    to->inode = from->st_ino;
    to->links = from->st_nlink;
    /* Not the time of the last status change: a second name for the file would change it. */
    snprintf(to->version, sizeof to->version, "%llx-%llx-%llx-%llx", (unsigned long long)to->device,
             (unsigned long long)to->inode, (unsigned long long)to->size,
             (unsigned long long)to->mtime_ns);
}

lm_status lm__posix_stat(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                         lm_error *error)
{
    struct stat found;
    int result = lm__sys_fstatat(((lm_posix_store *)store)->sys, AT_FDCWD, path, &found,
                                 follow ? 0 : AT_SYMLINK_NOFOLLOW);
    if (result < 0) return lm__error_os(error, -result, "%s", path);
    lm__posix_stat_fill(&found, stat);
    return LM_OK;
}

/* ---- list ---- */

/* The kernel's record, getdents64(2). */
typedef struct directory_record {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
} directory_record;

void lm__directory_reader_init(lm_directory_reader *reader, lm_sys *sys, int fd)
{
    reader->sys = sys;
    reader->fd = fd;
    reader->at = reader->filled = 0;
}

int lm__directory_reader_next(lm_directory_reader *reader, const char **name, unsigned char *type)
{
    for (;;) {
        if (reader->at == reader->filled) {
            int64_t got =
                lm__sys_getdents(reader->sys, reader->fd, reader->block, sizeof reader->block);
            if (got <= 0) return (int)got;
            reader->filled = (size_t)got;
            reader->at = 0;
        }
        const directory_record *record = (const void *)(reader->block + reader->at);
        reader->at += record->bytes;
        if (strcmp(record->name, ".") == 0 || strcmp(record->name, "..") == 0) continue;
        *name = record->name;
        *type = record->type;
        return 1;
    }
}

/* d_type in the store's words; 0 where the file system does not tell. */
static lm_store_kind kind_of_type(unsigned char type)
{
    enum { TYPE_UNKNOWN = 0, TYPE_DIRECTORY = 4, TYPE_REGULAR = 8, TYPE_LINK = 10 };
    switch (type) {
    case TYPE_UNKNOWN: return 0;
    case TYPE_DIRECTORY: return LM_STORE_DIRECTORY;
    case TYPE_REGULAR: return LM_STORE_FILE;
    case TYPE_LINK: return LM_STORE_SYMLINK;
    default: return LM_STORE_OTHER;
    }
}

static lm_status entry_tell(lm_directory_reader *reader, const char *name, unsigned char type,
                            const lm_list_options *options, lm_list_callback *callback,
                            void *context, lm_error *error)
{
    lm_gc_what what;
    if (lm__temp_name_is(name, &what)) return LM_OK;
    if (options->after && strcmp(name, options->after) <= 0) return LM_OK;
    lm_store_entry entry = {.name = name};
    entry.stat.kind = kind_of_type(type);
    if (options->with_stat || entry.stat.kind == 0) {
        struct stat found;
        int result = lm__sys_fstatat(reader->sys, reader->fd, name, &found, AT_SYMLINK_NOFOLLOW);
        if (result == -ENOENT) return LM_OK; /* gone since */
        if (result < 0) return lm__error_os(error, -result, "cannot look at %s", name);
        lm__posix_stat_fill(&found, &entry.stat);
    }
    return callback(context, &entry, error);
}

lm_status lm__posix_list(lm_store *store, const char *path, const lm_list_options *options,
                         lm_list_callback *callback, void *context, lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    int fd = lm__sys_openat(sys, AT_FDCWD, path[0] ? path : ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return lm__error_os(error, -fd, "cannot list %s", path);
    lm_directory_reader reader;
    lm__directory_reader_init(&reader, sys, fd);
    lm_status status = LM_OK;
    while (status == LM_OK) {
        const char *name = NULL;
        unsigned char type = 0;
        int more = lm__directory_reader_next(&reader, &name, &type);
        if (more == 0) break;
        if (more < 0)
            status = lm__error_os(error, -more, "cannot list %s", path);
        else if (lm__cancel_requested(options->cancel))
            status = lm__error_set(error, LM_CANCELLED, "%s: interrupted", path);
        else
            status = entry_tell(&reader, name, type, options, callback, context, error);
    }
    (void)lm__sys_close(sys, fd);
    return status;
}

/* ---- small changes ---- */

lm_status lm__posix_remove(lm_store *store, const char *path, lm_durability durability,
                           lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    lm_destination d;
    LM_TRY(lm__place_open(sys, path, false, false, &d, error));
    bool locked;
    lm_status status = lm__commit_lock(sys, d.directory, LOCK_SH, path, NULL, &locked, error);
    if (status != LM_OK) goto done;
    int result = lm__sys_unlinkat(sys, d.directory, d.name, 0);
    lm__commit_unlock(sys, d.directory, locked);
    if (result < 0)
        status = lm__error_os(error, -result, "cannot remove %s", path);
    else if (durability == LM_DURABILITY_FULL &&
             lm__directory_sync(sys, d.directory, path, error) != LM_OK)
        status = LM_UNKNOWN_DURABILITY;
    if (status == LM_UNKNOWN_DURABILITY && error) error->code = status;
done:
    lm__destination_close(sys, &d);
    return status;
}

lm_status lm__posix_link(lm_store *store, const char *from, const char *to,
                         lm_durability durability, lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    lm_destination d;
    LM_TRY(lm__place_open(sys, to, true, durability == LM_DURABILITY_FULL, &d, error));
    lm_status status = LM_OK;
    int result = lm__sys_linkat(sys, AT_FDCWD, from, d.directory, d.name, 0);
    if (result == -EEXIST)
        status = lm__error_set(error, LM_EXISTS, "%s exists already", to);
    else if (result < 0)
        status = lm__error_os(error, -result, "cannot link %s to %s", from, to);
    else if (durability == LM_DURABILITY_FULL &&
             lm__directory_sync(sys, d.directory, to, error) != LM_OK)
        status = LM_UNKNOWN_DURABILITY;
    if (status == LM_UNKNOWN_DURABILITY && error) error->code = status;
    lm__destination_close(sys, &d);
    return status;
}

lm_status lm__posix_sync_directory(lm_store *store, const char *path, lm_error *error)
{
    lm_sys *sys = ((lm_posix_store *)store)->sys;
    int directory;
    LM_TRY(lm__directory_open(sys, AT_FDCWD, path, false, false, &directory, error));
    int result = lm__sys_fsync(sys, directory);
    (void)lm__sys_close(sys, directory);
    if (result < 0) return lm__error_os(error, -result, "cannot sync the directory %s", path);
    return LM_OK;
}
