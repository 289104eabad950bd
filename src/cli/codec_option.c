/* See codec_option.h. */
#include "cli/codec_option.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "codec/codec.h"

lm_status lm__cli_codec(const char *text, lm_codec *codec, int32_t *level, lm_error *error)
{
    char name[32];
    const char *colon = strchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : strlen(text);
    if (size >= sizeof name)
        return lm__error_set(error, LM_INVALID, "%s: no codec has this name", text);
    memcpy(name, text, size);
    name[size] = '\0';
    *level = LM_CODEC_LEVEL_DEFAULT;
    LM_TRY(lm__codec_parse(name, codec, error));
    if (!colon) return LM_OK;
    char *end;
    long number = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end || number < -1000 || number > 1000)
        return lm__error_set(error, LM_INVALID, "%s: the level is no number", text);
    *level = (int32_t)number;
    return LM_OK;
}
