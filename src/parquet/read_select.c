/*
 * Projection: which leaves the paths of a caller name. A path names a leaf or a group, and then all
 * the leaves below, with Parquet's names or with Arrow's. Names may have dots in them: between
 * names stands a NUL here, which is the dot of what was asked for, so that `a` is not the column
 * `a.b`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "parquet/read_arrow.h"

typedef struct asked {
    const char *path;
    size_t size, place;
    bool found;
} asked;

typedef struct selection {
    const lm_allocator *allocator;
    asked *paths; /* sorted */
    size_t count;
    bool *wanted;
    size_t *order; /* of the column at hand */
    lm_error *error;
} selection;

static int compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t least = a_size < b_size ? a_size : b_size;
    int order = least ? memcmp(a, b, least) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int by_path(const void *a, const void *b)
{
    const asked *x = a, *y = b;
    int order = compare(x->path, x->size, y->path, y->size);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* As above; of b each NUL is a dot. */
static int compare_asked(const asked *a, const char *b, size_t b_size)
{
    size_t least = a->size < b_size ? a->size : b_size;
    for (size_t i = 0; i < least; i++) {
        uint8_t x = (uint8_t)a->path[i], y = b[i] ? (uint8_t)b[i] : '.';
        if (x != y) return x < y ? -1 : 1;
    }
    return (a->size > b_size) - (a->size < b_size);
}

/* The first of the paths that is this one. */
static asked *find(selection *s, const char *path, size_t size)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_asked(&s->paths[middle], path, size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && compare_asked(&s->paths[low], path, size) == 0 ? &s->paths[low] : NULL;
}

/* Marks the paths that name this one or a group above it. */
static bool match(selection *s, const lm_buffer *path)
{
    const char *text = (const char *)path->data;
    bool matched = false;
    for (size_t i = 0; i <= path->size; i++) {
        if (i < path->size && text[i]) continue;
        asked *hit = find(s, text, i);
        if (!hit) continue;
        matched = true;
        if (hit->place < *s->order) *s->order = hit->place;
        for (; hit < s->paths + s->count && compare_asked(hit, text, i) == 0; hit++)
            hit->found = true;
    }
    return matched;
}

/* The first name may be empty, so it cannot be told from the path which one this is. */
static lm_status append(selection *s, lm_buffer *path, bool first, const void *name, size_t size)
{
    lm_status status = first ? LM_OK : lm__buffer_byte(path, '\0');
    if (status == LM_OK) status = lm__buffer_append(path, name, size);
    return status == LM_OK ? LM_OK : lm__error_memory(s->error, "choosing columns");
}

static lm_status parquet_path(selection *s, const lm_read_node *node, lm_buffer *path)
{
    if (!node->parent) return LM_OK;
    LM_TRY(parquet_path(s, node->parent, path));
    return append(s, path, !node->parent->parent, node->element->name.data,
                  node->element->name.size);
}

static lm_status match_node(selection *s, const lm_read_node *node, const lm_buffer *arrow_path,
                            bool *matched)
{
    lm_buffer path;
    lm__buffer_init(&path, s->allocator, 0);
    lm_status status = parquet_path(s, node, &path);
    if (status == LM_OK) {
        bool by_arrow = match(s, arrow_path);
        *matched = match(s, &path) || by_arrow;
    }
    lm__buffer_deinit(&path);
    return status;
}

static lm_status walk(selection *s, const lm_read_field *field, bool top, lm_buffer *path)
{
    size_t before = path->size;
    bool matched;
    LM_TRY(append(s, path, top, field->field->name, field->field->name_size));
    if (field->kind == LM_READ_VALUES) {
        LM_TRY(match_node(s, field->node, path, &matched));
        if (matched) s->wanted[field->node->leaf_first] = true;
    } else if (field->node->leaf_count == 0) {
        LM_TRY(match_node(s, field->node, path, &matched));
    }
    for (int32_t i = 0; i < field->n_children; i++)
        LM_TRY(walk(s, &field->children[i], false, path));
    path->size = before;
    return LM_OK;
}

lm_status lm__read_select(const lm_parquet_reader *reader, const lm_parquet_read_options *options,
                          const lm_read_plan *plan, lm_arena *arena, bool *wanted, size_t *order,
                          lm_error *error)
{
    selection s = {
        .allocator = reader->allocator,
        .paths = lm__arena_array(arena, options->column_count + 1, sizeof *s.paths),
        .count = options->column_count,
        .wanted = wanted,
        .error = error,
    };
    lm_buffer path;
    lm_status status = LM_OK;
    if (!s.paths) return lm__error_memory(error, "choosing columns");
    for (size_t i = 0; i < s.count; i++)
        s.paths[i] = (asked){options->columns[i], strlen(options->columns[i]), i, false};
    qsort(s.paths, s.count, sizeof *s.paths, by_path);
    lm__buffer_init(&path, reader->allocator, 0);
    for (size_t i = 0; i < (size_t)plan->n_columns && status == LM_OK; i++) {
        s.order = &order[i];
        status = walk(&s, &plan->columns[i], true, &path);
    }
    lm__buffer_deinit(&path);
    if (status != LM_OK) return status;
    for (size_t i = 0; i < s.count; i++) {
        char name[256];
        if (s.paths[i].found) continue;
        return lm__error_set(error, LM_INVALID, "there is no column '%s'",
                             lm__printable(name, sizeof name, s.paths[i].path));
    }
    return LM_OK;
}
