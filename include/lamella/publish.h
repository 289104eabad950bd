/*
 * Files published all or nothing: a reader of the path sees the old file or the new one, whole.
 *
 *     lm_file_open -> lm_file_write ... -> lm_file_finish -> lm_file_close
 *
 * The bytes go to a temporary file beside the destination; finish makes them durable and puts them
 * in place in one step. close without a successful finish leaves the destination as it was and
 * nothing beside it.
 *
 * Three statuses of finish, and of the calls below, say more than "failed":
 * LM_UNKNOWN_DURABILITY (the new file is in place, but syncing its directory failed: a power cut
 * may bring the old one back), LM_UNKNOWN_OUTCOME (nobody can say which of the two is there) and
 * LM_CONFLICT / LM_EXISTS (the condition did not hold). After any other failure the destination is
 * as it was.
 */
#ifndef LAMELLA_PUBLISH_H
#define LAMELLA_PUBLISH_H

#include <lamella/base.h>
#include <lamella/commit.h>
#include <lamella/manifest.h>
#include <lamella/sink.h>
#include <lamella/storage.h>

/* All zero is the default of everything. */
typedef struct lm_file_options {
    lm_durability durability;
    lm_commit_mode mode;
    const char *match;    /* IF_MATCH: "sha256:<hex>" or "crc32c:<hex>" */
    const char *checksum; /* "crc32c", "sha256" or "none"; NULL: crc32c, with a manifest sha256 */
    lm_direct direct;
    uint64_t size_expected; /* a hint; 0: not known */
    bool no_follow;         /* replace a symlink itself, not what it points to */
    bool keep_xattrs;       /* user.* attributes of the replaced file are carried over */
    bool no_parents;        /* a missing parent directory is an error, not made */
    const lm_manifest
        *manifest;             /* NULL: no sidecar; may be filled until finish, kept until close */
    unsigned keep;             /* how many replaced files are kept for lm_undo (lamella/upkeep.h) */
    lm_cancel *cancel;         /* may be NULL */
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_file_options;

#define LM_FILE_CHECKSUM_MAX 80
#define LM_FILE_PATH_MAX 4096

typedef struct lm_file_result {
    lm_commit_state state;
    uint64_t bytes;
    char checksum[LM_FILE_CHECKSUM_MAX]; /* "crc32c:…"; "" when none was asked for */
    char path[LM_FILE_PATH_MAX];         /* where the file stands, symlinks followed */
    int64_t mtime_ns;
    uint64_t device, inode;
    bool replaced; /* something stood there when the publication was opened */
    bool direct;   /* the bytes went around the page cache: the first read comes from the disk */
    unsigned warnings; /* LM_FILE_WARN_…, joined */
} lm_file_result;

typedef struct lm_file_publication lm_file_publication;

LM_API LM_MUST_USE lm_status lm_file_open(const char *path, const lm_file_options *options,
                                          lm_file_publication **publication, lm_error *error);
LM_API LM_MUST_USE lm_status lm_file_write(lm_file_publication *publication, const void *data,
                                           size_t size, lm_error *error);
/* The same publication as a sink: its finish is lm_file_finish, its abort throws the bytes away. It
 * belongs to the publication. */
LM_API lm_sink *lm_file_sink(lm_file_publication *publication);
/* result may be NULL; it is filled on failure too, as far as things are known. */
LM_API LM_MUST_USE lm_status lm_file_finish(lm_file_publication *publication,
                                            lm_file_result *result, lm_error *error);
/* Throws away what was not finished, and releases. Takes NULL. */
LM_API void lm_file_close(lm_file_publication *publication);

/* In one call. options and result may be NULL. */
LM_API LM_MUST_USE lm_status lm_publish_bytes(const char *path, const void *data, size_t size,
                                              const lm_file_options *options,
                                              lm_file_result *result, lm_error *error);
/* Reads `fd` (a file, a pipe, a socket) from where it stands to its end. */
LM_API LM_MUST_USE lm_status lm_publish_fd(const char *path, int fd, const lm_file_options *options,
                                           lm_file_result *result, lm_error *error);
/* The finished file `staged`, on the file system of `path`, takes the place of `path`: made durable
 * and renamed, not copied. Where it fails `staged` is still there. */
LM_API LM_MUST_USE lm_status lm_publish_file(const char *path, const char *staged,
                                             const lm_file_options *options, lm_file_result *result,
                                             lm_error *error);
/* Fills `buffer` with up to `size` bytes; *got 0 means the end, any failure ends the publication
 * with it. */
typedef lm_status lm_pull(void *context, void *buffer, size_t size, size_t *got, lm_error *error);
LM_API LM_MUST_USE lm_status lm_publish_stream(const char *path, lm_pull *pull, void *context,
                                               const lm_file_options *options,
                                               lm_file_result *result, lm_error *error);

/* The text of one LM_FILE_WARN_ bit. */
LM_API const char *lm_file_warning_text(unsigned warning);

#endif
