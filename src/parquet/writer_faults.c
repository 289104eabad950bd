/* What is known of other writers; see writer_faults.h. */
#include "parquet/writer_faults.h"

#include <string.h>

static bool is_bytes(int32_t physical)
{
    return physical == LM_PARQUET_BYTE_ARRAY || physical == LM_PARQUET_FIXED_LEN_BYTE_ARRAY;
}

/* The version of a writer of that name, as 1000 * major + minor; -1: it is another. */
static int version_of(lm_bytes created_by, const char *name)
{
    static const char word[] = " version ";
    size_t size = strlen(name), at = size + sizeof word - 1;
    int parts[2] = {0, 0};
    if (created_by.size <= at || memcmp(created_by.data, name, size) != 0 ||
        memcmp(created_by.data + size, word, sizeof word - 1) != 0)
        return -1;
    for (int i = 0; i < 2; i++, at++) {
        for (; at < created_by.size && created_by.data[at] >= '0' && created_by.data[at] <= '9';
             at++)
            if (parts[i] < 10000) parts[i] = parts[i] * 10 + (created_by.data[at] - '0');
        if (at == created_by.size || created_by.data[at] != '.') break;
    }
    return 1000 * parts[0] + (parts[1] < 1000 ? parts[1] : 999);
}

/* Nulls that were not counted, or, of dictionaries, bounds of their first part only (apache/arrow
 * 10729, 15042 and 34107, arrow2 1414, arrow-rs 306). */
bool lm__writer_misleads(lm_bytes created_by, int32_t physical, bool by_nulls)
{
    static const char arrow2[] = "Arrow2";
    if (physical == LM_PARQUET_BYTE_ARRAY) {
        int cpp = version_of(created_by, "parquet-cpp-arrow");
        if ((cpp >= 0 && cpp < 12000) || version_of(created_by, "parquet-cpp") >= 0) return true;
    }
    int rust = version_of(created_by, "parquet-rs");
    return by_nulls && ((rust >= 0 && rust < 5000) ||
                        (created_by.size >= sizeof arrow2 - 1 &&
                         memcmp(created_by.data, arrow2, sizeof arrow2 - 1) == 0));
}

/* PARQUET-251 and PARQUET-297: parquet-mr before 1.10, parquet-cpp before it was Arrow's, and files
 * that do not say who wrote them. */
bool lm__writer_is_doubted(lm_bytes created_by, int32_t physical)
{
    static const char java[] = "parquet-mr"; /* the oldest ones said no version */
    int version = version_of(created_by, java);
    bool old = created_by.size == 0 || (version >= 0 && version < 1010) ||
               (created_by.size == sizeof java - 1 &&
                memcmp(created_by.data, java, sizeof java - 1) == 0) ||
               version_of(created_by, "parquet-cpp") >= 0;
    if (old && (is_bytes(physical) || physical == LM_PARQUET_INT96)) return true;
    return lm__writer_misleads(created_by, physical, true);
}
