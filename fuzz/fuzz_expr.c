/* Any bytes as an expression: refused, or read, printed, read again and printed alike; and bound to
 * a schema of every kind of column, without a row. */
#include <stdlib.h>
#include <string.h>

#include "arrow/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char columns[] =
    "a: int8, b: uint64, c: utf8, d: decimal128(38, 3), e: float64, f: float16, g: date32, "
    "h: timestamp[us, UTC], i: time64[ns], j: duration[ms], k: bool, l: binary, "
    "m: struct<x: int32, y: struct<z: utf8>>, n: list<int32>, o: dictionary<int8, utf8>";

/* Texts in it may hold zero bytes. */
static char *print(const lm_expr *expr, size_t *length)
{
    *length = lm_expr_format(expr, NULL, 0);
    char *text = malloc(*length + 1);
    if (!text || lm_expr_format(expr, text, *length + 1) != *length) abort();
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_expr *expr, *again;
    lm_schema *schema;
    lm_filter *filter;
    lm_error error;
    if (lm_expr_parse(NULL, (const char *)data, size, &expr, &error) != LM_OK) return 0;
    size_t length, length_twice;
    char *text = print(expr, &length);
    if (lm_expr_parse(NULL, text, length, &again, &error) != LM_OK) abort();
    char *twice = print(again, &length_twice);
    if (length_twice != length || memcmp(text, twice, length) != 0) abort();
    if (lm_schema_parse(NULL, columns, strlen(columns), &schema, &error) != LM_OK) abort();
    if (lm_expr_bind(NULL, expr, schema, &filter, &error) == LM_OK) lm_filter_free(filter);
    lm_schema_free(schema);
    lm_expr_free(again);
    lm_expr_free(expr);
    free(text);
    free(twice);
    return 0;
}
