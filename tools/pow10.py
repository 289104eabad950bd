#!/usr/bin/env python3
"""Prints src/base/number_pow10.c: the powers of ten that base/number.c multiplies by."""

FIRST, LAST = -342, 324


def row(n):
    """The first 128 bits of 10^n, its highest bit set, rounded up where that is not exact."""
    over, under = (10**n, 1) if n >= 0 else (1, 10**-n)
    shift = 127 - (over.bit_length() - under.bit_length())
    for bits in (shift, shift + 1):
        value = -(-(over << max(bits, 0)) // (under << max(-bits, 0)))
        if value.bit_length() == 128:
            return value
    raise AssertionError(n)


def main():
    print("/* Powers of ten, printed by tools/pow10.py: the first 128 bits of 10^n, high word first,")
    print(" * with the highest bit set; rounded up where they are not exact (n < 0, n > 55). */")
    print('#include "base/number_pow10.h"\n')
    print("const lm_pow10 lm__pow10[LM_POW10_LAST - LM_POW10_FIRST + 1] = {")
    for n in range(FIRST, LAST + 1, 2):
        cells = [row(m) for m in (n, n + 1) if m <= LAST]
        print("    " + " ".join(f"{{0x{c >> 64:016x}, 0x{c & (1 << 64) - 1:016x}}}," for c in cells))
    print("};")


if __name__ == "__main__":
    main()
