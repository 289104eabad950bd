/*
 * What each part is: compressed or not, with a byte order mark, blank, how its lines end, whether
 * its last one does, and whether it begins with the line that the first part begins with. All of it
 * is read from the first and the last bytes.
 *
 * The first part that is not blank is looked at first: it settles the format, the dialect of CSV
 * and the line. The others are then looked at side by side where the store is far.
 */
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "csv/head.h"
#include "merge/many.h"

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "planning a merge"); }

/* As it was seen. */

lm_status lm__merge_part_status(lm_status status, lm_error *error)
{
    if (status != LM_STALE) return status;
    (void)lm__error_within(error, LM_CONFLICT,
                           "a part was changed while it was merged; run the merge again when all "
                           "writers are done");
    if (error) error->code = LM_CONFLICT;
    return LM_CONFLICT;
}

static lm_status gone(const char *path, lm_error *error)
{
    return lm__error_set(error, LM_CONFLICT, "%s is gone since the merge began", path);
}

lm_status lm__merge_open_part(const lm_merge_plan *plan, const lm_part *part, lm_source **source,
                              lm_error *error)
{
    lm_status status =
        lm__store_open_seen(plan->from, part->path, part->size, part->inode, source, error);
    return status == LM_NOT_FOUND ? gone(part->path, error) : lm__merge_part_status(status, error);
}

lm_status lm__merge_unchanged(const lm_merge_plan *plan, lm_error *error)
{
    lm_status status = LM_OK;
    lm_standing *now = lm__alloc_array(plan->allocator, plan->count + 1, sizeof *now);
    if (!now) return no_memory(error);
    for (size_t i = 0; i < plan->count; i++) now[i] = (lm_standing){.path = plan->parts[i].path};
    status = lm__many_look(plan, now, plan->count, error);
    for (size_t i = 0; i < plan->count && status == LM_OK; i++) {
        if (!now[i].there)
            status = gone(now[i].path, error);
        else if (now[i].stamp != plan->parts[i].stamp)
            status = lm__error_set(error, LM_CONFLICT,
                                   "%s was changed while it was merged; run the merge again",
                                   now[i].path);
    }
    lm__free(plan->allocator, now);
    return status;
}

/* The first bytes. */

typedef struct magic {
    const char *bytes;
    size_t size;
    const char *what;
} magic;

/* What is no text, and cannot be joined by its bytes. */
static const magic foreign[] = {
    {"ARROW1", 6, "an Arrow file"},
    {"\xff\xff\xff\xff", 4, "an Arrow stream"},
    {"Obj\x01", 4, "an Avro file"},
    {"ORC", 3, "an ORC file"},
    {"PK\x03\x04", 4, "a zip file (a workbook?)"},
    {"BZh", 3, "compressed with bzip2"},
    {"\xfd"
     "7zXZ",
     5, "compressed with xz"},
    {"\x04\x22\x4d\x18", 4, "compressed with lz4"},
    {"\xff\x06\0\0sNaPpY", 10, "compressed with snappy"},
};

static const char *const foreign_suffixes[] = {".snappy",  ".lz4", ".lzo",
                                               ".deflate", ".bz2", ".xz"};

static lm_status check_magic(const lm_part *part, const uint8_t *head, size_t size, lm_error *error)
{
    size_t length = strlen(part->path);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (size >= foreign[i].size && memcmp(head, foreign[i].bytes, foreign[i].size) == 0)
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "%s is %s: only text, plain or as .gz or .zst, and Parquet are "
                                 "merged (`lamella put` reads and converts more)",
                                 part->path, foreign[i].what);
    for (size_t i = 0; i < sizeof foreign_suffixes / sizeof *foreign_suffixes; i++) {
        size_t suffix = strlen(foreign_suffixes[i]);
        if (length > suffix && strcasecmp(part->path + length - suffix, foreign_suffixes[i]) == 0)
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "%s: parts compressed as %s are not read; write them plain, as "
                                 ".gz or as .zst",
                                 part->path, foreign_suffixes[i] + 1);
    }
    return LM_OK;
}

/* Fills the look with text from compressed bytes, the first of which it has. */
static lm_status unpack_head(const lm_merge_plan *plan, const lm_part *part, lm_source *source,
                             lm_look *look, lm_error *error)
{
    lm_unpack *unpack;
    uint8_t *more = NULL;
    uint64_t at = look->byte_count;
    lm_unpack_step step = {look->bytes, look->byte_count, look->text, look->capacity};
    LM_TRY(lm__unpack_new(plan->allocator, (lm_codec)part->codec, &unpack, error));
    lm_status status = LM_OK;
    for (;;) {
        status = lm__unpack_run(unpack, &step, error);
        if (status != LM_OK || step.out_size == 0 || (step.in_size == 0 && at == part->size)) break;
        if (step.in_size > 0) continue;
        size_t size =
            part->size - at < LM_MERGE_HEAD_BYTES ? (size_t)(part->size - at) : LM_MERGE_HEAD_BYTES;
        if (!more) more = lm__alloc(plan->allocator, LM_MERGE_HEAD_BYTES);
        status = more ? lm_source_read(source, at, more, size, error) : no_memory(error);
        if (status != LM_OK) break;
        at += size;
        step.in = more;
        step.in_size = size;
    }
    look->size = look->capacity - step.out_size;
    look->all = step.out_size > 0;
    lm__free(plan->allocator, more);
    lm__unpack_free(unpack);
    status = lm__merge_part_status(status, error);
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "%s", part->path);
}

/* Room for the line that parts are compared with, and for telling what stands behind it. */
static size_t head_bytes(const lm_merge_plan *plan)
{
    return plan->line_size + LM_MERGE_HEAD_BYTES;
}

/* The first bytes of a part: of a small one on a far store all, so that its end is among them. */
static lm_status fetch_head(const lm_merge_plan *plan, const lm_part *part, lm_source *source,
                            lm_arena *arena, lm_look *look, lm_error *error)
{
    size_t wanted = head_bytes(plan);
    if (!plan->is_local && part->size <= LM_MERGE_WHOLE_BYTES) wanted = LM_MERGE_WHOLE_BYTES;
    if (part->size < wanted) wanted = (size_t)part->size;
    look->byte_count = wanted;
    if (plan->kept && part->path == plan->parts[plan->first].path && wanted <= plan->kept_size) {
        look->bytes = plan->kept;
        return LM_OK;
    }
    uint8_t *bytes = lm__arena_alloc(arena, wanted + 1);
    look->bytes = bytes;
    if (!bytes) return no_memory(error);
    return lm__merge_part_status(lm_source_read(source, 0, bytes, wanted, error), error);
}

static lm_status read_head(const lm_merge_plan *plan, lm_part *part, lm_source *source,
                           lm_arena *arena, lm_look *look, lm_error *error)
{
    LM_TRY(fetch_head(plan, part, source, arena, look, error));
    const uint8_t *head = look->bytes;
    size_t size = look->byte_count, bytes = head_bytes(plan);
    part->codec = (uint8_t)lm__unpack_codec(head, size);
    bool parquet = size >= 4 && (memcmp(head, "PAR1", 4) == 0 || memcmp(head, "PARE", 4) == 0);
    part->format = parquet ? LM_MERGE_PARQUET : LM_MERGE_AUTO;
    if (parquet) return LM_OK;
    LM_TRY(check_magic(part, head, size, error));
    if (part->codec == LM_CODEC_UNCOMPRESSED) {
        /* Judged by as much as on a near store, whatever is at hand. */
        look->size = look->capacity = size < bytes ? size : bytes;
        look->text = (uint8_t *)head;
        look->all = look->size == part->size;
        return LM_OK;
    }
    look->capacity = bytes;
    look->text = lm__arena_alloc(arena, bytes);
    if (!look->text) return no_memory(error);
    return unpack_head(plan, part, source, look, error);
}

lm_status lm__part_text(const lm_merge_plan *plan, const lm_part *part, lm_arena *arena,
                        lm_look *look, lm_error *error)
{
    lm_source *source;
    lm_part copy = *part;
    *look = (lm_look){0};
    LM_TRY(lm__merge_open_part(plan, part, &source, error));
    lm_status status = read_head(plan, &copy, source, arena, look, error);
    lm_source_close(source);
    return status;
}

/* What the bytes say. */

static lm_status check_encoding(const lm_part *part, const lm_look *look, lm_error *error)
{
    if (look->size < 2 || !((look->text[0] == 0xff && look->text[1] == 0xfe) ||
                            (look->text[0] == 0xfe && look->text[1] == 0xff)))
        return LM_OK;
    return lm__error_set(error, LM_DATA,
                         "%s: it is UTF-16, and only UTF-8 is merged: convert it first (iconv -f "
                         "utf-16 -t utf-8)",
                         part->path);
}

static bool is_blank(const lm_merge_plan *plan, const lm_look *look, size_t from)
{
    if (!look->all) return false;
    if (plan->summary.format == LM_MERGE_TEXT) return from == look->size;
    while (from < look->size && (look->text[from] == '\n' || look->text[from] == '\r')) from++;
    return from == look->size;
}

static lm_merge_line_end line_end_at(const uint8_t *text, size_t size, size_t at)
{
    if (at >= size) return LM_MERGE_LINE_NONE;
    if (text[at] == '\n') return LM_MERGE_LINE_LF;
    return at + 1 < size && text[at + 1] == '\n' ? LM_MERGE_LINE_CRLF : LM_MERGE_LINE_CR;
}

/* How the first line of what is no CSV ends. */
static lm_merge_line_end plain_line_end(const uint8_t *text, size_t size)
{
    const uint8_t *feed = memchr(text, '\n', size);
    if (!feed) return LM_MERGE_LINE_NONE;
    return feed > text && feed[-1] == '\r' ? LM_MERGE_LINE_CRLF : LM_MERGE_LINE_LF;
}

static lm_status look_at_lines(const lm_merge_plan *plan, lm_part *part, lm_arena *arena,
                               const lm_look *look, lm_error *error)
{
    lm_csv_head head;
    size_t mark = part->bom ? 3 : 0, size = look->size - mark;
    const uint8_t *text = look->text + mark;
    part->cut = (uint32_t)mark;
    if (plan->summary.format != LM_MERGE_CSV) {
        part->line_end = (uint8_t)plain_line_end(text, size);
        return LM_OK;
    }
    lm_status status = lm__csv_head(arena, &plan->dialect, text, size, look->all, &head, error);
    if (status != LM_OK) return lm__error_within(error, status, "%s", part->path);
    if (!head.whole) return LM_OK; /* longer than any header that is compared */
    part->line_end = (uint8_t)line_end_at(text, head.next, head.end);
    part->evident = head.evident;
    part->typed = head.typed;
    part->same_line = plan->line_known && head.end - head.begin == plan->line_size &&
                      memcmp(text + head.begin, plan->line, plan->line_size) == 0;
    if (part->same_line) part->cut += (uint32_t)head.next;
    return LM_OK;
}

static lm_status look_at_end(const lm_merge_plan *plan, lm_part *part, lm_source *source,
                             const lm_look *look, lm_error *error)
{
    uint8_t last = 0;
    if (part->codec != LM_CODEC_UNCOMPRESSED) return LM_OK;
    bool has_end = look->byte_count == part->size;
    if (!has_end && plan->options.trust_parts) return LM_OK;
    if (has_end)
        last = look->bytes[look->byte_count - 1];
    else
        LM_TRY(
            lm__merge_part_status(lm_source_read(source, part->size - 1, &last, 1, error), error));
    part->lacks_end = last != '\n' && !(last == '\r' && part->line_end == LM_MERGE_LINE_CR);
    return LM_OK;
}

/* One part, when the format and the line to compare with are known. */
static lm_status look_at_part(const lm_merge_plan *plan, lm_part *part, lm_arena *arena,
                              lm_look *kept, lm_error *error)
{
    lm_source *source;
    lm_look look = {0};
    part->blank = part->size == 0;
    part->way = LM_PART_SKIP;
    if (part->blank) return LM_OK;
    LM_TRY(lm__merge_open_part(plan, part, &source, error));
    lm_status status = read_head(plan, part, source, arena, &look, error);
    bool is_parquet = part->format == LM_MERGE_PARQUET;
    bool wants_parquet = plan->summary.format == LM_MERGE_PARQUET;
    if (status == LM_OK && plan->summary.format != LM_MERGE_AUTO && is_parquet != wants_parquet)
        status = lm__error_set(error, LM_DATA,
                               is_parquet ? "%s is Parquet, among parts that are text"
                                          : "%s is no Parquet, among parts that are",
                               part->path);
    if (status == LM_OK && !is_parquet) {
        status = check_encoding(part, &look, error);
        part->bom = look.size >= 3 && memcmp(look.text, "\xef\xbb\xbf", 3) == 0;
        part->blank = is_blank(plan, &look, part->bom ? 3 : 0);
        if (status == LM_OK && !part->blank)
            status = look_at_lines(plan, part, arena, &look, error);
        if (status == LM_OK && !part->blank) status = look_at_end(plan, part, source, &look, error);
        /* Nothing but a header: seen here only where it is all in the first bytes. */
        if (look.all && !part->blank && part->same_line) part->only_line = part->cut == look.size;
    }
    if (status == LM_OK && !part->blank) part->way = LM_PART_READ;
    if (kept) *kept = look;
    lm_source_close(source);
    return status;
}

static lm_status look_at_number(void *context, size_t number, lm_arena *scratch, lm_error *error)
{
    lm_merge_plan *plan = context;
    return look_at_part(plan, &plan->parts[plan->first + number], scratch, NULL, error);
}

/* The first part. */

static lm_status format_conflict(const lm_part *a, lm_merge_format of_a, const lm_part *b,
                                 lm_merge_format of_b, lm_error *error)
{
    return lm__error_set(error, LM_DATA,
                         "%s is %s and %s is %s by their names: merge them apart, or say what all "
                         "of them are (--format)",
                         a->path, lm_merge_format_word(of_a), b->path, lm_merge_format_word(of_b));
}

/* By the options, the names of the parts, that of the destination. */
static lm_status format_by_names(lm_merge_plan *plan, lm_error *error)
{
    const lm_part *known = NULL;
    lm_merge_format format = LM_MERGE_AUTO;
    plan->summary.format = plan->options.format;
    if (plan->options.format != LM_MERGE_AUTO) return LM_OK;
    for (size_t i = 0; i < plan->count; i++) {
        lm_merge_format found = lm__merge_format_of(plan->parts[i].path);
        if (found == LM_MERGE_AUTO || found == format) continue;
        if (known) return format_conflict(known, format, &plan->parts[i], found, error);
        known = &plan->parts[i];
        format = found;
    }
    plan->summary.format = format;
    if (!known) plan->summary.format = lm__merge_format_of(plan->destination);
    return LM_OK;
}

/* By the first part, where names say nothing. */
static lm_merge_format format_by_text(const lm_part *part, const lm_look *look)
{
    if (part->format == LM_MERGE_PARQUET) return LM_MERGE_PARQUET;
    size_t at = part->bom ? 3 : 0;
    while (at < look->size && strchr(" \t\r\n", look->text[at])) at++;
    return at < look->size && look->text[at] == '{' ? LM_MERGE_JSONL : LM_MERGE_TEXT;
}

/* The line that the other parts are compared with; more of the part is read while it is not whole.
 */
static lm_status take_line(lm_merge_plan *plan, lm_part *part, lm_error *error)
{
    static const lm_csv_read_options sniffing = {0};
    lm_csv_head head = {0};
    lm_arena scratch;
    lm_status status = LM_OK;
    bool sniffed = false;
    lm__arena_init(&scratch, plan->allocator, LM_MERGE_LOOK_ARENA_BYTES_MAX);
    for (;;) {
        lm_look look;
        lm__arena_reset(&scratch);
        status = lm__part_text(plan, part, &scratch, &look, error);
        if (status != LM_OK) break;
        size_t mark = part->bom ? 3 : 0;
        const uint8_t *text = look.text + mark;
        if (!sniffed) lm__csv_sniff(&sniffing, text, look.size - mark, look.all, &plan->dialect);
        sniffed = true;
        status =
            lm__csv_head(&scratch, &plan->dialect, text, look.size - mark, look.all, &head, error);
        if (status != LM_OK) {
            lm__error_within(error, status, "%s", part->path);
            break;
        }
        if (!head.whole && !look.all && plan->line_size < LM_MERGE_LINE_BYTES_MAX) {
            plan->line_size = 4 * (plan->line_size + LM_MERGE_HEAD_BYTES);
            continue;
        }
        plan->line_known = head.whole;
        if (!head.whole) break; /* too long, or a quote that is never closed */
        plan->line_size = head.end - head.begin;
        plan->line_is_names = head.names;
        plan->line_cells = head.cells;
        plan->line = (const uint8_t *)lm__arena_strndup(
            &plan->arena, (const char *)text + head.begin, plan->line_size);
        if (!plan->line) status = no_memory(error);
        break;
    }
    lm__arena_deinit(&scratch);
    if (!plan->line_known) plan->line_size = 0;
    return status;
}

/* What was read of the first part is kept: it is looked at more than once. */
static lm_status keep_head(lm_merge_plan *plan, const lm_look *look, lm_error *error)
{
    if (plan->kept) return LM_OK;
    plan->kept = (const uint8_t *)lm__arena_strndup(&plan->arena, (const char *)look->bytes,
                                                    look->byte_count);
    if (!plan->kept) return no_memory(error);
    plan->kept_size = look->byte_count;
    return LM_OK;
}

/* Up to the first part that is not blank. */
static lm_status look_first(lm_merge_plan *plan, lm_error *error)
{
    lm_arena scratch;
    lm_look look = {0};
    lm_status status = LM_OK;
    lm__arena_init(&scratch, plan->allocator, LM_MERGE_LOOK_ARENA_BYTES_MAX);
    for (; plan->first < plan->count && status == LM_OK; plan->first++) {
        lm_part *part = &plan->parts[plan->first];
        lm__arena_reset(&scratch);
        status = look_at_part(plan, part, &scratch, &look, error);
        if (status == LM_OK && !part->blank) break;
    }
    if (status == LM_OK && plan->first < plan->count) {
        lm_part *part = &plan->parts[plan->first];
        status = keep_head(plan, &look, error);
        if (plan->summary.format == LM_MERGE_AUTO)
            plan->summary.format = format_by_text(part, &look);
    }
    lm__arena_deinit(&scratch);
    return status;
}

lm_status lm__merge_look(lm_merge_plan *plan, lm_error *error)
{
    LM_TRY(format_by_names(plan, error));
    bool by_text = plan->summary.format == LM_MERGE_AUTO;
    LM_TRY(look_first(plan, error));
    /* Among plain lines empty ones count: now that this is known, look again. */
    if (by_text && plan->summary.format == LM_MERGE_TEXT) {
        plan->first = 0;
        plan->kept = NULL;
        LM_TRY(look_first(plan, error));
    }
    if (plan->first == plan->count) return LM_OK;
    lm_part *part = &plan->parts[plan->first];
    if (plan->summary.format == LM_MERGE_CSV && part->format != LM_MERGE_PARQUET)
        LM_TRY(take_line(plan, part, error));
    return lm__many_run(plan, plan->count - plan->first, look_at_number, plan, error);
}
