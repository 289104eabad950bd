/*
 * From a RecordBatch table and a body to a batch.
 *
 * Invariants
 *  1. Every buffer lies within the body, is as long as its array's length asks for, and is copied
 *     where it is not aligned as views need it.
 *  2. All field nodes and buffers are used up, and null counts are what the bitmaps say.
 *  3. The batch has passed LM_VALIDATE_TEXT; dictionaries passed it when they were decoded.
 */
#ifndef LM_IPC_DECODE_H
#define LM_IPC_DECODE_H

#include "arrow/batch.h"
#include "codec/codec.h"
#include "ipc/format.h"
#include "ipc/hold.h"

/* A dictionary as it stands at the moment. */
typedef struct lm_ipc_dictionary {
    int64_t id;
    lm_schema *schema; /* of one column, the values */
    lm_batch *values;  /* or NULL while none has come */
} lm_ipc_dictionary;

/* All dictionaries of a schema, sorted by id. */
typedef struct lm_ipc_dictionaries {
    const lm_allocator *allocator;
    lm_ipc_dictionary *items;
    size_t count;
} lm_ipc_dictionaries;

LM_MUST_USE lm_status lm__ipc_dictionaries_init(lm_ipc_dictionaries *dictionaries,
                                                const lm_allocator *allocator,
                                                const lm_schema *schema, lm_error *error);
void lm__ipc_dictionaries_deinit(lm_ipc_dictionaries *dictionaries);
lm_ipc_dictionary *lm__ipc_dictionary_find(const lm_ipc_dictionaries *dictionaries, int64_t id);

typedef struct lm_ipc_decoder {
    const lm_allocator *allocator;
    lm_codec_context *codec; /* made when first needed */
    lm_ipc_dictionaries dictionaries;
} lm_ipc_decoder;

/* A message's body, and what holds it. */
typedef struct lm_ipc_body {
    lm_ipc_hold *hold;
    const uint8_t *data;
    size_t size;
    int version; /* of the metadata that describes it: LM_FB_VERSION_… */
} lm_ipc_body;

/* `records` is a RecordBatch of that schema; a failure of its reader is looked at here. */
LM_MUST_USE lm_status lm__ipc_records_decode(lm_ipc_decoder *decoder, lm_schema *schema,
                                             const lm_fb_table *records, const lm_ipc_body *body,
                                             lm_batch **batch, lm_error *error);
/* Takes up a DictionaryBatch: replaces the dictionary, or adds to it. */
LM_MUST_USE lm_status lm__ipc_dictionary_decode(lm_ipc_decoder *decoder, const lm_fb_table *table,
                                                const lm_ipc_body *body, lm_error *error);

#endif
