/*
 * Bounds of columns with nulls, of byte strings and of half floats; see minmax.h. Nullable numbers
 * are moved together a piece at a time and given to the kernels.
 */
#include "encode/minmax.h"

#include "base/simd.h"
#include "encode/plain.h"

#define PIECE 1024

/* Bounds of the valid ones by the kernel for values without nulls. */
#define MINMAX_INTEGER(name, type)                                                                 \
    bool lm__minmax_##name(const type *values, lm_bits valid, size_t count, type *min, type *max)  \
    {                                                                                              \
        const lm_minmax_kernels *kernels = lm__minmax_kernels(lm__cpu_level());                    \
        if (!valid.bytes) {                                                                        \
            if (count) kernels->name(values, count, min, max);                                     \
            return count > 0;                                                                      \
        }                                                                                          \
        _Alignas(64) uint8_t room[PIECE * sizeof(type) + LM_ENCODE_SLACK];                         \
        bool there = false;                                                                        \
        for (size_t from = 0; from < count; from += PIECE) {                                       \
            size_t some = count - from < PIECE ? count - from : PIECE;                             \
            some =                                                                                 \
                lm__compact(values + from, sizeof(type), lm__bits_skip(valid, from), some, room);  \
            if (!some) continue;                                                                   \
            type low, high;                                                                        \
            kernels->name((const type *)(const void *)room, some, &low, &high);                    \
            if (!there || low < *min) *min = low;                                                  \
            if (!there || high > *max) *max = high;                                                \
            there = true;                                                                          \
        }                                                                                          \
        return there;                                                                              \
    }

MINMAX_INTEGER(i8, int8_t)
MINMAX_INTEGER(u8, uint8_t)
MINMAX_INTEGER(i16, int16_t)
MINMAX_INTEGER(u16, uint16_t)
MINMAX_INTEGER(i32, int32_t)
MINMAX_INTEGER(u32, uint32_t)
MINMAX_INTEGER(i64, int64_t)
MINMAX_INTEGER(u64, uint64_t)

/* A least zero is told as -0, a greatest as +0 (parquet.thrift, ColumnOrder). */
#define MINMAX_FLOAT(name, type)                                                                   \
    bool lm__minmax_##name(const type *values, lm_bits valid, size_t count, type *min, type *max,  \
                           size_t *nans)                                                           \
    {                                                                                              \
        const lm_minmax_kernels *kernels = lm__minmax_kernels(lm__cpu_level());                    \
        _Alignas(64) uint8_t room[PIECE * sizeof(type) + LM_ENCODE_SLACK];                         \
        type least = (type)__builtin_inf(), most = -(type)__builtin_inf(), low, high;              \
        size_t values_seen = 0, nans_seen = 0, step = valid.bytes ? PIECE : count;                 \
        for (size_t from = 0; from < count; from += step) {                                        \
            size_t some = count - from < step ? count - from : step;                               \
            const type *dense = values + from;                                                     \
            if (valid.bytes) {                                                                     \
                some = lm__compact(dense, sizeof(type), lm__bits_skip(valid, from), some, room);   \
                dense = (const type *)(const void *)room;                                          \
            }                                                                                      \
            if (!some) continue;                                                                   \
            nans_seen += kernels->name(dense, some, &low, &high);                                  \
            values_seen += some;                                                                   \
            least = low < least ? low : least;                                                     \
            most = high > most ? high : most;                                                      \
        }                                                                                          \
        if (nans) *nans = nans_seen;                                                               \
        if (values_seen == nans_seen) return false;                                                \
        *min = least == 0 ? -(type)0 : least;                                                      \
        *max = most == 0 ? (type)0 : most;                                                         \
        return true;                                                                               \
    }

MINMAX_FLOAT(f32, float)
MINMAX_FLOAT(f64, double)

/* Half floats as whole numbers in their order. */
static int half_rank(uint16_t half) { return half & 0x8000 ? -(half & 0x7fff) : half; }

bool lm__minmax_f16(const uint16_t *values, lm_bits valid, size_t count, uint16_t *min,
                    uint16_t *max, size_t *nans)
{
    bool there = false;
    size_t nans_seen = 0;
    int least = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        if (!lm__bits_get(valid, i)) continue;
        if ((values[i] & 0x7fff) > 0x7c00) {
            nans_seen++;
            continue;
        }
        int rank = half_rank(values[i]);
        if (!there || rank < least) least = rank;
        if (!there || rank > most) most = rank;
        there = true;
    }
    if (nans) *nans = nans_seen;
    if (!there) return false;
    *min = (uint16_t)(least <= 0 ? 0x8000 | -least : least);
    *max = (uint16_t)(most < 0 ? 0x8000 | -most : most);
    return true;
}

bool lm__minmax_bool(lm_bits values, lm_bits valid, size_t count, bool *min, bool *max)
{
    size_t present = lm__bits_count(valid, count), set = 0;
    if (!present) return false;
    for (size_t from = 0; from < count; from += 64) {
        size_t some = count - from < 64 ? count - from : 64;
        set += (size_t)__builtin_popcountll(lm__bits_word(values, from, some) &
                                            lm__bits_word(valid, from, some));
    }
    *min = set == present;
    *max = set > 0;
    return true;
}

bool lm__minmax_signed_be(const void *values, size_t width, lm_bits valid, size_t count,
                          size_t *min_index, size_t *max_index)
{
    const uint8_t *bytes = values;
    bool there = false;
    for (size_t i = 0; i < count; i++) {
        if (!lm__bits_get(valid, i)) continue;
        if (!there) {
            *min_index = *max_index = i;
            there = true;
            continue;
        }
        const uint8_t *value = bytes + i * width;
        for (int side = 0; side < 2; side++) {
            size_t *best = side ? max_index : min_index;
            const uint8_t *other = bytes + *best * width;
            int order = (int)(int8_t)value[0] - (int)(int8_t)other[0];
            if (!order) order = memcmp(value, other, width);
            if (side ? order > 0 : order < 0) *best = i;
        }
    }
    return there;
}

int lm__compare_bytes(lm_slice a, lm_slice b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    if (order) return order < 0 ? -1 : 1;
    return (a.size > b.size) - (a.size < b.size);
}

/* Up to eight bytes from `at` on as one number that orders as they do. `limit` ends what may be
 * read; where eight bytes may be, no branch asks how many there are. */
static inline uint64_t key_at(lm_slice value, size_t at, const uint8_t *limit)
{
    size_t left = value.size - at;
    const uint8_t *from = value.data + at;
    uint64_t key = 0;
    if (__builtin_expect((size_t)(limit - from) >= 8, 1)) {
        static const uint64_t keep[9] = {0,           ~0ull << 56, ~0ull << 48,
                                         ~0ull << 40, ~0ull << 32, ~0ull << 24,
                                         ~0ull << 16, ~0ull << 8,  ~0ull};
        return __builtin_bswap64(lm__load64(from)) & keep[left < 8 ? left : 8];
    }
    for (size_t i = 0; i < left && i < 8; i++) key |= (uint64_t)from[i] << (56 - 8 * i);
    return key;
}

/* What all that lies between the bounds begins with, and the bounds' keys behind it. */
typedef struct string_window {
    lm_slice min, max;
    size_t shared;
    uint64_t min_key, max_key;
} string_window;

static void window_set(string_window *window, const uint8_t *limit)
{
    size_t most = window->min.size < window->max.size ? window->min.size : window->max.size;
    size_t shared = 0;
    while (shared < most && window->min.data[shared] == window->max.data[shared]) shared++;
    window->shared = shared;
    window->min_key = key_at(window->min, shared, limit);
    window->max_key = key_at(window->max, shared, limit);
}

LM_ALWAYS_INLINE uint64_t differ_16(const uint8_t *a, const uint8_t *b)
{
    return (lm__load64(a) ^ lm__load64(b)) | (lm__load64(a + 8) ^ lm__load64(b + 8));
}

/* memcmp(a, b, size) == 0, without the call for what texts mostly have in common. */
LM_ALWAYS_INLINE bool begin_alike(const uint8_t *a, const uint8_t *b, size_t size)
{
    if (size > 32) return memcmp(a, b, size) == 0;
    if (size >= 16) return (differ_16(a, b) | differ_16(a + size - 16, b + size - 16)) == 0;
    if (size >= 8)
        return ((lm__load64(a) ^ lm__load64(b)) |
                (lm__load64(a + size - 8) ^ lm__load64(b + size - 8))) == 0;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i]) return false;
    return true;
}

/* Settles most values by one comparison of eight bytes: those within the bounds, and those that
 * are a new bound because of these bytes. What all have in common stays so then. False when that
 * does not tell. */
LM_ALWAYS_INLINE bool window_settles(string_window *window, lm_slice value, const uint8_t *limit,
                                     size_t i, size_t *min_index, size_t *max_index)
{
    if (value.size < window->shared) return false;
    if (!begin_alike(value.data, window->min.data, window->shared)) return false;
    uint64_t key = key_at(value, window->shared, limit);
    if (key > window->min_key && key < window->max_key) return true;
    if (key > window->max_key) {
        *max_index = i;
        window->max = value;
        window->max_key = key;
        return true;
    }
    if (key < window->min_key) {
        *min_index = i;
        window->min = value;
        window->min_key = key;
        return true;
    }
    return false;
}

/* One loop for each layout: `kind` is a constant where this is inlined. */
LM_ALWAYS_INLINE void minmax_run(const lm_strings *strings, lm_strings_kind kind, size_t start,
                                 size_t end, const uint8_t *limit, string_window *window,
                                 size_t *min_index, size_t *max_index)
{
    lm_strings known = *strings;
    known.kind = kind;
    for (size_t i = start; i < end; i++) {
        lm_slice value = lm__strings_get(&known, i);
        const uint8_t *stop = kind == LM_STRINGS_VIEWS ? value.data + value.size : limit;
        if (window_settles(window, value, stop, i, min_index, max_index)) continue;
        if (lm__compare_bytes(value, window->min) < 0) {
            *min_index = i;
            window->min = value;
            window_set(window, stop);
        } else if (lm__compare_bytes(value, window->max) > 0) {
            *max_index = i;
            window->max = value;
            window_set(window, stop);
        }
    }
}

bool lm__minmax_strings(const lm_strings *strings, lm_bits valid, size_t count, size_t *min_index,
                        size_t *max_index)
{
    size_t first = lm__bits_find(valid, 0, count, true);
    if (first >= count) return false;
    *min_index = *max_index = first;
    lm_slice value = lm__strings_get(strings, first);
    const uint8_t *limit = lm__strings_limit(strings, count);
    string_window window = {.min = value, .max = value};
    window_set(&window, strings->kind == LM_STRINGS_VIEWS ? value.data + value.size : limit);
    for (lm_bits_run run = {0}; lm__bits_next_run(valid, count, &run);) {
        if (!run.set) continue;
        size_t start = run.start, end = run.start + run.length;
        switch (strings->kind) {
#define RUN_CASE(kind)                                                                             \
    case kind: minmax_run(strings, kind, start, end, limit, &window, min_index, max_index); break;
            RUN_CASE(LM_STRINGS_OFFSETS32)
            RUN_CASE(LM_STRINGS_OFFSETS64)
            RUN_CASE(LM_STRINGS_VIEWS)
            RUN_CASE(LM_STRINGS_FIXED)
#undef RUN_CASE
        }
    }
    return true;
}
