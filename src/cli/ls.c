/* lamella ls: what lies in directories, on any store. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/path_info.h"
#include "cli/table.h"

typedef struct settings {
    lm_cli_common common;
    bool details, recursive;
} settings;

static const settings defaults;

static const lm_cli_option options[] = {
    {"long", LM_CLI_FLAG, offsetof(settings, details), NULL,
     "Kind, bytes and time of the last change too; -l is the same.", NULL},
    {"recursive", LM_CLI_FLAG, offsetof(settings, recursive), NULL,
     "What lies in the directories below too; symlinks are not followed.", NULL},
    {NULL},
};

typedef struct listing {
    lm_cli *cli;
    bool details;
    lm_cli_table table;
} listing;

static lm_status list_one(void *context, const lm_path_info *info, lm_error *error)
{
    listing *l = context;
    lm_cli *cli = l->cli;
    char time[LM_RFC3339_MAX], shown[2 * LM_ERROR_MESSAGE_MAX];
    const char *slash = info->kind == LM_PATH_DIRECTORY ? "/" : "";
    (void)error;
    if (cli->json) {
        lm__json_open_object(&cli->writer);
        lm__cli_path_json(&cli->writer, info);
        lm__json_close_object(&cli->writer);
        return LM_OK;
    }
    if (l->details) {
        lm__cli_table_text(&l->table, lm_path_kind_word(info->kind));
        lm__cli_table_count(&l->table, info->kind == LM_PATH_FILE ? (int64_t)info->bytes : -1);
        lm__cli_table_text(&l->table, lm__cli_path_time(info, time));
        lm__cli_table_text(&l->table, info->path);
        return LM_OK;
    }
    lm__cli_print(cli, "%s%s\n", lm__printable(shown, sizeof shown, info->path), slash);
    return LM_OK;
}

static int run(lm_cli *cli, void *context)
{
    const settings *given = context;
    const lm_path_options how = {.recursive = given->recursive,
                                 .names_only = !given->details && !cli->json,
                                 .storage = &cli->storage,
                                 .cancel = cli->cancel};
    listing l = {.cli = cli, .details = given->details};
    lm_status first = LM_OK;
    lm_error error, first_error;
    lm_error_clear(&first_error);
    lm__cli_table_init(&l.table, 4, 1u << 1);
    if (cli->json) {
        lm__json_key(&cli->writer, "entries");
        lm__json_open_array(&cli->writer);
    }
    for (int i = 0; i < cli->words.count && first != LM_CANCELLED; i++) {
        lm_error_clear(&error);
        lm_status status = lm_path_list(cli->words.items[i], &how, list_one, &l, &error);
        if (status == LM_OK) continue;
        if (first != LM_OK) lm__cli_warn("%s", error.message);
        if (first == LM_OK) {
            first = status;
            first_error = error;
        }
    }
    if (cli->json) lm__json_close_array(&cli->writer);
    if (given->details && !cli->json) lm__cli_table_print(cli, &l.table, 0);
    lm__cli_table_deinit(&l.table);
    return lm__cli_end(cli, first, &first_error);
}

const lm_cli_command lm__cli_ls = {
    .name = "ls",
    .usage = "PATH...",
    .summary = "Tell what lies in directories, on any store.",
    .about = "Lists what lies in each directory PATH, whole paths or URLs, a line each and in "
             "natural order (part-9 before part-10); directories end with a slash. A file is told "
             "itself, and so are the files that fit a pattern (docs/datasets.md). Names that begin "
             "with . or _ are told too, what is staged and not published yet is not. A PATH that "
             "is not there is exit status 9; the others are listed all the same.",
    .groups = {{"Options", options, 0},
               {"Storage", lm__cli_storage_options, 0},
               {"General", lm__cli_common_options, 0}},
    .words_min = 1,
    .words_max = -1,
    .defaults = &defaults,
    .settings_bytes = sizeof defaults,
    .run = run,
};
