/*
 * Paths in JSON. JSON is UTF-8 and a path is any bytes: one that is not UTF-8 stands there twice,
 * under its key with U+FFFD for the stray bytes, for people, and under the key with `_hex` after
 * it, exactly, in lower-case hexadecimal, for programs.
 */
#ifndef LM_BASE_JSON_PATH_H
#define LM_BASE_JSON_PATH_H

#include "base/json.h"

/* The member `key` and, when the path is not UTF-8, `key`_hex. */
void lm__json_path_out(lm_json_writer *writer, const char *key, const char *path);
/* The path that such members of `object` tell, in `arena`; NULL when there is none, when it holds a
 * NUL, or when the arena is full. */
const char *lm__json_path(lm_arena *arena, const lm_json *object, const char *key);
/* A whole number that fits; false for anything else, NULL too. */
bool lm__json_uint_of(const lm_json *value, uint64_t *number);

#endif
