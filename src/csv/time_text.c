/* Dates and times by a format; see time_text.h. */
#include "csv/time_text.h"

#include <stdlib.h>
#include <string.h>

#include "arrow/calendar.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"

/* Letters of each kind; %:z and %3f, %6f, %9f are told apart below. */
static const char date_letters[] = "YmdyjbBaAF", time_letters[] = "HIMSpfT";

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

/* The letter at *at, which is past the %, with what stands before it. */
static char letter_take(const char **at, int *digits, bool *colon)
{
    *digits = 6;
    *colon = **at == ':';
    if (*colon) ++*at;
    if (!*colon && (*at)[0] && strchr("369", (*at)[0]) && (*at)[1] == 'f') *digits = *(*at)++ - '0';
    char letter = **at;
    if (letter) ++*at;
    return letter;
}

lm_status lm__csv_time_check(const char *format, lm_csv_time_kind kind, lm_error *error)
{
    if (strlen(format) > LM_CSV_FORMAT_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a format of a date or time has at most %d bytes",
                             LM_CSV_FORMAT_BYTES_MAX);
    for (const char *at = format; *at;) {
        int digits;
        bool colon;
        if (*at++ != '%') continue;
        char letter = letter_take(&at, &digits, &colon);
        bool known = letter && ((strchr(date_letters, letter) && kind != LM_CSV_TIME) ||
                                (strchr(time_letters, letter) && kind != LM_CSV_DATE) ||
                                (letter == 'z' && kind == LM_CSV_TIMESTAMP) || letter == '%');
        if (!known || (colon && letter != 'z'))
            return lm__error_set(error, LM_INVALID,
                                 "%s: '%%%c' is not known in this format (docs/csv.md lists what "
                                 "is)",
                                 format, letter ? letter : ' ');
    }
    return LM_OK;
}

size_t lm__csv_time_room(const char *format) { return 16 * strlen(format) + 32; }

static size_t put_number(int64_t value, int width, char *to)
{
    char digits[LM_INTEGER_TEXT_MAX];
    size_t size = lm__u64_text((uint64_t)value, digits), at = 0;
    for (; size + at < (size_t)width; at++) to[at] = '0';
    memcpy(to + at, digits, size);
    return at + size;
}

static size_t put_word(const char *word, size_t most, char *to)
{
    size_t size = strlen(word);
    if (size > most) size = most;
    memcpy(to, word, size);
    return size;
}

size_t lm__csv_zone_put(int zone_seconds, bool colon, char *to)
{
    int minutes = abs(zone_seconds) / 60;
    size_t size = 0;
    to[size++] = zone_seconds < 0 ? '-' : '+';
    size += put_number(minutes / 60, 2, to + size);
    if (colon) to[size++] = ':';
    return size + put_number(minutes % 60, 2, to + size);
}

static size_t put_year(int64_t year, char *to)
{
    size_t size = 0;
    if (year < 0 || year > 9999) to[size++] = year < 0 ? '-' : '+';
    return size + put_number(year < 0 ? -year : year, 4, to + size);
}

/* Letters of dates. */
static size_t put_date(char letter, int64_t days, char *to)
{
    int64_t year;
    int month, day;
    lm__date_from_days(days, &year, &month, &day);
    int weekday = (int)(((days + 4) % 7 + 7) % 7);
    size_t size;
    switch (letter) {
    case 'Y': return put_year(year, to);
    case 'y': return put_number((year % 100 + 100) % 100, 2, to);
    case 'm': return put_number(month, 2, to);
    case 'd': return put_number(day, 2, to);
    case 'j': return put_number(days - lm__days_from_date(year, 1, 1) + 1, 3, to);
    case 'b': return put_word(months[month - 1], 3, to);
    case 'B': return put_word(months[month - 1], 9, to);
    case 'a': return put_word(weekdays[weekday], 3, to);
    case 'A': return put_word(weekdays[weekday], 9, to);
    default: /* F */
        size = put_year(year, to);
        to[size++] = '-';
        size += put_number(month, 2, to + size);
        to[size++] = '-';
        return size + put_number(day, 2, to + size);
    }
}

static size_t put_clock(char letter, int digits, int64_t nanoseconds, char *to)
{
    static const int64_t below[] = {1000000000, 0, 0, 1000000, 0, 0, 1000, 0, 0, 1};
    int64_t seconds = nanoseconds / 1000000000, hour = seconds / 3600;
    size_t size;
    switch (letter) {
    case 'H': return put_number(hour, 2, to);
    case 'I': return put_number(hour % 12 ? hour % 12 : 12, 2, to);
    case 'M': return put_number(seconds / 60 % 60, 2, to);
    case 'S': return put_number(seconds % 60, 2, to);
    case 'p': return put_word(hour < 12 ? "AM" : "PM", 2, to);
    case 'f': return put_number(nanoseconds % 1000000000 / below[digits], digits, to);
    default: /* T */
        size = put_number(hour, 2, to);
        to[size++] = ':';
        size += put_number(seconds / 60 % 60, 2, to + size);
        to[size++] = ':';
        return size + put_number(seconds % 60, 2, to + size);
    }
}

size_t lm__csv_time_put(const char *format, const lm_csv_moment *moment, char *to)
{
    size_t size = 0;
    for (const char *at = format; *at;) {
        int digits;
        bool colon;
        if (*at != '%') {
            to[size++] = *at++;
            continue;
        }
        at++;
        char letter = letter_take(&at, &digits, &colon);
        if (letter == '%')
            to[size++] = '%';
        else if (letter == 'z')
            size += moment->zoned ? lm__csv_zone_put(moment->zone_seconds, colon, to + size) : 0;
        else if (strchr(date_letters, letter))
            size += put_date(letter, moment->days, to + size);
        else
            size += put_clock(letter, digits, moment->nanoseconds, to + size);
    }
    return size;
}
