/*
 * Statistics against rows; see verify_stats.h. Each claim becomes a condition, which the filters of
 * arrow/ hold against the rows: no row is below a minimum or above a maximum, and as many are null
 * as is told. Bounds of timestamps may be cut to milliseconds and those of floats leave NaNs out,
 * as prune.h has it.
 */
#include "table/verify_stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arrow/filter.h"
#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"

typedef struct claim {
    struct claim *next;
    lm_filter *filter;
    int64_t rows, wanted; /* for which the condition is true */
    const char *what, *column;
} claim;

struct lm_stats_check {
    const lm_allocator *allocator;
    lm_arena arena;
    claim *claims;
    uint8_t *bits;
    int64_t bits_rows;
    char text[LM_ERROR_MESSAGE_MAX];
};

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "verifying a table"); }

/* The column's name as expressions have it. */
static const char *quoted(lm_arena *arena, const char *name)
{
    char *text = lm__arena_alloc(arena, 2 * strlen(name) + 3), *to = text;
    if (!text) return NULL;
    *to++ = '"';
    for (; *name; name++) {
        if (*name == '"') *to++ = '"';
        *to++ = *name;
    }
    *to++ = '"';
    *to = '\0';
    return text;
}

/* A bound of a timestamp that was cut: the last moment that it can stand for. */
static const char *last_moment(lm_arena *arena, const char *text, size_t size)
{
    const char *dot = memchr(text, '.', size), *end = dot ? dot + 1 : text;
    if (dot) {
        while (*end >= '0' && *end <= '9') end++;
    } else {
        end = strpbrk(text, "Z+");
        if (!end) end = text + size;
    }
    size_t digits = dot ? (size_t)(end - dot) - 1 : 0;
    if (digits >= 6 || (digits == 0 && size < 19)) return text;
    return lm__arena_printf(arena, "%.*s%s%.*s%s", (int)(end - text), text, dot ? "" : ".",
                            (int)(6 - digits), "999999", end);
}

/* A bound of a column that was float32 once may be the shortest text of such. */
static const char *beyond_rounding(lm_arena *arena, const char *text, size_t size, bool is_max)
{
    char wider[LM_VALUE_TEXT_MAX];
    double bound;
    if (lm__text_to_f64(text, size, &bound) != LM_TEXT_OK) return text;
    double rounded = (double)(float)bound;
    bool beyond = is_max ? rounded > bound : rounded < bound;
    if (!beyond || isinf(rounded)) return text;
    return lm__arena_strndup(arena, wider, lm__text_from_f64(rounded, wider));
}

static bool literal_of(lm_stats_check *c, const lm_field *field, const lm_json *bound, bool is_max,
                       lm_literal *literal)
{
    const char *text = bound->text;
    switch (bound->kind) {
    case LM_JSON_TRUE:
    case LM_JSON_FALSE:
        *literal = (lm_literal){.kind = LM_LITERAL_BOOL, .integer = bound->kind == LM_JSON_TRUE};
        return true;
    case LM_JSON_INT:
    case LM_JSON_NUMBER:
        if (field->type.id == LM_TYPE_FLOAT64)
            text = beyond_rounding(&c->arena, text, bound->text_size, is_max);
        if (!text) return false;
        *literal = (lm_literal){.kind = LM_LITERAL_NUMBER, .data = text, .size = strlen(text)};
        return true;
    case LM_JSON_STRING:
        if (field->type.id == LM_TYPE_TIMESTAMP && is_max)
            text = last_moment(&c->arena, text, bound->text_size);
        if (!text || lm__type_is_binary(field->type.id)) return false;
        *literal = (lm_literal){.kind = LM_LITERAL_TEXT, .data = text, .size = strlen(text)};
        return true;
    default: return false;
    }
}

/* Takes the expression's reference; what does not fit the schema tells nothing. */
static lm_status add_claim(lm_stats_check *c, lm_schema *schema, lm_expr *take_expr, int64_t wanted,
                           const char *what, const char *column, lm_error *error)
{
    lm_filter *filter;
    lm_error local;
    lm_status status = lm_expr_bind(c->allocator, take_expr, schema, &filter, &local);
    lm_expr_free(take_expr);
    if (status == LM_NO_MEMORY) return no_memory(error);
    if (status != LM_OK) return LM_OK;
    claim *made = lm__arena_zero(&c->arena, sizeof *made);
    if (!made) {
        lm_filter_free(filter);
        return no_memory(error);
    }
    *made = (claim){c->claims, filter, 0, wanted, what, column};
    c->claims = made;
    return LM_OK;
}

static lm_status add_bound(lm_stats_check *c, lm_schema *schema, const lm_field *field,
                           const char *column, const lm_json *bound, bool is_max, lm_error *error)
{
    lm_literal literal;
    lm_expr *beyond, *number = NULL;
    if (!bound || !literal_of(c, field, bound, is_max, &literal)) return LM_OK;
    lm_status status = lm_expr_compare(c->allocator, column, is_max ? LM_GREATER : LM_LESS,
                                       &literal, &beyond, error);
    if (status != LM_OK) return status == LM_NO_MEMORY ? status : LM_OK;
    if (is_max && lm__type_is_float(field->type.id)) {
        const lm_literal nan = {.kind = LM_LITERAL_TEXT, .data = "nan", .size = 3};
        status = lm_expr_compare(c->allocator, column, LM_NOT_EQUAL, &nan, &number, error);
        lm_expr *both[] = {beyond, number}, *joined = NULL;
        if (status == LM_OK) status = lm_expr_and(c->allocator, both, 2, &joined, error);
        lm_expr_free(beyond);
        lm_expr_free(number);
        LM_TRY(status);
        beyond = joined;
    }
    return add_claim(c, schema, beyond, 0, is_max ? "above maxValues" : "below minValues", column,
                     error);
}

/* The leaves of a struct; lists and maps have no statistics. */
static lm_status add_fields(lm_stats_check *c, lm_schema *schema, const lm_field *parent,
                            const char *prefix, const lm_json *min, const lm_json *max,
                            const lm_json *nulls, lm_error *error)
{
    for (int32_t i = 0; i < parent->n_children; i++) {
        const lm_field *field = &parent->children[i];
        const char *name = quoted(&c->arena, field->name);
        const char *column =
            name ? lm__arena_printf(&c->arena, "%s%s%s", prefix, *prefix ? "." : "", name) : NULL;
        const lm_json *low = lm__json_member(min, field->name);
        const lm_json *high = lm__json_member(max, field->name);
        const lm_json *none = lm__json_member(nulls, field->name);
        if (!column) return no_memory(error);
        if (field->type.id == LM_TYPE_STRUCT) {
            LM_TRY(add_fields(c, schema, field, column, low, high, none, error));
            continue;
        }
        if (field->n_children > 0) continue;
        LM_TRY(add_bound(c, schema, field, column, low, false, error));
        LM_TRY(add_bound(c, schema, field, column, high, true, error));
        if (!none || none->kind != LM_JSON_INT) continue;
        lm_expr *is_null;
        LM_TRY(lm_expr_is_null(c->allocator, column, &is_null, error));
        LM_TRY(add_claim(c, schema, is_null, none->integer, "null", column, error));
    }
    return LM_OK;
}

lm_status lm__stats_check_new(const lm_allocator *allocator, const lm_delta_add *part,
                              lm_schema *schema, lm_stats_check **check, lm_error *error)
{
    const lm_json *stats = NULL;
    *check = NULL;
    if (!part->stats) return LM_OK;
    lm_stats_check *c = lm__alloc_zero(allocator, sizeof *c);
    if (!c) return no_memory(error);
    c->allocator = allocator;
    lm__arena_init(&c->arena, allocator, 0);
    lm_error local;
    lm_status status = lm__json_parse(&c->arena, part->stats, part->stats_size, &stats, &local);
    /* Beside a deletion vector that is newer they may be those of all rows. */
    bool exact = lm__json_member_bool(stats, "tightBounds", true);
    if (status == LM_OK)
        status = add_fields(c, schema, &schema->root, "", lm__json_member(stats, "minValues"),
                            lm__json_member(stats, "maxValues"),
                            exact ? lm__json_member(stats, "nullCount") : NULL, error);
    else if (status != LM_NO_MEMORY)
        status = LM_OK; /* damaged ones tell nothing */
    else
        status = no_memory(error);
    if (status == LM_OK)
        *check = c;
    else
        lm__stats_check_free(c);
    return status;
}

lm_status lm__stats_check_batch(lm_stats_check *c, const lm_batch *batch, lm_error *error)
{
    int64_t rows = lm__batch_rows(batch), count;
    if (rows > c->bits_rows || !c->bits) {
        lm__free(c->allocator, c->bits);
        c->bits = lm__alloc(c->allocator, lm__filter_bits_bytes(rows) + 8);
        if (!c->bits) return no_memory(error);
        c->bits_rows = rows;
    }
    for (claim *at = c->claims; at; at = at->next) {
        LM_TRY(lm__filter_rows(at->filter, &batch->root, c->bits, &count, error));
        at->rows += count;
    }
    return LM_OK;
}

const char *lm__stats_check_end(lm_stats_check *c)
{
    for (const claim *at = c->claims; at; at = at->next) {
        if (at->rows == at->wanted) continue;
        snprintf(c->text, sizeof c->text, "%lld rows are %s of %.200s, and the log tells of %lld",
                 (long long)at->rows, at->what, at->column, (long long)at->wanted);
        return c->text;
    }
    return NULL;
}

void lm__stats_check_free(lm_stats_check *c)
{
    if (!c) return;
    for (claim *at = c->claims; at; at = at->next) lm_filter_free(at->filter);
    lm__free(c->allocator, c->bits);
    lm__arena_deinit(&c->arena);
    lm__free(c->allocator, c);
}
