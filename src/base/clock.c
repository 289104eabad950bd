/*
 * The system's clock, RFC 3339 texts and names from the kernel's random source.
 *
 * Invariants
 *  1. Texts are UTC with microseconds, rounded down; a text that was written reads back to the same
 *     microsecond.
 *  2. Only moments that int64 nanoseconds reach are read (1677-09-21 to 2262-04-11); others are
 *     refused, not wrapped.
 */
#define _GNU_SOURCE
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "base/bytes_text.h"
#include "base/error.h"

#define NS_PER_S 1000000000

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now) != 0) return 0; /* both clocks exist on every Linux */
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t system_wall_ns(void *context)
{
    (void)context;
    return clock_ns(CLOCK_REALTIME);
}

static int64_t system_monotonic_ns(void *context)
{
    (void)context;
    return clock_ns(CLOCK_MONOTONIC);
}

const lm_clock *lm__clock_system(void)
{
    static const lm_clock clock = {system_wall_ns, system_monotonic_ns, NULL};
    return &clock;
}

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar and back, by eras of 400
 * years that begin in March, so that the leap day is a year's last. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    if (month <= 2) year--;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void lm__rfc3339(int64_t wall_ns, char text[LM_RFC3339_MAX])
{
    const int64_t day_ns = (int64_t)86400 * NS_PER_S;
    int64_t days = wall_ns / day_ns, rest = wall_ns % day_ns;
    if (rest < 0) {
        rest += day_ns;
        days--;
    }
    int year, month, day, seconds = (int)(rest / NS_PER_S);
    date_from_days(days, &year, &month, &day);
    snprintf(text, LM_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", year, month, day,
             seconds / 3600, seconds / 60 % 60, seconds % 60, (int)(rest % NS_PER_S / 1000));
}

/* Reads exactly `digits` digits and moves on; -1 when they are not there. */
static int number_take(const char **text, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char digit = (*text)[i];
        if (digit < '0' || digit > '9') return -1;
        value = value * 10 + (digit - '0');
    }
    *text += digits;
    return value;
}

static bool char_take(const char **text, char wanted)
{
    if (**text != wanted) return false;
    (*text)++;
    return true;
}

static int month_days(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* "", ".5", ".123456789" as nanoseconds; -1 when malformed. */
static int fraction_take(const char **text)
{
    if (!char_take(text, '.')) return 0;
    int value = 0, digits = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++, digits++) {
        if (digits == 9) return -1;
        value = value * 10 + (**text - '0');
    }
    if (digits == 0) return -1;
    for (; digits < 9; digits++) value *= 10;
    return value;
}

/* "Z" or "+hh:mm" as seconds; false when malformed. */
static bool offset_take(const char **text, int *offset)
{
    *offset = 0;
    if (char_take(text, 'Z') || char_take(text, 'z')) return true;
    int sign = char_take(text, '+') ? 1 : char_take(text, '-') ? -1 : 0;
    if (sign == 0) return false;
    int hours = number_take(text, 2);
    if (hours < 0 || hours > 23 || !char_take(text, ':')) return false;
    int minutes = number_take(text, 2);
    if (minutes < 0 || minutes > 59) return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* RFC 3339, 5.6; a space for the T as its note allows. A leap second is the second after it. */
bool lm__rfc3339_parse(const char *text, int64_t *wall_ns)
{
    int year, month, day, hour, minute, second, fraction, offset;
    if ((year = number_take(&text, 4)) < 0 || !char_take(&text, '-')) return false;
    if ((month = number_take(&text, 2)) < 1 || month > 12 || !char_take(&text, '-')) return false;
    if ((day = number_take(&text, 2)) < 1 || day > month_days(year, month)) return false;
    if (!char_take(&text, 'T') && !char_take(&text, 't') && !char_take(&text, ' ')) return false;
    if ((hour = number_take(&text, 2)) < 0 || hour > 23 || !char_take(&text, ':')) return false;
    if ((minute = number_take(&text, 2)) < 0 || minute > 59 || !char_take(&text, ':')) return false;
    if ((second = number_take(&text, 2)) < 0 || second > 60) return false;
    if (second == 60 && minute != 59) return false;
    if ((fraction = fraction_take(&text)) < 0 || !offset_take(&text, &offset)) return false;
    if (*text != '\0') return false;
    int64_t seconds =
        days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    /* Before 1970 the fraction is taken from the next second, so that the product of the earliest
     * moments stays in range. */
    int64_t rest = fraction;
    if (seconds < 0 && rest > 0) {
        seconds++;
        rest -= NS_PER_S;
    }
    int64_t result;
    if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_S, &result)) return false;
    if (__builtin_add_overflow(result, rest, &result)) return false;
    *wall_ns = result;
    return true;
}

static lm_status random_fill(uint8_t *bytes, size_t size, lm_error *error)
{
    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return lm__error_os(error, errno, "cannot read random bytes from the kernel");
        bytes += got;
        size -= (size_t)got;
    }
    return LM_OK;
}

lm_status lm__unique(char text[LM_UNIQUE_MAX], lm_error *error)
{
    uint8_t bytes[16];
    text[0] = '\0';
    LM_TRY(random_fill(bytes, sizeof bytes, error));
    *lm__hex_text(text, bytes, sizeof bytes) = '\0';
    return LM_OK;
}

/* RFC 9562, 5.4. */
lm_status lm__uuid4(char text[37], lm_error *error)
{
    uint8_t bytes[16];
    text[0] = '\0';
    LM_TRY(random_fill(bytes, sizeof bytes, error));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    *lm__uuid_text(text, bytes) = '\0';
    return LM_OK;
}
