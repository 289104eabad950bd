/* Part after part into the result; see flow.h. */
#include "merge/flow.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/limits.h"

/* ---- open and close ---- */

static lm_checksum_kind sum_kind(const lm_merge_plan *plan)
{
    const char *text = plan->file.checksum;
    if (!text) return plan->file.manifest ? LM_CHECKSUM_SHA256 : LM_CHECKSUM_CRC32C;
    return strcmp(text, "none") == 0     ? LM_CHECKSUM_NONE
           : strcmp(text, "sha256") == 0 ? LM_CHECKSUM_SHA256
                                         : LM_CHECKSUM_CRC32C;
}

static void rows_start(const lm_merge_plan *plan, lm_rows *rows, lm_merge_line_end line_end)
{
    lm__rows_init(rows, plan->summary.format, plan->dialect.quote, plan->dialect.separator,
                  line_end);
}

static lm_merge_line_end usual_end(const lm_merge_plan *plan)
{
    return plan->first < plan->count ? (lm_merge_line_end)plan->parts[plan->first].line_end
                                     : LM_MERGE_LINE_LF;
}

lm_status lm__flow_init(lm_flow *flow, const lm_merge_plan *plan, lm_file_publication *publication,
                        lm_error *error)
{
    *flow = (lm_flow){.plan = plan, .publication = publication};
    flow->total = plan->summary.source_bytes;
    lm_checksum_kind kind = sum_kind(plan);
    LM_TRY(lm__checksum_init(&flow->sum, kind, error));
    flow->has_sum = kind != LM_CHECKSUM_NONE;
    flow->rows_out_header = plan->summary.has_header;
    rows_start(plan, &flow->rows_out, usual_end(plan));
    lm_codec codec = lm__merge_codec(plan->summary.compression);
    if (codec == LM_CODEC_UNCOMPRESSED) return LM_OK;
    return lm__pack_new(plan->allocator, codec, plan->options.level, plan->options.threads,
                        lm_file_sink(publication), &flow->pack, error);
}

void lm__flow_deinit(lm_flow *flow)
{
    lm__pack_free(flow->pack);
    lm__free(flow->plan->allocator, flow->block);
    lm__free(flow->plan->allocator, flow->text);
    lm__checksum_deinit(&flow->sum);
}

static lm_status block_make(const lm_flow *flow, uint8_t **block, lm_error *error)
{
    if (!*block) *block = lm__alloc(flow->plan->allocator, LM_MERGE_BLOCK_BYTES);
    return *block ? LM_OK : lm__error_memory(error, "merging");
}

void lm__flow_progress(lm_flow *flow, uint64_t bytes)
{
    flow->done += bytes;
    if (flow->plan->options.progress)
        flow->plan->options.progress(flow->plan->options.context, flow->done, flow->total);
}

/* ---- out ---- */

/* Bytes of the result, as they are. */
static lm_status put_bytes(lm_flow *flow, const uint8_t *data, size_t size, lm_error *error)
{
    if (flow->has_sum) LM_TRY(lm__checksum_update(&flow->sum, data, size, error));
    flow->bytes += size;
    return lm_file_write(flow->publication, data, size, error);
}

static void count_out(lm_flow *flow, const uint8_t *text, size_t size)
{
    if (flow->plan->options.count_rows) lm__rows_add(&flow->rows_out, text, size);
}

/* Text of the result. */
static lm_status put_text(lm_flow *flow, const uint8_t *text, size_t size, lm_error *error)
{
    if (size == 0) return LM_OK;
    count_out(flow, text, size);
    return flow->pack ? lm__pack_write(flow->pack, text, size, error)
                      : put_bytes(flow, text, size, error);
}

lm_status lm__flow_begin(lm_flow *flow, lm_error *error)
{
    return put_text(flow, flow->plan->prefix, flow->plan->prefix_size, error);
}

lm_status lm__flow_end(lm_flow *flow, lm_error *error)
{
    return flow->pack ? lm__pack_flush(flow->pack, error) : LM_OK;
}

/* ---- in ---- */

static lm_status check_cancel(const lm_flow *flow, lm_error *error)
{
    if (!lm__cancel_requested(flow->plan->file.cancel)) return LM_OK;
    return lm__error_set(error, LM_CANCELLED, "interrupted: nothing was published");
}

static lm_status read_block(lm_flow *flow, lm_source *source, uint64_t at, uint64_t end,
                            size_t *size, lm_error *error)
{
    LM_TRY(check_cancel(flow, error));
    LM_TRY(block_make(flow, &flow->block, error));
    *size = end - at < LM_MERGE_BLOCK_BYTES ? (size_t)(end - at) : LM_MERGE_BLOCK_BYTES;
    LM_TRY(lm_source_read(source, at, flow->block, *size, error));
    flow->client_bytes += *size;
    return LM_OK;
}

/* Text of a part, from its beginning; the header and the mark are left out where the plan says so.
 * `seen`: bytes of text before these. */
static lm_status take_text(lm_flow *flow, const lm_part *part, uint64_t seen, const uint8_t *text,
                           size_t size, lm_error *error)
{
    if (seen < part->cut) {
        size_t cut = part->cut - seen < size ? (size_t)(part->cut - seen) : size;
        text += cut;
        size -= cut;
    }
    if (flow->plan->options.count_rows) lm__rows_add(&flow->rows_part, text, size);
    return put_text(flow, text, size, error);
}

static lm_status end_line(lm_flow *flow, const lm_part *part, lm_error *error)
{
    const char *end = lm__line_end_text((lm_merge_line_end)part->line_end);
    return put_text(flow, (const uint8_t *)end, strlen(end), error);
}

static lm_status read_plain(lm_flow *flow, const lm_part *part, lm_source *source, uint64_t at,
                            lm_error *error)
{
    while (at < source->size) {
        size_t size;
        LM_TRY(read_block(flow, source, at, source->size, &size, error));
        if (part->codec == LM_CODEC_UNCOMPRESSED)
            LM_TRY(take_text(flow, part, part->cut, flow->block, size, error));
        else
            LM_TRY(put_bytes(flow, flow->block, size, error));
        lm__flow_progress(flow, size);
        at += size;
    }
    return LM_OK;
}

/* Moves *at on as far as the system copies by itself. */
static lm_status copy_bytes(lm_flow *flow, lm_source *source, uint64_t *at, uint64_t end,
                            lm_error *error)
{
    while (*at < end) {
        uint64_t length = end - *at, copied;
        if (length > LM_STAGE_COPY_BYTES) length = LM_STAGE_COPY_BYTES;
        LM_TRY(check_cancel(flow, error));
        LM_TRY(lm__file_copy(flow->publication, source, *at, length, &copied, error));
        flow->bytes += copied;
        *at += copied;
        lm__flow_progress(flow, copied);
        if (copied < length) break;
    }
    return LM_OK;
}

lm_status lm__flow_bytes(lm_flow *flow, lm_source *source, uint64_t offset, uint64_t size,
                         bool can_copy, lm_error *error)
{
    uint64_t end = offset + size;
    if (can_copy) LM_TRY(copy_bytes(flow, source, &offset, end, error));
    while (offset < end) {
        size_t got;
        LM_TRY(read_block(flow, source, offset, end, &got, error));
        LM_TRY(put_bytes(flow, flow->block, got, error));
        lm__flow_progress(flow, got);
        offset += got;
    }
    return LM_OK;
}

static lm_status copy_plain(lm_flow *flow, const lm_part *part, lm_source *source, lm_error *error)
{
    uint64_t at = part->cut;
    LM_TRY(copy_bytes(flow, source, &at, source->size, error));
    return read_plain(flow, part, source, at, error);
}

/* Decompresses a block. `seen` counts text, `last` is its last byte; the text goes into the result
 * if `goes_in`, else it is only looked at. */
static lm_status unpack_block(lm_flow *flow, const lm_part *part, lm_unpack *unpack, size_t size,
                              bool goes_in, uint64_t *seen, uint8_t *last, lm_error *error)
{
    lm_unpack_step step = {.in = flow->block, .in_size = size};
    LM_TRY(block_make(flow, &flow->text, error));
    do {
        step.out = flow->text;
        step.out_size = LM_MERGE_BLOCK_BYTES;
        LM_TRY(lm__unpack_run(unpack, &step, error));
        size_t got = LM_MERGE_BLOCK_BYTES - step.out_size;
        if (goes_in) LM_TRY(take_text(flow, part, *seen, flow->text, got, error));
        if (!goes_in && flow->plan->options.count_rows) {
            lm__rows_add(&flow->rows_part, flow->text, got);
            count_out(flow, flow->text, got);
        }
        if (got > 0) *last = flow->text[got - 1];
        *seen += got;
        LM_TRY(check_cancel(flow, error));
    } while (step.in_size > 0 || step.out_size == 0);
    return LM_OK;
}

static lm_status read_packed(lm_flow *flow, const lm_part *part, lm_source *source, lm_error *error)
{
    bool goes_in = part->way == LM_PART_TEXT;
    uint64_t seen = 0;
    uint8_t last = '\n';
    lm_unpack *unpack;
    LM_TRY(lm__unpack_new(flow->plan->allocator, (lm_codec)part->codec, &unpack, error));
    lm_status status = LM_OK;
    for (uint64_t at = 0; at < source->size && status == LM_OK;) {
        size_t size = 0;
        status = read_block(flow, source, at, source->size, &size, error);
        if (status == LM_OK && !goes_in) status = put_bytes(flow, flow->block, size, error);
        if (status == LM_OK)
            status = unpack_block(flow, part, unpack, size, goes_in, &seen, &last, error);
        if (status == LM_CORRUPT) lm__error_within(error, status, "%s", part->path);
        at += size;
        lm__flow_progress(flow, size);
    }
    if (status == LM_OK && !lm__unpack_ended(unpack))
        status =
            lm__error_set(error, LM_CORRUPT, "%s: it ends within its compressed data", part->path);
    lm__unpack_free(unpack);
    if (status != LM_OK || seen <= part->cut) return status;
    bool ends = last == '\n' || (last == '\r' && part->line_end == LM_MERGE_LINE_CR);
    return ends ? LM_OK : end_line(flow, part, error);
}

static void count_part(lm_flow *flow, const lm_part *part)
{
    uint64_t rows = lm__rows_total(&flow->rows_part);
    /* The first part's header is no row. */
    bool has_header = flow->plan->summary.has_header && flow->plan->prefix_size == 0 &&
                      part == &flow->plan->parts[flow->plan->first];
    flow->rows_in += rows - (has_header && rows > 0);
}

lm_status lm__flow_part(lm_flow *flow, const lm_part *part, lm_error *error)
{
    lm_source *source;
    bool packed = part->codec != LM_CODEC_UNCOMPRESSED;
    LM_TRY(lm__merge_open_part(flow->plan, part, &source, error));
    lm_status status = LM_OK;
    rows_start(flow->plan, &flow->rows_part, (lm_merge_line_end)part->line_end);
    /* What is compressed already comes behind what the packer still holds. */
    if (status == LM_OK && flow->pack && part->way != LM_PART_TEXT)
        status = lm__pack_flush(flow->pack, error);
    if (status == LM_OK) {
        lm_source_coming(source, part->cut, source->size - (packed ? 0 : part->cut));
        status = part->way == LM_PART_COPY   ? copy_plain(flow, part, source, error)
                 : part->way == LM_PART_READ ? read_plain(flow, part, source, part->cut, error)
                 : packed                    ? read_packed(flow, part, source, error)
                                             : read_plain(flow, part, source, part->cut, error);
    }
    lm_source_close(source);
    if (status == LM_OK && part->lacks_end) status = end_line(flow, part, error);
    if (status == LM_OK && flow->plan->options.count_rows) count_part(flow, part);
    return status;
}

lm_status lm__flow_check(const lm_flow *flow, const lm_sealed *sealed, lm_error *error)
{
    const lm_merge_summary *s = &flow->plan->summary;
    char text[LM_CHECKSUM_TEXT_MAX];
    lm_checksum sum = flow->sum;
    uint64_t bytes = flow->pack ? sealed->size : flow->bytes;
    if (s->bytes_known) bytes = s->bytes;
    if (sealed->size != bytes)
        return lm__error_set(
            error, LM_BROKEN, "%s: %llu bytes came out of the parts, and the result has %llu",
            sealed->path, (unsigned long long)bytes, (unsigned long long)sealed->size);
    if (flow->has_sum && !flow->pack) {
        LM_TRY(lm__checksum_final(&sum, text, error));
        if (strcmp(text, sealed->checksum) != 0)
            return lm__error_set(error, LM_BROKEN,
                                 "%s: what came out of the parts has the checksum %s, and the "
                                 "result %s",
                                 sealed->path, text, sealed->checksum);
    }
    if (!flow->plan->options.count_rows) return LM_OK;
    uint64_t rows = lm__rows_total(&flow->rows_out);
    if (rows == flow->rows_in + (rows > 0 ? flow->rows_out_header : 0)) return LM_OK;
    return lm__error_set(error, LM_DATA,
                         "%s: the parts have %llu rows together, and the result has %llu: a part "
                         "ends within a quoted value, or the parts end their lines differently",
                         sealed->path, (unsigned long long)flow->rows_in,
                         (unsigned long long)(rows - (rows > 0 ? flow->rows_out_header : 0)));
}
