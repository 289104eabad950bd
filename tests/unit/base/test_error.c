/* Errors: codes that never change, messages that are always one printable line. */
#include "base/error.h"

#include <errno.h>

#include "check.h"

TEST(the_numbers_never_change)
{
    CHECK_INT(LM_OK, 0);
    CHECK_INT(LM_EXISTS, 5);
    CHECK_INT(LM_UNKNOWN_OUTCOME, 17);
    CHECK_INT(lm_status_exit(LM_EXISTS), 5);
    CHECK_INT(lm_status_exit(LM_CONFLICT), 4);
    CHECK_INT(lm_status_exit(LM_UNKNOWN_DURABILITY), 6);
    CHECK_INT(lm_status_exit(LM_UNKNOWN_OUTCOME), 7);
    CHECK_INT(lm_status_exit(LM_STALE), 8);
    CHECK_INT(lm_status_exit(LM_NOT_FOUND), 9);
    CHECK_INT(lm_status_exit(LM_CANCELLED), 130);
    CHECK_TEXT(lm_status_name((lm_status)999), "LM_BROKEN");
}

TEST(messages_are_printable)
{
    lm_error error;
    lm__error_set(&error, LM_IO, "%s", "a\nb\xff\xc3\xa9");
    CHECK_TEXT(error.message, "a\\x0ab\\xff\xc3\xa9");
    lm__error_os(&error, ENOSPC, "x");
    CHECK_TEXT(error.message, "x: No space left on device");
    CHECK_INT(error.code, LM_NO_SPACE);
    CHECK_INT(error.os_code, ENOSPC);
    lm__error_within(&error, error.code, "file %d", 7);
    CHECK_TEXT(error.message, "file 7: x: No space left on device");
    CHECK_INT(error.os_code, ENOSPC);
    CHECK_STATUS(lm__error_set(NULL, LM_DATA, "nobody hears"), LM_DATA);
}

TEST(long_messages_are_cut_whole)
{
    char small[8];
    CHECK_TEXT(lm__printable(small, sizeof small, "1234567"), "1234567");
    CHECK_TEXT(lm__printable(small, sizeof small, "12345678"), "1234\xe2\x80\xa6");
    CHECK_TEXT(lm__printable(small, sizeof small, "12345\xc3\xa9"), "12345\xc3\xa9");
}

int main(void)
{
    RUN(the_numbers_never_change);
    RUN(messages_are_printable);
    RUN(long_messages_are_cut_whole);
    return DONE();
}
