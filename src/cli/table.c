/* Tables as text; see table.h. */
#include "cli/table.h"

#include <stdio.h>

#include "base/error.h"

#define CELL_BYTES_MAX 1024

void lm__cli_table_init(lm_cli_table *table, size_t columns, uint32_t right)
{
    *table = (lm_cli_table){.columns = columns, .right = right};
    lm__arena_init(&table->arena, NULL, 0);
}

void lm__cli_table_deinit(lm_cli_table *table) { lm__arena_deinit(&table->arena); }

void lm__cli_table_text(lm_cli_table *table, const char *text)
{
    char shown[CELL_BYTES_MAX];
    lm__printable(shown, sizeof shown, text);
    char *copy = lm__arena_strdup(&table->arena, shown);
    if (copy && lm__arena_room(&table->arena, &table->cells, &table->capacity, table->count + 1,
                               sizeof *table->cells))
        table->cells[table->count++] = copy;
    else
        table->failed = true;
}

void lm__cli_table_count(lm_cli_table *table, int64_t count)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)count);
    lm__cli_table_text(table, count < 0 ? "" : text);
}

/* Characters; bytes that continue one do not count. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_row(lm_cli *cli, const lm_cli_table *table, size_t row, const size_t *widths,
                      int indent)
{
    const char *const *cells = table->cells + row * table->columns;
    size_t last = table->columns;
    while (last > 0 && !cells[last - 1][0]) last--; /* no blanks at the end of the line */
    lm__cli_print(cli, "%*s", last ? indent : 0, "");
    for (size_t i = 0; i < last; i++) {
        int pad = (int)(widths[i] - width_of(cells[i]));
        bool right = table->right >> i & 1;
        lm__cli_print(cli, "%*s%s%*s", right ? pad : 0, "", cells[i],
                      right || i + 1 == last ? 0 : pad, "");
        if (i + 1 < last) lm__cli_print(cli, "  ");
    }
    lm__cli_print(cli, "\n");
}

void lm__cli_table_print(lm_cli *cli, lm_cli_table *table, int indent)
{
    size_t widths[LM_CLI_TABLE_COLUMNS_MAX] = {0};
    if (table->failed && cli->writer.status == LM_OK) cli->writer.status = LM_NO_MEMORY;
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]), column = i % table->columns;
        if (width > widths[column]) widths[column] = width;
    }
    for (size_t row = 0; row < table->count / table->columns && !table->failed; row++)
        print_row(cli, table, row, widths, indent);
    lm__arena_reset(&table->arena);
    table->cells = NULL;
    table->count = table->capacity = 0;
    table->failed = false;
}
