/*
 * Every limit has a name here. A size from outside is checked against one of these before it is
 * used.
 */
#ifndef LM_BASE_LIMITS_H
#define LM_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define LM_KIB ((size_t)1 << 10)
#define LM_MIB ((size_t)1 << 20)
#define LM_GIB ((size_t)1 << 30)

/* base */
#define LM_ARENA_BLOCK_BYTES (16 * LM_KIB)
#define LM_ARENA_BYTES_MAX (4 * LM_GIB)
#define LM_KEEPING_BYTES_MIN (256 * LM_KIB) /* of a block that a keeping allocator keeps */
#define LM_LARGE_PAGE_BYTES (2 * LM_MIB)
#define LM_BUFFER_BYTES_MAX (SIZE_MAX / 4)
#define LM_JSON_DEPTH_MAX 64
#define LM_JSON_BYTES_MAX (256 * LM_MIB)
#define LM_POOL_THREADS_MAX 256

/* net */
#define LM_HTTP_CONNECT_NS INT64_C(10000000000)
#define LM_HTTP_IDLE_NS INT64_C(60000000000) /* in which less than the next went either way */
#define LM_HTTP_IDLE_BYTES 1024
#define LM_HTTP_POLL_MS 50 /* between two looks at the cancellation */
#define LM_HTTP_HEADERS_BYTES_MAX (64 * LM_KIB)
#define LM_HTTP_BODY_BYTES_MAX (64 * LM_MIB) /* collected; can be changed */
#define LM_HTTP_REFUSAL_BYTES (64 * LM_KIB)  /* of the body of an answer that is not 2xx */
#define LM_HTTP_BUFFER_BYTES (128 * LM_KIB)  /* of libcurl's, of each direction */
#define LM_HTTP_LANES_KEPT 64                /* idle, with their connections */
#define LM_HTTP_CONNECTIONS_MAX 8            /* that a lane keeps */
#define LM_HTTP_REUSE_S 60                   /* a connection that is idle longer is not used */
#define LM_HTTP_REUSE_ONCE_S 3               /* the same, by what must not be sent twice */
#define LM_RETRY_ATTEMPTS 5
#define LM_RETRY_WAIT_FIRST_NS INT64_C(100000000)
#define LM_RETRY_WAIT_MAX_NS INT64_C(10000000000)
#define LM_RETRY_AFTER_MAX_NS INT64_C(60000000000)
#define LM_RETRY_DEADLINE_NS                                                                       \
    INT64_C(300000000000)  /* a store's: of a request and its repetitions                          \
                            */
#define LM_RETRY_BUDGET 20 /* repetitions that are not made up for by successes */

/* store */
#define LM_REMOTE_SECONDS_MAX 86400 /* of an option that is a time */
#define LM_REMOTE_ATTEMPTS_MAX 100
#define LM_PATH_BYTES_MAX (4 * LM_KIB)
#define LM_SYMLINKS_MAX 40                  /* followed at a destination, as the kernel does */
#define LM_COMMIT_LOCK_WAIT_US_MAX 10000000 /* for the lock of a directory */
#define LM_COMMIT_MATCH_TRIES_MAX 8         /* checksums of a destination that keeps changing */
#define LM_STAGE_NAME_TRIES_MAX 16          /* temporary names that gc took away */
#define LM_STAGE_SMALL_BYTES (64 * LM_KIB)  /* a file up to this is one write */
#define LM_STAGE_BLOCK_BYTES (1 * LM_MIB)   /* of one write through the page cache */
#define LM_STAGE_BACK_BYTES (4 * LM_MIB)    /* written through it before write-back is started */
#define LM_STAGE_SLOT_BYTES (2 * LM_MIB)    /* of one write around it */
#define LM_STAGE_SLOTS 4
#define LM_STAGE_THREADS 3
#define LM_STAGE_COPY_BYTES (16 * LM_MIB)       /* that the system copies at once */
#define LM_SOURCE_AHEAD_BYTES (8 * LM_MIB)      /* of a file, asked for before it is read */
#define LM_STAGE_AHEAD_BYTES (64 * LM_MIB)      /* of disk space that is reserved ahead of them */
#define LM_STAGE_DIRECT_BYTES_MIN (64 * LM_MIB) /* a file past this goes around the page cache */
#define LM_XATTR_BYTES_MAX (64 * LM_KIB)        /* the kernel's own, of a value and of a list */
#define LM_ACL_BYTES_MAX (8 * LM_KIB)
#define LM_TREE_DEPTH_MAX 128           /* of a directory that is published or removed */
#define LM_TREE_SYNC_BATCH 64           /* files of a tree that are synced together */
#define LM_TREE_SYNC_THREADS 8          /* most of the time they wait */
#define LM_TREE_SYNC_ALONE 3            /* files and directories that are worth no thread */
#define LM_SWAP_BYTES_MAX (64 * LM_KIB) /* of an exchange's journal */
#define LM_SWAP_ARENA_BYTES_MAX (1 * LM_MIB)

/* store/hdfs */
#define LM_HADOOP_FILE_BYTES_MAX (16 * LM_MIB)  /* of a configuration file */
#define LM_HADOOP_ARENA_BYTES_MAX (64 * LM_MIB) /* of all of them, read */
#define LM_HADOOP_DEPTH_MAX 32                  /* of elements */
#define LM_HADOOP_INCLUDES_MAX 8                /* files that include each other */
#define LM_HADOOP_PROPERTIES_MAX 100000
#define LM_HADOOP_REPLACE_MAX 20 /* of `${…}` in one value: Hadoop's own */
#define LM_HADOOP_VALUE_BYTES_MAX (64 * LM_KIB)
#define LM_HADOOP_TOKENS_BYTES_MAX (1 * LM_MIB) /* of a file of delegation tokens */
#define LM_HDFS_NAMENODES_MAX 16                /* of one name service */
#define LM_HDFS_URL_BYTES_MAX (128 * LM_KIB)
#define LM_HDFS_ANSWER_BYTES_MAX (256 * LM_MIB)     /* a listing that has no pages */
#define LM_HDFS_ANSWER_ARENA_BYTES_MAX (2 * LM_GIB) /* the same, read */
#define LM_HDFS_SMALL_BYTES (1 * LM_MIB)            /* a file up to this can be sent again */
#define LM_HDFS_CONCAT_BYTES (40 * LM_KIB) /* of sources in one URL: a NameNode takes 64 KiB */
#define LM_HDFS_CONCAT_FEW 8               /* files that are looked at one by one */
#define LM_HDFS_COMMIT_ROUNDS_MAX 3
#define LM_HDFS_NODE_NAME_MAX 280              /* of a DataNode's address */
#define LM_HDFS_SHUNNED_MAX 8                  /* DataNodes that failed a while ago */
#define LM_HDFS_SHUN_NS INT64_C(120000000000)  /* that long */
#define LM_HDFS_HASTE_NS INT64_C(2000000000)   /* for what a cancelled commit still has to know */
#define LM_HDFS_DISCARD_NS INT64_C(5000000000) /* for removing what is only in the way */

/* store/window */
#define LM_WINDOW_SLOTS 8
#define LM_WINDOW_BYTES (2 * LM_MIB)             /* fetched at once */
#define LM_WINDOW_PAST_BYTES (1 * LM_MIB)        /* a read that is its own window */
#define LM_WINDOW_COMING_BYTES_MIN (64 * LM_KIB) /* less is not worth a thread */

/* publish */
#define LM_NAME_BYTES_MAX 255 /* of one part of a path */
#define LM_SIDECAR_BYTES_MAX (4 * LM_MIB)
#define LM_SIDECAR_ARENA_BYTES_MAX (64 * LM_MIB) /* of a sidecar, parsed */
#define LM_MANIFEST_PAIRS_MAX 1000
#define LM_VERIFY_TRIES_MAX 50             /* at a file that is replaced meanwhile */
#define LM_TREE_FILES_MAX 4000000          /* in a directory with a manifest */
#define LM_KEEP_MAX 10000                  /* kept files of one name */
#define LM_KEEP_TRIES_MAX 100              /* names of a kept file that others took */
#define LM_COPY_SOURCE_BYTES (1 * LM_MIB)  /* read at a time from a file that is copied */
#define LM_COPY_WITHIN_BYTES (64 * LM_MIB) /* asked of a store at a time, to copy by itself */
#define LM_COPY_THREADS 4                  /* files at a time, from or to another store */
#define LM_COPY_BLOCK_BYTES (256 * LM_KIB) /* read at a time from a stream */
#define LM_VERSION_ENTRY_BYTES_MAX (64 * LM_KIB)
#define LM_VERSION_PRUNE_MAX 10000 /* entries that are looked at to keep few versions */
#define LM_LOG_PUT_TRIES_MAX 4     /* of an entry, after unknown outcomes */

/* table */
#define LM_TABLE_NAME_BYTES_MAX 128
#define LM_TABLE_COLUMNS_MAX 10000
#define LM_TABLE_PARTITIONS_MAX 16
#define LM_TABLE_KEY_COLUMNS_MAX 32 /* of an order, and of a unique key */
#define LM_TABLE_PATTERN_BYTES_MAX (4 * LM_KIB)
#define LM_TABLE_DESCRIPTOR_BYTES_MAX (16 * LM_MIB)
#define LM_TABLE_REGISTRY_MAX 100000
#define LM_TABLE_STATS_COLUMNS 32 /* Delta's own number of columns that the log tells of */
#define LM_TABLE_MEMORY_BYTES (256 * LM_MIB) /* of rows that wait for their part */
#define LM_TABLE_OPEN_PARTS 64
#define LM_TABLE_PART_BYTES (1 * LM_GIB)
#define LM_TABLE_COMPACT_BYTES (128 * LM_MIB) /* of a part that compaction aims at */
#define LM_TABLE_JOB_BYTES (1 * LM_MIB)       /* of rows that are worth more than one thread */
#define LM_TABLE_SYNC_THREADS 8               /* that put parts in place: they mostly wait */
#define LM_TABLE_SMALL_BATCHES 64             /* of a partition, before they are joined, */
#define LM_TABLE_SMALL_ROWS 1024              /* of this many rows or fewer on the average */
#define LM_TABLE_RUN_ID_BYTES_MAX 200
#define LM_TABLE_COMMIT_ROUNDS_MAX 16 /* on newer snapshots */
#define LM_TABLE_LATE_PARTS 2         /* of an append, made durable beside its entry */
#define LM_TABLE_MANIFEST_PARTS 64    /* whose manifest is written anew at each append */
#define LM_TABLE_TAKE_ROWS 16384      /* of a batch that are worth several threads */
#define LM_TABLE_TAKE_JOBS 16
#define LM_TABLE_SLOTS_MAX 1000000             /* partitions of one append */
#define LM_TABLE_UNIQUE_BYTES_MAX (2 * LM_GIB) /* of keys that are held against each other */

/* codec */
#define LM_CODEC_BYTES_MAX ((size_t)INT32_MAX) /* of one buffer, packed or not: Parquet's own */

/* encode */
#define LM_DICT_BYTES_MAX (1 * LM_MIB)
#define LM_DELTA_BLOCK_VALUES_MAX ((size_t)INT32_MAX) /* of a block that is read */
#define LM_STRINGS_BYTES_MAX ((size_t)INT32_MAX)      /* of one page's strings together, read */

/* parquet/ thrift and metadata */
#define LM_THRIFT_DEPTH_MAX 32
#define LM_PARQUET_DEPTH_MAX 100                 /* of the schema's tree, below the root */
#define LM_PARQUET_PAGE_BYTES_MAX (256 * LM_MIB) /* that a writer may be asked for */
#define LM_PARQUET_FOOTER_BYTES_MAX (1 * LM_GIB)
#define LM_PARQUET_PAGE_HEADER_BYTES_MAX (16 * LM_MIB)
#define LM_PARQUET_READ_PAGE_BYTES_MAX (LM_GIB + 64 * LM_MIB) /* uncompressed; can be raised */
#define LM_PARQUET_READ_TAIL_BYTES (64 * LM_KIB)              /* of the first read */
#define LM_PARQUET_READ_WINDOW_BYTES (1 * LM_MIB)             /* of a chunk, read at once */
#define LM_PARQUET_READ_FAR_BYTES (4 * LM_MIB)        /* the same past the first, of a far store */
#define LM_PARQUET_READ_FAR_THREADS 8                 /* that wait for such a store */
#define LM_PARQUET_READ_INDEX_BYTES_MAX (2 * LM_MIB)  /* of all indexes, fetched at once */
#define LM_PARQUET_READ_PIECE_ROWS_MIN 8192           /* of a row group that several threads read */
#define LM_PARQUET_READ_KEPT_BYTES_MAX (4 * LM_MIB)   /* of a buffer, for the next column */
#define LM_PARQUET_READ_SPARE_BYTES_MAX (64 * LM_MIB) /* of a buffer that is too large by now */
#define LM_PARQUET_READ_AHEAD_BYTES (128 * LM_MIB)    /* of rows decoded ahead of the reader */
#define LM_PARQUET_READ_UNITS_MAX 64                  /* pieces of row groups, decoded ahead */
#define LM_PARQUET_READ_ROWS_MAX ((size_t)1 << 27)    /* of one piece of a row group */
#define LM_PARQUET_WIDTH_MAX (16 * (int32_t)LM_MIB)   /* of one value of FIXED_LEN_BYTE_ARRAY */
#define LM_PARQUET_MERGE_FILES_MAX 4000000
#define LM_PARQUET_MERGE_KEPT_BYTES_MAX (8 * LM_MIB) /* of tails of files that are merged */
#define LM_PARQUET_MERGE_TAIL_BYTES_MAX (1 * LM_MIB) /* of one of them */
#define LM_PARQUET_MERGE_COPY_BYTES (1 * LM_MIB)     /* copied at once through memory, */
#define LM_PARQUET_MERGE_VIEW_BYTES (4 * LM_MIB)     /* or looked at in place */
#define LM_PARQUET_MERGE_OUT_BYTES (256 * LM_KIB)    /* of indexes and footer, put at once */
#define LM_PARQUET_MERGE_AHEAD_BYTES (16 * LM_MIB)   /* of rows that are written anew, read ahead */
#define LM_PARQUET_MERGE_ALIGNMENT_MAX (64 * LM_KIB)
#define LM_CANONICAL_DECIMAL_BYTES_MAX (4 * LM_KIB) /* of one decimal that is printed */
#define LM_CANONICAL_DECIMAL_SCALE_MAX 10000
#define LM_CANONICAL_EMPTY_ROWS_MAX 10000000 /* of a file without columns */
#define LM_VARIANT_DEPTH_MAX 128
#define LM_PARQUET_BLOOM_BYTES_MAX (128 * LM_MIB)
#define LM_VERIFY_DISTINCT_SLOTS_MAX ((size_t)1 << 23) /* twice the values that are counted */
#define LM_VERIFY_BLOCK_BYTES (16 * LM_MIB)     /* of strings of a dictionary, decoded at once */
#define LM_VERIFY_BOUND_BYTES_MAX (64 * LM_KIB) /* of a byte string, held against a bound */
#define LM_VERIFY_PROBLEMS_MAX 1000             /* that are told; can be raised */
/* min and max longer than this are cut; a max that cannot be cut is left out past the second */
#define LM_PARQUET_BOUND_BYTES 64
#define LM_PARQUET_BOUND_BYTES_MAX (4 * LM_KIB)

/* arrow */
#define LM_ARROW_DEPTH_MAX 64 /* of a schema's tree, below the root */
#define LM_ARROW_CHILDREN_MAX 100000
#define LM_ARROW_FIELDS_MAX 1000000          /* in one schema, at all depths */
#define LM_ARROW_ROWS_MAX ((int64_t)1 << 56) /* offset + length of one array */
#define LM_ARROW_NAME_BYTES_MAX (64 * LM_KIB)
#define LM_ARROW_TIMEZONE_BYTES_MAX 256
#define LM_ARROW_METADATA_BYTES_MAX (64 * LM_MIB)
#define LM_ARROW_METADATA_PAIRS_MAX 100000
#define LM_ARROW_BYTE_WIDTH_MAX (16 * (int32_t)LM_MIB) /* of one value of fixed_binary */
#define LM_ARROW_VARIADIC_MAX 1000000                  /* data buffers of one view array */
#define LM_ARROW_TEXT_BYTES_MAX (16 * LM_MIB)          /* of a schema as text */
#define LM_EXPR_BYTES_MAX (64 * LM_MIB)                /* of an expression as text */
#define LM_EXPR_DEPTH_MAX 128
#define LM_EXPR_NODES_MAX 4000000 /* of an expression, literals counted */
#define LM_EXPR_COLUMNS_MAX 1000  /* that one expression names */
#define LM_EXPR_PATH_MAX 64       /* parts of a column's path */
#define LM_EXPR_NUMBER_BYTES_MAX 1000
#define LM_FB_TABLES_MAX 4000000 /* visited in one flatbuffer */

/* jsonl */
#define LM_JSONL_BLOCK_BYTES (4 * LM_MIB)     /* of lines that become a batch */
#define LM_JSONL_LINE_BYTES_MAX (64 * LM_MIB) /* can be changed, up to the next */
#define LM_JSONL_LINE_BYTES_MOST ((size_t)1 << 30)

/* io */
#define LM_SCAN_FILES_MAX 4000000 /* of a dataset */

/* table */
#define LM_TABLE_ENTRY_BYTES_MAX (1 * LM_GIB)     /* of one entry of a table's log */
#define LM_TABLE_LINE_BYTES_MAX LM_JSON_BYTES_MAX /* of one action */
#define LM_TABLE_ACTIONS_MAX 16000000             /* in one entry */
#define LM_TABLE_PARTS_MAX 64000000               /* in one table */
#define LM_TABLE_HINT_BYTES_MAX (64 * LM_MIB)     /* of _last_checkpoint, which may have a schema */
#define LM_TABLE_CHECKPOINT_FILES_MAX 100000      /* of a checkpoint in several parts */
#define LM_TABLE_SCHEMA_BYTES_MAX (64 * LM_MIB)   /* of schemaString */
#define LM_DELETION_VECTOR_BYTES_MAX (256 * LM_MIB) /* 2^31 rows as bits */
#define LM_TABLE_READ_AHEAD_BYTES (8 * LM_MIB)      /* of a checkpoint's rows */
#define LM_TABLE_TRIES_MAX 1000                     /* of a commit, each at a number of its own */
#define LM_TABLE_CHECKPOINT_INTERVAL 10      /* entries between checkpoints, of a small table */
#define LM_TABLE_CHECKPOINT_INTERVAL_MAX 250 /* of a large one, */
#define LM_TABLE_CHECKPOINT_ACTIONS 8        /* that the last one has, for each of its square */

/* merge */
#define LM_MERGE_PARTS_MAX 4000000
#define LM_MERGE_HEAD_BYTES (8 * LM_KIB)     /* of a part, that it is judged by */
#define LM_MERGE_LINE_BYTES_MAX (1 * LM_MIB) /* of a header */
#define LM_MERGE_LOOK_ARENA_BYTES_MAX (256 * LM_MIB)
#define LM_MERGE_WHOLE_BYTES (256 * LM_KIB) /* of a part on a far store, that is read at once */
#define LM_MERGE_ASIDE 16                   /* requests under way, which mostly wait */
#define LM_MERGE_LISTINGS 2                 /* of them; each has a page or two in memory */
#define LM_MERGE_LIST_FEW 8                 /* files of a directory that are looked at one by one */
#define LM_MERGE_LIST_SHARE 32   /* entries of a listing for each file that is looked for, */
#define LM_MERGE_LIST_SPARE 1000 /* and this many more; then it is given up */
#define LM_MERGE_BLOCK_BYTES (1 * LM_MIB)  /* that is read at once */
#define LM_MERGE_PACK_BYTES (512 * LM_KIB) /* of text that becomes a member or frame */
#define LM_MERGE_PACKS_BYTES_MAX (8 * LM_MIB)
#define LM_MERGE_JOURNAL_BYTES_MAX (1 * LM_GIB)

/* xlsx */
#define LM_XLSX_PART_CELLS 8192           /* formatted by one job */
#define LM_XLSX_PART_BYTES (512 * LM_KIB) /* of XML, deflated at once */
#define LM_XLSX_SAMPLE_ROWS 1000          /* that settle the widths of columns */

/* ipc */
#define LM_IPC_MESSAGE_BYTES_MAX (256 * LM_MIB)    /* of metadata: a message's, a footer */
#define LM_IPC_BODY_BYTES_MAX (1024 * LM_GIB)      /* of a message's buffers together */
#define LM_IPC_BUFFER_BYTES_MAX LM_CODEC_BYTES_MAX /* of a compressed buffer's contents */
#define LM_IPC_PULL_BYTES (256 * LM_KIB) /* what a pipe's message is believed to have at first */

/* csv */
#define LM_CSV_FORMAT_BYTES_MAX 256       /* of a date or time */
#define LM_CSV_WORD_BYTES_MAX 256         /* of the text of a null, of true, false and NaN */
#define LM_CSV_BLOCK_BYTES (512 * LM_KIB) /* of text that one thread formats at once */
#define LM_CSV_BLOCK_BYTES_MIN (64 * LM_KIB)
#define LM_CSV_BLOCKS_BYTES_MAX (24 * LM_MIB) /* of all blocks that are under way */
#define LM_CSV_BLOCK_ROWS_FIRST 1024          /* before anything is known of the rows' size */
#define LM_CSV_BLOCK_ROWS_MAX 65536
#define LM_CSV_PACKED_BYTES (256 * LM_KIB)     /* of compressed text, read at once */
#define LM_CSV_READ_BYTES (1 * LM_MIB)         /* of text that becomes a batch */
#define LM_CSV_PAGE_BYTES (4 * LM_MIB)         /* of memory that batches share */
#define LM_CSV_READ_ROWS 1024                  /* rows whose cells are held at once */
#define LM_CSV_ROW_BYTES_MAX (64 * LM_MIB)     /* of one row; can be raised, */
#define LM_CSV_ROW_BYTES_LIMIT (1024 * LM_MIB) /* this far: places in a block have 31 bits */
#define LM_CSV_SAMPLE_BYTES (1 * LM_MIB)       /* that types are found out by */
#define LM_CSV_SNIFF_BYTES (64 * LM_KIB)       /* that the separator is found out by, */
#define LM_CSV_SNIFF_ROWS 1000                 /* and so many rows */
#define LM_CSV_HEADER_ROWS 100                 /* below a header with gaps that are looked at */
#define LM_ZONE_NAME_BYTES_MAX 64              /* of a time zone, as Europe/Berlin; */
#define LM_ZONE_FILE_BYTES_MAX (16 * LM_KIB)   /* its file, */
#define LM_ZONE_RULES_BYTES_MAX 128            /* and the rules at the end of that */
#define LM_CSV_TYPED_BYTES_MAX 512             /* of a cell that may be more than text */

#endif
