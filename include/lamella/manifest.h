/*
 * The sidecar: a small JSON file that says what a published file is, and the verdict on a file by
 * it.
 *
 * `NAME.manifest.json` stands beside a file, `_manifest.json` inside a directory. Two files cannot
 * be replaced in one step, so a sidecar binds by checksum: it tells the file that it speaks of, and
 * the one before, and lm_verify says whether what is there is either of them. docs/sidecar.md tells
 * the format.
 */
#ifndef LAMELLA_MANIFEST_H
#define LAMELLA_MANIFEST_H

#include <lamella/base.h>
#include <lamella/storage.h>

#define LM_MANIFEST_SUFFIX ".manifest.json"
#define LM_MANIFEST_DIRECTORY_NAME "_manifest.json"

typedef struct lm_manifest_pair {
    const char *key, *value;
} lm_manifest_pair;

/* What the caller knows of what is published. All zero is right. Texts are UTF-8. */
typedef struct lm_manifest {
    const char *run_id;          /* NULL: a new UUID */
    const char *source_snapshot; /* NULL: not known */
    const char *schema_hash;     /* "sha256:…" of the canonical schema text; NULL: not known */
    bool has_rows;
    uint64_t rows;
    const lm_manifest_pair *pairs; /* the caller's own; keys differ */
    size_t pair_count;
} lm_manifest;

typedef enum lm_verdict {
    LM_VERDICT_OK = 0,       /* what the sidecar tells */
    LM_VERDICT_PREVIOUS = 1, /* the one before: the newer publication never came to its commit */
    LM_VERDICT_STALE = 2,    /* the sidecar speaks of another file */
    LM_VERDICT_CORRUPT = 3,  /* the file that it speaks of, with other bytes; or no valid sidecar */
    LM_VERDICT_MISSING = 4,  /* the file */
    LM_VERDICT_MANIFEST_MISSING = 5, /* the sidecar */
    LM_VERDICT_EXTRA = 6,            /* in a directory: a file that the manifest does not name */
} lm_verdict;

/* "ok", "previous", "stale", "corrupt", "missing", "manifest_missing", "extra". */
LM_API const char *lm_verdict_word(lm_verdict verdict);

typedef struct lm_verified {
    const char *path; /* of the file; for a file in a directory, below it */
    lm_verdict verdict;
    const char *reason; /* a clause for people; never NULL */
    uint64_t bytes;     /* of the file, 0 when it is missing */
} lm_verified;

/* Called for each file of a directory, and at the end for the path itself. Any status but LM_OK
 * ends the verification and is its result. */
typedef lm_status lm_verify_callback(void *context, const lm_verified *verified, lm_error *error);

typedef struct lm_verify_options {
    int threads;                  /* for a directory; 0: as many as there are processors */
    bool extra_ok;                /* extra files do not spoil a directory */
    lm_verify_callback *callback; /* may be NULL */
    void *context;
    lm_cancel *cancel;         /* may be NULL */
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_verify_options;

/* A file or a directory against its sidecar; a symlink is followed first. LM_OK for OK and
 * PREVIOUS, LM_STALE, LM_CORRUPT or LM_NOT_FOUND for the others; a directory with extra files is
 * stale. */
LM_API LM_MUST_USE lm_status lm_verify(const char *path, const lm_verify_options *options,
                                       lm_error *error);

#endif
