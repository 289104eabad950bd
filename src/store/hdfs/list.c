/*
 * Looking: what stands at a path, what lies in a directory.
 *
 * HDFS orders names as signed bytes, so startAfter is used to go on with a page and for nothing
 * else: what a caller wants to see is decided here. Some releases decode it twice, so a name with a
 * '%' cannot stand there: then an earlier one does, and what was told already is left out; where
 * there is none, all is asked for at once.
 */
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "store/hdfs/hdfs.h"

lm_status lm__hdfs_stat(lm_store *store, const char *path, bool follow, lm_store_stat *stat,
                        lm_error *error)
{
    (void)follow; /* HDFS has no symlinks that a client could make */
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    char on_store[LM_PATH_BYTES_MAX];
    lm_hdfs_file file;
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, path, on_store, error));
    LM_TRY(lm__hdfs_look(hdfs, on_store, hdfs->cancel, &file, error));
    lm__hdfs_stat_fill(&file, stat);
    return LM_OK;
}

typedef struct listed_page {
    lm_hdfs_answer answer;
    lm_hdfs_listing listing;
    size_t first; /* that was not told with the page before */
} listed_page;

/* `after` is encoded, or empty; with `whole` all comes at once. */
static lm_status page_read(lm_hdfs_store *hdfs, const char *path, const char *after, bool whole,
                           const lm_cancel *cancel, listed_page *page, lm_error *error)
{
    lm_hdfs_answer *answer = &page->answer;
    whole |= atomic_load_explicit(&hdfs->no_batch, memory_order_relaxed);
    lm_hdfs_call call = {.method = "GET",
                         .operation = whole ? "LISTSTATUS" : "LISTSTATUS_BATCH",
                         .path = path,
                         .parameters = whole ? NULL : after,
                         .repeatable = true,
                         .cancel = cancel};
    lm_status status = lm__hdfs_ask(hdfs, &call, answer, error);
    if (status == LM_INVALID && !whole && answer->response.status == 400) {
        call.operation = "LISTSTATUS"; /* before 3.0, and some gateways */
        call.parameters = NULL;
        LM_TRY(lm__hdfs_ask(hdfs, &call, answer, error));
        atomic_store(&hdfs->no_batch, true);
    } else {
        LM_TRY(status);
    }
    const lm_buffer *body = &answer->response.body;
    status = lm__hdfs_listing_read(&answer->arena, body->data, body->size, &page->listing, error);
    page->first = 0;
    return status == LM_OK ? LM_OK : lm__error_within(error, status, "%s%s", hdfs->root, path);
}

/* Where the next page begins: behind the last name that can be said. False: there is none. */
static bool anchor_find(const lm_hdfs_listing *listing, size_t *anchor)
{
    for (size_t i = listing->count; i > 0; i--)
        if (!strchr(listing->files[i - 1].name, '%')) {
            *anchor = i - 1;
            return true;
        }
    return false;
}

/* Leaves out what was told with the page before. */
static void overlap_skip(const lm_hdfs_listing *before, listed_page *page)
{
    const lm_hdfs_listing *now = &page->listing;
    for (size_t i = now->count; i > 0 && page->first == 0; i--)
        for (size_t k = before->count; k > 0 && page->first == 0; k--)
            if (strcmp(now->files[i - 1].name, before->files[k - 1].name) == 0) page->first = i;
}

static lm_status listing_tell(const lm_hdfs_store *hdfs, const char *path, const listed_page *page,
                              const lm_cancel *cancel, lm_hdfs_each *each, void *context,
                              lm_error *error)
{
    const lm_hdfs_listing *listing = &page->listing;
    for (size_t i = page->first; i < listing->count; i++) {
        if (lm__cancel_requested(cancel))
            return lm__error_set(error, LM_CANCELLED, "%s%s: interrupted", hdfs->root, path);
        if (!listing->files[i].name[0]) /* a file is listed as itself */
            return lm__error_set(error, LM_NOT_FOUND, "%s%s is not a directory", hdfs->root, path);
        LM_TRY(each(context, &listing->files[i], error));
    }
    return LM_OK;
}

/* Page by page; of two pages one is the one before. */
static lm_status pages_tell(lm_hdfs_store *hdfs, const char *path, listed_page pages[2],
                            lm_buffer *after, const lm_cancel *cancel, lm_hdfs_each *each,
                            void *context, lm_error *error)
{
    bool whole = false, overlaps = false;
    for (unsigned turn = 0;; turn++) {
        listed_page *page = &pages[turn % 2];
        const lm_hdfs_listing *now = &page->listing, *before = &pages[(turn + 1) % 2].listing;
        size_t anchor = 0;
        if (lm__cancel_requested(cancel))
            return lm__error_set(error, LM_CANCELLED, "%s%s: interrupted", hdfs->root, path);
        LM_TRY(page_read(hdfs, path, (const char *)after->data, whole, cancel, page, error));
        if (overlaps) overlap_skip(before, page);
        LM_TRY(listing_tell(hdfs, path, page, cancel, each, context, error));
        if (now->remaining == 0) return LM_OK;
        if (page->first == now->count && !whole && now->count > 0) {
            whole = overlaps = true; /* a page of nothing but names that cannot be said */
            continue;
        }
        bool repeats =
            !overlaps && before->count > 0 && now->count > 0 &&
            strcmp(now->files[now->count - 1].name, before->files[before->count - 1].name) == 0;
        if (now->count == 0 || repeats)
            return lm__error_set(error, LM_IO, "%s%s: the listing does not come to its end",
                                 hdfs->root, path);
        whole = !anchor_find(now, &anchor);
        overlaps = whole || anchor + 1 < now->count;
        lm__buffer_clear(after);
        lm_status status = lm__hdfs_parameter(after, "startAfter", now->files[anchor].name);
        if (status == LM_OK) status = lm__buffer_byte(after, '\0');
        if (status != LM_OK) return lm__error_memory(error, "listing a directory");
    }
}

lm_status lm__hdfs_each_file(lm_hdfs_store *hdfs, const char *path, const lm_cancel *cancel,
                             lm_hdfs_each *each, void *context, lm_error *error)
{
    listed_page pages[2] = {0};
    lm_buffer after;
    for (int i = 0; i < 2; i++) lm__hdfs_answer_init(&pages[i].answer, hdfs);
    lm__buffer_init(&after, hdfs->store.allocator, LM_HDFS_URL_BYTES_MAX);
    lm_status status = lm__buffer_byte(&after, '\0');
    if (status == LM_OK)
        status = pages_tell(hdfs, path, pages, &after, cancel, each, context, error);
    else
        status = lm__error_memory(error, "listing a directory");
    lm__buffer_deinit(&after);
    for (int i = 0; i < 2; i++) lm__hdfs_answer_deinit(&pages[i].answer);
    return status;
}

typedef struct lister {
    const lm_list_options *options;
    lm_list_callback *callback;
    void *context;
} lister;

static lm_status entry_tell(void *context, const lm_hdfs_file *file, lm_error *error)
{
    const lister *l = context;
    lm_store_entry entry = {.name = file->name};
    lm_gc_what what;
    if (lm__temp_name_is(file->name, &what)) return LM_OK;
    if (l->options->after && strcmp(file->name, l->options->after) <= 0) return LM_OK;
    lm__hdfs_stat_fill(file, &entry.stat);
    return l->callback(l->context, &entry, error);
}

lm_status lm__hdfs_list(lm_store *store, const char *path, const lm_list_options *options,
                        lm_list_callback *callback, void *context, lm_error *error)
{
    lm_hdfs_store *hdfs = (lm_hdfs_store *)store;
    char on_store[LM_PATH_BYTES_MAX];
    lister l = {options, callback, context};
    LM_TRY(lm__hdfs_path(hdfs->root, hdfs->root_size, path, on_store, error));
    const lm_cancel *cancel = options->cancel ? options->cancel : hdfs->cancel;
    return lm__hdfs_each_file(hdfs, on_store, cancel, entry_tell, &l, error);
}
