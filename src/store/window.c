/* Windows on a remote file; window.h tells the invariants. */
#define _GNU_SOURCE
#include "store/window.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

typedef enum window_state { EMPTY, LOADING, READY } window_state;

typedef struct window {
    window_state state;
    uint64_t start;
    size_t size, capacity;
    uint64_t used_at;
    bool in_order; /* it went on where another one ended */
    uint8_t *bytes;
} window;

struct lm_windows {
    const lm_allocator *allocator;
    uint64_t file_bytes;
    lm_window_fetch *fetch;
    void *context;
    lm_cancel cancel;
    pthread_mutex_t mutex;
    pthread_cond_t loaded, wanted;
    window slots[LM_WINDOW_SLOTS];
    uint64_t tick;
    uint64_t coming_start, coming_end;
    /* What the thread is to fetch: nothing when ahead_bytes is 0. */
    uint64_t ahead_start;
    size_t ahead_bytes;
    bool has_thread, stop;
    pthread_t thread;
};

/* ---- under the mutex ---- */

static window *find(lm_windows *w, uint64_t offset)
{
    for (size_t i = 0; i < LM_WINDOW_SLOTS; i++) {
        window *slot = &w->slots[i];
        if (slot->state != EMPTY && offset >= slot->start && offset - slot->start < slot->size)
            return slot;
    }
    return NULL;
}

/* The window that ends where `offset` is. */
static const window *find_before(const lm_windows *w, uint64_t offset)
{
    for (size_t i = 0; i < LM_WINDOW_SLOTS; i++) {
        const window *slot = &w->slots[i];
        if (slot->state != EMPTY && slot->start + slot->size == offset) return slot;
    }
    return NULL;
}

/* A slot for a window of this size: an empty one, else the one that was not used for longest. NULL:
 * all are being filled, or there is no memory, and it goes without. */
static window *slot_take(lm_windows *w, uint64_t start, size_t size)
{
    window *taken = NULL;
    for (size_t i = 0; i < LM_WINDOW_SLOTS; i++) {
        window *slot = &w->slots[i];
        if (slot->state == LOADING) continue;
        if (!taken || (slot->state == EMPTY && taken->state != EMPTY) ||
            (slot->state == taken->state && slot->used_at < taken->used_at))
            taken = slot;
    }
    if (!taken) return NULL;
    taken->state = EMPTY;
    if (taken->capacity < size) {
        lm__free(w->allocator, taken->bytes);
        taken->capacity = 0;
        taken->bytes = lm__alloc(w->allocator, size);
        if (!taken->bytes) return NULL;
        taken->capacity = size;
    }
    taken->state = LOADING;
    taken->start = start;
    taken->size = size;
    taken->used_at = ++w->tick;
    return taken;
}

static size_t to_end(const lm_windows *w, uint64_t offset, uint64_t size)
{
    uint64_t left = w->file_bytes - offset;
    return (size_t)(size < left ? size : left);
}

static bool is_coming(const lm_windows *w, uint64_t offset)
{
    return offset >= w->coming_start && offset < w->coming_end;
}

/* Where to begin for a byte that is to be fetched: what was announced before it and is near will be
 * wanted too, by another thread perhaps. */
static uint64_t window_start(const lm_windows *w, uint64_t offset)
{
    uint64_t start = w->coming_start;
    if (!is_coming(w, offset)) return offset;
    for (size_t i = 0; i < LM_WINDOW_SLOTS; i++) {
        const window *slot = &w->slots[i];
        uint64_t end = slot->start + slot->size;
        if (slot->state != EMPTY && end > start && end <= offset) start = end;
    }
    return offset - start < LM_WINDOW_BYTES / 2 ? start : offset;
}

/* How much to fetch at `offset`, where `wanted` bytes are asked for. */
static size_t window_bytes(const lm_windows *w, uint64_t offset, size_t wanted, bool *in_order)
{
    const window *before = find_before(w, offset);
    uint64_t size = wanted;
    *in_order = before != NULL;
    if (is_coming(w, offset)) {
        uint64_t left = w->coming_end - offset;
        *in_order = false; /* what lies behind it was not promised */
        size = left < LM_WINDOW_BYTES ? left : LM_WINDOW_BYTES;
    } else if (before) {
        size = before->size * 2;
    }
    if (size < wanted) size = wanted;
    if (size > LM_WINDOW_BYTES) size = LM_WINDOW_BYTES;
    for (size_t i = 0; i < LM_WINDOW_SLOTS; i++) { /* what is there already is not fetched again */
        const window *slot = &w->slots[i];
        if (slot->state != EMPTY && slot->start > offset && slot->start - offset < size)
            size = slot->start - offset;
    }
    return to_end(w, offset, size);
}

/* Unlocks while it fetches. */
static lm_status load(lm_windows *w, window *slot, lm_error *error)
{
    pthread_mutex_unlock(&w->mutex);
    lm_status status =
        w->fetch(w->context, slot->start, slot->bytes, slot->size, &w->cancel, error);
    pthread_mutex_lock(&w->mutex);
    slot->state = status == LM_OK ? READY : EMPTY;
    pthread_cond_broadcast(&w->loaded);
    return status;
}

/* ---- ahead ---- */

static void *ahead_run(void *context)
{
    lm_windows *w = context;
    pthread_mutex_lock(&w->mutex);
    while (!w->stop) {
        if (w->ahead_bytes == 0) {
            pthread_cond_wait(&w->wanted, &w->mutex);
            continue;
        }
        uint64_t start = w->ahead_start;
        bool in_order;
        w->ahead_bytes = 0;
        /* What others fetch by now is left out. */
        window *slot =
            find(w, start) ? NULL : slot_take(w, start, window_bytes(w, start, 1, &in_order));
        if (!slot) continue;
        slot->in_order = !is_coming(w, start);
        (void)!load(w, slot, NULL);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* Where no thread can be had it goes without. */
static void ahead_start(lm_windows *w)
{
    sigset_t all, before;
    if (w->has_thread) return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->has_thread = pthread_create(&w->thread, NULL, ahead_run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void ahead_ask(lm_windows *w, uint64_t offset)
{
    bool in_order;
    if (offset >= w->file_bytes || find(w, offset)) return;
    w->ahead_start = offset;
    w->ahead_bytes = window_bytes(w, offset, 1, &in_order);
    ahead_start(w);
    pthread_cond_signal(&w->wanted);
}

void lm__windows_coming(lm_windows *w, uint64_t offset, uint64_t size)
{
    if (size == 0 || offset >= w->file_bytes) return;
    pthread_mutex_lock(&w->mutex);
    bool goes_on = offset >= w->coming_start && offset <= w->coming_end;
    if (!goes_on) w->coming_start = w->coming_end = offset;
    uint64_t end = offset + to_end(w, offset, size);
    if (end > w->coming_end) w->coming_end = end;
    if (size >= LM_WINDOW_COMING_BYTES_MIN) ahead_ask(w, offset);
    pthread_mutex_unlock(&w->mutex);
}

/* ---- reading ---- */

lm_status lm__windows_read(lm_windows *w, uint64_t offset, void *buffer, size_t size,
                           lm_error *error)
{
    uint8_t *to = buffer;
    lm_status status = LM_OK;
    pthread_mutex_lock(&w->mutex);
    while (size > 0 && status == LM_OK) {
        window *slot = find(w, offset);
        if (slot && slot->state == LOADING) {
            pthread_cond_wait(&w->loaded, &w->mutex);
            continue;
        }
        if (slot) {
            size_t at = (size_t)(offset - slot->start), part = slot->size - at;
            if (part > size) part = size;
            memcpy(to, slot->bytes + at, part);
            slot->used_at = ++w->tick;
            to += part;
            offset += part;
            size -= part;
            bool is_late = at + part > slot->size / 2;
            if (is_late && (slot->in_order || is_coming(w, slot->start + slot->size)))
                ahead_ask(w, slot->start + slot->size);
            continue;
        }
        bool in_order;
        uint64_t start = window_start(w, offset);
        size_t bytes = window_bytes(w, start, size + (size_t)(offset - start), &in_order);
        slot = size < LM_WINDOW_PAST_BYTES ? slot_take(w, start, bytes) : NULL;
        if (slot) {
            slot->in_order = in_order;
            status = load(w, slot, error);
        } else {
            pthread_mutex_unlock(&w->mutex);
            return w->fetch(w->context, offset, to, size, &w->cancel, error);
        }
    }
    pthread_mutex_unlock(&w->mutex);
    return status;
}

/* ---- open to close ---- */

lm_status lm__windows_new(const lm_allocator *allocator, uint64_t file_bytes,
                          lm_window_fetch *fetch, void *context, const lm_cancel *cancel,
                          lm_windows **windows, lm_error *error)
{
    lm_windows *w = lm__alloc_zero(allocator, sizeof *w);
    *windows = w;
    if (!w) return lm__error_memory(error, "opening a file");
    w->allocator = allocator;
    w->file_bytes = file_bytes;
    w->fetch = fetch;
    w->context = context;
    w->cancel.above = cancel;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->loaded, NULL);
    pthread_cond_init(&w->wanted, NULL);
    return LM_OK;
}

void lm__windows_free(lm_windows *w)
{
    if (!w) return;
    atomic_store(&w->cancel.requested, 1);
    if (w->has_thread) {
        pthread_mutex_lock(&w->mutex);
        w->stop = true;
        pthread_cond_signal(&w->wanted);
        pthread_mutex_unlock(&w->mutex);
        pthread_join(w->thread, NULL);
    }
    for (size_t i = 0; i < LM_WINDOW_SLOTS; i++) lm__free(w->allocator, w->slots[i].bytes);
    pthread_cond_destroy(&w->wanted);
    pthread_cond_destroy(&w->loaded);
    pthread_mutex_destroy(&w->mutex);
    lm__free(w->allocator, w);
}
