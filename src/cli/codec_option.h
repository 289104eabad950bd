/* NAME[:LEVEL], for the commands that write Parquet: put and merge. */
#ifndef LM_CLI_CODEC_OPTION_H
#define LM_CLI_CODEC_OPTION_H

#include <lamella/base.h>
#include <lamella/codec.h>

LM_MUST_USE lm_status lm__cli_codec(const char *text, lm_codec *codec, int32_t *level,
                                    lm_error *error);

#endif
