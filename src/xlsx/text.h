/* Text in SpreadsheetML: XML's escapes, and Excel's own for what XML cannot say. */
#ifndef LM_XLSX_TEXT_H
#define LM_XLSX_TEXT_H

#include "base/buffer.h"

/* The most that a cell's text may have, in UTF-16 units. */
#define LM_XLSX_TEXT_UNITS_MAX 32767
/* Bytes for each one of the text, at most. */
#define LM_XLSX_ESCAPE_BYTES_MAX 7

/* Writes UTF-8 text as it stands in an element or between double quotes, and returns the end. There
 * is room for LM_XLSX_ESCAPE_BYTES_MAX times its size. Characters that XML has no way to write, and
 * carriage returns, become _xHHHH_ (ECMA-376 part 1, 22.4.2.4), and so does the underscore of a
 * text that would be read as such a mark. */
uint8_t *lm__xlsx_escape(uint8_t *to, const uint8_t *text, size_t size);
/* The same for an attribute, in which XML would make spaces of tabs and line feeds. */
LM_MUST_USE lm_status lm__xlsx_attribute_append(lm_buffer *out, const char *text, size_t size);

/* Of valid UTF-8. */
size_t lm__xlsx_units(const uint8_t *text, size_t size);
/* The bytes of as many whole characters as fit `units`. */
size_t lm__xlsx_units_prefix(const uint8_t *text, size_t size, size_t units);

#endif
