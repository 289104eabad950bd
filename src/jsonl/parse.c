/* Lines into builders; see parse.h. */
#include "jsonl/parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "arrow/build.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "jsonl/parse_value.h"
#include "jsonl/token.h"

typedef struct target target;
struct target {
    const lm_field *field;
    target *children;
    const target **by_name; /* of a struct: its children, sorted */
    int32_t place;          /* among its parent's children */
    int32_t mark;           /* its number in the marks of a parser */
    bool uuid;
    bool guessed; /* nobody asked for this type: no whole number is rounded into it */
};

struct lm_jsonl_plan {
    const lm_allocator *allocator;
    lm_arena arena;
    lm_schema *schema;
    target root;
    int32_t marks;
    bool strict;
};

/* What one call of lm__jsonl_parse works with. */
typedef struct parser {
    const lm_jsonl_plan *plan;
    lm_jsonl_cursor cursor;
    lm_buffer scratch;
    int64_t *marks; /* of each field the last object that had it */
    int64_t objects, line;
    lm_error *error;
} parser;

/* The plan. */

static int by_name(const void *a, const void *b)
{
    const lm_field *x = (*(const target *const *)a)->field, *y = (*(const target *const *)b)->field;
    size_t least = x->name_size < y->name_size ? x->name_size : y->name_size;
    int order = memcmp(x->name, y->name, least);
    return order ? order : (x->name_size > y->name_size) - (x->name_size < y->name_size);
}

static lm_status make_target(lm_jsonl_plan *plan, const lm_field *field, target *t, lm_error *error)
{
    size_t count = (size_t)field->n_children;
    *t = (target){.field = field, .mark = plan->marks++};
    t->uuid = lm__field_is_uuid(field);
    t->children = lm__arena_array(&plan->arena, count, sizeof *t->children);
    t->by_name = lm__arena_array(&plan->arena, count, sizeof *t->by_name);
    if (!t->children || !t->by_name) return lm__error_memory(error, "reading JSON lines");
    for (int32_t i = 0; i < field->n_children; i++) {
        LM_TRY(make_target(plan, &field->children[i], &t->children[i], error));
        t->children[i].place = i;
        t->by_name[i] = &t->children[i];
    }
    if (field->type.id != LM_TYPE_STRUCT || count == 0) return LM_OK;
    qsort(t->by_name, count, sizeof *t->by_name, by_name);
    for (size_t i = 1; i < count; i++)
        if (by_name(&t->by_name[i - 1], &t->by_name[i]) == 0)
            return lm__error_set(
                error, LM_SCHEMA,
                "two columns are called '%s', and a JSON object has each name once",
                t->by_name[i]->field->name);
    return LM_OK;
}

/* A copy that shares its parts: values in place of dictionaries and run ends. */
static lm_status plain_field(lm_arena *arena, const lm_field *field, lm_field *out, lm_error *error)
{
    const lm_field *values = field->dictionary                           ? field->dictionary
                             : field->type.id == LM_TYPE_RUN_END_ENCODED ? &field->children[1]
                                                                         : field;
    if (values->type.layout == LM_LAYOUT_UNION)
        return lm__error_set(error, LM_UNSUPPORTED, "column %s: a union cannot be read from JSON",
                             field->name);
    *out = *values;
    out->name = field->name;
    out->name_size = field->name_size;
    out->nullable = field->nullable;
    if (out->n_children == 0) return LM_OK;
    out->children = lm__arena_array(arena, (size_t)out->n_children, sizeof *out->children);
    if (!out->children) return lm__error_memory(error, "reading JSON lines");
    for (int32_t i = 0; i < out->n_children; i++)
        LM_TRY(plain_field(arena, &values->children[i], &out->children[i], error));
    return LM_OK;
}

static lm_status make_plan(lm_jsonl_plan *plan, const lm_schema *schema, lm_error *error)
{
    lm_field plain;
    LM_TRY(lm__schema_new(plan->allocator, &plan->schema, error));
    LM_TRY(plain_field(&plan->arena, &schema->root, &plain, error));
    LM_TRY(lm__field_copy(&plan->schema->arena, &plain, &plan->schema->root, error));
    LM_TRY(lm__schema_seal(plan->schema, error));
    return make_target(plan, &plan->schema->root, &plan->root, error);
}

static void mark_guessed(target *t)
{
    t->guessed = true;
    for (int32_t i = 0; i < t->field->n_children; i++) mark_guessed(&t->children[i]);
}

static void mark_all_guessed(target *root, const lm_schema *types)
{
    for (int32_t i = 0; i < root->field->n_children; i++) {
        const lm_field *field = root->children[i].field;
        if (!types || lm__field_find(&types->root, field->name, field->name_size) < 0)
            mark_guessed(&root->children[i]);
    }
}

lm_status lm__jsonl_plan_new(const lm_allocator *allocator, const lm_schema *schema, bool guessed,
                             const lm_schema *types, lm_jsonl_plan **plan, lm_error *error)
{
    lm_jsonl_plan *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return lm__error_memory(error, "reading JSON lines");
    made->allocator = allocator;
    made->strict = guessed;
    lm__arena_init(&made->arena, allocator, 0);
    lm_status status = make_plan(made, schema, error);
    if (status == LM_OK && guessed) mark_all_guessed(&made->root, types);
    if (status == LM_OK)
        *plan = made;
    else
        lm__jsonl_plan_free(made);
    return status;
}

void lm__jsonl_plan_free(lm_jsonl_plan *plan)
{
    if (!plan) return;
    lm_schema_free(plan->schema);
    lm__arena_deinit(&plan->arena);
    lm__free(plan->allocator, plan);
}

lm_schema *lm__jsonl_plan_schema(const lm_jsonl_plan *plan) { return plan->schema; }

/* Failures. */

static lm_status wrong(parser *p, const lm_path *path, const char *why)
{
    char text[LM_PATH_TEXT_MAX];
    if (!path) return lm__error_set(p->error, LM_DATA, "line %lld: %s", (long long)p->line, why);
    return lm__error_set(p->error, LM_DATA, "line %lld: column %s: %s", (long long)p->line,
                         lm__path_text(path, text), why);
}

/* "line 3: column a: no integer, where the column is int32". */
static lm_status misfit(parser *p, const target *t, const lm_path *path, const char *what)
{
    char type[LM_TYPE_TEXT_MAX], why[LM_TYPE_TEXT_MAX + 128];
    snprintf(why, sizeof why, "%s, where the column is %s", what,
             lm__type_text_short(t->field, type));
    return wrong(p, path, why);
}

/* A status of a builder, the cursor or of values that has no message yet. */
static lm_status failed(parser *p, lm_status status, const lm_path *path)
{
    if (status == LM_OK) return LM_OK;
    if (status == LM_DATA) return wrong(p, path, p->cursor.why);
    if (status == LM_LIMIT)
        return lm__error_set(p->error, status,
                             "line %lld: more than a column of one batch can hold",
                             (long long)p->line);
    return lm__error_memory(p->error, "reading JSON lines");
}

/* Values. */

static lm_status put_value(parser *p, const target *t, lm_builder *builder, const lm_path *path);

static lm_status put_null(parser *p, const target *t, lm_builder *builder, const lm_path *path)
{
    if (!t->field->nullable) return misfit(p, t, path, "null, and not null is asked for");
    return failed(p, lm__build_null(builder), path);
}

static const target *find_child(const target *t, const char *name, size_t size, int32_t hint)
{
    int32_t count = t->field->n_children;
    if (hint < count) {
        const lm_field *field = t->children[hint].field;
        if (field->name_size == size && memcmp(field->name, name, size) == 0)
            return &t->children[hint];
    }
    lm_field wanted = {.name = name, .name_size = size};
    target key = {.field = &wanted};
    const target *at = &key;
    const target *const *found =
        count ? bsearch(&at, t->by_name, (size_t)count, sizeof *t->by_name, by_name) : NULL;
    return found ? *found : NULL;
}

/* A name that the schema has not. */
static lm_status pass_over(parser *p, const lm_path *path, const char *name, size_t size)
{
    char shown[128], text[96], why[256];
    if (p->plan->strict) {
        size_t kept = size < sizeof text - 1 ? size : sizeof text - 1;
        memcpy(text, name, kept);
        text[kept] = '\0';
        snprintf(
            why, sizeof why,
            "'%s' is no column that the first lines have: give a schema, or a longer beginning",
            lm__printable(shown, sizeof shown, text));
        return wrong(p, path, why);
    }
    if (!lm__jsonl_take(&p->cursor, ':')) return wrong(p, path, "':' is expected");
    return failed(p, lm__jsonl_skip(&p->cursor, &p->scratch), path);
}

static lm_status put_member(parser *p, const target *t, lm_builder *builder, const lm_path *path,
                            int64_t object, int32_t *hint)
{
    const char *name;
    size_t size;
    if (lm__jsonl_peek(&p->cursor) != '"') return wrong(p, path, "a name is expected");
    LM_TRY(failed(p, lm__jsonl_take_string(&p->cursor, &p->scratch, &name, &size), path));
    const target *child = find_child(t, name, size, *hint);
    if (!child) return pass_over(p, path, name, size);
    *hint = child->place + 1;
    lm_path below = {path, child->field->name};
    if (p->marks[child->mark] == object) return wrong(p, &below, "it is there twice");
    p->marks[child->mark] = object;
    if (!lm__jsonl_take(&p->cursor, ':')) return wrong(p, &below, "':' is expected");
    return put_value(p, child, &builder->children[child->place], &below);
}

static lm_status put_object(parser *p, const target *t, lm_builder *builder, const lm_path *path)
{
    lm_jsonl_cursor *c = &p->cursor;
    int64_t object = ++p->objects;
    int32_t hint = 0;
    c->at++;
    if (!lm__jsonl_take(c, '}')) {
        do LM_TRY(put_member(p, t, builder, path, object, &hint));
        while (lm__jsonl_take(c, ','));
        if (!lm__jsonl_take(c, '}')) return wrong(p, path, "',' or '}' is expected");
    }
    for (int32_t i = 0; i < t->field->n_children; i++) {
        const target *child = &t->children[i];
        lm_path below = {path, child->field->name};
        if (p->marks[child->mark] == object) continue;
        if (!child->field->nullable) return misfit(p, child, &below, "it is not there, not null");
        LM_TRY(failed(p, lm__build_null(&builder->children[i]), &below));
    }
    return LM_OK;
}

static lm_status put_array(parser *p, const target *t, lm_builder *builder, const lm_path *path)
{
    lm_jsonl_cursor *c = &p->cursor;
    const target *item = &t->children[0];
    lm_path below = {path, item->field->name};
    int64_t count = 0;
    c->at++;
    if (!lm__jsonl_take(c, ']')) {
        do {
            LM_TRY(put_value(p, item, &builder->children[0], &below));
            count++;
        } while (lm__jsonl_take(c, ','));
        if (!lm__jsonl_take(c, ']')) return wrong(p, path, "',' or ']' is expected");
    }
    if (t->field->type.id == LM_TYPE_FIXED_LIST && count != t->field->type.list_size)
        return misfit(p, t, path, "an array of another length");
    return failed(p, lm__build_list_end(builder), path);
}

/* A map from an object. */
static lm_status put_pairs(parser *p, const target *t, lm_builder *builder, const lm_path *path)
{
    lm_jsonl_cursor *c = &p->cursor;
    const target *entries = &t->children[0], *key = &entries->children[0];
    lm_builder *pairs = &builder->children[0];
    lm_path below = {path, key->field->name}, value = {path, entries->children[1].field->name};
    c->at++;
    if (!lm__jsonl_take(c, '}')) {
        do {
            const char *name, *why;
            size_t size;
            if (lm__jsonl_peek(c) != '"') return wrong(p, path, "a name is expected");
            LM_TRY(failed(p, lm__jsonl_take_string(c, &p->scratch, &name, &size), path));
            lm_status status =
                lm__jsonl_put_string(&pairs->children[0], name, size, key->uuid, true, &why);
            if (status == LM_DATA) return misfit(p, key, &below, why);
            LM_TRY(failed(p, status, &below));
            if (!lm__jsonl_take(c, ':')) return wrong(p, &below, "':' is expected");
            LM_TRY(put_value(p, &entries->children[1], &pairs->children[1], &value));
            LM_TRY(failed(p, lm__build_struct_end(pairs), path));
        } while (lm__jsonl_take(c, ','));
        if (!lm__jsonl_take(c, '}')) return wrong(p, path, "',' or '}' is expected");
    }
    return failed(p, lm__build_list_end(builder), path);
}

/* Any value as it is written. */
static lm_status put_raw(parser *p, lm_builder *builder, const lm_path *path)
{
    const uint8_t *start = p->cursor.at;
    LM_TRY(failed(p, lm__jsonl_skip(&p->cursor, &p->scratch), path));
    return failed(p, lm__build_bytes(builder, start, (size_t)(p->cursor.at - start)), path);
}

static lm_status put_bool(parser *p, const target *t, lm_builder *builder, const lm_path *path)
{
    bool truth = *p->cursor.at == 't';
    LM_TRY(failed(p, lm__jsonl_take_word(&p->cursor, truth ? "true" : "false"), path));
    if (t->field->type.id != LM_TYPE_BOOL) return misfit(p, t, path, "a boolean");
    LM_TRY(failed(p, lm__builder_reserve(builder, 1), path));
    lm__build_bool(builder, truth);
    return LM_OK;
}

static lm_status put_scalar(parser *p, const target *t, lm_builder *builder, const lm_path *path)
{
    const char *text, *why;
    size_t size;
    bool whole;
    lm_status status;
    if (*p->cursor.at == '"') {
        LM_TRY(failed(p, lm__jsonl_take_string(&p->cursor, &p->scratch, &text, &size), path));
        status = lm__jsonl_put_string(builder, text, size, t->uuid, false, &why);
    } else {
        LM_TRY(failed(p, lm__jsonl_take_number(&p->cursor, &text, &size, &whole), path));
        if (t->guessed && whole && lm__type_is_float(t->field->type.id) &&
            !lm__jsonl_float_keeps(text, size))
            return wrong(p, path, LM_JSONL_WOULD_ROUND);
        status = lm__jsonl_put_number(builder, text, size, whole, &why);
    }
    return status == LM_DATA ? misfit(p, t, path, why) : failed(p, status, path);
}

static lm_status put_value(parser *p, const target *t, lm_builder *builder, const lm_path *path)
{
    lm_type_id id = t->field->type.id;
    uint8_t first = lm__jsonl_peek(&p->cursor);
    if (first == 'n') {
        LM_TRY(failed(p, lm__jsonl_take_word(&p->cursor, "null"), path));
        return put_null(p, t, builder, path);
    }
    if (first == 0) return wrong(p, path, "no value");
    if (lm__type_is_text(id) && first != '"') return put_raw(p, builder, path);
    if (first == 't' || first == 'f') return put_bool(p, t, builder, path);
    if (first != '{' && first != '[') return put_scalar(p, t, builder, path);
    if (first == '{' && id == LM_TYPE_STRUCT) {
        LM_TRY(put_object(p, t, builder, path));
        return failed(p, lm__build_struct_end(builder), path);
    }
    if (first == '{' && id == LM_TYPE_MAP) return put_pairs(p, t, builder, path);
    if (first == '[' && (id == LM_TYPE_MAP || lm__type_is_list(id)))
        return put_array(p, t, builder, path);
    return misfit(p, t, path, first == '{' ? "an object" : "an array");
}

/* Lines. */

static lm_status put_line(parser *p, lm_builder *root)
{
    uint8_t first = lm__jsonl_peek(&p->cursor);
    if (p->cursor.at == p->cursor.end) return LM_OK;
    if (first != '{') return wrong(p, NULL, "no object");
    LM_TRY(put_object(p, &p->plan->root, root, NULL));
    lm__jsonl_space(&p->cursor);
    if (p->cursor.at != p->cursor.end) return wrong(p, NULL, "something follows the object");
    root->length++;
    return LM_OK;
}

static lm_status put_lines(parser *p, const uint8_t *text, size_t size, lm_builder *root)
{
    for (const uint8_t *at = text, *end = text + size; at < end; at = p->cursor.end + 1) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        p->cursor = (lm_jsonl_cursor){.at = at, .end = stop ? stop : end};
        LM_TRY(put_line(p, root));
        p->line++;
    }
    return LM_OK;
}

static lm_status check_text(const uint8_t *text, size_t size, int64_t first_line, lm_error *error)
{
    if (lm__utf8_valid(text, size)) return LM_OK;
    size_t good = lm__utf8_valid_prefix(text, size);
    for (const uint8_t *at = text; (at = memchr(at, '\n', good - (size_t)(at - text))); at++)
        first_line++;
    return lm__error_set(error, LM_DATA, "line %lld: a byte that is no UTF-8",
                         (long long)first_line);
}

lm_status lm__jsonl_parse(const lm_jsonl_plan *plan, const uint8_t *text, size_t size,
                          int64_t first_line, lm_batch **batch, lm_error *error)
{
    parser p = {.plan = plan, .line = first_line, .error = error};
    lm_builder root;
    *batch = NULL;
    LM_TRY(check_text(text, size, first_line, error));
    LM_TRY(lm__builder_init(&root, plan->allocator, &plan->schema->root, error));
    lm__buffer_init(&p.scratch, plan->allocator, 0);
    p.marks = lm__alloc_zero(plan->allocator, (size_t)plan->marks * sizeof *p.marks);
    lm_status status =
        p.marks ? put_lines(&p, text, size, &root) : lm__error_memory(error, "reading JSON lines");
    if (status == LM_OK) status = lm__builder_finish(&root, plan->schema, batch, error);
    lm__free(plan->allocator, p.marks);
    lm__buffer_deinit(&p.scratch);
    lm__builder_deinit(&root);
    return status;
}
