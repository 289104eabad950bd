/*
 * Bounds as they are written to the file: whole where they are short, cut where they are long.
 *
 * Invariants
 *  1. A cut min is a prefix, so it comes before the value it was cut from; a cut max is a prefix
 * with its last unit made one larger, so it comes after (parquet.thrift, Statistics).
 *  2. A cut bound of text is UTF-8 too.
 */
#ifndef LM_PARQUET_STATISTICS_H
#define LM_PARQUET_STATISTICS_H

#include "parquet/metadata.h"

/* Copies of both into the arena and into `out`, at most `bytes_max` long; where one was cut its
 * exact flag becomes false (the flags are the caller's to set true). A max of nothing but the
 * highest units cannot be cut: it is copied whole when it is at most LM_PARQUET_BOUND_BYTES_MAX
 * long, else left out. */
LM_MUST_USE lm_status lm__statistics_cut(lm_arena *arena, lm_bytes min, lm_bytes max,
                                         size_t bytes_max, bool text, lm_statistics *out,
                                         lm_error *error);

#endif
