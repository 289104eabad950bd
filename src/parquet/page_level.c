/*
 * How hard a chunk's pages are compressed. A level of zstd says what may be tried, and often the
 * quickest finds as much: uuids and urls even come out smaller at level 1 than at level 3, in a
 * third of the time. So the first page that is large enough is compressed at both, in part, and
 * the chunk's other pages follow: those coded by the dictionary and those that are not each have a
 * choice of their own.
 */
#include "base/error.h"
#include "parquet/chunk.h"

#define LEVEL_QUICK 1
#define SAMPLE_MIN ((size_t)32 << 10)
#define SAMPLE_MAX ((size_t)512 << 10)
/* Up to this level time is what counts, and one part in 40 is given for it; above it nothing. */
#define LEVEL_HURRIED 4
#define SHARE_GIVEN 40

static lm_status sample_size(const lm_chunk *chunk, lm_scratch *scratch, int level,
                             const uint8_t *sample, size_t size, size_t *written, lm_error *error)
{
    lm_codec codec = chunk->leaf->codec;
    size_t bound = lm__codec_bound(codec, size);
    lm__buffer_clear(&scratch->dense);
    if (lm__buffer_reserve(&scratch->dense, bound) != LM_OK)
        return lm__error_memory(error, "compressing a sample");
    return lm__codec_compress(scratch->codec, codec, level, sample, size, scratch->dense.data,
                              bound, written, error);
}

lm_status lm__page_level(lm_chunk *chunk, lm_scratch *scratch, bool by_dictionary,
                         const uint8_t *body, size_t size, int32_t *level, lm_error *error)
{
    lm_level_choice *choice = &chunk->levels[by_dictionary];
    *level = chunk->leaf->level;
    if (chunk->leaf->codec != LM_CODEC_ZSTD || *level <= LEVEL_QUICK ||
        *level == LM_CODEC_LEVEL_DEFAULT)
        return LM_OK;
    if (!choice->made && size >= SAMPLE_MIN) {
        size_t some = size < SAMPLE_MAX ? size : SAMPLE_MAX, asked, quick;
        const uint8_t *sample = body + (size - some) / 2;
        LM_TRY(sample_size(chunk, scratch, *level, sample, some, &asked, error));
        LM_TRY(sample_size(chunk, scratch, LEVEL_QUICK, sample, some, &quick, error));
        size_t given = *level <= LEVEL_HURRIED ? asked / SHARE_GIVEN : 0;
        *choice = (lm_level_choice){.made = true, .quick = quick <= asked + given};
    }
    if (choice->quick) *level = LEVEL_QUICK;
    return LM_OK;
}
