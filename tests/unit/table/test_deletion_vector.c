/* Deletion vectors (table/deletion_vector.h): where they are, and what they leave of a stream. */
#include "check_alloc.h"
#include "fixture.h"
#include "tables.h"

#include "parquet/crc.h"
#include "table/deletion_vector.h"

/* The rows 3, 4, 7, 11, 18 and 29, as it is in a log, */
#define INLINE "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"
#define BYTES 44
/* and in a file, at 1: the length, the bytes, their CRC. */
static const uint8_t file[] = {1, 0,  0, 0,  44, 0xd1, 0xd3, 0x39, 0x64, 1, 0, 0, 0, 0,
                               0, 0,  0, 0,  0,  0,    0,    0x3a, 0x30, 0, 0, 1, 0, 0,
                               0, 0,  0, 5,  0,  16,   0,    0,    0,    3, 0, 4, 0, 7,
                               0, 11, 0, 18, 0,  29,   0,    0,    0,    0, 0};
#define CRC_AT 49
#define UUID "ab^-aqEH.-t@S}K{vb[*k^"
#define UUID_FILE "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin"

static lm_delta_vector vector_of(const char *storage, const char *place)
{
    return (lm_delta_vector){
        .storage = storage, .place = place, .size = BYTES, .cardinality = 6, .has_offset = false};
}

/* The file with its CRC, behind so many bytes of another vector. */
static void put_vector(lm_store *store, const char *path, size_t before)
{
    uint8_t bytes[200] = {0};
    uint32_t crc = lm__crc32(0, file + 5, BYTES);
    memcpy(bytes + before, file, sizeof file);
    bytes[0] = 1;
    for (int i = 0; i < 4; i++) bytes[before + CRC_AT + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    put_file(store, path, bytes, before + sizeof file);
}

static void check_six(lm_store *store, const char *root, const lm_delta_vector *vector)
{
    lm_row_set *set = NULL;
    lm_error error;
    uint8_t bits[4] = {0xFF, 0xFF, 0xFF, 0xFF};
    CHECK_OK(lm__deletion_vector_read(NULL, store, root, vector, &set, &error), error);
    if (!set) return;
    CHECK_INT(lm__row_set_clear(set, 0, 32, bits), 6);
    CHECK(memcmp(bits, (uint8_t[]){0x67, 0xF7, 0xFB, 0xDF}, 4) == 0);
    lm__row_set_free(set);
}

TEST(vectors_are_in_the_log_or_in_files)
{
    lm_store *store = mem_open();
    lm_delta_vector vector = vector_of("i", INLINE);
    check_six(store, "t", &vector);
    put_vector(store, "t/" UUID_FILE, 0);
    vector = vector_of("u", UUID);
    check_six(store, "t", &vector);
    check_six(store, "t/", &vector);
    put_vector(store, "t/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin", 30);
    vector = vector_of("u", &UUID[2]);
    vector.has_offset = true;
    vector.offset = 31;
    check_six(store, "t", &vector);
    put_vector(store, "/else where/v.bin", 0);
    vector = vector_of("p", "file:///else%20where/v.bin");
    check_six(store, "/t", &vector);
    lm__store_close(store);
}

static void check_refused(lm_store *store, const lm_delta_vector *vector, lm_status status,
                          const char *message)
{
    lm_row_set *set;
    lm_error error;
    CHECK_STATUS(lm__deletion_vector_read(NULL, store, "t", vector, &set, &error), status);
    CHECK_TEXT(error.message, message);
    CHECK(set == NULL);
}

#define DAMAGED(path, what) path ": the deletion vector is damaged: " what

TEST(what_is_damaged_is_told)
{
    lm_store *store = mem_open();
    static const struct {
        lm_delta_vector vector;
        lm_status status;
        const char *message;
    } cases[] = {
        {{.storage = "i", .place = INLINE, .size = BYTES, .cardinality = 5},
         LM_CORRUPT,
         DAMAGED("t", "it has not as many rows as the log tells")},
        {{.storage = "i", .place = INLINE, .size = BYTES, .cardinality = -6},
         LM_CORRUPT,
         DAMAGED("t", "it has not as many rows as the log tells")},
        {{.storage = "i", .place = INLINE, .size = BYTES - 1, .cardinality = 6},
         LM_CORRUPT,
         DAMAGED("t", "it ends too early")},
        {{.storage = "i", .place = INLINE, .size = BYTES + 1, .cardinality = 6},
         LM_CORRUPT,
         DAMAGED("t", "it has not the length that the log tells")},
        {{.storage = "i", .place = INLINE "0", .size = BYTES, .cardinality = 6},
         LM_CORRUPT,
         DAMAGED("t", "it has not the length that the log tells")},
        {{.storage = "i", .place = "\"0000", .size = 4},
         LM_CORRUPT,
         DAMAGED("t", "it has letters that stand for nothing")},
        {{.storage = "i", .place = "#####", .size = 4},
         LM_CORRUPT,
         DAMAGED("t", "it has letters that stand for nothing")},
        {{.storage = "i", .place = "", .size = 0}, LM_CORRUPT, DAMAGED("t", "it ends too early")},
        {{.storage = "i", .place = "", .size = -1}, LM_CORRUPT, DAMAGED("t", "its length is none")},
        {{.storage = "u", .place = UUID, .size = INT64_MAX},
         LM_CORRUPT,
         DAMAGED("t", "its length is none")},
        {{.storage = "u", .place = "short", .size = BYTES},
         LM_CORRUPT,
         DAMAGED("t", "the log does not tell its file")},
        {{.storage = "u", .place = "\"" UUID, .size = BYTES, .cardinality = 6},
         LM_NOT_FOUND,
         "t/\"ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin: no such object"},
        {{.storage = "u", .place = UUID, .size = BYTES, .cardinality = 6, .has_offset = true},
         LM_CORRUPT,
         DAMAGED("t/" UUID_FILE, "it has not the length that the log tells")},
        {{.storage = "u", .place = UUID, .size = BYTES, .has_offset = true, .offset = 2},
         LM_CORRUPT,
         DAMAGED("t/" UUID_FILE, "its file ends before it")},
        {{.storage = "u", .place = UUID, .size = BYTES, .has_offset = true, .offset = -1},
         LM_CORRUPT,
         DAMAGED("t/" UUID_FILE, "its file ends before it")},
        {{.storage = "u", .place = UUID, .size = BYTES - 8, .cardinality = 6},
         LM_CORRUPT,
         DAMAGED("t/" UUID_FILE, "it has not the length that the log tells")},
        {{.storage = "p", .place = "s3://other/v.bin", .size = BYTES},
         LM_UNSUPPORTED,
         "t: the part s3://other/v.bin lies in another place than the table"},
        {{.storage = "q", .place = "", .size = BYTES},
         LM_UNSUPPORTED,
         "t: a deletion vector is stored in a way that is not known: q"},
    };
    put_vector(store, "t/" UUID_FILE, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_refused(store, &cases[i].vector, cases[i].status, cases[i].message);
    remove_file(store, "t/" UUID_FILE);
    put_file(store, "t/" UUID_FILE, file, sizeof file); /* without its CRC */
    const lm_delta_vector vector = vector_of("u", UUID);
    check_refused(store, &vector, LM_CORRUPT, DAMAGED("t/" UUID_FILE, "its CRC is not so"));
    lm__store_close(store);
}

/* ---- streams ---- */

/* The rows 0 to `count` - 1. */
static lm_stream *numbers(const lm_allocator *allocator, int count)
{
    char text[2000] = "";
    size_t used = 0;
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "{'id': %d}\n", i);
    struct ArrowArrayStream rows = rows_of(text, "id: int64");
    lm_stream *stream = NULL;
    if (lm__stream_import_take(allocator, &rows, LM_VALIDATE_NONE, &stream, NULL) != LM_OK)
        return NULL;
    return stream;
}

static lm_status live(const lm_allocator *allocator, int count, char *out, lm_error *error)
{
    lm_store *store = mem_open();
    const lm_delta_vector vector = vector_of("i", INLINE);
    lm_row_set *set = NULL;
    lm_stream *stream = NULL, *all = numbers(NULL, count);
    lm_batch *batch;
    lm_status status = lm__deletion_vector_read(allocator, store, "t", &vector, &set, error);
    if (status == LM_OK)
        status = lm__live_stream_take(allocator, all, set, &stream, error);
    else
        lm__stream_close(all);
    *out = '\0';
    while (status == LM_OK) {
        status = lm__stream_next(stream, &batch, error);
        if (status != LM_OK || !batch) break;
        const lm_array column = lm__batch_column(batch, 0);
        const int64_t *values = lm__array_fixed(&column);
        for (int64_t i = 0; i < lm__batch_rows(batch); i++)
            sprintf(out + strlen(out), "%d ", (int)values[i]);
        lm__batch_unref(batch);
    }
    lm__stream_close(stream);
    lm__store_close(store);
    return status;
}

TEST(what_is_left_of_a_stream)
{
    char text[400];
    lm_error error;
    CHECK_OK(live(NULL, 33, text, &error), error);
    CHECK_TEXT(text, "0 1 2 5 6 8 9 10 12 13 14 15 16 17 19 20 21 22 23 24 25 26 27 28 30 31 32 ");
    CHECK_OK(live(NULL, 30, text, &error), error);
    CHECK_STATUS(live(NULL, 29, text, &error), LM_CORRUPT);
    CHECK_TEXT(error.message,
               "the deletion vector is damaged: it has rows that are past the part's 29");
}

TEST(each_allocation_may_fail)
{
    char text[400];
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_error error;
        check_alloc_init(&memory, n);
        lm_status status = live(&memory.allocator, 33, text, &error);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(vectors_are_in_the_log_or_in_files);
    RUN(what_is_damaged_is_told);
    RUN(what_is_left_of_a_stream);
    RUN(each_allocation_may_fail);
    return DONE();
}
