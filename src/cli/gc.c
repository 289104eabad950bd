/* lamella gc: what dead writers left is removed. */
#include <lamella/upkeep.h>

#include "base/error.h"
#include "base/json_path.h"
#include "cli/cli.h"
#include "cli/commands.h"

typedef struct settings {
    lm_cli_common common;
    bool dry_run, recursive;
    int64_t older_than_ns;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"dry-run", LM_CLI_FLAG, offsetof(settings, dry_run), NULL,
     "Tell what would be removed, remove nothing.", NULL},
    {"recursive", LM_CLI_FLAG, offsetof(settings, recursive), NULL,
     "Go through the directories below too; symlinks are not followed.", NULL},
    {"older-than", LM_CLI_DURATION, offsetof(settings, older_than_ns), "TIME",
     "Spare what was changed more recently than this: 90s, 15m, 12h, 7d. On this system it is not "
     "needed for safety, since what a living writer has is never touched; on HDFS, which has no "
     "locks, nothing is removed without it.",
     NULL},
    {NULL},
};

typedef struct gc_tally {
    lm_cli *cli;
    bool dry_run;
    uint64_t removed, live, spared;
} gc_tally;

static lm_status found_one(void *context, const lm_gc_found *found, lm_error *error)
{
    static const char *const whats[] = {"file", "directory", "journal"};
    static const char *const dones[] = {"removed", "live", "spared"};
    gc_tally *tally = context;
    lm_cli *cli = tally->cli;
    (void)error;
    const char *done =
        tally->dry_run && found->done == LM_GC_REMOVED ? "would_remove" : dones[found->done];
    uint64_t *counts[] = {&tally->removed, &tally->live, &tally->spared};
    *counts[found->done] += 1;
    if (cli->json) {
        lm__json_open_object(&cli->writer);
        lm__json_path_out(&cli->writer, "path", found->path);
        lm__json_member_string_out(&cli->writer, "what", whats[found->what]);
        lm__json_member_string_out(&cli->writer, "done", done);
        lm__json_member_string_out(&cli->writer, "reason", found->reason);
        lm__json_key(&cli->writer, "bytes");
        lm__json_uint(&cli->writer, found->bytes);
        lm__json_close_object(&cli->writer);
    } else {
        char shown[2 * LM_ERROR_MESSAGE_MAX];
        lm__cli_print(cli, "%-12s %s (%s: %s)\n", done,
                      lm__printable(shown, sizeof shown, found->path), whats[found->what],
                      found->reason);
    }
    return LM_OK;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    gc_tally tally = {.cli = cli, .dry_run = given->dry_run};
    const lm_gc_options how = {
        .dry_run = given->dry_run,
        .recursive = given->recursive,
        .older_than_ns = given->older_than_ns,
        .callback = found_one,
        .context = &tally,
        .storage = &cli->storage,
        .cancel = cli->cancel,
    };
    lm_status status = LM_OK;
    lm_error error;
    lm_error_clear(&error);
    if (cli->json) {
        lm__json_key(&cli->writer, "found");
        lm__json_open_array(&cli->writer);
    }
    for (int i = 0; i < cli->words.count && status == LM_OK; i++)
        status = lm_gc(cli->words.items[i], &how, &error);
    if (cli->json) {
        lm__json_close_array(&cli->writer);
        lm__json_member_int_out(&cli->writer, given->dry_run ? "would_remove" : "removed",
                                (int64_t)tally.removed);
        lm__json_member_int_out(&cli->writer, "live", (int64_t)tally.live);
        lm__json_member_int_out(&cli->writer, "spared", (int64_t)tally.spared);
    }
    return lm__cli_end(cli, status, &error);
}

const lm_cli_command lm__cli_gc = {
    .name = "gc",
    .usage = "DIR...",
    .summary = "Remove what writers that died left in directories.",
    .about =
        "Finds Lamella's temporary files (.lamella-*.tmp), temporary directories "
        "(.lamella-*.tree) and journals of directory exchanges (.lamella-*.swap) in each DIR, and "
        "removes those whose writer is dead. A living writer holds a lock on what it has, and "
        "that is never touched, however old it is; where the file system has no locks nothing is "
        "removed. On HDFS a file that is open for writing is never touched, and the rest goes by "
        "its age (--older-than); a directory is as old as the youngest thing in it. So does "
        "what a Spark job of lamella.spark leaves (.lamella-spark-*), on every store. An "
        "exchange of directories that was cut short is brought to its end: the old tree is "
        "removed, a staged one that never came into place is left alone. What an interrupted "
        "merge has joined, and its journal, are told of and never removed, since rows may be "
        "nowhere else: `lamella merge --resume` finishes it.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = -1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
