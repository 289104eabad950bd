/*
 * Rows of cells on standard output, each column as wide as its widest cell. A failure to keep a
 * cell is told when the table is printed.
 */
#ifndef LM_CLI_TABLE_H
#define LM_CLI_TABLE_H

#include "base/arena.h"
#include "cli/cli.h"

#define LM_CLI_TABLE_COLUMNS_MAX 16

typedef struct lm_cli_table {
    lm_arena arena;
    const char **cells; /* row after row */
    size_t count, capacity, columns;
    uint32_t right; /* bit i: column i is set to the right */
    bool failed;
} lm_cli_table;

void lm__cli_table_init(lm_cli_table *table, size_t columns, uint32_t right);
void lm__cli_table_deinit(lm_cli_table *table);
/* The next cell, row by row. Bytes that cannot be printed are escaped. */
void lm__cli_table_text(lm_cli_table *table, const char *text);
/* A count; negative ones are not there. */
void lm__cli_table_count(lm_cli_table *table, int64_t count);
/* Prints the rows, `indent` spaces before each, and empties the table. */
void lm__cli_table_print(lm_cli *cli, lm_cli_table *table, int indent);

#endif
