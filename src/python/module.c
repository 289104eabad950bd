/* The module itself: its state, its types, its functions; see module.h. */
#include "python/module.h"

static PyModuleDef definition;

lm_py_state *lm__py_state(PyObject *module) { return PyModule_GetState(module); }

lm_py_state *lm__py_state_of(PyObject *instance)
{
    return PyType_GetModuleState(Py_TYPE(instance));
}

static bool add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type && PyModule_AddType(module, *type) == 0;
}

static int module_exec(PyObject *module)
{
    lm_py_state *state = lm__py_state(module);
    PyMethodDef *const methods[] = {
        lm__py_schema_methods, lm__py_stream_methods,    lm__py_make_methods,
        lm__py_values_methods, lm__py_publish_methods,   lm__py_put_methods,
        lm__py_scan_methods,   lm__py_path_methods,      lm__py_merge_methods,
        lm__py_tables_methods, lm__py_table_ops_methods, lm__py_versions_methods};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (PyModule_AddFunctions(module, methods[i]) < 0) return -1;
    PyObject *errors = PyImport_ImportModule("lamella._errors");
    if (!errors) return -1;
    state->make_error = PyObject_GetAttrString(errors, "make");
    Py_DECREF(errors);
    if (!state->make_error) return -1;
    bool fine = add_type(module, &lm__py_batch_spec, &state->batch) &&
                add_type(module, &lm__py_buffer_spec, &state->buffer) &&
                add_type(module, &lm__py_reader_spec, &state->reader) &&
                add_type(module, &lm__py_publication_spec, &state->publication) &&
                add_type(module, &lm__py_writer_spec, &state->writer) &&
                add_type(module, &lm__py_workbook_spec, &state->workbook);
    fine = fine && PyModule_AddIntConstant(module, "parquet", LM_FORMAT_PARQUET) == 0 &&
           PyModule_AddIntConstant(module, "csv", LM_FORMAT_CSV) == 0 &&
           PyModule_AddIntConstant(module, "jsonl", LM_FORMAT_JSONL) == 0 &&
           PyModule_AddStringConstant(module, "version", lm_version()) == 0;
    return fine ? 0 : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    lm_py_state *state = lm__py_state(module);
    Py_VISIT(state->make_error);
    Py_VISIT((PyObject *)state->batch);
    Py_VISIT((PyObject *)state->buffer);
    Py_VISIT((PyObject *)state->reader);
    Py_VISIT((PyObject *)state->publication);
    Py_VISIT((PyObject *)state->writer);
    Py_VISIT((PyObject *)state->workbook);
    return 0;
}

static int module_clear(PyObject *module)
{
    lm_py_state *state = lm__py_state(module);
    Py_CLEAR(state->make_error);
    Py_CLEAR(state->batch);
    Py_CLEAR(state->buffer);
    Py_CLEAR(state->reader);
    Py_CLEAR(state->publication);
    Py_CLEAR(state->writer);
    Py_CLEAR(state->workbook);
    return 0;
}

static void module_free(void *module) { (void)module_clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "lamella._core",
    .m_doc = "The core of lamella. Its interface is the package's own and may change.",
    .m_size = sizeof(lm_py_state),
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
