/*
 * Paths of parts as the log has them: URIs by RFC 2396, relative to the table's directory or
 * absolute (PROTOCOL.md, "Add File and Remove File").
 *
 * They are written character for character as java.net.URI writes them: Spark's VACUUM compares
 * the log's text with that of the files that it lists, and removes a live part for a `%C3%BC` where
 * Java has the letter. (A colon is encoded all the same: bare, it may end a scheme.)
 */
#ifndef LM_TABLE_PART_PATH_H
#define LM_TABLE_PART_PATH_H

#include "base/arena.h"
#include "base/buffer.h"

/* Appends the URI of a relative path; no terminator. Fails without a message. */
LM_MUST_USE lm_status lm__part_path_encode(lm_buffer *out, const char *path);
/* The bytes of the path. LM_CORRUPT for a % without two digits and for a NUL. */
LM_MUST_USE lm_status lm__part_path_decode(lm_arena *arena, const char *uri, const char **path,
                                           lm_error *error);
/* With a scheme or a leading slash: not below the table's directory. */
bool lm__part_path_is_absolute(const char *uri);

#endif
