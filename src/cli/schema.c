/* lamella schema: what columns a table has. */
#include <unistd.h>

#include "arrow/fb_schema.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/reading.h"
#include "parquet/schema_text.h"

typedef struct settings {
    lm_cli_common common;
    int format;
    lm_cli_reading reading;
} settings;

static const settings defaults = {.reading = LM_CLI_READING_DEFAULTS};

static const char *const formats[] = {"text", "json", "parquet", "arrow", NULL};
enum { AS_TEXT, AS_JSON, AS_PARQUET, AS_ARROW };

static const lm_cli_option options[] = {
    {"format", LM_CLI_CHOICE, offsetof(settings, format), "text|json|parquet|arrow",
     "text (the default), a column a line as --schema takes it (docs/schema-text.md); json, with "
     "metadata; parquet, the schema of a Parquet file in Parquet's own notation; arrow, an Arrow "
     "IPC schema message.",
     formats},
    {NULL},
};

/* JSON. */

static void put_metadata(lm_json_writer *writer, const lm_field *field)
{
    if (field->n_metadata == 0) return;
    lm__json_key(writer, "metadata");
    lm__json_open_array(writer); /* pairs: a key may be there twice */
    for (size_t i = 0; i < field->n_metadata; i++) {
        lm__json_open_array(writer);
        lm__json_string_n(writer, field->metadata[i].key, field->metadata[i].key_size);
        lm__json_string_n(writer, field->metadata[i].value, field->metadata[i].value_size);
        lm__json_close_array(writer);
    }
    lm__json_close_array(writer);
}

static lm_status put_field(lm_json_writer *writer, const lm_field *field, lm_buffer *type)
{
    lm__buffer_clear(type);
    LM_TRY(lm__type_text(field, type));
    lm__json_open_object(writer);
    lm__json_key(writer, "name");
    lm__json_string_n(writer, field->name, field->name_size);
    lm__json_key(writer, "type");
    lm__json_string_n(writer, (const char *)type->data, type->size);
    lm__json_member_bool_out(writer, "nullable", field->nullable);
    if (field->extension_name)
        lm__json_member_string_out(writer, "extension", field->extension_name);
    put_metadata(writer, field);
    if (field->n_children > 0) {
        lm__json_key(writer, "children");
        lm__json_open_array(writer);
        for (int32_t i = 0; i < field->n_children; i++)
            LM_TRY(put_field(writer, &field->children[i], type));
        lm__json_close_array(writer);
    }
    lm__json_close_object(writer);
    return LM_OK;
}

static lm_status put_members(lm_json_writer *writer, const lm_schema *schema)
{
    lm_buffer type;
    lm_status status = LM_OK;
    lm__buffer_init(&type, NULL, 0);
    lm__json_key(writer, "columns");
    lm__json_open_array(writer);
    for (int32_t i = 0; i < schema->root.n_children && status == LM_OK; i++)
        status = put_field(writer, &schema->root.children[i], &type);
    lm__json_close_array(writer);
    put_metadata(writer, &schema->root);
    lm__buffer_deinit(&type);
    return status;
}

/* --format json without --json: the object alone. */
static lm_status put_json(lm_cli *cli, const lm_schema *schema)
{
    lm_json_writer writer;
    lm__json_writer_init(&writer, &cli->out, true);
    lm__json_open_object(&writer);
    lm_status status = put_members(&writer, schema);
    lm__json_close_object(&writer);
    if (status == LM_OK) status = writer.status;
    return status == LM_OK ? lm__buffer_byte(&cli->out, '\n') : status;
}

static lm_status put_schema(lm_cli *cli, int format, const lm_schema *schema, lm_error *error)
{
    char hash[LM_SCHEMA_HASH_BYTES];
    lm_status status;
    if (format == AS_ARROW) return lm__fb_schema_message(schema, &cli->out, error);
    if (cli->json) {
        LM_TRY(lm_schema_hash(schema, hash, error));
        lm__json_member_string_out(&cli->writer, "schema_hash", hash);
        status = put_members(&cli->writer, schema);
    } else {
        status =
            format == AS_JSON ? put_json(cli, schema) : lm__schema_canonical(schema, &cli->out);
    }
    if (status == LM_LIMIT) return lm__error_set(error, status, "the schema is nested too deeply");
    return status == LM_OK ? LM_OK : lm__error_memory(error, "writing a schema");
}

static lm_status tell(lm_cli *cli, const settings *given, lm_error *error)
{
    lm_scan_options what;
    lm_scan *scan = NULL;
    lm_schema *schema = NULL;
    struct ArrowSchema exported;
    lm_status status = lm__cli_scan_options(cli, &given->reading, &what, error);
    what.without_rows = true;
    if (status == LM_OK) status = lm_scan_open(cli->words.items[0], &what, &scan, error);
    if (status == LM_OK) status = lm_scan_schema(scan, &exported, error);
    if (status == LM_OK) status = lm_schema_import_take(NULL, &exported, &schema, error);
    if (status == LM_OK) status = put_schema(cli, given->format, schema, error);
    lm_schema_free(schema);
    lm_scan_close(scan);
    lm__cli_scan_options_free(&what);
    return status;
}

static lm_status tell_parquet(lm_cli *cli, const char *path, lm_error *error)
{
    lm_parquet_reader_options light = {.without_row_groups = true};
    lm_source *source;
    lm_parquet_reader *reader;
    LM_TRY(lm__cli_source(cli, path, &source, error));
    LM_TRY(lm_parquet_reader_open(source, &light, &reader, error));
    lm_status status = lm__parquet_schema_text(reader, &cli->out);
    if (status != LM_OK) status = lm__error_memory(error, "writing a schema");
    lm_parquet_reader_close(reader);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    lm_error error;
    lm_error_clear(&error);
    lm_status status = LM_OK;
    if (cli->json && given->format != AS_TEXT && given->format != AS_JSON)
        status = lm__error_set(&error, LM_INVALID, "--json tells the schema in a form of its own");
    else if (given->format == AS_ARROW && isatty(STDOUT_FILENO))
        status = lm__error_set(&error, LM_INVALID,
                               "--format arrow is not for a terminal: send it to a file or a pipe");
    else if (given->format == AS_PARQUET && lm__cli_reading_is_part(&given->reading))
        status = lm__error_set(&error, LM_INVALID, "--format parquet is of a whole file");
    else if (given->format == AS_PARQUET)
        status = tell_parquet(cli, cli->words.items[0], &error);
    else
        status = tell(cli, given, &error);
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_schema = {
    .name = "schema",
    .usage = "PATH",
    .summary = "Tell the columns of a table.",
    .about =
        "Tells the names and types of the columns of the table at PATH (a file, a directory or a "
        "pattern; - is standard input). With --json the schema's hash is told too.",
    .groups = {{"Options", options, 0},
               {"Reading", lm__cli_reading_options, offsetof(settings, reading)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
