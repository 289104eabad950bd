/* Tests against partition values and statistics; see prune.h for the invariants. */
#include "table/prune.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"
#include "base/pool.h"

#define BLOCK 2048 /* parts that one job looks at */
#define CUT_US 999 /* what a bound of a timestamp may have lost */
#define US_PER_DAY INT64_C(86400000000)

/* ---- values ---- */

static bool timestamp_of(const lm_type *type, const char *text, size_t size, int64_t *value)
{
    bool zoned; /* one without a zone is taken as UTC */
    return lm__text_to_timestamp(text, size, type->unit, value, &zoned) == LM_TEXT_OK;
}

static bool int_of(const lm_type *type, const char *text, size_t size, int64_t *value)
{
    bool lost, truth;
    lm_i256 wide;
    switch (type->id) {
    case LM_TYPE_BOOL:
        if (lm__text_to_bool(text, size, &truth) != LM_TEXT_OK) return false;
        *value = truth;
        return true;
    case LM_TYPE_DATE32: return lm__text_to_date(text, size, value) == LM_TEXT_OK;
    case LM_TYPE_TIMESTAMP: return timestamp_of(type, text, size, value);
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
        if (!lm__decimal_parse(text, size, type->scale, &wide, &lost)) return false;
        *value = (int64_t)wide.limb[0];
        return true;
    default:
        return lm__type_is_signed(type->id) && lm__text_to_i64(text, size, value) == LM_TEXT_OK;
    }
}

bool lm__partition_scalar(const lm_test_column *column, const char *text, size_t size,
                          lm_scalar *value)
{
    const lm_type *type = &column->field->type;
    int64_t number;
    bool lost;
    *value = (lm_scalar){.number = 0};
    switch (column->class) {
    case LM_CLASS_BOOL:
    case LM_CLASS_INT:
        if (!int_of(type, text, size, &number)) return false;
        value->number = (uint64_t)number;
        return true;
    case LM_CLASS_WIDE: return lm__decimal_parse(text, size, type->scale, &value->wide, &lost);
    case LM_CLASS_FLOAT:
        if (lm__text_to_f64(text, size, &value->real) != LM_TEXT_OK) return false;
        if (type->id == LM_TYPE_FLOAT32) value->real = (double)(float)value->real;
        return true;
    case LM_CLASS_BYTES: value->bytes = (lm_value){(const uint8_t *)text, size}; return true;
    case LM_CLASS_NONE: break;
    }
    return false;
}

/* A bound in JSON. */
static bool bound_of(const lm_test_column *column, const lm_json *bound, lm_scalar *value)
{
    if (!bound) return false;
    switch (bound->kind) {
    case LM_JSON_TRUE: return lm__partition_scalar(column, "true", 4, value);
    case LM_JSON_FALSE: return lm__partition_scalar(column, "false", 5, value);
    case LM_JSON_STRING:
        if (lm__type_is_binary(column->field->type.id)) return false; /* nobody agrees on a form */
        return lm__partition_scalar(column, bound->text, bound->text_size, value);
    case LM_JSON_INT:
    case LM_JSON_NUMBER:
        return column->class != LM_CLASS_BYTES &&
               lm__partition_scalar(column, bound->text, bound->text_size, value);
    default: return false;
    }
}

/* ---- one part ---- */

/* What is known of a column of a part. */
typedef struct facts {
    bool has_bounds, all_null, no_null, nan_unknown;
    lm_scalar min, max;
} facts;

typedef struct looking {
    const lm_snapshot *snapshot;
    const lm_filter *filter;
    lm_arena arena;       /* of one part's statistics */
    const lm_json *stats; /* of the part, once they were asked for */
    bool has_stats;
    lm_status status;
} looking;

static bool is_partition(const looking *l, const lm_test_column *column, const char *name)
{
    return column->depth == 1 && lm__text_list_has(&l->snapshot->metadata.partition_columns, name);
}

static facts facts_of_partition(const lm_delta_add *part, const lm_test_column *column,
                                const char *name)
{
    facts f = {.all_null = false};
    for (size_t i = 0; i < part->partition_values.count; i++) {
        const lm_key_value *item = &part->partition_values.items[i];
        if (strcmp(item->key, name) != 0) continue;
        f.all_null = !item->value || item->value_size == 0;
        f.no_null = !f.all_null;
        if (f.all_null || !lm__partition_scalar(column, item->value, item->value_size, &f.min))
            return f;
        f.max = f.min;
        f.has_bounds = column->class != LM_CLASS_FLOAT || !isnan(f.min.real);
        return f;
    }
    return f;
}

/* The statistics of a part, parsed when they are asked for first; NULL where there are none. */
static const lm_json *stats_of(looking *l, const lm_delta_add *part)
{
    if (!l->has_stats) {
        lm_error error;
        l->has_stats = true;
        l->stats = NULL;
        lm__arena_reset(&l->arena);
        lm_status status = part->stats ? lm__json_parse(&l->arena, part->stats, part->stats_size,
                                                        &l->stats, &error)
                                       : LM_OK;
        if (status != LM_OK) l->stats = NULL;
        if (status == LM_NO_MEMORY) l->status = status;
    }
    return l->stats;
}

/* The column's member in "minValues", say. */
static const lm_json *stat_of(const looking *l, const lm_json *stats, const char *which,
                              const lm_test_column *column)
{
    const lm_json *value = lm__json_member(stats, which);
    const lm_field *field = &l->filter->schema->root;
    for (int32_t i = 0; i < column->depth; i++) {
        field = &field->children[column->path[i]];
        value = lm__json_member(value, field->name);
    }
    return value;
}

/* The bounds of a column that was float32 once may be the shortest texts of such. */
static void bounds_of_floats(facts *f)
{
    double low = (double)(float)f->min.real, high = (double)(float)f->max.real;
    f->has_bounds = !isnan(low) && !isnan(high);
    if (low < f->min.real) f->min.real = low;
    if (high > f->max.real) f->max.real = high;
}

/* How far a double's text of 15 digits or more may be from a decimal that it stands for. */
static lm_i256 rounding_of(lm_i256 value)
{
    value = lm__i256_absolute(value);
    lm__i256_divide_small(&value, UINT64_C(1) << 46);
    return lm__i256_add(value, lm__i256_from_i64(1));
}

/* delta-rs tells those of decimals as doubles, rounded more than once and to 16 digits. */
static void bounds_of_decimals(facts *f)
{
    f->min.wide = lm__i256_add(f->min.wide, lm__i256_negate(rounding_of(f->min.wide)));
    f->max.wide = lm__i256_add(f->max.wide, rounding_of(f->max.wide));
}

static facts facts_of_stats(looking *l, const lm_delta_add *part, const lm_test_column *column)
{
    facts f = {.nan_unknown = true};
    const lm_json *stats = stats_of(l, part);
    if (!stats) return f;
    const lm_json *nulls = stat_of(l, stats, "nullCount", column);
    const lm_json *rows = lm__json_member(stats, "numRecords");
    if (nulls && nulls->kind == LM_JSON_INT) {
        f.no_null = nulls->integer == 0;
        f.all_null = rows && rows->kind == LM_JSON_INT && nulls->integer == rows->integer &&
                     rows->integer > 0;
    }
    f.has_bounds = bound_of(column, stat_of(l, stats, "minValues", column), &f.min) &&
                   bound_of(column, stat_of(l, stats, "maxValues", column), &f.max);
    const lm_type *type = &column->field->type;
    if (type->id == LM_TYPE_TIMESTAMP) {
        int64_t cut = type->unit == LM_UNIT_MICRO ? CUT_US : US_PER_DAY, max;
        f.has_bounds &= !__builtin_add_overflow((int64_t)f.max.number, cut, &max);
        f.max.number = (uint64_t)max;
    }
    if (column->class == LM_CLASS_FLOAT && f.has_bounds) bounds_of_floats(&f);
    if (column->class == LM_CLASS_WIDE && f.has_bounds && type->precision > DBL_DIG)
        bounds_of_decimals(&f);
    f.has_bounds = f.has_bounds && lm__scalar_compare(column, &f.min, &f.max) <= 0;
    return f;
}

static bool leaf_may(looking *l, const lm_delta_add *part, const lm_test *test)
{
    const lm_test_column *column = &test->column;
    if (column->depth < 1) return true;
    const char *name = l->filter->schema->root.children[column->path[0]].name;
    const facts f = is_partition(l, column, name) ? facts_of_partition(part, column, name)
                                                  : facts_of_stats(l, part, column);
    if (test->kind == LM_TEST_NULL) return !f.no_null;
    if (f.all_null) return false;
    if (test->kind != LM_TEST_RANGE && test->kind != LM_TEST_SET && test->kind != LM_TEST_LIKE)
        return true;
    if (!f.has_bounds) return true;
    if (column->class == LM_CLASS_FLOAT && f.nan_unknown && lm__test_takes_nan(test)) return true;
    return lm__test_may(test, &f.min, &f.max);
}

static bool test_may(looking *l, const lm_delta_add *part, const lm_test *test)
{
    switch (test->kind) {
    case LM_TEST_NEVER: return false;
    case LM_TEST_ALWAYS: return true;
    case LM_TEST_AND:
        for (size_t i = 0; i < test->child_count; i++)
            if (!test_may(l, part, &test->children[i])) return false;
        return true;
    case LM_TEST_OR:
        for (size_t i = 0; i < test->child_count; i++)
            if (test_may(l, part, &test->children[i])) return true;
        return false;
    default: return leaf_may(l, part, test);
    }
}

/* ---- all of them ---- */

typedef struct prune_job {
    lm_job job;
    looking look;
    bool *may;
    size_t from, to, count;
} prune_job;

static void prune_run(lm_job *job)
{
    prune_job *p = (prune_job *)job;
    looking *l = &p->look;
    lm__arena_init(&l->arena, l->snapshot->allocator, 0);
    for (size_t i = p->from; i < p->to && l->status == LM_OK; i++) {
        l->has_stats = false;
        p->may[i] = test_may(l, &l->snapshot->parts[i], &l->filter->root);
        p->count += p->may[i];
    }
    lm__arena_deinit(&l->arena);
}

lm_status lm__snapshot_prune(const lm_snapshot *snapshot, const lm_filter *filter, int threads,
                             bool *may, size_t *count, lm_error *error)
{
    size_t blocks = (snapshot->part_count + BLOCK - 1) / BLOCK;
    lm_pool *pool = NULL;
    lm_status status = LM_OK;
    *count = 0;
    if (blocks == 0) return LM_OK;
    prune_job *jobs = lm__alloc_array(snapshot->allocator, blocks, sizeof *jobs);
    if (!jobs) return lm__error_memory(error, "looking for the parts of a table");
    if (blocks > 1 && threads != 1)
        status = lm__pool_new(snapshot->allocator, threads, &pool, error);
    lm_group group;
    if (pool) lm__group_init(&group, pool);
    for (size_t i = 0; i < blocks && status == LM_OK; i++) {
        size_t end = (i + 1) * BLOCK;
        jobs[i] = (prune_job){
            .job = {.run = prune_run},
            .look = {.snapshot = snapshot, .filter = filter},
            .may = may,
            .from = i * BLOCK,
            .to = end < snapshot->part_count ? end : snapshot->part_count,
        };
        if (pool)
            lm__group_submit(&group, &jobs[i].job);
        else
            prune_run(&jobs[i].job);
    }
    if (pool) lm__group_wait(&group);
    for (size_t i = 0; i < blocks && status == LM_OK; i++) {
        *count += jobs[i].count;
        if (jobs[i].look.status != LM_OK)
            status = lm__error_memory(error, "looking for the parts of a table");
    }
    lm__pool_free(pool);
    lm__free(snapshot->allocator, jobs);
    return status;
}
