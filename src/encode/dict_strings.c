/*
 * Looking byte strings up in a dictionary, and fixed widths that are no machine word
 * (dict_table.h).
 *
 * 64 rows are taken together and go through passes: load (a key of two words, and a hash), guess
 * (does an entry in the hash's first two places have the same key?), resolve (new strings and those
 * displaced further, one by one). The key of a string up to 16 bytes is the string, padded
 * with zeros; that of a longer one is its hash and its last 8 bytes, and it is compared whole
 * besides.
 *
 * Where short and long strings mix, a branch on the length would be foreseen badly: then all are
 * loaded as if they were short, and the longer ones are done again in a loop of their own. Where
 * nearly all are of one sort, the branch is the cheaper way. Each batch tells which way the next
 * goes.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/simd.h"
#include "encode/dict_table.h"

#define ROWS 64
#define SHORT_BYTES 16
#define PREFETCH_MAX 8192
#define SEED_A 0x2d358dccaa6c78a5u
#define SEED_B 0x8bb84b93962eacc9u

typedef struct batch {
    size_t n;
    size_t bytes;    /* of the strings together */
    uint64_t longer; /* which are more than SHORT_BYTES */
    const uint8_t *data[ROWS];
    uint64_t low[ROWS], high[ROWS], hash[ROWS];
    uint32_t size[ROWS];
    uint8_t row[ROWS];
} batch;

/* --- Hashes --------------------------------------------------------------------------------- */

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_short(uint64_t low, uint64_t high, size_t size)
{
    return mix(low ^ SEED_A ^ size, high ^ SEED_B);
}

/* size is above SHORT_BYTES. Two chains of 16 bytes side by side; the last bytes of each step
 * overlap those before them where the length is no multiple. */
LM_ALWAYS_INLINE uint64_t hash_long_scalar(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size - 16;
    uint64_t one = SEED_A ^ size, two = SEED_B;
    for (; end - data > 16; data += 32) {
        one = mix(lm__load64(data) ^ one, lm__load64(data + 8) ^ SEED_B);
        two = mix(lm__load64(data + 16) ^ two, lm__load64(data + 24) ^ SEED_A);
    }
    if (data > end) data = end;
    one = mix(lm__load64(data) ^ one, lm__load64(data + 8) ^ SEED_B);
    two = mix(lm__load64(end) ^ two, lm__load64(end + 8) ^ SEED_A);
    return mix(one ^ SEED_B, two ^ SEED_A);
}

/* At most 16 bytes as two words, zeros after them; nothing else is read. */
static inline void load_short(const uint8_t *data, size_t size, uint64_t *low, uint64_t *high)
{
    *high = 0;
    *low = 0;
    if (size >= 8) {
        *low = lm__load64(data);
        if (size > 8) *high = lm__load64(data + size - 8) >> (8 * (16 - size));
    } else if (size >= 4) {
        *low = lm__load32(data) | (uint64_t)lm__load32(data + size - 4) << (8 * (size - 4));
    } else if (size) {
        *low = data[0] | (uint64_t)data[size >> 1] << (8 * (size >> 1)) |
               (uint64_t)data[size - 1] << (8 * (size - 1));
    }
}

uint64_t lm__dict_hash(const uint8_t *data, size_t size)
{
    uint64_t low, high;
    if (size > SHORT_BYTES) return hash_long_scalar(data, size);
    load_short(data, size, &low, &high);
    return hash_short(low, high, size);
}

LM_ALWAYS_INLINE uint64_t differ_16(const uint8_t *a, const uint8_t *b)
{
    return (lm__load64(a) ^ lm__load64(b)) | (lm__load64(a + 8) ^ lm__load64(b + 8));
}

/* size is above SHORT_BYTES; overlapping as above. */
LM_ALWAYS_INLINE bool equal_long_scalar(const uint8_t *a, const uint8_t *b, size_t size)
{
    if (size > 64) return memcmp(a, b, size) == 0;
    size_t last = size - 16, middle = last < 16 ? last : 16, third = last < 32 ? last : 32;
    return (differ_16(a, b) | differ_16(a + middle, b + middle) | differ_16(a + third, b + third) |
            differ_16(a + last, b + last)) == 0;
}

#ifdef LM_SIMD_X86

/* 64 bytes a step, the last under a mask: lengths up to 64 cost the same and need no foresight.
 * Each lane multiplies the halves of its 8 bytes, each with a key of its own. */
LM_TARGET_AVX512 static inline uint64_t hash_long_avx512(const uint8_t *data, size_t size)
{
    __m512i key = _mm512_set_epi64((long long)0xbe4ba423396cfeb8, (long long)0x1cad21f72c81017c,
                                   (long long)0xdb979083e96dd4de, (long long)0x1f67b3b7a4a44072,
                                   (long long)0x78e5c0cc4ee679cb, (long long)0x2172ffcc7dd05a82,
                                   (long long)0x8e2443f7744608b8, (long long)0x4c263a81e69035e0);
    __m512i sum = _mm512_setzero_si512();
    for (size_t left = size;; left -= 64, data += 64) {
        __mmask64 mask = _bzhi_u64(~(uint64_t)0, left < 64 ? (unsigned)left : 64);
        __m512i bytes = _mm512_maskz_loadu_epi8(mask, data), keyed = _mm512_xor_si512(bytes, key);
        __m512i product = _mm512_mul_epu32(keyed, _mm512_srli_epi64(keyed, 32));
        sum = _mm512_add_epi64(sum, _mm512_add_epi64(product, _mm512_rol_epi64(bytes, 32)));
        if (left <= 64) break;
        key = _mm512_add_epi64(key, _mm512_set1_epi64((long long)SEED_B));
        sum = _mm512_rol_epi64(sum, 23);
    }
    __m256i half = _mm256_add_epi64(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
    __m128i pair = _mm_add_epi64(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    uint64_t total = (uint64_t)_mm_cvtsi128_si64(pair) + (uint64_t)_mm_extract_epi64(pair, 1);
    return mix(total ^ SEED_A, SEED_B ^ size);
}

LM_TARGET_AVX512 static inline bool equal_long_avx512(const uint8_t *a, const uint8_t *b,
                                                      size_t size)
{
    for (;; size -= 64, a += 64, b += 64) {
        __mmask64 mask = _bzhi_u64(~(uint64_t)0, size < 64 ? (unsigned)size : 64);
        if (_mm512_cmpneq_epi8_mask(_mm512_maskz_loadu_epi8(mask, a),
                                    _mm512_maskz_loadu_epi8(mask, b)))
            return false;
        if (size <= 64) return true;
    }
}

#endif

/* What a level does with long strings; constants where they are inlined. */
typedef uint64_t hash_function(const uint8_t *data, size_t size);
typedef bool equal_function(const uint8_t *a, const uint8_t *b, size_t size);

/* --- Loading -------------------------------------------------------------------------------- */

/* What of the two words belongs to a string of so many bytes. */
static const uint64_t keep_low[17] = {
    0,     0xff,  0xffff, 0xffffff, 0xffffffff, ~0ull >> 24, ~0ull >> 16, ~0ull >> 8, ~0ull,
    ~0ull, ~0ull, ~0ull,  ~0ull,    ~0ull,      ~0ull,       ~0ull,       ~0ull};
static const uint64_t keep_high[17] = {
    0,    0,      0,        0,          0,           0,           0,          0,    0,
    0xff, 0xffff, 0xffffff, 0xffffffff, ~0ull >> 24, ~0ull >> 16, ~0ull >> 8, ~0ull};

/* No string of 4 GiB gets into a dictionary, nor equals one: its size may stand for any such. */
static inline uint32_t size_of(size_t size)
{
    return size < UINT32_MAX - 1 ? (uint32_t)size : UINT32_MAX - 1;
}

/* The key and hash of a string that may be read 16 bytes from its start on. */
LM_ALWAYS_INLINE void set_padded(batch *b, size_t k, const uint8_t *data, size_t kept)
{
    b->low[k] = lm__load64(data) & keep_low[kept];
    b->high[k] = lm__load64(data + 8) & keep_high[kept];
    b->hash[k] = hash_short(b->low[k], b->high[k], kept);
}

LM_ALWAYS_INLINE void set_short(batch *b, size_t k, const uint8_t *data, size_t size)
{
    load_short(data, size, &b->low[k], &b->high[k]);
    b->hash[k] = hash_short(b->low[k], b->high[k], size);
}

LM_ALWAYS_INLINE void set_long(batch *b, size_t k, const uint8_t *data, size_t size,
                               hash_function *hash)
{
    b->hash[k] = b->low[k] = hash(data, size);
    b->high[k] = lm__load64(data + size - 8);
}

/* The layout and `mixed` are constants where this is inlined. `limit` ends what may be read.
 * Returns which rows are to be loaded again, as what they are. */
LM_ALWAYS_INLINE uint64_t load_rows(batch *b, const lm_strings *strings, lm_strings_kind kind,
                                    size_t start, bool mixed, const uint8_t *limit,
                                    hash_function *hash)
{
    lm_strings known = *strings;
    known.kind = kind;
    size_t bytes = 0;
    uint64_t longer = 0, again = 0;
    for (size_t k = 0; k < b->n; k++) {
        size_t row = start + b->row[k];
        lm_slice slice = lm__strings_get(&known, row);
        bool is_long = slice.size > SHORT_BYTES;
        b->data[k] = slice.data;
        b->size[k] = size_of(slice.size);
        bytes += slice.size;
        longer |= (uint64_t)is_long << k;
        if (kind == LM_STRINGS_VIEWS) {
            /* The 12 bytes of a short view, read from its length on and shifted into place. */
            const uint8_t *view = (const uint8_t *)known.offsets + 16 * row;
            bool inside = slice.size <= 12;
            if (mixed || inside) {
                size_t kept = inside ? slice.size : 12;
                b->low[k] = lm__load64(view + 4) & keep_low[kept];
                b->high[k] = lm__load32(view + 12) & keep_high[kept];
                b->hash[k] = hash_short(b->low[k], b->high[k], kept);
                again |= (uint64_t)!inside << k;
                continue;
            }
        } else if (__builtin_expect((size_t)(limit - slice.data) >= SHORT_BYTES, 1)) {
            if (mixed || !is_long) {
                set_padded(b, k, slice.data, is_long ? SHORT_BYTES : slice.size);
                again |= (uint64_t)is_long << k;
                continue;
            }
        }
        if (is_long)
            set_long(b, k, slice.data, slice.size, hash);
        else
            set_short(b, k, slice.data, slice.size);
    }
    b->bytes = bytes;
    b->longer = longer;
    return again;
}

LM_ALWAYS_INLINE void load_batch(batch *b, const lm_strings *strings, size_t start, bool mixed,
                                 const uint8_t *limit, hash_function *hash)
{
    uint64_t again = 0;
    switch (strings->kind) {
#define LOAD_CASE(kind)                                                                            \
    case kind:                                                                                     \
        if (mixed)                                                                                 \
            again = load_rows(b, strings, kind, start, true, limit, hash);                         \
        else                                                                                       \
            again = load_rows(b, strings, kind, start, false, limit, hash);                        \
        break;
        LOAD_CASE(LM_STRINGS_OFFSETS32)
        LOAD_CASE(LM_STRINGS_OFFSETS64)
        LOAD_CASE(LM_STRINGS_VIEWS)
#undef LOAD_CASE
    case LM_STRINGS_FIXED: /* all are short, or all long: never mixed */
        again = load_rows(b, strings, LM_STRINGS_FIXED, start, false, limit, hash);
        break;
    }
    for (; again; again &= again - 1) {
        size_t k = (size_t)__builtin_ctzll(again);
        if (b->longer >> k & 1)
            set_long(b, k, b->data[k], b->size[k], hash);
        else
            set_short(b, k, b->data[k], b->size[k]);
    }
}

/* The passes after this one read what it has read; meanwhile the next rows' bytes may come. */
LM_ALWAYS_INLINE void prefetch_rows(const lm_strings *strings, size_t start, size_t end)
{
    if (strings->kind == LM_STRINGS_VIEWS || start >= end) return;
    const uint8_t *from = lm__strings_get(strings, start).data;
    const uint8_t *to = lm__strings_get(strings, end - 1).data;
    if (to - from > PREFETCH_MAX) to = from + PREFETCH_MAX;
    for (; from < to; from += 64) __builtin_prefetch(from);
}

/* --- Looking up ----------------------------------------------------------------------------- */

static bool equals(const lm_dict *dict, const lm_dict_string *entry, const batch *b, size_t k)
{
    return entry->size == b->size[k] && entry->low == b->low[k] && entry->high == b->high[k] &&
           (entry->size <= SHORT_BYTES ||
            equal_long_scalar(dict->bytes + entry->offset, b->data[k], entry->size));
}

static void place(lm_dict_slot_string *slots, unsigned bits, uint64_t hash, uint32_t index)
{
    size_t mask = ((size_t)1 << bits) - 1, at = hash >> (64 - bits);
    while (slots[at].index) at = (at + 1) & mask;
    slots[at] = (lm_dict_slot_string){(uint32_t)hash, index};
}

/* Room for the batch in every table, so that what follows cannot fail. */
static lm_status make_room(lm_dict *dict, const batch *b, lm_error *error)
{
    size_t left = dict->options.bytes_max - dict->size, prefix = 4 * b->n;
    LM_TRY(lm__dict_reserve(dict, b->bytes + prefix < left ? b->bytes + prefix : left, error));
    if (!lm__array_room(dict->options.allocator, &dict->strings, &dict->strings_capacity,
                        dict->count + 1 + b->n, sizeof *dict->strings))
        return lm__dict_memory(error);
    dict->strings[0] = (lm_dict_string){.size = UINT32_MAX};
    unsigned bits = lm__dict_slots_bits(dict->count + b->n);
    if (dict->hashed && bits <= dict->slots_bits) return LM_OK;
    LM_TRY(lm__dict_new_slots(dict, sizeof(lm_dict_slot_string) << bits, error));
    dict->hashed = true;
    dict->slots_bits = bits;
    for (size_t i = 1; i <= dict->count; i++)
        place(dict->slots, bits, dict->strings[i].hash, (uint32_t)i);
    return LM_OK;
}

/* Which of the batch found no equal entry in their first two places. The tag says which of the two;
 * a branch on it would be foreseen badly. */
LM_ALWAYS_INLINE uint64_t guess(const lm_dict *dict, const batch *b, uint32_t *indices,
                                equal_function *equal)
{
    const lm_dict_slot_string *slots = dict->slots;
    const lm_dict_string *strings = dict->strings;
    unsigned shift = 64 - dict->slots_bits;
    size_t mask = ((size_t)1 << dict->slots_bits) - 1;
    uint64_t missed = 0;
    for (size_t k = 0; k < b->n; k++) {
        size_t at = b->hash[k] >> shift;
        lm_dict_slot_string first = slots[at], second = slots[(at + 1) & mask];
        bool is_first = first.tag == (uint32_t)b->hash[k];
        indices[k] = is_first ? first.index : second.index;
        __builtin_prefetch(&strings[indices[k]]);
    }
    for (size_t k = 0; k < b->n; k++) {
        uint32_t index = indices[k];
        const lm_dict_string *entry = &strings[index];
        uint64_t differ =
            (entry->size ^ b->size[k]) | (entry->low ^ b->low[k]) | (entry->high ^ b->high[k]);
        indices[k] = index - 1;
        missed |= (uint64_t)(differ != 0) << k;
    }
    for (uint64_t left = b->longer & ~missed; left; left &= left - 1) {
        size_t k = (size_t)__builtin_ctzll(left);
        const lm_dict_string *entry = &strings[indices[k] + 1];
        if (!equal(dict->bytes + entry->offset, b->data[k], entry->size))
            missed |= (uint64_t)1 << k;
    }
    return missed;
}

/* The index of a string of the batch, added if need be; LM_DICT_NONE when there is no room. */
static uint32_t find_or_add(lm_dict *dict, const batch *b, size_t k)
{
    lm_dict_slot_string *slots = dict->slots;
    uint64_t hash = b->hash[k];
    size_t mask = ((size_t)1 << dict->slots_bits) - 1, at = hash >> (64 - dict->slots_bits);
    for (; slots[at].index; at = (at + 1) & mask) {
        if (slots[at].tag == (uint32_t)hash && equals(dict, &dict->strings[slots[at].index], b, k))
            return slots[at].index - 1;
    }
    size_t prefix = dict->out_width ? 0 : 4, size = b->size[k];
    if (dict->options.bytes_max - dict->size < prefix + size) return LM_DICT_NONE;
    uint8_t *out = dict->bytes + dict->size;
    if (prefix) memcpy(out, &b->size[k], 4);
    if (size) memcpy(out + prefix, b->data[k], size);
    dict->count++;
    dict->strings[dict->count] =
        (lm_dict_string){b->low[k], b->high[k], hash, b->size[k], (uint32_t)(dict->size + prefix)};
    dict->size += prefix + size;
    slots[at] = (lm_dict_slot_string){(uint32_t)hash, (uint32_t)dict->count};
    return (uint32_t)dict->count - 1;
}

LM_ALWAYS_INLINE lm_status put_body(lm_dict *dict, const lm_strings *strings, lm_bits valid,
                                    size_t count, uint32_t *indices, lm_dict_progress *progress,
                                    hash_function *hash, equal_function *equal, lm_error *error)
{
    const uint8_t *limit = lm__strings_limit(strings, count);
    batch b;
    b.bytes = 0;
    b.longer = 0;
    bool mixed = false;
    for (size_t start = 0; start < count; start += ROWS) {
        size_t n = count - start < ROWS ? count - start : ROWS;
        uint64_t word = lm__bits_word(valid, start, n);
        b.n = (size_t)__builtin_popcountll(word);
        if (b.n == n) {
            for (size_t k = 0; k < ROWS; k++) b.row[k] = (uint8_t)k;
        } else {
            for (size_t k = 0; word; k++, word &= word - 1)
                b.row[k] = (uint8_t)__builtin_ctzll(word);
        }
        load_batch(&b, strings, start, mixed, limit, hash);
        size_t longer = (size_t)__builtin_popcountll(b.longer), after = start + n;
        prefetch_rows(strings, after, count - after < ROWS ? count : after + ROWS);
        mixed = longer > b.n / 16 && longer < b.n - b.n / 16;
        LM_TRY(make_room(dict, &b, error));
        uint32_t *out = indices + progress->written;
        for (uint64_t left = guess(dict, &b, out, equal); left; left &= left - 1) {
            size_t k = (size_t)__builtin_ctzll(left);
            out[k] = find_or_add(dict, &b, k);
            if (out[k] == LM_DICT_NONE) {
                progress->written += k;
                progress->consumed += b.row[k];
                return LM_OK;
            }
        }
        progress->written += b.n;
        progress->consumed += n;
    }
    return LM_OK;
}

#define PUT(level, target, long_level)                                                             \
    target static lm_status put_##level(lm_dict *dict, const lm_strings *strings, lm_bits valid,   \
                                        size_t count, uint32_t *indices,                           \
                                        lm_dict_progress *progress, lm_error *error)               \
    {                                                                                              \
        return put_body(dict, strings, valid, count, indices, progress, hash_long_##long_level,    \
                        equal_long_##long_level, error);                                           \
    }

PUT(scalar, , scalar)
#ifdef LM_SIMD_X86
PUT(avx2, LM_TARGET_AVX2, scalar)
PUT(avx512, LM_TARGET_AVX512, avx512)
#endif

lm_status lm__dict_put_strings(lm_dict *dict, const lm_strings *strings, lm_bits valid,
                               size_t count, uint32_t *indices, lm_dict_progress *progress,
                               lm_error *error)
{
    *progress = (lm_dict_progress){0};
    if (count == 0) return LM_OK;
#ifdef LM_SIMD_X86
    if (lm__cpu_level() >= LM_CPU_AVX512)
        return put_avx512(dict, strings, valid, count, indices, progress, error);
    if (lm__cpu_level() >= LM_CPU_AVX2)
        return put_avx2(dict, strings, valid, count, indices, progress, error);
#endif
    return put_scalar(dict, strings, valid, count, indices, progress, error);
}
