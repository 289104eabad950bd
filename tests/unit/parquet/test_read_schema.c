/* The tree of a schema: what is not known spoils the leaves that it concerns, and no others
 * (read_schema.h 5); timestamps of 12 bytes (4). */
#include "parquet/read_schema.h"

#include "check.h"

static lm_error error;

#define ELEMENT(text, ...)                                                                         \
    {                                                                                              \
        .name = {(const uint8_t *)(text), sizeof text - 1}, __VA_ARGS__                            \
    }
#define GROUP(text, count, mode)                                                                   \
    ELEMENT(text, .has = LM_SCHEMA_ELEMENT_NUM_CHILDREN | LM_SCHEMA_ELEMENT_REPETITION,            \
            .num_children = (count), .repetition_type = (mode))
#define LEAF(text, physical, mode)                                                                 \
    ELEMENT(text, .has = LM_SCHEMA_ELEMENT_TYPE | LM_SCHEMA_ELEMENT_REPETITION,                    \
            .type = (physical), .repetition_type = (mode))

static void make(lm_arena *arena, const lm_schema_element *elements, size_t count,
                 lm_read_schema *schema)
{
    const lm_file_metadata metadata = {.schema = {elements, count}};
    lm__arena_init(arena, NULL, 0);
    CHECK_OK(lm__read_schema_make(arena, &metadata, schema, &error), error);
}

TEST(an_unknown_type_spoils_its_leaf_alone)
{
    const lm_schema_element elements[] = {
        GROUP("schema", 2, 0),
        LEAF("a", 8, LM_PARQUET_OPTIONAL),
        LEAF("b", LM_PARQUET_INT32, LM_PARQUET_OPTIONAL),
    };
    lm_read_schema schema;
    lm_arena arena;
    make(&arena, elements, 3, &schema);
    CHECK_INT(schema.leaf_count, 2);
    CHECK_INT(schema.leaves[0]->definition, 1);
    CHECK_STATUS(lm__read_check_leaf(schema.leaves[0], &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message,
               "its physical type 8 is not known here; read the other columns (--columns)");
    CHECK_OK(lm__read_check_leaf(schema.leaves[1], &error), error);
    lm__arena_deinit(&arena);
}

TEST(an_unknown_repetition_spoils_the_leaves_below)
{
    const lm_schema_element elements[] = {
        GROUP("schema", 2, 0),
        GROUP("v", 1, 3),
        GROUP("s", 2, LM_PARQUET_OPTIONAL),
        LEAF("a", LM_PARQUET_INT32, LM_PARQUET_REQUIRED),
        LEAF("b", LM_PARQUET_INT32, -1),
        LEAF("c", LM_PARQUET_INT32, LM_PARQUET_REPEATED),
    };
    lm_read_schema schema;
    lm_arena arena;
    make(&arena, elements, 6, &schema);
    CHECK_INT(schema.leaf_count, 3);
    CHECK_STATUS(lm__read_check_leaf(schema.leaves[0], &error), LM_UNSUPPORTED);
    CHECK_STATUS(lm__read_check_leaf(schema.leaves[1], &error), LM_UNSUPPORTED);
    CHECK_TEXT(error.message,
               "its repetition type 3 is not known here; read the other columns (--columns)");
    CHECK_OK(lm__read_check_leaf(schema.leaves[2], &error), error);
    CHECK_INT(schema.leaves[2]->repetition, 1);
    lm__arena_deinit(&arena);
}

TEST(lists_without_leaves_are_stored_nowhere)
{
    const lm_schema_element elements[] = {
        GROUP("schema", 3, 0),
        GROUP("list", 1, LM_PARQUET_OPTIONAL),
        GROUP("item", 0, LM_PARQUET_REPEATED),
        GROUP("struct", 0, LM_PARQUET_OPTIONAL),
        GROUP("some", 2, LM_PARQUET_REPEATED),
        GROUP("none", 0, LM_PARQUET_REPEATED),
        LEAF("a", LM_PARQUET_INT32, LM_PARQUET_REQUIRED),
    };
    lm_read_schema schema;
    lm_arena arena;
    make(&arena, elements, 7, &schema);
    const lm_read_node *nodes = schema.root->children;
    CHECK(lm__read_is_nowhere(&nodes[0]));
    CHECK(!lm__read_is_nowhere(&nodes[1]));
    CHECK(!lm__read_is_nowhere(&nodes[2]));
    CHECK(lm__read_is_nowhere(&nodes[2].children[0]));
    lm__arena_deinit(&arena);
}

/* What the annotation as a timestamp makes of fixed bytes. */
static lm_read_meaning meaning_of(int32_t width, bool logical, int32_t unit)
{
    const lm_logical_type type = {.choice.member = LM_PARQUET_LOGICAL_TIMESTAMP, .unit = unit};
    lm_schema_element elements[] = {
        GROUP("schema", 1, 0),
        LEAF("t", LM_PARQUET_FIXED_LEN_BYTE_ARRAY, LM_PARQUET_REQUIRED),
    };
    elements[1].has |= LM_SCHEMA_ELEMENT_TYPE_LENGTH;
    elements[1].type_length = width;
    elements[1].logical_type = logical ? &type : NULL;
    if (!logical) elements[1].has |= LM_SCHEMA_ELEMENT_CONVERTED;
    elements[1].converted_type = LM_PARQUET_CONVERTED_TIMESTAMP_MICROS;
    lm_read_schema schema;
    lm_arena arena;
    const lm_file_metadata metadata = {.schema = {elements, 2}};
    lm__arena_init(&arena, NULL, 0);
    lm_status status = lm__read_schema_make(&arena, &metadata, &schema, &error);
    lm_read_meaning meaning =
        status == LM_OK ? schema.leaves[0]->meaning : LM_MEANS_GEOGRAPHY; /* which it never is */
    lm__arena_deinit(&arena);
    return meaning;
}

TEST(fixed_bytes_are_timestamps_where_they_are_twelve)
{
    CHECK_INT(meaning_of(12, true, LM_PARQUET_NANOS), LM_MEANS_TIMESTAMP);
    CHECK_INT(meaning_of(12, true, 9), LM_MEANS_NOTHING);
    CHECK_INT(meaning_of(8, true, LM_PARQUET_NANOS), LM_MEANS_NOTHING);
    CHECK_INT(meaning_of(12, false, 0), LM_MEANS_GEOGRAPHY); /* the old ones are of INT64 */
}

int main(void)
{
    RUN(an_unknown_type_spoils_its_leaf_alone);
    RUN(an_unknown_repetition_spoils_the_leaves_below);
    RUN(lists_without_leaves_are_stored_nowhere);
    RUN(fixed_bytes_are_timestamps_where_they_are_twelve);
    return DONE();
}
