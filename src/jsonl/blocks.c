/* See blocks.h. */
#define _GNU_SOURCE
#include "jsonl/blocks.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/limits.h"

void lm__jsonl_blocks_init(lm_jsonl_blocks *blocks, const lm_allocator *allocator,
                           lm_source *take_source, const lm_feed *take_feed, size_t line_bytes_max)
{
    *blocks = (lm_jsonl_blocks){.allocator = allocator, .source = take_source, .line = 1};
    blocks->line_bytes_max = line_bytes_max ? line_bytes_max : LM_JSONL_LINE_BYTES_MAX;
    if (take_feed) blocks->feed = *take_feed;
    lm__buffer_init(&blocks->pending, allocator, 0);
}

void lm__jsonl_blocks_deinit(lm_jsonl_blocks *blocks)
{
    lm_source_close(blocks->source);
    if (blocks->feed.close) blocks->feed.close(blocks->feed.context);
    lm__buffer_deinit(&blocks->pending);
    lm__unpack_free(blocks->unpack);
    lm__free(blocks->allocator, blocks->packed);
}

void lm__jsonl_block_free(const lm_jsonl_blocks *blocks, lm_jsonl_block *block)
{
    lm__free(blocks->allocator, block->owned);
    *block = (lm_jsonl_block){0};
}

static lm_status too_long(const lm_jsonl_blocks *blocks, lm_error *error)
{
    return lm__error_set(error, LM_LIMIT, "line %lld has more than %zu bytes, the limit",
                         (long long)blocks->line, blocks->line_bytes_max);
}

/* The bytes up to the last line feed; 0 when there is none. */
static size_t whole_lines(const uint8_t *text, size_t size)
{
    const uint8_t *last = size ? memrchr(text, '\n', size) : NULL;
    return last ? (size_t)(last - text) + 1 : 0;
}

/* From a source that can be looked at. */
static lm_status next_view(lm_jsonl_blocks *blocks, lm_jsonl_block *block, lm_error *error)
{
    uint64_t left = blocks->source->size - blocks->at;
    size_t wanted = LM_JSONL_BLOCK_BYTES;
    for (;;) {
        bool all = left <= wanted;
        size_t size = all ? (size_t)left : wanted;
        const uint8_t *text = lm_source_view(blocks->source, blocks->at, size);
        size_t lines = all ? size : whole_lines(text, size);
        if (lines > 0) {
            *block = (lm_jsonl_block){text, lines, NULL, blocks->line};
            blocks->at += lines;
            return LM_OK;
        }
        if (wanted > blocks->line_bytes_max) return too_long(blocks, error);
        wanted *= 2;
    }
}

/* Bytes as they come, some of them; none at the end. */
static lm_status read_raw(lm_jsonl_blocks *blocks, uint8_t *to, size_t size, size_t *got,
                          lm_error *error)
{
    if (blocks->source) {
        uint64_t left = blocks->source->size - blocks->at;
        *got = left < size ? (size_t)left : size;
        LM_TRY(lm_source_read(blocks->source, blocks->at, to, *got, error));
        blocks->at += *got;
        return LM_OK;
    }
    if (blocks->head_size == 0)
        return blocks->feed.read(blocks->feed.context, to, size, got, error);
    *got = blocks->head_size < size ? blocks->head_size : size;
    memcpy(to, blocks->head, *got);
    blocks->head_size -= *got;
    memmove(blocks->head, blocks->head + *got, blocks->head_size);
    return LM_OK;
}

/* At the beginning: is it packed? */
static lm_status look(lm_jsonl_blocks *blocks, lm_error *error)
{
    lm_source *source = blocks->source;
    uint8_t *head = blocks->head;
    size_t size = 0, got = 1;
    blocks->looked = true;
    if (source) {
        size = source->size < sizeof blocks->head ? (size_t)source->size : sizeof blocks->head;
        LM_TRY(lm_source_read(source, 0, head, size, error));
    }
    for (; !source && got > 0 && size < sizeof blocks->head; size += got)
        LM_TRY(blocks->feed.read(blocks->feed.context, head + size, sizeof blocks->head - size,
                                 &got, error));
    blocks->head_size = source ? 0 : size;
    lm_codec codec = lm__unpack_codec(head, size);
    if (codec == LM_CODEC_UNCOMPRESSED) return LM_OK;
    blocks->packed = lm__alloc(blocks->allocator, LM_COPY_BLOCK_BYTES);
    if (!blocks->packed) return lm__error_memory(error, "reading JSON lines");
    return lm__unpack_new(blocks->allocator, codec, &blocks->unpack, error);
}

/* The same as read_raw of what has been unpacked. */
static lm_status read_unpacked(lm_jsonl_blocks *blocks, uint8_t *to, size_t size, size_t *got,
                               lm_error *error)
{
    for (;;) {
        if (blocks->packed_at == blocks->packed_size && !blocks->packed_ended) {
            blocks->packed_at = 0;
            LM_TRY(
                read_raw(blocks, blocks->packed, LM_COPY_BLOCK_BYTES, &blocks->packed_size, error));
            blocks->packed_ended = blocks->packed_size == 0;
        }
        lm_unpack_step step = {blocks->packed + blocks->packed_at,
                               blocks->packed_size - blocks->packed_at, to, size};
        LM_TRY(lm__unpack_run(blocks->unpack, &step, error));
        blocks->packed_at = blocks->packed_size - step.in_size;
        *got = size - step.out_size;
        if (*got > 0) return LM_OK;
        if (!blocks->packed_ended) continue;
        if (lm__unpack_ended(blocks->unpack)) return LM_OK;
        return lm__error_set(error, LM_CORRUPT, "it is cut off: the compressed data has no end");
    }
}

/* Reads on, up to `size` bytes; less only at the end. */
static lm_status read_on(lm_jsonl_blocks *blocks, uint8_t *to, size_t size, size_t *got,
                         lm_error *error)
{
    *got = 0;
    while (*got < size && !blocks->ended) {
        size_t some = 0;
        LM_TRY(blocks->unpack ? read_unpacked(blocks, to + *got, size - *got, &some, error)
                              : read_raw(blocks, to + *got, size - *got, &some, error));
        blocks->ended = some == 0;
        *got += some;
    }
    return LM_OK;
}

static lm_status read_block(lm_jsonl_blocks *blocks, uint8_t **memory, size_t *filled,
                            size_t *lines, lm_error *error)
{
    size_t capacity = 0;
    lm_buffer *pending = &blocks->pending;
    *filled = *lines = 0;
    for (;;) {
        size_t wanted = capacity ? 2 * capacity : LM_JSONL_BLOCK_BYTES, got;
        if (capacity > blocks->line_bytes_max) return too_long(blocks, error);
        while (wanted < 2 * pending->size) wanted *= 2;
        uint8_t *more = lm__realloc_array(blocks->allocator, *memory, wanted, 1);
        if (!more) return lm__error_memory(error, "reading JSON lines");
        *memory = more;
        if (capacity == 0 && pending->size) memcpy(more, pending->data, pending->size);
        if (capacity == 0) *filled = pending->size;
        capacity = wanted;
        LM_TRY(read_on(blocks, more + *filled, capacity - *filled, &got, error));
        *filled += got;
        *lines = blocks->ended ? *filled : whole_lines(more, *filled);
        if (*lines > 0 || blocks->ended) return LM_OK;
    }
}

static lm_status next_copy(lm_jsonl_blocks *blocks, lm_jsonl_block *block, lm_error *error)
{
    uint8_t *memory = NULL;
    size_t filled, lines;
    lm_buffer *pending = &blocks->pending;
    lm_status status = read_block(blocks, &memory, &filled, &lines, error);
    if (status == LM_OK) {
        lm__buffer_clear(pending);
        status = lm__buffer_append(pending, memory + lines, filled - lines);
        if (status != LM_OK) status = lm__error_memory(error, "reading JSON lines");
    }
    if (status != LM_OK) {
        lm__free(blocks->allocator, memory);
        return status;
    }
    *block = (lm_jsonl_block){memory, lines, memory, blocks->line};
    return LM_OK;
}

lm_status lm__jsonl_block_next(lm_jsonl_blocks *blocks, lm_jsonl_block *block, lm_error *error)
{
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
    lm_source *source = blocks->source;
    *block = (lm_jsonl_block){0};
    if (!blocks->looked) LM_TRY(look(blocks, error));
    bool in_place = source && !blocks->unpack && blocks->pending.size == 0;
    if (in_place && blocks->at == source->size) return LM_OK;
    if (blocks->ended && blocks->pending.size == 0) return LM_OK;
    bool first = blocks->line == 1;
    if (in_place && lm_source_view(source, blocks->at, 1))
        LM_TRY(next_view(blocks, block, error));
    else
        LM_TRY(next_copy(blocks, block, error));
    blocks->line += (int64_t)lm__bytes_count_equal(block->text, block->size, '\n');
    if (first && block->size >= sizeof mark && memcmp(block->text, mark, sizeof mark) == 0) {
        block->text += sizeof mark;
        block->size -= sizeof mark;
    }
    return LM_OK;
}
