/*
 * Flags as data. A command lists its options in tables; the tables drive the parsing, --help and
 * docs/commands.md, so the three cannot disagree.
 *
 * Rules of the command line
 *  1. Long options only (and -h, -n for --limit, -l for --long): `--name value`, `--name=value`.
 * Options and words may be mixed.
 *  2. `--` ends the options. For a command with a tail (guard) all that follows is the tail.
 *  3. Every mistake of one command line is told, not just the first.
 *  4. A pairs option takes the words after it while they look like KEY=VALUE (KEY a letter or `_`,
 *     then letters, digits, `_`, `.` and `-`), so a path is never taken for one by its `=` alone.
 */
#ifndef LM_CLI_OPTION_H
#define LM_CLI_OPTION_H

#include <lamella/lamella.h>

#include "base/buffer.h"

typedef enum lm_cli_kind {
    LM_CLI_FLAG,     /* bool */
    LM_CLI_TEXT,     /* const char *; NULL when not given */
    LM_CLI_CHOICE,   /* int: the place in `choices` */
    LM_CLI_COUNT,    /* uint64_t */
    LM_CLI_DURATION, /* int64_t nanoseconds: 90s, 15m, 12h, 7d; a bare number is seconds */
    LM_CLI_PAIRS,    /* lm_cli_pairs */
    LM_CLI_TEXTS,    /* lm_cli_pairs: one text each time that it is given */
} lm_cli_kind;

/* KEY=VALUE arguments, as they stand on the command line. */
typedef struct lm_cli_pairs {
    bool given;
    size_t count;
    char **items; /* allocated; each "KEY=VALUE" */
} lm_cli_pairs;

/* Cuts "KEY=VALUE" in two, in argv, which is ours: `pair` is the key then. */
char *lm__cli_pair_value(char *pair);

typedef struct lm_cli_option {
    const char *name; /* without dashes; NULL ends a table */
    lm_cli_kind kind;
    size_t offset;     /* of the field, in the settings of its table */
    const char *value; /* how help names the value; NULL for a flag */
    const char *help;
    const char *const *choices; /* ends with NULL */
} lm_cli_option;

/* A table of options and where its settings lie in the command's. */
typedef struct lm_cli_group {
    const char *title; /* NULL ends the list */
    const lm_cli_option *options;
    size_t offset;
} lm_cli_group;

#define LM_CLI_GROUPS_MAX 12

typedef struct lm_cli lm_cli;

typedef struct lm_cli_command {
    const char *name;
    const char *usage;   /* the words: "DST" */
    const char *summary; /* one line */
    const char *about;   /* the paragraphs of --help */
    lm_cli_group groups[LM_CLI_GROUPS_MAX];
    int words_min, words_max; /* words_max -1: any number */
    bool tail;                /* what follows `--` is a command of its own */
    const void *defaults;     /* the settings, copied before parsing; lm_cli_common comes first */
    size_t settings_bytes;
    int (*run)(lm_cli *cli, void *settings); /* gives the exit status */
} lm_cli_command;

/* Every command's settings begin with these. */
typedef struct lm_cli_common {
    bool help, json, trace;
    lm_cli_pairs storage;
} lm_cli_common;

typedef struct lm_cli_words {
    char **items; /* allocated */
    int count;
    char **tail; /* in argv */
    int tail_count;
} lm_cli_words;

/* Fills settings and words from the arguments after the command's name. Mistakes are written to
 * `mistakes`, a line each; LM_INVALID when there are any. What it allocates lives as long as the
 * process. */
LM_MUST_USE lm_status lm__cli_parse(const lm_cli_command *command, int argc, char **argv,
                                    void *settings, lm_cli_words *words, lm_buffer *mistakes);

/* The text of --help, and the command's section of docs/commands.md. */
LM_MUST_USE lm_status lm__cli_help(const lm_cli_command *command, lm_buffer *out);
LM_MUST_USE lm_status lm__cli_markdown(const lm_cli_command *command, lm_buffer *out);

#endif
