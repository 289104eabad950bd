/* Memory of batches; see room.h. */
#include "csv/room.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/limits.h"

#define ALIGNMENT ((size_t)64)

/* At the beginning of its memory. */
struct lm_csv_page {
    atomic_size_t references;
    const lm_allocator *allocator;
    lm_csv_page *next; /* of those that the batch under way has */
    size_t size, used; /* with this */
    bool taken;        /* is among them */
};

static size_t aligned(size_t bytes) { return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1); }

static void unref(void *context, void *memory)
{
    (void)context;
    lm_csv_page *page = memory;
    if (page && atomic_fetch_sub_explicit(&page->references, 1, memory_order_acq_rel) == 1)
        lm__free_aligned(page->allocator, page);
}

static lm_csv_page *new_page(lm_csv_room *room, size_t bytes)
{
    size_t size = bytes + aligned(sizeof(lm_csv_page));
    if (size < room->page_bytes) size = room->page_bytes;
    lm_csv_page *page = size < LM_LARGE_PAGE_BYTES
                            ? lm__alloc_aligned(room->allocator, ALIGNMENT, size)
                            : lm__alloc_large(room->allocator, size);
    if (!page) return NULL;
    *page = (lm_csv_page){
        .allocator = room->allocator, .size = size, .used = aligned(sizeof(lm_csv_page))};
    atomic_init(&page->references, 1);
    return page;
}

static size_t left(const lm_csv_page *page) { return page ? page->size - page->used : 0; }

void *lm__csv_room_take(lm_csv_room *room, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    bytes = aligned(bytes);
    lm_csv_page *page = room->page;
    bool fresh = left(page) < bytes;
    if (fresh && !(page = new_page(room, bytes))) return NULL;
    uint8_t *memory = (uint8_t *)page + page->used;
    page->used += bytes;
    if (!page->taken) {
        page->taken = true;
        page->next = room->taken;
        room->taken = page;
        atomic_fetch_add_explicit(&page->references, 1, memory_order_relaxed);
    }
    if (fresh) {
        lm_csv_page *fuller = page;
        if (left(page) > left(room->page)) {
            fuller = room->page;
            room->page = page;
        }
        unref(NULL, fuller);
    }
    return memory;
}

/* The next of those that were taken, with its reference. */
static lm_csv_page *next_taken(lm_csv_room *room)
{
    lm_csv_page *page = room->taken;
    if (!page) return NULL;
    room->taken = page->next;
    page->taken = false;
    return page;
}

lm_status lm__csv_room_give(lm_csv_room *room, lm_batch *batch)
{
    lm_status status = LM_OK;
    for (lm_csv_page *page; (page = next_taken(room));) {
        lm_status given = lm__batch_own_take(batch, (lm_owned){page, unref, NULL});
        if (status == LM_OK) status = given;
    }
    return status;
}

void lm__csv_room_drop(lm_csv_room *room)
{
    for (lm_csv_page *page; (page = next_taken(room));) unref(NULL, page);
}

void lm__csv_room_deinit(lm_csv_room *room)
{
    lm__csv_room_drop(room);
    unref(NULL, room->page);
    room->page = NULL;
}
