/* Statuses become exceptions of lamella's tree (python/lamella/_errors.py). */
#include "base/error.h"

#include "python/module.h"

PyObject *lm__py_raise(const lm_py_state *state, lm_status status, const lm_error *error)
{
    if (status == LM_CANCELLED && Py_MakePendingCalls() < 0) return NULL; /* watch.c */
    const char *message = error->message[0] ? error->message : lm_status_text(status);
    PyObject *made = PyObject_CallFunction(state->make_error, "ssiiOs#", lm_status_name(status),
                                           lm_status_exception(status), error->os_code,
                                           error->http_code, error->retryable ? Py_True : Py_False,
                                           message, (Py_ssize_t)strlen(message));
    if (made) {
        PyErr_SetObject((PyObject *)Py_TYPE(made), made);
        Py_DECREF(made);
    }
    return NULL;
}

bool lm__py_own(long owner)
{
    if (owner == getpid()) return true;
    PyErr_Format(
        PyExc_ValueError,
        "process %ld opened this, and process %ld, which was forked from it, cannot use it", owner,
        (long)getpid());
    return false;
}

lm_status lm__py_error_take(lm_error *error, const char *what)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *name = type ? PyType_GetName((PyTypeObject *)type) : NULL;
    PyObject *said = value ? PyObject_Str(value) : NULL;
    const char *name_text = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    const char *said_text = said ? PyUnicode_AsUTF8AndSize(said, NULL) : NULL;
    lm_status status =
        lm__error_set(error, LM_DATA, "%s: %s: %s", what, name_text ? name_text : "an exception",
                      said_text ? said_text : "");
    PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(said);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return status;
}
