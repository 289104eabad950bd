/* Writing sidecars; sidecar.h tells the invariants. A failure leaves the old sidecar as it was. */
#include "publish/sidecar.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

lm_status lm__sidecar_path(lm_arena *arena, const char *path, char **sidecar, lm_error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (strlen(name) > LM_NAME_BYTES_MAX - strlen(LM_MANIFEST_SUFFIX))
        return lm__error_set(error, LM_INVALID,
                             "%s: the name is too long to have a manifest beside it: %zu bytes "
                             "with %s, the most is %d",
                             path, strlen(name) + strlen(LM_MANIFEST_SUFFIX), LM_MANIFEST_SUFFIX,
                             LM_NAME_BYTES_MAX);
    *sidecar = lm__arena_printf(arena, "%s%s", path, LM_MANIFEST_SUFFIX);
    return *sidecar ? LM_OK : lm__error_memory(error, "naming a manifest");
}

static lm_status text_check(const char *what, const char *text, lm_error *error)
{
    if (!text || lm__utf8_valid(text, strlen(text))) return LM_OK;
    return lm__error_set(error, LM_INVALID, "manifest: %s is not UTF-8: %s", what, text);
}

lm_status lm__manifest_check(const lm_manifest *manifest, lm_error *error)
{
    LM_TRY(text_check("the run id", manifest->run_id, error));
    LM_TRY(text_check("the source snapshot", manifest->source_snapshot, error));
    LM_TRY(text_check("the schema hash", manifest->schema_hash, error));
    if (manifest->pair_count > LM_MANIFEST_PAIRS_MAX)
        return lm__error_set(error, LM_LIMIT, "manifest: %zu keys are given, the most is %d",
                             manifest->pair_count, LM_MANIFEST_PAIRS_MAX);
    for (size_t i = 0; i < manifest->pair_count; i++) {
        LM_TRY(text_check("a key", manifest->pairs[i].key, error));
        LM_TRY(text_check(manifest->pairs[i].key, manifest->pairs[i].value, error));
        for (size_t j = 0; j < i; j++)
            if (strcmp(manifest->pairs[i].key, manifest->pairs[j].key) == 0)
                return lm__error_set(error, LM_INVALID, "manifest: the key '%s' is given twice",
                                     manifest->pairs[i].key);
    }
    return LM_OK;
}

lm_status lm__manifest_members(lm_json_writer *writer, const lm_manifest *manifest, lm_error *error)
{
    char run_id[37], now[LM_RFC3339_MAX];
    if (!manifest->run_id) LM_TRY(lm__uuid4(run_id, error));
    const lm_clock *clock = lm__clock_system();
    lm__rfc3339(clock->wall_ns(clock->context), now);
    lm__json_member_string_out(writer, "lamella_version", lm_version());
    lm__json_member_string_out(writer, "run_id", manifest->run_id ? manifest->run_id : run_id);
    lm__json_member_string_out(writer, "created_at", now);
    if (manifest->has_rows) {
        lm__json_key(writer, "rows");
        lm__json_uint(writer, manifest->rows);
    }
    if (manifest->schema_hash)
        lm__json_member_string_out(writer, "schema_hash", manifest->schema_hash);
    if (manifest->source_snapshot)
        lm__json_member_string_out(writer, "source_snapshot", manifest->source_snapshot);
    lm__json_key(writer, "user");
    lm__json_open_object(writer);
    for (size_t i = 0; i < manifest->pair_count; i++)
        lm__json_member_string_out(writer, manifest->pairs[i].key, manifest->pairs[i].value);
    lm__json_close_object(writer);
    return LM_OK;
}

static bool same_identity(const lm_sidecar_record *record, const lm_store_stat *stat)
{
    return record->bytes == stat->size && record->inode && record->inode == stat->inode &&
           record->mtime_ns == stat->mtime_ns;
}

/* The record of the file that stands (invariant 2): the sidecar's, or one made here, which has no
 * `json`. */
typedef struct standing_file {
    bool exists;
    lm_sidecar_record record;
} standing_file;

/* A file whose records do not fit, or that has none: its bytes are read, so that it has one. */
static lm_status record_by_bytes(lm_store *store, const char *path, const lm_store_stat *stat,
                                 const lm_sidecar_record *const *records, lm_cancel *cancel,
                                 standing_file *standing, lm_error *error)
{
    static const lm_checksum_kind kinds[] = {LM_CHECKSUM_SHA256, LM_CHECKSUM_CRC32C};
    lm_sidecar_record *made = &standing->record;
    for (size_t i = 0; i < 2; i++) {
        bool is_asked = i == 0; /* sha256 is what a record made here tells */
        for (size_t j = 0; j < 2; j++)
            is_asked |=
                records[j] && records[j]->kind == kinds[i] && records[j]->bytes == stat->size;
        if (!is_asked) continue;
        char sum[LM_CHECKSUM_TEXT_MAX];
        LM_TRY(lm__store_checksum(store, path, kinds[i], cancel, sum, error));
        for (size_t j = 0; j < 2; j++)
            if (records[j] && records[j]->bytes == stat->size &&
                strcmp(records[j]->checksum, sum) == 0) {
                *made = *records[j];
                standing->exists = true;
                return LM_OK;
            }
        if (i == 0) memcpy(made->checksum, sum, sizeof sum);
    }
    made->bytes = stat->size;
    made->inode = stat->inode;
    made->mtime_ns = stat->mtime_ns;
    standing->exists = true;
    return LM_OK;
}

static lm_status record_of_standing(lm_store *store, const char *path, const lm_sidecar *sidecar,
                                    lm_cancel *cancel, standing_file *standing, lm_error *error)
{
    lm_store_stat stat;
    memset(standing, 0, sizeof *standing);
    const lm_sidecar_record *records[] = {sidecar ? &sidecar->current : NULL,
                                          sidecar && sidecar->has_previous ? &sidecar->previous
                                                                           : NULL};
    lm_status status = lm__store_stat(store, path, false, &stat, error);
    if (status == LM_NOT_FOUND || (status == LM_OK && stat.kind != LM_STORE_FILE)) return LM_OK;
    LM_TRY(status);
    for (size_t i = 0; i < 2; i++)
        if (records[i] && same_identity(records[i], &stat)) {
            standing->exists = true;
            standing->record = *records[i];
            return LM_OK;
        }
    status = record_by_bytes(store, path, &stat, records, cancel, standing, error);
    /* Gone meanwhile, or not ours to read: then nothing can be told of it. */
    return status == LM_NOT_FOUND || status == LM_PERMISSION ? LM_OK : status;
}

static void file_out(lm_json_writer *writer, uint64_t bytes, const char *checksum, uint64_t inode,
                     int64_t mtime_ns)
{
    lm__json_key(writer, "bytes");
    lm__json_uint(writer, bytes);
    lm__json_member_string_out(writer, "checksum", checksum);
    if (!inode) return;
    lm__json_key(writer, "file");
    lm__json_open_object(writer);
    lm__json_key(writer, "inode");
    lm__json_uint(writer, inode);
    lm__json_member_int_out(writer, "mtime_ns", mtime_ns);
    lm__json_close_object(writer);
}

static void previous_out(lm_json_writer *writer, const lm_sidecar_record *record)
{
    lm__json_key(writer, "previous");
    lm__json_open_object(writer);
    if (!record->json)
        file_out(writer, record->bytes, record->checksum, record->inode, record->mtime_ns);
    for (const lm_json *member = record->json ? record->json->first : NULL; member;
         member = member->next) {
        if (strcmp(member->key, "previous") == 0 || strcmp(member->key, "lamella_manifest") == 0)
            continue;
        lm__json_key(writer, member->key);
        lm__json_tree(writer, member);
    }
    lm__json_close_object(writer);
}

static lm_status sidecar_text(const lm_sealed *sealed, const lm_manifest *manifest,
                              const standing_file *before, lm_buffer *text, lm_error *error)
{
    lm_json_writer writer;
    lm__json_writer_init(&writer, text, true);
    lm__json_open_object(&writer);
    lm__json_member_int_out(&writer, "lamella_manifest", LM_SIDECAR_FORMAT);
    LM_TRY(lm__manifest_members(&writer, manifest, error));
    file_out(&writer, sealed->size, sealed->checksum, sealed->inode, sealed->mtime_ns);
    if (before->exists) previous_out(&writer, &before->record);
    lm__json_close_object(&writer);
    if (writer.status == LM_OK) writer.status = lm__buffer_byte(text, '\n');
    if (writer.status == LM_LIMIT)
        return lm__error_set(error, LM_LIMIT, "the manifest is larger than %zu bytes",
                             (size_t)LM_SIDECAR_BYTES_MAX);
    return writer.status == LM_OK ? LM_OK : lm__error_memory(error, "writing a manifest");
}

lm_status lm__publish_small(lm_store *store, const char *path, const void *data, size_t size,
                            lm_durability durability, bool in_exclusive, lm_cancel *cancel,
                            lm_error *error)
{
    lm_stage *stage;
    lm_stage_options options = {.cancel = cancel,
                                .durability = durability,
                                .in_exclusive = in_exclusive,
                                .checksum = LM_CHECKSUM_NONE,
                                .direct = LM_DIRECT_NEVER,
                                .size_expected = size};
    LM_TRY(lm__stage_open(store, path, &options, &stage, error));
    lm_status status = lm__stage_write(stage, data, size, error);
    if (status == LM_OK) status = lm__stage_seal(stage, error);
    if (status == LM_OK) status = lm__stage_commit(stage, error);
    lm__stage_close(stage);
    return status;
}

lm_status lm__sidecar_write(lm_store *store, const lm_sealed *sealed, const lm_manifest *manifest,
                            bool is_standing, lm_durability durability, lm_cancel *cancel,
                            lm_error *error)
{
    lm_arena arena;
    lm_buffer text;
    lm_sidecar old;
    standing_file before = {0};
    char *path = NULL;
    lm__arena_init(&arena, store->allocator, LM_SIDECAR_ARENA_BYTES_MAX);
    lm__buffer_init(&text, store->allocator, LM_SIDECAR_BYTES_MAX);
    lm_status status = lm__sidecar_path(&arena, sealed->path, &path, error);
    if (status != LM_OK) goto done;
    status = lm__sidecar_read(store, path, &arena, &old, error);
    bool has_old = status == LM_OK;
    if (status == LM_NOT_FOUND || status == LM_CORRUPT) status = LM_OK; /* nothing to keep */
    if (status == LM_OK && is_standing) {
        before.exists = has_old;
        if (has_old) before.record = old.current;
    } else if (status == LM_OK) {
        status =
            record_of_standing(store, sealed->path, has_old ? &old : NULL, cancel, &before, error);
    }
    if (status == LM_OK) status = sidecar_text(sealed, manifest, &before, &text, error);
    if (status == LM_OK)
        status = lm__publish_small(store, path, text.data, text.size, durability, is_standing,
                                   cancel, error);
    if (status == LM_UNKNOWN_DURABILITY || status == LM_UNKNOWN_OUTCOME) {
        status = LM_IO; /* of the sidecar; the file itself is certainly as it was */
        if (error) error->code = status;
    }
done:
    lm__buffer_deinit(&text);
    lm__arena_deinit(&arena);
    return status;
}

bool lm__sidecar_exists(lm_store *store, const char *path)
{
    lm_arena arena;
    lm_store_stat stat;
    char *sidecar;
    lm__arena_init(&arena, store->allocator, 0);
    bool exists = lm__sidecar_path(&arena, path, &sidecar, NULL) == LM_OK &&
                  lm__store_stat(store, sidecar, true, &stat, NULL) == LM_OK;
    lm__arena_deinit(&arena);
    return exists;
}
