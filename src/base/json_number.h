/*
 * Doubles as JSON texts, whatever the locale says a decimal point is.
 */
#ifndef LM_BASE_JSON_NUMBER_H
#define LM_BASE_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#define LM_DOUBLE_TEXT_MAX 32

/* `text` is a JSON number, NUL-terminated. Correctly rounded; past the range it is an
 * infinity or a zero of its sign. False only when the C locale cannot be had (no memory). */
bool lm__double_from_text(const char *text, double *value);

/* The shortest of the texts with 15, 16 or 17 significant digits that read back to the same value,
 * trailing zeros left off; it has a point or an exponent, so it reads back as a double. `value` is
 * finite. */
void lm__double_text(double value, char text[LM_DOUBLE_TEXT_MAX]);
/* The same of a float, with 6 to 9 digits. */
void lm__float_text(float value, char text[LM_DOUBLE_TEXT_MAX]);

#endif
