/*
 * Nulls where none may be, at any depth; see validate.h.
 *
 * A first walk only counts: a tree in which every field that refuses nulls has none is done with.
 * The second walk then goes by runs of rows whose parents are there.
 */
#include "arrow/validate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Rows that are null by their values: through dictionaries and run ends. */
static bool may_have_nulls(const lm_array *array)
{
    if (lm__array_null_count(array) > 0) return array->length > 0;
    if (array->dictionary) return may_have_nulls(array->dictionary);
    if (array->field->type.layout == LM_LAYOUT_RUN_END) return may_have_nulls(&array->children[1]);
    return false;
}

/* Types that keep their nulls elsewhere have no children of the schema's to look at. */
static bool has_children(const lm_array *array)
{
    return array->field->type.layout != LM_LAYOUT_RUN_END;
}

static bool is_suspect(const lm_array *array, const lm_field *field)
{
    if (!field->nullable && may_have_nulls(array)) return true;
    for (int32_t i = 0; has_children(array) && i < array->n_children; i++) {
        lm_array child = lm__array_child(array, i);
        if (is_suspect(&child, &field->children[i])) return true;
    }
    return false;
}

static lm_status refuse(const lm_path *path, int64_t row, lm_error *error)
{
    return lm__path_error(error, LM_DATA, path, "row %lld is null, but the column is not null",
                          (long long)row);
}

/* `row` is the table's row of the array's first one, or within lists that of the list. */
typedef struct place {
    const lm_path *path;
    int64_t row;
    bool item; /* all rows of the array belong to that row of the table */
    lm_error *error;
} place;

static lm_status check_rows(const lm_array *array, const lm_field *field, const place *where);

static lm_status check_struct(const lm_array *array, const lm_field *field, const place *where)
{
    for (int32_t i = 0; i < array->n_children; i++) {
        lm_path path = {where->path, field->children[i].name};
        lm_array child = lm__array_child(array, i);
        if (!is_suspect(&child, &field->children[i])) continue;
        lm_bits_run run = {0};
        while (lm__bits_next_run(lm__array_bits(array), (size_t)array->length, &run)) {
            if (!run.set) continue;
            lm_array part = lm__array_slice(&child, (int64_t)run.start, (int64_t)run.length);
            place below = *where;
            below.path = &path;
            if (!where->item) below.row += (int64_t)run.start;
            LM_TRY(check_rows(&part, &field->children[i], &below));
        }
    }
    return LM_OK;
}

static lm_status check_lists(const lm_array *array, const lm_field *field, const place *where)
{
    lm_path path = {where->path, field->children[0].name};
    lm_array child = lm__array_child(array, 0);
    if (!is_suspect(&child, &field->children[0])) return LM_OK;
    for (int64_t row = 0; row < array->length; row++) {
        int64_t start, size;
        if (!lm__array_valid(array, row)) continue;
        lm__array_list_range(array, row, &start, &size);
        lm_array part = lm__array_slice(&array->children[0], start, size);
        place below = {&path, where->item ? where->row : where->row + row, true, where->error};
        LM_TRY(check_rows(&part, &field->children[0], &below));
    }
    return LM_OK;
}

static lm_status check_rows(const lm_array *array, const lm_field *field, const place *where)
{
    if (!field->nullable && may_have_nulls(array))
        for (int64_t row = 0; row < array->length; row++)
            if (!lm__array_valid_logical(array, row))
                return refuse(where->path, where->item ? where->row : where->row + row,
                              where->error);
    switch (array->field->type.layout) {
    case LM_LAYOUT_STRUCT: return check_struct(array, field, where);
    case LM_LAYOUT_LIST:
    case LM_LAYOUT_LARGE_LIST:
    case LM_LAYOUT_LIST_VIEW:
    case LM_LAYOUT_LARGE_LIST_VIEW:
    case LM_LAYOUT_FIXED_LIST: return check_lists(array, field, where);
    default: return LM_OK;
    }
}

lm_status lm__array_check_nulls(const lm_array *array, const lm_field *field, const lm_path *path,
                                int64_t first_row, lm_error *error)
{
    if (!is_suspect(array, field)) return LM_OK;
    place where = {path, first_row, false, error};
    return check_rows(array, field, &where);
}

lm_status lm__columns_check_nulls(const lm_array *root, int64_t first_row, lm_error *error)
{
    char text[LM_ERROR_MESSAGE_MAX];
    size_t used = 0;
    int problems = 0, untold = 0;
    for (int32_t i = 0; i < root->n_children; i++) {
        const lm_field *field = &root->field->children[i];
        lm_array column = lm__array_child(root, i);
        lm_path path = {NULL, field->name};
        lm_error one;
        if (lm__array_check_nulls(&column, field, &path, first_row, &one) == LM_OK) continue;
        problems++;
        size_t size = strlen(one.message);
        if (used && used + size + 32 > sizeof text) { /* with room for what is said around */
            untold++;
            continue;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? "; " : "",
                                 one.message);
    }
    if (problems == 0) return LM_OK;
    if (problems == 1) return lm__error_set(error, LM_DATA, "%s", text);
    char more[32] = "";
    if (untold) snprintf(more, sizeof more, "; and %d more", untold);
    return lm__error_set(error, LM_DATA, "%d problems: %s%s", problems, text, more);
}
