/* A scan within io: the stream before it is exported. */
#ifndef LM_IO_SCAN_H
#define LM_IO_SCAN_H

#include <lamella/scan.h>

#include "arrow/batch.h"

LM_MUST_USE lm_status lm__scan_stream(lm_scan *scan, lm_stream **stream, lm_error *error);
/* The rows that the scan's filter leaves, before offset and limit, where that can be told without
 * reading; else -1. */
LM_MUST_USE lm_status lm__scan_rows_told(lm_scan *scan, int64_t *rows, lm_error *error);

#endif
