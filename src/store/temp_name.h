/*
 * The names of what is not published yet, the same on every store that has directories:
 * `.lamella-<32 hex>` and a suffix that tells what it is. Listings do not show them, and gc knows
 * what dead writers left by them.
 */
#ifndef LM_STORE_TEMP_NAME_H
#define LM_STORE_TEMP_NAME_H

#include <lamella/upkeep.h>

#define LM_TEMP_PREFIX ".lamella-"
#define LM_TEMP_FILE_SUFFIX ".tmp"
#define LM_TEMP_TREE_SUFFIX ".tree"
#define LM_TEMP_SWAP_SUFFIX ".swap" /* the journal of an exchange, posix/swap.h */
#define LM_TEMP_NAME_MAX 64

/* A name for a temporary thing; `suffix` is one of those above. */
LM_MUST_USE lm_status lm__temp_name(char name[LM_TEMP_NAME_MAX], const char *suffix,
                                    lm_error *error);
bool lm__temp_name_is(const char *name, lm_gc_what *what);

#endif
