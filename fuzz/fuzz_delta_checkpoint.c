/* A checkpoint that stands alone in a log, in Parquet or JSON: it is read, or refused; what is read
 * can be written as a checkpoint and is read again with as many parts. */
#include <stdlib.h>

#include "base/alloc.h"
#include "table/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lm_status load(lm_store *store, lm_snapshot **snapshot)
{
    lm_table_log log;
    lm_error error;
    const lm_snapshot_options options = {.with_removes = true};
    if (lm__table_log_init(&log, NULL, store, "t", NULL) != LM_OK) abort();
    log.threads = 1;
    lm_status status = lm__snapshot_load(&log, &options, snapshot, &error);
    lm__table_log_deinit(&log);
    return status;
}

static void write_again(const lm_snapshot *snapshot)
{
    lm_store *store;
    lm_table_log log;
    lm_memory_sink sink;
    lm_checkpoint_result result = {0};
    lm_snapshot *again;
    if (lm__store_mem_open(NULL, &store, NULL) != LM_OK) abort();
    if (lm__table_log_init(&log, NULL, store, "t", NULL) != LM_OK) abort();
    log.threads = 1;
    lm_memory_sink_init(&sink, NULL, 64 << 20);
    if (lm__checkpoint_write(&log, snapshot, &sink.sink, &result, NULL) == LM_OK) {
        if (lm__store_put_if_absent(store, "t/_delta_log/00000000000000000001.checkpoint.parquet",
                                    sink.data, sink.size, NULL) != LM_OK ||
            load(store, &again) != LM_OK || again->part_count != snapshot->part_count)
            abort();
        lm__snapshot_free(again);
    }
    lm_memory_sink_deinit(&sink);
    lm__table_log_deinit(&log);
    lm__store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char json[] = "t/_delta_log/00000000000000000001.checkpoint."
                               "80a083e8-7026-4e79-81be-64bd76c43a11.json";
    static const char parquet[] = "t/_delta_log/00000000000000000001.checkpoint.parquet";
    lm_store *store;
    lm_snapshot *snapshot;
    if (size > 1 << 20) return 0;
    if (lm__store_mem_open(NULL, &store, NULL) != LM_OK) abort();
    const char *path = size && data[0] == '{' ? json : parquet;
    if (lm__store_put_if_absent(store, path, data, size, NULL) != LM_OK) abort();
    if (load(store, &snapshot) == LM_OK) {
        write_again(snapshot);
        lm__snapshot_free(snapshot);
    }
    lm__store_close(store);
    return 0;
}
