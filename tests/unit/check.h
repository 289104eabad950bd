/*
 * The C tests' harness. A test program lists its tests and ends with RUN_TESTS; it prints TAP, a
 * line a test.
 *
 *     TEST(names_are_kept) { CHECK_INT(1 + 1, 2); }
 *     int main(void) { RUN(names_are_kept); return DONE(); }
 *
 * A failed check prints where and what, marks the test as failed and goes on; REQUIRE leaves the
 * test.
 */
#ifndef LM_TESTS_CHECK_H
#define LM_TESTS_CHECK_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_count, check_failed_tests;
static bool check_failed;
static char check_skip_reason[256];

#define TEST(name) static void test_##name(void)

__attribute__((format(printf, 3, 4))) static inline void check_fail(const char *file, int line,
                                                                    const char *format, ...)
{
    va_list args;
    printf("# %s:%d: ", file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    check_failed = true;
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) check_fail(__FILE__, __LINE__, "%s", #condition);                        \
    } while (0)
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check_fail(__FILE__, __LINE__, "%s", #condition);                                      \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            check_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #got, got_, want_);             \
    } while (0)
#define CHECK_TEXT(got, want)                                                                      \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (!got_ || strcmp(got_, want_) != 0)                                                     \
            check_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got,                       \
                       got_ ? got_ : "(null)", want_);                                             \
    } while (0)
#define CHECK_BYTES(got, want, size)                                                               \
    do {                                                                                           \
        const uint8_t *got_ = (const uint8_t *)(got), *want_ = (const uint8_t *)(want);            \
        for (size_t i_ = 0; i_ < (size_t)(size); i_++)                                             \
            if (got_[i_] != want_[i_]) {                                                           \
                check_fail(__FILE__, __LINE__, "%s differs at byte %zu: %02x, not %02x", #got, i_, \
                           got_[i_], want_[i_]);                                                   \
                break;                                                                             \
            }                                                                                      \
    } while (0)
/* A status that must be LM_OK, with the error's message when it is not. Needs <lamella/base.h>. */
#define CHECK_OK(call, error)                                                                      \
    do {                                                                                           \
        lm_status status_ = (call);                                                                \
        if (status_ != LM_OK)                                                                      \
            check_fail(__FILE__, __LINE__, "%s: %s: %s", #call, lm_status_name(status_),           \
                       (error).message);                                                           \
    } while (0)
#define CHECK_STATUS(call, want)                                                                   \
    do {                                                                                           \
        lm_status status_ = (call);                                                                \
        if (status_ != (want))                                                                     \
            check_fail(__FILE__, __LINE__, "%s is %s, not %s", #call, lm_status_name(status_),     \
                       lm_status_name(want));                                                      \
    } while (0)

/* Ends the test as skipped. */
#define SKIP(...)                                                                                  \
    do {                                                                                           \
        snprintf(check_skip_reason, sizeof check_skip_reason, __VA_ARGS__);                        \
        return;                                                                                    \
    } while (0)

static inline void check_run(const char *name, void (*test)(void))
{
    check_failed = false;
    check_skip_reason[0] = '\0';
    test();
    check_count++;
    if (check_failed) check_failed_tests++;
    printf("%sok %d - %s%s%s\n", check_failed ? "not " : "", check_count, name,
           check_skip_reason[0] ? " # SKIP " : "", check_skip_reason);
    fflush(stdout);
}
#define RUN(name) check_run(#name, test_##name)

static inline int check_done(void)
{
    printf("1..%d\n", check_count);
    return check_failed_tests ? 1 : 0;
}
#define DONE() check_done()

/* A small, seeded generator of random numbers (splitmix64): the same everywhere. */
static inline uint64_t check_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif
