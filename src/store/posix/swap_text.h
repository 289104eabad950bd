/*
 * An exchange's journal as bytes:
 *
 *     {"lamella_swap": 1, "destination": "out", "staged": "out.new",
 *      "old": {"inode": 12, "birth_ns": 17…, "mtime_ns": 17…}, "new": {…}}
 *
 * "staged" is relative to the destination's directory, or a whole path; names that are not UTF-8
 * are told as base/json_path.h says.
 */
#ifndef LM_STORE_POSIX_SWAP_TEXT_H
#define LM_STORE_POSIX_SWAP_TEXT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "store/posix/swap.h"

typedef struct lm_swap_text {
    const char *destination, *staged;
    lm_tree_identity old, new;
} lm_swap_text;

LM_MUST_USE lm_status lm__swap_text_write(const lm_swap_text *text, lm_buffer *out,
                                          lm_error *error);
/* LM_CORRUPT for anything that is not a whole journal. */
LM_MUST_USE lm_status lm__swap_text_read(lm_sys *sys, int fd, lm_arena *arena, lm_swap_text *text,
                                         lm_error *error);

/* The tree's name of a journal's. */
void lm__swap_tree_name(const char *journal, char tree[LM_TEMP_NAME_MAX]);

/* 0, or -errno. */
int lm__tree_identity_at(lm_sys *sys, int directory, const char *name, lm_tree_identity *identity);
bool lm__tree_identity_same(const lm_tree_identity *a, const lm_tree_identity *b);

#endif
