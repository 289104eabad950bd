/*
 * The loops over Python objects that would be slow in Python: text and bytes to offsets and
 * contents and back, truth to bits and back, where the nulls are.
 *
 * A null is None, one of the sentinels that the caller names (pandas.NA, NaT), or a float NaN where
 * that is asked for.
 */
#include <string.h>

#include "arrow/view.h"
#include "python/module.h"

typedef struct null_rule {
    PyObject *sentinels; /* a tuple */
    Py_ssize_t count;
    bool nan;
} null_rule;

static bool nulls_init(null_rule *nulls, PyObject *sentinels, int nan)
{
    nulls->sentinels = sentinels;
    nulls->count = PyTuple_Size(sentinels);
    nulls->nan = nan != 0;
    return nulls->count >= 0;
}

static bool is_null(const null_rule *nulls, PyObject *value)
{
    if (value == Py_None) return true;
    for (Py_ssize_t i = 0; i < nulls->count; i++)
        if (value == PyTuple_GetItem(nulls->sentinels, i)) return true;
    if (!nulls->nan || !PyFloat_Check(value)) return false;
    double number = PyFloat_AsDouble(value);
    return number != number;
}

/* A bitmap of zeros, or of ones up to `rows`. */
static PyObject *bits_new(Py_ssize_t rows, bool ones, uint8_t **bits)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (rows + 7) / 8);
    if (!bytes) return NULL;
    *bits = (uint8_t *)PyBytes_AsString(bytes);
    memset(*bits, ones ? 0xFF : 0, (size_t)(rows + 7) / 8);
    return bytes;
}

/* validity(list, sentinels, nan) -> (bits or None, nulls) */
static PyObject *validity(PyObject *module, PyObject *args)
{
    PyObject *list, *sentinels;
    int nan;
    null_rule nulls;
    uint8_t *bits;
    Py_ssize_t count = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOp", &list, &sentinels, &nan)) return NULL;
    Py_ssize_t rows = PyList_Size(list);
    if (rows < 0 || !nulls_init(&nulls, sentinels, nan)) return NULL;
    PyObject *bitmap = bits_new(rows, true, &bits);
    if (!bitmap) return NULL;
    for (Py_ssize_t i = 0; i < rows; i++) {
        if (!is_null(&nulls, PyList_GetItem(list, i))) continue;
        lm__bit_clear(bits, i);
        count++;
    }
    PyObject *result = Py_BuildValue("(On)", count ? bitmap : Py_None, count);
    Py_DECREF(bitmap);
    return result;
}

/* truth(list, sentinels) -> bits; what is null counts as false. Anything but True and False, and
 * NumPy's, is a TypeError whose second argument is its row. */
static PyObject *truth(PyObject *module, PyObject *args)
{
    PyObject *list, *sentinels;
    null_rule nulls;
    uint8_t *bits;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &list, &sentinels)) return NULL;
    Py_ssize_t rows = PyList_Size(list);
    if (rows < 0 || !nulls_init(&nulls, sentinels, 1)) return NULL;
    PyObject *bitmap = bits_new(rows, false, &bits);
    for (Py_ssize_t i = 0; bitmap && i < rows; i++) {
        PyObject *value = PyList_GetItem(list, i);
        if (is_null(&nulls, value)) continue;
        int is_true = PyObject_IsTrue(value);
        if (is_true < 0) Py_CLEAR(bitmap);
        if (is_true > 0) lm__bit_set(bits, i);
    }
    return bitmap;
}

/* The bytes of one value, borrowed; NULL with no exception when it is of another type. */
static const char *content(PyObject *value, bool text, Py_ssize_t *size)
{
    char *bytes;
    if (text) return PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, size) : NULL;
    if (PyBytes_Check(value))
        return PyBytes_AsStringAndSize(value, &bytes, size) == 0 ? bytes : NULL;
    if (!PyByteArray_Check(value)) return NULL;
    *size = PyByteArray_Size(value);
    return PyByteArray_AsString(value);
}

static PyObject *refuse(Py_ssize_t row)
{
    if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        PyErr_Clear();
        PyObject *number = PyLong_FromSsize_t(row);
        if (number) PyErr_SetObject(PyExc_TypeError, number);
        Py_XDECREF(number);
    }
    return NULL;
}

/* contents(list, text, sentinels, nan) -> (wide, offsets, bytes): int32 offsets where they do. A
 * value of another type is a TypeError with its row. */
static PyObject *contents(PyObject *module, PyObject *args)
{
    PyObject *list, *sentinels;
    int text, nan;
    null_rule nulls;
    Py_ssize_t total = 0, size = 0;
    (void)module;
    if (!PyArg_ParseTuple(args, "OpOp", &list, &text, &sentinels, &nan)) return NULL;
    Py_ssize_t rows = PyList_Size(list);
    if (rows < 0 || !nulls_init(&nulls, sentinels, nan)) return NULL;
    for (Py_ssize_t i = 0; i < rows; i++) {
        PyObject *value = PyList_GetItem(list, i);
        if (is_null(&nulls, value)) continue;
        if (!content(value, text, &size)) return refuse(i);
        total += size;
    }
    bool wide = total > INT32_MAX;
    PyObject *offsets = PyBytes_FromStringAndSize(NULL, (rows + 1) * (wide ? 8 : 4));
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, total);
    if (!offsets || !bytes) goto done;
    char *to = PyBytes_AsString(bytes), *starts = PyBytes_AsString(offsets);
    int64_t at = 0;
    for (Py_ssize_t i = 0; i <= rows; i++) {
        int32_t narrow = (int32_t)at;
        memcpy(starts + i * (wide ? 8 : 4), wide ? (void *)&at : (void *)&narrow, wide ? 8 : 4);
        PyObject *value = i < rows ? PyList_GetItem(list, i) : Py_None;
        if (is_null(&nulls, value)) continue;
        const char *from = content(value, text, &size);
        if (!from || size > total - at) { /* a bytearray that another thread changed */
            refuse(i);
            Py_CLEAR(bytes);
            goto done;
        }
        memcpy(to + at, from, (size_t)size);
        at += size;
    }
done:;
    PyObject *result =
        offsets && bytes ? Py_BuildValue("(NOO)", PyBool_FromLong(wide), offsets, bytes) : NULL;
    Py_XDECREF(offsets);
    Py_XDECREF(bytes);
    return result;
}

/* A column of text, binary or views as lm_array tells it, from the parts of Batch.tree(). */
typedef struct text_column {
    Py_buffer validity, values, offsets;
    Py_buffer *variadic;
    Py_ssize_t n_variadic, offset, length, width;
} text_column;

static bool part(PyObject *object, Py_buffer *view)
{
    return object == Py_None || PyObject_GetBuffer(object, view, PyBUF_SIMPLE) == 0;
}

static void column_deinit(text_column *column)
{
    Py_buffer *views[] = {&column->validity, &column->values, &column->offsets};
    for (size_t i = 0; i < 3; i++)
        if (views[i]->obj) PyBuffer_Release(views[i]);
    for (Py_ssize_t i = 0; i < column->n_variadic; i++)
        if (column->variadic[i].obj) PyBuffer_Release(&column->variadic[i]);
    PyMem_Free(column->variadic);
}

static const char *value_at(const text_column *column, Py_ssize_t at, Py_ssize_t *size)
{
    if (column->width == 4 || column->width == 8) {
        int64_t first, last;
        if (column->width == 4) {
            const int32_t *offsets = column->offsets.buf;
            first = offsets[at];
            last = offsets[at + 1];
        } else {
            const int64_t *offsets = column->offsets.buf;
            first = offsets[at];
            last = offsets[at + 1];
        }
        *size = (Py_ssize_t)(last - first);
        return *size ? (const char *)column->values.buf + first : "";
    }
    const lm_view *view = (const lm_view *)column->values.buf + at;
    *size = view->size;
    if (view->size <= LM_VIEW_INLINE_MAX) return (const char *)view->inlined;
    return (const char *)column->variadic[view->buffer].buf + view->offset;
}

static PyObject *column_list(const text_column *column, bool text)
{
    PyObject *list = PyList_New(column->length);
    for (Py_ssize_t i = 0; list && i < column->length; i++) {
        Py_ssize_t size, at = column->offset + i;
        PyObject *value;
        if (column->validity.buf && !lm__bit_get(column->validity.buf, at)) {
            value = Py_NewRef(Py_None);
        } else {
            const char *bytes = value_at(column, at, &size);
            value = text ? PyUnicode_DecodeUTF8(bytes, size, "surrogateescape")
                         : PyBytes_FromStringAndSize(bytes, size);
        }
        if (!value || PyList_SetItem(list, i, value) < 0) Py_CLEAR(list);
    }
    return list;
}

/* objects(text, width, offset, length, validity, values, offsets, variadic) -> list. width is that
 * of the offsets, or 16 for views; the parts are those of a Batch, which was validated. */
static PyObject *objects(PyObject *module, PyObject *args)
{
    PyObject *validity, *values, *offsets, *variadic, *list = NULL;
    int text;
    text_column column = {0};
    (void)module;
    if (!PyArg_ParseTuple(args, "pnnnOOOO", &text, &column.width, &column.offset, &column.length,
                          &validity, &values, &offsets, &variadic))
        return NULL;
    Py_ssize_t count = PyTuple_Size(variadic);
    if (count < 0) return NULL;
    column.variadic = PyMem_Calloc((size_t)count + 1, sizeof *column.variadic);
    if (!column.variadic) return PyErr_NoMemory();
    column.n_variadic = count;
    bool fine = part(validity, &column.validity) && part(values, &column.values) &&
                part(offsets, &column.offsets);
    for (Py_ssize_t i = 0; fine && i < count; i++)
        fine = part(PyTuple_GetItem(variadic, i), &column.variadic[i]);
    if (fine) list = column_list(&column, text);
    column_deinit(&column);
    return list;
}

/* unpack(bits, offset, length) -> bytes of 0 and 1 */
static PyObject *unpack(PyObject *module, PyObject *args)
{
    Py_buffer bits;
    Py_ssize_t offset, length;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*nn", &bits, &offset, &length)) return NULL;
    PyObject *bytes = NULL;
    if (offset < 0 || length < 0 || length > bits.len * 8 - offset)
        PyErr_SetString(PyExc_IndexError, "bits beyond the buffer");
    else
        bytes = PyBytes_FromStringAndSize(NULL, length);
    if (bytes) {
        char *to = PyBytes_AsString(bytes);
        for (Py_ssize_t i = 0; i < length; i++) to[i] = lm__bit_get(bits.buf, offset + i);
    }
    PyBuffer_Release(&bits);
    return bytes;
}

PyMethodDef lm__py_values_methods[] = {
    {"validity", validity, METH_VARARGS, NULL}, {"truth", truth, METH_VARARGS, NULL},
    {"contents", contents, METH_VARARGS, NULL}, {"objects", objects, METH_VARARGS, NULL},
    {"unpack", unpack, METH_VARARGS, NULL},     {NULL, NULL, 0, NULL},
};
