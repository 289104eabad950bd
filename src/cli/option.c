/* Parsing by the tables of option.h, whose rules 1 to 4 are kept here. */
#include "cli/option.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"

typedef struct parse_state {
    const lm_cli_command *command;
    int argc, at;
    char **argv;
    char *settings;
    lm_cli_words *words;
    lm_buffer *mistakes;
    bool wrong;
    lm_status status; /* running out of memory while telling mistakes */
} parse_state;

static void mistake(parse_state *parser, const char *format, ...) LM_PRINTF(2, 3);
static void mistake(parse_state *parser, const char *format, ...)
{
    char raw[512], line[640];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    if (length < 0) raw[0] = '\0';
    lm_status status =
        lm__buffer_printf(parser->mistakes, "lamella: %s\n", lm__printable(line, sizeof line, raw));
    if (parser->status == LM_OK) parser->status = status;
    parser->wrong = true;
}

static const lm_cli_option *option_find(const lm_cli_command *command, const char *name,
                                        size_t length, size_t *offset)
{
    for (const lm_cli_group *group = command->groups; group->title; group++)
        for (const lm_cli_option *option = group->options; option->name; option++)
            if (strlen(option->name) == length && memcmp(option->name, name, length) == 0) {
                *offset = group->offset + option->offset;
                return option;
            }
    return NULL;
}

static bool key_letter(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
    return !first && ((c >= '0' && c <= '9') || c == '.' || c == '-');
}

static bool pair_like(const char *word)
{
    size_t length = 0;
    while (key_letter(word[length], length == 0)) length++;
    return length > 0 && word[length] == '=';
}

char *lm__cli_pair_value(char *pair)
{
    char *equals = strchr(pair, '=');
    *equals = '\0';
    return equals + 1;
}

static bool parse_count(const char *text, uint64_t *count)
{
    if (*text < '0' || *text > '9') return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end) return false;
    *count = value;
    return true;
}

static bool parse_duration(const char *text, int64_t *nanoseconds)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    if (*text < '0' || *text > '9') return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0)
            return !__builtin_mul_overflow(value, units[i].seconds * INT64_C(1000000000),
                                           nanoseconds);
    return false;
}

static void set_choice(parse_state *parser, const lm_cli_option *option, int *field,
                       const char *value)
{
    char known[256];
    size_t used = 0;
    known[0] = '\0';
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *field = i;
            return;
        }
        int more =
            snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", option->choices[i]);
        if (more > 0 && used + (size_t)more < sizeof known) used += (size_t)more;
    }
    mistake(parser, "--%s is one of %s, not '%s'", option->name, known, value);
}

/* As many as there are arguments. */
static bool pairs_room(parse_state *parser, lm_cli_pairs *pairs)
{
    pairs->given = true;
    if (!pairs->items)
        pairs->items = lm__alloc_array(NULL, (size_t)parser->argc + 1, sizeof(char *));
    if (!pairs->items) parser->status = LM_NO_MEMORY;
    return pairs->items != NULL;
}

static void set_text(parse_state *parser, lm_cli_pairs *texts, const char *value)
{
    if (pairs_room(parser, texts)) texts->items[texts->count++] = (char *)(uintptr_t)value;
}

static void set_pairs(parse_state *parser, lm_cli_pairs *pairs, const char *attached)
{
    if (!pairs_room(parser, pairs)) return;
    if (attached) {
        if (*attached != '=' && strchr(attached, '=')) /* any key: nothing else can be meant */
            pairs->items[pairs->count++] = (char *)attached;
        else
            mistake(parser, "'%s' is not KEY=VALUE", attached);
        return;
    }
    while (parser->at < parser->argc && pair_like(parser->argv[parser->at]))
        pairs->items[pairs->count++] = parser->argv[parser->at++];
}

static void set_value(parse_state *parser, const lm_cli_option *option, void *field,
                      const char *value)
{
    switch (option->kind) {
    case LM_CLI_TEXT: *(const char **)field = value; break;
    case LM_CLI_TEXTS: set_text(parser, field, value); break;
    case LM_CLI_CHOICE: set_choice(parser, option, field, value); break;
    case LM_CLI_COUNT:
        if (!parse_count(value, field))
            mistake(parser, "--%s takes a whole number, not '%s'", option->name, value);
        break;
    case LM_CLI_DURATION:
        if (!parse_duration(value, field))
            mistake(parser, "--%s takes a time such as 90s, 15m, 12h or 7d, not '%s'", option->name,
                    value);
        break;
    default: break;
    }
}

static void parse_option(parse_state *parser, const char *argument)
{
    const char *name = argument + 2, *equals = strchr(name, '=');
    const char *value = equals ? equals + 1 : NULL;
    size_t offset = 0;
    const lm_cli_option *option = option_find(
        parser->command, name, equals ? (size_t)(equals - name) : strlen(name), &offset);
    if (!option) {
        int length = (int)(equals ? equals - argument : (ptrdiff_t)strlen(argument));
        mistake(parser, "%s has no option '%.*s'", parser->command->name, length, argument);
        return;
    }
    void *field = parser->settings + offset;
    if (option->kind == LM_CLI_FLAG) {
        if (value)
            mistake(parser, "--%s takes no value", option->name);
        else
            *(bool *)field = true;
    } else if (option->kind == LM_CLI_PAIRS) {
        set_pairs(parser, field, value);
    } else if (value) {
        set_value(parser, option, field, value);
    } else if (parser->at < parser->argc) {
        set_value(parser, option, field, parser->argv[parser->at++]);
    } else {
        mistake(parser, "--%s needs %s", option->name, option->value);
    }
}

static void parse_all(parse_state *parser)
{
    while (parser->at < parser->argc) {
        char *argument = parser->argv[parser->at++];
        if (strcmp(argument, "--") == 0) {
            if (parser->command->tail) {
                parser->words->tail = parser->argv + parser->at;
                parser->words->tail_count = parser->argc - parser->at;
                return;
            }
            while (parser->at < parser->argc)
                parser->words->items[parser->words->count++] = parser->argv[parser->at++];
        } else if (strcmp(argument, "-h") == 0) {
            ((lm_cli_common *)parser->settings)->help = true;
        } else if (strcmp(argument, "-n") == 0 &&
                   option_find(parser->command, "limit", strlen("limit"), &(size_t){0})) {
            parse_option(parser, "--limit");
        } else if (strcmp(argument, "-l") == 0 &&
                   option_find(parser->command, "long", strlen("long"), &(size_t){0})) {
            parse_option(parser, "--long");
        } else if (strncmp(argument, "--", 2) == 0) {
            parse_option(parser, argument);
        } else if (argument[0] == '-' && argument[1]) {
            mistake(parser, "%s has no option '%s'", parser->command->name, argument);
        } else {
            parser->words->items[parser->words->count++] = argument;
        }
    }
}

lm_status lm__cli_parse(const lm_cli_command *command, int argc, char **argv, void *settings,
                        lm_cli_words *words, lm_buffer *mistakes)
{
    parse_state parser = {command, argc, 0, argv, settings, words, mistakes, false, LM_OK};
    memcpy(settings, command->defaults, command->settings_bytes);
    memset(words, 0, sizeof *words);
    words->items = lm__alloc_array(NULL, (size_t)argc + 1, sizeof(char *));
    if (!words->items) return LM_NO_MEMORY;
    parse_all(&parser);
    if (((const lm_cli_common *)settings)->help) return parser.status;
    if (words->count < command->words_min)
        mistake(&parser, "%s needs %s", command->name, command->usage);
    if (command->words_max >= 0 && words->count > command->words_max)
        mistake(&parser, "%s has no use for '%s'", command->name, words->items[command->words_max]);
    if (command->tail && words->tail_count == 0 && !parser.wrong)
        mistake(&parser, "%s needs `--` and a command after it", command->name);
    if (parser.status != LM_OK) return parser.status;
    return parser.wrong ? LM_INVALID : LM_OK;
}
