/* See infer.h. */
#include "jsonl/infer.h"

#include <stdio.h>
#include <string.h>

#include "arrow/text.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "jsonl/parse_value.h"
#include "jsonl/token.h"

typedef enum guess_kind {
    GUESS_NULL,
    GUESS_BOOL,
    GUESS_INT,
    GUESS_REAL,
    GUESS_SPECIAL, /* only "NaN" and the like: text, unless numbers come */
    GUESS_TEXT,
    GUESS_LIST,
    GUESS_STRUCT,
} guess_kind;

typedef struct guess {
    const char *name;
    size_t name_size;
    guess_kind kind;
    int64_t line; /* where the kind was settled */
    int64_t lost; /* where a whole number stands that float64 would round; 0: nowhere */
    struct guess *children, *last, *next;
    int32_t count;
    int64_t seen; /* the object that has it: for names that are there twice */
} guess;

typedef struct inference {
    lm_arena arena;
    const lm_schema *types; /* of columns; or NULL */
    lm_jsonl_cursor cursor;
    lm_buffer scratch;
    int64_t line, objects;
    int32_t fields;
    lm_error *error;
} inference;

static lm_status no_memory(inference *in)
{
    return lm__error_memory(in->error, "guessing the types of JSON lines");
}

static lm_status wrong(inference *in, const lm_path *path, const char *why)
{
    char text[LM_PATH_TEXT_MAX];
    if (!path) return lm__error_set(in->error, LM_DATA, "line %lld: %s", (long long)in->line, why);
    return lm__error_set(in->error, LM_DATA, "line %lld: column %s: %s", (long long)in->line,
                         lm__path_text(path, text), why);
}

/* A failure of the cursor, with its place. */
static lm_status failed(inference *in, lm_status status, const lm_path *path)
{
    return status == LM_DATA ? wrong(in, path, in->cursor.why) : no_memory(in);
}

static const char *kind_name(guess_kind kind)
{
    static const char *const names[] = {"null",     "a boolean", "a number", "a number",
                                        "a string", "a string",  "an array", "an object"};
    return names[kind];
}

/* Two kinds of one column. */
static lm_status meet(inference *in, guess *g, guess_kind kind, const lm_path *path)
{
    char why[160];
    if (kind == GUESS_NULL || kind == g->kind) return LM_OK;
    bool numbers = kind >= GUESS_INT && kind <= GUESS_SPECIAL && g->kind >= GUESS_INT &&
                   g->kind <= GUESS_SPECIAL;
    bool texts = (kind == GUESS_SPECIAL || kind == GUESS_TEXT) &&
                 (g->kind == GUESS_SPECIAL || g->kind == GUESS_TEXT);
    if (g->kind == GUESS_NULL) {
        g->kind = kind;
        g->line = in->line;
        return LM_OK;
    }
    if (texts || numbers) {
        g->kind = texts ? GUESS_TEXT : GUESS_REAL;
        return LM_OK;
    }
    snprintf(why, sizeof why, "%s here, and %s in line %lld: give a schema (utf8 takes any value)",
             kind_name(kind), kind_name(g->kind), (long long)g->line);
    return wrong(in, path, why);
}

static guess *find_child(guess *parent, const char *name, size_t size, guess *after)
{
    guess *next = after ? after->next : parent->children;
    if (next && next->name_size == size && memcmp(next->name, name, size) == 0) return next;
    for (guess *child = parent->children; child; child = child->next)
        if (child->name_size == size && memcmp(child->name, name, size) == 0) return child;
    return NULL;
}

static guess *add_child(inference *in, guess *parent, const char *name, size_t size)
{
    guess *child = lm__arena_zero(&in->arena, sizeof *child);
    if (!child || !(child->name = lm__arena_strndup(&in->arena, name, size))) return NULL;
    child->name_size = size;
    if (parent->last)
        parent->last->next = child;
    else
        parent->children = child;
    parent->last = child;
    parent->count++;
    return child;
}

static lm_status look(inference *in, guess *g, const lm_path *path, int depth);

static lm_status look_at_object(inference *in, guess *g, const lm_path *path, int depth)
{
    lm_jsonl_cursor *c = &in->cursor;
    int64_t object = ++in->objects;
    guess *child = NULL;
    c->at++;
    if (lm__jsonl_take(c, '}')) return LM_OK;
    do {
        const char *name;
        size_t size;
        if (lm__jsonl_peek(c) != '"') return wrong(in, path, "a name is expected");
        lm_status status = lm__jsonl_take_string(c, &in->scratch, &name, &size);
        if (status != LM_OK) return failed(in, status, path);
        if (memchr(name, 0, size)) return wrong(in, path, "a NUL in a name");
        guess *known = find_child(g, name, size, child);
        if (!known && in->fields++ == LM_ARROW_CHILDREN_MAX)
            return wrong(in, path, "too many different names");
        child = known ? known : add_child(in, g, name, size);
        if (!child) return no_memory(in);
        lm_path below = {path, child->name};
        if (child->seen == object) return wrong(in, &below, "it is there twice");
        child->seen = object;
        if (!lm__jsonl_take(c, ':')) return wrong(in, &below, "':' is expected");
        if (!path && in->types && lm__field_find(&in->types->root, name, size) >= 0) {
            status = lm__jsonl_skip(c, &in->scratch);
            if (status != LM_OK) return failed(in, status, &below);
            continue;
        }
        LM_TRY(look(in, child, &below, depth + 1));
    } while (lm__jsonl_take(c, ','));
    return lm__jsonl_take(c, '}') ? LM_OK : wrong(in, path, "',' or '}' is expected");
}

static lm_status look_at_array(inference *in, guess *g, const lm_path *path, int depth)
{
    lm_jsonl_cursor *c = &in->cursor;
    lm_path below = {path, "item"};
    c->at++;
    if (!g->children && !add_child(in, g, "item", 4)) return no_memory(in);
    if (lm__jsonl_take(c, ']')) return LM_OK;
    do LM_TRY(look(in, g->children, &below, depth + 1));
    while (lm__jsonl_take(c, ','));
    return lm__jsonl_take(c, ']') ? LM_OK : wrong(in, path, "',' or ']' is expected");
}

static bool is_special(const char *text, size_t size)
{
    return (size == 3 && memcmp(text, "NaN", 3) == 0) ||
           (size == 8 && memcmp(text, "Infinity", 8) == 0) ||
           (size == 9 && memcmp(text, "-Infinity", 9) == 0);
}

static lm_status look_at_scalar(inference *in, guess *g, const lm_path *path)
{
    lm_jsonl_cursor *c = &in->cursor;
    const char *text;
    size_t size;
    int64_t integer;
    bool whole;
    guess_kind kind = GUESS_BOOL;
    lm_status status;
    switch (lm__jsonl_peek(c)) {
    case 'n':
        kind = GUESS_NULL;
        status = lm__jsonl_take_word(c, "null");
        break;
    case 't': status = lm__jsonl_take_word(c, "true"); break;
    case 'f': status = lm__jsonl_take_word(c, "false"); break;
    case '"':
        status = lm__jsonl_take_string(c, &in->scratch, &text, &size);
        if (status == LM_OK) kind = is_special(text, size) ? GUESS_SPECIAL : GUESS_TEXT;
        break;
    default:
        status = lm__jsonl_take_number(c, &text, &size, &whole);
        kind = status == LM_OK && whole && lm__text_to_i64(text, size, &integer) == LM_TEXT_OK
                   ? GUESS_INT
                   : GUESS_REAL;
        if (status == LM_OK && whole && !g->lost && !lm__jsonl_float_keeps(text, size))
            g->lost = in->line;
    }
    return status == LM_OK ? meet(in, g, kind, path) : failed(in, status, path);
}

static lm_status look(inference *in, guess *g, const lm_path *path, int depth)
{
    uint8_t first = lm__jsonl_peek(&in->cursor);
    if (first != '{' && first != '[') return look_at_scalar(in, g, path);
    if (depth == LM_ARROW_DEPTH_MAX) return wrong(in, path, "nested too deeply");
    LM_TRY(meet(in, g, first == '{' ? GUESS_STRUCT : GUESS_LIST, path));
    return first == '{' ? look_at_object(in, g, path, depth) : look_at_array(in, g, path, depth);
}

static lm_status look_at_line(inference *in, guess *root)
{
    uint8_t first = lm__jsonl_peek(&in->cursor);
    if (in->cursor.at == in->cursor.end) return LM_OK;
    if (first == '[' && in->line == 1)
        return wrong(in, NULL, "an array: JSON lines are objects, one a line");
    if (first != '{') return wrong(in, NULL, "no object");
    LM_TRY(look_at_object(in, root, NULL, 0));
    lm__jsonl_space(&in->cursor);
    return in->cursor.at == in->cursor.end ? LM_OK
                                           : wrong(in, NULL, "something follows the object");
}

static lm_status make_field(inference *in, lm_arena *arena, const guess *g, lm_field *field)
{
    static const lm_type_id types[] = {
        [GUESS_NULL] = LM_TYPE_NULL,    [GUESS_BOOL] = LM_TYPE_BOOL,
        [GUESS_INT] = LM_TYPE_INT64,    [GUESS_REAL] = LM_TYPE_FLOAT64,
        [GUESS_SPECIAL] = LM_TYPE_UTF8, [GUESS_TEXT] = LM_TYPE_UTF8,
        [GUESS_LIST] = LM_TYPE_LIST,    [GUESS_STRUCT] = LM_TYPE_STRUCT,
    };
    if (g->kind == GUESS_REAL && g->lost) {
        const lm_path path = {NULL, g->name};
        in->line = g->lost;
        return wrong(in, &path, LM_JSONL_WOULD_ROUND);
    }
    if (!lm__field_init(arena, field, g->name, lm__type_make(types[g->kind]), true))
        return no_memory(in);
    if (g->kind != GUESS_LIST && g->kind != GUESS_STRUCT) return LM_OK;
    lm_field *children = lm__field_children(arena, field, g->count);
    if (!children) return no_memory(in);
    for (const guess *child = g->children; child; child = child->next)
        LM_TRY(make_field(in, arena, child, children++));
    return LM_OK;
}

static lm_status make_schema(inference *in, const lm_allocator *allocator, const guess *root,
                             lm_schema **schema)
{
    LM_TRY(lm__schema_new(allocator, schema, in->error));
    lm_field *children = lm__field_children(&(*schema)->arena, &(*schema)->root, root->count);
    lm_status status = children || root->count == 0 ? LM_OK : no_memory(in);
    for (const guess *child = root->children; child && status == LM_OK; child = child->next)
        status = make_field(in, &(*schema)->arena, child, children++);
    if (status == LM_OK) status = lm__schema_seal(*schema, in->error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}

lm_status lm__jsonl_infer(const lm_allocator *allocator, const lm_schema *types,
                          const uint8_t *text, size_t size, lm_schema **schema, lm_error *error)
{
    inference in = {.types = types, .error = error};
    guess root = {.kind = GUESS_STRUCT};
    lm_status status = LM_OK;
    lm__arena_init(&in.arena, allocator, 0);
    lm__buffer_init(&in.scratch, allocator, 0);
    const uint8_t *end = size ? text + size : text;
    for (const uint8_t *at = text; at < end && status == LM_OK;) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        in.cursor = (lm_jsonl_cursor){.at = at, .end = stop ? stop : end};
        in.line++;
        status = look_at_line(&in, &root);
        at = in.cursor.end + 1;
    }
    if (status == LM_OK) status = make_schema(&in, allocator, &root, schema);
    lm__buffer_deinit(&in.scratch);
    lm__arena_deinit(&in.arena);
    return status;
}
