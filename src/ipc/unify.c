/* One dictionary out of many; see unify.h. */
#include "ipc/unify.h"

#include "arrow/strings.h"
#include "base/alloc.h"
#include "base/error.h"
#include "encode/dict.h"

#define NOWHERE UINT32_MAX

struct lm_ipc_unified {
    const lm_allocator *allocator;
    lm_builder values, added;
    lm_dict *dict;     /* numbers the values that are not null, */
    lm_buffer of_dict; /* and this (uint32) has their places */
    lm_buffer numbers; /* of the values at hand */
    lm_buffer places;  /* the same */
    uint32_t null_place;
};

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "putting dictionaries together");
}

static lm_status failed(lm_status status, lm_error *error)
{
    if (status == LM_NO_MEMORY) return no_memory(error);
    return lm__error_set(error, status, "the dictionaries together grow too large");
}

bool lm__ipc_unified_can(const lm_field *values)
{
    switch (values->type.layout) {
    case LM_LAYOUT_FIXED: return !values->dictionary && values->type.byte_width > 0;
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
    case LM_LAYOUT_VIEW: return true;
    default: return false;
    }
}

/* Numbers the values that are not null, without gaps. */
static lm_status number_values(lm_ipc_unified *u, const lm_array *array, lm_error *error)
{
    size_t count = (size_t)array->length, width = (size_t)array->field->type.byte_width;
    lm_dict_progress progress = {0};
    lm__buffer_clear(&u->numbers);
    LM_TRY(lm__buffer_reserve(&u->numbers, 4 * count + LM_ENCODE_SLACK));
    uint32_t *numbers = (uint32_t *)(void *)u->numbers.data;
    if (count && array->field->type.layout == LM_LAYOUT_FIXED) {
        const uint8_t *values = (const uint8_t *)array->values + (size_t)array->offset * width;
        LM_TRY(
            lm__dict_put(u->dict, values, lm__array_bits(array), count, numbers, &progress, error));
    } else if (count) {
        lm_strings strings = lm__array_strings(array);
        LM_TRY(lm__dict_put_strings(u->dict, &strings, lm__array_bits(array), count, numbers,
                                    &progress, error));
    }
    return progress.consumed == count ? LM_OK : LM_LIMIT;
}

static uint32_t known_place(const lm_ipc_unified *u, uint32_t number)
{
    const uint32_t *of_dict = (const uint32_t *)(const void *)u->of_dict.data;
    if (number == NOWHERE) return u->null_place;
    return number < u->of_dict.size / sizeof *of_dict ? of_dict[number] : NOWHERE;
}

/* The place of value `i`, which has that number (NOWHERE: null); at the end, if it is new. */
static lm_status find_place(lm_ipc_unified *u, const lm_array *array, int64_t i, uint32_t number,
                            bool is_there, uint32_t *place)
{
    *place = known_place(u, number);
    if (*place != NOWHERE) return LM_OK;
    *place = (uint32_t)(is_there ? i : u->values.length);
    if (!is_there) {
        LM_TRY(lm__build_rows(&u->values, array, i, 1));
        LM_TRY(lm__build_rows(&u->added, array, i, 1));
    }
    if (number != NOWHERE) return lm__buffer_append(&u->of_dict, place, sizeof *place);
    u->null_place = *place;
    return LM_OK;
}

static lm_status add(lm_ipc_unified *u, const lm_array *array, bool is_first, lm_error *error)
{
    lm__buffer_clear(&u->places);
    if (array->length > INT32_MAX - u->values.length) return LM_LIMIT;
    LM_TRY(lm__buffer_reserve(&u->places, 4 * (size_t)array->length));
    LM_TRY(number_values(u, array, error));
    if (is_first) LM_TRY(lm__build_rows(&u->values, array, 0, array->length));
    const uint32_t *numbers = (const uint32_t *)(const void *)u->numbers.data;
    uint32_t *places = (uint32_t *)(void *)u->places.data;
    for (int64_t i = 0; i < array->length; i++) {
        uint32_t number = lm__array_valid(array, i) ? *numbers++ : NOWHERE;
        LM_TRY(find_place(u, array, i, number, is_first, &places[i]));
    }
    return LM_OK;
}

lm_status lm__ipc_unified_new(const lm_allocator *allocator, const lm_field *field,
                              const lm_array *first, lm_ipc_unified **unified, lm_error *error)
{
    const lm_dict_options options = {
        .allocator = allocator, .width = (size_t)field->type.byte_width, .bytes_max = INT32_MAX};
    lm_ipc_unified *u = lm__alloc_zero(allocator, sizeof *u);
    if (!u) return no_memory(error);
    u->allocator = allocator;
    u->null_place = NOWHERE;
    lm__buffer_init(&u->of_dict, allocator, 0);
    lm__buffer_init(&u->numbers, allocator, 0);
    lm__buffer_init(&u->places, allocator, 0);
    lm_status status = lm__builder_init(&u->values, allocator, field, error);
    if (status == LM_OK) status = lm__builder_init(&u->added, allocator, field, error);
    if (status == LM_OK) status = lm__dict_new(&options, &u->dict, error);
    if (status == LM_OK) {
        status = add(u, first, true, error);
        if (status != LM_OK) status = failed(status, error);
    }
    if (status == LM_OK)
        *unified = u;
    else
        lm__ipc_unified_free(u);
    return status;
}

void lm__ipc_unified_free(lm_ipc_unified *u)
{
    if (!u) return;
    lm__builder_deinit(&u->values);
    lm__builder_deinit(&u->added);
    lm__dict_free(u->dict);
    lm__buffer_deinit(&u->of_dict);
    lm__buffer_deinit(&u->numbers);
    lm__buffer_deinit(&u->places);
    lm__free(u->allocator, u);
}

lm_status lm__ipc_unified_add(lm_ipc_unified *u, const lm_array *values, const uint32_t **places,
                              lm_error *error)
{
    lm_status status = add(u, values, false, error);
    if (status != LM_OK) return failed(status, error);
    *places = (const uint32_t *)(const void *)u->places.data;
    return LM_OK;
}

int64_t lm__ipc_unified_count(const lm_ipc_unified *u) { return u->values.length; }

lm_status lm__ipc_unified_take_added(lm_ipc_unified *u, lm_batch *batch, lm_array *out,
                                     lm_error *error)
{
    return lm__builder_take(&u->added, batch, out, error);
}

lm_status lm__ipc_unified_take(lm_ipc_unified *u, lm_batch *batch, lm_array *out, lm_error *error)
{
    return lm__builder_take(&u->values, batch, out, error);
}
