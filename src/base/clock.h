/* Time, and names that do not repeat. The clock can be replaced, so that tests know what time it
 * is. */
#ifndef LM_BASE_CLOCK_H
#define LM_BASE_CLOCK_H

#include <lamella/base.h>

typedef struct lm_clock {
    int64_t (*wall_ns)(void *context);      /* since 1970-01-01 UTC */
    int64_t (*monotonic_ns)(void *context); /* since some fixed moment */
    void *context;
} lm_clock;

const lm_clock *lm__clock_system(void);

#define LM_RFC3339_MAX 40
/* "2026-11-21T02:43:06.123456Z"; any year that int64 nanoseconds reach. */
void lm__rfc3339(int64_t wall_ns, char text[LM_RFC3339_MAX]);
/* The reverse; accepts offsets and 0 to 9 fraction digits. False when it is not such a text. */
bool lm__rfc3339_parse(const char *text, int64_t *wall_ns);

#define LM_UNIQUE_MAX 33
/* 32 lower-case hex digits from the kernel's random source. */
LM_MUST_USE lm_status lm__unique(char text[LM_UNIQUE_MAX], lm_error *error);
/* A version 4 UUID as text, 36 characters. */
LM_MUST_USE lm_status lm__uuid4(char text[37], lm_error *error);

#endif
