/* Dates and times as text by the letters of strftime, without its locale. */
#ifndef LM_CSV_TIME_TEXT_H
#define LM_CSV_TIME_TEXT_H

#include <lamella/base.h>

#define LM_CSV_DATE_TEXT_MAX 24

/* A moment, in parts. */
typedef struct lm_csv_moment {
    int64_t days;        /* since 1970-01-01 */
    int64_t nanoseconds; /* of the day */
    int zone_seconds;    /* ahead of UTC */
    bool zoned;
} lm_csv_moment;

/* Whether all letters after % are known, and of the kind: dates have no hours, times no days. */
typedef enum lm_csv_time_kind { LM_CSV_DATE, LM_CSV_TIME, LM_CSV_TIMESTAMP } lm_csv_time_kind;
LM_MUST_USE lm_status lm__csv_time_check(const char *format, lm_csv_time_kind kind,
                                         lm_error *error);
/* The most bytes that the format makes. */
size_t lm__csv_time_room(const char *format);
size_t lm__csv_time_put(const char *format, const lm_csv_moment *moment, char *to);
/* "Z" or "+02:00". */
size_t lm__csv_zone_put(int zone_seconds, bool colon, char *to);

#endif
