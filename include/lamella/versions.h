/*
 * A result that is replaced as a whole, on stores that cannot exchange directories too: each
 * publication is a version of its own, and the newest one is what readers get.
 *
 *     PREFIX/_runs/<run id>/           a version: files, and _manifest.json with their checksums
 *     PREFIX/_runs/_log/<20 digits>.json   which versions there are, in their order: the truth
 *     PREFIX/latest                    the newest one, for whoever looks by hand: a hint
 *
 * A version is put in place where nobody looks, then its entry of the log is made: that is the one
 * visible step. docs/versions.md tells the format.
 */
#ifndef LAMELLA_VERSIONS_H
#define LAMELLA_VERSIONS_H

#include <lamella/commit.h>
#include <lamella/manifest.h>
#include <lamella/storage.h>

#define LM_VERSION_RUN_ID_MAX 128
#define LM_VERSION_PATH_MAX 4096
#define LM_VERSION_TIME_MAX 40
#define LM_VERSION_CHECKSUM_MAX 80

typedef struct lm_version_info {
    int64_t number; /* from 0 */
    char run_id[LM_VERSION_RUN_ID_MAX];
    char path[LM_VERSION_PATH_MAX];         /* of its directory */
    char created_at[LM_VERSION_TIME_MAX];   /* RFC 3339 */
    uint64_t files, bytes;                  /* without _manifest.json */
    char checksum[LM_VERSION_CHECKSUM_MAX]; /* of its _manifest.json: "sha256:…" */
    bool is_there;                          /* false: it was removed, to keep few */
} lm_version_info;

/* All zero is the default of everything. */
typedef struct lm_version_options {
    lm_durability durability; /* FILE is FULL here */
    const lm_manifest
        *manifest;             /* what _manifest.json says besides; its run id names the version */
    const char *checksum;      /* of the files: "sha256" (NULL means that), "crc32c" */
    unsigned keep;             /* only so many of the newest versions stay; 0: all of them */
    int threads;               /* 0: as many as there are processors */
    lm_cancel *cancel;         /* may be NULL */
    const lm_storage *storage; /* how a URL's store is reached; NULL: the defaults */
    const lm_allocator *allocator;
} lm_version_options;

typedef struct lm_version_result {
    lm_commit_state state;
    lm_version_info version;
    bool latest_left;  /* the file `latest` could not be replaced: it names an older version */
    unsigned removed;  /* versions that were too many, */
    bool removal_left; /* and some that could not be removed wholly */
} lm_version_result;

/* The directory `staged`, on the store of `prefix`, becomes its newest version. On failure before
 * the version was made `staged` is as it was, or has a _manifest.json more. LM_EXISTS when the run
 * id has a version. result may be NULL. */
LM_API LM_MUST_USE lm_status lm_version_publish(const char *staged, const char *prefix,
                                                const lm_version_options *options,
                                                lm_version_result *result, lm_error *error);

/* Which one: all zero is the newest. */
typedef struct lm_version_which {
    const char *run_id; /* or */
    bool by_number;
    int64_t number;
} lm_version_which;

/* LM_NOT_FOUND when there is no such version, or it was removed. `which` may be NULL. */
LM_API LM_MUST_USE lm_status lm_version_resolve(const char *prefix, const lm_version_which *which,
                                                const lm_version_options *options,
                                                lm_version_info *version, lm_error *error);

/* Any status but LM_OK ends the listing and is its result. */
typedef lm_status lm_version_callback(void *context, const lm_version_info *version,
                                      lm_error *error);
/* All versions, the newest first. */
LM_API LM_MUST_USE lm_status lm_version_list(const char *prefix, const lm_version_options *options,
                                             lm_version_callback *callback, void *context,
                                             lm_error *error);

#endif
