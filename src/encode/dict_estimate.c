/*
 * Will a dictionary pay? From two samples. One is spread evenly over the column: how many of its
 * values come once and how many twice tells how many there are that it did not meet (the estimator
 * of Chao). The other is runs of neighbours: where equal values stand together, as in sorted
 * columns, the first sample meets each only once, and the share of new ones among neighbours tells
 * better. The smaller answer counts.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "encode/dict_table.h"

#define SAMPLE 4096
#define RUN 64
#define RUNS 32
/* Powers of two, at least a quarter of which stays empty. */
#define SLOTS_BITS 14
#define RUN_SLOTS_BITS 8

/* A dictionary that saves less is not worth a reader's detour. */
#define PAYS_SHARE 0.9

typedef struct sample_slot {
    uint64_t hash;
    uint32_t seen;
} sample_slot;

typedef struct sample {
    sample_slot *slots;
    unsigned slots_bits;
    size_t taken, distinct, once, twice, bytes;
    size_t changes; /* values unlike the one before */
    uint64_t last;
} value_sample;

static void sample_add(value_sample *sample, uint64_t hash, size_t bytes)
{
    size_t at = hash >> (64 - sample->slots_bits), mask = ((size_t)1 << sample->slots_bits) - 1;
    sample->changes += sample->taken == 0 || hash != sample->last;
    sample->last = hash;
    sample->taken++;
    sample->bytes += bytes;
    while (sample->slots[at].seen && sample->slots[at].hash != hash) at = (at + 1) & mask;
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

/* The columns of one call. */
typedef struct sampled_column {
    const uint8_t *values;
    const lm_strings *strings;
    size_t width, count;
    lm_bits valid;
} sampled_column;

static lm_slice value_at(const sampled_column *column, size_t i)
{
    if (column->strings) return lm__strings_get(column->strings, i);
    return (lm_slice){column->values + i * column->width, column->width};
}

static void sample_value(value_sample *sample, const sampled_column *column, size_t i)
{
    if (!lm__bits_get(column->valid, i)) return;
    lm_slice value = value_at(column, i);
    sample_add(sample, lm__dict_hash(value.data, value.size),
               value.size + (column->strings ? 4 : 0));
}

/* Number k of `wanted` places, not in step with any period of the data. */
static size_t place_of(const sampled_column *column, size_t k, size_t wanted)
{
    size_t i = (size_t)((double)k * (double)column->count / (double)wanted);
    size_t stride = column->count / wanted;
    if (stride > 1) i += (size_t)(lm__dict_mix(k + 1) >> 32) % stride;
    return i;
}

/* The places are far apart: all of a batch are fetched before the first is looked at. */
static void sample_spread(value_sample *sample, const sampled_column *column)
{
    enum { BATCH = 64 };
    size_t wanted = column->count < SAMPLE ? column->count : SAMPLE, places[BATCH];
    for (size_t from = 0; from < wanted; from += BATCH) {
        size_t n = wanted - from < BATCH ? wanted - from : BATCH;
        for (size_t k = 0; k < n; k++) {
            places[k] = place_of(column, from + k, wanted);
            if (lm__bits_get(column->valid, places[k]))
                __builtin_prefetch(value_at(column, places[k]).data);
        }
        for (size_t k = 0; k < n; k++) sample_value(sample, column, places[k]);
    }
}

/* What neighbours tell: the share of new values among them, and of changes from one to the next. */
typedef struct neighbourhood {
    double fresh, changes;
} neighbourhood;

static neighbourhood look_at_neighbours(value_sample *sample, const sampled_column *column)
{
    size_t taken = 0, distinct = 0, changes = 0;
    for (size_t run = 0; run < RUNS && column->count >= RUNS * RUN; run++) {
        memset(sample->slots, 0, sizeof *sample->slots << RUN_SLOTS_BITS);
        *sample = (value_sample){.slots = sample->slots, .slots_bits = RUN_SLOTS_BITS};
        size_t start = run * (column->count / RUNS);
        for (size_t i = 0; i < RUN; i++) sample_value(sample, column, start + i);
        taken += sample->taken;
        distinct += sample->distinct;
        changes += sample->changes;
    }
    if (!taken) return (neighbourhood){1, 1};
    return (neighbourhood){(double)distinct / (double)taken, (double)changes / (double)taken};
}

/* Indices are packed, or told as runs where that is less: a header of a byte or two, and the index.
 */
static double index_bytes(double values, double distinct, double changes)
{
    double bits = index_bits(distinct), packed = values * bits / 8;
    double runs = values * changes * (2 + bits / 8);
    return runs < packed ? runs : packed;
}

lm_status lm__dict_estimate(const lm_dict_options *options, const void *values,
                            const lm_strings *strings, lm_bits valid, size_t count, size_t total,
                            lm_dict_estimate *estimate, lm_error *error)
{
    size_t width = options->width;
    sampled_column column = {values, strings, width, count, valid};
    value_sample sample = {
        .slots = lm__alloc_zero(options->allocator, sizeof *sample.slots << SLOTS_BITS),
        .slots_bits = SLOTS_BITS};
    if (!sample.slots) return lm__dict_memory(error);
    sample_spread(&sample, &column);
    double each = sample.taken ? (double)sample.bytes / (double)sample.taken : 0;
    if (lm__dict_widens(options)) each = 4;
    double all = (double)total, distinct = distinct_total(&sample, total);
    *estimate = (lm_dict_estimate){.sampled = sample.taken, .distinct = sample.distinct};
    neighbourhood near = look_at_neighbours(&sample, &column);
    lm__free(options->allocator, sample.slots);
    if (near.fresh * all < distinct) distinct = near.fresh * all;
    estimate->distinct_total = distinct;
    estimate->bytes_dict = distinct * each + index_bytes(all, distinct, near.changes);
    estimate->bytes_plain = all * each;
    double most = (double)(options->bytes_max ? options->bytes_max : LM_DICT_BYTES_MAX);
    estimate->pays =
        distinct * each <= most && estimate->bytes_dict < PAYS_SHARE * estimate->bytes_plain;
    return LM_OK;
}
