/* lamella publish-dir: a staged directory becomes DST, whole or not at all. */
#include <lamella/directory.h>
#include <limits.h>

#include <lamella/versions.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/publication.h"
#include "cli/version_json.h"

typedef struct settings {
    lm_cli_common common;
    bool if_absent, versioned;
    int durability, checksum;
    uint64_t keep;
    lm_cli_manifest manifest;
} settings;

static const settings defaults;

static const char *const checksums[] = {"sha256", "crc32c", NULL};

static const lm_cli_option options[] = {
    {"if-absent", LM_CLI_FLAG, offsetof(settings, if_absent), NULL,
     "Publish only if nothing is at DST; exit 5 otherwise.", NULL},
    {"durability", LM_CLI_CHOICE, offsetof(settings, durability), "full|file|none",
     "What survives a power cut afterwards: full (the default) the new tree under its name, file "
     "its files, none nothing for sure.",
     lm__cli_durabilities},
    {"checksum", LM_CLI_CHOICE, offsetof(settings, checksum), "sha256|crc32c",
     "The checksum of each file in the manifest; sha256 by default.", checksums},
    {"versioned", LM_CLI_FLAG, offsetof(settings, versioned), NULL,
     "DST holds versions, of which this becomes the newest: on any store. A manifest is always "
     "written; --run-id names the version.",
     NULL},
    {"keep", LM_CLI_COUNT, offsetof(settings, keep), "N",
     "With --versioned: only the N newest versions stay.", NULL},
    {NULL},
};

static int run_versioned(lm_cli *cli, const settings *given, const lm_manifest *manifest)
{
    const lm_version_options how = {
        .durability = (lm_durability)given->durability,
        .manifest = manifest,
        .checksum = checksums[given->checksum],
        .keep = given->keep > UINT_MAX ? UINT_MAX : (unsigned)given->keep,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    const char *prefix = cli->words.items[1];
    lm_version_result result = {0};
    lm_error error;
    lm_error_clear(&error);
    lm_status status = lm_version_publish(cli->words.items[0], prefix, &how, &result, &error);
    bool visible = result.state == LM_COMMIT_DONE || result.state == LM_COMMIT_VISIBLE;
    if (visible && result.latest_left)
        lm__cli_warn("%s/latest: warning: it could not be replaced, and names an older version "
                     "until the next one is published; `lamella resolve` is not misled",
                     prefix);
    if (result.removal_left)
        lm__cli_warn("%s: warning: not all versions that are too many could be removed", prefix);
    if (visible && cli->json) {
        lm__cli_version_json(&cli->writer, &result.version);
        lm__json_key(&cli->writer, "removed");
        lm__json_uint(&cli->writer, result.removed);
    }
    return lm__cli_end(cli, status, &error);
}

static int run(lm_cli *cli, void *context)
{
    settings *given = context;
    const char *staged = cli->words.items[0], *path = cli->words.items[1];
    lm_manifest manifest;
    lm_directory_result result = {0};
    lm_error error;
    bool with_manifest;
    lm_error_clear(&error);
    if (given->versioned && given->if_absent)
        return lm__cli_end(
            cli, lm__error_set(&error, LM_INVALID, "--if-absent has no meaning with --versioned"),
            &error);
    if (given->keep && !given->versioned)
        return lm__cli_end(cli, lm__error_set(&error, LM_INVALID, "--keep is for --versioned"),
                           &error);
    given->manifest.pairs.given |= given->versioned;
    lm_status status = lm__cli_manifest(&given->manifest, &manifest, &with_manifest, &error);
    if (status != LM_OK) return lm__cli_end(cli, status, &error);
    if (given->versioned) return run_versioned(cli, given, &manifest);
    const lm_directory_options how = {
        .durability = (lm_durability)given->durability,
        .if_absent = given->if_absent,
        .manifest = with_manifest ? &manifest : NULL,
        .checksum = checksums[given->checksum],
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    status = lm_directory_publish(staged, path, &how, &result, &error);
    return lm__cli_directory_end(cli, path, &result, status, &error);
}

const lm_cli_command lm__cli_publish_dir = {
    .name = "publish-dir",
    .usage = "STAGED DST",
    .summary = "Put the directory STAGED in the place of DST, all or nothing.",
    .about =
        "Makes everything below STAGED durable and puts it in place as DST in one step: by a "
        "rename where nothing is, by an exchange where a directory is; the old directory is then "
        "removed. Whoever holds DST open, or opens it, has the old tree or the new one, whole. A "
        "reader that goes by paths through the exchange can see files of both.\n\n"
        "STAGED has to be on the file system of DST (stage it beside DST), and nothing may write "
        "to it any more; it may hold files, directories and symlinks. When anything fails before "
        "the exchange, DST and STAGED are as they were. Should the process die while the old "
        "directory is removed, `lamella gc` on the directory above DST finishes that.\n\n"
        "With --versioned nothing is exchanged, so it works on every store: STAGED becomes "
        "DST/_runs/RUN-ID, and the newest version of DST. Whatever reads DST as a table reads "
        "that, `lamella resolve DST` tells its path, and DST/latest names it.",
    .groups = {{"Options", options, 0},
               {"Manifest", lm__cli_manifest_options, offsetof(settings, manifest)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 2,
    .words_max = 2,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
