/* What becomes of key-value metadata when files are merged; see merge_pairs.h. */
#include "parquet/merge_pairs.h"

#include <string.h>

#include "arrow/fb_schema.h"
#include "base/alloc.h"
#include "base/bytes_text.h"
#include "base/error.h"

static const char arrow_key[] = "ARROW:schema";

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "joining key-value metadata");
}

void lm__merge_metadata_init(lm_merge_metadata *metadata, const lm_allocator *allocator,
                             lm_arena *arena, lm_parquet_merge_pairs mode)
{
    *metadata = (lm_merge_metadata){.allocator = allocator, .arena = arena, .mode = mode};
    lm__buffer_init(&metadata->last_text, allocator, 0);
}

void lm__merge_metadata_deinit(lm_merge_metadata *metadata)
{
    lm__buffer_deinit(&metadata->last_text);
}

static bool bytes_equal(lm_bytes a, lm_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool is_arrow(lm_bytes key)
{
    return key.size == sizeof arrow_key - 1 && memcmp(key.data, arrow_key, key.size) == 0;
}

static lm_status keep_bytes(lm_merge_metadata *m, lm_bytes from, lm_bytes *to, lm_error *error)
{
    uint8_t *copy = lm__arena_aligned(m->arena, 1, from.size + 1);
    if (!copy) return no_memory(error);
    if (from.size) memcpy(copy, from.data, from.size);
    *to = lm__bytes(copy, from.size);
    return LM_OK;
}

/* Pairs. */

static lm_status refuse(const lm_merge_metadata *m, lm_bytes key, const char *name, lm_error *error)
{
    char raw[64], text[128];
    size_t size = key.size < sizeof raw - 1 ? key.size : sizeof raw - 1;
    memcpy(raw, key.data, size);
    raw[size] = '\0';
    return lm__error_set(
        error, LM_SCHEMA,
        "key-value metadata \"%s\" is not the same in %s and %s; let it be dropped "
        "or the first be taken",
        lm__printable(text, sizeof text, raw), m->first_file, name);
}

static lm_merge_pair *find_pair(const lm_merge_metadata *m, lm_bytes key, size_t hint)
{
    for (size_t i = 0; i < m->count; i++) {
        lm_merge_pair *pair = &m->pairs[(hint + i) % m->count];
        if (bytes_equal(pair->key, key)) return pair;
    }
    return NULL;
}

static lm_status add_pair(lm_merge_metadata *m, const lm_footer_key_value *from, lm_error *error)
{
    if (!lm__arena_room(m->arena, &m->pairs, &m->capacity, m->count + 1, sizeof *m->pairs))
        return no_memory(error);
    lm_merge_pair *pair = &m->pairs[m->count];
    *pair = (lm_merge_pair){
        .has_value = from->value.data != NULL, .differs = m->files > 0, .seen = m->files + 1};
    LM_TRY(keep_bytes(m, from->key, &pair->key, error));
    if (!pair->differs || m->mode == LM_PARQUET_PAIRS_FIRST)
        LM_TRY(keep_bytes(m, from->value, &pair->value, error));
    m->count++;
    return LM_OK;
}

/* Of a key that comes more than once in a file the first counts. */
static lm_status take_pairs(lm_merge_metadata *m, lm_footer_key_value_list list, const char *name,
                            lm_error *error)
{
    size_t now = m->files + 1, hint = 0;
    bool refused = m->mode == LM_PARQUET_PAIRS_REFUSE && m->files > 0;
    for (size_t i = 0; i < list.count; i++) {
        const lm_footer_key_value *from = &list.items[i];
        if (is_arrow(from->key)) continue;
        lm_merge_pair *pair = find_pair(m, from->key, hint);
        if (!pair) {
            if (refused) return refuse(m, from->key, name, error);
            LM_TRY(add_pair(m, from, error));
            continue;
        }
        hint = (size_t)(pair - m->pairs) + 1;
        if (pair->seen == now) continue;
        pair->seen = now;
        if (pair->differs || (pair->has_value == (from->value.data != NULL) &&
                              bytes_equal(pair->value, from->value)))
            continue;
        if (refused) return refuse(m, from->key, name, error);
        pair->differs = true;
    }
    for (size_t i = 0; i < m->count; i++) {
        if (m->pairs[i].seen == now || m->pairs[i].differs) continue;
        if (refused) return refuse(m, m->pairs[i].key, name, error);
        m->pairs[i].differs = true;
    }
    return LM_OK;
}

/* Arrow's schema. */

/* The columns of one text: false where they are not those of the files before. */
static lm_status take_columns(lm_merge_metadata *m, const lm_merge_schema *schema, lm_bytes text,
                              bool *agree, lm_error *error)
{
    lm_schema *parsed = NULL;
    size_t size;
    uint8_t *bytes = lm__alloc(m->allocator, text.size + 3);
    if (!bytes) return no_memory(error);
    lm_status status = LM_CORRUPT;
    if (lm__base64_parse((const char *)text.data, text.size, bytes, &size))
        status = lm__fb_schema_parse(m->allocator, bytes, size, &parsed, error);
    lm__free(m->allocator, bytes);
    *agree = status == LM_OK;
    if (status != LM_OK) return status == LM_NO_MEMORY ? status : LM_OK;
    lm_merge_node *node = schema->root->first;
    for (int32_t i = 0; i < parsed->root.n_children && *agree && status == LM_OK; i++) {
        const lm_field *field = &parsed->root.children[i];
        lm_bytes name = {(const uint8_t *)field->name, field->name_size};
        if (!node || !bytes_equal(node->element.name, name))
            for (node = schema->root->first; node; node = node->next)
                if (bytes_equal(node->element.name, name)) break;
        if (!node) break;
        if (node->arrow && field->type.id == LM_TYPE_NULL) {
            /* It has nothing to say of the others' type. */
        } else if (node->arrow && node->arrow->type.id != LM_TYPE_NULL) {
            *agree =
                lm__field_equal(node->arrow, field) && lm__field_metadata_equal(node->arrow, field);
        } else {
            lm_field *copy = lm__arena_zero(m->arena, sizeof *copy);
            status = copy ? lm__field_copy(m->arena, field, copy, error) : no_memory(error);
            node->arrow = copy;
        }
        node = node->next;
    }
    lm_schema_free(parsed);
    return status;
}

static lm_status take_arrow(lm_merge_metadata *m, const lm_merge_schema *schema, lm_bytes text,
                            lm_error *error)
{
    bool agree = true;
    if (m->arrow == LM_MERGE_ARROW_NONE) return LM_OK;
    if (m->files == 0) return text.data ? keep_bytes(m, text, &m->arrow_text, error) : LM_OK;
    if (!text.data != !m->arrow_text.data) {
        m->arrow = LM_MERGE_ARROW_NONE;
        return LM_OK;
    }
    if (!text.data || bytes_equal(text, m->arrow_text)) return LM_OK;
    if (m->arrow == LM_MERGE_ARROW_ONE) {
        LM_TRY(take_columns(m, schema, m->arrow_text, &agree, error));
        m->arrow = agree ? LM_MERGE_ARROW_COLUMNS : LM_MERGE_ARROW_NONE;
    }
    if (!agree || bytes_equal(text, (lm_bytes){m->last_text.data, m->last_text.size})) return LM_OK;
    LM_TRY(take_columns(m, schema, text, &agree, error));
    if (!agree) m->arrow = LM_MERGE_ARROW_NONE;
    lm__buffer_clear(&m->last_text);
    return lm__buffer_append(&m->last_text, text.data, text.size) == LM_OK ? LM_OK
                                                                           : no_memory(error);
}

lm_status lm__merge_metadata_add(lm_merge_metadata *m, const lm_merge_schema *schema,
                                 const lm_parquet_reader *reader, const char *name, lm_error *error)
{
    const lm_footer_key_value_list list = reader->metadata.key_value_metadata;
    lm_bytes text = {NULL, 0};
    if (m->files == 0) m->first_file = name;
    for (size_t i = 0; i < list.count && !text.data; i++)
        if (is_arrow(list.items[i].key)) text = list.items[i].value;
    LM_TRY(take_pairs(m, list, name, error));
    LM_TRY(take_arrow(m, schema, text, error));
    m->files++;
    return LM_OK;
}

/* The result. */

static lm_status schema_of_columns(lm_merge_metadata *m, const lm_merge_schema *schema,
                                   lm_schema **out, lm_error *error)
{
    lm_schema *made;
    LM_TRY(lm__schema_new(m->allocator, &made, error));
    const lm_merge_node *node = schema->root->first;
    int32_t count = (int32_t)schema->root->n_children;
    lm_status status =
        lm__field_children(&made->arena, &made->root, count) ? LM_OK : no_memory(error);
    for (int32_t i = 0; i < count && status == LM_OK; i++, node = node->next)
        status = lm__field_copy(&made->arena, node->arrow, &made->root.children[i], error);
    if (status == LM_OK) status = lm__schema_seal(made, error);
    if (status == LM_OK)
        *out = made;
    else
        lm_schema_free(made);
    return status;
}

/* The text that is put together; absent where a column is not in it. */
static lm_status text_of_columns(lm_merge_metadata *m, const lm_merge_schema *schema,
                                 lm_bytes *text, lm_error *error)
{
    lm_schema *joined;
    lm_buffer message;
    for (const lm_merge_node *node = schema->root->first; node; node = node->next)
        if (!node->arrow) return LM_OK;
    LM_TRY(schema_of_columns(m, schema, &joined, error));
    lm__buffer_init(&message, m->allocator, 0);
    lm_status status = lm__fb_schema_message(joined, &message, error);
    if (status == LM_OK) {
        char *made = lm__arena_zero(m->arena, LM_BASE64_TEXT_BYTES(message.size) + 1);
        if (made) {
            lm__base64_text(made, message.data, message.size);
            *text = lm__bytes(made, strlen(made));
        } else {
            status = no_memory(error);
        }
    }
    lm__buffer_deinit(&message);
    lm_schema_free(joined);
    return status;
}

lm_status lm__merge_metadata_list(lm_merge_metadata *m, const lm_merge_schema *schema,
                                  lm_footer_key_value_list *list, size_t *dropped, lm_error *error)
{
    lm_footer_key_value *items = lm__arena_zero(m->arena, (m->count + 1) * sizeof *items);
    lm_bytes text = {NULL, 0};
    size_t count = 0;
    if (!items) return no_memory(error);
    *dropped = 0;
    for (size_t i = 0; i < m->count; i++) {
        const lm_merge_pair *pair = &m->pairs[i];
        *dropped += pair->differs;
        if (pair->differs && m->mode != LM_PARQUET_PAIRS_FIRST) continue;
        items[count].key = pair->key;
        if (pair->has_value) items[count].value = pair->value;
        count++;
    }
    if (m->arrow == LM_MERGE_ARROW_ONE) text = m->arrow_text;
    if (m->arrow == LM_MERGE_ARROW_COLUMNS) LM_TRY(text_of_columns(m, schema, &text, error));
    if (text.data) {
        items[count].key = lm__bytes(arrow_key, sizeof arrow_key - 1);
        items[count++].value = text;
    }
    *list = (lm_footer_key_value_list){count ? items : NULL, count};
    return LM_OK;
}
