/* A directory of a test's own, and a few words to fill it and look into it. Wants _GNU_SOURCE. */
#ifndef LM_TESTS_SCRATCH_H
#define LM_TESTS_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void scratch_must(bool good, const char *what)
{
    if (good) return;
    perror(what);
    abort();
}

/* Under TMPDIR, "/tmp" without one. */
static inline void scratch_make(char path[256])
{
    const char *base = getenv("TMPDIR");
    snprintf(path, 256, "%s/lamella-test-XXXXXX", base && *base ? base : "/tmp");
    scratch_must(mkdtemp(path) != NULL, path);
}

/* In memory where that is possible: for tests that sync a thousand times and do not mean it. */
static inline void scratch_make_fast(char path[256])
{
    if (access("/dev/shm", W_OK) != 0) {
        scratch_make(path);
        return;
    }
    snprintf(path, 256, "/dev/shm/lamella-test-XXXXXX");
    scratch_must(mkdtemp(path) != NULL, path);
}

static inline int scratch_remove_entry(const char *path, const struct stat *stat, int kind,
                                       struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void scratch_remove(const char *path)
{
    (void)nftw(path, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* "directory/name" in one of a few buffers in turn. */
static inline const char *scratch_join(const char *directory, const char *name)
{
    static char paths[8][2048];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static inline void scratch_put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    scratch_must(fd >= 0, path);
    scratch_must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    close(fd);
}

/* Is the file exactly these bytes? */
static inline bool scratch_is_bytes(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0) return false;
    char *got = malloc(size + 1);
    size_t at = 0;
    for (ssize_t n; got && at <= size && (n = read(fd, got + at, size + 1 - at)) > 0;)
        at += (size_t)n;
    bool same = got && at == size && memcmp(got, bytes, size) == 0;
    free(got);
    close(fd);
    return same;
}

static inline bool scratch_is(const char *path, const char *text)
{
    return scratch_is_bytes(path, text, strlen(text));
}

static inline int scratch_count(const char *path)
{
    int count = 0;
    DIR *listing = opendir(path);
    scratch_must(listing != NULL, path);
    for (struct dirent *at; (at = readdir(listing));)
        count += strcmp(at->d_name, ".") != 0 && strcmp(at->d_name, "..") != 0;
    closedir(listing);
    return count;
}

static inline int scratch_open_files(void) { return scratch_count("/proc/self/fd"); }

#endif
