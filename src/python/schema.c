/* Schemas across the border: capsules, text, trees of tuples. */
#include <stdlib.h>

#include "base/error.h"
#include "python/module.h"

static void schema_release(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (!schema) return;
    if (schema->release) schema->release(schema);
    free(schema);
}

PyObject *lm__py_schema_capsule(const lm_py_state *state, const lm_schema *schema)
{
    lm_error error = {0};
    struct ArrowSchema *out = calloc(1, sizeof *out);
    if (!out) return PyErr_NoMemory();
    lm_status status = lm_schema_export(schema, out, &error);
    if (status != LM_OK) {
        free(out);
        return lm__py_raise(state, status, &error);
    }
    PyObject *capsule = PyCapsule_New(out, "arrow_schema", schema_release);
    if (!capsule) {
        out->release(out);
        free(out);
    }
    return capsule;
}

lm_schema *lm__py_schema(const lm_py_state *state, PyObject *capsule)
{
    lm_error error = {0};
    lm_schema *schema = NULL;
    struct ArrowSchema *source = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (!source) return NULL;
    lm_status status = lm__schema_import(NULL, source, &schema, &error);
    if (status != LM_OK) lm__py_raise(state, status, &error);
    return schema;
}

/* schema_parse(text) -> capsule */
static PyObject *schema_parse(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    const char *text;
    Py_ssize_t size;
    lm_error error = {0};
    lm_schema *schema = NULL;
    if (!PyArg_ParseTuple(args, "s#", &text, &size)) return NULL;
    lm_status status = lm_schema_parse(NULL, text, (size_t)size, &schema, &error);
    if (status != LM_OK) return lm__py_raise(state, status, &error);
    PyObject *capsule = lm__py_schema_capsule(state, schema);
    lm_schema_free(schema);
    return capsule;
}

/* schema_copy(capsule) -> capsule: checked, and whole in itself. */
static PyObject *schema_copy(PyObject *module, PyObject *capsule)
{
    lm_schema *schema = lm__py_schema(lm__py_state(module), capsule);
    if (!schema) return NULL;
    PyObject *copy = lm__py_schema_capsule(lm__py_state(module), schema);
    lm_schema_free(schema);
    return copy;
}

/* schema_text(capsule) -> str */
static PyObject *schema_text(PyObject *module, PyObject *capsule)
{
    lm_schema *schema = lm__py_schema(lm__py_state(module), capsule);
    if (!schema) return NULL;
    size_t size = lm_schema_text(schema, NULL, 0);
    char *text = malloc(size + 1);
    PyObject *result = NULL;
    if (text) {
        lm_schema_text(schema, text, size + 1);
        result = PyUnicode_FromStringAndSize(text, (Py_ssize_t)size);
    } else {
        PyErr_NoMemory();
    }
    free(text);
    lm_schema_free(schema);
    return result;
}

/* schema_hash(capsule) -> str */
static PyObject *schema_hash(PyObject *module, PyObject *capsule)
{
    char hash[LM_SCHEMA_HASH_BYTES];
    lm_error error = {0};
    lm_schema *schema = lm__py_schema(lm__py_state(module), capsule);
    if (!schema) return NULL;
    lm_status status = lm_schema_hash(schema, hash, &error);
    lm_schema_free(schema);
    if (status != LM_OK) return lm__py_raise(lm__py_state(module), status, &error);
    return PyUnicode_FromString(hash);
}

static PyObject *field_tree(const lm_field *field);

static PyObject *children_tree(const lm_field *field)
{
    PyObject *children = PyTuple_New(field->n_children);
    for (int32_t i = 0; children && i < field->n_children; i++) {
        PyObject *child = field_tree(&field->children[i]);
        if (!child || PyTuple_SetItem(children, i, child) < 0) Py_CLEAR(children);
    }
    return children;
}

/* (name, format, nullable, children, dictionary or None, type as text, extension name or None) */
static PyObject *field_tree(const lm_field *field)
{
    char type[LM_TYPE_TEXT_MAX];
    lm_buffer format;
    lm__buffer_init(&format, NULL, LM_TYPE_TEXT_MAX * 4);
    PyObject *tree = NULL, *children = children_tree(field), *dictionary = NULL;
    if (field->dictionary)
        dictionary = field_tree(field->dictionary);
    else
        dictionary = Py_NewRef(Py_None);
    if (children && dictionary) {
        if (lm__field_format(field, &format) == LM_OK)
            tree = Py_BuildValue("(s#s#OOOsz)", field->name, (Py_ssize_t)field->name_size,
                                 (const char *)format.data, (Py_ssize_t)format.size,
                                 field->nullable ? Py_True : Py_False, children, dictionary,
                                 lm__type_text_short(field, type), field->extension_name);
        else
            PyErr_NoMemory();
    }
    lm__buffer_deinit(&format);
    Py_XDECREF(children);
    Py_XDECREF(dictionary);
    return tree;
}

/* schema_tree(capsule) -> the root's tree */
static PyObject *schema_tree(PyObject *module, PyObject *capsule)
{
    lm_schema *schema = lm__py_schema(lm__py_state(module), capsule);
    if (!schema) return NULL;
    PyObject *tree = field_tree(&schema->root);
    lm_schema_free(schema);
    return tree;
}

/* schema_select(capsule, indices) -> capsule */
static PyObject *schema_select(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    PyObject *capsule, *list, *result = NULL;
    lm_error error = {0};
    lm_schema *schema, *selected = NULL;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &list)) return NULL;
    Py_ssize_t count = PyList_Size(list);
    if (count < 0 || !(schema = lm__py_schema(state, capsule))) return NULL;
    int32_t *columns = calloc((size_t)count + 1, sizeof *columns);
    for (Py_ssize_t i = 0; columns && i < count; i++) {
        long column = PyLong_AsLong(PyList_GetItem(list, i));
        if (column < 0 || column >= schema->root.n_children) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "no such column");
            goto done;
        }
        columns[i] = (int32_t)column;
    }
    if (!columns) {
        PyErr_NoMemory();
        goto done;
    }
    lm_status status = lm__schema_select(schema, columns, (int32_t)count, &selected, &error);
    if (status != LM_OK)
        lm__py_raise(state, status, &error);
    else
        result = lm__py_schema_capsule(state, selected);
done:
    free(columns);
    lm_schema_free(selected);
    lm_schema_free(schema);
    return result;
}

PyMethodDef lm__py_schema_methods[] = {
    {"schema_parse", schema_parse, METH_VARARGS, NULL},
    {"schema_copy", schema_copy, METH_O, NULL},
    {"schema_text", schema_text, METH_O, NULL},
    {"schema_hash", schema_hash, METH_O, NULL},
    {"schema_tree", schema_tree, METH_O, NULL},
    {"schema_select", schema_select, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
