/* A _last_checkpoint of whatever bytes changes nothing of what is read. */
#include <stdlib.h>
#include <string.h>

#include "table/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(lm_store *store, const char *path, const void *data, size_t size)
{
    if (lm__store_put_if_absent(store, path, data, size, NULL) != LM_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char first[] = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
                                "{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{}\"}}\n{\"add\":{"
                                "\"path\":\"a\",\"size\":1}}";
    static const char second[] = "{\"add\":{\"path\":\"b\",\"size\":1}}";
    lm_store *store;
    lm_table_log log;
    lm_snapshot *snapshot;
    lm_checkpoint_result result;
    if (lm__store_mem_open(NULL, &store, NULL) != LM_OK) abort();
    put(store, "t/_delta_log/00000000000000000000.json", first, sizeof first - 1);
    put(store, "t/_delta_log/00000000000000000001.json", second, sizeof second - 1);
    put(store, "t/_delta_log/_last_checkpoint", data, size);
    if (lm__table_log_init(&log, NULL, store, "t", NULL) != LM_OK) abort();
    log.threads = 1;
    for (int64_t version = -1; version < 2; version++) {
        const lm_snapshot_options options = {.has_version = version >= 0, .version = version};
        if (lm__snapshot_load(&log, &options, &snapshot, NULL) != LM_OK ||
            snapshot->part_count != (version == 0 ? 1 : 2))
            abort();
        lm__snapshot_free(snapshot);
    }
    if (lm__table_checkpoint(&log, 1, &result, NULL) != LM_OK || !result.has_hint) abort();
    lm__table_log_deinit(&log);
    lm__store_close(store);
    return 0;
}
