/*
 * The sidecar as bytes: records are written and read here, and nowhere else.
 *
 * Where it stands: publish/file calls it between seal and commit, publish/directory before a tree
 * is synced, publish/verify to read. The format is told in docs/sidecar.md.
 *
 * Invariants
 *  1. A sidecar that is written holds the record of the file to come and the record of the file
 *     that stands at the path, made from its bytes where none is known. So whether the commit comes
 *     or not, the file that is there has its record (as long as one writer at a time is at work).
 *  2. The record kept as "previous" is the one that describes the file that stands, which is not
 *     always the newest: a publication that died before its commit left one of a file that never
 *     came.
 *  3. What is read is untrusted: sizes and types are checked, what does not fit is LM_CORRUPT.
 */
#ifndef LM_PUBLISH_SIDECAR_H
#define LM_PUBLISH_SIDECAR_H

#include <lamella/manifest.h>

#include "base/hash.h"
#include "base/json_path.h"
#include "store/store.h"

#define LM_SIDECAR_FORMAT 1

/* One record, as read: what verify needs of it. Strings live in the arena it was read into. */
typedef struct lm_sidecar_record {
    uint64_t bytes;
    lm_checksum_kind kind;
    char checksum[LM_CHECKSUM_TEXT_MAX];
    uint64_t inode;   /* 0: not told */
    int64_t mtime_ns; /* 0: not told */
    const lm_json *json;
} lm_sidecar_record;

typedef struct lm_sidecar {
    lm_sidecar_record current, previous;
    bool has_previous;
    const lm_json *root;
} lm_sidecar;

/* PATH.manifest.json, in `arena`; LM_INVALID when the name is longer than a name may be. */
LM_MUST_USE lm_status lm__sidecar_path(lm_arena *arena, const char *path, char **sidecar,
                                       lm_error *error);

/* Reads and checks the sidecar at `path`. LM_NOT_FOUND when there is none. */
LM_MUST_USE lm_status lm__sidecar_read(lm_store *store, const char *path, lm_arena *arena,
                                       lm_sidecar *sidecar, lm_error *error);

/* The pieces of it that a directory's manifest shares: the parsed file with its format checked, and
 * "bytes" and "checksum" of one object. */
LM_MUST_USE lm_status lm__manifest_parse(lm_store *store, const char *path, size_t size_max,
                                         lm_arena *arena, const lm_json **root, lm_error *error);
LM_MUST_USE lm_status lm__sidecar_checksum(const lm_json *object, lm_sidecar_record *record,
                                           lm_error *error);

/* A small file of our own (a sidecar, say), published in one call. */
LM_MUST_USE lm_status lm__publish_small(lm_store *store, const char *path, const void *data,
                                        size_t size, lm_durability durability, bool in_exclusive,
                                        lm_cancel *cancel, lm_error *error);

/* Writes the sidecar of the sealed file, durably if `durability` says so: before its commit, or,
 * when the file is_standing already, over the sidecar of a writer at the same time, whose record it
 * keeps in case that one's commit is still to come; that within lm__store_exclusive. */
LM_MUST_USE lm_status lm__sidecar_write(lm_store *store, const lm_sealed *sealed,
                                        const lm_manifest *manifest, bool is_standing,
                                        lm_durability durability, lm_cancel *cancel,
                                        lm_error *error);

/* Is there a sidecar beside `path`? It will be stale after a publication without a manifest. */
bool lm__sidecar_exists(lm_store *store, const char *path);

/* Checks what the caller gave: UTF-8, keys that differ. */
LM_MUST_USE lm_status lm__manifest_check(const lm_manifest *manifest, lm_error *error);
/* The members that describe a publication: tool, run_id, created_at, rows, … and "user". */
LM_MUST_USE lm_status lm__manifest_members(lm_json_writer *writer, const lm_manifest *manifest,
                                           lm_error *error);

#endif
