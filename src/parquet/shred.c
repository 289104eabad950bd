/*
 * Shredding; see shred.h.
 *
 * The walk goes down a leaf's path one step at a time. Between two steps it holds the definition
 * and repetition level of every entry so far, and where in the current Arrow array the live entries
 * (defined so far) lie, as runs. A struct or leaf with nulls ends entries; a list ends or
 * multiplies them.
 */
#include "parquet/shred.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

/* Live slots that follow each other in the current array. */
typedef struct slot_run {
    int64_t start, length;
} slot_run;

typedef struct level_state {
    uint8_t *definitions, *repetitions;
    size_t entries;
    slot_run *runs;
    size_t run_count, run_capacity;
    uint8_t live; /* the definition level of entries that are defined so far */
    size_t live_count;
} level_state;

typedef struct shredder {
    const lm_leaf *leaf;
    lm_shredded *out;
    lm_arena *levels; /* of what is only needed on the way, and of the levels */
    const lm_rows *rows;
    lm_error *error;
} shredder;

static lm_status shred_memory(shredder *shred)
{
    return lm__error_memory(shred->error, "taking columns apart");
}

/* Which row an entry of this range belongs to is counted only for the message. */
static lm_status null_refused(shredder *shred, const level_state *state, size_t entry)
{
    int64_t row = -1;
    if (state->repetitions)
        for (size_t i = 0; i <= entry; i++) row += state->repetitions[i] == 0;
    else
        row = (int64_t)entry;
    return lm__error_set(shred->error, LM_SCHEMA,
                         "column %s: null in row %lld of the batch, but the column is not nullable",
                         shred->leaf->arrow_path, (long long)(shred->rows->start + row));
}

static lm_piece *add_piece(shredder *shred)
{
    lm_shredded *out = shred->out;
    if (!lm__arena_room(out->arena, &out->pieces, &out->piece_capacity, out->piece_count + 1,
                        sizeof *out->pieces))
        return NULL;
    lm_piece *piece = &out->pieces[out->piece_count++];
    memset(piece, 0, sizeof *piece);
    return piece;
}

static bool add_run(level_state *state, lm_arena *arena, int64_t start, int64_t length)
{
    if (length == 0) return true;
    slot_run *last = state->run_count ? &state->runs[state->run_count - 1] : NULL;
    if (last && last->start + last->length == start) {
        last->length += length;
        return true;
    }
    if (!lm__arena_room(arena, &state->runs, &state->run_capacity, state->run_count + 1,
                        sizeof *state->runs))
        return false;
    state->runs[state->run_count++] = (slot_run){start, length};
    return true;
}

/* The slice of `array` that a run covers, as a piece whose validity is `valid`. */
static lm_status put_piece(shredder *shred, const lm_array *array, slot_run run, lm_bits valid,
                           size_t nulls)
{
    if (run.length == 0) return LM_OK;
    lm_piece *piece = add_piece(shred);
    if (!piece) return shred_memory(shred);
    piece->count = (size_t)run.length;
    piece->nulls = nulls;
    piece->valid = nulls ? valid : LM_BITS_ALL;
    piece->array = lm__array_slice(array, run.start, run.length);
    shred->out->slots += piece->count;
    shred->out->nulls += nulls;
    return LM_OK;
}

static bool has_nulls(const lm_array *array) { return lm__array_null_count(array) > 0; }

/* Validity of a slice as bits; nulls counted. The null type has no valid value. */
static size_t slice_nulls(const lm_array *array)
{
    if (array->field->type.id == LM_TYPE_NULL) return (size_t)array->length;
    return array->validity ? (size_t)lm__array_null_count(array) : 0;
}

static lm_bits slice_bits(const lm_array *array)
{
    return (lm_bits){array->validity, (size_t)array->offset};
}

/* The validity of dictionary values shines through to the indices that point to them. */
static lm_status dictionary_valid(shredder *shred, const lm_array *array, lm_bits *valid,
                                  size_t *nulls)
{
    size_t count = (size_t)array->length, set = 0;
    uint8_t *bits = lm__arena_zero(shred->out->arena, count / 8 + 1);
    if (!bits) return shred_memory(shred);
    for (size_t i = 0; i < count; i++) {
        if (!lm__array_valid_logical(array, (int64_t)i)) continue;
        bits[i >> 3] = (uint8_t)(bits[i >> 3] | 1u << (i & 7));
        set++;
    }
    *valid = (lm_bits){bits, 0};
    *nulls = count - set;
    return LM_OK;
}

/* Validity of an array's own values. */
static lm_status own_validity(shredder *shred, const lm_array *array, lm_bits *valid, size_t *nulls)
{
    if (array->field->type.id == LM_TYPE_DICTIONARY && array->dictionary &&
        has_nulls(array->dictionary))
        return dictionary_valid(shred, array, valid, nulls);
    *nulls = slice_nulls(array);
    *valid = slice_bits(array);
    if (array->field->type.id == LM_TYPE_NULL && array->length) {
        uint8_t *none = lm__arena_zero(shred->out->arena, (size_t)array->length / 8 + 1);
        if (!none) return shred_memory(shred);
        *valid = (lm_bits){none, 0};
    }
    return LM_OK;
}

/* A column without lists, and without nulls above the leaf: its validity is all there is to say. */
static lm_status shred_flat(shredder *shred, const lm_array *leaf_array)
{
    lm_bits valid;
    size_t nulls;
    LM_TRY(own_validity(shred, leaf_array, &valid, &nulls));
    const lm_leaf_step *last = &shred->leaf->steps[shred->leaf->step_count - 1];
    if (nulls && !last->optional) {
        level_state none = {0};
        size_t first = 0;
        while (lm__bits_get(valid, first)) first++;
        return null_refused(shred, &none, first);
    }
    return put_piece(shred, leaf_array, (slot_run){0, leaf_array->length}, valid, nulls);
}

/* Goes down from the column over structs alone; false when it meets a list, or a struct with nulls.
 */
static bool flat_leaf_array(const lm_leaf *leaf, const lm_rows *rows, lm_array *out)
{
    lm_array column = lm__array_child(&rows->batch->root, leaf->steps[0].child);
    lm_array array = lm__array_slice(&column, rows->start, rows->length);
    for (size_t i = 1; i < leaf->step_count; i++) {
        if (leaf->steps[i - 1].repeated || has_nulls(&array)) return false;
        array = lm__array_child(&array, leaf->steps[i].child);
    }
    *out = array;
    return !leaf->repetition_max;
}

/* All live entries rise to the next level. */
static void raise_all(level_state *state, uint8_t risen)
{
    uint8_t *definitions = state->definitions, live = state->live;
    size_t entries = state->entries; /* the stores might change what `state` says */
    for (size_t i = 0; i < entries; i++)
        definitions[i] = definitions[i] == live ? risen : definitions[i];
    state->live = risen;
}

/* Ends the live entries whose slot is null in `array`; the others rise to the step's own level. */
static lm_status pass_validity(shredder *shred, level_state *state, const lm_array *array,
                               const lm_leaf_step *step)
{
    if (!step->optional && !has_nulls(array)) return LM_OK;
    uint8_t live = state->live, risen = (uint8_t)(live + step->optional);
    uint8_t *definitions = state->definitions;
    if (!has_nulls(array)) {
        raise_all(state, risen);
        return LM_OK;
    }
    level_state next = *state;
    next.runs = NULL;
    next.run_count = next.run_capacity = 0;
    next.live_count = 0;
    size_t run = 0;
    int64_t at = state->run_count ? state->runs[0].start : 0;
    for (size_t i = 0; i < state->entries; i++) {
        if (definitions[i] != live) continue;
        if (at == state->runs[run].start + state->runs[run].length) at = state->runs[++run].start;
        if (lm__array_valid(array, at)) {
            definitions[i] = risen;
            next.live_count++;
            if (!add_run(&next, shred->levels, at, 1)) return shred_memory(shred);
        } else if (!step->optional) {
            return null_refused(shred, state, i);
        }
        at++;
    }
    next.live = risen;
    *state = next;
    return LM_OK;
}

static size_t items_total(const lm_array *list, const level_state *state)
{
    size_t total = 0;
    if (list->field->type.layout == LM_LAYOUT_LIST) {
        const int32_t *offsets = (const int32_t *)list->offsets + list->offset;
        for (size_t r = 0; r < state->run_count; r++) {
            const slot_run *run = &state->runs[r];
            total += (size_t)(offsets[run->start + run->length] - offsets[run->start]);
        }
        return total;
    }
    for (size_t r = 0; r < state->run_count; r++)
        for (int64_t i = 0; i < state->runs[r].length; i++) {
            int64_t start, size;
            lm__array_list_range(list, state->runs[r].start + i, &start, &size);
            total += (size_t)size;
        }
    return total;
}

/* The common list: 32-bit offsets, and every entry is live and stands beside the next. */
static bool list_is_common(const lm_array *list, const level_state *state)
{
    return list->field->type.layout == LM_LAYOUT_LIST && state->live_count == state->entries &&
           state->run_count == 1;
}

/* All entries are items that go on until the first entry of each list says otherwise: two stores a
 * list and no branch, since lengths are no pattern that a processor could foresee. `most` is what
 * there may be. */
static size_t expand_common(const lm_array *list, const level_state *state, uint8_t repetition,
                            size_t most, level_state *next)
{
    const int32_t *offsets = (const int32_t *)list->offsets + list->offset + state->runs[0].start;
    uint8_t *definitions = next->definitions, *repetitions = next->repetitions;
    const uint8_t *firsts = state->repetitions;
    uint8_t live = next->live; /* one above that of a list which ends at once */
    size_t out = 0, entries = state->entries;
    memset(definitions, live, most);
    memset(repetitions, repetition, most);
    for (size_t i = 0; i < entries; i++) {
        size_t size = (size_t)(offsets[i + 1] - offsets[i]), empty = size == 0;
        definitions[out] = (uint8_t)(live - empty);
        repetitions[out] = firsts ? firsts[i] : 0;
        out += size + empty;
    }
    return out;
}

/* Every live entry becomes as many as its list has items, or one that ends here. `repetition` is
 * the level of the items after the first. */
static lm_status pass_list(shredder *shred, level_state *state, const lm_array *list,
                           uint8_t repetition)
{
    lm_arena *arena = shred->levels;
    size_t most = state->entries + items_total(list, state);
    level_state next = {.live = (uint8_t)(state->live + 1)};
    next.definitions = lm__arena_aligned(arena, 64, most + 64);
    next.repetitions = lm__arena_aligned(arena, 64, most + 64);
    if (!next.definitions || !next.repetitions) return shred_memory(shred);
    if (list_is_common(list, state)) {
        int64_t start, size;
        lm__array_list_range(list, state->runs[0].start, &start, &size);
        next.entries = expand_common(list, state, repetition, most, &next);
        next.live_count = most - state->entries;
        if (!add_run(&next, arena, start, (int64_t)next.live_count)) return shred_memory(shred);
        *state = next;
        return LM_OK;
    }
    size_t out = 0, run = 0;
    int64_t at = state->run_count ? state->runs[0].start : 0;
    for (size_t i = 0; i < state->entries; i++) {
        next.repetitions[out] = state->repetitions ? state->repetitions[i] : 0;
        next.definitions[out] = state->definitions[i];
        if (state->definitions[i] != state->live) {
            out++;
            continue;
        }
        if (at == state->runs[run].start + state->runs[run].length) at = state->runs[++run].start;
        int64_t start, size;
        lm__array_list_range(list, at++, &start, &size);
        if (size == 0) {
            out++;
            continue;
        }
        next.definitions[out++] = next.live;
        for (int64_t k = 1; k < size; k++) {
            next.definitions[out] = next.live;
            next.repetitions[out++] = repetition;
        }
        next.live_count += (size_t)size;
        if (!add_run(&next, arena, start, size)) return shred_memory(shred);
    }
    next.entries = out;
    *state = next;
    return LM_OK;
}

/* The definitions of one run's entries, which begin at *entry, from the leaf's validity. */
static lm_status leaf_definitions(shredder *shred, level_state *state, lm_bits valid, size_t slots,
                                  bool optional, size_t *entry)
{
    for (size_t k = 0; k < slots; (*entry)++) {
        if (state->definitions[*entry] != state->live) continue;
        bool is_valid = lm__bits_get(valid, k++);
        if (!is_valid && !optional) return null_refused(shred, state, *entry);
        state->definitions[*entry] = (uint8_t)(state->live + (is_valid && optional));
    }
    return LM_OK;
}

/* The leaf: its nulls stay slots, and only lower their entry. */
static lm_status shred_leaf(shredder *shred, level_state *state, const lm_array *array)
{
    bool optional = shred->leaf->steps[shred->leaf->step_count - 1].optional;
    size_t first = shred->out->piece_count, nulls_before = shred->out->nulls, entry = 0;
    for (size_t r = 0; r < state->run_count; r++) {
        lm_array slice = lm__array_slice(array, state->runs[r].start, state->runs[r].length);
        lm_bits valid;
        size_t nulls;
        LM_TRY(own_validity(shred, &slice, &valid, &nulls));
        LM_TRY(put_piece(shred, array, state->runs[r], valid, nulls));
    }
    if (shred->out->nulls == nulls_before) {
        if (optional) raise_all(state, (uint8_t)(state->live + 1));
        return LM_OK;
    }
    for (size_t i = first; i < shred->out->piece_count; i++) {
        const lm_piece *piece = &shred->out->pieces[i];
        LM_TRY(leaf_definitions(shred, state, piece->valid, piece->count, optional, &entry));
    }
    return LM_OK;
}

/* The entries of one range of rows, by the long way. */
static lm_status shred_levels(shredder *shred, level_state *state)
{
    const lm_leaf *leaf = shred->leaf;
    const lm_rows *rows = shred->rows;
    lm_array array = lm__array_child(&rows->batch->root, leaf->steps[0].child);
    *state = (level_state){.entries = (size_t)rows->length, .live_count = (size_t)rows->length};
    state->definitions = lm__arena_zero(shred->levels, state->entries + 64);
    if (!state->definitions || !add_run(state, shred->levels, rows->start, rows->length))
        return shred_memory(shred);
    uint8_t repetition = 0;
    for (size_t i = 0; i + 1 < leaf->step_count; i++) {
        const lm_leaf_step *step = &leaf->steps[i];
        LM_TRY(pass_validity(shred, state, &array, step));
        if (step->repeated) {
            LM_TRY(pass_list(shred, state, &array, ++repetition));
            lm_array items = array.children[0];
            bool is_map = step->field->type.id == LM_TYPE_MAP;
            array = is_map ? lm__array_child(&items, leaf->steps[i + 1].child) : items;
        } else {
            /* Runs count from the struct's own start, and so does the child's slice. */
            array = lm__array_child(&array, leaf->steps[i + 1].child);
        }
    }
    return shred_leaf(shred, state, &array);
}

static bool level_room(shredder *shred, size_t extra, bool repeated)
{
    lm_shredded *out = shred->out;
    size_t needed = out->entries + extra;
    if (needed <= out->entry_capacity) return true;
    size_t grown = needed + needed / 2 + 64;
    uint8_t *definitions = lm__arena_aligned(shred->levels, 64, grown + 64);
    uint8_t *repetitions = repeated ? lm__arena_aligned(shred->levels, 64, grown + 64) : NULL;
    if (!definitions || (repeated && !repetitions)) return false;
    if (out->entries) memcpy(definitions, out->definitions, out->entries);
    if (out->entries && repeated) memcpy(repetitions, out->repetitions, out->entries);
    out->definitions = definitions;
    out->repetitions = repetitions;
    out->entry_capacity = grown;
    return true;
}

static lm_status shred_by_levels(shredder *shred)
{
    lm_shredded *out = shred->out;
    level_state state;
    bool repeated = shred->leaf->repetition_max > 0;
    LM_TRY(shred_levels(shred, &state));
    if (out->entries == 0) { /* the first range needs no copy */
        out->definitions = state.definitions;
        out->repetitions = repeated ? state.repetitions : NULL;
        out->entries = out->entry_capacity = state.entries;
        return LM_OK;
    }
    if (!level_room(shred, state.entries, repeated)) return shred_memory(shred);
    memcpy(out->definitions + out->entries, state.definitions, state.entries);
    if (repeated) memcpy(out->repetitions + out->entries, state.repetitions, state.entries);
    out->entries += state.entries;
    return LM_OK;
}

lm_status lm__shred(const lm_leaf *leaf, const lm_rows *rows, size_t row_ranges, lm_arena *arena,
                    lm_arena *levels, lm_shredded *out, lm_error *error)
{
    *out = (lm_shredded){.arena = arena};
    shredder shred = {.leaf = leaf, .out = out, .levels = levels, .error = error};
    bool flat = !leaf->repetition_max;
    lm_array array;
    for (size_t i = 0; i < row_ranges; i++) {
        out->rows += (size_t)rows[i].length;
        flat = flat && flat_leaf_array(leaf, &rows[i], &array);
    }
    out->kind = !flat                  ? LM_LEVELS_ARRAYS
                : leaf->definition_max ? LM_LEVELS_VALIDITY
                                       : LM_LEVELS_NONE;
    for (size_t i = 0; i < row_ranges; i++) {
        shred.rows = &rows[i];
        if (!flat) {
            LM_TRY(shred_by_levels(&shred));
        } else {
            flat_leaf_array(leaf, &rows[i], &array);
            LM_TRY(shred_flat(&shred, &array));
        }
    }
    if (flat) out->entries = out->slots;
    return LM_OK;
}
