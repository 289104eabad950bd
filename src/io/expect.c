/*
 * Expectations; see expect.h.
 *
 * A text is one of three. Two sides of numbers, `rows`, `previous`, `bytes` and `nulls(column)`
 * with `*` between them and a comparison between the sides is decided at the end. `column not null`
 * is short for `column is not null`. All else is an expression of docs/expressions.md that must be
 * true for each row, which is counted as rows pass; so is what nulls() asks for.
 */
#include "io/expect.h"

#include <string.h>
#include <strings.h>

#include "arrow/filter.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/number.h"
#include "io/expect_previous.h"

#define FACTORS_MAX 8

typedef enum factor_kind {
    FACTOR_NUMBER,
    FACTOR_ROWS,
    FACTOR_PREVIOUS,
    FACTOR_BYTES,
    FACTOR_NULLS,
} factor_kind;

typedef struct factor {
    factor_kind kind;
    double number;
    size_t counter; /* NULLS */
} factor;

typedef struct side {
    factor factors[FACTORS_MAX];
    size_t count;
} side;

/* Rows for which a filter is true. */
typedef struct counter {
    lm_filter *filter;
    uint64_t rows;
    int64_t first_other; /* the first row for which it is not; -1: none so far */
} counter;

typedef struct expectation {
    const char *text;
    bool each_row;  /* `counter` must count every row */
    size_t counter; /* each_row */
    side left, right;
    lm_comparison comparison;
} expectation;

struct lm_expect {
    const lm_allocator *allocator;
    lm_schema *schema;
    expectation *items;
    counter *counters;
    size_t count, counter_count;
    uint64_t rows;
    lm_arena arena;
};

/* Reading. */

typedef struct reader {
    const char *at;
    lm_expect *expect;
    lm_error *error;
    lm_status status; /* of what is not only no comparison */
} reader;

static void skip_spaces(reader *r) { r->at += strspn(r->at, " \t\r\n"); }

static bool takes(reader *r, const char *word)
{
    size_t size = strlen(word);
    skip_spaces(r);
    if (strncmp(r->at, word, size) != 0) return false;
    r->at += size;
    return true;
}

/* A word that ends there: `rows` is not the beginning of `rows_of`. */
static bool takes_word(reader *r, const char *word)
{
    const char *start = r->at;
    if (takes(r, word) &&
        !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.",
                *r->at ? *r->at : ' '))
        return true;
    r->at = start;
    return false;
}

static lm_status add_counter(lm_expect *expect, const char *text, size_t *at, lm_error *error)
{
    lm_expr *expr;
    counter *made = &expect->counters[expect->counter_count];
    LM_TRY(lm_expr_parse(expect->allocator, text, strlen(text), &expr, error));
    lm_status status = lm_expr_bind(expect->allocator, expr, expect->schema, &made->filter, error);
    lm_expr_free(expr);
    if (status != LM_OK) return status;
    made->first_other = -1;
    *at = expect->counter_count++;
    return LM_OK;
}

/* nulls(column): the column as an expression has it. */
static bool read_nulls(reader *r, factor *out)
{
    if (!takes(r, "(")) return false;
    const char *start = r->at;
    char quote = '\0';
    for (; *r->at && (quote || *r->at != ')'); r->at++)
        if (quote ? *r->at == quote : *r->at == '"' || *r->at == '`') quote = quote ? '\0' : *r->at;
    if (*r->at != ')') return false;
    char *text = lm__arena_printf(&r->expect->arena, "%.*s is null", (int)(r->at++ - start), start);
    r->status = text ? add_counter(r->expect, text, &out->counter, r->error)
                     : lm__error_memory(r->error, "reading an expectation");
    out->kind = FACTOR_NULLS;
    return r->status == LM_OK;
}

static bool read_factor(reader *r, factor *out)
{
    static const struct {
        const char *word;
        factor_kind kind;
    } words[] = {{"rows", FACTOR_ROWS}, {"previous", FACTOR_PREVIOUS}, {"bytes", FACTOR_BYTES}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (takes_word(r, words[i].word)) {
            out->kind = words[i].kind;
            return true;
        }
    if (takes_word(r, "nulls")) return read_nulls(r, out);
    skip_spaces(r);
    size_t size = lm__expr_number_size(r->at, strlen(r->at));
    *out = (factor){.kind = FACTOR_NUMBER};
    if (size == 0 || !lm__double_parse(r->at, size, &out->number)) return false;
    r->at += size;
    return true;
}

static bool read_side(reader *r, side *out)
{
    do {
        if (out->count == FACTORS_MAX || !read_factor(r, &out->factors[out->count])) return false;
        out->count++;
    } while (takes(r, "*"));
    return true;
}

static bool read_comparison(reader *r, lm_comparison *out)
{
    static const struct {
        const char *text;
        lm_comparison comparison;
    } signs[] = {{"<=", LM_LESS_EQUAL}, {">=", LM_GREATER_EQUAL}, {"!=", LM_NOT_EQUAL},
                 {"<>", LM_NOT_EQUAL},  {"==", LM_EQUAL},         {"=", LM_EQUAL},
                 {"<", LM_LESS},        {">", LM_GREATER}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (takes(r, signs[i].text)) {
            *out = signs[i].comparison;
            return true;
        }
    return false;
}

static bool has_word(const side *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->factors[i].kind != FACTOR_NUMBER) return true;
    return false;
}

/* Whether the text is a comparison of numbers; else nothing has been said, unless r->status. */
static bool read_numbers(reader *r, expectation *item)
{
    if (!read_side(r, &item->left) || !read_comparison(r, &item->comparison) ||
        !read_side(r, &item->right))
        return false;
    skip_spaces(r);
    return *r->at == '\0' && (has_word(&item->left) || has_word(&item->right));
}

/* "column not null", without the "is" that an expression wants. */
static char *with_is(lm_arena *arena, const char *text)
{
    static const char *const words[] = {"null", "not"};
    size_t size = strlen(text), end;
    for (size_t i = 0; i < 2; i++) {
        size_t word = strlen(words[i]);
        while (size && strchr(" \t\r\n", text[size - 1])) size--;
        if (size <= word || strncasecmp(text + size - word, words[i], word) != 0) return NULL;
        size -= word;
        if (!strchr(" \t\r\n", text[size - 1])) return NULL;
    }
    end = size;
    while (end && strchr(" \t\r\n", text[end - 1])) end--;
    if (end >= 3 && strncasecmp(text + end - 2, "is", 2) == 0 && strchr(" \t\r\n", text[end - 3]))
        return NULL;
    return lm__arena_printf(arena, "%.*s is not null", (int)end, text);
}

static lm_status read_one(lm_expect *expect, expectation *item, lm_error *error)
{
    reader r = {item->text, expect, error, LM_OK};
    size_t counters = expect->counter_count;
    if (read_numbers(&r, item) || r.status != LM_OK) return r.status;
    while (expect->counter_count > counters)
        lm_filter_free(expect->counters[--expect->counter_count].filter);
    const char *text = with_is(&expect->arena, item->text);
    item->each_row = true;
    return add_counter(expect, text ? text : item->text, &item->counter, error);
}

lm_status lm__expect_new(const lm_allocator *allocator, const char *const *texts, size_t count,
                         lm_schema *schema, lm_expect **out, lm_error *error)
{
    *out = NULL;
    if (count == 0) return LM_OK;
    lm_expect *expect = lm__alloc_zero(allocator, sizeof *expect);
    if (!expect) return lm__error_memory(error, "reading expectations");
    expect->allocator = allocator;
    expect->schema = lm_schema_ref(schema);
    lm__arena_init(&expect->arena, allocator, 0);
    expect->items = lm__arena_zero(&expect->arena, count * sizeof *expect->items);
    expect->counters =
        lm__arena_zero(&expect->arena, count * 2 * FACTORS_MAX * sizeof *expect->counters);
    lm_status status =
        expect->items && expect->counters ? LM_OK : lm__error_memory(error, "reading expectations");
    for (size_t i = 0; i < count && status == LM_OK; i++) {
        expectation *item = &expect->items[expect->count++];
        item->text = lm__arena_strdup(&expect->arena, texts[i]);
        status = item->text ? read_one(expect, item, error)
                            : lm__error_memory(error, "reading expectations");
        if (status != LM_OK) status = lm__error_within(error, status, "expectation '%s'", texts[i]);
    }
    if (status == LM_OK)
        *out = expect;
    else
        lm__expect_free(expect);
    return status;
}

void lm__expect_free(lm_expect *expect)
{
    if (!expect) return;
    for (size_t i = 0; i < expect->counter_count; i++) lm_filter_free(expect->counters[i].filter);
    lm_schema_free(expect->schema);
    lm__arena_deinit(&expect->arena);
    lm__free(expect->allocator, expect);
}

/* Counting. */

typedef struct expect_stream {
    lm_stream stream;
    lm_stream *inner;
    lm_expect *expect;
} expect_stream;

static lm_status count_batch(lm_expect *expect, const lm_batch *batch, lm_error *error)
{
    int64_t rows = lm__batch_rows(batch);
    uint8_t *bits = lm__alloc(expect->allocator, lm__filter_bits_bytes(rows) + 8);
    if (!bits) return lm__error_memory(error, "counting rows");
    lm_status status = LM_OK;
    for (size_t i = 0; i < expect->counter_count && status == LM_OK; i++) {
        counter *c = &expect->counters[i];
        int64_t count = 0;
        status = lm__filter_rows(c->filter, &batch->root, bits, &count, error);
        if (status != LM_OK) break;
        c->rows += (uint64_t)count;
        if (count == rows || c->first_other >= 0) continue;
        c->first_other = (int64_t)expect->rows +
                         (int64_t)lm__bits_find((lm_bits){bits, 0}, 0, (size_t)rows, false);
    }
    lm__free(expect->allocator, bits);
    expect->rows += (uint64_t)rows;
    return status;
}

static lm_status expect_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    expect_stream *counted = (expect_stream *)stream;
    LM_TRY(lm__stream_next(counted->inner, batch, error));
    if (!*batch) return LM_OK;
    lm_status status = count_batch(counted->expect, *batch, error);
    if (status != LM_OK) lm__batch_unref(*batch);
    return status;
}

static void expect_close(lm_stream *stream)
{
    expect_stream *counted = (expect_stream *)stream;
    const lm_allocator *allocator = counted->expect->allocator;
    lm__stream_close(counted->inner);
    lm__free(allocator, counted);
}

lm_status lm__expect_stream_take(lm_expect *expect, lm_stream *inner, lm_stream **stream,
                                 lm_error *error)
{
    static const lm_stream_ops ops = {expect_next, expect_close};
    expect_stream *counted = lm__alloc_zero(expect->allocator, sizeof *counted);
    if (!counted) {
        lm__stream_close(inner);
        return lm__error_memory(error, "opening a table");
    }
    lm__stream_init(&counted->stream, &ops, inner->schema);
    counted->inner = inner;
    counted->expect = expect;
    *stream = &counted->stream;
    return LM_OK;
}

/* Deciding. */

typedef struct totals {
    uint64_t previous, bytes;
} totals;

static bool wants_previous(const lm_expect *expect)
{
    for (size_t i = 0; i < expect->count; i++)
        for (int k = 0; k < 2; k++) {
            const side *s = k ? &expect->items[i].right : &expect->items[i].left;
            for (size_t f = 0; f < s->count; f++)
                if (s->factors[f].kind == FACTOR_PREVIOUS) return true;
        }
    return false;
}

static double side_value(const lm_expect *expect, const side *s, const totals *t)
{
    double value = 1;
    for (size_t i = 0; i < s->count; i++) {
        const factor *f = &s->factors[i];
        switch (f->kind) {
        case FACTOR_NUMBER: value *= f->number; break;
        case FACTOR_ROWS: value *= (double)expect->rows; break;
        case FACTOR_PREVIOUS: value *= (double)t->previous; break;
        case FACTOR_BYTES: value *= (double)t->bytes; break;
        case FACTOR_NULLS: value *= (double)expect->counters[f->counter].rows; break;
        }
    }
    return value;
}

static bool compares(double left, lm_comparison comparison, double right)
{
    switch (comparison) {
    case LM_LESS: return left < right;
    case LM_LESS_EQUAL: return left <= right;
    case LM_GREATER: return left > right;
    case LM_GREATER_EQUAL: return left >= right;
    case LM_NOT_EQUAL: return left < right || left > right;
    default: return left >= right && left <= right;
    }
}

/* Appends what is wrong, if anything. */
static lm_status decide(const lm_expect *expect, const expectation *item, const totals *t,
                        lm_buffer *wrong)
{
    const char *between = wrong->size ? "; " : "";
    if (item->each_row) {
        const counter *c = &expect->counters[item->counter];
        if (c->rows == expect->rows) return LM_OK;
        return lm__buffer_printf(wrong, "%s%s: not true of %llu of %llu rows, first of row %lld",
                                 between, item->text, (unsigned long long)(expect->rows - c->rows),
                                 (unsigned long long)expect->rows, (long long)c->first_other);
    }
    double left = side_value(expect, &item->left, t), right = side_value(expect, &item->right, t);
    if (compares(left, item->comparison, right)) return LM_OK;
    return lm__buffer_printf(wrong, "%s%s: the sides are %.15g and %.15g", between, item->text,
                             left, right);
}

lm_status lm__expect_check(const lm_expect *expect, const char *path, const lm_storage *storage,
                           uint64_t bytes, lm_error *error)
{
    totals t = {.bytes = bytes};
    lm_buffer wrong;
    if (!expect) return LM_OK;
    if (wants_previous(expect))
        LM_TRY(lm__expect_previous(expect->allocator, path, storage, &t.previous, error));
    lm__buffer_init(&wrong, expect->allocator, 0);
    lm_status status = LM_OK;
    for (size_t i = 0; i < expect->count && status == LM_OK; i++)
        status = decide(expect, &expect->items[i], &t, &wrong);
    if (status != LM_OK)
        status = lm__error_memory(error, "testing expectations");
    else if (wrong.size)
        status = lm__error_set(error, LM_DATA, "%s: not as expected: %.*s", path, (int)wrong.size,
                               (const char *)wrong.data);
    lm__buffer_deinit(&wrong);
    return status;
}
