/* One running checksum of either kind, and its text form; see hash.h. */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define CRC32C_PREFIX "crc32c:"
#define SHA256_PREFIX "sha256:"

lm_status lm__checksum_init(lm_checksum *checksum, lm_checksum_kind kind, lm_error *error)
{
    checksum->kind = kind;
    checksum->crc = 0;
    switch (kind) {
    case LM_CHECKSUM_NONE:
    case LM_CHECKSUM_CRC32C: return LM_OK;
    case LM_CHECKSUM_SHA256: lm__sha256_init(&checksum->sha256); return LM_OK;
    }
    checksum->kind = LM_CHECKSUM_NONE;
    return lm__error_set(error, LM_INVALID, "no such checksum: %d", (int)kind);
}

lm_status lm__checksum_update(lm_checksum *checksum, const void *data, size_t size, lm_error *error)
{
    (void)error; /* ours cannot fail; a library's might */
    if (checksum->kind == LM_CHECKSUM_CRC32C)
        checksum->crc = lm__crc32c(checksum->crc, data, size);
    else if (checksum->kind == LM_CHECKSUM_SHA256)
        lm__sha256_update(&checksum->sha256, data, size);
    return LM_OK;
}

lm_status lm__checksum_final(lm_checksum *checksum, char text[LM_CHECKSUM_TEXT_MAX],
                             lm_error *error)
{
    (void)error;
    text[0] = '\0';
    if (checksum->kind == LM_CHECKSUM_CRC32C) {
        snprintf(text, LM_CHECKSUM_TEXT_MAX, CRC32C_PREFIX "%08x", checksum->crc);
    } else if (checksum->kind == LM_CHECKSUM_SHA256) {
        uint8_t digest[LM_SHA256_BYTES];
        lm__sha256_final(&checksum->sha256, digest);
        char *next = text + sizeof SHA256_PREFIX - 1;
        memcpy(text, SHA256_PREFIX, sizeof SHA256_PREFIX);
        for (size_t i = 0; i < sizeof digest; i++, next += 2) snprintf(next, 3, "%02x", digest[i]);
    }
    return LM_OK;
}

void lm__checksum_deinit(lm_checksum *checksum) { checksum->kind = LM_CHECKSUM_NONE; }

lm_status lm__checksum_parse(const char *text, lm_checksum_kind *kind,
                             char canonical[LM_CHECKSUM_TEXT_MAX], lm_error *error)
{
    static const struct {
        const char *prefix;
        lm_checksum_kind kind;
        size_t digits;
    } rows[] = {
        {CRC32C_PREFIX, LM_CHECKSUM_CRC32C, 8},
        {SHA256_PREFIX, LM_CHECKSUM_SHA256, 2 * LM_SHA256_BYTES},
    };
    *kind = LM_CHECKSUM_NONE;
    canonical[0] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t start = strlen(rows[i].prefix), size = start + rows[i].digits;
        if (strncmp(text, rows[i].prefix, start) != 0) continue;
        if (strlen(text) != size) break;
        if (strspn(text + start, "0123456789abcdefABCDEF") != rows[i].digits) break;
        memcpy(canonical, text, size + 1);
        for (char *digit = canonical + start; *digit; digit++)
            if (*digit >= 'A' && *digit <= 'F') *digit = (char)(*digit - 'A' + 'a');
        *kind = rows[i].kind;
        return LM_OK;
    }
    return lm__error_set(error, LM_INVALID,
                         "no checksum (crc32c: and 8 hex digits, or sha256: and 64): %s", text);
}
