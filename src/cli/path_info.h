/* What ls and stat tell of a path. */
#ifndef LM_CLI_PATH_INFO_H
#define LM_CLI_PATH_INFO_H

#include <lamella/path.h>

#include "base/clock.h"
#include "base/json_path.h"
#include "cli/cli.h"

/* "2026-11-21T09:00:00.123456789Z"; "" where the store does not know. */
static inline const char *lm__cli_path_time(const lm_path_info *info, char text[LM_RFC3339_MAX])
{
    text[0] = '\0';
    if (info->mtime_ns) lm__rfc3339(info->mtime_ns, text);
    return text;
}

/* Members of the object at hand. */
static inline void lm__cli_path_json(lm_json_writer *writer, const lm_path_info *info)
{
    char time[LM_RFC3339_MAX];
    lm__json_path_out(writer, "path", info->path);
    lm__json_member_string_out(writer, "kind", lm_path_kind_word(info->kind));
    if (info->kind == LM_PATH_FILE) {
        lm__json_key(writer, "bytes");
        lm__json_uint(writer, info->bytes);
    }
    if (!info->mtime_ns) return;
    lm__json_member_string_out(writer, "modified", lm__cli_path_time(info, time));
    lm__json_member_int_out(writer, "mtime_ns", info->mtime_ns);
}

#endif
