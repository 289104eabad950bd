/* The columns of a descriptor, as they are declared and as they are stored. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "table/delta_schema.h"
#include "table/descriptor.h"

static lm_status read_type(lm_descriptor_reader *reader, const lm_json *column, const char *path,
                           lm_field *field)
{
    const lm_json *type = lm__json_member(column, "type");
    lm_arena *arena = &reader->descriptor->declared->arena;
    bool nullable;
    if (!type || type->kind != LM_JSON_STRING)
        return lm__descriptor_refuse(reader, path, "type is a text (docs/schema-text.md)");
    lm_error why;
    lm_status status = lm__type_parse(arena, type->text, type->text_size, field, &why);
    if (status == LM_NO_MEMORY) return lm__descriptor_memory(reader);
    if (status != LM_OK) return lm__descriptor_refuse(reader, path, "type: %s", why.message);
    bool required = !field->nullable; /* "int64 not null" */
    LM_TRY(lm__descriptor_bool(reader, column, path, "nullable", !required, &nullable));
    if (required && nullable)
        return lm__descriptor_refuse(reader, path, "the type says not null, nullable says true");
    field->nullable = nullable;
    return LM_OK;
}

static lm_status read_column(lm_descriptor_reader *reader, const lm_json *column, const char *path,
                             lm_field *field)
{
    static const char *const words[] = {"name", "type", "nullable", "description", "rules", NULL};
    lm_arena *arena = &reader->descriptor->declared->arena;
    const char *name, *description;
    LM_TRY(lm__descriptor_keys(reader, column, path, words));
    LM_TRY(lm__descriptor_text(reader, column, path, "name", "", &name));
    if (!*name) return lm__descriptor_refuse(reader, path, "the column has no name");
    LM_TRY(read_type(reader, column, path, field));
    LM_TRY(lm__descriptor_text(reader, column, path, "description", "", &description));
    field->name = lm__arena_strdup(arena, name);
    field->name_size = strlen(name);
    if (!field->name) return lm__descriptor_memory(reader);
    if (*description &&
        !lm__field_add_metadata(arena, field, "comment", 7, description, strlen(description)))
        return lm__descriptor_memory(reader);
    return LM_OK;
}

/* Names are told apart by every engine only where more than their case differs. */
static lm_status check_names(const lm_descriptor_reader *reader)
{
    const lm_field *root = &reader->descriptor->declared->root;
    for (int32_t i = 0; i < root->n_children; i++)
        for (int32_t k = 0; k < i; k++) {
            char path[48], shown[LM_PATH_TEXT_MAX];
            if (strcasecmp(root->children[i].name, root->children[k].name) != 0) continue;
            snprintf(path, sizeof path, "columns[%d]", (int)i);
            return lm__descriptor_refuse(
                reader, path,
                "there is a column %s already (upper and lower case are not told "
                "apart by every reader)",
                lm__printable(shown, sizeof shown, root->children[k].name));
        }
    return LM_OK;
}

static lm_status make_stored(lm_descriptor_reader *reader)
{
    lm_table_descriptor *d = reader->descriptor;
    const lm_field *root = &d->declared->root;
    LM_TRY(lm__schema_new(d->allocator, &d->stored, reader->error));
    lm_field *fields = lm__field_children(&d->stored->arena, &d->stored->root, root->n_children);
    if (!fields) return lm__descriptor_memory(reader);
    for (int32_t i = 0; i < root->n_children; i++) {
        lm_error why;
        const lm_path where = {NULL, root->children[i].name};
        lm_status status =
            lm__delta_field(&d->stored->arena, &root->children[i], &where, &fields[i], &why);
        if (status == LM_OK) continue;
        if (status == LM_NO_MEMORY) return lm__descriptor_memory(reader);
        char path[48];
        snprintf(path, sizeof path, "columns[%d].type", (int)i);
        return lm__descriptor_refuse(reader, path, "%s", why.message);
    }
    lm_status status = lm__schema_seal(d->stored, reader->error);
    return status == LM_OK ? LM_OK : lm__error_within(reader->error, status, "%s", reader->file);
}

lm_status lm__descriptor_columns(lm_descriptor_reader *reader)
{
    lm_table_descriptor *d = reader->descriptor;
    const lm_json *columns = lm__json_member(reader->root, "columns");
    if (!columns || columns->kind != LM_JSON_ARRAY || columns->count == 0)
        return lm__descriptor_refuse(reader, "columns",
                                     "a list of at least one column is expected");
    if (columns->count > LM_TABLE_COLUMNS_MAX)
        return lm__descriptor_refuse(reader, "columns", "more than %d", LM_TABLE_COLUMNS_MAX);
    LM_TRY(lm__schema_new(d->allocator, &d->declared, reader->error));
    lm_field *fields =
        lm__field_children(&d->declared->arena, &d->declared->root, (int32_t)columns->count);
    if (!fields) return lm__descriptor_memory(reader);
    int place = 0;
    for (const lm_json *at = columns->first; at; at = at->next, place++) {
        char path[48];
        snprintf(path, sizeof path, "columns[%d]", place);
        LM_TRY(read_column(reader, at, path, &fields[place]));
    }
    LM_TRY(check_names(reader));
    lm_status status = lm__schema_seal(d->declared, reader->error);
    if (status != LM_OK) return lm__error_within(reader->error, status, "%s", reader->file);
    return make_stored(reader);
}
