/* Values as text and back; see text.h. */
#include "arrow/text.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "arrow/calendar.h"
#include "base/number.h"

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool take(cursor *in, char c)
{
    if (in->at == in->end || *in->at != c) return false;
    in->at++;
    return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t digits_ahead(const cursor *in)
{
    const char *at = in->at;
    while (at < in->end && is_digit(*at)) at++;
    return (size_t)(at - in->at);
}

/* Exactly `count` digits. */
static bool take_digits(cursor *in, int count, int *value)
{
    if (in->end - in->at < count) return false;
    int sum = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit(in->at[i])) return false;
        sum = sum * 10 + (in->at[i] - '0');
    }
    in->at += count;
    *value = sum;
    return true;
}

static lm_text_result magnitude(const char *at, const char *end, uint64_t *value)
{
    uint64_t sum = 0;
    bool over = false;
    if (at == end) return LM_TEXT_BAD;
    for (; at < end; at++) {
        if (!is_digit(*at)) return LM_TEXT_BAD;
        over = over || __builtin_mul_overflow(sum, 10u, &sum) ||
               __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum);
    }
    *value = sum;
    return over ? LM_TEXT_RANGE : LM_TEXT_OK;
}

lm_text_result lm__text_to_i64(const char *text, size_t size, int64_t *value)
{
    bool negative = size > 0 && *text == '-', sign = negative || (size > 0 && *text == '+');
    uint64_t sum;
    lm_text_result result = magnitude(text + sign, text + size, &sum);
    if (result != LM_TEXT_OK) return result;
    if (sum > (uint64_t)INT64_MAX + negative) return LM_TEXT_RANGE;
    *value = negative ? (int64_t)-sum : (int64_t)sum;
    return LM_TEXT_OK;
}

lm_text_result lm__text_to_u64(const char *text, size_t size, uint64_t *value)
{
    bool negative = size > 0 && *text == '-', sign = negative || (size > 0 && *text == '+');
    lm_text_result result = magnitude(text + sign, text + size, value);
    if (result == LM_TEXT_OK && negative && *value) return LM_TEXT_RANGE;
    return result;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

lm_text_result lm__text_to_f64(const char *text, size_t size, double *value)
{
    cursor in = {text, text + size};
    bool negative = take(&in, '-');
    if (!negative) take(&in, '+');
    size_t left = (size_t)(in.end - in.at);
    if (is_word(in.at, left, "inf") || is_word(in.at, left, "infinity")) {
        *value = negative ? -(double)INFINITY : (double)INFINITY;
        return LM_TEXT_OK;
    }
    if (is_word(in.at, left, "nan")) {
        *value = (double)NAN;
        return LM_TEXT_OK;
    }
    if (left == 0 || *in.at == '-' || *in.at == '+' || !lm__double_parse(in.at, left, value))
        return LM_TEXT_BAD;
    if (isinf(*value)) return LM_TEXT_RANGE;
    if (negative) *value = -*value;
    return LM_TEXT_OK;
}

lm_text_result lm__text_to_bool(const char *text, size_t size, bool *value)
{
    *value = is_word(text, size, "true") || is_word(text, size, "1");
    if (*value || is_word(text, size, "false") || is_word(text, size, "0")) return LM_TEXT_OK;
    return LM_TEXT_BAD;
}

static lm_text_result take_date(cursor *in, int64_t *days)
{
    int64_t year;
    int month, day, sign = take(in, '-') ? -1 : take(in, '+') ? 1 : 0;
    size_t digits = digits_ahead(in);
    if (digits < 4 || digits > 9 || (!sign && digits != 4)) return LM_TEXT_BAD;
    int number;
    if (!take_digits(in, (int)digits, &number)) return LM_TEXT_BAD;
    year = sign < 0 ? -number : number;
    if (!take(in, '-') || !take_digits(in, 2, &month)) return LM_TEXT_BAD;
    if (!take(in, '-') || !take_digits(in, 2, &day)) return LM_TEXT_BAD;
    if (!lm__is_date(year, month, day)) return LM_TEXT_BAD;
    *days = lm__days_from_date(year, month, day);
    return LM_TEXT_OK;
}

lm_text_result lm__text_to_date(const char *text, size_t size, int64_t *days)
{
    cursor in = {text, text + size};
    lm_text_result result = take_date(&in, days);
    return result == LM_TEXT_OK && in.at != in.end ? LM_TEXT_BAD : result;
}

static int unit_digits(lm_time_unit unit) { return 3 * (int)unit; }

/* Seconds and what is below them, in units. */
static lm_text_result take_time(cursor *in, lm_time_unit unit, int64_t *seconds, int64_t *below)
{
    int hour, minute, second = 0;
    bool lost = false;
    *below = 0;
    if (!take_digits(in, 2, &hour) || !take(in, ':') || !take_digits(in, 2, &minute))
        return LM_TEXT_BAD;
    if (take(in, ':')) {
        if (!take_digits(in, 2, &second)) return LM_TEXT_BAD;
        if (in->at < in->end && (*in->at == '.' || *in->at == ',')) {
            in->at++;
            size_t digits = digits_ahead(in);
            if (digits == 0) return LM_TEXT_BAD;
            for (size_t i = 0; i < digits || i < (size_t)unit_digits(unit); i++) {
                int digit = i < digits ? in->at[i] - '0' : 0;
                if (i < (size_t)unit_digits(unit))
                    *below = *below * 10 + digit;
                else
                    lost = lost || digit;
            }
            in->at += digits;
        }
    }
    if (hour > 23 || minute > 59 || second > 59) return LM_TEXT_BAD;
    *seconds = hour * 3600 + minute * 60 + second;
    return lost ? LM_TEXT_RANGE : LM_TEXT_OK;
}

lm_text_result lm__text_to_time(const char *text, size_t size, lm_time_unit unit, int64_t *value)
{
    cursor in = {text, text + size};
    int64_t seconds, below;
    lm_text_result result = take_time(&in, unit, &seconds, &below);
    if (result == LM_TEXT_BAD || in.at != in.end) return LM_TEXT_BAD;
    if (result == LM_TEXT_OK) *value = seconds * lm__unit_per_second(unit) + below;
    return result;
}

/* "Z" or "+HH[[:]MM]"; sets the seconds that it is ahead of UTC. */
static bool take_zone(cursor *in, int64_t *ahead)
{
    *ahead = 0;
    if (take(in, 'Z') || take(in, 'z')) return true;
    bool negative = take(in, '-');
    int hours, minutes = 0;
    if (!negative && !take(in, '+')) return false;
    if (!take_digits(in, 2, &hours)) return false;
    bool colon = take(in, ':');
    if ((colon || in->at < in->end) && !take_digits(in, 2, &minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    *ahead = (hours * 60 + minutes) * 60;
    if (negative) *ahead = -*ahead;
    return true;
}

lm_text_result lm__text_to_timestamp(const char *text, size_t size, lm_time_unit unit,
                                     int64_t *value, bool *zoned)
{
    cursor in = {text, text + size};
    int64_t days, seconds = 0, below = 0, ahead = 0;
    lm_text_result result = take_date(&in, &days), of_time = LM_TEXT_OK;
    *zoned = false;
    if (result != LM_TEXT_OK) return result;
    if (in.at < in.end) {
        if (!take(&in, 'T') && !take(&in, ' ') && !take(&in, 't')) return LM_TEXT_BAD;
        of_time = take_time(&in, unit, &seconds, &below);
        if (of_time == LM_TEXT_BAD) return LM_TEXT_BAD;
        if (in.at < in.end && *in.at == ' ') in.at++;
        if (in.at < in.end) {
            if (!take_zone(&in, &ahead) || in.at != in.end) return LM_TEXT_BAD;
            *zoned = true;
        } else if (in.end[-1] == ' ') {
            return LM_TEXT_BAD;
        }
    }
    if (of_time != LM_TEXT_OK) return of_time;
    seconds += days * LM_SECONDS_PER_DAY - ahead;
    int64_t sum;
    if (__builtin_mul_overflow(seconds, lm__unit_per_second(unit), &sum) ||
        __builtin_add_overflow(sum, below, &sum)) {
        /* The earliest moments need the part below added before the product is made. */
        if (seconds >= 0 || __builtin_mul_overflow(seconds + 1, lm__unit_per_second(unit), &sum) ||
            __builtin_add_overflow(sum, below - lm__unit_per_second(unit), &sum))
            return LM_TEXT_RANGE;
    }
    *value = sum;
    return LM_TEXT_OK;
}

/* Printing. */

/* With zeroes before them up to `width`. */
static size_t put_digits(uint64_t value, int width, char *text)
{
    char digits[LM_INTEGER_TEXT_MAX];
    size_t count = lm__u64_text(value, digits);
    size_t pad = count < (size_t)width ? (size_t)width - count : 0;
    memset(text, '0', pad);
    memcpy(text + pad, digits, count);
    return pad + count;
}

size_t lm__text_from_u64(uint64_t value, char text[LM_VALUE_TEXT_MAX])
{
    return lm__u64_text(value, text);
}

size_t lm__text_from_i64(int64_t value, char text[LM_VALUE_TEXT_MAX])
{
    return lm__i64_text(value, text);
}

static size_t put_special(double value, char text[LM_VALUE_TEXT_MAX])
{
    const char *word = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    memcpy(text, word, strlen(word));
    return strlen(word);
}

size_t lm__text_from_f64(double value, char text[LM_VALUE_TEXT_MAX])
{
    if (!isfinite(value)) return put_special(value, text);
    return lm__double_text(value, text);
}

size_t lm__text_from_f32(float value, char text[LM_VALUE_TEXT_MAX])
{
    if (!isfinite(value)) return put_special((double)value, text);
    return lm__float_text(value, text);
}

size_t lm__text_from_date(int64_t days, char text[LM_VALUE_TEXT_MAX])
{
    int64_t year;
    int month, day;
    size_t size = 0;
    lm__date_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) text[size++] = year < 0 ? '-' : '+';
    size += put_digits((uint64_t)(year < 0 ? -year : year), 4, text + size);
    text[size++] = '-';
    size += put_digits((uint64_t)month, 2, text + size);
    text[size++] = '-';
    return size + put_digits((uint64_t)day, 2, text + size);
}

size_t lm__text_from_time(int64_t value, lm_time_unit unit, char text[LM_VALUE_TEXT_MAX])
{
    int64_t per = lm__unit_per_second(unit), seconds = value / per, below = value % per;
    size_t size = 0;
    if (value < 0) { /* no time of day, but it can be told */
        text[size++] = '-';
        seconds = -seconds;
        below = -below;
    }
    size += put_digits((uint64_t)(seconds / 3600), 2, text + size);
    text[size++] = ':';
    size += put_digits((uint64_t)(seconds / 60 % 60), 2, text + size);
    text[size++] = ':';
    size += put_digits((uint64_t)(seconds % 60), 2, text + size);
    if (unit == LM_UNIT_SECOND) return size;
    text[size++] = '.';
    return size + put_digits((uint64_t)below, unit_digits(unit), text + size);
}

size_t lm__text_from_timestamp(int64_t value, lm_time_unit unit, bool zoned,
                               char text[LM_VALUE_TEXT_MAX])
{
    int64_t per_day = LM_SECONDS_PER_DAY * lm__unit_per_second(unit);
    int64_t days = value / per_day, of_day = value % per_day;
    if (of_day < 0) {
        of_day += per_day;
        days--;
    }
    size_t size = 0;
    size += lm__text_from_date(days, text);
    text[size++] = 'T';
    size += lm__text_from_time(of_day, unit, text + size);
    if (zoned) text[size++] = 'Z';
    return size;
}
