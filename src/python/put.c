/*
 * Tables from Python to files: put, in one call, and the Writer of Parquet, which takes stream
 * after stream and writes to a publication or to memory.
 *
 * A Writer that fails is finished: its publication is closed and the destination is as it was.
 */
#include <lamella/parquet.h>

#include "arrow/cast.h"
#include "base/error.h"
#include "python/module.h"

typedef struct put_work {
    const char *path;
    const lm_put_options *options;
    lm_put_result result;
} put_work;

static lm_status put_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    put_work *work = context;
    return lm_put_stream_take(work->path, stream, work->options, &work->result, error);
}

static PyObject *put_result(const lm_put_result *result)
{
    PyObject *file = lm__py_file_result(&result->file);
    PyObject *more = file ? Py_BuildValue("{s:K,s:K,s:s}", "rows", (unsigned long long)result->rows,
                                          "row_groups", (unsigned long long)result->row_groups,
                                          "schema_hash", result->schema_hash)
                          : NULL;
    if (!more || PyDict_Update(file, more) < 0) Py_CLEAR(file);
    Py_XDECREF(more);
    return file;
}

/* put(path, stream, format, schema or None, file options, parquet options, csv options, progress)
 * -> dict */
static PyObject *put(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    put_work work = {0};
    PyObject *stream, *schema, *file_dict, *parquet_dict, *csv_dict, *progress;
    lm_put_options options = {.cast = {.mode = LM_CAST_SAFE}};
    int format;
    lm_py_file_options file;
    lm_py_parquet_options parquet;
    lm_csv_write_options csv;
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "yOiOO!O!O!O", &work.path, &stream, &format, &schema, &PyDict_Type,
                          &file_dict, &PyDict_Type, &parquet_dict, &PyDict_Type, &csv_dict,
                          &progress))
        return NULL;
    if (!lm__py_csv_options(&csv, csv_dict)) return NULL;
    if (schema != Py_None && !(options.schema = lm__py_schema(state, schema))) return NULL;
    if (!lm__py_file_options_init(&file, file_dict)) {
        lm_schema_free(options.schema);
        return NULL;
    }
    if (!lm__py_parquet_options_init(&parquet, parquet_dict)) {
        lm__py_file_options_deinit(&file);
        lm_schema_free(options.schema);
        return NULL;
    }
    options.to = (lm_format)format;
    options.file = &file.options;
    options.parquet = &parquet.options;
    options.csv = &csv;
    work.options = &options;
    const lm_py_run_options run = {.state = state,
                                   .cancel = &file.cancel,
                                   .work = put_run,
                                   .context = &work,
                                   .source = stream,
                                   .validate = LM_VALIDATE_TEXT,
                                   .progress = progress};
    bool told = lm__py_run(&run, &status, &error);
    lm__py_parquet_options_deinit(&parquet);
    lm__py_file_options_deinit(&file);
    lm_schema_free(options.schema);
    if (!told) return NULL;
    if (status != LM_OK) return lm__py_raise(state, status, &error);
    return put_result(&work.result);
}

/* ---- Writer(path or None, schema, file options, parquet options) ---- */

typedef struct writer {
    PyObject_HEAD lm_py_file_options file;
    lm_py_parquet_options parquet;
    lm_schema *schema;
    char schema_hash[LM_SCHEMA_HASH_BYTES];
    lm_file_publication *publication; /* NULL: to memory */
    lm_memory_sink memory;
    bool has_memory, busy;
    lm_parquet_writer *writer; /* NULL once it has ended */
    uint64_t rows;
    long owner;
} writer;

static void writer_drop(writer *self)
{
    if (self->owner != getpid()) return;
    lm_parquet_writer_abort(self->writer);
    lm_file_close(self->publication);
    if (self->has_memory) lm_memory_sink_deinit(&self->memory);
    self->writer = NULL;
    self->publication = NULL;
    self->has_memory = false;
}

static lm_status writer_open(writer *self, const char *path, lm_error *error)
{
    struct ArrowSchema schema;
    lm_sink *sink = &self->memory.sink;
    LM_TRY(lm_schema_hash(self->schema, self->schema_hash, error));
    LM_TRY(lm_schema_export(self->schema, &schema, error));
    lm_status status = LM_OK;
    self->file.manifest.schema_hash = self->schema_hash;
    if (path) {
        status = lm_file_open(path, &self->file.options, &self->publication, error);
        if (status == LM_OK) sink = lm_file_sink(self->publication);
    } else {
        lm_memory_sink_init(&self->memory, NULL, SIZE_MAX / 2);
        self->has_memory = true;
    }
    self->parquet.options.cancel = &self->file.cancel;
    if (status == LM_OK)
        status =
            lm_parquet_writer_open(sink, &schema, &self->parquet.options, &self->writer, error);
    schema.release(&schema);
    return status;
}

typedef struct writer_work {
    writer *self;
    const char *path;
} writer_work;

static lm_status writer_run(void *context, lm_error *error)
{
    writer_work *work = context;
    return writer_open(work->self, work->path, error);
}

static PyObject *writer_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *path = NULL;
    PyObject *where, *schema, *file, *parquet;
    lm_error error = {0};
    lm_status status;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "OOO!O!", &where, &schema, &PyDict_Type, &file, &PyDict_Type,
                          &parquet))
        return NULL;
    if (where != Py_None && !(path = PyBytes_AsString(where))) return NULL;
    writer *self = (writer *)PyType_GenericAlloc(type, 0);
    if (!self) return NULL;
    const lm_py_state *state = lm__py_state_of((PyObject *)self);
    self->schema = lm__py_schema(state, schema);
    if (!self->schema || !lm__py_file_options_init(&self->file, file) ||
        !lm__py_parquet_options_init(&self->parquet, parquet)) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    writer_work work = {self, path};
    self->owner = getpid();
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&self->file.cancel, writer_run, &work, &error);
    Py_END_ALLOW_THREADS if (status == LM_OK) return (PyObject *)self;
    lm__py_raise(state, status, &error);
    Py_DECREF((PyObject *)self);
    return NULL;
}

static bool writer_enter(writer *self)
{
    if (!lm__py_own(self->owner)) return false;
    if (self->writer && !self->busy) return self->busy = true;
    PyErr_SetString(PyExc_ValueError,
                    self->busy ? "another thread writes to this file just now"
                               : "this file was closed, or an earlier write to it failed");
    return false;
}

static lm_status write_batch(writer *self, lm_batch *batch, lm_error *error)
{
    struct ArrowArray array;
    uint64_t rows = (uint64_t)lm__batch_rows(batch);
    LM_TRY(lm__batch_export(batch, &array, error));
    LM_TRY(lm_parquet_writer_write(self->writer, &array, error));
    self->rows += rows;
    return LM_OK;
}

/* All of a stream, made to fit the schema. */
static lm_status write_run(void *context, struct ArrowArrayStream *given, lm_error *error)
{
    const lm_cast_options cast = {.mode = LM_CAST_SAFE};
    writer *self = context;
    lm_stream *stream, *fitted;
    lm_batch *batch;
    LM_TRY(lm__stream_import_take(NULL, given, LM_VALIDATE_TEXT, &stream, error));
    LM_TRY(lm__cast_stream_take(NULL, stream, self->schema, &cast, &fitted, error));
    lm_status status;
    while ((status = lm__stream_next(fitted, &batch, error)) == LM_OK && batch) {
        status = write_batch(self, batch, error);
        lm__batch_unref(batch);
        if (status != LM_OK) break;
    }
    lm__stream_close(fitted);
    return status;
}

/* write(stream, progress) -> rows so far */
static PyObject *writer_write(PyObject *object, PyObject *args)
{
    writer *self = (writer *)object;
    PyObject *stream, *progress;
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "OO", &stream, &progress)) return NULL;
    if (!writer_enter(self)) return NULL;
    const lm_py_run_options run = {.state = lm__py_state_of(object),
                                   .cancel = &self->file.cancel,
                                   .work = write_run,
                                   .context = self,
                                   .source = stream,
                                   .validate = LM_VALIDATE_TEXT,
                                   .progress = progress};
    bool told = lm__py_run(&run, &status, &error);
    self->busy = false;
    if (!told || status != LM_OK) writer_drop(self);
    if (!told) return NULL;
    if (status != LM_OK) return lm__py_raise(run.state, status, &error);
    return PyLong_FromUnsignedLongLong(self->rows);
}

typedef struct finish_work {
    writer *self;
    lm_put_result result;
} finish_work;

static lm_status finish_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    finish_work *work = context;
    writer *self = work->self;
    lm_parquet_result parquet = {0};
    (void)stream;
    lm_status status = lm_parquet_writer_finish(self->writer, &parquet, error);
    self->writer = NULL;
    LM_TRY(status);
    work->result.rows = (uint64_t)parquet.rows;
    work->result.row_groups = (uint64_t)parquet.row_groups;
    if (!self->publication) return lm_sink_finish(&self->memory.sink, error);
    self->file.manifest.has_rows = true;
    self->file.manifest.rows = work->result.rows;
    return lm_file_finish(self->publication, &work->result.file, error);
}

/* finish() -> dict, or the bytes */
static PyObject *writer_finish(PyObject *object, PyObject *none)
{
    writer *self = (writer *)object;
    finish_work work = {.self = self};
    lm_error error;
    lm_status status;
    PyObject *result = NULL;
    (void)none;
    if (!writer_enter(self)) return NULL;
    const lm_py_run_options run = {.state = lm__py_state_of(object),
                                   .cancel = &self->file.cancel,
                                   .work = finish_run,
                                   .context = &work};
    bool told = lm__py_run(&run, &status, &error);
    self->busy = false;
    memcpy(work.result.schema_hash, self->schema_hash, sizeof self->schema_hash);
    if (told && status != LM_OK)
        lm__py_raise(run.state, status, &error);
    else if (told && self->publication)
        result = put_result(&work.result);
    else if (told)
        result = PyBytes_FromStringAndSize((const char *)self->memory.data,
                                           (Py_ssize_t)self->memory.size);
    writer_drop(self);
    return result;
}

static PyObject *writer_close(PyObject *object, PyObject *none)
{
    writer *self = (writer *)object;
    (void)none;
    if (!self->writer || self->owner != getpid()) Py_RETURN_NONE;
    if (!writer_enter(self)) return NULL;
    Py_BEGIN_ALLOW_THREADS writer_drop(self);
    Py_END_ALLOW_THREADS self->busy = false;
    Py_RETURN_NONE;
}

static void writer_dealloc(PyObject *object)
{
    writer *self = (writer *)object;
    PyTypeObject *type = Py_TYPE(object);
    Py_BEGIN_ALLOW_THREADS writer_drop(self);
    lm_schema_free(self->schema);
    Py_END_ALLOW_THREADS lm__py_parquet_options_deinit(&self->parquet);
    lm__py_file_options_deinit(&self->file);
    PyObject_Free(object);
    Py_DECREF((PyObject *)type);
}

static PyMethodDef writer_methods[] = {
    {"write", writer_write, METH_VARARGS, NULL},
    {"finish", writer_finish, METH_NOARGS, NULL},
    {"close", writer_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot writer_slots[] = {
    {Py_tp_new, writer_new},
    {Py_tp_dealloc, writer_dealloc},
    {Py_tp_methods, writer_methods},
    {0, NULL},
};

PyType_Spec lm__py_writer_spec = {"lamella._core.Writer", sizeof(writer), 0, Py_TPFLAGS_DEFAULT,
                                  writer_slots};

typedef struct bytes_work {
    lm_memory_sink sink;
    lm_put_options options;
} bytes_work;

static lm_status bytes_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    bytes_work *work = context;
    LM_TRY(lm_put_stream_take("the bytes", stream, &work->options, NULL, error));
    return lm_sink_finish(&work->sink.sink, error);
}

/* text_bytes(stream, format, csv options) -> bytes */
static PyObject *text_bytes(PyObject *module, PyObject *args)
{
    bytes_work work = {0};
    lm_csv_write_options csv;
    lm_cancel cancel = {0};
    const lm_file_options file = {.cancel = &cancel};
    PyObject *stream, *options, *result = NULL;
    int format;
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "OiO!", &stream, &format, &PyDict_Type, &options)) return NULL;
    if (!lm__py_csv_options(&csv, options)) return NULL;
    lm_memory_sink_init(&work.sink, NULL, SIZE_MAX / 2);
    work.options = (lm_put_options){
        .to = (lm_format)format, .csv = &csv, .file = &file, .sink = &work.sink.sink};
    const lm_py_run_options run = {.state = lm__py_state(module),
                                   .cancel = &cancel,
                                   .work = bytes_run,
                                   .context = &work,
                                   .source = stream,
                                   .validate = LM_VALIDATE_TEXT};
    bool told = lm__py_run(&run, &status, &error);
    if (told && status != LM_OK)
        lm__py_raise(run.state, status, &error);
    else if (told)
        result =
            PyBytes_FromStringAndSize((const char *)work.sink.data, (Py_ssize_t)work.sink.size);
    lm_memory_sink_deinit(&work.sink);
    return result;
}

PyMethodDef lm__py_put_methods[] = {
    {"text_bytes", text_bytes, METH_VARARGS, NULL},
    {"put", put, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
