/* Any bytes as an IPC schema message: refused or read, and what was read survives the flatbuffer,
 * the C interface and the text form. */
#include <stdlib.h>

#include "arrow/fb_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(lm_status status)
{
    if (status != LM_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_schema *schema, *again;
    lm_error error;
    if (lm__fb_schema_parse(NULL, data, size, &schema, &error) != LM_OK) return 0;
    lm_buffer message;
    lm__buffer_init(&message, NULL, 0);
    check(lm__fb_schema_message(schema, &message, &error));
    check(lm__fb_schema_parse(NULL, message.data, message.size, &again, &error));
    if (!lm_schema_equal(schema, again)) abort();
    if (!lm__field_metadata_equal(&schema->root, &again->root)) abort();
    lm_schema_free(again);
    lm__buffer_deinit(&message);

    struct ArrowSchema exported;
    check(lm_schema_export(schema, &exported, &error));
    check(lm_schema_import_take(NULL, &exported, &again, &error));
    if (!lm_schema_equal(schema, again)) abort();
    lm_schema_free(again);
    lm_schema_free(schema);
    return 0;
}
