/*
 * From a URL to the NameNodes that answer for it, by Hadoop's configuration where the URL does not
 * say it all.
 *
 *     webhdfs://host:port, swebhdfs://host:port      that one; 9870 and 9871 without a port
 *     webhdfs://service, hdfs://service              the NameNodes of a name service
 *     hdfs://host:8020                               the same NameNode's HTTP address
 *     hdfs:///path                                   what fs.defaultFS says
 */
#ifndef LM_STORE_HDFS_NAMENODES_H
#define LM_STORE_HDFS_NAMENODES_H

#include "base/limits.h"
#include "store/hdfs/conf.h"

typedef struct lm_namenodes {
    bool is_tls;
    size_t count;
    const char *hosts[LM_HDFS_NAMENODES_MAX]; /* "host:port", in the arena */
    bool is_configured; /* the configuration knew of it; else a name was taken as that of a host */
} lm_namenodes;

/* `root` is "scheme://authority", of `root_size` bytes. */
LM_MUST_USE lm_status lm__namenodes_find(const lm_hadoop_conf *conf, lm_arena *arena,
                                         const char *root, size_t root_size, lm_namenodes *found,
                                         lm_error *error);

#endif
