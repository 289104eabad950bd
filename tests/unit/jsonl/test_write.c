/* Writing JSON lines (src/jsonl/write.c) compressed; what becomes of values is tested by what reads
 * them back. */
#define _GNU_SOURCE
#include <lamella/jsonl.h>

#include "check.h"
#include "check_alloc.h"

/* `text` read and written again, as `options` say. */
static lm_status rewrite(const lm_allocator *allocator, const char *text,
                         const lm_jsonl_write_options *options, lm_memory_sink *sink,
                         lm_error *error)
{
    const lm_jsonl_read_options one = {.threads = 1};
    lm_memory_source source;
    struct ArrowArrayStream stream;
    lm_memory_source_init(&source, text, strlen(text), "given");
    lm_status status = lm_jsonl_read_take(NULL, &source.source, &one, &stream, error);
    CHECK_INT(status, LM_OK);
    return lm_jsonl_write_take(allocator, &stream, &sink->sink, options, error);
}

/* What is in a compressed file, by the reader. */
static void check_holds(const lm_memory_sink *packed, const char *want)
{
    const lm_jsonl_read_options one = {.threads = 1};
    lm_memory_source source;
    lm_memory_sink plain;
    struct ArrowArrayStream stream;
    lm_error error = {0};
    lm_memory_source_init(&source, packed->data, packed->size, "packed");
    CHECK_INT(lm_jsonl_read_take(NULL, &source.source, &one, &stream, &error), LM_OK);
    lm_memory_sink_init(&plain, NULL, 1 << 20);
    CHECK_INT(lm_jsonl_write_take(NULL, &stream, &plain.sink, NULL, &error), LM_OK);
    CHECK_INT(plain.size, strlen(want));
    CHECK(memcmp(plain.data, want, plain.size) == 0);
    lm_memory_sink_deinit(&plain);
}

/* Invariant 3. */
TEST(rows_are_packed_and_a_table_without_rows_is_an_empty_member)
{
    const char *lines = "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":null}\n";
    const lm_codec codecs[] = {LM_CODEC_GZIP, LM_CODEC_ZSTD};
    for (size_t i = 0; i < 2; i++) {
        const lm_jsonl_write_options options = {.compression = codecs[i]};
        lm_memory_sink sink;
        lm_error error = {0};
        lm_memory_sink_init(&sink, NULL, 1 << 20);
        CHECK_INT(rewrite(NULL, lines, &options, &sink, &error), LM_OK);
        CHECK(memcmp(sink.data, i == 0 ? "\x1f\x8b" : "\x28\xb5", 2) == 0);
        check_holds(&sink, lines);
        lm_memory_sink_deinit(&sink);
        lm_memory_sink_init(&sink, NULL, 1 << 20);
        CHECK_INT(rewrite(NULL, "", &options, &sink, &error), LM_OK);
        CHECK(sink.size > 8);
        lm_memory_sink_deinit(&sink);
    }
}

TEST(other_codecs_and_levels_are_refused)
{
    const lm_jsonl_write_options wrong[] = {
        {.compression = LM_CODEC_SNAPPY},
        {.compression = LM_CODEC_GZIP, .level_set = true, .level = 99},
    };
    for (size_t i = 0; i < 2; i++) {
        lm_memory_sink sink;
        lm_error error = {0};
        lm_memory_sink_init(&sink, NULL, 1 << 20);
        CHECK_INT(rewrite(NULL, "{\"a\":1}\n", &wrong[i], &sink, &error), LM_INVALID);
        CHECK_INT(sink.size, 0);
        lm_memory_sink_deinit(&sink);
    }
}

TEST(every_allocation_may_fail)
{
    const lm_jsonl_write_options options = {.compression = LM_CODEC_ZSTD};
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_memory_sink sink;
        lm_error error = {0};
        check_alloc_init(&memory, n);
        lm_memory_sink_init(&sink, NULL, 1 << 20);
        lm_status status = rewrite(&memory.allocator, "{\"a\":1}\n", &options, &sink, &error);
        lm_memory_sink_deinit(&sink);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_INT(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(rows_are_packed_and_a_table_without_rows_is_an_empty_member);
    RUN(other_codecs_and_levels_are_refused);
    RUN(every_allocation_may_fail);
    return DONE();
}
