/* Names of temporary things; see temp_name.h. */
#include "store/temp_name.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

lm_status lm__temp_name(char name[LM_TEMP_NAME_MAX], const char *suffix, lm_error *error)
{
    char unique[LM_UNIQUE_MAX];
    LM_TRY(lm__unique(unique, error));
    snprintf(name, LM_TEMP_NAME_MAX, LM_TEMP_PREFIX "%s%s", unique, suffix);
    return LM_OK;
}

bool lm__temp_name_is(const char *name, lm_gc_what *what)
{
    static const char *const suffixes[] = {
        [LM_GC_FILE] = LM_TEMP_FILE_SUFFIX,
        [LM_GC_TREE] = LM_TEMP_TREE_SUFFIX,
        [LM_GC_JOURNAL] = LM_TEMP_SWAP_SUFFIX,
    };
    size_t prefix = strlen(LM_TEMP_PREFIX), digits = LM_UNIQUE_MAX - 1;
    if (strncmp(name, LM_TEMP_PREFIX, prefix) != 0) return false;
    if (strspn(name + prefix, "0123456789abcdef") != digits) return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(name + prefix + digits, suffixes[i]) == 0) {
            *what = (lm_gc_what)i;
            return true;
        }
    return false;
}
