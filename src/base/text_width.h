/* How many columns of a terminal a text takes, and how much of it fits into some. */
#ifndef LM_BASE_TEXT_WIDTH_H
#define LM_BASE_TEXT_WIDTH_H

#include <stddef.h>

/* Of UTF-8: 2 for wide East Asian letters and emoji, 0 for marks that combine with what is before
 * them, 1 for all else, stray bytes too. It is a rule of thumb: terminals differ. */
size_t lm__text_width(const char *text, size_t size);
/* The bytes of the longest start of the text, of whole characters, that is no wider than that. */
size_t lm__text_fit(const char *text, size_t size, size_t width);

#endif
