/*
 * What a new file keeps of the one that it replaces: mode, owner, group, the POSIX access control
 * list, and by choice its user.* attributes. security.* and trusted.* are never carried over.
 *
 * Invariants
 *  1. Nobody may do with the new file what they might not do with the old one: where the owner, the
 *     group or the list cannot be kept, permissions are narrowed and a warning is given.
 *  2. A default list that the new file took from its directory does not widen a file that had none.
 *
 * The file has no name that a reader would look at while this runs, so the order of the steps is
 * free; the group's bits are settled last. A failure that is no plain lack of rights fails the
 * stage.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/posix/posix.h"

#define ACL_XATTR "system.posix_acl_access"
/* The attribute's layout: include/uapi/linux/posix_acl_xattr.h, little-endian. */
#define ACL_HEADER_BYTES 4
#define ACL_ENTRY_BYTES 8
#define ACL_TAG_GROUP_OBJ 0x04
#define ACL_TAG_OTHER 0x20

typedef struct keeper {
    const lm_posix_store *posix;
    const lm_destination *destination;
    const char *path;
    int fd, old_fd; /* old_fd is -1 when the old file cannot be opened */
    bool old_gone, owner_kept, group_kept;
    struct stat old, now;
    unsigned mode; /* wanted */
    size_t acl_size;
    uint8_t acl[LM_ACL_BYTES_MAX];
} keeper;

/* A refusal for want of rights or of the feature, as against trouble. */
static bool is_refusal(int result)
{
    return result == -EPERM || result == -EACCES || result == -EINVAL || result == -EOPNOTSUPP ||
           result == -ENOSYS;
}

static uint16_t acl_u16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

static lm_status old_open(keeper *k, lm_error *error)
{
    lm_sys *sys = k->posix->sys;
    int fd = lm__sys_openat(sys, k->destination->directory, k->destination->name,
                            O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0);
    k->old_fd = fd < 0 ? -1 : fd;
    if (fd == -ENOENT || fd == -ELOOP) k->old_gone = true;
    if (fd == -EACCES || fd == -EPERM || k->old_gone) return LM_OK;
    if (fd < 0) return lm__error_os(error, -fd, "cannot open %s to keep its attributes", k->path);
    int result = lm__sys_fstat(sys, fd, &k->old);
    if (result < 0) return lm__error_os(error, -result, "cannot look at %s", k->path);
    if (!S_ISREG(k->old.st_mode)) k->old_gone = true;
    return LM_OK;
}

static lm_status owner_keep(keeper *k, unsigned *warnings, lm_error *error)
{
    lm_sys *sys = k->posix->sys;
    k->owner_kept = k->now.st_uid == k->old.st_uid;
    k->group_kept = k->now.st_gid == k->old.st_gid;
    if (!k->owner_kept) {
        int result = lm__sys_fchown(sys, k->fd, k->old.st_uid, k->old.st_gid);
        if (result == 0) {
            k->owner_kept = k->group_kept = true;
            return LM_OK;
        }
        if (!is_refusal(result))
            return lm__error_os(error, -result, "cannot keep the owner of %s", k->path);
        *warnings |= LM_FILE_WARN_OWNER;
    }
    if (!k->group_kept) {
        int result = lm__sys_fchown(sys, k->fd, (unsigned)-1, k->old.st_gid);
        k->group_kept = result == 0;
        if (result < 0 && !is_refusal(result))
            return lm__error_os(error, -result, "cannot keep the group of %s", k->path);
        if (result < 0) *warnings |= LM_FILE_WARN_GROUP;
    }
    return LM_OK;
}

/* The old file's list into k->acl; *unknown when it may have one that cannot be read. */
static lm_status acl_read(keeper *k, bool *unknown, lm_error *error)
{
    int64_t size = -ENODATA;
    if (k->old_gone) return LM_OK;
    if (k->old_fd >= 0) {
        size = lm__sys_fgetxattr(k->posix->sys, k->old_fd, ACL_XATTR, k->acl, sizeof k->acl);
    } else if (k->posix->no_proc) {
        size = -EACCES;
    } else {
        char by_proc[64 + NAME_MAX];
        snprintf(by_proc, sizeof by_proc, "/proc/self/fd/%d/%s", k->destination->directory,
                 k->destination->name);
        size = lm__sys_getxattr(k->posix->sys, by_proc, ACL_XATTR, k->acl, sizeof k->acl);
    }
    if (size == -ENODATA || size == -EOPNOTSUPP || size == -ENOSYS) return LM_OK;
    if (size == -EACCES || size == -EPERM || size == -ENOENT || size == -ERANGE) {
        *unknown = true;
        return LM_OK;
    }
    if (size < 0)
        return lm__error_os(error, (int)-size, "cannot read the access control list of %s",
                            k->path);
    *unknown = size < ACL_HEADER_BYTES || (size - ACL_HEADER_BYTES) % ACL_ENTRY_BYTES != 0;
    k->acl_size = *unknown ? 0 : (size_t)size;
    return LM_OK;
}

/* The bits that every entry of the list grants, as an upper bound for a mode without the list. */
static unsigned acl_common(const keeper *k)
{
    unsigned common = 7;
    for (size_t at = ACL_HEADER_BYTES; at < k->acl_size; at += ACL_ENTRY_BYTES)
        if (acl_u16(k->acl + at) > 0x01) /* all but the owner's */
            common &= acl_u16(k->acl + at + 2);
    return common;
}

/* The owning group is another one now: it gets no more than everybody has. */
static void acl_narrow_group(keeper *k)
{
    unsigned other = 0;
    for (size_t at = ACL_HEADER_BYTES; at < k->acl_size; at += ACL_ENTRY_BYTES)
        if (acl_u16(k->acl + at) == ACL_TAG_OTHER) other = acl_u16(k->acl + at + 2);
    for (size_t at = ACL_HEADER_BYTES; at < k->acl_size; at += ACL_ENTRY_BYTES)
        if (acl_u16(k->acl + at) == ACL_TAG_GROUP_OBJ) k->acl[at + 2] &= (uint8_t)other;
}

static void mode_narrow(keeper *k, unsigned bits)
{
    k->mode &= ~(unsigned)(S_IRWXG | S_IRWXO) | bits << 3 | bits;
}

static lm_status acl_keep(keeper *k, unsigned *warnings, lm_error *error)
{
    lm_sys *sys = k->posix->sys;
    bool unknown = false;
    LM_TRY(acl_read(k, &unknown, error));
    if (unknown) {
        *warnings |= LM_FILE_WARN_ACL;
        mode_narrow(k, k->mode & 7u);
    }
    if (k->acl_size == 0) {
        int64_t inherited = lm__sys_fgetxattr(sys, k->fd, ACL_XATTR, NULL, 0);
        if (inherited == -ENODATA || inherited == -EOPNOTSUPP) return LM_OK;
        int result = lm__sys_fremovexattr(sys, k->fd, ACL_XATTR);
        if (result < 0 && result != -ENODATA && result != -EOPNOTSUPP && result != -ENOSYS)
            return lm__error_os(error, -result, "cannot drop the inherited list of %s", k->path);
        return LM_OK;
    }
    if (!k->group_kept) acl_narrow_group(k);
    int result = lm__sys_fsetxattr(sys, k->fd, ACL_XATTR, k->acl, k->acl_size);
    if (result == 0) return LM_OK;
    if (!is_refusal(result))
        return lm__error_os(error, -result, "cannot keep the access control list of %s", k->path);
    *warnings |= LM_FILE_WARN_ACL;
    mode_narrow(k, acl_common(k));
    k->acl_size = 0;
    return LM_OK;
}

static lm_status mode_keep(keeper *k, lm_error *error)
{
    if (!k->owner_kept) k->mode &= ~(unsigned)S_ISUID;
    if (!k->group_kept) {
        k->mode &= ~(unsigned)S_ISGID;
        /* With a list the group's bits are its mask, and the group's entry is narrow already. */
        if (k->acl_size == 0) k->mode &= ~(unsigned)S_IRWXG | (k->mode & 7u) << 3;
    }
    int result = lm__sys_fchmod(k->posix->sys, k->fd, k->mode);
    if (result == 0) return LM_OK;
    if (is_refusal(result) && (k->now.st_mode & 07777 & ~k->mode) == 0) return LM_OK;
    return lm__error_os(error, -result, "cannot keep the mode of %s", k->path);
}

static lm_status xattrs_copy(keeper *k, char *names, uint8_t *value, unsigned *warnings,
                             lm_error *error)
{
    lm_sys *sys = k->posix->sys;
    int64_t size = lm__sys_flistxattr(sys, k->old_fd, names, LM_XATTR_BYTES_MAX);
    if (size == -EOPNOTSUPP || size == -ENOSYS) return LM_OK;
    if (size < 0)
        return lm__error_os(error, (int)-size, "cannot list the attributes of %s", k->path);
    for (const char *name = names; name < names + size; name += strlen(name) + 1) {
        if (strncmp(name, "user.", 5) != 0) continue;
        int64_t got = lm__sys_fgetxattr(sys, k->old_fd, name, value, LM_XATTR_BYTES_MAX);
        if (got == -ENODATA) continue;
        int64_t set = got < 0 ? got : lm__sys_fsetxattr(sys, k->fd, name, value, (size_t)got);
        if (set < 0 && !is_refusal((int)set) && set != -ERANGE && set != -E2BIG)
            return lm__error_os(error, (int)-set, "cannot keep the attribute %s of %s", name,
                                k->path);
        if (set < 0) *warnings |= LM_FILE_WARN_XATTR;
    }
    return LM_OK;
}

static lm_status xattrs_keep(keeper *k, unsigned *warnings, lm_error *error)
{
    if (k->old_gone) return LM_OK;
    if (k->old_fd < 0) {
        *warnings |= LM_FILE_WARN_XATTR;
        return LM_OK;
    }
    const lm_allocator *allocator = k->posix->store.allocator;
    char *space = lm__alloc(allocator, 2 * LM_XATTR_BYTES_MAX);
    if (!space) return lm__error_memory(error, "keeping attributes");
    lm_status status =
        xattrs_copy(k, space, (uint8_t *)space + LM_XATTR_BYTES_MAX, warnings, error);
    lm__free(allocator, space);
    return status;
}

lm_status lm__attributes_keep(const lm_posix_store *posix, int fd,
                              const lm_destination *destination, bool keep_xattrs,
                              unsigned *warnings, lm_error *error)
{
    keeper k;
    k.posix = posix;
    k.destination = destination;
    k.path = destination->path;
    k.fd = fd;
    k.old_gone = false;
    k.old = destination->stat;
    k.acl_size = 0;
    lm_status status = old_open(&k, error);
    if (status != LM_OK) goto done;
    k.mode = k.old.st_mode & 07777;
    int result = lm__sys_fstat(posix->sys, fd, &k.now);
    if (result < 0) {
        status = lm__error_os(error, -result, "cannot look at the new %s", k.path);
        goto done;
    }
    status = owner_keep(&k, warnings, error);
    if (status == LM_OK) status = acl_keep(&k, warnings, error);
    if (status == LM_OK) status = mode_keep(&k, error);
    if (status == LM_OK && keep_xattrs) status = xattrs_keep(&k, warnings, error);
done:
    if (k.old_fd >= 0) (void)lm__sys_close(posix->sys, k.old_fd);
    return status;
}
