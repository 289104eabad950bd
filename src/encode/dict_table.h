/* The inside of a dictionary builder, shared by its parts; dict.h is what others see. */
#ifndef LM_ENCODE_DICT_TABLE_H
#define LM_ENCODE_DICT_TABLE_H

#include "base/buffer.h"
#include "encode/dict.h"

/* An empty slot. */
#define DICT_NONE UINT32_MAX

/* Strings keep half of their hash beside the index, so that most unequal ones are told apart at
 * once. */
typedef struct lm_dict_slot {
    uint32_t hash, index;
} lm_dict_slot;

struct lm_dict {
    lm_dict_options options;
    size_t value_width; /* in `bytes`: 4 where it widens; 0 for byte strings */
    lm_buffer bytes;    /* the dictionary page */
    uint32_t count;
    /* by hash: 4 and 8 byte values in `slots`, everything else in `string_slots` */
    uint32_t *slots;
    lm_dict_slot *string_slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t *offsets;   /* of each byte string's first byte, its length before it, in `bytes` */
    size_t offset_capacity;
    /* by value: integers of a small range */
    uint32_t *direct;
    uint64_t direct_base; /* value that direct[0] stands for */
    size_t direct_count;
    bool direct_over; /* the range has become too large: by hash from now on */
};

/* LM_NO_MEMORY when it cannot; then nothing has changed. */
LM_MUST_USE lm_status lm__dict_memory(lm_error *error);

/* dict_fixed.c */
LM_MUST_USE lm_status lm__dict_put_small(lm_dict *dict, const void *values, size_t count,
                                         uint32_t *indices, size_t *consumed, lm_error *error);
LM_MUST_USE lm_status lm__dict_put_4(lm_dict *dict, const void *values, size_t count,
                                     uint32_t *indices, size_t *consumed, lm_error *error);
LM_MUST_USE lm_status lm__dict_put_8(lm_dict *dict, const void *values, size_t count,
                                     uint32_t *indices, size_t *consumed, lm_error *error);

/* A hash of bytes, good in its high and its low bits. */
uint64_t lm__dict_hash(const uint8_t *data, size_t size);

/* 1 and 2 byte integers become INT32. */
static inline bool lm__dict_widens(const lm_dict_options *options)
{
    return (options->width == 1 || options->width == 2) && !options->is_bytes;
}

static inline uint64_t lm__dict_mix(uint64_t value) { return value * 0x9e3779b97f4a7c15u; }

#endif
