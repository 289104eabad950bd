/*
 * Batches as Python sees them: how many rows, slices, and a tree of tuples with the buffers of each
 * column, which share the batch's memory and keep it.
 */
#include "arrow/build.h"
#include "base/error.h"
#include "python/module.h"

/* ---- a piece of a batch's memory, with the buffer interface ---- */

typedef struct buffer {
    PyObject_HEAD PyObject *owner;
    const void *data;
    Py_ssize_t size;
} buffer;

static int buffer_get(PyObject *object, Py_buffer *view, int flags)
{
    buffer *self = (buffer *)object;
    return PyBuffer_FillInfo(view, object, (void *)(uintptr_t)self->data, self->size, 1, flags);
}

static void buffer_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_XDECREF(((buffer *)object)->owner);
    PyObject_Free(object);
    Py_DECREF((PyObject *)type);
}

static PyType_Slot buffer_slots[] = {
    {Py_tp_dealloc, buffer_dealloc},
    {Py_bf_getbuffer, buffer_get},
    {0, NULL},
};

PyType_Spec lm__py_buffer_spec = {"lamella._core.Buffer", sizeof(buffer), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  buffer_slots};

/* ---- Batch ---- */

typedef struct batch_object {
    PyObject_HEAD lm_batch *batch;
} batch_object;

PyObject *lm__py_batch_take(const lm_py_state *state, lm_batch *taken)
{
    batch_object *self = (batch_object *)PyType_GenericAlloc(state->batch, 0);
    if (self)
        self->batch = taken;
    else
        lm__batch_unref(taken);
    return (PyObject *)self;
}

lm_batch *lm__py_batch(PyObject *object) { return ((batch_object *)object)->batch; }

static void batch_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    lm__batch_unref(((batch_object *)object)->batch);
    PyObject_Free(object);
    Py_DECREF((PyObject *)type);
}

/* A Buffer, or None where there is nothing. */
static PyObject *piece(PyObject *owner, const void *data, int64_t size)
{
    if (!data) return Py_NewRef(Py_None);
    buffer *self = (buffer *)PyType_GenericAlloc(lm__py_state_of(owner)->buffer, 0);
    if (!self) return NULL;
    self->owner = Py_NewRef(owner);
    self->data = data;
    self->size = (Py_ssize_t)size;
    return (PyObject *)self;
}

typedef struct array_sizes {
    int64_t values, offsets, sizes;
} array_sizes;

/* The bytes of each buffer of an array, up to its slice's end. */
static array_sizes sizes_of(const lm_array *array)
{
    int64_t end = array->offset + array->length, first, last = 0;
    switch (array->field->type.layout) {
    case LM_LAYOUT_BITS: return (array_sizes){(end + 7) / 8, 0, 0};
    case LM_LAYOUT_FIXED: return (array_sizes){end * array->field->type.byte_width, 0, 0};
    case LM_LAYOUT_VIEW: return (array_sizes){end * 16, 0, 0};
    case LM_LAYOUT_BINARY:
    case LM_LAYOUT_LARGE_BINARY:
        if (array->offsets) lm__array_span(array, &first, &last);
        return (array_sizes){
            last, (end + 1) * (array->field->type.layout == LM_LAYOUT_BINARY ? 4 : 8), 0};
    case LM_LAYOUT_LIST: return (array_sizes){0, (end + 1) * 4, 0};
    case LM_LAYOUT_LARGE_LIST: return (array_sizes){0, (end + 1) * 8, 0};
    case LM_LAYOUT_LIST_VIEW: return (array_sizes){0, end * 4, end * 4};
    case LM_LAYOUT_LARGE_LIST_VIEW: return (array_sizes){0, end * 8, end * 8};
    default: return (array_sizes){0, 0, 0};
    }
}

static PyObject *array_tree(PyObject *owner, const lm_array *array);

static PyObject *variadic_tree(PyObject *owner, const lm_array *array)
{
    PyObject *all = PyTuple_New(array->n_variadic);
    for (int32_t i = 0; all && i < array->n_variadic; i++) {
        PyObject *one = piece(owner, array->variadic[i], array->variadic_sizes[i]);
        if (!one || PyTuple_SetItem(all, i, one) < 0) Py_CLEAR(all);
    }
    return all;
}

static PyObject *children_tree(PyObject *owner, const lm_array *array)
{
    PyObject *all = PyTuple_New(array->n_children);
    for (int32_t i = 0; all && i < array->n_children; i++) {
        PyObject *child = array_tree(owner, &array->children[i]);
        if (!child || PyTuple_SetItem(all, i, child) < 0) Py_CLEAR(all);
    }
    return all;
}

/* (length, offset, nulls, validity, values, offsets, sizes, variadic, children, dictionary);
 * children are whole, as the Arrow format has them. */
static PyObject *array_tree(PyObject *owner, const lm_array *array)
{
    const array_sizes sizes = sizes_of(array);
    int64_t end = array->offset + array->length;
    PyObject *parts[] = {
        piece(owner, array->validity, (end + 7) / 8),
        piece(owner, array->values, sizes.values),
        piece(owner, array->offsets, sizes.offsets),
        piece(owner, array->sizes, sizes.sizes),
        variadic_tree(owner, array),
        children_tree(owner, array),
        array->dictionary ? array_tree(owner, array->dictionary) : Py_NewRef(Py_None),
    };
    const size_t count = sizeof parts / sizeof *parts;
    PyObject *tree = NULL;
    bool whole = true;
    for (size_t i = 0; i < count; i++) whole = whole && parts[i];
    if (whole)
        tree = Py_BuildValue("(LLLOOOOOOO)", (long long)array->length, (long long)array->offset,
                             (long long)lm__array_null_count(array), parts[0], parts[1], parts[2],
                             parts[3], parts[4], parts[5], parts[6]);
    for (size_t i = 0; i < count; i++) Py_XDECREF(parts[i]);
    return tree;
}

static PyObject *batch_tree(PyObject *object, PyObject *none)
{
    const lm_batch *self = lm__py_batch(object);
    (void)none;
    PyObject *columns = PyTuple_New(self->root.n_children);
    for (int32_t i = 0; columns && i < self->root.n_children; i++) {
        lm_array column = lm__batch_column(self, i);
        PyObject *tree = array_tree(object, &column);
        if (!tree || PyTuple_SetItem(columns, i, tree) < 0) Py_CLEAR(columns);
    }
    return columns;
}

static Py_ssize_t batch_length(PyObject *object)
{
    return (Py_ssize_t)lm__batch_rows(lm__py_batch(object));
}

static PyObject *batch_schema(PyObject *object, PyObject *none)
{
    (void)none;
    return lm__py_schema_capsule(lm__py_state_of(object), lm__py_batch(object)->schema);
}

/* slice(start, length), within the batch */
static PyObject *batch_slice(PyObject *object, PyObject *args)
{
    lm_batch *self = lm__py_batch(object), *slice;
    long long start, length;
    lm_error error = {0};
    if (!PyArg_ParseTuple(args, "LL", &start, &length)) return NULL;
    int64_t rows = lm__batch_rows(self);
    if (start < 0 || length < 0 || start > rows || length > rows - start) {
        PyErr_SetString(PyExc_IndexError, "rows beyond the batch");
        return NULL;
    }
    lm_status status = lm__batch_slice(self, start, length, &slice, &error);
    if (status != LM_OK) return lm__py_raise(lm__py_state_of(object), status, &error);
    return lm__py_batch_take(lm__py_state_of(object), slice);
}

/* The columns of `batch` that `picked` is made of, in ranges of (start, rows). */
static lm_status gather(lm_batch *batch, lm_schema *picked, const int32_t *columns,
                        const int64_t *ranges, size_t n_ranges, lm_batch **out, lm_error *error)
{
    lm_builder root;
    LM_TRY(lm__builder_init(&root, NULL, &picked->root, error));
    lm_status status = LM_OK;
    int64_t rows = 0;
    for (size_t i = 0; i < n_ranges; i++) rows += ranges[2 * i + 1];
    for (int32_t c = 0; c < picked->root.n_children && status == LM_OK; c++) {
        lm_array column = lm__batch_column(batch, columns[c]);
        status = lm__builder_reserve(&root.children[c], rows);
        for (size_t i = 0; i < n_ranges && status == LM_OK; i++)
            status = lm__build_rows(&root.children[c], &column, ranges[2 * i], ranges[2 * i + 1]);
    }
    root.length = rows;
    if (status == LM_LIMIT)
        (void)lm__error_set(error, status, "more than 2 GiB of text in a column");
    else if (status != LM_OK)
        (void)lm__error_memory(error, "picking rows");
    else
        status = lm__builder_finish(&root, picked, out, error);
    lm__builder_deinit(&root);
    return status;
}

/* The ranges are within the batch, and the columns in its schema. */
static bool gather_check(const lm_batch *batch, const Py_buffer *columns, const Py_buffer *ranges)
{
    const int32_t *column = columns->buf;
    const int64_t *range = ranges->buf;
    int64_t rows = lm__batch_rows(batch);
    bool fine = columns->len % 4 == 0 && ranges->len % 16 == 0;
    for (Py_ssize_t i = 0; fine && i < columns->len / 4; i++)
        fine = column[i] >= 0 && column[i] < batch->root.n_children;
    for (Py_ssize_t i = 0; fine && i < ranges->len / 8; i += 2)
        fine = range[i] >= 0 && range[i + 1] >= 0 && range[i] <= rows &&
               range[i + 1] <= rows - range[i];
    if (!fine) PyErr_SetString(PyExc_IndexError, "rows or columns beyond the batch");
    return fine;
}

/* pick(columns as int32, ranges as int64 pairs of start and rows) -> Batch */
static PyObject *batch_pick(PyObject *object, PyObject *args)
{
    lm_batch *self = lm__py_batch(object), *out = NULL;
    lm_schema *picked = NULL;
    Py_buffer columns, ranges;
    lm_error error = {0};
    lm_status status = LM_OK;
    if (!PyArg_ParseTuple(args, "y*y*", &columns, &ranges)) return NULL;
    bool fine = gather_check(self, &columns, &ranges);
    if (fine) {
        Py_BEGIN_ALLOW_THREADS status = lm__schema_select(
            self->schema, columns.buf, (int32_t)(columns.len / 4), &picked, &error);
        if (status == LM_OK)
            status = gather(self, picked, columns.buf, ranges.buf, (size_t)ranges.len / 16, &out,
                            &error);
        lm_schema_free(picked);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&columns);
    PyBuffer_Release(&ranges);
    if (!fine) return NULL;
    if (status != LM_OK) return lm__py_raise(lm__py_state_of(object), status, &error);
    return lm__py_batch_take(lm__py_state_of(object), out);
}

static PyMethodDef batch_methods[] = {
    {"pick", batch_pick, METH_VARARGS, NULL},
    {"tree", batch_tree, METH_NOARGS, NULL},
    {"schema", batch_schema, METH_NOARGS, NULL},
    {"slice", batch_slice, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot batch_slots[] = {
    {Py_tp_dealloc, batch_dealloc},
    {Py_tp_methods, batch_methods},
    {Py_sq_length, batch_length},
    {0, NULL},
};

PyType_Spec lm__py_batch_spec = {"lamella._core.Batch", sizeof(batch_object), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 batch_slots};
