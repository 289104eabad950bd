/* Decoding, encoding by encoding; see read_values.h. */
#include "parquet/read_values.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encode/delta.h"
#include "encode/plain.h"
#include "encode/split.h"
#include "parquet/read_coded.h"
#include "parquet/read_levels.h"

static lm_status too_few(lm_error *error)
{
    return lm__error_set(error, LM_CORRUPT, "the page ends before its last value");
}

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "reading values"); }

static bool is_strings(lm_read_form form)
{
    return form == LM_FORM_STRINGS32 || form == LM_FORM_STRINGS64;
}

static uint8_t *fixed_end(const lm_read_vector *vector)
{
    return vector->values + vector->count * vector->width;
}

/* Strings. */

static int64_t string_base(const lm_read_vector *vector)
{
    return vector->form == LM_FORM_STRINGS32 ? ((int32_t *)vector->offsets)[vector->count]
                                             : ((int64_t *)vector->offsets)[vector->count];
}

/* LM_LIMIT of a decoder of strings means that 32 bits do not reach. */
static lm_status noting_overflow(lm_read_vector *vector, lm_status status)
{
    if (status == LM_LIMIT) vector->overflow = true;
    return status;
}

/* Strings in one piece are ASCII more often than not, and then all is said; else the whole must be
 * UTF-8, and no string may begin inside of a character. */
static lm_status check_text(const lm_read_spec *spec, const lm_read_vector *vector, size_t start,
                            size_t size, size_t count, lm_error *error)
{
    const uint8_t *text = vector->data + start;
    if (!spec->text || size == 0) return LM_OK;
    if (lm__level_kernels(lm__cpu_level())->count(text, size, 0x80) == 0) return LM_OK;
    bool good = lm__utf8_valid(text, size);
    for (size_t i = 0; i < count && good; i++) {
        size_t at = vector->form == LM_FORM_STRINGS32
                        ? (size_t)((int32_t *)vector->offsets)[vector->count + i]
                        : (size_t)((int64_t *)vector->offsets)[vector->count + i];
        good = at == start + size || (vector->data[at] & 0xc0) != 0x80;
    }
    if (good) return LM_OK;
    return lm__error_set(error, LM_DATA, "text that is not UTF-8 (utf8_unchecked hands it on)");
}

static lm_status plain_strings(lm_read_values *values, size_t count, lm_read_vector *vector,
                               lm_error *error)
{
    size_t size = (size_t)(values->end - values->at), bytes, consumed;
    lm_status status;
    if (count > size / 4) return too_few(error);
    bytes = size - 4 * count;
    if (bytes > vector->data_capacity - vector->data_size) /* maybe more than these strings have */
        LM_TRY(lm__plain_strings_measure(values->at, size, count, &bytes, &consumed, error));
    LM_TRY(lm__read_vector_reserve_data(vector, bytes, error));
    uint8_t *data = vector->data + vector->data_size;
    if (vector->form == LM_FORM_STRINGS32)
        status = lm__plain_strings_decode32(values->at, size, count, (int32_t)string_base(vector),
                                            (int32_t *)vector->offsets + vector->count, data,
                                            &bytes, &consumed, error);
    else
        status = lm__plain_strings_decode64(values->at, size, count, string_base(vector),
                                            (int64_t *)vector->offsets + vector->count, data,
                                            &bytes, &consumed, error);
    if (status != LM_OK) return noting_overflow(vector, status);
    LM_TRY(check_text(values->spec, vector, vector->data_size, bytes, count, error));
    vector->data_size += bytes;
    values->at += consumed;
    return LM_OK;
}

/* The dictionary's offsets are 32 bits wide: it is one page. */
static lm_status gather_strings(const lm_read_vector *dictionary, const uint32_t *indices,
                                size_t count, size_t slot, lm_read_vector *vector, lm_error *error)
{
    const int32_t *from = dictionary->offsets;
    if (vector->form == LM_FORM_STRINGS32) {
        int32_t *offsets = (int32_t *)vector->offsets + slot;
        size_t most = count * dictionary->longest;
        if (vector->data && dictionary->longest <= LM_GATHER_SHORT_BYTES &&
            most <= vector->data_capacity - vector->data_size &&
            most <= (size_t)(INT32_MAX - offsets[0])) {
            if (!lm__gather_strings_short32(indices, count, from, dictionary->count,
                                            dictionary->data, offsets[0], offsets,
                                            vector->data + vector->data_size))
                return lm__error_set(error, LM_CORRUPT,
                                     "an index past the dictionary of %zu values",
                                     dictionary->count);
            vector->data_size += (size_t)(offsets[count] - offsets[0]);
            return LM_OK;
        }
        lm_status status = lm__gather_strings_offsets32(indices, count, from, dictionary->count,
                                                        offsets[0], offsets, error);
        if (status != LM_OK) return noting_overflow(vector, status);
        LM_TRY(lm__read_vector_reserve_data(vector, (size_t)(offsets[count] - offsets[0]), error));
        lm__gather_strings_data32(indices, count, from, dictionary->count, dictionary->data,
                                  vector->data + vector->data_size);
        vector->data_size += (size_t)(offsets[count] - offsets[0]);
        return LM_OK;
    }
    int64_t *offsets = (int64_t *)vector->offsets + slot;
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= dictionary->count)
            return lm__error_set(error, LM_CORRUPT, "dictionary index %u of %zu values", indices[i],
                                 dictionary->count);
        offsets[i + 1] = offsets[i] + (from[indices[i] + 1] - from[indices[i]]);
    }
    LM_TRY(lm__read_vector_reserve_data(vector, (size_t)(offsets[count] - offsets[0]), error));
    lm__gather_strings_data32(indices, count, from, dictionary->count, dictionary->data,
                              vector->data + vector->data_size);
    vector->data_size += (size_t)(offsets[count] - offsets[0]);
    return LM_OK;
}

/* DECIMAL in byte strings: PLAIN, value by value. */
static lm_status plain_converted_strings(lm_read_values *values, size_t count,
                                         lm_read_vector *vector, lm_error *error)
{
    uint8_t *out = fixed_end(vector);
    for (size_t i = 0; i < count; i++, out += vector->width) {
        size_t left = (size_t)(values->end - values->at);
        if (left < 4 || lm__load32(values->at) > left - 4) return too_few(error);
        size_t size = lm__load32(values->at);
        LM_TRY(lm__read_convert_bytes(values->spec, values->at + 4, size, out, error));
        values->at += 4 + size;
    }
    return LM_OK;
}

/* PLAIN. */

static lm_status plain(lm_read_values *values, size_t count, lm_read_vector *vector,
                       lm_error *error)
{
    const lm_read_spec *spec = values->spec;
    size_t left = (size_t)(values->end - values->at);
    if (spec->physical == LM_PARQUET_BYTE_ARRAY)
        return is_strings(vector->form) ? plain_strings(values, count, vector, error)
                                        : plain_converted_strings(values, count, vector, error);
    if (spec->physical == LM_PARQUET_BOOLEAN) {
        if (count > left * 8 - values->next) return too_few(error);
        lm__bits_copy(vector->values, vector->count, (lm_bits){values->at, values->next}, count);
        values->next += count;
        return LM_OK;
    }
    if (count > left / spec->width) return too_few(error);
    LM_TRY(lm__read_convert(spec, values->at, count, fixed_end(vector), error));
    values->at += count * spec->width;
    return LM_OK;
}

/* Dictionaries. */

static lm_status gather_fixed(const lm_read_vector *dictionary, const uint32_t *indices,
                              size_t count, uint8_t *out, lm_error *error)
{
    size_t width = dictionary->width;
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= dictionary->count)
            return lm__error_set(error, LM_CORRUPT, "dictionary index %u of %zu values", indices[i],
                                 dictionary->count);
        memcpy(out + i * width, dictionary->values + indices[i] * width, width);
    }
    return LM_OK;
}

/* Some writers make dictionaries of BOOLEAN, although nothing is won by it. */
static lm_status gather_bits(const lm_read_vector *dictionary, const uint32_t *indices,
                             size_t count, uint8_t *bits, size_t at, lm_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= dictionary->count)
            return lm__error_set(error, LM_CORRUPT, "dictionary index %u of %zu values", indices[i],
                                 dictionary->count);
        lm__bits_fill(bits, at + i, 1, lm__bits_get((lm_bits){dictionary->values, 0}, indices[i]));
    }
    return LM_OK;
}

static lm_status gather(lm_read_values *values, size_t count, lm_read_vector *vector,
                        lm_error *error)
{
    const lm_read_vector *dictionary = values->dictionary;
    if (dictionary->form == LM_FORM_FIXED && dictionary->width == 4)
        return lm__rle_gather32(&values->rle, (const uint32_t *)dictionary->values,
                                dictionary->count, (uint32_t *)fixed_end(vector), count, error);
    if (dictionary->form == LM_FORM_FIXED && dictionary->width == 8)
        return lm__rle_gather64(&values->rle, (const uint64_t *)dictionary->values,
                                dictionary->count, (uint64_t *)fixed_end(vector), count, error);
    uint32_t *indices = values->scratch->indices;
    for (size_t done = 0; done < count;) {
        size_t some = count - done < LM_READ_INDICES ? count - done : LM_READ_INDICES;
        LM_TRY(lm__rle_get32(&values->rle, indices, some, error));
        if (is_strings(dictionary->form))
            LM_TRY(gather_strings(dictionary, indices, some, vector->count + done, vector, error));
        else if (dictionary->form == LM_FORM_BITS)
            LM_TRY(gather_bits(dictionary, indices, some, vector->values, vector->count + done,
                               error));
        else
            LM_TRY(gather_fixed(dictionary, indices, some, fixed_end(vector) + done * vector->width,
                                error));
        done += some;
    }
    return LM_OK;
}

void lm__read_dictionary_init(lm_read_vector *dictionary, const lm_allocator *allocator,
                              const lm_read_spec *spec)
{
    lm_read_form form = is_strings(spec->form) ? LM_FORM_STRINGS32 : spec->form;
    lm__read_vector_init(dictionary, allocator, form, spec->out_width, false);
}

lm_status lm__read_dictionary_load(lm_read_vector *dictionary, const lm_read_spec *spec,
                                   const lm_read_page *page, lm_read_scratch *scratch,
                                   lm_error *error)
{
    lm_read_values values = {.spec = spec, .scratch = scratch};
    bool bits = spec->physical == LM_PARQUET_BOOLEAN;
    size_t least = bits ? 1 : spec->width ? spec->width : 4;
    if (page->encoding != LM_PARQUET_PLAIN && page->encoding != LM_PARQUET_PLAIN_DICTIONARY)
        return lm__error_set(error, LM_UNSUPPORTED, "a dictionary page in encoding %d",
                             page->encoding);
    if (page->entries > page->values.size * (bits ? 8 : 1) / least)
        return lm__error_set(error, LM_CORRUPT, "a dictionary of %u values in %zu bytes",
                             page->entries, page->values.size);
    lm__read_vector_clear(dictionary);
    values.at = page->values.data;
    values.end = values.at + page->values.size;
    dictionary->expected = page->entries;
    if (spec->form != LM_FORM_NOTHING) {
        LM_TRY(lm__read_vector_reserve(dictionary, page->entries, error));
        LM_TRY(plain(&values, page->entries, dictionary, error));
    }
    dictionary->count = page->entries;
    dictionary->longest = 0;
    if (dictionary->form != LM_FORM_STRINGS32) return LM_OK;
    const int32_t *offsets = dictionary->offsets;
    for (size_t i = 0; i < dictionary->count; i++) {
        size_t size = (size_t)(offsets[i + 1] - offsets[i]);
        if (size > dictionary->longest) dictionary->longest = size;
    }
    return LM_OK;
}

/* The delta encodings. */

static lm_status delta_integers(lm_read_values *values, size_t count, lm_read_vector *vector,
                                lm_error *error)
{
    const lm_read_spec *spec = values->spec;
    size_t size = (size_t)(values->end - values->at), consumed;
    bool straight = spec->convert == LM_CONVERT_NONE;
    uint8_t *out = fixed_end(vector);
    if (!straight) {
        size_t bytes;
        if (__builtin_mul_overflow(count + 8, spec->width, &bytes) ||
            lm__read_room(&values->scratch->values, bytes) != LM_OK)
            return no_memory(error);
        out = values->scratch->values.data;
    }
    if (spec->width == 4)
        LM_TRY(lm__delta32_decode(values->at, size, count, (int32_t *)out, &consumed, error));
    else
        LM_TRY(lm__delta64_decode(values->at, size, count, (int64_t *)out, &consumed, error));
    return straight ? LM_OK : lm__read_convert(spec, out, count, fixed_end(vector), error);
}

static lm_status delta_to_strings(const lm_read_spec *spec, const lm_delta_reader *reader,
                                  lm_read_vector *vector, lm_error *error)
{
    LM_TRY(lm__read_vector_reserve_data(vector, reader->data_bytes, error));
    uint8_t *data = vector->data + vector->data_size;
    lm_status status =
        vector->form == LM_FORM_STRINGS32
            ? lm__delta_reader_read32(reader, (int32_t)string_base(vector),
                                      (int32_t *)vector->offsets + vector->count, data, error)
            : lm__delta_reader_read64(reader, string_base(vector),
                                      (int64_t *)vector->offsets + vector->count, data, error);
    if (status != LM_OK) return noting_overflow(vector, status);
    LM_TRY(check_text(spec, vector, vector->data_size, reader->data_bytes, reader->count, error));
    vector->data_size += reader->data_bytes;
    return LM_OK;
}

/* To values of fixed width, by way of bytes of their own. */
static lm_status delta_to_fixed(const lm_read_values *values, const lm_delta_reader *reader,
                                lm_read_vector *vector, lm_error *error)
{
    const lm_read_spec *spec = values->spec;
    uint8_t *out = fixed_end(vector);
    if (spec->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY) {
        if (spec->convert == LM_CONVERT_NONE)
            return lm__delta_reader_read_fixed(reader, spec->width, out, error);
        if (lm__read_room(&values->scratch->values, reader->data_bytes + LM_ENCODE_SLACK) != LM_OK)
            return no_memory(error);
        LM_TRY(
            lm__delta_reader_read_fixed(reader, spec->width, values->scratch->values.data, error));
        return lm__read_convert(spec, values->scratch->values.data, reader->count, out, error);
    }
    lm_read_vector strings;
    lm__read_vector_init(&strings, vector->allocator, LM_FORM_STRINGS64, 0, false);
    lm_status status = lm__read_vector_reserve(&strings, reader->count, error);
    if (status == LM_OK) status = delta_to_strings(spec, reader, &strings, error);
    const int64_t *offsets = strings.offsets;
    for (size_t i = 0; i < reader->count && status == LM_OK; i++, out += vector->width)
        status = lm__read_convert_bytes(spec, strings.data + offsets[i],
                                        (size_t)(offsets[i + 1] - offsets[i]), out, error);
    lm__read_vector_deinit(&strings);
    return status;
}

/* All the values of the page at once: `count` is values->count. */
static lm_status delta(lm_read_values *values, size_t count, lm_read_vector *vector,
                       lm_error *error)
{
    if (values->encoding == LM_PARQUET_DELTA_BINARY_PACKED)
        return delta_integers(values, count, vector, error);
    lm_delta_reader reader;
    lm_buffer *before = &values->scratch->before;
    size_t size = (size_t)(values->end - values->at);
    if (values->encoding == LM_PARQUET_DELTA_LENGTH_BYTE_ARRAY)
        LM_TRY(lm__delta_length_open(&reader, vector->allocator, values->at, size, count, error));
    else
        LM_TRY(lm__delta_strings_open(&reader, vector->allocator, values->at, size, count,
                                      (lm_slice){before->data, before->size}, error));
    lm_status status = is_strings(vector->form)
                           ? delta_to_strings(values->spec, &reader, vector, error)
                           : delta_to_fixed(values, &reader, vector, error);
    if (status == LM_OK && reader.prefixes && values->prefixes_go_on)
        status = lm__delta_reader_last(&reader, before, error);
    lm__delta_reader_close(&reader);
    return status;
}

/* A page of which only a part is wanted now. */
static lm_status hold(lm_read_values *values, lm_error *error)
{
    lm_read_vector *held = &values->held;
    lm__read_vector_clear(held);
    LM_TRY(lm__read_vector_reserve(held, values->count, error));
    LM_TRY(delta(values, values->count, held, error));
    held->count = values->count;
    values->how = LM_HOW_HELD;
    values->next = 0;
    return LM_OK;
}

#define HELD_STRINGS(bits)                                                                         \
    static lm_status held_strings##bits(const lm_read_vector *held, size_t next, size_t count,     \
                                        lm_read_vector *vector, lm_error *error)                   \
    {                                                                                              \
        const int##bits##_t *from = (const int##bits##_t *)held->offsets + next;                   \
        int##bits##_t *to = (int##bits##_t *)vector->offsets + vector->count;                      \
        size_t bytes = (size_t)(from[count] - from[0]);                                            \
        if (bytes > (size_t)(INT##bits##_MAX - to[0])) {                                           \
            vector->overflow = true;                                                               \
            return lm__error_set(error, LM_LIMIT, "strings of more than 2 GiB in one array");      \
        }                                                                                          \
        LM_TRY(lm__read_vector_reserve_data(vector, bytes, error));                                \
        for (size_t i = 1; i <= count; i++) to[i] = to[0] + (from[i] - from[0]);                   \
        if (bytes) memcpy(vector->data + vector->data_size, held->data + from[0], bytes);          \
        vector->data_size += bytes;                                                                \
        return LM_OK;                                                                              \
    }

HELD_STRINGS(32)
HELD_STRINGS(64)

static lm_status from_held(lm_read_values *values, size_t count, lm_read_vector *vector,
                           lm_error *error)
{
    const lm_read_vector *held = &values->held;
    size_t next = values->next;
    if (count > held->count - next) return too_few(error);
    values->next += count;
    if (held->form == LM_FORM_STRINGS32) return held_strings32(held, next, count, vector, error);
    if (held->form == LM_FORM_STRINGS64) return held_strings64(held, next, count, vector, error);
    if (count) memcpy(fixed_end(vector), held->values + next * held->width, count * held->width);
    return LM_OK;
}

/* BYTE_STREAM_SPLIT and ALP: values can be had from anywhere in the page. */

static lm_status decode_next(lm_read_values *values, size_t count, void *out, lm_error *error)
{
    size_t size = (size_t)(values->end - values->at);
    if (values->how == LM_HOW_ALP)
        LM_TRY(lm__alp_decode(&values->alp, values->next, count, out, error));
    else
        LM_TRY(lm__split_decode(values->at, size, values->next, count, values->spec->width, out,
                                error));
    values->next += count;
    return LM_OK;
}

static lm_status from_anywhere(lm_read_values *values, size_t count, lm_read_vector *vector,
                               lm_error *error)
{
    const lm_read_spec *spec = values->spec;
    uint8_t *out = fixed_end(vector);
    if (spec->convert == LM_CONVERT_NONE) return decode_next(values, count, out, error);
    size_t most = LM_READ_INDICES;
    if (lm__read_room(&values->scratch->values, most * spec->width) != LM_OK)
        return no_memory(error);
    uint8_t *raw = values->scratch->values.data;
    for (size_t done = 0; done < count;) {
        size_t some = count - done < most ? count - done : most;
        LM_TRY(decode_next(values, some, raw, error));
        LM_TRY(lm__read_convert(spec, raw, some, out + done * vector->width, error));
        done += some;
    }
    return LM_OK;
}

/* Pages. */

void lm__read_values_init(lm_read_values *values, const lm_allocator *allocator,
                          const lm_read_spec *spec, bool prefixes_go_on, lm_read_scratch *scratch)
{
    *values = (lm_read_values){.spec = spec, .scratch = scratch, .prefixes_go_on = prefixes_go_on};
    lm__buffer_clear(&scratch->before);
    lm__read_vector_init(&values->held, allocator, spec->form, spec->out_width, false);
}

bool lm__read_values_need_count(int32_t encoding)
{
    return encoding == LM_PARQUET_DELTA_BINARY_PACKED ||
           encoding == LM_PARQUET_DELTA_LENGTH_BYTE_ARRAY ||
           encoding == LM_PARQUET_DELTA_BYTE_ARRAY;
}

static lm_status start_dictionary(lm_read_values *values, const lm_read_vector *dictionary,
                                  lm_error *error)
{
    size_t size = (size_t)(values->end - values->at);
    if (!dictionary)
        return lm__error_set(error, LM_CORRUPT, "a page of dictionary indices, and no dictionary");
    values->dictionary = dictionary;
    values->how = LM_HOW_DICTIONARY;
    /* A page of nulls alone may have nothing at all, not even the width. */
    if (size == 0) return lm__rle_decoder_init(&values->rle, values->at, 0, 0, error);
    return lm__rle_decoder_init(&values->rle, values->at + 1, size - 1, values->at[0], error);
}

/* Which encodings go with which types (Encodings.md). */
static lm_status encoding_to_how(lm_read_values *values, int32_t encoding, lm_error *error)
{
    int32_t physical = values->spec->physical;
    bool integer = physical == LM_PARQUET_INT32 || physical == LM_PARQUET_INT64;
    bool fixed = physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
    bool bytes = physical == LM_PARQUET_BYTE_ARRAY;
    bool real = physical == LM_PARQUET_FLOAT || physical == LM_PARQUET_DOUBLE;
    values->how = LM_HOW_NOTHING;
    switch (encoding) {
    case LM_PARQUET_PLAIN: values->how = LM_HOW_PLAIN; break;
    case LM_PARQUET_PLAIN_DICTIONARY:
    case LM_PARQUET_RLE_DICTIONARY: values->how = LM_HOW_DICTIONARY; break;
    case LM_PARQUET_RLE:
        if (physical == LM_PARQUET_BOOLEAN) values->how = LM_HOW_BOOLS;
        break;
    case LM_PARQUET_DELTA_BINARY_PACKED:
        if (integer) values->how = LM_HOW_DELTA;
        break;
    case LM_PARQUET_DELTA_LENGTH_BYTE_ARRAY:
        if (bytes) values->how = LM_HOW_DELTA;
        break;
    case LM_PARQUET_DELTA_BYTE_ARRAY:
        if (bytes || fixed) values->how = LM_HOW_DELTA;
        break;
    case LM_PARQUET_BYTE_STREAM_SPLIT:
        if (integer || real || fixed) values->how = LM_HOW_SPLIT;
        break;
    case LM_PARQUET_ALP:
        if (real) values->how = LM_HOW_ALP;
        break;
    default: break;
    }
    if (values->how != LM_HOW_NOTHING) return LM_OK;
    const char *name = lm__parquet_encoding_name(encoding);
    return lm__error_set(error, LM_UNSUPPORTED, "%s in encoding %d (%s)",
                         lm__parquet_type_name(physical), encoding, name ? name : "unknown");
}

lm_status lm__read_values_start(lm_read_values *values, const lm_read_page *page,
                                const lm_read_vector *dictionary, size_t count, lm_error *error)
{
    values->encoding = page->encoding;
    values->at = page->values.data;
    values->end = values->at + page->values.size;
    values->count = count;
    values->next = 0;
    LM_TRY(encoding_to_how(values, page->encoding, error));
    if (values->how == LM_HOW_DICTIONARY) LM_TRY(start_dictionary(values, dictionary, error));
    if (values->how == LM_HOW_ALP)
        LM_TRY(
            lm__alp_open(&values->alp, values->at, page->values.size, values->spec->width, error));
    if (values->how == LM_HOW_BOOLS) {
        /* As with indices: nothing where all is null. */
        if (page->values.size == 0)
            LM_TRY(lm__rle_decoder_init(&values->rle, values->at, 0, 1, error));
        else
            LM_TRY(lm__rle_decoder_init_bools(&values->rle, values->at, page->values.size, error));
    }
    if (values->spec->form == LM_FORM_NOTHING) values->how = LM_HOW_NOTHING;
    return LM_OK;
}

static lm_status read_values(lm_read_values *values, size_t count, lm_read_vector *vector,
                             lm_error *error)
{
    size_t ones;
    switch (values->how) {
    case LM_HOW_NOTHING: return LM_OK;
    case LM_HOW_PLAIN: return plain(values, count, vector, error);
    case LM_HOW_DICTIONARY: return gather(values, count, vector, error);
    case LM_HOW_BOOLS:
        return lm__rle_get_bits(&values->rle, vector->values, vector->count, count, &ones, error);
    case LM_HOW_SPLIT:
    case LM_HOW_ALP: return from_anywhere(values, count, vector, error);
    case LM_HOW_DELTA:
        if (count == values->count) {
            values->how = LM_HOW_HELD; /* all that the page had: nothing is left to hold */
            lm__read_vector_clear(&values->held);
            values->next = 0;
            return delta(values, count, vector, error);
        }
        LM_TRY(hold(values, error));
        return from_held(values, count, vector, error);
    default: return from_held(values, count, vector, error);
    }
}

/* To indices: those of the page, or of its values. */
static lm_status read_coded(lm_read_values *values, size_t count, lm_read_vector *vector,
                            lm_error *error)
{
    lm_read_coded *coded = vector->coded;
    uint32_t *out = (uint32_t *)(void *)fixed_end(vector);
    lm_status status;
    if (values->how == LM_HOW_DICTIONARY) {
        status = lm__read_coded_indices(coded, values->dictionary, &values->rle,
                                        values->scratch->indices, count, out, error);
        return noting_overflow(vector, status);
    }
    lm__read_vector_clear(&coded->values);
    LM_TRY(lm__read_vector_reserve(&coded->values, count, error));
    status = read_values(values, count, &coded->values, error);
    coded->values.count = count;
    if (status == LM_OK) status = lm__read_coded_values(coded, out, error);
    return noting_overflow(vector, status);
}

lm_status lm__read_values_read(lm_read_values *values, size_t count, lm_read_vector *vector,
                               lm_error *error)
{
    if (count == 0 || values->how == LM_HOW_NOTHING) return LM_OK;
    return vector->coded ? read_coded(values, count, vector, error)
                         : read_values(values, count, vector, error);
}

lm_status lm__read_values_skip(lm_read_values *values, size_t count, lm_error *error)
{
    const lm_read_spec *spec = values->spec;
    size_t left = (size_t)(values->end - values->at), bytes, consumed;
    if (count == 0) return LM_OK;
    switch (values->how) {
    case LM_HOW_NOTHING: return LM_OK;
    case LM_HOW_PLAIN:
        if (spec->physical == LM_PARQUET_BOOLEAN) {
            if (count > left * 8 - values->next) return too_few(error);
            values->next += count;
        } else if (spec->physical == LM_PARQUET_BYTE_ARRAY) {
            LM_TRY(lm__plain_strings_measure(values->at, left, count, &bytes, &consumed, error));
            values->at += consumed;
        } else {
            if (count > left / spec->width) return too_few(error);
            values->at += count * spec->width;
        }
        return LM_OK;
    case LM_HOW_DICTIONARY:
    case LM_HOW_BOOLS: return lm__rle_skip(&values->rle, count, 0, NULL, error);
    case LM_HOW_SPLIT:
        if (count > left / spec->width - values->next) return too_few(error);
        values->next += count;
        return LM_OK;
    case LM_HOW_ALP:
        if (count > values->alp.count - values->next) return too_few(error);
        values->next += count;
        return LM_OK;
    case LM_HOW_DELTA: LM_TRY(hold(values, error)); /* fall through */
    default:
        if (count > values->held.count - values->next) return too_few(error);
        values->next += count;
        return LM_OK;
    }
}
