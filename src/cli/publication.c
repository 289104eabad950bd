/* Flags of a file's publication, and its result as JSON and warnings. */
#include "cli/publication.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_path.h"
#include "base/limits.h"

const char *const lm__cli_durabilities[] = {"full", "file", "none", NULL};
static const char *const checksums[] = {"auto", "crc32c", "sha256", "none", NULL};

const lm_cli_option lm__cli_manifest_options[] = {
    {"manifest", LM_CLI_PAIRS, offsetof(lm_cli_manifest, pairs), "[KEY=VALUE ...]",
     "Write a manifest that `lamella verify` can hold against what is there, with these keys and "
     "values in it. Takes the words after it that look like KEY=VALUE.",
     NULL},
    {"run-id", LM_CLI_TEXT, offsetof(lm_cli_manifest, run_id), "ID",
     "The run that the manifest names; a new UUID when none is given.", NULL},
    {"source-snapshot", LM_CLI_TEXT, offsetof(lm_cli_manifest, source_snapshot), "TEXT",
     "The state of the source, for the manifest.", NULL},
    {NULL},
};

const lm_cli_option lm__cli_publication_options[] = {
    {"if-absent", LM_CLI_FLAG, offsetof(lm_cli_publication, if_absent), NULL,
     "Publish only if nothing is at DST; exit 5 otherwise.", NULL},
    {"if-match", LM_CLI_TEXT, offsetof(lm_cli_publication, if_match), "SUM",
     "Replace DST only if it has this checksum (crc32c:... or sha256:...); exit 4 otherwise. "
     "Promised among Lamella's writers on one host.",
     NULL},
    {"durability", LM_CLI_CHOICE, offsetof(lm_cli_publication, durability), "full|file|none",
     "What survives a power cut afterwards: full (the default) the file under its name, file its "
     "bytes, none nothing for sure. Readers see the old file or the new one with each.",
     lm__cli_durabilities},
    {"checksum", LM_CLI_CHOICE, offsetof(lm_cli_publication, checksum), "auto|crc32c|sha256|none",
     "The checksum to tell; auto (the default) is sha256 with --manifest and crc32c without.",
     checksums},
    {"keep", LM_CLI_COUNT, offsetof(lm_cli_publication, keep), "N",
     "Keep the N newest files that were replaced, for `lamella undo`; needs hard links.", NULL},
    {"keep-xattrs", LM_CLI_FLAG, offsetof(lm_cli_publication, keep_xattrs), NULL,
     "Carry the user.* attributes of the replaced file over. Its mode, owner, group and ACL are "
     "kept in any case.",
     NULL},
    {"no-follow", LM_CLI_FLAG, offsetof(lm_cli_publication, no_follow), NULL,
     "If DST is a symlink replace the symlink, not what it points to.", NULL},
    {NULL},
};

lm_status lm__cli_manifest(const lm_cli_manifest *settings, lm_manifest *manifest, bool *wanted,
                           lm_error *error)
{
    const lm_cli_pairs *given = &settings->pairs;
    memset(manifest, 0, sizeof *manifest);
    *wanted = given->given;
    if (!given->given) {
        if (settings->run_id || settings->source_snapshot)
            return lm__error_set(error, LM_INVALID,
                                 "--run-id and --source-snapshot are for a manifest: give "
                                 "--manifest too");
        return LM_OK;
    }
    lm_manifest_pair *pairs = lm__alloc_array(NULL, given->count + 1, sizeof *pairs);
    if (!pairs) return lm__error_memory(error, "reading the command line");
    for (size_t i = 0; i < given->count; i++) {
        const char *value = lm__cli_pair_value(given->items[i]);
        pairs[i] = (lm_manifest_pair){given->items[i], value};
    }
    manifest->run_id = settings->run_id;
    manifest->source_snapshot = settings->source_snapshot;
    manifest->pairs = pairs;
    manifest->pair_count = given->count;
    return LM_OK;
}

lm_status lm__cli_file_options(const lm_cli *cli, const lm_cli_publication *settings,
                               const lm_manifest *manifest, lm_file_options *options,
                               lm_error *error)
{
    if (settings->if_absent && settings->if_match)
        return lm__error_set(error, LM_INVALID, "--if-absent and --if-match exclude each other");
    if (settings->keep > LM_KEEP_MAX)
        return lm__error_set(error, LM_INVALID, "--keep is at most %d", LM_KEEP_MAX);
    *options = (lm_file_options){
        .durability = (lm_durability)settings->durability,
        .mode = settings->if_absent  ? LM_COMMIT_IF_ABSENT
                : settings->if_match ? LM_COMMIT_IF_MATCH
                                     : LM_COMMIT_REPLACE,
        .match = settings->if_match,
        .no_follow = settings->no_follow,
        .keep_xattrs = settings->keep_xattrs,
        .manifest = manifest,
        .keep = (unsigned)settings->keep,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    if (settings->checksum != LM_CLI_CHECKSUM_AUTO)
        options->checksum = checksums[settings->checksum];
    return LM_OK;
}

int lm__cli_file_end(lm_cli *cli, const char *path, const lm_file_result *result, lm_status status,
                     const lm_error *error)
{
    lm_json_writer *writer = &cli->writer;
    bool visible = result->state == LM_COMMIT_DONE || result->state == LM_COMMIT_VISIBLE;
    for (unsigned bit = 1; visible && bit <= LM_FILE_WARN_LAST; bit <<= 1)
        if (result->warnings & bit)
            lm__cli_warn("%s: warning: %s", result->path, lm_file_warning_text(bit));
    if (cli->json) {
        lm__json_path_out(writer, "path", visible ? result->path : path);
        if (visible) {
            lm__json_key(writer, "bytes");
            lm__json_uint(writer, result->bytes);
            if (result->checksum[0])
                lm__json_member_string_out(writer, "checksum", result->checksum);
            lm__json_member_bool_out(writer, "replaced", result->replaced);
            lm__json_key(writer, "warnings");
            lm__json_open_array(writer);
            for (unsigned bit = 1; bit <= LM_FILE_WARN_LAST; bit <<= 1)
                if (result->warnings & bit) lm__json_string(writer, lm_file_warning_text(bit));
            lm__json_close_array(writer);
        }
    }
    return lm__cli_end(cli, status, error);
}

int lm__cli_directory_end(lm_cli *cli, const char *path, const lm_directory_result *result,
                          lm_status status, const lm_error *error)
{
    lm_json_writer *writer = &cli->writer;
    bool visible = result->state == LM_COMMIT_DONE || result->state == LM_COMMIT_VISIBLE;
    if (visible && result->old_left)
        lm__cli_warn("%s: warning: the old directory could not be removed wholly; `lamella gc` on "
                     "the directory above finishes that",
                     path);
    if (cli->json) lm__json_path_out(writer, "path", path);
    if (cli->json && visible) {
        lm__json_member_bool_out(writer, "replaced", result->replaced);
        lm__json_member_bool_out(writer, "old_left", result->old_left);
    }
    if (cli->json && visible && result->has_manifest) {
        lm__json_key(writer, "files");
        lm__json_uint(writer, result->files);
        lm__json_key(writer, "bytes");
        lm__json_uint(writer, result->bytes);
    }
    return lm__cli_end(cli, status, error);
}
