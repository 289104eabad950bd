/* Parts ruled out by the log. Numbers in brackets are the invariants of prune.h. */
#include "check_alloc.h"
#include "fixture.h"

#include <lamella/expr.h>

#include "table/prune.h"

static const char schema_text[] =
    "id: int64, f: float64, f32: float32, s: utf8, d: date32, t: timestamp[us, UTC],"
    " n: timestamp[us], m: decimal128(10, 2), b: bool, x: binary, st: struct<a: int64>,"
    " l: list<int64>, p: int64, ps: utf8, pd: date32, pt: timestamp[us, UTC], pb: bool,"
    " pm: decimal128(10, 2), pf: float64, pf32: float32, w: decimal128(38, 10)";

/* One part with these statistics and partition values: may it have such rows? */
static bool may(const char *stats, const char *partition, const char *value, const char *where)
{
    static const char *const partitions[] = {"p", "ps", "pd", "pt", "pb", "pm", "pf", "pf32"};
    const lm_key_value item = {
        .key = partition, .value = value, .value_size = value ? strlen(value) : 0};
    lm_delta_add part = {.path = "a",
                         .partition_values = {&item, partition ? 1 : 0},
                         .stats = stats,
                         .stats_size = stats ? strlen(stats) : 0};
    const lm_snapshot snapshot = {
        .metadata = {.partition_columns = {partitions, 8}}, .parts = &part, .part_count = 1};
    lm_schema *schema;
    lm_expr *expr;
    lm_filter *filter;
    lm_error error;
    bool answer = false;
    size_t count = 9;
    if (lm_schema_parse(NULL, schema_text, sizeof schema_text - 1, &schema, &error) != LM_OK ||
        lm_expr_parse(NULL, where, strlen(where), &expr, &error) != LM_OK ||
        lm_expr_bind(NULL, expr, schema, &filter, &error) != LM_OK) {
        printf("# %s: %s\n", where, error.message);
        abort();
    }
    CHECK_OK(lm__snapshot_prune(&snapshot, filter, 1, &answer, &count, &error), error);
    CHECK_INT(count, answer);
    lm_filter_free(filter);
    lm_expr_free(expr);
    lm_schema_free(schema);
    return answer;
}

#define YES(stats, where) CHECK(may(stats, NULL, NULL, where))
#define NO(stats, where) CHECK(!may(stats, NULL, NULL, where))
#define IN(column, value, where) CHECK(may(NULL, column, value, where))
#define OUT(column, value, where) CHECK(!may(NULL, column, value, where))

TEST(bounds_rule_parts_out) /* [1] */
{
    static const char stats[] =
        "{\"numRecords\":10,\"minValues\":{\"id\":5,\"f\":1.5,\"s\":\"b\",\"d\":\"2024-01-02\","
        "\"m\":-1.25,\"b\":false,\"st\":{\"a\":7}},\"maxValues\":{\"id\":9,\"f\":2,\"s\":\"dz\","
        "\"d\":\"2024-02-01\",\"m\":3.5,\"b\":false,\"st\":{\"a\":8}},\"nullCount\":{\"id\":0,"
        "\"s\":10,\"d\":3,\"st\":{\"a\":0}}}";
    NO(stats, "id < 5");
    YES(stats, "id <= 5");
    NO(stats, "id > 9");
    NO(stats, "id in (1, 2, 10)");
    YES(stats, "id in (1, 7, 10)");
    NO(stats, "not (id between 0 and 20)");
    NO(stats, "id is null");
    YES(stats, "d is null");
    YES(stats, "d is not null");
    NO(stats, "s is not null");
    NO(stats, "s = 'c'"); /* all null */
    NO(stats, "d = date '2024-02-02'");
    YES(stats, "d = date '2024-02-01'");
    NO(stats, "m > 3.5");
    YES(stats, "m = 0");
    NO(stats, "b");
    YES(stats, "not b");
    NO(stats, "st.a = 6");
    YES(stats, "st.a = 8");
    NO(stats, "id = 7 and f > 100 and id = 1");
    NO(stats, "id = 1 or id = 2");
    YES(stats, "id = 1 or id = 7");
    YES(stats, "id = p"); /* columns with one another are not looked at */
}

TEST(text_is_compared_by_bytes)
{
    static const char stats[] = "{\"numRecords\":2,\"minValues\":{\"s\":\"b\"},\"maxValues\":"
                                "{\"s\":\"d\xc3\xa9\"},\"nullCount\":{\"s\":0}}";
    NO(stats, "s < 'b'");
    YES(stats, "s = 'd'");
    NO(stats, "s = 'e'");
    NO(stats, "s like 'e%'");
    YES(stats, "s like 'd%'");
    YES(stats, "s like '%e'");
}

TEST(long_decimals_may_be_told_as_doubles) /* [1] */
{
    static const char stats[] =
        "{\"numRecords\":2,\"minValues\":{\"w\":8155497432.489663,\"m\":1.25},"
        "\"maxValues\":{\"w\":8155497432.489663,\"m\":1.25}}";
    YES(stats, "w = 8155497432.4896629260");
    YES(stats, "w = 8155497432.4896630");
    YES(stats, "w > 8155497432.489663");
    YES(stats, "w >= 8155497432.489665"); /* 1.1 of the double's last bit */
    NO(stats, "w > 8155497432.49");
    NO(stats, "w < 8155497432.489");
    NO(stats, "m > 1.25"); /* of 10 digits, which a double has */
    static const char wide[] =
        "{\"numRecords\":2,\"minValues\":{\"w\":-1e27},\"maxValues\":{\"w\":1e27}}";
    YES(wide, "w = -1000000000000000000000012345.6789");
    YES(wide, "w = 1000000000000000000000012345.6789");
    NO(wide, "w > 1000000000001000000000000000");
}

TEST(floats_may_have_nans_and_timestamps_be_cut) /* [3] */
{
    static const char stats[] =
        "{\"numRecords\":2,\"minValues\":{\"f\":1,\"f32\":1,\"t\":\"2024-01-01T00:00:00.000Z\","
        "\"n\":\"2024-01-01 00:00:00\"},\"maxValues\":{\"f\":2,\"f32\":2,"
        "\"t\":\"2024-01-01T00:00:01.000Z\",\"n\":\"2024-01-01 00:00:01\"}}";
    YES(stats, "f > 3"); /* NaN is above all */
    NO(stats, "f < 1");
    NO(stats, "f = 3");
    NO(stats, "f32 < 1");
    /* Spark tells the shortest text of a float32, also of one in a column that is float64 by now:
     * the nearest ones are 0.100000001490116 and 0.699999988079071. */
    static const char shortest[] =
        "{\"numRecords\":2,\"minValues\":{\"f\":0.7,\"f32\":0.7},\"maxValues\":{\"f\":0.1,"
        "\"f32\":0.1}}";
    static const char rising[] =
        "{\"numRecords\":2,\"minValues\":{\"f\":0.1,\"f32\":0.1},\"maxValues\":{\"f\":0.1,"
        "\"f32\":0.1}}";
    static const char falling[] =
        "{\"numRecords\":2,\"minValues\":{\"f\":0.7,\"f32\":0.7},\"maxValues\":{\"f\":0.7,"
        "\"f32\":0.7}}";
    YES(rising, "f32 = 0.1");
    YES(rising, "f = 0.100000001490116");
    YES(rising, "f = 0.1");
    NO(rising, "f < 0.1");
    NO(rising, "f = 0.10000001");
    YES(falling, "f32 = 0.7");
    YES(falling, "f = 0.69999998807907104");
    NO(falling, "f < 0.6999999");
    NO(falling, "f = 0.70000001");
    YES(shortest, "f = 5"); /* bounds that are none */
    YES(stats, "t > timestamp '2024-01-01 00:00:01.000998Z'");
    NO(stats, "t > timestamp '2024-01-01 00:00:01.000999Z'");
    NO(stats, "t < timestamp '2024-01-01 00:00:00Z'");
    NO(stats, "n > timestamp '2024-01-01 00:00:02'");
    YES("{\"numRecords\":2,\"minValues\":{\"f\":\"NaN\"},\"maxValues\":{\"f\":\"NaN\"}}", "f < 1");
}

TEST(what_is_missing_or_damaged_rules_nothing_out) /* [2] */
{
    YES(NULL, "id = 1");
    YES("", "id = 1");
    YES("{\"numRecords\"", "id = 1");
    YES("[]", "id = 1");
    YES("{\"minValues\":7}", "id = 1");
    YES("{\"minValues\":{\"id\":5}}", "id = 1");
    YES("{\"minValues\":{\"id\":\"x\"},\"maxValues\":{\"id\":9}}", "id = 1");
    YES("{\"minValues\":{\"id\":9},\"maxValues\":{\"id\":5}}", "id = 1"); /* the wrong way round */
    YES("{\"minValues\":{\"id\":5.5},\"maxValues\":{\"id\":9.5}}", "id = 1");
    YES("{\"minValues\":{\"s\":5},\"maxValues\":{\"s\":9}}", "s = '1'");
    YES("{\"minValues\":{\"x\":\"5\"},\"maxValues\":{\"x\":\"6\"}}", "x is not null");
    YES("{\"numRecords\":0,\"nullCount\":{\"id\":0}}", "id = 1");
    YES("{\"nullCount\":{\"id\":5}}", "id = 1");
    YES(NULL, "p = 1"); /* a partition without its value */
}

TEST(partition_values_are_values)
{
    IN("p", "42", "p = 42");
    OUT("p", "42", "p > 42");
    OUT("p", "42", "p is null");
    IN("p", NULL, "p is null");
    IN("p", "", "p is null"); /* an empty text is a null, of any type */
    OUT("p", NULL, "p = 42");
    OUT("ps", NULL, "ps is not null");
    IN("p", "x", "p = 42"); /* no number */
    OUT("ps", "Oslo", "ps = 'Bergen'");
    IN("ps", "Oslo", "ps like 'Os%'");
    OUT("pd", "2024-02-29", "pd < date '2024-02-29'");
    IN("pd", "2024-02-29", "pd = date '2024-02-29'");
    IN("pt", "2024-02-29 12:00:00", "pt = timestamp '2024-02-29 12:00:00Z'");
    IN("pt", "2024-02-29T12:00:00.000001Z", "pt > timestamp '2024-02-29 12:00:00Z'");
    OUT("pt", "2024-02-29 12:00:00.5", "pt = timestamp '2024-02-29 12:00:00Z'");
    IN("pb", "true", "pb");
    OUT("pb", "false", "pb");
    OUT("pm", "1.50", "pm = 1.51");
    IN("pm", "1.5", "pm = 1.50");
    IN("pf", "NaN", "pf > 5");
    OUT("pf", "1e3", "pf < 1000");
    IN("pf", "0.1", "pf = 0.1");
    IN("pf32", "0.1", "pf32 = 0.1");
    IN("pf32", "0.1", "pf32 >= 0.1");
    OUT("pf32", "0.1", "pf32 > 0.1");
}

TEST(many_parts_by_many_threads)
{
    enum { PARTS = 10000 };
    static const char *const partitions[] = {"p"};
    lm_delta_add *parts = calloc(PARTS, sizeof *parts);
    lm_key_value *values = calloc(PARTS, sizeof *values);
    char(*texts)[8] = calloc(PARTS, sizeof *texts);
    bool *answers = calloc(PARTS, sizeof *answers);
    for (int i = 0; i < PARTS; i++) {
        int size = snprintf(texts[i], sizeof *texts, "%d", i);
        values[i] = (lm_key_value){.key = "p", .value = texts[i], .value_size = (size_t)size};
        parts[i] = (lm_delta_add){.path = texts[i], .partition_values = {&values[i], 1}};
    }
    const lm_snapshot snapshot = {
        .metadata = {.partition_columns = {partitions, 1}}, .parts = parts, .part_count = PARTS};
    lm_schema *schema;
    lm_expr *expr;
    lm_filter *filter;
    lm_error error;
    size_t count = 0;
    CHECK_OK(lm_schema_parse(NULL, "p: int64", 8, &schema, &error), error);
    CHECK_OK(lm_expr_parse(NULL, "p in (3, 7777)", 14, &expr, &error), error);
    CHECK_OK(lm_expr_bind(NULL, expr, schema, &filter, &error), error);
    CHECK_OK(lm__snapshot_prune(&snapshot, filter, 4, answers, &count, &error), error);
    CHECK(count == 2 && answers[3] && answers[7777]);
    lm_filter_free(filter);
    lm_expr_free(expr);
    lm_schema_free(schema);
    free(parts);
    free(values);
    free(texts);
    free(answers);
}

TEST(every_allocation_failing)
{
    static const char stats[] = "{\"minValues\":{\"id\":5},\"maxValues\":{\"id\":9}}";
    lm_schema *schema;
    lm_expr *expr;
    lm_filter *filter;
    lm_error error;
    CHECK_OK(lm_schema_parse(NULL, "id: int64", 9, &schema, &error), error);
    CHECK_OK(lm_expr_parse(NULL, "id = 1", 6, &expr, &error), error);
    CHECK_OK(lm_expr_bind(NULL, expr, schema, &filter, &error), error);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        bool answer = true;
        size_t count;
        lm_delta_add part = {.path = "a", .stats = stats, .stats_size = sizeof stats - 1};
        check_alloc_init(&memory, n);
        const lm_snapshot snapshot = {
            .allocator = &memory.allocator, .parts = &part, .part_count = 1};
        lm_status status = lm__snapshot_prune(&snapshot, filter, 1, &answer, &count, &error);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK(!answer);
            break;
        }
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
    lm_filter_free(filter);
    lm_expr_free(expr);
    lm_schema_free(schema);
}

int main(void)
{
    RUN(bounds_rule_parts_out);
    RUN(text_is_compared_by_bytes);
    RUN(long_decimals_may_be_told_as_doubles);
    RUN(floats_may_have_nans_and_timestamps_be_cut);
    RUN(what_is_missing_or_damaged_rules_nothing_out);
    RUN(partition_values_are_values);
    RUN(many_parts_by_many_threads);
    RUN(every_allocation_failing);
    return DONE();
}
