/*
 * DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY: bytes worked out by hand from Encodings.md, both
 * ways over every layout of strings with and without nulls, streams cut, spoilt and of any bytes.
 */
#include "check_alloc.h"
#include "encode/delta.h"
#include "exact.h"

typedef size_t (*encode_function)(const lm_strings *, lm_bits, size_t, uint8_t *);
typedef lm_status (*open_function)(lm_delta_reader *, const lm_allocator *, const uint8_t *, size_t,
                                   size_t, lm_error *);

static lm_status open_strings(lm_delta_reader *reader, const lm_allocator *allocator,
                              const uint8_t *src, size_t size, size_t count, lm_error *error)
{
    return lm__delta_strings_open(reader, allocator, src, size, count, (lm_slice){0}, error);
}

static const struct {
    size_t (*bound)(size_t bytes, size_t count);
    encode_function encode;
    open_function open;
} forms[] = {
    {lm__delta_length_bound, lm__delta_length_encode, lm__delta_length_open},
    {lm__delta_strings_bound, lm__delta_strings_encode, open_strings},
};

static void check_golden(int form, const char *text, const int32_t *offsets, size_t count,
                         const void *want, size_t size)
{
    lm_strings strings = {
        .kind = LM_STRINGS_OFFSETS32, .offsets = offsets, .data = (const uint8_t *)text};
    exact room = exact_new(forms[form].bound(strlen(text), count), 0);
    CHECK_INT(forms[form].encode(&strings, LM_BITS_ALL, count, room.data), size);
    CHECK_BYTES(room.data, want, size);
    exact_free(room);

    lm_delta_reader reader;
    lm_error error = {0};
    int32_t back[8];
    exact src = exact_copy(want, size, 0);
    CHECK_OK(forms[form].open(&reader, NULL, src.data, size, count, &error), error);
    CHECK_INT(reader.data_bytes, strlen(text));
    CHECK_INT(reader.consumed, size);
    exact data = exact_new(reader.data_bytes + LM_ENCODE_SLACK, 0);
    CHECK_OK(lm__delta_reader_read32(&reader, 100, back, data.data, &error), error);
    for (size_t i = 0; i <= count; i++) CHECK_INT(back[i], offsets[i] + 100);
    CHECK_BYTES(data.data, text, strlen(text));
    lm__delta_reader_close(&reader);
    exact_free(data);
    exact_free(src);
}

/* Encodings.md, "Delta-length byte array": Hello World Foobar ABCDEF. Lengths 5 5 6 6: deltas 0 1 0
 * in one bit. */
TEST(golden_lengths)
{
    static const int32_t offsets[] = {0, 5, 10, 16, 22};
    static const uint8_t want[] = "\x80\x01\x04\x04\x0a\x00\x01\x00\x00\x00\x02\x00\x00\x00"
                                  "HelloWorldFoobarABCDEF";
    check_golden(0, "HelloWorldFoobarABCDEF", offsets, 4, want, sizeof want - 1);
}

/* Encodings.md, "Delta Strings": axis axle babble babyhood. Prefixes 0 2 0 3: deltas 2 -2 3, less
 * -2 they are 4 0 5 in 3 bits, 0x144. Rests of 4 2 6 5: -2 4 -1, less -2 they are 0 6 1, 0x70. */
TEST(golden_prefixes)
{
    static const int32_t offsets[] = {0, 4, 8, 14, 22};
    static const uint8_t want[] =
        "\x80\x01\x04\x04\x00\x03\x03\x00\x00\x00\x44\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x80\x01\x04\x04\x08\x03\x03\x00\x00\x00\x70\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        "axislebabbleyhood";
    check_golden(1, "axisaxlebabblebabyhood", offsets, 4, want, sizeof want - 1);
}

TEST(golden_nothing)
{
    static const int32_t offsets[] = {0};
    static const uint8_t want[] = "\x80\x01\x04\x00\x00\x80\x01\x04\x00\x00";
    check_golden(0, "", offsets, 0, want, 5);
    check_golden(1, "", offsets, 0, want, 10);
    lm_delta_reader reader;
    lm_error error = {0};
    CHECK_OK(open_strings(&reader, NULL, NULL, 0, 0, &error), error);
    CHECK_INT(reader.data_bytes, 0);
    lm__delta_reader_close(&reader);
}

/* Strings of one column in every layout; the memory is exactly what they take. */
typedef struct column {
    size_t count;
    exact data, offsets32, offsets64, views, valid;
    size_t valid_count, valid_bytes;
} column;

static size_t string_size(uint64_t *state, uint64_t kind)
{
    switch (kind) {
    case 0: return check_random(state) % 12;
    case 1: return check_random(state) % 40;
    case 2: return 0;
    case 3: return 20;
    default: return check_random(state) % 16 ? check_random(state) % 20 : 300;
    }
}

static column column_new(uint64_t *state, uint64_t kind)
{
    column c = {.count = check_random(state) % 300};
    int32_t offsets[301] = {0};
    static uint8_t data[301 * 300];
    for (size_t i = 0; i < c.count; i++) {
        size_t size = string_size(state, kind),
               before = i ? (size_t)offsets[i] - offsets[i - 1] : 0;
        uint8_t *at = data + offsets[i];
        for (size_t k = 0; k < size; k++) at[k] = (uint8_t)(check_random(state) % 2);
        size_t shared = before < size ? before : size;
        if (shared && check_random(state) % 4)
            memmove(at, at - before, check_random(state) % (shared + 1));
        offsets[i + 1] = offsets[i] + (int32_t)size;
    }
    c.data = exact_copy(data, (size_t)offsets[c.count], 0);
    c.offsets32 = exact_copy(offsets, (c.count + 1) * 4, 0);
    c.offsets64 = exact_new((c.count + 1) * 8, 0);
    c.views = exact_new(c.count * 16, 0);
    for (size_t i = 0; i <= c.count; i++) ((int64_t *)(void *)c.offsets64.data)[i] = offsets[i];
    for (size_t i = 0; i < c.count; i++) {
        uint32_t view[4] = {(uint32_t)(offsets[i + 1] - offsets[i])};
        if (view[0] <= 12) {
            memcpy(view + 1, c.data.data + offsets[i], view[0]);
        } else {
            memcpy(view + 1, c.data.data + offsets[i], 4);
            view[3] = (uint32_t)offsets[i];
        }
        memcpy(c.views.data + i * 16, view, 16);
    }
    c.valid = exact_new((c.count + 7) / 8, 0);
    for (size_t i = 0; i < (c.count + 7) / 8; i++)
        c.valid.data[i] = (uint8_t)(check_random(state) % 3 ? 0xff : check_random(state));
    return c;
}

static void column_free(column c)
{
    exact_free(c.data);
    exact_free(c.offsets32);
    exact_free(c.offsets64);
    exact_free(c.views);
    exact_free(c.valid);
}

static void check_both_ways(int form, const lm_strings *strings, lm_bits valid, size_t count)
{
    size_t bytes = lm__strings_bytes(strings, valid, count), n = lm__bits_count(valid, count);
    exact room = exact_new(forms[form].bound(bytes, count), count % 4);
    size_t size = forms[form].encode(strings, valid, count, room.data), k = 0;
    CHECK(size + LM_ENCODE_SLACK <= forms[form].bound(bytes, count));
    exact src = exact_copy(room.data, size, count % 3);
    lm_delta_reader reader;
    lm_error error = {0};
    CHECK_OK(forms[form].open(&reader, NULL, src.data, size, n, &error), error);
    CHECK_INT(reader.data_bytes, bytes);
    CHECK_INT(reader.consumed, size);
    exact data = exact_new(bytes + LM_ENCODE_SLACK, 0),
          wide = exact_new(bytes + LM_ENCODE_SLACK, 0);
    exact offsets = exact_new((n + 1) * 4, 0), offsets64 = exact_new((n + 1) * 8, 0);
    const int32_t *at = (void *)offsets.data;
    CHECK_OK(lm__delta_reader_read32(&reader, 7, (void *)offsets.data, data.data, &error), error);
    CHECK_OK(lm__delta_reader_read64(&reader, 9, (void *)offsets64.data, wide.data, &error), error);
    CHECK_BYTES(wide.data, data.data, bytes);
    for (size_t i = 0; i < count; i++) {
        if (!lm__bits_get(valid, i)) continue;
        lm_slice want = lm__strings_get(strings, i);
        CHECK_INT(at[k + 1] - at[k], want.size);
        CHECK_INT(((const int64_t *)(void *)offsets64.data)[k], at[k] + 2);
        if (at[k + 1] - at[k] == (int32_t)want.size)
            CHECK_BYTES(data.data + at[k] - 7, want.data, want.size);
        k++;
    }
    CHECK_INT(at[n], 7 + bytes);
    if (strings->kind == LM_STRINGS_FIXED) {
        exact fixed = exact_new(bytes, 0);
        CHECK_OK(lm__delta_reader_read_fixed(&reader, strings->width, fixed.data, &error), error);
        CHECK_BYTES(fixed.data, data.data, bytes);
        exact_free(fixed);
        if (n)
            CHECK_STATUS(lm__delta_reader_read_fixed(&reader, strings->width + 1, NULL, &error),
                         LM_CORRUPT);
    }
    lm__delta_reader_close(&reader);
    exact_free(src);
    exact_free(room);
    exact_free(data);
    exact_free(wide);
    exact_free(offsets);
    exact_free(offsets64);
}

TEST(both_ways_in_every_layout)
{
    uint64_t state = 41;
    for (int round = 0; round < 500 && !check_failed; round++) {
        uint64_t kind = check_random(&state) % 5;
        column c = column_new(&state, kind);
        const uint8_t *buffers[] = {c.data.data};
        lm_strings layouts[] = {
            {.kind = LM_STRINGS_OFFSETS32, .offsets = c.offsets32.data, .data = c.data.data},
            {.kind = LM_STRINGS_OFFSETS64, .offsets = c.offsets64.data, .data = c.data.data},
            {.kind = LM_STRINGS_VIEWS, .offsets = c.views.data, .buffers = buffers},
            {.kind = LM_STRINGS_FIXED, .width = 20, .data = c.data.data},
        };
        for (int i = 0; i < (kind == 3 ? 4 : 3); i++) {
            for (int form = 0; form < 2; form++) {
                check_both_ways(form, &layouts[i], LM_BITS_ALL, c.count);
                check_both_ways(form, &layouts[i], (lm_bits){c.valid.data, 0}, c.count);
            }
        }
        column_free(c);
    }
}

static lm_status open_bytes(int form, const void *bytes, size_t size, size_t count,
                            lm_delta_reader *reader)
{
    exact src = exact_copy(bytes, size, 0);
    lm_status status = forms[form].open(reader, NULL, src.data, size, count, NULL);
    exact_free(src);
    if (status == LM_OK) lm__delta_reader_close(reader);
    return status;
}

/* Header, least delta and widths of `count` lengths that are all the same. */
#define SAME(count, zigzag) 0x80, 1, 4, (count), (zigzag), 0, 0, 0, 0, 0

TEST(what_cannot_be)
{
    lm_delta_reader reader;
    static const uint8_t below[] = {SAME(2, 1), 'x'}, two[] = {SAME(2, 2), 'a', 'b'};
    CHECK_INT(open_bytes(0, below, sizeof below, 2, &reader), LM_CORRUPT);
    CHECK_INT(open_bytes(0, two, sizeof two, 2, &reader), LM_OK);
    for (size_t size = 0; size < sizeof two; size++)
        CHECK_INT(open_bytes(0, two, size, 2, &reader), LM_CORRUPT);
    CHECK_INT(open_bytes(0, two, sizeof two, 3, &reader), LM_CORRUPT);

    static const uint8_t first_prefix[] = {SAME(2, 2), SAME(2, 2), 'a', 'b'};
    CHECK_INT(open_bytes(1, first_prefix, sizeof first_prefix, 2, &reader), LM_CORRUPT);
    /* Prefixes 0 and 2 after a string of one byte. */
    static const uint8_t far_prefix[] = {0x80, 1, 4, 2, 0, 4, 0, 0, 0, 0, SAME(2, 2), 'a', 'b'};
    CHECK_INT(open_bytes(1, far_prefix, sizeof far_prefix, 2, &reader), LM_CORRUPT);
    /* Prefixes 0 and -1. */
    static const uint8_t no_prefix[] = {0x80, 1, 4, 2, 0, 1, 0, 0, 0, 0, SAME(2, 2), 'a', 'b'};
    CHECK_INT(open_bytes(1, no_prefix, sizeof no_prefix, 2, &reader), LM_CORRUPT);
    static const uint8_t near_prefix[] = {0x80, 1, 4, 2, 0, 2, 0, 0, 0, 0, SAME(2, 2), 'a', 'b'};
    CHECK_INT(open_bytes(1, near_prefix, sizeof near_prefix, 2, &reader), LM_OK);
    CHECK_INT(open_bytes(1, near_prefix, sizeof near_prefix - 1, 2, &reader), LM_CORRUPT);
}

/* Pages whose first prefix is of the last string of the page before. */
static void check_going_on(const column *c, uint64_t *state, size_t width)
{
    const int32_t *offsets = (const int32_t *)(const void *)c->offsets32.data;
    lm_buffer before;
    lm_error error = {0};
    lm__buffer_init(&before, NULL, 0);
    for (size_t start = 0, rows; start < c->count && !check_failed; start += rows) {
        int32_t prefixes[300], suffixes[300], back[301];
        uint8_t rests[300 * 300];
        size_t rest_bytes = 0;
        rows = 1 + check_random(state) % (c->count - start);
        for (size_t i = 0; i < rows; i++) {
            const int32_t *at = offsets + start + i;
            int32_t size = at[1] - at[0], last = start + i ? at[0] - at[-1] : 0, shared = 0;
            while (shared < size && shared < last &&
                   c->data.data[at[0] + shared] == c->data.data[at[-1] + shared])
                shared++;
            prefixes[i] = shared;
            suffixes[i] = size - shared;
            memcpy(rests + rest_bytes, c->data.data + at[0] + shared, (size_t)suffixes[i]);
            rest_bytes += (size_t)suffixes[i];
        }
        exact room = exact_new(2 * lm__delta32_bound(rows) + rest_bytes, 0);
        size_t size = lm__delta32_encode(prefixes, rows, room.data);
        size += lm__delta32_encode(suffixes, rows, room.data + size);
        memcpy(room.data + size, rests, rest_bytes);
        exact src = exact_copy(room.data, size + rest_bytes, 0);
        lm_delta_reader reader;
        if (prefixes[0])
            CHECK_INT(open_strings(&reader, NULL, src.data, size + rest_bytes, rows, NULL),
                      LM_CORRUPT);
        CHECK_OK(lm__delta_strings_open(&reader, NULL, src.data, size + rest_bytes, rows,
                                        (lm_slice){before.data, before.size}, &error),
                 error);
        exact data = exact_new(reader.data_bytes + LM_ENCODE_SLACK, 0);
        if (width)
            CHECK_OK(lm__delta_reader_read_fixed(&reader, width, data.data, &error), error);
        else
            CHECK_OK(lm__delta_reader_read32(&reader, offsets[start], back, data.data, &error),
                     error);
        if (!width) CHECK_BYTES(back, offsets + start, (rows + 1) * 4);
        CHECK_BYTES(data.data, c->data.data + offsets[start], reader.data_bytes);
        CHECK_OK(lm__delta_reader_last(&reader, &before, &error), error);
        CHECK_INT(before.size, offsets[start + rows] - offsets[start + rows - 1]);
        CHECK_BYTES(before.data, c->data.data + offsets[start + rows - 1], before.size);
        lm__delta_reader_close(&reader);
        exact_free(data);
        exact_free(src);
        exact_free(room);
    }
    lm__buffer_deinit(&before);
}

TEST(prefixes_that_go_on_from_page_to_page)
{
    uint64_t state = 246;
    for (int round = 0; round < 200 && !check_failed; round++) {
        uint64_t kind = check_random(&state) % 5;
        column c = column_new(&state, kind);
        check_going_on(&c, &state, 0);
        if (kind == 3) check_going_on(&c, &state, 20);
        column_free(c);
    }
}

/* A string of 64 KiB, then 40 000 that share all of it: 2.4 GiB from a few hundred bytes more. */
TEST(too_much_is_refused)
{
    size_t count = 40001;
    int32_t *prefixes = malloc(count * 4), *suffixes = calloc(count, 4);
    for (size_t i = 0; i < count; i++) prefixes[i] = i ? 65536 : 0;
    suffixes[0] = 65536;
    exact room = exact_new(2 * lm__delta32_bound(count) + 65536, 0);
    size_t size = lm__delta32_encode(prefixes, count, room.data);
    size += lm__delta32_encode(suffixes, count, room.data + size);
    memset(room.data + size, 'x', 65536);
    lm_delta_reader reader;
    CHECK_INT(open_bytes(1, room.data, size + 65536, count, &reader), LM_LIMIT);
    exact_free(room);
    free(prefixes);
    free(suffixes);
}

TEST(offsets_that_do_not_fit)
{
    static const uint8_t two[] = {SAME(2, 2), 'a', 'b'};
    lm_delta_reader reader;
    lm_error error = {0};
    int32_t offsets[3];
    uint8_t data[2 + LM_ENCODE_SLACK];
    CHECK_OK(lm__delta_length_open(&reader, NULL, two, sizeof two, 2, &error), error);
    CHECK_STATUS(lm__delta_reader_read32(&reader, INT32_MAX - 1, offsets, data, &error), LM_LIMIT);
    CHECK_OK(lm__delta_reader_read32(&reader, INT32_MAX - 2, offsets, data, &error), error);
    CHECK_INT(offsets[2], INT32_MAX);
    lm__delta_reader_close(&reader);
}

TEST(opening_fails_at_every_allocation)
{
    static const uint8_t two[] = {SAME(2, 0), SAME(2, 2), 'a', 'b'};
    for (size_t n = 0;; n++) {
        lm_delta_reader reader;
        check_alloc memory;
        check_alloc_init(&memory, n);
        lm_status status = open_strings(&reader, &memory.allocator, two, sizeof two, 2, NULL);
        if (status == LM_OK) lm__delta_reader_close(&reader);
        CHECK_INT(memory.live, 0);
        CHECK_INT(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
}

static void read_spoilt(int form, const uint8_t *bytes, size_t size, size_t count)
{
    lm_delta_reader reader;
    exact src = exact_copy(bytes, size, 0);
    lm_status status = forms[form].open(&reader, NULL, src.data, size, count, NULL);
    CHECK(status == LM_OK || status == LM_CORRUPT || status == LM_LIMIT);
    if (status == LM_OK && reader.data_bytes < 1 << 20) {
        CHECK(reader.consumed <= size);
        exact data = exact_new(reader.data_bytes + LM_ENCODE_SLACK, 0);
        exact offsets = exact_new((count + 1) * 4, 0);
        CHECK_INT(lm__delta_reader_read32(&reader, 0, (void *)offsets.data, data.data, NULL), 0);
        exact_free(data);
        exact_free(offsets);
    }
    if (status == LM_OK) lm__delta_reader_close(&reader);
    exact_free(src);
}

TEST(cut_and_spoilt)
{
    uint64_t state = 42;
    for (int round = 0; round < 60 && !check_failed; round++) {
        column c = column_new(&state, check_random(&state) % 5);
        lm_strings strings = {
            .kind = LM_STRINGS_OFFSETS32, .offsets = c.offsets32.data, .data = c.data.data};
        size_t bytes = lm__strings_bytes(&strings, LM_BITS_ALL, c.count);
        for (int form = 0; form < 2; form++) {
            exact room = exact_new(forms[form].bound(bytes, c.count), 0);
            size_t size = forms[form].encode(&strings, LM_BITS_ALL, c.count, room.data);
            for (int i = 0; i < 100; i++)
                read_spoilt(form, room.data, check_random(&state) % (size + 1), c.count);
            for (int i = 0; i < 200; i++) {
                uint8_t *at = room.data + check_random(&state) % (i % 2 || size < 30 ? size : 30);
                uint8_t mask = (uint8_t)(1 << check_random(&state) % 8);
                *at ^= mask;
                read_spoilt(form, room.data, size, c.count);
                *at ^= mask;
            }
            exact_free(room);
        }
        column_free(c);
    }
}

TEST(any_bytes)
{
    uint64_t state = 43;
    for (int round = 0; round < 20000 && !check_failed; round++) {
        uint8_t bytes[160];
        size_t size = check_random(&state) % sizeof bytes, count = 1 + check_random(&state) % 40;
        random_bytes(&state, bytes, size);
        uint8_t lengths[] = {SAME((uint8_t)count, 0)};
        for (size_t at = 0; at < 2 * sizeof lengths && at + sizeof lengths <= size;
             at += sizeof lengths) {
            if (check_random(&state) % 8 == 0) break;
            memcpy(bytes + at, lengths, sizeof lengths);
            if (round % 3) bytes[at + 5] = (uint8_t)(check_random(&state) % 5);
            if (round % 2) bytes[at + 4] = (uint8_t)(2 * (check_random(&state) % 3));
        }
        read_spoilt(round % 2, bytes, size, count);
    }
}

int main(void)
{
    RUN(golden_lengths);
    RUN(golden_prefixes);
    RUN(golden_nothing);
    RUN(both_ways_in_every_layout);
    RUN(what_cannot_be);
    RUN(prefixes_that_go_on_from_page_to_page);
    RUN(too_much_is_refused);
    RUN(offsets_that_do_not_fit);
    RUN(opening_fails_at_every_allocation);
    RUN(cut_and_spoilt);
    RUN(any_bytes);
    return DONE();
}
