/* Texts of values; see canonical_text.h. */
#include "parquet/canonical_text.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes_text.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "parquet/canonical_number.h"
#include "parquet/read_convert.h"

#define NANOS_PER_DAY INT64_C(86400000000000)
#define JULIAN_EPOCH 2440588 /* 1970-01-01 */

/* Strings. */

static size_t escape(uint8_t byte, char text[8])
{
    const char *letter = NULL;
    switch (byte) {
    case '"': letter = "\\\""; break;
    case '\\': letter = "\\\\"; break;
    case '\b': letter = "\\b"; break;
    case '\t': letter = "\\t"; break;
    case '\n': letter = "\\n"; break;
    case '\f': letter = "\\f"; break;
    case '\r': letter = "\\r"; break;
    default: break;
    }
    if (letter) {
        memcpy(text, letter, 2);
        return 2;
    }
    memcpy(text, "\\u00", 4);
    lm__hex_text(text + 4, &byte, 1);
    return 6;
}

lm_status lm__canonical_escaped(lm_buffer *out, const uint8_t *text, size_t size)
{
    lm_status status = LM_OK;
    size_t plain = 0; /* where the bytes begin that stand as they are */
    for (size_t i = 0; i < size && status == LM_OK; i++) {
        char escaped[8];
        if (text[i] >= 0x20 && text[i] != '"' && text[i] != '\\') continue;
        status = lm__buffer_append(out, text + plain, i - plain);
        plain = i + 1;
        if (status == LM_OK) status = lm__buffer_append(out, escaped, escape(text[i], escaped));
    }
    if (status == LM_OK && size > plain)
        status = lm__buffer_append(out, text + plain, size - plain);
    return status;
}

lm_status lm__canonical_string(lm_buffer *out, const uint8_t *text, size_t size)
{
    lm_status status = lm__buffer_byte(out, '"');
    if (status == LM_OK) status = lm__canonical_escaped(out, text, size);
    return status == LM_OK ? lm__buffer_byte(out, '"') : status;
}

static lm_status bare_hex(lm_buffer *out, const uint8_t *bytes, size_t size)
{
    lm_status status = lm__buffer_reserve(out, 2 * size);
    if (status != LM_OK) return status;
    lm__hex_text((char *)out->data + out->size, bytes, size);
    out->size += 2 * size;
    return LM_OK;
}

lm_status lm__canonical_hex(lm_buffer *out, const uint8_t *bytes, size_t size)
{
    lm_status status = lm__buffer_byte(out, '"');
    if (status == LM_OK) status = bare_hex(out, bytes, size);
    return status == LM_OK ? lm__buffer_byte(out, '"') : status;
}

lm_status lm__canonical_text(lm_buffer *out, const uint8_t *text, size_t size)
{
    if (lm__utf8_valid(text, size)) return lm__canonical_string(out, text, size);
    lm_status status = lm__buffer_text(out, "{\"$invalid_utf8\":");
    if (status == LM_OK) status = lm__canonical_hex(out, text, size);
    return status == LM_OK ? lm__buffer_byte(out, '}') : status;
}

lm_status lm__canonical_uuid(lm_buffer *out, const uint8_t bytes[16])
{
    char text[LM_UUID_TEXT_BYTES + 2] = "\"";
    lm__uuid_text(text + 1, bytes)[0] = '"';
    return lm__buffer_append(out, text, sizeof text);
}

/* Numbers. */

lm_status lm__canonical_uint(lm_buffer *out, uint64_t value)
{
    char digits[24], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return lm__buffer_append(out, at, (size_t)(digits + sizeof digits - at));
}

lm_status lm__canonical_int(lm_buffer *out, int64_t value)
{
    if (value >= 0) return lm__canonical_uint(out, (uint64_t)value);
    lm_status status = lm__buffer_byte(out, '-');
    return status == LM_OK ? lm__canonical_uint(out, 0 - (uint64_t)value) : status;
}

static lm_status padded(lm_buffer *out, uint64_t value, int digits)
{
    for (uint64_t least = 10; digits > 1; digits--, least *= 10) {
        if (value >= least) continue;
        lm_status status = LM_OK;
        for (int i = 1; i < digits && status == LM_OK; i++) status = lm__buffer_byte(out, '0');
        if (status != LM_OK) return status;
        break;
    }
    return lm__canonical_uint(out, value);
}

/* Times. */

/* The proleptic Gregorian calendar, by eras of 400 years that begin on a 1st of March. */
static lm_status bare_date(lm_buffer *out, __int128 days)
{
    __int128 from_march = days + 719468; /* since 0000-03-01 */
    int64_t era = (int64_t)((from_march >= 0 ? from_march : from_march - 146096) / 146097);
    int64_t day_of_era = (int64_t)(from_march - (__int128)era * 146097);
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; /* months since March */
    int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    lm_status status = LM_OK;
    if (year < 0 || year > 9999) status = lm__buffer_byte(out, year < 0 ? '-' : '+');
    if (status == LM_OK) status = padded(out, (uint64_t)(year < 0 ? -year : year), 4);
    if (status == LM_OK) status = lm__buffer_byte(out, '-');
    if (status == LM_OK) status = padded(out, (uint64_t)month, 2);
    if (status == LM_OK) status = lm__buffer_byte(out, '-');
    return status == LM_OK ? padded(out, (uint64_t)day, 2) : status;
}

lm_status lm__canonical_date(lm_buffer *out, int64_t days)
{
    lm_status status = lm__buffer_byte(out, '"');
    if (status == LM_OK) status = bare_date(out, days);
    return status == LM_OK ? lm__buffer_byte(out, '"') : status;
}

/* `value` lies within a day. */
static lm_status bare_time(lm_buffer *out, int64_t value, int64_t per_second)
{
    uint64_t seconds = (uint64_t)(value / per_second);
    int digits = per_second == 1000 ? 3 : per_second == 1000000 ? 6 : 9;
    lm_status status = padded(out, seconds / 3600, 2);
    if (status == LM_OK) status = lm__buffer_byte(out, ':');
    if (status == LM_OK) status = padded(out, seconds / 60 % 60, 2);
    if (status == LM_OK) status = lm__buffer_byte(out, ':');
    if (status == LM_OK) status = padded(out, seconds % 60, 2);
    if (status == LM_OK) status = lm__buffer_byte(out, '.');
    return status == LM_OK ? padded(out, (uint64_t)(value % per_second), digits) : status;
}

lm_status lm__canonical_time(lm_buffer *out, int64_t value, int64_t per_second)
{
    if (value < 0 || value >= 86400 * per_second) return lm__canonical_int(out, value);
    lm_status status = lm__buffer_byte(out, '"');
    if (status == LM_OK) status = bare_time(out, value, per_second);
    return status == LM_OK ? lm__buffer_byte(out, '"') : status;
}

lm_status lm__canonical_timestamp(lm_buffer *out, __int128 value, int64_t per_second, bool utc)
{
    int64_t per_day = 86400 * per_second;
    __int128 days = value / per_day;
    int64_t rest = (int64_t)(value % per_day);
    if (rest < 0) {
        rest += per_day;
        days--;
    }
    lm_status status = lm__buffer_byte(out, '"');
    if (status == LM_OK) status = bare_date(out, days);
    if (status == LM_OK) status = lm__buffer_byte(out, 'T');
    if (status == LM_OK) status = bare_time(out, rest, per_second);
    if (status == LM_OK && utc) status = lm__buffer_byte(out, 'Z');
    return status == LM_OK ? lm__buffer_byte(out, '"') : status;
}

static int64_t per_second(int32_t unit)
{
    return unit == LM_PARQUET_MILLIS ? 1000 : unit == LM_PARQUET_MICROS ? 1000000 : 1000000000;
}

/* Leaves. */

static lm_status interval(lm_buffer *out, const uint8_t *value)
{
    lm_status status = lm__buffer_text(out, "{\"months\":");
    if (status == LM_OK) status = lm__canonical_uint(out, lm__load32(value));
    if (status == LM_OK) status = lm__buffer_text(out, ",\"days\":");
    if (status == LM_OK) status = lm__canonical_uint(out, lm__load32(value + 4));
    if (status == LM_OK) status = lm__buffer_text(out, ",\"millis\":");
    if (status == LM_OK) status = lm__canonical_uint(out, lm__load32(value + 8));
    return status == LM_OK ? lm__buffer_byte(out, '}') : status;
}

static lm_status integer(lm_buffer *out, const lm_read_node *leaf, int64_t value)
{
    unsigned spare = 64 - leaf->bits;
    uint64_t high = (uint64_t)value << spare; /* the low bits alone count */
    return leaf->is_signed ? lm__canonical_int(out, (int64_t)high >> spare)
                           : lm__canonical_uint(out, high >> spare);
}

static lm_status decimal_of_int(lm_buffer *out, const lm_read_node *leaf, int64_t value)
{
    uint64_t big_endian = __builtin_bswap64((uint64_t)value);
    return lm__canonical_decimal(out, (const uint8_t *)&big_endian, 8, leaf->scale);
}

static lm_status number(lm_buffer *out, const lm_read_node *leaf, int64_t value)
{
    switch (leaf->meaning) {
    case LM_MEANS_INTEGER: return integer(out, leaf, value);
    case LM_MEANS_DECIMAL: return decimal_of_int(out, leaf, value);
    case LM_MEANS_DATE: return lm__canonical_date(out, value);
    case LM_MEANS_TIME: return lm__canonical_time(out, value, per_second(leaf->unit));
    case LM_MEANS_TIMESTAMP:
        return lm__canonical_timestamp(out, value, per_second(leaf->unit), leaf->utc);
    default: return lm__canonical_int(out, value);
    }
}

static lm_status bytes(lm_buffer *out, const lm_read_node *leaf, const uint8_t *value, size_t size)
{
    switch (leaf->meaning) {
    case LM_MEANS_STRING:
    case LM_MEANS_ENUM:
    case LM_MEANS_JSON: return lm__canonical_text(out, value, size);
    case LM_MEANS_DECIMAL: return lm__canonical_decimal(out, value, size, leaf->scale);
    case LM_MEANS_TIMESTAMP:
        return lm__canonical_timestamp(out, lm__read_time96(value), per_second(leaf->unit),
                                       leaf->utc);
    case LM_MEANS_UUID: return lm__canonical_uuid(out, value);
    case LM_MEANS_INTERVAL: return interval(out, value);
    case LM_MEANS_FLOAT16:
        return lm__canonical_float(out, lm__float_of_half((uint16_t)(value[0] | value[1] << 8)));
    default: return lm__canonical_hex(out, value, size);
    }
}

lm_status lm__canonical_leaf(lm_buffer *out, const lm_read_node *leaf, const uint8_t *value,
                             size_t size)
{
    float single;
    double both;
    switch (leaf->physical) {
    case LM_PARQUET_BOOLEAN: return lm__buffer_text(out, value[0] ? "true" : "false");
    case LM_PARQUET_INT32: return number(out, leaf, (int32_t)lm__load32(value));
    case LM_PARQUET_INT64: return number(out, leaf, (int64_t)lm__load64(value));
    case LM_PARQUET_INT96: {
        __int128 days = (__int128)(int32_t)lm__load32(value + 8) - JULIAN_EPOCH;
        return lm__canonical_timestamp(out, days * NANOS_PER_DAY + (int64_t)lm__load64(value),
                                       1000000000, false);
    }
    case LM_PARQUET_FLOAT: memcpy(&single, value, 4); return lm__canonical_float(out, single);
    case LM_PARQUET_DOUBLE: memcpy(&both, value, 8); return lm__canonical_double(out, both);
    default: return bytes(out, leaf, value, size);
    }
}
