/* Parts as the log tells of them; see part_facts.h. */
#include "table/part_facts.h"

#include <string.h>

#include "arrow/text.h"
#include "base/error.h"
#include "table/append.h"
#include "table/part_path.h"

static bool integer_member(const lm_json *object, const char *key, int64_t *value)
{
    const lm_json *member = lm__json_member(object, key);
    if (!member || member->kind != LM_JSON_INT) return false;
    *value = member->integer;
    return true;
}

lm_status lm__part_facts(lm_arena *arena, const lm_delta_add *add, const char *tick,
                         lm_part_facts *facts, lm_error *error)
{
    const char *bucket = lm__part_value(add, LM_TABLE_BUCKET);
    const char *checksum = lm__text_map_get(&add->tags, LM_TABLE_TAG_CHECKSUM);
    const lm_json *stats = NULL;
    *facts = (lm_part_facts){.path = add->path, .checksum = ""};
    if (!lm__part_path_is_absolute(add->path))
        LM_TRY(lm__part_path_decode(arena, add->path, &facts->path, error));
    if (checksum) facts->checksum = lm__arena_strdup(arena, checksum);
    if (!facts->checksum) return lm__error_memory(error, "reading a table's parts");
    facts->has_bucket =
        bucket && lm__text_to_i64(bucket, strlen(bucket), &facts->bucket) == LM_TEXT_OK;
    if (!add->stats) return LM_OK;
    lm_status status = lm__json_parse(arena, add->stats, add->stats_size, &stats, error);
    if (status == LM_NO_MEMORY) return status;
    if (status != LM_OK) return LM_OK;
    facts->has_rows = integer_member(stats, "numRecords", &facts->rows) && facts->rows >= 0;
    if (!facts->has_rows) facts->rows = 0;
    facts->has_ticks =
        tick && integer_member(lm__json_member(stats, "minValues"), tick, &facts->tick_min) &&
        integer_member(lm__json_member(stats, "maxValues"), tick, &facts->tick_max);
    return LM_OK;
}

lm_status lm__table_tick(lm_arena *arena, const lm_delta_metadata *metadata, const char **tick,
                         lm_error *error)
{
    const char *text = lm__text_map_get(&metadata->configuration, LM_TABLE_DESCRIPTOR_KEY);
    lm_table_descriptor *descriptor = NULL;
    *tick = "tick"; /* where it is no integer its bounds are none */
    if (!text) return LM_OK;
    lm_status status =
        lm_table_descriptor_parse(arena->allocator, text, strlen(text), NULL, &descriptor, error);
    if (status == LM_NO_MEMORY) return status;
    if (status != LM_OK) return LM_OK;
    int32_t column = descriptor->tick;
    *tick =
        column < 0 ? NULL : lm__arena_strdup(arena, descriptor->stored->root.children[column].name);
    lm_table_descriptor_free(descriptor);
    return *tick || column < 0 ? LM_OK : lm__error_memory(error, "reading a table's parts");
}
