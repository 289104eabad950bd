/* What the files of inspect share. */
#ifndef LM_PARQUET_INSPECT_H
#define LM_PARQUET_INSPECT_H

#include <lamella/parquet_inspect.h>

#include "parquet/metadata.h"

/* Statistics as they are given out; NULL ones are not there. */
lm_parquet_statistics_info lm__inspect_statistics(const lm_statistics *statistics);

static inline lm_parquet_bytes lm__inspect_bytes(lm_bytes bytes)
{
    return (lm_parquet_bytes){bytes.data, bytes.size};
}

#endif
