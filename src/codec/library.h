/*
 * The libraries behind the codecs, loaded at the first use of each.
 *
 * Linked in the ordinary way they cost every start of a command some 30 to 130 microseconds each,
 * also where no page is compressed (docs/codecs.md); so the dynamic linker is asked when a codec
 * is first needed, once for the process. With -Dcodec_libraries=link they are linked instead, which
 * packages that carry their libraries along want.
 *
 * A codec's file lists its functions as X(name) in a macro and says
 *
 *     LM_LIBRARY(zstd, ZSTD_FUNCTIONS, "libzstd.so.1", "libzstd1")
 *
 * and then `static lm_status zstd_load(const zstd_functions **zstd, lm_error *error)` gives the
 * table, so that `zstd->ZSTD_compress2(…)` is a call. Headers are needed to build, so the types are
 * checked.
 */
#ifndef LM_CODEC_LIBRARY_H
#define LM_CODEC_LIBRARY_H

#include <pthread.h>

#include "base/library.h"

#if LM_CODEC_LINKED

#define LM_LIBRARY_ADDRESS(name) .name = name,
#define LM_LIBRARY(prefix, FUNCTIONS, file, package)                                               \
    typedef struct prefix##_functions {                                                            \
        FUNCTIONS(LM_LIBRARY_MEMBER)                                                               \
    } prefix##_functions;                                                                          \
    static lm_status prefix##_load(const prefix##_functions **functions, lm_error *error)          \
    {                                                                                              \
        static const prefix##_functions linked = {FUNCTIONS(LM_LIBRARY_ADDRESS)};                  \
        (void)error;                                                                               \
        *functions = &linked;                                                                      \
        return LM_OK;                                                                              \
    }

#else

#define LM_LIBRARY(prefix, FUNCTIONS, file, package)                                               \
    typedef struct prefix##_functions {                                                            \
        FUNCTIONS(LM_LIBRARY_MEMBER)                                                               \
    } prefix##_functions;                                                                          \
    static struct {                                                                                \
        pthread_once_t once;                                                                       \
        const char *missing;                                                                       \
        prefix##_functions functions;                                                              \
    } prefix##_library = {.once = PTHREAD_ONCE_INIT};                                              \
    static void prefix##_open(void)                                                                \
    {                                                                                              \
        static const char *const names[] = {FUNCTIONS(LM_LIBRARY_NAME) NULL};                      \
        prefix##_library.missing = lm__library_open(file, names, &prefix##_library.functions);     \
    }                                                                                              \
    static lm_status prefix##_load(const prefix##_functions **functions, lm_error *error)          \
    {                                                                                              \
        pthread_once(&prefix##_library.once, prefix##_open);                                       \
        *functions = &prefix##_library.functions;                                                  \
        if (!prefix##_library.missing) return LM_OK;                                               \
        return lm__library_missing(prefix##_library.missing, file, package, error);                \
    }

#endif

#endif
