/* Checksums against published values, the fast paths against the references (crc32c.c 1 and 2,
 * sha256.c 1), and the text form. */
#include "base/hash.h"
#include "check.h"

#define BIG 100000

static uint8_t *random_bytes(size_t size, uint64_t seed)
{
    uint8_t *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)check_random(&seed);
    return bytes;
}

/* RFC 3720, B.4. */
TEST(crc32c_of_known_texts)
{
    uint8_t bytes[32] = {0};
    CHECK_INT(lm__crc32c(0, "", 0), 0);
    CHECK_INT(lm__crc32c(0, "123456789", 9), 0xe3069283);
    CHECK_INT(lm__crc32c_scalar(0, "123456789", 9), 0xe3069283);
    CHECK_INT(lm__crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    CHECK_INT(lm__crc32c(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
    CHECK_INT(lm__crc32c(0, bytes, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(31 - i);
    CHECK_INT(lm__crc32c(0, bytes, 32), 0x113fdb5c);
}

TEST(crc32c_paths_agree)
{
    uint8_t *bytes = random_bytes(BIG, 1);
    static const size_t sizes[] = {255,  256,   767,   768,   769,   1535,  1536, 4096,
                                   8192, 12287, 12288, 12289, 13056, 24576, 99000};
    for (size_t size = 0; size < 200; size++)
        for (size_t at = 0; at < 9; at++)
            CHECK_INT(lm__crc32c(7, bytes + at, size), lm__crc32c_scalar(7, bytes + at, size));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        CHECK_INT(lm__crc32c(~0u, bytes + i, sizes[i]),
                  lm__crc32c_scalar(~0u, bytes + i, sizes[i]));
    free(bytes);
}

TEST(crc32c_of_two_halves)
{
    uint8_t *bytes = random_bytes(BIG, 2);
    uint32_t whole = lm__crc32c_scalar(0, bytes, BIG);
    static const size_t cuts[] = {0, 1, 7, 64, 4095, 65536, BIG - 1, BIG};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        uint32_t a = lm__crc32c(0, bytes, cuts[i]);
        uint32_t b = lm__crc32c(0, bytes + cuts[i], BIG - cuts[i]);
        CHECK_INT(lm__crc32c(a, bytes + cuts[i], BIG - cuts[i]), whole);
        CHECK_INT(lm__crc32c_combine(a, b, BIG - cuts[i]), whole);
    }
    /* A length past 32 bits, joined in two ways. */
    uint32_t zeros = 0, one = lm__crc32c(0, "\0", 1);
    for (int i = 0; i < 40; i++) one = lm__crc32c_combine(one, one, (uint64_t)1 << i);
    zeros = lm__crc32c_combine(one, lm__crc32c(0, "x", 1), 1);
    CHECK_INT(zeros, lm__crc32c(one, "x", 1));
    free(bytes);
}

static void sha256_text(const void *data, size_t size, char text[65])
{
    uint8_t digest[LM_SHA256_BYTES], reference[LM_SHA256_BYTES];
    lm_sha256 sha;
    lm__sha256_init(&sha);
    lm__sha256_update(&sha, data, size);
    lm__sha256_final(&sha, digest);
    lm__sha256_scalar(data, size, reference);
    CHECK_BYTES(digest, reference, sizeof digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

/* NIST's examples and the million times "a" of FIPS 180-2. */
TEST(sha256_of_known_texts)
{
    static const struct {
        const char *text, *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "m"
         "nopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    char got[65];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sha256_text(rows[i].text, strlen(rows[i].text), got);
        CHECK_TEXT(got, rows[i].digest);
    }
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    sha256_text(million, 1000000, got);
    CHECK_TEXT(got, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

TEST(sha256_paths_agree_at_every_length_and_cut)
{
    uint8_t *bytes = random_bytes(1000, 3), digest[LM_SHA256_BYTES], reference[LM_SHA256_BYTES];
    uint64_t seed = 4;
    for (size_t size = 0; size < 700; size++) {
        lm_sha256 sha;
        lm__sha256_init(&sha);
        for (size_t at = 0; at < size;) {
            size_t step = (size_t)(check_random(&seed) % 200);
            if (step > size - at) step = size - at;
            lm__sha256_update(&sha, bytes + at, step);
            at += step;
        }
        lm__sha256_final(&sha, digest);
        lm__sha256_scalar(bytes, size, reference);
        CHECK_BYTES(digest, reference, sizeof digest);
    }
    free(bytes);
}

static void check_running(lm_checksum_kind kind, const char *want)
{
    lm_checksum checksum;
    lm_error error;
    char text[LM_CHECKSUM_TEXT_MAX];
    CHECK_OK(lm__checksum_init(&checksum, kind, &error), error);
    CHECK_OK(lm__checksum_update(&checksum, "12345", 5, &error), error);
    CHECK_OK(lm__checksum_update(&checksum, NULL, 0, &error), error);
    CHECK_OK(lm__checksum_update(&checksum, "6789", 4, &error), error);
    CHECK_OK(lm__checksum_final(&checksum, text, &error), error);
    CHECK_TEXT(text, want);
    lm__checksum_deinit(&checksum);
}

TEST(running_checksums)
{
    lm_checksum checksum;
    check_running(LM_CHECKSUM_NONE, "");
    check_running(LM_CHECKSUM_CRC32C, "crc32c:e3069283");
    check_running(LM_CHECKSUM_SHA256,
                  "sha256:15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    CHECK_STATUS(lm__checksum_init(&checksum, (lm_checksum_kind)9, NULL), LM_INVALID);
}

TEST(texts_are_read)
{
    lm_checksum_kind kind;
    lm_error error;
    char text[LM_CHECKSUM_TEXT_MAX];
    CHECK_OK(lm__checksum_parse("crc32c:E3069283", &kind, text, &error), error);
    CHECK_INT(kind, LM_CHECKSUM_CRC32C);
    CHECK_TEXT(text, "crc32c:e3069283");
    const char *sha = "sha256:15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225";
    CHECK_OK(lm__checksum_parse(sha, &kind, text, &error), error);
    CHECK_INT(kind, LM_CHECKSUM_SHA256);
    CHECK_TEXT(text, sha);
    static const char *const bad[] = {"",
                                      "crc32c",
                                      "crc32c:",
                                      "crc32c:e306928",
                                      "crc32c:e30692833",
                                      "crc32c:e306928g",
                                      "CRC32C:e3069283",
                                      "md5:00000000",
                                      "sha256:e3069283",
                                      " crc32c:e3069283"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_STATUS(lm__checksum_parse(bad[i], &kind, text, &error), LM_INVALID);
        CHECK_INT(kind, LM_CHECKSUM_NONE);
    }
}

int main(void)
{
    RUN(crc32c_of_known_texts);
    RUN(crc32c_paths_agree);
    RUN(crc32c_of_two_halves);
    RUN(sha256_of_known_texts);
    RUN(sha256_paths_agree_at_every_length_and_cut);
    RUN(running_checksums);
    RUN(texts_are_read);
    return DONE();
}
