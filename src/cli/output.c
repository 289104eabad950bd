/* Standard output and standard error of a command (cli.h, output rules 1 and 2). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"

#define LINE_BYTES_MAX 8192

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

void lm__cli_print(lm_cli *cli, const char *format, ...)
{
    char raw[LINE_BYTES_MAX];
    va_list args;
    if (cli->json || cli->writer.status != LM_OK) return;
    va_start(args, format);
    int length = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    if (length < 0) return;
    size_t size = (size_t)length < sizeof raw ? (size_t)length : sizeof raw - 1;
    cli->writer.status = lm__buffer_append(&cli->out, raw, size);
}

void lm__cli_warn(const char *format, ...)
{
    char raw[LM_ERROR_MESSAGE_MAX + 64], line[LM_ERROR_MESSAGE_MAX + 96] = "lamella: ";
    va_list args;
    va_start(args, format);
    int length = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    if (length < 0) return;
    size_t prefix = strlen(line);
    lm__printable(line + prefix, sizeof line - prefix - 1, raw);
    size_t size = strlen(line);
    line[size++] = '\n';
    (void)!write_all(STDERR_FILENO, (const uint8_t *)line, size); /* nowhere else to tell it */
}

void lm__cli_trace(void *context, const char *line)
{
    char text[LINE_BYTES_MAX];
    (void)context;
    lm__printable(text, sizeof text - 1, line);
    size_t size = strlen(text);
    text[size++] = '\n';
    (void)!write_all(STDERR_FILENO, (const uint8_t *)text, size); /* a courtesy */
}

const char *lm__cli_status_word(lm_status status, char word[48])
{
    const char *name = lm_status_name(status);
    if (strncmp(name, "LM_", 3) == 0) name += 3;
    size_t i = 0;
    for (; name[i] && i < 47; i++)
        word[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    word[i] = '\0';
    return word;
}

int lm__cli_end_with(lm_cli *cli, int exit_status, lm_status status, const lm_error *error)
{
    char word[48];
    if (status != LM_OK)
        lm__cli_warn("%s", error->message[0] ? error->message : lm_status_text(status));
    if (cli->json) {
        lm__json_member_string_out(&cli->writer, "status", lm__cli_status_word(status, word));
        lm__json_member_int_out(&cli->writer, "exit", exit_status);
        if (status != LM_OK) {
            lm__json_member_string_out(&cli->writer, "message", error->message);
            if (error->os_code) lm__json_member_int_out(&cli->writer, "os_code", error->os_code);
        }
        lm__json_close_object(&cli->writer);
        if (cli->writer.status == LM_OK) cli->writer.status = lm__buffer_byte(&cli->out, '\n');
    }
    bool told =
        cli->writer.status == LM_OK && write_all(STDOUT_FILENO, cli->out.data, cli->out.size);
    if (!told) {
        lm__cli_warn("what was done could not be written to standard output");
        if (exit_status == 0) exit_status = 1;
    }
    lm__buffer_deinit(&cli->out);
    return exit_status;
}

int lm__cli_end(lm_cli *cli, lm_status status, const lm_error *error)
{
    return lm__cli_end_with(cli, lm_status_exit(status), status, error);
}
