/* Columns by their paths; see project.h. */
#include "io/project.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct wanted_path {
    const char *path;
    size_t size, place;
    bool found;
} wanted_path;

typedef struct projection {
    lm_arena arena;
    wanted_path *paths; /* sorted */
    size_t count;
    lm_buffer path; /* of the field at hand */
    size_t place;   /* the first of the paths that named something of the column at hand */
    bool no_memory;
} projection;

static int compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t least = a_size < b_size ? a_size : b_size;
    int order = least ? memcmp(a, b, least) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int by_path(const void *a, const void *b)
{
    const wanted_path *x = a, *y = b;
    int order = compare(x->path, x->size, y->path, y->size);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Is the path at hand one of those that are wanted? Marks all that are alike. */
static bool match(projection *p)
{
    const char *text = (const char *)p->path.data;
    size_t low = 0, high = p->count, size = p->path.size;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(p->paths[middle].path, p->paths[middle].size, text, size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = false;
    for (; low < p->count && compare(p->paths[low].path, p->paths[low].size, text, size) == 0;
         low++) {
        p->paths[low].found = found = true;
        if (p->paths[low].place < p->place) p->place = p->paths[low].place;
    }
    return found;
}

/* What is wanted of the field: a copy that shares what it can, or NULL. */
static const lm_field *prune(projection *p, const lm_field *field, bool top)
{
    size_t before = p->path.size;
    const lm_field *kept = NULL;
    if ((!top && lm__buffer_byte(&p->path, '.') != LM_OK) ||
        lm__buffer_append(&p->path, field->name, field->name_size) != LM_OK) {
        p->no_memory = true;
        return NULL;
    }
    /* Paths below one that is wanted are looked for too: they name something. */
    if (match(p)) kept = field;
    lm_field *children = lm__arena_array(&p->arena, (size_t)field->n_children, sizeof *children);
    if (!children) p->no_memory = true;
    int32_t count = 0;
    for (int32_t i = 0; children && i < field->n_children; i++) {
        const lm_field *child = prune(p, &field->children[i], false);
        if (child) children[count++] = *child;
    }
    p->path.size = before;
    if (kept || count == 0) return kept;
    if (field->type.id == LM_TYPE_MAP || field->type.id == LM_TYPE_RUN_END_ENCODED) return field;
    lm_field *part = lm__arena_alloc(&p->arena, sizeof *part);
    if (!part) {
        p->no_memory = true;
        return NULL;
    }
    *part = *field;
    part->children = children;
    part->n_children = count;
    return part;
}

static lm_status make_schema(const lm_schema *source, const lm_field *root, lm_schema **schema,
                             lm_error *error)
{
    LM_TRY(lm__schema_new(source->allocator, schema, error));
    lm_status status = lm__field_copy(&(*schema)->arena, root, &(*schema)->root, error);
    if (status == LM_OK) status = lm__schema_seal(*schema, error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}

/* A column and the place that it was asked for in. */
typedef struct chosen {
    const lm_field *field;
    size_t place;
} chosen;

static int by_place(const void *a, const void *b)
{
    const chosen *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

static lm_status choose(projection *p, const lm_schema *source, lm_schema **schema, lm_error *error)
{
    const lm_field *root = &source->root;
    chosen *columns = lm__arena_array(&p->arena, (size_t)root->n_children, sizeof *columns);
    lm_field *children = lm__arena_array(&p->arena, (size_t)root->n_children, sizeof *children);
    lm_field pruned = *root;
    size_t count = 0;
    if (!columns || !children) return lm__error_memory(error, "choosing columns");
    for (int32_t i = 0; i < root->n_children; i++) {
        p->place = SIZE_MAX;
        const lm_field *column = prune(p, &root->children[i], true);
        if (p->no_memory) return lm__error_memory(error, "choosing columns");
        if (column) columns[count++] = (chosen){column, p->place};
    }
    for (size_t i = 0; i < p->count; i++) {
        char name[256];
        if (p->paths[i].found) continue;
        return lm__error_set(error, LM_INVALID, "there is no column '%s'",
                             lm__printable(name, sizeof name, p->paths[i].path));
    }
    qsort(columns, count, sizeof *columns, by_place);
    for (size_t i = 0; i < count; i++) children[i] = *columns[i].field;
    pruned.children = children;
    pruned.n_children = (int32_t)count;
    return make_schema(source, &pruned, schema, error);
}

lm_status lm__schema_project(const lm_schema *source, const char *const *paths, size_t path_count,
                             lm_schema **schema, lm_error *error)
{
    projection p = {.count = path_count};
    lm__arena_init(&p.arena, source->allocator, 0);
    lm__buffer_init(&p.path, source->allocator, 0);
    p.paths = lm__arena_array(&p.arena, path_count, sizeof *p.paths);
    lm_status status = LM_OK;
    if (!p.paths) {
        status = lm__error_memory(error, "choosing columns");
    } else {
        for (size_t i = 0; i < path_count; i++)
            p.paths[i] = (wanted_path){paths[i], strlen(paths[i]), i, false};
        qsort(p.paths, path_count, sizeof *p.paths, by_path);
        status = choose(&p, source, schema, error);
    }
    lm__buffer_deinit(&p.path);
    lm__arena_deinit(&p.arena);
    return status;
}

const char *lm__expr_column_dotted(lm_arena *arena, const lm_expr *expr, size_t i)
{
    const char *text = lm_expr_column(expr, i), *why;
    lm_expr_path path;
    size_t taken, size = 0;
    if (lm__expr_path_read(arena, text, strlen(text), &path, &taken, &why) != LM_OK) return NULL;
    for (size_t k = 0; k < path.count; k++) size += strlen(path.parts[k]) + 1;
    char *dotted = lm__arena_alloc(arena, size), *to = dotted;
    for (size_t k = 0; dotted && k < path.count; k++) {
        size_t part = strlen(path.parts[k]);
        memcpy(to, path.parts[k], part);
        to += part;
        *to++ = k + 1 < path.count ? '.' : '\0';
    }
    return dotted;
}
