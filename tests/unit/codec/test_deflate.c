/* Deflate in parts (codec/deflate.h): what they join to is what other readers take. */
#include "codec/deflate.h"

#include "check_alloc.h"
#include "codec/codec.h"
#include "codec/data.h"

static lm_error error;

/* The parts of `bytes`, cut at `step`, as a gzip member, read by our codec (which is libdeflate's
 * own reader). */
static void parts_join(const uint8_t *bytes, size_t size, size_t step, int level)
{
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    lm_deflate *deflate = NULL;
    lm_codec_context *context = NULL;
    lm_buffer out;
    uint8_t *back = malloc(size + 1);
    lm__buffer_init(&out, NULL, 0);
    CHECK_OK(lm__deflate_new(NULL, level, &deflate, &error), error);
    CHECK_OK(lm__codec_context_new(NULL, &context, &error), error);
    CHECK_INT(lm__buffer_append(&out, header, sizeof header), LM_OK);
    uint32_t crc = 0, length = (uint32_t)size;
    for (size_t at = 0; at < size; at += step) {
        size_t some = size - at < step ? size - at : step;
        CHECK_OK(lm__deflate_part(deflate, bytes + at, some, &out, &error), error);
        crc = lm__crc32_join(crc, lm__deflate_crc(deflate, 0, bytes + at, some), some);
    }
    CHECK_INT(lm__buffer_append(&out, LM_DEFLATE_END, LM_DEFLATE_END_BYTES), LM_OK);
    CHECK_INT(lm__buffer_append(&out, &crc, 4), LM_OK);
    CHECK_INT(lm__buffer_append(&out, &length, 4), LM_OK);
    CHECK_OK(lm__codec_decompress(context, LM_CODEC_GZIP, out.data, out.size, back, size, &error),
             error);
    CHECK(memcmp(back, bytes, size) == 0);
    lm__buffer_deinit(&out);
    lm__deflate_free(deflate);
    lm__codec_context_free(context);
    free(back);
}

TEST(parts_are_one_stream)
{
    static const size_t steps[] = {1, 7, 300, 5000, 70000, 1 << 20};
    size_t size = 1 << 20;
    uint8_t *bytes = malloc(size);
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        data_fill(kind, 1, bytes, size);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
            for (int level = 1; level <= 12; level += i < 4 ? 3 : 1) {
                size_t some = steps[i] < 300 ? 2000 : steps[i] < 5000 ? 60000 : size;
                if (level > 6 && some == size && kind % 3) continue; /* slow */
                parts_join(bytes, some, steps[i], level);
            }
    }
    free(bytes);
}

/* Incompressible parts are stored blocks; one byte is a block of fixed codes. */
TEST(every_kind_of_block_ends_a_part)
{
    uint8_t bytes[70000];
    data_fill(DATA_RANDOM, 3, bytes, sizeof bytes);
    for (size_t size = 0; size < 70; size++) parts_join(bytes, size, 70, 5);
    parts_join(bytes, sizeof bytes, sizeof bytes, 5);
    parts_join(bytes, sizeof bytes, 65535, 1);
}

TEST(a_part_leans_on_nothing_before_it)
{
    lm_deflate *deflate = NULL;
    lm_buffer once, again;
    uint8_t bytes[3000];
    data_fill(DATA_TEXT, 1, bytes, sizeof bytes);
    lm__buffer_init(&once, NULL, 0);
    lm__buffer_init(&again, NULL, 0);
    CHECK_OK(lm__deflate_new(NULL, 5, &deflate, &error), error);
    CHECK_OK(lm__deflate_part(deflate, bytes, sizeof bytes, &once, &error), error);
    CHECK_OK(lm__deflate_part(deflate, bytes, sizeof bytes, &again, &error), error);
    REQUIRE(once.size == again.size);
    CHECK_BYTES(once.data, again.data, once.size);
    lm__buffer_deinit(&once);
    lm__buffer_deinit(&again);
    lm__deflate_free(deflate);
}

TEST(levels_and_memory)
{
    lm_deflate *deflate = NULL;
    CHECK_STATUS(lm__deflate_new(NULL, 0, &deflate, &error), LM_INVALID);
    CHECK_STATUS(lm__deflate_new(NULL, 13, &deflate, &error), LM_INVALID);
    CHECK_TEXT(error.message, "deflate has levels from 1 to 12, not 13");
    for (size_t n = 0;; n++) {
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_buffer out;
        lm__buffer_init(&out, &memory.allocator, 0);
        deflate = NULL;
        lm_status status = lm__deflate_new(&memory.allocator, 5, &deflate, &error);
        if (status == LM_OK) status = lm__deflate_part(deflate, "abc", 3, &out, &error);
        lm__deflate_free(deflate);
        lm__buffer_deinit(&out);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_INT(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(parts_are_one_stream);
    RUN(every_kind_of_block_ends_a_part);
    RUN(a_part_leans_on_nothing_before_it);
    RUN(levels_and_memory);
    return DONE();
}
