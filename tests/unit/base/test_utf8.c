/* The fast answer to whether text is UTF-8 is that of the scalar code, for every kind of fault, at
 * every place. */
#include "base/utf8.h"

#include "check.h"

static const uint8_t odd[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
                              0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};

static void compare(const uint8_t *text, size_t size)
{
    bool want = lm__utf8_valid_prefix(text, size) == size;
    if (lm__utf8_valid(text, size) == want) return;
    check_fail(__FILE__, __LINE__, "%zu bytes: %d is wanted", size, want);
}

TEST(all_pairs_and_triples_at_the_edge_of_a_block)
{
    uint8_t text[100];
    memset(text, 'x', sizeof text);
    for (int at = 29; at <= 32; at++) {
        for (int pair = 0; pair < 0x10000; pair++) {
            text[at] = (uint8_t)(pair >> 8);
            text[at + 1] = (uint8_t)pair;
            compare(text, sizeof text);
        }
        memset(text, 'x', sizeof text);
    }
    for (int at = 28; at <= 33; at++) {
        for (size_t i = 0; i < sizeof odd * sizeof odd * sizeof odd * sizeof odd; i++) {
            size_t rest = i;
            for (int k = 0; k < 4; k++, rest /= sizeof odd) text[at + k] = odd[rest % sizeof odd];
            compare(text, sizeof text);
        }
        memset(text, 'x', sizeof text);
    }
}

TEST(all_characters_are_taken)
{
    uint8_t text[4 * 64];
    size_t used = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c <= 0xdfff) continue;
        if (c < 0x80) {
            text[used++] = (uint8_t)c;
        } else if (c < 0x800) {
            text[used++] = (uint8_t)(0xc0 | c >> 6);
            text[used++] = (uint8_t)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            text[used++] = (uint8_t)(0xe0 | c >> 12);
            text[used++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            text[used++] = (uint8_t)(0x80 | (c & 0x3f));
        } else {
            text[used++] = (uint8_t)(0xf0 | c >> 18);
            text[used++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
            text[used++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            text[used++] = (uint8_t)(0x80 | (c & 0x3f));
        }
        if (used < sizeof text - 4 && c != 0x10ffff) continue;
        CHECK(lm__utf8_valid(text, used));
        CHECK(lm__utf8_valid_prefix(text, used) == used);
        used = 0;
    }
}

TEST(random_texts_of_every_length)
{
    uint64_t random = 1;
    uint8_t text[200];
    for (int round = 0; round < 300000; round++) {
        size_t size = check_random(&random) % sizeof text;
        for (size_t i = 0; i < size; i++) {
            uint64_t r = check_random(&random);
            static const uint8_t good[] = "a\xc3\xa9z\xe6\xbc\xa2q\xf0\x9f\x98\x80";
            size_t run = sizeof good - 1;
            if (r % 8 && i + run <= size) { /* mostly good, so that faults stand alone */
                memcpy(text + i, good, run);
                i += run - 1;
            } else {
                text[i] = r % 3 ? 'a' : odd[r / 3 % sizeof odd];
            }
        }
        compare(text, size);
    }
}

int main(void)
{
    RUN(all_pairs_and_triples_at_the_edge_of_a_block);
    RUN(all_characters_are_taken);
    RUN(random_texts_of_every_length);
    return DONE();
}
