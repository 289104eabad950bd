/* Versions, features and properties of a table; see features.h. */
#include "table/features.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/limits.h"

#define READER_MAX 3
#define WRITER_MAX 7

static lm_status refuse(const char *where, const char *verb, const char *feature, lm_error *error)
{
    return lm__error_set(error, LM_UNSUPPORTED,
                         "%s: the table has the Delta feature %s, with which it cannot be %s here",
                         where, feature, verb);
}

static bool is_one_of(const char *text, const char *const *texts)
{
    for (; *texts; texts++)
        if (strcmp(*texts, text) == 0) return true;
    return false;
}

/* All that are not known, since one of them may say little: domainMetadata comes with others. */
static lm_status known_check(const lm_text_list *features, const char *const *known,
                             const char *where, const char *verb, lm_error *error)
{
    char names[256];
    size_t size = 0, count = 0;
    for (size_t i = 0; i < features->count; i++) {
        if (is_one_of(features->items[i], known)) continue;
        if (size < sizeof names)
            size += (size_t)snprintf(names + size, sizeof names - size, "%s%s", count ? ", " : "",
                                     features->items[i]);
        count++;
    }
    if (count == 0) return LM_OK;
    return lm__error_set(
        error, LM_UNSUPPORTED,
        "%s: the table has the Delta feature%s %s, with which it cannot be %s here", where,
        count > 1 ? "s" : "", names, verb);
}

static lm_status versions_check(const lm_delta_protocol *protocol, const char *where,
                                lm_error *error)
{
    if (protocol->reader > READER_MAX)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: the table asks for reader version %d of the Delta protocol; %d "
                             "is the greatest that is known here",
                             where, protocol->reader, READER_MAX);
    if (protocol->reader == READER_MAX && !protocol->has_reader_features)
        return lm__error_set(error, LM_CORRUPT,
                             "%s: the protocol has reader version 3 and no readerFeatures", where);
    return LM_OK;
}

static lm_status column_mapping_check(const lm_delta_metadata *metadata, const char *where,
                                      const char *verb, lm_error *error)
{
    const char *mode = lm__text_map_get(&metadata->configuration, "delta.columnMapping.mode");
    if (!mode || strcmp(mode, "none") == 0) return LM_OK;
    return refuse(where, verb, "columnMapping", error);
}

lm_status lm__table_readable(const lm_delta_protocol *protocol, const lm_delta_metadata *metadata,
                             const char *where, lm_error *error)
{
    /* columnMapping is looked at by its mode. vacuumProtocolCheck asks readers for nothing. */
    static const char *const known[] = {
        "timestampNtz",    "columnMapping", "vacuumProtocolCheck",  "v2Checkpoint",
        "deletionVectors", "typeWidening",  "typeWidening-preview", NULL};
    LM_TRY(versions_check(protocol, where, error));
    LM_TRY(known_check(&protocol->reader_features, known, where, "read", error));
    if (protocol->reader >= 2) LM_TRY(column_mapping_check(metadata, where, "read", error));
    if (metadata->provider && strcmp(metadata->provider, "parquet") != 0)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: the parts are %s files; only Parquet is read", where,
                             metadata->provider);
    return LM_OK;
}

/* ---- writing ---- */

/* The feature that a key of a column's metadata puts into use; NULL for none. */
static const char *feature_of_key(const char *key)
{
    if (strcmp(key, "delta.invariants") == 0) return "invariants";
    if (strcmp(key, "delta.generationExpression") == 0) return "generatedColumns";
    if (strncmp(key, "delta.identity.", 15) == 0) return "identityColumns";
    if (strcmp(key, "CURRENT_DEFAULT") == 0) return "allowColumnDefaults";
    return NULL;
}

/* In the schema's JSON, whatever is called metadata is of a column. */
static const char *feature_in_schema(const lm_json *value)
{
    const lm_json *metadata = lm__json_member(value, "metadata");
    for (const lm_json *m = metadata ? metadata->first : NULL; m; m = m->next)
        if (m->key && feature_of_key(m->key)) return feature_of_key(m->key);
    if (value->kind != LM_JSON_OBJECT && value->kind != LM_JSON_ARRAY) return NULL;
    for (const lm_json *child = value->first; child; child = child->next) {
        const char *feature = child == metadata ? NULL : feature_in_schema(child);
        if (feature) return feature;
    }
    return NULL;
}

static lm_status schema_check(const lm_allocator *allocator, const lm_delta_metadata *metadata,
                              const char *where, lm_error *error)
{
    lm_arena arena;
    const lm_json *root;
    lm__arena_init(&arena, allocator, 0);
    lm_status status =
        metadata->schema_size > LM_TABLE_SCHEMA_BYTES_MAX
            ? lm__error_set(error, LM_LIMIT, "the schema has more than %zu bytes",
                            LM_TABLE_SCHEMA_BYTES_MAX)
            : lm__json_parse(&arena, metadata->schema, metadata->schema_size, &root, error);
    if (status == LM_DATA) status = LM_CORRUPT;
    if (status != LM_OK) {
        if (error) error->code = status;
        lm__error_within(error, status, "%s: schemaString", where);
    } else {
        const char *feature = feature_in_schema(root);
        if (feature) status = refuse(where, "written", feature, error);
    }
    lm__arena_deinit(&arena);
    return status;
}

static lm_status properties_check(const lm_delta_metadata *metadata, const char *where,
                                  lm_error *error)
{
    static const char *const features[][2] = {
        {"delta.enableChangeDataFeed", "changeDataFeed"},
        {"delta.enableInCommitTimestamps", "inCommitTimestamp"},
        {"delta.enableRowTracking", "rowTracking"},
        {"delta.enableDeletionVectors", "deletionVectors"},
    };
    for (size_t i = 0; i < metadata->configuration.count; i++)
        if (strncmp(metadata->configuration.items[i].key, "delta.constraints.", 18) == 0)
            return refuse(where, "written", "checkConstraints", error);
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (lm__property_bool(metadata, features[i][0], false))
            return refuse(where, "written", features[i][1], error);
    return column_mapping_check(metadata, where, "written", error);
}

lm_status lm__table_writable(const lm_allocator *allocator, const lm_delta_protocol *protocol,
                             const lm_delta_metadata *metadata, const char *where, lm_error *error)
{
    /* Heeded, or refused below when they are in use. */
    static const char *const known[] = {"appendOnly",
                                        "invariants",
                                        "checkConstraints",
                                        "generatedColumns",
                                        "changeDataFeed",
                                        "identityColumns",
                                        "allowColumnDefaults",
                                        "columnMapping",
                                        "timestampNtz",
                                        "inCommitTimestamp",
                                        "vacuumProtocolCheck",
                                        "v2Checkpoint",
                                        NULL};
    LM_TRY(lm__table_readable(protocol, metadata, where, error));
    if (protocol->writer > WRITER_MAX)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s: the table asks for writer version %d of the Delta protocol; %d "
                             "is the greatest that is known here",
                             where, protocol->writer, WRITER_MAX);
    LM_TRY(known_check(&protocol->writer_features, known, where, "written", error));
    LM_TRY(properties_check(metadata, where, error));
    return schema_check(allocator, metadata, where, error);
}

lm_delta_protocol lm__table_protocol(bool timestamp_ntz)
{
    /* What writer version 2 has without saying so, version 7 has only where it is listed. */
    static const char *const features[] = {"timestampNtz", "appendOnly", "invariants"};
    if (!timestamp_ntz) return (lm_delta_protocol){.reader = 1, .writer = 2};
    return (lm_delta_protocol){
        .reader = 3,
        .writer = 7,
        .has_reader_features = true,
        .has_writer_features = true,
        .reader_features = {features, 1},
        .writer_features = {features, 3},
    };
}

bool lm__table_wants_v2(const lm_delta_protocol *protocol, const lm_delta_metadata *metadata)
{
    const char *policy = lm__text_map_get(&metadata->configuration, "delta.checkpointPolicy");
    return policy && strcasecmp(policy, "v2") == 0 &&
           lm__text_list_has(&protocol->reader_features, "v2Checkpoint");
}

/* ---- properties ---- */

bool lm__property_bool(const lm_delta_metadata *metadata, const char *key, bool fallback)
{
    const char *text = lm__text_map_get(&metadata->configuration, key);
    if (!text) return fallback;
    if (strcasecmp(text, "true") == 0) return true;
    return strcasecmp(text, "false") == 0 ? false : fallback;
}

/* Digits at `*at`, which moves behind them. */
static bool number_of(const char **at, int64_t *value)
{
    const char *from = *at;
    *value = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, **at - '0', value))
            return false;
    return *at > from;
}

int64_t lm__property_int(const lm_delta_metadata *metadata, const char *key, int64_t fallback)
{
    const char *text = lm__text_map_get(&metadata->configuration, key);
    int64_t value;
    return text && number_of(&text, &value) && !*text ? value : fallback;
}

/* Milliseconds of a unit that stands at `*at`; microseconds count as none. */
static bool unit_of(const char **at, int64_t *unit_ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"week", 604800000}, {"day", 86400000},  {"hour", 3600000},  {"minute", 60000},
        {"second", 1000},    {"millisecond", 1}, {"microsecond", 0},
    };
    size_t size = strcspn(*at, " ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t name_size = strlen(units[i].name);
        bool plural = size == name_size + 1 && ((*at)[name_size] | 32) == 's';
        if ((size != name_size && !plural) || strncasecmp(*at, units[i].name, name_size) != 0)
            continue;
        *at += size;
        *unit_ms = units[i].ms;
        return true;
    }
    return false;
}

int64_t lm__property_interval_ms(const lm_delta_metadata *metadata, const char *key,
                                 int64_t fallback)
{
    const char *at = lm__text_map_get(&metadata->configuration, key);
    int64_t total = 0, value, unit;
    if (!at) return fallback;
    at += strspn(at, " ");
    if (strncasecmp(at, "interval", 8) == 0) at += 8;
    at += strspn(at, " ");
    if (!*at) return fallback;
    while (*at) {
        if (!number_of(&at, &value)) return fallback;
        at += strspn(at, " ");
        if (!unit_of(&at, &unit) || __builtin_mul_overflow(value, unit, &value) ||
            __builtin_add_overflow(total, value, &total))
            return fallback;
        at += strspn(at, " ");
    }
    return total;
}
