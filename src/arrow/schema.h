/*
 * Schemas: trees of fields in an arena, from ArrowSchema, from text, from a flatbuffer or made by
 * hand, and back again.
 *
 * Invariants
 *  1. A tree that a function here has made is sound: depth, number of children, names (UTF-8
 *     without NUL), type parameters and the shape of maps, dictionaries and run-ends are checked,
 *     and whoever walks it need not check again.
 *  2. A schema does not change once made; it is counted and may be read from any thread.
 *  3. Errors name the column's path ("a.b.item").
 */
#ifndef LM_ARROW_SCHEMA_H
#define LM_ARROW_SCHEMA_H

#include <lamella/arrow.h>

#include "arrow/type.h"
#include "base/arena.h"
#include "base/buffer.h"

/* Both are NUL-terminated, and may have NULs within. */
typedef struct lm_key_value {
    const char *key, *value;
    size_t key_size, value_size;
} lm_key_value;

typedef struct lm_field lm_field;
struct lm_field {
    const char *name; /* NUL-terminated; "" when there is none */
    size_t name_size;
    lm_type type;
    bool nullable;
    int32_t n_children;
    lm_field *children;
    lm_field *dictionary;  /* a dictionary's values: a field of its own, without a name */
    int64_t dictionary_id; /* as an IPC schema gave it, or the number of its place (fb_schema.h) */
    size_t n_metadata;
    lm_key_value *metadata;     /* without the two extension keys */
    const char *extension_name; /* "arrow.uuid", …; NULL for none */
    const char *extension_metadata;
    size_t extension_metadata_size;
};

/* `root` is a struct whose children are the columns and whose metadata is the schema's. */
struct lm_schema {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_arena arena;
    lm_field root;
};

/* Where a field stands, for messages: a chain on the stack. A NULL path is the schema itself. */
typedef struct lm_path {
    const struct lm_path *up; /* NULL above a column */
    const char *name;
} lm_path;
#define LM_PATH_TEXT_MAX 256
/* "a.b.item", printable and cut where it is too long; returns `text`. */
const char *lm__path_text(const lm_path *path, char text[LM_PATH_TEXT_MAX]);
/* "column a.b.item: …", or "the table: …" with a NULL path; returns `code`. */
lm_status lm__path_error(lm_error *error, lm_status code, const lm_path *path, const char *format,
                         ...) LM_PRINTF(4, 5);

/* An empty schema with no columns, for the maker to fill: what hangs on `root` lives in `arena`.
 * Then lm__schema_seal settles invariant 1 and numbers the dictionaries (fb_schema.h). */
LM_MUST_USE lm_status lm__schema_new(const lm_allocator *allocator, lm_schema **schema,
                                     lm_error *error);
LM_MUST_USE lm_status lm__schema_seal(lm_schema *schema, lm_error *error);
/* What seal checks, for one field; `path` is where it stands, or NULL at the root. */
LM_MUST_USE lm_status lm__field_check(lm_field *field, const lm_path *path, lm_error *error);

/* Borrows `source`; one that is released already is an error. */
LM_MUST_USE lm_status lm__schema_import(const lm_allocator *allocator,
                                        const struct ArrowSchema *source, lm_schema **schema,
                                        lm_error *error);
/* One field alone, into an arena. */
LM_MUST_USE lm_status lm__field_import(lm_arena *arena, const struct ArrowSchema *source,
                                       lm_field *field, lm_error *error);
/* The exported struct is whole in itself: it does not point into the field. */
LM_MUST_USE lm_status lm__field_export(const lm_allocator *allocator, const lm_field *field,
                                       struct ArrowSchema *out, lm_error *error);
/* The format string of the C data interface ("l", "tsu:UTC", …; a dictionary's is its index's). */
LM_MUST_USE lm_status lm__field_format(const lm_field *field, lm_buffer *text);

/* Deep copies, into another arena. */
LM_MUST_USE lm_status lm__field_copy(lm_arena *arena, const lm_field *source, lm_field *out,
                                     lm_error *error);
/* A schema of some columns of another, in the order given. */
LM_MUST_USE lm_status lm__schema_select(const lm_schema *source, const int32_t *columns,
                                        int32_t n_columns, lm_schema **schema, lm_error *error);

/* Makers for hand-built trees (readers, tests). They return NULL, or false, when the arena is full.
 */
bool lm__field_init(lm_arena *arena, lm_field *field, const char *name, lm_type type,
                    bool nullable);
lm_field *lm__field_children(lm_arena *arena, lm_field *field, int32_t n_children);
bool lm__field_add_metadata(lm_arena *arena, lm_field *field, const char *key, size_t key_size,
                            const char *value, size_t value_size);
/* The value of a metadata key, or NULL. */
const lm_key_value *lm__field_metadata(const lm_field *field, const char *key);

/* The column of that name (bytes alike), or -1; -2 when there is more than one. */
int32_t lm__field_find(const lm_field *parent, const char *name, size_t name_size);

/* Same names, types, nullability, children, dictionary and extension name; metadata aside. */
bool lm__field_equal(const lm_field *a, const lm_field *b);
/* The same without names, nullability and extension: arrays of the one are arrays of the other. */
bool lm__field_same_layout(const lm_field *a, const lm_field *b);
bool lm__field_metadata_equal(const lm_field *a, const lm_field *b);

/* The extension type arrow.uuid. */
bool lm__field_is_uuid(const lm_field *field);

/* The text form (docs/schema-text.md). */
LM_MUST_USE lm_status lm__type_text(const lm_field *field, lm_buffer *out);
LM_MUST_USE lm_status lm__field_text(const lm_field *field, lm_buffer *out);
/* One column a line, each with its newline: what the schema hash is taken of. */
LM_MUST_USE lm_status lm__schema_canonical(const lm_schema *schema, lm_buffer *out);
/* The type for a message, cut where it is too long; returns `text`. */
#define LM_TYPE_TEXT_MAX 160
const char *lm__type_text_short(const lm_field *field, char text[LM_TYPE_TEXT_MAX]);
LM_MUST_USE lm_status lm__type_parse(lm_arena *arena, const char *text, size_t size,
                                     lm_field *field, lm_error *error);

#endif
