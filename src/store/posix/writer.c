/* The three ways, and from one to the next; see writer.h for the invariants. */
#include "store/posix/writer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

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
    writer->direct_from = UINT64_MAX;
    if (options->direct == LM_DIRECT_ALWAYS) writer->direct_from = 0;
    if (options->direct == LM_DIRECT_AUTO && options->durability != LM_DURABILITY_NONE)
        writer->direct_from =
            options->size_expected >= LM_STAGE_DIRECT_BYTES_MIN ? 0 : LM_STAGE_DIRECT_BYTES_MIN;
    writer->capacity = LM_STAGE_SMALL_BYTES;
    if (options->size_expected > 0 && options->size_expected < LM_STAGE_SMALL_BYTES)
        writer->capacity = (size_t)options->size_expected;
    return lm__checksum_init(&writer->checksum, options->checksum, error);
}

static lm_status cancel_check(const lm_writer *writer, lm_error *error)
{
    if (!lm__cancel_requested(writer->cancel)) return LM_OK;
    return lm__error_set(error, LM_CANCELLED, "%s: interrupted", writer->path);
}

/* Starts the write-back of what was written, if that is much by now. */
static lm_status back_begin(lm_writer *writer, lm_error *error)
{
    uint64_t from = writer->backed, size = writer->offset - from;
    if (!writer->write_back || size < LM_STAGE_BACK_BYTES) return LM_OK;
    writer->backed = writer->offset;
    return lm__write_back(writer->sys, writer->fd, from, size, writer->path, error);
}

/* Through the page cache, from any memory. */
static lm_status cached_write(lm_writer *writer, const uint8_t *data, size_t size, lm_error *error)
{
    for (size_t done = 0; done < size;) {
        int64_t wrote = lm__sys_pwrite(writer->sys, writer->fd, data + done, size - done,
                                       (int64_t)(writer->offset + done));
        if (wrote <= 0)
            return lm__error_os(error, wrote == 0 ? EIO : (int)-wrote, "cannot write %s",
                                writer->path);
        done += (size_t)wrote;
    }
    writer->offset += size;
    return back_begin(writer, error);
}

/* A buffer of the next size, with what is in the old one. */
static lm_status buffer_make(lm_writer *writer, size_t capacity, lm_error *error)
{
    uint8_t *made = lm__alloc_aligned(writer->allocator, 64, capacity);
    if (!made) return lm__error_memory(error, "writing a file");
    if (writer->size) memcpy(made, writer->buffer, writer->size);
    lm__free_aligned(writer->allocator, writer->buffer);
    writer->buffer = made;
    writer->capacity = capacity;
    return LM_OK;
}

static lm_status bytes_take(lm_writer *writer, uint8_t *to, const uint8_t *data, size_t size,
                            lm_error *error)
{
    memcpy(to, data, size);
    return lm__checksum_update(&writer->checksum, to, size, error);
}

/* From the page cache to the ring, with what is buffered: summed already. */
static lm_status direct_begin(lm_writer *writer, lm_error *error)
{
    uint8_t *to;
    size_t room;
    lm__ring_init(&writer->ring, writer->sys, writer->fd, writer->offset, writer->path,
                  writer->allocator);
    writer->way = LM_WRITER_DIRECT;
    if (writer->size) {
        LM_TRY(lm__ring_room(&writer->ring, &to, &room, error));
        memcpy(to, writer->buffer, writer->size);
        lm__ring_put(&writer->ring, writer->size);
    }
    lm__free_aligned(writer->allocator, writer->buffer);
    writer->buffer = NULL;
    writer->size = 0;
    return LM_OK;
}

static lm_status direct_take(lm_writer *writer, const uint8_t *data, size_t size, size_t *taken,
                             lm_error *error)
{
    uint8_t *to;
    size_t room;
    LM_TRY(lm__ring_room(&writer->ring, &to, &room, error));
    *taken = size < room ? size : room;
    if (*taken > HOT_BYTES) *taken = HOT_BYTES;
    LM_TRY(bytes_take(writer, to, data, *taken, error));
    lm__ring_put(&writer->ring, *taken);
    return LM_OK;
}

/* Whole blocks go out of the caller's own memory. */
static lm_status cached_take(lm_writer *writer, const uint8_t *data, size_t size, size_t *taken,
                             lm_error *error)
{
    if (writer->size == LM_STAGE_BLOCK_BYTES) {
        LM_TRY(cached_write(writer, writer->buffer, writer->size, error));
        writer->size = 0;
    }
    if (writer->size == 0 && size >= LM_STAGE_BLOCK_BYTES) {
        *taken = LM_STAGE_BLOCK_BYTES;
        LM_TRY(lm__checksum_update(&writer->checksum, data, *taken, error));
        return cached_write(writer, data, *taken, error);
    }
    if (writer->capacity < LM_STAGE_BLOCK_BYTES || !writer->buffer)
        LM_TRY(buffer_make(writer, LM_STAGE_BLOCK_BYTES, error));
    *taken = LM_STAGE_BLOCK_BYTES - writer->size;
    if (*taken > size) *taken = size;
    if (*taken > HOT_BYTES) *taken = HOT_BYTES;
    LM_TRY(bytes_take(writer, writer->buffer + writer->size, data, *taken, error));
    writer->size += *taken;
    return LM_OK;
}

lm_status lm__writer_write(lm_writer *writer, const void *data, size_t size, lm_error *error)
{
    if (writer->way == LM_WRITER_SMALL && size <= writer->capacity - writer->size) {
        if (!writer->buffer) LM_TRY(buffer_make(writer, writer->capacity, error));
        LM_TRY(bytes_take(writer, writer->buffer + writer->size, data, size, error));
        writer->size += size;
        return LM_OK;
    }
    if (writer->way == LM_WRITER_SMALL) writer->way = LM_WRITER_CACHED;
    const uint8_t *next = data;
    for (size_t taken = 0; size > 0; next += taken, size -= taken) {
        LM_TRY(cancel_check(writer, error));
        if (writer->way == LM_WRITER_CACHED && writer->offset >= writer->direct_from)
            LM_TRY(direct_begin(writer, error));
        if (writer->way == LM_WRITER_DIRECT)
            LM_TRY(direct_take(writer, next, size, &taken, error));
        else
            LM_TRY(cached_take(writer, next, size, &taken, error));
    }
    return LM_OK;
}

/* Is it that the system cannot do this copy at all? */
static bool copy_is_refused(int64_t result)
{
    return result == -EXDEV || result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP ||
           result == -EBADF || result == -EPERM || result == -ETXTBSY || result == -ENOTTY;
}

lm_status lm__writer_copy(lm_writer *writer, int from, uint64_t from_offset, uint64_t length,
                          uint64_t *copied, lm_error *error)
{
    if (writer->way == LM_WRITER_DIRECT || writer->checksum.kind != LM_CHECKSUM_NONE ||
        writer->no_copy)
        return LM_OK;
    while (*copied < length) {
        LM_TRY(cancel_check(writer, error));
        size_t size = LM_STAGE_COPY_BYTES;
        if (size > length - *copied) size = (size_t)(length - *copied);
        int64_t got =
            lm__sys_copy_range(writer->sys, from, (int64_t)(from_offset + *copied), writer->fd,
                               (int64_t)(writer->offset + writer->size), size);
        if (copy_is_refused(got)) writer->no_copy = true;
        if (copy_is_refused(got) || got == 0) return LM_OK; /* reading tells what is the matter */
        if (got < 0) return lm__error_os(error, (int)-got, "cannot write %s", writer->path);
        writer->way = LM_WRITER_CACHED;
        writer->direct_from = UINT64_MAX;
        LM_TRY(cached_write(writer, writer->buffer, writer->size, error)); /* in front of it */
        writer->size = 0;
        writer->offset += (uint64_t)got;
        *copied += (uint64_t)got;
        LM_TRY(back_begin(writer, error));
    }
    return LM_OK;
}

lm_status lm__writer_drain(lm_writer *writer, lm_error *error)
{
    if (writer->way == LM_WRITER_DIRECT) return lm__ring_drain(&writer->ring, error);
    return cached_write(writer, writer->buffer, writer->size, error);
}

void lm__writer_deinit(lm_writer *writer)
{
    if (writer->way == LM_WRITER_DIRECT) lm__ring_deinit(&writer->ring);
    lm__free_aligned(writer->allocator, writer->buffer);
    lm__checksum_deinit(&writer->checksum);
}
