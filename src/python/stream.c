/*
 * Streams across the border: capsules in and out, a stream over a Python iterator of batches, and
 * the Reader, which gives the batches of any stream to Python.
 */
#include <stdlib.h>

#include "arrow/cast.h"
#include "base/error.h"
#include "python/module.h"

static void stream_release(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (!stream) return;
    if (stream->release) stream->release(stream);
    free(stream);
}

bool lm__py_stream_take(PyObject *capsule, struct ArrowArrayStream *out)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (!stream) return false;
    if (!stream->release) {
        PyErr_SetString(PyExc_ValueError, "this Arrow stream was read already");
        return false;
    }
    *out = *stream;
    stream->release = NULL;
    return true;
}

PyObject *lm__py_stream_capsule(const lm_py_state *state, struct ArrowArrayStream *take_stream)
{
    (void)state;
    struct ArrowArrayStream *stream = malloc(sizeof *stream);
    PyObject *capsule = NULL;
    if (stream) {
        *stream = *take_stream;
        capsule = PyCapsule_New(stream, "arrow_array_stream", stream_release);
    } else {
        PyErr_NoMemory();
    }
    if (!capsule) {
        take_stream->release(take_stream);
        free(stream);
    }
    return capsule;
}

/* ---- over an iterator of Batch objects ---- */

typedef struct iterator_stream {
    lm_stream stream;
    PyObject *iterator;
    PyTypeObject *batch_type;
} iterator_stream;

/* The batch with the stream's own schema object, sharing its memory. */
static lm_status adopt(lm_schema *schema, lm_batch *batch, lm_batch **out, lm_error *error)
{
    struct ArrowArray array;
    if (batch->schema == schema) {
        *out = lm__batch_ref(batch);
        return LM_OK;
    }
    if (!lm__field_same_layout(&batch->schema->root, &schema->root))
        return lm__error_set(error, LM_SCHEMA, "a batch has not the schema of its stream");
    LM_TRY(lm__batch_export(batch, &array, error));
    return lm__batch_import_take(NULL, schema, &array, LM_VALIDATE_NONE, out, error);
}

static lm_status iterator_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    iterator_stream *self = (iterator_stream *)stream;
    lm_status status = LM_OK;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *item = PyIter_Next(self->iterator);
    *batch = NULL;
    if (item && !PyObject_TypeCheck(item, self->batch_type))
        status = lm__error_set(error, LM_BROKEN, "the iterator gave what is no batch");
    else if (item)
        status = adopt(stream->schema, lm__py_batch(item), batch, error);
    else if (PyErr_Occurred())
        status = lm__py_error_take(error, "the data could not be read");
    Py_XDECREF(item);
    PyGILState_Release(gil);
    return status;
}

static void iterator_close(lm_stream *stream)
{
    iterator_stream *self = (iterator_stream *)stream;
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_DECREF(self->iterator);
    Py_DECREF((PyObject *)self->batch_type);
    PyGILState_Release(gil);
    free(self);
}

/* stream_of(schema, iterator of Batch) -> capsule */
static PyObject *stream_of(PyObject *module, PyObject *args)
{
    static const lm_stream_ops ops = {iterator_next, iterator_close};
    const lm_py_state *state = lm__py_state(module);
    PyObject *capsule, *iterator;
    lm_error error = {0};
    struct ArrowArrayStream exported;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &iterator)) return NULL;
    lm_schema *schema = lm__py_schema(state, capsule);
    if (!schema) return NULL;
    iterator_stream *self = calloc(1, sizeof *self);
    if (!self) {
        lm_schema_free(schema);
        return PyErr_NoMemory();
    }
    lm__stream_init(&self->stream, &ops, schema);
    lm_schema_free(schema);
    self->iterator = Py_NewRef(iterator);
    self->batch_type = (PyTypeObject *)Py_NewRef((PyObject *)state->batch);
    lm_status status = lm__stream_export_take(NULL, &self->stream, &exported, &error);
    if (status != LM_OK) return lm__py_raise(state, status, &error);
    return lm__py_stream_capsule(state, &exported);
}

/* stream_cast(capsule, schema, safe, drop_extra) -> capsule */
static PyObject *stream_cast(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    PyObject *capsule, *target;
    int safe, drop_extra;
    lm_error error = {0};
    struct ArrowArrayStream given, out;
    lm_status status;
    if (!PyArg_ParseTuple(args, "OOpp", &capsule, &target, &safe, &drop_extra)) return NULL;
    lm_schema *schema = lm__py_schema(state, target);
    if (!schema) return NULL;
    if (!lm__py_stream_take(capsule, &given)) {
        lm_schema_free(schema);
        return NULL;
    }
    lm_cast_options options = {safe ? LM_CAST_SAFE : LM_CAST_STRICT, drop_extra};
    Py_BEGIN_ALLOW_THREADS status =
        lm_cast_stream_take(NULL, &given, schema, &options, &out, &error);
    lm_schema_free(schema);
    Py_END_ALLOW_THREADS if (status != LM_OK) return lm__py_raise(state, status, &error);
    return lm__py_stream_capsule(state, &out);
}

PyMethodDef lm__py_stream_methods[] = {
    {"stream_of", stream_of, METH_VARARGS, NULL},
    {"stream_cast", stream_cast, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---- Reader(capsule): .schema() -> capsule, .next() -> Batch or None ---- */

typedef struct reader {
    PyObject_HEAD lm_stream *stream;
} reader;

static PyObject *reader_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *capsule;
    int trusted = 0;
    struct ArrowArrayStream given;
    lm_error error = {0};
    lm_status status;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O|p", &capsule, &trusted)) return NULL;
    reader *self = (reader *)PyType_GenericAlloc(type, 0);
    if (!self) return NULL;
    if (!lm__py_stream_take(capsule, &given)) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = lm__stream_import_take(
        NULL, &given, trusted ? LM_VALIDATE_NONE : LM_VALIDATE_TEXT, &self->stream, &error);
    Py_END_ALLOW_THREADS if (status == LM_OK) return (PyObject *)self;
    lm__py_raise(lm__py_state_of((PyObject *)self), status, &error);
    Py_DECREF((PyObject *)self);
    return NULL;
}

static PyObject *reader_closed(void)
{
    PyErr_SetString(PyExc_ValueError, "this stream was closed");
    return NULL;
}

static PyObject *reader_schema(PyObject *object, PyObject *none)
{
    reader *self = (reader *)object;
    (void)none;
    if (!self->stream) return reader_closed();
    return lm__py_schema_capsule(lm__py_state_of(object), self->stream->schema);
}

static PyObject *reader_next(PyObject *object, PyObject *none)
{
    reader *self = (reader *)object;
    lm_batch *batch = NULL;
    lm_error error = {0};
    lm_status status;
    (void)none;
    if (!self->stream) return reader_closed();
    if (PyErr_CheckSignals() < 0) return NULL;
    lm_stream *stream = self->stream, *cancelled = NULL;
    Py_BEGIN_ALLOW_THREADS status = lm__stream_next(stream, &batch, &error);
    if (status == LM_CANCELLED) lm__stream_close(cancelled = stream);
    Py_END_ALLOW_THREADS if (cancelled) self->stream = NULL;
    if (status != LM_OK) return lm__py_raise(lm__py_state_of(object), status, &error);
    if (!batch) Py_RETURN_NONE;
    return lm__py_batch_take(lm__py_state_of(object), batch);
}

/* The rest of it, for another reader. */
static PyObject *reader_take(PyObject *object, PyObject *none)
{
    reader *self = (reader *)object;
    struct ArrowArrayStream exported;
    lm_error error = {0};
    (void)none;
    if (!self->stream) return reader_closed();
    lm_status status = lm__stream_export_take(NULL, self->stream, &exported, &error);
    self->stream = NULL;
    if (status != LM_OK) return lm__py_raise(lm__py_state_of(object), status, &error);
    return lm__py_stream_capsule(lm__py_state_of(object), &exported);
}

static void stream_drop(lm_stream *stream)
{
    Py_BEGIN_ALLOW_THREADS lm__stream_close(stream);
    Py_END_ALLOW_THREADS
}

static PyObject *reader_close(PyObject *object, PyObject *none)
{
    reader *self = (reader *)object;
    lm_stream *stream = self->stream;
    (void)none;
    self->stream = NULL;
    stream_drop(stream);
    Py_RETURN_NONE;
}

static void reader_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    stream_drop(((reader *)object)->stream);
    PyObject_Free(object);
    Py_DECREF((PyObject *)type);
}

static PyMethodDef reader_methods[] = {
    {"schema", reader_schema, METH_NOARGS, NULL},
    {"next", reader_next, METH_NOARGS, NULL},
    {"take", reader_take, METH_NOARGS, NULL},
    {"close", reader_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_new, reader_new},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_methods, reader_methods},
    {0, NULL},
};

PyType_Spec lm__py_reader_spec = {"lamella._core.Reader", sizeof(reader), 0, Py_TPFLAGS_DEFAULT,
                                  reader_slots};
