/* Builders: every layout, there and back, copies of slices, failing allocations (build.h 1 to 3).
 */
#include "arrow/build.h"

#include "arrow/random.h"

static lm_error error;

static lm_schema *schema_of(const lm_allocator *allocator, const char *text)
{
    lm_schema *schema = NULL;
    if (lm_schema_parse(allocator, text, strlen(text), &schema, &error) != LM_OK) return NULL;
    return schema;
}

TEST(values_stand_where_they_should)
{
    lm_schema *schema = schema_of(NULL, "a: int32, b: bool, c: utf8, d: list<int8>");
    REQUIRE(schema);
    lm_builder root;
    lm_batch *batch;
    CHECK_OK(lm__builder_init(&root, NULL, &schema->root, &error), error);
    lm_builder *a = &root.children[0], *b = &root.children[1], *c = &root.children[2],
               *d = &root.children[3];
    for (int round = 0; round < 3; round++) { /* a finished builder begins anew */
        CHECK_STATUS(lm__builder_reserve(a, 20), LM_OK);
        CHECK_STATUS(lm__builder_reserve(b, 20), LM_OK);
        for (int i = 0; i < 20; i++) {
            lm__build_i32(a, i * round);
            lm__build_bool(b, i % 3 == 0);
            CHECK(a->validity == NULL);
            CHECK_STATUS(i % 5 ? lm__build_bytes(c, "abcdef", (size_t)i % 5) : lm__build_null(c),
                         LM_OK);
            CHECK_STATUS(lm__build_nulls(&d->children[0], i % 2), LM_OK);
            CHECK_STATUS(lm__build_list_end(d), LM_OK);
        }
        CHECK_OK(lm__builder_finish(&root, schema, &batch, &error), error);
        CHECK_INT(lm__batch_rows(batch), 20);
        lm_array view = lm__batch_column(batch, 0);
        CHECK(view.validity == NULL);
        CHECK_INT(((const int32_t *)view.values)[7], 7 * round);
        view = lm__batch_column(batch, 1);
        CHECK(lm__bit_get(view.values, 3) && !lm__bit_get(view.values, 19));
        view = lm__batch_column(batch, 2);
        CHECK_INT(view.null_count, 4);
        CHECK_INT(lm__array_null_count(&view), 4);
        CHECK(!lm__array_valid(&view, 15) && lm__array_valid(&view, 16));
        CHECK_INT(((const int32_t *)view.offsets)[20], 40);
        view = lm__batch_column(batch, 3);
        CHECK_INT(((const int32_t *)view.offsets)[20], 10);
        CHECK_INT(view.children[0].null_count, 10);
        CHECK_OK(lm__batch_validate(batch, LM_VALIDATE_TEXT, &error), error);
        lm__batch_unref(batch);
    }
    lm__builder_deinit(&root);
    lm_schema_free(schema);
}

/* Builds, exports, imports again and compares; then copies slices. */
static lm_status everything(const lm_allocator *allocator, int64_t rows, int nulls, uint64_t seed)
{
    lm_schema *schema = schema_of(allocator, EVERY_LAYOUT);
    if (!schema) return LM_NO_MEMORY;
    lm_builder root, copy;
    lm_batch *batch = NULL, *again = NULL, *third = NULL;
    struct ArrowArray exported = {0};
    lm_status status = lm__builder_init(&root, allocator, &schema->root, &error);
    if (status == LM_OK) {
        status = lm__builder_init(&copy, allocator, &schema->root, &error);
        if (status != LM_OK) lm__builder_deinit(&root);
    }
    if (status != LM_OK) goto no_builders;
    status = random_batch(&root, schema, rows, &seed, nulls, &batch, &error);
    if (status != LM_OK) goto done;
    status = lm__batch_export(batch, &exported, &error);
    if (status != LM_OK) goto done;
    status = lm__batch_import_take(allocator, schema, &exported, LM_VALIDATE_TEXT, &again, &error);
    if (status != LM_OK) goto done;
    int64_t start = rows / 3, length = rows / 2;
    status = lm__build_rows(&copy, &again->root, start, length);
    if (status == LM_OK) status = lm__build_rows(&copy, &again->root, 0, start);
    if (status == LM_OK) status = lm__builder_finish(&copy, schema, &third, &error);
    if (status == LM_OK) status = lm__batch_validate(third, LM_VALIDATE_TEXT, &error);
    if (status != LM_OK) goto done;
    CHECK_INT(lm__batch_rows(again), rows);
    CHECK_INT(lm__batch_rows(third), length + start);
    for (int32_t c = 0; c < root.n_children; c++) {
        lm_array x = lm__batch_column(batch, c), y = lm__batch_column(again, c),
                 z = lm__batch_column(third, c);
        bool alike = true;
        for (int64_t row = 0; row < rows; row++) alike = alike && rows_equal(&x, row, &y, row);
        for (int64_t row = 0; row < length + start; row++)
            alike = alike && rows_equal(&x, row < length ? start + row : row - length, &z, row);
        if (!alike) check_fail(__FILE__, __LINE__, "column %s differs", x.field->name);
        CHECK_INT(lm__array_null_count(&x), lm__array_null_count(&y));
    }
done:
    lm__builder_deinit(&root);
    lm__builder_deinit(&copy);
    lm__batch_unref(batch);
    lm__batch_unref(again);
    lm__batch_unref(third);
no_builders:
    lm_schema_free(schema);
    return status;
}

TEST(every_layout_comes_through)
{
    static const int64_t rows[] = {0, 1, 2, 7, 8, 9, 63, 64, 65, 500};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int nulls = 0; nulls <= 8; nulls += 2) {
            lm_status status = everything(NULL, rows[i], nulls, i * 10 + (uint64_t)nulls);
            if (status != LM_OK)
                check_fail(__FILE__, __LINE__, "%lld rows: %s", (long long)rows[i], error.message);
        }
}

TEST(every_allocation_may_fail)
{
    counting c;
    CHECK_ALLOCATIONS(c, everything(&c.allocator, 9, 2, 3));
}

TEST(offsets_that_run_over_are_refused)
{
    lm_schema *schema = schema_of(NULL, "s: utf8, r: run_end_encoded<int16, int8>, d: "
                                        "dictionary<int8, int16>, f: fixed_binary[2]");
    REQUIRE(schema);
    lm_builder root;
    CHECK_OK(lm__builder_init(&root, NULL, &schema->root, &error), error);
    CHECK_STATUS(lm__build_bytes(&root.children[0], "x", (size_t)INT32_MAX + 1), LM_LIMIT);
    CHECK_STATUS(lm__build_nulls(&root.children[1], 40000), LM_LIMIT);
    CHECK_STATUS(lm__build_nulls(&root.children[1], 32767), LM_OK);
    CHECK_STATUS(lm__build_null(&root.children[1]), LM_LIMIT);
    CHECK_STATUS(lm__build_bytes(&root.children[3], "x", 1), LM_INVALID);
    lm__builder_deinit(&root);
    lm_schema_free(schema);
}

TEST(columns_of_different_lengths_are_our_mistake)
{
    lm_schema *schema = schema_of(NULL, "a: int8, s: struct<x: int8, y: int8>");
    REQUIRE(schema);
    lm_builder root;
    lm_batch *batch;
    CHECK_OK(lm__builder_init(&root, NULL, &schema->root, &error), error);
    CHECK_STATUS(lm__build_null(&root.children[0]), LM_OK);
    CHECK_STATUS(lm__builder_finish(&root, schema, &batch, &error), LM_BROKEN);
    CHECK_TEXT(error.message, "column s: 0 rows were built, not 1");
    CHECK(batch == NULL);
    CHECK_STATUS(lm__build_null(&root.children[1]), LM_OK);
    CHECK_STATUS(lm__build_null(&root.children[1].children[1]), LM_OK);
    CHECK_STATUS(lm__builder_finish(&root, schema, &batch, &error), LM_BROKEN);
    CHECK_TEXT(error.message, "column s.y: 2 rows were built, not 1");
    lm__builder_deinit(&root);
    lm_schema_free(schema);
}

int main(void)
{
    RUN(values_stand_where_they_should);
    RUN(every_layout_comes_through);
    RUN(every_allocation_may_fail);
    RUN(offsets_that_run_over_are_refused);
    RUN(columns_of_different_lengths_are_our_mistake);
    return DONE();
}
