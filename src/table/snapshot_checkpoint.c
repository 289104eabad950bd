/*
 * A checkpoint into a snapshot. It is gone through twice: protocol, metadata and transactions
 * first, so that a table that cannot be read is refused before its parts are looked at; then the
 * parts. Those of a V2 checkpoint (PROTOCOL.md, "V2 Spec") may stand in files beside it, its
 * *sidecars*, and it may be JSON, which is read once and kept.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "table/part_path.h"
#include "table/replay.h"

typedef struct reading {
    lm_replay *replay;
    const lm_log_checkpoint *checkpoint;
    lm_replay_sidecars sidecars;
    lm_action *actions; /* of JSON, in the arena of the sidecars */
    size_t action_count;
} reading;

/* ---- sidecars ---- */

/* The file is in the log's own directory, wherever else its path leads: its name is enough. */
lm_status lm__replay_sidecar(lm_replay_sidecars *s, const char *uri, const char *from,
                             lm_error *error)
{
    const char *path;
    lm_status status = lm__part_path_decode(&s->arena, uri, &path, error);
    if (status != LM_OK) return lm__error_within(error, status, "%s", from);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return lm__error_set(error, LM_CORRUPT, "%s: a sidecar without a name", from);
    if (s->count == LM_TABLE_CHECKPOINT_FILES_MAX)
        return lm__error_set(error, LM_LIMIT, "%s: more than %d sidecars", from,
                             LM_TABLE_CHECKPOINT_FILES_MAX);
    name = lm__arena_printf(&s->arena, LM_TABLE_SIDECARS "/%s", name);
    if (!name ||
        !lm__arena_room(&s->arena, &s->names, &s->capacity, s->count + 1, sizeof *s->names))
        return lm__error_memory(error, "reading a checkpoint");
    s->names[s->count++] = name;
    return LM_OK;
}

static lm_status sidecars_read(reading *c)
{
    char path[LM_PATH_BYTES_MAX];
    lm_replay *r = c->replay;
    for (size_t i = 0; i < c->sidecars.count; i++) {
        LM_TRY(lm__log_file_path(r->log, c->sidecars.names[i], path, r->error));
        LM_TRY(lm__replay_rows_parts(r, path));
    }
    return LM_OK;
}

/* ---- Parquet, of one file or several ---- */

static lm_status files_read(reading *c, bool parts)
{
    char path[LM_PATH_BYTES_MAX];
    uint32_t files = c->checkpoint->parts ? c->checkpoint->parts : 1;
    for (uint32_t part = 1; part <= files; part++) {
        LM_TRY(
            lm__log_checkpoint_path(c->replay->log, c->checkpoint, part, path, c->replay->error));
        LM_TRY(parts ? lm__replay_rows_parts(c->replay, path)
                     : lm__replay_rows_state(c->replay, path, &c->sidecars));
    }
    return LM_OK;
}

/* ---- JSON ---- */

static bool is_json(const lm_log_checkpoint *checkpoint)
{
    size_t size = checkpoint->suffix ? strlen(checkpoint->suffix) : 0;
    return size > 5 && strcmp(checkpoint->suffix + size - 5, ".json") == 0;
}

static bool is_of_parts(const lm_action *action)
{
    return action->kind == LM_ACTION_ADD || action->kind == LM_ACTION_REMOVE;
}

static lm_status actions_replay(reading *c, bool parts)
{
    for (size_t i = 0; i < c->action_count; i++)
        if (is_of_parts(&c->actions[i]) == parts)
            LM_TRY(lm__replay_action(c->replay, &c->actions[i], -1));
    return LM_OK;
}

static lm_status actions_read(reading *c)
{
    char path[LM_PATH_BYTES_MAX];
    const lm_table_log *log = c->replay->log;
    lm_error *error = c->replay->error;
    uint8_t *data;
    size_t size;
    LM_TRY(lm__log_checkpoint_path(log, c->checkpoint, 1, path, error));
    LM_TRY(lm__store_read(log->store, path, log->allocator, LM_TABLE_ENTRY_BYTES_MAX, &data, &size,
                          error));
    lm_status status = lm__actions_read(&c->sidecars.arena, data, size, path, &c->actions,
                                        &c->action_count, error);
    lm__free(log->allocator, data);
    for (size_t i = 0; i < c->action_count && status == LM_OK; i++)
        if (c->actions[i].kind == LM_ACTION_SIDECAR)
            status = lm__replay_sidecar(&c->sidecars, c->actions[i].sidecar.path, path, error);
    return status;
}

/* ---- all of it ---- */

static lm_status read_all(reading *c)
{
    bool json = is_json(c->checkpoint);
    if (json) LM_TRY(actions_read(c));
    LM_TRY(json ? actions_replay(c, false) : files_read(c, false));
    LM_TRY(lm__replay_readable(c->replay));
    if (!c->replay->snapshot->has_parts) return LM_OK;
    LM_TRY(json ? actions_replay(c, true) : files_read(c, true));
    return sidecars_read(c);
}

lm_status lm__replay_checkpoint(lm_replay *r, const lm_log_checkpoint *checkpoint)
{
    reading c = {.replay = r, .checkpoint = checkpoint};
    lm__arena_init(&c.sidecars.arena, r->log->allocator, 0);
    lm_status status = read_all(&c);
    lm__arena_deinit(&c.sidecars.arena);
    return status;
}
