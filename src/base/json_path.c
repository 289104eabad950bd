/* Paths in JSON, written and read; see json_path.h. */
#include "base/json_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void lm__json_path_out(lm_json_writer *writer, const char *key, const char *path)
{
    lm__json_member_string_out(writer, key, path);
    size_t size = strlen(path);
    if (lm__utf8_valid(path, size)) return;
    lm_buffer text;
    lm__buffer_init(&text, writer->out->allocator, 0);
    lm_status status = lm__buffer_printf(&text, "%s_hex", key);
    if (status == LM_OK) status = lm__buffer_byte(&text, '\0');
    size_t hex = text.size;
    for (size_t i = 0; i < size && status == LM_OK; i++)
        status = lm__buffer_printf(&text, "%02x", (uint8_t)path[i]);
    if (status == LM_OK) {
        lm__json_key(writer, (const char *)text.data);
        lm__json_string_n(writer, (const char *)text.data + hex, text.size - hex);
    } else if (writer->status == LM_OK) {
        writer->status = status;
    }
    lm__buffer_deinit(&text);
}

bool lm__json_uint_of(const lm_json *value, uint64_t *number)
{
    if (!value) return false;
    if (value->kind == LM_JSON_INT && value->integer >= 0) {
        *number = (uint64_t)value->integer;
        return true;
    }
    if (value->kind != LM_JSON_NUMBER || strspn(value->text, "0123456789") != value->text_size)
        return false;
    errno = 0;
    *number = strtoull(value->text, NULL, 10);
    return errno == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static const char *unhex(lm_arena *arena, const lm_json *text)
{
    if (text->text_size % 2) return NULL;
    char *path = lm__arena_alloc(arena, text->text_size / 2 + 1);
    if (!path) return NULL;
    for (size_t i = 0; i < text->text_size; i += 2) {
        int high = hex_digit(text->text[i]), low = hex_digit(text->text[i + 1]);
        if (high < 0 || low < 0 || high + low == 0) return NULL;
        path[i / 2] = (char)(high << 4 | low);
    }
    path[text->text_size / 2] = '\0';
    return path;
}

const char *lm__json_path(lm_arena *arena, const lm_json *object, const char *key)
{
    char *hex_key = lm__arena_printf(arena, "%s_hex", key);
    if (!hex_key) return NULL;
    const lm_json *hex = lm__json_member(object, hex_key), *text = lm__json_member(object, key);
    if (hex && hex->kind == LM_JSON_STRING) return unhex(arena, hex);
    if (!text || text->kind != LM_JSON_STRING || strlen(text->text) != text->text_size) return NULL;
    return text->text;
}
