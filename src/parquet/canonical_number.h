/* Numbers for canonical_text.h that take more than a line: floats and decimals. */
#ifndef LM_PARQUET_CANONICAL_NUMBER_H
#define LM_PARQUET_CANONICAL_NUMBER_H

#include <stdint.h>

/* IEEE 754 binary16, widened exactly. */
float lm__float_of_half(uint16_t half);

#endif
