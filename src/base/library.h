/* Shared libraries that are loaded when they are first needed, and the words for one that is not
 * there. */
#ifndef LM_BASE_LIBRARY_H
#define LM_BASE_LIBRARY_H

#include "base/error.h"

/* Opens `file` and fills `functions`, a struct of function pointers, by `names`, which ends with
 * NULL. The name of what is missing is given, `file` itself or a function, or NULL when all is
 * there. */
const char *lm__library_open(const char *file, const char *const *names, void *functions);
lm_status lm__library_missing(const char *missing, const char *file, const char *package,
                              lm_error *error);

/* The members and the names of a list X(function). */
#define LM_LIBRARY_MEMBER(name) __typeof__(&name) name;
#define LM_LIBRARY_NAME(name) #name,

#endif
