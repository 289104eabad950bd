/*
 * VARIANT values (VariantEncoding.md): the binary form read into a tree, and the tree as text.
 *
 * A tree may also have leaves and objects that came from shredded columns (canonical_variant.c);
 * that is why a node can be a leaf of the Parquet schema.
 *
 * Invariants
 *  1. Nothing is read outside the metadata and the value. The nodes of one value do not overlap:
 *     together they take no more bytes than it has, or it is LM_CORRUPT; so a tree is never larger
 *     than what it was read from.
 *  2. A tree is at most LM_VARIANT_DEPTH_MAX deep.
 *  3. The fields of an object are sorted by the bytes of their names, each name once.
 */
#ifndef LM_PARQUET_VARIANT_H
#define LM_PARQUET_VARIANT_H

#include "base/buffer.h"
#include "parquet/read_schema.h"

typedef enum lm_variant_kind {
    LM_VARIANT_NULL,
    LM_VARIANT_PRIMITIVE, /* `bytes` from its header on */
    LM_VARIANT_STRING,    /* `bytes` */
    LM_VARIANT_LEAF,      /* `bytes` is a value of the Parquet leaf `node` */
    LM_VARIANT_ARRAY,
    LM_VARIANT_OBJECT,
} lm_variant_kind;

typedef struct lm_variant lm_variant;
struct lm_variant {
    lm_variant_kind kind;
    lm_bytes name; /* in an object */
    lm_bytes bytes;
    const lm_read_node *node;
    lm_variant *items; /* ARRAY, OBJECT */
    size_t count;
};

typedef struct lm_variant_metadata {
    lm_bytes bytes; /* of the names */
    const uint8_t *offsets;
    size_t count;
    unsigned offset_size;
} lm_variant_metadata;

LM_MUST_USE lm_status lm__variant_metadata_read(lm_bytes source, lm_variant_metadata *out,
                                                lm_error *error);
/* The nodes live in the arena, their bytes in the source. */
LM_MUST_USE lm_status lm__variant_read(const lm_variant_metadata *metadata, lm_bytes source,
                                       lm_arena *arena, lm_variant *out, lm_error *error);
/* Sorts the fields of an object. LM_CORRUPT for a name that comes twice. */
LM_MUST_USE lm_status lm__variant_sort(lm_variant *object, lm_error *error);
/* Appends the canonical text; fails as canonical_text.h does. */
LM_MUST_USE lm_status lm__variant_text(const lm_variant *variant, lm_buffer *out);

#endif
