/* Versions of a prefix, from Python: published, resolved, listed; on a thread of their own, so that
 * an interrupt ends them. */
#include <lamella/versions.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "python/module.h"

static PyObject *tell_version(const lm_version_info *v)
{
    return Py_BuildValue("{s:L,s:s,s:N,s:s,s:K,s:K,s:s,s:O}", "number", (long long)v->number,
                         "run_id", v->run_id, "path", PyUnicode_DecodeFSDefault(v->path),
                         "created_at", v->created_at, "files", (unsigned long long)v->files,
                         "bytes", (unsigned long long)v->bytes, "manifest", v->checksum, "is_there",
                         v->is_there ? Py_True : Py_False);
}

typedef struct publish_work {
    const char *staged, *prefix;
    lm_version_options options;
    lm_version_result result;
} publish_work;

static lm_status publish_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    publish_work *work = context;
    (void)stream;
    return lm_version_publish(work->staged, work->prefix, &work->options, &work->result, error);
}

/* version_publish(staged, prefix, file options) -> (version, latest_left, removed, removal_left) */
static PyObject *version_publish(PyObject *module, PyObject *args)
{
    publish_work work = {0};
    lm_py_file_options file;
    PyObject *dict, *told = NULL;
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "yyO!", &work.staged, &work.prefix, &PyDict_Type, &dict))
        return NULL;
    if (!lm__py_file_options_init(&file, dict)) return NULL;
    work.options = (lm_version_options){.durability = file.options.durability,
                                        .manifest = file.options.manifest,
                                        .checksum = file.options.checksum,
                                        .keep = file.options.keep,
                                        .storage = file.options.storage,
                                        .cancel = &file.cancel};
    const lm_py_run_options run = {.state = lm__py_state(module),
                                   .cancel = &file.cancel,
                                   .work = publish_run,
                                   .context = &work};
    if (lm__py_run(&run, &status, &error)) {
        if (status != LM_OK)
            (void)lm__py_raise(run.state, status, &error);
        else
            told = Py_BuildValue("(NOIO)", tell_version(&work.result.version),
                                 work.result.latest_left ? Py_True : Py_False, work.result.removed,
                                 work.result.removal_left ? Py_True : Py_False);
    }
    lm__py_file_options_deinit(&file);
    return told;
}

typedef struct look_work {
    const char *prefix;
    lm_version_which which;
    lm_version_options options;
    bool all;
    lm_version_info *found;
    size_t count, capacity;
} look_work;

static lm_status look_take(void *context, const lm_version_info *version, lm_error *error)
{
    look_work *work = context;
    if (!lm__array_room(NULL, &work->found, &work->capacity, work->count + 1, sizeof *work->found))
        return lm__error_memory(error, "listing versions");
    work->found[work->count++] = *version;
    return LM_OK;
}

static lm_status look_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    look_work *work = context;
    lm_version_info one;
    (void)stream;
    if (work->all) return lm_version_list(work->prefix, &work->options, look_take, work, error);
    LM_TRY(lm_version_resolve(work->prefix, &work->which, &work->options, &one, error));
    return look_take(work, &one, error);
}

/* version_look(prefix, all, run id or None, number or None, storage) -> list of dicts */
static PyObject *version_look(PyObject *module, PyObject *args)
{
    look_work work = {0};
    PyObject *number, *pairs, *list = NULL;
    int all;
    lm_py_storage storage;
    lm_cancel cancel = {0};
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "ypzOO", &work.prefix, &all, &work.which.run_id, &number, &pairs))
        return NULL;
    work.which.by_number = number != Py_None;
    if (work.which.by_number) work.which.number = PyLong_AsLongLong(number);
    if (PyErr_Occurred() || !lm__py_storage_init(&storage, pairs)) return NULL;
    storage.storage.cancel = &cancel;
    work.all = all;
    work.options = (lm_version_options){.storage = &storage.storage, .cancel = &cancel};
    const lm_py_run_options run = {
        .state = lm__py_state(module), .cancel = &cancel, .work = look_run, .context = &work};
    bool told = lm__py_run(&run, &status, &error);
    lm__py_storage_deinit(&storage);
    if (told && status != LM_OK) (void)lm__py_raise(run.state, status, &error);
    if (told && status == LM_OK) list = PyList_New(0);
    for (size_t i = 0; list && i < work.count; i++) {
        PyObject *one = tell_version(&work.found[i]);
        if (!one || PyList_Append(list, one) < 0) Py_CLEAR(list);
        Py_XDECREF(one);
    }
    free(work.found);
    return list;
}

PyMethodDef lm__py_versions_methods[] = {
    {"version_publish", version_publish, METH_VARARGS, NULL},
    {"version_look", version_look, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
