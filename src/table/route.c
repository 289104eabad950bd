/* Partitions of rows; see route.h. */
#include "table/route.h"

#include <stdio.h>

#include "arrow/calendar.h"
#include "arrow/int256.h"
#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/bloom.h"

#define PIECE_ROWS 2048 /* whose keys are made at once */
#define DIRECT_MAX (1 << 20)

/* Values that are no integers are told by the number under which they were first seen. */
typedef struct seen_value {
    const uint8_t *data;
    size_t size;
} seen_value;

typedef struct seen_values {
    seen_value *items;
    uint32_t *table; /* number + 1; 0: free */
    size_t count, capacity, slots;
} seen_values;

struct lm_route {
    const lm_allocator *allocator;
    const lm_route_column *columns;
    size_t count;
    lm_arena arena;
    seen_values *seen;  /* one for each column */
    lm_slot_key *piece; /* of PIECE_ROWS rows, column after column */
    lm_slot **slots;
    uint32_t *table;
    size_t slot_count, slot_capacity, table_size;
    uint32_t *direct; /* slot + 1 of the numbers from direct_base on; of one column of numbers */
    int64_t direct_base;
    size_t direct_size;
};

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "finding the partitions of rows");
}

lm_status lm__route_new(const lm_allocator *allocator, const lm_route_column *columns, size_t count,
                        lm_route **route, lm_error *error)
{
    lm_route *made = lm__alloc_zero(allocator, sizeof *made);
    *route = NULL;
    if (!made) return no_memory(error);
    made->allocator = allocator;
    made->columns = columns;
    made->count = count;
    lm__arena_init(&made->arena, allocator, 0);
    made->seen = lm__alloc_zero(allocator, (count + 1) * sizeof *made->seen);
    made->piece = lm__alloc_array(allocator, (count + 1) * PIECE_ROWS, sizeof *made->piece);
    if (!made->seen || !made->piece) {
        lm__route_free(made);
        return no_memory(error);
    }
    *route = made;
    return LM_OK;
}

void lm__route_free(lm_route *route)
{
    if (!route) return;
    for (size_t i = 0; route->seen && i < route->count; i++) {
        lm__free(route->allocator, route->seen[i].items);
        lm__free(route->allocator, route->seen[i].table);
    }
    lm__free(route->allocator, route->seen);
    lm__free(route->allocator, route->piece);
    lm__free(route->allocator, route->slots);
    lm__free(route->allocator, route->table);
    lm__free(route->allocator, route->direct);
    lm__arena_deinit(&route->arena);
    lm__free(route->allocator, route);
}

size_t lm__route_count(const lm_route *route) { return route->slot_count; }
const lm_slot *lm__route_slot(const lm_route *route, size_t slot) { return route->slots[slot]; }

/* Values by number. */

static bool values_grow(lm_route *route, seen_values *seen)
{
    size_t slots = seen->slots ? 2 * seen->slots : 64;
    seen_value *items =
        lm__realloc_array(route->allocator, seen->items, slots / 2, sizeof *seen->items);
    if (!items) return false;
    seen->items = items;
    uint32_t *table = lm__alloc_zero(route->allocator, slots * sizeof *table);
    if (!table) return false;
    for (size_t i = 0; i < seen->count; i++) {
        size_t at = lm__xxh64(items[i].data, items[i].size) & (slots - 1);
        while (table[at]) at = (at + 1) & (slots - 1);
        table[at] = (uint32_t)i + 1;
    }
    lm__free(route->allocator, seen->table);
    seen->table = table;
    seen->slots = slots;
    seen->capacity = slots / 2;
    return true;
}

/* -1 where there is no memory. */
static int64_t value_number(lm_route *route, seen_values *seen, const uint8_t *data, size_t size)
{
    if (seen->count == seen->capacity && !values_grow(route, seen)) return -1;
    size_t at = lm__xxh64(data, size) & (seen->slots - 1);
    for (; seen->table[at]; at = (at + 1) & (seen->slots - 1)) {
        const seen_value *known = &seen->items[seen->table[at] - 1];
        if (known->size == size && memcmp(known->data, data, size) == 0) return seen->table[at] - 1;
    }
    char *copy = lm__arena_strndup(&route->arena, (const char *)data, size);
    if (!copy) return -1;
    seen->items[seen->count] = (seen_value){(const uint8_t *)copy, size};
    seen->table[at] = (uint32_t)++seen->count;
    return (int64_t)seen->count - 1;
}

/* Codes of rows. */

#define LOAD(type)                                                                                 \
    do {                                                                                           \
        const type *values = lm__array_fixed(array);                                               \
        for (int64_t i = 0; i < array->length; i++) keys[i].code = (int64_t)values[i];             \
    } while (0)

/* Integers, dates, timestamps, booleans; what stands in null rows is not looked at. */
static void load_integers(const lm_array *array, lm_slot_key *keys)
{
    for (int64_t i = 0; i < array->length; i++) keys[i].is_null = !lm__array_valid(array, i);
    if (array->field->type.id == LM_TYPE_BOOL) {
        for (int64_t i = 0; i < array->length; i++)
            keys[i].code = lm__bit_get(array->values, array->offset + i);
        return;
    }
    switch (array->field->type.byte_width) {
    case 1: LOAD(int8_t); break;
    case 2: LOAD(int16_t); break;
    case 4: LOAD(int32_t); break;
    default: LOAD(int64_t); break;
    }
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return quotient - (value % by != 0 && (value < 0) != (by < 0));
}

static void compute_codes(const lm_route_column *column, const lm_field *source, int64_t rows,
                          lm_slot_key *keys)
{
    bool timestamps = source->type.id == LM_TYPE_TIMESTAMP;
    for (int64_t i = 0; i < rows; i++) {
        if (keys[i].is_null) {
            keys[i].code = 0;
            continue;
        }
        if (column->kind == LM_PARTITION_BUCKET) {
            keys[i].code = floor_divide(keys[i].code, column->size);
            continue;
        }
        int64_t days = keys[i].code, year;
        int month, day;
        if (timestamps) days = floor_divide(days, INT64_C(1000000) * LM_SECONDS_PER_DAY);
        lm__date_from_days(days, &year, &month, &day);
        keys[i].code = column->kind == LM_PARTITION_YEAR    ? year
                       : column->kind == LM_PARTITION_MONTH ? month
                                                            : day;
    }
}

static lm_status refuse_text(const lm_route_column *column, int64_t row, const char *why,
                             lm_error *error)
{
    const lm_path path = {NULL, column->name};
    return lm__path_error(error, LM_DATA, &path, "row %lld: %s", (long long)row, why);
}

static lm_status number_values(lm_route *route, size_t place, const lm_array *array,
                               int64_t first_row, lm_slot_key *keys, lm_error *error)
{
    const lm_array *values = array->dictionary ? array->dictionary : array;
    for (int64_t i = 0; i < array->length; i++) {
        keys[i] = (lm_slot_key){0, !lm__array_valid_logical(array, i)};
        if (keys[i].is_null) continue;
        size_t size;
        int64_t row = array->dictionary ? lm__array_index(array, i) : i;
        const uint8_t *data = lm__array_bytes(values, row, &size);
        if (size == 0)
            return refuse_text(&route->columns[place], first_row + i,
                               "an empty text, which no partition can have: it would be read as a "
                               "null",
                               error);
        if (lm__type_is_text(values->field->type.id) && memchr(data, '\0', size))
            return refuse_text(&route->columns[place], first_row + i,
                               "a text with a NUL cannot name a partition", error);
        keys[i].code = value_number(route, &route->seen[place], data, size);
        if (keys[i].code < 0) return no_memory(error);
    }
    return LM_OK;
}

static bool is_number(const lm_field *field)
{
    return field->type.id == LM_TYPE_BOOL || lm__type_is_integer(field->type.id) ||
           field->type.id == LM_TYPE_DATE32 || field->type.id == LM_TYPE_TIMESTAMP;
}

/* Invariant 3. */
static lm_status check_given(const lm_route_column *column, const lm_array *source,
                             const lm_array *given, int64_t first_row, const lm_slot_key *keys,
                             lm_slot_key *scratch, lm_error *error)
{
    load_integers(given, scratch);
    for (int64_t i = 0; i < given->length; i++) {
        if (keys[i].is_null == scratch[i].is_null &&
            (keys[i].is_null || keys[i].code == scratch[i].code))
            continue;
        char has[32] = "null", is[32] = "null", of[LM_PATH_TEXT_MAX];
        const lm_path path = {NULL, column->name};
        if (!scratch[i].is_null) snprintf(has, sizeof has, "%lld", (long long)scratch[i].code);
        if (!keys[i].is_null) snprintf(is, sizeof is, "%lld", (long long)keys[i].code);
        return lm__path_error(
            error, LM_DATA, &path, "row %lld: it is %s, and of the column %s comes %s",
            (long long)(first_row + i), has, lm__printable(of, sizeof of, source->field->name), is);
    }
    return LM_OK;
}

/* The keys of one piece of rows. */
static lm_status make_keys(lm_route *route, const lm_batch *batch, int64_t start, int64_t rows,
                           int64_t first_row, lm_error *error)
{
    for (size_t c = 0; c < route->count; c++) {
        const lm_route_column *column = &route->columns[c];
        lm_slot_key *keys = route->piece + c * PIECE_ROWS;
        lm_array whole = lm__batch_column(batch, column->source);
        lm_array array = lm__array_slice(&whole, start, rows);
        if (column->kind == LM_PARTITION_VALUE && !is_number(array.field)) {
            LM_TRY(number_values(route, c, &array, first_row + start, keys, error));
            continue;
        }
        load_integers(&array, keys);
        if (column->kind != LM_PARTITION_VALUE) {
            compute_codes(column, array.field, rows, keys);
        } else {
            for (int64_t i = 0; i < rows; i++)
                if (keys[i].is_null) keys[i].code = 0;
        }
        if (column->given < 0) continue;
        lm_array all = lm__batch_column(batch, column->given);
        lm_array given = lm__array_slice(&all, start, rows);
        LM_TRY(check_given(column, &array, &given, first_row + start, keys,
                           route->piece + route->count * PIECE_ROWS, error));
    }
    return LM_OK;
}

/* Slots. */

lm_status lm__hive_encode(lm_buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text[i];
        bool plain = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        plain = plain || (byte >= '0' && byte <= '9') || byte >= 0x80 ||
                strchr("._-", byte ? byte : ' ');
        LM_TRY(plain ? lm__buffer_byte(out, byte) : lm__buffer_printf(out, "%%%02X", byte));
    }
    return LM_OK;
}

/* A value as Delta's partitionValues have it (PROTOCOL.md, "Partition Value Serialization"). */
static size_t value_text(const lm_route *route, size_t place, const lm_slot_key *key,
                         char text[LM_DECIMAL_TEXT_MAX], const char **out)
{
    const lm_field *field = route->columns[place].field;
    *out = text;
    switch (field->type.id) {
    case LM_TYPE_BOOL: *out = key->code ? "true" : "false"; return strlen(*out);
    case LM_TYPE_DATE32: return lm__text_from_date(key->code, text);
    case LM_TYPE_TIMESTAMP: {
        size_t size = lm__text_from_timestamp(key->code, LM_UNIT_MICRO, field->type.timezone, text);
        if (!field->type.timezone) *(char *)memchr(text, 'T', size) = ' ';
        return size;
    }
    case LM_TYPE_DECIMAL128: {
        const seen_value *seen = &route->seen[place].items[key->code];
        return lm__decimal_text(lm__i256_load(seen->data, (int32_t)seen->size), field->type.scale,
                                text);
    }
    default: break;
    }
    if (lm__type_is_integer(field->type.id)) return lm__text_from_i64(key->code, text);
    *out = (const char *)route->seen[place].items[key->code].data;
    return route->seen[place].items[key->code].size;
}

static lm_status name_slot(lm_route *route, lm_slot *slot, lm_error *error)
{
    lm_buffer directory;
    lm__buffer_init(&directory, route->allocator, 0);
    lm_status status = LM_OK;
    for (size_t c = 0; c < route->count && status == LM_OK; c++) {
        const char *name = route->columns[c].name, *text = LM_HIVE_NULL;
        char room[LM_DECIMAL_TEXT_MAX];
        size_t size = strlen(LM_HIVE_NULL), start;
        bool is_null = slot->keys[c].is_null;
        if (!is_null) size = value_text(route, c, &slot->keys[c], room, &text);
        slot->values[c] = is_null ? NULL : lm__arena_strndup(&route->arena, text, size);
        if (!is_null && !slot->values[c]) status = LM_NO_MEMORY;
        if (c > 0 && status == LM_OK) status = lm__buffer_byte(&directory, '/');
        start = directory.size;
        if (status == LM_OK) status = lm__hive_encode(&directory, name, strlen(name));
        if (status == LM_OK) status = lm__buffer_byte(&directory, '=');
        if (status == LM_OK) status = lm__hive_encode(&directory, text, size);
        if (status == LM_OK && directory.size - start > LM_NAME_BYTES_MAX) {
            const lm_path path = {NULL, name};
            lm__buffer_deinit(&directory);
            return lm__path_error(error, LM_DATA, &path,
                                  "a value of %zu bytes is too long for the name of a directory",
                                  size);
        }
    }
    slot->directory =
        status == LM_OK
            ? lm__arena_strndup(&route->arena, (const char *)directory.data, directory.size)
            : NULL;
    lm__buffer_deinit(&directory);
    return slot->directory ? LM_OK : no_memory(error);
}

static uint64_t hash_keys(const lm_slot_key *keys, size_t count)
{
    uint64_t hash = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < count; i++) {
        hash ^= (uint64_t)keys[i].code + keys[i].is_null;
        hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9u;
        hash ^= hash >> 32;
    }
    return hash;
}

static bool same_keys(const lm_slot_key *a, const lm_slot_key *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i].code != b[i].code || a[i].is_null != b[i].is_null) return false;
    return true;
}

static bool slots_grow(lm_route *route)
{
    size_t size = route->table_size ? 2 * route->table_size : 64;
    lm_slot **slots =
        lm__realloc_array(route->allocator, route->slots, size / 2, sizeof *route->slots);
    if (!slots) return false;
    route->slots = slots;
    uint32_t *table = lm__alloc_zero(route->allocator, size * sizeof *table);
    if (!table) return false;
    for (size_t i = 0; i < route->slot_count; i++) {
        size_t at = hash_keys(slots[i]->keys, route->count) & (size - 1);
        while (table[at]) at = (at + 1) & (size - 1);
        table[at] = (uint32_t)i + 1;
    }
    lm__free(route->allocator, route->table);
    route->table = table;
    route->table_size = size;
    route->slot_capacity = size / 2;
    return true;
}

static lm_status find_slot(lm_route *route, const lm_slot_key *keys, uint32_t *found,
                           lm_error *error)
{
    if (route->slot_count == route->slot_capacity && !slots_grow(route)) return no_memory(error);
    size_t at = hash_keys(keys, route->count) & (route->table_size - 1);
    for (; route->table[at]; at = (at + 1) & (route->table_size - 1))
        if (same_keys(route->slots[route->table[at] - 1]->keys, keys, route->count)) {
            *found = route->table[at] - 1;
            return LM_OK;
        }
    if (route->slot_count == LM_TABLE_SLOTS_MAX)
        return lm__error_set(error, LM_LIMIT, "more than %d partitions in one append",
                             LM_TABLE_SLOTS_MAX);
    lm_slot *slot = lm__arena_zero(&route->arena, sizeof *slot);
    lm_slot_key *copy = lm__arena_array(&route->arena, route->count + 1, sizeof *copy);
    const char **values = lm__arena_array(&route->arena, route->count + 1, sizeof *values);
    if (!slot || !copy || !values) return no_memory(error);
    if (route->count) memcpy(copy, keys, route->count * sizeof *copy);
    *slot = (lm_slot){.keys = copy, .values = values};
    LM_TRY(name_slot(route, slot, error));
    *found = (uint32_t)route->slot_count;
    route->slots[route->slot_count++] = slot;
    route->table[at] = *found + 1;
    return LM_OK;
}

static lm_status find_slots(lm_route *route, int64_t rows, uint32_t *slots, lm_error *error)
{
    lm_slot_key last[LM_TABLE_PARTITIONS_MAX], now[LM_TABLE_PARTITIONS_MAX];
    for (int64_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < route->count; c++) now[c] = route->piece[c * PIECE_ROWS + (size_t)i];
        if (i > 0 && same_keys(now, last, route->count)) { /* rows mostly come in order */
            slots[i] = slots[i - 1];
            continue;
        }
        LM_TRY(find_slot(route, now, &slots[i], error));
        memcpy(last, now, sizeof last);
    }
    return LM_OK;
}

/* Numbers that lie near one another have their slots in an array. What it cannot have (a null, a
 * number far away, no memory) goes the long way. */
static void learn(lm_route *route, const lm_slot_key *key, uint32_t slot)
{
    int64_t low = key->code, high = key->code;
    if (key->is_null) return;
    if (route->direct_size) {
        int64_t last = route->direct_base + (int64_t)route->direct_size - 1;
        if (low >= route->direct_base && high <= last) {
            route->direct[low - route->direct_base] = slot + 1;
            return;
        }
        if (low > route->direct_base) low = route->direct_base;
        if (high < last) high = last;
    }
    if (high > INT64_MAX / 4 || low < INT64_MIN / 4 || high - low > DIRECT_MAX / 2) return;
    size_t size = 2 * (size_t)(high - low) + 64; /* with room on both sides */
    low -= (high - low) / 2 + 32;
    uint32_t *direct = lm__alloc_zero(route->allocator, size * sizeof *direct);
    if (!direct) return;
    if (route->direct_size)
        memcpy(direct + (route->direct_base - low), route->direct,
               route->direct_size * sizeof *direct);
    direct[key->code - low] = slot + 1;
    lm__free(route->allocator, route->direct);
    route->direct = direct;
    route->direct_base = low;
    route->direct_size = size;
}

static lm_status find_numbers(lm_route *route, int64_t rows, uint32_t *slots, lm_error *error)
{
    const lm_slot_key *keys = route->piece;
    for (int64_t i = 0; i < rows; i++) {
        uint64_t at = (uint64_t)keys[i].code - (uint64_t)route->direct_base;
        uint32_t known = at < route->direct_size && !keys[i].is_null ? route->direct[at] : 0;
        if (known) {
            slots[i] = known - 1;
            continue;
        }
        LM_TRY(find_slot(route, &keys[i], &slots[i], error));
        learn(route, &keys[i], slots[i]);
    }
    return LM_OK;
}

lm_status lm__route_rows(lm_route *route, const lm_batch *batch, int64_t first_row, uint32_t *slots,
                         lm_error *error)
{
    int64_t rows = lm__batch_rows(batch);
    bool numbers = route->count == 1 && is_number(route->columns[0].field);
    for (int64_t start = 0; start < rows; start += PIECE_ROWS) {
        int64_t some = rows - start < PIECE_ROWS ? rows - start : PIECE_ROWS;
        LM_TRY(make_keys(route, batch, start, some, first_row, error));
        LM_TRY(numbers ? find_numbers(route, some, slots + start, error)
                       : find_slots(route, some, slots + start, error));
    }
    return LM_OK;
}
