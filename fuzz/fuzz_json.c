/* What the JSON reader takes, the writer writes so that it is taken again and written the same. */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_tree(lm_buffer *out, const lm_json *root, bool pretty)
{
    lm_json_writer writer;
    lm__buffer_init(out, NULL, 0);
    lm__json_writer_init(&writer, out, pretty);
    lm__json_tree(&writer, root);
    if (writer.status != LM_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_arena arena;
    const lm_json *root;
    lm_error error;
    lm__arena_init(&arena, NULL, 64 << 20);
    if (lm__json_parse(&arena, (const char *)data, size, &root, &error) == LM_OK) {
        for (int pretty = 0; pretty < 2; pretty++) {
            lm_buffer first, second;
            const lm_json *again;
            write_tree(&first, root, pretty);
            if (lm__json_parse(&arena, (char *)first.data, first.size, &again, &error) != LM_OK)
                abort();
            write_tree(&second, again, pretty);
            if (first.size != second.size || memcmp(first.data, second.data, first.size) != 0)
                abort();
            lm__buffer_deinit(&first);
            lm__buffer_deinit(&second);
        }
    }
    lm__arena_deinit(&arena);
    return 0;
}
