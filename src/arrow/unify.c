/* Widening of schemas; see unify.h. */
#include "arrow/unify.h"

#include "base/alloc.h"
#include "base/error.h"

/* A column as it is so far, and the table that gave it its type. */
typedef struct known_column {
    lm_field field;
    const char *from;
} known_column;

struct lm_unifier {
    const lm_allocator *allocator;
    lm_arena arena;
    known_column *columns;
    int32_t count;
    size_t capacity;
    size_t tables;
    lm_field root; /* the first table's, for its metadata; without children */
};

static lm_status no_memory(lm_error *error) { return lm__error_memory(error, "joining schemas"); }

lm_status lm__unifier_new(const lm_allocator *allocator, lm_unifier **unifier, lm_error *error)
{
    lm_unifier *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return no_memory(error);
    made->allocator = allocator;
    lm__arena_init(&made->arena, allocator, 0);
    *unifier = made;
    return LM_OK;
}

void lm__unifier_free(lm_unifier *unifier)
{
    if (!unifier) return;
    lm__arena_deinit(&unifier->arena);
    lm__free(unifier->allocator, unifier);
}

/* Types without children. False: no type holds both. */

static bool widen_integers(const lm_type *a, const lm_type *b, lm_type *out)
{
    bool a_signed = lm__type_is_signed(a->id), b_signed = lm__type_is_signed(b->id);
    if (a_signed == b_signed) {
        *out = a->byte_width >= b->byte_width ? *a : *b;
        return true;
    }
    int32_t with_sign = a_signed ? a->byte_width : b->byte_width;
    int32_t without = a_signed ? b->byte_width : a->byte_width;
    int32_t width = with_sign > without ? with_sign : 2 * without;
    if (width > 8) return false;
    *out = lm__type_make(width == 2 ? LM_TYPE_INT16 : width == 4 ? LM_TYPE_INT32 : LM_TYPE_INT64);
    return true;
}

/* An int64 that no double holds is refused when it comes. */
static lm_type widen_to_float(const lm_type *integer, const lm_type *real)
{
    if (integer->byte_width <= 2 && real->id != LM_TYPE_FLOAT16) return *real;
    return lm__type_make(LM_TYPE_FLOAT64);
}

static bool widen_decimals(const lm_type *a, const lm_type *b, lm_type *out)
{
    int32_t scale = a->scale > b->scale ? a->scale : b->scale;
    int32_t a_whole = a->precision - a->scale, b_whole = b->precision - b->scale;
    int32_t precision = (a_whole > b_whole ? a_whole : b_whole) + scale;
    lm_type_id id = a->id > b->id ? a->id : b->id;
    while (precision > lm__decimal_precision_max(id)) {
        if (id == LM_TYPE_DECIMAL256) return false;
        id++;
    }
    *out = lm__type_decimal(id, precision, scale);
    return true;
}

static lm_type finer(const lm_type *a, const lm_type *b) { return a->unit >= b->unit ? *a : *b; }

static bool widen_times(const lm_type *a, const lm_type *b, lm_type *out)
{
    bool time_a = a->id == LM_TYPE_TIME32 || a->id == LM_TYPE_TIME64;
    bool time_b = b->id == LM_TYPE_TIME32 || b->id == LM_TYPE_TIME64;
    *out = finer(a, b);
    if (time_a && time_b) return true;
    if (a->id != b->id) return false;
    if (a->id == LM_TYPE_DURATION) return true;
    if (a->id != LM_TYPE_TIMESTAMP || !a->timezone != !b->timezone) return false;
    out->timezone = a->timezone; /* of two zones the first: the instants are the same */
    return true;
}

static bool widen_bytes(const lm_type *a, const lm_type *b, lm_type *out)
{
    bool text = lm__type_is_text(a->id) && lm__type_is_text(b->id);
    bool binary_a = lm__type_is_binary(a->id) || a->id == LM_TYPE_FIXED_BINARY;
    bool binary_b = lm__type_is_binary(b->id) || b->id == LM_TYPE_FIXED_BINARY;
    bool large = a->layout == LM_LAYOUT_LARGE_BINARY || b->layout == LM_LAYOUT_LARGE_BINARY;
    if (text)
        *out = lm__type_make(large ? LM_TYPE_LARGE_UTF8 : LM_TYPE_UTF8);
    else
        *out = lm__type_make(large ? LM_TYPE_LARGE_BINARY : LM_TYPE_BINARY);
    return text || (binary_a && binary_b);
}

static bool widen(const lm_type *a, const lm_type *b, lm_type *out)
{
    bool int_a = lm__type_is_integer(a->id), int_b = lm__type_is_integer(b->id);
    bool float_a = lm__type_is_float(a->id), float_b = lm__type_is_float(b->id);
    *out = *a;
    if (lm__type_equal(a, b)) return true;
    if (int_a && int_b) return widen_integers(a, b, out);
    if (float_a && float_b) {
        *out = a->id >= b->id ? *a : *b;
        return true;
    }
    if ((int_a && float_b) || (float_a && int_b)) {
        *out = int_a ? widen_to_float(a, b) : widen_to_float(b, a);
        return true;
    }
    if (lm__type_is_decimal(a->id) && lm__type_is_decimal(b->id)) return widen_decimals(a, b, out);
    return widen_bytes(a, b, out) || widen_times(a, b, out);
}

/* Fields. `a` is ours, in the arena, and becomes the wider one; `b` is copied where it is kept. */

typedef struct unify_run {
    lm_unifier *unifier;
    const char *a_name, *b_name;
    bool changed; /* the type of the column is no longer what `a_name` had */
    lm_error *error;
} unify_run;

static lm_status conflict(unify_run *run, const lm_path *path, const lm_field *a, const lm_field *b)
{
    char a_text[LM_TYPE_TEXT_MAX], b_text[LM_TYPE_TEXT_MAX];
    return lm__path_error(
        run->error, LM_SCHEMA, path, "it is %s in %s and %s in %s: no type holds both",
        lm__type_text_short(a, a_text), run->a_name, lm__type_text_short(b, b_text), run->b_name);
}

static lm_status unify_field(unify_run *run, lm_field *a, const lm_field *b, const lm_path *path);

/* `a` becomes a copy of `b`, under a's name. */
static lm_status replace(unify_run *run, lm_field *a, const lm_field *b)
{
    lm_field old = *a;
    LM_TRY(lm__field_copy(&run->unifier->arena, b, a, run->error));
    a->name = old.name;
    a->name_size = old.name_size;
    a->nullable = old.nullable || b->nullable;
    run->changed = true;
    return LM_OK;
}

static lm_status unify_struct(unify_run *run, lm_field *a, const lm_field *b, const lm_path *path)
{
    int32_t extra = 0;
    for (int32_t i = 0; i < b->n_children; i++)
        extra += lm__field_find(a, b->children[i].name, b->children[i].name_size) == -1;
    lm_field *children =
        lm__arena_array(&run->unifier->arena, (size_t)(a->n_children + extra), sizeof *children);
    if (!children) return no_memory(run->error);
    if (a->n_children) memcpy(children, a->children, (size_t)a->n_children * sizeof *children);
    int32_t count = a->n_children;
    for (int32_t i = 0; i < count; i++)
        if (lm__field_find(b, children[i].name, children[i].name_size) == -1)
            children[i].nullable = true;
    for (int32_t i = 0; i < b->n_children; i++) {
        const lm_field *field = &b->children[i];
        int32_t at = lm__field_find(a, field->name, field->name_size);
        lm_path below = {path, field->name};
        if (at == -2)
            return lm__path_error(run->error, LM_SCHEMA, &below,
                                  "there is more than one of that name in %s", run->a_name);
        if (at >= 0) {
            LM_TRY(unify_field(run, &children[at], field, &below));
            continue;
        }
        LM_TRY(lm__field_copy(&run->unifier->arena, field, &children[count], run->error));
        children[count++].nullable = true;
        run->changed = true;
    }
    a->children = children;
    a->n_children = count;
    return LM_OK;
}

static lm_status unify_lists(unify_run *run, lm_field *a, const lm_field *b, const lm_path *path)
{
    if (!lm__type_equal(&a->type, &b->type)) {
        bool large =
            a->type.layout == LM_LAYOUT_LARGE_LIST || a->type.layout == LM_LAYOUT_LARGE_LIST_VIEW ||
            b->type.layout == LM_LAYOUT_LARGE_LIST || b->type.layout == LM_LAYOUT_LARGE_LIST_VIEW;
        a->type = lm__type_make(large ? LM_TYPE_LARGE_LIST : LM_TYPE_LIST);
        run->changed = true;
    }
    lm_path below = {path, a->children[0].name};
    return unify_field(run, &a->children[0], &b->children[0], &below);
}

static lm_status unify_maps(unify_run *run, lm_field *a, const lm_field *b, const lm_path *path)
{
    lm_field *entries = &a->children[0];
    a->type.keys_sorted = a->type.keys_sorted && b->type.keys_sorted;
    for (int32_t i = 0; i < 2; i++) {
        lm_path below = {path, entries->children[i].name};
        LM_TRY(unify_field(run, &entries->children[i], &b->children[0].children[i], &below));
    }
    return LM_OK;
}

static bool is_encoded(const lm_field *field)
{
    return field->dictionary || field->type.id == LM_TYPE_RUN_END_ENCODED;
}

static const lm_field *decoded(const lm_field *field)
{
    if (field->dictionary) return field->dictionary;
    return field->type.id == LM_TYPE_RUN_END_ENCODED ? &field->children[1] : field;
}

static lm_status unify_field(unify_run *run, lm_field *a, const lm_field *b, const lm_path *path)
{
    a->nullable = a->nullable || b->nullable;
    if (lm__field_same_layout(a, b) && lm__type_equal(&a->type, &b->type) && a->n_children == 0 &&
        (!a->dictionary || lm__field_equal(a->dictionary, b->dictionary)))
        return LM_OK;
    if (b->type.id == LM_TYPE_NULL) {
        a->nullable = true;
        return LM_OK;
    }
    if (a->type.id == LM_TYPE_NULL) {
        a->nullable = true;
        return replace(run, a, b);
    }
    if (is_encoded(a) || is_encoded(b)) { /* values hold what two encodings have in common */
        if (is_encoded(a)) {
            lm_field values = *decoded(a);
            LM_TRY(replace(run, a, &values));
        }
        return unify_field(run, a, decoded(b), path);
    }
    if (a->type.id == LM_TYPE_STRUCT && b->type.id == LM_TYPE_STRUCT)
        return unify_struct(run, a, b, path);
    if (a->type.id == LM_TYPE_MAP && b->type.id == LM_TYPE_MAP) return unify_maps(run, a, b, path);
    if (lm__type_is_list(a->type.id) && lm__type_is_list(b->type.id))
        return unify_lists(run, a, b, path);
    lm_type wider;
    if (a->n_children || b->n_children || !widen(&a->type, &b->type, &wider))
        return conflict(run, path, a, b);
    if (lm__type_equal(&wider, &a->type)) return LM_OK;
    a->type = wider;
    if (wider.timezone) /* b's text goes with b */
        a->type.timezone = lm__arena_strdup(&run->unifier->arena, wider.timezone);
    if (wider.timezone && !a->type.timezone) return no_memory(run->error);
    a->extension_name = NULL; /* it was of the narrower type */
    run->changed = true;
    return LM_OK;
}

/* Tables. */

static int32_t find_column(const lm_unifier *u, const lm_field *field)
{
    for (int32_t i = 0; i < u->count; i++)
        if (u->columns[i].field.name_size == field->name_size &&
            memcmp(u->columns[i].field.name, field->name, field->name_size) == 0)
            return i;
    return -1;
}

static lm_status add_column(lm_unifier *u, const lm_field *field, const char *name, lm_error *error)
{
    if (!lm__arena_room(&u->arena, &u->columns, &u->capacity, (size_t)u->count + 1,
                        sizeof *u->columns))
        return no_memory(error);
    known_column *column = &u->columns[u->count];
    LM_TRY(lm__field_copy(&u->arena, field, &column->field, error));
    if (u->tables > 0) column->field.nullable = true; /* those before have not got it */
    column->from = name;
    u->count++;
    return LM_OK;
}

static lm_status join_column(lm_unifier *u, int32_t at, const lm_field *field, const char *name,
                             lm_error *error)
{
    known_column *column = &u->columns[at];
    unify_run run = {u, column->from, name, false, error};
    lm_path path = {NULL, field->name};
    LM_TRY(unify_field(&run, &column->field, field, &path));
    if (run.changed) column->from = name;
    return LM_OK;
}

lm_status lm__unify(lm_unifier *u, const lm_schema *schema, const char *name, lm_error *error)
{
    const lm_field *root = &schema->root;
    if (u->tables == 0) {
        lm_field flat = *root;
        flat.children = NULL;
        flat.n_children = 0;
        LM_TRY(lm__field_copy(&u->arena, &flat, &u->root, error));
    }
    for (int32_t i = 0; i < root->n_children; i++) {
        const lm_field *field = &root->children[i];
        lm_path path = {NULL, field->name};
        if (lm__field_find(root, field->name, field->name_size) == -2)
            return lm__path_error(error, LM_SCHEMA, &path,
                                  "there is more than one of that name in %s, and several files "
                                  "are joined by names",
                                  name);
        /* Most tables have most columns at the same place. */
        bool here = i < u->count && u->columns[i].field.name_size == field->name_size &&
                    memcmp(u->columns[i].field.name, field->name, field->name_size) == 0;
        int32_t at = here ? i : find_column(u, field);
        LM_TRY(at < 0 ? add_column(u, field, name, error) : join_column(u, at, field, name, error));
    }
    for (int32_t i = 0; i < u->count; i++) {
        lm_field *field = &u->columns[i].field;
        if (lm__field_find(root, field->name, field->name_size) == -1) field->nullable = true;
    }
    u->tables++;
    return LM_OK;
}

lm_status lm__unified(const lm_unifier *u, lm_schema **schema, lm_error *error)
{
    LM_TRY(lm__schema_new(u->allocator, schema, error));
    lm_arena *arena = &(*schema)->arena;
    lm_field *root = &(*schema)->root;
    lm_status status = lm__field_copy(arena, &u->root, root, error);
    if (status == LM_OK && !lm__field_children(arena, root, u->count)) status = no_memory(error);
    for (int32_t i = 0; i < u->count && status == LM_OK; i++)
        status = lm__field_copy(arena, &u->columns[i].field, &root->children[i], error);
    if (status == LM_OK) status = lm__schema_seal(*schema, error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}
