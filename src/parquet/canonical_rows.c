/* Rows out of columns: the descent through the schema that takes from each leaf its next entry. */
#include "parquet/canonical_rows.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "parquet/canonical_text.h"

#define FLUSH_BYTES (256 * LM_KIB)

lm_status lm__canonical_full(lm_canonical *state, lm_status status)
{
    if (status == LM_NO_MEMORY) return lm__error_memory(state->error, "printing a row");
    if (status == LM_LIMIT)
        return lm__error_set(state->error, LM_LIMIT, "a value too long to be printed");
    return status;
}

static lm_status contradiction(lm_canonical *state, const lm_read_node *node)
{
    char path[LM_READ_PATH_MAX];
    return lm__error_set(state->error, LM_CORRUPT,
                         "column %s: its levels do not agree with those of the columns beside it",
                         lm__read_path(node, path));
}

/* Entries. */

static lm_canonical_leaf *leaf_of(lm_canonical *state, const lm_read_node *node)
{
    return &state->leaves[node->leaf_first];
}

static uint8_t definition(const lm_canonical_leaf *leaf)
{
    return leaf->node->definition ? leaf->definitions.data[leaf->at] : 0;
}

/* 0 at the end, where the next row begins. */
static uint8_t repetition(const lm_canonical_leaf *leaf)
{
    return leaf->node->repetition && leaf->at < leaf->entries ? leaf->repetitions.data[leaf->at]
                                                              : 0;
}

lm_status lm__canonical_present(lm_canonical *state, const lm_read_node *node, bool *present)
{
    *present = node->mode == LM_PARQUET_OPTIONAL; /* a group without leaves: nobody can say */
    for (uint32_t i = 0; i < node->leaf_count; i++) {
        const lm_canonical_leaf *leaf = &state->leaves[node->leaf_first + i];
        if (leaf->at == leaf->entries) return contradiction(state, leaf->node);
        uint8_t level = definition(leaf);
        bool here = level >= node->definition;
        if (i == 0) *present = here;
        /* parquet-go gives variants that are null values nevertheless; their metadata is not there.
         */
        if (here && !*present && node->shape == LM_READ_VARIANT) continue;
        if (here != *present || (!here && level != node->definition - 1))
            return contradiction(state, leaf->node);
    }
    return LM_OK;
}

/* DuckDB writes as many entries for an array that is null as for one that is not: those that go on
 * a list within what is absent, and are absent as well, say nothing. */
lm_status lm__canonical_absent(lm_canonical *state, const lm_read_node *node)
{
    unsigned around = node->repetition - (node->mode == LM_PARQUET_REPEATED);
    for (uint32_t i = 0; i < node->leaf_count; i++) {
        lm_canonical_leaf *leaf = &state->leaves[node->leaf_first + i];
        leaf->value += definition(leaf) == leaf->node->definition;
        do leaf->at++;
        while (repetition(leaf) > around && definition(leaf) < node->definition);
    }
    return LM_OK;
}

lm_status lm__canonical_again(lm_canonical *state, const lm_read_node *node, bool *again)
{
    *again = false;
    for (uint32_t i = 0; i < node->leaf_count; i++) {
        const lm_canonical_leaf *leaf = &state->leaves[node->leaf_first + i];
        uint8_t level = repetition(leaf);
        if (i == 0) *again = level == node->repetition;
        if (level > node->repetition || (level == node->repetition) != *again)
            return contradiction(state, leaf->node);
    }
    return LM_OK;
}

lm_status lm__canonical_take(lm_canonical *state, const lm_read_node *node, lm_bytes *value)
{
    lm_canonical_leaf *leaf = leaf_of(state, node);
    if (leaf->at == leaf->entries || definition(leaf) != node->definition)
        return contradiction(state, node);
    size_t i = leaf->value++;
    leaf->at++;
    switch (leaf->values.form) {
    case LM_FORM_BITS: {
        static const uint8_t bools[] = {0, 1};
        *value = lm__bytes(&bools[lm__bits_get((lm_bits){leaf->values.values, 0}, i)], 1);
        return LM_OK;
    }
    case LM_FORM_FIXED:
        *value = lm__bytes(leaf->values.values + i * leaf->values.width, leaf->values.width);
        return LM_OK;
    default: {
        const int64_t *offsets = (const int64_t *)leaf->values.offsets + i;
        *value = lm__bytes(leaf->values.data + offsets[0], (size_t)(offsets[1] - offsets[0]));
        return LM_OK;
    }
    }
}

/* Text. */

/* What goes to the sink, it gets in pieces; what is gathered elsewhere stays. */
static lm_status flush(lm_canonical *state, lm_buffer *out, size_t bytes_min)
{
    if (out != &state->out || out->size < bytes_min || out->size == 0) return LM_OK;
    LM_TRY(lm_sink_write(state->sink, out->data, out->size, state->error));
    lm__buffer_clear(out);
    return LM_OK;
}

static lm_status put(lm_canonical *state, lm_buffer *out, const char *text)
{
    return lm__canonical_full(state, lm__buffer_text(out, text));
}

static lm_status shape(lm_canonical *state, const lm_read_node *node, lm_buffer *out);

/* Whether it goes out in pieces, so that its text need not be held whole. */
static bool is_long(const lm_canonical *state, const lm_read_node *node, lm_bytes value,
                    const lm_buffer *out)
{
    return value.size > FLUSH_BYTES && out == &state->out &&
           (node->meaning == LM_MEANS_STRING || node->meaning == LM_MEANS_JSON) &&
           lm__utf8_valid(value.data, value.size);
}

static lm_status long_text(lm_canonical *state, lm_bytes value, lm_buffer *out)
{
    LM_TRY(put(state, out, "\""));
    for (size_t at = 0, size; at < value.size; at += size) {
        size = value.size - at < FLUSH_BYTES ? value.size - at : FLUSH_BYTES;
        LM_TRY(lm__canonical_full(state, lm__canonical_escaped(out, value.data + at, size)));
        LM_TRY(flush(state, out, FLUSH_BYTES));
    }
    return put(state, out, "\"");
}

static lm_status leaf_text(lm_canonical *state, const lm_read_node *node, lm_buffer *out)
{
    lm_bytes value = {0};
    char path[LM_READ_PATH_MAX];
    LM_TRY(lm__canonical_take(state, node, &value));
    if (is_long(state, node, value, out)) return long_text(state, value, out);
    lm_status status = lm__canonical_leaf(out, node, value.data, value.size);
    if (status != LM_OK)
        return lm__error_within(state->error, lm__canonical_full(state, status), "column %s",
                                lm__read_path(node, path));
    return flush(state, out, FLUSH_BYTES);
}

/* The items of a REPEATED node; each is `item`, which is the node itself or its only child. */
static lm_status items(lm_canonical *state, const lm_read_node *repeated, const lm_read_node *item,
                       lm_buffer *out)
{
    bool more;
    LM_TRY(put(state, out, "["));
    LM_TRY(lm__canonical_present(state, repeated, &more));
    if (!more) LM_TRY(lm__canonical_absent(state, repeated));
    for (bool first = true; more; first = false) {
        if (!first) LM_TRY(put(state, out, ","));
        LM_TRY(item == repeated ? shape(state, item, out) : lm__canonical_field(state, item, out));
        LM_TRY(lm__canonical_again(state, repeated, &more));
    }
    return put(state, out, "]");
}

static lm_status entries(lm_canonical *state, const lm_read_node *map, lm_buffer *out)
{
    const lm_read_node *repeated = &map->children[0];
    bool more;
    LM_TRY(put(state, out, "["));
    LM_TRY(lm__canonical_present(state, repeated, &more));
    if (!more) LM_TRY(lm__canonical_absent(state, repeated));
    for (bool first = true; more; first = false) {
        LM_TRY(put(state, out, first ? "[" : ",["));
        LM_TRY(lm__canonical_field(state, map->key, out));
        LM_TRY(put(state, out, ","));
        LM_TRY(map->value ? lm__canonical_field(state, map->value, out) : put(state, out, "null"));
        LM_TRY(put(state, out, "]"));
        LM_TRY(lm__canonical_again(state, repeated, &more));
    }
    return put(state, out, "]");
}

static lm_status group(lm_canonical *state, const lm_read_node *node, lm_buffer *out)
{
    LM_TRY(put(state, out, "{"));
    for (size_t i = 0; i < node->n_children; i++) {
        const lm_read_node *child = &node->children[i];
        const lm_bytes name = child->element->name;
        if (i) LM_TRY(put(state, out, ","));
        LM_TRY(lm__canonical_full(state, lm__canonical_string(out, name.data, name.size)));
        LM_TRY(put(state, out, ":"));
        LM_TRY(lm__canonical_field(state, child, out));
    }
    return put(state, out, "}");
}

/* What stands for the node once it is there. */
static lm_status shape(lm_canonical *state, const lm_read_node *node, lm_buffer *out)
{
    switch (node->shape) {
    case LM_READ_LEAF: return leaf_text(state, node, out);
    case LM_READ_LIST: return items(state, &node->children[0], node->item, out);
    case LM_READ_MAP: return entries(state, node, out);
    case LM_READ_VARIANT: return lm__canonical_variant(state, node, out);
    default: return group(state, node, out);
    }
}

lm_status lm__canonical_field(lm_canonical *state, const lm_read_node *node, lm_buffer *out)
{
    bool present = true;
    if (node->mode == LM_PARQUET_REPEATED) return items(state, node, node, out);
    if (node->mode == LM_PARQUET_OPTIONAL) LM_TRY(lm__canonical_present(state, node, &present));
    if (present) return shape(state, node, out);
    LM_TRY(lm__canonical_absent(state, node));
    return put(state, out, "null");
}

lm_status lm__canonical_row(lm_canonical *state, const lm_read_node *root)
{
    LM_TRY(group(state, root, &state->out));
    for (uint32_t i = 0; i < root->leaf_count; i++)
        if (repetition(&state->leaves[i]) != 0) return contradiction(state, state->leaves[i].node);
    LM_TRY(put(state, &state->out, "\n"));
    return flush(state, &state->out, FLUSH_BYTES);
}
