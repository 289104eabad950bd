/*
 * The system calls of the posix store, as one function, so that they can be recorded and made to
 * fail (store/fault) without a single line of the store being different.
 *
 * Invariants
 *  1. Everything that the store does to the file system goes through `run`; only memory maps and
 *     /proc do not.
 *  2. A call answers with its result, or with -errno. errno itself is not looked at.
 *  3. EINTR is tried again here for what opens, reads and writes, and for nothing else: an
 *     interrupted fsync has not synced, and is final like every other failed one.
 */
#ifndef LM_STORE_SYS_H
#define LM_STORE_SYS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* X(NAME, "name"): every operation, with the name that records and messages use. */
#define LM_SYS_TABLE(X)                                                                            \
    X(OPENAT, "openat")                                                                            \
    X(CLOSE, "close")                                                                              \
    X(PREAD, "pread")                                                                              \
    X(PWRITE, "pwrite")                                                                            \
    X(COPY_RANGE, "copy_file_range")                                                               \
    X(FSYNC, "fsync")                                                                              \
    X(FTRUNCATE, "ftruncate")                                                                      \
    X(FALLOCATE, "fallocate")                                                                      \
    X(SYNC_RANGE, "sync_file_range")                                                               \
    X(ADVISE, "fadvise64")                                                                         \
    X(LINKAT, "linkat")                                                                            \
    X(RENAMEAT2, "renameat2")                                                                      \
    X(UNLINKAT, "unlinkat")                                                                        \
    X(MKDIRAT, "mkdirat")                                                                          \
    X(FSTATAT, "fstatat")                                                                          \
    X(FSTAT, "fstat")                                                                              \
    X(STATX, "statx")                                                                              \
    X(FLOCK, "flock")                                                                              \
    X(FCHMOD, "fchmod")                                                                            \
    X(FCHOWN, "fchown")                                                                            \
    X(GETXATTR, "getxattr")                                                                        \
    X(FGETXATTR, "fgetxattr")                                                                      \
    X(FSETXATTR, "fsetxattr")                                                                      \
    X(FREMOVEXATTR, "fremovexattr")                                                                \
    X(FLISTXATTR, "flistxattr")                                                                    \
    X(FCNTL, "fcntl")                                                                              \
    X(READLINKAT, "readlinkat")                                                                    \
    X(GETDENTS, "getdents64")

typedef enum lm_sys_op {
#define LM_SYS_ENUM(name, text) LM_SYS_##name,
    LM_SYS_TABLE(LM_SYS_ENUM)
#undef LM_SYS_ENUM
        LM_SYS_OP_COUNT
} lm_sys_op;

/* The arguments of any of them; what an operation does not take stays zero. */
typedef struct lm_sys_call {
    lm_sys_op op;
    int fd, fd2;
    const char *path, *path2; /* path is the attribute's name for the xattr calls on a descriptor */
    const void *in;
    void *out;
    size_t size;
    int64_t offset, offset2;
    int flags;
    unsigned mode;     /* openat, mkdirat, fchmod */
    unsigned uid, gid; /* fchown */
    int command;       /* fcntl */
} lm_sys_call;

typedef struct lm_sys lm_sys;
struct lm_sys {
    int64_t (*run)(lm_sys *sys, const lm_sys_call *call);
};

/* The kernel itself. */
lm_sys *lm__sys_kernel(void);
const char *lm__sys_op_name(lm_sys_op op);

static inline int64_t lm__sys_run(lm_sys *sys, const lm_sys_call *call)
{
    return sys->run(sys, call);
}

int lm__sys_openat(lm_sys *sys, int directory, const char *path, int flags, unsigned mode);
/* EINTR counts as closed, as Linux has it. */
int lm__sys_close(lm_sys *sys, int fd);
int64_t lm__sys_pread(lm_sys *sys, int fd, void *buffer, size_t size, int64_t offset);
int64_t lm__sys_pwrite(lm_sys *sys, int fd, const void *data, size_t size, int64_t offset);
/* From `from` into `fd`, each at its own place; 0 at the end of `from`. */
int64_t lm__sys_copy_range(lm_sys *sys, int from, int64_t from_offset, int fd, int64_t offset,
                           size_t size);
int lm__sys_fsync(lm_sys *sys, int fd);
int lm__sys_ftruncate(lm_sys *sys, int fd, int64_t size);
/* Space for these bytes; the file grows by them, as zeros. */
int lm__sys_fallocate(lm_sys *sys, int fd, int64_t offset, size_t size);
int lm__sys_sync_range(lm_sys *sys, int fd, int64_t offset, size_t size);
/* `advice` is a POSIX_FADV_… */
int lm__sys_advise(lm_sys *sys, int fd, int64_t offset, size_t size, int advice);
int lm__sys_linkat(lm_sys *sys, int from_directory, const char *from, int directory,
                   const char *name, int flags);
int lm__sys_renameat2(lm_sys *sys, int from_directory, const char *from, int directory,
                      const char *name, unsigned flags);
int lm__sys_unlinkat(lm_sys *sys, int directory, const char *name, int flags);
int lm__sys_mkdirat(lm_sys *sys, int directory, const char *name, unsigned mode);
int lm__sys_fstatat(lm_sys *sys, int directory, const char *path, struct stat *stat, int flags);
int lm__sys_fstat(lm_sys *sys, int fd, struct stat *stat);
/* When the file was made, in nanoseconds since 1970; 0 where the file system does not know. */
int lm__sys_birth(lm_sys *sys, int directory, const char *path, int flags, int64_t *birth_ns);
int lm__sys_flock(lm_sys *sys, int fd, int operation);
int lm__sys_fchmod(lm_sys *sys, int fd, unsigned mode);
int lm__sys_fchown(lm_sys *sys, int fd, unsigned uid, unsigned gid);
/* By path, following symlinks. */
int64_t lm__sys_getxattr(lm_sys *sys, const char *path, const char *name, void *value, size_t size);
int64_t lm__sys_fgetxattr(lm_sys *sys, int fd, const char *name, void *value, size_t size);
int lm__sys_fsetxattr(lm_sys *sys, int fd, const char *name, const void *value, size_t size);
int lm__sys_fremovexattr(lm_sys *sys, int fd, const char *name);
int64_t lm__sys_flistxattr(lm_sys *sys, int fd, char *names, size_t size);
int lm__sys_fcntl(lm_sys *sys, int fd, int command, int argument);
int64_t lm__sys_readlinkat(lm_sys *sys, int directory, const char *path, char *text, size_t size);
int64_t lm__sys_getdents(lm_sys *sys, int fd, void *buffer, size_t size);

#endif
