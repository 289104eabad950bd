/* Parts of any bytes are merged or refused, and the journal of a merge is read or refused. The
 * first byte chooses; of a merge its bits are options, and the parts are cut by the bytes after it.
 * What is merged as plain text has as many bytes as the plan said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamella/merge.h>

#include "base/hash.h"
#include "merge/journal.h"
#include "store/fault/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOT "mem://m"

/* With the sum that it would have: without it nothing is read at all. */
static void read_journal(lm_store *store, const uint8_t *data, size_t size)
{
    lm_arena arena;
    lm_journal *journal, *again;
    lm_error error = {0};
    char end[32];
    int length = snprintf(end, sizeof end, "end %08x\n", lm__crc32c(0, data, size));
    char *text = malloc(size + (size_t)length);
    if (!text) abort();
    if (size) memcpy(text, data, size);
    memcpy(text + size, end, (size_t)length);
    if (lm__store_put_if_absent(store, ROOT "/j", text, size + (size_t)length, NULL) != LM_OK)
        abort();
    free(text);
    lm__arena_init(&arena, NULL, 256 << 20);
    if (lm__journal_read(&arena, store, ROOT "/j", &journal, &error) == LM_OK) {
        journal->path = ROOT "/k";
        if (lm__journal_write(store, journal, NULL) != LM_OK ||
            lm__journal_read(&arena, store, ROOT "/k", &again, NULL) != LM_OK ||
            again->count != journal->count || strcmp(again->destination, journal->destination) != 0)
            abort();
    } else if (!error.message[0]) {
        abort();
    }
    lm__arena_deinit(&arena);
}

/* Up to four parts; the first bytes tell how long they are. */
static void put_parts(lm_store *store, const uint8_t *data, size_t size)
{
    char path[64];
    for (int i = 0; i < 4 && size > 0; i++) {
        size_t length = i < 3 ? (size_t)data[0] * 2 : size - 1;
        if (length > size - 1) length = size - 1;
        snprintf(path, sizeof path, ROOT "/in/part-%d", i);
        if (lm__store_put_if_absent(store, path, data + 1, length, NULL) != LM_OK) abort();
        data += 1 + length;
        size -= 1 + length;
    }
}

static void merge(lm_store *store, unsigned bits, const uint8_t *data, size_t size)
{
    static const char *const sources[] = {ROOT "/in"};
    lm_fault_store open_store; /* whose close does nothing */
    lm_error error = {0};
    lm__fault_store_init(&open_store, store);
    lm_storage storage = {.reserved = &open_store.store};
    lm_file_options file = {.storage = &storage};
    lm_merge_options options = {
        .format = bits & 1   ? LM_MERGE_CSV
                  : bits & 2 ? LM_MERGE_TEXT
                             : LM_MERGE_AUTO,
        .header = (lm_merge_header)((bits >> 2) % 3),
        .count_rows = bits & 16,
        .compression = bits & 32 ? LM_MERGE_COMPRESSION_GZIP : LM_MERGE_COMPRESSION_NONE,
        .trust_parts = bits & 64,
        .threads = 1,
        .file = &file,
    };
    lm_merge_plan *plan;
    lm_merge_result result;
    put_parts(store, data, size);
    if (lm_merge_plan_open(sources, 1, ROOT "/out.x", &options, &plan, &error) != LM_OK) {
        if (!error.message[0]) abort();
        return;
    }
    const lm_merge_summary *s = lm_merge_plan_summary(plan);
    bool known = s->bytes_known;
    uint64_t bytes = s->bytes;
    lm_status status = lm_merge_run(plan, &result, &error);
    if (status == LM_OK && known && result.file.bytes != bytes && s->format != LM_MERGE_PARQUET)
        abort();
    if (status == LM_BROKEN || (status != LM_OK && !error.message[0])) abort();
    lm_merge_plan_close(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_store *store;
    if (size == 0) return 0;
    if (lm__store_mem_open(NULL, &store, NULL) != LM_OK) abort();
    if (data[0] == 255)
        read_journal(store, data + 1, size - 1);
    else
        merge(store, data[0], data + 1, size - 1);
    lm__store_close(store);
    return 0;
}
