/* The byte strings of an array, as the encoders take them. */
#ifndef LM_ARROW_STRINGS_H
#define LM_ARROW_STRINGS_H

#include "arrow/view.h"
#include "base/strings.h"

/* Of binary, large binary and views. Arrow may have no bytes at all where every string is empty;
 * the encoders want to point somewhere. */
static inline lm_strings lm__array_strings(const lm_array *array)
{
    lm_strings strings = {.data = array->values ? array->values : (const uint8_t *)""};
    switch (array->field->type.layout) {
    case LM_LAYOUT_BINARY:
        strings.kind = LM_STRINGS_OFFSETS32;
        strings.offsets = array->offsets;
        break;
    case LM_LAYOUT_LARGE_BINARY:
        strings.kind = LM_STRINGS_OFFSETS64;
        strings.offsets = array->offsets;
        break;
    default:
        strings.kind = LM_STRINGS_VIEWS;
        strings.offsets = array->values;
        strings.buffers = (const uint8_t *const *)array->variadic;
    }
    return lm__strings_skip(strings, (size_t)array->offset);
}

#endif
