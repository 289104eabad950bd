/* lamella guard: any program writes to a staging path; what it wrote is published if it ends well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lamella/directory.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_path.h"
#include "cli/commands.h"
#include "cli/publication.h"
#include "publish/staging.h"

#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define EXIT_SIGNALLED 128

typedef struct settings {
    lm_cli_common common;
    lm_cli_publication publication;
    lm_cli_manifest manifest;
} settings;

static const settings defaults;

/* ---- the program ---- */

/* `argument` with each {} in it replaced; itself when there is none. *found counts them. */
static char *fill_in(const char *argument, const char *path, size_t *found)
{
    size_t size = 0, path_size = strlen(path);
    for (const char *at = argument; *at;) {
        bool here = at[0] == '{' && at[1] == '}';
        size += here ? path_size : 1;
        at += here ? 2 : 1;
        *found += here;
    }
    char *filled = lm__alloc(NULL, size + 1), *to = filled;
    if (!filled) return NULL;
    while (*argument) {
        if (argument[0] == '{' && argument[1] == '}') {
            memcpy(to, path, path_size);
            to += path_size;
            argument += 2;
        } else {
            *to++ = *argument++;
        }
    }
    *to = '\0';
    return filled;
}

static void arguments_free(char **arguments)
{
    for (char **argument = arguments; argument && *argument; argument++) lm__free(NULL, *argument);
    lm__free(NULL, arguments);
}

/* *arguments is to be freed on failure too. */
static lm_status arguments_make(const lm_cli_words *words, const char *path, char ***arguments,
                                lm_error *error)
{
    size_t found = 0, count = (size_t)words->tail_count;
    char **filled = lm__alloc_zero(NULL, (count + 1) * sizeof *filled);
    *arguments = filled;
    if (!filled) return lm__error_memory(error, "reading the command line");
    for (size_t i = 0; i < count; i++)
        if (!(filled[i] = fill_in(words->tail[i], path, &found)))
            return lm__error_memory(error, "reading the command line");
    if (found == 0)
        return lm__error_set(error, LM_INVALID,
                             "the command after -- has no {} for the path to write to");
    return LM_OK;
}

/* Waits for the end, and hands on the signals that came to us alone. */
static int program_wait(pid_t child)
{
    int status, handed_on = 0;
    while (waitpid(child, &status, 0) < 0) {
        bool from_terminal;
        int number = lm__cli_signal(&from_terminal);
        if (errno != EINTR) return EXIT_NOT_EXECUTABLE;
        if (number == 0 || number == handed_on || from_terminal) continue;
        (void)kill(child, number);
        handed_on = number;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNALLED + WTERMSIG(status);
}

/* The exit status as a shell tells it. */
static int program_run(char **arguments)
{
    posix_spawnattr_t attributes;
    sigset_t usual;
    pid_t child;
    sigemptyset(&usual);
    lm__cli_signals_usual(&usual);
    int failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        posix_spawnattr_setsigdefault(&attributes, &usual);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        failed = posix_spawnp(&child, arguments[0], NULL, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
    }
    if (failed == 0) return program_wait(child);
    lm__cli_warn("cannot run %s: %s", arguments[0], strerror(failed));
    return failed == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* ---- what it left ---- */

typedef struct guard_outcome {
    int program; /* its exit status */
    bool is_directory;
    lm_file_result file;
    lm_directory_result directory;
} guard_outcome;

static lm_status publish_directory(const lm_cli *cli, const settings *given,
                                   const lm_manifest *manifest, const lm_staging *staging,
                                   guard_outcome *outcome, lm_error *error)
{
    const lm_cli_publication *publication = &given->publication;
    const lm_directory_options how = {
        .durability = (lm_durability)publication->durability,
        .if_absent = publication->if_absent,
        .manifest = manifest,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    if (publication->if_match || publication->keep)
        return lm__error_set(error, LM_INVALID,
                             "the command made a directory: --if-match and --keep are for files");
    outcome->is_directory = true;
    return lm_directory_publish(staging->path, staging->place.path, &how, &outcome->directory,
                                error);
}

static lm_status publish(const lm_cli *cli, const settings *given, const lm_manifest *manifest,
                         const lm_file_options *options, const lm_staging *staging,
                         guard_outcome *outcome, lm_error *error)
{
    lm_store_kind kind;
    LM_TRY(lm__staging_kind(staging, &kind, error));
    switch (kind) {
    case LM_STORE_FILE:
        return lm_publish_file(cli->words.items[0], staging->path, options, &outcome->file, error);
    case LM_STORE_DIRECTORY:
        return publish_directory(cli, given, manifest, staging, outcome, error);
    case LM_STORE_SYMLINK:
    case LM_STORE_OTHER: break;
    default:
        return lm__error_set(error, LM_NOT_FOUND,
                             "the command ended well and wrote nothing to {}: nothing was "
                             "published");
    }
    return lm__error_set(error, LM_UNSUITABLE,
                         "the command made neither a file nor a directory of {}: nothing was "
                         "published");
}

static lm_status guard(lm_cli *cli, const settings *given, const lm_manifest *manifest,
                       const lm_file_options *options, guard_outcome *outcome, lm_error *error)
{
    lm_staging staging;
    char **arguments;
    LM_TRY(lm__staging_open(&staging, cli->words.items[0], given->publication.no_follow, error));
    lm_status status = arguments_make(&cli->words, staging.path, &arguments, error);
    if (status == LM_OK) {
        outcome->program = program_run(arguments);
        if (atomic_load(&cli->cancel->requested))
            status = lm__error_set(error, LM_CANCELLED, "interrupted: nothing was published");
        else if (outcome->program == 0)
            status = publish(cli, given, manifest, options, &staging, outcome, error);
    }
    arguments_free(arguments);
    lm__staging_close(&staging);
    return status;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const char *path = cli->words.items[0];
    lm_manifest manifest;
    lm_file_options options;
    guard_outcome outcome = {0};
    lm_error error;
    bool with_manifest;
    lm_error_clear(&error);
    lm_status status = lm__cli_manifest(&given->manifest, &manifest, &with_manifest, &error);
    if (status == LM_OK)
        status = lm__cli_file_options(cli, &given->publication, with_manifest ? &manifest : NULL,
                                      &options, &error);
    if (status == LM_OK) status = guard(cli, given, options.manifest, &options, &outcome, &error);
    if (cli->json) lm__json_member_int_out(&cli->writer, "program_exit", outcome.program);
    if (outcome.is_directory)
        return lm__cli_directory_end(cli, path, &outcome.directory, status, &error);
    if (status == LM_OK && outcome.program != 0) {
        if (cli->json) lm__json_path_out(&cli->writer, "path", path);
        return lm__cli_end_with(cli, outcome.program, LM_OK, &error);
    }
    return lm__cli_file_end(cli, path, &outcome.file, status, &error);
}

const lm_cli_command lm__cli_guard = {
    .name = "guard",
    .usage = "DST [OPTIONS] -- COMMAND [ARGUMENT ...]",
    .summary = "Run a program that writes to {}, and publish what it wrote if it ends well.",
    .about =
        "Runs the command with each {} in its arguments replaced by a path in a hidden directory "
        "beside DST, under DST's own name. If it ends with exit status 0 what it wrote there, a "
        "file or a directory, takes the place of DST, all or nothing, as `write` and `publish-dir` "
        "do it. If it fails nothing is published, nothing is left, and its exit status is passed "
        "on (128 and the signal's number if it was killed, 126 and 127 if it could not be run). "
        "Nothing is copied.\n\n"
        "SIGINT, SIGTERM and SIGHUP are handed on to the command; nothing is published then, and "
        "the exit status is 130. Standard input and output are the command's; with --json the "
        "object comes after its output. An example: lamella guard out.csv.gz -- sh -c 'sort "
        "in.csv | gzip > \"$1\"' sh {}",
    .groups = {{"Options", lm__cli_publication_options, offsetof(settings, publication)},
               {"Manifest", lm__cli_manifest_options, offsetof(settings, manifest)},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = 1,
    .tail = true,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
