/*
 * From options to a plan: which way each part's bytes go, what that costs, and what would save it.
 * plan.h has the invariants.
 */
#include "merge/plan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "codec/codec.h"
#include "merge/journal.h"
#include "merge/parquet.h"
#include "store/place.h"

#define NOTES_MAX 8

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "planning a merge"); }

/* Words. */

#define WORD(words, value)                                                                         \
    ((unsigned)(value) < sizeof(words) / sizeof *(words) ? (words)[value] : "?")

const char *lm_merge_format_word(lm_merge_format format)
{
    static const char *const words[] = {"auto", "csv", "jsonl", "text", "parquet"};
    return WORD(words, format);
}

const char *lm_merge_order_word(lm_merge_order order)
{
    static const char *const words[] = {"auto", "part", "natural", "name", "time", "listed"};
    return WORD(words, order);
}

const char *lm_merge_strategy_word(lm_merge_strategy strategy)
{
    static const char *const words[] = {"stream", "copy", "concat"};
    return WORD(words, strategy);
}

const char *lm_merge_compression_word(lm_merge_compression compression)
{
    static const char *const words[] = {"auto", "none", "gzip", "zstd"};
    return WORD(words, compression);
}

const char *lm_merge_line_end_word(lm_merge_line_end line_end)
{
    static const char *const words[] = {"none", "lf", "crlf", "cr"};
    return WORD(words, line_end);
}

const char *lm__line_end_text(lm_merge_line_end line_end)
{
    static const char *const texts[] = {"\n", "\n", "\r\n", "\r"};
    return texts[line_end];
}

lm_codec lm__merge_codec(lm_merge_compression compression)
{
    return compression == LM_MERGE_COMPRESSION_GZIP   ? LM_CODEC_GZIP
           : compression == LM_MERGE_COMPRESSION_ZSTD ? LM_CODEC_ZSTD
                                                      : LM_CODEC_UNCOMPRESSED;
}

static lm_merge_compression compression_of(lm_codec codec)
{
    return codec == LM_CODEC_GZIP   ? LM_MERGE_COMPRESSION_GZIP
           : codec == LM_CODEC_ZSTD ? LM_MERGE_COMPRESSION_ZSTD
                                    : LM_MERGE_COMPRESSION_NONE;
}

lm_status lm__merge_note(lm_merge_plan *plan, const char *note, lm_error *error)
{
    if (!plan->notes) {
        plan->notes = lm__arena_array(&plan->arena, NOTES_MAX, sizeof *plan->notes);
        if (!plan->notes) return no_memory(error);
        plan->summary.notes = plan->notes;
    }
    if (plan->summary.note_count < NOTES_MAX) plan->notes[plan->summary.note_count++] = note;
    return LM_OK;
}

/* The destination. */

/* What is joined stays what it is. */
static lm_status check_destination(const lm_merge_plan *plan, lm_error *error)
{
    lm_merge_format to = lm__merge_format_of(plan->destination);
    lm_merge_format format = plan->summary.format;
    bool fits = to == LM_MERGE_AUTO || to == format || format == LM_MERGE_AUTO ||
                (to != LM_MERGE_PARQUET && format != LM_MERGE_PARQUET &&
                 (to == LM_MERGE_TEXT || format == LM_MERGE_TEXT));
    if (fits) return LM_OK;
    return lm__error_set(error, LM_INVALID,
                         "%s is to be %s, and the parts are %s: parts are joined as they are "
                         "(`lamella put` converts)",
                         plan->destination, lm_merge_format_word(to), lm_merge_format_word(format));
}

static lm_status choose_compression(lm_merge_plan *plan, lm_error *error)
{
    lm_merge_compression chosen = plan->options.compression;
    if (chosen == LM_MERGE_COMPRESSION_AUTO) chosen = lm__merge_compression_of(plan->destination);
    if (chosen == LM_MERGE_COMPRESSION_AUTO) chosen = LM_MERGE_COMPRESSION_NONE;
    plan->summary.compression = chosen;
    if (plan->summary.format == LM_MERGE_PARQUET && chosen != LM_MERGE_COMPRESSION_NONE)
        return lm__error_set(error, LM_INVALID, "%s: Parquet is compressed within, not as a whole",
                             plan->destination);
    if (!plan->options.level_set) plan->options.level = LM_CODEC_LEVEL_DEFAULT;
    return lm__codec_check_write((int)lm__merge_codec(chosen), plan->options.level, error);
}

/* The ways. */

static bool is_summed(const lm_merge_plan *plan)
{
    return plan->file.manifest || (plan->file.checksum && strcmp(plan->file.checksum, "none") != 0);
}

/* May the system copy bytes by itself? */
static bool can_copy_bytes(const lm_merge_plan *plan)
{
    return plan->from == plan->to && (plan->from->caps & LM_STORE_COPY) && !is_summed(plan);
}

static lm_part_way way_of(const lm_merge_plan *plan, const lm_part *part)
{
    lm_codec to = lm__merge_codec(plan->summary.compression);
    bool rows = plan->options.count_rows;
    bool can_copy = can_copy_bytes(plan) && !rows;
    if ((lm_codec)part->codec != to) return LM_PART_TEXT;
    if (to == LM_CODEC_UNCOMPRESSED) return can_copy ? LM_PART_COPY : LM_PART_READ;
    if (part->cut > 0) return LM_PART_TEXT;
    if (!plan->options.trust_parts || rows) return LM_PART_MEMBER;
    return can_copy ? LM_PART_COPY : LM_PART_READ;
}

/* Line ends differ? Then how a part without any is to end. */
static lm_status choose_line_ends(lm_merge_plan *plan, lm_error *error)
{
    lm_merge_line_end usual = LM_MERGE_LINE_NONE;
    bool differ = false;
    for (size_t i = plan->first; i < plan->count; i++) {
        const lm_part *part = &plan->parts[i];
        if (!lm__part_is_in(part) || part->line_end == LM_MERGE_LINE_NONE) continue;
        if (usual == LM_MERGE_LINE_NONE) usual = (lm_merge_line_end)part->line_end;
        differ = differ || part->line_end != usual;
    }
    if (usual == LM_MERGE_LINE_NONE) usual = LM_MERGE_LINE_LF;
    for (size_t i = plan->first; i < plan->count; i++)
        if (plan->parts[i].line_end == LM_MERGE_LINE_NONE) plan->parts[i].line_end = (uint8_t)usual;
    if (!differ) return LM_OK;
    return lm__merge_note(plan,
                          "not all parts end their lines in the same way; they stay as they "
                          "are",
                          error);
}

static bool same_directory(const char *a, const char *b)
{
    const char *a_slash = strrchr(a, '/'), *b_slash = strrchr(b, '/');
    size_t size = a_slash ? (size_t)(a_slash - a) : 0;
    if (!a_slash != !b_slash) return false;
    return size == (b_slash ? (size_t)(b_slash - b) : 0) && memcmp(a, b, size) == 0;
}

/* Could the store join the parts as they are? If not, why. */
static const char *no_concat_reason(const lm_merge_plan *plan)
{
    const lm_part *first = NULL;
    if (plan->from != plan->to) return "the parts and the result lie on different stores";
    if (!(plan->from->caps & LM_STORE_CONCAT) || !(plan->from->caps & LM_STORE_ADOPT))
        return "this store cannot join files";
    if (plan->summary.format == LM_MERGE_PARQUET) return "Parquet needs a new footer";
    if (plan->options.count_rows) return "rows are counted";
    for (size_t i = plan->first; i < plan->count; i++) {
        const lm_part *part = &plan->parts[i];
        if (!lm__part_is_in(part)) continue;
        if (!first) first = part;
        if (part->cut > 0) return "the parts begin with headers or marks that have to go";
        if (part->way == LM_PART_TEXT) return "the parts have to be compressed or decompressed";
        if (part->way == LM_PART_MEMBER) return "compressed parts are looked through";
        if (part->lacks_end) return "a part's last line does not end";
        if (!same_directory(first->path, part->path)) return "the parts are not in one directory";
    }
    return first ? NULL : "there is nothing to join";
}

/* What would save the bytes that this process has to read. */
static const char *find_hint(const lm_merge_plan *plan, const char *reason)
{
    const lm_merge_options *o = &plan->options;
    bool could_join = (plan->from->caps & LM_STORE_CONCAT) && plan->from == plan->to;
    bool could_copy = (plan->from->caps & LM_STORE_COPY) && plan->from == plan->to;
    bool members = false;
    for (size_t i = plan->first; i < plan->count; i++)
        members = members || plan->parts[i].way == LM_PART_MEMBER;
    if (plan->summary.client_bytes == 0) return NULL;
    if (plan->summary.format == LM_MERGE_PARQUET)
        return could_copy && is_summed(plan)
                   ? "without --manifest and --checksum the system copies the bytes itself"
                   : NULL;
    if (could_join && !reason && !o->delete_sources)
        return "--delete-sources lets the store join the parts itself: no bytes are moved";
    if ((could_copy || could_join) && o->count_rows)
        return "without --rows the bytes need not be read";
    if (could_copy && is_summed(plan))
        return "without --manifest and --checksum the system copies the bytes itself";
    if (members && !o->trust_parts)
        return "--trust-parts joins compressed parts without looking through them";
    if (could_join && plan->summary.has_header && plan->summary.parts > 1 && !plan->prefix_size)
        return "parts that are written without a header, and --header \"a,b,c\" "
               "--delete-sources, are joined by the store itself: no bytes are moved";
    return NULL;
}

static void sum_up(lm_merge_plan *plan)
{
    lm_merge_summary *s = &plan->summary;
    s->parts = plan->count;
    s->bytes_known = s->format != LM_MERGE_PARQUET;
    s->bytes = plan->prefix_size;
    s->strategy = plan->count > plan->first ? LM_MERGE_COPY : LM_MERGE_STREAM;
    for (size_t i = 0; i < plan->count; i++) {
        lm_part *part = &plan->parts[i];
        s->source_bytes += part->size;
        s->blank_parts += part->blank;
        if (!lm__part_is_in(part)) continue;
        if (part->way != LM_PART_COPY) {
            s->strategy = LM_MERGE_STREAM;
            s->client_bytes += part->size;
        }
        s->line_ends += part->lacks_end;
        s->bytes_known = s->bytes_known && part->way != LM_PART_TEXT &&
                         part->way != LM_PART_MEMBER &&
                         (s->compression == LM_MERGE_COMPRESSION_NONE || plan->prefix_size == 0);
        s->bytes += part->size - part->cut;
        if (part->lacks_end)
            s->bytes += strlen(lm__line_end_text((lm_merge_line_end)part->line_end));
    }
    if (s->compression != LM_MERGE_COMPRESSION_NONE && (plan->prefix_size || s->line_ends))
        s->bytes_known = false;
    if (!s->bytes_known) s->bytes = 0;
}

static lm_status choose_ways(lm_merge_plan *plan, lm_error *error)
{
    lm_merge_summary *s = &plan->summary;
    for (size_t i = plan->first; i < plan->count; i++)
        if (lm__part_is_in(&plan->parts[i]))
            plan->parts[i].way =
                (uint8_t)(s->format == LM_MERGE_PARQUET ? LM_PART_READ
                                                        : way_of(plan, &plan->parts[i]));
    sum_up(plan);
    if (s->format == LM_MERGE_PARQUET)
        LM_TRY(lm__merge_parquet_plan(plan, can_copy_bytes(plan), error));
    const char *reason = no_concat_reason(plan);
    if (plan->options.delete_sources && !reason) {
        s->strategy = LM_MERGE_CONCAT;
        s->client_bytes = is_summed(plan) ? s->bytes : 0;
    } else if (plan->options.delete_sources && (plan->from->caps & LM_STORE_CONCAT)) {
        const char *note =
            lm__arena_printf(&plan->arena, "the store cannot join the parts by itself: %s", reason);
        if (!note) return no_memory(error);
        LM_TRY(lm__merge_note(plan, note, error));
    }
    s->hint = find_hint(plan, reason);
    if (plan->first == plan->count && plan->count > 0)
        return lm__merge_note(plan, "all parts are blank", error);
    return LM_OK;
}

/* Opening. */

static lm_status open_stores(lm_merge_plan *plan, const char *const *sources,
                             const char *destination, lm_error *error)
{
    const lm_storage *storage = plan->file.storage;
    const char *path;
    const char **paths = lm__arena_array(&plan->arena, plan->source_count, sizeof *paths);
    if (!paths) return no_memory(error);
    for (size_t i = 0; i < plan->source_count; i++) {
        if (!lm__place_is_same(sources[0], sources[i]))
            return lm__error_set(error, LM_UNSUPPORTED,
                                 "%s and %s are not on one store: merge the parts of one store at "
                                 "a time",
                                 sources[0], sources[i]);
        paths[i] = lm__arena_strdup(&plan->arena, lm__place_path(sources[i]));
        if (!paths[i]) return no_memory(error);
    }
    LM_TRY(lm__store_for(plan->allocator, sources[0], storage, &plan->from, &path, error));
    plan->sources = paths;
    plan->is_local = plan->from->caps & LM_STORE_LOCAL;
    if (lm__place_is_same(sources[0], destination)) {
        plan->to = plan->from;
        path = lm__place_path(destination);
    } else {
        LM_TRY(lm__store_for(plan->allocator, destination, storage, &plan->to, &path, error));
    }
    plan->destination = lm__arena_strdup(&plan->arena, path);
    return plan->destination ? LM_OK : no_memory(error);
}

static lm_status check_options(const lm_merge_plan *plan, lm_error *error)
{
    const lm_merge_options *o = &plan->options;
    if (plan->source_count == 0)
        return lm__error_set(error, LM_INVALID, "nothing is given to be merged");
    if (o->header_text && o->header != LM_MERGE_HEADER_AUTO)
        return lm__error_set(error, LM_INVALID, "a header is given, or it is yes or no: not both");
    if ((unsigned)o->format > LM_MERGE_PARQUET || (unsigned)o->order > LM_MERGE_ORDER_LISTED ||
        (unsigned)o->header > LM_MERGE_HEADER_NO ||
        (unsigned)o->compression > LM_MERGE_COMPRESSION_ZSTD)
        return lm__error_set(error, LM_INVALID, "an option has a value that there is not");
    return LM_OK;
}

static lm_status make_plan(lm_merge_plan *plan, const char *const *sources, const char *destination,
                           lm_error *error)
{
    LM_TRY(check_options(plan, error));
    LM_TRY(open_stores(plan, sources, destination, error));
    LM_TRY(lm__merge_find(plan, error));
    if (plan->journal) {
        const lm_journal *j = plan->journal;
        plan->summary.resumes = true;
        plan->summary.strategy = j->target ? LM_MERGE_CONCAT : LM_MERGE_COPY;
        plan->summary.parts = j->count;
        plan->summary.bytes_known = true;
        plan->summary.bytes = j->bytes;
        for (size_t i = 0; i < j->count; i++) plan->summary.source_bytes += j->parts[i].size;
        return LM_OK;
    }
    LM_TRY(lm__merge_look(plan, error));
    LM_TRY(check_destination(plan, error));
    LM_TRY(choose_compression(plan, error));
    if (plan->summary.format != LM_MERGE_PARQUET) {
        LM_TRY(choose_line_ends(plan, error));
        LM_TRY(lm__merge_header(plan, error));
    }
    return choose_ways(plan, error);
}

lm_status lm_merge_plan_open(const char *const *sources, size_t source_count,
                             const char *destination, const lm_merge_options *options,
                             lm_merge_plan **plan, lm_error *error)
{
    static const lm_merge_options defaults = {0};
    if (!options) options = &defaults;
    const lm_allocator *allocator =
        lm__allocator_or_default(options->file ? options->file->allocator : NULL);
    lm_merge_plan *p = lm__alloc_zero(allocator, sizeof *p);
    *plan = NULL;
    if (!p) return no_memory(error);
    p->allocator = allocator;
    p->options = *options;
    if (options->file) p->file = *options->file;
    if (!p->file.checksum && !p->file.manifest) p->file.checksum = "none";
    p->source_count = source_count;
    lm__arena_init(&p->arena, allocator, 0);
    lm_status status = make_plan(p, sources, destination, error);
    if (status != LM_OK) {
        lm_merge_plan_close(p);
        return status;
    }
    *plan = p;
    return LM_OK;
}

const lm_merge_summary *lm_merge_plan_summary(const lm_merge_plan *plan) { return &plan->summary; }

void lm_merge_plan_part(const lm_merge_plan *plan, uint64_t index, lm_merge_part *part)
{
    *part = (lm_merge_part){0};
    if (plan->journal && index < plan->journal->count) {
        const lm_journal_part *p = &plan->journal->parts[index];
        *part = (lm_merge_part){.path = p->path,
                                .bytes = p->size,
                                .compression = LM_MERGE_COMPRESSION_NONE,
                                .blank = !p->joined && plan->journal->target,
                                .way = plan->summary.strategy};
    }
    if (index >= plan->count) return;
    const lm_part *p = &plan->parts[index];
    *part = (lm_merge_part){
        .path = p->path,
        .bytes = p->size,
        .mtime_ns = p->mtime_ns,
        .compression = compression_of((lm_codec)p->codec),
        .line_end = (lm_merge_line_end)p->line_end,
        .blank = p->blank,
        .bom = p->bom,
        .lacks_end = p->lacks_end,
        .cut = p->cut,
        .way = plan->summary.strategy == LM_MERGE_CONCAT ? LM_MERGE_CONCAT
               : p->way == LM_PART_COPY                  ? LM_MERGE_COPY
               : plan->parquet                           ? plan->summary.strategy
                                                         : LM_MERGE_STREAM,
    };
}

void lm_merge_plan_close(lm_merge_plan *plan)
{
    if (!plan) return;
    lm__merge_parquet_close(plan);
    if (plan->to != plan->from) lm__store_close(plan->to);
    lm__store_close(plan->from);
    lm__free(plan->allocator, plan->parts);
    lm__arena_deinit(&plan->arena);
    lm__free(plan->allocator, plan);
}

lm_status lm_merge(const char *const *sources, size_t source_count, const char *destination,
                   const lm_merge_options *options, lm_merge_result *result, lm_error *error)
{
    lm_merge_plan *plan;
    if (result) memset(result, 0, sizeof *result);
    LM_TRY(lm_merge_plan_open(sources, source_count, destination, options, &plan, error));
    lm_status status = lm_merge_run(plan, result, error);
    lm_merge_plan_close(plan);
    return status;
}
