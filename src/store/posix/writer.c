/* The buffers, the thread and the switch to O_DIRECT; see writer.h for the invariants. */
#define _GNU_SOURCE
#include "store/posix/writer.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define DIRECT_ALIGNMENT                                                                           \
    4096 /* of memory, offset and size; where more is asked, EINVAL says so                        \
          */
#define HOT_BYTES                                                                                  \
    (128 * LM_KIB) /* copied and summed at a time, so that summing finds it in cache */

lm_status lm__writer_init(lm_writer *writer, lm_sys *sys, int fd, const char *path,
                          const lm_stage_options *options, const lm_allocator *allocator,
                          lm_error *error)
{
    memset(writer, 0, sizeof *writer);
    writer->sys = sys;
    writer->fd = fd;
    writer->path = path;
    writer->allocator = allocator;
    writer->cancel = options->cancel;
    writer->write_back = options->durability != LM_DURABILITY_NONE;
    writer->small_only = true;
    writer->direct_from = UINT64_MAX;
    if (options->direct == LM_DIRECT_ALWAYS) writer->direct_from = 0;
    if (options->direct == LM_DIRECT_AUTO && options->durability != LM_DURABILITY_NONE)
        writer->direct_from =
            options->size_expected >= LM_STAGE_DIRECT_BYTES_MIN ? 0 : LM_STAGE_DIRECT_BYTES_MIN;
    writer->small_capacity = LM_STAGE_SMALL_BYTES;
    if (options->size_expected > 0 && options->size_expected < LM_STAGE_SMALL_BYTES)
        writer->small_capacity = (size_t)options->size_expected;
    pthread_mutex_init(&writer->mutex, NULL); /* neither can fail on Linux */
    pthread_cond_init(&writer->changed, NULL);
    return lm__checksum_init(&writer->checksum, options->checksum, error);
}

/* ---- the side that writes ---- */

static void direct_set(lm_writer *writer, bool on)
{
    if (writer->direct_on == on) return;
    int result = lm__sys_fcntl(writer->sys, writer->fd, F_SETFL, on ? O_DIRECT : 0);
    if (on) writer->direct_tried = true;
    if (result < 0 && on) writer->direct_refused = true;
    if (result == 0) writer->direct_on = on;
}

static bool direct_suits(const lm_writer *writer, const lm_writer_slot *slot)
{
    return !writer->direct_refused && slot->offset >= writer->direct_from &&
           slot->size % DIRECT_ALIGNMENT == 0 && slot->offset % DIRECT_ALIGNMENT == 0 &&
           (uintptr_t)slot->data % DIRECT_ALIGNMENT == 0;
}

static lm_status slot_write(lm_writer *writer, const lm_writer_slot *slot, lm_error *error)
{
    direct_set(writer, direct_suits(writer, slot));
    for (size_t done = 0; done < slot->size;) {
        int64_t wrote = lm__sys_pwrite(writer->sys, writer->fd, slot->data + done,
                                       slot->size - done, (int64_t)(slot->offset + done));
        if (wrote == -EINVAL && writer->direct_tried) { /* another alignment, or none at all */
            writer->direct_refused = writer->direct_on = true;
            writer->direct_tried = false; /* once */
            direct_set(writer, false);
            continue;
        }
        if (wrote <= 0)
            return lm__error_os(error, wrote == 0 ? EIO : (int)-wrote, "cannot write %s",
                                writer->path);
        writer->direct_used |= writer->direct_on;
        done += (size_t)wrote;
    }
    if (writer->write_back && !writer->direct_on && slot->size == LM_STAGE_SLOT_BYTES) {
        int result = lm__sys_sync_range(writer->sys, writer->fd, (int64_t)slot->offset, slot->size);
        if (result < 0 && result != -EINVAL && result != -ENOSYS && result != -EOPNOTSUPP &&
            result != -ESPIPE)
            return lm__error_os(error, -result, "cannot write %s back", writer->path);
    }
    return LM_OK;
}

static void *writer_thread(void *argument)
{
    lm_writer *writer = argument;
    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        while (writer->filled == writer->emptied && !writer->is_ending)
            pthread_cond_wait(&writer->changed, &writer->mutex);
        if (writer->filled == writer->emptied || writer->result != LM_OK) break;
        const lm_writer_slot *slot = &writer->slots[writer->emptied % LM_STAGE_SLOTS];
        pthread_mutex_unlock(&writer->mutex);
        lm_status status = slot_write(writer, slot, &writer->result_error);
        pthread_mutex_lock(&writer->mutex);
        if (writer->result == LM_OK) writer->result = status;
        writer->emptied++;
        pthread_cond_signal(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* A program's signals are for its own threads. Without a thread the caller writes itself. */
static void thread_start(lm_writer *writer)
{
    if (writer->has_thread || writer->no_thread) return;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writer->has_thread = pthread_create(&writer->thread, NULL, writer_thread, writer) == 0;
    writer->no_thread = !writer->has_thread;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The thread has ended after this; what it had not written stays unwritten if it failed. */
static void thread_end(lm_writer *writer)
{
    if (!writer->has_thread) return;
    pthread_mutex_lock(&writer->mutex);
    writer->is_ending = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    writer->has_thread = false;
}

/* ---- the side that fills ---- */

static lm_status result_tell(const lm_writer *writer, lm_error *error)
{
    if (error) *error = writer->result_error;
    return writer->result;
}

static lm_writer_slot *slot_current(lm_writer *writer)
{
    return &writer->slots[writer->filled % LM_STAGE_SLOTS];
}

/* The current slot is full: hands it over and waits until the next one is free. */
static lm_status slot_advance(lm_writer *writer, lm_error *error)
{
    if (lm__cancel_requested(writer->cancel))
        return lm__error_set(error, LM_CANCELLED, "%s: interrupted", writer->path);
    slot_current(writer)->offset = writer->offset;
    writer->offset += slot_current(writer)->size;
    thread_start(writer);
    if (!writer->has_thread) {
        LM_TRY(slot_write(writer, slot_current(writer), error));
        slot_current(writer)->size = 0;
        return LM_OK;
    }
    pthread_mutex_lock(&writer->mutex);
    writer->filled++;
    pthread_cond_signal(&writer->changed);
    while (writer->filled - writer->emptied == LM_STAGE_SLOTS && writer->result == LM_OK)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    lm_status status = writer->result;
    pthread_mutex_unlock(&writer->mutex);
    if (status != LM_OK) return result_tell(writer, error);
    slot_current(writer)->size = 0;
    return LM_OK;
}

static lm_status slot_make(lm_writer *writer, lm_error *error)
{
    lm_writer_slot *slot = slot_current(writer);
    if (slot->data) return LM_OK;
    slot->data = lm__alloc_aligned(writer->allocator, DIRECT_ALIGNMENT, LM_STAGE_SLOT_BYTES);
    if (!slot->data) return lm__error_memory(error, "writing a file");
    slot->size = 0;
    return LM_OK;
}

/* From the small buffer to the slots. */
static lm_status small_leave(lm_writer *writer, lm_error *error)
{
    LM_TRY(slot_make(writer, error));
    if (writer->small_size) memcpy(slot_current(writer)->data, writer->small, writer->small_size);
    slot_current(writer)->size = writer->small_size;
    lm__free_aligned(writer->allocator, writer->small);
    writer->small = NULL;
    writer->small_only = false;
    return LM_OK;
}

static lm_status bytes_take(lm_writer *writer, uint8_t *to, const void *data, size_t size,
                            lm_error *error)
{
    memcpy(to, data, size);
    return lm__checksum_update(&writer->checksum, to, size, error);
}

lm_status lm__writer_write(lm_writer *writer, const void *data, size_t size, lm_error *error)
{
    if (writer->small_only && size <= writer->small_capacity - writer->small_size) {
        if (!writer->small)
            writer->small = lm__alloc_aligned(writer->allocator, 64, writer->small_capacity);
        if (!writer->small) return lm__error_memory(error, "writing a file");
        LM_TRY(bytes_take(writer, writer->small + writer->small_size, data, size, error));
        writer->small_size += size;
        return LM_OK;
    }
    if (writer->small_only) LM_TRY(small_leave(writer, error));
    const uint8_t *next = data;
    while (size > 0) {
        if (slot_current(writer)->size == LM_STAGE_SLOT_BYTES) LM_TRY(slot_advance(writer, error));
        LM_TRY(slot_make(writer, error));
        lm_writer_slot *slot = slot_current(writer);
        size_t step = LM_STAGE_SLOT_BYTES - slot->size;
        if (step > size) step = size;
        if (step > HOT_BYTES) step = HOT_BYTES;
        LM_TRY(bytes_take(writer, slot->data + slot->size, next, step, error));
        slot->size += step;
        next += step;
        size -= step;
    }
    return LM_OK;
}

lm_status lm__writer_drain(lm_writer *writer, lm_error *error)
{
    thread_end(writer);
    if (writer->result != LM_OK) return result_tell(writer, error);
    lm_writer_slot last = {writer->small, writer->small_size, 0};
    if (!writer->small_only) {
        last = *slot_current(writer);
        last.offset = writer->offset;
    }
    if (last.size > 0) LM_TRY(slot_write(writer, &last, error));
    direct_set(writer, false);
    return LM_OK;
}

void lm__writer_deinit(lm_writer *writer)
{
    if (writer->has_thread) {
        pthread_mutex_lock(&writer->mutex);
        if (writer->result == LM_OK) writer->result = LM_CANCELLED; /* what is queued is dropped */
        pthread_mutex_unlock(&writer->mutex);
        thread_end(writer);
    }
    lm__free_aligned(writer->allocator, writer->small);
    for (int i = 0; i < LM_STAGE_SLOTS; i++)
        lm__free_aligned(writer->allocator, writer->slots[i].data);
    lm__checksum_deinit(&writer->checksum);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
}
