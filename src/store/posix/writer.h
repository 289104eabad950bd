/*
 * The bytes of a stage on their way into its file: buffered, summed, and written in one of three
 * ways, each when the one before has become too small:
 *
 *     small    up to LM_STAGE_SMALL_BYTES: one write at the end
 *     cached   through the page cache in blocks of LM_STAGE_BLOCK_BYTES, by the caller, from its
 * own memory when it gives whole blocks; write-back is started early, so that the sync at the end
 * finds little to do direct   around the page cache (ring.h), once a file that is to be durable is
 * large
 *
 * Invariants
 *  1. Memory never depends on the size of the file: at most the small buffer, or one block, or the
 *     ring.
 *  2. The first write that fails is the writer's result for good.
 *  3. After drain every byte that was accepted has been given to the kernel, and the file is as
 * long as its bytes.
 */
#ifndef LM_STORE_POSIX_WRITER_H
#define LM_STORE_POSIX_WRITER_H

#include "base/hash.h"
#include "store/posix/ring.h"

typedef enum lm_writer_way { LM_WRITER_SMALL, LM_WRITER_CACHED, LM_WRITER_DIRECT } lm_writer_way;

typedef struct lm_writer {
    lm_sys *sys;
    int fd;
    const char *path;
    const lm_allocator *allocator;
    lm_cancel *cancel;
    lm_writer_way way;
    uint64_t direct_from; /* the offset past which the file goes directly; UINT64_MAX: never */
    bool write_back;      /* start it early */
    bool no_copy;         /* the system cannot copy into it by itself */
    uint8_t *buffer;      /* small and cached: what is not written yet */
    size_t size, capacity;
    uint64_t offset; /* small and cached: where the buffer's bytes go; a multiple of a block where
                        the file may still go directly */
    uint64_t backed; /* up to here write-back was started */
    lm_ring ring;    /* direct */
    lm_checksum checksum;
} lm_writer;

/* Allocates nothing yet; always followed by _deinit. `path` must stay valid. */
LM_MUST_USE lm_status lm__writer_init(lm_writer *writer, lm_sys *sys, int fd, const char *path,
                                      const lm_stage_options *options,
                                      const lm_allocator *allocator, lm_error *error);
LM_MUST_USE lm_status lm__writer_write(lm_writer *writer, const void *data, size_t size,
                                       lm_error *error);
/* From an open file, by the system itself, as much as it can. Past this the file goes on through
 * the page cache, from wherever its end is. */
LM_MUST_USE lm_status lm__writer_copy(lm_writer *writer, int from, uint64_t from_offset,
                                      uint64_t length, uint64_t *copied, lm_error *error);
LM_MUST_USE lm_status lm__writer_drain(lm_writer *writer, lm_error *error);
void lm__writer_deinit(lm_writer *writer);
static inline bool lm__writer_went_direct(const lm_writer *writer)
{
    return writer->way == LM_WRITER_DIRECT && writer->ring.direct_used;
}

#endif
