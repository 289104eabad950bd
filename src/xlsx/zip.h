/*
 * A zip archive onto a sink, an entry after the other, forwards only (APPNOTE.TXT 6.3.10).
 *
 * Sizes and sums of an entry are known at its end, so they follow it in a data descriptor (4.3.9)
 * and stand in the central directory; entries past 4 GiB have zip64's wider fields (4.5.3). Every
 * entry is deflated, and dated 1980-01-01: the same tables make the same bytes.
 */
#ifndef LM_XLSX_ZIP_H
#define LM_XLSX_ZIP_H

#include <lamella/sink.h>

#include "base/buffer.h"
#include "codec/deflate.h"

typedef struct lm_zip {
    lm_sink *sink;
    uint64_t offset;   /* of the sink's bytes, from the archive's first on */
    lm_buffer central; /* the directory so far */
    uint64_t entries;
    /* The entry that is open. */
    char name[64];
    uint64_t start, packed, size;
    uint32_t crc;
} lm_zip;

void lm__zip_init(lm_zip *zip, const lm_allocator *allocator, lm_sink *sink);
void lm__zip_deinit(lm_zip *zip);

LM_MUST_USE lm_status lm__zip_begin(lm_zip *zip, const char *name, lm_error *error);
/* The next part of the entry, as codec/deflate.h makes them. */
LM_MUST_USE lm_status lm__zip_part(lm_zip *zip, const lm_buffer *packed, uint32_t crc,
                                   uint64_t size, lm_error *error);
LM_MUST_USE lm_status lm__zip_end(lm_zip *zip, lm_error *error);
/* A whole entry at once. */
LM_MUST_USE lm_status lm__zip_entry(lm_zip *zip, lm_deflate *deflate, const char *name,
                                    const lm_buffer *contents, lm_error *error);
/* The directory and its end. */
LM_MUST_USE lm_status lm__zip_finish(lm_zip *zip, lm_error *error);

#endif
