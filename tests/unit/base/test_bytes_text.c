/* Hex, base64 and UUIDs: the test vectors of RFC 4648, 10, and what is no such text. */
#include "base/bytes_text.h"

#include "check.h"

TEST(vectors_of_rfc_4648)
{
    static const char *const rows[][3] = {
        {"", "", ""},
        {"f", "Zg==", "66"},
        {"fo", "Zm8=", "666f"},
        {"foo", "Zm9v", "666f6f"},
        {"foob", "Zm9vYg==", "666f6f62"},
        {"fooba", "Zm9vYmE=", "666f6f6261"},
        {"foobar", "Zm9vYmFy", "666f6f626172"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[40];
        uint8_t back[40];
        const uint8_t *bytes = (const uint8_t *)rows[i][0];
        size_t size = strlen(rows[i][0]), got = 99;
        *lm__base64_text(text, bytes, size) = '\0';
        CHECK_TEXT(text, rows[i][1]);
        CHECK_INT(strlen(text), LM_BASE64_TEXT_BYTES(size));
        CHECK(lm__base64_parse(text, strlen(text), back, &got));
        CHECK_INT(got, size);
        CHECK_BYTES(back, bytes, size);
        size_t bare = strcspn(text, "=");
        CHECK(lm__base64_parse(text, bare, back, &got) && got == size);
        *lm__hex_text(text, bytes, size) = '\0';
        CHECK_TEXT(text, rows[i][2]);
    }
}

TEST(both_alphabets_and_nothing_else)
{
    static const char *const bad[] = {"A", "AAAAA", "AA=", "A===", "AA*A", "A A=", "====", "AAA=="};
    uint8_t back[40];
    size_t got;
    CHECK(lm__base64_parse("+/-_", 4, back, &got) && got == 3);
    CHECK_BYTES(back, "\xfb\xff\xbf", 3);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (lm__base64_parse(bad[i], strlen(bad[i]), back, &got))
            check_fail(__FILE__, __LINE__, "%s was taken for base64", bad[i]);
}

TEST(uuids)
{
    static const char *const good[] = {"30313233-3435-3637-3839-616263646566",
                                       "30313233343536373839616263646566",
                                       "30313233-3435-3637-3839-616263646566"};
    static const char *const bad[] = {
        "", "30313233-3435-3637-3839-61626364656", "30313233-3435-3637-3839-6162636465660",
        "3031323-33435-3637-3839-616263646566", "3031323g-3435-3637-3839-616263646566"};
    char text[LM_UUID_TEXT_BYTES + 1];
    uint8_t back[16];
    *lm__uuid_text(text, (const uint8_t *)"0123456789abcdef") = '\0';
    CHECK_TEXT(text, good[0]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(lm__uuid_parse(good[i], strlen(good[i]), back));
        CHECK_BYTES(back, "0123456789abcdef", 16);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!lm__uuid_parse(bad[i], strlen(bad[i]), back));
}

int main(void)
{
    RUN(vectors_of_rfc_4648);
    RUN(both_alphabets_and_nothing_else);
    RUN(uuids);
    return DONE();
}
