/* Hadoop's configuration, loaded and looked up; conf.h tells the invariants. */
#define _GNU_SOURCE
#include "store/hdfs/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"

void lm__hadoop_conf_init(lm_hadoop_conf *conf, const lm_allocator *allocator)
{
    memset(conf, 0, sizeof *conf);
    lm__arena_init(&conf->arena, allocator, LM_HADOOP_ARENA_BYTES_MAX);
}

void lm__hadoop_conf_deinit(lm_hadoop_conf *conf)
{
    lm__free(conf->arena.allocator, conf->properties);
    lm__arena_deinit(&conf->arena);
}

static lm_status no_memory(lm_error *error)
{
    return lm__error_memory(error, "reading Hadoop's configuration");
}

/* ---- loading ---- */

/* Names that Hadoop gave up and still takes. */
static const char *current_name(const char *name)
{
    static const char *const renamed[][2] = {
        {"fs.default.name", "fs.defaultFS"},
        {"dfs.federation.nameservices", "dfs.nameservices"},
        {"dfs.http.address", "dfs.namenode.http-address"},
        {"dfs.https.address", "dfs.namenode.https-address"},
    };
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(name, renamed[i][0]) == 0) return renamed[i][1];
    return name;
}

static const lm_hadoop_property *find(const lm_hadoop_conf *conf, const char *name)
{
    for (size_t i = conf->count; i > 0; i--)
        if (strcmp(conf->properties[i - 1].name, name) == 0) return &conf->properties[i - 1];
    return NULL;
}

static lm_status property_add(void *context, const lm_hadoop_property *property, lm_error *error)
{
    lm_hadoop_conf *conf = context;
    lm_hadoop_property added = *property;
    added.name = current_name(property->name);
    const lm_hadoop_property *before = find(conf, added.name);
    if (before && before->is_final) return LM_OK;
    if (before) {
        conf->properties[before - conf->properties] = added;
        return LM_OK;
    }
    if (conf->count == LM_HADOOP_PROPERTIES_MAX)
        return lm__error_set(error, LM_LIMIT, "Hadoop's configuration has more than %d properties",
                             LM_HADOOP_PROPERTIES_MAX);
    if (!lm__array_room(conf->arena.allocator, &conf->properties, &conf->capacity, conf->count + 1,
                        sizeof *conf->properties))
        return no_memory(error);
    conf->properties[conf->count++] = added;
    return LM_OK;
}

static lm_status file_read(const lm_hadoop_conf *conf, FILE *file, const char *path,
                           lm_buffer *text, lm_error *error)
{
    size_t got;
    char block[4096];
    (void)conf;
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        lm_status status = lm__buffer_append(text, block, got);
        if (status == LM_LIMIT)
            return lm__error_set(error, status, "%s has more than %zu bytes", path,
                                 text->bytes_max);
        if (status != LM_OK) return no_memory(error);
    }
    return ferror(file) ? lm__error_os(error, errno, "cannot read %s", path) : LM_OK;
}

/* LM_NOT_FOUND without a message when there is no such file. */
static lm_status file_load(lm_hadoop_conf *conf, const char *path, lm_error *error)
{
    lm_buffer text;
    FILE *file = fopen(path, "re");
    if (!file && (errno == ENOENT || errno == ENOTDIR)) return LM_NOT_FOUND;
    if (!file) return lm__error_os(error, errno, "cannot open %s", path);
    lm__buffer_init(&text, conf->arena.allocator, LM_HADOOP_FILE_BYTES_MAX);
    lm_status status = file_read(conf, file, path, &text, error);
    (void)fclose(file);
    if (status == LM_OK)
        status = lm__hadoop_conf_read(conf, path, (const char *)text.data, text.size, error);
    lm__buffer_deinit(&text);
    return status;
}

typedef struct conf_file {
    lm_hadoop_conf *conf;
    const char *path;
} conf_file;

static lm_status file_property(void *context, const lm_hadoop_property *property, lm_error *error)
{
    return property_add(((conf_file *)context)->conf, property, error);
}

/* A path is looked for beside the file that includes it. */
static lm_status file_include(void *context, const char *href, lm_error *error)
{
    const conf_file *file = context;
    lm_hadoop_conf *conf = file->conf;
    if (strncmp(href, "file://", 7) == 0) href += 7;
    if (strstr(href, "://"))
        return lm__error_set(error, LM_UNSUPPORTED, "%s includes %s, which is no file of this host",
                             file->path, href);
    if (conf->include_depth == LM_HADOOP_INCLUDES_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: more than %d files include each other",
                             file->path, LM_HADOOP_INCLUDES_MAX);
    const char *slash = strrchr(file->path, '/');
    int before = href[0] == '/' || !slash ? 0 : (int)(slash + 1 - file->path);
    const char *path = lm__arena_printf(&conf->arena, "%.*s%s", before, file->path, href);
    if (!path) return no_memory(error);
    conf->include_depth++;
    lm_status status = file_load(conf, path, error);
    conf->include_depth--;
    if (status == LM_NOT_FOUND) /* as Hadoop does, whose includes have fallbacks */
        status = LM_OK;
    return status;
}

lm_status lm__hadoop_conf_read(lm_hadoop_conf *conf, const char *file, const char *text,
                               size_t size, lm_error *error)
{
    conf_file here = {conf, file};
    const lm_hadoop_events events = {file_property, file_include, &here};
    return lm__hadoop_xml_read(&conf->arena, file, text, size, &events, error);
}

static lm_status directory_load(lm_hadoop_conf *conf, const char *directory, bool *found,
                                lm_error *error)
{
    static const char *const names[] = {"core-site.xml", "hdfs-site.xml"};
    *found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = lm__arena_printf(&conf->arena, "%s/%s", directory, names[i]);
        if (!path) return no_memory(error);
        lm_status status = file_load(conf, path, error);
        if (status == LM_NOT_FOUND) continue;
        LM_TRY(status);
        *found = true;
    }
    if (*found && !(conf->directory = lm__arena_strdup(&conf->arena, directory)))
        return no_memory(error);
    return LM_OK;
}

lm_status lm__hadoop_conf_load(lm_hadoop_conf *conf, const char *directory, lm_error *error)
{
    bool found;
    const char *home = getenv("HADOOP_HOME");
    if (!directory) directory = getenv("HADOOP_CONF_DIR");
    if (directory && directory[0]) {
        LM_TRY(directory_load(conf, directory, &found, error));
        if (found) return LM_OK;
        return lm__error_set(error, LM_NOT_FOUND,
                             "%s has neither core-site.xml nor hdfs-site.xml: set HADOOP_CONF_DIR "
                             "to the directory of Hadoop's configuration",
                             directory);
    }
    if (home && home[0]) {
        const char *beneath = lm__arena_printf(&conf->arena, "%s/etc/hadoop", home);
        if (!beneath) return no_memory(error);
        LM_TRY(directory_load(conf, beneath, &found, error));
        if (found) return LM_OK;
    }
    return directory_load(conf, "/etc/hadoop/conf", &found, error);
}

/* ---- looking up ---- */

/* `env.NAME`, with a default behind `-` or `:-`. */
static const char *from_environment(lm_arena *arena, const char *what, size_t size)
{
    const char *dash = memchr(what, '-', size);
    size_t name_size = dash ? (size_t)(dash - what) : size;
    bool or_empty = dash && dash > what && dash[-1] == ':';
    const char *name = lm__arena_strndup(arena, what, name_size - or_empty);
    const char *value = name ? getenv(name) : NULL;
    if (value && !(or_empty && !value[0])) return value;
    return dash ? lm__arena_strndup(arena, dash + 1, size - name_size - 1) : NULL;
}

/* What stands for `${what}`; NULL: nothing does. */
static const char *replacement(const lm_hadoop_conf *conf, lm_arena *arena, const char *what,
                               size_t size)
{
    if (size > 4 && memcmp(what, "env.", 4) == 0)
        return from_environment(arena, what + 4, size - 4);
    const char *name = lm__arena_strndup(arena, what, size);
    if (!name) return NULL;
    const lm_hadoop_property *property = find(conf, name);
    if (property) return property->value;
    return strcmp(name, "user.name") == 0 ? conf->user : NULL;
}

/* The innermost `${…}` that something stands for, as Hadoop takes it: no '$' and no '}' in it. */
static lm_status replace_one(const lm_hadoop_conf *conf, lm_arena *arena, const char **value,
                             bool *replaced, lm_error *error)
{
    *replaced = false;
    for (const char *open = strstr(*value, "${"); open; open = strstr(open + 2, "${")) {
        size_t size = strcspn(open + 2, "$}");
        if (open[2 + size] != '}' || size == 0) continue;
        const char *with = replacement(conf, arena, open + 2, size);
        if (!with) continue;
        int before = (int)(open - *value);
        const char *text =
            lm__arena_printf(arena, "%.*s%s%s", before, *value, with, open + 2 + size + 1);
        if (!text) return no_memory(error);
        if (strlen(text) > LM_HADOOP_VALUE_BYTES_MAX)
            return lm__error_set(error, LM_LIMIT,
                                 "a value of Hadoop's configuration grows past %zu "
                                 "bytes",
                                 LM_HADOOP_VALUE_BYTES_MAX);
        *value = text;
        *replaced = true;
        return LM_OK;
    }
    return LM_OK;
}

lm_status lm__hadoop_conf_get(const lm_hadoop_conf *conf, lm_arena *arena, const char *name,
                              const char **value, lm_error *error)
{
    const lm_hadoop_property *property = find(conf, name);
    *value = NULL;
    if (!property) return LM_OK;
    const char *text = property->value;
    for (int i = 0;; i++) {
        bool replaced;
        if (i > LM_HADOOP_REPLACE_MAX)
            return lm__error_set(error, LM_INVALID,
                                 "Hadoop's configuration: %s is made of values that contain each "
                                 "other",
                                 name);
        LM_TRY(replace_one(conf, arena, &text, &replaced, error));
        if (!replaced) break;
    }
    if (text[0]) *value = text;
    return LM_OK;
}
