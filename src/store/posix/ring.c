/* Slots, threads, and the switch to O_DIRECT; see ring.h for the invariants. */
#define _GNU_SOURCE
#include "store/posix/ring.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define DIRECT_ALIGNMENT                                                                           \
    4096 /* of memory, offset and size; where more is asked, EINVAL says so                        \
          */

void lm__ring_init(lm_ring *ring, lm_sys *sys, int fd, uint64_t offset, const char *path,
                   const lm_allocator *allocator)
{
    memset(ring, 0, sizeof *ring);
    ring->sys = sys;
    ring->fd = fd;
    ring->path = path;
    ring->allocator = allocator;
    ring->offset = ring->reserved = offset;
    pthread_mutex_init(&ring->mutex, NULL); /* none of them can fail on Linux */
    pthread_cond_init(&ring->to_write, NULL);
    pthread_cond_init(&ring->to_fill, NULL);
}

lm_status lm__write_back(lm_sys *sys, int fd, uint64_t offset, uint64_t size, const char *path,
                         lm_error *error)
{
    int result = lm__sys_sync_range(sys, fd, (int64_t)offset, (size_t)size);
    if (result >= 0 || result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP ||
        result == -ESPIPE)
        return LM_OK;
    return lm__error_os(error, -result, "cannot write %s back", path);
}

/* ---- the side that writes ---- */

/* Under the mutex. An answer may be lost: after trying to switch it on it may be on. */
static void direct_set(lm_ring *ring, bool on)
{
    int result = lm__sys_fcntl(ring->sys, ring->fd, F_SETFL, on ? O_DIRECT : 0);
    ring->direct_on = on && result == 0;
}

static bool direct_is_on(lm_ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    bool is_on = ring->direct_on;
    pthread_mutex_unlock(&ring->mutex);
    return is_on;
}

/* A write was refused as if for its alignment: true if it is worth another try without O_DIRECT. */
static bool direct_give_up(lm_ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    bool was_tried = ring->direct_tried;
    if (was_tried) direct_set(ring, false);
    pthread_mutex_unlock(&ring->mutex);
    return was_tried;
}

static lm_status slot_write(lm_ring *ring, const lm_ring_slot *slot, lm_error *error)
{
    bool has_given_up = false;
    for (size_t done = 0; done < slot->size;) {
        int64_t wrote = lm__sys_pwrite(ring->sys, ring->fd, slot->data + done, slot->size - done,
                                       (int64_t)(slot->offset + done));
        if (wrote == -EINVAL && !has_given_up && direct_give_up(ring)) {
            has_given_up = true;
            continue;
        }
        if (wrote <= 0)
            return lm__error_os(error, wrote == 0 ? EIO : (int)-wrote, "cannot write %s",
                                ring->path);
        done += (size_t)wrote;
    }
    return direct_is_on(ring)
               ? LM_OK
               : lm__write_back(ring->sys, ring->fd, slot->offset, slot->size, ring->path, error);
}

/* Writes a slot that was taken. */
static void slot_finish(lm_ring *ring, lm_ring_slot *slot)
{
    lm_error error;
    lm_status status = slot_write(ring, slot, &error);
    pthread_mutex_lock(&ring->mutex);
    slot->is_busy = false;
    slot->size = 0;
    if (status == LM_OK) {
        ring->direct_used |= ring->direct_on;
    } else if (ring->result == LM_OK) {
        ring->result = status;
        ring->result_error = error;
    }
    pthread_cond_signal(&ring->to_fill);
    pthread_mutex_unlock(&ring->mutex);
}

static void *ring_thread(void *argument)
{
    lm_ring *ring = argument;
    for (;;) {
        pthread_mutex_lock(&ring->mutex);
        while (ring->taken == ring->filled && !ring->is_ending && ring->result == LM_OK)
            pthread_cond_wait(&ring->to_write, &ring->mutex);
        bool is_over = ring->taken == ring->filled || ring->result != LM_OK;
        lm_ring_slot *slot = &ring->slots[ring->taken % LM_STAGE_SLOTS];
        if (!is_over) ring->taken++;
        pthread_mutex_unlock(&ring->mutex);
        if (is_over) return NULL;
        slot_finish(ring, slot);
    }
}

/* A program's signals are for its own threads. */
static void thread_start(lm_ring *ring)
{
    if (ring->thread_count == LM_STAGE_THREADS || ring->no_threads) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&ring->threads[ring->thread_count], NULL, ring_thread, ring);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        ring->no_threads = true;
    else
        ring->thread_count++;
}

/* No thread runs after this. What waits is written first, unless something has failed. */
static void threads_end(lm_ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    ring->is_ending = true;
    pthread_cond_broadcast(&ring->to_write);
    pthread_mutex_unlock(&ring->mutex);
    for (int i = 0; i < ring->thread_count; i++) pthread_join(ring->threads[i], NULL);
    ring->thread_count = 0;
}

/* ---- the side that fills ---- */

static lm_status result_tell(const lm_ring *ring, lm_error *error)
{
    if (ring->result != LM_OK && error) *error = ring->result_error;
    return ring->result;
}

/* Space is a convenience: where it cannot be had, the writes do without, or say why they cannot. */
static void space_reserve(lm_ring *ring, uint64_t end)
{
    if (ring->no_reserve || end <= ring->reserved) return;
    int result =
        lm__sys_fallocate(ring->sys, ring->fd, (int64_t)ring->reserved, LM_STAGE_AHEAD_BYTES);
    /* Counted as done even so: part of it may be, and drain cuts it off. */
    ring->reserved += LM_STAGE_AHEAD_BYTES;
    ring->no_reserve = result < 0;
}

/* The current slot is full: hands it over. */
static void slot_hand_over(lm_ring *ring)
{
    lm_ring_slot *slot = &ring->slots[ring->filled % LM_STAGE_SLOTS];
    slot->offset = ring->offset;
    ring->offset += slot->size;
    space_reserve(ring, ring->offset);
    thread_start(ring);
    pthread_mutex_lock(&ring->mutex);
    if (!ring->direct_tried) {
        ring->direct_tried = true;
        direct_set(ring, true);
    }
    slot->is_busy = true;
    ring->filled++;
    bool by_ourselves = ring->thread_count == 0;
    if (by_ourselves) ring->taken++;
    pthread_cond_signal(&ring->to_write);
    pthread_mutex_unlock(&ring->mutex);
    if (by_ourselves) slot_finish(ring, slot);
}

lm_status lm__ring_room(lm_ring *ring, uint8_t **data, size_t *room, lm_error *error)
{
    if (ring->slots[ring->filled % LM_STAGE_SLOTS].size == LM_STAGE_SLOT_BYTES)
        slot_hand_over(ring);
    lm_ring_slot *slot = &ring->slots[ring->filled % LM_STAGE_SLOTS];
    pthread_mutex_lock(&ring->mutex);
    while (slot->is_busy && ring->result == LM_OK) pthread_cond_wait(&ring->to_fill, &ring->mutex);
    lm_status status = result_tell(ring, error);
    pthread_mutex_unlock(&ring->mutex);
    if (status != LM_OK) return status;
    if (!slot->data)
        slot->data = lm__alloc_aligned(ring->allocator, DIRECT_ALIGNMENT, LM_STAGE_SLOT_BYTES);
    if (!slot->data) return lm__error_memory(error, "writing a file");
    *data = slot->data + slot->size;
    *room = LM_STAGE_SLOT_BYTES - slot->size;
    return LM_OK;
}

void lm__ring_put(lm_ring *ring, size_t size)
{
    ring->slots[ring->filled % LM_STAGE_SLOTS].size += size;
}

lm_status lm__ring_drain(lm_ring *ring, lm_error *error)
{
    lm_ring_slot *last = &ring->slots[ring->filled % LM_STAGE_SLOTS];
    if (last->size == LM_STAGE_SLOT_BYTES && !last->is_busy) {
        slot_hand_over(ring);
        last = &ring->slots[ring->filled % LM_STAGE_SLOTS];
    }
    threads_end(ring);
    LM_TRY(result_tell(ring, error));
    if (ring->direct_tried) direct_set(ring, false); /* the last bytes have any length */
    last->offset = ring->offset;
    LM_TRY(slot_write(ring, last, error));
    ring->offset += last->size;
    last->size = 0;
    if (ring->reserved <= ring->offset) return LM_OK;
    int result = lm__sys_ftruncate(ring->sys, ring->fd, (int64_t)ring->offset);
    return result < 0 ? lm__error_os(error, -result, "cannot cut %s to its size", ring->path)
                      : LM_OK;
}

void lm__ring_deinit(lm_ring *ring)
{
    pthread_mutex_lock(&ring->mutex);
    if (ring->result == LM_OK) ring->result = LM_CANCELLED; /* what waits is dropped */
    pthread_mutex_unlock(&ring->mutex);
    threads_end(ring);
    for (int i = 0; i < LM_STAGE_SLOTS; i++) lm__free_aligned(ring->allocator, ring->slots[i].data);
    pthread_cond_destroy(&ring->to_fill);
    pthread_cond_destroy(&ring->to_write);
    pthread_mutex_destroy(&ring->mutex);
}
