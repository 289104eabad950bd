/* Texts of columns and of the values in statistics. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "parquet/canonical_text.h"
#include "parquet/inspect.h"
#include "parquet/reader.h"

/* Text that is cut to the caller's room, and counted on. */
typedef struct cut_text {
    char *text;
    size_t room, size;
} cut_text;

static void put(cut_text *out, const void *bytes, size_t size)
{
    if (out->room > 0 && out->size < out->room - 1) {
        size_t left = out->room - 1 - out->size;
        memcpy(out->text + out->size, bytes, size < left ? size : left);
    }
    out->size += size;
}

static void put_text(cut_text *out, const char *text) { put(out, text, strlen(text)); }

static size_t end(cut_text *out)
{
    if (out->room > 0) out->text[out->size < out->room ? out->size : out->room - 1] = '\0';
    return out->size;
}

static void put_path(cut_text *out, const lm_read_node *node)
{
    if (node->parent->parent) {
        put_path(out, node->parent);
        put_text(out, ".");
    }
    put(out, node->element->name.data, node->element->name.size);
}

size_t lm_parquet_column_path(const lm_parquet_reader *reader, int32_t column, char *text,
                              size_t size)
{
    cut_text out = {text, size, 0};
    put_path(&out, reader->schema.leaves[column]);
    return end(&out);
}

static void put_time(cut_text *out, const char *name, const lm_read_node *leaf)
{
    static const char *const units[] = {"?", "ms", "us", "ns"};
    char text[64];
    (void)snprintf(text, sizeof text, "%s(%s%s)", name, units[leaf->unit & 3],
                   leaf->utc ? ", UTC" : "");
    put_text(out, text);
}

/* Of annotations that say nothing here those that may say something elsewhere. */
static void put_nothing(cut_text *out, const lm_logical_type *logical)
{
    char text[32];
    if (!logical || logical->choice.member < LM_PARQUET_LOGICAL_FILE) return;
    const char *name = lm__parquet_logical_name(logical->choice.member);
    (void)snprintf(text, sizeof text, "unknown(%d)", logical->choice.member);
    put_text(out, name ? name : text);
}

size_t lm_parquet_column_type(const lm_parquet_reader *reader, int32_t column, char *text,
                              size_t size)
{
    static const char *const names[] = {
        [LM_MEANS_STRING] = "STRING",       [LM_MEANS_ENUM] = "ENUM",
        [LM_MEANS_JSON] = "JSON",           [LM_MEANS_BSON] = "BSON",
        [LM_MEANS_UUID] = "UUID",           [LM_MEANS_FLOAT16] = "FLOAT16",
        [LM_MEANS_DATE] = "DATE",           [LM_MEANS_INTERVAL] = "INTERVAL",
        [LM_MEANS_NULL] = "UNKNOWN",        [LM_MEANS_GEOMETRY] = "GEOMETRY",
        [LM_MEANS_GEOGRAPHY] = "GEOGRAPHY",
    };
    const lm_read_node *leaf = reader->schema.leaves[column];
    cut_text out = {text, size, 0};
    char parameters[64];
    switch (leaf->meaning) {
    case LM_MEANS_DECIMAL:
        (void)snprintf(parameters, sizeof parameters, "DECIMAL(%d, %d)", leaf->precision,
                       leaf->scale);
        put_text(&out, parameters);
        break;
    case LM_MEANS_INTEGER:
        (void)snprintf(parameters, sizeof parameters, "%s%u", leaf->is_signed ? "INT" : "UINT",
                       leaf->bits);
        put_text(&out, parameters);
        break;
    case LM_MEANS_TIME: put_time(&out, "TIME", leaf); break;
    case LM_MEANS_TIMESTAMP: put_time(&out, "TIMESTAMP", leaf); break;
    case LM_MEANS_NOTHING: put_nothing(&out, leaf->element->logical_type); break;
    default: put_text(&out, names[leaf->meaning]); break;
    }
    return end(&out);
}

static void put_hex(cut_text *out, lm_parquet_bytes value)
{
    const uint8_t *bytes = value.data;
    for (size_t i = 0; i < value.size; i++) {
        char digits[3];
        (void)snprintf(digits, sizeof digits, "%02x", bytes[i]);
        put(out, digits, 2);
    }
}

static bool is_text(const lm_read_node *leaf)
{
    return leaf->meaning == LM_MEANS_STRING || leaf->meaning == LM_MEANS_ENUM ||
           leaf->meaning == LM_MEANS_JSON;
}

size_t lm_parquet_value_text(const lm_parquet_reader *reader, int32_t column,
                             lm_parquet_bytes value, char *text, size_t size)
{
    const lm_read_node *leaf = reader->schema.leaves[column];
    cut_text out = {text, size, 0};
    size_t width = leaf->physical == LM_PARQUET_BOOLEAN ? 1 : leaf->width;
    if (is_text(leaf) && lm__utf8_valid(value.data, value.size)) {
        put(&out, value.data, value.size);
        return end(&out);
    }
    lm_buffer canonical;
    lm__buffer_init(&canonical, reader->allocator, 0);
    if (is_text(leaf) || (width && value.size != width) ||
        lm__canonical_leaf(&canonical, leaf, value.data, value.size) != LM_OK) {
        put_hex(&out, value);
    } else if (canonical.size >= 2 && canonical.data[0] == '"') {
        put(&out, canonical.data + 1, canonical.size - 2);
    } else {
        put(&out, canonical.data, canonical.size);
    }
    lm__buffer_deinit(&canonical);
    return end(&out);
}
