/* The C library's memory, but no large block: a size from the bytes that nothing backs is refused.
 * The file that includes this has defined ALLOCATION_BYTES_MAX. */
#ifndef LM_FUZZ_CAPPED_H
#define LM_FUZZ_CAPPED_H

#include <lamella/base.h>
#include <stdlib.h>

static void *capped_alloc(void *context, size_t bytes)
{
    (void)context;
    return bytes > ALLOCATION_BYTES_MAX ? NULL : malloc(bytes ? bytes : 1);
}

static void *capped_realloc(void *context, void *memory, size_t bytes)
{
    (void)context;
    return bytes > ALLOCATION_BYTES_MAX ? NULL : realloc(memory, bytes ? bytes : 1);
}

static void capped_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static const lm_allocator capped = {capped_alloc, capped_realloc, capped_free, NULL};

#endif
