/*
 * The types of Arrow, and for each the layout of its memory.
 *
 * A type is told by its id and a few parameters; what has children (lists, structs, maps,
 * dictionaries) keeps them in the field (schema.h).
 */
#ifndef LM_ARROW_TYPE_H
#define LM_ARROW_TYPE_H

#include <lamella/base.h>

typedef enum lm_type_id {
    LM_TYPE_NULL,
    LM_TYPE_BOOL,
    LM_TYPE_INT8,
    LM_TYPE_INT16,
    LM_TYPE_INT32,
    LM_TYPE_INT64,
    LM_TYPE_UINT8,
    LM_TYPE_UINT16,
    LM_TYPE_UINT32,
    LM_TYPE_UINT64,
    LM_TYPE_FLOAT16,
    LM_TYPE_FLOAT32,
    LM_TYPE_FLOAT64,
    LM_TYPE_DECIMAL32,
    LM_TYPE_DECIMAL64,
    LM_TYPE_DECIMAL128,
    LM_TYPE_DECIMAL256,
    LM_TYPE_UTF8,
    LM_TYPE_LARGE_UTF8,
    LM_TYPE_UTF8_VIEW,
    LM_TYPE_BINARY,
    LM_TYPE_LARGE_BINARY,
    LM_TYPE_BINARY_VIEW,
    LM_TYPE_FIXED_BINARY, /* byte_width */
    LM_TYPE_DATE32,       /* int32 days since 1970-01-01 */
    LM_TYPE_DATE64,       /* int64 milliseconds */
    LM_TYPE_TIME32,       /* int32, unit s or ms */
    LM_TYPE_TIME64,       /* int64, unit us or ns */
    LM_TYPE_TIMESTAMP,    /* int64; unit, timezone */
    LM_TYPE_DURATION,     /* int64; unit */
    LM_TYPE_INTERVAL_MONTHS,
    LM_TYPE_INTERVAL_DAY_TIME,
    LM_TYPE_INTERVAL_MONTH_DAY_NANO,
    LM_TYPE_LIST,
    LM_TYPE_LARGE_LIST,
    LM_TYPE_LIST_VIEW,
    LM_TYPE_LARGE_LIST_VIEW,
    LM_TYPE_FIXED_LIST, /* list_size */
    LM_TYPE_STRUCT,
    LM_TYPE_MAP,             /* one child: a struct of key and value */
    LM_TYPE_DICTIONARY,      /* index_id, ordered; the field's `dictionary` is the value */
    LM_TYPE_RUN_END_ENCODED, /* two children: run_ends and values */
    LM_TYPE_SPARSE_UNION,    /* known by name only: arrays of unions are refused */
    LM_TYPE_DENSE_UNION,
    LM_TYPE_COUNT,
} lm_type_id;

/* The numbers are those of the Arrow format's TimeUnit. */
typedef enum lm_time_unit {
    LM_UNIT_SECOND,
    LM_UNIT_MILLI,
    LM_UNIT_MICRO,
    LM_UNIT_NANO,
} lm_time_unit;

/* How an array of the type lies in memory. */
typedef enum lm_layout {
    LM_LAYOUT_NULL,            /* nothing at all */
    LM_LAYOUT_BITS,            /* validity, values (bits) */
    LM_LAYOUT_FIXED,           /* validity, values (byte_width each); dictionaries' indices too */
    LM_LAYOUT_BINARY,          /* validity, offsets (int32), values */
    LM_LAYOUT_LARGE_BINARY,    /* validity, offsets (int64), values */
    LM_LAYOUT_VIEW,            /* validity, values (16-byte views), variadic buffers */
    LM_LAYOUT_LIST,            /* validity, offsets (int32); maps too */
    LM_LAYOUT_LARGE_LIST,      /* validity, offsets (int64) */
    LM_LAYOUT_LIST_VIEW,       /* validity, offsets (int32), sizes (int32) */
    LM_LAYOUT_LARGE_LIST_VIEW, /* validity, offsets (int64), sizes (int64) */
    LM_LAYOUT_FIXED_LIST,      /* validity */
    LM_LAYOUT_STRUCT,          /* validity */
    LM_LAYOUT_RUN_END,         /* nothing: see the children */
    LM_LAYOUT_UNION,
} lm_layout;

typedef struct lm_type {
    lm_type_id id;
    lm_layout layout;
    lm_time_unit unit;
    lm_type_id index_id;  /* of a dictionary: one of the eight integer types */
    int32_t byte_width;   /* of one value, where the layout is FIXED; else 0 */
    int32_t precision;    /* decimals */
    int32_t scale;        /* decimals; may be negative */
    int32_t list_size;    /* fixed lists */
    bool ordered;         /* dictionaries */
    bool keys_sorted;     /* maps */
    const char *timezone; /* timestamps; NULL for none. Points into the schema's arena */
} lm_type;

/* A type of this id with its layout and width set; parameters are the caller's to fill. */
lm_type lm__type_make(lm_type_id id);
lm_type lm__type_fixed_binary(int32_t byte_width);
lm_type lm__type_decimal(lm_type_id id, int32_t precision, int32_t scale);
lm_type lm__type_temporal(lm_type_id id, lm_time_unit unit);
lm_type lm__type_dictionary(lm_type_id index_id, bool ordered);

/* "int64", "large_list", …: the id's name, without parameters. */
const char *lm__type_name(lm_type_id id);
const char *lm__unit_name(lm_time_unit unit); /* "s", "ms", "us", "ns" */
/* Units in a second: 1, 1000, … */
int64_t lm__unit_per_second(lm_time_unit unit);
int lm__decimal_precision_max(lm_type_id id); /* 9, 18, 38, 76 */

/* Parameters alike, time zone's text included; children are not looked at. */
bool lm__type_equal(const lm_type *a, const lm_type *b);

static inline bool lm__type_is_signed(lm_type_id id)
{
    return id >= LM_TYPE_INT8 && id <= LM_TYPE_INT64;
}
static inline bool lm__type_is_unsigned(lm_type_id id)
{
    return id >= LM_TYPE_UINT8 && id <= LM_TYPE_UINT64;
}
static inline bool lm__type_is_integer(lm_type_id id)
{
    return id >= LM_TYPE_INT8 && id <= LM_TYPE_UINT64;
}
/* The greatest value of an integer type, as far as int64 reaches. */
int64_t lm__type_greatest(lm_type_id integer);
static inline bool lm__type_is_float(lm_type_id id)
{
    return id >= LM_TYPE_FLOAT16 && id <= LM_TYPE_FLOAT64;
}
static inline bool lm__type_is_decimal(lm_type_id id)
{
    return id >= LM_TYPE_DECIMAL32 && id <= LM_TYPE_DECIMAL256;
}
/* utf8, large_utf8, utf8_view */
static inline bool lm__type_is_text(lm_type_id id)
{
    return id >= LM_TYPE_UTF8 && id <= LM_TYPE_UTF8_VIEW;
}
/* binary, large_binary, binary_view; not fixed_binary */
static inline bool lm__type_is_binary(lm_type_id id)
{
    return id >= LM_TYPE_BINARY && id <= LM_TYPE_BINARY_VIEW;
}
/* list, large_list, list_view, large_list_view, fixed_list; not map */
static inline bool lm__type_is_list(lm_type_id id)
{
    return id >= LM_TYPE_LIST && id <= LM_TYPE_FIXED_LIST;
}

#endif
