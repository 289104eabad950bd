/*
 * Tables in memory: the Arrow C data and stream interfaces, schemas, and casting a stream to a
 * schema.
 *
 * The structs are those of the Arrow specification ("The Arrow C data interface", "The Arrow C
 * stream interface"), under its guards, so that this header lives beside any other that defines
 * them. What a function takes ("_take" in its name) it owns from the call on, also when it fails:
 * it moves the struct out of the caller's hands and releases it exactly once.
 */
#ifndef LAMELLA_ARROW_H
#define LAMELLA_ARROW_H

#include <lamella/base.h>

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

/* A schema: columns with names, types and nullability. Never changes once made; counted, so that it
 * may be shared between threads. */
typedef struct lm_schema lm_schema;

/* From the text form of docs/schema-text.md: "id: int64 not null, when: timestamp[us, UTC]". */
LM_API LM_MUST_USE lm_status lm_schema_parse(const lm_allocator *allocator, const char *text,
                                             size_t size, lm_schema **schema, lm_error *error);
/* From a struct-typed ArrowSchema, which is released in any case. */
LM_API LM_MUST_USE lm_status lm_schema_import_take(const lm_allocator *allocator,
                                                   struct ArrowSchema *source, lm_schema **schema,
                                                   lm_error *error);
LM_API LM_MUST_USE lm_status lm_schema_export(const lm_schema *schema, struct ArrowSchema *out,
                                              lm_error *error);
/* Writes the text form, one column a line, cut to `size` and always terminated; returns the length
 * of the whole, as snprintf does. */
LM_API size_t lm_schema_text(const lm_schema *schema, char *text, size_t size);
/* "sha256:<hex>" of the canonical text (docs/schema-text.md). */
#define LM_SCHEMA_HASH_BYTES 72
LM_API LM_MUST_USE lm_status lm_schema_hash(const lm_schema *schema,
                                            char hash[LM_SCHEMA_HASH_BYTES], lm_error *error);
LM_API size_t lm_schema_columns(const lm_schema *schema);
/* Names, types and nullability alike (metadata aside). */
LM_API bool lm_schema_equal(const lm_schema *a, const lm_schema *b);
LM_API lm_schema *lm_schema_ref(lm_schema *schema);
/* Gives one reference back; takes NULL. */
LM_API void lm_schema_free(lm_schema *schema);

/* How a table is made to fit a schema. Columns are found by name and put in the schema's order; one
 * that is missing is filled with nulls where the schema allows them. */
typedef enum lm_cast_mode {
    LM_CAST_STRICT = 0, /* types must be the schema's */
    LM_CAST_SAFE = 1,   /* values are converted, and refused where something would be lost */
} lm_cast_mode;

typedef struct lm_cast_options {
    lm_cast_mode mode;
    bool drop_extra; /* columns that the schema has not are left out, not refused */
} lm_cast_options;

/* A stream of `source`'s rows in the schema `target`. What can be told from the schemas alone is
 * told here, all problems together (LM_SCHEMA); a value that does not fit is told when its batch is
 * asked for (LM_DATA), with column, row and value. NULL options mean strict. */
LM_API LM_MUST_USE lm_status lm_cast_stream_take(const lm_allocator *allocator,
                                                 struct ArrowArrayStream *source, lm_schema *target,
                                                 const lm_cast_options *options,
                                                 struct ArrowArrayStream *out, lm_error *error);

#endif
