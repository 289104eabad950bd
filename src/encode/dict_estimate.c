/*
 * Will a dictionary pay? From a sample spread evenly over the column: how many of its values come
 * once and how many twice tells how many there are that it did not meet (the estimator of Chao).
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "encode/dict_table.h"

#define SAMPLE 4096
#define SLOTS 16384

/* A dictionary that saves less is not worth a reader's detour. */
#define PAYS_SHARE 0.9

typedef struct sample_slot {
    uint64_t hash;
    uint32_t seen;
} sample_slot;

typedef struct sample {
    sample_slot *slots;
    size_t taken, distinct, once, twice, bytes;
} value_sample;

static void sample_add(value_sample *sample, uint64_t hash, size_t bytes)
{
    size_t at = hash >> 50; /* SLOTS is 1 << 14 */
    sample->taken++;
    sample->bytes += bytes;
    while (sample->slots[at].seen && sample->slots[at].hash != hash) at = (at + 1) % SLOTS;
    sample_slot *slot = &sample->slots[at];
    slot->hash = hash;
    switch (++slot->seen) {
    case 1:
        sample->distinct++;
        sample->once++;
        break;
    case 2:
        sample->once--;
        sample->twice++;
        break;
    case 3: sample->twice--; break;
    default: break;
    }
}

static double distinct_total(const value_sample *sample, size_t total)
{
    double once = (double)sample->once, twice = (double)sample->twice;
    double unseen = once * (once - 1) / (2 * (twice + 1));
    double estimate = (double)sample->distinct + unseen;
    return estimate < (double)total ? estimate : (double)total;
}

static double index_bits(double distinct)
{
    double bits = 0;
    for (double reach = 1; reach < distinct; reach *= 2) bits++;
    return bits;
}

lm_status lm__dict_estimate(const lm_dict_options *options, const void *values,
                            const lm_strings *strings, lm_bits valid, size_t count, size_t total,
                            lm_dict_estimate *estimate, lm_error *error)
{
    size_t width = options->width;
    value_sample sample = {.slots =
                               lm__alloc_zero(options->allocator, SLOTS * sizeof *sample.slots)};
    if (!sample.slots) return lm__dict_memory(error);
    size_t wanted = count < SAMPLE ? count : SAMPLE;
    for (size_t k = 0; k < wanted; k++) {
        /* Spread evenly, and not in step with any period of the data. */
        size_t i = (size_t)((double)k * (double)count / (double)wanted);
        size_t stride = count / wanted;
        if (stride > 1) i += (size_t)(lm__dict_mix(k + 1) >> 32) % stride;
        if (!lm__bits_get(valid, i)) continue;
        lm_slice value = strings ? lm__strings_get(strings, i)
                                 : (lm_slice){(const uint8_t *)values + i * width, width};
        sample_add(&sample, lm__dict_hash(value.data, value.size), value.size + (strings ? 4 : 0));
    }
    lm__free(options->allocator, sample.slots);
    double each = sample.taken ? (double)sample.bytes / (double)sample.taken : 0;
    if (width == 1 || width == 2) each = 4;
    double distinct = distinct_total(&sample, total), all = (double)total;
    *estimate = (lm_dict_estimate){
        .sampled = sample.taken,
        .distinct = sample.distinct,
        .distinct_total = distinct,
        .bytes_dict = distinct * each + all * index_bits(distinct) / 8,
        .bytes_plain = all * each,
    };
    double most = (double)(options->bytes_max ? options->bytes_max : LM_DICT_BYTES_MAX);
    estimate->pays =
        distinct * each <= most && estimate->bytes_dict < PAYS_SHARE * estimate->bytes_plain;
    return LM_OK;
}
