/* Reading a NameNode's answers; answer.h tells the invariants. */
#include "store/hdfs/answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/json_path.h"

static lm_status no_answer(const char *what, lm_error *error)
{
    return lm__error_set(error, LM_IO, "the server's answer is none of WebHDFS (%s)", what);
}

static lm_status parse(lm_arena *arena, const void *text, size_t size, const lm_json **root,
                       lm_error *error)
{
    lm_error inner;
    lm_status status = lm__json_parse(arena, text, size, root, &inner);
    if (status == LM_OK) return LM_OK;
    if (status == LM_NO_MEMORY || status == LM_LIMIT) {
        if (error) *error = inner;
        return status;
    }
    return no_answer(inner.message, error);
}

/* ---- a file's status ---- */

/* A number that may be left out. */
static bool number(const lm_json *object, const char *key, uint64_t *value)
{
    const lm_json *member = lm__json_member(object, key);
    *value = 0;
    return !member || lm__json_uint_of(member, value);
}

static bool kind_read(const lm_json *object, lm_store_kind *kind)
{
    const char *type = lm__json_member_text(object, "type", "");
    if (strcmp(type, "FILE") == 0)
        *kind = LM_STORE_FILE;
    else if (strcmp(type, "DIRECTORY") == 0)
        *kind = LM_STORE_DIRECTORY;
    else if (strcmp(type, "SYMLINK") == 0)
        *kind = LM_STORE_SYMLINK;
    else
        return false;
    return true;
}

/* "644", "1777": octal digits as text. */
static bool permission_read(const lm_json *object, unsigned *permission)
{
    const char *text = lm__json_member_text(object, "permission", "0");
    *permission = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '7') return false;
        *permission = *permission * 8 + (unsigned)(*text - '0');
        if (*permission > 01777) return false;
    }
    return true;
}

static lm_status file_fill(const lm_json *object, lm_hdfs_file *file, lm_error *error)
{
    uint64_t mtime;
    memset(file, 0, sizeof *file);
    if (!object || object->kind != LM_JSON_OBJECT) return no_answer("no FileStatus", error);
    if (!kind_read(object, &file->kind)) return no_answer("a type that is unknown", error);
    const lm_json *length = lm__json_member(object, "length");
    if (!length || !lm__json_uint_of(length, &file->size) || file->size > INT64_MAX)
        return no_answer("no length", error);
    if (!number(object, "fileId", &file->id) || !number(object, "blockSize", &file->block_bytes) ||
        !number(object, "modificationTime", &mtime) || mtime > INT64_MAX / 1000000)
        return no_answer("a number out of its range", error);
    file->mtime_ms = (int64_t)mtime;
    if (!permission_read(object, &file->permission))
        return no_answer("a permission that is none", error);
    file->name = lm__json_member_text(object, "pathSuffix", "");
    const lm_json *suffix = lm__json_member(object, "pathSuffix");
    if (strchr(file->name, '/') || (suffix && strlen(file->name) != suffix->text_size))
        return no_answer("a name that is none", error);
    file->owner = lm__json_member_text(object, "owner", "");
    file->group = lm__json_member_text(object, "group", "");
    file->has_acl = lm__json_member_bool(object, "aclBit", false);
    return LM_OK;
}

lm_status lm__hdfs_file_read(lm_arena *arena, const void *text, size_t size, lm_hdfs_file *file,
                             lm_error *error)
{
    const lm_json *root;
    LM_TRY(parse(arena, text, size, &root, error));
    return file_fill(lm__json_member(root, "FileStatus"), file, error);
}

lm_status lm__hdfs_listing_read(lm_arena *arena, const void *text, size_t size,
                                lm_hdfs_listing *listing, lm_error *error)
{
    const lm_json *root;
    memset(listing, 0, sizeof *listing);
    LM_TRY(parse(arena, text, size, &root, error));
    const lm_json *batch = lm__json_member(root, "DirectoryListing");
    if (batch) {
        if (!number(batch, "remainingEntries", &listing->remaining))
            return no_answer("a number out of its range", error);
        root = lm__json_member(batch, "partialListing");
    }
    const lm_json *files = lm__json_member(lm__json_member(root, "FileStatuses"), "FileStatus");
    if (!files || files->kind != LM_JSON_ARRAY) return no_answer("no FileStatuses", error);
    listing->files = lm__arena_array(arena, files->count, sizeof *listing->files);
    if (!listing->files && files->count > 0) return lm__error_memory(error, "reading a listing");
    for (const lm_json *file = files->first; file; file = file->next)
        LM_TRY(file_fill(file, &listing->files[listing->count++], error));
    return LM_OK;
}

lm_status lm__hdfs_boolean_read(lm_arena *arena, const void *text, size_t size, bool *value,
                                lm_error *error)
{
    const lm_json *root;
    LM_TRY(parse(arena, text, size, &root, error));
    const lm_json *member = lm__json_member(root, "boolean");
    if (!member || (member->kind != LM_JSON_TRUE && member->kind != LM_JSON_FALSE))
        return no_answer("no boolean", error);
    *value = member->kind == LM_JSON_TRUE;
    return LM_OK;
}

bool lm__hdfs_is_open_read(lm_arena *arena, const void *text, size_t size)
{
    const lm_json *root;
    if (lm__json_parse(arena, text, size, &root, NULL) != LM_OK) return false;
    return lm__json_member_bool(lm__json_member(root, "LocatedBlocks"), "isUnderConstruction",
                                false);
}

/* Does a location's `host` with one of its ports make `web`? */
static bool is_at(const lm_json *location, const char *host_key, const char *port_key,
                  const char *web)
{
    char address[300];
    int64_t port = lm__json_member_int(location, port_key, 0);
    const char *host = lm__json_member_text(location, host_key, "");
    snprintf(address, sizeof address, "%s:%lld", host, (long long)port);
    return port > 0 && strcasecmp(address, web) == 0;
}

bool lm__hdfs_node_read(lm_arena *arena, const void *text, size_t size, const char *web,
                        char name[LM_HDFS_NODE_NAME_MAX])
{
    const lm_json *root;
    if (lm__json_parse(arena, text, size, &root, NULL) != LM_OK) return false;
    const lm_json *blocks =
        lm__json_member(lm__json_member(root, "LocatedBlocks"), "locatedBlocks");
    const lm_json *block = blocks && blocks->kind == LM_JSON_ARRAY ? blocks->first : NULL;
    const lm_json *locations = lm__json_member(block, "locations");
    const lm_json *at = locations && locations->kind == LM_JSON_ARRAY ? locations->first : NULL;
    for (; at; at = at->next) {
        const char *told = lm__json_member_text(at, "name", "");
        size_t length = strlen(told);
        if (length == 0 || length >= LM_HDFS_NODE_NAME_MAX || strpbrk(told, ", \r\n")) continue;
        if (!is_at(at, "hostName", "infoPort", web) && !is_at(at, "ipAddr", "infoPort", web) &&
            !is_at(at, "hostName", "infoSecurePort", web) &&
            !is_at(at, "ipAddr", "infoSecurePort", web))
            continue;
        memcpy(name, told, length + 1);
        return true;
    }
    return false;
}

/* ---- exceptions ---- */

void lm__hdfs_exception_read(lm_arena *arena, const void *text, size_t size,
                             lm_hdfs_exception *exception)
{
    const lm_json *root;
    memset(exception, 0, sizeof *exception);
    if (lm__json_parse(arena, text, size, &root, NULL) != LM_OK) return;
    const lm_json *told = lm__json_member(root, "RemoteException");
    const char *name = lm__json_member_text(told, "exception", "");
    const char *message = lm__json_member_text(told, "message", "");
    snprintf(exception->name, sizeof exception->name, "%s", name);
    snprintf(exception->message, sizeof exception->message, "%.*s", (int)strcspn(message, "\r\n"),
             message);
    size_t used = strlen(exception->message);
    while (used > 0 && (exception->message[used - 1] == ' ' || exception->message[used - 1] == '.'))
        exception->message[--used] = '\0';
}

static const struct {
    const char *name;
    lm_hdfs_meaning meaning;
} exceptions[] = {
    {"AccessControlException", {LM_PERMISSION, NULL, false, false}},
    {"AlreadyBeingCreatedException", {LM_BUSY, "another client is writing it", false, false}},
    {"AuthenticationException",
     {LM_PERMISSION, "log in with kinit and use the option negotiate=true", false, false}},
    {"AuthorizationException", {LM_PERMISSION, NULL, false, false}},
    {"DSQuotaExceededException",
     {LM_NO_SPACE, "the directory's space quota is used up", false, false}},
    {"DirectoryNotEmptyException", {LM_UNSUITABLE, NULL, false, false}},
    {"FileAlreadyExistsException", {LM_EXISTS, NULL, false, false}},
    {"FileNotFoundException", {LM_NOT_FOUND, NULL, false, false}},
    {"HadoopIllegalArgumentException", {LM_INVALID, NULL, false, false}},
    {"IllegalArgumentException", {LM_INVALID, NULL, false, false}},
    {"InvalidPathException", {LM_INVALID, NULL, false, false}},
    {"InvalidToken", {LM_PERMISSION, "the delegation token is not valid any more", false, false}},
    {"LeaseExpiredException", {LM_CONFLICT, "somebody removed it meanwhile", false, false}},
    {"MaxDirectoryItemsExceededException", {LM_LIMIT, NULL, false, false}},
    {"NSQuotaExceededException",
     {LM_NO_SPACE, "the directory's quota of names is used up", false, false}},
    {"ParentNotDirectoryException", {LM_NOT_FOUND, NULL, false, false}},
    {"PathComponentTooLongException", {LM_INVALID, NULL, false, false}},
    {"PathIsNotDirectoryException", {LM_NOT_FOUND, NULL, false, false}},
    {"PathIsNotEmptyDirectoryException", {LM_UNSUITABLE, NULL, false, false}},
    {"QuotaByStorageTypeExceededException",
     {LM_NO_SPACE, "the quota of a kind of storage is used up", false, false}},
    {"QuotaExceededException", {LM_NO_SPACE, NULL, false, false}},
    {"RecoveryInProgressException", {LM_BUSY, NULL, false, false}},
    {"RetriableException", {LM_IO, "the NameNode asked to be asked again later", false, true}},
    {"SafeModeException", {LM_IO, "the NameNode is in safe mode", false, true}},
    {"SecurityException",
     {LM_PERMISSION, "name a user by HADOOP_USER_NAME or the option user", false, false}},
    {"SnapshotException", {LM_UNSUPPORTED, NULL, false, false}},
    {"StandbyException", {LM_IO, "this NameNode is on standby", true, true}},
    {"UnresolvedPathException", {LM_UNSUPPORTED, "symlinks are not followed", false, false}},
    {"UnsupportedOperationException", {LM_UNSUPPORTED, NULL, false, false}},
};

static lm_hdfs_meaning by_number(int status)
{
    switch (status) {
    case 400: return (lm_hdfs_meaning){LM_INVALID, NULL, false, false};
    case 401:
        return (lm_hdfs_meaning){LM_PERMISSION,
                                 "the server wants a login: kinit and the option negotiate=true, "
                                 "or a delegation token",
                                 false, false};
    case 403: return (lm_hdfs_meaning){LM_PERMISSION, NULL, false, false};
    case 404:
        return (lm_hdfs_meaning){LM_NOT_FOUND, "is this a WebHDFS or HttpFS address?", false,
                                 false};
    case 413:
    case 414: return (lm_hdfs_meaning){LM_LIMIT, NULL, false, false};
    case 429: return (lm_hdfs_meaning){LM_IO, NULL, false, true};
    default: return (lm_hdfs_meaning){LM_IO, NULL, false, false};
    }
}

lm_hdfs_meaning lm__hdfs_meaning(int http_status, const lm_hdfs_exception *exception)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (strcmp(exception->name, exceptions[i].name) == 0) return exceptions[i].meaning;
    lm_hdfs_meaning meaning = by_number(http_status);
    if (!exception->name[0]) return meaning;
    meaning.remedy = NULL; /* it was WebHDFS that answered */
    /* An exception of no name that is known here is a refusal, not a lack of rights. */
    if (http_status == 403) meaning.status = LM_IO;
    /* RENAME of a file to a directory, or the other way round; of a directory into itself. */
    if (strstr(exception->message, "must both be")) meaning.status = LM_UNSUITABLE;
    if (strstr(exception->message, "under source")) meaning.status = LM_INVALID;
    /* Java tells safe mode by the class that wraps it, old releases by words. */
    if (strstr(exception->message, "safe mode")) {
        meaning.passes = true;
        meaning.remedy = "the NameNode is in safe mode";
    }
    return meaning;
}
