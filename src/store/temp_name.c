/* Names of temporary things; see temp_name.h. */
#include "store/temp_name.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/find.h"

lm_status lm__temp_name(char name[LM_TEMP_NAME_MAX], const char *suffix, lm_error *error)
{
    char unique[LM_UNIQUE_MAX];
    LM_TRY(lm__unique(unique, error));
    snprintf(name, LM_TEMP_NAME_MAX, LM_TEMP_PREFIX "%s%s", unique, suffix);
    return LM_OK;
}

/* The bytes of a unique number at the beginning of `text`, or 0. */
static size_t unique_size(const char *text)
{
    size_t digits = LM_UNIQUE_MAX - 1;
    return strspn(text, "0123456789abcdef") == digits ? digits : 0;
}

bool lm__temp_name_is(const char *name, lm_gc_what *what)
{
    static const char *const suffixes[] = {
        [LM_GC_FILE] = LM_TEMP_FILE_SUFFIX,
        [LM_GC_TREE] = LM_TEMP_TREE_SUFFIX,
        [LM_GC_JOURNAL] = LM_TEMP_SWAP_SUFFIX,
    };
    size_t prefix = strlen(LM_TEMP_PREFIX);
    if (strncmp(name, LM_TEMP_PREFIX, prefix) != 0) return false;
    size_t digits = unique_size(name + prefix);
    if (digits == 0) return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(name + prefix + digits, suffixes[i]) == 0) {
            *what = (lm_gc_what)i;
            return true;
        }
    return false;
}

lm_left lm__left_name(const char *name)
{
    static const struct {
        const char *prefix, *suffix;
        lm_left left;
    } rows[] = {
        {LM_TEMP_PREFIX "spark-", "", LM_LEFT_SPARK},
        {LM_TEMP_PREFIX "probe-", "", LM_LEFT_PROBE},
        {LM_TEMP_PREFIX "merge-", "", LM_LEFT_TARGET},
        {LM_TEMP_PREFIX "merge-", ".part", LM_LEFT_TARGET},
    };
    if (strcmp(name, LM_MERGE_JOURNAL_NAME) == 0) return LM_LEFT_JOURNAL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t prefix = strlen(rows[i].prefix);
        if (strncmp(name, rows[i].prefix, prefix) != 0) continue;
        size_t digits = unique_size(name + prefix);
        if (digits && strcmp(name + prefix + digits, rows[i].suffix) == 0) return rows[i].left;
    }
    return LM_LEFT_NOTHING;
}

const char *lm__left_reason(lm_left left)
{
    return left == LM_LEFT_JOURNAL
               ? "a merge that deletes its sources was interrupted, or is under way: `lamella "
                 "merge "
                 "SOURCES DST --resume` carries it on"
               : "it holds the rows of parts that a merge has joined: `lamella merge SOURCES DST "
                 "--resume` puts it in place; where there is no journal of it any more, look at it "
                 "before you remove it";
}
