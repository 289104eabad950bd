/*
 * Descriptors, and the schemas of logs. What is a descriptor is one again by the text that it
 * keeps, of the same schema; what is a schema has a text that gives the same schema.
 */
#include <stdlib.h>

#include "table/delta_schema.h"
#include "table/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good) abort();
}

static void schema_again(lm_schema *schema)
{
    lm_buffer text;
    lm_schema *again;
    lm_error error;
    lm__buffer_init(&text, lm_allocator_default(), 0);
    must(lm__delta_schema_text(schema, &text) == LM_OK);
    must(lm__delta_schema_parse(lm_allocator_default(), (const char *)text.data, text.size, &again,
                                &error) == LM_OK);
    must(lm_schema_equal(schema, again));
    lm_schema_free(again);
    lm__buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_table_descriptor *descriptor, *again;
    lm_schema *schema;
    lm_error error;
    char why[LM_ERROR_MESSAGE_MAX];
    const char *text = (const char *)data;
    if (lm_table_descriptor_parse(NULL, text, size, "fuzz", &descriptor, &error) == LM_OK) {
        const char *json = lm_table_descriptor_json(descriptor);
        must(lm_table_descriptor_parse(NULL, json, strlen(json), "again", &again, &error) == LM_OK);
        must(lm_table_descriptor_compare(descriptor, again, why) == LM_TABLE_SAME);
        must(lm_schema_equal(lm_table_descriptor_schema(descriptor),
                             lm_table_descriptor_schema(again)));
        schema_again(lm_table_descriptor_stored(descriptor));
        lm_table_descriptor_free(again);
        lm_table_descriptor_free(descriptor);
    }
    if (lm__delta_schema_parse(lm_allocator_default(), text, size, &schema, &error) == LM_OK) {
        schema_again(schema);
        lm_schema_free(schema);
    }
    return 0;
}
