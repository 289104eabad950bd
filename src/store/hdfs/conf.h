/*
 * Hadoop's configuration: core-site.xml and hdfs-site.xml of one directory, as Hadoop's own clients
 * read them.
 *
 * Invariants
 *  1. A later file goes before an earlier one, a later property before an earlier one of its name,
 *     but nothing goes before one that is final.
 *  2. `${name}` in a value is the value of that property, `${env.NAME}` (with `-default` or
 *     `:-default`) the environment's, `${user.name}` the user's; what is unknown stands as written.
 *     Replacing ends after LM_HADOOP_REPLACE_MAX times.
 *  3. Reading changes nothing: values may be looked up from several threads, each with an arena of
 *     its own.
 */
#ifndef LM_STORE_HDFS_CONF_H
#define LM_STORE_HDFS_CONF_H

#include "store/hdfs/xml.h"

typedef struct lm_hadoop_conf {
    lm_arena arena;
    lm_hadoop_property *properties; /* the last of a name counts */
    size_t count, capacity;
    const char *user;      /* what ${user.name} is; may be NULL */
    const char *directory; /* that was read; NULL: none was found */
    int include_depth;
} lm_hadoop_conf;

void lm__hadoop_conf_init(lm_hadoop_conf *conf, const lm_allocator *allocator);
void lm__hadoop_conf_deinit(lm_hadoop_conf *conf);
/* A directory of configuration files. NULL: HADOOP_CONF_DIR, else $HADOOP_HOME/etc/hadoop, else
 * /etc/hadoop/conf, else nothing. One that was asked for must have a core-site.xml or an
 * hdfs-site.xml. */
LM_MUST_USE lm_status lm__hadoop_conf_load(lm_hadoop_conf *conf, const char *directory,
                                           lm_error *error);
/* The text of one file; `file` is for messages and for what it includes. */
LM_MUST_USE lm_status lm__hadoop_conf_read(lm_hadoop_conf *conf, const char *file, const char *text,
                                           size_t size, lm_error *error);
/* The value of a property in `arena`, replaced and trimmed; *value is NULL when it is not there or
 * empty. */
LM_MUST_USE lm_status lm__hadoop_conf_get(const lm_hadoop_conf *conf, lm_arena *arena,
                                          const char *name, const char **value, lm_error *error);

#endif
