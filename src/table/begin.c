/* The mark of a table that is not there yet; see begin.h. */
#include "table/begin.h"

#include <stdio.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/find.h"

#define MARK ".lamella-begun"

static lm_status mark_path(const lm_table_log *log, char path[LM_PATH_BYTES_MAX], lm_error *error)
{
    int size = snprintf(path, LM_PATH_BYTES_MAX, "%s/%s", log->directory, MARK);
    if (size > 0 && (size_t)size < LM_PATH_BYTES_MAX) return LM_OK;
    return lm__error_set(error, LM_INVALID, "%s/%s: the path is too long", log->directory, MARK);
}

/* The first name that is not hidden. */
static lm_status look_entry(void *context, const lm_store_entry *entry, lm_error *error)
{
    char *name = context;
    (void)error;
    if (!name[0] && !lm__name_is_hidden(entry->name))
        snprintf(name, LM_PATH_BYTES_MAX, "%s", entry->name);
    return LM_OK;
}

/* In this order: who has begun first may have ended between the two looks. */
static lm_status look(const lm_table_log *log, char name[LM_PATH_BYTES_MAX], bool *is_table,
                      lm_error *error)
{
    const lm_list_options options = {.cancel = log->cancel};
    lm_store_stat stat;
    name[0] = '\0';
    *is_table = false;
    lm_status status = lm__store_list(log->store, log->root, &options, look_entry, name, error);
    if (status == LM_NOT_FOUND) return LM_OK;
    if (status != LM_OK || !name[0]) return status;
    status = lm__store_stat(log->store, log->directory, true, &stat, error);
    *is_table = status == LM_OK;
    return status == LM_NOT_FOUND ? LM_OK : status;
}

lm_status lm__table_begin(const lm_table_log *log, bool *marked, lm_error *error)
{
    char path[LM_PATH_BYTES_MAX], found[LM_PATH_BYTES_MAX], shown[256];
    bool is_table;
    *marked = false;
    LM_TRY(mark_path(log, path, error));
    LM_TRY(look(log, found, &is_table, error));
    if (found[0] && !is_table)
        return lm__error_set(error, LM_CONFLICT,
                             "%s: there are files already (%s) and no table's log, so a new table "
                             "would hide them; \"lamella convert %s\" makes a table of them, or "
                             "take another place",
                             log->root, lm__printable(shown, sizeof shown, found), log->root);
    lm_status status = lm__store_put_if_absent(log->store, path, "", 0, error);
    *marked = status == LM_OK;
    return status == LM_EXISTS || status == LM_UNKNOWN_OUTCOME ? LM_OK : status;
}

void lm__table_begun(const lm_table_log *log)
{
    char path[LM_PATH_BYTES_MAX];
    if (mark_path(log, path, NULL) != LM_OK) return;
    lm_status ignored = lm__store_remove(log->store, path, LM_DURABILITY_NONE, NULL);
    (void)ignored;
}
