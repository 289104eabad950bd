/* Partition values as rows; see partition_rows.h. */
#include "table/partition_rows.h"

#include <stdio.h>
#include <string.h>

#include "arrow/build.h"
#include "arrow/cast.h"
#include "arrow/filter.h"
#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "reading partition values");
}

/* The columns' fields, or text in their place. */
static lm_status make_schema(const lm_allocator *allocator, const char *where,
                             const lm_schema *table, const lm_text_list *columns, bool typed,
                             lm_schema **schema, lm_error *error)
{
    LM_TRY(lm__schema_new(allocator, schema, error));
    lm_arena *arena = &(*schema)->arena;
    lm_field *fields = lm__field_children(arena, &(*schema)->root, (int32_t)columns->count);
    lm_status status = fields ? LM_OK : no_memory(error);
    for (size_t i = 0; i < columns->count && status == LM_OK; i++) {
        const char *name = columns->items[i];
        int32_t at = lm__field_find(&table->root, name, strlen(name));
        if (at < 0)
            status = lm__error_set(error, LM_CORRUPT, "%s: the schema has no partition column %s",
                                   where, name);
        else if (typed)
            status = lm__field_copy(arena, &table->root.children[at], &fields[i], error);
        else if (!lm__field_init(arena, &fields[i], name, lm__type_make(LM_TYPE_UTF8), true))
            status = no_memory(error);
    }
    if (status == LM_OK) status = lm__schema_seal(*schema, error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}

/* A timestamp's text says its zone where the column has one: "2026-01-01 00:00:00" is in UTC. */
static lm_status put_value(lm_builder *builder, const lm_field *field, const char *value)
{
    int64_t instant;
    bool zoned;
    char longer[64];
    size_t size = value ? strlen(value) : 0;
    if (size == 0) return lm__build_null(builder);
    if (field->type.id == LM_TYPE_TIMESTAMP && field->type.timezone && size + 1 < sizeof longer &&
        lm__text_to_timestamp(value, size, field->type.unit, &instant, &zoned) == LM_TEXT_OK &&
        !zoned) {
        memcpy(longer, value, size);
        longer[size] = 'Z';
        return lm__build_bytes(builder, longer, size + 1);
    }
    return lm__build_bytes(builder, value, size);
}

static lm_status put_rows(const char *where, const lm_schema *typed,
                          const lm_delta_add *const *parts, size_t count, lm_builder *root,
                          lm_error *error)
{
    for (size_t i = 0; i < count; i++)
        for (int32_t k = 0; k < typed->root.n_children; k++) {
            const lm_field *field = &typed->root.children[k];
            const char *value = lm__part_value(parts[i], field->name);
            if (value && !lm__utf8_valid(value, strlen(value)))
                return lm__error_set(error, LM_CORRUPT,
                                     "%s: the value of %s of the part %s is no "
                                     "UTF-8",
                                     where, field->name, parts[i]->path);
            lm_status status = put_value(&root->children[k], field, value);
            if (status == LM_LIMIT)
                return lm__error_set(error, status, "more than 2 GiB of partition values");
            if (status != LM_OK) return no_memory(error);
        }
    return LM_OK;
}

static lm_status cast_rows(const lm_allocator *allocator, const char *where, lm_batch *texts,
                           lm_schema *typed, lm_batch **rows, lm_error *error)
{
    const lm_cast_options options = {.mode = LM_CAST_SAFE};
    lm_cast *cast;
    LM_TRY(lm__cast_new(allocator, texts->schema, typed, &options, &cast, error));
    lm_status status = lm__cast_batch(cast, texts, 0, rows, error);
    lm__cast_free(cast);
    if (status == LM_OK) return LM_OK;
    return lm__error_within(error, status, "%s: partition values (each row a part)", where);
}

lm_status lm__partition_rows(const lm_allocator *allocator, const char *where,
                             const lm_schema *schema, const lm_text_list *columns,
                             const lm_delta_add *const *parts, size_t count, lm_batch **rows,
                             lm_error *error)
{
    lm_schema *plain = NULL, *typed = NULL;
    lm_batch *texts = NULL;
    lm_builder root;
    *rows = NULL;
    if (columns->count == 0) return LM_OK;
    LM_TRY(make_schema(allocator, where, schema, columns, false, &plain, error));
    lm_status status = make_schema(allocator, where, schema, columns, true, &typed, error);
    if (status == LM_OK) status = lm__builder_init(&root, allocator, &plain->root, error);
    if (status == LM_OK) {
        status = put_rows(where, typed, parts, count, &root, error);
        if (status == LM_OK) status = lm__builder_finish(&root, plain, &texts, error);
        lm__builder_deinit(&root);
    }
    if (status == LM_OK) status = cast_rows(allocator, where, texts, typed, rows, error);
    lm__batch_unref(texts);
    lm_schema_free(typed);
    lm_schema_free(plain);
    return status;
}

/* Choosing. */

static lm_status refuse_column(const char *where, const char *what, const char *name,
                               const lm_text_list *columns, lm_error *error)
{
    char names[256] = "";
    size_t size = 0;
    for (size_t i = 0; i < columns->count && size + 2 < sizeof names; i++) {
        int more =
            snprintf(names + size, sizeof names - size, "%s%s", i ? ", " : "", columns->items[i]);
        if (more < 0) break;
        size += (size_t)more;
    }
    if (columns->count == 0)
        return lm__error_set(error, LM_SCHEMA,
                             "%s: the table has no partitions: only the whole of it can be %s",
                             where, what);
    return lm__error_set(error, LM_SCHEMA,
                         "%s: %s is no partition column (these are: %s): only whole partitions "
                         "can be %s",
                         where, name, names, what);
}

static lm_status check_columns(const char *where, const char *what, const lm_text_list *columns,
                               const lm_expr *condition, lm_error *error)
{
    lm_arena arena;
    lm_status status = LM_OK;
    lm__arena_init(&arena, NULL, 0);
    if (columns->count == 0) status = refuse_column(where, what, "", columns, error);
    for (size_t i = 0; i < lm_expr_columns(condition) && status == LM_OK; i++) {
        const char *text = lm_expr_column(condition, i), *why;
        lm_expr_path path;
        size_t taken;
        status = lm__expr_path_read(&arena, text, strlen(text), &path, &taken, &why);
        if (status != LM_OK)
            status = no_memory(error);
        else if (path.count != 1 || !lm__text_list_has(columns, path.parts[0]))
            status = refuse_column(where, what, text, columns, error);
    }
    lm__arena_deinit(&arena);
    return status;
}

static lm_status choose(const lm_allocator *allocator, lm_batch *rows, const lm_expr *condition,
                        size_t count, bool *chosen, lm_error *error)
{
    lm_filter *filter;
    int64_t selected;
    LM_TRY(lm_expr_bind(allocator, condition, rows->schema, &filter, error));
    uint8_t *bits = lm__alloc(allocator, lm__filter_bits_bytes((int64_t)count) + 8);
    lm_status status =
        bits ? lm__filter_rows(filter, &rows->root, bits, &selected, error) : no_memory(error);
    for (size_t i = 0; i < count && status == LM_OK; i++) chosen[i] = lm__bit_get(bits, (int64_t)i);
    lm__free(allocator, bits);
    lm_filter_free(filter);
    return status;
}

lm_status lm__partitions_choose(const lm_allocator *allocator, const char *where, const char *what,
                                const lm_schema *schema, const lm_text_list *columns,
                                const lm_delta_add *parts, size_t count, const lm_expr *condition,
                                bool *chosen, lm_error *error)
{
    lm_batch *rows = NULL;
    memset(chosen, true, count);
    if (!condition) return LM_OK;
    LM_TRY(check_columns(where, what, columns, condition, error));
    if (count == 0) return LM_OK;
    const lm_delta_add **list = lm__alloc_array(allocator, count, sizeof *list);
    if (!list) return no_memory(error);
    for (size_t i = 0; i < count; i++) list[i] = &parts[i];
    lm_status status =
        lm__partition_rows(allocator, where, schema, columns, list, count, &rows, error);
    if (status == LM_OK) status = choose(allocator, rows, condition, count, chosen, error);
    lm__batch_unref(rows);
    lm__free(allocator, list);
    return status;
}
