/*
 * A test against a chunk's dictionary, where all of its pages are encoded with it: what no value of
 * it passes, no row does. Reading it costs a page, so it is done where that is little of the chunk.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/prune.h"

/* By the counts of pages where the footer has them; else by the list of encodings, where PLAIN may
 * only be the dictionary page's if it is named PLAIN_DICTIONARY (parquet-mr's rule). */
static bool all_in_dictionary(const lm_column_metadata *metadata)
{
    bool used = false;
    if (metadata->encoding_stats.items) {
        for (size_t i = 0; i < metadata->encoding_stats.count; i++) {
            const lm_page_encoding_stats *stats = &metadata->encoding_stats.items[i];
            if (stats->page_type == LM_PARQUET_DICTIONARY_PAGE || stats->count == 0) continue;
            if (!lm__read_is_indices(stats->encoding)) return false;
            used = true;
        }
        return used;
    }
    for (size_t i = 0; i < metadata->encodings.count; i++) {
        int32_t encoding = metadata->encodings.items[i];
        if (encoding == LM_PARQUET_PLAIN_DICTIONARY)
            used = true;
        else if (encoding != LM_PARQUET_RLE && encoding != LM_PARQUET_BIT_PACKED)
            return false;
    }
    return used;
}

static bool is_worth_it(const lm_column_metadata *metadata)
{
    int64_t size = metadata->data_page_offset - metadata->dictionary_page_offset;
    return LM_HAS(metadata, LM_COLUMN_METADATA_DICTIONARY_PAGE_OFFSET) && size > 0 &&
           (size <= (int64_t)(16 * LM_KIB) || size <= metadata->total_compressed_size / 4);
}

lm_array lm__prune_array(const lm_read_vector *vector, const lm_field *values, lm_field *field)
{
    *field = *values;
    if (vector->form == LM_FORM_STRINGS32) field->type = lm__type_make(LM_TYPE_BINARY);
    if (vector->form == LM_FORM_STRINGS64) field->type = lm__type_make(LM_TYPE_LARGE_BINARY);
    lm_array array = {.field = field, .length = (int64_t)vector->count};
    bool fixed = vector->form == LM_FORM_FIXED;
    array.values = fixed ? vector->values : vector->data;
    array.offsets = fixed ? NULL : vector->offsets;
    return array;
}

lm_status lm__prune_dictionary_bits(const lm_prune *prune, const lm_test *test,
                                    const lm_read_vector *dictionary, const lm_field *values,
                                    uint8_t **bits, lm_error *error)
{
    lm_field field;
    lm_array array = lm__prune_array(dictionary, values, &field);
    *bits = lm__alloc_zero(prune->reader->allocator, lm__filter_bits_bytes(array.length) + 8);
    if (!*bits) return lm__error_memory(error, "pruning by a dictionary");
    return lm__test_values(prune->reader->allocator, test, &array, *bits, error);
}

static lm_status any_passes(const lm_prune *prune, const lm_test *test,
                            const lm_read_vector *dictionary, const lm_field *values, bool *may,
                            lm_error *error)
{
    uint8_t *bits;
    lm_status status = lm__prune_dictionary_bits(prune, test, dictionary, values, &bits, error);
    *may = status != LM_OK ||
           (dictionary->count && lm__bits_count((lm_bits){bits, 0}, dictionary->count) > 0);
    lm__free(prune->reader->allocator, bits);
    return status;
}

lm_status lm__prune_by_dictionary(const lm_prune *prune, const lm_test *test,
                                  const lm_read_field *field, bool *may, lm_error *error)
{
    const lm_column_metadata *metadata;
    lm_read_scratch *scratch;
    lm_read_column column;
    *may = true;
    if (test->kind != LM_TEST_RANGE && test->kind != LM_TEST_SET && test->kind != LM_TEST_LIKE)
        return LM_OK;
    if (field->spec.form == LM_FORM_NOTHING || field->spec.form == LM_FORM_BITS ||
        lm__reader_chunk(prune->reader, prune->row_group, field->node, &metadata, NULL) != LM_OK ||
        metadata->num_values <= 0 || !is_worth_it(metadata) || !all_in_dictionary(metadata))
        return LM_OK;
    LM_TRY(lm__read_scratch_new(prune->reader->allocator, &scratch, error));
    lm_status status =
        lm__read_column_open(&column, prune->reader->source, field->node, metadata,
                             prune->reader->oddities, &field->spec, prune->limits, scratch, error);
    if (status == LM_OK) status = lm__read_column_dictionary(&column, error);
    const lm_field *values = field->field->dictionary ? field->field->dictionary : field->field;
    if (status == LM_OK && column.has_dictionary)
        status = any_passes(prune, test, &column.dictionary, values, may, error);
    lm__read_column_close(&column);
    lm__read_scratch_free(scratch);
    if (status == LM_NO_MEMORY || status == LM_CANCELLED) return status;
    if (status != LM_OK) *may = true;
    return LM_OK;
}
