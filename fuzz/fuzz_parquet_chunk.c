/*
 * A column chunk: six bytes say what the column is, the rest are its pages, headers included. What
 * can be read whole can be read in pieces, and be skipped, and has as many rows each time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "parquet/read_column.h"

#define SETTINGS_BYTES 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct chunk {
    lm_schema_element element;
    lm_read_node leaf;
    lm_read_spec spec;
    lm_column_metadata metadata;
    lm_writer_oddities oddities;
    lm_memory_source source;
} chunk;

/* Physical type, width, levels, codec and oddities, number of entries (two bytes). */
static void chunk_init(chunk *c, const uint8_t *data, size_t size)
{
    static const uint8_t widths[] = {0, 4, 8, 12, 4, 8, 0};
    *c = (chunk){.element = {.name = {(const uint8_t *)"x", 1}}};
    c->leaf = (lm_read_node){.element = &c->element, .shape = LM_READ_LEAF, .leaf_count = 1};
    c->leaf.physical = data[0] % 8;
    c->leaf.width =
        c->leaf.physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY ? data[1] + 1 : widths[data[0] % 8];
    c->leaf.definition = data[2] & 15;
    c->leaf.repetition = data[2] >> 4 > c->leaf.definition ? c->leaf.definition : data[2] >> 4;
    c->spec = (lm_read_spec){.physical = c->leaf.physical,
                             .width = c->leaf.width,
                             .out_width = c->leaf.width,
                             .form = c->leaf.physical == LM_PARQUET_BOOLEAN      ? LM_FORM_BITS
                                     : c->leaf.physical == LM_PARQUET_BYTE_ARRAY ? LM_FORM_STRINGS32
                                                                                 : LM_FORM_FIXED};
    c->metadata = (lm_column_metadata){
        .type = c->leaf.physical,
        .codec = data[3] % 8,
        .num_values = data[4] | data[5] << 8,
        .total_compressed_size = (int64_t)(size - SETTINGS_BYTES),
    };
    c->oddities.prefixes_go_on = data[3] & 8;
    c->oddities.short_chunks = data[3] & 16;
    lm_memory_source_init(&c->source, data + SETTINGS_BYTES, size - SETTINGS_BYTES, "fuzz");
}

/* Entries as they come, `rows` at a time; with `skip` every other time they are skipped. -1 when
 * the chunk cannot be read. */
static int64_t read_blocks(const chunk *c, lm_read_column *column, size_t rows, bool skip)
{
    lm_read_vector vector;
    int64_t total = 0;
    lm__read_vector_init(&vector, NULL, c->spec.form, c->spec.out_width,
                         skip && c->leaf.definition != 0);
    lm_status status = LM_OK;
    for (bool more = true, skips = skip; more && status == LM_OK; skips = skip && !skips) {
        size_t got = 0;
        bool flat = skip && lm__read_is_flat(&c->leaf); /* blocks do not go with its skips */
        lm_read_block block = {.entries = 1};
        lm__read_vector_clear(&vector);
        if (skips)
            status = lm__read_column_skip(column, rows, &got, NULL);
        else if (flat)
            status = lm__read_column_flat(column, rows, &vector, &got, NULL);
        while (!skips && !flat && status == LM_OK && block.entries) {
            status = lm__read_column_block(column, rows - got, &block, NULL);
            if (status != LM_OK) break;
            got += block.rows;
            lm__read_vector_clear(&vector);
            status = lm__read_column_values(column, block.values, block.values, &vector, NULL);
        }
        if (got > rows) abort();
        total += (int64_t)got;
        more = got == rows;
    }
    if (status == LM_OK) status = lm__read_column_end(column, NULL);
    lm__read_vector_deinit(&vector);
    return status == LM_OK ? total : -1;
}

static int64_t read_flat(const chunk *c, lm_read_column *column)
{
    lm_read_vector vector;
    size_t got;
    lm__read_vector_init(&vector, NULL, c->spec.form, c->spec.out_width, c->leaf.definition != 0);
    lm_status status =
        lm__read_column_flat(column, (size_t)c->metadata.num_values, &vector, &got, NULL);
    if (status == LM_OK && vector.count != got) abort();
    if (status == LM_OK) status = lm__read_column_end(column, NULL);
    lm__read_vector_deinit(&vector);
    return status == LM_OK ? (int64_t)got : -1;
}

typedef enum way { WAY_BLOCKS, WAY_PIECES, WAY_SKIP, WAY_FLAT } way;

static int64_t pass(chunk *c, way how)
{
    static const lm_read_limits limits = {.page_bytes_max = LM_MIB};
    lm_read_scratch *scratch;
    lm_read_column column;
    int64_t rows = -1;
    if (lm__read_scratch_new(NULL, &scratch, NULL) != LM_OK) abort();
    lm_status status = lm__read_column_open(&column, &c->source.source, &c->leaf, &c->metadata,
                                            c->oddities, &c->spec, &limits, scratch, NULL);
    if (status == LM_OK && how == WAY_FLAT) rows = read_flat(c, &column);
    if (status == LM_OK && how != WAY_FLAT)
        rows = read_blocks(c, &column, how == WAY_BLOCKS ? 1 << 20 : 7, how == WAY_SKIP);
    lm__read_column_close(&column);
    lm__read_scratch_free(scratch);
    return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    chunk c;
    if (size < SETTINGS_BYTES) return 0;
    chunk_init(&c, data, size);
    int64_t rows = pass(&c, WAY_BLOCKS);
    if (pass(&c, WAY_PIECES) != rows) abort();
    if (rows >= 0 && pass(&c, WAY_SKIP) != rows) abort();
    if (lm__read_is_flat(&c.leaf) && pass(&c, WAY_FLAT) != rows) abort();
    return 0;
}
