/* Reading IPC: what pyarrow wrote, from every kind of input; cut off, damaged, out of memory
 * (read.c 1 to 3, input.h 1 and 2, decode.h 1 to 3). */
#include <lamella/ipc.h>

#include "arrow/batch.h"
#include "base/error.h"
#include "check.h"
#include "check_alloc.h"
#include "fixtures.h"

/* How bytes are offered. */
typedef struct feed {
    lm_memory_source source;
    const uint8_t *data;
    size_t size, step;
    int closed;
    bool no_view;
} feed;

static lm_status feed_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                           lm_error *error)
{
    (void)error;
    memcpy(buffer, ((lm_memory_source *)source)->data + offset, size);
    return LM_OK;
}

static const void *feed_view(lm_source *source, uint64_t offset, size_t size)
{
    (void)size;
    feed *f = (feed *)source;
    return f->no_view ? NULL : f->source.data + offset;
}

static void feed_close(lm_source *source) { ((feed *)source)->closed++; }

static lm_source *feed_source(feed *f, const void *data, size_t size)
{
    static const lm_source_ops ops = {feed_read, feed_view, feed_close};
    lm_memory_source_init(&f->source, data, size, "fixture");
    f->source.source.ops = &ops;
    return &f->source.source;
}

static lm_status feed_pull(void *context, void *buffer, size_t size, size_t *got, lm_error *error)
{
    feed *f = context;
    (void)error;
    *got = size < f->step ? size : f->step;
    if (*got > f->size) *got = f->size;
    memcpy(buffer, f->data, *got);
    f->data += *got;
    f->size -= *got;
    return LM_OK;
}

static void feed_pull_close(void *context) { ((feed *)context)->closed++; }

typedef enum way { BY_VIEW, BY_READ, BY_ONE_BYTE, BY_PIPE, WAYS } way;

static lm_status open_by(way how, feed *f, const void *data, size_t size,
                         const lm_allocator *allocator, const lm_ipc_read_options *options,
                         struct ArrowArrayStream *out, lm_error *error)
{
    *f = (feed){.data = data, .size = size, .step = how == BY_ONE_BYTE ? 1 : 100000};
    f->no_view = how == BY_READ;
    if (how <= BY_READ)
        return lm_ipc_read_take(allocator, feed_source(f, data, size), options, out, error);
    lm_ipc_pull pull = {feed_pull, feed_pull_close, f, "pipe"};
    return lm_ipc_pull_take(allocator, &pull, options, out, error);
}

/* All rows' values as one text: "1|one 2|null …", batches apart by " / ". */
static lm_status render(const lm_array *array, int64_t row, lm_buffer *out)
{
    size_t size;
    if (array->dictionary)
        return lm__array_valid(array, row)
                   ? render(array->dictionary, lm__array_index(array, row), out)
                   : lm__buffer_text(out, "null");
    if (!lm__array_valid(array, row)) return lm__buffer_text(out, "null");
    if (array->field->type.id == LM_TYPE_INT32)
        return lm__buffer_printf(out, "%d", ((const int32_t *)lm__array_fixed(array))[row]);
    const uint8_t *bytes = lm__array_bytes(array, row, &size);
    return lm__buffer_append(out, bytes, size);
}

static lm_status render_batch(const lm_batch *batch, lm_buffer *out)
{
    for (int64_t row = 0; row < lm__batch_rows(batch); row++) {
        for (int32_t i = 0; i < batch->root.n_children; i++) {
            lm_array column = lm__batch_column(batch, i);
            if (i > 0) LM_TRY(lm__buffer_byte(out, '|'));
            LM_TRY(render(&column, row, out));
        }
        LM_TRY(lm__buffer_byte(out, ' '));
    }
    return lm__buffer_byte(out, '/');
}

/* Reads to the end; the text is malloc's. */
static lm_status read_by(way how, const void *data, size_t size, const lm_allocator *allocator,
                         const lm_ipc_read_options *options, char **text, lm_error *error)
{
    feed f;
    lm_stream *stream = NULL;
    struct ArrowArrayStream source;
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    lm_status status = open_by(how, &f, data, size, allocator, options, &source, error);
    if (status == LM_OK)
        status = lm__stream_import_take(allocator, &source, LM_VALIDATE_TEXT, &stream, error);
    while (status == LM_OK) {
        lm_batch *batch;
        status = lm__stream_next(stream, &batch, error);
        if (status != LM_OK || !batch) break;
        status = render_batch(batch, &out);
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    CHECK_INT(f.closed, 1);
    if (status == LM_OK && text) {
        CHECK_INT(lm__buffer_byte(&out, 0), LM_OK);
        *text = strdup((char *)out.data);
    }
    lm__buffer_deinit(&out);
    return status;
}

static void check_read(const void *data, size_t size, const char *want)
{
    for (way how = 0; how < WAYS; how++) {
        lm_error error;
        char *text = NULL;
        CHECK_OK(read_by(how, data, size, NULL, NULL, &text, &error), error);
        CHECK_TEXT(text, want);
        free(text);
    }
}

TEST(what_pyarrow_wrote)
{
    check_read(fixture_stream, sizeof fixture_stream, "1|one null|two 3|null /");
    check_read(fixture_file, sizeof fixture_file, "1|one null|two 3|null /");
    check_read(fixture_delta, sizeof fixture_delta, "a b /c null a /");
    check_read(fixture_replaced, sizeof fixture_replaced, "a b /x /");
}

TEST(buffers_need_not_be_aligned)
{
    for (size_t shift = 0; shift < 8; shift++) {
        uint8_t *moved = malloc(sizeof fixture_stream + 8);
        memcpy(moved + shift, fixture_stream, sizeof fixture_stream);
        check_read(moved + shift, sizeof fixture_stream, "1|one null|two 3|null /");
        free(moved);
    }
}

static void check_cut(const uint8_t *data, size_t size)
{
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, data, cut);
        for (way how = 0; how < WAYS; how++) {
            lm_error error;
            if (read_by(how, exact, cut, NULL, NULL, NULL, &error) == LM_OK)
                check_fail(__FILE__, __LINE__, "%zu of %zu bytes are read", cut, size);
            CHECK(strncmp(error.message, how <= BY_READ ? "fixture: " : "pipe: ", 6) == 0);
        }
        free(exact);
    }
}

TEST(cut_off_at_every_byte)
{
    check_cut(fixture_stream, sizeof fixture_stream);
    check_cut(fixture_file, sizeof fixture_file);
    check_cut(fixture_delta, sizeof fixture_delta);
}

static void check_damage(const uint8_t *data, size_t size)
{
    uint8_t *bad = malloc(size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        memcpy(bad, data, size);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)read_by(bit % 2 ? BY_VIEW : BY_PIPE, bad, size, NULL, NULL, NULL, NULL);
    }
    free(bad);
}

/* Nothing is asked of what is read then, but that the sanitizers are content. */
TEST(every_bit_turned)
{
    check_damage(fixture_stream, sizeof fixture_stream);
    check_damage(fixture_file, sizeof fixture_file);
    check_damage(fixture_delta, sizeof fixture_delta);
}

TEST(an_open_end_is_asked_for)
{
    static const lm_ipc_read_options open_end = {.open_end = true};
    size_t size = sizeof fixture_stream - 8;
    lm_error error;
    char *text = NULL;
    for (way how = 0; how < WAYS; how++) {
        CHECK_STATUS(read_by(how, fixture_stream, size, NULL, NULL, NULL, &error), LM_CORRUPT);
        CHECK_OK(read_by(how, fixture_stream, size, NULL, &open_end, &text, &error), error);
        CHECK_TEXT(text, "1|one null|two 3|null /");
        free(text);
        CHECK_STATUS(read_by(how, fixture_stream, size - 1, NULL, &open_end, NULL, &error),
                     LM_CORRUPT);
    }
}

TEST(nothing_may_follow)
{
    uint8_t more[sizeof fixture_stream + 1] = {0};
    lm_error error;
    memcpy(more, fixture_stream, sizeof fixture_stream);
    for (way how = 0; how < WAYS; how++) {
        CHECK_STATUS(read_by(how, more, sizeof more, NULL, NULL, NULL, &error), LM_CORRUPT);
        CHECK(strstr(error.message, "bytes follow the end of the stream"));
    }
}

/* What the last batch borrows lives on when the stream is gone. */
TEST(a_batch_outlives_its_stream)
{
    for (way how = 0; how < WAYS; how++) {
        feed f;
        lm_stream *stream;
        lm_batch *batch;
        struct ArrowArrayStream source;
        lm_error error;
        lm_buffer out;
        CHECK_OK(open_by(how, &f, fixture_delta, sizeof fixture_delta, NULL, NULL, &source, &error),
                 error);
        CHECK_OK(lm__stream_import_take(NULL, &source, LM_VALIDATE_TEXT, &stream, &error), error);
        CHECK_OK(lm__stream_next(stream, &batch, &error), error);
        lm__stream_close(stream);
        CHECK_INT(f.closed, how <= BY_READ ? 0 : 1);
        lm__buffer_init(&out, NULL, 0);
        CHECK_INT(render_batch(batch, &out), LM_OK);
        CHECK_INT(lm__buffer_byte(&out, 0), LM_OK);
        CHECK_TEXT((char *)out.data, "a b /");
        lm__buffer_deinit(&out);
        lm__batch_unref(batch);
        CHECK_INT(f.closed, 1);
    }
}

static void check_memory(way how, const uint8_t *data, size_t size)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_error error;
        check_alloc_init(&memory, n);
        lm_status status = read_by(how, data, size, &memory.allocator, NULL, NULL, &error);
        CHECK_INT(memory.live, 0);
        CHECK_INT(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
}

TEST(every_allocation_fails_in_turn)
{
    for (way how = 0; how < WAYS; how++) {
        check_memory(how, fixture_stream, sizeof fixture_stream);
        check_memory(how, fixture_file, sizeof fixture_file);
        check_memory(how, fixture_delta, sizeof fixture_delta);
    }
}

/* A length that lies (of a record batch's metadata, here) costs little more than what is there. */
TEST(a_length_that_lies_costs_little)
{
    uint8_t lie[sizeof fixture_stream];
    size_t schema_size = 8 + fixture_stream[4] + 256u * fixture_stream[5];
    memcpy(lie, fixture_stream, sizeof lie);
    CHECK_BYTES(lie + schema_size, "\xff\xff\xff\xff", 4);
    lie[schema_size + 7] = 0x0f; /* 251 MB */
    check_alloc memory;
    check_alloc_init(&memory, SIZE_MAX);
    lm_error error;
    CHECK_STATUS(read_by(BY_PIPE, lie, sizeof lie, &memory.allocator, NULL, NULL, &error),
                 LM_CORRUPT);
    CHECK(memory.largest < 1 << 20);
    lie[schema_size + 7] = 0x7f;
    CHECK_STATUS(read_by(BY_PIPE, lie, sizeof lie, NULL, NULL, NULL, &error), LM_LIMIT);
}

int main(void)
{
    RUN(what_pyarrow_wrote);
    RUN(buffers_need_not_be_aligned);
    RUN(cut_off_at_every_byte);
    RUN(every_bit_turned);
    RUN(an_open_end_is_asked_for);
    RUN(nothing_may_follow);
    RUN(a_batch_outlives_its_stream);
    RUN(every_allocation_fails_in_turn);
    RUN(a_length_that_lies_costs_little);
    return DONE();
}
