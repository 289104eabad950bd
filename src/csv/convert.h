/* How cells become values, for the types of convert.c and read_float.c. */
#ifndef LM_CSV_CONVERT_H
#define LM_CSV_CONVERT_H

#include <string.h>

#include "arrow/view.h"
#include "base/error.h"
#include "base/number.h"
#include "base/simd.h"
#include "csv/read.h"

lm_csv_convert *lm__csv_convert_float(const lm_type *type);

static inline lm_status lm__csv_set_null(const lm_csv_slice *slice, size_t row, lm_csv_values *out)
{
    if (!out->validity) {
        size_t bytes = slice->capacity / 8 + 1;
        out->validity = lm__csv_room_take(out->room, bytes);
        if (!out->validity) return LM_NO_MEMORY;
        memset(out->validity, 0xff, bytes);
    }
    lm__bit_clear(out->validity, (int64_t)(slice->row_first + row));
    out->null_count++;
    return LM_OK;
}

/* The day of the row before is often this one's. */
typedef struct lm_csv_day_before {
    uint64_t first; /* of the ten bytes */
    uint16_t last;
    int64_t days;
    bool known;
} lm_csv_day_before;

/* Runs `READ` for each cell of `text` and `size` that is not null; to[row] is where its value of
 * TYPE goes. It may ask for `column`, for `before`, which is of the column and the slice, and for
 * `at_text`, which is where the cell stands in the text. */
#define LM_CSV_CONVERT(attributes, name, type, READ)                                               \
    attributes static lm_status convert_##name(const lm_csv_plan *plan, size_t at,                 \
                                               const lm_csv_slice *slice, lm_csv_values *out,      \
                                               size_t *good)                                       \
    {                                                                                              \
        const lm_csv_column *column = &plan->columns[at];                                          \
        const lm_csv_span *span = slice->spans + at;                                               \
        type *to = (type *)(void *)out->values + slice->row_first;                                 \
        bool empty_only = plan->null_empty_only;                                                   \
        lm_csv_day_before before = {0};                                                            \
        (void)column;                                                                              \
        (void)before;                                                                              \
        for (size_t row = 0; row < slice->rows; row++, span += slice->columns) {                   \
            size_t at_text = span->at;                                                             \
            const char *text = (const char *)slice->text + at_text;                                \
            size_t size = lm__csv_span_size(*span);                                                \
            if (size == 0 || (!empty_only && lm__csv_is_null(plan, slice->text, *span))) {         \
                to[row] = (type){0};                                                               \
                LM_TRY(lm__csv_set_null(slice, row, out));                                         \
                continue;                                                                          \
            }                                                                                      \
            (void)at_text;                                                                         \
            if (__builtin_expect(!(READ), 0)) {                                                    \
                *good = row;                                                                       \
                return LM_OK;                                                                      \
            }                                                                                      \
        }                                                                                          \
        *good = slice->rows;                                                                       \
        return LM_OK;                                                                              \
    }

/* Up to 18 digits behind `sum`; more, or anything else, is false. Behind the text there is slack to
 * be read. */
LM_ALWAYS_INLINE bool lm__csv_take_digits(const char *text, size_t size, uint64_t *sum)
{
    uint64_t part;
    if (size > 18) return false;
    for (; size > 8; size -= 8, text += 8) {
        if (!lm__digits_value(text, 8, &part)) return false;
        *sum = *sum * 100000000 + part;
    }
    if (!lm__digits_value(text, size, &part)) return false;
    *sum = *sum * lm__pow10_u64[size] + part;
    return true;
}

#endif
