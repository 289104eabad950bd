/* Members that tell of a version. */
#ifndef LM_CLI_VERSION_JSON_H
#define LM_CLI_VERSION_JSON_H

#include <lamella/versions.h>

#include "base/json.h"

void lm__cli_version_json(lm_json_writer *writer, const lm_version_info *version);

#endif
