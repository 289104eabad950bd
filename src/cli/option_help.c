/* The tables of option.h as text: for a terminal and for docs/commands.md. */
#include <stdio.h>

#include "base/error.h"
#include "cli/option.h"

#define HELP_COLUMN 28
#define HELP_WIDTH 96

/* "--name VALUE". */
static void option_left(const lm_cli_option *option, char *text, size_t size)
{
    snprintf(text, size, "--%s%s%s", option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

/* `text` broken at spaces, the lines after the first indented; the first begins at `column`. */
static lm_status wrap(lm_buffer *out, const char *text, size_t column, size_t indent)
{
    bool first = true;
    while (*text) {
        size_t length = strcspn(text, " \n");
        if (!first && column + 1 + length > HELP_WIDTH) {
            LM_TRY(lm__buffer_printf(out, "\n%*s", (int)indent, ""));
            column = indent;
        } else if (!first) {
            LM_TRY(lm__buffer_byte(out, ' '));
            column++;
        }
        LM_TRY(lm__buffer_append(out, text, length));
        column += length;
        first = false;
        text += length;
        if (text[0] == '\n' && text[1] == '\n') {
            LM_TRY(lm__buffer_printf(out, "\n\n%*s", (int)indent, ""));
            column = indent;
            first = true;
            text += 2;
        } else if (*text) {
            text++;
        }
    }
    return lm__buffer_byte(out, '\n');
}

static lm_status help_option(const lm_cli_option *option, lm_buffer *out)
{
    char left[96];
    option_left(option, left, sizeof left);
    LM_TRY(lm__buffer_printf(out, "  %-*s", HELP_COLUMN - 2, left));
    if (strlen(left) > HELP_COLUMN - 4) LM_TRY(lm__buffer_printf(out, "\n%*s", HELP_COLUMN, ""));
    return wrap(out, option->help, HELP_COLUMN, HELP_COLUMN);
}

lm_status lm__cli_help(const lm_cli_command *command, lm_buffer *out)
{
    LM_TRY(lm__buffer_printf(out, "Usage: lamella %s %s\n\n", command->name, command->usage));
    LM_TRY(wrap(out, command->about, 0, 0));
    for (const lm_cli_group *group = command->groups; group->title; group++) {
        LM_TRY(lm__buffer_printf(out, "\n%s:\n", group->title));
        for (const lm_cli_option *option = group->options; option->name; option++)
            LM_TRY(help_option(option, out));
    }
    return LM_OK;
}

/* Help texts are plain; in Markdown `|` would end a cell. */
static lm_status cell(lm_buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') LM_TRY(lm__buffer_byte(out, '\\'));
        LM_TRY(lm__buffer_byte(out, (uint8_t)*text));
    }
    return LM_OK;
}

lm_status lm__cli_markdown(const lm_cli_command *command, lm_buffer *out)
{
    LM_TRY(lm__buffer_printf(out, "## lamella %s\n\n```\nlamella %s %s\n```\n\n", command->name,
                             command->name, command->usage));
    LM_TRY(wrap(out, command->about, 0, 0));
    LM_TRY(lm__buffer_text(out, "\n| option | meaning |\n|---|---|\n"));
    for (const lm_cli_group *group = command->groups; group->title; group++)
        for (const lm_cli_option *option = group->options; option->name; option++) {
            char left[96];
            option_left(option, left, sizeof left);
            LM_TRY(lm__buffer_text(out, "| `"));
            LM_TRY(cell(out, left));
            LM_TRY(lm__buffer_text(out, "` | "));
            LM_TRY(cell(out, option->help));
            LM_TRY(lm__buffer_text(out, " |\n"));
        }
    return lm__buffer_byte(out, '\n');
}
