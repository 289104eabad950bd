/*
 * The extension module lamella._core: what its files share.
 *
 * Thin by design: names of options, defaults and everything that can be said in Python is said in
 * python/lamella; here arguments are already clean. Only the limited API of CPython 3.11 is used.
 *
 * Invariants
 *  1. No globals: what the module needs hangs on its state.
 *  2. The GIL is not held while the core works, and no lock of ours is held while it is taken.
 *  3. Callbacks into Python are made on the thread that called us.
 *  4. After a failure a Python exception is set, and only then.
 *  5. What one process opened another one, forked from it, neither uses nor closes.
 */
#ifndef LM_PYTHON_MODULE_H
#define LM_PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#include <Python.h>
#include <pthread.h>
#include <unistd.h>

#include <lamella/io.h>

#include "arrow/batch.h"

typedef struct lm_py_state {
    PyObject *make_error; /* lamella._errors.make */
    PyTypeObject *batch, *buffer, *reader, *publication, *writer, *workbook;
} lm_py_state;

lm_py_state *lm__py_state(PyObject *module);
lm_py_state *lm__py_state_of(PyObject *instance);

/* ---- error.c ---- */

/* Sets the exception of a status; returns NULL. */
PyObject *lm__py_raise(const lm_py_state *state, lm_status status, const lm_error *error);
/* Puts the exception that is set into `error`, as "TypeError: …", and clears it. */
lm_status lm__py_error_take(lm_error *error, const char *what);

/* ---- options.c: dicts that lamella/_options.py made. Missing keys leave *value as it is. ---- */

bool lm__py_get_int(PyObject *dict, const char *key, int64_t *value);
bool lm__py_get_bool(PyObject *dict, const char *key, bool *value);
bool lm__py_get_real(PyObject *dict, const char *key, double *value);
/* Borrows from the dict; None leaves *value. */
bool lm__py_get_text(PyObject *dict, const char *key, const char **value);

/* How URLs are reached: of a list of (key, value) or None, whose texts are borrowed. */
typedef struct lm_py_storage {
    lm_storage storage;
    lm_storage_pair *pairs;
} lm_py_storage;

bool lm__py_storage_init(lm_py_storage *storage, PyObject *pairs);
void lm__py_storage_deinit(lm_py_storage *storage);

typedef struct lm_py_file_options {
    lm_file_options options;
    lm_py_storage storage;
    lm_manifest manifest;
    lm_manifest_pair *pairs;
    lm_cancel cancel;
    PyObject *dict; /* what the texts are borrowed from */
} lm_py_file_options;

bool lm__py_file_options_init(lm_py_file_options *file, PyObject *dict);
void lm__py_file_options_deinit(lm_py_file_options *file);

typedef struct lm_py_parquet_options {
    lm_parquet_options options;
    lm_parquet_column_options *columns;
    lm_parquet_sorting *sorting;
    lm_parquet_key_value *metadata;
    PyObject *dict;
} lm_py_parquet_options;

bool lm__py_parquet_options_init(lm_py_parquet_options *parquet, PyObject *dict);
void lm__py_parquet_options_deinit(lm_py_parquet_options *parquet);

/* Texts are borrowed from the dict. */
bool lm__py_csv_options(lm_csv_write_options *csv, PyObject *dict);
/* The texts of nulls are the caller's: *nulls is given back with free. */
bool lm__py_csv_read_options(lm_csv_read_options *csv, char **nulls, PyObject *dict);

/* ---- run.c ---- */

/*
 * One piece of work on a thread of its own, while the calling thread answers signals and feeds it.
 *
 * The worker asks for batches and the calling thread pulls them, so that a generator runs where it
 * was made; between the batches, and every 50 ms, pending signals are handled. A handler that
 * raises (Ctrl-C) sets the cancel, the worker is waited for, and the exception goes on.
 */
typedef struct lm_py_run lm_py_run;

typedef lm_status lm_py_work(void *context, struct ArrowArrayStream *stream, lm_error *error);

typedef struct lm_py_run_options {
    const lm_py_state *state;
    lm_cancel *cancel;
    lm_py_work *work; /* takes the stream, where there is one */
    void *context;
    PyObject *source;     /* a capsule of an ArrowArrayStream, or NULL */
    lm_validate validate; /* of what comes out of it */
    PyObject *progress;   /* called with the rows so far and whether that is all, or None or NULL */
} lm_py_run_options;

/* The status of the work is in *status. False when an exception is to go on instead. */
bool lm__py_run(const lm_py_run_options *options, lm_status *status, lm_error *error);

/* What is under way belongs to the process that began it: the threads and locks that it needs are
 * not there in a fork. False, with an exception, in another one. */
bool lm__py_own(long owner);

/* ---- watch.c ---- */

/*
 * Work that Ctrl-C ends, called without the GIL. A signal's handler that raises sets the cancel;
 * its exception is raised by lm__py_raise of the LM_CANCELLED that comes of it, or else as soon as
 * the interpreter goes on.
 */
typedef lm_status lm_py_watched(void *context, lm_error *error);
lm_status lm__py_watch(lm_cancel *cancel, lm_py_watched *work, void *context, lm_error *error);

/* A thread that no signal reaches, so that all of them go to the interpreter's; what it tells
 * others by; and waiting for that: true when it is time to look at signals. */
int lm__py_thread(pthread_t *thread, void *(*run)(void *), void *context);
void lm__py_condition_init(pthread_cond_t *condition);
bool lm__py_tick(pthread_cond_t *condition, pthread_mutex_t *lock);

/* ---- schema.c ---- */

/* Capsules of the PyCapsule interface, which release what they hold. */
PyObject *lm__py_schema_capsule(const lm_py_state *state, const lm_schema *schema);
lm_schema *lm__py_schema(const lm_py_state *state, PyObject *capsule); /* a new reference */
extern PyMethodDef lm__py_schema_methods[];

/* ---- stream.c ---- */

/* Moves the stream out of the capsule. */
bool lm__py_stream_take(PyObject *capsule, struct ArrowArrayStream *out);
PyObject *lm__py_stream_capsule(const lm_py_state *state, struct ArrowArrayStream *take_stream);
extern PyMethodDef lm__py_stream_methods[];
extern PyType_Spec lm__py_reader_spec;

/* ---- batch.c, make.c ---- */

PyObject *lm__py_batch_take(const lm_py_state *state, lm_batch *batch);
lm_batch *lm__py_batch(PyObject *object); /* borrowed */
extern PyType_Spec lm__py_batch_spec, lm__py_buffer_spec;
extern PyMethodDef lm__py_make_methods[], lm__py_values_methods[];

/* ---- publish.c, put.c, xlsx.c ---- */

PyObject *lm__py_file_result(const lm_file_result *result);
extern PyType_Spec lm__py_publication_spec, lm__py_writer_spec, lm__py_workbook_spec;
extern PyMethodDef lm__py_publish_methods[], lm__py_put_methods[];

/* ---- path.c ---- */

extern PyMethodDef lm__py_path_methods[];

/* ---- merge.c ---- */

extern PyMethodDef lm__py_merge_methods[];

/* ---- tables.c, table_ops.c ---- */

extern PyMethodDef lm__py_tables_methods[], lm__py_table_ops_methods[];

/* ---- versions.c ---- */

extern PyMethodDef lm__py_versions_methods[];

/* ---- scan.c ---- */

extern PyMethodDef lm__py_scan_methods[];

#endif
