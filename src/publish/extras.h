/*
 * What a file's publication does besides: its sidecar, and the file before kept under another name.
 *
 * Where it stands: publish/file calls _check when the stage is open, _before between seal and
 * commit, _after when the commit has answered.
 *
 * Invariants
 *  1. What can be refused is refused by _check, before a byte is staged.
 *  2. If the commit was not done, _after leaves no kept link; the sidecar that was written stays,
 *     and holds the record of the file that still stands (sidecar.h, invariant 1).
 *  3. Of several writers that publish one name with manifests at once, the last one to commit finds
 *     its record in the sidecar, or puts it there: each looks after its commit, and if the sidecar
 *     is another's and the file its own, writes again. These looks exclude each other; the first
 *     writing of a record comes before its commit, and so before the last writer's look.
 */
#ifndef LM_PUBLISH_EXTRAS_H
#define LM_PUBLISH_EXTRAS_H

#include <lamella/publish.h>

#include "publish/keep.h"
#include "store/store.h"

typedef struct lm_extras {
    const lm_manifest *manifest; /* NULL: none */
    unsigned keep;
    lm_durability durability;
    lm_cancel *cancel;
    lm_keep kept;
} lm_extras;

void lm__extras_init(lm_extras *extras, const lm_file_options *options);
LM_MUST_USE lm_status lm__extras_check(const lm_extras *extras, lm_store *store, const char *path,
                                       lm_error *error);
LM_MUST_USE lm_status lm__extras_before(lm_extras *extras, lm_store *store, const lm_sealed *sealed,
                                        lm_error *error);
/* *warnings gets LM_FILE_WARN_MANIFEST and LM_FILE_WARN_KEEP. */
void lm__extras_after(lm_extras *extras, lm_store *store, const lm_sealed *sealed,
                      lm_commit_state state, unsigned *warnings);

#endif
