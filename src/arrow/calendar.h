/* Days and dates of the proleptic Gregorian calendar, by eras of 400 years that begin in March, so
 * that the leap day is a year's last. */
#ifndef LM_ARROW_CALENDAR_H
#define LM_ARROW_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define LM_SECONDS_PER_DAY 86400

/* Days since 1970-01-01. */
static inline int64_t lm__days_from_date(int64_t year, int month, int day)
{
    if (month <= 2) year--;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static inline void lm__date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t of_era_year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * of_era_year + of_era_year / 4 - of_era_year / 100);
    int from_march = (int)((5 * of_year + 2) / 153);
    *day = (int)(of_year - (153 * from_march + 2) / 5) + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = of_era_year + era * 400 + (*month <= 2);
}

static inline bool lm__is_date(int64_t year, int month, int day)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

#endif
