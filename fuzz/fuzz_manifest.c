/* Whatever lies where a manifest, or an exchange's journal, should lie: it gets a verdict, the next
 * publication writes a good one over it, and the file is then found to be what it is. */
#include <stdlib.h>

#include "base/error.h"
#include "publish/sidecar.h"
#include "publish/verify.h"
#include "store/posix/swap_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct bytes_sys {
    lm_sys sys;
    const uint8_t *data;
    size_t size;
} bytes_sys;

static int64_t bytes_run(lm_sys *sys, const lm_sys_call *call)
{
    const bytes_sys *bytes = (const bytes_sys *)sys;
    if (call->op != LM_SYS_PREAD) abort();
    size_t at = (size_t)call->offset < bytes->size ? (size_t)call->offset : bytes->size;
    size_t got = bytes->size - at < call->size ? bytes->size - at : call->size;
    memcpy(call->out, bytes->data + at, got);
    return (int64_t)got;
}

static void journal(const uint8_t *data, size_t size)
{
    bytes_sys bytes = {{bytes_run}, data, size};
    lm_swap_text text, again;
    lm_arena arena;
    lm_buffer out;
    lm__arena_init(&arena, NULL, 0);
    lm__buffer_init(&out, NULL, LM_SWAP_BYTES_MAX);
    if (lm__swap_text_read(&bytes.sys, 0, &arena, &text, NULL) == LM_OK &&
        lm__swap_text_write(&text, &out, NULL) == LM_OK) {
        bytes.data = out.data;
        bytes.size = out.size;
        if (lm__swap_text_read(&bytes.sys, 0, &arena, &again, NULL) != LM_OK ||
            strcmp(text.staged, again.staged) != 0 || text.old.inode != again.old.inode)
            abort();
    }
    lm__buffer_deinit(&out);
    lm__arena_deinit(&arena);
}

static void manifest(const uint8_t *data, size_t size)
{
    static const lm_verify_options options = {.threads = 1};
    static const lm_manifest told = {.run_id = "r"};
    lm_sealed sealed = {
        .path = "a", .size = 1, .checksum = "crc32c:00000000", .inode = 7, .mtime_ns = 1};
    lm_store *store;
    lm_error error;
    if (lm__store_mem_open(NULL, &store, &error) != LM_OK) abort();
    if (lm__publish_small(store, "a", "1", 1, LM_DURABILITY_FULL, false, NULL, &error) != LM_OK ||
        lm__publish_small(store, "a.manifest.json", data, size, LM_DURABILITY_FULL, false, NULL,
                          &error) != LM_OK)
        abort();
    lm_status status = lm__verify(store, "a", "a", &options, &error);
    if (status != LM_OK && !error.message[0]) abort();
    status = lm__sidecar_write(store, &sealed, &told, false, LM_DURABILITY_FULL, NULL, &error);
    if (status == LM_OK) /* the file that is to come never comes: the one that stands is known */
        status = lm__verify(store, "a", "a", &options, &error);
    if (status != LM_OK && status != LM_UNSUPPORTED && status != LM_LIMIT) abort();
    lm__store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    journal(data, size);
    manifest(data, size);
    return 0;
}
