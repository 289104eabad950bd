/* Deletion vectors; see deletion_vector.h. */
#include "table/deletion_vector.h"

#include <stdio.h>
#include <string.h>

#include "arrow/filter.h"
#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/limits.h"
#include "parquet/crc.h"
#include "table/operation.h"

#define FRAME_BYTES 8 /* the length before the vector, and the CRC after it, big-endian both */
#define UUID_TEXT_BYTES 20

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "reading a deletion vector");
}

/* ---- Z85 (ZeroMQ RFC 32): five letters are four bytes ---- */

static int digit_of(char letter)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 ".-:+=^!/*?&<>()[]{}@%$#";
    const char *found = letter ? strchr(digits, letter) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* `size` letters, a multiple of five. */
static bool z85_decode(const char *text, size_t size, uint8_t *out)
{
    for (size_t i = 0; i < size; i += 5) {
        uint64_t word = 0;
        for (size_t j = 0; j < 5; j++) {
            int digit = digit_of(text[i + j]);
            if (digit < 0) return false;
            word = word * 85 + (uint64_t)digit;
        }
        if (word > UINT32_MAX) return false;
        for (int shift = 24; shift >= 0; shift -= 8) *out++ = (uint8_t)(word >> shift);
    }
    return true;
}

/* ---- where it is ---- */

static lm_status corrupt(const char *name, const char *what, lm_error *error)
{
    return lm__error_set(error, LM_CORRUPT, "%s: the deletion vector is damaged: %s", name, what);
}

static lm_status inline_bytes(const lm_allocator *allocator, const char *name,
                              const lm_delta_vector *vector, uint8_t **bytes, lm_error *error)
{
    size_t size = strlen(vector->place);
    if (size % 5 != 0 || size / 5 != ((size_t)vector->size + 3) / 4)
        return corrupt(name, "it has not the length that the log tells", error);
    *bytes = lm__alloc(allocator, size / 5 * 4 + 1);
    if (!*bytes) return no_memory(error);
    return z85_decode(vector->place, size, *bytes)
               ? LM_OK
               : corrupt(name, "it has letters that stand for nothing", error);
}

/* A file of a random name below the table: "[directory]UUID". */
static lm_status file_of_uuid(lm_arena *arena, const char *root, const char *place,
                              const char **path, lm_error *error)
{
    uint8_t id[UUID_TEXT_BYTES / 5 * 4];
    char text[2 * sizeof id + 1];
    size_t size = strlen(place), head = size - UUID_TEXT_BYTES, root_size = strlen(root);
    if (size < UUID_TEXT_BYTES || !z85_decode(place + head, UUID_TEXT_BYTES, id))
        return corrupt(root, "the log does not tell its file", error);
    for (size_t i = 0; i < sizeof id; i++) snprintf(text + 2 * i, 3, "%02x", id[i]);
    *path = lm__arena_printf(arena, "%s%s%.*s%sdeletion_vector_%.8s-%.4s-%.4s-%.4s-%.12s.bin", root,
                             root_size && root[root_size - 1] == '/' ? "" : "/", (int)head, place,
                             head ? "/" : "", text, text + 8, text + 12, text + 16, text + 20);
    return *path ? LM_OK : no_memory(error);
}

static uint32_t load_big(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* The vector out of a file of several: its length, its bytes, their CRC. */
static lm_status frame_read(const lm_allocator *allocator, lm_source *source, const char *path,
                            const lm_delta_vector *vector, uint8_t **bytes, lm_error *error)
{
    /* Where it is not told, behind the version that a file begins with. */
    uint64_t offset = vector->has_offset ? (uint64_t)vector->offset : 1;
    size_t size = (size_t)vector->size;
    if (vector->offset < 0 || offset > source->size ||
        source->size - offset < (uint64_t)size + FRAME_BYTES)
        return corrupt(path, "its file ends before it", error);
    if (!(*bytes = lm__alloc(allocator, size + FRAME_BYTES))) return no_memory(error);
    LM_TRY(lm_source_read(source, offset, *bytes, size + FRAME_BYTES, error));
    if (load_big(*bytes) != size)
        return corrupt(path, "it has not the length that the log tells", error);
    uint32_t crc = load_big(*bytes + 4 + size);
    memmove(*bytes, *bytes + 4, size);
    return lm__crc32(0, *bytes, size) == crc ? LM_OK : corrupt(path, "its CRC is not so", error);
}

static lm_status file_bytes(const lm_allocator *allocator, lm_store *store, const char *path,
                            const lm_delta_vector *vector, uint8_t **bytes, lm_error *error)
{
    lm_source *source;
    LM_TRY(lm__store_open(store, path, &source, error));
    lm_status status = frame_read(allocator, source, path, vector, bytes, error);
    lm_source_close(source);
    return status;
}

static lm_status vector_read(lm_arena *arena, lm_store *store, const char *root,
                             const lm_delta_vector *vector, lm_row_set **rows, lm_error *error)
{
    const lm_allocator *allocator = arena->allocator;
    const char *path = root;
    uint8_t *bytes = NULL;
    lm_status status;
    if (vector->size < 0 || (uint64_t)vector->size > LM_DELETION_VECTOR_BYTES_MAX)
        return corrupt(root, "its length is none", error);
    if (strcmp(vector->storage, "i") == 0) {
        status = inline_bytes(allocator, root, vector, &bytes, error);
    } else {
        if (strcmp(vector->storage, "u") == 0)
            LM_TRY(file_of_uuid(arena, root, vector->place, &path, error));
        else if (strcmp(vector->storage, "p") == 0)
            LM_TRY(lm__part_path_whole(arena, root, vector->place, &path, error));
        else
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "%s: a deletion vector is stored in a way that is not known: %s",
                                 root, vector->storage);
        status = file_bytes(allocator, store, path, vector, &bytes, error);
    }
    if (status != LM_OK) {
        lm__free(allocator, bytes);
        return status;
    }
    status = lm__row_set_new_take(allocator, bytes, (size_t)vector->size, rows, error);
    if (status == LM_CORRUPT)
        return lm__error_within(error, status, "%s: the deletion vector is damaged", path);
    LM_TRY(status);
    if (vector->cardinality >= 0 && lm__row_set_count(*rows) == (uint64_t)vector->cardinality)
        return LM_OK;
    lm__row_set_free(*rows);
    *rows = NULL;
    return corrupt(path, "it has not as many rows as the log tells", error);
}

lm_status lm__deletion_vector_read(const lm_allocator *allocator, lm_store *store, const char *root,
                                   const lm_delta_vector *vector, lm_row_set **rows,
                                   lm_error *error)
{
    lm_arena arena;
    *rows = NULL;
    lm__arena_init(&arena, allocator, 0);
    lm_status status = vector_read(&arena, store, root, vector, rows, error);
    lm__arena_deinit(&arena);
    return status;
}

/* ---- the rows that are left ---- */

typedef struct live_stream {
    lm_stream stream; /* first */
    const lm_allocator *allocator;
    lm_stream *source;
    lm_row_set *deleted;
    uint64_t row;
} live_stream;

static lm_status live_batch(live_stream *s, lm_batch *all, lm_batch **batch, lm_error *error)
{
    size_t rows = (size_t)lm__batch_rows(all);
    uint8_t *bits = lm__alloc_zero(s->allocator, lm__filter_bits_bytes((int64_t)rows) + 8);
    if (!bits) return no_memory(error);
    lm__bits_fill(bits, 0, rows, true);
    size_t dropped = lm__row_set_clear(s->deleted, s->row, rows, bits);
    lm_status status = LM_OK;
    if (dropped < rows)
        status = lm__batch_take_bits(all, bits, (int64_t)(rows - dropped), NULL, batch, error);
    s->row += rows;
    lm__free(s->allocator, bits);
    return status;
}

static lm_status live_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    live_stream *s = (live_stream *)stream;
    for (;;) {
        lm_batch *all;
        *batch = NULL;
        LM_TRY(lm__stream_next(s->source, &all, error));
        if (!all && lm__row_set_end(s->deleted) > s->row)
            return lm__error_set(error, LM_CORRUPT,
                                 "the deletion vector is damaged: it has rows that are past the "
                                 "part's %llu",
                                 (unsigned long long)s->row);
        if (!all) return LM_OK;
        lm_status status = live_batch(s, all, batch, error);
        lm__batch_unref(all);
        if (status != LM_OK || *batch) return status;
    }
}

static void live_close(lm_stream *stream)
{
    live_stream *s = (live_stream *)stream;
    lm__stream_close(s->source);
    lm__row_set_free(s->deleted);
    lm__free(s->allocator, s);
}

lm_status lm__live_stream_take(const lm_allocator *allocator, lm_stream *take_source,
                               lm_row_set *take_deleted, lm_stream **stream, lm_error *error)
{
    static const lm_stream_ops ops = {live_next, live_close};
    live_stream *s = lm__alloc_zero(allocator, sizeof *s);
    *stream = NULL;
    if (!s) {
        lm__stream_close(take_source);
        lm__row_set_free(take_deleted);
        return no_memory(error);
    }
    lm__stream_init(&s->stream, &ops, take_source->schema);
    s->allocator = allocator;
    s->source = take_source;
    s->deleted = take_deleted;
    *stream = &s->stream;
    return LM_OK;
}
