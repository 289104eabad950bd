/* Reading: a scan as a capsule, fresh streams of it, and expressions. */
#include <lamella/expr.h>
#include <stdlib.h>

#include "python/module.h"

#define SCAN "lamella.scan"

static void scan_release(PyObject *capsule)
{
    lm_scan *scan = PyCapsule_GetPointer(capsule, SCAN);
    Py_BEGIN_ALLOW_THREADS lm_scan_close(scan);
    Py_END_ALLOW_THREADS
}

/* The columns' names, borrowed from the list. */
static bool columns_of(PyObject *list, const char ***names, size_t *count)
{
    *names = NULL;
    if (list == Py_None) return true;
    Py_ssize_t size = PyList_Size(list);
    if (size < 0) return false;
    *names = calloc((size_t)size + 1, sizeof **names);
    if (!*names) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        (*names)[i] = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), NULL);
        if (!(*names)[i]) return false;
    }
    *count = (size_t)size;
    return true;
}

/* scan_open(path, columns or None, filter or None, batch rows, threads, storage, version or None,
 * time in milliseconds or None) -> capsule */
static PyObject *scan_open(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    const char *path, *filter, **columns = NULL;
    Py_ssize_t filter_size;
    PyObject *list, *pairs, *version, *time, *capsule = NULL;
    lm_py_storage storage;
    long long batch_rows;
    lm_scan_options options = {0};
    lm_scan *scan = NULL;
    lm_error error = {0};
    lm_status status = LM_OK;
    if (!PyArg_ParseTuple(args, "yOz#LiOOO", &path, &list, &filter, &filter_size, &batch_rows,
                          &options.threads, &pairs, &version, &time))
        return NULL;
    options.has_version = version != Py_None;
    options.has_time = time != Py_None;
    if (options.has_version) options.version = PyLong_AsLongLong(version);
    if (options.has_time) options.time_ms = PyLong_AsLongLong(time);
    if (PyErr_Occurred()) return NULL;
    if (!lm__py_storage_init(&storage, pairs)) return NULL;
    if (!columns_of(list, &columns, &options.column_count)) goto done;
    options.columns = columns;
    options.storage = &storage.storage;
    options.batch_rows = batch_rows;
    Py_BEGIN_ALLOW_THREADS if (filter) status =
        lm_expr_parse(NULL, filter, (size_t)filter_size, &options.filter, &error);
    if (status == LM_OK) status = lm_scan_open(path, &options, &scan, &error);
    lm_expr_free(options.filter);
    Py_END_ALLOW_THREADS if (status != LM_OK)
    {
        lm__py_raise(state, status, &error);
        goto done;
    }
    capsule = PyCapsule_New(scan, SCAN, scan_release);
    if (!capsule) lm_scan_close(scan);
done:
    lm__py_storage_deinit(&storage);
    free(columns);
    return capsule;
}

/* scan_schema(scan) -> capsule */
static PyObject *scan_schema(PyObject *module, PyObject *capsule)
{
    const lm_py_state *state = lm__py_state(module);
    struct ArrowSchema source;
    lm_schema *schema;
    lm_error error = {0};
    lm_scan *scan = PyCapsule_GetPointer(capsule, SCAN);
    if (!scan) return NULL;
    lm_status status = lm_scan_schema(scan, &source, &error);
    if (status == LM_OK) status = lm_schema_import_take(NULL, &source, &schema, &error);
    if (status != LM_OK) return lm__py_raise(state, status, &error);
    PyObject *made = lm__py_schema_capsule(state, schema);
    lm_schema_free(schema);
    return made;
}

/* scan_stream(scan) -> capsule of a fresh stream */
static PyObject *scan_stream(PyObject *module, PyObject *capsule)
{
    const lm_py_state *state = lm__py_state(module);
    struct ArrowArrayStream stream;
    lm_error error = {0};
    lm_status status;
    lm_scan *scan = PyCapsule_GetPointer(capsule, SCAN);
    if (!scan) return NULL;
    Py_BEGIN_ALLOW_THREADS status = lm_scan_stream(scan, &stream, &error);
    Py_END_ALLOW_THREADS if (status != LM_OK) return lm__py_raise(state, status, &error);
    return lm__py_stream_capsule(state, &stream);
}

/* scan_rows(scan) -> int */
static PyObject *scan_rows(PyObject *module, PyObject *capsule)
{
    uint64_t rows;
    lm_error error = {0};
    lm_status status;
    lm_scan *scan = PyCapsule_GetPointer(capsule, SCAN);
    if (!scan) return NULL;
    Py_BEGIN_ALLOW_THREADS status = lm_scan_rows(scan, &rows, &error);
    Py_END_ALLOW_THREADS if (status != LM_OK) return lm__py_raise(lm__py_state(module), status,
                                                                  &error);
    return PyLong_FromUnsignedLongLong(rows);
}

PyMethodDef lm__py_scan_methods[] = {
    {"scan_open", scan_open, METH_VARARGS, NULL},
    {"scan_schema", scan_schema, METH_O, NULL},
    {"scan_stream", scan_stream, METH_O, NULL},
    {"scan_rows", scan_rows, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
