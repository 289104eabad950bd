/*
 * The words of a commit, which stores and publications share: how durable, on what condition, by
 * which way, and how it ended.
 */
#ifndef LAMELLA_COMMIT_H
#define LAMELLA_COMMIT_H

#include <lamella/base.h>

/* What survives a power cut once finish has returned LM_OK. */
typedef enum lm_durability {
    LM_DURABILITY_FULL = 0, /* the bytes and the name */
    LM_DURABILITY_FILE = 1, /* the bytes, under the old name or the new */
    LM_DURABILITY_NONE = 2, /* nothing is promised; readers still see old or new */
} lm_durability;

typedef enum lm_commit_mode {
    LM_COMMIT_REPLACE = 0,
    LM_COMMIT_IF_ABSENT = 1, /* LM_EXISTS if anything is there */
    LM_COMMIT_IF_MATCH = 2,  /* LM_CONFLICT unless what is there has the checksum `match` */
} lm_commit_mode;

/* Around the page cache or through it. */
typedef enum lm_direct {
    LM_DIRECT_AUTO = 0, /* around it for large durable files, where the file system can */
    LM_DIRECT_NEVER = 1,
    LM_DIRECT_ALWAYS = 2, /* from the first buffer on, where the file system can */
} lm_direct;

/* Things that were asked for implicitly and could not be kept. */
#define LM_FILE_WARN_OWNER 1u /* the owner of the replaced file */
#define LM_FILE_WARN_GROUP 2u /* its group; group permissions were narrowed to those of others */
#define LM_FILE_WARN_ACL 4u   /* its access control list */
#define LM_FILE_WARN_XATTR 8u /* some of its user.* attributes */
#define LM_FILE_WARN_LOCK                                                                          \
    16u /* the file system has no locks: gc cannot tell a live temporary file */
#define LM_FILE_WARN_MANIFEST 32u /* a manifest beside the file speaks of another one */
#define LM_FILE_WARN_KEEP 64u     /* some of the kept files that are too many are still there */
#define LM_FILE_WARN_LAST LM_FILE_WARN_KEEP

typedef enum lm_commit_state {
    LM_COMMIT_NOT_DONE = 0,
    LM_COMMIT_DONE = 1,
    LM_COMMIT_VISIBLE = 2, /* LM_UNKNOWN_DURABILITY */
    LM_COMMIT_UNKNOWN = 3, /* LM_UNKNOWN_OUTCOME */
} lm_commit_state;

#endif
