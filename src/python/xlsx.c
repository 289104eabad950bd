/*
 * Workbooks from Python: Workbook, which takes a stream for each sheet and writes to a publication
 * or to memory. One that fails is finished: the destination is as it was.
 */
#include <lamella/xlsx.h>

#include "base/error.h"
#include "python/module.h"

typedef struct workbook {
    PyObject_HEAD lm_py_file_options file;
    lm_file_publication *publication; /* NULL: to memory */
    lm_memory_sink memory;
    bool has_memory, busy;
    lm_xlsx_writer *writer; /* NULL once it has ended */
    uint64_t rows;
    long owner;
} workbook;

static void workbook_drop(workbook *self)
{
    if (self->owner != getpid()) return;
    lm_xlsx_writer_abort(self->writer);
    lm_file_close(self->publication);
    if (self->has_memory) lm_memory_sink_deinit(&self->memory);
    self->writer = NULL;
    self->publication = NULL;
    self->has_memory = false;
}

static lm_status workbook_open(workbook *self, const char *path, lm_xlsx_options *options,
                               lm_error *error)
{
    lm_sink *sink = &self->memory.sink;
    if (path) {
        LM_TRY(lm_file_open(path, &self->file.options, &self->publication, error));
        sink = lm_file_sink(self->publication);
    } else {
        lm_memory_sink_init(&self->memory, NULL, SIZE_MAX / 2);
        self->has_memory = true;
    }
    options->cancel = &self->file.cancel;
    return lm_xlsx_writer_open(sink, options, &self->writer, error);
}

typedef struct workbook_work {
    workbook *self;
    const char *path;
    lm_xlsx_options *options;
} workbook_work;

static lm_status workbook_run(void *context, lm_error *error)
{
    workbook_work *work = context;
    return workbook_open(work->self, work->path, work->options, error);
}

static PyObject *workbook_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *path = NULL;
    PyObject *where, *file;
    lm_xlsx_options options = {0};
    lm_error error = {0};
    lm_status status;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "OO!ii", &where, &PyDict_Type, &file, &options.level,
                          &options.threads))
        return NULL;
    if (where != Py_None && !(path = PyBytes_AsString(where))) return NULL;
    workbook *self = (workbook *)PyType_GenericAlloc(type, 0);
    if (!self) return NULL;
    if (!lm__py_file_options_init(&self->file, file)) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    workbook_work work = {self, path, &options};
    self->owner = getpid();
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&self->file.cancel, workbook_run, &work, &error);
    Py_END_ALLOW_THREADS if (status == LM_OK) return (PyObject *)self;
    lm__py_raise(lm__py_state_of((PyObject *)self), status, &error);
    Py_DECREF((PyObject *)self);
    return NULL;
}

static bool workbook_enter(workbook *self)
{
    if (!lm__py_own(self->owner)) return false;
    if (self->writer && !self->busy) return self->busy = true;
    PyErr_SetString(PyExc_ValueError, self->busy
                                          ? "another thread writes to this workbook just now"
                                          : "this workbook was closed, or an earlier sheet failed");
    return false;
}

static bool sheet_columns(PyObject *dict, lm_xlsx_sheet_options *sheet, lm_xlsx_column **columns)
{
    PyObject *list = PyDict_GetItemString(dict, "columns");
    Py_ssize_t count = list ? PyList_Size(list) : 0;
    if (count < 0) return false;
    *columns = PyMem_Calloc((size_t)count + 1, sizeof **columns);
    if (!*columns) return PyErr_NoMemory() != NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        lm_xlsx_column *column = &(*columns)[i];
        PyObject *one = PyList_GetItem(list, i);
        if (!PyDict_Check(one) || !lm__py_get_text(one, "name", &column->name) ||
            !lm__py_get_text(one, "format", &column->format) ||
            !lm__py_get_real(one, "width", &column->width))
            return false;
    }
    sheet->columns = *columns;
    sheet->column_count = (size_t)count;
    return true;
}

static bool sheet_options(PyObject *dict, lm_xlsx_sheet_options *sheet, lm_xlsx_column **columns)
{
    int64_t exact = 0, nonfinite = 0;
    *sheet = (lm_xlsx_sheet_options){0};
    bool fine = lm__py_get_text(dict, "name", &sheet->name) &&
                lm__py_get_bool(dict, "no_header", &sheet->no_header) &&
                lm__py_get_bool(dict, "plain_header", &sheet->plain_header) &&
                lm__py_get_bool(dict, "no_freeze", &sheet->no_freeze) &&
                lm__py_get_bool(dict, "no_widths", &sheet->no_widths) &&
                lm__py_get_bool(dict, "filter", &sheet->filter) &&
                lm__py_get_text(dict, "table", &sheet->table) &&
                lm__py_get_bool(dict, "split", &sheet->split) &&
                lm__py_get_bool(dict, "cut", &sheet->cut) &&
                lm__py_get_int(dict, "exact", &exact) &&
                lm__py_get_int(dict, "nonfinite", &nonfinite) &&
                lm__py_get_text(dict, "date_format", &sheet->date_format) &&
                lm__py_get_text(dict, "timestamp_format", &sheet->timestamp_format) &&
                lm__py_get_text(dict, "time_format", &sheet->time_format) &&
                lm__py_get_text(dict, "duration_format", &sheet->duration_format) &&
                lm__py_get_text(dict, "integer_format", &sheet->integer_format) &&
                lm__py_get_text(dict, "float_format", &sheet->float_format) &&
                lm__py_get_text(dict, "decimal_format", &sheet->decimal_format) &&
                sheet_columns(dict, sheet, columns);
    sheet->exact = (lm_xlsx_exact)exact;
    sheet->nonfinite = (lm_xlsx_nonfinite)nonfinite;
    return fine;
}

typedef struct sheet_work {
    workbook *self;
    lm_xlsx_sheet_options options;
} sheet_work;

static lm_status sheet_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    sheet_work *work = context;
    uint64_t rows = 0;
    lm_status status =
        lm_xlsx_writer_sheet_take(work->self->writer, stream, &work->options, &rows, error);
    work->self->rows += rows;
    return status;
}

/* sheet(stream, options, progress) -> rows so far */
static PyObject *workbook_sheet(PyObject *object, PyObject *args)
{
    workbook *self = (workbook *)object;
    PyObject *stream, *dict, *progress;
    lm_xlsx_column *columns = NULL;
    sheet_work work = {.self = self};
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "OO!O", &stream, &PyDict_Type, &dict, &progress)) return NULL;
    if (!sheet_options(dict, &work.options, &columns) || !workbook_enter(self)) {
        PyMem_Free(columns);
        return NULL;
    }
    const lm_py_run_options run = {.state = lm__py_state_of(object),
                                   .cancel = &self->file.cancel,
                                   .work = sheet_run,
                                   .context = &work,
                                   .source = stream,
                                   .validate = LM_VALIDATE_TEXT,
                                   .progress = progress};
    bool told = lm__py_run(&run, &status, &error);
    PyMem_Free(columns);
    self->busy = false;
    if (!told || status != LM_OK) workbook_drop(self);
    if (!told) return NULL;
    if (status != LM_OK) return lm__py_raise(run.state, status, &error);
    return PyLong_FromUnsignedLongLong(self->rows);
}

typedef struct finish_work {
    workbook *self;
    lm_file_result result;
} finish_work;

static lm_status finish_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    finish_work *work = context;
    workbook *self = work->self;
    (void)stream;
    lm_status status = lm_xlsx_writer_finish(self->writer, NULL, error);
    self->writer = NULL;
    LM_TRY(status);
    if (!self->publication) return lm_sink_finish(&self->memory.sink, error);
    self->file.manifest.has_rows = true;
    self->file.manifest.rows = self->rows;
    return lm_file_finish(self->publication, &work->result, error);
}

static PyObject *workbook_result(const workbook *self, const lm_file_result *result)
{
    if (!self->publication)
        return PyBytes_FromStringAndSize((const char *)self->memory.data,
                                         (Py_ssize_t)self->memory.size);
    PyObject *file = lm__py_file_result(result);
    PyObject *rows = PyLong_FromUnsignedLongLong(self->rows);
    if (!file || !rows || PyDict_SetItemString(file, "rows", rows) < 0) Py_CLEAR(file);
    Py_XDECREF(rows);
    return file;
}

/* finish() -> dict, or the bytes */
static PyObject *workbook_finish(PyObject *object, PyObject *none)
{
    workbook *self = (workbook *)object;
    finish_work work = {.self = self};
    lm_error error;
    lm_status status;
    PyObject *result = NULL;
    (void)none;
    if (!workbook_enter(self)) return NULL;
    const lm_py_run_options run = {.state = lm__py_state_of(object),
                                   .cancel = &self->file.cancel,
                                   .work = finish_run,
                                   .context = &work};
    bool told = lm__py_run(&run, &status, &error);
    self->busy = false;
    if (told && status != LM_OK)
        lm__py_raise(run.state, status, &error);
    else if (told)
        result = workbook_result(self, &work.result);
    workbook_drop(self);
    return result;
}

static PyObject *workbook_close(PyObject *object, PyObject *none)
{
    workbook *self = (workbook *)object;
    (void)none;
    if (!self->writer || self->owner != getpid()) Py_RETURN_NONE;
    if (!workbook_enter(self)) return NULL;
    Py_BEGIN_ALLOW_THREADS workbook_drop(self);
    Py_END_ALLOW_THREADS self->busy = false;
    Py_RETURN_NONE;
}

static void workbook_dealloc(PyObject *object)
{
    workbook *self = (workbook *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_BEGIN_ALLOW_THREADS workbook_drop(self);
    Py_END_ALLOW_THREADS lm__py_file_options_deinit(&self->file);
    PyObject_Free(object);
    Py_DECREF((PyObject *)type);
}

static PyMethodDef workbook_methods[] = {
    {"sheet", workbook_sheet, METH_VARARGS, NULL},
    {"finish", workbook_finish, METH_NOARGS, NULL},
    {"close", workbook_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot workbook_slots[] = {
    {Py_tp_new, workbook_new},
    {Py_tp_dealloc, workbook_dealloc},
    {Py_tp_methods, workbook_methods},
    {0, NULL},
};

PyType_Spec lm__py_workbook_spec = {"lamella._core.Workbook", sizeof(workbook), 0,
                                    Py_TPFLAGS_DEFAULT, workbook_slots};
