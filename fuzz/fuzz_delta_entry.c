/* An entry of a table's log: what is read is written, and that is read again as the same. */
#include <stdlib.h>

#include "table/actions.h"
#include "table/part_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all(lm_buffer *out, const lm_action *actions, size_t count)
{
    lm__buffer_init(out, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        lm_action_kind kind = actions[i].kind;
        if (kind == LM_ACTION_CDC || kind == LM_ACTION_COMMIT_INFO || kind == LM_ACTION_SIDECAR)
            continue; /* read loosely, or never written */
        if (lm__action_write(out, &actions[i], NULL) != LM_OK) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_arena arena;
    lm_action *actions, *again;
    size_t count, again_count;
    lm_error error;
    lm__arena_init(&arena, NULL, 64 << 20);
    if (lm__actions_read(&arena, data, size, "entry", &actions, &count, &error) == LM_OK) {
        lm_buffer first, second;
        const char *path;
        write_all(&first, actions, count);
        if (first.size > 0) {
            if (lm__actions_read(&arena, first.data, first.size, "entry", &again, &again_count,
                                 &error) != LM_OK)
                abort();
            write_all(&second, again, again_count);
            if (first.size != second.size || memcmp(first.data, second.data, first.size) != 0)
                abort();
            lm__buffer_deinit(&second);
        }
        lm__buffer_deinit(&first);
        for (size_t i = 0; i < count; i++)
            if (actions[i].kind == LM_ACTION_ADD)
                (void)!lm__part_path_decode(&arena, actions[i].add.path, &path, &error);
    }
    lm__arena_deinit(&arena);
    return 0;
}
