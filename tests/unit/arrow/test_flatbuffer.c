/* FlatBuffers: bytes worked out by hand, and buffers that lie (flatbuffer.h 1 to 3). */
#include "arrow/flatbuffer.h"
#include "check.h"

/* A table { 0: i16 = 4, 1: string "ab", 2: i64 = -2, 3: [table {0: u8 = 9}] }. */
static void build_example(lm_buffer *out)
{
    lm_fb_builder builder;
    lm__fb_builder_init(&builder, out);
    lm_fb_draft root = {0};
    lm__fb_set(&root, 0, 2, 4);
    lm__fb_set_link(&root, 1);
    lm__fb_set(&root, 2, 8, -2);
    lm__fb_set_link(&root, 3);
    lm__fb_table(&builder, LM_FB_ROOT, &root);
    lm__fb_string(&builder, root.fields[1].slot, "ab", 2);
    size_t links = lm__fb_links(&builder, root.fields[3].slot, 1);
    lm_fb_draft item = {0};
    lm__fb_set(&item, 0, 1, 9);
    lm__fb_table(&builder, links, &item);
    CHECK_INT(builder.status, LM_OK);
}

TEST(the_bytes_are_those_of_the_format)
{
    static const uint8_t want[] = {
        /*  0 */ 16,
        0,
        0,
        0, /* the root's offset */
        /*  4 */ 12,
        0,
        22,
        0, /* its vtable: own size, table's size, */
        /*  8 */ 20,
        0,
        4,
        0, /* fields 0 and 1, */
        /* 12 */ 8,
        0,
        16,
        0, /* 2 and 3 */
        /* 16 */ 12,
        0,
        0,
        0, /* the table: back to the vtable, */
        /* 20 */ 20,
        0,
        0,
        0, /* the string's offset, in the gap before the wide field, */
        /* 24 */ 0xfe,
        0xff,
        0xff,
        0xff, /* -2, aligned to 8, */
        /* 28 */ 0xff,
        0xff,
        0xff,
        0xff,
        /* 32 */ 16,
        0,
        0,
        0, /* the vector's offset, */
        /* 36 */ 4,
        0,
        0,
        0, /* 4, and padding */
        /* 40 */ 2,
        0,
        0,
        0, /* the string: length, */
        /* 44 */ 'a',
        'b',
        0,
        0, /* bytes, NUL, padding */
        /* 48 */ 1,
        0,
        0,
        0, /* the vector: length, */
        /* 52 */ 12,
        0,
        0,
        0, /* the offset of the only item */
        /* 56 */ 6,
        0,
        5,
        0, /* that item's vtable */
        /* 60 */ 4,
        0,
        0,
        0, /* and padding */
        /* 64 */ 8,
        0,
        0,
        0, /* the item */
        /* 68 */ 9,
    };
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    build_example(&out);
    CHECK_INT(out.size, sizeof want);
    CHECK_BYTES(out.data, want, sizeof want);
    lm__buffer_deinit(&out);
}

/* A table alike an earlier one has a vtable of its own: Polars follows no offset to before the
 * object that holds the table. */
TEST(no_vtable_is_shared)
{
    lm_buffer out;
    lm_fb_builder builder;
    lm_fb_draft root = {0};
    lm__buffer_init(&out, NULL, 0);
    lm__fb_builder_init(&builder, &out);
    lm__fb_set_link(&root, 0);
    lm__fb_table(&builder, LM_FB_ROOT, &root);
    size_t first = lm__fb_links(&builder, root.fields[0].slot, 3);
    for (size_t i = 0; i < 3; i++) {
        lm_fb_draft item = {0};
        lm__fb_set(&item, 0, 4, (int64_t)i);
        lm__fb_table(&builder, first + 4 * i, &item);
    }
    CHECK_INT(builder.status, LM_OK);
    lm_fb_reader reader;
    lm__fb_reader_init(&reader, out.data, out.size);
    lm_fb_table table = lm__fb_root(&reader);
    lm_fb_vector items = lm__fb_items(&table, 0, 4);
    size_t before = first;
    for (size_t i = 0; i < 3; i++) {
        lm_fb_table item = lm__fb_item_table(&items, i);
        CHECK_INT(lm__fb_i32(&item, 0, -1), i);
        CHECK(item.vtable > before && item.vtable < item.at);
        before = item.at;
    }
    lm__buffer_deinit(&out);
}

TEST(what_was_built_is_read)
{
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    CHECK_STATUS(lm__buffer_append(&out, "12345678", 8), LM_OK); /* it may begin later */
    build_example(&out);
    lm_fb_reader reader;
    lm__fb_reader_init(&reader, out.data + 8, out.size - 8);
    lm_fb_table root = lm__fb_root(&reader);
    CHECK_INT(lm__fb_i16(&root, 0, 0), 4);
    CHECK_INT(lm__fb_i64(&root, 2, 0), -2);
    CHECK_INT(lm__fb_i64(&root, 7, 77), 77);
    size_t size;
    const char *text = lm__fb_text(&root, 1, &size);
    CHECK_INT(size, 2);
    CHECK_BYTES(text, "ab\0", 3);
    lm_fb_vector items = lm__fb_items(&root, 3, 4);
    CHECK_INT(items.length, 1);
    lm_fb_table item = lm__fb_item_table(&items, 0);
    CHECK_INT(lm__fb_u8(&item, 0, 0), 9);
    CHECK(!lm__fb_has(&item, 1));
    CHECK(!reader.bad);
    item = lm__fb_child(&root, 6);
    CHECK(!lm__fb_present(&item));
    CHECK(!reader.bad);
    lm__buffer_deinit(&out);
}

static void walk(const uint8_t *data, size_t size)
{
    lm_fb_reader reader;
    lm__fb_reader_init(&reader, data, size);
    lm_fb_table root = lm__fb_root(&reader);
    lm__fb_i16(&root, 0, 0);
    lm__fb_i64(&root, 2, 0);
    size_t length;
    const char *text = lm__fb_text(&root, 1, &length);
    volatile char sum = 0;
    for (size_t i = 0; i < length; i++) sum = (char)(sum ^ text[i]);
    lm_fb_vector items = lm__fb_items(&root, 3, 4);
    for (size_t i = 0; i < items.length; i++) {
        lm_fb_table item = lm__fb_item_table(&items, i);
        lm__fb_u8(&item, 0, 0);
    }
}

TEST(no_lie_leads_out)
{
    lm_buffer out;
    lm__buffer_init(&out, NULL, 0);
    build_example(&out);
    uint8_t *copy;
    for (size_t size = 0; size <= out.size; size++) { /* cut short, in a block of that size */
        copy = malloc(size ? size : 1);
        REQUIRE(copy);
        memcpy(copy, out.data, size);
        walk(copy, size);
        free(copy);
    }
    uint64_t random = 1;
    copy = malloc(out.size);
    REQUIRE(copy);
    for (int round = 0; round < 100000; round++) {
        memcpy(copy, out.data, out.size);
        for (int i = 0; i < 3; i++)
            copy[check_random(&random) % out.size] = (uint8_t)check_random(&random);
        walk(copy, out.size);
    }
    free(copy);
    lm__buffer_deinit(&out);
}

TEST(a_failed_build_says_so)
{
    lm_buffer out;
    lm__buffer_init(&out, NULL, 40);
    lm_fb_builder builder;
    lm__fb_builder_init(&builder, &out);
    lm_fb_draft root = {0};
    lm__fb_set_link(&root, 0);
    lm__fb_table(&builder, LM_FB_ROOT, &root);
    CHECK_INT(builder.status, LM_OK);
    lm__fb_string(&builder, root.fields[0].slot, "0123456789012345678901234567890123456789", 40);
    CHECK_INT(builder.status, LM_LIMIT);
    lm__fb_table(&builder, root.fields[0].slot, &root);
    CHECK_INT(builder.status, LM_LIMIT);
    lm__buffer_deinit(&out);
}

int main(void)
{
    RUN(the_bytes_are_those_of_the_format);
    RUN(no_vtable_is_shared);
    RUN(what_was_built_is_read);
    RUN(no_lie_leads_out);
    RUN(a_failed_build_says_so);
    return DONE();
}
