/*
 * The Thrift compact protocol over bounded memory, driven by tables: a table describes a struct of
 * parquet.thrift and the C struct that it lands in, and serves reader and writer alike.
 *
 * Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 *
 * How a Thrift field lies in its C struct
 *  - int8..int64, enums: intN_t or int32_t; bool: bool; double: double. An optional one is there
 *    when bit `id` of the struct's first member, `uint32_t has`, is set. Required ones have no bit.
 *  - binary and string: lm_bytes; absent is data == NULL. Read ones point into the source.
 *  - a struct: embedded when required, else a pointer; absent is NULL.
 *  - a list: a {items, count} pair; absent is items == NULL. An empty list that is there has items
 *    == lm_thrift_empty (any pointer but NULL will do for writing).
 *  - a union of empty structs: int32_t, the id of its member; 0 is absent.
 *  - a union of structs with contents: a C struct that opens with lm_thrift_choice and holds the
 *    fields of all members side by side; embedded when required, else a pointer.
 *
 * Invariants
 *  1. Nothing is read outside the source; everything that was read is inside its arena or source.
 *  2. A count is believed only when the rest of the source can hold that many elements.
 *  3. Unknown fields are skipped (32767, the binary protocol extension, among them), to a depth of
 *     LM_THRIFT_DEPTH_MAX; unknown enum values are kept as numbers.
 *  4. Integers of any width are taken where an integer stands, if they fit. A field that comes
 *     twice, has another type, or is required and absent is LM_CORRUPT, told with struct, field
 *     and offset.
 *  5. The same struct gives the same bytes: fields by rising id, the shortest headers.
 */
#ifndef LM_PARQUET_THRIFT_H
#define LM_PARQUET_THRIFT_H

#include "base/arena.h"
#include "base/buffer.h"

/* Borrowed bytes. */
typedef struct lm_bytes {
    const uint8_t *data;
    size_t size;
} lm_bytes;

/* Not NULL, and holds nothing: for empty bytes and empty lists that are there. */
extern const uint64_t lm_thrift_empty[2];

static inline lm_bytes lm__bytes(const void *data, size_t size)
{
    return (lm_bytes){data ? (const uint8_t *)data : (const uint8_t *)lm_thrift_empty, size};
}

typedef enum lm_thrift_kind {
    LM_THRIFT_BOOL = 1,
    LM_THRIFT_I8,
    LM_THRIFT_I16,
    LM_THRIFT_I32,
    LM_THRIFT_I64,
    LM_THRIFT_DOUBLE,
    LM_THRIFT_BYTES,
    LM_THRIFT_STRUCT, /* embedded when required, else by pointer */
    LM_THRIFT_UNION,  /* of empty structs: the member's id */
    LM_THRIFT_CHOICE, /* of structs; as STRUCT */
    LM_THRIFT_LIST,   /* element kind in `element` */
} lm_thrift_kind;

/* Element and field types on the wire ("Struct encoding" and "List and Set"). */
enum {
    LM_THRIFT_WIRE_STOP = 0,
    LM_THRIFT_WIRE_TRUE = 1,
    LM_THRIFT_WIRE_FALSE = 2,
    LM_THRIFT_WIRE_I8 = 3,
    LM_THRIFT_WIRE_I16 = 4,
    LM_THRIFT_WIRE_I32 = 5,
    LM_THRIFT_WIRE_I64 = 6,
    LM_THRIFT_WIRE_DOUBLE = 7,
    LM_THRIFT_WIRE_BINARY = 8,
    LM_THRIFT_WIRE_LIST = 9,
    LM_THRIFT_WIRE_SET = 10,
    LM_THRIFT_WIRE_MAP = 11,
    LM_THRIFT_WIRE_STRUCT = 12,
    LM_THRIFT_WIRE_UUID = 13,
};

typedef struct lm_thrift_struct lm_thrift_struct;

typedef struct lm_thrift_field {
    const char *name;
    uint8_t kind;    /* lm_thrift_kind; 0: no such field */
    uint8_t element; /* of a list */
    bool required;
    uint16_t offset;
    const lm_thrift_struct *child; /* of STRUCT and CHOICE, and of lists of STRUCT */
} lm_thrift_field;

struct lm_thrift_struct {
    const char *name;
    uint16_t size;
    uint8_t field_max; /* the highest id; fields[0] is unused */
    uint8_t bytes_min; /* the least that it takes in the file, its stop byte included */
    uint32_t required; /* bit i: field i is required */
    const lm_thrift_field *fields;
};

/* Which member of a union there is. One that the table does not know is kept as it was written:
 * `unknown` is its struct's bytes, and it is written again from them. */
typedef struct lm_thrift_choice {
    uint32_t has; /* for the optional fields of the members */
    int32_t member;
    lm_bytes unknown;
} lm_thrift_choice;

/* How lists lie in C structs; T * in place of void *. */
typedef struct lm_thrift_list {
    void *items;
    size_t count;
} lm_thrift_list;

/* Reads one struct from the start of source[0, size) into `out` (of table->size bytes), and says
 * how many bytes it took. What it holds beyond `out` comes from the arena and from the source,
 * which must live as long. `skip` is a set of fields of the outermost struct to pass over: bit i
 * for field i; they stay absent, required or not. LM_CORRUPT, LM_LIMIT or LM_NO_MEMORY; when the
 * source ends before the struct does, *taken is SIZE_MAX with it, else 0. */
LM_MUST_USE lm_status lm__thrift_read(const lm_thrift_struct *table, const void *source,
                                      size_t size, uint32_t skip, lm_arena *arena, void *out,
                                      size_t *taken, lm_error *error);

/* Appends the struct. Fails only as the buffer does. */
LM_MUST_USE lm_status lm__thrift_write(const lm_thrift_struct *table, const void *in,
                                       lm_buffer *out);
/* The same in pieces, where one list of structs is too long to be in memory: all in front of the
 * list and its header; then the caller writes `count` elements; then all that follows. The fields
 * in front of it must be there. */
LM_MUST_USE lm_status lm__thrift_write_before(const lm_thrift_struct *table, const void *in,
                                              unsigned list_id, size_t count, lm_buffer *out);
LM_MUST_USE lm_status lm__thrift_write_after(const lm_thrift_struct *table, const void *in,
                                             unsigned list_id, lm_buffer *out);

#endif
