/* The commands, one file each. */
#ifndef LM_CLI_COMMANDS_H
#define LM_CLI_COMMANDS_H

#include "cli/option.h"

extern const lm_cli_command lm__cli_write, lm__cli_put, lm__cli_publish_dir, lm__cli_resolve,
    lm__cli_append, lm__cli_overwrite, lm__cli_delete, lm__cli_compact, lm__cli_vacuum,
    lm__cli_history, lm__cli_repair, lm__cli_convert, lm__cli_guard, lm__cli_merge, lm__cli_undo,
    lm__cli_verify, lm__cli_gc, lm__cli_ls, lm__cli_stat, lm__cli_cp, lm__cli_rm, lm__cli_cat,
    lm__cli_head, lm__cli_count, lm__cli_schema, lm__cli_inspect, lm__cli_diff, lm__cli_version,
    lm__cli_help_command;

#endif
