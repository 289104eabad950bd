/* Any bytes as a schema's text: refused or read, and what was read is printed and read again. */
#include <stdlib.h>

#include "arrow/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_schema *schema, *again;
    lm_error error;
    if (lm_schema_parse(NULL, (const char *)data, size, &schema, &error) != LM_OK) return 0;
    size_t length = lm_schema_text(schema, NULL, 0);
    char *text = malloc(length + 1);
    if (!text) abort();
    lm_schema_text(schema, text, length + 1);
    if (lm_schema_parse(NULL, text, length, &again, &error) != LM_OK) abort();
    if (!lm_schema_equal(schema, again)) abort();
    lm_schema_free(again);
    lm_schema_free(schema);
    free(text);
    return 0;
}
