/* Names of sheets and tables, and of cells and ranges. */
#ifndef LM_XLSX_NAMES_H
#define LM_XLSX_NAMES_H

#include <lamella/base.h>

#define LM_XLSX_SHEET_UNITS_MAX 31 /* UTF-16 units of a sheet's name */
#define LM_XLSX_RANGE_TEXT_MAX 32

/* "A" to "XFD", from 0. */
void lm__xlsx_letters(uint32_t column, char letters[4]);
/* "A1:C10", for this many columns and rows. */
void lm__xlsx_range(uint32_t columns, uint64_t rows, char text[LM_XLSX_RANGE_TEXT_MAX]);

/* LM_INVALID, with what is wrong with it. */
LM_MUST_USE lm_status lm__xlsx_sheet_name_check(const char *name, lm_error *error);
LM_MUST_USE lm_status lm__xlsx_table_name_check(const char *name, lm_error *error);
/* As the program compares them: letters in any case (of ASCII). */
bool lm__xlsx_same_name(const char *a, const char *b);
/* "name (2)", the name cut where both would be too long. `made` has room for any name. */
#define LM_XLSX_SHEET_NAME_BYTES (LM_XLSX_SHEET_UNITS_MAX * 3 + 16)
void lm__xlsx_sheet_name_numbered(const char *name, unsigned number,
                                  char made[LM_XLSX_SHEET_NAME_BYTES]);

#endif
