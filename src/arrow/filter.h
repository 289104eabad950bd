/*
 * Filters: expressions bound to a schema, as a tree of tests that are fast to make and easy to
 * reason about, also before there are rows.
 *
 * Binding (filter_bind.c) carries `not` down to the leaves, where it turns the comparison round: so
 * only `and`, `or` and leaves remain, and of each test only one thing matters, whether it is *true*
 * for a row. Literals become values of the column's type, by their exact value (filter_point.c).
 * Every comparison is then a range, a set, a pattern or a question about nulls.
 *
 * Invariants
 *  1. A leaf other than NULL is true for no row whose column is null, whether the row's own entry
 *     is or a struct's that it stands in.
 *  2. Floats are ordered with -0.0 equal to 0.0 and NaN equal to itself and above all else; with
 *     that order a comparison is false where its opposite is true, so that 'not' can be carried
 * down.
 *  3. A range or set holds values of the column's type; RANGE and SET that nothing or everything
 *     fits have become NEVER and NOT_NULL.
 *  4. Whoever prunes may take a test's absence of truth for a range of values as absence of rows,
 *     and nothing else: a test that is true may still be false for each row.
 */
#ifndef LM_ARROW_FILTER_H
#define LM_ARROW_FILTER_H

#include "arrow/batch.h"
#include "arrow/expr.h"
#include "arrow/int256.h"

typedef enum lm_test_kind {
    LM_TEST_NEVER,
    LM_TEST_ALWAYS, /* for rows that are null too */
    LM_TEST_AND,
    LM_TEST_OR,
    LM_TEST_NULL,
    LM_TEST_NOT_NULL,
    LM_TEST_RANGE,
    LM_TEST_SET,
    LM_TEST_LIKE,
    LM_TEST_COLUMNS,
} lm_test_kind;

/* How the values of a column are looked at. */
typedef enum lm_value_class {
    LM_CLASS_NONE, /* nested, intervals, null: only for nulls */
    LM_CLASS_BOOL, /* 0 and 1 */
    LM_CLASS_INT,  /* 1 to 8 bytes: integers, times, decimals of up to 64 bits */
    LM_CLASS_WIDE, /* decimals of 128 and 256 bits */
    LM_CLASS_FLOAT,
    LM_CLASS_BYTES, /* text and binary, by their bytes */
} lm_value_class;

typedef struct lm_value {
    const uint8_t *data;
    size_t size;
} lm_value;

/* From low to high, both within but for `open` ends of BYTES. */
typedef struct lm_range {
    union {
        uint64_t low; /* BOOL, INT: two's complement */
        double low_float;
        lm_i256 low_wide;
        lm_value low_bytes; /* data NULL: from the first */
    };
    union {
        uint64_t high;
        double high_float;
        lm_i256 high_wide;
        lm_value high_bytes; /* data NULL: to the last */
    };
    bool low_open, high_open; /* BYTES */
    bool nan;                 /* FLOAT: NaNs too */
} lm_range;

/* Sorted, each once. */
typedef struct lm_set {
    union {
        const uint64_t *ints;
        const double *floats;
        const lm_i256 *wides;
        const lm_value *bytes;
    };
    size_t count;
    bool nan;
} lm_set;

/* A pattern without its escapes: texts, with gaps between them of at least so many characters. */
typedef struct lm_pattern {
    const uint8_t *codes; /* bytes, and where `wild` says so the wildcards % and _ */
    const bool *wild;
    size_t count;
    size_t prefix; /* bytes before the first wildcard */
    bool bytewise; /* _ is a byte, not a character */
} lm_pattern;

typedef struct lm_test_column {
    const int32_t *path; /* children from the schema's root */
    int32_t depth;
    const lm_field *field; /* of the values: beneath dictionary and run ends */
    lm_value_class class;
    bool is_signed; /* INT */
} lm_test_column;

typedef struct lm_test lm_test;
struct lm_test {
    lm_test_kind kind;
    bool negated; /* RANGE, SET, LIKE: true for the other rows that are not null */
    lm_test *children;
    size_t child_count;
    lm_test_column column;
    lm_range range;
    lm_set set;
    lm_pattern pattern;
    lm_comparison comparison; /* COLUMNS */
    lm_test_column other;
};

struct lm_filter {
    const lm_allocator *allocator;
    lm_arena arena;
    lm_schema *schema;
    lm_test root;
};

/* filter_point.c: where a literal stands among the values of an integral type. */
typedef struct lm_point {
    int beyond;    /* -1, 1: below or above all values; else 0 */
    bool exact;    /* it is one of the values, `floor` */
    lm_i256 floor; /* else the greatest one below it */
} lm_point;

/* A literal that is not null, among the values of the field. LM_SCHEMA when it cannot be compared;
 * `column` is for the message. */
LM_MUST_USE lm_status lm__literal_point(const lm_literal *literal, const lm_field *field,
                                        const char *column, lm_point *point, lm_error *error);
/* For floats: the nearest value of the type; *beyond is -1 or 1 for a number past the greatest. */
LM_MUST_USE lm_status lm__literal_float(const lm_literal *literal, const lm_field *field,
                                        const char *column, double *value, int *beyond,
                                        lm_error *error);
LM_MUST_USE lm_status lm__literal_bytes(lm_arena *arena, const lm_literal *literal,
                                        const lm_field *field, const char *column, lm_value *value,
                                        lm_error *error);
lm_status lm__literal_refuse(const lm_literal *literal, const lm_field *field, const char *column,
                             const char *why, lm_error *error);

/* filter_eval.c: `bits` gets one bit a row of the batch's root, in whole words of 8 bytes. */
static inline size_t lm__filter_bits_bytes(int64_t rows) { return ((size_t)rows + 63) / 64 * 8; }
LM_MUST_USE lm_status lm__filter_rows(const lm_filter *filter, const lm_array *root, uint8_t *bits,
                                      int64_t *count, lm_error *error);
/* One leaf on values of its column, nulls left out of account (none must be NULL's). */
LM_MUST_USE lm_status lm__test_values(const lm_allocator *allocator, const lm_test *test,
                                      const lm_array *values, uint8_t *bits, lm_error *error);
/* Does one value of a column of bytes pass a RANGE, SET or LIKE, negation aside? */
bool lm__test_has_bytes(const lm_test *test, const uint8_t *data, size_t size);
/* The value that alone passes it; NULL where that is not so. */
const lm_value *lm__test_same_bytes(const lm_test *test);
/* Does the pattern match? */
bool lm__pattern_match(const lm_pattern *pattern, const uint8_t *text, size_t size);
static inline int lm__value_compare(const uint8_t *a, size_t a_size, const uint8_t *b,
                                    size_t b_size)
{
    size_t size = a_size < b_size ? a_size : b_size;
    int order = size ? memcmp(a, b, size) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* filter_bounds.c: a value of a column, by its class. */
typedef struct lm_scalar {
    union {
        uint64_t number; /* BOOL, INT */
        double real;
        lm_i256 wide;
        lm_value bytes;
    };
} lm_scalar;

int lm__scalar_compare(const lm_test_column *column, const lm_scalar *a, const lm_scalar *b);
/* May a RANGE, SET or LIKE be true for one of the values from min to max? NaN aside. */
bool lm__test_may(const lm_test *test, const lm_scalar *min, const lm_scalar *max);
/* Would NaN pass a RANGE or SET? */
bool lm__test_takes_nan(const lm_test *test);

/* filter_take.c: the batch's rows whose bits are set; the batch itself where all are. Of columns
 * that are not wanted nothing may be looked at (NULL: all are). */
LM_MUST_USE lm_status lm__batch_take_bits(lm_batch *batch, const uint8_t *bits, int64_t count,
                                          const bool *wanted, lm_batch **out, lm_error *error);
/* The rows of these numbers, in this order. Dictionaries and the contents of views are shared. */
LM_MUST_USE lm_status lm__batch_take_rows(lm_batch *batch, const uint32_t *rows, int64_t count,
                                          const bool *wanted, lm_batch **out, lm_error *error);
/* lm_filter_stream_take, of our own streams. */
LM_MUST_USE lm_status lm__filter_stream_take(const lm_allocator *allocator, lm_stream *source,
                                             const lm_expr *expr, lm_stream **stream,
                                             lm_error *error);

#endif
