/* lamella cp: a file or a directory, copied between any two stores, whole or not at all. */
#include <lamella/path.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/publication.h"

typedef struct settings {
    lm_cli_common common;
    bool recursive, check;
    uint64_t threads;
    lm_cli_publication publication;
    lm_cli_manifest manifest;
    lm_cli_progress_settings progress;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"recursive", LM_CLI_FLAG, offsetof(settings, recursive), NULL,
     "SRC may be a directory: its files are staged beside DST, and DST appears at once.", NULL},
    {"check", LM_CLI_FLAG, offsetof(settings, check), NULL,
     "Read the copy again and compare its checksum with that of the bytes that came; exit 3 where "
     "they differ.",
     NULL},
    {"threads", LM_CLI_COUNT, offsetof(settings, threads), "N",
     "Files of a directory that are copied at a time: as many as there are processors, and four "
     "from or to another store.",
     NULL},
    {NULL},
};

static void show_progress(void *context, uint64_t bytes) { lm__cli_progress_add(context, bytes); }

static int tell(lm_cli *cli, const char *path, const lm_copy_result *result, lm_status status,
                const lm_error *error)
{
    if (!result->is_directory) return lm__cli_file_end(cli, path, &result->file, status, error);
    if (cli->json && status == LM_OK && !result->directory.has_manifest) {
        lm__json_key(&cli->writer, "files");
        lm__json_uint(&cli->writer, result->files);
        lm__json_key(&cli->writer, "bytes");
        lm__json_uint(&cli->writer, result->bytes);
    }
    return lm__cli_directory_end(cli, path, &result->directory, status, error);
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *source = cli->words.items[0], *path = cli->words.items[1];
    lm_cli_progress progress;
    lm_manifest manifest;
    lm_file_options file;
    lm_copy_result result = {0};
    lm_error error;
    bool with_manifest;
    lm_error_clear(&error);
    lm_status status = lm__cli_manifest(&given->manifest, &manifest, &with_manifest, &error);
    if (status == LM_OK)
        status = lm__cli_file_options(cli, &given->publication, with_manifest ? &manifest : NULL,
                                      &file, &error);
    if (status == LM_OK && given->threads > INT32_MAX)
        status = lm__error_set(&error, LM_INVALID, "--threads: there are not so many");
    if (status != LM_OK) return lm__cli_end(cli, status, &error);
    lm__cli_progress_begin(&progress, &given->progress, "copying");
    const lm_copy_options how = {.file = &file,
                                 .recursive = given->recursive,
                                 .check = given->check,
                                 .threads = (int)given->threads,
                                 .progress = show_progress,
                                 .context = &progress};
    status = lm_path_copy(source, path, &how, &result, &error);
    lm__cli_progress_end(&progress);
    return tell(cli, path, &result, status, &error);
}

const lm_cli_command lm__cli_cp = {
    .name = "cp",
    .usage = "SRC DST",
    .summary = "Copy a file or a directory between any two stores, all or nothing.",
    .about =
        "Copies the file SRC to DST, each a path or a URL, and puts it in place in one step, as "
        "`lamella write` does. `DIR/` as DST is SRC's own name in DIR. The bytes are summed on "
        "their way; with --checksum none on one system the kernel copies them, or shares them "
        "where the file system can. If SRC changes meanwhile nothing is published (exit 4).\n\n"
        "A directory is copied with --recursive: DST becomes what SRC is, in one step, and "
        "replaces a directory that stands there where the store can exchange two of them. Symlinks "
        "to files become files; those to directories are refused, and empty directories left out. "
        "Of the options below --if-absent, --durability, --checksum and --manifest apply.",
    .groups = {{"Options", options, 0},
               {"Publication", lm__cli_publication_options, offsetof(settings, publication)},
               {"Manifest", lm__cli_manifest_options, offsetof(settings, manifest)},
               {"Progress", lm__cli_progress_options, offsetof(settings, progress)},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 2,
    .words_max = 2,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
