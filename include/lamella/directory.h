/*
 * Directories published all or nothing: a reader that holds one descriptor of the directory, or
 * opens it by its path, has the old tree or the new one, whole.
 *
 * The tree is staged by the caller, on the same file system. It is made durable, then put in place
 * in one step: renamed where nothing is, exchanged where a directory is. The old tree is removed
 * after the exchange is durable; should the process die in between, lm_gc on the directory that
 * holds it finishes that.
 */
#ifndef LAMELLA_DIRECTORY_H
#define LAMELLA_DIRECTORY_H

#include <lamella/commit.h>
#include <lamella/manifest.h>
#include <lamella/storage.h>

/* All zero is the default of everything. */
typedef struct lm_directory_options {
    lm_durability durability;    /* FILE: the files are durable, the exchange may be lost */
    bool if_absent;              /* LM_EXISTS if anything is there */
    const lm_manifest *manifest; /* NULL: no _manifest.json is written */
    const char *checksum;        /* of the manifest's files: "sha256" (NULL means that), "crc32c" */
    int threads;                 /* 0: as many as there are processors */
    lm_cancel *cancel;           /* may be NULL */
    const lm_storage *storage;   /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_directory_options;

typedef struct lm_directory_result {
    lm_commit_state state;
    bool replaced;     /* a directory stood there */
    bool old_left;     /* not all of it could be removed: lm_gc finishes that */
    bool has_manifest; /* then the sums of it: */
    uint64_t files, bytes;
} lm_directory_result;

/* `staged` takes the place of `path`; missing parents of `path` are made. On failure before the
 * exchange `staged` is still there, with _manifest.json in it if one was asked for. Nothing may
 * write to `staged` any more. result may be NULL. */
LM_API LM_MUST_USE lm_status lm_directory_publish(const char *staged, const char *path,
                                                  const lm_directory_options *options,
                                                  lm_directory_result *result, lm_error *error);

#endif
