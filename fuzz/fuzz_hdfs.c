/* Whatever a NameNode answers, and whatever lies where Hadoop's configuration or tokens should: it
 * is read or refused. The first byte chooses. What is read holds to what answer.h promises. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/hdfs/answer.h"
#include "store/hdfs/namenodes.h"
#include "store/hdfs/tokens.h"
#include "store/hdfs/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void file_check(const lm_hdfs_file *file)
{
    if (strchr(file->name, '/') || file->permission > 01777 || file->size > INT64_MAX ||
        file->mtime_ms < 0 || !file->owner || !file->group)
        abort();
}

static void answers(const uint8_t *data, size_t size)
{
    lm_arena arena;
    lm_error error = {0};
    lm_hdfs_file file;
    lm_hdfs_listing listing;
    lm_hdfs_exception exception;
    bool value;
    lm__arena_init(&arena, NULL, 64 * LM_MIB);
    if (lm__hdfs_file_read(&arena, data, size, &file, &error) == LM_OK)
        file_check(&file);
    else if (!error.message[0])
        abort();
    if (lm__hdfs_listing_read(&arena, data, size, &listing, &error) == LM_OK)
        for (size_t i = 0; i < listing.count; i++) file_check(&listing.files[i]);
    (void)!lm__hdfs_boolean_read(&arena, data, size, &value, &error);
    (void)lm__hdfs_is_open_read(&arena, data, size);
    char name[LM_HDFS_NODE_NAME_MAX];
    if (lm__hdfs_node_read(&arena, data, size, "h:1", name) && strchr(name, ',')) abort();
    lm__hdfs_exception_read(&arena, data, size, &exception);
    (void)lm__hdfs_meaning(403, &exception);
    if (strlen(exception.name) >= sizeof exception.name || strchr(exception.message, '\n')) abort();
    lm__arena_deinit(&arena);
}

static void configuration(const uint8_t *data, size_t size)
{
    static const char *const urls[] = {"hdfs://", "hdfs://ns", "webhdfs://ns", "hdfs://h:8020"};
    lm_hadoop_conf conf;
    lm_namenodes nodes;
    lm_error error = {0};
    lm__hadoop_conf_init(&conf, NULL);
    conf.user = "u";
    if (lm__hadoop_conf_read(&conf, "f", (const char *)data, size, &error) != LM_OK) {
        if (!error.message[0]) abort();
    } else {
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
            if (lm__namenodes_find(&conf, &conf.arena, urls[i], strlen(urls[i]), &nodes, &error) ==
                    LM_OK &&
                (nodes.count == 0 || nodes.count > LM_HDFS_NAMENODES_MAX))
                abort();
    }
    lm__hadoop_conf_deinit(&conf);
}

/* A path on the store stays one when it is read again. */
static void paths(const uint8_t *data, size_t size)
{
    char given[1000], once[LM_PATH_BYTES_MAX], again[LM_PATH_BYTES_MAX];
    if (size >= sizeof given) return;
    memcpy(given, data, size);
    given[size] = '\0';
    if (lm__hdfs_path("hdfs://ns", 9, given, once, NULL) != LM_OK) return;
    if (once[0] != '/' || strstr(once, "//") || strstr(once, "/../")) abort();
    if (lm__hdfs_path("hdfs://ns", 9, once, again, NULL) != LM_OK || strcmp(once, again) != 0)
        abort();
}

static void tokens(const uint8_t *data, size_t size)
{
    lm_arena arena;
    const char *token;
    lm__arena_init(&arena, NULL, 0);
    if (lm__hadoop_tokens_read(&arena, "f", data, size, "ns", &token, NULL) == LM_OK && token &&
        strpbrk(token, "+/=&"))
        abort();
    lm__arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    switch (data[0] % 4) {
    case 0: answers(data + 1, size - 1); break;
    case 1: configuration(data + 1, size - 1); break;
    case 2: tokens(data + 1, size - 1); break;
    default: paths(data + 1, size - 1); break;
    }
    return 0;
}
