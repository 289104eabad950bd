/* Writing and reading the journal; see journal.h. */
#include "merge/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/find.h"

#define FIRST_LINE "lamella merge 1\n"

lm_status lm__journal_path(lm_arena *arena, const char *directory, const char **path,
                           lm_error *error)
{
    size_t size = strlen(directory);
    const char *slash = size == 0 || directory[size - 1] == '/' ? "" : "/";
    *path = lm__arena_printf(arena, "%s%s%s", directory, slash, LM_MERGE_JOURNAL_NAME);
    return *path ? LM_OK : lm__error_memory(error, "looking for a journal");
}

/* "LENGTH:bytes" */
static lm_status put_text(lm_buffer *out, const char *key, const void *bytes, size_t size)
{
    LM_TRY(lm__buffer_printf(out, "%s %zu:", key, size));
    LM_TRY(lm__buffer_append(out, bytes, size));
    return lm__buffer_text(out, "\n");
}

static lm_status put_all(lm_buffer *out, const lm_journal *j)
{
    LM_TRY(lm__buffer_text(out, FIRST_LINE));
    LM_TRY(put_text(out, "destination", j->destination, strlen(j->destination)));
    LM_TRY(put_text(out, "target", j->target ? j->target : "", j->target ? strlen(j->target) : 0));
    LM_TRY(put_text(out, "prefix", j->prefix, j->prefix_size));
    LM_TRY(lm__buffer_printf(out, "bytes %" PRIu64 "\nresult %" PRIx64 " %" PRIx64 "\n", j->bytes,
                             j->device, j->inode));
    LM_TRY(lm__buffer_printf(out, "before %" PRIx64 "\nparts %zu\n", j->before, j->count));
    for (size_t i = 0; i < j->count; i++) {
        const lm_journal_part *part = &j->parts[i];
        LM_TRY(lm__buffer_printf(out, "%c %" PRIu64 " %" PRIx64, part->joined ? 'j' : 'r',
                                 part->size, part->stamp));
        LM_TRY(put_text(out, "", part->path, strlen(part->path)));
    }
    return lm__buffer_printf(out, "end %08" PRIx32 "\n", lm__crc32c(0, out->data, out->size));
}

lm_status lm__journal_write(lm_store *store, const lm_journal *journal, lm_error *error)
{
    lm_buffer out;
    lm__buffer_init(&out, store->allocator, LM_MERGE_JOURNAL_BYTES_MAX);
    lm_status status = put_all(&out, journal);
    if (status == LM_OK)
        status = lm__store_put_if_absent(store, journal->path, out.data, out.size, error);
    else if (status == LM_NO_MEMORY)
        status = lm__error_memory(error, "writing a journal");
    else
        status = lm__error_set(error, status, "%s: the journal would be too large", journal->path);
    lm__buffer_deinit(&out);
    return status;
}

typedef struct reading {
    const char *at, *end;
    lm_arena *arena;
} reading;

static bool take(reading *r, const char *text)
{
    size_t size = strlen(text);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, text, size) != 0) return false;
    r->at += size;
    return true;
}

/* A number up to what is not of it; the text ends with a line's end, so it ends. */
static bool take_number(reading *r, int base, uint64_t *value)
{
    char *end;
    if (r->at == r->end || *r->at == ' ' || *r->at == '-' || *r->at == '+') return false;
    *value = strtoull(r->at, &end, base);
    bool good = end > r->at;
    r->at = end;
    return good;
}

static bool take_text(reading *r, const char *key, const char **text, size_t *size)
{
    uint64_t length;
    if (!take(r, key) || !take(r, " ") || !take_number(r, 10, &length) || !take(r, ":"))
        return false;
    if (length > (uint64_t)(r->end - r->at)) return false;
    *size = (size_t)length;
    *text = lm__arena_strndup(r->arena, r->at, *size);
    r->at += length;
    return *text && take(r, "\n");
}

static bool take_part(reading *r, lm_journal_part *part)
{
    size_t size;
    part->joined = r->at < r->end && *r->at == 'j';
    return take(r, part->joined ? "j " : "r ") && take_number(r, 10, &part->size) && take(r, " ") &&
           take_number(r, 16, &part->stamp) && take_text(r, "", &part->path, &size);
}

static bool take_all(reading *r, lm_journal *j)
{
    size_t size;
    uint64_t count;
    bool good = take(r, FIRST_LINE) && take_text(r, "destination", &j->destination, &size) &&
                take_text(r, "target", &j->target, &size);
    if (good && size == 0) j->target = NULL;
    good = good && take_text(r, "prefix", (const char **)&j->prefix, &j->prefix_size) &&
           take(r, "bytes ") && take_number(r, 10, &j->bytes) && take(r, "\nresult ") &&
           take_number(r, 16, &j->device) && take(r, " ") && take_number(r, 16, &j->inode) &&
           take(r, "\nbefore ") && take_number(r, 16, &j->before) && take(r, "\nparts ") &&
           take_number(r, 10, &count) && take(r, "\n");
    /* A part takes more bytes than this. */
    if (!good || count > LM_MERGE_PARTS_MAX || count > (uint64_t)(r->end - r->at) / 8) return false;
    j->parts = lm__arena_array(r->arena, (size_t)count, sizeof *j->parts);
    if (!j->parts) return false;
    for (j->count = 0; j->count < count; j->count++)
        if (!take_part(r, &j->parts[j->count])) return false;
    return true;
}

/* The last line is the sum of all before it. */
static bool sum_holds(const uint8_t *data, size_t size)
{
    char line[32];
    size_t last = strlen("end 12345678\n");
    if (size < last) return false;
    int length =
        snprintf(line, sizeof line, "end %08" PRIx32 "\n", lm__crc32c(0, data, size - last));
    return length == (int)last && memcmp(data + size - last, line, last) == 0;
}

lm_status lm__journal_read(lm_arena *arena, lm_store *store, const char *path, lm_journal **journal,
                           lm_error *error)
{
    uint8_t *data;
    size_t size;
    *journal = lm__arena_zero(arena, sizeof **journal);
    if (!*journal) return lm__error_memory(error, "reading a journal");
    LM_TRY(lm__store_read(store, path, store->allocator, LM_MERGE_JOURNAL_BYTES_MAX, &data, &size,
                          error));
    reading r = {(const char *)data, (const char *)data + size, arena};
    lm_status status = LM_OK;
    if (!sum_holds(data, size) || !take_all(&r, *journal))
        status =
            lm__error_set(error, LM_CORRUPT, "%s: this journal of a merge cannot be read", path);
    lm__free(store->allocator, data);
    (*journal)->path = lm__arena_strdup(arena, path);
    if (status == LM_OK && !(*journal)->path) status = lm__error_memory(error, "reading a journal");
    return status;
}
