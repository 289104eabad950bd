/* A scan within io: the stream before it is exported. */
#ifndef LM_IO_SCAN_H
#define LM_IO_SCAN_H

#include <lamella/scan.h>

#include "arrow/batch.h"

LM_MUST_USE lm_status lm__scan_stream(lm_scan *scan, lm_stream **stream, lm_error *error);

#endif
