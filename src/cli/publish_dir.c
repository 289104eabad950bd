/* lamella publish-dir: a staged directory becomes DST, whole or not at all. */
#include <lamella/directory.h>

#include "cli/commands.h"
#include "cli/publication.h"

typedef struct settings {
    lm_cli_common common;
    bool if_absent;
    int durability, checksum;
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
    {NULL},
};

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *staged = cli->words.items[0], *path = cli->words.items[1];
    lm_manifest manifest;
    lm_directory_result result = {0};
    lm_error error;
    bool with_manifest;
    lm_error_clear(&error);
    lm_status status = lm__cli_manifest(&given->manifest, &manifest, &with_manifest, &error);
    if (status != LM_OK) return lm__cli_end(cli, status, &error);
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
        "directory is removed, `lamella gc` on the directory above DST finishes that.",
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
