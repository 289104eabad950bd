/* Values of partitions; see partition.h. */
#include "io/partition.h"

#include "arrow/build.h"
#include "arrow/cast.h"
#include "arrow/text.h"
#include "base/error.h"
#include "base/utf8.h"

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "reading partition columns");
}

static bool is_plain_integer(const char *text)
{
    int64_t value;
    size_t size = strlen(text);
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (text[0] == '+' || (digits[0] == '0' && (digits[1] || digits != text))) return false;
    return lm__text_to_i64(text, size, &value) == LM_TEXT_OK;
}

static bool is_plain_date(const char *text)
{
    int64_t days;
    return strlen(text) == 10 && lm__text_to_date(text, 10, &days) == LM_TEXT_OK;
}

static lm_type infer(const lm_found *found, size_t key)
{
    bool integers = true, dates = true, any = false;
    for (size_t i = 0; i < found->count && (integers || dates); i++) {
        const char *value = found->files[i].values[key];
        if (!value) continue;
        any = true;
        integers = integers && is_plain_integer(value);
        dates = dates && is_plain_date(value);
    }
    if (any && integers) return lm__type_make(LM_TYPE_INT64);
    return lm__type_make(any && dates ? LM_TYPE_DATE32 : LM_TYPE_UTF8);
}

/* One schema of text columns and one of typed ones, with the keys' names. */
static lm_status make_schema(const lm_allocator *allocator, const lm_found *found, bool typed,
                             const lm_schema *given, lm_schema **schema, lm_error *error)
{
    LM_TRY(lm__schema_new(allocator, schema, error));
    lm_arena *arena = &(*schema)->arena;
    lm_field *fields = lm__field_children(arena, &(*schema)->root, (int32_t)found->key_count);
    lm_status status = fields ? LM_OK : no_memory(error);
    for (size_t i = 0; i < found->key_count && status == LM_OK; i++) {
        const char *key = found->keys[i];
        int32_t at = typed && given ? lm__field_find(&given->root, key, strlen(key)) : -1;
        lm_type type = typed ? infer(found, i) : lm__type_make(LM_TYPE_UTF8);
        if (at >= 0)
            status = lm__field_copy(arena, &given->root.children[at], &fields[i], error);
        else if (!lm__field_init(arena, &fields[i], key, type, true))
            status = no_memory(error);
    }
    if (status == LM_OK) status = lm__schema_seal(*schema, error);
    if (status == LM_OK) return LM_OK;
    lm_schema_free(*schema);
    *schema = NULL;
    return status;
}

static lm_status fill(const lm_found *found, lm_builder *root, lm_error *error)
{
    for (size_t i = 0; i < found->count; i++)
        for (size_t k = 0; k < found->key_count; k++) {
            const char *value = found->files[i].values[k];
            if (value && !lm__utf8_valid(value, strlen(value)))
                return lm__error_set(error, LM_DATA, "%s: the value of %s is no UTF-8",
                                     found->files[i].path, found->keys[k]);
            lm_status status = value ? lm__build_bytes(&root->children[k], value, strlen(value))
                                     : lm__build_null(&root->children[k]);
            if (status == LM_LIMIT)
                return lm__error_set(error, status, "more than 2 GiB of partition values");
            if (status != LM_OK) return no_memory(error);
        }
    return LM_OK;
}

static lm_status make_texts(const lm_allocator *allocator, const lm_found *found, lm_schema *schema,
                            lm_batch **texts, lm_error *error)
{
    lm_builder root;
    LM_TRY(lm__builder_init(&root, allocator, &schema->root, error));
    lm_status status = fill(found, &root, error);
    if (status == LM_OK) status = lm__builder_finish(&root, schema, texts, error);
    lm__builder_deinit(&root);
    return status;
}

/* "row 5" of a cast's message is no row of a table: the file is named. */
static lm_status cast_texts(const lm_allocator *allocator, lm_batch *texts, lm_schema *typed,
                            lm_batch **table, lm_error *error)
{
    lm_cast_options options = {.mode = LM_CAST_SAFE};
    lm_cast *cast;
    LM_TRY(lm__cast_new(allocator, texts->schema, typed, &options, &cast, error));
    lm_status status = lm__cast_batch(cast, texts, 0, table, error);
    lm__cast_free(cast);
    return status;
}

lm_status lm__partition_table(const lm_allocator *allocator, const lm_found *found,
                              const lm_schema *given, lm_batch **table, lm_error *error)
{
    lm_schema *plain = NULL, *typed = NULL;
    lm_batch *texts = NULL;
    *table = NULL;
    if (found->key_count == 0) return LM_OK;
    for (size_t k = 0; k < found->key_count; k++)
        if (!lm__utf8_valid(found->keys[k], strlen(found->keys[k])))
            return lm__error_set(error, LM_DATA, "%s: a partition key is no UTF-8",
                                 found->files[0].path);
    lm_status status = make_schema(allocator, found, false, NULL, &plain, error);
    if (status == LM_OK) status = make_schema(allocator, found, true, given, &typed, error);
    if (status == LM_OK) status = make_texts(allocator, found, plain, &texts, error);
    if (status == LM_OK) {
        status = cast_texts(allocator, texts, typed, table, error);
        if (status != LM_OK)
            status = lm__error_within(error, status, "partition values (each row a file)");
    }
    lm__batch_unref(texts);
    lm_schema_free(typed);
    lm_schema_free(plain);
    return status;
}
