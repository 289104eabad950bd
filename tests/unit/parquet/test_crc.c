/* The CRC of pages: known values, and the folding held to the reference. */
#include "parquet/crc.h"

#include "check.h"

TEST(known_values)
{
    CHECK_INT(lm__crc32(0, "", 0), 0);
    CHECK_INT(lm__crc32(0, "123456789", 9), 0xcbf43926); /* the check value of the algorithm */
    CHECK_INT(lm__crc32(0, "The quick brown fox jumps over the lazy dog", 43), 0x414fa339);
}

TEST(every_path_agrees)
{
    uint8_t bytes[1500];
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)check_random(&state);
    for (size_t size = 0; size < 1400; size++)
        for (size_t from = 0; from < 100; from += 33)
            CHECK_INT(lm__crc32(0x12345678, bytes + from, size),
                      lm__crc32_scalar(0x12345678, bytes + from, size));
    for (size_t cut = 0; cut <= 300; cut++)
        CHECK_INT(lm__crc32(lm__crc32(0, bytes, cut), bytes + cut, 300 - cut),
                  lm__crc32_scalar(0, bytes, 300));
}

int main(void)
{
    RUN(known_values);
    RUN(every_path_agrees);
    return DONE();
}
