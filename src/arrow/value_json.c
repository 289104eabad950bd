/* Values as JSON; see value_json.h. */
#include "arrow/value_json.h"

#include <math.h>

#include "arrow/half.h"
#include "arrow/int256.h"
#include "arrow/text.h"
#include "base/bytes_text.h"
#include "base/error.h"

/* The plan. */

static lm_status make_label(lm_arena *arena, const lm_field *field, bool first, lm_value_json *node,
                            lm_error *error)
{
    lm_buffer text;
    lm__buffer_init(&text, arena->allocator, 0);
    lm_status status = first ? LM_OK : lm__buffer_byte(&text, ',');
    if (status == LM_OK) status = lm__value_json_string(&text, field->name, field->name_size);
    if (status == LM_OK) status = lm__buffer_byte(&text, ':');
    if (status == LM_OK) {
        node->label = lm__arena_strndup(arena, (const char *)text.data, text.size);
        node->label_size = text.size;
    }
    lm__buffer_deinit(&text);
    return node->label ? LM_OK : lm__error_memory(error, "writing JSON");
}

static lm_status check_field(const lm_field *field, const lm_path *path, lm_error *error)
{
    if (field->type.layout == LM_LAYOUT_UNION)
        return lm__path_error(error, LM_UNSUPPORTED, path, "a union cannot be written as JSON");
    if (field->type.id != LM_TYPE_STRUCT) return LM_OK;
    for (int32_t i = 0; i < field->n_children; i++)
        if (lm__field_find(field, field->children[i].name, field->children[i].name_size) == -2)
            return lm__path_error(error, LM_SCHEMA, path,
                                  "two of its fields are called '%s', and a JSON object has each "
                                  "name once",
                                  field->children[i].name);
    return LM_OK;
}

lm_status lm__value_json_make(lm_arena *arena, const lm_field *field, const lm_path *path,
                              lm_value_json *node, lm_error *error)
{
    const lm_field *children = field->dictionary ? field->dictionary : field->children;
    int32_t count = field->dictionary ? 1 : field->n_children;
    *node = (lm_value_json){.field = field};
    node->uuid = lm__field_is_uuid(field);
    LM_TRY(check_field(field, path, error));
    if (count == 0) return LM_OK;
    node->children = lm__arena_array(arena, (size_t)count, sizeof *node->children);
    if (!node->children) return lm__error_memory(error, "writing JSON");
    for (int32_t i = 0; i < count; i++) {
        lm_path below = {path, children[i].name};
        LM_TRY(lm__value_json_make(arena, &children[i], &below, &node->children[i], error));
        if (field->type.id == LM_TYPE_STRUCT)
            LM_TRY(make_label(arena, &children[i], i == 0, &node->children[i], error));
    }
    return LM_OK;
}

/* Strings. */

size_t lm__value_json_plain(const uint8_t *text, size_t size)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word = lm__load64(text + at);
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        uint64_t odd = (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
                        ((slash - ones) & ~slash)) &
                       tops; /* right up to the first; a borrow may mark what follows it */
        if (odd) return at + (size_t)__builtin_ctzll(odd) / 8;
    }
    while (at < size && text[at] >= 0x20 && text[at] != '"' && text[at] != '\\') at++;
    return at;
}

static size_t escape(uint8_t byte, char text[8])
{
    static const char hex[] = "0123456789abcdef";
    const char *found = byte ? strchr("\"\"\\\\\bb\ff\nn\rr\tt", byte) : NULL;
    text[0] = '\\';
    /* Pairs of what is escaped and how; the letters themselves never come here. */
    if (found) {
        text[1] = found[1];
        return 2;
    }
    memcpy(text + 1, "u00", 3);
    text[4] = hex[byte >> 4];
    text[5] = hex[byte & 15];
    return 6;
}

lm_status lm__value_json_string(lm_buffer *out, const void *text, size_t size)
{
    const uint8_t *from = text;
    LM_TRY(lm__buffer_reserve(out, size + 2));
    out->data[out->size++] = '"';
    for (;;) {
        size_t plain = lm__value_json_plain(from, size);
        LM_TRY(lm__buffer_reserve(out, plain + 8));
        if (plain) memcpy(out->data + out->size, from, plain);
        out->size += plain;
        if (plain == size) break;
        out->size += escape(from[plain], (char *)out->data + out->size);
        from += plain + 1;
        size -= plain + 1;
    }
    out->data[out->size++] = '"';
    return LM_OK;
}

static lm_status put_base64(lm_buffer *out, const uint8_t *bytes, size_t size)
{
    if (size > SIZE_MAX / 2) return LM_LIMIT;
    LM_TRY(lm__buffer_reserve(out, LM_BASE64_TEXT_BYTES(size) + 2));
    char *to = (char *)out->data + out->size;
    *to++ = '"';
    to = lm__base64_text(to, bytes, size);
    *to++ = '"';
    out->size = (size_t)(to - (char *)out->data);
    return LM_OK;
}

static lm_status put_uuid(lm_buffer *out, const uint8_t *bytes)
{
    LM_TRY(lm__buffer_reserve(out, LM_UUID_TEXT_BYTES + 2));
    char *to = (char *)out->data + out->size;
    *to++ = '"';
    to = lm__uuid_text(to, bytes);
    *to++ = '"';
    out->size = (size_t)(to - (char *)out->data);
    return LM_OK;
}

/* Texts of at most LM_VALUE_TEXT_MAX bytes, for which the caller has made room. */

static size_t put_float(double value, bool single, char *to)
{
    const char *word = isnan(value) ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
    if (isfinite(value))
        return single ? lm__text_from_f32((float)value, to) : lm__text_from_f64(value, to);
    memcpy(to, word, strlen(word));
    return strlen(word);
}

/* "S.fff" of an amount of parts, with as many digits as the unit has; "P…T" stands before it. */
static size_t put_seconds(int64_t value, int64_t per, char *to)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value, below = size % (uint64_t)per;
    size_t at = 0;
    if (value < 0) to[at++] = '-';
    at += lm__text_from_u64(size / (uint64_t)per, to + at);
    if (below) {
        to[at++] = '.';
        for (uint64_t place = (uint64_t)per / 10; below; place /= 10) {
            to[at++] = (char)('0' + below / place);
            below %= place;
        }
    }
    to[at++] = 'S';
    return at;
}

/* ISO 8601: "PT1.5S", "P3M", "P1M-2DT0.5S". */
static size_t put_duration(bool with_months, int64_t months, bool with_days, int64_t days,
                           bool with_time, int64_t time, int64_t per, char *to)
{
    size_t at = 0;
    to[at++] = '"';
    to[at++] = 'P';
    if (with_months) {
        at += lm__text_from_i64(months, to + at);
        to[at++] = 'M';
    }
    if (with_days) {
        at += lm__text_from_i64(days, to + at);
        to[at++] = 'D';
    }
    if (with_time) {
        to[at++] = 'T';
        at += put_seconds(time, per, to + at);
    }
    to[at++] = '"';
    return at;
}

static size_t quoted(char *to, size_t size)
{
    to[0] = '"';
    to[size + 1] = '"';
    return size + 2;
}

static int64_t load_days_of_date64(int64_t value)
{
    int64_t per = 86400000, days = value / per;
    return value % per < 0 ? days - 1 : days;
}

/* `at` is where the value lies. */
static size_t put_temporal(const lm_type *type, const uint8_t *at, char *to)
{
    int64_t value = 0;
    int32_t half[2];
    if (type->byte_width == 4) {
        memcpy(half, at, 4);
        value = half[0];
    } else {
        memcpy(&value, at, 8);
    }
    switch (type->id) {
    case LM_TYPE_DATE32: return quoted(to, lm__text_from_date(value, to + 1));
    case LM_TYPE_DATE64: return quoted(to, lm__text_from_date(load_days_of_date64(value), to + 1));
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: return quoted(to, lm__text_from_time(value, type->unit, to + 1));
    case LM_TYPE_TIMESTAMP:
        return quoted(to, lm__text_from_timestamp(value, type->unit, type->timezone, to + 1));
    case LM_TYPE_DURATION:
        return put_duration(false, 0, false, 0, true, value, lm__unit_per_second(type->unit), to);
    case LM_TYPE_INTERVAL_MONTHS: return put_duration(true, value, false, 0, false, 0, 1, to);
    case LM_TYPE_INTERVAL_DAY_TIME:
        memcpy(half, at, 8);
        return put_duration(false, 0, true, half[0], true, half[1], 1000, to);
    default: /* months, days, nanoseconds */
        memcpy(half, at, 8);
        memcpy(&value, at + 8, 8);
        return put_duration(true, half[0], true, half[1], true, value, 1000000000, to);
    }
}

#define LOAD(type) (((const type *)array->values)[at])

/* Types of fixed width. */
static size_t put_fixed(const lm_array *array, int64_t row, char *to)
{
    int64_t at = array->offset + row;
    const lm_type *type = &array->field->type;
    const uint8_t *place = (const uint8_t *)array->values + at * type->byte_width;
    switch (type->id) {
    case LM_TYPE_INT8: return lm__text_from_i64(LOAD(int8_t), to);
    case LM_TYPE_INT16: return lm__text_from_i64(LOAD(int16_t), to);
    case LM_TYPE_INT32: return lm__text_from_i64(LOAD(int32_t), to);
    case LM_TYPE_INT64: return lm__text_from_i64(LOAD(int64_t), to);
    case LM_TYPE_UINT8: return lm__text_from_u64(LOAD(uint8_t), to);
    case LM_TYPE_UINT16: return lm__text_from_u64(LOAD(uint16_t), to);
    case LM_TYPE_UINT32: return lm__text_from_u64(LOAD(uint32_t), to);
    case LM_TYPE_UINT64: return lm__text_from_u64(LOAD(uint64_t), to);
    case LM_TYPE_FLOAT16: return put_float((double)lm__half_to_float(LOAD(uint16_t)), true, to);
    case LM_TYPE_FLOAT32: return put_float((double)LOAD(float), true, to);
    case LM_TYPE_FLOAT64: return put_float(LOAD(double), false, to);
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256:
        return lm__decimal_text(lm__i256_load(place, type->byte_width), type->scale, to);
    default: return put_temporal(type, place, to);
    }
}

/* Lists and objects. */

static lm_status put_list(const lm_value_json *node, const lm_array *array, int64_t row,
                          lm_buffer *out)
{
    int64_t start, size;
    lm__array_list_range(array, row, &start, &size);
    LM_TRY(lm__buffer_byte(out, '['));
    for (int64_t i = 0; i < size; i++) {
        if (i > 0) LM_TRY(lm__buffer_byte(out, ','));
        LM_TRY(lm__value_json_put(&node->children[0], &array->children[0], start + i, out));
    }
    return lm__buffer_byte(out, ']');
}

static lm_status put_struct(const lm_value_json *node, const lm_array *array, int64_t row,
                            lm_buffer *out)
{
    LM_TRY(lm__buffer_byte(out, '{'));
    for (int32_t i = 0; i < array->n_children; i++) {
        const lm_value_json *child = &node->children[i];
        LM_TRY(lm__buffer_append(out, child->label, child->label_size));
        LM_TRY(lm__value_json_put(child, &array->children[i], array->offset + row, out));
    }
    return lm__buffer_byte(out, '}');
}

/* Keys of an object are strings: those that are written without quotes get some. */
static lm_status put_key(const lm_value_json *node, const lm_array *keys, int64_t row,
                         lm_buffer *out)
{
    size_t before = out->size;
    LM_TRY(lm__buffer_byte(out, '"'));
    LM_TRY(lm__value_json_put(node, keys, row, out));
    if (out->data[before + 1] != '"') return lm__buffer_byte(out, '"');
    memmove(out->data + before, out->data + before + 1, --out->size - before);
    return LM_OK;
}

static lm_status put_map(const lm_value_json *node, const lm_array *array, int64_t row,
                         lm_buffer *out)
{
    const lm_value_json *entries = &node->children[0];
    const lm_array *pairs = &array->children[0];
    int64_t start, size;
    lm__array_list_range(array, row, &start, &size);
    if (entries->children[0].field->n_children > 0) return put_list(node, array, row, out);
    LM_TRY(lm__buffer_byte(out, '{'));
    for (int64_t i = 0; i < size; i++) {
        int64_t at = pairs->offset + start + i;
        if (i > 0) LM_TRY(lm__buffer_byte(out, ','));
        LM_TRY(put_key(&entries->children[0], &pairs->children[0], at, out));
        LM_TRY(lm__buffer_byte(out, ':'));
        LM_TRY(lm__value_json_put(&entries->children[1], &pairs->children[1], at, out));
    }
    return lm__buffer_byte(out, '}');
}

lm_status lm__value_json_put(const lm_value_json *node, const lm_array *array, int64_t row,
                             lm_buffer *out)
{
    const lm_type *type = &array->field->type;
    if (!lm__array_valid(array, row)) return lm__buffer_append(out, "null", 4);
    switch (type->layout) {
    case LM_LAYOUT_NULL: return lm__buffer_append(out, "null", 4);
    case LM_LAYOUT_BITS:
        if (lm__bit_get(array->values, array->offset + row))
            return lm__buffer_append(out, "true", 4);
        return lm__buffer_append(out, "false", 5);
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
    case LM_LAYOUT_VIEW: {
        size_t size;
        const uint8_t *bytes = lm__array_bytes(array, row, &size);
        return lm__type_is_text(type->id) ? lm__value_json_string(out, bytes, size)
                                          : put_base64(out, bytes, size);
    }
    case LM_LAYOUT_STRUCT: return put_struct(node, array, row, out);
    case LM_LAYOUT_RUN_END:
        return lm__value_json_put(&node->children[1], &array->children[1],
                                  lm__array_run_find(array, row, NULL), out);
    case LM_LAYOUT_FIXED: break;
    default:
        return type->id == LM_TYPE_MAP ? put_map(node, array, row, out)
                                       : put_list(node, array, row, out);
    }
    if (type->id == LM_TYPE_DICTIONARY)
        return lm__value_json_put(&node->children[0], array->dictionary,
                                  lm__array_index(array, row), out);
    if (type->id == LM_TYPE_FIXED_BINARY) {
        size_t size;
        const uint8_t *bytes = lm__array_bytes(array, row, &size);
        return node->uuid ? put_uuid(out, bytes) : put_base64(out, bytes, size);
    }
    LM_TRY(lm__buffer_reserve(out, LM_DECIMAL_TEXT_MAX + LM_VALUE_TEXT_MAX));
    out->size += put_fixed(array, row, (char *)out->data + out->size);
    return LM_OK;
}
