/*
 * Lines of JSON by guessed types and by a schema of all types: what is read is written as JSON
 * lines again, and those are read, by the same schema, to the same lines. The first byte chooses.
 */
#include <lamella/jsonl.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char every_type[] =
    "a: int8, b: uint64, c: float32, d: float64, e: decimal128(20, 3), f: bool, g: utf8, h: binary,"
    "i: fixed_binary[3], j: date32, k: time64[us], l: timestamp[ns], m: timestamp[ms, UTC],"
    "n: duration[us], o: interval_month_day_nano, p: list<item: int32>, q: struct<a: int16, b: "
    "utf8>,"
    "r: map<key: utf8 not null, value: float64>, s: fixed_list<item: int8>[2], t: dictionary<int8, "
    "utf8>,"
    "u: date64, v: float16, w: extension<arrow.uuid: fixed_binary[16]>, x: null, y: "
    "interval_day_time,"
    "z: map<key: int32 not null, value: list<item: bool>>";

typedef struct trickle {
    const uint8_t *data;
    size_t size, step;
} trickle;

static lm_status trickle_read(void *context, void *buffer, size_t size, size_t *got,
                              lm_error *error)
{
    trickle *t = context;
    (void)error;
    *got = size < t->size ? size : t->size;
    if (*got > t->step) *got = t->step;
    memcpy(buffer, t->data, *got);
    t->data += *got;
    t->size -= *got;
    return LM_OK;
}

/* The lines as they are written again; *schema gets what they were read by. */
static lm_status rewrite(const void *data, size_t size, size_t step, lm_schema **schema,
                         lm_memory_sink *sink)
{
    lm_jsonl_read_options options = {.schema = *schema, .threads = 1, .line_bytes_max = 1 << 20};
    struct ArrowArrayStream stream;
    struct ArrowSchema exported;
    lm_memory_source source;
    trickle t = {data, size, step};
    lm_feed feed = {trickle_read, NULL, &t, "fuzz"};
    lm_memory_source_init(&source, data, size, "fuzz");
    lm_status status = step ? lm_jsonl_feed_take(NULL, &feed, &options, &stream, NULL)
                            : lm_jsonl_read_take(NULL, &source.source, &options, &stream, NULL);
    if (status != LM_OK) return status;
    if (!*schema) {
        if (stream.get_schema(&stream, &exported) != 0) abort();
        if (lm_schema_import_take(NULL, &exported, schema, NULL) != LM_OK) abort();
    }
    return lm_jsonl_write_take(NULL, &stream, &sink->sink, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lm_schema *schema = NULL;
    lm_memory_sink first, second;
    if (size == 0) return 0;
    size_t step = data[0] & 2 ? 1 + data[0] / 4 : 0;
    if (data[0] & 1 &&
        lm_schema_parse(NULL, every_type, strlen(every_type), &schema, NULL) != LM_OK)
        abort();
    lm_memory_sink_init(&first, NULL, (size_t)1 << 30);
    lm_memory_sink_init(&second, NULL, (size_t)1 << 30);
    if (rewrite(data + 1, size - 1, step, &schema, &first) == LM_OK) {
        if (rewrite(first.data, first.size, 0, &schema, &second) != LM_OK) abort();
        if (first.size != second.size ||
            (first.size && memcmp(first.data, second.data, first.size)))
            abort();
    }
    lm_memory_sink_deinit(&first);
    lm_memory_sink_deinit(&second);
    lm_schema_free(schema);
    return 0;
}
