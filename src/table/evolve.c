/* Comparing versions of a table's schema; see evolve.h. */
#include "table/evolve.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "table/delta_schema.h"

typedef struct comparison {
    lm_table_evolution gravest;
    char *why;
} comparison;

LM_PRINTF(3, 4)
static void tell(comparison *c, lm_table_evolution kind, const char *format, ...)
{
    va_list args;
    if (kind <= c->gravest) return;
    c->gravest = kind;
    va_start(args, format);
    vsnprintf(c->why, LM_ERROR_MESSAGE_MAX, format, args);
    va_end(args);
}

bool lm__delta_widens(const lm_field *from, const lm_field *to)
{
    lm_type_id a = from->type.id, b = to->type.id;
    if (lm__type_is_signed(a) && lm__type_is_signed(b))
        return from->type.byte_width <= to->type.byte_width;
    if (lm__type_is_signed(a) && b == LM_TYPE_FLOAT64) return from->type.byte_width <= 4;
    if (a == LM_TYPE_FLOAT32 && b == LM_TYPE_FLOAT64) return true;
    if (a == LM_TYPE_DATE32 && b == LM_TYPE_TIMESTAMP) return !to->type.timezone;
    if (a == LM_TYPE_DECIMAL128 && b == LM_TYPE_DECIMAL128)
        return from->type.scale <= to->type.scale &&
               from->type.precision - from->type.scale <= to->type.precision - to->type.scale;
    return lm__type_equal(&from->type, &to->type);
}

static void compare_fields(comparison *c, const lm_field *from, const lm_field *to,
                           const lm_path *path);

static void compare_types(comparison *c, const lm_field *from, const lm_field *to,
                          const lm_path *path)
{
    char where[LM_PATH_TEXT_MAX], old[LM_TYPE_TEXT_MAX], new[LM_TYPE_TEXT_MAX];
    if (from->n_children > 0 && from->type.id == to->type.id) {
        compare_fields(c, from, to, path);
        return;
    }
    if (lm__delta_same(from, to)) return;
    bool widens = from->n_children == 0 && to->n_children == 0 && lm__delta_widens(from, to);
    tell(c, widens ? LM_TABLE_MINOR : LM_TABLE_MAJOR, "column %s was %s and is %s",
         lm__path_text(path, where), lm__type_text_short(from, old), lm__type_text_short(to, new));
}

static void compare_fields(comparison *c, const lm_field *from, const lm_field *to,
                           const lm_path *path)
{
    char where[LM_PATH_TEXT_MAX];
    bool by_place = path && to->type.id != LM_TYPE_STRUCT;
    for (int32_t i = 0; i < from->n_children; i++) {
        const lm_field *old = &from->children[i];
        const lm_path below = {path, old->name};
        int32_t at = by_place ? i : lm__field_find(to, old->name, old->name_size);
        if (at < 0) {
            tell(c, LM_TABLE_MAJOR, "column %s is gone", lm__path_text(&below, where));
            continue;
        }
        const lm_field *new = &to->children[at];
        if (old->nullable != new->nullable)
            tell(c, LM_TABLE_MAJOR, "column %s %s", lm__path_text(&below, where),
                 new->nullable ? "may be null now" : "may not be null any more");
        compare_types(c, old, new, &below);
    }
    for (int32_t i = 0; i < to->n_children && !by_place; i++) {
        const lm_field *new = &to->children[i];
        const lm_path below = {path, new->name};
        if (lm__field_find(from, new->name, new->name_size) >= 0) continue;
        tell(c, new->nullable ? LM_TABLE_MINOR : LM_TABLE_MAJOR, "column %s is new%s",
             lm__path_text(&below, where), new->nullable ? "" : " and not null");
    }
}

lm_table_evolution lm__columns_compare(const lm_field *from, const lm_field *to,
                                       char why[LM_ERROR_MESSAGE_MAX])
{
    comparison c = {LM_TABLE_SAME, why};
    why[0] = '\0';
    compare_fields(&c, from, to, NULL);
    return c.gravest;
}

static bool same_partitions(const lm_table_descriptor *a, const lm_table_descriptor *b)
{
    if (a->partition_count != b->partition_count) return false;
    for (size_t i = 0; i < a->partition_count; i++) {
        const lm_partition *x = &a->partitions[i], *y = &b->partitions[i];
        if (x->kind != y->kind || strcmp(x->name, y->name) != 0 ||
            strcmp(a->stored->root.children[x->source].name,
                   b->stored->root.children[y->source].name) != 0)
            return false;
    }
    return true;
}

lm_table_evolution lm_table_descriptor_compare(const lm_table_descriptor *from,
                                               const lm_table_descriptor *to,
                                               char why[LM_ERROR_MESSAGE_MAX])
{
    why[0] = '\0';
    if (!same_partitions(from, to)) {
        snprintf(why, LM_ERROR_MESSAGE_MAX, "the partitions differ");
        return LM_TABLE_MAJOR;
    }
    if (from->bucket_size && to->bucket_size && from->bucket_size != to->bucket_size) {
        snprintf(why, LM_ERROR_MESSAGE_MAX, "the buckets had %lld ticks and have %lld",
                 (long long)from->bucket_size, (long long)to->bucket_size);
        return LM_TABLE_MAJOR;
    }
    return lm__columns_compare(&from->stored->root, &to->stored->root, why);
}
