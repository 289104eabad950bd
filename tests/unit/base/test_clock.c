/* Times as text and back (clock.c, invariants 1 and 2), and names that do not repeat. */
#include "base/clock.h"
#include "check.h"

static void check_pair(int64_t wall_ns, const char *text)
{
    char got[LM_RFC3339_MAX];
    int64_t back = -1;
    lm__rfc3339(wall_ns, got);
    CHECK_TEXT(got, text);
    CHECK(lm__rfc3339_parse(text, &back));
    CHECK_INT(back, wall_ns);
}

TEST(texts_of_known_moments)
{
    check_pair(0, "1970-01-01T00:00:00.000000Z");
    check_pair(-1000, "1969-12-31T23:59:59.999999Z");
    check_pair(951782400000000000, "2000-02-29T00:00:00.000000Z");
    check_pair(4107542399999999000, "2100-02-28T23:59:59.999999Z");
    check_pair(1795228986123456000, "2026-11-21T02:43:06.123456Z");
    check_pair(9223372036854775000, "2262-04-11T23:47:16.854775Z");
    check_pair(-9223372036854775000, "1677-09-21T00:12:43.145225Z");
}

TEST(the_ends_of_the_range)
{
    char text[LM_RFC3339_MAX];
    int64_t back;
    lm__rfc3339(INT64_MIN, text);
    CHECK_TEXT(text, "1677-09-21T00:12:43.145224Z");
    lm__rfc3339(-1, text);
    CHECK_TEXT(text, "1969-12-31T23:59:59.999999Z");
    CHECK(lm__rfc3339_parse("1677-09-21T00:12:43.145224192Z", &back));
    CHECK(back == INT64_MIN);
    CHECK(!lm__rfc3339_parse("1677-09-21T00:12:43.145224191Z", &back));
    CHECK(lm__rfc3339_parse("2262-04-11T23:47:16.854775807Z", &back));
    CHECK(back == INT64_MAX);
    CHECK(!lm__rfc3339_parse("2262-04-11T23:47:16.854775808Z", &back));
    CHECK(!lm__rfc3339_parse("0000-01-01T00:00:00Z", &back));
    CHECK(!lm__rfc3339_parse("9999-12-31T23:59:59Z", &back));
}

TEST(every_day_of_eight_centuries_of_noons)
{
    for (int64_t day = -106000; day < 106000; day++) {
        char text[LM_RFC3339_MAX];
        int64_t back = 0, noon = (day * 86400 + 43200) * 1000000000;
        lm__rfc3339(noon, text);
        if (!lm__rfc3339_parse(text, &back) || back != noon)
            check_fail(__FILE__, __LINE__, "%s", text);
    }
}

TEST(what_is_read)
{
    static const struct {
        const char *text;
        int64_t wall_ns;
    } good[] = {
        {"1970-01-01T00:00:01Z", 1000000000},
        {"1970-01-01t00:00:01z", 1000000000},
        {"1970-01-01 00:00:01Z", 1000000000},
        {"1970-01-01T00:00:00.5Z", 500000000},
        {"1970-01-01T00:00:00.123456789Z", 123456789},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1990-12-31T23:59:60Z", 662688000000000000},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t got = -1;
        CHECK(lm__rfc3339_parse(good[i].text, &got));
        CHECK_INT(got, good[i].wall_ns);
    }
    static const char *const bad[] = {
        "",
        "1970",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:00Zx",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1970-01-32T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00+2:00",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+02:60",
        "1970-01-01T00:00:00+0200",
        "+970-01-01T00:00:00Z",
        "1970-1-01T00:00:00Z",
        "1970/01/01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t got = -1;
        if (lm__rfc3339_parse(bad[i], &got))
            check_fail(__FILE__, __LINE__, "\"%s\" is read", bad[i]);
        CHECK_INT(got, -1);
    }
}

TEST(the_system_clock_goes_forward)
{
    const lm_clock *clock = lm__clock_system();
    int64_t before = clock->monotonic_ns(clock->context);
    CHECK(clock->monotonic_ns(clock->context) >= before);
    CHECK(clock->wall_ns(clock->context) > 1700000000000000000);
}

TEST(unique_names)
{
    char one[LM_UNIQUE_MAX], two[LM_UNIQUE_MAX], uuid[37];
    lm_error error;
    CHECK_OK(lm__unique(one, &error), error);
    CHECK_OK(lm__unique(two, &error), error);
    CHECK_INT(strlen(one), 32);
    CHECK_INT(strspn(one, "0123456789abcdef"), 32);
    CHECK(strcmp(one, two) != 0);
    CHECK_OK(lm__uuid4(uuid, &error), error);
    CHECK_INT(strlen(uuid), 36);
    CHECK(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-');
    CHECK_INT(uuid[14], '4');
    CHECK(strchr("89ab", uuid[19]) != NULL);
}

int main(void)
{
    RUN(texts_of_known_moments);
    RUN(the_ends_of_the_range);
    RUN(every_day_of_eight_centuries_of_noons);
    RUN(what_is_read);
    RUN(the_system_clock_goes_forward);
    RUN(unique_names);
    return DONE();
}
