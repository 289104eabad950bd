/* The reader of Hadoop's configuration files; xml.h tells the invariants. */
#define _GNU_SOURCE
#include "store/hdfs/xml.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

typedef struct xml_reader {
    lm_arena *arena;
    const char *file, *text, *end, *at;
    const lm_hadoop_events *events;
    lm_error *error;
} xml_reader;

typedef struct xml_tag {
    const char *name; /* in the text */
    size_t name_size;
    const char *attributes, *attributes_end; /* unread */
    bool is_empty, is_end;
} xml_tag;

/* ---- failure ---- */

static lm_status bad(const xml_reader *r, const char *what)
{
    int line = 1;
    for (const char *c = r->text; c < r->at; c++) line += *c == '\n';
    return lm__error_set(r->error, LM_INVALID, "%s line %d: %s", r->file, line, what);
}

static lm_status no_memory(const xml_reader *r)
{
    return lm__error_memory(r->error, "reading Hadoop's configuration");
}

/* ---- characters ---- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static bool begins(const xml_reader *r, const char *text)
{
    size_t size = strlen(text);
    return (size_t)(r->end - r->at) >= size && memcmp(r->at, text, size) == 0;
}

/* Goes behind the next `text`. */
static bool pass(xml_reader *r, const char *text)
{
    const char *found = memmem(r->at, (size_t)(r->end - r->at), text, strlen(text));
    if (found) r->at = found + strlen(text);
    return found != NULL;
}

static size_t code_point_text(uint32_t code, char out[4])
{
    size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes behind */
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++) out[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

/* The number that a digit is, 99 for none. */
static uint32_t digit_value(char c)
{
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : 99;
}

/* `&amp;`, `&#65;`, `&#x41;` at `from`, up to `end`: the bytes, and where it ends. */
static size_t reference(const char *from, const char *end, char out[4], const char **next)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t size = strlen(known[i].name);
        if ((size_t)(end - from) < size || memcmp(from, known[i].name, size) != 0) continue;
        out[0] = known[i].c;
        *next = from + size;
        return 1;
    }
    if (end - from < 4 || from[1] != '#') return 0;
    bool is_hex = from[2] == 'x';
    uint32_t code = 0, base = is_hex ? 16 : 10;
    const char *at = from + (is_hex ? 3 : 2), *first = at;
    for (; at < end && *at != ';'; at++) {
        uint32_t digit = digit_value(*at);
        if (digit >= base || code > 0x10ffff) return 0;
        code = code * base + digit;
    }
    if (at == end || at == first || code == 0 || code > 0x10ffff) return 0;
    *next = at + 1;
    return code_point_text(code, out);
}

/* Appends what the text between two places says. `out` has room: what is read is never longer than
 * what was written. */
static lm_status unescape(xml_reader *r, const char *from, const char *end, char *out, size_t *size)
{
    while (from < end) {
        if (*from != '&') {
            if (*from == '\0') return bad(r, "a NUL among the text");
            out[(*size)++] = *from++;
            continue;
        }
        char bytes[4];
        const char *next;
        size_t count = reference(from, end, bytes, &next);
        if (count == 0) return bad(r, "an entity that is none of &amp; &lt; &gt; &quot; &apos;");
        memcpy(out + *size, bytes, count);
        *size += count;
        from = next;
    }
    return LM_OK;
}

/* ---- tags ---- */

/* Behind comments and instructions. LM_OK and *found false at something else. */
static lm_status pass_remark(xml_reader *r, bool *found)
{
    *found = true;
    if (begins(r, "<!--")) return pass(r, "-->") ? LM_OK : bad(r, "a comment without an end");
    if (begins(r, "<?")) return pass(r, "?>") ? LM_OK : bad(r, "an instruction without an end");
    *found = false;
    return LM_OK;
}

/* At '<' of a start or end tag. */
static lm_status tag_read(xml_reader *r, xml_tag *tag)
{
    memset(tag, 0, sizeof *tag);
    r->at++;
    if (r->at < r->end && *r->at == '/') {
        tag->is_end = true;
        r->at++;
    }
    tag->name = r->at;
    while (r->at < r->end && is_name(*r->at)) r->at++;
    tag->name_size = (size_t)(r->at - tag->name);
    if (tag->name_size == 0) return bad(r, "a tag without a name");
    tag->attributes = r->at;
    for (char quote = 0;; r->at++) {
        if (r->at == r->end) return bad(r, "a tag without an end");
        if (quote) {
            if (*r->at == quote) quote = 0;
        } else if (*r->at == '"' || *r->at == '\'') {
            quote = *r->at;
        } else if (*r->at == '>') {
            break;
        } else if (*r->at == '<') {
            return bad(r, "a tag within a tag");
        }
    }
    tag->attributes_end = r->at;
    if (r->at > tag->attributes && r->at[-1] == '/') {
        tag->is_empty = true;
        tag->attributes_end--;
    }
    r->at++;
    return LM_OK;
}

static bool tag_is(const xml_tag *tag, const char *name)
{
    return strlen(name) == tag->name_size && memcmp(tag->name, name, tag->name_size) == 0;
}

/* The value of an attribute in the arena, NULL when it is not there. */
static lm_status attribute(xml_reader *r, const xml_tag *tag, const char *name, const char **value)
{
    const char *at = tag->attributes, *end = tag->attributes_end;
    *value = NULL;
    for (;;) {
        while (at < end && is_space(*at)) at++;
        if (at == end) return LM_OK;
        const char *key = at;
        while (at < end && is_name(*at)) at++;
        size_t key_size = (size_t)(at - key);
        while (at < end && is_space(*at)) at++;
        if (key_size == 0 || at == end || *at++ != '=')
            return bad(r, "an attribute without a value");
        while (at < end && is_space(*at)) at++;
        if (at == end || (*at != '"' && *at != '\'')) return bad(r, "an attribute without quotes");
        char quote = *at++;
        const char *close = memchr(at, quote, (size_t)(end - at));
        if (!close) return bad(r, "an attribute without an end");
        if (strlen(name) == key_size && memcmp(key, name, key_size) == 0) {
            size_t size = 0;
            char *text = lm__arena_alloc(r->arena, (size_t)(close - at) + 1);
            if (!text) return no_memory(r);
            LM_TRY(unescape(r, at, close, text, &size));
            text[size] = '\0';
            *value = text;
            return LM_OK;
        }
        at = close + 1;
    }
}

/* ---- elements ---- */

static bool ends(const xml_tag *tag, const xml_tag *open)
{
    return tag->is_end && tag->name_size == open->name_size &&
           memcmp(tag->name, open->name, tag->name_size) == 0;
}

/* The next tag within an element, behind text, remarks and CDATA; its end is the last. With `out`
 * the text goes there. */
static lm_status tag_next(xml_reader *r, const xml_tag *open, xml_tag *tag, char *out, size_t *size)
{
    for (;;) {
        bool found;
        const char *from = r->at;
        const char *bracket = memchr(r->at, '<', (size_t)(r->end - r->at));
        if (!bracket) return bad(r, "an element without an end");
        r->at = bracket;
        if (out) LM_TRY(unescape(r, from, bracket, out, size));
        if (begins(r, "<![CDATA[")) {
            from = r->at + strlen("<![CDATA[");
            if (!pass(r, "]]>")) return bad(r, "a CDATA section without an end");
            size_t bytes = (size_t)(r->at - strlen("]]>") - from);
            if (memchr(from, '\0', bytes)) return bad(r, "a NUL among the text");
            if (out) {
                memcpy(out + *size, from, bytes);
                *size += bytes;
            }
            continue;
        }
        LM_TRY(pass_remark(r, &found));
        if (found) continue;
        LM_TRY(tag_read(r, tag));
        return tag->is_end && !ends(tag, open) ? bad(r, "the end of another element") : LM_OK;
    }
}

/* Goes behind the end tag of an element that says nothing to us. */
static lm_status element_pass(xml_reader *r, const xml_tag *open, int depth)
{
    if (depth > LM_HADOOP_DEPTH_MAX) return bad(r, "too many elements within each other");
    while (!open->is_empty) {
        xml_tag tag;
        LM_TRY(tag_next(r, open, &tag, NULL, NULL));
        if (tag.is_end) break;
        LM_TRY(element_pass(r, &tag, depth + 1));
    }
    return LM_OK;
}

/* The text of an element up to its end tag, trimmed; elements in it are passed over. */
static lm_status element_text(xml_reader *r, const xml_tag *open, int depth, const char **value)
{
    const char *start = r->at;
    size_t size = 0;
    LM_TRY(element_pass(r, open, depth + 1));
    char *text = lm__arena_alloc(r->arena, (size_t)(r->at - start) + 1);
    if (!text) return no_memory(r);
    r->at = start;
    while (!open->is_empty) {
        xml_tag tag;
        LM_TRY(tag_next(r, open, &tag, text, &size));
        if (tag.is_end) break;
        LM_TRY(element_pass(r, &tag, depth + 1));
    }
    while (size > 0 && is_space(text[size - 1])) size--;
    text[size] = '\0';
    while (is_space(*text)) text++;
    *value = text;
    return LM_OK;
}

static lm_status property_read(xml_reader *r, const xml_tag *open, int depth)
{
    lm_hadoop_property property = {0};
    const char *is_final = NULL;
    LM_TRY(attribute(r, open, "name", &property.name));
    LM_TRY(attribute(r, open, "value", &property.value));
    LM_TRY(attribute(r, open, "final", &is_final));
    while (!open->is_empty) {
        xml_tag tag;
        LM_TRY(tag_next(r, open, &tag, NULL, NULL));
        if (tag.is_end) break;
        if (tag_is(&tag, "name"))
            LM_TRY(element_text(r, &tag, depth, &property.name));
        else if (tag_is(&tag, "value"))
            LM_TRY(element_text(r, &tag, depth, &property.value));
        else if (tag_is(&tag, "final"))
            LM_TRY(element_text(r, &tag, depth, &is_final));
        else
            LM_TRY(element_pass(r, &tag, depth + 1));
    }
    if (!property.name || !property.name[0] || !property.value) return LM_OK; /* as Hadoop does */
    property.is_final = is_final && strcmp(is_final, "true") == 0;
    return r->events->property(r->events->context, &property, r->error);
}

static lm_status configuration_read(xml_reader *r, const xml_tag *open, int depth)
{
    if (depth > LM_HADOOP_DEPTH_MAX) return bad(r, "too many elements within each other");
    while (!open->is_empty) {
        xml_tag tag;
        const char *href;
        LM_TRY(tag_next(r, open, &tag, NULL, NULL));
        if (tag.is_end) break;
        if (tag_is(&tag, "property")) {
            LM_TRY(property_read(r, &tag, depth + 1));
        } else if (tag_is(&tag, "configuration")) {
            LM_TRY(configuration_read(r, &tag, depth + 1));
        } else if (tag_is(&tag, "xi:include") || tag_is(&tag, "include")) {
            LM_TRY(attribute(r, &tag, "href", &href));
            LM_TRY(element_pass(r, &tag, depth + 1));
            if (href) LM_TRY(r->events->include(r->events->context, href, r->error));
        } else {
            LM_TRY(element_pass(r, &tag, depth + 1));
        }
    }
    return LM_OK;
}

/* Behind the declaration and the document's type, to the first tag. */
static lm_status prolog_pass(xml_reader *r)
{
    if (begins(r, "\xef\xbb\xbf")) r->at += 3;
    if (begins(r, "\xff\xfe") || begins(r, "\xfe\xff")) return bad(r, "it is not in UTF-8");
    for (;;) {
        bool found;
        while (r->at < r->end && is_space(*r->at)) r->at++;
        LM_TRY(pass_remark(r, &found));
        if (found) continue;
        if (!begins(r, "<!DOCTYPE")) return LM_OK;
        while (r->at < r->end && *r->at != '>' && *r->at != '[') r->at++;
        if (r->at == r->end || *r->at == '[')
            return bad(r, "a document type with declarations of its own");
        r->at++;
    }
}

lm_status lm__hadoop_xml_read(lm_arena *arena, const char *file, const char *text, size_t size,
                              const lm_hadoop_events *events, lm_error *error)
{
    xml_reader r = {arena, file, text, text + size, text, events, error};
    xml_tag root;
    LM_TRY(prolog_pass(&r));
    if (r.at == r.end || *r.at != '<') return bad(&r, "it is no XML");
    LM_TRY(tag_read(&r, &root));
    if (root.is_end || !tag_is(&root, "configuration"))
        return bad(&r, "the outermost element is not <configuration>");
    LM_TRY(configuration_read(&r, &root, 0));
    for (;;) {
        bool found;
        while (r.at < r.end && is_space(*r.at)) r.at++;
        if (r.at == r.end) return LM_OK;
        LM_TRY(pass_remark(&r, &found));
        if (!found) return bad(&r, "something follows the outermost element");
    }
}
