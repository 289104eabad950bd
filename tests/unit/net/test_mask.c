/* What is a secret, and what is none. */
#include "net/mask.h"

#include "check.h"

TEST(secrets_are_masked)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"http://h:9870/webhdfs/v1/a?op=OPEN&offset=3", NULL},
        {"http://user:pass@h:1/a@b", "http://***@h:1/a@b"},
        {"https://user@h/", "https://***@h/"},
        {"http://h/a@b?c=@", NULL},
        {"http://[::1]:80/a@b", NULL},
        {"s3://KEY:sec/ret@bucket/x", "s3://***@bucket/x"},
        {"http://h/?delegation=AbC_d-e&op=OPEN", "http://h/?delegation=***&op=OPEN"},
        {"http://h/?op=OPEN&DELEGATION=a#f", "http://h/?op=OPEN&DELEGATION=***#f"},
        {"/x?sv=1&sig=a%2Fb%3D&se=2", "/x?sv=1&sig=***&se=2"},
        {"/x?X-Amz-Credential=AK/1/s3&X-Amz-Date=1&X-Amz-Signature=ff",
         "/x?X-Amz-Credential=***&X-Amz-Date=1&X-Amz-Signature=***"},
        {"/x?%74oke%6E=abc", "/x?%74oke%6E=***"},
        {"/x?signed=1&design=2", NULL},
        {"Authorization: Bearer abc def\r\nHost: h\r\n", "Authorization: ***\r\nHost: h\r\n"},
        {"set-cookie: hadoop.auth=\"u=x\"; Path=/", "set-cookie: ***"},
        {"X-Amz-Security-Token: abc", "X-Amz-Security-Token: ***"},
        {"{\"Token\":{\"urlString\":\"abc\"}}", "{\"Token\":***"},
        {"{\"access_token\": \"a\\\"bc\", \"n\": 1}", "{\"access_token\": ***"},
        {"token (owner=bob) is expired", NULL},
        {"http://token:80/x", NULL},
        {"https://h/?token=", "https://h/?token=***"},
        {"://", NULL},
    };
    char out[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_TEXT(lm__mask(out, sizeof out, rows[i][0]), rows[i][1] ? rows[i][1] : rows[i][0]);
}

TEST(it_is_cut_to_fit)
{
    char out[16];
    for (size_t size = 1; size <= sizeof out; size++) {
        memset(out, 'x', sizeof out);
        lm__mask(out, size, "http://user:pass@host/");
        CHECK(strlen(out) == size - 1);
        CHECK(strncmp(out, "http://***@host/", size - 1) == 0);
    }
}

int main(void)
{
    RUN(secrets_are_masked);
    RUN(it_is_cut_to_fit);
    return DONE();
}
