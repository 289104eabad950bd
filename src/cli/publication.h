/* What the commands that publish share: write, publish-dir and guard. */
#ifndef LM_CLI_PUBLICATION_H
#define LM_CLI_PUBLICATION_H

#include <lamella/directory.h>

#include "cli/cli.h"

/* Settings of --manifest and what belongs to it. */
typedef struct lm_cli_manifest {
    lm_cli_pairs pairs;
    const char *run_id, *source_snapshot;
} lm_cli_manifest;

/* Settings of one file's publication. */
typedef struct lm_cli_publication {
    bool if_absent, no_follow, keep_xattrs;
    const char *if_match;
    int durability, checksum; /* places in their choices */
    uint64_t keep;
} lm_cli_publication;

extern const lm_cli_option lm__cli_manifest_options[];
extern const lm_cli_option lm__cli_publication_options[];
extern const char *const lm__cli_durabilities[];

#define LM_CLI_CHECKSUM_AUTO 0 /* sha256 with a manifest, crc32c without */

/* Fills `manifest`, which borrows from the settings; *wanted is false when none was asked for. */
LM_MUST_USE lm_status lm__cli_manifest(const lm_cli_manifest *settings, lm_manifest *manifest,
                                       bool *wanted, lm_error *error);
/* Fills `options`, with `manifest` (NULL: none) in it. */
LM_MUST_USE lm_status lm__cli_file_options(const lm_cli *cli, const lm_cli_publication *settings,
                                           const lm_manifest *manifest, lm_file_options *options,
                                           lm_error *error);
/* Tells the result of a file's publication, with its warnings, and ends the command. */
int lm__cli_file_end(lm_cli *cli, const char *path, const lm_file_result *result, lm_status status,
                     const lm_error *error);
/* The same for a directory's. */
int lm__cli_directory_end(lm_cli *cli, const char *path, const lm_directory_result *result,
                          lm_status status, const lm_error *error);

#endif
