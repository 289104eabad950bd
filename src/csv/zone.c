/* Time zones; see zone.h. */
#include "csv/zone.h"

#include <stdio.h>
#include <string.h>

#include "arrow/calendar.h"
#include "base/error.h"
#include "base/limits.h"

/* A day of each year at which the offset changes (POSIX, the variable TZ). */
typedef struct rule_day {
    char form;            /* 'M': of month and week; 'J': of 365; 'N': of 365 or 366 */
    int month, week, day; /* 'M': 1 to 12, 1 to 5 (the last), 0 to 6; else the day alone */
    int second;           /* of the day, by the time before it */
} rule_day;

struct lm_csv_zone {
    size_t count; /* changes that the file lists */
    int64_t *at;
    int *offsets; /* before the first change, and from each on */
    /* what follows the last one */
    bool rules;
    int standard, summer;
    rule_day start, end; /* of summer */
};

/* The rules: text such as "CET-1CEST,M3.5.0,M10.5.0/3". Each part moves *at and is false where it
 * is not well written. */

static bool take_number(const char **at, int most, int *value)
{
    const char *first = *at;
    for (*value = 0; **at >= '0' && **at <= '9' && *value <= most; ++*at)
        *value = *value * 10 + (**at - '0');
    return *at > first && *value <= most;
}

static bool take_char(const char **at, char c)
{
    if (**at != c) return false;
    ++*at;
    return true;
}

static bool take_name(const char **at)
{
    const char *first = *at;
    if (take_char(at, '<')) {
        while (**at && **at != '>') ++*at;
        return take_char(at, '>');
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) ++*at;
    return *at - first >= 3;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(const char **at, int *seconds)
{
    int part[3] = {0};
    bool negative = take_char(at, '-');
    if (!negative) (void)take_char(at, '+');
    if (!take_number(at, 167, &part[0])) return false;
    for (int i = 1; i < 3 && take_char(at, ':'); i++)
        if (!take_number(at, 59, &part[i])) return false;
    *seconds = (part[0] * 60 + part[1]) * 60 + part[2];
    if (negative) *seconds = -*seconds;
    return true;
}

static bool take_day(const char **at, rule_day *day)
{
    bool good;
    *day = (rule_day){.form = 'N', .second = 2 * 3600};
    if (!take_char(at, ',')) return false;
    if (take_char(at, 'M')) {
        day->form = 'M';
        good = take_number(at, 12, &day->month) && take_char(at, '.') &&
               take_number(at, 5, &day->week) && take_char(at, '.') &&
               take_number(at, 6, &day->day);
        good = good && day->month > 0 && day->week > 0;
    } else {
        if (take_char(at, 'J')) day->form = 'J';
        good = take_number(at, 365, &day->day) && (day->form == 'N' || day->day > 0);
    }
    return good && (!take_char(at, '/') || take_time(at, &day->second));
}

static bool take_rules(const char *at, lm_csv_zone *zone)
{
    if (!take_name(&at) || !take_time(&at, &zone->standard)) return false;
    zone->standard = zone->summer = -zone->standard; /* the text counts westwards */
    if (!*at) return true;
    zone->rules = true;
    if (!take_name(&at)) return false;
    zone->summer = zone->standard + 3600;
    if (*at != ',') {
        if (!take_time(&at, &zone->summer)) return false;
        zone->summer = -zone->summer;
    }
    return take_day(&at, &zone->start) && take_day(&at, &zone->end) && !*at;
}

/* The day's second 0 in the year, by the clock. */
static int64_t rule_second(const rule_day *rule, int64_t year)
{
    int64_t days = lm__days_from_date(year, 1, 1);
    if (rule->form == 'M') {
        days = lm__days_from_date(year, rule->month, 1);
        int64_t weekday = ((days + 4) % 7 + 7) % 7;
        days += (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
        int64_t next = rule->month < 12 ? lm__days_from_date(year, rule->month + 1, 1)
                                        : lm__days_from_date(year + 1, 1, 1);
        if (days >= next) days -= 7; /* a fifth one that is not there is the last */
    } else if (rule->form == 'J') {
        bool leap = lm__is_date(year, 2, 29);
        days += rule->day - 1 + (leap && rule->day > 59);
    } else {
        days += rule->day;
    }
    return days * LM_SECONDS_PER_DAY + rule->second;
}

/* By the rules: the changes of three years, in their order. */
static void find_by_rules(const lm_csv_zone *zone, int64_t second, lm_csv_zone_span *span)
{
    int64_t year, at[6];
    int month, day, offsets[6];
    lm__date_from_days(second / LM_SECONDS_PER_DAY, &year, &month, &day);
    for (int i = 0; i < 6; i++) {
        bool starts = i % 2 == 0;
        int64_t change = starts ? rule_second(&zone->start, year - 1 + i / 2) - zone->standard
                                : rule_second(&zone->end, year - 1 + i / 2) - zone->summer;
        int place = i;
        for (; place > 0 && at[place - 1] > change; place--) {
            at[place] = at[place - 1];
            offsets[place] = offsets[place - 1];
        }
        at[place] = change;
        offsets[place] = starts ? zone->summer : zone->standard;
    }
    for (int i = 0; i < 6 && at[i] <= second; i++) {
        span->offset = offsets[i];
        span->from = span->from > at[i] ? span->from : at[i];
        span->until = i < 5 ? at[i + 1] : second + 1;
    }
}

void lm__csv_zone_find(const lm_csv_zone *zone, int64_t second, lm_csv_zone_span *span)
{
    size_t low = 0, high = zone->count; /* changes up to `second` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= second)
            low = middle + 1;
        else
            high = middle;
    }
    *span = (lm_csv_zone_span){.from = low > 0 ? zone->at[low - 1] : INT64_MIN,
                               .until = low < zone->count ? zone->at[low] : INT64_MAX,
                               .offset = zone->offsets[low]};
    /* Beyond all years that anybody has rules for, the sums would not fit. */
    bool far = second > INT64_MAX / 4 || second < INT64_MIN / 4;
    if (low == zone->count && zone->rules && !far) find_by_rules(zone, second, span);
    span->offset -= span->offset % 60;
}

/* The file. */

static int64_t take_big(const uint8_t *at, int bytes)
{
    uint64_t value = (int8_t)*at < 0 ? UINT64_MAX : 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | at[i];
    return (int64_t)value;
}

#define HEAD_BYTES 44
typedef struct counts {
    size_t utc, standard, leaps, times, types, chars;
} counts;

/* Bytes of a block behind the header at `head`; SIZE_MAX where that is none. */
static size_t block_bytes(const uint8_t *head, size_t left, size_t time_bytes, counts *c)
{
    if (left < HEAD_BYTES || memcmp(head, "TZif", 4) != 0 || head[4] < '2') return SIZE_MAX;
    size_t n[6];
    for (int i = 0; i < 6; i++) {
        n[i] = (size_t)(uint32_t)take_big(head + 20 + 4 * i, 4);
        if (n[i] > left) return SIZE_MAX;
    }
    *c = (counts){n[0], n[1], n[2], n[3], n[4], n[5]};
    size_t bytes = c->times * (time_bytes + 1) + c->types * 6 + c->chars +
                   c->leaps * (time_bytes + 4) + c->standard + c->utc;
    return bytes <= left - HEAD_BYTES ? bytes : SIZE_MAX;
}

static bool take_offset(const uint8_t *types, const counts *c, size_t type, int *offset)
{
    if (type >= c->types) return false;
    int64_t seconds = take_big(types + 6 * type, 4);
    *offset = (int)seconds;
    return seconds > -LM_SECONDS_PER_DAY && seconds < LM_SECONDS_PER_DAY;
}

static bool take_changes(const uint8_t *block, const counts *c, lm_csv_zone *zone)
{
    const uint8_t *kinds = block + 8 * c->times, *types = kinds + c->times;
    bool good = c->leaps == 0 && take_offset(types, c, 0, &zone->offsets[0]);
    for (size_t i = 0; i < c->times && good; i++) {
        zone->at[i] = take_big(block + 8 * i, 8);
        good = take_offset(types, c, kinds[i], &zone->offsets[i + 1]) &&
               (i == 0 || zone->at[i] > zone->at[i - 1]);
    }
    return good;
}

lm_status lm__csv_zone_parse(lm_arena *arena, const char *name, const uint8_t *file, size_t size,
                             const lm_csv_zone **out, lm_error *error)
{
    counts c;
    char rules[LM_ZONE_RULES_BYTES_MAX];
    const uint8_t *second = file;
    size_t first = block_bytes(file, size, 4, &c), bytes = SIZE_MAX;
    if (first != SIZE_MAX) {
        second = file + HEAD_BYTES + first;
        bytes = block_bytes(second, size - (size_t)(second - file), 8, &c);
    }
    if (bytes == SIZE_MAX) goto malformed;
    lm_csv_zone *zone = lm__arena_array(arena, 1, sizeof *zone);
    if (!zone) return lm__error_memory(error, "reading a time zone");
    *zone = (lm_csv_zone){.count = c.times};
    zone->at = lm__arena_array(arena, c.times + 1, sizeof *zone->at);
    zone->offsets = lm__arena_array(arena, c.times + 1, sizeof *zone->offsets);
    if (!zone->at || !zone->offsets) return lm__error_memory(error, "reading a time zone");
    if (!take_changes(second + HEAD_BYTES, &c, zone)) goto malformed;
    const uint8_t *at = second + HEAD_BYTES + bytes, *end = file + size, *stop;
    if (at == end || *at++ != '\n' || !(stop = memchr(at, '\n', (size_t)(end - at))))
        goto malformed;
    size_t length = (size_t)(stop - at);
    if (length >= sizeof rules) goto malformed;
    memcpy(rules, at, length);
    rules[length] = '\0';
    if (length > 0 && !take_rules(rules, zone)) goto malformed;
    *out = zone;
    return LM_OK;
malformed:
    return lm__error_set(error, LM_CORRUPT, "the system's file of the time zone %s is not readable",
                         name);
}

/* Names. */

/* [+-]HH:MM, Z and UTC. */
static bool is_offset(const char *name, int *offset)
{
    *offset = 0;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0) return true;
    bool form = strlen(name) == 6 && (name[0] == '+' || name[0] == '-') && name[3] == ':';
    for (int i = 1; i < 6 && form; i++) form = i == 3 || (name[i] >= '0' && name[i] <= '9');
    if (!form) return false;
    int hours = (name[1] - '0') * 10 + name[2] - '0',
        minutes = (name[4] - '0') * 10 + name[5] - '0';
    *offset = (hours * 60 + minutes) * 60;
    if (name[0] == '-') *offset = -*offset;
    return hours <= 23 && minutes <= 59;
}

/* Parts of letters, digits, '_', '+' and '-', parted by '/': no path that leads elsewhere. */
static bool is_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > LM_ZONE_NAME_BYTES_MAX || name[0] == '/') return false;
    for (const char *at = name; *at; at++) {
        bool letter = (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z');
        if (!letter && !(*at >= '0' && *at <= '9') && !strchr("_+-/", *at)) return false;
    }
    return true;
}

/* The places of Python's zoneinfo. */
static FILE *open_file(const char *name)
{
    static const char *const places[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                         "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};
    char path[LM_ZONE_NAME_BYTES_MAX + 32];
    FILE *file = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places && !file; i++) {
        snprintf(path, sizeof path, "%s/%s", places[i], name);
        file = fopen(path, "re");
    }
    return file;
}

lm_status lm__csv_zone_load(lm_arena *arena, const char *name, const lm_csv_zone **out,
                            lm_error *error)
{
    int offset;
    char shown[80];
    if (is_offset(name, &offset)) {
        lm_csv_zone *zone = lm__arena_array(arena, 1, sizeof *zone);
        int *offsets = lm__arena_array(arena, 1, sizeof *offsets);
        if (!zone || !offsets) return lm__error_memory(error, "reading a time zone");
        *offsets = offset;
        *zone = (lm_csv_zone){.offsets = offsets};
        *out = zone;
        return LM_OK;
    }
    FILE *file = is_name(name) ? open_file(name) : NULL;
    uint8_t *bytes = lm__arena_array(arena, LM_ZONE_FILE_BYTES_MAX, 1);
    size_t size = file && bytes ? fread(bytes, 1, LM_ZONE_FILE_BYTES_MAX, file) : 0;
    bool bad = file && ferror(file);
    if (file) (void)fclose(file);
    if (!bytes) return lm__error_memory(error, "reading a time zone");
    if (!file || bad || size == 0)
        return lm__error_set(error, LM_INVALID,
                             "%s: no such time zone: UTC, an offset such as +02:00, or a name that "
                             "the system has in /usr/share/zoneinfo, as Europe/Berlin",
                             lm__printable(shown, sizeof shown, name));
    return lm__csv_zone_parse(arena, name, bytes, size, out, error);
}
