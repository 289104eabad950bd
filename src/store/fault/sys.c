/* Recording and failing; see sys.h. */
#define _GNU_SOURCE
#include "store/fault/sys.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

void lm__fault_sys_clear_rules(lm_fault_sys *fault)
{
    pthread_mutex_lock(&fault->mutex);
    fault->rule_count = 0;
    pthread_mutex_unlock(&fault->mutex);
}

void lm__fault_sys_rule(lm_fault_sys *fault, lm_fault_rule rule)
{
    pthread_mutex_lock(&fault->mutex);
    if (fault->rule_count < LM_FAULT_RULES_MAX) fault->rules[fault->rule_count++] = rule;
    pthread_mutex_unlock(&fault->mutex);
}

/* ---- who is meant: looked up with calls of our own, which no rule sees ---- */

static lm_fault_object object_of_stat(const struct stat *stat)
{
    return (lm_fault_object){stat->st_dev, stat->st_ino};
}

static lm_fault_object object_of_fd(int fd)
{
    struct stat stat;
    return fd >= 0 && fstat(fd, &stat) == 0 ? object_of_stat(&stat) : (lm_fault_object){0, 0};
}

static lm_fault_object object_at(int directory, const char *path, int flags)
{
    struct stat stat;
    return fstatat(directory, path, &stat, flags) == 0 ? object_of_stat(&stat)
                                                       : (lm_fault_object){0, 0};
}

/* The directory that holds the last part of `path`, and that part. */
static lm_fault_object parent_at(int directory, const char *path, char name[256])
{
    char before[4096];
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    size_t length = slash ? (size_t)(slash - path) + 1 : 0, last_length = strlen(last);
    if (length >= sizeof before || last_length > 255) return (lm_fault_object){0, 0};
    memcpy(before, path, length);
    before[length] = '\0';
    memcpy(name, last, last_length + 1);
    if (length == 0 && directory >= 0) return object_of_fd(directory);
    return object_at(directory, length ? before : ".", 0);
}

/* ---- records ---- */

static bool is_recorded(const lm_sys_call *call)
{
    switch (call->op) {
    case LM_SYS_OPENAT:
        return (call->flags & (O_CREAT | O_TRUNC)) || (call->flags & O_TMPFILE) == O_TMPFILE;
    case LM_SYS_PWRITE:
    case LM_SYS_COPY_RANGE:
    case LM_SYS_FSYNC:
    case LM_SYS_FTRUNCATE:
    case LM_SYS_FALLOCATE:
    case LM_SYS_LINKAT:
    case LM_SYS_RENAMEAT2:
    case LM_SYS_UNLINKAT:
    case LM_SYS_MKDIRAT:
    case LM_SYS_FCHMOD:
    case LM_SYS_FCHOWN:
    case LM_SYS_FSETXATTR:
    case LM_SYS_FREMOVEXATTR: return true;
    default: return false;
    }
}

/* What must be known before the call is made. */
static void record_before(const lm_sys_call *call, lm_fault_record *record)
{
    record->op = call->op;
    record->flags = call->flags;
    record->mode = call->mode;
    record->uid = call->uid;
    record->gid = call->gid;
    record->offset = call->offset;
    switch (call->op) {
    case LM_SYS_OPENAT:
    case LM_SYS_MKDIRAT: record->parent = parent_at(call->fd, call->path, record->name); break;
    case LM_SYS_UNLINKAT:
        record->parent = parent_at(call->fd, call->path, record->name);
        record->object = object_at(call->fd, call->path, AT_SYMLINK_NOFOLLOW);
        break;
    case LM_SYS_LINKAT:
        record->object = object_at(call->fd, call->path,
                                   call->flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
        record->parent2 = parent_at(call->fd2, call->path2, record->name2);
        break;
    case LM_SYS_RENAMEAT2:
        record->parent = parent_at(call->fd, call->path, record->name);
        record->object = object_at(call->fd, call->path, AT_SYMLINK_NOFOLLOW);
        record->parent2 = parent_at(call->fd2, call->path2, record->name2);
        record->other = object_at(call->fd2, call->path2, AT_SYMLINK_NOFOLLOW);
        break;
    default: record->object = object_of_fd(call->fd); break;
    }
}

static void record_add(lm_fault_sys *fault, lm_fault_record *record, const void *data, size_t size)
{
    bool kept = lm__array_room(fault->allocator, &fault->records, &fault->record_capacity,
                               fault->record_count + 1, sizeof *fault->records);
    if (kept && size) {
        record->data = lm__alloc(fault->allocator, size);
        kept = record->data != NULL;
        if (kept) memcpy(record->data, data, size);
        record->size = size;
    }
    if (kept)
        fault->records[fault->record_count++] = *record;
    else
        fault->lost_a_record = true;
}

/* A copy is recorded as the write that it is. */
static void record_copy(lm_fault_sys *fault, const lm_sys_call *call, lm_fault_record *record,
                        size_t size)
{
    uint8_t *data = lm__alloc(fault->allocator, size);
    bool kept = data && pread(call->fd2, data, size, (off_t)call->offset2) == (ssize_t)size;
    record->op = LM_SYS_PWRITE;
    if (kept)
        record_add(fault, record, data, size);
    else
        fault->lost_a_record = true;
    lm__free(fault->allocator, data);
}

static void record_after(lm_fault_sys *fault, const lm_sys_call *call, lm_fault_record *record,
                         int64_t result)
{
    record->result = result;
    size_t size = 0;
    if (call->op == LM_SYS_COPY_RANGE) {
        if (result > 0) record_copy(fault, call, record, (size_t)result);
        return;
    }
    if (call->op == LM_SYS_OPENAT) record->object = object_of_fd((int)result);
    if (call->op == LM_SYS_MKDIRAT)
        record->object = object_at(call->fd, call->path, AT_SYMLINK_NOFOLLOW);
    if (call->op == LM_SYS_PWRITE) size = (size_t)result;
    if (call->op == LM_SYS_FSETXATTR) size = call->size;
    if (call->op == LM_SYS_FALLOCATE) record->size = call->size;
    if (call->op == LM_SYS_FSETXATTR || call->op == LM_SYS_FREMOVEXATTR)
        memcpy(record->name, call->path,
               strlen(call->path) < sizeof record->name ? strlen(call->path) + 1 : 0);
    record_add(fault, record, call->in, size);
}

void lm__fault_sys_mark(lm_fault_sys *fault, int mark)
{
    lm_fault_record record = {.op = LM_SYS_OP_COUNT, .is_mark = true, .mark = mark};
    pthread_mutex_lock(&fault->mutex);
    if (fault->is_recording) record_add(fault, &record, NULL, 0);
    pthread_mutex_unlock(&fault->mutex);
}

/* ---- rules ---- */

static bool rule_looks_at(const lm_fault_rule *rule, const lm_sys_call *call)
{
    if (!rule->any_op && rule->op != call->op) return false;
    if (rule->on_kind == 0) return true;
    struct stat stat;
    return fstat(call->fd, &stat) == 0 && (int)(stat.st_mode & S_IFMT) == rule->on_kind;
}

static const lm_fault_rule *rule_find(lm_fault_sys *fault, const lm_sys_call *call)
{
    for (int i = 0; i < fault->rule_count; i++) {
        lm_fault_rule *rule = &fault->rules[i];
        if (!rule_looks_at(rule, call)) continue;
        uint64_t at = rule->seen++;
        if (at < rule->nth || (rule->times && rule->used >= rule->times)) continue;
        rule->used++;
        return rule;
    }
    return NULL;
}

static int64_t call_make(lm_fault_sys *fault, const lm_sys_call *call, bool drop)
{
    bool recorded = fault->is_recording && is_recorded(call);
    lm_fault_record record;
    if (recorded) {
        memset(&record, 0, sizeof record);
        record_before(call, &record);
        record.is_dropped = drop;
    }
    int64_t result = drop ? 0 : lm__sys_run(fault->inner, call);
    if (recorded && result >= 0) record_after(fault, call, &record, result);
    return result;
}

static int64_t call_ruled(lm_fault_sys *fault, const lm_sys_call *call)
{
    const lm_fault_rule *rule = rule_find(fault, call);
    if (!rule) return call_make(fault, call, false);
    switch (rule->action) {
    case LM_FAULT_FAIL:
        /* As Linux has it, a close that fails has closed. */
        if (call->op == LM_SYS_CLOSE) (void)call_make(fault, call, false);
        break;
    case LM_FAULT_LOST: {
        int64_t result = call_make(fault, call, false);
        /* A descriptor that the caller never hears of would leak in this process only. */
        bool opened = call->op == LM_SYS_OPENAT ||
                      (call->op == LM_SYS_FCNTL && call->command == F_DUPFD_CLOEXEC);
        if (opened && result >= 0) close((int)result);
        break;
    }
    case LM_FAULT_DROP: return call_make(fault, call, true);
    case LM_FAULT_SHORT: {
        lm_sys_call less = *call;
        if (call->op != LM_SYS_PREAD && call->op != LM_SYS_PWRITE && call->op != LM_SYS_COPY_RANGE)
            return call_make(fault, call, false);
        less.size = call->size > 1 ? call->size / 2 : call->size;
        return call_make(fault, &less, false);
    }
    }
    return -(int64_t)rule->os_code;
}

static int64_t fault_run(lm_sys *sys, const lm_sys_call *call)
{
    lm_fault_sys *fault = (lm_fault_sys *)sys;
    pthread_mutex_lock(&fault->mutex);
    fault->calls++;
    fault->calls_of[call->op]++;
    int64_t result = call_ruled(fault, call);
    pthread_mutex_unlock(&fault->mutex);
    return result;
}

void lm__fault_sys_init(lm_fault_sys *fault, lm_sys *inner, const lm_allocator *allocator)
{
    memset(fault, 0, sizeof *fault);
    fault->sys.run = fault_run;
    fault->inner = inner ? inner : lm__sys_kernel();
    fault->allocator = lm__allocator_or_default(allocator);
    pthread_mutex_init(&fault->mutex, NULL);
}

void lm__fault_sys_deinit(lm_fault_sys *fault)
{
    for (size_t i = 0; i < fault->record_count; i++)
        lm__free(fault->allocator, fault->records[i].data);
    lm__free(fault->allocator, fault->records);
    pthread_mutex_destroy(&fault->mutex);
}
