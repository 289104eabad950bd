/*
 * From a path or URL to the store that it lies on.
 *
 * Where it stands: everything that takes a path from a caller comes through here, and knows from
 * then on a store and a path on it, and nothing of schemes.
 *
 * Invariants
 *  1. What a store is given is the whole URL, as the caller wrote it: so results and messages name
 *     things as the caller does, and paths are joined and taken apart as those of files are. Only
 *     `file:` URLs become the system's paths.
 *  2. Nothing is decoded: a path's bytes are those of the name.
 *  3. A name with a scheme that no store has is LM_UNSUPPORTED, never taken for a file's name. (A
 *     scheme has two letters or more and is followed by `://`; `./a://b` is a file.)
 */
#ifndef LM_STORE_PLACE_H
#define LM_STORE_PLACE_H

#include <lamella/storage.h>

#include "store/store.h"

/* The store of `url`, and the path to give it, which lies in `url`. The caller closes the store;
 * of `storage` (may be NULL) trace and cancel must outlive it and all that was opened of it. */
LM_MUST_USE lm_status lm__store_for(const lm_allocator *allocator, const char *url,
                                    const lm_storage *storage, lm_store **store, const char **path,
                                    lm_error *error);

/* How long the part is that names the store: "webhdfs://host:9870" of a URL, 0 for files. What
 * follows it begins with '/', or is nothing. Patterns and parents are to be looked for behind it
 * only. */
size_t lm__place_root_size(const char *url);
/* Is it a path of this system, by `file:` or without a scheme? Then *path is the plain path. */
bool lm__place_is_local(const char *url, const char **path);
/* The path that its store is given. */
const char *lm__place_path(const char *url);
/* LM_UNSUPPORTED, for what only local files can do: "what" is a clause, as "guard runs a program
 * that writes to a file of this system". */
LM_MUST_USE lm_status lm__place_require_local(const char *url, const char *what, const char **path,
                                              lm_error *error);
/* Do both lie on the same store, as far as their names tell? */
bool lm__place_is_same(const char *a, const char *b);

/* The value of an option, or NULL: of "NAME.KEY" if it is there, else of "KEY". */
const char *lm__storage_value(const lm_storage *storage, const char *name, const char *key);

#endif
