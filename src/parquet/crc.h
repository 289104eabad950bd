/* The CRC-32 of pages (the polynomial of gzip, 0x04C11DB7; PageHeader.crc). */
#ifndef LM_PARQUET_CRC_H
#define LM_PARQUET_CRC_H

#include <stddef.h>
#include <stdint.h>

/* crc is 0 at the start; the result of one call goes into the next. */
uint32_t lm__crc32(uint32_t crc, const void *data, size_t size);
/* The bytewise reference, kept equal by the tests. */
uint32_t lm__crc32_scalar(uint32_t crc, const void *data, size_t size);

#endif
