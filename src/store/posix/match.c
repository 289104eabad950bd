/*
 * If-match: reading what stands at the destination, and knowing later that it still does.
 *
 * Invariants
 *  1. The checksum is taken without a lock; what was summed stays open, so that its inode cannot be
 *     another file's, and is recognised under the lock by inode, size and times.
 *  2. Whatever changed between is summed again, a bounded number of times.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/posix/stage.h"

lm_status lm__match_conflict(const lm_posix_stage *s, const char *what, lm_error *error)
{
    return lm__error_set(error, LM_CONFLICT, "%s %s", s->destination.path, what);
}

static bool is_version(const lm_posix_stage *s) { return strncmp(s->match, "version:", 8) == 0; }

void lm__match_close(lm_posix_stage *s)
{
    if (s->matched_fd >= 0) (void)lm__sys_close(s->posix->sys, s->matched_fd);
    s->matched_fd = -1;
}

lm_status lm__file_sum(lm_posix_stage *s, int fd, const char *path, lm_checksum *sum,
                       uint64_t *size, lm_error *error)
{
    const size_t block_bytes = 256 * LM_KIB;
    uint8_t *block = lm__alloc(s->allocator, block_bytes);
    if (!block) return lm__error_memory(error, "comparing checksums");
    lm_status status = LM_OK;
    *size = 0;
    while (status == LM_OK) {
        int64_t got = lm__sys_pread(s->posix->sys, fd, block, block_bytes, (int64_t)*size);
        if (got < 0)
            status = lm__error_os(error, (int)-got, "cannot read %s", path);
        else if (lm__cancel_requested(s->options.cancel))
            status = lm__error_set(error, LM_CANCELLED, "%s: interrupted", path);
        else if (got == 0)
            break;
        else
            status = lm__checksum_update(sum, block, (size_t)got, error);
        if (got > 0) *size += (uint64_t)got;
    }
    lm__free(s->allocator, block);
    return status;
}

lm_status lm__match_look(lm_posix_stage *s, lm_error *error)
{
    lm_sys *sys = s->posix->sys;
    lm__match_close(s);
    int fd = lm__sys_openat(sys, s->destination.directory, s->destination.name,
                            O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0);
    if (fd == -ENOENT) return lm__match_conflict(s, "is not there any more", error);
    if (fd < 0) return lm__error_os(error, -fd, "cannot open %s", s->destination.path);
    s->matched_fd = fd;
    int result = lm__sys_fstat(sys, fd, &s->matched);
    if (result < 0) return lm__error_os(error, -result, "cannot look at %s", s->destination.path);
    LM_TRY(lm__destination_suits(s->destination.path, &s->matched, error));
    if (is_version(s)) {
        lm_store_stat seen;
        lm__posix_stat_fill(&s->matched, &seen);
        return strcmp(seen.version, s->match + 8) == 0
                   ? LM_OK
                   : lm__match_conflict(s, "is another file than the one seen", error);
    }
    lm_checksum sum;
    uint64_t size;
    char wanted[LM_CHECKSUM_TEXT_MAX], text[LM_CHECKSUM_TEXT_MAX];
    lm_checksum_kind kind;
    LM_TRY(lm__checksum_parse(s->match, &kind, wanted, error));
    LM_TRY(lm__checksum_init(&sum, kind, error));
    lm_status status = lm__file_sum(s, s->matched_fd, s->destination.path, &sum, &size, error);
    if (status == LM_OK) status = lm__checksum_final(&sum, text, error);
    lm__checksum_deinit(&sum);
    if (status != LM_OK) return status;
    return strcmp(text, wanted) == 0 ? LM_OK : lm__match_conflict(s, "has another checksum", error);
}

bool lm__match_holds(const lm_posix_stage *s)
{
    struct stat now;
    const struct stat *seen = &s->matched;
    return lm__sys_fstatat(s->posix->sys, s->destination.directory, s->destination.name, &now,
                           AT_SYMLINK_NOFOLLOW) == 0 &&
           lm__same_file(&now, seen) && now.st_size == seen->st_size &&
           now.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec &&
           now.st_ctim.tv_sec == seen->st_ctim.tv_sec &&
           now.st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
}
