/* From the lines of an entry to actions; see actions.h. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "table/actions.h"

typedef struct action_reader {
    lm_arena *arena;
    const char *name; /* of the entry */
    size_t line;
    const char *kind; /* of the action, for messages */
    lm_error *error;
} action_reader;

static lm_status refuse(const action_reader *r, const char *member, const char *what)
{
    return lm__error_set(r->error, LM_CORRUPT, "%s, line %zu: %s.%s %s", r->name, r->line, r->kind,
                         member, what);
}

static lm_status refuse_memory(const action_reader *r)
{
    return lm__error_memory(r->error, "reading a table's log");
}

/* A member that is there and not null. */
static const lm_json *member_of(const lm_json *object, const char *key)
{
    const lm_json *member = lm__json_member(object, key);
    return member && member->kind != LM_JSON_NULL ? member : NULL;
}

/* ---- typed members; a required one that is missing is refused ---- */

static lm_status read_text(const action_reader *r, const lm_json *object, const char *key,
                           bool required, const char **text, size_t *size)
{
    const lm_json *member = member_of(object, key);
    *text = NULL;
    if (!member) return required ? refuse(r, key, "is missing") : LM_OK;
    if (member->kind != LM_JSON_STRING) return refuse(r, key, "is no text");
    if (!size && strlen(member->text) != member->text_size)
        return refuse(r, key, "has a NUL in it");
    *text = member->text;
    if (size) *size = member->text_size;
    return LM_OK;
}

static lm_status read_int(const action_reader *r, const lm_json *object, const char *key,
                          int64_t *value, bool *there)
{
    const lm_json *member = member_of(object, key);
    *value = 0;
    if (there) *there = member != NULL;
    if (!member) return there ? LM_OK : refuse(r, key, "is missing");
    if (member->kind != LM_JSON_INT) return refuse(r, key, "is no whole number");
    *value = member->integer;
    return LM_OK;
}

static lm_status read_bool(const action_reader *r, const lm_json *object, const char *key,
                           bool fallback, bool *value)
{
    const lm_json *member = member_of(object, key);
    *value = fallback;
    if (!member) return LM_OK;
    if (member->kind != LM_JSON_TRUE && member->kind != LM_JSON_FALSE)
        return refuse(r, key, "is neither true nor false");
    *value = member->kind == LM_JSON_TRUE;
    return LM_OK;
}

static lm_status read_map(const action_reader *r, const lm_json *object, const char *key,
                          lm_text_map *map)
{
    const lm_json *member = member_of(object, key);
    *map = (lm_text_map){0};
    if (!member) return LM_OK;
    if (member->kind != LM_JSON_OBJECT) return refuse(r, key, "is no object");
    lm_key_value *items = lm__arena_array(r->arena, member->count, sizeof *items);
    if (!items && member->count) return refuse_memory(r);
    for (const lm_json *value = member->first; value; value = value->next) {
        if (value->kind != LM_JSON_STRING && value->kind != LM_JSON_NULL)
            return refuse(r, key, "has a value that is no text");
        items[map->count++] = (lm_key_value){
            .key = value->key,
            .key_size = value->key_size,
            .value = value->kind == LM_JSON_STRING ? value->text : NULL,
            .value_size = value->kind == LM_JSON_STRING ? value->text_size : 0,
        };
    }
    map->items = items;
    return LM_OK;
}

static lm_status read_list(const action_reader *r, const lm_json *object, const char *key,
                           lm_text_list *list, bool *there)
{
    const lm_json *member = member_of(object, key);
    *list = (lm_text_list){0};
    if (there) *there = member != NULL;
    if (!member) return LM_OK;
    if (member->kind != LM_JSON_ARRAY) return refuse(r, key, "is no list");
    const char **items = lm__arena_array(r->arena, member->count, sizeof *items);
    if (!items && member->count) return refuse_memory(r);
    for (const lm_json *item = member->first; item; item = item->next) {
        if (item->kind != LM_JSON_STRING || strlen(item->text) != item->text_size)
            return refuse(r, key, "has an item that is no text");
        items[list->count++] = item->text;
    }
    list->items = items;
    return LM_OK;
}

/* ---- the kinds ---- */

static lm_status read_vector(const action_reader *r, const lm_json *object,
                             const lm_delta_vector **vector)
{
    const lm_json *member = member_of(object, "deletionVector");
    *vector = NULL;
    if (!member) return LM_OK;
    lm_delta_vector *made = lm__arena_zero(r->arena, sizeof *made);
    if (!made) return refuse_memory(r);
    action_reader inner = *r;
    inner.kind = "deletionVector";
    LM_TRY(read_text(&inner, member, "storageType", true, &made->storage, NULL));
    LM_TRY(read_text(&inner, member, "pathOrInlineDv", true, &made->place, NULL));
    LM_TRY(read_int(&inner, member, "offset", &made->offset, &made->has_offset));
    LM_TRY(read_int(&inner, member, "sizeInBytes", &made->size, NULL));
    LM_TRY(read_int(&inner, member, "cardinality", &made->cardinality, NULL));
    *vector = made;
    return LM_OK;
}

static lm_status read_add(const action_reader *r, const lm_json *object, lm_delta_add *add)
{
    LM_TRY(read_text(r, object, "path", true, &add->path, NULL));
    if (add->path[0] == '\0') return refuse(r, "path", "is empty");
    LM_TRY(read_map(r, object, "partitionValues", &add->partition_values));
    LM_TRY(read_int(r, object, "size", &add->size, NULL));
    if (add->size < 0) return refuse(r, "size", "is below zero");
    bool there;
    LM_TRY(read_int(r, object, "modificationTime", &add->modification_time_ms, &there));
    LM_TRY(read_bool(r, object, "dataChange", true, &add->data_change));
    LM_TRY(read_text(r, object, "stats", false, &add->stats, &add->stats_size));
    LM_TRY(read_vector(r, object, &add->vector));
    add->has_tags = member_of(object, "tags") != NULL;
    return read_map(r, object, "tags", &add->tags);
}

static lm_status read_remove(const action_reader *r, const lm_json *object, lm_delta_remove *remove)
{
    bool has_size;
    LM_TRY(read_text(r, object, "path", true, &remove->path, NULL));
    if (remove->path[0] == '\0') return refuse(r, "path", "is empty");
    LM_TRY(read_int(r, object, "deletionTimestamp", &remove->deletion_time_ms,
                    &remove->has_deletion_time));
    LM_TRY(read_bool(r, object, "dataChange", true, &remove->data_change));
    LM_TRY(read_map(r, object, "partitionValues", &remove->partition_values));
    LM_TRY(read_int(r, object, "size", &remove->size, &has_size));
    remove->extended = has_size && member_of(object, "partitionValues") != NULL;
    return read_vector(r, object, &remove->vector);
}

static lm_status read_metadata(const action_reader *r, const lm_json *object,
                               lm_delta_metadata *metadata)
{
    const lm_json *format = member_of(object, "format");
    LM_TRY(read_text(r, object, "id", true, &metadata->id, NULL));
    LM_TRY(read_text(r, object, "name", false, &metadata->name, NULL));
    LM_TRY(read_text(r, object, "description", false, &metadata->description, NULL));
    LM_TRY(read_text(r, object, "schemaString", true, &metadata->schema, &metadata->schema_size));
    LM_TRY(read_list(r, object, "partitionColumns", &metadata->partition_columns, NULL));
    LM_TRY(read_int(r, object, "createdTime", &metadata->created_time_ms,
                    &metadata->has_created_time));
    LM_TRY(read_map(r, object, "configuration", &metadata->configuration));
    metadata->provider = "parquet";
    if (!format) return LM_OK;
    LM_TRY(read_text(r, format, "provider", true, &metadata->provider, NULL));
    return read_map(r, format, "options", &metadata->format_options);
}

static lm_status read_version(const action_reader *r, const lm_json *object, const char *key,
                              int32_t *version)
{
    int64_t value;
    LM_TRY(read_int(r, object, key, &value, NULL));
    if (value < 0 || value > INT32_MAX) return refuse(r, key, "is no version");
    *version = (int32_t)value;
    return LM_OK;
}

static lm_status read_protocol(const action_reader *r, const lm_json *object,
                               lm_delta_protocol *protocol)
{
    LM_TRY(read_version(r, object, "minReaderVersion", &protocol->reader));
    LM_TRY(read_version(r, object, "minWriterVersion", &protocol->writer));
    LM_TRY(read_list(r, object, "readerFeatures", &protocol->reader_features,
                     &protocol->has_reader_features));
    return read_list(r, object, "writerFeatures", &protocol->writer_features,
                     &protocol->has_writer_features);
}

static lm_status read_txn(const action_reader *r, const lm_json *object, lm_delta_txn *txn)
{
    LM_TRY(read_text(r, object, "appId", true, &txn->app_id, NULL));
    LM_TRY(read_int(r, object, "version", &txn->version, NULL));
    return read_int(r, object, "lastUpdated", &txn->last_updated_ms, &txn->has_last_updated);
}

static lm_status read_domain(const action_reader *r, const lm_json *object, lm_delta_domain *domain)
{
    LM_TRY(read_text(r, object, "domain", true, &domain->domain, NULL));
    LM_TRY(read_text(r, object, "configuration", false, &domain->configuration, NULL));
    return read_bool(r, object, "removed", false, &domain->removed);
}

/* "Implementations are free to store any valid JSON": what is of another type is taken as absent,
 * and values in maps as their JSON. */
static lm_status loose_map(const action_reader *r, const lm_json *object, const char *key,
                           lm_text_map *map)
{
    const lm_json *member = member_of(object, key);
    if (!member || member->kind != LM_JSON_OBJECT) return LM_OK;
    lm_key_value *items = lm__arena_array(r->arena, member->count, sizeof *items);
    if (!items && member->count) return refuse_memory(r);
    for (const lm_json *value = member->first; value; value = value->next) {
        lm_key_value *item = &items[map->count++];
        *item = (lm_key_value){.key = value->key, .key_size = value->key_size};
        if (value->kind == LM_JSON_STRING) {
            item->value = value->text;
            item->value_size = value->text_size;
        } else if (value->kind != LM_JSON_NULL) {
            lm_buffer text;
            lm_json_writer writer;
            lm__buffer_init(&text, r->arena->allocator, LM_TABLE_LINE_BYTES_MAX);
            lm__json_writer_init(&writer, &text, false);
            lm__json_tree(&writer, value);
            item->value = writer.status != LM_OK
                              ? NULL
                              : lm__arena_strndup(r->arena, (char *)text.data, text.size);
            item->value_size = text.size;
            lm__buffer_deinit(&text);
            if (!item->value) return refuse_memory(r);
        }
    }
    map->items = items;
    return LM_OK;
}

static lm_status read_commit_info(const action_reader *r, const lm_json *object,
                                  lm_delta_commit_info *info)
{
    const lm_json *timestamp = lm__json_member(object, "timestamp");
    const lm_json *in_commit = lm__json_member(object, "inCommitTimestamp");
    const lm_json *read = lm__json_member(object, "readVersion");
    const lm_json *blind = lm__json_member(object, "isBlindAppend");
    *info = (lm_delta_commit_info){
        .has_timestamp = timestamp && timestamp->kind == LM_JSON_INT,
        .has_in_commit_timestamp = in_commit && in_commit->kind == LM_JSON_INT,
        .has_read_version = read && read->kind == LM_JSON_INT,
        .is_blind_append = -1,
        .operation = lm__json_member_text(object, "operation", NULL),
        .engine = lm__json_member_text(object, "engineInfo", NULL),
        .txn_id = lm__json_member_text(object, "txnId", NULL),
        .tree = object,
    };
    if (info->has_timestamp) info->timestamp_ms = timestamp->integer;
    if (info->has_in_commit_timestamp) info->in_commit_timestamp_ms = in_commit->integer;
    if (info->has_read_version) info->read_version = read->integer;
    if (blind && (blind->kind == LM_JSON_TRUE || blind->kind == LM_JSON_FALSE))
        info->is_blind_append = blind->kind == LM_JSON_TRUE;
    LM_TRY(loose_map(r, object, "operationParameters", &info->parameters));
    return loose_map(r, object, "operationMetrics", &info->metrics);
}

/* ---- lines ---- */

static lm_action_kind kind_of(const char *key)
{
    static const struct {
        const char *key;
        lm_action_kind kind;
    } kinds[] = {
        {"add", LM_ACTION_ADD},
        {"remove", LM_ACTION_REMOVE},
        {"commitInfo", LM_ACTION_COMMIT_INFO},
        {"txn", LM_ACTION_TXN},
        {"metaData", LM_ACTION_METADATA},
        {"protocol", LM_ACTION_PROTOCOL},
        {"cdc", LM_ACTION_CDC},
        {"domainMetadata", LM_ACTION_DOMAIN},
        {"sidecar", LM_ACTION_SIDECAR},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].key, key) == 0) return kinds[i].kind;
    return LM_ACTION_OTHER;
}

static lm_status read_action(action_reader *r, const lm_json *value, lm_action *action)
{
    *action = (lm_action){.kind = kind_of(value->key)};
    r->kind = value->key;
    if (action->kind != LM_ACTION_OTHER && value->kind != LM_JSON_OBJECT)
        return lm__error_set(r->error, LM_CORRUPT, "%s, line %zu: %s is no object", r->name,
                             r->line, r->kind);
    switch (action->kind) {
    case LM_ACTION_COMMIT_INFO: return read_commit_info(r, value, &action->commit_info);
    case LM_ACTION_PROTOCOL: return read_protocol(r, value, &action->protocol);
    case LM_ACTION_METADATA: return read_metadata(r, value, &action->metadata);
    case LM_ACTION_TXN: return read_txn(r, value, &action->txn);
    case LM_ACTION_ADD: return read_add(r, value, &action->add);
    case LM_ACTION_REMOVE: return read_remove(r, value, &action->remove);
    case LM_ACTION_DOMAIN: return read_domain(r, value, &action->domain);
    case LM_ACTION_SIDECAR: return read_text(r, value, "path", true, &action->sidecar.path, NULL);
    case LM_ACTION_CDC:
    case LM_ACTION_OTHER: break;
    }
    return LM_OK;
}

static lm_status read_line(action_reader *r, const char *line, size_t size, lm_action *action)
{
    const lm_json *root;
    *action = (lm_action){.kind = LM_ACTION_OTHER};
    if (size > LM_TABLE_LINE_BYTES_MAX)
        return lm__error_set(r->error, LM_LIMIT, "%s, line %zu has %zu bytes, of %zu allowed",
                             r->name, r->line, size, LM_TABLE_LINE_BYTES_MAX);
    lm_status status = lm__json_parse(r->arena, line, size, &root, r->error);
    if (status != LM_OK) {
        static const char place[] = "JSON, line 1, "; /* every text is one line */
        if (status == LM_DATA) status = LM_CORRUPT;
        if (r->error) {
            char *message = r->error->message;
            r->error->code = status;
            if (strncmp(message, place, sizeof place - 1) == 0)
                memmove(message, message + sizeof place - 1, strlen(message) - (sizeof place - 2));
        }
        return lm__error_within(r->error, status, "%s, line %zu", r->name, r->line);
    }
    if (root->kind != LM_JSON_OBJECT)
        return lm__error_set(r->error, LM_CORRUPT, "%s, line %zu is no object", r->name, r->line);
    for (const lm_json *value = root->first; value; value = value->next) {
        if (value->kind == LM_JSON_NULL || kind_of(value->key) == LM_ACTION_OTHER) continue;
        if (action->kind != LM_ACTION_OTHER)
            return lm__error_set(r->error, LM_CORRUPT, "%s, line %zu has two actions", r->name,
                                 r->line);
        LM_TRY(read_action(r, value, action));
    }
    return LM_OK;
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r", line[i]) || line[i] == '\0') return false;
    return true;
}

static size_t lines_of(const char *text, size_t size)
{
    size_t lines = 1;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + size - at))); at++) lines++;
    return lines;
}

lm_status lm__actions_read(lm_arena *arena, const void *text, size_t size, const char *name,
                           lm_action **actions, size_t *count, lm_error *error)
{
    action_reader r = {.arena = arena, .name = name, .error = error};
    const char *at = text, *end = size ? at + size : at;
    size_t lines = size ? lines_of(text, size) : 0, filled = 0;
    *actions = NULL;
    *count = 0;
    if (lines > LM_TABLE_ACTIONS_MAX)
        return lm__error_set(error, LM_LIMIT, "%s has %zu lines, of %d allowed", name, lines,
                             LM_TABLE_ACTIONS_MAX);
    *actions = lm__arena_array(arena, lines, sizeof **actions);
    if (!*actions && lines) return refuse_memory(&r);
    bool any = false;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line_size = (size_t)((newline ? newline : end) - at);
        r.line++;
        if (!is_blank(at, line_size)) {
            any = true;
            LM_TRY(read_line(&r, at, line_size, &(*actions)[filled]));
            if ((*actions)[filled].kind != LM_ACTION_OTHER) filled++;
        }
        if (!newline) break;
        at = newline + 1;
    }
    if (!any) return lm__error_set(error, LM_CORRUPT, "%s is empty", name);
    *count = filled;
    return LM_OK;
}

const char *lm__text_map_get(const lm_text_map *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0) return map->items[i].value;
    return NULL;
}

bool lm__text_list_has(const lm_text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0) return true;
    return false;
}

const lm_delta_vector *lm__delta_vector_copy(lm_arena *arena, const lm_delta_vector *vector)
{
    lm_delta_vector *copy = lm__arena_alloc(arena, sizeof *copy);
    if (!copy) return NULL;
    *copy = *vector;
    copy->storage = lm__arena_strdup(arena, vector->storage);
    copy->place = lm__arena_strdup(arena, vector->place);
    return copy->storage && copy->place ? copy : NULL;
}
