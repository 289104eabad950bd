/*
 * The text form of schemas, read (docs/schema-text.md); schema_text.c prints it.
 *
 * A recursive descent over bytes of any origin: depth and size are limited, and errors say line and
 * column. What parses is then sealed, so parameters are checked there.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arrow/schema.h"
#include "base/bytes_text.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

typedef struct parser {
    const char *text, *at, *end;
    lm_arena *arena;
    int depth;
    lm_error *error;
} parser;

typedef struct word {
    const char *text;
    size_t size;
} word;

LM_PRINTF(2, 3)
static lm_status wrong(const parser *p, const char *format, ...)
{
    size_t line = 1, column = 1;
    for (const char *c = p->text; c < p->at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    char why[256];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return lm__error_set(p->error, LM_INVALID, "schema text, line %zu, column %zu: %s", line,
                         column, why);
}

static lm_status full(const parser *p) { return lm__error_memory(p->error, "reading a schema"); }

static char peek(const parser *p) { return p->at < p->end ? *p->at : '\0'; }

/* Spaces, and newlines too where they do not end a column. */
static void skip(parser *p, bool lines)
{
    while (p->at < p->end) {
        if (*p->at == '#')
            while (p->at < p->end && *p->at != '\n') p->at++;
        else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r' || (lines && *p->at == '\n'))
            p->at++;
        else
            return;
    }
}

/* Within brackets, where newlines mean nothing. */
static bool take(parser *p, char c)
{
    skip(p, true);
    if (p->at >= p->end || *p->at != c) return false;
    p->at++;
    return true;
}

static lm_status expect(parser *p, char c)
{
    if (take(p, c)) return LM_OK;
    return wrong(p, "'%c' is expected", c);
}

static bool is_bare(char c, const char *also)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80 || (c && strchr(also, c));
}

/* "\uXXXX", with its second half where it is a surrogate; writes UTF-8, returns its size or 0. */
static size_t read_escape_u(parser *p, char *out)
{
    uint32_t units[2] = {0, 0};
    for (int unit = 0; unit < 2; unit++) {
        if (unit == 1 && (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u')) return 0;
        p->at += unit ? 2 : 0;
        if (p->end - p->at < 4) return 0;
        for (int i = 0; i < 4; i++) {
            int digit = lm__hex_digit(*p->at++);
            if (digit < 0) return 0;
            units[unit] = units[unit] << 4 | (uint32_t)digit;
        }
        if (units[0] < 0xd800 || units[0] > 0xdfff) break;
    }
    uint32_t c = units[0];
    if (c >= 0xdc00 && c <= 0xdfff) return 0;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (units[1] < 0xdc00 || units[1] > 0xdfff) return 0;
        c = 0x10000 + ((c - 0xd800) << 10) + (units[1] - 0xdc00);
    }
    if (c == 0) return 0;
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(leads[size] | c);
    return size;
}

static lm_status read_quoted(parser *p, word *out)
{
    const char *close = ++p->at;
    while (close < p->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= p->end) return wrong(p, "a quoted name does not end");
    char *text = lm__arena_alloc(p->arena, (size_t)(close - p->at) + 1);
    if (!text) return full(p);
    size_t size = 0;
    while (p->at < close) {
        char c = *p->at++;
        if ((unsigned char)c < 0x20) return wrong(p, "a control character in a quoted name");
        if (c != '\\') {
            text[size++] = c;
            continue;
        }
        static const char codes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        char code = *p->at++;
        const char *known = code ? strchr(codes, code) : NULL;
        if (known) {
            text[size++] = meanings[known - codes];
            continue;
        }
        size_t bytes = code == 'u' ? read_escape_u(p, text + size) : 0;
        if (bytes == 0) return wrong(p, "an escape that JSON does not know");
        size += bytes;
    }
    p->at = close + 1;
    text[size] = '\0';
    *out = (word){text, size};
    return LM_OK;
}

static lm_status read_word(parser *p, const char *also, const char *what, word *out)
{
    skip(p, true);
    if (peek(p) == '"') return read_quoted(p, out);
    const char *start = p->at;
    while (p->at < p->end && is_bare(*p->at, also)) p->at++;
    if (p->at == start) return wrong(p, "%s is expected", what);
    char *text = lm__arena_strndup(p->arena, start, (size_t)(p->at - start));
    if (!text) return full(p);
    *out = (word){text, (size_t)(p->at - start)};
    return LM_OK;
}

static bool is_word(const word *w, const char *text)
{
    return strlen(text) == w->size && memcmp(w->text, text, w->size) == 0;
}

/* "[+-]digits" */
static lm_status read_int(parser *p, int32_t *number)
{
    skip(p, true);
    bool minus = peek(p) == '-';
    if (minus) p->at++;
    if (peek(p) < '0' || peek(p) > '9') return wrong(p, "a number is expected");
    int64_t value = 0;
    while (peek(p) >= '0' && peek(p) <= '9') {
        value = value * 10 + (*p->at++ - '0');
        if (value > INT32_MAX) return wrong(p, "a number that is too large");
    }
    *number = (int32_t)(minus ? -value : value);
    return LM_OK;
}

static lm_status read_unit(parser *p, lm_time_unit *unit)
{
    word name;
    LM_TRY(read_word(p, "", "a unit (s, ms, us, ns)", &name));
    for (lm_time_unit u = LM_UNIT_SECOND; u <= LM_UNIT_NANO; u++) {
        if (!is_word(&name, lm__unit_name(u))) continue;
        *unit = u;
        return LM_OK;
    }
    return wrong(p, "\"%.20s\" is no unit: s, ms, us, ns", name.text);
}

static lm_status read_type(parser *p, lm_field *field);

/* "not null", where the next column does not begin with such words: a name has a colon after it. */
static void read_not_null(parser *p, lm_field *field)
{
    field->nullable = true;
    const char *before = p->at;
    skip(p, false);
    if (p->end - p->at > 3 && memcmp(p->at, "not", 3) == 0 && !is_bare(p->at[3], "-.")) {
        p->at += 3;
        skip(p, false);
        if (p->end - p->at >= 4 && memcmp(p->at, "null", 4) == 0 &&
            (p->end - p->at == 4 || !is_bare(p->at[4], "-."))) {
            p->at += 4;
            field->nullable = false;
            return;
        }
    }
    p->at = before;
}

/* [name ":"] type ["not null"]; without `fallback` the name must be there. */
static lm_status read_field(parser *p, lm_field *field, const char *fallback)
{
    word name = {fallback, fallback ? strlen(fallback) : 0};
    skip(p, true);
    const char *before = p->at;
    word first;
    LM_TRY(read_word(p, "-.", fallback ? "a type" : "a name", &first));
    if (take(p, ':'))
        name = first;
    else if (fallback)
        p->at = before;
    else
        return wrong(p, "':' is expected after \"%.60s\"", first.text);
    LM_TRY(read_type(p, field));
    field->name = name.text;
    field->name_size = name.size;
    read_not_null(p, field);
    return LM_OK;
}

/* "<" fields ">", with as many as `fallbacks` has names. */
static lm_status read_children(parser *p, lm_field *field, int32_t count,
                               const char *const *fallbacks)
{
    if (!lm__field_children(p->arena, field, count)) return full(p);
    for (int32_t i = 0; i < count; i++) {
        LM_TRY(expect(p, i ? ',' : '<'));
        LM_TRY(read_field(p, &field->children[i], fallbacks[i]));
    }
    return expect(p, '>');
}

static lm_status read_struct(parser *p, lm_field *field)
{
    LM_TRY(expect(p, '<'));
    int32_t count = 0;
    size_t capacity = 0;
    lm_field *children = NULL;
    while (!take(p, '>')) {
        if (count) LM_TRY(expect(p, ','));
        if (count == LM_ARROW_CHILDREN_MAX) return wrong(p, "too many fields");
        if (!lm__arena_room(p->arena, &children, &capacity, (size_t)count + 1, sizeof *children))
            return full(p);
        children[count] = (lm_field){0};
        LM_TRY(read_field(p, &children[count++], NULL));
    }
    field->children = children;
    field->n_children = count;
    return LM_OK;
}

/* "[word]" after a type, by choice. */
static lm_status read_flag(parser *p, const char *flag, bool *set)
{
    const char *before = p->at;
    *set = false;
    skip(p, false);
    if (peek(p) != '[') {
        p->at = before;
        return LM_OK;
    }
    p->at++;
    word name;
    LM_TRY(read_word(p, "", flag, &name));
    if (!is_word(&name, flag)) return wrong(p, "\"%s\" is expected", flag);
    *set = true;
    return expect(p, ']');
}

static lm_status read_map(parser *p, lm_field *field)
{
    static const char *const names[] = {"key", "value"};
    if (!lm__field_children(p->arena, field, 1)) return full(p);
    lm_field *entries = &field->children[0];
    *entries = (lm_field){.name = "entries", .name_size = 7, .type = lm__type_make(LM_TYPE_STRUCT)};
    LM_TRY(read_children(p, entries, 2, names));
    return read_flag(p, "sorted", &field->type.keys_sorted);
}

static lm_status read_dictionary(parser *p, lm_field *field)
{
    lm_field index = {.name = ""};
    LM_TRY(expect(p, '<'));
    LM_TRY(read_type(p, &index));
    if (!lm__type_is_integer(index.type.id))
        return wrong(p, "a dictionary's index is an integer type");
    LM_TRY(expect(p, ','));
    field->dictionary = lm__arena_zero(p->arena, sizeof *field->dictionary);
    if (!field->dictionary) return full(p);
    field->dictionary->name = "";
    field->dictionary->nullable = true;
    LM_TRY(read_type(p, field->dictionary));
    LM_TRY(expect(p, '>'));
    field->type = lm__type_dictionary(index.type.id, false);
    return read_flag(p, "ordered", &field->type.ordered);
}

static lm_status read_extension(parser *p, lm_field *field)
{
    word name;
    LM_TRY(expect(p, '<'));
    LM_TRY(read_word(p, "-.", "the extension's name", &name));
    LM_TRY(expect(p, ':'));
    LM_TRY(read_type(p, field));
    if (field->extension_name) return wrong(p, "an extension of an extension");
    field->extension_name = name.text;
    return expect(p, '>');
}

static lm_status read_timestamp(parser *p, lm_type *type)
{
    LM_TRY(expect(p, '['));
    LM_TRY(read_unit(p, &type->unit));
    if (take(p, ',')) {
        word zone;
        skip(p, true);
        if (p->end - p->at > 3 && memcmp(p->at, "tz=", 3) == 0) p->at += 3; /* as pyarrow has it */
        LM_TRY(read_word(p, "-+/:.", "a time zone", &zone));
        type->timezone = zone.size ? zone.text : NULL;
    }
    return expect(p, ']');
}

static lm_status read_parameters(parser *p, lm_field *field)
{
    static const char *const item[] = {"item"}, *const runs[] = {"run_ends", "values"};
    lm_type *type = &field->type;
    switch (type->id) {
    case LM_TYPE_DECIMAL32:
    case LM_TYPE_DECIMAL64:
    case LM_TYPE_DECIMAL128:
    case LM_TYPE_DECIMAL256:
        LM_TRY(expect(p, '('));
        LM_TRY(read_int(p, &type->precision));
        if (take(p, ',')) LM_TRY(read_int(p, &type->scale));
        return expect(p, ')');
    case LM_TYPE_FIXED_BINARY:
        LM_TRY(expect(p, '['));
        LM_TRY(read_int(p, &type->byte_width));
        return expect(p, ']');
    case LM_TYPE_TIME32:
    case LM_TYPE_TIME64:
    case LM_TYPE_DURATION:
        LM_TRY(expect(p, '['));
        LM_TRY(read_unit(p, &type->unit));
        return expect(p, ']');
    case LM_TYPE_TIMESTAMP: return read_timestamp(p, type);
    case LM_TYPE_LIST:
    case LM_TYPE_LARGE_LIST:
    case LM_TYPE_LIST_VIEW:
    case LM_TYPE_LARGE_LIST_VIEW: return read_children(p, field, 1, item);
    case LM_TYPE_FIXED_LIST:
        LM_TRY(read_children(p, field, 1, item));
        LM_TRY(expect(p, '['));
        LM_TRY(read_int(p, &type->list_size));
        return expect(p, ']');
    case LM_TYPE_STRUCT: return read_struct(p, field);
    case LM_TYPE_MAP: return read_map(p, field);
    case LM_TYPE_DICTIONARY: return read_dictionary(p, field);
    case LM_TYPE_RUN_END_ENCODED: return read_children(p, field, 2, runs);
    default: return LM_OK;
    }
}

typedef struct alias {
    const char *text;
    lm_type_id id;
} alias;

/* Names that people and other libraries use. */
static bool find_type(const word *name, lm_type_id *id)
{
    static const alias aliases[] = {
        {"string", LM_TYPE_UTF8},
        {"large_string", LM_TYPE_LARGE_UTF8},
        {"string_view", LM_TYPE_UTF8_VIEW},
        {"boolean", LM_TYPE_BOOL},
        {"halffloat", LM_TYPE_FLOAT16},
        {"float", LM_TYPE_FLOAT32},
        {"double", LM_TYPE_FLOAT64},
        {"date", LM_TYPE_DATE32},
        {"decimal", LM_TYPE_DECIMAL128},
        {"fixed_size_binary", LM_TYPE_FIXED_BINARY},
        {"fixed_size_list", LM_TYPE_FIXED_LIST},
        {"month_interval", LM_TYPE_INTERVAL_MONTHS},
        {"day_time_interval", LM_TYPE_INTERVAL_DAY_TIME},
        {"month_day_nano_interval", LM_TYPE_INTERVAL_MONTH_DAY_NANO},
    };
    for (lm_type_id i = 0; i < LM_TYPE_SPARSE_UNION; i++) {
        if (!is_word(name, lm__type_name(i))) continue;
        *id = i;
        return true;
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (!is_word(name, aliases[i].text)) continue;
        *id = aliases[i].id;
        return true;
    }
    return false;
}

static lm_status read_type(parser *p, lm_field *field)
{
    word name;
    lm_type_id id;
    LM_TRY(read_word(p, "", "a type", &name));
    if (++p->depth > LM_ARROW_DEPTH_MAX) return wrong(p, "nested deeper than %d", p->depth - 1);
    if (is_word(&name, "extension")) {
        LM_TRY(read_extension(p, field));
        p->depth--;
        return LM_OK;
    }
    if (!find_type(&name, &id)) return wrong(p, "\"%.60s\" is no type", name.text);
    field->type = lm__type_make(id);
    LM_TRY(read_parameters(p, field));
    if (is_word(&name, "decimal") && field->type.precision > 38)
        field->type =
            lm__type_decimal(LM_TYPE_DECIMAL256, field->type.precision, field->type.scale);
    if (id == LM_TYPE_DATE32 || id == LM_TYPE_DATE64) { /* pyarrow's date32[day] and date64[ms] */
        bool set;
        LM_TRY(read_flag(p, id == LM_TYPE_DATE32 ? "day" : "ms", &set));
    }
    p->depth--;
    return LM_OK;
}

static lm_status parser_init(parser *p, lm_arena *arena, const char *text, size_t size,
                             lm_error *error)
{
    *p = (parser){text, text, text + size, arena, 0, error};
    if (size > LM_ARROW_TEXT_BYTES_MAX)
        return lm__error_set(error, LM_LIMIT, "a schema text of %zu bytes, more than %zu", size,
                             LM_ARROW_TEXT_BYTES_MAX);
    size_t valid = lm__utf8_valid_prefix(text, size);
    p->at = text + valid;
    if (valid != size) return wrong(p, "not UTF-8");
    p->at = text;
    return LM_OK;
}

lm_status lm__type_parse(lm_arena *arena, const char *text, size_t size, lm_field *field,
                         lm_error *error)
{
    parser p;
    LM_TRY(parser_init(&p, arena, text, size, error));
    *field = (lm_field){.name = ""};
    LM_TRY(read_type(&p, field));
    read_not_null(&p, field);
    skip(&p, true);
    if (p.at < p.end) return wrong(&p, "text after the type");
    return lm__field_check(field, NULL, error);
}

/* Columns, with commas or newlines (or both) between them. */
static lm_status read_columns(parser *p, lm_field *root)
{
    int32_t count = 0;
    size_t capacity = 0;
    lm_field *columns = NULL;
    for (skip(p, true); p->at < p->end; skip(p, true)) {
        if (count == LM_ARROW_CHILDREN_MAX) return wrong(p, "too many columns");
        if (!lm__arena_room(p->arena, &columns, &capacity, (size_t)count + 1, sizeof *columns))
            return full(p);
        columns[count] = (lm_field){0};
        LM_TRY(read_field(p, &columns[count++], NULL));
        skip(p, false);
        if (p->at == p->end) break;
        if (*p->at != ',' && *p->at != '\n')
            return wrong(p, "a comma or a new line is expected after a column");
        p->at++;
    }
    root->children = columns;
    root->n_children = count;
    return LM_OK;
}

lm_status lm_schema_parse(const lm_allocator *allocator, const char *text, size_t size,
                          lm_schema **schema, lm_error *error)
{
    *schema = NULL;
    lm_schema *made;
    parser p;
    LM_TRY(lm__schema_new(allocator, &made, error));
    lm_status status = parser_init(&p, &made->arena, text, size, error);
    if (status == LM_OK) status = read_columns(&p, &made->root);
    if (status == LM_OK) status = lm__schema_seal(made, error);
    if (status == LM_OK)
        *schema = made;
    else
        lm_schema_free(made);
    return status;
}
