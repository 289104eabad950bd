/* The texts of versions; versions.h, docs/versions.md. What is read is from outside. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_path.h"
#include "publish/versions.h"

#define FORMAT 1

static lm_status end_text(lm_json_writer *writer, lm_buffer *text, lm_error *error)
{
    lm__json_close_object(writer);
    if (writer->status == LM_OK) writer->status = lm__buffer_byte(text, '\n');
    return writer->status == LM_OK ? LM_OK : lm__error_memory(error, "writing a version");
}

lm_status lm__version_entry_text(lm_buffer *text, const lm_version_info *version, lm_error *error)
{
    char nonce[37]; /* so that each writer knows its own entry */
    lm_json_writer writer;
    LM_TRY(lm__uuid4(nonce, error));
    lm__json_writer_init(&writer, text, true);
    lm__json_open_object(&writer);
    lm__json_member_int_out(&writer, "lamella_run", FORMAT);
    lm__json_member_string_out(&writer, "run_id", version->run_id);
    lm__json_member_string_out(&writer, "created_at", version->created_at);
    lm__json_key(&writer, "file_count");
    lm__json_uint(&writer, version->files);
    lm__json_key(&writer, "bytes");
    lm__json_uint(&writer, version->bytes);
    lm__json_member_string_out(&writer, "manifest", version->checksum);
    lm__json_member_string_out(&writer, "nonce", nonce);
    return end_text(&writer, text, error);
}

lm_status lm__version_latest_text(lm_buffer *text, const lm_version_info *version, lm_error *error)
{
    char path[LM_VERSION_RUN_ID_MAX + sizeof LM_VERSIONS_RUNS + 1];
    lm_json_writer writer;
    snprintf(path, sizeof path, LM_VERSIONS_RUNS "/%s", version->run_id);
    lm__json_writer_init(&writer, text, true);
    lm__json_open_object(&writer);
    lm__json_member_int_out(&writer, "lamella_latest", FORMAT);
    lm__json_member_int_out(&writer, "version", version->number);
    lm__json_member_string_out(&writer, "run_id", version->run_id);
    lm__json_member_string_out(&writer, "path", path);
    return end_text(&writer, text, error);
}

static bool copy_text(const lm_json *root, const char *key, char *to, size_t size)
{
    const lm_json *value = lm__json_member(root, key);
    if (!value || value->kind != LM_JSON_STRING || value->text_size >= size) return false;
    if (strlen(value->text) != value->text_size) return false;
    memcpy(to, value->text, value->text_size + 1);
    return true;
}

static bool entry_fill(const lm_json *root, lm_version_info *version)
{
    return lm__json_member_int(root, "lamella_run", 0) == FORMAT &&
           copy_text(root, "run_id", version->run_id, sizeof version->run_id) &&
           copy_text(root, "created_at", version->created_at, sizeof version->created_at) &&
           copy_text(root, "manifest", version->checksum, sizeof version->checksum) &&
           lm__json_uint_of(lm__json_member(root, "file_count"), &version->files) &&
           lm__json_uint_of(lm__json_member(root, "bytes"), &version->bytes) &&
           version->run_id[0] && version->run_id[0] != '.' && !strchr(version->run_id, '/');
}

lm_status lm__version_entry_parse(const char *name, const void *data, size_t size,
                                  lm_version_info *version, lm_error *error)
{
    lm_arena arena;
    const lm_json *root;
    lm__arena_init(&arena, NULL, 0);
    lm_status status = lm__json_parse(&arena, data, size, &root, error);
    if (status == LM_DATA) {
        if (error) error->code = LM_CORRUPT;
        status = lm__error_within(error, LM_CORRUPT, "%s", name);
    } else if (status == LM_OK && lm__json_member_int(root, "lamella_run", 0) > FORMAT) {
        status = lm__error_set(error, LM_UNSUPPORTED,
                               "%s: written by a newer Lamella, in a format that this one does "
                               "not know",
                               name);
    } else if (status == LM_OK && !entry_fill(root, version)) {
        status = lm__error_set(error, LM_CORRUPT, "%s: it is no entry of a version", name);
    }
    lm__arena_deinit(&arena);
    return status;
}

int64_t lm__version_latest_parse(const lm_allocator *allocator, const void *data, size_t size)
{
    lm_arena arena;
    const lm_json *root;
    lm__arena_init(&arena, allocator, 0);
    int64_t number = -1;
    if (lm__json_parse(&arena, data, size, &root, NULL) == LM_OK &&
        lm__json_member_int(root, "lamella_latest", 0) == FORMAT)
        number = lm__json_member_int(root, "version", -1);
    lm__arena_deinit(&arena);
    return number < 0 ? -1 : number;
}
