/* Names of sheets, tables and cells; see names.h. */
#include "xlsx/names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/utf8.h"
#include "xlsx/text.h"

void lm__xlsx_letters(uint32_t column, char letters[4])
{
    char reversed[4];
    int count = 0;
    for (uint32_t left = column + 1; left > 0; left = (left - 1) / 26)
        reversed[count++] = (char)('A' + (left - 1) % 26);
    for (int i = 0; i < count; i++) letters[i] = reversed[count - 1 - i];
    letters[count] = '\0';
}

void lm__xlsx_range(uint32_t columns, uint64_t rows, char text[LM_XLSX_RANGE_TEXT_MAX])
{
    char letters[4];
    lm__xlsx_letters(columns - 1, letters);
    snprintf(text, LM_XLSX_RANGE_TEXT_MAX, "A1:%s%llu", letters, (unsigned long long)rows);
}

lm_status lm__xlsx_sheet_name_check(const char *name, lm_error *error)
{
    size_t size = strlen(name);
    if (size == 0) return lm__error_set(error, LM_INVALID, "a sheet needs a name");
    if (!lm__utf8_valid(name, size))
        return lm__error_set(error, LM_INVALID, "the sheet name \"%s\" is not UTF-8", name);
    size_t units = lm__xlsx_units((const uint8_t *)name, size);
    if (units > LM_XLSX_SHEET_UNITS_MAX)
        return lm__error_set(error, LM_INVALID,
                             "the sheet name \"%s\" has %zu characters, and %d are allowed", name,
                             units, LM_XLSX_SHEET_UNITS_MAX);
    for (size_t i = 0; i < size; i++)
        if ((uint8_t)name[i] < ' ' || strchr("[]:*?/\\", name[i]))
            return lm__error_set(error, LM_INVALID,
                                 "the sheet name \"%s\" has one of the characters [ ] : * ? / \\ "
                                 "or a control character, which are not allowed",
                                 name);
    if (name[0] == '\'' || name[size - 1] == '\'')
        return lm__error_set(error, LM_INVALID,
                             "the sheet name \"%s\" begins or ends with an apostrophe", name);
    if (lm__xlsx_same_name(name, "History"))
        return lm__error_set(error, LM_INVALID,
                             "a sheet cannot be called \"%s\": Excel keeps that name for itself",
                             name);
    return LM_OK;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* "AB12", "R", "c", "R1C1": what a formula would take for cells. */
static bool is_reference(const char *name)
{
    size_t letters = 0, digits = 0;
    if (strcasecmp(name, "r") == 0 || strcasecmp(name, "c") == 0) return true;
    while (is_letter((uint8_t)name[letters]) && (uint8_t)name[letters] < 0x80) letters++;
    while (is_digit((uint8_t)name[letters + digits])) digits++;
    const char *rest = name + letters + digits;
    if (letters >= 1 && letters <= 3 && digits > 0 && !*rest) return true;
    bool row = letters == 1 && (name[0] == 'r' || name[0] == 'R');
    return row && (*rest == 'c' || *rest == 'C') &&
           strspn(rest + 1, "0123456789") == strlen(rest + 1);
}

lm_status lm__xlsx_table_name_check(const char *name, lm_error *error)
{
    size_t size = strlen(name);
    bool fine = size > 0 && lm__utf8_valid(name, size) &&
                lm__xlsx_units((const uint8_t *)name, size) <= 255 &&
                (is_letter((uint8_t)name[0]) || name[0] == '_' || name[0] == '\\');
    for (size_t i = 0; fine && i < size; i++) {
        uint8_t c = (uint8_t)name[i];
        fine = is_letter(c) || is_digit(c) || c == '_' || c == '.' || (c == '\\' && i == 0);
    }
    if (fine && !is_reference(name)) return LM_OK;
    return lm__error_set(error, LM_INVALID,
                         "\"%s\" is no name for a table: letters, digits, _ and . after a letter "
                         "or _, and nothing that looks like a cell",
                         name);
}

bool lm__xlsx_same_name(const char *a, const char *b) { return strcasecmp(a, b) == 0; }

void lm__xlsx_sheet_name_numbered(const char *name, unsigned number,
                                  char made[LM_XLSX_SHEET_NAME_BYTES])
{
    char end[16];
    size_t units = (size_t)snprintf(end, sizeof end, " (%u)", number);
    size_t size =
        lm__xlsx_units_prefix((const uint8_t *)name, strlen(name), LM_XLSX_SHEET_UNITS_MAX - units);
    memcpy(made, name, size);
    memcpy(made + size, end, units + 1);
}
