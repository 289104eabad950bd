/* What is known of other writers; see writer_faults.h. */
#include "parquet/writer_faults.h"

#include <string.h>

static bool is_bytes(const lm_read_node *leaf)
{
    return leaf->physical == LM_PARQUET_BYTE_ARRAY ||
           leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
}

#define VERSION(major, minor, patch) (((major)*1000 + (minor)) * 1000 + (patch))

/* The version of a writer of that name; -1: it is another. */
static int version_of(lm_bytes created_by, const char *name)
{
    static const char word[] = " version ";
    size_t size = strlen(name), at = size + sizeof word - 1;
    int parts[3] = {0};
    if (created_by.size <= at || memcmp(created_by.data, name, size) != 0 ||
        memcmp(created_by.data + size, word, sizeof word - 1) != 0)
        return -1;
    for (int i = 0; i < 3; i++, at++) {
        for (; at < created_by.size && created_by.data[at] >= '0' && created_by.data[at] <= '9';
             at++)
            if (parts[i] < 100) parts[i] = parts[i] * 10 + (created_by.data[at] - '0');
        if (at == created_by.size || created_by.data[at] != '.') break;
    }
    return VERSION(parts[0], parts[1], parts[2]);
}

static bool is_called(lm_bytes created_by, const char *name)
{
    return created_by.size == strlen(name) && memcmp(created_by.data, name, created_by.size) == 0;
}

static bool begins(lm_bytes created_by, const char *name)
{
    size_t size = strlen(name);
    return created_by.size >= size && memcmp(created_by.data, name, size) == 0;
}

/* The oldest ones told no version. */
static bool is_java_before(lm_bytes created_by, int version)
{
    static const char name[] = "parquet-mr";
    int its = is_called(created_by, name) ? 0 : version_of(created_by, name);
    return its >= 0 && its < version;
}

lm_writer_oddities lm__writer_oddities(lm_bytes created_by)
{
    return (lm_writer_oddities){
        .short_chunks = is_java_before(created_by, VERSION(1, 2, 9)),
        .prefixes_go_on = is_java_before(created_by, VERSION(1, 8, 0)),
    };
}

/* That of Python tells its version by now; 2.1 was seen to be right. */
static bool is_old_polars(lm_bytes created_by)
{
    return begins(created_by, "Polars") &&
           version_of(created_by, "Polars (python)") < VERSION(2, 1, 0);
}

/* Decimals that were compared as signed bytes (PARQUET-1655, PARQUET-2003) or wrongly where they
 * are of two lengths (arrow-rs 10860, 11073), that parquet-go (0.32) orders without their sign, and
 * that were told as floats (hyparquet-writer 38). */
static bool misleads_of_decimals(lm_bytes created_by, const lm_read_node *leaf, int cpp, bool go)
{
    if (leaf->physical == LM_PARQUET_INT32) return begins(created_by, "hyparquet");
    if (!is_bytes(leaf)) return false;
    return go || (cpp >= 0 && cpp < VERSION(4, 0, 0)) ||
           version_of(created_by, "parquet-cpp") >= 0 ||
           (leaf->physical == LM_PARQUET_BYTE_ARRAY && version_of(created_by, "parquet-rs") >= 0);
}

/* Nulls that were not counted, or, of dictionaries, bounds of their first part only (apache/arrow
 * 10729, 15042 and 34107, arrow2 1414, arrow-rs 306). Seen as well: arrow2, and Polars while it
 * told no version (0.19 to 1.x), lose the greatest of floats at a NaN, and nulls of text (until
 * 0.20); parquet-go (0.32) does so with dictionaries of floats. Polars joined the bounds of pages
 * as unsigned bytes (polars 29347). */
bool lm__writer_misleads(lm_bytes created_by, const lm_read_node *leaf, bool by_nulls)
{
    bool arrow2 = begins(created_by, "Arrow2");
    bool polars = is_called(created_by, "Polars");
    bool go = version_of(created_by, "github.com/parquet-go/parquet-go") >= 0 ||
              version_of(created_by, "github.com/segmentio/parquet-go") >= 0;
    int cpp = version_of(created_by, "parquet-cpp-arrow");
    int rust = version_of(created_by, "parquet-rs");
    bool text = leaf->physical == LM_PARQUET_BYTE_ARRAY;
    if (text &&
        ((cpp >= 0 && cpp < VERSION(12, 0, 0)) || version_of(created_by, "parquet-cpp") >= 0))
        return true;
    if (by_nulls) return (rust >= 0 && rust < VERSION(5, 0, 0)) || arrow2 || (polars && text);
    if (leaf->physical == LM_PARQUET_FLOAT || leaf->physical == LM_PARQUET_DOUBLE)
        return arrow2 || polars || go;
    if (leaf->physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY && is_old_polars(created_by)) return true;
    return leaf->meaning == LM_MEANS_DECIMAL && misleads_of_decimals(created_by, leaf, cpp, go);
}

/* Those of the whole file (DuckDB while it told no version), or once for each page (polars 29321).
 */
bool lm__writer_overcounts_nulls(lm_bytes created_by)
{
    return is_called(created_by, "DuckDB") || is_old_polars(created_by);
}

/* PARQUET-251 and PARQUET-297: parquet-mr before 1.10, parquet-cpp before it was Arrow's, and files
 * that do not say who wrote them. */
bool lm__writer_is_doubted(lm_bytes created_by, const lm_read_node *leaf)
{
    bool old = created_by.size == 0 || is_java_before(created_by, VERSION(1, 10, 0)) ||
               version_of(created_by, "parquet-cpp") >= 0;
    if (old && (is_bytes(leaf) || leaf->physical == LM_PARQUET_INT96)) return true;
    return lm__writer_misleads(created_by, leaf, false) ||
           lm__writer_misleads(created_by, leaf, true);
}
