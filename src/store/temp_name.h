/*
 * The names of what is not published yet, the same on every store that has directories:
 * `.lamella-<32 hex>` and a suffix that tells what it is. Listings do not show them, and gc knows
 * what dead writers left by them. lamella.spark and merges have names of their own.
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

/* What else of Lamella's is hidden and may be left after an interruption. Nothing in it is locked.
 */
typedef enum lm_left {
    LM_LEFT_NOTHING,
    LM_LEFT_SPARK,   /* .lamella-spark-<32 hex>: a directory that a Spark job writes its parts to */
    LM_LEFT_PROBE,   /* .lamella-probe-<32 hex>: a file of a byte */
    LM_LEFT_TARGET,  /* .lamella-merge-<32 hex>[.part]: parts that were joined */
    LM_LEFT_JOURNAL, /* .lamella-merge.journal */
} lm_left;

lm_left lm__left_name(const char *name);
/* Why gc leaves the last two alone. */
const char *lm__left_reason(lm_left left);

#endif
