/* Descriptions of tables: columns, rules, partitions, versions (docs/tables.md). */
#ifndef LAMELLA_TABLE_H
#define LAMELLA_TABLE_H

#include <lamella/arrow.h>
#include <lamella/base.h>
#include <lamella/storage.h>

/* What a table is: never changes once read; counted, so that it may be shared between threads. */
typedef struct lm_table_descriptor lm_table_descriptor;

/* From JSON (docs/tables.md). LM_SCHEMA, with the line or the JSON path, for what is wrong in it;
 * `file` is its name in messages (NULL: "descriptor"). */
LM_API LM_MUST_USE lm_status lm_table_descriptor_parse(const lm_allocator *allocator,
                                                       const char *text, size_t size,
                                                       const char *file,
                                                       lm_table_descriptor **descriptor,
                                                       lm_error *error);
LM_API lm_table_descriptor *lm_table_descriptor_ref(lm_table_descriptor *descriptor);
/* Gives one reference back; takes NULL. */
LM_API void lm_table_descriptor_free(lm_table_descriptor *descriptor);
LM_API const char *lm_table_descriptor_name(const lm_table_descriptor *descriptor);
/* "1.4@2026-01-01" */
LM_API const char *lm_table_descriptor_version(const lm_table_descriptor *descriptor);
/* The columns as they are declared, and as the table stores them, computed partition columns among
 * them; both belong to the descriptor. */
LM_API lm_schema *lm_table_descriptor_schema(const lm_table_descriptor *descriptor);
LM_API lm_schema *lm_table_descriptor_stored(const lm_table_descriptor *descriptor);
/* The whole as compact JSON. */
LM_API const char *lm_table_descriptor_json(const lm_table_descriptor *descriptor);

typedef enum lm_table_evolution {
    LM_TABLE_SAME = 0,  /* the same columns and partitions */
    LM_TABLE_MINOR = 1, /* nullable columns were added, or types widened */
    LM_TABLE_MAJOR = 2, /* anything else */
} lm_table_evolution;

/* How `to` differs from `from`, which came before it; `why` tells the first difference of the
 * gravest kind, "" where they are the same. */
LM_API lm_table_evolution lm_table_descriptor_compare(const lm_table_descriptor *from,
                                                      const lm_table_descriptor *to,
                                                      char why[LM_ERROR_MESSAGE_MAX]);

/* Descriptors by name. Filled first, then only read, by any number of threads. */
typedef struct lm_registry lm_registry;

LM_API LM_MUST_USE lm_status lm_registry_new(const lm_allocator *allocator, lm_registry **registry,
                                             lm_error *error);
/* Keeps a reference. LM_EXISTS for a second one of its name. */
LM_API LM_MUST_USE lm_status lm_registry_add(lm_registry *registry, lm_table_descriptor *descriptor,
                                             lm_error *error);
/* All files NAME.json of a directory; a descriptor's name is its file's. `storage` may be NULL. */
LM_API LM_MUST_USE lm_status lm_registry_read(const lm_allocator *allocator,
                                              const lm_storage *storage, const char *path,
                                              lm_registry **registry, lm_error *error);
LM_API size_t lm_registry_count(const lm_registry *registry);
/* By their names' order; and by name, NULL for none. They belong to the registry. */
LM_API lm_table_descriptor *lm_registry_at(const lm_registry *registry, size_t i);
LM_API lm_table_descriptor *lm_registry_find(const lm_registry *registry, const char *name);
LM_API void lm_registry_free(lm_registry *registry); /* takes NULL */

#endif
