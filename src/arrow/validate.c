/*
 * Arrays from outside, looked at; see validate.h.
 *
 * The loops over rows gather one flag over all of them, so that they run at the speed of memory;
 * only when it says that something is wrong a second loop finds the row. Null rows are exempt where
 * the format leaves their contents open (indices, views, decimals, text), and then the second loop
 * decides.
 */
#include "arrow/validate.h"

#include <stdarg.h>
#include <stdio.h>

#include "arrow/int256.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

/* The structure. */

static lm_status check_span(const lm_array *array, const lm_path *path, lm_error *error)
{
    int64_t first, last;
    lm__array_span(array, &first, &last);
    if (first < 0 || last < first)
        return lm__path_error(error, LM_DATA, path, "offsets that go from %lld to %lld",
                              (long long)first, (long long)last);
    if (array->n_children && last > array->children[0].length)
        return lm__path_error(error, LM_DATA, path, "its lists end at item %lld of %lld",
                              (long long)last, (long long)array->children[0].length);
    if (!array->n_children && !array->values && last > 0)
        return lm__path_error(error, LM_DATA, path, "%lld bytes, but their buffer is missing",
                              (long long)last);
    return LM_OK;
}

static int64_t run_end_at(const lm_array *ends, int64_t run)
{
    int64_t at = ends->offset + run;
    switch (ends->field->type.id) {
    case LM_TYPE_INT16: return ((const int16_t *)ends->values)[at];
    case LM_TYPE_INT32: return ((const int32_t *)ends->values)[at];
    default: return ((const int64_t *)ends->values)[at];
    }
}

static lm_status check_runs(const lm_array *array, const lm_path *path, lm_error *error)
{
    const lm_array *ends = &array->children[0], *values = &array->children[1];
    int64_t need = array->offset + array->length;
    if (lm__array_null_count(ends) > 0)
        return lm__path_error(error, LM_DATA, path, "a run end that is null");
    if (values->length < ends->length)
        return lm__path_error(error, LM_DATA, path, "%lld run ends, but %lld values",
                              (long long)ends->length, (long long)values->length);
    if (array->length == 0) return LM_OK;
    int64_t end = ends->length > 0 ? run_end_at(ends, ends->length - 1) : 0;
    if (end >= need) return LM_OK;
    return lm__path_error(error, LM_DATA, path, "its runs end at row %lld of %lld", (long long)end,
                          (long long)need);
}

lm_status lm__array_check_structure(const lm_array *array, const lm_path *path, lm_error *error)
{
    int64_t need = array->offset + array->length;
    switch (array->field->type.layout) {
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST: return check_span(array, path, error);
    case LM_LAYOUT_RUN_END: return check_runs(array, path, error);
    case LM_LAYOUT_FIXED_LIST:
        if (__builtin_mul_overflow(need, (int64_t)array->field->type.list_size, &need) ||
            need > LM_ARROW_ROWS_MAX)
            return lm__path_error(error, LM_LIMIT, path, "more items than there can be");
        break;
    case LM_LAYOUT_STRUCT: break;
    default: return LM_OK;
    }
    for (int32_t i = 0; i < array->n_children; i++) {
        lm_path below = {path, array->children[i].field->name};
        if (array->children[i].length < need)
            return lm__path_error(error, LM_DATA, &below, "%lld rows, where %lld are needed",
                                  (long long)array->children[i].length, (long long)need);
    }
    return LM_OK;
}

static lm_status check_tree(const lm_array *array, const lm_path *path, lm_error *error)
{
    for (int32_t i = 0; i < array->n_children; i++) {
        lm_path below = {path, array->children[i].field->name};
        LM_TRY(check_tree(&array->children[i], &below, error));
    }
    if (array->dictionary) LM_TRY(check_tree(array->dictionary, path, error));
    return lm__array_check_structure(array, path, error);
}

/* The rows. */

/* The arrays above one: what is beneath a null of theirs is as good as null. */
typedef struct above {
    const struct above *up;
    lm_bits valid;
    int64_t rows_each; /* rows below for a row of this one: 1 in structs, more in fixed lists */
} above;

typedef struct checker {
    lm_batch *batch; /* which owns what is made here */
    bool text;
    int64_t first_row;
    const char *noun; /* "row", or "item" within lists */
    const above *above;
    lm_error *error;
} checker;

LM_PRINTF(4, 5)
static lm_status refuse_row(const checker *c, const lm_path *path, int64_t row, const char *format,
                            ...)
{
    char why[200];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return lm__path_error(c->error, LM_DATA, path, "%s %lld: %s", c->noun,
                          (long long)(c->first_row + row), why);
}

/* Offsets that never fall, and stay within those of the whole array, which have been looked at: the
 * slice may be a part of it whose ends nobody has seen. */
static lm_status check_offsets(const checker *c, const lm_array *whole, const lm_array *array,
                               const lm_path *path)
{
    int64_t length = array->length, bad = -1, least, most, first, last;
    lm__array_span(whole, &least, &most);
    lm__array_span(array, &first, &last);
    if (first < least || last > most)
        return lm__path_error(c->error, LM_DATA, path,
                              "offsets from %lld to %lld in a part, from %lld to %lld in all",
                              (long long)first, (long long)last, (long long)least, (long long)most);
    lm_layout layout = array->field->type.layout;
    if (layout == LM_LAYOUT_BINARY || layout == LM_LAYOUT_LIST) {
        const int32_t *offsets = (const int32_t *)array->offsets + array->offset;
        uint32_t falls = 0;
        for (int64_t i = 0; i < length; i++) falls |= offsets[i + 1] < offsets[i];
        for (int64_t i = 0; falls && bad < 0; i++)
            if (offsets[i + 1] < offsets[i]) bad = i;
    } else {
        const int64_t *offsets = (const int64_t *)array->offsets + array->offset;
        uint64_t falls = 0;
        for (int64_t i = 0; i < length; i++) falls |= offsets[i + 1] < offsets[i];
        for (int64_t i = 0; falls && bad < 0; i++)
            if (offsets[i + 1] < offsets[i]) bad = i;
    }
    if (bad < 0) return LM_OK;
    return refuse_row(c, path, bad, "its offset falls");
}

static lm_status check_list_views(const checker *c, const lm_array *array, const lm_path *path)
{
    int64_t items = array->children[0].length;
    for (int64_t row = 0; row < array->length; row++) {
        int64_t start, size;
        lm__array_list_range(array, row, &start, &size);
        if (start < 0 || size < 0 || start > items || size > items - start)
            return refuse_row(c, path, row, "%lld items from %lld, where there are %lld",
                              (long long)size, (long long)start, (long long)items);
    }
    return LM_OK;
}

/* The part of a child that an array refers to; of a list view the range that its rows cover. */
static lm_array covered_child(const lm_array *array, int32_t child)
{
    lm_layout layout = array->field->type.layout;
    lm_array part = lm__array_child(array, child);
    if (layout != LM_LAYOUT_LIST_VIEW && layout != LM_LAYOUT_LARGE_LIST_VIEW) return part;
    int64_t low = part.length, high = 0;
    for (int64_t row = 0; row < array->length; row++) {
        int64_t start, size;
        lm__array_list_range(array, row, &start, &size);
        if (size == 0) continue;
        if (start < low) low = start;
        if (start + size > high) high = start + size;
    }
    return lm__array_slice(&part, low < high ? low : 0, low < high ? high - low : 0);
}

#define GREATEST(type)                                                                             \
    do {                                                                                           \
        const type *indices = (const type *)array->values + array->offset;                         \
        type most = 0;                                                                             \
        for (int64_t i = 0; i < array->length; i++) most = indices[i] > most ? indices[i] : most;  \
        return most;                                                                               \
    } while (0)

/* The greatest index as if all were unsigned and none null: negative ones are the greatest. */
static uint64_t greatest_index(const lm_array *array)
{
    switch (array->field->type.byte_width) {
    case 1: GREATEST(uint8_t);
    case 2: GREATEST(uint16_t);
    case 4: GREATEST(uint32_t);
    default: GREATEST(uint64_t);
    }
}

static lm_status check_indices(const checker *c, const lm_array *array, const lm_path *path)
{
    int64_t values = array->dictionary->length;
    if (array->length == 0 || greatest_index(array) < (uint64_t)values) return LM_OK;
    for (int64_t row = 0; row < array->length; row++) {
        if (!lm__array_valid(array, row)) continue;
        int64_t index = lm__array_index(array, row);
        if (index < 0 || index >= values)
            return refuse_row(c, path, row, "index %lld into a dictionary of %lld",
                              (long long)index, (long long)values);
    }
    return LM_OK;
}

static lm_status check_views(const checker *c, const lm_array *array, const lm_path *path)
{
    const lm_view *views = (const lm_view *)array->values + array->offset;
    for (int64_t row = 0; row < array->length; row++) {
        const lm_view *view = &views[row];
        if ((uint32_t)view->size <= LM_VIEW_INLINE_MAX) continue;
        if (!lm__array_valid(array, row)) continue;
        if (view->size < 0 || view->buffer < 0 || view->buffer >= array->n_variadic ||
            view->offset < 0 ||
            (int64_t)view->offset + view->size > array->variadic_sizes[view->buffer])
            return refuse_row(c, path, row, "%d bytes at %d of data buffer %d of %d", view->size,
                              view->offset, view->buffer, array->n_variadic);
    }
    return LM_OK;
}

/* Whether every value, null ones too, has at most `precision` digits. */
static bool decimals_fit(const lm_array *array)
{
    const lm_type *type = &array->field->type;
    lm_i256 limit = lm__i256_pow10(type->precision);
    uint64_t low = limit.limb[0];
    bool bad = false;
    /* -limit < v < limit is one unsigned comparison of v + limit - 1. */
    if (type->byte_width == 4) {
        const uint32_t *values = lm__array_fixed(array);
        uint32_t most = (uint32_t)low - 1;
        for (int64_t i = 0; i < array->length; i++) bad |= values[i] + most > 2 * most;
    } else if (type->byte_width == 8) {
        const uint64_t *values = lm__array_fixed(array);
        uint64_t most = low - 1;
        for (int64_t i = 0; i < array->length; i++) bad |= values[i] + most > 2 * most;
    } else if (type->byte_width == 16) {
        const uint8_t *values = lm__array_fixed(array);
        unsigned __int128 most = ((unsigned __int128)limit.limb[1] << 64 | low) - 1;
        for (int64_t i = 0; i < array->length; i++) {
            unsigned __int128 value;
            memcpy(&value, values + 16 * i, 16);
            bad |= value + most > 2 * most;
        }
    } else {
        const uint8_t *values = lm__array_fixed(array);
        for (int64_t i = 0; i < array->length && !bad; i++)
            bad = !lm__i256_fits(lm__i256_load(values + 32 * i, 32), type->precision);
    }
    return !bad;
}

static lm_status check_decimals(const checker *c, const lm_array *array, const lm_path *path)
{
    if (decimals_fit(array)) return LM_OK;
    const lm_type *type = &array->field->type;
    for (int64_t row = 0; row < array->length; row++) {
        if (!lm__array_valid(array, row)) continue;
        size_t size;
        lm_i256 value = lm__i256_load(lm__array_bytes(array, row, &size), type->byte_width);
        if (lm__i256_fits(value, type->precision)) continue;
        char text[LM_DECIMAL_TEXT_MAX];
        size = lm__decimal_text(value, type->scale, text);
        return refuse_row(c, path, row, "%.*s has more than %d digits", (int)size, text,
                          type->precision);
    }
    return LM_OK;
}

static lm_status check_run_ends(const checker *c, const lm_array *ends, const lm_path *path)
{
    int64_t before = 0;
    for (int64_t run = 0; run < ends->length; run++) {
        int64_t end = run_end_at(ends, run);
        if (end <= before)
            return lm__path_error(c->error, LM_DATA, path, "run %lld ends at %lld, after %lld",
                                  (long long)run, (long long)end, (long long)before);
        before = end;
    }
    return LM_OK;
}

/* Text. */

static lm_status refuse_text(const checker *c, const lm_array *array, const lm_path *path)
{
    for (int64_t row = 0; row < array->length; row++) {
        if (!lm__array_valid(array, row)) continue;
        size_t size;
        const uint8_t *bytes = lm__array_bytes(array, row, &size);
        size_t valid = lm__utf8_valid_prefix(bytes, size);
        if (valid != size)
            return refuse_row(c, path, row, "byte %zu (0x%02x) is not UTF-8", valid, bytes[valid]);
    }
    return LM_OK;
}

static bool is_ascii(const uint8_t *bytes, int64_t size)
{
    uint8_t all = 0;
    for (int64_t i = 0; i < size; i++) all |= bytes[i];
    return all < 0x80;
}

#define STARTS(type)                                                                               \
    do {                                                                                           \
        const type *offsets = (const type *)array->offsets + array->offset;                        \
        int64_t count = array->length;                                                             \
        while (count > 0 && offsets[count - 1] == last) count--; /* empty ones at the end */       \
        for (int64_t i = 0; i < count; i++) bad |= (bytes[offsets[i]] & 0xc0) == 0x80;             \
    } while (0)

/* All bytes at once; then no value may begin within a character. */
static bool text_is_valid(const lm_array *array)
{
    int64_t first, last;
    lm__array_span(array, &first, &last);
    const uint8_t *bytes = array->values;
    if (first == last || is_ascii(bytes + first, last - first)) return true;
    if (!lm__utf8_valid(bytes + first, (size_t)(last - first))) return false;
    bool bad = false;
    if (array->field->type.layout == LM_LAYOUT_BINARY)
        STARTS(int32_t);
    else
        STARTS(int64_t);
    return !bad;
}

/* Short values by the bytes of their views (zeroes follow the value), long ones by their own. */
static bool views_are_valid(const lm_array *array)
{
    const lm_view *views = (const lm_view *)array->values + array->offset;
    const uint64_t high = 0x8080808080808080u;
    for (int64_t row = 0; row < array->length; row++) {
        uint64_t words[2];
        memcpy(words, &views[row], sizeof words);
        bool is_short = (uint32_t)views[row].size <= LM_VIEW_INLINE_MAX;
        if (is_short && ((words[0] >> 32 | words[1]) & high) == 0) continue;
        size_t size;
        if (!lm__array_valid(array, row)) continue;
        const uint8_t *bytes = lm__array_bytes(array, row, &size);
        if (!lm__utf8_valid(bytes, size)) return false;
    }
    return true;
}

static lm_status check_text(const checker *c, const lm_array *array, const lm_path *path)
{
    bool views = array->field->type.layout == LM_LAYOUT_VIEW;
    if (views ? views_are_valid(array) : text_is_valid(array)) return LM_OK;
    return refuse_text(c, array, path);
}

/* The tree. */

/* What a null row may leave open. */
static lm_status check_values(const checker *c, const lm_array *array, const lm_path *path)
{
    const lm_type *type = &array->field->type;
    if (type->layout == LM_LAYOUT_VIEW) LM_TRY(check_views(c, array, path));
    if (type->id == LM_TYPE_DICTIONARY) LM_TRY(check_indices(c, array, path));
    if (lm__type_is_decimal(type->id)) LM_TRY(check_decimals(c, array, path));
    if (c->text && lm__type_is_text(type->id)) LM_TRY(check_text(c, array, path));
    return LM_OK;
}

/* A count from outside is not trusted: who allocates by it would be led astray. */
static void set_null_count(lm_array *whole, lm_array *slice)
{
    if (!whole->validity) return;
    if (slice->offset != whole->offset || slice->length != whole->length) {
        whole->null_count = slice->null_count = -1;
        return;
    }
    whole->null_count = -1;
    whole->null_count = slice->null_count = lm__array_null_count(whole);
    if (whole->null_count == 0) whole->validity = slice->validity = NULL;
}

static bool is_dead(const above *up, int64_t row)
{
    for (; up; up = up->up) {
        row /= up->rows_each;
        if (!lm__bits_get(up->valid, (size_t)row)) return true;
    }
    return false;
}

/* Gives the array a bitmap of its own in which rows beneath a null are null themselves. */
static lm_status mask_dead(const checker *c, lm_array *whole, lm_array *slice)
{
    size_t bits = (size_t)(whole->offset + whole->length);
    uint8_t *own = lm__alloc(c->batch->allocator, (bits + 7) / 8);
    if (!own) return lm__error_memory(c->error, "validating an array");
    lm__bits_copy(own, 0, (lm_bits){whole->validity, 0}, bits);
    for (int64_t row = 0; row < slice->length; row++)
        if (is_dead(c->above, row)) lm__bit_clear(own, slice->offset + row);
    whole->validity = slice->validity = own;
    set_null_count(whole, slice);
    if (lm__batch_own_memory_take(c->batch, own) == LM_OK) return LM_OK;
    return lm__error_memory(c->error, "validating an array");
}

static lm_status check_slice(const checker *c, lm_array *whole, lm_array slice,
                             const lm_path *path);

static lm_status check_children(const checker *c, const lm_array *array, const lm_path *path)
{
    lm_layout layout = array->field->type.layout;
    lm_array *children = (lm_array *)array->children; /* ours, in the batch's arena */
    checker inner = *c;
    above here = {c->above, lm__array_bits(array), 1};
    inner.above = NULL;
    if (layout == LM_LAYOUT_FIXED_LIST) here.rows_each = array->field->type.list_size;
    if (layout == LM_LAYOUT_STRUCT || (layout == LM_LAYOUT_FIXED_LIST && here.rows_each > 0))
        inner.above = array->validity || c->above ? &here : NULL;
    if (layout != LM_LAYOUT_STRUCT) {
        inner.first_row = 0;
        inner.noun = "item";
    }
    for (int32_t i = 0; i < array->n_children; i++) {
        lm_path below = {path, children[i].field->name};
        LM_TRY(check_slice(&inner, &children[i], covered_child(array, i), &below));
    }
    if (!array->dictionary) return LM_OK;
    lm_array *dictionary = (lm_array *)array->dictionary;
    inner.noun = "value";
    return check_slice(&inner, dictionary, *dictionary, path);
}

static lm_status check_slice(const checker *c, lm_array *whole, lm_array slice, const lm_path *path)
{
    set_null_count(whole, &slice);
    switch (slice.field->type.layout) {
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST: LM_TRY(check_offsets(c, whole, &slice, path)); break;
    case LM_LAYOUT_LIST_VIEW:
    case LM_LAYOUT_LARGE_LIST_VIEW: LM_TRY(check_list_views(c, &slice, path)); break;
    case LM_LAYOUT_RUN_END: LM_TRY(check_run_ends(c, &slice.children[0], path)); break;
    default: break;
    }
    lm_status status = check_values(c, &slice, path);
    if (status == LM_DATA && c->above) {
        /* Some builders leave anything at all beneath a null. */
        lm_error_clear(c->error);
        LM_TRY(mask_dead(c, whole, &slice));
        status = check_values(c, &slice, path);
    }
    LM_TRY(status);
    return check_children(c, &slice, path);
}

lm_status lm__batch_check_rows(lm_batch *batch, lm_validate validate, int64_t first_row,
                               lm_error *error)
{
    if (validate < LM_VALIDATE_FULL) return LM_OK;
    checker c = {
        .batch = batch,
        .text = validate >= LM_VALIDATE_TEXT,
        .first_row = first_row,
        .noun = "row",
        .error = error,
    };
    return check_slice(&c, &batch->root, batch->root, NULL);
}

lm_status lm__batch_validate(lm_batch *batch, lm_validate validate, lm_error *error)
{
    if (validate >= LM_VALIDATE_STRUCTURE) LM_TRY(check_tree(&batch->root, NULL, error));
    return lm__batch_check_rows(batch, validate, 0, error);
}
