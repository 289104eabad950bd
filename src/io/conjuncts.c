/* See conjuncts.h. */
#include "io/conjuncts.h"

#include <string.h>

#include "base/error.h"
#include "io/project.h"

typedef struct taking {
    const lm_allocator *allocator;
    const lm_schema *partitions;
    lm_arena arena;
    lm_error *error;
} taking;

/* `dotted` is a path, or begins with a column's name. */
static bool begins_with_column(const lm_schema *schema, const char *dotted)
{
    if (!schema) return false;
    for (int32_t i = 0; i < schema->root.n_children; i++) {
        const lm_field *field = &schema->root.children[i];
        if (strncmp(dotted, field->name, field->name_size) == 0 &&
            (dotted[field->name_size] == '\0' || dotted[field->name_size] == '.'))
            return true;
    }
    return false;
}

/* *all = *all and `expr`. */
static lm_status add(taking *t, lm_expr **all, lm_expr *expr)
{
    if (!*all) {
        *all = lm_expr_ref(expr);
        return LM_OK;
    }
    lm_expr *both[] = {*all, expr}, *joined;
    LM_TRY(lm_expr_and(t->allocator, both, 2, &joined, t->error));
    lm_expr_free(*all);
    *all = joined;
    return LM_OK;
}

static lm_status take_apart(taking *t, lm_expr *expr, lm_conjuncts *out)
{
    bool of_partitions = false, of_files = false;
    if (expr->kind == LM_EXPR_AND) {
        for (size_t i = 0; i < expr->child_count; i++)
            LM_TRY(take_apart(t, expr->children[i], out));
        return LM_OK;
    }
    for (size_t i = 0; i < lm_expr_columns(expr); i++) {
        const char *path = lm__expr_column_dotted(&t->arena, expr, i);
        if (!path) return lm__error_memory(t->error, "planning a filter");
        if (begins_with_column(t->partitions, path))
            of_partitions = true;
        else
            of_files = true;
    }
    if (!of_files && t->partitions) return add(t, &out->partitions, expr);
    return add(t, of_partitions ? &out->mixed : &out->files, expr);
}

lm_status lm__conjuncts(const lm_allocator *allocator, const lm_expr *filter,
                        const lm_schema *partitions, lm_conjuncts *out, lm_error *error)
{
    taking t = {.allocator = allocator, .partitions = partitions, .error = error};
    *out = (lm_conjuncts){0};
    if (!filter) return LM_OK;
    lm__arena_init(&t.arena, allocator, 0);
    lm_status status = take_apart(&t, (lm_expr *)filter, out);
    lm__arena_deinit(&t.arena);
    if (status != LM_OK) lm__conjuncts_free(out);
    return status;
}

void lm__conjuncts_free(lm_conjuncts *conjuncts)
{
    lm_expr_free(conjuncts->partitions);
    lm_expr_free(conjuncts->files);
    lm_expr_free(conjuncts->mixed);
    *conjuncts = (lm_conjuncts){0};
}
