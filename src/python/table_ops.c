/*
 * What is done to tables, from Python: each on a thread of its own, so that an interrupt ends it.
 * What the core tells on the way is collected there, without the GIL, and given back at the end.
 */
#include <lamella/table_convert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "python/module.h"

#define ITEM_TEXTS 4
#define ITEM_NUMBERS 8

typedef struct op_item {
    char *texts[ITEM_TEXTS]; /* NULL: None */
    int64_t numbers[ITEM_NUMBERS];
} op_item;

typedef struct op {
    const char *path;
    PyObject *dict; /* the options, borrowed */
    lm_table_operation how;
    lm_py_storage storage;
    lm_cancel cancel;
    lm_expr *where;
    bool dry_run;
    int64_t limit;
    lm_table_compaction compaction;
    lm_table_vacuuming vacuuming;
    lm_table_verifying verifying;
    lm_table_change change;
    lm_vacuum_result vacuumed;
    lm_table_verified verified;
    lm_table_repaired repaired;
    lm_table_converted converted;
    op_item *items;
    size_t count, capacity;
} op;

/* ---- what is told on the way ---- */

static lm_status collect(op *o, const char *const *texts, size_t text_count, const int64_t *numbers,
                         size_t number_count, lm_error *error)
{
    if (!lm__array_room(NULL, &o->items, &o->capacity, o->count + 1, sizeof *o->items))
        return lm__error_memory(error, "listing what is found");
    op_item *item = &o->items[o->count++];
    *item = (op_item){0};
    memcpy(item->numbers, numbers, number_count * sizeof *numbers);
    for (size_t i = 0; i < text_count; i++) {
        if (!texts[i]) continue;
        item->texts[i] = strdup(texts[i]);
        if (!item->texts[i]) return lm__error_memory(error, "listing what is found");
    }
    return LM_OK;
}

static lm_status collect_file(void *context, const lm_vacuum_file *file, lm_error *error)
{
    const int64_t numbers[] = {(int64_t)file->bytes, file->mtime_ms,
                               file->reason == LM_VACUUM_UNKNOWN};
    return collect(context, &file->path, 1, numbers, 3, error);
}

static lm_status collect_entry(void *context, const lm_table_entry *e, lm_error *error)
{
    const char *const texts[] = {e->operation, e->run_id, e->engine, e->parameters};
    const int64_t numbers[] = {e->version,
                               e->time_ms,
                               (int64_t)e->parts_added,
                               (int64_t)e->parts_removed,
                               (int64_t)e->bytes_added,
                               (int64_t)e->bytes_removed,
                               e->knows_rows_added ? (int64_t)e->rows_added : -1,
                               e->changes_data};
    return collect(context, texts, 4, numbers, 8, error);
}

static lm_status collect_problem(void *context, const lm_table_problem *problem, lm_error *error)
{
    const char *const texts[] = {problem->part, problem->kind, problem->message};
    return collect(context, texts, 3, NULL, 0, error);
}

/* A list of (texts, numbers). */
static PyObject *tell_items(const op *o)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < o->count; i++) {
        const op_item *item = &o->items[i];
        PyObject *texts = PyTuple_New(ITEM_TEXTS), *numbers = PyTuple_New(ITEM_NUMBERS);
        bool fine = texts && numbers;
        for (Py_ssize_t k = 0; fine && k < ITEM_TEXTS; k++) {
            PyObject *text =
                item->texts[k] ? PyUnicode_DecodeFSDefault(item->texts[k]) : Py_NewRef(Py_None);
            fine = text && PyTuple_SetItem(texts, k, text) == 0;
        }
        for (Py_ssize_t k = 0; fine && k < ITEM_NUMBERS; k++) {
            PyObject *number = PyLong_FromLongLong(item->numbers[k]);
            fine = number && PyTuple_SetItem(numbers, k, number) == 0;
        }
        PyObject *pair = fine ? PyTuple_Pack(2, texts, numbers) : NULL;
        if (!pair || PyList_Append(list, pair) < 0) Py_CLEAR(list);
        Py_XDECREF(texts);
        Py_XDECREF(numbers);
        Py_XDECREF(pair);
    }
    return list;
}

/* ---- a call ---- */

static bool take_how(op *o, const lm_py_state *state)
{
    int64_t durability = 0, memory = 0, threads = 0;
    const char *where = NULL;
    lm_error error = {0};
    if (!lm__py_get_text(o->dict, "run_id", &o->how.run_id) ||
        !lm__py_get_int(o->dict, "durability", &durability) ||
        !lm__py_get_text(o->dict, "checksum", &o->how.checksum) ||
        !lm__py_get_int(o->dict, "memory_bytes_max", &memory) ||
        !lm__py_get_int(o->dict, "threads", &threads) ||
        !lm__py_get_bool(o->dict, "dry_run", &o->dry_run) ||
        !lm__py_get_int(o->dict, "limit", &o->limit) || !lm__py_get_text(o->dict, "where", &where))
        return false;
    o->how.durability = (lm_durability)durability;
    o->how.memory_bytes_max = (size_t)memory;
    o->how.threads = (int)threads;
    if (!where) return true;
    lm_status status = lm_expr_parse(NULL, where, strlen(where), &o->where, &error);
    if (status != LM_OK) (void)lm__py_raise(state, status, &error);
    return status == LM_OK;
}

/* Arguments (path, options). False with an exception. */
static bool op_start(op *o, PyObject *module, PyObject *args)
{
    *o = (op){0};
    if (!PyArg_ParseTuple(args, "yO!", &o->path, &PyDict_Type, &o->dict)) return false;
    if (!lm__py_storage_init(&o->storage, PyDict_GetItemString(o->dict, "storage"))) return false;
    o->storage.storage.cancel = &o->cancel;
    o->how.storage = &o->storage.storage;
    o->how.cancel = &o->cancel;
    return take_how(o, lm__py_state(module));
}

/* False with an exception, that of a status among them. */
static bool op_run(op *o, PyObject *module, lm_py_work *work)
{
    lm_error error;
    lm_status status;
    const lm_py_run_options run = {
        .state = lm__py_state(module), .cancel = &o->cancel, .work = work, .context = o};
    if (!lm__py_run(&run, &status, &error)) return false;
    if (status != LM_OK) (void)lm__py_raise(run.state, status, &error);
    return status == LM_OK;
}

/* Returns `told`. */
static PyObject *op_end(op *o, PyObject *told)
{
    for (size_t i = 0; i < o->count; i++)
        for (size_t k = 0; k < ITEM_TEXTS; k++) free(o->items[i].texts[k]);
    free(o->items);
    lm_expr_free(o->where);
    lm__py_storage_deinit(&o->storage);
    return told;
}

static PyObject *tell_change(const lm_table_change *c)
{
    return Py_BuildValue(
        "{s:L,s:K,s:K,s:K,s:K,s:K,s:O}", "version", (long long)c->version, "parts_added",
        (unsigned long long)c->parts_added, "parts_removed", (unsigned long long)c->parts_removed,
        "bytes_added", (unsigned long long)c->bytes_added, "bytes_removed",
        (unsigned long long)c->bytes_removed, "rows_removed", (unsigned long long)c->rows_removed,
        "manifest_is_behind", c->manifest_is_behind ? Py_True : Py_False);
}

/* ---- the operations ---- */

static lm_status delete_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    op *o = context;
    (void)stream;
    return lm_table_delete(o->path, o->where, &o->how, &o->change, error);
}

/* table_delete(path, options) -> dict */
static PyObject *table_delete(PyObject *module, PyObject *args)
{
    op o;
    bool done = op_start(&o, module, args) && op_run(&o, module, delete_run);
    return op_end(&o, done ? tell_change(&o.change) : NULL);
}

static lm_status compact_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    op *o = context;
    (void)stream;
    o->compaction.where = o->where;
    return lm_table_compact(o->path, &o->compaction, &o->how, &o->change, error);
}

/* table_compact(path, options) -> dict */
static PyObject *table_compact(PyObject *module, PyObject *args)
{
    op o;
    int64_t target = 0;
    bool done = op_start(&o, module, args) && lm__py_get_int(o.dict, "target_bytes", &target);
    o.compaction.target_bytes = (uint64_t)target;
    done = done && op_run(&o, module, compact_run);
    return op_end(&o, done ? tell_change(&o.change) : NULL);
}

static lm_status vacuum_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    op *o = context;
    (void)stream;
    o->vacuuming.dry_run = o->dry_run;
    o->vacuuming.callback = collect_file;
    o->vacuuming.context = o;
    return lm_table_vacuum(o->path, &o->vacuuming, &o->how, &o->vacuumed, error);
}

/* table_vacuum(path, options) -> (files, bytes, kept, items) */
static PyObject *table_vacuum(PyObject *module, PyObject *args)
{
    op o;
    bool done = op_start(&o, module, args) &&
                lm__py_get_bool(o.dict, "has_retention", &o.vacuuming.has_retention) &&
                lm__py_get_int(o.dict, "retention_ms", &o.vacuuming.retention_ms) &&
                lm__py_get_bool(o.dict, "force", &o.vacuuming.force) &&
                op_run(&o, module, vacuum_run);
    return op_end(&o, done ? Py_BuildValue("(KKKN)", (unsigned long long)o.vacuumed.files,
                                           (unsigned long long)o.vacuumed.bytes,
                                           (unsigned long long)o.vacuumed.kept, tell_items(&o))
                           : NULL);
}

static lm_status history_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    op *o = context;
    (void)stream;
    return lm_table_history(o->path, (uint64_t)o->limit, &o->how, collect_entry, o, error);
}

/* table_history(path, options) -> items */
static PyObject *table_history(PyObject *module, PyObject *args)
{
    op o;
    bool done = op_start(&o, module, args) && op_run(&o, module, history_run);
    return op_end(&o, done ? tell_items(&o) : NULL);
}

static lm_status verify_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    op *o = context;
    (void)stream;
    o->verifying.callback = collect_problem;
    o->verifying.context = o;
    return lm_table_verify(o->path, &o->verifying, &o->how, &o->verified, error);
}

/* The exception that is set gets all problems, not only the first. */
static void add_problems(const op *o)
{
    PyObject *type, *value, *trace, *problems;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    problems = tell_items(o);
    if (!value || !problems || PyObject_SetAttrString(value, "_items", problems) < 0) PyErr_Clear();
    Py_XDECREF(problems);
    PyErr_Restore(type, value, trace);
}

/* table_verify(path, options) -> dict; an exception has the problems as `_items` */
static PyObject *table_verify(PyObject *module, PyObject *args)
{
    op o;
    bool started = op_start(&o, module, args) &&
                   lm__py_get_bool(o.dict, "without_reading", &o.verifying.without_reading);
    bool done = started && op_run(&o, module, verify_run);
    if (started && !done && o.count) add_problems(&o);
    const lm_table_verified *v = &o.verified;
    return op_end(
        &o, done ? Py_BuildValue("{s:L,s:K,s:K,s:K,s:L,s:K,s:K}", "version", (long long)v->version,
                                 "parts", (unsigned long long)v->parts, "rows",
                                 (unsigned long long)v->rows, "bytes", (unsigned long long)v->bytes,
                                 "manifest_version", (long long)v->manifest_version, "unreferenced",
                                 (unsigned long long)v->unreferenced, "unreferenced_bytes",
                                 (unsigned long long)v->unreferenced_bytes)
                 : NULL);
}

static lm_status repair_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    op *o = context;
    (void)stream;
    return lm_table_repair(o->path, &o->how, &o->repaired, error);
}

/* table_repair(path, options) -> dict */
static PyObject *table_repair(PyObject *module, PyObject *args)
{
    op o;
    bool done = op_start(&o, module, args) && op_run(&o, module, repair_run);
    const lm_table_repaired *r = &o.repaired;
    return op_end(&o, done ? Py_BuildValue("{s:L,s:O,s:O,s:K}", "version", (long long)r->version,
                                           "manifest", r->manifest ? Py_True : Py_False,
                                           "checkpoint", r->checkpoint ? Py_True : Py_False,
                                           "leftovers", (unsigned long long)r->leftovers)
                           : NULL);
}

static lm_status convert_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    op *o = context;
    (void)stream;
    return lm_table_convert(o->path, o->dry_run, &o->how, &o->converted, error);
}

/* table_convert(path, options) -> dict */
static PyObject *table_convert(PyObject *module, PyObject *args)
{
    op o;
    bool done = op_start(&o, module, args) && op_run(&o, module, convert_run);
    const lm_table_converted *c = &o.converted;
    return op_end(
        &o, done ? Py_BuildValue("{s:L,s:K,s:K,s:K,s:K}", "version", (long long)c->version, "parts",
                                 (unsigned long long)c->parts, "rows", (unsigned long long)c->rows,
                                 "bytes", (unsigned long long)c->bytes, "partition_columns",
                                 (unsigned long long)c->partition_columns)
                 : NULL);
}

PyMethodDef lm__py_table_ops_methods[] = {
    {"table_delete", table_delete, METH_VARARGS, NULL},
    {"table_compact", table_compact, METH_VARARGS, NULL},
    {"table_vacuum", table_vacuum, METH_VARARGS, NULL},
    {"table_history", table_history, METH_VARARGS, NULL},
    {"table_verify", table_verify, METH_VARARGS, NULL},
    {"table_repair", table_repair, METH_VARARGS, NULL},
    {"table_convert", table_convert, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
