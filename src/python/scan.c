/* Reading: a scan as a capsule, fresh streams of it, and expressions. */
#include <lamella/expr.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "python/module.h"

#define SCAN "lamella.scan"

/* A scan, and what its streams need as long as they live. */
typedef struct held_scan {
    atomic_int refs;
    lm_cancel cancel;
    lm_scan *scan; /* NULL when the capsule has gone */
    lm_csv_read_options csv;
    lm_csv_report report;
    char *nulls; /* what csv points to */
} held_scan;

static void unref(held_scan *held)
{
    if (atomic_fetch_sub(&held->refs, 1) > 1) return;
    free(held->nulls);
    free(held);
}

static void scan_release(PyObject *capsule)
{
    held_scan *held = PyCapsule_GetPointer(capsule, SCAN);
    Py_BEGIN_ALLOW_THREADS lm_scan_close(held->scan);
    Py_END_ALLOW_THREADS held->scan = NULL;
    unref(held);
}

/* A stream of a scan, which Ctrl-C ends. Its consumers may be libraries of others. */
typedef struct watched_stream {
    lm_stream stream;
    lm_stream *inner;
    held_scan *held;
    lm_batch **batch; /* of the call that is under way */
    long owner;
} watched_stream;

static lm_status next_work(void *context, lm_error *error)
{
    watched_stream *self = context;
    return lm__stream_next(self->inner, self->batch, error);
}

static lm_status watched_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    watched_stream *self = (watched_stream *)stream;
    if (self->owner != getpid())
        return lm__error_set(error, LM_INVALID,
                             "process %ld opened this stream, and process %ld, which was forked "
                             "from it, cannot read it: open it there",
                             self->owner, (long)getpid());
    self->batch = batch;
    return lm__py_watch(&self->held->cancel, next_work, self, error);
}

static lm_status close_work(void *context, lm_error *error)
{
    (void)error;
    lm__stream_close(((watched_stream *)context)->inner);
    return LM_OK;
}

/* The scan can be read again after an interrupt. */
static void watched_close(lm_stream *stream)
{
    watched_stream *self = (watched_stream *)stream;
    if (self->owner != getpid()) return; /* the threads that it would wait for are not there */
    (void)lm__py_watch(&self->held->cancel, close_work, self, NULL);
    atomic_store(&self->held->cancel.requested, 0);
    unref(self->held);
    free(self);
}

/* Takes `given`, also on failure. */
static lm_status watch_stream(held_scan *held, struct ArrowArrayStream *given,
                              struct ArrowArrayStream *out, lm_error *error)
{
    static const lm_stream_ops ops = {watched_next, watched_close};
    lm_stream *inner;
    LM_TRY(lm__stream_import_take(NULL, given, LM_VALIDATE_NONE, &inner, error));
    watched_stream *self = calloc(1, sizeof *self);
    if (!self) {
        lm__stream_close(inner);
        return lm__error_memory(error, "reading a table");
    }
    lm__stream_init(&self->stream, &ops, inner->schema);
    self->inner = inner;
    self->held = held;
    self->owner = getpid();
    atomic_fetch_add(&held->refs, 1);
    return lm__stream_export_take(NULL, &self->stream, out, error);
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

typedef struct open_work {
    const char *path, *filter; /* the filter's text, or NULL */
    size_t filter_size;
    lm_scan_options options;
    lm_scan **scan;
} open_work;

static lm_status open_run(void *context, lm_error *error)
{
    open_work *work = context;
    lm_status status = LM_OK;
    if (work->filter)
        status = lm_expr_parse(NULL, work->filter, work->filter_size, &work->options.filter, error);
    if (status == LM_OK) status = lm_scan_open(work->path, &work->options, work->scan, error);
    lm_expr_free(work->options.filter);
    return status;
}

static PyObject *open_scan(const lm_py_state *state, open_work *work, lm_storage *storage,
                           PyObject *more)
{
    held_scan *held = calloc(1, sizeof *held);
    lm_error error = {0};
    lm_status status;
    PyObject *capsule = NULL;
    if (!held) return PyErr_NoMemory();
    held->refs = 1;
    if (!lm__py_csv_read_options(&held->csv, &held->nulls, more)) {
        unref(held);
        return NULL;
    }
    held->csv.report = &held->report;
    work->scan = &held->scan;
    work->options.csv = &held->csv;
    work->options.cancel = &held->cancel;
    work->options.storage = storage;
    storage->cancel = &held->cancel;
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&held->cancel, open_run, work, &error);
    Py_END_ALLOW_THREADS if (status != LM_OK) lm__py_raise(state, status, &error);
    else capsule = PyCapsule_New(held, SCAN, scan_release);
    if (!capsule) {
        lm_scan_close(held->scan);
        unref(held);
    }
    return capsule;
}

static bool schema_of(const lm_py_state *state, PyObject *dict, const char *key, lm_schema **schema)
{
    PyObject *capsule = PyDict_GetItemString(dict, key);
    *schema = NULL;
    if (!capsule) return true;
    *schema = lm__py_schema(state, capsule);
    return *schema != NULL;
}

/* What is said of the format and of the rows that are wanted. */
static bool take_more(const lm_py_state *state, PyObject *more, lm_scan_options *options)
{
    int64_t format = 0, limit = -1, offset = 0, int96 = 0;
    if (!lm__py_get_int(more, "format", &format) || !lm__py_get_int(more, "limit", &limit) ||
        !lm__py_get_int(more, "offset", &offset) ||
        !lm__py_get_int(more, "int96_per_second", &int96))
        return false;
    options->int96_per_second = (int)int96;
    options->format = (lm_format)format;
    options->limited = limit >= 0;
    options->limit = options->limited ? (uint64_t)limit : 0;
    options->offset = (uint64_t)offset;
    return schema_of(state, more, "schema", &options->schema) &&
           schema_of(state, more, "types", &options->types);
}

/* scan_open(path, columns or None, filter or None, batch rows, threads, storage, version or None,
 * time in milliseconds or None, more) -> capsule */
static PyObject *scan_open(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    const char **columns = NULL;
    Py_ssize_t filter_size;
    PyObject *list, *pairs, *version, *time, *more, *capsule = NULL;
    lm_py_storage storage;
    long long batch_rows;
    open_work work = {0};
    lm_scan_options *options = &work.options;
    if (!PyArg_ParseTuple(args, "yOz#LiOOOO!", &work.path, &list, &work.filter, &filter_size,
                          &batch_rows, &options->threads, &pairs, &version, &time, &PyDict_Type,
                          &more))
        return NULL;
    work.filter_size = (size_t)filter_size;
    options->has_version = version != Py_None;
    options->has_time = time != Py_None;
    if (options->has_version) options->version = PyLong_AsLongLong(version);
    if (options->has_time) options->time_ms = PyLong_AsLongLong(time);
    if (PyErr_Occurred()) return NULL;
    if (!lm__py_storage_init(&storage, pairs)) return NULL;
    if (columns_of(list, &columns, &options->column_count) && take_more(state, more, options)) {
        options->columns = columns;
        options->batch_rows = batch_rows;
        capsule = open_scan(state, &work, &storage.storage, more);
    }
    lm_schema_free(options->schema);
    lm_schema_free(options->types);
    lm__py_storage_deinit(&storage);
    free(columns);
    return capsule;
}

/* scan_skipped(scan) -> (rows of CSV that were left out, line of the first) */
static PyObject *scan_skipped(PyObject *module, PyObject *capsule)
{
    held_scan *held = PyCapsule_GetPointer(capsule, SCAN);
    (void)module;
    if (!held) return NULL;
    return Py_BuildValue("(KK)", (unsigned long long)held->report.rows_skipped,
                         (unsigned long long)held->report.first_skipped_line);
}

/* scan_schema(scan) -> capsule */
static PyObject *scan_schema(PyObject *module, PyObject *capsule)
{
    const lm_py_state *state = lm__py_state(module);
    struct ArrowSchema source;
    lm_schema *schema;
    lm_error error = {0};
    held_scan *held = PyCapsule_GetPointer(capsule, SCAN);
    if (!held) return NULL;
    lm_status status = lm_scan_schema(held->scan, &source, &error);
    if (status == LM_OK) status = lm_schema_import_take(NULL, &source, &schema, &error);
    if (status != LM_OK) return lm__py_raise(state, status, &error);
    PyObject *made = lm__py_schema_capsule(state, schema);
    lm_schema_free(schema);
    return made;
}

typedef struct read_work {
    held_scan *held;
    struct ArrowArrayStream stream;
    uint64_t rows;
} read_work;

static lm_status stream_run(void *context, lm_error *error)
{
    read_work *work = context;
    struct ArrowArrayStream plain;
    LM_TRY(lm_scan_stream(work->held->scan, &plain, error));
    return watch_stream(work->held, &plain, &work->stream, error);
}

static lm_status rows_run(void *context, lm_error *error)
{
    read_work *work = context;
    return lm_scan_rows(work->held->scan, &work->rows, error);
}

/* False with an exception. */
static bool read_run(PyObject *module, PyObject *capsule, lm_py_watched *run, read_work *work)
{
    lm_error error = {0};
    lm_status status;
    work->held = PyCapsule_GetPointer(capsule, SCAN);
    if (!work->held) return false;
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&work->held->cancel, run, work, &error);
    Py_END_ALLOW_THREADS if (status == LM_OK) return true;
    atomic_store(&work->held->cancel.requested, 0);
    lm__py_raise(lm__py_state(module), status, &error);
    return false;
}

/* scan_stream(scan) -> capsule of a fresh stream */
static PyObject *scan_stream(PyObject *module, PyObject *capsule)
{
    read_work work = {0};
    if (!read_run(module, capsule, stream_run, &work)) return NULL;
    return lm__py_stream_capsule(lm__py_state(module), &work.stream);
}

/* scan_rows(scan) -> int */
static PyObject *scan_rows(PyObject *module, PyObject *capsule)
{
    read_work work = {0};
    if (!read_run(module, capsule, rows_run, &work)) return NULL;
    return PyLong_FromUnsignedLongLong(work.rows);
}

PyMethodDef lm__py_scan_methods[] = {
    {"scan_open", scan_open, METH_VARARGS, NULL}, {"scan_schema", scan_schema, METH_O, NULL},
    {"scan_stream", scan_stream, METH_O, NULL},   {"scan_rows", scan_rows, METH_O, NULL},
    {"scan_skipped", scan_skipped, METH_O, NULL}, {NULL, NULL, 0, NULL},
};
