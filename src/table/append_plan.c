/* What an append has to do: the descriptor, the table, and the schemas between them; see append.h.
 */
#include <stdio.h>
#include <string.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/append.h"
#include "table/delta_schema.h"
#include "table/evolve.h"

/* The table as it is. */

static const char *configured(const lm_append *a, const char *key)
{
    return a->base ? lm__text_map_get(&a->base->metadata.configuration, key) : NULL;
}

lm_status lm__append_describe(lm_append *a)
{
    const char *text = configured(a, LM_TABLE_DESCRIPTOR_KEY);
    lm_error why;
    lm_table_descriptor_free(a->known);
    a->known = NULL;
    if (text) {
        lm_status status = lm_table_descriptor_parse(a->allocator, text, strlen(text), a->directory,
                                                     &a->known, &why);
        if (status == LM_NO_MEMORY) return lm__append_memory(a);
        /* One that we cannot read is as good as none: another version's, or damaged by hand. */
    }
    if (a->descriptor) return LM_OK;
    const lm_registry *registry = a->options->registry;
    lm_table_descriptor *found = registry ? lm_registry_find(registry, a->table) : a->known;
    if (found) {
        a->descriptor = lm_table_descriptor_ref(found);
        return LM_OK;
    }
    if (registry)
        return lm__error_set(a->error, LM_SCHEMA, "the registry describes no table %s", a->table);
    return lm__error_set(a->error, LM_SCHEMA, "%s: %s, so a registry must describe it",
                         a->directory,
                         a->base ? "the table has no descriptor with it" : "there is no table yet");
}

static lm_status refuse_version(const lm_append *a, const char *format, const char *why)
{
    char text[LM_ERROR_MESSAGE_MAX];
    snprintf(text, sizeof text, format, why);
    return lm__error_set(a->error, LM_SCHEMA,
                         "%s: the table's schema version is %s and the descriptor's %s: %s",
                         a->directory, a->known->version.text, a->descriptor->version.text, text);
}

/* Which of the two is older, and whether the step between them is what the versions say. */
static lm_status check_versions(const lm_append *a)
{
    const lm_table_descriptor *table = a->known, *given = a->descriptor;
    char why[LM_ERROR_MESSAGE_MAX];
    if (!table || table == given) return LM_OK;
    if (table->version.major != given->version.major)
        return refuse_version(a, "another major version is another table%s", "");
    bool older = given->version.minor < table->version.minor;
    lm_table_evolution step = older ? lm_table_descriptor_compare(given, table, why)
                                    : lm_table_descriptor_compare(table, given, why);
    if (step == LM_TABLE_SAME) return LM_OK;
    if (table->version.minor == given->version.minor)
        return refuse_version(a, "one version has one schema, but %s", why);
    if (step == LM_TABLE_MAJOR)
        return refuse_version(a, "that is a minor step, but %s, which is a major one", why);
    return LM_OK;
}

static lm_status check_partitions(const lm_append *a)
{
    const lm_table_descriptor *d = a->descriptor;
    const lm_text_list *columns = &a->base->metadata.partition_columns;
    bool same = columns->count == d->partition_count;
    for (size_t i = 0; same && i < columns->count; i++)
        same = strcmp(columns->items[i], d->partitions[i].name) == 0;
    if (same) return LM_OK;
    return lm__error_set(a->error, LM_SCHEMA,
                         "%s: the table is not partitioned as its descriptor says", a->directory);
}

static lm_status settle_bucket_size(lm_append *a)
{
    const char *text = configured(a, LM_TABLE_BUCKET_SIZE_KEY);
    int64_t table = 0, asked = a->options->tick_bucket_size;
    if (text && (lm__text_to_i64(text, strlen(text), &table) != LM_TEXT_OK || table < 1))
        return lm__error_set(a->error, LM_CORRUPT, "%s: %s is \"%.40s\"", a->directory,
                             LM_TABLE_BUCKET_SIZE_KEY, text);
    const int64_t sizes[] = {table, a->descriptor->bucket_size, asked};
    static const char *const whose[] = {"of the table", "of the descriptor", "that was asked for"};
    int first = -1;
    a->bucket_size = 0;
    if (a->descriptor->bucket < 0) return LM_OK;
    for (int i = 0; i < 3; i++) {
        if (sizes[i] == 0) continue;
        if (first < 0) first = i;
        if (sizes[i] != sizes[first])
            return lm__error_set(
                a->error, LM_INVALID, "%s: the bucket size %s is %lld, and that %s %lld",
                a->directory, whose[first], (long long)sizes[first], whose[i], (long long)sizes[i]);
    }
    if (first < 0)
        return lm__error_set(a->error, LM_INVALID,
                             "%s: nobody says how large the buckets are (tick_bucket_size)",
                             a->directory);
    a->bucket_size = sizes[first];
    return LM_OK;
}

/* The table's columns. */

static lm_status merge_fields(lm_append *a, lm_arena *arena, const lm_field *table,
                              const lm_field *given, lm_field *out);

/* The table's field with what the given one has more, within structs. */
static lm_status merge_field(lm_append *a, lm_arena *arena, const lm_field *table,
                             const lm_field *given, lm_field *out)
{
    LM_TRY(lm__field_copy(arena, table, out, a->error));
    if (table->type.id != given->type.id || table->n_children == 0) return LM_OK;
    if (table->type.id == LM_TYPE_STRUCT) return merge_fields(a, arena, table, given, out);
    for (int32_t i = 0; i < table->n_children && i < given->n_children; i++)
        LM_TRY(merge_field(a, arena, &table->children[i], &given->children[i], &out->children[i]));
    return LM_OK;
}

static lm_status merge_fields(lm_append *a, lm_arena *arena, const lm_field *table,
                              const lm_field *given, lm_field *out)
{
    int32_t more = 0, at = 0;
    for (int32_t i = 0; i < given->n_children; i++)
        more += lm__field_find(table, given->children[i].name, given->children[i].name_size) < 0;
    lm_field *children = lm__field_children(arena, out, table->n_children + more);
    if (!children) return lm__append_memory(a);
    for (; at < table->n_children; at++) {
        const lm_field *old = &table->children[at];
        int32_t source = lm__field_find(given, old->name, old->name_size);
        LM_TRY(source < 0 ? lm__field_copy(arena, old, &children[at], a->error)
                          : merge_field(a, arena, old, &given->children[source], &children[at]));
    }
    for (int32_t i = 0; i < given->n_children; i++) {
        const lm_field *new = &given->children[i];
        if (lm__field_find(table, new->name, new->name_size) >= 0) continue;
        LM_TRY(lm__field_copy(arena, new, &children[at++], a->error));
    }
    return LM_OK;
}

/* A table that others made has columns of the descriptor's types; it may allow more nulls. */
static lm_status check_foreign(const lm_append *a, const lm_schema *table)
{
    const lm_field *root = &a->descriptor->stored->root;
    for (int32_t i = 0; i < root->n_children; i++) {
        const lm_field *wanted = &root->children[i];
        int32_t at = lm__field_find(&table->root, wanted->name, wanted->name_size);
        const lm_field *has = at < 0 ? NULL : &table->root.children[at];
        const lm_path path = {NULL, wanted->name};
        char is[LM_TYPE_TEXT_MAX], say[LM_TYPE_TEXT_MAX];
        lm_status status = LM_OK;
        if (!has)
            status = lm__path_error(a->error, LM_SCHEMA, &path, "the table does not have it");
        else if (!lm__delta_same(has, wanted) && !lm__delta_widens(has, wanted) &&
                 !lm__delta_widens(wanted, has))
            status = lm__path_error(a->error, LM_SCHEMA, &path, "it is %s, and described as %s",
                                    lm__type_text_short(has, is), lm__type_text_short(wanted, say));
        if (status != LM_OK) return lm__error_within(a->error, status, "%s", a->directory);
    }
    return LM_OK;
}

/* The table keeps its types: values of wider ones are held to them. */
static lm_status settle_stored(lm_append *a)
{
    const lm_table_descriptor *d = a->descriptor;
    lm_schema *table = NULL;
    lm_schema_free(a->stored);
    a->stored = NULL;
    if (!a->base) {
        a->stored = lm_schema_ref(d->stored);
        return LM_OK;
    }
    const lm_delta_metadata *metadata = &a->base->metadata;
    lm_status status = lm__delta_schema_parse(a->allocator, metadata->schema, metadata->schema_size,
                                              &table, a->error);
    if (status != LM_OK) return lm__error_within(a->error, status, "%s", a->directory);
    bool newer = a->known && d->version.minor > a->known->version.minor;
    if (!a->known) status = check_foreign(a, table);
    a->changes_metadata = false;
    if (status == LM_OK && !newer) {
        a->stored = table;
        return LM_OK;
    }
    if (status == LM_OK) status = lm__schema_new(a->allocator, &a->stored, a->error);
    if (status == LM_OK)
        status =
            merge_fields(a, &a->stored->arena, &table->root, &d->stored->root, &a->stored->root);
    if (status == LM_OK) status = lm__schema_seal(a->stored, a->error);
    a->changes_metadata = newer;
    a->widens_protocol =
        newer && lm__delta_has_ntz(&a->stored->root) && !lm__delta_has_ntz(&table->root);
    lm_schema_free(table);
    return status;
}

lm_status lm__append_plan(lm_append *a)
{
    LM_TRY(lm__append_describe(a));
    LM_TRY(check_versions(a));
    if (a->base) LM_TRY(check_partitions(a));
    LM_TRY(settle_bucket_size(a));
    return settle_stored(a);
}

lm_status lm__append_refit(lm_append *a)
{
    lm_schema *before = lm_schema_ref(a->stored);
    int64_t bucket_size = a->bucket_size;
    char why[LM_ERROR_MESSAGE_MAX];
    lm_status status = lm__append_plan(a);
    if (status == LM_OK &&
        (bucket_size != a->bucket_size ||
         lm__columns_compare(&before->root, &a->stored->root, why) == LM_TABLE_MAJOR ||
         lm__columns_compare(&a->stored->root, &before->root, why) == LM_TABLE_MAJOR ||
         strstr(why, " was "))) /* wider or narrower: the parts have the types of before */
        status = lm__error_set(a->error, LM_CONFLICT,
                               "%s: another writer changed the table's schema meanwhile: append "
                               "again",
                               a->directory);
    lm_schema_free(before);
    return status;
}

/* The rows. */

static const lm_partition *partition_of(const lm_table_descriptor *d, const char *name)
{
    for (size_t i = 0; i < d->partition_count; i++)
        if (strcmp(d->partitions[i].name, name) == 0) return &d->partitions[i];
    return NULL;
}

/* As it comes, where the table's own type is but another way to lie in memory. */
static bool keeps_layout(const lm_field *source, const lm_field *stored)
{
    if (!lm__delta_same(source, stored) || stored->n_children > 0) return false;
    lm_type_id id = source->type.id;
    if (source->dictionary) return lm__type_is_text(source->dictionary->type.id);
    return lm__type_is_text(id) || lm__type_is_binary(id) ||
           (lm__type_is_decimal(id) && source->type.byte_width <= 16);
}

static lm_status relabel(lm_append *a, lm_arena *arena, const lm_field *type,
                         const lm_field *stored, bool nullable, lm_field *out)
{
    LM_TRY(lm__field_copy(arena, type, out, a->error));
    out->name = lm__arena_strndup(arena, stored->name, stored->name_size);
    out->name_size = stored->name_size;
    out->nullable = nullable;
    out->n_metadata = 0;
    out->extension_name = NULL;
    return out->name ? LM_OK : lm__append_memory(a);
}

/* What strict rows must be: the types as they come where those are right, else as declared. */
static lm_status check_strict(lm_append *a, lm_schema *source, const lm_cast_options *options)
{
    lm_schema *wanted;
    lm_cast *cast = NULL;
    const lm_field *declared = &a->descriptor->declared->root;
    LM_TRY(lm__schema_new(a->allocator, &wanted, a->error));
    lm_field *fields = lm__field_children(&wanted->arena, &wanted->root, a->rows->root.n_children);
    lm_status status = fields ? LM_OK : lm__append_memory(a);
    for (int32_t i = 0; i < a->rows->root.n_children && status == LM_OK; i++) {
        const lm_field *row = &a->rows->root.children[i];
        int32_t at = lm__field_find(&source->root, row->name, row->name_size);
        int32_t known = lm__field_find(declared, row->name, row->name_size);
        int32_t kept = lm__field_find(&a->stored->root, row->name, row->name_size);
        const lm_field *type =
            known >= 0 ? &declared->children[known] : &a->stored->root.children[kept];
        const lm_field *comes = at >= 0 ? &source->root.children[at] : type;
        if (lm__delta_same(comes, type) || lm__delta_same(comes, &a->stored->root.children[kept]))
            type = comes;
        status = relabel(a, &wanted->arena, type, row, row->nullable, &fields[i]);
    }
    if (status == LM_OK) status = lm__schema_seal(wanted, a->error);
    lm_cast_options strict = *options;
    strict.mode = LM_CAST_STRICT;
    if (status == LM_OK)
        status = lm__cast_new(a->allocator, source, wanted, &strict, &cast, a->error);
    lm__cast_free(cast);
    lm_schema_free(wanted);
    return status;
}

/* `rows` and `parts`. A computed column that does not come is there only where it is declared, as
 * nulls, for rules to be bound to. */
static lm_status make_schemas(lm_append *a, lm_schema *source)
{
    const lm_field *root = &a->stored->root;
    int32_t rows = 0, parts = 0;
    LM_TRY(lm__schema_new(a->allocator, &a->rows, a->error));
    LM_TRY(lm__schema_new(a->allocator, &a->parts, a->error));
    lm_field *row_fields = lm__field_children(&a->rows->arena, &a->rows->root, root->n_children);
    lm_field *part_fields = lm__field_children(&a->parts->arena, &a->parts->root, root->n_children);
    if (!row_fields || !part_fields) return lm__append_memory(a);
    for (int32_t i = 0; i < root->n_children; i++) {
        const lm_field *stored = &root->children[i];
        const lm_partition *partition = partition_of(a->descriptor, stored->name);
        int32_t at = lm__field_find(&source->root, stored->name, stored->name_size);
        bool computed = partition && partition->kind != LM_PARTITION_VALUE;
        const lm_field *declared = &a->descriptor->declared->root;
        int32_t known = lm__field_find(declared, stored->name, stored->name_size);
        if (computed && at < 0 && known < 0) continue;
        const lm_field *type = at >= 0 && keeps_layout(&source->root.children[at], stored)
                                   ? &source->root.children[at]
                                   : stored;
        bool nullable = stored->nullable && (known < 0 || declared->children[known].nullable);
        nullable = nullable || (computed && at < 0);
        LM_TRY(relabel(a, &a->rows->arena, type, stored, nullable, &row_fields[rows++]));
        if (!partition)
            LM_TRY(relabel(a, &a->parts->arena, type, stored, nullable, &part_fields[parts++]));
    }
    a->rows->root.n_children = rows;
    a->parts->root.n_children = parts;
    LM_TRY(lm__schema_seal(a->rows, a->error));
    return lm__schema_seal(a->parts, a->error);
}

static int32_t row_column(const lm_append *a, const lm_field *field)
{
    return lm__field_find(&a->rows->root, field->name, field->name_size);
}

static lm_status make_route(lm_append *a, const lm_schema *source)
{
    const lm_table_descriptor *d = a->descriptor;
    a->route_columns =
        lm__arena_zero(&a->arena, (d->partition_count + 1) * sizeof(lm_route_column));
    if (!a->route_columns) return lm__append_memory(a);
    for (size_t i = 0; i < d->partition_count; i++) {
        const lm_partition *partition = &d->partitions[i];
        const lm_field *field = &d->stored->root.children[partition->column];
        int32_t kept = lm__field_find(&a->stored->root, field->name, field->name_size);
        bool computed = partition->kind != LM_PARTITION_VALUE;
        bool comes = lm__field_find(&source->root, field->name, field->name_size) >= 0;
        a->route_columns[i] = (lm_route_column){
            .kind = partition->kind,
            .name = field->name,
            .field = &a->stored->root.children[kept],
            .source = row_column(a, &d->stored->root.children[partition->source]),
            .given = computed && comes ? row_column(a, field) : -1,
            .size = a->bucket_size,
        };
    }
    return lm__route_new(a->allocator, a->route_columns, d->partition_count, &a->route, a->error);
}

static lm_status make_sorts(lm_append *a)
{
    const lm_table_descriptor *d = a->descriptor;
    lm_parquet_sorting *sorting = lm__arena_array(&a->arena, d->sort_count + 1, sizeof *sorting);
    if (!sorting) return lm__append_memory(a);
    for (size_t i = 0; i < d->sort_count; i++) {
        const lm_field *field = &d->stored->root.children[d->sorts[i].column];
        a->sorts[i] = (lm_sort_key){
            .column = lm__field_find(&a->parts->root, field->name, field->name_size),
            .descending = d->sorts[i].descending,
            .nulls_first = d->sorts[i].nulls_first,
        };
        sorting[i] = (lm_parquet_sorting){.path = field->name,
                                          .descending = d->sorts[i].descending,
                                          .nulls_first = d->sorts[i].nulls_first};
    }
    a->part_plan.parquet.sorting = sorting;
    a->part_plan.parquet.sorting_count = d->sort_count;
    return LM_OK;
}

/* The options of the call, with the descriptor's over them, and the three keys. */
static lm_status make_parquet(lm_append *a)
{
    const lm_table_options *o = a->options;
    const lm_parquet_options *said = &a->descriptor->parquet;
    const char *prefix = o->metadata_prefix ? o->metadata_prefix : "crv_";
    const struct {
        const char *key, *value;
    } rows[] = {{"schema_version", a->descriptor->version.text},
                {"table_name", a->table},
                {"run_id", a->run_id}};
    lm_parquet_options *p = &a->part_plan.parquet;
    *p = o->parquet ? *o->parquet : lm_parquet_options_default();
    size_t count = p->metadata_count;
    lm_parquet_key_value *pairs = lm__arena_array(&a->arena, count + 3, sizeof *pairs);
    if (!pairs) return lm__append_memory(a);
    if (count) memcpy(pairs, p->metadata, count * sizeof *pairs);
    for (size_t i = 0; i < 3; i++) {
        char *key = lm__arena_printf(&a->arena, "%s%s", prefix, rows[i].key);
        if (!key) return lm__append_memory(a);
        pairs[count++] = (lm_parquet_key_value){key, rows[i].value};
    }
    p->metadata = pairs;
    p->metadata_count = count;
    if (a->descriptor->parquet_codec) {
        p->codec = said->codec;
        p->level = said->level;
    }
    if (said->row_group_rows_max) p->row_group_rows_max = said->row_group_rows_max;
    if (said->row_group_bytes_max) p->row_group_bytes_max = said->row_group_bytes_max;
    if (said->page_rows_max) p->page_rows_max = said->page_rows_max;
    if (said->page_bytes_max) p->page_bytes_max = said->page_bytes_max;
    if (said->column_count) {
        p->columns = said->columns;
        p->column_count = said->column_count;
    }
    p->statistics = true;    /* the log has them too */
    p->arrow_schema = false; /* the log says what the columns are */
    p->threads = 1;          /* the pool is the append's */
    p->cancel = o->cancel;
    p->allocator = a->allocator;
    return LM_OK;
}

static lm_status make_parts(lm_append *a)
{
    const lm_table_descriptor *d = a->descriptor;
    lm_part_plan *plan = &a->part_plan;
    plan->store = a->store;
    plan->allocator = a->allocator;
    plan->table = a->directory;
    plan->schema = a->parts;
    plan->durability = a->options->durability;
    plan->cancel = a->options->cancel;
    plan->stats_columns =
        a->base ? lm__property_int(&a->base->metadata, "delta.dataSkippingNumIndexedCols",
                                   LM_TABLE_STATS_COLUMNS)
                : LM_TABLE_STATS_COLUMNS;
    plan->tick = d->tick < 0 ? NULL : d->stored->root.children[d->tick].name;
    LM_TRY(make_parquet(a));
    return make_sorts(a);
}

lm_status lm__append_fit(lm_append *a, lm_schema *source)
{
    const lm_cast_options all = {.mode = LM_CAST_SAFE, .drop_extra = a->options->drop_extra};
    const lm_cast_options fewer = {.mode = LM_CAST_STRICT, .drop_extra = true};
    LM_TRY(make_schemas(a, source));
    if (a->options->check == LM_TABLE_STRICT) LM_TRY(check_strict(a, source, &all));
    LM_TRY(lm__cast_new(a->allocator, source, a->rows, &all, &a->cast, a->error));
    LM_TRY(lm__cast_new(a->allocator, a->rows, a->parts, &fewer, &a->part_cast, a->error));
    LM_TRY(make_route(a, source));
    if (a->options->validate_rows)
        LM_TRY(lm__row_rules_new(a->allocator, a->descriptor, a->rows, &a->rules, a->error));
    return make_parts(a);
}
