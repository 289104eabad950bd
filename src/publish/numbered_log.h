/*
 * A log of numbered entries: files `<20 digits><suffix>` in one directory, each made only where
 * none is. The log of a Delta table is one, the list of a prefix's versions another.
 *
 * Where it stands: over a store's if-absent commit; what an entry says is its maker's affair.
 *
 * Invariants
 *  1. An entry is whole or absent, never changes, and has one maker: put answers LM_OK or
 *     LM_UNKNOWN_DURABILITY to that one alone, also where an answer was lost, or "exists" was the
 *     answer to its own earlier success. It knows its entry by the bytes, so these must be its own:
 *     a nonce among them.
 *  2. An entry can be seen before its directory is durable, and a power cut may take it back. So
 *     none is made upon others before the directory was synced after they were seen: the entries up
 *     to number - 1 outlive what outlives entry `number`.
 *  3. Any failure but LM_UNKNOWN_DURABILITY and LM_UNKNOWN_OUTCOME says that the entry was not
 *     made by this call.
 *
 * One thread at a time; each writer has a log of its own.
 */
#ifndef LM_PUBLISH_NUMBERED_LOG_H
#define LM_PUBLISH_NUMBERED_LOG_H

#include "base/limits.h"
#include "base/pool.h"
#include "store/store.h"

#define LM_LOG_DIGITS 20

typedef struct lm_numbered_log {
    lm_store *store;
    const lm_allocator *allocator;
    const char *directory; /* both borrowed */
    const char *suffix;
    size_t entry_bytes_max;
    lm_cancel *cancel; /* may be NULL */
    int64_t durable;   /* entries up to this one are known to be durable; -1 at first */
} lm_numbered_log;

void lm__log_init(lm_numbered_log *log, lm_store *store, const lm_allocator *allocator,
                  const char *directory, const char *suffix, size_t entry_bytes_max);

/* The number of a name that begins with LM_LOG_DIGITS digits, or -1; *rest, when it is not NULL, is
 * what follows them. */
int64_t lm__log_number(const char *name, const char **rest);
/* "<directory>/<20 digits><suffix>" with any suffix. LM_LIMIT when it is too long. */
LM_MUST_USE lm_status lm__log_path(const lm_numbered_log *log, int64_t number, const char *suffix,
                                   char path[LM_PATH_BYTES_MAX], lm_error *error);

/* The greatest number there is, -1 for none. What comes before `from` is not looked at. A number
 * that is missing between `from` and the last one is LM_CORRUPT. A directory that is not there is a
 * log without entries. */
LM_MUST_USE lm_status lm__log_last(lm_numbered_log *log, int64_t from, int64_t *last,
                                   lm_error *error);
/* The bytes of an entry, which the caller frees with lm__free. LM_NOT_FOUND when it is not there.
 */
LM_MUST_USE lm_status lm__log_read(const lm_numbered_log *log, int64_t number, uint8_t **data,
                                   size_t *size, lm_error *error);
/* Makes entry `number`, whose predecessors the caller has seen. LM_EXISTS when it is another's. */
LM_MUST_USE lm_status lm__log_put(lm_numbered_log *log, int64_t number, const void *data,
                                  size_t size, lm_error *error);

/* What an entry builds upon, made durable while the entry itself is, on two threads of a pool. */
typedef struct lm_log_ready {
    lm_status (*run)(void *context, lm_error *error);
    void *context;
    lm_pool *pool; /* NULL: one after the other */
    bool is_done, has_failed;
} lm_log_ready;

/* The same for an entry that must not be seen before `ready` has run, which is called once, for the
 * first number that is tried. When that fails its status is the result, and no entry was made. */
LM_MUST_USE lm_status lm__log_put_ready(lm_numbered_log *log, int64_t number, const void *data,
                                        size_t size, lm_log_ready *ready, lm_error *error);

#endif
