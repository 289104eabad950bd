/* A table in memory for tests, on a store that fails when it is told to, and rows from texts. */
#ifndef LM_TESTS_TABLE_TABLES_H
#define LM_TESTS_TABLE_TABLES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamella/jsonl.h>
#include <lamella/table.h>

#include "store/fault/store.h"

/* With ' for ". */
static inline const char *json(const char *text)
{
    static char copies[8][4096];
    static unsigned turn;
    char *copy = copies[turn++ % 8], *to = copy;
    for (; *text; text++) *to++ = *text == '\'' ? '"' : *text;
    *to = '\0';
    return copy;
}

static inline lm_registry *registry_of(const char *text)
{
    lm_registry *registry;
    lm_table_descriptor *d;
    lm_error error;
    text = json(text);
    if (lm_table_descriptor_parse(NULL, text, strlen(text), NULL, &d, &error) != LM_OK ||
        lm_registry_new(NULL, &registry, NULL) != LM_OK ||
        lm_registry_add(registry, d, NULL) != LM_OK) {
        printf("# %s\n", error.message);
        abort();
    }
    lm_table_descriptor_free(d);
    return registry;
}

/* Rows from JSON lines, which are read when the stream is. */
typedef struct text_source {
    lm_source source;
    char *text;
} text_source;

static inline lm_status text_read(lm_source *source, uint64_t offset, void *buffer, size_t size,
                                  lm_error *error)
{
    (void)error;
    memcpy(buffer, ((text_source *)source)->text + offset, size);
    return LM_OK;
}

static inline void text_close(lm_source *source)
{
    free(((text_source *)source)->text);
    free(source);
}

static inline struct ArrowArrayStream rows_of(const char *text, const char *schema)
{
    static const lm_source_ops ops = {.read = text_read, .close = text_close};
    struct ArrowArrayStream stream;
    lm_error error;
    text_source *source = calloc(1, sizeof *source);
    source->text = strdup(json(text));
    source->source = (lm_source){.ops = &ops, .size = strlen(source->text), .name = "rows.jsonl"};
    lm_jsonl_read_options how = {.threads = 1};
    if (schema && lm_schema_parse(NULL, schema, strlen(schema), &how.schema, NULL) != LM_OK)
        abort();
    if (lm_jsonl_read_take(NULL, &source->source, &how, &stream, &error) != LM_OK) {
        printf("# %s\n", error.message);
        abort();
    }
    lm_schema_free(how.schema);
    return stream;
}

#define BUCKETED                                                                                   \
    "{'name': 'trades', 'schema_version': '1.0@2026-01-01', 'columns': [{'name': 'tick', 'type': " \
    "'int64', 'nullable': false}, {'name': 'id', 'type': 'utf8'}], 'partitioning': ['bucket']}"

/* One table in memory. */
typedef struct table {
    lm_store *store;
    lm_fault_store fault;
    lm_storage storage;
    lm_table_options options;
} table;

static inline void table_open(table *t, const char *descriptor)
{
    lm_error error;
    if (lm__store_mem_open(NULL, &t->store, &error) != LM_OK) abort();
    lm__fault_store_init(&t->fault, t->store);
    t->fault.plan.nth = UINT64_MAX;
    t->storage = (lm_storage){.reserved = &t->fault.store};
    t->options = (lm_table_options){.root = "mem://x/out",
                                    .registry = descriptor ? registry_of(descriptor) : NULL,
                                    .tick_bucket_size = 10,
                                    .threads = 1,
                                    .storage = &t->storage};
}

static inline void table_close(table *t)
{
    lm_registry_free((lm_registry *)(void *)t->options.registry);
    lm__store_close(t->store);
}

#endif
