/* The model of crash.h: objects, changes, and the states that they allow. */
#define _GNU_SOURCE
#include "crash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONE = -1, CHOICES_MAX = 400, FILES_VARIED_MAX = 12 };

/* ---- small things; a harness without memory has nothing to say ---- */

static void *must(void *memory)
{
    if (memory) return memory;
    perror("crash harness");
    abort();
}

static void *grow(void *memory, size_t count, size_t size)
{
    return must(realloc(memory, (count ? count : 1) * size));
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

void crash_remove_all(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void crash_scratch(char path[256], bool fast)
{
    const char *base = getenv("TMPDIR");
    if (!base || !*base) base = "/tmp";
    if (fast && access("/dev/shm", W_OK) == 0) base = "/dev/shm";
    snprintf(path, 256, "%s/lamella-test-XXXXXX", base);
    if (!mkdtemp(path)) {
        perror(path);
        abort();
    }
}

/* ---- the model ---- */

typedef enum change_kind { CHANGE_DATA, CHANGE_SIZE, CHANGE_MODE, CHANGE_NAMES } change_kind;

typedef struct naming {
    int directory; /* object */
    const char *name;
    int object; /* NONE: the name goes */
    bool is_synced;
} naming;

/* One thing that a call did. */
typedef struct change {
    change_kind kind;
    bool is_synced;
    int object; /* of data and mode */
    uint64_t offset;
    const uint8_t *data;
    size_t size;
    unsigned mode;
    naming namings[2];
    int naming_count;
    size_t record; /* which call, for the story */
} change;

typedef struct entry {
    char *name;
    int object;
} entry;

typedef struct model_object {
    lm_fault_object id;
    mode_t kind;
    unsigned mode;
    uint8_t *data; /* a file's bytes or a symlink's target, as they are on the disk at the start */
    size_t size;
    entry *entries; /* of a directory, at the start */
    size_t entry_count;
} model_object;

typedef struct crash_model {
    model_object *objects;
    size_t object_count;
    change *changes;
    size_t change_count;
    int root;
    mode_t umask;
    uint64_t *seen;
    size_t seen_count, seen_capacity;
    uint64_t random;
    const char *trouble;
} crash_model;

typedef struct crash_model model;

static int object_new(model *m, lm_fault_object id, mode_t kind, unsigned mode)
{
    m->objects = grow(m->objects, m->object_count + 1, sizeof *m->objects);
    m->objects[m->object_count] = (model_object){.id = id, .kind = kind, .mode = mode};
    return (int)m->object_count++;
}

/* The latest first: the kernel gives a number away again once nobody uses it. */
static int object_find(const model *m, lm_fault_object id)
{
    if (id.inode == 0) return NONE;
    for (size_t i = m->object_count; i-- > 0;)
        if (m->objects[i].id.device == id.device && m->objects[i].id.inode == id.inode)
            return (int)i;
    return NONE;
}

static void file_load(model_object *file, int directory, const char *name)
{
    if (file->kind == S_IFLNK) {
        char target[4096];
        ssize_t size = readlinkat(directory, name, target, sizeof target);
        file->size = size > 0 ? (size_t)size : 0;
        file->data = grow(NULL, file->size, 1);
        memcpy(file->data, target, file->size);
        return;
    }
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) != 0) {
        perror(name);
        abort();
    }
    file->size = (size_t)stat.st_size;
    file->data = grow(NULL, file->size, 1);
    for (size_t at = 0; at < file->size;) {
        ssize_t got = pread(fd, file->data + at, file->size - at, (off_t)at);
        if (got <= 0) break;
        at += (size_t)got;
    }
    close(fd);
}

/* Takes in a directory as it is. */
static int directory_load(model *m, int fd)
{
    struct stat stat;
    must(fstat(fd, &stat) == 0 ? m : NULL);
    int self =
        object_new(m, (lm_fault_object){stat.st_dev, stat.st_ino}, S_IFDIR, stat.st_mode & 07777);
    DIR *listing = must(fdopendir(fd));
    for (struct dirent *at; (at = readdir(listing));) {
        if (strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0) continue;
        must(fstatat(fd, at->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? m : NULL);
        lm_fault_object id = {stat.st_dev, stat.st_ino};
        int child = object_find(m, id); /* a second name */
        if (child == NONE && S_ISDIR(stat.st_mode)) {
            child = directory_load(m, openat(fd, at->d_name, O_RDONLY | O_DIRECTORY));
        } else if (child == NONE) {
            child = object_new(m, id, stat.st_mode & S_IFMT, stat.st_mode & 07777);
            file_load(&m->objects[child], fd, at->d_name);
        }
        model_object *here = &m->objects[self];
        here->entries = grow(here->entries, here->entry_count + 1, sizeof *here->entries);
        here->entries[here->entry_count++] = (entry){must(strdup(at->d_name)), child};
    }
    closedir(listing);
    return self;
}

void crash_begin(crash_case *crash, const char *root)
{
    memset(crash, 0, sizeof *crash);
    snprintf(crash->root, sizeof crash->root, "%s", root);
    model *m = crash->model = must(calloc(1, sizeof *m));
    m->umask = umask(022);
    umask(m->umask);
    m->random = 1;
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        perror(root);
        abort();
    }
    m->root = directory_load(m, fd);
    lm__fault_sys_init(&crash->fault, NULL, NULL);
    crash->fault.is_recording = true;
}

void crash_mark(crash_case *crash, int mark) { lm__fault_sys_mark(&crash->fault, mark); }

void crash_end(crash_case *crash)
{
    model *m = crash->model;
    for (size_t i = 0; i < m->object_count; i++) {
        for (size_t e = 0; e < m->objects[i].entry_count; e++) free(m->objects[i].entries[e].name);
        free(m->objects[i].entries);
        free(m->objects[i].data);
    }
    free(m->objects);
    free(m->changes);
    free(m->seen);
    free(m);
    lm__fault_sys_deinit(&crash->fault);
}

/* ---- from records to changes ---- */

static change *change_new(model *m, change_kind kind, size_t record)
{
    m->changes = grow(m->changes, m->change_count + 1, sizeof *m->changes);
    change *c = &m->changes[m->change_count++];
    *c = (change){.kind = kind, .record = record, .object = NONE};
    return c;
}

static void naming_add(change *c, int directory, const char *name, int object)
{
    c->namings[c->naming_count++] = (naming){directory, name, object, false};
}

/* A sync makes durable what came before it. */
static void sync_apply(model *m, int synced)
{
    for (size_t i = 0; i < m->change_count; i++) {
        change *c = &m->changes[i];
        if (c->kind != CHANGE_NAMES) {
            if (c->object == synced) c->is_synced = true;
            continue;
        }
        bool all = true;
        for (int n = 0; n < c->naming_count; n++) {
            if (c->namings[n].directory == synced) c->namings[n].is_synced = true;
            all = all && c->namings[n].is_synced;
        }
        if (all) c->is_synced = true;
    }
}

static void mode_apply(model *m, size_t record, int object, unsigned mode)
{
    change *c = change_new(m, CHANGE_MODE, record);
    c->object = object;
    c->mode = mode;
}

static void open_apply(model *m, const lm_fault_record *r, size_t at)
{
    bool unnamed = (r->flags & O_TMPFILE) == O_TMPFILE;
    int parent = object_find(m, r->parent), known = object_find(m, r->object);
    if (parent == NONE && !unnamed) return; /* not under the root */
    bool is_new = unnamed || (r->flags & O_EXCL) || ((r->flags & O_CREAT) && known == NONE);
    if (!is_new) {
        if (!(r->flags & O_TRUNC) || known == NONE) return;
        change_new(m, CHANGE_SIZE, at)->object = known;
        return;
    }
    int file = object_new(m, r->object, S_IFREG, r->mode & ~m->umask & 07777);
    if (!unnamed) naming_add(change_new(m, CHANGE_NAMES, at), parent, r->name, file);
}

static void rename_apply(model *m, const lm_fault_record *r, size_t at)
{
    int from = object_find(m, r->parent), to = object_find(m, r->parent2);
    int moved = object_find(m, r->object), other = object_find(m, r->other);
    const int exchange = 2; /* RENAME_EXCHANGE */
    if (from == NONE && to == NONE) return;
    if (from == NONE || to == NONE || moved == NONE) {
        m->trouble = "a rename leads out of the root";
        return;
    }
    change *c = change_new(m, CHANGE_NAMES, at);
    naming_add(c, from, r->name, r->flags & exchange ? other : NONE);
    naming_add(c, to, r->name2, moved);
}

static void record_apply(model *m, const lm_fault_record *r, size_t at)
{
    int object = object_find(m, r->object), parent = object_find(m, r->parent);
    change *c;
    switch (r->op) {
    case LM_SYS_OPENAT: open_apply(m, r, at); break;
    case LM_SYS_PWRITE:
        if (object == NONE) break;
        c = change_new(m, CHANGE_DATA, at);
        c->object = object;
        c->offset = (uint64_t)r->offset;
        c->data = r->data;
        c->size = r->size;
        break;
    case LM_SYS_FSYNC:
        if (object != NONE) sync_apply(m, object);
        break;
    case LM_SYS_FTRUNCATE:
    case LM_SYS_FALLOCATE:
        if (object == NONE) break;
        c = change_new(m, CHANGE_SIZE, at);
        c->object = object;
        c->offset = (uint64_t)r->offset + r->size; /* the new size */
        c->size = r->size;                         /* 0: it may become shorter */
        break;
    case LM_SYS_MKDIRAT:
        if (parent == NONE) break;
        object = object_new(m, r->object, S_IFDIR, r->mode & ~m->umask & 07777);
        naming_add(change_new(m, CHANGE_NAMES, at), parent, r->name, object);
        break;
    case LM_SYS_LINKAT:
        parent = object_find(m, r->parent2);
        if (parent == NONE) break;
        if (object == NONE) m->trouble = "a link to a file that the records do not know";
        naming_add(change_new(m, CHANGE_NAMES, at), parent, r->name2, object);
        break;
    case LM_SYS_UNLINKAT:
        if (parent != NONE) naming_add(change_new(m, CHANGE_NAMES, at), parent, r->name, NONE);
        break;
    case LM_SYS_RENAMEAT2: rename_apply(m, r, at); break;
    case LM_SYS_FCHMOD:
        if (object != NONE) mode_apply(m, at, object, r->mode);
        break;
    default: break;
    }
}

/* ---- one state ---- */

typedef enum fate { FATE_LOST, FATE_KEPT, FATE_TORN, FATE_ZERO } fate;

/* A state being put together: a copy of each object. */
typedef struct built {
    uint8_t *data;
    size_t size, capacity;
    unsigned mode;
    entry *entries; /* names borrowed */
    size_t entry_count;
    char *path; /* where it was written out first */
} built;

static void built_name(built *directory, const char *name, int object)
{
    size_t at = 0;
    while (at < directory->entry_count && strcmp(directory->entries[at].name, name) != 0) at++;
    if (at == directory->entry_count) {
        if (object == NONE) return;
        directory->entries =
            grow(directory->entries, directory->entry_count + 1, sizeof *directory->entries);
        directory->entries[directory->entry_count++] = (entry){(char *)name, object};
    } else if (object == NONE) {
        directory->entries[at] = directory->entries[--directory->entry_count];
    } else {
        directory->entries[at].object = object;
    }
}

/* `only_up`: a reservation, which makes nothing shorter. */
static void built_resize(built *file, size_t size, bool only_up)
{
    if (size > file->capacity) {
        file->data = grow(file->data, size, 1);
        file->capacity = size;
    }
    if (size > file->size) memset(file->data + file->size, 0, size - file->size);
    if (size > file->size || !only_up) file->size = size;
}

static void built_write(built *file, const change *c, fate how)
{
    size_t size = c->size, end = (size_t)c->offset + c->size;
    if (how == FATE_TORN) {
        size = c->size >= 1024 ? c->size / 2 / 512 * 512 : c->size / 2;
        end = (size_t)c->offset + size;
    }
    built_resize(file, end, true);
    if (how != FATE_ZERO && size) memcpy(file->data + c->offset, c->data, size);
}

static built *state_build(const model *m, const uint8_t *fates)
{
    built *all = must(calloc(m->object_count, sizeof *all));
    for (size_t i = 0; i < m->object_count; i++) {
        const model_object *o = &m->objects[i];
        all[i].mode = o->mode;
        all[i].size = all[i].capacity = o->size;
        all[i].data = grow(NULL, o->size, 1);
        if (o->size) memcpy(all[i].data, o->data, o->size);
        all[i].entries = grow(NULL, o->entry_count, sizeof *all[i].entries);
        all[i].entry_count = o->entry_count;
        if (o->entry_count) memcpy(all[i].entries, o->entries, o->entry_count * sizeof *o->entries);
    }
    for (size_t i = 0; i < m->change_count; i++) {
        const change *c = &m->changes[i];
        fate how = c->is_synced ? FATE_KEPT : (fate)fates[i];
        if (how == FATE_LOST) continue;
        switch (c->kind) {
        case CHANGE_DATA: built_write(&all[c->object], c, how); break;
        case CHANGE_SIZE: built_resize(&all[c->object], (size_t)c->offset, c->size > 0); break;
        case CHANGE_MODE: all[c->object].mode = c->mode; break;
        case CHANGE_NAMES:
            for (int n = 0; n < c->naming_count; n++)
                built_name(&all[c->namings[n].directory], c->namings[n].name, c->namings[n].object);
            break;
        }
    }
    return all;
}

static void state_free(const model *m, built *all)
{
    for (size_t i = 0; i < m->object_count; i++) {
        free(all[i].data);
        free(all[i].entries);
        free(all[i].path);
    }
    free(all);
}

static uint64_t hash_more(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t at = 0;
    for (uint64_t word; at + sizeof word <= size; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    for (; at < size; at++) hash = (hash ^ bytes[at]) * 0x100000001b3u;
    return (hash ^ size) * 0x100000001b3u;
}

static int entry_order(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

/* Of everything that can be reached from the root. */
static uint64_t state_hash(const model *m, built *all, int at, uint64_t hash)
{
    hash = hash_more(hash, &all[at].mode, sizeof all[at].mode);
    if (m->objects[at].kind != S_IFDIR) return hash_more(hash, all[at].data, all[at].size);
    qsort(all[at].entries, all[at].entry_count, sizeof *all[at].entries, entry_order);
    for (size_t i = 0; i < all[at].entry_count; i++) {
        const entry *e = &all[at].entries[i];
        hash = hash_more(hash, e->name, strlen(e->name));
        hash = state_hash(m, all, e->object, hash ^ m->objects[e->object].kind);
    }
    return hash_more(hash, "/", 1);
}

static bool state_is_new(model *m, uint64_t hash)
{
    for (size_t i = 0; i < m->seen_count; i++)
        if (m->seen[i] == hash) return false;
    m->seen = grow(m->seen, m->seen_count + 1, sizeof *m->seen);
    m->seen[m->seen_count++] = hash;
    return true;
}

/* Writes the tree out. False when the disk of the tests does not take it. */
static bool state_write(const model *m, built *all, int at, const char *path)
{
    built *b = &all[at];
    mode_t kind = m->objects[at].kind;
    if (kind != S_IFDIR && b->path) return link(b->path, path) == 0;
    if (kind == S_IFLNK) {
        char *target = must(strndup((const char *)b->data, b->size));
        bool made = symlink(target, path) == 0;
        free(target);
        return made;
    }
    if (kind == S_IFDIR) {
        if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
        for (size_t i = 0; i < b->entry_count; i++) {
            char child[4096];
            snprintf(child, sizeof child, "%s/%s", path, b->entries[i].name);
            if (!state_write(m, all, b->entries[i].object, child)) return false;
        }
        return chmod(path, b->mode | 0700) == 0;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && (b->size == 0 || write(fd, b->data, b->size) == (ssize_t)b->size) &&
                fchmod(fd, b->mode) == 0;
    if (fd >= 0) close(fd);
    b->path = must(strdup(path));
    return good;
}

/* ---- all states ---- */

typedef struct explorer {
    crash_case *crash;
    model *m;
    crash_check *check;
    void *context;
    crash_report *report;
    char scratch[256], root[300];
    unsigned marks;
    size_t calls;
    uint8_t *fates; /* of each change; those of synced ones are not looked at */
} explorer;

static void story_add(char *story, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void story_add(char *story, const char *format, ...)
{
    size_t used = strlen(story);
    va_list args;
    va_start(args, format);
    vsnprintf(story + used, CRASH_MESSAGE_MAX - used, format, args);
    va_end(args);
}

static void story_tell(const explorer *e, const char *wrong, bool is_live)
{
    static const char *const fates[] = {"lost", "kept", "torn", "zeros"};
    char *story = e->report->first_wrong;
    story_add(story, "%s\n#   %s after %zu calls, marks %x", wrong,
              is_live ? "live" : "the power goes", e->calls, e->marks);
    for (size_t i = 0; i < e->m->change_count; i++) {
        const change *c = &e->m->changes[i];
        const lm_fault_record *r = &e->crash->fault.records[c->record];
        story_add(story, "\n#   %s %s %s (%zu bytes): %s", lm__sys_op_name(r->op), r->name,
                  r->name2, r->size, c->is_synced ? "durable" : fates[e->fates[i]]);
    }
}

static void state_try(explorer *e, bool is_live)
{
    model *m = e->m;
    e->report->states++;
    built *all = state_build(m, e->fates);
    uint64_t salt[2] = {e->marks, is_live ? e->calls + 1 : 0};
    uint64_t hash = state_hash(m, all, m->root, hash_more(0xcbf29ce484222325u, salt, sizeof salt));
    if (state_is_new(m, hash)) {
        e->report->distinct++;
        crash_remove_all(e->root);
        if (!state_write(m, all, m->root, e->root)) m->trouble = "a state could not be written";
        crash_state state = {e->root, e->marks, e->calls, is_live};
        const char *wrong = m->trouble ? NULL : e->check(e->context, &state);
        if (wrong && e->report->wrong++ == 0) story_tell(e, wrong, is_live);
    }
    state_free(m, all);
}

static void fates_set(explorer *e, change_kind from, change_kind to, int object, fate how)
{
    for (size_t i = 0; i < e->m->change_count; i++) {
        const change *c = &e->m->changes[i];
        if (c->kind >= from && c->kind <= to && (object == NONE || c->object == object))
            e->fates[i] = (uint8_t)how;
    }
}

/* The bytes and modes of one file in every way, the others as they are set. */
static void file_vary(explorer *e, int file, fate others)
{
    static const fate ways[] = {FATE_LOST, FATE_KEPT, FATE_TORN, FATE_ZERO};
    size_t count = e->m->change_count, single = 0;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        fates_set(e, CHANGE_DATA, CHANGE_DATA, file, ways[w]);
        state_try(e, false);
        fates_set(e, CHANGE_SIZE, CHANGE_MODE, file, others == FATE_KEPT ? FATE_LOST : FATE_KEPT);
        state_try(e, false);
        fates_set(e, CHANGE_SIZE, CHANGE_MODE, file, others);
    }
    for (size_t i = 0; i < count && single < 16; i++) { /* each write alone in another way */
        const change *c = &e->m->changes[i];
        if (c->object != file || c->kind != CHANGE_DATA || c->is_synced) continue;
        single++;
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            fates_set(e, CHANGE_DATA, CHANGE_DATA, file, FATE_KEPT);
            e->fates[i] = (uint8_t)ways[w];
            state_try(e, false);
        }
    }
    fates_set(e, CHANGE_DATA, CHANGE_DATA, file, others);
}

/* With the names as they are set: all bytes lost, all kept, and each file for itself. */
static void bytes_vary(explorer *e)
{
    static const fate sides[] = {FATE_LOST, FATE_KEPT};
    for (int s = 0; s < 2; s++) {
        fates_set(e, CHANGE_DATA, CHANGE_MODE, NONE, sides[s]);
        state_try(e, false);
        int varied = 0;
        for (size_t o = e->m->object_count; o-- > 0 && varied < FILES_VARIED_MAX;) {
            bool is_dirty = false;
            for (size_t i = 0; i < e->m->change_count; i++)
                is_dirty |= e->m->changes[i].object == (int)o && !e->m->changes[i].is_synced;
            if (!is_dirty) continue;
            varied++;
            file_vary(e, (int)o, sides[s]);
        }
    }
}

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Sets the names in flight by a rule: way 0 none, 1 all, then each alone, each missing, beginnings,
 * seeded ones. False when there is no such way. */
static bool names_choose(explorer *e, const size_t *flying, size_t count, size_t way)
{
    if (count <= CRASH_NAMES_MAX) {
        if (way >= (size_t)1 << count) return false;
        for (size_t i = 0; i < count; i++) e->fates[flying[i]] = way >> i & 1;
        return true;
    }
    if (way >= 2 + 3 * count + CHOICES_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        bool kept = way == 1;
        if (way >= 2 && way < 2 + count) kept = i == way - 2;
        if (way >= 2 + count && way < 2 + 2 * count) kept = i != way - 2 - count;
        if (way >= 2 + 2 * count && way < 2 + 3 * count) kept = i < way - 2 - 2 * count;
        if (way >= 2 + 3 * count) kept = random_next(&e->m->random) & 1;
        e->fates[flying[i]] = kept;
    }
    return true;
}

/* Every state after the calls made so far. */
static void moment_try(explorer *e)
{
    model *m = e->m;
    size_t count = 0, *flying = grow(NULL, m->change_count, sizeof *flying);
    e->fates = grow(e->fates, m->change_count, 1);
    memset(e->fates, FATE_KEPT, m->change_count);
    state_try(e, true);
    for (size_t i = 0; i < m->change_count; i++)
        if (m->changes[i].kind == CHANGE_NAMES && !m->changes[i].is_synced) flying[count++] = i;
    for (size_t way = 0; names_choose(e, flying, count, way); way++) bytes_vary(e);
    free(flying);
}

bool crash_explore(crash_case *crash, crash_check *check, void *context, crash_report *report)
{
    model *m = crash->model;
    explorer e = {.crash = crash, .m = m, .check = check, .context = context, .report = report};
    memset(report, 0, sizeof *report);
    crash->fault.is_recording = false;
    crash_scratch(e.scratch, true);
    snprintf(e.root, sizeof e.root, "%s/root", e.scratch);
    if (crash->fault.lost_a_record) m->trouble = "a record was lost";
    moment_try(&e);
    for (size_t i = 0; i < crash->fault.record_count && !m->trouble; i++) {
        const lm_fault_record *r = &crash->fault.records[i];
        if (r->is_mark) {
            e.marks |= 1u << r->mark;
        } else {
            e.calls++;
            if (!r->is_dropped) record_apply(m, r, i);
        }
        moment_try(&e);
    }
    report->calls = e.calls;
    free(e.fates);
    crash_remove_all(e.scratch);
    if (m->trouble) snprintf(report->first_wrong, sizeof report->first_wrong, "%s", m->trouble);
    return !m->trouble;
}
