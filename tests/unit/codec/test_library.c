/* Libraries that are there, that are not, and that lack a function. */
#include "codec/library.h"

#include "check.h"

TEST(loaded_or_told)
{
#if LM_CODEC_LINKED
    SKIP("the libraries are linked in this build");
#else
    static const char *const names[] = {"strlen", "strcmp", NULL};
    static const char *const more[] = {"strlen", "no_such_function", NULL};
    void *functions[2] = {NULL, NULL};
    lm_error error;
    CHECK(lm__library_open("libc.so.6", names, functions) == NULL);
    CHECK(functions[0] != NULL && functions[1] != NULL);
    CHECK_TEXT(lm__library_open("libc.so.6", more, functions), "no_such_function");
    CHECK_TEXT(lm__library_open("libnothing.so.1", names, functions), "libnothing.so.1");
    CHECK_STATUS(lm__library_missing("libx.so.1", "libx.so.1", "libx1", &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message,
               "the library libx.so.1 is not there; install it (Debian: apt install libx1)");
    CHECK_STATUS(lm__library_missing("x_new", "libx.so.1", "libx1", &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message, "the library libx.so.1 has no x_new; a newer one is needed");
#endif
}

int main(void)
{
    RUN(loaded_or_told);
    return DONE();
}
