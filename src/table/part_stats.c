/* Statistics for the log; see part_stats.h. */
#include "table/part_stats.h"

#include <math.h>
#include <string.h>

#include "arrow/calendar.h"
#include "arrow/int256.h"
#include "arrow/text.h"
#include "base/error.h"
#include "base/json.h"
#include "parquet/bounds.h"

/* One leaf over all row groups. */
typedef struct leaf_facts {
    const lm_leaf *leaf;
    int64_t nulls, nans;
    lm_bounds bounds; /* there: of all row groups that have values */
} leaf_facts;

static leaf_facts facts_of(const lm_parquet_writer *writer, size_t place)
{
    leaf_facts facts = {.leaf = &writer->columns.leaves[place]};
    bool whole = true;
    for (size_t g = 0; g < writer->group_count; g++) {
        const lm_column_metadata *meta = writer->chunks[g][place].chunk.meta_data;
        const lm_statistics *statistics = meta->statistics;
        facts.nulls += statistics->null_count;
        facts.nans += statistics->nan_count;
        if (statistics->null_count == meta->num_values) continue;
        const lm_bounds here = {
            .there = true, .min = statistics->min_value, .max = statistics->max_value};
        if (!here.min.data || !here.max.data) {
            whole = false; /* values without bounds */
        } else if (!facts.bounds.there) {
            facts.bounds = here;
        } else {
            if (lm__bounds_compare(facts.leaf, here.min, facts.bounds.min) < 0)
                facts.bounds.min = here.min;
            if (lm__bounds_compare(facts.leaf, here.max, facts.bounds.max) > 0)
                facts.bounds.max = here.max;
        }
    }
    facts.bounds.there = facts.bounds.there && whole;
    return facts;
}

static int64_t integer_of(lm_bytes value)
{
    int32_t small;
    int64_t large;
    if (value.size == sizeof small) {
        memcpy(&small, value.data, sizeof small);
        return small;
    }
    memcpy(&large, value.data, sizeof large);
    return large;
}

/* Big-endian, as Parquet has long decimals. */
static lm_i256 decimal_of(const lm_leaf *leaf, lm_bytes value)
{
    uint8_t turned[32];
    if (leaf->physical == LM_PARQUET_INT32 || leaf->physical == LM_PARQUET_INT64)
        return lm__i256_from_i64(integer_of(value));
    uint8_t sign = value.data[0] & 0x80 ? 0xff : 0;
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = i < value.size ? value.data[value.size - 1 - i] : sign;
    return lm__i256_load(turned, sizeof turned);
}

static bool is_told_day(int64_t days)
{
    return days >= lm__days_from_date(1, 1, 1) && days < lm__days_from_date(10000, 1, 1);
}

/* A bound as JSON, or false where it has no form. Without a writer it is only asked. */
static bool put_bound(lm_json_writer *json, const lm_leaf *leaf, lm_bytes value)
{
    char text[LM_DECIMAL_TEXT_MAX];
    const lm_type *type = &leaf->value->type;
    size_t size = 0;
    switch (type->id) {
    case LM_TYPE_INT8:
    case LM_TYPE_INT16:
    case LM_TYPE_INT32:
    case LM_TYPE_INT64:
        if (json) lm__json_int(json, integer_of(value));
        return true;
    case LM_TYPE_FLOAT32: {
        float number;
        memcpy(&number, value.data, sizeof number);
        if (!isfinite(number)) return false;
        if (json) lm__json_double(json, (double)number);
        return true;
    }
    case LM_TYPE_FLOAT64: {
        double number;
        memcpy(&number, value.data, sizeof number);
        if (!isfinite(number)) return false;
        if (json) lm__json_double(json, number);
        return true;
    }
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128: {
        if (!json) return true;
        size = lm__decimal_text(decimal_of(leaf, value), type->scale, text);
        const lm_json number = {.kind = LM_JSON_NUMBER, .text = text, .text_size = size};
        text[size] = '\0';
        lm__json_tree(json, &number);
        return true;
    }
    case LM_TYPE_DATE32:
        if (!is_told_day(integer_of(value))) return false;
        size = lm__text_from_date(integer_of(value), text);
        break;
    case LM_TYPE_TIMESTAMP: {
        int64_t moment = integer_of(value), day = INT64_C(1000000) * LM_SECONDS_PER_DAY;
        if (type->unit != LM_UNIT_MICRO || !is_told_day(moment / day - (moment % day < 0)))
            return false;
        size = lm__text_from_timestamp(moment, LM_UNIT_MICRO, type->timezone, text);
        break;
    }
    case LM_TYPE_UTF8:
    case LM_TYPE_LARGE_UTF8:
    case LM_TYPE_UTF8_VIEW:
        if (json) lm__json_string_n(json, (const char *)value.data, value.size);
        return true;
    default: return false;
    }
    if (json) lm__json_string_n(json, text, size);
    return true;
}

typedef enum fact_kind { FACT_MIN, FACT_MAX, FACT_NULLS } fact_kind;

static bool has_fact(const leaf_facts *facts, fact_kind kind)
{
    if (facts->leaf->repetition_max > 0) return false;
    if (kind == FACT_NULLS) return true;
    if (kind == FACT_MAX && facts->nans > 0) return false;
    return facts->bounds.there &&
           put_bound(NULL, facts->leaf, kind == FACT_MIN ? facts->bounds.min : facts->bounds.max);
}

/* How many steps two leaves have in common, their own names aside. */
static size_t common_steps(const lm_leaf *a, const lm_leaf *b)
{
    size_t common = 0;
    while (common + 1 < a->step_count && common + 1 < b->step_count &&
           a->steps[common].field == b->steps[common].field)
        common++;
    return common;
}

/* An object of the leaves' facts, structs as objects within. */
static void put_facts(lm_json_writer *json, const leaf_facts *facts, size_t count, fact_kind kind)
{
    const lm_leaf *last = NULL;
    size_t open = 0;
    lm__json_open_object(json);
    for (size_t i = 0; i < count; i++) {
        const lm_leaf *leaf = facts[i].leaf;
        if (!has_fact(&facts[i], kind)) continue;
        size_t keep = last ? common_steps(last, leaf) : 0;
        for (; open > keep; open--) lm__json_close_object(json);
        for (; open + 1 < leaf->step_count; open++) {
            lm__json_key(json, leaf->steps[open].field->name);
            lm__json_open_object(json);
        }
        lm__json_key(json, leaf->steps[leaf->step_count - 1].field->name);
        if (kind == FACT_NULLS)
            lm__json_int(json, facts[i].nulls);
        else
            put_bound(json, leaf, kind == FACT_MIN ? facts[i].bounds.min : facts[i].bounds.max);
        last = leaf;
    }
    for (; open > 0; open--) lm__json_close_object(json);
    lm__json_close_object(json);
}

static void find_ticks(const leaf_facts *facts, const char *tick, lm_part_ticks *ticks)
{
    const lm_leaf *leaf = facts->leaf;
    if (!tick || leaf->step_count != 1 || strcmp(leaf->field->name, tick) != 0) return;
    if (!facts->bounds.there || !lm__type_is_integer(leaf->value->type.id)) return;
    *ticks = (lm_part_ticks){true, integer_of(facts->bounds.min), integer_of(facts->bounds.max)};
}

lm_status lm__part_stats(const lm_parquet_writer *writer, int64_t columns_max, const char *tick,
                         lm_buffer *json, lm_part_ticks *ticks, lm_error *error)
{
    static const char *const names[] = {"minValues", "maxValues", "nullCount"};
    lm_json_writer out;
    lm_arena arena;
    size_t leaves = writer->columns.leaf_count, told = leaves;
    *ticks = (lm_part_ticks){0};
    if (columns_max >= 0 && (uint64_t)columns_max < told) told = (size_t)columns_max;
    lm__arena_init(&arena, writer->options.allocator, 0);
    leaf_facts *facts = lm__arena_array(&arena, leaves + 1, sizeof *facts);
    lm__json_writer_init(&out, json, false);
    if (facts) {
        for (size_t i = 0; i < leaves; i++) {
            facts[i] = facts_of(writer, i);
            find_ticks(&facts[i], tick, ticks);
        }
        lm__json_open_object(&out);
        lm__json_member_int_out(&out, "numRecords", writer->rows);
        for (int kind = FACT_MIN; kind <= FACT_NULLS; kind++) {
            lm__json_key(&out, names[kind]);
            put_facts(&out, facts, told, (fact_kind)kind);
        }
        lm__json_close_object(&out);
    }
    lm__arena_deinit(&arena);
    if (facts && out.status == LM_OK) return LM_OK;
    return lm__error_memory(error, "telling a part's statistics");
}
