/* Names of kept files, `.NAME.keep-20261121T024306.123456789Z`, and lists of them. */
#ifndef LM_PUBLISH_KEEP_NAME_H
#define LM_PUBLISH_KEEP_NAME_H

#include "base/arena.h"

#define LM_KEEP_INFIX ".keep-"
#define LM_KEEP_STAMP_SHAPE "00000000T000000.000000000Z"
#define LM_KEEP_STAMP_SIZE (sizeof LM_KEEP_STAMP_SHAPE - 1)
/* How much longer than the file's own name a kept name is. */
#define LM_KEEP_NAME_EXTRA (1 + sizeof LM_KEEP_INFIX - 1 + LM_KEEP_STAMP_SIZE)

typedef struct lm_keep_name {
    const char *name;
    bool is_standing; /* a link to what stands at the path itself */
} lm_keep_name;

typedef struct lm_keep_names {
    lm_arena arena;
    lm_keep_name *items;
    size_t count, capacity;
} lm_keep_names;

bool lm__keep_name_is(const char *name, const char *of, size_t of_size);
void lm__keep_stamp(int64_t wall_ns, char stamp[LM_KEEP_STAMP_SIZE + 1]);

void lm__keep_names_init(lm_keep_names *names, const lm_allocator *allocator);
void lm__keep_names_deinit(lm_keep_names *names);
LM_MUST_USE lm_status lm__keep_names_add(lm_keep_names *names, const char *name, bool is_standing,
                                         lm_error *error);
/* Oldest first. */
void lm__keep_names_sort(lm_keep_names *names);

#endif
