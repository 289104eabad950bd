/* Descriptors, registries and how tables evolve (table/descriptor.h, table/evolve.h). */
#define _GNU_SOURCE
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"

#include "table/descriptor.h"

/* With ' for ". */
static char *json(const char *text)
{
    static char copies[4][8192];
    static unsigned turn;
    char *copy = copies[turn++ % 4], *to = copy;
    for (; *text; text++) *to++ = *text == '\'' ? '"' : *text;
    *to = '\0';
    return copy;
}

static lm_table_descriptor *read_it(const char *text, lm_error *error)
{
    lm_table_descriptor *made;
    lm_error_clear(error);
    text = json(text);
    return lm_table_descriptor_parse(NULL, text, strlen(text), "t.json", &made, error) == LM_OK
               ? made
               : NULL;
}

#define HEAD "{'name': 'trades', 'schema_version': '1.2@2026-01-01', "
static const char whole[] =
    HEAD "'description': 'what was traded', 'columns': ["
         "{'name': 'tick', 'type': 'int64', 'nullable': false, 'rules': {'min': 0}},"
         "{'name': 'venue', 'type': 'dictionary<int32, utf8>', 'rules': {'set': ['oslo', "
         "'bergen']}},"
         "{'name': 'id', 'type': 'utf8', 'description': 'who', 'rules': {'pattern': '^[a-z]+$', "
         "'unique': true}},"
         "{'name': 'when', 'type': 'timestamp[ns, UTC]'},"
         "{'name': 'price', 'type': 'decimal64(10, 2)', 'rules': {'min': 0.5, 'max': '99.95'}}],"
         "'rules': {'check': ['price <> 13 or venue is null'], 'unique': [['tick', 'id']]},"
         "'partitioning': ['bucket', 'venue', {'year': 'when'}],"
         "'sort': ['tick', {'column': 'price', 'descending': true}],"
         "'parquet': {'codec': 'zstd:3', 'row_group_rows': 1000, 'columns': {'id': {'bloom': "
         "0.01, 'encoding': 'PLAIN'}}}}";

TEST(a_descriptor_is_read)
{
    lm_error error;
    char text[1024];
    lm_table_descriptor *d = read_it(whole, &error);
    if (!d) check_fail(__FILE__, __LINE__, "%s", error.message);
    REQUIRE(d);
    CHECK_TEXT(lm_table_descriptor_name(d), "trades");
    CHECK_TEXT(lm_table_descriptor_version(d), "1.2@2026-01-01");
    CHECK_INT(d->version.minor, 2);
    CHECK_TEXT(d->version.date, "2026-01-01");
    lm_schema_text(lm_table_descriptor_stored(d), text, sizeof text);
    CHECK_TEXT(text, "tick: int64 not null\nvenue: utf8\nid: utf8\nwhen: timestamp[us, UTC]\n"
                     "price: decimal128(10, 2)\nbucket: int64 not null\nyear: int32\n");
    CHECK_INT(d->partition_count, 3);
    CHECK_INT(d->bucket, 0);
    CHECK_INT(d->tick, 0);
    CHECK_INT(d->partitions[1].column, 1);
    CHECK_INT(d->partitions[2].source, 3);
    CHECK_INT(d->rule_count, 6);
    CHECK_INT(d->unique_count, 2);
    CHECK_TEXT(d->uniques[1].text, "tick, id");
    CHECK_INT(d->sort_count, 2);
    CHECK(d->sorts[1].descending);
    CHECK_INT(d->parquet.codec, LM_CODEC_ZSTD);
    CHECK_INT(d->parquet.level, 3);
    CHECK_INT(d->parquet.column_count, 1);
    CHECK_INT(d->parquet.columns[0].bloom, LM_CHOICE_ON);
    /* The text that it keeps is the descriptor. */
    lm_table_descriptor *again = read_it(lm_table_descriptor_json(d), &error);
    REQUIRE(again);
    CHECK_TEXT(lm_table_descriptor_json(again), lm_table_descriptor_json(d));
    lm_table_descriptor_free(again);
    lm_table_descriptor_free(d);
}

#define COLUMNS "'columns': [{'name': 'tick', 'type': 'int32'}, {'name': 'a', 'type': 'utf8'}]"

TEST(bad_descriptors_are_refused_with_the_place)
{
    static const struct {
        const char *text, *where;
    } rows[] = {
        {"{'name': 'x',\n 'columns': [}", "t.json: JSON, line 2, column 14"},
        {"[]", "t.json: the descriptor"},
        {"{'name': 'Trades'}", "t.json: name"},
        {"{'name': 'x', 'schema_version': '1.0'}", "t.json: schema_version"},
        {"{'name': 'x', 'schema_version': '1.0@2026-02-30'}", "t.json: schema_version"},
        {"{'name': 'x', 'schema_version': '01.0@2026-02-03'}", "t.json: schema_version"},
        {HEAD "'columns': []}", "t.json: columns"},
        {HEAD "'kolumns': []}", "\"kolumns\" is no key here"},
        {HEAD "'columns': [{'name': 'a'}]}", "t.json: columns[0]: type"},
        {HEAD "'columns': [{'name': 'a', 'type': 'int33'}]}", "t.json: columns[0]: type"},
        {HEAD "'columns': [{'name': 'a', 'type': 'int8'}, {'name': 'A', 'type': 'int8'}]}",
         "t.json: columns[1]"},
        {HEAD "'columns': [{'name': 'a', 'type': 'uint64'}]}", "t.json: columns[0].type"},
        {HEAD "'columns': [{'name': 'a', 'type': 'int8', 'nullable': 1}]}",
         "nullable is true or false"},
        {HEAD "'columns': [{'name': 'a', 'type': 'int8', 'rules': {'min': 'x'}}]}",
         "t.json: columns[0].rules.min"},
        {HEAD "'columns': [{'name': 'a', 'type': 'int8', 'rules': {'set': []}}]}",
         "t.json: columns[0].rules.set"},
        {HEAD "'columns': [{'name': 'a', 'type': 'int8', 'rules': {'pattern': 'x'}}]}",
         "only text has patterns"},
        {HEAD "'columns': [{'name': 'a', 'type': 'utf8', 'rules': {'pattern': '('}}]}",
         "t.json: columns[0].rules.pattern: no regular expression"},
        {HEAD COLUMNS ", 'rules': {'check': ['a >']}}", "t.json: rules.check[0]"},
        {HEAD COLUMNS ", 'rules': {'check': ['b = 1']}}", "t.json: rules.check[0]"},
        {HEAD COLUMNS ", 'rules': {'unique': [['b']]}}", "there is no column b"},
        {HEAD COLUMNS ", 'partitioning': ['b']}", "t.json: partitioning[0]: there is no column b"},
        {HEAD COLUMNS ", 'partitioning': ['a', 'a']}", "a is there twice"},
        {HEAD COLUMNS ", 'partitioning': ['a', 'tick']}", "nothing is left"},
        {HEAD COLUMNS ", 'partitioning': [{'year': 'tick'}]}", "a date or a timestamp"},
        {HEAD COLUMNS ", 'partitioning': [{'hour': 'tick'}]}", "is no kind of partition"},
        {HEAD COLUMNS ", 'partitioning': [{'bucket': {'column': 'a'}}]}", "an integer column"},
        {HEAD COLUMNS ", 'partitioning': [{'bucket': {'size': 0}}]}", "size is a whole number"},
        {HEAD "'columns': [{'name': 'a', 'type': 'int8'}], 'partitioning': ['bucket']}",
         "a column tick"},
        {HEAD COLUMNS ", 'sort': ['b']}", "t.json: sort[0]"},
        {HEAD COLUMNS ", 'partitioning': ['a'], 'sort': ['a']}", "t.json: sort[0]"},
        {HEAD COLUMNS ", 'parquet': {'columns': {'b': {}}}}",
         "t.json: parquet.columns.b: there is no such column"},
        {HEAD COLUMNS ", 'partitioning': ['a'], 'parquet': {'columns': {'a': {}}}}",
         "t.json: parquet.columns.a: a partition column"},
        {HEAD COLUMNS ", 'parquet': {'codec': 'zip'}}", "t.json: parquet: codec"},
        {HEAD COLUMNS ", 'parquet': {'columns': {'a': {'bloom': 2}}}}",
         "t.json: parquet.columns.a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_error error;
        lm_table_descriptor *d = read_it(rows[i].text, &error);
        if (d || error.code != LM_SCHEMA || !strstr(error.message, rows[i].where))
            check_fail(__FILE__, __LINE__, "%s: %s: %s", rows[i].text, lm_status_name(error.code),
                       error.message);
        lm_table_descriptor_free(d);
    }
}

static lm_table_evolution compare(const char *from, const char *to, char why[LM_ERROR_MESSAGE_MAX])
{
    char a[1024], b[1024];
    lm_error error;
    snprintf(a, sizeof a, HEAD "'columns': [%s]}", from);
    snprintf(b, sizeof b, HEAD "'columns': [%s]}", to);
    lm_table_descriptor *x = read_it(a, &error), *y = read_it(b, &error);
    if (!x || !y) check_fail(__FILE__, __LINE__, "%s", error.message);
    lm_table_evolution found = x && y ? lm_table_descriptor_compare(x, y, why) : LM_TABLE_SAME;
    lm_table_descriptor_free(x);
    lm_table_descriptor_free(y);
    return found;
}

#define A(type) "{'name': 'a', 'type': '" type "'}"

TEST(evolution_goes_by_rule)
{
    static const struct {
        const char *from, *to;
        lm_table_evolution kind;
        const char *why;
    } rows[] = {
        {A("int32"), A("int32"), LM_TABLE_SAME, ""},
        {A("utf8"), A("large_utf8"), LM_TABLE_SAME, ""},
        {A("int32") ",{'name': 'b', 'type': 'int8'}", "{'name': 'b', 'type': 'int8'}," A("int32"),
         LM_TABLE_SAME, ""},
        {A("int32"), A("int64"), LM_TABLE_MINOR, "column a was int32 and is int64"},
        {A("uint8"), A("uint32"), LM_TABLE_MINOR, ""},
        {A("float32"), A("float64"), LM_TABLE_MINOR, ""},
        {A("int32"), A("float64"), LM_TABLE_MINOR, ""},
        {A("decimal128(10, 2)"), A("decimal128(12, 4)"), LM_TABLE_MINOR, ""},
        {A("decimal128(10, 2)"), A("decimal128(11, 4)"), LM_TABLE_MAJOR, ""},
        {A("int64"), A("int32"), LM_TABLE_MAJOR, ""},
        {A("int64"), A("float64"), LM_TABLE_MAJOR, ""},
        {A("timestamp[us]"), A("timestamp[us, UTC]"), LM_TABLE_MAJOR, ""},
        {A("int32"), A("int32") ",{'name': 'b', 'type': 'utf8'}", LM_TABLE_MINOR,
         "column b is new"},
        {A("int32"), A("int32") ",{'name': 'b', 'type': 'utf8', 'nullable': false}", LM_TABLE_MAJOR,
         "column b is new and not null"},
        {A("int32") ",{'name': 'b', 'type': 'utf8'}", A("int32"), LM_TABLE_MAJOR,
         "column b is gone"},
        {A("int32"), A("int32 not null"), LM_TABLE_MAJOR, "may not be null any more"},
        {A("int32 not null"), A("int32"), LM_TABLE_MAJOR, "may be null now"},
        {A("struct<x: int8>"), A("struct<x: int16, y: utf8>"), LM_TABLE_MINOR, "column a.x"},
        {A("struct<x: int8>"), A("struct<y: int8>"), LM_TABLE_MAJOR, "column a.x is gone"},
        {A("list<item: int8>"), A("list<item: int64>"), LM_TABLE_MINOR, ""},
        {A("map<utf8, int8>"), A("map<utf8, utf8>"), LM_TABLE_MAJOR, ""},
        {A("list<item: int8>"), A("int8"), LM_TABLE_MAJOR, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[LM_ERROR_MESSAGE_MAX];
        lm_table_evolution kind = compare(rows[i].from, rows[i].to, why);
        if (kind != rows[i].kind || !strstr(why, rows[i].why))
            check_fail(__FILE__, __LINE__, "%s -> %s is %d: %s", rows[i].from, rows[i].to,
                       (int)kind, why);
    }
}

TEST(a_registry_is_read_from_a_directory)
{
    char here[256];
    lm_error error;
    lm_registry *registry;
    scratch_make(here);
    scratch_put(scratch_join(here, "b.json"),
                json("{'name': 'b', 'schema_version': '1.0@2026-01-01', " COLUMNS "}"));
    scratch_put(scratch_join(here, "a.json"),
                json("{'name': 'a', 'schema_version': '1.0@2026-01-01', " COLUMNS "}"));
    scratch_put(scratch_join(here, "notes.txt"), "not a table");
    CHECK_OK(lm_registry_read(NULL, NULL, here, &registry, &error), error);
    CHECK_INT(lm_registry_count(registry), 2);
    CHECK_TEXT(lm_table_descriptor_name(lm_registry_at(registry, 0)), "a");
    CHECK(lm_registry_find(registry, "b") != NULL);
    CHECK(lm_registry_find(registry, "c") == NULL);
    CHECK_STATUS(lm_registry_add(registry, lm_registry_at(registry, 1), &error), LM_EXISTS);
    lm_registry_free(registry);
    scratch_put(scratch_join(here, "c.json"),
                json("{'name': 'd', 'schema_version': '1.0@2026-01-01', " COLUMNS "}"));
    CHECK_STATUS(lm_registry_read(NULL, NULL, here, &registry, &error), LM_SCHEMA);
    CHECK(strstr(error.message, "c.json: name") != NULL);
    CHECK_STATUS(lm_registry_read(NULL, NULL, scratch_join(here, "none"), &registry, &error),
                 LM_NOT_FOUND);
    scratch_remove(here);
}

TEST(every_allocation_may_fail)
{
    char text[4096];
    strcpy(text, json(whole));
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_table_descriptor *d = NULL;
        lm_error error;
        check_alloc_init(&memory, n);
        lm_status status =
            lm_table_descriptor_parse(&memory.allocator, text, strlen(text), NULL, &d, &error);
        lm_table_descriptor_free(d);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) {
            CHECK_INT(status, LM_OK);
            break;
        }
        CHECK_INT(status, LM_NO_MEMORY);
        if (check_failed) return;
    }
}

int main(void)
{
    RUN(a_descriptor_is_read);
    RUN(bad_descriptors_are_refused_with_the_place);
    RUN(evolution_goes_by_rule);
    RUN(a_registry_is_read_from_a_directory);
    RUN(every_allocation_may_fail);
    return DONE();
}
