/* Streams across the C interface: callbacks that misbehave, release exactly once, sticky failures
 * (batch.h 1 to 3). */
#include <errno.h>

#include "arrow/build.h"
#include "arrow/cast.h"

#include "arrow/fixture.h"

static lm_error error;

/* A producer of `batches` batches of one int32 column, whose callbacks can be made to fail. */
typedef struct producer {
    int batches, given, schema_code, next_code, fail_at, releases, schema_releases;
    const char *message;
    bool bad_length;
    const int32_t *numbers;
    struct ArrowSchema column;
    struct ArrowSchema *columns[1];
    array_fixture root, values;
} producer;

static const int32_t numbers[] = {1, 2, 3};

static void schema_release(struct ArrowSchema *schema)
{
    producer *p = schema->private_data;
    p->schema_releases++;
    schema->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    producer *p = stream->private_data;
    if (p->schema_code) return p->schema_code;
    p->column = (struct ArrowSchema){
        .format = "i", .name = "a", .flags = ARROW_FLAG_NULLABLE, .release = schema_release};
    p->columns[0] = &p->column;
    *out = (struct ArrowSchema){.format = "+s",
                                .n_children = 1,
                                .children = p->columns,
                                .release = schema_release,
                                .private_data = p};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    producer *p = stream->private_data;
    if (p->given == p->fail_at) return p->next_code;
    if (p->given == p->batches) {
        *out = (struct ArrowArray){0};
        return 0;
    }
    p->given++;
    fixture_init(&p->root, 3, 1, NULL, NULL, NULL);
    fixture_init(&p->values, p->bad_length ? 2 : 3, 2, NULL, p->numbers, NULL);
    fixture_add(&p->root, &p->values);
    *out = p->root.array;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    return ((producer *)stream->private_data)->message;
}

static void release(struct ArrowArrayStream *stream)
{
    ((producer *)stream->private_data)->releases++;
    stream->release = NULL;
}

static struct ArrowArrayStream begin(producer *p, int batches)
{
    *p = (producer){.batches = batches, .fail_at = -1, .numbers = numbers};
    return (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, p};
}

TEST(a_good_stream_is_read_to_its_end)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 2);
    lm_stream *stream;
    lm_batch *batch;
    CHECK_OK(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error), error);
    CHECK(source.release == NULL);
    CHECK_INT(p.schema_releases, 1);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(lm__stream_next(stream, &batch, &error), error);
        REQUIRE(batch);
        CHECK(batch->schema == stream->schema);
        CHECK_INT(lm__batch_rows(batch), 3);
        CHECK_INT(p.root.releases, 0);
        lm__batch_unref(batch);
        CHECK_INT(p.root.releases, 1);
    }
    for (int i = 0; i < 2; i++) { /* the end stays the end */
        CHECK_OK(lm__stream_next(stream, &batch, &error), error);
        CHECK(batch == NULL);
    }
    CHECK_INT(p.releases, 0);
    lm__stream_close(stream);
    CHECK_INT(p.releases, 1);
}

TEST(producers_that_fail_are_quoted)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 2);
    lm_stream *stream;
    lm_batch *batch;
    p.schema_code = EINVAL;
    p.message = "no such table";
    CHECK_STATUS(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error), LM_IO);
    CHECK_TEXT(error.message, "the stream's producer: no such table");
    CHECK_INT(error.os_code, EINVAL);
    CHECK_INT(p.releases, 1);
    CHECK(stream == NULL);
    source = begin(&p, 2);
    p.schema_code = ENOMEM; /* and no message */
    CHECK_STATUS(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error),
                 LM_NO_MEMORY);
    CHECK_TEXT(error.message,
               "the stream's producer failed without a reason: Cannot allocate memory");
    CHECK_INT(p.releases, 1);
    source = begin(&p, 2);
    p.fail_at = 1;
    p.next_code = EIO;
    source.get_last_error = NULL;
    CHECK_OK(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error), error);
    CHECK_OK(lm__stream_next(stream, &batch, &error), error);
    lm__batch_unref(batch);
    for (int i = 0; i < 2; i++) { /* sticky: the producer is not asked again */
        CHECK_STATUS(lm__stream_next(stream, &batch, &error), LM_IO);
        CHECK_TEXT(error.message,
                   "the stream's producer failed without a reason: Input/output error");
        CHECK(batch == NULL);
        p.fail_at = -1;
    }
    lm__stream_close(stream);
    CHECK_INT(p.releases, 1);
}

TEST(released_and_empty_streams_are_refused)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 2);
    lm_stream *stream;
    source.release = NULL;
    CHECK_STATUS(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error),
                 LM_INVALID);
    source = begin(&p, 2);
    source.get_next = NULL;
    CHECK_STATUS(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error),
                 LM_INVALID);
    CHECK_INT(p.releases, 1);
}

TEST(a_batch_that_lies_is_released_too)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 2);
    lm_stream *stream;
    lm_batch *batch;
    p.bad_length = true;
    CHECK_OK(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error), error);
    CHECK_STATUS(lm__stream_next(stream, &batch, &error), LM_DATA);
    CHECK_TEXT(error.message, "column a: 2 rows, where 3 are needed");
    CHECK_INT(p.root.releases, 1);
    lm__stream_close(stream);
}

TEST(our_own_stream_goes_out_and_comes_home)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 2), out;
    struct ArrowSchema schema;
    struct ArrowArray array, child;
    lm_stream *stream, *home;
    CHECK_OK(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error), error);
    CHECK_OK(lm__stream_export_take(NULL, stream, &out, &error), error);
    CHECK_INT(out.get_schema(&out, &schema), 0);
    CHECK_TEXT(schema.children[0]->format, "i");
    schema.release(&schema);
    CHECK_INT(out.get_next(&out, &array), 0);
    CHECK_INT(array.length, 3);
    CHECK_BYTES(array.children[0]->buffers[1], numbers, sizeof numbers);
    child = *array.children[0]; /* a child may outlive the rest */
    array.children[0]->release = NULL;
    array.release(&array);
    CHECK_INT(p.root.releases, 0);
    CHECK_BYTES(child.buffers[1], numbers, sizeof numbers);
    child.release(&child);
    CHECK_INT(p.root.releases, 1);
    CHECK_OK(lm__stream_import_take(NULL, &out, LM_VALIDATE_FULL, &home, &error), error);
    CHECK(home == stream);
    lm__stream_close(home);
    CHECK_INT(p.releases, 1);
}

TEST(errors_cross_the_interface)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 2), out;
    struct ArrowArray array;
    lm_stream *stream;
    p.fail_at = 1;
    p.next_code = EIO;
    p.message = "the disk is gone";
    CHECK_OK(lm__stream_import_take(NULL, &source, LM_VALIDATE_FULL, &stream, &error), error);
    CHECK_OK(lm__stream_export_take(NULL, stream, &out, &error), error);
    CHECK_INT(out.get_next(&out, &array), 0);
    CHECK(out.get_last_error(&out) == NULL);
    array.release(&array);
    CHECK_INT(out.get_next(&out, &array), EIO);
    CHECK_TEXT(out.get_last_error(&out), "the stream's producer: the disk is gone");
    out.release(&out);
    CHECK_INT(p.releases, 1);
}

TEST(a_cast_names_the_row_of_the_whole_stream)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 3), out;
    struct ArrowArray array;
    lm_schema *schema;
    lm_cast_options safe = {.mode = LM_CAST_SAFE};
    CHECK_OK(lm_schema_parse(NULL, "a: fixed_binary[1]", 18, &schema, &error), error);
    CHECK_STATUS(lm_cast_stream_take(NULL, &source, schema, &safe, &out, &error), LM_SCHEMA);
    CHECK(out.release == NULL);
    CHECK_INT(p.releases, 1);
    lm_schema_free(schema);
    source = begin(&p, 3);
    CHECK_OK(lm_schema_parse(NULL, "a: decimal32(2, 1)", 18, &schema, &error), error);
    CHECK_OK(lm_cast_stream_take(NULL, &source, schema, &safe, &out, &error), error);
    CHECK_INT(out.get_next(&out, &array), 0);
    array.release(&array);
    CHECK_INT(p.root.releases, 1);
    static const int32_t large[] = {1, 99, 3};
    p.numbers = large;
    CHECK_INT(out.get_next(&out, &array), EINVAL);
    CHECK_TEXT(out.get_last_error(&out),
               "column a: row 4: 99 cannot become decimal32(2, 1) without loss");
    CHECK_INT(p.root.releases, 1);
    lm_schema_free(schema);
    out.release(&out);
    CHECK_INT(p.releases, 1);
}

static lm_status everything(const lm_allocator *allocator)
{
    producer p;
    struct ArrowArrayStream source = begin(&p, 2), out = {0};
    struct ArrowArray array = {0};
    struct ArrowSchema exported = {0};
    lm_schema *schema;
    lm_cast_options safe = {.mode = LM_CAST_SAFE};
    static const char text[] = "a: utf8, b: list<int8>";
    lm_status status = lm_schema_parse(allocator, text, strlen(text), &schema, &error);
    if (status != LM_OK) return status;
    status = lm_cast_stream_take(allocator, &source, schema, &safe, &out, &error);
    lm_schema_free(schema);
    CHECK(source.release == NULL);
    if (status == LM_OK) {
        int code = out.get_schema(&out, &exported);
        if (exported.release) exported.release(&exported);
        if (code == 0) code = out.get_next(&out, &array);
        if (array.release) {
            array.release(&array);
            CHECK_INT(p.root.releases, 1);
        }
        out.release(&out);
        status = code == 0 ? LM_OK : code == ENOMEM ? LM_NO_MEMORY : LM_BROKEN;
    }
    CHECK_INT(p.releases, 1);
    if (p.given) CHECK_INT(p.root.releases, 1);
    return status;
}

TEST(every_allocation_may_fail)
{
    counting c;
    CHECK_ALLOCATIONS(c, everything(&c.allocator));
}

int main(void)
{
    RUN(a_good_stream_is_read_to_its_end);
    RUN(producers_that_fail_are_quoted);
    RUN(released_and_empty_streams_are_refused);
    RUN(a_batch_that_lies_is_released_too);
    RUN(our_own_stream_goes_out_and_comes_home);
    RUN(errors_cross_the_interface);
    RUN(a_cast_names_the_row_of_the_whole_stream);
    RUN(every_allocation_may_fail);
    return DONE();
}
