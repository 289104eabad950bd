/*
 * Planning a cast: which step makes each field of the target from which field of the source, and
 * all reasons why one cannot be.
 */
#include "arrow/cast_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "arrow/calendar.h"
#include "arrow/cast_make.h"
#include "base/error.h"

typedef struct planner {
    lm_arena *arena;
    lm_cast_options options;
    int problems, untold;
    size_t told; /* bytes */
    char text[LM_ERROR_MESSAGE_MAX];
} planner;

/* Room for "… and 12345 more". */
#define TEXT_ROOM (LM_ERROR_MESSAGE_MAX - 96)

LM_PRINTF(3, 4)
static void complain(planner *p, const lm_path *path, const char *format, ...)
{
    char where[LM_PATH_TEXT_MAX], why[400];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    p->problems++;
    int size = snprintf(p->text + p->told, TEXT_ROOM - p->told, "%scolumn %s: %s",
                        p->told ? "; " : "", lm__path_text(path, where), why);
    if (size > 0 && (size_t)size < TEXT_ROOM - p->told)
        p->told += (size_t)size;
    else
        p->untold++;
    p->text[p->told] = '\0';
}

static bool is_utc(const char *zone)
{
    static const char *const names[] = {"UTC", "Etc/UTC", "Z", "+00:00", "Zulu", "GMT", "Etc/GMT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(zone, names[i]) == 0) return true;
    return false;
}

/* One array serves both: the same type but for what is only a label. */
static bool is_same(const lm_field *from, const lm_field *to)
{
    lm_type a = from->type, b = to->type;
    if (a.timezone && b.timezone) a.timezone = b.timezone;
    a.ordered = b.ordered;
    if (a.keys_sorted && !b.keys_sorted) a.keys_sorted = false;
    if (!lm__type_equal(&a, &b) || from->n_children != to->n_children) return false;
    for (int32_t i = 0; i < from->n_children; i++) {
        const lm_field *x = &from->children[i], *y = &to->children[i];
        if (a.id == LM_TYPE_STRUCT &&
            (x->name_size != y->name_size || memcmp(x->name, y->name, x->name_size) != 0))
            return false;
        if (a.id == LM_TYPE_MAP) { /* key and value by their places */
            if (!is_same(&x->children[0], &y->children[0]) ||
                !is_same(&x->children[1], &y->children[1]))
                return false;
            continue;
        }
        if (!is_same(x, y)) return false;
    }
    return !from->dictionary || is_same(from->dictionary, to->dictionary);
}

static bool plan_field(planner *p, cast_plan *plan, const lm_field *from, const lm_field *to);

/* A plan of its own, for one more step on the way. */
static cast_plan *plan_inner(planner *p, const cast_plan *outer, const lm_field *from,
                             const lm_field *to)
{
    cast_plan *inner = lm__arena_zero(p->arena, sizeof *inner);
    if (!inner) return NULL;
    inner->path = outer->path;
    return plan_field(p, inner, from, to) ? inner : NULL;
}

static bool plan_children(planner *p, cast_plan *plan, int32_t count)
{
    plan->children = lm__arena_array(p->arena, (size_t)count, sizeof *plan->children);
    plan->sources = lm__arena_array(p->arena, (size_t)count, sizeof *plan->sources);
    if (!plan->children || !plan->sources) return false;
    memset(plan->children, 0, (size_t)count * sizeof *plan->children);
    for (int32_t i = 0; i < count; i++) {
        plan->sources[i] = i;
        plan->children[i].path =
            (lm_path){plan->path.name ? &plan->path : NULL, plan->to->children[i].name};
    }
    return true;
}

/* The place in `from` of a field of that name: its own place when it is there too, for names that
 * occur more than once. */
static int32_t find_source(const lm_field *from, const lm_field *field, int32_t place)
{
    if (place < from->n_children && from->children[place].name_size == field->name_size &&
        memcmp(from->children[place].name, field->name, field->name_size) == 0)
        return place;
    return lm__field_find(from, field->name, field->name_size);
}

static bool plan_struct(planner *p, cast_plan *plan, const lm_field *from, const lm_field *to)
{
    plan->step = lm__cast_struct;
    if (!plan_children(p, plan, to->n_children)) return false;
    uint8_t *used = lm__arena_zero(p->arena, (size_t)from->n_children);
    if (!used) return false;
    for (int32_t i = 0; i < to->n_children; i++) {
        cast_plan *child = &plan->children[i];
        const lm_field *wanted = &to->children[i];
        int32_t source = plan->sources[i] = find_source(from, wanted, i);
        if (source >= 0) {
            used[source] = 1;
            if (!plan_field(p, child, &from->children[source], wanted)) return false;
            continue;
        }
        child->to = wanted;
        child->step = lm__cast_nulls;
        if (source == -2)
            complain(p, &child->path, "there is more than one of that name");
        else if (!wanted->nullable)
            complain(p, &child->path, "it is missing, and not null");
    }
    for (int32_t i = 0; i < from->n_children && !p->options.drop_extra; i++) {
        lm_path path = {plan->path.name ? &plan->path : NULL, from->children[i].name};
        if (!used[i] && lm__field_find(to, path.name, from->children[i].name_size) == -1)
            complain(p, &path, "it is not in the schema");
        else if (!used[i])
            complain(p, &path, "there is more than one of that name");
    }
    return true;
}

/* Maps: entries and, in them, key and value, by their places. */
static bool plan_map(planner *p, cast_plan *plan, const lm_field *from, const lm_field *to)
{
    plan->step = lm__cast_list;
    if (!plan_children(p, plan, 1)) return false;
    cast_plan *entries = &plan->children[0];
    entries->from = &from->children[0];
    entries->to = &to->children[0];
    entries->step = lm__cast_struct;
    if (!plan_children(p, entries, 2)) return false;
    for (int32_t i = 0; i < 2; i++)
        if (!plan_field(p, &entries->children[i], &entries->from->children[i],
                        &entries->to->children[i]))
            return false;
    return true;
}

/* Types that count something in 64 bits: what they count, as a number of parts of a day; 0 for
 * other types. Negative for what a date and a time have nothing to do with. */
static int64_t per_day(const lm_type *type)
{
    switch (type->id) {
    case LM_TYPE_DATE32: return 1;
    case LM_TYPE_DATE64: return LM_SECONDS_PER_DAY * 1000;
    case LM_TYPE_TIMESTAMP:
    case LM_TYPE_DURATION:
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64: return LM_SECONDS_PER_DAY * lm__unit_per_second(type->unit);
    default: return 0;
    }
}

static bool is_moment(lm_type_id id)
{
    return id == LM_TYPE_DATE32 || id == LM_TYPE_DATE64 || id == LM_TYPE_TIMESTAMP;
}

static bool is_time(lm_type_id id) { return id == LM_TYPE_TIME32 || id == LM_TYPE_TIME64; }

/* Which moment a date or a local time is, only UTC knows without a table of zones. */
static void plan_zone(planner *p, cast_plan *plan, const lm_type *from, const lm_type *to)
{
    bool from_date = from->id != LM_TYPE_TIMESTAMP, to_date = to->id != LM_TYPE_TIMESTAMP;
    if (!is_moment(from->id) || !is_moment(to->id)) return;
    if (from->timezone && !to->timezone && !(to_date && is_utc(from->timezone)))
        complain(p, &plan->path, "a timestamp in zone %.60s cannot %s", from->timezone,
                 to_date ? "become a date" : "lose its zone");
    if (!from->timezone && to->timezone && !is_utc(to->timezone))
        complain(p, &plan->path, "a %s can only become a timestamp in UTC, not in %.60s",
                 from_date ? "date" : "timestamp without a zone", to->timezone);
}

/* Dates, times, timestamps, durations, and integers of the same width. */
static bool plan_temporal(planner *p, cast_plan *plan, const lm_type *from, const lm_type *to)
{
    int64_t a = per_day(from), b = per_day(to);
    bool moments = is_moment(from->id) && is_moment(to->id);
    bool times = is_time(from->id) && is_time(to->id);
    bool durations = from->id == LM_TYPE_DURATION && to->id == LM_TYPE_DURATION;
    bool as_integer = (a && lm__type_is_signed(to->id) && to->byte_width == from->byte_width) ||
                      (b && lm__type_is_signed(from->id) && to->byte_width == from->byte_width);
    if (!moments && !times && !durations && !as_integer) return false;
    plan->step = lm__cast_integers;
    plan->factor = as_integer ? 1 : b >= a ? b / a : -(a / b);
    if (moments && to->id == LM_TYPE_DATE64) plan->multiple = b; /* whole days */
    plan_zone(p, plan, from, to);
    return true;
}

static bool is_bytes(lm_type_id id)
{
    return lm__type_is_text(id) || lm__type_is_binary(id) || id == LM_TYPE_FIXED_BINARY;
}

/* What text can be parsed into, and is printed from. */
static bool has_text(lm_type_id id)
{
    return id == LM_TYPE_BOOL || lm__type_is_integer(id) || lm__type_is_float(id) ||
           lm__type_is_decimal(id) || is_moment(id) || is_time(id);
}

/* Steps for types without children. */
static bool plan_leaf(planner *p, cast_plan *plan, const lm_type *from, const lm_type *to)
{
    lm_type_id a = from->id, b = to->id;
    bool exact_a = lm__type_is_integer(a) || lm__type_is_decimal(a);
    bool exact_b = lm__type_is_integer(b) || lm__type_is_decimal(b);
    bool plain_a = lm__type_is_integer(a) || lm__type_is_float(a);
    bool plain_b = lm__type_is_integer(b) || lm__type_is_float(b);
    if (lm__type_is_integer(a) && lm__type_is_integer(b)) {
        plan->step = lm__cast_integers;
        plan->factor = 1;
    } else if (exact_a && exact_b) {
        plan->step = lm__cast_decimals;
    } else if (plain_a && plain_b) {
        plan->step = lm__cast_floats;
    } else if (is_bytes(a) && is_bytes(b)) {
        plan->step = lm__cast_bytes;
    } else if (lm__type_is_text(a) && has_text(b)) {
        plan->step = lm__cast_parse;
    } else if (lm__type_is_text(b) && has_text(a)) {
        plan->step = lm__cast_print;
    } else {
        return plan_temporal(p, plan, from, to);
    }
    return true;
}

/* Dictionaries and run ends on either side. False when that is no way. */
static bool plan_encoded(planner *p, cast_plan *plan, const lm_field *from, const lm_field *to,
                         bool *memory)
{
    if (from->dictionary || from->type.id == LM_TYPE_RUN_END_ENCODED) {
        plan->step = lm__cast_decode;
        const lm_field *values = from->dictionary ? from->dictionary : &from->children[1];
        plan->inner = plan_inner(p, plan, values, to);
        *memory = plan->inner != NULL;
        return true;
    }
    if (!to->dictionary) return false;
    if (to->dictionary->n_children || to->dictionary->type.id == LM_TYPE_NULL) return false;
    plan->step = lm__cast_encode;
    plan->inner = plan_inner(p, plan, from, to->dictionary);
    *memory = plan->inner != NULL;
    return true;
}

static void complain_types(planner *p, const cast_plan *plan)
{
    char from[LM_TYPE_TEXT_MAX], to[LM_TYPE_TEXT_MAX];
    lm__type_text_short(plan->from, from);
    lm__type_text_short(plan->to, to);
    if (p->options.mode == LM_CAST_STRICT)
        complain(p, &plan->path, "it is %s, not %s", from, to);
    else
        complain(p, &plan->path, "%s cannot become %s", from, to);
}

/* False when there is no memory; problems are told. */
static bool plan_field(planner *p, cast_plan *plan, const lm_field *from, const lm_field *to)
{
    lm_type_id a = from->type.id, b = to->type.id;
    bool safe = p->options.mode == LM_CAST_SAFE, memory = true;
    plan->from = from;
    plan->to = to;
    plan->step = lm__cast_pass;
    if (is_same(from, to)) return true;
    if (a == LM_TYPE_STRUCT && b == LM_TYPE_STRUCT) return plan_struct(p, plan, from, to);
    if (a == LM_TYPE_MAP && b == LM_TYPE_MAP && (from->type.keys_sorted || !to->type.keys_sorted))
        return plan_map(p, plan, from, to);
    bool lists = lm__type_is_list(a) && lm__type_is_list(b);
    if (lists && (safe || (a == b && from->type.list_size == to->type.list_size))) {
        plan->step = lm__cast_list;
        return plan_children(p, plan, 1) &&
               plan_field(p, &plan->children[0], &from->children[0], &to->children[0]);
    }
    if (safe) {
        if (a == LM_TYPE_NULL) {
            plan->step = lm__cast_nulls;
            if (!to->nullable) complain(p, &plan->path, "it has only nulls, and is not null");
            return true;
        }
        if (plan_encoded(p, plan, from, to, &memory)) return memory;
        if (plan_leaf(p, plan, &from->type, &to->type)) return true;
    }
    complain_types(p, plan);
    return true;
}

lm_status lm__cast_plan_make(lm_arena *arena, const lm_field *from, const lm_field *to,
                             const lm_cast_options *options, cast_plan *plan, lm_error *error)
{
    planner p = {.arena = arena};
    if (options) p.options = *options;
    *plan = (cast_plan){.from = from, .to = to};
    if (!plan_struct(&p, plan, from, to)) return lm__error_memory(error, "planning a cast");
    if (p.problems == 0) return LM_OK;
    char more[64] = "";
    if (p.untold > 0) snprintf(more, sizeof more, "; and %d more", p.untold);
    if (p.problems == 1) return lm__error_set(error, LM_SCHEMA, "%s", p.text);
    return lm__error_set(error, LM_SCHEMA, "%d problems: %s%s", p.problems, p.text, more);
}
