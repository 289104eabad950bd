/* An exchange's journal, written and read; swap_text.h tells the form. */
#include "store/posix/swap_text.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json_path.h"
#include "base/limits.h"

#define SWAP_FORMAT 1

static void identity_write(lm_json_writer *writer, const char *key,
                           const lm_tree_identity *identity)
{
    lm__json_key(writer, key);
    lm__json_open_object(writer);
    lm__json_key(writer, "inode");
    lm__json_uint(writer, identity->inode);
    lm__json_member_int_out(writer, "birth_ns", identity->birth_ns);
    lm__json_member_int_out(writer, "mtime_ns", identity->mtime_ns);
    lm__json_close_object(writer);
}

lm_status lm__swap_text_write(const lm_swap_text *text, lm_buffer *out, lm_error *error)
{
    lm_json_writer writer;
    lm__json_writer_init(&writer, out, false);
    lm__json_open_object(&writer);
    lm__json_member_int_out(&writer, "lamella_swap", SWAP_FORMAT);
    lm__json_path_out(&writer, "destination", text->destination);
    lm__json_path_out(&writer, "staged", text->staged);
    identity_write(&writer, "old", &text->old);
    identity_write(&writer, "new", &text->new);
    lm__json_close_object(&writer);
    if (writer.status == LM_OK) writer.status = lm__buffer_byte(out, '\n');
    return writer.status == LM_OK ? LM_OK : lm__error_memory(error, "writing a journal");
}

static bool identity_read(const lm_json *root, const char *key, lm_tree_identity *identity)
{
    const lm_json *object = lm__json_member(root, key);
    identity->birth_ns = lm__json_member_int(object, "birth_ns", 0);
    identity->mtime_ns = lm__json_member_int(object, "mtime_ns", 0);
    return lm__json_uint_of(lm__json_member(object, "inode"), &identity->inode);
}

lm_status lm__swap_text_read(lm_sys *sys, int fd, lm_arena *arena, lm_swap_text *text,
                             lm_error *error)
{
    const lm_json *root;
    size_t size = 0;
    char *bytes = lm__arena_alloc(arena, LM_SWAP_BYTES_MAX);
    if (!bytes) return lm__error_memory(error, "reading a journal");
    while (size < LM_SWAP_BYTES_MAX) {
        int64_t got = lm__sys_pread(sys, fd, bytes + size, LM_SWAP_BYTES_MAX - size, (int64_t)size);
        if (got < 0) return lm__error_os(error, (int)-got, "cannot read a journal");
        if (got == 0) break;
        size += (size_t)got;
    }
    lm_status status = lm__json_parse(arena, bytes, size, &root, error);
    if (status == LM_NO_MEMORY) return status;
    if (status != LM_OK || lm__json_member_int(root, "lamella_swap", 0) != SWAP_FORMAT)
        return lm__error_set(error, LM_CORRUPT, "it is not a whole journal");
    text->destination = lm__json_path(arena, root, "destination");
    text->staged = lm__json_path(arena, root, "staged");
    bool whole = text->destination && text->destination[0] && !strchr(text->destination, '/') &&
                 text->staged && text->staged[0] && identity_read(root, "old", &text->old) &&
                 identity_read(root, "new", &text->new);
    return whole ? LM_OK : lm__error_set(error, LM_CORRUPT, "it is not a whole journal");
}

void lm__swap_tree_name(const char *journal, char tree[LM_TEMP_NAME_MAX])
{
    size_t size = strlen(journal) - strlen(LM_TEMP_SWAP_SUFFIX);
    snprintf(tree, LM_TEMP_NAME_MAX, "%.*s%s", (int)size, journal, LM_TEMP_TREE_SUFFIX);
}
