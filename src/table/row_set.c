/* Sets of row numbers; see row_set.h. */
#include "table/row_set.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"

#define MAGIC UINT32_C(1681511377)
#define COOKIE 12346u      /* of a bitmap without runs, */
#define COOKIE_RUNS 12347u /* and with them: the number of containers stands above it */
#define OFFSETS_FROM 4u    /* containers, from which on a bitmap with runs tells where they are */
#define CONTAINER_ROWS 65536u
#define ARRAY_ROWS_MAX 4096u
#define BITMAP_BYTES (CONTAINER_ROWS / 8)

typedef enum container_kind { ARRAY, BITMAP, RUNS } container_kind;

/* The rows that share all but their last 16 bits. */
typedef struct container {
    uint64_t first;
    const uint8_t *data;
    uint32_t entries; /* of ARRAY and RUNS */
    container_kind kind;
} container;

struct lm_row_set {
    const lm_allocator *allocator;
    uint8_t *bytes;
    container *containers; /* rising */
    size_t count, capacity;
    uint64_t rows;
};

/* What is left to read. */
typedef struct reader {
    const uint8_t *at;
    size_t left;
    lm_row_set *set;
    lm_error *error;
} reader;

static lm_status corrupt(const reader *r, const char *what)
{
    return lm__error_set(r->error, LM_CORRUPT, "%s", what);
}

/* NULL where there are not so many, with the error. */
static const uint8_t *take(reader *r, size_t size)
{
    const uint8_t *bytes = r->at;
    if (size > r->left) {
        (void)corrupt(r, "it ends too early");
        return NULL;
    }
    r->at += size;
    r->left -= size;
    return bytes;
}

static uint32_t load16(const uint8_t *from) { return from[0] | (uint32_t)from[1] << 8; }

static lm_status take32(reader *r, uint32_t *value)
{
    const uint8_t *bytes = take(r, 4);
    *value = bytes ? lm__load32(bytes) : 0;
    return bytes ? LM_OK : LM_CORRUPT;
}

/* ---- containers ---- */

static lm_status array_check(const reader *r, const container *c)
{
    for (uint32_t i = 1; i < c->entries; i++)
        if (load16(c->data + 2 * i) <= load16(c->data + 2 * (i - 1)))
            return corrupt(r, "its rows do not rise");
    return LM_OK;
}

static lm_status runs_check(const reader *r, const container *c, uint32_t rows)
{
    uint32_t next = 0, sum = 0;
    for (uint32_t i = 0; i < c->entries; i++) {
        uint32_t start = load16(c->data + 4 * i), more = load16(c->data + 4 * i + 2);
        if (start < next || start + more >= CONTAINER_ROWS)
            return corrupt(r, "its rows do not rise");
        next = start + more + 1;
        sum += more + 1;
    }
    return sum == rows ? LM_OK : corrupt(r, "it has not as many rows as it says");
}

static lm_status container_read(reader *r, container *c, uint32_t rows)
{
    if (c->kind == RUNS) {
        const uint8_t *bytes = take(r, 2);
        if (!bytes) return LM_CORRUPT;
        c->entries = load16(bytes);
        c->data = take(r, 4 * (size_t)c->entries);
        return c->data ? runs_check(r, c, rows) : LM_CORRUPT;
    }
    c->kind = rows <= ARRAY_ROWS_MAX ? ARRAY : BITMAP;
    c->entries = rows;
    c->data = take(r, c->kind == ARRAY ? 2 * (size_t)rows : BITMAP_BYTES);
    if (!c->data) return LM_CORRUPT;
    if (c->kind == ARRAY) return array_check(r, c);
    return lm__bits_count((lm_bits){c->data, 0}, CONTAINER_ROWS) == rows
               ? LM_OK
               : corrupt(r, "it has not as many rows as it says");
}

static lm_status room(lm_row_set *set, size_t more, lm_error *error)
{
    return lm__array_room(set->allocator, &set->containers, &set->capacity, set->count + more,
                          sizeof *set->containers)
               ? LM_OK
               : lm__error_memory(error, "reading a deletion vector");
}

/* One bitmap, whose rows begin at `first`. */
static lm_status bitmap_read(reader *r, uint64_t first)
{
    uint32_t cookie, count;
    const uint8_t *runs = NULL;
    LM_TRY(take32(r, &cookie));
    if ((cookie & 0xFFFF) == COOKIE_RUNS) {
        count = (cookie >> 16) + 1;
        if (!(runs = take(r, (count + 7) / 8))) return LM_CORRUPT;
    } else {
        if (cookie != COOKIE) return corrupt(r, "it is no Roaring bitmap");
        LM_TRY(take32(r, &count));
        if (count > CONTAINER_ROWS) return corrupt(r, "it has too many containers");
    }
    const uint8_t *heads = take(r, 4 * (size_t)count);
    bool has_offsets = !runs || count >= OFFSETS_FROM; /* which nobody needs who reads it all */
    if (!heads || (has_offsets && !take(r, 4 * (size_t)count))) return LM_CORRUPT;
    LM_TRY(room(r->set, count, r->error));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = load16(heads + 4 * i), rows = load16(heads + 4 * i + 2) + 1;
        bool has_runs = runs && lm__bits_get((lm_bits){runs, 0}, i);
        if (i > 0 && key <= load16(heads + 4 * (i - 1)))
            return corrupt(r, "its containers do not rise");
        container *c = &r->set->containers[r->set->count];
        *c = (container){.first = first + (uint64_t)key * CONTAINER_ROWS,
                         .kind = has_runs ? RUNS : ARRAY};
        LM_TRY(container_read(r, c, rows));
        r->set->count++;
        r->set->rows += rows;
    }
    return LM_OK;
}

static lm_status set_read(reader *r)
{
    uint32_t magic, counts[2], key;
    LM_TRY(take32(r, &magic));
    if (magic != MAGIC) return corrupt(r, "it does not begin as one does");
    LM_TRY(take32(r, &counts[0]));
    LM_TRY(take32(r, &counts[1]));
    if (counts[1] != 0) return corrupt(r, "it has too many bitmaps");
    for (uint64_t i = 0, least = 0; i < counts[0]; i++) {
        LM_TRY(take32(r, &key));
        if (key < least || key > INT32_MAX) return corrupt(r, "its bitmaps do not rise");
        least = (uint64_t)key + 1;
        LM_TRY(bitmap_read(r, (uint64_t)key << 32));
    }
    return r->left == 0 ? LM_OK : corrupt(r, "there is something behind its end");
}

lm_status lm__row_set_new_take(const lm_allocator *allocator, uint8_t *take_bytes, size_t size,
                               lm_row_set **set, lm_error *error)
{
    lm_row_set *made = lm__alloc_zero(allocator, sizeof *made);
    *set = NULL;
    if (!made) {
        lm__free(allocator, take_bytes);
        return lm__error_memory(error, "reading a deletion vector");
    }
    *made = (lm_row_set){.allocator = allocator, .bytes = take_bytes};
    reader r = {take_bytes, size, made, error};
    lm_status status = set_read(&r);
    if (status == LM_OK)
        *set = made;
    else
        lm__row_set_free(made);
    return status;
}

void lm__row_set_free(lm_row_set *set)
{
    if (!set) return;
    const lm_allocator *allocator = set->allocator;
    lm__free(allocator, set->containers);
    lm__free(allocator, set->bytes);
    lm__free(allocator, set);
}

uint64_t lm__row_set_count(const lm_row_set *set) { return set->rows; }

uint64_t lm__row_set_end(const lm_row_set *set)
{
    if (set->count == 0) return 0;
    const container *c = &set->containers[set->count - 1];
    uint32_t end = CONTAINER_ROWS, last = c->entries - 1;
    switch (c->kind) {
    case ARRAY: end = load16(c->data + 2 * last) + 1; break;
    case BITMAP:
        while (!lm__bits_get((lm_bits){c->data, 0}, end - 1)) end--;
        break;
    case RUNS: end = load16(c->data + 4 * last) + load16(c->data + 4 * last + 2) + 1; break;
    }
    return c->first + end;
}

/* ---- clearing ---- */

static size_t clear(uint8_t *bits, size_t from, size_t count)
{
    lm__bits_fill(bits, from, count, false);
    return count;
}

/* Of a container's rows those from `low` to before `high`, whose bits begin at `bits_at`. */

static size_t clear_array(const container *c, uint32_t low, uint32_t high, uint8_t *bits,
                          size_t bits_at)
{
    uint32_t from = 0, end = c->entries;
    size_t cleared = 0;
    while (from < end) {
        uint32_t middle = from + (end - from) / 2;
        if (load16(c->data + 2 * middle) < low)
            from = middle + 1;
        else
            end = middle;
    }
    for (; from < c->entries && load16(c->data + 2 * from) < high; from++)
        cleared += clear(bits, bits_at + load16(c->data + 2 * from) - low, 1);
    return cleared;
}

static size_t clear_bitmap(const container *c, uint32_t low, uint32_t high, uint8_t *bits,
                           size_t bits_at)
{
    const lm_bits rows = {c->data, 0};
    size_t cleared = 0;
    for (uint32_t row = low; row < high; row += 64) {
        uint32_t some = high - row < 64 ? high - row : 64;
        for (uint64_t word = lm__bits_word(rows, row, some); word; word &= word - 1)
            cleared += clear(bits, bits_at + row - low + (size_t)__builtin_ctzll(word), 1);
    }
    return cleared;
}

static size_t clear_runs(const container *c, uint32_t low, uint32_t high, uint8_t *bits,
                         size_t bits_at)
{
    size_t cleared = 0;
    for (uint32_t i = 0; i < c->entries; i++) {
        uint32_t start = load16(c->data + 4 * i), end = start + load16(c->data + 4 * i + 2) + 1;
        if (start < low) start = low;
        if (end > high) end = high;
        if (start < end) cleared += clear(bits, bits_at + start - low, end - start);
    }
    return cleared;
}

size_t lm__row_set_clear(const lm_row_set *set, uint64_t first, size_t count, uint8_t *bits)
{
    size_t from = 0, end = set->count, cleared = 0;
    uint64_t past = first + count;
    while (from < end) { /* the first one that does not end before them */
        size_t middle = from + (end - from) / 2;
        if (set->containers[middle].first + CONTAINER_ROWS <= first)
            from = middle + 1;
        else
            end = middle;
    }
    for (; from < set->count && set->containers[from].first < past; from++) {
        const container *c = &set->containers[from];
        uint32_t low = first > c->first ? (uint32_t)(first - c->first) : 0;
        uint32_t high =
            past - c->first < CONTAINER_ROWS ? (uint32_t)(past - c->first) : CONTAINER_ROWS;
        size_t bits_at = c->first > first ? (size_t)(c->first - first) : 0;
        switch (c->kind) {
        case ARRAY: cleared += clear_array(c, low, high, bits, bits_at); break;
        case BITMAP: cleared += clear_bitmap(c, low, high, bits, bits_at); break;
        case RUNS: cleared += clear_runs(c, low, high, bits, bits_at); break;
        }
    }
    return cleared;
}
