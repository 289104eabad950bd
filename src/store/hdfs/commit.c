/*
 * The one visible step: RENAME, and what to do when its answer is lost.
 *
 *     RENAME from -> to          answered: that is it
 *        | no answer
 *        v
 *     RENAME from -> fence       done: the first cannot happen any more; begin again from the fence
 *        | `from` is not there
 *        v
 *     look at `to`, by inode     ours: it was done. At the fence: it was not, and cannot be.
 *                                Neither: unknown
 *
 * Invariants
 *  1. LM_OK, LM_EXISTS and every other failure but LM_UNKNOWN_OUTCOME are facts: for each there is
 *     an answer that says so.
 *  2. While a request may still be on its way, no other one has the same source.
 */
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "store/hdfs/hdfs.h"

static bool is_same_thing(const lm_hdfs_move *move, const lm_hdfs_file *file)
{
    if (file->id && file->kind == move->what.kind) return file->id == move->what.id;
    return lm__hdfs_is_same(file, &move->what);
}

/* A gateway that does not know renameoptions renames by the old rules, and answers with a boolean:
 * false where something stands, true also where it moved into a directory. */
static lm_status gateway_answer(lm_hdfs_store *hdfs, const lm_hdfs_move *move, const char *to,
                                bool done, bool overwrite, lm_error *error)
{
    lm_hdfs_file file;
    if (!done && !overwrite)
        return lm__error_set(error, LM_EXISTS, "%s%s exists already", hdfs->root, to);
    if (!done)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "%s%s: this server renames without renameoptions (HttpFS), so nothing "
                             "can be replaced in one step: use the NameNode's own address, or "
                             "write where nothing is",
                             hdfs->root, to);
    lm_status status = lm__hdfs_look(hdfs, to, NULL, &file, error);
    if (status == LM_OK && is_same_thing(move, &file)) return LM_OK;
    return lm__error_set(error, LM_UNKNOWN_OUTCOME,
                         "%s%s: the server renamed, but something else stands there", hdfs->root,
                         to);
}

/* One RENAME. *lost: it may have been done, though it failed. */
static lm_status rename_once(lm_hdfs_store *hdfs, const lm_hdfs_move *move, const char *to,
                             bool overwrite, bool in_haste, bool *lost, lm_error *error)
{
    lm_buffer parameters;
    lm_hdfs_answer answer;
    bool done = true;
    lm__hdfs_answer_init(&answer, hdfs);
    lm__buffer_init(&parameters, hdfs->store.allocator, 0);
    lm_status status = lm__hdfs_parameter(&parameters, "destination", to);
    if (status == LM_OK)
        status = lm__hdfs_parameter(&parameters, "renameoptions", overwrite ? "OVERWRITE" : "NONE");
    if (status == LM_OK) status = lm__buffer_byte(&parameters, '\0');
    if (status != LM_OK) {
        status = lm__error_memory(error, "building a request");
    } else {
        const lm_hdfs_call call = {.method = "PUT",
                                   .operation = "RENAME",
                                   .path = move->from,
                                   .parameters = (const char *)parameters.data,
                                   .once = in_haste,
                                   .whole_ns = in_haste ? LM_HDFS_HASTE_NS : 0,
                                   .cancel = in_haste ? NULL : move->cancel};
        status = lm__hdfs_ask_yes(hdfs, &call, &answer, &done, error);
    }
    *lost = status != LM_OK && answer.lost;
    if (status == LM_OK && answer.response.body.size > 0)
        status = gateway_answer(hdfs, move, to, done, overwrite, error);
    lm__buffer_deinit(&parameters);
    lm__hdfs_answer_deinit(&answer);
    return status;
}

static bool is_ours(lm_hdfs_store *hdfs, const lm_hdfs_move *move, const char *path)
{
    lm_hdfs_file file;
    lm_error unused;
    return lm__hdfs_look(hdfs, path, NULL, &file, &unused) == LM_OK && is_same_thing(move, &file);
}

typedef enum verdict { DONE, FENCED, UNKNOWN } verdict;

/* Gives the source another name, so that a request for the old one finds nothing; or finds out that
 * it was found already. */
static verdict fence(lm_hdfs_store *hdfs, lm_hdfs_move *move)
{
    char name[LM_PATH_BYTES_MAX];
    lm_retry_loop loop;
    lm_status status;
    bool lost, in_haste = lm__cancel_requested(move->cancel), may_be_fenced = false;
    lm_error error;
    if (lm__hdfs_temp_beside(move->from, move->suffix, name, NULL) != LM_OK) return UNKNOWN;
    lm__retry_begin(&loop, &hdfs->remote.retry, NULL);
    do { /* again and again to the same name: whichever of them is done, the fence is there */
        status = rename_once(hdfs, move, name, false, in_haste, &lost, &error);
        may_be_fenced |= lost;
    } while (!in_haste && lm__retry_again(&loop, status != LM_OK && (lost || error.retryable), 0));
    if (status == LM_OK || (may_be_fenced && is_ours(hdfs, move, name))) {
        memcpy(move->from, name, sizeof name);
        return FENCED;
    }
    /* Only a source that is gone says that something was done. */
    return status == LM_NOT_FOUND && is_ours(hdfs, move, move->to) ? DONE : UNKNOWN;
}

lm_status lm__hdfs_move_run(lm_hdfs_store *hdfs, lm_hdfs_move *move, lm_error *error)
{
    lm_error own;
    if (!error) error = &own;
    for (int round = 1;; round++) {
        bool lost;
        lm_status status = rename_once(hdfs, move, move->to, move->overwrite, false, &lost, error);
        if (!lost) return status;
        switch (fence(hdfs, move)) {
        case DONE: return LM_OK;
        case FENCED:
            if (round < LM_HDFS_COMMIT_ROUNDS_MAX && !lm__cancel_requested(move->cancel)) break;
            return lm__error_within(error, status == LM_UNKNOWN_OUTCOME ? LM_IO : status,
                                    "%s%s was not changed", hdfs->root, move->to);
        case UNKNOWN:
            (void)lm__error_within(error, LM_UNKNOWN_OUTCOME,
                                   "%s%s: nobody can say whether it was put in place; look at it "
                                   "when the NameNode answers again",
                                   hdfs->root, move->to);
            error->code = LM_UNKNOWN_OUTCOME;
            return LM_UNKNOWN_OUTCOME;
        }
    }
}

lm_status lm__hdfs_move_back(lm_hdfs_store *hdfs, const lm_hdfs_move *move, const char *name,
                             lm_status status, lm_error *error)
{
    lm_hdfs_move back = {.to = name, .what = move->what, .suffix = move->suffix};
    lm_error inner;
    if (status == LM_UNKNOWN_OUTCOME || strcmp(move->from, name) == 0) return status;
    memcpy(back.from, move->from, sizeof back.from);
    if (lm__hdfs_move_run(hdfs, &back, &inner) == LM_OK) return status;
    return lm__error_within(error, status, "%s%s is now called %s%s", hdfs->root, name, hdfs->root,
                            back.from);
}
