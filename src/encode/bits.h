/*
 * What the encodings share: bits with an offset (validity bitmaps, base/bits.h), byte strings in
 * any Arrow layout (base/strings.h), and how much room past the end an encoder may use.
 *
 * Everything here is a view of memory that the caller holds. Bits are LSB first, as in Arrow.
 * Arrays of integers and floats are aligned to their type (Arrow import sees to it); encoded bytes
 * to nothing.
 */
#ifndef LM_ENCODE_BITS_H
#define LM_ENCODE_BITS_H

#include "base/bits.h"
#include "base/strings.h"

/* Encoders, and decoders of byte strings' data, may write up to this many bytes past their result:
 * every _bound function counts them in, and wherever a comment says "slack" the caller leaves them
 * free. Nothing ever reads past the end of an input. */
#define LM_ENCODE_SLACK 64

/* The sum of the sizes of the first `count` strings that are valid. */
size_t lm__strings_bytes(const lm_strings *strings, lm_bits valid, size_t count);

#endif
