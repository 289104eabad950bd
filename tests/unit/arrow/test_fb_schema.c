/* Schemas as flatbuffers: there and back, and bytes that lie (fb_schema.h 1). */
#include "arrow/fb_schema.h"

#include "arrow/fixture.h"

static lm_error error;

static const char text[] =
    "n: null, b: bool, i1: int8, i2: int16, i4: int32, i8: int64 not null, u1: uint8,\n"
    "u2: uint16, u4: uint32, u8: uint64, f2: float16, f4: float32, f8: float64,\n"
    "d4: decimal32(9, 2), d8: decimal64(18, -1), d16: decimal128(38, 10),\n"
    "d32: decimal256(76, 76), s: utf8, ls: large_utf8, sv: utf8_view, y: binary,\n"
    "ly: large_binary, yv: binary_view, fb: fixed_binary[7], day: date32, ms: date64,\n"
    "t1: time32[s], t2: time32[ms], t3: time64[us], t4: time64[ns], ts: timestamp[s],\n"
    "tm: timestamp[ms, UTC], tu: timestamp[us, Europe/Berlin], tn: timestamp[ns],\n"
    "ds: duration[s], dn: duration[ns], im: interval_months, id: interval_day_time,\n"
    "in: interval_month_day_nano, l: list<item: utf8 not null>, ll: large_list<item: int8>,\n"
    "lv: list_view<item: int8>, llv: large_list_view<item: int8>,\n"
    "fl: fixed_list<item: float32>[3], st: struct<a: int8 not null, b: struct<>>,\n"
    "m: map<key: utf8 not null, value: list<item: int8>>[sorted],\n"
    "di: dictionary<int16, list<item: dictionary<uint64, utf8>>>[ordered],\n"
    "re: run_end_encoded<run_ends: int32 not null, values: dictionary<int8, utf8>>,\n"
    "uuid: extension<arrow.uuid: fixed_binary[16]> not null";

static lm_schema *example(const lm_allocator *allocator)
{
    lm_schema *schema;
    if (lm_schema_parse(allocator, text, strlen(text), &schema, &error) != LM_OK) return NULL;
    if (lm__field_add_metadata(&schema->arena, &schema->root, "k", 1, "v\0w", 3) &&
        lm__field_add_metadata(&schema->arena, &schema->root.children[3], "", 0, "", 0))
        return schema;
    lm_schema_free(schema);
    return NULL;
}

TEST(every_type_comes_back)
{
    lm_schema *schema = example(NULL), *again;
    REQUIRE(schema);
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    CHECK_STATUS(lm__buffer_append(&out, "before!!", 8), LM_OK);
    CHECK_OK(lm__fb_schema_message(schema, &out, &error), error);
    CHECK_INT(out.size % 8, 0);
    CHECK_OK(lm__fb_schema_parse(NULL, out.data + 8, out.size - 8, &again, &error), error);
    REQUIRE(again);
    CHECK(lm_schema_equal(schema, again));
    CHECK(lm__field_metadata_equal(&schema->root, &again->root));
    CHECK(lm__field_metadata_equal(&schema->root.children[3], &again->root.children[3]));
    int32_t di = lm__field_find(&again->root, "di", 2), re = lm__field_find(&again->root, "re", 2);
    CHECK_INT(again->root.children[di].dictionary_id, 0);
    CHECK_INT(again->root.children[di].dictionary->children[0].dictionary_id, 1);
    CHECK_INT(again->root.children[re].children[1].dictionary_id, 2);
    lm_schema_free(again);
    /* Before 0.15 there was no continuation. */
    CHECK_OK(lm__fb_schema_parse(NULL, out.data + 12, out.size - 12, &again, &error), error);
    CHECK(again && lm_schema_equal(schema, again));
    lm_schema_free(again);
    lm_schema_free(schema);
    lm__buffer_deinit(&out);
}

TEST(bytes_that_lie_do_no_harm)
{
    lm_schema *schema = example(NULL), *again;
    REQUIRE(schema);
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    CHECK_OK(lm__fb_schema_message(schema, &out, &error), error);
    for (size_t size = 0; size < out.size; size++) {
        uint8_t *cut = malloc(size ? size : 1);
        REQUIRE(cut);
        memcpy(cut, out.data, size);
        CHECK_STATUS(lm__fb_schema_parse(NULL, cut, size, &again, &error), LM_CORRUPT);
        free(cut);
    }
    uint64_t random = 5;
    uint8_t *copy = malloc(out.size);
    REQUIRE(copy);
    for (int round = 0; round < 30000; round++) {
        memcpy(copy, out.data, out.size);
        for (int i = 0; i < 2; i++)
            copy[8 + check_random(&random) % (out.size - 8)] = (uint8_t)check_random(&random);
        lm_status status = lm__fb_schema_parse(NULL, copy, out.size, &again, &error);
        CHECK(status == LM_OK || status == LM_CORRUPT || status == LM_SCHEMA ||
              status == LM_UNSUPPORTED || status == LM_LIMIT);
        lm_schema_free(again);
    }
    free(copy);
    lm_schema_free(schema);
    lm__buffer_deinit(&out);
}

static lm_status round_trip(const lm_allocator *allocator)
{
    lm_schema *schema = example(allocator), *again = NULL;
    if (!schema) return LM_NO_MEMORY;
    lm_buffer out;
    lm__buffer_init(&out, allocator, 0);
    lm_status status = lm__fb_schema_message(schema, &out, &error);
    if (status == LM_OK)
        status = lm__fb_schema_parse(allocator, out.data, out.size, &again, &error);
    lm_schema_free(again);
    lm_schema_free(schema);
    lm__buffer_deinit(&out);
    return status;
}

TEST(every_allocation_may_fail)
{
    counting c;
    CHECK_ALLOCATIONS(c, round_trip(&c.allocator));
}

int main(void)
{
    RUN(every_type_comes_back);
    RUN(bytes_that_lie_do_no_harm);
    RUN(every_allocation_may_fail);
    return DONE();
}
