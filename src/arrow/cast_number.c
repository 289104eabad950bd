/*
 * Casts among integers, times and floats.
 *
 * Values pass in blocks through int64 (or double), so that there is one loop a type and not one a
 * pair of types. A block gathers one flag; only when it is set, a second pass looks for the row
 * that is to blame, and rows that are null or beneath a null never are.
 */
#include <math.h>

#include "arrow/cast_plan.h"
#include "arrow/half.h"
#include "arrow/text.h"
#include "base/error.h"

#define BLOCK 1024

/* Types by how their values are stored. */
typedef enum store {
    STORE_I8,
    STORE_I16,
    STORE_I32,
    STORE_I64,
    STORE_U8,
    STORE_U16,
    STORE_U32,
    STORE_U64,
    STORE_F16,
    STORE_F32,
    STORE_F64,
} store;

static store store_of(const lm_type *type)
{
    switch (type->id) {
    case LM_TYPE_UINT8: return STORE_U8;
    case LM_TYPE_UINT16: return STORE_U16;
    case LM_TYPE_UINT32: return STORE_U32;
    case LM_TYPE_UINT64: return STORE_U64;
    case LM_TYPE_FLOAT16: return STORE_F16;
    case LM_TYPE_FLOAT32: return STORE_F32;
    case LM_TYPE_FLOAT64: return STORE_F64;
    default: break;
    }
    switch (type->byte_width) {
    case 1: return STORE_I8;
    case 2: return STORE_I16;
    case 4: return STORE_I32;
    default: return STORE_I64;
    }
}

#define EACH for (int64_t i = 0; i < count; i++)

#define LOAD(type)                                                                                 \
    do {                                                                                           \
        const type *from = (const type *)values + at;                                              \
        EACH out[i] = (int64_t)from[i];                                                            \
    } while (0)

/* True when a value is past int64. */
static bool load_integers(store from_store, const void *values, int64_t at, int64_t count,
                          int64_t *out)
{
    int64_t over = 0;
    switch (from_store) {
    case STORE_I8: LOAD(int8_t); break;
    case STORE_I16: LOAD(int16_t); break;
    case STORE_I32: LOAD(int32_t); break;
    case STORE_U8: LOAD(uint8_t); break;
    case STORE_U16: LOAD(uint16_t); break;
    case STORE_U32: LOAD(uint32_t); break;
    case STORE_U64:
        LOAD(uint64_t);
        EACH over |= out[i];
        break;
    default: LOAD(int64_t); break;
    }
    return over < 0;
}

#define STORE(type)                                                                                \
    do {                                                                                           \
        type *to = (type *)values + at;                                                            \
        EACH to[i] = (type)in[i];                                                                  \
    } while (0)

/* True when a value does not fit: when, counted from the type's least, it has more than its bits.
 */
static bool store_integers(store to_store, const int64_t *in, void *values, int64_t at,
                           int64_t count)
{
    int bits = 8 << to_store % STORE_U8;
    switch (bits) {
    case 8: STORE(uint8_t); break;
    case 16: STORE(uint16_t); break;
    case 32: STORE(uint32_t); break;
    default: STORE(uint64_t); break;
    }
    if (to_store == STORE_I64) return false;
    uint64_t least = to_store < STORE_U8 ? -((uint64_t)1 << (bits - 1)) : 0, over = 0;
    if (to_store == STORE_U64) bits--; /* in int64, all that is past its bits is the sign */
    EACH over |= ((uint64_t)in[i] - least) >> bits;
    return over != 0;
}

static bool multiply(int64_t *values, int64_t count, int64_t factor)
{
    bool bad = false;
    EACH bad |= __builtin_mul_overflow(values[i], factor, &values[i]);
    return bad;
}

static inline __attribute__((always_inline)) bool divide_by(int64_t *values, int64_t count,
                                                            int64_t divisor)
{
    int64_t rest = 0;
    EACH
    {
        rest |= values[i] % divisor;
        values[i] /= divisor;
    }
    return rest != 0;
}

/* By the common constants, which the compiler turns into multiplications. */
static bool divide(int64_t *values, int64_t count, int64_t divisor)
{
    switch (divisor) {
    case 1000: return divide_by(values, count, 1000);
    case 1000000: return divide_by(values, count, 1000000);
    case 1000000000: return divide_by(values, count, 1000000000);
    default: return divide_by(values, count, divisor);
    }
}

/* A block of integers from one type to the other; true when one of them cannot be. */
static bool move_integers(const cast_plan *plan, const lm_array *in, int64_t from, int64_t count,
                          int64_t *scratch, void *out, int64_t to)
{
    bool bad =
        load_integers(store_of(&in->field->type), in->values, in->offset + from, count, scratch);
    if (plan->factor > 1) bad |= multiply(scratch, count, plan->factor);
    if (plan->factor < -1) bad |= divide(scratch, count, -plan->factor);
    if (plan->multiple)
        for (int64_t i = 0; i < count; i++) bad |= scratch[i] % plan->multiple != 0;
    return bad | store_integers(store_of(&plan->to->type), scratch, out, to, count);
}

/* A value of either kind as text, for a message. */
static void show_number(const lm_array *in, int64_t row, char text[LM_VALUE_TEXT_MAX + 1])
{
    int64_t at = in->offset + row;
    const lm_type *type = &in->field->type;
    size_t size;
    int64_t one;
    switch (store_of(type)) {
    case STORE_U64: size = lm__text_from_u64(((const uint64_t *)in->values)[at], text); break;
    case STORE_F16:
        size = lm__text_from_f32(lm__half_to_float(((const uint16_t *)in->values)[at]), text);
        break;
    case STORE_F32: size = lm__text_from_f32(((const float *)in->values)[at], text); break;
    case STORE_F64: size = lm__text_from_f64(((const double *)in->values)[at], text); break;
    default:
        load_integers(store_of(type), in->values, at, 1, &one);
        if (type->id == LM_TYPE_TIMESTAMP)
            size = lm__text_from_timestamp(one, type->unit, type->timezone != NULL, text);
        else if (type->id == LM_TYPE_TIME32 || type->id == LM_TYPE_TIME64)
            size = lm__text_from_time(one, type->unit, text);
        else if (type->id == LM_TYPE_DATE32)
            size = lm__text_from_date(one, text);
        else
            size = lm__text_from_i64(one, text);
    }
    text[size] = '\0';
}

static lm_status refuse_number(const cast_run *run, const cast_plan *plan, const lm_array *in,
                               int64_t row)
{
    char value[LM_VALUE_TEXT_MAX + 1], type[LM_TYPE_TEXT_MAX];
    show_number(in, row, value);
    return lm__cast_refuse(run, plan, row, "%s cannot become %s without loss", value,
                           lm__type_text_short(plan->to, type));
}

lm_status lm__cast_integers(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    LM_TRY(lm__cast_validity(run, in, out));
    void *values = lm__cast_alloc(run, (size_t)in->length, (size_t)plan->to->type.byte_width);
    if (!values) return lm__cast_memory(run);
    out->values = values;
    int64_t scratch[BLOCK], alone[1];
    for (int64_t start = 0; start < in->length; start += BLOCK) {
        int64_t count = in->length - start < BLOCK ? in->length - start : BLOCK;
        if (!move_integers(plan, in, start, count, scratch, values, start)) continue;
        for (int64_t row = start; row < start + count; row++)
            if (lm__cast_is_live(run, in, row) &&
                move_integers(plan, in, row, 1, scratch, alone, 0))
                return refuse_number(run, plan, in, row);
    }
    return LM_OK;
}

/* Floats. */

/* Integers to doubles; true when one is not a double. */
static bool load_as_doubles(store from_store, const void *values, int64_t at, int64_t count,
                            double *out)
{
    int64_t bad = 0;
    if (from_store == STORE_F64) {
        memcpy(out, (const double *)values + at, (size_t)count * sizeof *out);
    } else if (from_store == STORE_F32) {
        const float *from = (const float *)values + at;
        EACH out[i] = (double)from[i];
    } else if (from_store == STORE_F16) {
        const uint16_t *from = (const uint16_t *)values + at;
        EACH out[i] = (double)lm__half_to_float(from[i]);
    } else if (from_store == STORE_U64) {
        const uint64_t *from = (const uint64_t *)values + at;
        EACH
        {
            out[i] = (double)from[i];
            bad |= out[i] >= 0x1p64 || (uint64_t)out[i] != from[i];
        }
    } else {
        int64_t integers[BLOCK];
        load_integers(from_store, values, at, count, integers);
        EACH
        {
            out[i] = (double)integers[i];
            bad |= out[i] >= 0x1p63 || (int64_t)out[i] != integers[i];
        }
    }
    return bad != 0;
}

static bool store_as_integers(store to_store, const double *in, void *values, int64_t at,
                              int64_t count)
{
    bool bad = false;
    if (to_store == STORE_U64) {
        uint64_t *to = (uint64_t *)values + at;
        EACH
        {
            bool fits = in[i] >= 0 && in[i] < 0x1p64;
            to[i] = fits ? (uint64_t)in[i] : 0;
            bad |= !fits || (double)to[i] != in[i];
        }
        return bad;
    }
    int64_t integers[BLOCK];
    EACH
    {
        bool fits = in[i] >= -0x1p63 && in[i] < 0x1p63;
        integers[i] = fits ? (int64_t)in[i] : 0;
        bad |= !fits || (double)integers[i] != in[i];
    }
    return store_integers(to_store, integers, values, at, count) || bad;
}

static bool store_doubles(store to_store, const double *in, void *values, int64_t at, int64_t count)
{
    bool bad = false;
    if (to_store == STORE_F64) {
        memcpy((double *)values + at, in, (size_t)count * sizeof *in);
    } else if (to_store == STORE_F32) {
        float *to = (float *)values + at;
        EACH
        {
            to[i] = (float)in[i];
            bad |= (double)to[i] != in[i] && in[i] == in[i];
        }
    } else if (to_store == STORE_F16) {
        uint16_t *to = (uint16_t *)values + at;
        EACH
        {
            to[i] = lm__half_from_float((float)in[i]);
            bad |= (double)lm__half_to_float(to[i]) != in[i] && in[i] == in[i];
        }
    } else {
        return store_as_integers(to_store, in, values, at, count);
    }
    return bad;
}

static bool move_doubles(const cast_plan *plan, const lm_array *in, int64_t from, int64_t count,
                         double *scratch, void *out, int64_t to)
{
    bool bad =
        load_as_doubles(store_of(&in->field->type), in->values, in->offset + from, count, scratch);
    return bad | store_doubles(store_of(&plan->to->type), scratch, out, to, count);
}

lm_status lm__cast_floats(cast_run *run, const cast_plan *plan, const lm_array *in, lm_array *out)
{
    LM_TRY(lm__cast_validity(run, in, out));
    void *values = lm__cast_alloc(run, (size_t)in->length, (size_t)plan->to->type.byte_width);
    if (!values) return lm__cast_memory(run);
    out->values = values;
    double scratch[BLOCK];
    int64_t alone[1];
    for (int64_t start = 0; start < in->length; start += BLOCK) {
        int64_t count = in->length - start < BLOCK ? in->length - start : BLOCK;
        if (!move_doubles(plan, in, start, count, scratch, values, start)) continue;
        for (int64_t row = start; row < start + count; row++)
            if (lm__cast_is_live(run, in, row) && move_doubles(plan, in, row, 1, scratch, alone, 0))
                return refuse_number(run, plan, in, row);
    }
    return LM_OK;
}
