/*
 * Batches from what Python has: columns as tuples of objects with the buffer interface (NumPy
 * arrays, bytes, array.array), which are shared, not copied, and kept for as long as a reader of
 * the batch needs them.
 */
#include <stdlib.h>

#include "base/error.h"
#include "python/module.h"

#define BUFFERS_MAX 3

/* What an ArrowArray of ours holds. Its children are arrays of their own. */
typedef struct made {
    Py_buffer views[BUFFERS_MAX];
    const void *buffers[BUFFERS_MAX];
    int64_t n_views;
    struct ArrowArray **children;
    struct ArrowArray *storage; /* of the children, and the dictionary behind them */
} made;

static void made_free(struct ArrowArray *array)
{
    made *own = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release) array->children[i]->release(array->children[i]);
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    for (int64_t i = 0; i < own->n_views; i++)
        if (own->views[i].obj) PyBuffer_Release(&own->views[i]);
    free(own->children);
    free(own->storage);
    free(own);
    array->release = NULL;
}

/* From any thread; the children's releases come back here. */
static void made_release(struct ArrowArray *array)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    made_free(array);
    PyGILState_Release(gil);
}

static bool fill(struct ArrowArray *array, PyObject *node);

static bool fill_children(struct ArrowArray *array, made *own, PyObject *children,
                          PyObject *dictionary)
{
    Py_ssize_t count = PyTuple_Size(children);
    if (count < 0) return false;
    own->children = calloc((size_t)count + 1, sizeof *own->children);
    own->storage = calloc((size_t)count + 1, sizeof *own->storage);
    if (!own->children || !own->storage) {
        PyErr_NoMemory();
        return false;
    }
    array->children = own->children;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!fill(&own->storage[i], PyTuple_GetItem(children, i))) return false;
        own->children[i] = &own->storage[i];
        array->n_children = i + 1;
    }
    if (dictionary == Py_None) return true;
    if (!fill(&own->storage[count], dictionary)) return false;
    array->dictionary = &own->storage[count];
    return true;
}

/* Of (length, nulls, buffers, children, dictionary). On failure nothing is held. */
static bool fill(struct ArrowArray *array, PyObject *node)
{
    long long length, nulls;
    PyObject *buffers, *children, *dictionary;
    if (!node ||
        !PyArg_ParseTuple(node, "LLOOO", &length, &nulls, &buffers, &children, &dictionary))
        return false;
    Py_ssize_t n_buffers = PyTuple_Size(buffers);
    if (n_buffers < 0) return false;
    if (n_buffers > BUFFERS_MAX) {
        PyErr_SetString(PyExc_ValueError, "too many buffers");
        return false;
    }
    made *own = calloc(1, sizeof *own);
    if (!own) {
        PyErr_NoMemory();
        return false;
    }
    *array = (struct ArrowArray){.length = length,
                                 .null_count = nulls,
                                 .n_buffers = n_buffers,
                                 .buffers = own->buffers,
                                 .release = made_release,
                                 .private_data = own};
    own->n_views = n_buffers;
    bool fine = true;
    for (Py_ssize_t i = 0; fine && i < n_buffers; i++) {
        PyObject *object = PyTuple_GetItem(buffers, i);
        if (object == Py_None) continue;
        fine = object && PyObject_GetBuffer(object, &own->views[i], PyBUF_SIMPLE) == 0;
        if (fine) own->buffers[i] = own->views[i].buf;
    }
    fine = fine && fill_children(array, own, children, dictionary);
    if (!fine) made_free(array);
    return fine;
}

/* make_batch(schema, length, columns) -> Batch */
static PyObject *make_batch(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    PyObject *capsule, *columns;
    long long length;
    lm_error error = {0};
    lm_batch *batch;
    lm_status status;
    struct ArrowArray root;
    if (!PyArg_ParseTuple(args, "OLO", &capsule, &length, &columns)) return NULL;
    PyObject *node = Py_BuildValue("(LL(O)OO)", length, 0LL, Py_None, columns, Py_None);
    bool filled = node && fill(&root, node);
    Py_XDECREF(node);
    if (!filled) return NULL;
    lm_schema *schema = lm__py_schema(state, capsule);
    if (!schema) {
        root.release(&root);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status =
        lm__batch_import_take(NULL, schema, &root, LM_VALIDATE_FULL, &batch, &error);
    lm_schema_free(schema);
    Py_END_ALLOW_THREADS if (status != LM_OK) return lm__py_raise(state, status, &error);
    return lm__py_batch_take(state, batch);
}

PyMethodDef lm__py_make_methods[] = {
    {"make_batch", make_batch, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
