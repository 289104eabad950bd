/*
 * Batches from what Python has: columns as tuples of objects with the buffer interface (NumPy
 * arrays, bytes, array.array), which are shared, not copied, and kept for as long as a reader of
 * the batch needs them.
 */
#include <stdlib.h>

#include "base/error.h"
#include "python/module.h"

/* What an ArrowArray of ours holds. Its children are arrays of their own. */
typedef struct made {
    Py_buffer *views;
    const void **buffers;
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
    free(own->views);
    free(own->buffers);
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

static bool fill_buffers(made *own, PyObject *buffers)
{
    for (int64_t i = 0; i < own->n_views; i++) {
        PyObject *object = PyTuple_GetItem(buffers, (Py_ssize_t)i);
        if (object == Py_None) continue;
        if (!object || PyObject_GetBuffer(object, &own->views[i], PyBUF_SIMPLE) < 0) return false;
        own->buffers[i] = own->views[i].buf;
    }
    return true;
}

/* Of (length, offset, nulls, buffers, children, dictionary). On failure nothing is held. */
static bool fill(struct ArrowArray *array, PyObject *node)
{
    long long length, offset, nulls;
    PyObject *buffers, *children, *dictionary;
    if (!node || !PyArg_ParseTuple(node, "LLLOOO", &length, &offset, &nulls, &buffers, &children,
                                   &dictionary))
        return false;
    Py_ssize_t n_buffers = PyTuple_Size(buffers);
    if (n_buffers < 0) return false;
    made *own = calloc(1, sizeof *own);
    if (!own) {
        PyErr_NoMemory();
        return false;
    }
    own->views = calloc((size_t)n_buffers + 1, sizeof *own->views);
    own->buffers = calloc((size_t)n_buffers + 1, sizeof *own->buffers);
    *array = (struct ArrowArray){.length = length,
                                 .offset = offset,
                                 .null_count = nulls,
                                 .n_buffers = n_buffers,
                                 .buffers = own->buffers,
                                 .release = made_release,
                                 .private_data = own};
    bool fine = own->views && own->buffers;
    own->n_views = fine ? n_buffers : 0;
    if (!fine) PyErr_NoMemory();
    fine = fine && fill_buffers(own, buffers) && fill_children(array, own, children, dictionary);
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
    PyObject *node = Py_BuildValue("(LLL(O)OO)", length, 0LL, 0LL, Py_None, columns, Py_None);
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

/* Moves the array out of its capsule. */
static bool array_take(PyObject *capsule, struct ArrowArray *out)
{
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (!array) return false;
    if (!array->release) {
        PyErr_SetString(PyExc_ValueError, "this Arrow array was taken already");
        return false;
    }
    *out = *array;
    array->release = NULL;
    return true;
}

/* Takes the root, also on failure. */
static PyObject *import_root(const lm_py_state *state, const struct ArrowSchema *source,
                             struct ArrowArray *take_root)
{
    lm_error error = {0};
    lm_schema *schema;
    lm_batch *batch;
    lm_status status;
    Py_BEGIN_ALLOW_THREADS status = lm__schema_import(NULL, source, &schema, &error);
    if (status != LM_OK) {
        take_root->release(take_root);
    } else {
        status = lm__batch_import_take(NULL, schema, take_root, LM_VALIDATE_TEXT, &batch, &error);
        lm_schema_free(schema);
    }
    Py_END_ALLOW_THREADS if (status != LM_OK) return lm__py_raise(state, status, &error);
    return lm__py_batch_take(state, batch);
}

/* batch_take(schema, array) -> Batch, of a struct array */
static PyObject *batch_take(PyObject *module, PyObject *args)
{
    PyObject *schema, *array;
    struct ArrowArray root;
    if (!PyArg_ParseTuple(args, "OO", &schema, &array)) return NULL;
    const struct ArrowSchema *source = PyCapsule_GetPointer(schema, "arrow_schema");
    if (!source || !array_take(array, &root)) return NULL;
    return import_root(lm__py_state(module), source, &root);
}

/* column_take(schema, array) -> Batch whose only column is the array */
static PyObject *column_take(PyObject *module, PyObject *args)
{
    PyObject *schema, *array;
    if (!PyArg_ParseTuple(args, "OO", &schema, &array)) return NULL;
    struct ArrowSchema *source = PyCapsule_GetPointer(schema, "arrow_schema");
    if (!source) return NULL;
    const struct ArrowSchema table = {.format = "+s",
                                      .name = "",
                                      .n_children = 1,
                                      .children = &source,
                                      .release = source->release};
    made *own = calloc(1, sizeof *own);
    bool fine = own && (own->buffers = calloc(1, sizeof *own->buffers)) &&
                (own->children = calloc(1, sizeof *own->children)) &&
                (own->storage = calloc(1, sizeof *own->storage));
    if (!fine) PyErr_NoMemory();
    if (!fine || !array_take(array, own->storage)) {
        if (own) {
            free(own->buffers);
            free(own->children);
            free(own->storage);
        }
        free(own);
        return NULL;
    }
    own->children[0] = own->storage;
    struct ArrowArray root = {.length = own->storage->length,
                              .n_buffers = 1,
                              .buffers = own->buffers,
                              .n_children = 1,
                              .children = own->children,
                              .release = made_release,
                              .private_data = own};
    return import_root(lm__py_state(module), &table, &root);
}

PyMethodDef lm__py_make_methods[] = {
    {"make_batch", make_batch, METH_VARARGS, NULL},
    {"batch_take", batch_take, METH_VARARGS, NULL},
    {"column_take", column_take, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
