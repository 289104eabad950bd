/* A zip archive; see zip.h. */
#include "xlsx/zip.h"

#include "base/error.h"

enum {
    LOCAL_HEADER = 0x04034b50,
    DESCRIPTOR = 0x08074b50,
    CENTRAL_HEADER = 0x02014b50,
    CENTRAL_END = 0x06054b50,
    CENTRAL_END_64 = 0x06064b50,
    CENTRAL_LOCATOR_64 = 0x07064b50,
    VERSION = 20,
    VERSION_64 = 45,
    FLAG_DESCRIPTOR = 1 << 3,
    DEFLATED = 8,
    DATE_1980 = 1 << 5 | 1, /* January the first */
    EXTRA_64 = 1,
};

/* A record of a few fields, little-endian. */
typedef struct record {
    uint8_t bytes[128];
    size_t size;
} record;

static void put16(record *r, unsigned value)
{
    r->bytes[r->size++] = (uint8_t)value;
    r->bytes[r->size++] = (uint8_t)(value >> 8);
}

static void put32(record *r, uint32_t value)
{
    put16(r, value & 0xffff);
    put16(r, value >> 16);
}

static void put64(record *r, uint64_t value)
{
    put32(r, (uint32_t)value);
    put32(r, (uint32_t)(value >> 32));
}

static uint32_t narrow(uint64_t value) { return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value; }

void lm__zip_init(lm_zip *zip, const lm_allocator *allocator, lm_sink *sink)
{
    *zip = (lm_zip){.sink = sink};
    lm__buffer_init(&zip->central, allocator, 0);
}

void lm__zip_deinit(lm_zip *zip) { lm__buffer_deinit(&zip->central); }

static lm_status put(lm_zip *zip, const void *bytes, size_t size, lm_error *error)
{
    LM_TRY(lm_sink_write(zip->sink, bytes, size, error));
    zip->offset += size;
    return LM_OK;
}

/* The fields that a local header and the directory have in common; 4.3.7. */
static void put_head(record *r, const lm_zip *zip, unsigned version, bool local)
{
    put16(r, version);
    put16(r, FLAG_DESCRIPTOR);
    put16(r, DEFLATED);
    put16(r, 0); /* midnight */
    put16(r, DATE_1980);
    put32(r, local ? 0 : zip->crc);
    put32(r, local ? 0 : narrow(zip->packed));
    put32(r, local ? 0 : narrow(zip->size));
    put16(r, (unsigned)strlen(zip->name));
}

lm_status lm__zip_begin(lm_zip *zip, const char *name, lm_error *error)
{
    record r = {.size = 0};
    size_t size = strlen(name);
    if (size >= sizeof zip->name)
        return lm__error_set(error, LM_BROKEN, "%s: too long for a name in a zip file", name);
    memcpy(zip->name, name, size + 1);
    zip->start = zip->offset;
    zip->packed = zip->size = 0;
    zip->crc = 0;
    put32(&r, LOCAL_HEADER);
    put_head(&r, zip, VERSION, true);
    put16(&r, 0); /* no extra field */
    LM_TRY(put(zip, r.bytes, r.size, error));
    return put(zip, name, size, error);
}

lm_status lm__zip_part(lm_zip *zip, const lm_buffer *packed, uint32_t crc, uint64_t size,
                       lm_error *error)
{
    zip->crc = lm__crc32_join(zip->crc, crc, size);
    zip->size += size;
    zip->packed += packed->size;
    return put(zip, packed->data, packed->size, error);
}

/* 4.3.12, 4.5.3 */
static lm_status add_central(lm_zip *zip)
{
    record r = {.size = 0}, extra = {.size = 0};
    if (zip->size > UINT32_MAX) put64(&extra, zip->size);
    if (zip->packed > UINT32_MAX) put64(&extra, zip->packed);
    if (zip->start > UINT32_MAX) put64(&extra, zip->start);
    unsigned version = extra.size ? VERSION_64 : VERSION;
    put32(&r, CENTRAL_HEADER);
    put16(&r, version);
    put_head(&r, zip, version, false);
    put16(&r, extra.size ? (unsigned)extra.size + 4 : 0);
    put16(&r, 0); /* no comment */
    put16(&r, 0); /* the first disk */
    put16(&r, 0);
    put32(&r, 0);
    put32(&r, narrow(zip->start));
    lm_status status = lm__buffer_append(&zip->central, r.bytes, r.size);
    if (status == LM_OK) status = lm__buffer_text(&zip->central, zip->name);
    if (status != LM_OK || extra.size == 0) return status;
    record head = {.size = 0};
    put16(&head, EXTRA_64);
    put16(&head, (unsigned)extra.size);
    status = lm__buffer_append(&zip->central, head.bytes, head.size);
    if (status == LM_OK) status = lm__buffer_append(&zip->central, extra.bytes, extra.size);
    return status;
}

lm_status lm__zip_end(lm_zip *zip, lm_error *error)
{
    record r = {.size = 0};
    memcpy(r.bytes, LM_DEFLATE_END, LM_DEFLATE_END_BYTES);
    r.size = LM_DEFLATE_END_BYTES;
    zip->packed += LM_DEFLATE_END_BYTES;
    put32(&r, DESCRIPTOR);
    put32(&r, zip->crc);
    bool wide = zip->size > UINT32_MAX || zip->packed > UINT32_MAX;
    if (wide) {
        put64(&r, zip->packed);
        put64(&r, zip->size);
    } else {
        put32(&r, (uint32_t)zip->packed);
        put32(&r, (uint32_t)zip->size);
    }
    zip->entries++;
    if (add_central(zip) != LM_OK) return lm__error_memory(error, "writing a zip file");
    return put(zip, r.bytes, r.size, error);
}

lm_status lm__zip_entry(lm_zip *zip, lm_deflate *deflate, const char *name,
                        const lm_buffer *contents, lm_error *error)
{
    lm_buffer packed;
    lm__buffer_init(&packed, zip->central.allocator, 0);
    lm_status status = lm__zip_begin(zip, name, error);
    if (status == LM_OK)
        status = lm__deflate_part(deflate, contents->data, contents->size, &packed, error);
    if (status == LM_OK)
        status =
            lm__zip_part(zip, &packed, lm__deflate_crc(deflate, 0, contents->data, contents->size),
                         contents->size, error);
    if (status == LM_OK) status = lm__zip_end(zip, error);
    lm__buffer_deinit(&packed);
    return status;
}

/* 4.3.14 to 4.3.16 */
lm_status lm__zip_finish(lm_zip *zip, lm_error *error)
{
    uint64_t start = zip->offset, size = zip->central.size;
    record r = {.size = 0};
    LM_TRY(put(zip, zip->central.data, zip->central.size, error));
    bool wide = start > UINT32_MAX || size > UINT32_MAX || zip->entries > UINT16_MAX;
    if (wide) {
        uint64_t end = zip->offset;
        put32(&r, CENTRAL_END_64);
        put64(&r, 44); /* bytes that follow in this record */
        put16(&r, VERSION_64);
        put16(&r, VERSION_64);
        put32(&r, 0);
        put32(&r, 0);
        put64(&r, zip->entries);
        put64(&r, zip->entries);
        put64(&r, size);
        put64(&r, start);
        put32(&r, CENTRAL_LOCATOR_64);
        put32(&r, 0);
        put64(&r, end);
        put32(&r, 1);
    }
    unsigned entries = zip->entries > UINT16_MAX ? UINT16_MAX : (unsigned)zip->entries;
    put32(&r, CENTRAL_END);
    put16(&r, 0);
    put16(&r, 0);
    put16(&r, entries);
    put16(&r, entries);
    put32(&r, narrow(size));
    put32(&r, narrow(start));
    put16(&r, 0);
    return put(zip, r.bytes, r.size, error);
}
