/*
 * Files and directories as things, on any store: what lies where, copies, removal. A copy appears
 * whole at its destination, or not at all.
 */
#ifndef LAMELLA_PATH_H
#define LAMELLA_PATH_H

#include <lamella/directory.h>
#include <lamella/publish.h>

typedef enum lm_path_kind {
    LM_PATH_FILE = 1,
    LM_PATH_DIRECTORY = 2,
    LM_PATH_SYMLINK = 3,
    LM_PATH_OTHER = 4, /* FIFO, device, socket */
} lm_path_kind;

/* "file", "directory", "symlink", "other". */
LM_API const char *lm_path_kind_word(lm_path_kind kind);

#define LM_PATH_VERSION_MAX 128

typedef struct lm_path_info {
    const char *path;
    lm_path_kind kind;
    uint64_t bytes;                    /* of a file */
    int64_t mtime_ns;                  /* since 1970; 0 where the store does not know */
    char version[LM_PATH_VERSION_MAX]; /* another one whenever the object is; "" where unknown */
} lm_path_info;

/* Any status but LM_OK ends the listing and is its result. */
typedef lm_status lm_path_callback(void *context, const lm_path_info *info, lm_error *error);

/* All zero is the default of everything. */
typedef struct lm_path_options {
    bool recursive;  /* list: what lies below too; remove: directories, with all in them */
    bool names_only; /* list: sizes, times and versions are not needed */
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    lm_cancel *cancel;         /* may be NULL */
    const lm_allocator *allocator;
} lm_path_options;

/* What stands at `path`; a symlink is followed, unless it leads nowhere. info->path is `path`. */
LM_API LM_MUST_USE lm_status lm_path_stat(const char *path, const lm_path_options *options,
                                          lm_path_info *info, lm_error *error);
/* What lies in the directory `path`, in the natural order of names (numbers by their value), each
 * directory before what is in it; a file is told itself, and so are the files that fit a pattern
 * (docs/datasets.md). What is staged and not published yet is not told. */
LM_API LM_MUST_USE lm_status lm_path_list(const char *path, const lm_path_options *options,
                                          lm_path_callback *callback, void *context,
                                          lm_error *error);
/* The file or symlink `path`, gone for good once it returns; a directory only with `recursive`
 * (LM_UNSUITABLE otherwise), and never the root of a store. Symlinks are not followed. */
LM_API LM_MUST_USE lm_status lm_path_remove(const char *path, const lm_path_options *options,
                                            lm_error *error);

/* All zero is the default of everything. */
typedef struct lm_copy_options {
    /* How a file is published; of a directory durability, mode, manifest, checksum (of the
     * manifest) and cancel count. Its storage is the source's too. NULL: the defaults. */
    const lm_file_options *file;
    bool recursive; /* the source may be a directory */
    bool check;     /* the copy is read again and its bytes are compared with those that came */
    int threads;    /* for a directory; 0: as many as there are processors, four for other stores */
    /* Told the bytes that were copied since the last call; from any thread, one at a time. */
    void (*progress)(void *context, uint64_t bytes);
    void *context;
} lm_copy_options;

typedef struct lm_copy_result {
    bool is_directory;
    lm_file_result file;           /* of a file */
    lm_directory_result directory; /* of a directory */
    uint64_t files, bytes;         /* that were copied */
} lm_copy_result;

/* The file `source`, published at `path`, on any store; "DIR/" stands for the name of the source in
 * DIR. The bytes are summed on their way (lm_file_options.checksum; with "none" a store may copy
 * them by itself), and LM_CONFLICT is the answer when the source changes meanwhile. A directory is
 * staged beside its destination and put in its place at once, which the store must be able to
 * (LM_UNSUPPORTED); symlinks to files become files, empty directories are not copied. */
LM_API LM_MUST_USE lm_status lm_path_copy(const char *source, const char *path,
                                          const lm_copy_options *options, lm_copy_result *result,
                                          lm_error *error);

#endif
