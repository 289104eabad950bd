/* The archive's bytes (xlsx/zip.h), by the fields of APPNOTE.TXT. */
#include "xlsx/zip.h"

#include "base/bits.h"
#include "check.h"

static lm_error error;

/* A sink that only counts, for archives that nobody wants to hold. */
typedef struct count_sink {
    lm_sink sink;
    uint8_t tail[400]; /* the last bytes */
} count_sink;

static lm_status count_write(lm_sink *sink, const void *data, size_t size, lm_error *e)
{
    count_sink *count = (count_sink *)sink;
    (void)e;
    size_t kept = size < sizeof count->tail ? size : sizeof count->tail;
    memmove(count->tail, count->tail + kept, sizeof count->tail - kept);
    memcpy(count->tail + sizeof count->tail - kept, (const uint8_t *)data + size - kept, kept);
    return LM_OK;
}
static lm_status count_finish(lm_sink *sink, lm_error *e)
{
    (void)sink;
    (void)e;
    return LM_OK;
}
static void count_abort(lm_sink *sink) { (void)sink; }
static const lm_sink_ops count_ops = {count_write, count_finish, count_abort};

TEST(one_small_entry)
{
    static const uint8_t head[] = {'P', 'K', 3, 4, 20, 0, 8, 0, 8, 0, 0, 0, 0x21, 0,   0,   0,  0,
                                   0,   0,   0, 0, 0,  0, 0, 0, 0, 3, 0, 0, 0,    'a', '/', 'b'};
    static const uint8_t end[] = {'P', 'K', 5, 6, 0, 0, 0, 0, 1, 0, 1, 0};
    lm_memory_sink sink;
    lm_zip zip;
    lm_deflate *deflate = NULL;
    lm_buffer text;
    lm_memory_sink_init(&sink, NULL, 10000);
    lm__buffer_init(&text, NULL, 0);
    lm__zip_init(&zip, NULL, &sink.sink);
    CHECK_OK(lm__deflate_new(NULL, 5, &deflate, &error), error);
    CHECK_INT(lm__buffer_text(&text, "123456789"), LM_OK);
    CHECK_OK(lm__zip_entry(&zip, deflate, "a/b", &text, &error), error);
    uint64_t descriptor = zip.offset - 16;
    CHECK_OK(lm__zip_finish(&zip, &error), error);
    CHECK_OK(lm_sink_finish(&sink.sink, &error), error);
    CHECK_BYTES(sink.data, head, sizeof head);
    CHECK(memcmp(sink.data + descriptor, "PK\x07\x08", 4) == 0);
    CHECK_INT(lm__load32(sink.data + descriptor + 4), 0xcbf43926u); /* the CRC's check value */
    CHECK_INT(lm__load32(sink.data + descriptor + 8), descriptor - sizeof head);
    CHECK_INT(lm__load32(sink.data + descriptor + 12), 9);
    const uint8_t *central = sink.data + descriptor + 16;
    CHECK(memcmp(central, "PK\x01\x02\x14\x00\x14\x00\x08\x00\x08\x00", 12) == 0);
    CHECK_INT(lm__load32(central + 16), 0xcbf43926u);
    CHECK_INT(lm__load32(central + 42), 0); /* where the entry begins */
    CHECK(memcmp(central + 46, "a/b", 3) == 0);
    CHECK_BYTES(central + 49, end, sizeof end);
    CHECK_INT(sink.size, (size_t)(central + 49 + 22 - sink.data));
    lm__zip_deinit(&zip);
    lm__deflate_free(deflate);
    lm__buffer_deinit(&text);
    lm_memory_sink_deinit(&sink);
}

/* Sizes past 32 bits: told in the descriptor, the directory and the end, each in its wide form. */
TEST(an_entry_past_4_gib)
{
    count_sink sink = {.tail = {0}};
    lm_zip zip;
    lm_buffer packed;
    lm_sink_init(&sink.sink, &count_ops);
    lm__zip_init(&zip, NULL, &sink.sink);
    lm__buffer_init(&packed, NULL, 0);
    CHECK_INT(lm__buffer_reserve(&packed, 1 << 20), LM_OK);
    memset(packed.data, 0, 1 << 20);
    packed.size = 1 << 20;
    CHECK_OK(lm__zip_begin(&zip, "large", &error), error);
    for (int i = 0; i < 5 * 1024; i++)
        CHECK_OK(lm__zip_part(&zip, &packed, 0, 2 << 20, &error), error);
    CHECK_OK(lm__zip_end(&zip, &error), error);
    uint64_t size = (uint64_t)10 << 30, bytes = ((uint64_t)5 << 30) + LM_DEFLATE_END_BYTES;
    const uint8_t *end = sink.tail + sizeof sink.tail;
    CHECK(memcmp(end - 24, "PK\x07\x08", 4) == 0);
    CHECK(lm__load64(end - 16) == bytes);
    CHECK(lm__load64(end - 8) == size);
    uint64_t start = zip.offset;
    CHECK_OK(lm__zip_finish(&zip, &error), error);
    /* The end (22), the locator (20), the wide end (56), the directory. */
    CHECK(memcmp(end - 22, "PK\x05\x06", 4) == 0);
    CHECK_INT(lm__load32(end - 22 + 16), UINT32_MAX);
    CHECK(memcmp(end - 42, "PK\x06\x07", 4) == 0);
    CHECK(memcmp(end - 98, "PK\x06\x06", 4) == 0);
    CHECK(lm__load64(end - 98 + 48) == start);
    const uint8_t *extra = end - 98 - 20;
    CHECK(memcmp(extra, "\x01\x00\x10\x00", 4) == 0);
    CHECK(lm__load64(extra + 4) == size);
    CHECK(lm__load64(extra + 12) == bytes);
    lm__zip_deinit(&zip);
    lm__buffer_deinit(&packed);
}

int main(void)
{
    RUN(one_small_entry);
    RUN(an_entry_past_4_gib);
    return DONE();
}
