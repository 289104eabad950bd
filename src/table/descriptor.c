/* Table descriptors: reading JSON as a whole, names, versions; see descriptor.h. */
#include "table/descriptor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arrow/text.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

/* Refusals. */

lm_status lm__descriptor_refuse(const lm_descriptor_reader *reader, const char *path,
                                const char *format, ...)
{
    char why[600];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return lm__error_set(reader->error, LM_SCHEMA, "%s: %s: %s", reader->file, path, why);
}

lm_status lm__descriptor_memory(const lm_descriptor_reader *reader)
{
    return lm__error_memory(reader->error, "reading a table's descriptor");
}

/* Members. */

lm_status lm__descriptor_keys(const lm_descriptor_reader *reader, const lm_json *object,
                              const char *path, const char *const *words)
{
    if (object->kind != LM_JSON_OBJECT)
        return lm__descriptor_refuse(reader, path, "an object is expected");
    for (const lm_json *at = object->first; at; at = at->next) {
        const char *const *word = words;
        while (*word && strcmp(*word, at->key) != 0) word++;
        if (*word) continue;
        char key[64], list[256] = "";
        for (size_t i = 0, told = 0; words[i]; i++) {
            int size = snprintf(list + told, sizeof list - told, "%s%s", i ? ", " : "", words[i]);
            if (size < 0 || (told += (size_t)size) >= sizeof list) break;
        }
        return lm__descriptor_refuse(reader, path, "\"%s\" is no key here (%s)",
                                     lm__printable(key, sizeof key, at->key), list);
    }
    return LM_OK;
}

/* NULL is as if it were not there. */
static const lm_json *given(const lm_json *object, const char *key)
{
    const lm_json *member = lm__json_member(object, key);
    return member && member->kind != LM_JSON_NULL ? member : NULL;
}

static lm_status refuse_member(const lm_descriptor_reader *reader, const char *path,
                               const char *key, const char *what)
{
    return lm__descriptor_refuse(reader, path, "%s is %s", key, what);
}

lm_status lm__descriptor_text(const lm_descriptor_reader *reader, const lm_json *object,
                              const char *path, const char *key, const char *fallback,
                              const char **text)
{
    const lm_json *member = given(object, key);
    *text = fallback;
    if (!member) return LM_OK;
    if (member->kind != LM_JSON_STRING || strlen(member->text) != member->text_size)
        return refuse_member(reader, path, key, "a text");
    *text = lm__arena_strdup(&reader->descriptor->arena, member->text);
    return *text ? LM_OK : lm__descriptor_memory(reader);
}

lm_status lm__descriptor_count(const lm_descriptor_reader *reader, const lm_json *object,
                               const char *path, const char *key, int64_t fallback, int64_t *count)
{
    const lm_json *member = given(object, key);
    *count = member ? member->integer : fallback;
    if (member && (member->kind != LM_JSON_INT || member->integer < 1))
        return refuse_member(reader, path, key, "a whole number, 1 or more");
    return LM_OK;
}

lm_status lm__descriptor_bool(const lm_descriptor_reader *reader, const lm_json *object,
                              const char *path, const char *key, bool fallback, bool *truth)
{
    const lm_json *member = given(object, key);
    *truth = member ? member->kind == LM_JSON_TRUE : fallback;
    if (member && member->kind != LM_JSON_TRUE && member->kind != LM_JSON_FALSE)
        return refuse_member(reader, path, key, "true or false");
    return LM_OK;
}

lm_status lm__descriptor_column(const lm_descriptor_reader *reader, const lm_json *name,
                                const char *path, int32_t *column)
{
    char shown[LM_PATH_TEXT_MAX];
    if (name->kind != LM_JSON_STRING)
        return lm__descriptor_refuse(reader, path, "the name of a column is expected");
    *column = lm__field_find(&reader->descriptor->declared->root, name->text, name->text_size);
    if (*column >= 0) return LM_OK;
    return lm__descriptor_refuse(reader, path, "there is no column %s",
                                 lm__printable(shown, sizeof shown, name->text));
}

/* Names and versions. */

bool lm__table_name_is(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > LM_TABLE_NAME_BYTES_MAX || name[0] < 'a' || name[0] > 'z') return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

static const char *read_number(const char *at, int64_t *number)
{
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || digits > 9 || (digits > 1 && *at == '0')) return NULL;
    return lm__text_to_i64(at, digits, number) == LM_TEXT_OK ? at + digits : NULL;
}

bool lm__table_version_read(lm_arena *arena, const char *text, lm_table_version *version)
{
    int64_t days;
    const char *at = read_number(text, &version->major);
    at = at && *at == '.' ? read_number(at + 1, &version->minor) : NULL;
    if (!at || *at != '@' || strlen(at + 1) != 10) return false;
    if (lm__text_to_date(at + 1, 10, &days) != LM_TEXT_OK) return false;
    version->text = lm__arena_strdup(arena, text);
    version->date = version->text ? strchr(version->text, '@') + 1 : NULL;
    return version->text != NULL;
}

static lm_status read_heading(const lm_descriptor_reader *reader)
{
    static const char *const words[] = {"name",    "description", "schema_version",
                                        "columns", "rules",       "partitioning",
                                        "sort",    "parquet",     NULL};
    lm_table_descriptor *d = reader->descriptor;
    const char *version;
    char shown[LM_PATH_TEXT_MAX];
    LM_TRY(lm__descriptor_keys(reader, reader->root, "the descriptor", words));
    LM_TRY(lm__descriptor_text(reader, reader->root, "the descriptor", "name", "", &d->name));
    if (!lm__table_name_is(d->name))
        return lm__descriptor_refuse(reader, "name",
                                     "\"%s\": a table's name is lower_snake: small letters, digits "
                                     "and _, a letter first, at most %d",
                                     lm__printable(shown, sizeof shown, d->name),
                                     LM_TABLE_NAME_BYTES_MAX);
    LM_TRY(lm__descriptor_text(reader, reader->root, "the descriptor", "description", "",
                               &d->description));
    LM_TRY(lm__descriptor_text(reader, reader->root, "the descriptor", "schema_version", "",
                               &version));
    if (lm__table_version_read(&d->arena, version, &d->version)) return LM_OK;
    return lm__descriptor_refuse(reader, "schema_version", "\"%s\" is not like 1.0@2026-01-01",
                                 lm__printable(shown, sizeof shown, version));
}

static lm_status keep_json(const lm_descriptor_reader *reader)
{
    lm_buffer text;
    lm_json_writer writer;
    lm__buffer_init(&text, reader->descriptor->allocator, 0);
    lm__json_writer_init(&writer, &text, false);
    lm__json_tree(&writer, reader->root);
    char *copy = writer.status == LM_OK ? lm__arena_strndup(&reader->descriptor->arena,
                                                            (const char *)text.data, text.size)
                                        : NULL;
    lm__buffer_deinit(&text);
    reader->descriptor->json = copy;
    return copy ? LM_OK : lm__descriptor_memory(reader);
}

static lm_status read_all(lm_descriptor_reader *reader)
{
    LM_TRY(read_heading(reader));
    LM_TRY(lm__descriptor_columns(reader));
    LM_TRY(
        lm__descriptor_rules(reader)); /* of declared columns: before the computed ones are there */
    LM_TRY(lm__descriptor_partitions(reader));
    LM_TRY(lm__descriptor_sorts(reader));
    LM_TRY(lm__descriptor_parquet(reader));
    return keep_json(reader);
}

lm_status lm_table_descriptor_parse(const lm_allocator *allocator, const char *text, size_t size,
                                    const char *file, lm_table_descriptor **descriptor,
                                    lm_error *error)
{
    allocator = lm__allocator_or_default(allocator);
    *descriptor = NULL;
    if (!file) file = "descriptor";
    if (size > LM_TABLE_DESCRIPTOR_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: a descriptor of %zu bytes, more than %zu", file,
                             size, LM_TABLE_DESCRIPTOR_BYTES_MAX);
    lm_table_descriptor *made = lm__alloc_zero(allocator, sizeof *made);
    if (!made) return lm__error_memory(error, "reading a table's descriptor");
    made->references = 1;
    made->allocator = allocator;
    made->bucket = made->tick = -1;
    lm__arena_init(&made->arena, allocator, 0);
    lm_arena tree;
    lm__arena_init(&tree, allocator, 0);
    lm_descriptor_reader reader = {made, file, NULL, error};
    lm_status status = lm__json_parse(&tree, text, size, &reader.root, error);
    if (status == LM_OK)
        status = read_all(&reader);
    else if (status == LM_DATA)
        status = lm__error_within(error, LM_SCHEMA, "%s", file);
    if (error && status != LM_OK) error->code = status;
    lm__arena_deinit(&tree);
    if (status == LM_OK)
        *descriptor = made;
    else
        lm_table_descriptor_free(made);
    return status;
}

lm_table_descriptor *lm_table_descriptor_ref(lm_table_descriptor *descriptor)
{
    atomic_fetch_add_explicit(&descriptor->references, 1, memory_order_relaxed);
    return descriptor;
}

void lm_table_descriptor_free(lm_table_descriptor *descriptor)
{
    if (!descriptor ||
        atomic_fetch_sub_explicit(&descriptor->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < descriptor->rule_count; i++) lm_expr_free(descriptor->rules[i].breaks);
    lm_schema_free(descriptor->declared);
    lm_schema_free(descriptor->stored);
    lm__arena_deinit(&descriptor->arena);
    lm__free(descriptor->allocator, descriptor);
}

const char *lm_table_descriptor_name(const lm_table_descriptor *descriptor)
{
    return descriptor->name;
}

const char *lm_table_descriptor_version(const lm_table_descriptor *descriptor)
{
    return descriptor->version.text;
}

lm_schema *lm_table_descriptor_schema(const lm_table_descriptor *descriptor)
{
    return descriptor->declared;
}

lm_schema *lm_table_descriptor_stored(const lm_table_descriptor *descriptor)
{
    return descriptor->stored;
}

const char *lm_table_descriptor_json(const lm_table_descriptor *descriptor)
{
    return descriptor->json;
}
