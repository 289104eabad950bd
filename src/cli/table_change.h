/* What the commands that change tables share: delete, compact, vacuum, convert. */
#ifndef LM_CLI_TABLE_CHANGE_H
#define LM_CLI_TABLE_CHANGE_H

#include <lamella/table_ops.h>

#include "cli/cli.h"

typedef struct lm_cli_operation {
    const char *run_id;
    uint64_t memory, threads;
    int durability, checksum;
} lm_cli_operation;

/* --run-id, --durability, --checksum, --memory, --threads */
extern const lm_cli_option lm__cli_operation_options[];

LM_MUST_USE lm_status lm__cli_operation(const lm_cli *cli, const lm_cli_operation *settings,
                                        lm_table_operation *how, lm_error *error);
/* The text of an option as an expression; NULL stays NULL. */
LM_MUST_USE lm_status lm__cli_expression(const char *text, const char *option, lm_expr **expr,
                                         lm_error *error);
/* What became of the table: with `verb`, as "deleted", for people. */
void lm__cli_tell_change(lm_cli *cli, const char *verb, const lm_table_change *change);

#endif
