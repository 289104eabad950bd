/* Rows in order (table/sort.h): types, directions and nulls against a comparison of their texts. */
#include "check.h"
#include "check_alloc.h"

#include <math.h>

#include "arrow/build.h"
#include "base/error.h"
#include "table/sort.h"

static const char columns[] = "key: int64, i8: int8, f: float64, t: utf8, l: large_binary, v: "
                              "utf8_view, d: decimal128(20, 2), "
                              "b: bool, at: timestamp[us], e: dictionary<int8, utf8>, row: int64";
enum { COLUMNS = 11, ROW = 10 };

static lm_schema *schema_of(void)
{
    lm_schema *schema;
    if (lm_schema_parse(NULL, columns, strlen(columns), &schema, NULL) != LM_OK) abort();
    return schema;
}

static void must(lm_status status)
{
    if (status != LM_OK) abort();
}

static void put_value(lm_builder *column, int at, uint64_t random)
{
    static const double floats[] = {0.0, -0.0, 1.5, -1.5, INFINITY, -INFINITY, NAN, 1e-300};
    char text[32];
    int size = snprintf(text, sizeof text, "%.*s", (int)(random % 12), "aaaaaaaab\xc3\xa5z");
    __int128 wide = (__int128)(int64_t)random * 8 / 7;
    must(lm__builder_reserve(column, 1));
    if (random % 5 == 0) {
        must(lm__build_null(column));
        return;
    }
    switch (at) {
    case 0:
    case 8: lm__build_i64(column, (int64_t)(random % 9) - 4); break;
    case 1: lm__build_i8(column, (int8_t)random); break;
    case 2: lm__build_f64(column, floats[random % 8]); break;
    case 6: lm__build_fixed(column, &wide); break;
    case 7: lm__build_bool(column, random & 1); break;
    case 9: lm__build_int(column, (int64_t)(random % 3)); break;
    default: must(lm__build_bytes(column, text, (size_t)size));
    }
}

static lm_batch *batch_of(lm_schema *schema, uint64_t *state, int64_t rows, int64_t first)
{
    lm_builder root;
    lm_batch *batch;
    must(lm__builder_init(&root, lm_allocator_default(), &schema->root, NULL));
    for (int i = 0; i < 3; i++)
        must(lm__build_bytes(root.children[9].dictionary, i == 1 ? "a" : i ? "c" : "b", 1));
    for (int64_t r = 0; r < rows; r++) {
        for (int c = 0; c < ROW; c++) put_value(&root.children[c], c, check_random(state));
        must(lm__builder_reserve(&root.children[ROW], 1));
        lm__build_i64(&root.children[ROW], first + r);
    }
    must(lm__builder_finish(&root, schema, &batch, NULL));
    lm__builder_deinit(&root);
    return batch;
}

/* A value as a number or text that orders as it does. */
static int compare_plainly(const lm_array *column, int at, int64_t i, int64_t k)
{
    const void *values = at == 9 ? NULL : lm__array_fixed(column);
    double x = 0, y = 0;
    switch (at) {
    case 0:
    case 8:
        x = (double)((const int64_t *)values)[i];
        y = (double)((const int64_t *)values)[k];
        break;
    case 1:
        x = ((const int8_t *)values)[i];
        y = ((const int8_t *)values)[k];
        break;
    case 2: {
        x = ((const double *)values)[i];
        y = ((const double *)values)[k];
        if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
        break;
    }
    case 6: {
        __int128 p, q;
        memcpy(&p, (const char *)values + 16 * i, 16);
        memcpy(&q, (const char *)values + 16 * k, 16);
        return (p > q) - (p < q);
    }
    case 7:
        return lm__bit_get(column->values, column->offset + i) -
               lm__bit_get(column->values, column->offset + k);
    default: {
        const lm_array *of = column->dictionary ? column->dictionary : column;
        if (column->dictionary) {
            i = lm__array_index(column, i);
            k = lm__array_index(column, k);
        }
        size_t a_size, b_size;
        const uint8_t *a = lm__array_bytes(of, i, &a_size), *b = lm__array_bytes(of, k, &b_size);
        int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
        return order ? order : (a_size > b_size) - (a_size < b_size);
    }
    }
    return (x > y) - (x < y);
}

static int compare_rows(const lm_batch *batch, const lm_sort_key *keys, size_t count, int64_t i,
                        int64_t k)
{
    for (size_t c = 0; c < count; c++) {
        lm_array column = lm__batch_column(batch, keys[c].column);
        bool a = lm__array_valid(&column, i), b = lm__array_valid(&column, k);
        int order = 0;
        if (a && b) {
            order = compare_plainly(&column, keys[c].column, i, k);
            if (keys[c].descending) order = -order;
        } else if (a != b) {
            order = (a ? -1 : 1) * (keys[c].nulls_first ? -1 : 1);
        }
        if (order) return order;
    }
    lm_array row = lm__batch_column(batch, ROW); /* stable */
    const int64_t *rows = lm__array_fixed(&row);
    return rows[i] < rows[k] ? -1 : rows[i] > rows[k];
}

TEST(rows_come_in_order_whatever_the_types)
{
    uint64_t state = 5;
    lm_schema *schema = schema_of();
    for (int round = 0; round < 300; round++) {
        lm_batch *batches[4], *sorted = NULL;
        lm_error error;
        lm_sort_key keys[3];
        size_t count = 1 + check_random(&state) % 4, key_count = 1 + check_random(&state) % 3;
        int64_t rows = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t some = (int64_t)(check_random(&state) % 60);
            batches[i] = batch_of(schema, &state, some, rows);
            rows += some;
        }
        for (size_t i = 0; i < key_count; i++)
            keys[i] = (lm_sort_key){.column = (int32_t)(check_random(&state) % ROW),
                                    .descending = check_random(&state) & 1,
                                    .nulls_first = check_random(&state) & 1};
        CHECK_OK(lm__sort_batches(lm_allocator_default(), batches, count, keys, key_count, &sorted,
                                  &error),
                 error);
        REQUIRE(sorted);
        CHECK_INT(lm__batch_rows(sorted), rows);
        for (int64_t i = 1; i < rows; i++)
            if (compare_rows(sorted, keys, key_count, i - 1, i) >= 0) {
                check_fail(__FILE__, __LINE__, "round %d: row %d is not in its place", round,
                           (int)i);
                break;
            }
        lm__batch_unref(sorted);
        for (size_t i = 0; i < count; i++) lm__batch_unref(batches[i]);
        if (check_failed) break;
    }
    lm_schema_free(schema);
}

TEST(what_is_in_order_is_left_alone)
{
    uint64_t state = 1;
    lm_schema *schema = schema_of();
    lm_batch *batch = batch_of(schema, &state, 50, 0), *sorted;
    lm_error error;
    const lm_sort_key key = {.column = ROW};
    CHECK_OK(lm__sort_batches(lm_allocator_default(), &batch, 1, &key, 1, &sorted, &error), error);
    CHECK(sorted == batch);
    lm__batch_unref(sorted);
    lm__batch_unref(batch);
    lm_schema_free(schema);
}

TEST(every_allocation_may_fail)
{
    uint64_t state = 9;
    lm_schema *schema = schema_of();
    lm_batch *batches[2] = {batch_of(schema, &state, 30, 0), batch_of(schema, &state, 30, 30)};
    const lm_sort_key key = {.column = 3};
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_batch *sorted;
        lm_error error;
        check_alloc_init(&memory, n);
        lm_status status =
            lm__sort_batches(&memory.allocator, batches, 2, &key, 1, &sorted, &error);
        lm__batch_unref(sorted);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_INT(status, LM_OK);
            break;
        }
        CHECK_INT(status, LM_NO_MEMORY);
        if (check_failed) break;
    }
    for (int i = 0; i < 2; i++) lm__batch_unref(batches[i]);
    lm_schema_free(schema);
}

int main(void)
{
    RUN(rows_come_in_order_whatever_the_types);
    RUN(what_is_in_order_is_left_alone);
    RUN(every_allocation_may_fail);
    return DONE();
}
