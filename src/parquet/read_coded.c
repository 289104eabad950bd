/* See read_coded.h. */
#include "parquet/read_coded.h"

#include <string.h>

#include "arrow/view.h"
#include "base/alloc.h"
#include "base/error.h"

#define UNKNOWN UINT32_MAX
#define MET (UINT32_MAX - 1) /* in the block at hand, for the first time */

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "reading a dictionary");
}

lm_status lm__read_coded_new(const lm_allocator *allocator, const lm_read_spec *spec,
                             lm_read_coded **coded, lm_error *error)
{
    const bool strings = spec->form != LM_FORM_FIXED;
    const lm_dict_options options = {
        .allocator = allocator, .width = strings ? 0 : spec->out_width, .bytes_max = INT32_MAX};
    lm_read_coded *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return no_memory(error);
    made->allocator = allocator;
    lm__read_vector_init(&made->values, allocator, spec->form, spec->out_width, false);
    lm_status status = lm__dict_new(&options, &made->dict, error);
    if (status != LM_OK) {
        lm__read_coded_free(made);
        return status;
    }
    *coded = made;
    return LM_OK;
}

void lm__read_coded_free(lm_read_coded *coded)
{
    if (!coded) return;
    lm__dict_free(coded->dict);
    lm__read_vector_deinit(&coded->values);
    lm__free(coded->allocator, coded->known);
    lm__free(coded->allocator, coded->fresh);
    lm__free(coded->allocator, coded->fresh_indices);
    lm__free(coded->allocator, coded->fresh_values);
    lm__free(coded->allocator, coded);
}

static lm_status put(lm_read_coded *coded, const void *fixed, const lm_strings *strings,
                     size_t count, uint32_t *indices, lm_error *error)
{
    lm_dict_progress progress;
    if (strings)
        LM_TRY(lm__dict_put_strings(coded->dict, strings, LM_BITS_ALL, count, indices, &progress,
                                    error));
    else
        LM_TRY(lm__dict_put(coded->dict, fixed, LM_BITS_ALL, count, indices, &progress, error));
    if (progress.consumed == count) return LM_OK;
    return lm__error_set(error, LM_LIMIT, "a dictionary of more than 2 GiB");
}

lm_status lm__read_coded_values(lm_read_coded *coded, uint32_t *out, lm_error *error)
{
    const lm_read_vector *values = &coded->values;
    if (values->form == LM_FORM_FIXED)
        return put(coded, values->values, NULL, values->count, out, error);
    const lm_strings strings = {
        .kind = values->form == LM_FORM_STRINGS32 ? LM_STRINGS_OFFSETS32 : LM_STRINGS_OFFSETS64,
        .offsets = values->offsets,
        .data = lm__bytes(values->data, 0).data, /* empty text may have no bytes */
    };
    return put(coded, NULL, &strings, values->count, out, error);
}

/* Indices. */

static lm_status begin_known(lm_read_coded *coded, const lm_read_vector *dictionary,
                             lm_error *error)
{
    const size_t width = dictionary->form == LM_FORM_FIXED ? dictionary->width : sizeof(lm_view);
    coded->known = lm__alloc_array(coded->allocator, dictionary->count + 1, sizeof(uint32_t));
    coded->fresh = lm__alloc_array(coded->allocator, LM_READ_INDICES, sizeof(uint32_t));
    coded->fresh_indices =
        lm__alloc_array(coded->allocator, LM_READ_INDICES + LM_ENCODE_SLACK, sizeof(uint32_t));
    coded->fresh_values =
        lm__alloc_array(coded->allocator, LM_READ_INDICES + LM_ENCODE_SLACK, width);
    if (!coded->known || !coded->fresh || !coded->fresh_indices || !coded->fresh_values)
        return no_memory(error);
    memset(coded->known, 0xff, dictionary->count * sizeof(uint32_t));
    coded->has_known = true;
    return LM_OK;
}

/* The dictionary's strings lie in one page: one buffer, and 32 bits reach. */
static lm_status put_fresh_strings(lm_read_coded *coded, const lm_read_vector *dictionary,
                                   size_t count, lm_error *error)
{
    const int32_t *offsets = dictionary->offsets;
    const uint8_t *buffer = lm__bytes(dictionary->data, 0).data;
    lm_view *views = coded->fresh_values;
    for (size_t i = 0; i < count; i++) {
        const int32_t from = offsets[coded->fresh[i]], end = offsets[coded->fresh[i] + 1];
        views[i] = lm__view_of(buffer + from, (size_t)(end - from), 0, from);
    }
    const lm_strings strings = {.kind = LM_STRINGS_VIEWS, .offsets = views, .buffers = &buffer};
    return put(coded, NULL, &strings, count, coded->fresh_indices, error);
}

static lm_status put_fresh_fixed(lm_read_coded *coded, const lm_read_vector *dictionary,
                                 size_t count, lm_error *error)
{
    uint8_t *values = coded->fresh_values;
    const size_t width = dictionary->width;
    for (size_t i = 0; i < count; i++)
        memcpy(values + i * width, dictionary->values + coded->fresh[i] * width, width);
    return put(coded, values, NULL, count, coded->fresh_indices, error);
}

/* Takes in the values that these indices, which are none past the dictionary, are the first for. */
static lm_status learn(lm_read_coded *coded, const lm_read_vector *dictionary,
                       const uint32_t *indices, size_t count, lm_error *error)
{
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
        if (coded->known[indices[i]] != UNKNOWN) continue;
        coded->known[indices[i]] = MET;
        coded->fresh[fresh++] = indices[i];
    }
    if (dictionary->form == LM_FORM_FIXED)
        LM_TRY(put_fresh_fixed(coded, dictionary, fresh, error));
    else
        LM_TRY(put_fresh_strings(coded, dictionary, fresh, error));
    for (size_t i = 0; i < fresh; i++) coded->known[coded->fresh[i]] = coded->fresh_indices[i];
    return LM_OK;
}

static bool has_unknown(const uint32_t *indices, size_t count)
{
    uint32_t greatest = 0;
    for (size_t i = 0; i < count; i++) greatest = indices[i] > greatest ? indices[i] : greatest;
    return greatest == UNKNOWN;
}

lm_status lm__read_coded_indices(lm_read_coded *coded, const lm_read_vector *dictionary,
                                 lm_rle_decoder *rle, uint32_t *scratch, size_t count,
                                 uint32_t *out, lm_error *error)
{
    if (!coded->has_known) LM_TRY(begin_known(coded, dictionary, error));
    for (size_t some; count; count -= some, out += some) {
        some = count < LM_READ_INDICES ? count : LM_READ_INDICES;
        lm_rle_decoder again = *rle;
        LM_TRY(lm__rle_gather32(rle, coded->known, dictionary->count, out, some, error));
        if (!has_unknown(out, some)) continue;
        LM_TRY(lm__rle_get32(&again, scratch, some, error));
        LM_TRY(learn(coded, dictionary, scratch, some, error));
        for (size_t i = 0; i < some; i++) out[i] = coded->known[scratch[i]];
    }
    return LM_OK;
}
