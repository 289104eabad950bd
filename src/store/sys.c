/* The kernel's side of sys.h, and the calls by name. */
#define _GNU_SOURCE
#include "store/sys.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static int64_t kernel_call(const lm_sys_call *c)
{
    switch (c->op) {
    case LM_SYS_OPENAT: return openat(c->fd, c->path, c->flags, (mode_t)c->mode);
    case LM_SYS_CLOSE: return close(c->fd);
    case LM_SYS_PREAD: return pread(c->fd, c->out, c->size, (off_t)c->offset);
    case LM_SYS_PWRITE: return pwrite(c->fd, c->in, c->size, (off_t)c->offset);
    case LM_SYS_COPY_RANGE: {
        off_t from = (off_t)c->offset2, to = (off_t)c->offset;
        return copy_file_range(c->fd2, &from, c->fd, &to, c->size, 0);
    }
    case LM_SYS_FSYNC: return fsync(c->fd);
    case LM_SYS_FTRUNCATE: return ftruncate(c->fd, (off_t)c->offset);
    case LM_SYS_FALLOCATE: return fallocate(c->fd, 0, (off_t)c->offset, (off_t)c->size);
    case LM_SYS_SYNC_RANGE:
        return sync_file_range(c->fd, (off_t)c->offset, (off_t)c->size, SYNC_FILE_RANGE_WRITE);
    case LM_SYS_ADVISE:
        errno = posix_fadvise(c->fd, (off_t)c->offset, (off_t)c->size, c->flags);
        return errno ? -1 : 0;
    case LM_SYS_LINKAT: return linkat(c->fd, c->path, c->fd2, c->path2, c->flags);
    case LM_SYS_RENAMEAT2:
        /* Plain renames by the plain call: some file systems know no other. */
        if (c->flags == 0) return renameat(c->fd, c->path, c->fd2, c->path2);
        return syscall(SYS_renameat2, c->fd, c->path, c->fd2, c->path2, (unsigned)c->flags);
    case LM_SYS_UNLINKAT: return unlinkat(c->fd, c->path, c->flags);
    case LM_SYS_MKDIRAT: return mkdirat(c->fd, c->path, (mode_t)c->mode);
    case LM_SYS_FSTATAT: return fstatat(c->fd, c->path, c->out, c->flags);
    case LM_SYS_FSTAT: return fstat(c->fd, c->out);
    case LM_SYS_STATX: return statx(c->fd, c->path, c->flags, c->mode, c->out);
    case LM_SYS_FLOCK: return flock(c->fd, c->flags);
    case LM_SYS_FCHMOD: return fchmod(c->fd, (mode_t)c->mode);
    case LM_SYS_FCHOWN: return fchown(c->fd, (uid_t)c->uid, (gid_t)c->gid);
    case LM_SYS_GETXATTR: return getxattr(c->path, c->path2, c->out, c->size);
    case LM_SYS_FGETXATTR: return fgetxattr(c->fd, c->path, c->out, c->size);
    case LM_SYS_FSETXATTR: return fsetxattr(c->fd, c->path, c->in, c->size, c->flags);
    case LM_SYS_FREMOVEXATTR: return fremovexattr(c->fd, c->path);
    case LM_SYS_FLISTXATTR: return flistxattr(c->fd, c->out, c->size);
    case LM_SYS_FCNTL: return fcntl(c->fd, c->command, c->flags);
    case LM_SYS_READLINKAT: return readlinkat(c->fd, c->path, c->out, c->size);
    case LM_SYS_GETDENTS: return syscall(SYS_getdents64, c->fd, c->out, c->size);
    case LM_SYS_OP_COUNT: break;
    }
    errno = ENOSYS;
    return -1;
}

static int64_t kernel_run(lm_sys *sys, const lm_sys_call *call)
{
    (void)sys;
    int64_t result = kernel_call(call);
    return result == -1 ? -(int64_t)errno : result;
}

lm_sys *lm__sys_kernel(void)
{
    static lm_sys kernel = {kernel_run};
    return &kernel;
}

const char *lm__sys_op_name(lm_sys_op op)
{
    static const char *const names[] = {
#define NAME(name, text) text,
        LM_SYS_TABLE(NAME)
#undef NAME
    };
    return (unsigned)op < LM_SYS_OP_COUNT ? names[op] : "?";
}

static int64_t retried(lm_sys *sys, const lm_sys_call *call)
{
    int64_t result;
    do result = sys->run(sys, call);
    while (result == -EINTR);
    return result;
}

int lm__sys_openat(lm_sys *sys, int directory, const char *path, int flags, unsigned mode)
{
    return (int)retried(sys, &(lm_sys_call){.op = LM_SYS_OPENAT,
                                            .fd = directory,
                                            .path = path,
                                            .flags = flags | O_CLOEXEC,
                                            .mode = mode});
}

int lm__sys_close(lm_sys *sys, int fd)
{
    int result = (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_CLOSE, .fd = fd});
    return result == -EINTR ? 0 : result;
}

int64_t lm__sys_pread(lm_sys *sys, int fd, void *buffer, size_t size, int64_t offset)
{
    return retried(
        sys, &(lm_sys_call){
                 .op = LM_SYS_PREAD, .fd = fd, .out = buffer, .size = size, .offset = offset});
}

int64_t lm__sys_pwrite(lm_sys *sys, int fd, const void *data, size_t size, int64_t offset)
{
    return retried(
        sys,
        &(lm_sys_call){.op = LM_SYS_PWRITE, .fd = fd, .in = data, .size = size, .offset = offset});
}

int64_t lm__sys_copy_range(lm_sys *sys, int from, int64_t from_offset, int fd, int64_t offset,
                           size_t size)
{
    return retried(sys, &(lm_sys_call){.op = LM_SYS_COPY_RANGE,
                                       .fd = fd,
                                       .fd2 = from,
                                       .size = size,
                                       .offset = offset,
                                       .offset2 = from_offset});
}

int lm__sys_fsync(lm_sys *sys, int fd)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_FSYNC, .fd = fd});
}

int lm__sys_ftruncate(lm_sys *sys, int fd, int64_t size)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_FTRUNCATE, .fd = fd, .offset = size});
}

int lm__sys_fallocate(lm_sys *sys, int fd, int64_t offset, size_t size)
{
    return (int)sys->run(
        sys, &(lm_sys_call){.op = LM_SYS_FALLOCATE, .fd = fd, .offset = offset, .size = size});
}

int lm__sys_sync_range(lm_sys *sys, int fd, int64_t offset, size_t size)
{
    return (int)sys->run(
        sys, &(lm_sys_call){.op = LM_SYS_SYNC_RANGE, .fd = fd, .offset = offset, .size = size});
}

int lm__sys_advise(lm_sys *sys, int fd, int64_t offset, size_t size, int advice)
{
    return (int)sys->run(
        sys, &(lm_sys_call){
                 .op = LM_SYS_ADVISE, .fd = fd, .offset = offset, .size = size, .flags = advice});
}

int lm__sys_linkat(lm_sys *sys, int from_directory, const char *from, int directory,
                   const char *name, int flags)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_LINKAT,
                                             .fd = from_directory,
                                             .path = from,
                                             .fd2 = directory,
                                             .path2 = name,
                                             .flags = flags});
}

int lm__sys_renameat2(lm_sys *sys, int from_directory, const char *from, int directory,
                      const char *name, unsigned flags)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_RENAMEAT2,
                                             .fd = from_directory,
                                             .path = from,
                                             .fd2 = directory,
                                             .path2 = name,
                                             .flags = (int)flags});
}

int lm__sys_unlinkat(lm_sys *sys, int directory, const char *name, int flags)
{
    return (int)sys->run(
        sys, &(lm_sys_call){.op = LM_SYS_UNLINKAT, .fd = directory, .path = name, .flags = flags});
}

int lm__sys_mkdirat(lm_sys *sys, int directory, const char *name, unsigned mode)
{
    return (int)sys->run(
        sys, &(lm_sys_call){.op = LM_SYS_MKDIRAT, .fd = directory, .path = name, .mode = mode});
}

int lm__sys_fstatat(lm_sys *sys, int directory, const char *path, struct stat *stat, int flags)
{
    return (int)sys->run(
        sys, &(lm_sys_call){
                 .op = LM_SYS_FSTATAT, .fd = directory, .path = path, .out = stat, .flags = flags});
}

int lm__sys_fstat(lm_sys *sys, int fd, struct stat *stat)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_FSTAT, .fd = fd, .out = stat});
}

int lm__sys_birth(lm_sys *sys, int directory, const char *path, int flags, int64_t *birth_ns)
{
    struct statx stat = {0};
    int result = (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_STATX,
                                                   .fd = directory,
                                                   .path = path,
                                                   .flags = flags,
                                                   .mode = STATX_BTIME,
                                                   .out = &stat});
    bool known = result == 0 && (stat.stx_mask & STATX_BTIME);
    *birth_ns = known ? (int64_t)stat.stx_btime.tv_sec * 1000000000 + stat.stx_btime.tv_nsec : 0;
    return result == -ENOSYS ? 0 : result;
}

int lm__sys_flock(lm_sys *sys, int fd, int operation)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_FLOCK, .fd = fd, .flags = operation});
}

int lm__sys_fchmod(lm_sys *sys, int fd, unsigned mode)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_FCHMOD, .fd = fd, .mode = mode});
}

int lm__sys_fchown(lm_sys *sys, int fd, unsigned uid, unsigned gid)
{
    return (int)sys->run(sys,
                         &(lm_sys_call){.op = LM_SYS_FCHOWN, .fd = fd, .uid = uid, .gid = gid});
}

int64_t lm__sys_getxattr(lm_sys *sys, const char *path, const char *name, void *value, size_t size)
{
    return sys->run(
        sys, &(lm_sys_call){
                 .op = LM_SYS_GETXATTR, .path = path, .path2 = name, .out = value, .size = size});
}

int64_t lm__sys_fgetxattr(lm_sys *sys, int fd, const char *name, void *value, size_t size)
{
    return sys->run(
        sys,
        &(lm_sys_call){.op = LM_SYS_FGETXATTR, .fd = fd, .path = name, .out = value, .size = size});
}

int lm__sys_fsetxattr(lm_sys *sys, int fd, const char *name, const void *value, size_t size)
{
    return (int)sys->run(
        sys,
        &(lm_sys_call){.op = LM_SYS_FSETXATTR, .fd = fd, .path = name, .in = value, .size = size});
}

int lm__sys_fremovexattr(lm_sys *sys, int fd, const char *name)
{
    return (int)sys->run(sys, &(lm_sys_call){.op = LM_SYS_FREMOVEXATTR, .fd = fd, .path = name});
}

int64_t lm__sys_flistxattr(lm_sys *sys, int fd, char *names, size_t size)
{
    return sys->run(sys,
                    &(lm_sys_call){.op = LM_SYS_FLISTXATTR, .fd = fd, .out = names, .size = size});
}

int lm__sys_fcntl(lm_sys *sys, int fd, int command, int argument)
{
    return (int)sys->run(
        sys, &(lm_sys_call){.op = LM_SYS_FCNTL, .fd = fd, .command = command, .flags = argument});
}

int64_t lm__sys_readlinkat(lm_sys *sys, int directory, const char *path, char *text, size_t size)
{
    return sys->run(
        sys,
        &(lm_sys_call){
            .op = LM_SYS_READLINKAT, .fd = directory, .path = path, .out = text, .size = size});
}

int64_t lm__sys_getdents(lm_sys *sys, int fd, void *buffer, size_t size)
{
    return sys->run(sys,
                    &(lm_sys_call){.op = LM_SYS_GETDENTS, .fd = fd, .out = buffer, .size = size});
}
