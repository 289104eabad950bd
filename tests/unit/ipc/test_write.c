/* Writing IPC: byte for byte, there and back, and what fails (write.h 1 to 3, encode.h 1 to 3). */
#include <lamella/ipc.h>

#include "check.h"
#include "check_alloc.h"
#include "fixtures.h"

/* A stream of the fixture, read by ourselves. */
static void open_fixture(const void *data, size_t size, const lm_allocator *allocator,
                         lm_memory_source *source, struct ArrowArrayStream *out, lm_status *status,
                         lm_error *error)
{
    lm_memory_source_init(source, data, size, "fixture");
    *status = lm_ipc_read_take(allocator, &source->source, NULL, out, error);
}

static lm_status rewrite(const void *data, size_t size, const lm_ipc_write_options *options,
                         const lm_allocator *allocator, lm_sink *sink, lm_error *error)
{
    lm_memory_source source;
    struct ArrowArrayStream stream;
    lm_status status;
    open_fixture(data, size, allocator, &source, &stream, &status, error);
    if (status != LM_OK) return status;
    status = lm_ipc_write_take(allocator, &stream, sink, options, error);
    CHECK(!stream.release);
    return status;
}

static void rewrite_to_memory(const void *data, size_t size, const lm_ipc_write_options *options,
                              lm_memory_sink *sink)
{
    lm_error error;
    lm_memory_sink_init(sink, NULL, 1 << 20);
    CHECK_OK(rewrite(data, size, options, NULL, &sink->sink, &error), error);
}

TEST(the_bytes_of_a_stream)
{
    lm_memory_sink sink;
    rewrite_to_memory(fixture_stream, sizeof fixture_stream, NULL, &sink);
    CHECK_INT(sink.size, sizeof written_stream);
    CHECK_BYTES(sink.data, written_stream, sizeof written_stream);
    lm_memory_sink_deinit(&sink);
}

TEST(the_bytes_of_a_file)
{
    static const lm_ipc_write_options file = {.format = LM_IPC_FILE};
    lm_memory_sink sink;
    rewrite_to_memory(fixture_stream, sizeof fixture_stream, &file, &sink);
    CHECK_INT(sink.size, sizeof written_file);
    CHECK_BYTES(sink.data, written_file, sizeof written_file);
    lm_memory_sink_deinit(&sink);
}

static const struct {
    const uint8_t *data;
    size_t size;
} inputs[] = {
    {fixture_stream, sizeof fixture_stream},
    {fixture_file, sizeof fixture_file},
    {fixture_delta, sizeof fixture_delta},
    {fixture_replaced, sizeof fixture_replaced},
};
#define INPUTS (sizeof inputs / sizeof *inputs)

/* Written, read and written again it is the same, by every codec. */
TEST(there_and_back)
{
    for (size_t i = 0; i < INPUTS; i++) {
        for (int codec = LM_IPC_UNCOMPRESSED; codec <= LM_IPC_LZ4; codec++) {
            lm_ipc_write_options options = {.codec = (lm_ipc_codec)codec};
            lm_memory_sink plain, packed, again;
            rewrite_to_memory(inputs[i].data, inputs[i].size, NULL, &plain);
            rewrite_to_memory(plain.data, plain.size, &options, &packed);
            rewrite_to_memory(packed.data, packed.size, NULL, &again);
            CHECK_INT(again.size, plain.size);
            CHECK_BYTES(again.data, plain.data, plain.size);
            lm_memory_sink_deinit(&plain);
            lm_memory_sink_deinit(&packed);
            lm_memory_sink_deinit(&again);
        }
    }
}

/* With the dictionary that all batches have together, whatever it is read as. */
TEST(a_file_holds_one_dictionary_a_column)
{
    static const lm_ipc_write_options file = {.format = LM_IPC_FILE};
    lm_memory_sink once, twice;
    rewrite_to_memory(fixture_replaced, sizeof fixture_replaced, &file, &once);
    rewrite_to_memory(once.data, once.size, &file, &twice);
    CHECK(once.size > twice.size); /* it still has the first one, which nothing leads to */
    lm_memory_sink again;
    rewrite_to_memory(twice.data, twice.size, &file, &again);
    CHECK_INT(again.size, twice.size);
    CHECK_BYTES(again.data, twice.data, twice.size);
    lm_memory_sink_deinit(&once);
    lm_memory_sink_deinit(&twice);
    lm_memory_sink_deinit(&again);
}

TEST(a_request_to_stop_is_heard)
{
    lm_cancel cancel = {1};
    lm_ipc_write_options options = {.cancel = &cancel};
    lm_memory_sink sink;
    lm_error error;
    lm_memory_sink_init(&sink, NULL, 1 << 20);
    CHECK_STATUS(rewrite(fixture_stream, sizeof fixture_stream, &options, NULL, &sink.sink, &error),
                 LM_CANCELLED);
    lm_memory_sink_deinit(&sink);
}

/* A sink that takes that many writes. */
typedef struct failing_sink {
    lm_sink sink;
    int left;
} failing_sink;

static lm_status failing_write(lm_sink *sink, const void *data, size_t size, lm_error *error)
{
    failing_sink *f = (failing_sink *)sink;
    (void)data;
    (void)size;
    if (f->left-- > 0) return LM_OK;
    if (error) {
        lm_error_clear(error);
        error->code = LM_NO_SPACE;
        snprintf(error->message, sizeof error->message, "full");
    }
    return LM_NO_SPACE;
}

static lm_status failing_finish(lm_sink *sink, lm_error *error)
{
    (void)sink;
    (void)error;
    return LM_OK;
}

static void failing_abort(lm_sink *sink) { (void)sink; }

static void fail_writes(size_t input, lm_ipc_format format)
{
    static const lm_sink_ops ops = {failing_write, failing_finish, failing_abort};
    lm_ipc_write_options options = {.format = format, .codec = LM_IPC_LZ4};
    for (int n = 0;; n++) {
        failing_sink sink = {.left = n};
        lm_error error = {.code = LM_OK};
        lm_sink_init(&sink.sink, &ops);
        lm_status status =
            rewrite(inputs[input].data, inputs[input].size, &options, NULL, &sink.sink, &error);
        if (status == LM_OK) break;
        CHECK_INT(status, LM_NO_SPACE);
        CHECK_TEXT(error.message, "full");
        REQUIRE(n < 1000);
    }
}

TEST(every_write_fails_in_turn)
{
    for (size_t i = 0; i < INPUTS; i++)
        for (int format = LM_IPC_STREAM; format <= LM_IPC_FILE; format++)
            fail_writes(i, (lm_ipc_format)format);
}

static void fail_allocations(size_t input, lm_ipc_codec codec)
{
    lm_ipc_write_options options = {.codec = codec, .format = LM_IPC_FILE};
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_error error;
        lm_memory_sink sink;
        check_alloc_init(&memory, n);
        lm_memory_sink_init(&sink, NULL, 1 << 20);
        lm_status status = rewrite(inputs[input].data, inputs[input].size, &options,
                                   &memory.allocator, &sink.sink, &error);
        lm_memory_sink_deinit(&sink);
        CHECK_INT(memory.live, 0);
        CHECK_INT(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
}

TEST(every_allocation_fails_in_turn)
{
    for (size_t i = 0; i < INPUTS; i++)
        for (int codec = LM_IPC_UNCOMPRESSED; codec <= LM_IPC_LZ4; codec++)
            fail_allocations(i, (lm_ipc_codec)codec);
}

int main(void)
{
    RUN(the_bytes_of_a_stream);
    RUN(the_bytes_of_a_file);
    RUN(there_and_back);
    RUN(a_file_holds_one_dictionary_a_column);
    RUN(a_request_to_stop_is_heard);
    RUN(every_write_fails_in_turn);
    RUN(every_allocation_fails_in_turn);
    return DONE();
}
