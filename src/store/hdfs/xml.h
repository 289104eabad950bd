/*
 * Hadoop's configuration files, read: `<configuration>` with `<property>`s in it.
 *
 * A small reader of our own, since a wheel brings no library along and these files need little:
 * elements, attributes, text, CDATA, character references. What makes XML dangerous is left out and
 * refused: an internal subset of a document type, so there are no entities but the five.
 *
 * Invariants
 *  1. Bytes of any kind give properties or an error with the file's name and a line, never more
 *     memory than a small multiple of their size (LM_HADOOP_FILE_BYTES_MAX), never more depth than
 *     LM_HADOOP_DEPTH_MAX.
 *  2. What Hadoop's reader passes over (unknown elements, comments) is passed over.
 */
#ifndef LM_STORE_HDFS_XML_H
#define LM_STORE_HDFS_XML_H

#include "base/arena.h"

typedef struct lm_hadoop_property {
    const char *name, *value; /* in the arena; never NULL */
    bool is_final;
} lm_hadoop_property;

typedef struct lm_hadoop_events {
    lm_status (*property)(void *context, const lm_hadoop_property *property, lm_error *error);
    /* `<xi:include href="…">` */
    lm_status (*include)(void *context, const char *href, lm_error *error);
    void *context;
} lm_hadoop_events;

/* `file` is for messages. */
LM_MUST_USE lm_status lm__hadoop_xml_read(lm_arena *arena, const char *file, const char *text,
                                          size_t size, const lm_hadoop_events *events,
                                          lm_error *error);

#endif
