/*
 * Texts and a number for each: paths of a table's parts, names of applications. Texts are borrowed.
 */
#ifndef LM_TABLE_TEXT_INDEX_H
#define LM_TABLE_TEXT_INDEX_H

#include <lamella/base.h>

typedef struct lm_text_slot {
    const char *text; /* NULL: free */
    uint64_t hash;
    int64_t value;
} lm_text_slot;

typedef struct lm_text_index {
    const lm_allocator *allocator;
    lm_text_slot *slots;
    size_t capacity, count;
} lm_text_index;

void lm__text_index_init(lm_text_index *index, const lm_allocator *allocator);
void lm__text_index_deinit(lm_text_index *index);
/* NULL when the text is not there. Valid until the next add. */
int64_t *lm__text_index_find(const lm_text_index *index, const char *text);
/* A text that is not there yet. Only LM_NO_MEMORY fails, without a message. */
LM_MUST_USE lm_status lm__text_index_add(lm_text_index *index, const char *text, int64_t value);

#endif
