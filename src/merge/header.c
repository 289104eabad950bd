/*
 * One header for all parts, or none.
 *
 * Nothing is guessed where guessing could lose a row: a line is taken for a header only when the
 * caller says so, or when every part begins with it, byte for byte, and it looks like names
 * (csv/head.h has the rule, which is the CSV reader's). Where some parts have it and others do not,
 * the one that differs is named, with the column.
 */
#include <string.h>

#include "base/error.h"
#include "csv/head.h"
#include "merge/plan.h"

typedef struct tally {
    size_t parts;     /* that are not blank */
    size_t same;      /* begin with the first one's line */
    lm_part *other;   /* the first that does not */
    lm_part *evident; /* the first, of those, that has a header for all one can tell */
    lm_part *typed;   /* the first that begins with what is no header */
} tally;

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "planning a merge"); }

static void count_lines(const lm_merge_plan *plan, tally *t)
{
    *t = (tally){0};
    for (size_t i = plan->first; i < plan->count; i++) {
        lm_part *part = &plan->parts[i];
        if (!lm__part_is_in(part)) continue;
        t->parts++;
        t->same += part->same_line;
        if (!part->same_line && !t->other) t->other = part;
        if (!part->same_line && part->evident && !t->evident) t->evident = part;
        if (part->typed && !t->typed) t->typed = part;
    }
}

/* How the line that `part` begins with differs from the first part's. */
static lm_status tell_difference(const lm_merge_plan *plan, const lm_part *part, lm_arena *arena,
                                 const char *remedy, lm_error *error)
{
    const char *first = plan->parts[plan->first].path, *const * a, *const * b;
    char shown_a[128], shown_b[128];
    size_t a_count, b_count, at = 0;
    lm_look look;
    lm_csv_head head;
    LM_TRY(lm__part_text(plan, part, arena, &look, error));
    const uint8_t *text = look.text + (part->bom ? 3 : 0);
    size_t size = look.size - (part->bom ? 3 : 0);
    LM_TRY(lm__csv_head(arena, &plan->dialect, text, size, look.all, &head, error));
    if (!head.whole)
        return lm__error_set(error, LM_SCHEMA,
                             "%s: its first line does not end where the header of %s does%s",
                             part->path, first, remedy);
    LM_TRY(lm__csv_head_cells(arena, &plan->dialect, plan->line, plan->line_size,
                              (const char ***)&a, &a_count, error));
    LM_TRY(lm__csv_head_cells(arena, &plan->dialect, text + head.begin, head.end - head.begin,
                              (const char ***)&b, &b_count, error));
    while (at < a_count && at < b_count && strcmp(a[at], b[at]) == 0) at++;
    if (at < a_count && at < b_count)
        return lm__error_set(error, LM_SCHEMA,
                             "%s: column %zu of its first line is '%s', and of the header, in %s, "
                             "'%s'%s",
                             part->path, at + 1, lm__printable(shown_b, sizeof shown_b, b[at]),
                             first, lm__printable(shown_a, sizeof shown_a, a[at]), remedy);
    if (a_count != b_count)
        return lm__error_set(error, LM_SCHEMA,
                             "%s: its first line has %zu columns, and the header, in %s, has "
                             "%zu%s",
                             part->path, b_count, first, a_count, remedy);
    return lm__error_set(error, LM_SCHEMA,
                         "%s: its first line says what the header, in %s, does, but is written "
                         "otherwise (quotes, spaces)%s",
                         part->path, first, remedy);
}

static lm_status differs(const lm_merge_plan *plan, const lm_part *part, const char *remedy,
                         lm_error *error)
{
    lm_arena arena;
    lm__arena_init(&arena, plan->allocator, 0);
    lm_status status = tell_difference(plan, part, &arena, remedy, error);
    lm__arena_deinit(&arena);
    return status;
}

#define REMEDY_AUTO                                                                                \
    ": some parts seem to have a header and some not. Say --header no if that line is data, or "   \
    "mend the parts"
#define REMEDY_YES ": with a header, all parts must begin with the same one"

/* AUTO: is the first part's line a header? */
static lm_status decide(lm_merge_plan *plan, const tally *t, bool *is_header, lm_error *error)
{
    const lm_part *first = &plan->parts[plan->first];
    *is_header = plan->line_known && plan->line_is_names && t->same == t->parts;
    if (*is_header || !plan->line_known || t->parts < 2) return LM_OK;
    if (!plan->line_is_names) {
        if (t->evident) return differs(plan, t->evident, REMEDY_AUTO, error);
        if (t->same == t->parts)
            return lm__merge_note(plan,
                                  "all parts begin with the same line, which does not look like a "
                                  "header and is taken for data; --header yes makes it one",
                                  error);
        return LM_OK;
    }
    if (t->same > 1 || first->evident) return differs(plan, t->other, REMEDY_AUTO, error);
    if (t->evident) return differs(plan, t->evident, REMEDY_AUTO, error);
    if (t->typed) return differs(plan, t->typed, REMEDY_AUTO, error);
    return LM_OK; /* words everywhere, and no two parts begin alike */
}

/* The header that was given: one row, with as many columns as the parts have. */
static lm_status check_given(lm_merge_plan *plan, lm_error *error)
{
    const char *text = plan->options.header_text;
    size_t size = strlen(text);
    lm_csv_head head;
    lm_arena arena;
    lm__arena_init(&arena, plan->allocator, 0);
    lm_status status =
        lm__csv_head(&arena, &plan->dialect, (const uint8_t *)text, size, true, &head, error);
    lm__arena_deinit(&arena);
    LM_TRY(status);
    if (!head.whole || head.begin != 0 || head.end != size)
        return lm__error_set(error, LM_INVALID, "the header '%s' is not one line of CSV", text);
    if (plan->line_known && plan->line_cells != head.cells)
        return lm__error_set(error, LM_SCHEMA,
                             "the header '%s' has %zu columns, and %s has %zu (separated by '%c')",
                             text, head.cells, plan->parts[plan->first].path, plan->line_cells,
                             plan->dialect.separator);
    return LM_OK;
}

static lm_status make_prefix(lm_merge_plan *plan, lm_error *error)
{
    const lm_part *first = plan->first < plan->count ? &plan->parts[plan->first] : NULL;
    const char *end =
        lm__line_end_text(first ? (lm_merge_line_end)first->line_end : LM_MERGE_LINE_NONE);
    const char *text =
        lm__arena_printf(&plan->arena, "%s%s%s", first && first->bom ? "\xef\xbb\xbf" : "",
                         plan->options.header_text, end);
    if (!text) return no_memory(error);
    plan->prefix = (const uint8_t *)text;
    plan->prefix_size = strlen(text);
    plan->summary.header = plan->options.header_text;
    plan->summary.header_bytes = strlen(plan->options.header_text);
    plan->summary.has_header = true;
    return LM_OK;
}

static lm_status give_header(lm_merge_plan *plan, const tally *t, bool *is_header, lm_error *error)
{
    const char *text = plan->options.header_text;
    LM_TRY(check_given(plan, error));
    *is_header = plan->line_known && plan->line_size == strlen(text) &&
                 memcmp(plan->line, text, plan->line_size) == 0;
    if (*is_header) { /* the parts have it already */
        if (t->other) return differs(plan, t->other, REMEDY_YES, error);
        return LM_OK;
    }
    if (t->parts > 1 && t->same == t->parts && plan->line_is_names)
        return lm__error_set(error, LM_SCHEMA,
                             "%s and all other parts begin with a header of their own; leave "
                             "--header away to keep it",
                             plan->parts[plan->first].path);
    if (t->parts > 0 && plan->parts[plan->first].evident)
        LM_TRY(lm__merge_note(plan,
                              "the first part begins with what looks like a header, and is taken "
                              "for data",
                              error));
    return make_prefix(plan, error);
}

/* What is left out at the front of each part. */
static void set_cuts(lm_merge_plan *plan, bool is_header)
{
    for (size_t i = plan->first; i < plan->count; i++) {
        lm_part *part = &plan->parts[i];
        if (!lm__part_is_in(part)) continue;
        bool stays = i == plan->first && plan->prefix_size == 0;
        if (stays || !is_header) part->cut = part->bom && !stays ? 3 : 0;
        bool is_all = part->codec == LM_CODEC_UNCOMPRESSED ? part->cut >= part->size
                                                           : is_header && part->only_line;
        if (is_all && !stays) part->way = LM_PART_SKIP;
    }
}

lm_status lm__merge_header(lm_merge_plan *plan, lm_error *error)
{
    const lm_merge_options *options = &plan->options;
    bool is_header = false;
    tally t;
    count_lines(plan, &t);
    if (plan->summary.format != LM_MERGE_CSV) {
        if (options->header_text || options->header == LM_MERGE_HEADER_YES)
            return lm__error_set(error, LM_INVALID,
                                 "only CSV has a header, and the parts are %s (--format csv says "
                                 "otherwise)",
                                 lm_merge_format_word(plan->summary.format));
    } else if (options->header_text) {
        LM_TRY(give_header(plan, &t, &is_header, error));
    } else if (options->header == LM_MERGE_HEADER_YES) {
        if (t.parts > 0 && !plan->line_known)
            return lm__error_set(error, LM_DATA, "%s: its first line is too long for a header",
                                 plan->parts[plan->first].path);
        if (t.other) return differs(plan, t.other, REMEDY_YES, error);
        is_header = t.parts > 0;
    } else if (options->header == LM_MERGE_HEADER_AUTO && t.parts > 0) {
        LM_TRY(decide(plan, &t, &is_header, error));
    }
    if (is_header) {
        plan->summary.has_header = true;
        plan->summary.header = (const char *)plan->line;
        plan->summary.header_bytes = plan->line_size;
    }
    plan->summary.bom = t.parts > 0 && plan->parts[plan->first].bom;
    set_cuts(plan, is_header);
    return LM_OK;
}
