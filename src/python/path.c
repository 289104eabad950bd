/*
 * Files and directories as things, from Python: ls, stat, cp, rm. All but stat run on a thread of
 * their own, so that an interrupt ends them.
 */
#include <lamella/path.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "python/module.h"

/* (path, kind, bytes, mtime_ns, version) */
static PyObject *info_tuple(const lm_path_info *info)
{
    return Py_BuildValue("(ysKLs)", info->path, lm_path_kind_word(info->kind),
                         (unsigned long long)info->bytes, (long long)info->mtime_ns, info->version);
}

/* What a listing has told so far. */
typedef struct path_work {
    const char *path;
    lm_path_options options;
    lm_path_info *found;
    size_t count, capacity;
} path_work;

static lm_status take_info(void *context, const lm_path_info *info, lm_error *error)
{
    path_work *work = context;
    if (!lm__array_room(NULL, &work->found, &work->capacity, work->count + 1, sizeof *work->found))
        return lm__error_memory(error, "listing files");
    lm_path_info *taken = &work->found[work->count];
    *taken = *info;
    taken->path = strdup(info->path);
    if (!taken->path) return lm__error_memory(error, "listing files");
    work->count++;
    return LM_OK;
}

static lm_status list_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    path_work *work = context;
    (void)stream;
    return lm_path_list(work->path, &work->options, take_info, work, error);
}

static lm_status remove_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    path_work *work = context;
    (void)stream;
    return lm_path_remove(work->path, &work->options, error);
}

/* Arguments (path, recursive, storage). False with an exception. */
static bool path_run(PyObject *module, PyObject *args, lm_py_work *run_work, path_work *work)
{
    int recursive;
    PyObject *pairs;
    lm_py_storage storage;
    lm_cancel cancel = {0};
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "ypO", &work->path, &recursive, &pairs)) return false;
    if (!lm__py_storage_init(&storage, pairs)) return false;
    storage.storage.cancel = &cancel;
    work->options =
        (lm_path_options){.recursive = recursive, .storage = &storage.storage, .cancel = &cancel};
    const lm_py_run_options run = {
        .state = lm__py_state(module), .cancel = &cancel, .work = run_work, .context = work};
    bool told = lm__py_run(&run, &status, &error);
    lm__py_storage_deinit(&storage);
    if (told && status != LM_OK) (void)lm__py_raise(run.state, status, &error);
    return told && status == LM_OK;
}

/* ls(path, recursive, storage) -> list of tuples */
static PyObject *ls(PyObject *module, PyObject *args)
{
    path_work work = {0};
    PyObject *list = path_run(module, args, list_run, &work) ? PyList_New(0) : NULL;
    for (size_t i = 0; i < work.count; i++) {
        PyObject *info = list ? info_tuple(&work.found[i]) : NULL;
        if (list && (!info || PyList_Append(list, info) < 0)) Py_CLEAR(list);
        Py_XDECREF(info);
        free((char *)(uintptr_t)work.found[i].path);
    }
    free(work.found);
    return list;
}

/* rm(path, recursive, storage) */
static PyObject *rm(PyObject *module, PyObject *args)
{
    path_work work = {0};
    if (!path_run(module, args, remove_run, &work)) return NULL;
    Py_RETURN_NONE;
}

typedef struct stat_work {
    const char *path;
    lm_path_options options;
    lm_path_info info;
} stat_work;

static lm_status stat_run(void *context, lm_error *error)
{
    stat_work *work = context;
    return lm_path_stat(work->path, &work->options, &work->info, error);
}

/* stat(path, storage) -> tuple */
static PyObject *stat_path(PyObject *module, PyObject *args)
{
    stat_work work = {0};
    PyObject *pairs;
    lm_py_storage storage;
    lm_cancel cancel = {0};
    lm_error error = {0};
    lm_status status;
    if (!PyArg_ParseTuple(args, "yO", &work.path, &pairs)) return NULL;
    if (!lm__py_storage_init(&storage, pairs)) return NULL;
    storage.storage.cancel = &cancel;
    work.options = (lm_path_options){.storage = &storage.storage, .cancel = &cancel};
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&cancel, stat_run, &work, &error);
    Py_END_ALLOW_THREADS lm__py_storage_deinit(&storage);
    if (status != LM_OK) return lm__py_raise(lm__py_state(module), status, &error);
    return info_tuple(&work.info);
}

typedef struct copy_work {
    const char *source, *path;
    lm_copy_options options;
    lm_copy_result result;
} copy_work;

static lm_status copy_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    copy_work *work = context;
    (void)stream;
    return lm_path_copy(work->source, work->path, &work->options, &work->result, error);
}

static PyObject *copy_result(const lm_copy_result *result)
{
    if (!result->is_directory) return lm__py_file_result(&result->file);
    return Py_BuildValue("{s:i,s:O,s:K,s:K}", "state", (int)result->directory.state, "replaced",
                         result->directory.replaced ? Py_True : Py_False, "files",
                         (unsigned long long)result->files, "bytes",
                         (unsigned long long)result->bytes);
}

/* cp(source, path, options, recursive, check, threads) -> dict */
static PyObject *cp(PyObject *module, PyObject *args)
{
    copy_work work = {0};
    lm_py_file_options file;
    PyObject *options;
    int recursive, check;
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "yyO!ppi", &work.source, &work.path, &PyDict_Type, &options,
                          &recursive, &check, &work.options.threads))
        return NULL;
    if (!lm__py_file_options_init(&file, options)) return NULL;
    work.options.file = &file.options;
    work.options.recursive = recursive;
    work.options.check = check;
    const lm_py_run_options run = {
        .state = lm__py_state(module), .cancel = &file.cancel, .work = copy_run, .context = &work};
    bool told = lm__py_run(&run, &status, &error);
    lm__py_file_options_deinit(&file);
    if (!told) return NULL;
    if (status != LM_OK) return lm__py_raise(run.state, status, &error);
    return copy_result(&work.result);
}

PyMethodDef lm__py_path_methods[] = {
    {"ls", ls, METH_VARARGS, NULL}, {"stat", stat_path, METH_VARARGS, NULL},
    {"cp", cp, METH_VARARGS, NULL}, {"rm", rm, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
