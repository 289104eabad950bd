/*
 * Publications from Python: a file that is written to, a finished file or directory put in place,
 * staging directories, undo, gc.
 *
 * A Publication takes bytes in pieces and looks for signals between them, so an interrupt needs no
 * thread. One that is collected unfinished is closed: nothing of it stays.
 */
#include <lamella/directory.h>
#include <lamella/upkeep.h>
#include <stdlib.h>

#include "base/error.h"
#include "publish/staging.h"
#include "python/module.h"

#define PIECE_BYTES ((size_t)8 << 20)

PyObject *lm__py_file_result(const lm_file_result *result)
{
    PyObject *path = PyUnicode_DecodeFSDefault(result->path), *warnings = PyList_New(0);
    for (unsigned bit = 1; warnings && bit <= LM_FILE_WARN_LAST; bit <<= 1) {
        if (!(result->warnings & bit)) continue;
        PyObject *text = PyUnicode_FromString(lm_file_warning_text(bit));
        if (!text || PyList_Append(warnings, text) < 0) Py_CLEAR(warnings);
        Py_XDECREF(text);
    }
    PyObject *made = NULL;
    if (path && warnings)
        made =
            Py_BuildValue("{s:O,s:K,s:s,s:i,s:O,s:L,s:O}", "path", path, "bytes",
                          (unsigned long long)result->bytes, "checksum", result->checksum, "state",
                          (int)result->state, "replaced", result->replaced ? Py_True : Py_False,
                          "mtime_ns", (long long)result->mtime_ns, "warnings", warnings);
    Py_XDECREF(path);
    Py_XDECREF(warnings);
    return made;
}

/* ---- Publication(path, options) ---- */

typedef struct publication {
    PyObject_HEAD lm_py_file_options file;
    lm_file_publication *publication;
    bool busy; /* a call of another thread is under way */
    long owner;
} publication;

typedef struct file_open_work {
    const char *path;
    publication *self;
} file_open_work;

static lm_status file_open_run(void *context, lm_error *error)
{
    file_open_work *work = context;
    return lm_file_open(work->path, &work->self->file.options, &work->self->publication, error);
}

static PyObject *publication_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *path;
    PyObject *options;
    lm_error error = {0};
    lm_status status;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "yO!", &path, &PyDict_Type, &options)) return NULL;
    publication *self = (publication *)PyType_GenericAlloc(type, 0);
    if (!self) return NULL;
    if (!lm__py_file_options_init(&self->file, options)) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    self->owner = getpid();
    file_open_work work = {path, self};
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&self->file.cancel, file_open_run, &work, &error);
    Py_END_ALLOW_THREADS if (status == LM_OK) return (PyObject *)self;
    lm__py_raise(lm__py_state_of((PyObject *)self), status, &error);
    Py_DECREF((PyObject *)self);
    return NULL;
}

static bool publication_enter(publication *self)
{
    if (!lm__py_own(self->owner)) return false;
    if (self->publication && !self->busy) return self->busy = true;
    PyErr_SetString(PyExc_ValueError, self->busy ? "another thread writes to this file just now"
                                                 : "this file was closed");
    return false;
}

/* write(bytes) -> how many */
static PyObject *publication_write(PyObject *object, PyObject *args)
{
    publication *self = (publication *)object;
    Py_buffer bytes;
    lm_error error = {0};
    lm_status status = LM_OK;
    bool stopped = false;
    if (!PyArg_ParseTuple(args, "y*", &bytes)) return NULL;
    if (!publication_enter(self)) {
        PyBuffer_Release(&bytes);
        return NULL;
    }
    for (size_t at = 0, size = (size_t)bytes.len; at < size && status == LM_OK && !stopped;) {
        size_t piece = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
        Py_BEGIN_ALLOW_THREADS status =
            lm_file_write(self->publication, (const char *)bytes.buf + at, piece, &error);
        Py_END_ALLOW_THREADS at += piece;
        stopped = PyErr_CheckSignals() < 0;
    }
    self->busy = false;
    PyObject *written = PyLong_FromSsize_t(bytes.len);
    PyBuffer_Release(&bytes);
    if (status == LM_OK && !stopped) return written;
    Py_XDECREF(written);
    if (stopped) return NULL;
    return lm__py_raise(lm__py_state_of(object), status, &error);
}

/* finish(manifest or None) -> dict; a manifest tells rows and schema, known only now. */
static PyObject *publication_finish(PyObject *object, PyObject *args)
{
    publication *self = (publication *)object;
    long long rows;
    lm_file_result result = {0};
    lm_error error = {0};
    lm_status status;
    if (!PyArg_ParseTuple(args, "L", &rows)) return NULL;
    if (!publication_enter(self)) return NULL;
    if (rows >= 0) {
        self->file.manifest.has_rows = true;
        self->file.manifest.rows = (uint64_t)rows;
    }
    Py_BEGIN_ALLOW_THREADS status = lm_file_finish(self->publication, &result, &error);
    lm_file_close(self->publication);
    Py_END_ALLOW_THREADS self->publication = NULL;
    self->busy = false;
    if (status != LM_OK) return lm__py_raise(lm__py_state_of(object), status, &error);
    return lm__py_file_result(&result);
}

static void publication_drop(publication *self)
{
    lm_file_publication *gone = self->owner == getpid() ? self->publication : NULL;
    self->publication = NULL;
    Py_BEGIN_ALLOW_THREADS lm_file_close(gone);
    Py_END_ALLOW_THREADS
}

static PyObject *publication_close(PyObject *object, PyObject *none)
{
    publication *self = (publication *)object;
    (void)none;
    if (!self->publication || self->owner != getpid()) Py_RETURN_NONE;
    if (!publication_enter(self)) return NULL;
    publication_drop(self);
    self->busy = false;
    Py_RETURN_NONE;
}

static void publication_dealloc(PyObject *object)
{
    publication *self = (publication *)object;
    PyTypeObject *type = Py_TYPE(object);
    publication_drop(self);
    lm__py_file_options_deinit(&self->file);
    PyObject_Free(object);
    Py_DECREF((PyObject *)type);
}

static PyMethodDef publication_methods[] = {
    {"write", publication_write, METH_VARARGS, NULL},
    {"finish", publication_finish, METH_VARARGS, NULL},
    {"close", publication_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot publication_slots[] = {
    {Py_tp_new, publication_new},
    {Py_tp_dealloc, publication_dealloc},
    {Py_tp_methods, publication_methods},
    {0, NULL},
};

PyType_Spec lm__py_publication_spec = {"lamella._core.Publication", sizeof(publication), 0,
                                       Py_TPFLAGS_DEFAULT, publication_slots};

/* ---- what is finished already ---- */

typedef struct file_work {
    const char *path, *staged;
    const lm_file_options *options;
    lm_file_result result;
} file_work;

static lm_status publish_file_work(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    file_work *work = context;
    (void)stream;
    return lm_publish_file(work->path, work->staged, work->options, &work->result, error);
}

/* publish_file(path, staged, options) -> dict */
static PyObject *publish_file(PyObject *module, PyObject *args)
{
    lm_py_file_options file;
    PyObject *options;
    file_work work = {0};
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "yyO!", &work.path, &work.staged, &PyDict_Type, &options))
        return NULL;
    if (!lm__py_file_options_init(&file, options)) return NULL;
    work.options = &file.options;
    const lm_py_run_options run = {.state = lm__py_state(module),
                                   .cancel = &file.cancel,
                                   .work = publish_file_work,
                                   .context = &work};
    bool told = lm__py_run(&run, &status, &error);
    lm__py_file_options_deinit(&file);
    if (!told) return NULL;
    if (status != LM_OK) return lm__py_raise(run.state, status, &error);
    return lm__py_file_result(&work.result);
}

typedef struct directory_work {
    const char *path, *staged;
    lm_directory_options options;
    lm_directory_result result;
} directory_work;

static lm_status directory_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    directory_work *work = context;
    (void)stream;
    return lm_directory_publish(work->staged, work->path, &work->options, &work->result, error);
}

/* publish_directory(staged, path, options) -> dict */
static PyObject *publish_directory(PyObject *module, PyObject *args)
{
    lm_py_file_options file;
    PyObject *options;
    directory_work work = {0};
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "yyO!", &work.staged, &work.path, &PyDict_Type, &options))
        return NULL;
    if (!lm__py_file_options_init(&file, options)) return NULL;
    work.options = (lm_directory_options){.durability = file.options.durability,
                                          .if_absent = file.options.mode == LM_COMMIT_IF_ABSENT,
                                          .manifest = file.options.manifest,
                                          .checksum = file.options.checksum,
                                          .storage = file.options.storage,
                                          .cancel = &file.cancel};
    const lm_py_run_options run = {.state = lm__py_state(module),
                                   .cancel = &file.cancel,
                                   .work = directory_run,
                                   .context = &work};
    bool told = lm__py_run(&run, &status, &error);
    lm__py_file_options_deinit(&file);
    if (!told) return NULL;
    if (status != LM_OK) return lm__py_raise(run.state, status, &error);
    const lm_directory_result *result = &work.result;
    return Py_BuildValue(
        "{s:i,s:O,s:O,s:K,s:K}", "state", (int)result->state, "replaced",
        result->replaced ? Py_True : Py_False, "old_left", result->old_left ? Py_True : Py_False,
        "files", (unsigned long long)result->files, "bytes", (unsigned long long)result->bytes);
}

/* ---- staging directories: a capsule that removes its directory when it goes ---- */

#define STAGING "lamella.staging"

static void staging_release(PyObject *capsule)
{
    lm_staging *staging = PyCapsule_GetPointer(capsule, STAGING);
    if (!staging) return;
    Py_BEGIN_ALLOW_THREADS if (staging->fd >= 0) lm__staging_close(staging);
    Py_END_ALLOW_THREADS free(staging);
}

/* staging_open(path) -> (capsule, path to write to) */
static PyObject *staging_open(PyObject *module, PyObject *args)
{
    const char *path;
    lm_error error = {0};
    lm_status status;
    if (!PyArg_ParseTuple(args, "y", &path)) return NULL;
    lm_staging *staging = malloc(sizeof *staging);
    if (!staging) return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS status = lm__staging_open(staging, path, false, &error);
    Py_END_ALLOW_THREADS if (status != LM_OK)
    {
        free(staging);
        return lm__py_raise(lm__py_state(module), status, &error);
    }
    PyObject *capsule = PyCapsule_New(staging, STAGING, staging_release);
    if (!capsule) {
        lm__staging_close(staging);
        free(staging);
        return NULL;
    }
    PyObject *place = PyUnicode_DecodeFSDefault(staging->path);
    PyObject *pair = place ? Py_BuildValue("(OO)", capsule, place) : NULL;
    Py_XDECREF(place);
    Py_DECREF(capsule);
    return pair;
}

static PyObject *staging_close(PyObject *module, PyObject *capsule)
{
    (void)module;
    lm_staging *staging = PyCapsule_GetPointer(capsule, STAGING);
    if (!staging) return NULL;
    Py_BEGIN_ALLOW_THREADS if (staging->fd >= 0) lm__staging_close(staging);
    staging->fd = -1;
    Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

/* ---- upkeep ---- */

typedef struct upkeep_work {
    const char *path;
    const lm_undo_options *undo;
    const lm_verify_options *verify;
    const lm_gc_options *gc;
    lm_undo_result *undone;
} upkeep_work;

static lm_status upkeep_run(void *context, lm_error *error)
{
    upkeep_work *work = context;
    if (work->undo) return lm_undo(work->path, work->undo, work->undone, error);
    if (work->gc) return lm_gc(work->path, work->gc, error);
    return lm_verify(work->path, work->verify, error);
}

/* undo(path, durability) -> (path, kept, left) */
static PyObject *undo(PyObject *module, PyObject *args)
{
    const char *path;
    int durability;
    lm_undo_result result = {0};
    lm_error error = {0};
    lm_status status;
    if (!PyArg_ParseTuple(args, "yi", &path, &durability)) return NULL;
    lm_cancel cancel = {0};
    const lm_undo_options options = {.durability = (lm_durability)durability, .cancel = &cancel};
    upkeep_work work = {.path = path, .undo = &options, .undone = &result};
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&cancel, upkeep_run, &work, &error);
    Py_END_ALLOW_THREADS if (status != LM_OK) return lm__py_raise(lm__py_state(module), status,
                                                                  &error);
    return Py_BuildValue("(yyI)", result.path, result.kept, result.left);
}

/* verify(path, storage): raises what lm_verify says. */
static PyObject *verify(PyObject *module, PyObject *args)
{
    const char *path;
    PyObject *pairs;
    lm_py_storage storage;
    lm_error error = {0};
    lm_status status;
    if (!PyArg_ParseTuple(args, "yO", &path, &pairs)) return NULL;
    if (!lm__py_storage_init(&storage, pairs)) return NULL;
    lm_cancel cancel = {0};
    storage.storage.cancel = &cancel;
    const lm_verify_options options = {.storage = &storage.storage, .cancel = &cancel};
    upkeep_work work = {.path = path, .verify = &options};
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&cancel, upkeep_run, &work, &error);
    Py_END_ALLOW_THREADS lm__py_storage_deinit(&storage);
    if (status != LM_OK) return lm__py_raise(lm__py_state(module), status, &error);
    Py_RETURN_NONE;
}

static lm_status gc_found(void *context, const lm_gc_found *found, lm_error *error)
{
    (void)error;
    if (found->done == LM_GC_REMOVED) ++*(unsigned long long *)context;
    return LM_OK;
}

/* gc(path, recursive, dry_run, older_than_ns, storage) -> how many were removed */
static PyObject *gc(PyObject *module, PyObject *args)
{
    const char *path;
    int recursive, dry_run;
    long long older_than_ns;
    PyObject *pairs;
    lm_py_storage storage;
    unsigned long long removed = 0;
    lm_cancel cancel = {0};
    lm_error error = {0};
    lm_status status;
    if (!PyArg_ParseTuple(args, "yppLO", &path, &recursive, &dry_run, &older_than_ns, &pairs))
        return NULL;
    if (!lm__py_storage_init(&storage, pairs)) return NULL;
    const lm_gc_options options = {.recursive = recursive,
                                   .dry_run = dry_run,
                                   .older_than_ns = older_than_ns,
                                   .callback = gc_found,
                                   .context = &removed,
                                   .cancel = &cancel,
                                   .storage = &storage.storage};
    upkeep_work work = {.path = path, .gc = &options};
    storage.storage.cancel = &cancel;
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&cancel, upkeep_run, &work, &error);
    Py_END_ALLOW_THREADS lm__py_storage_deinit(&storage);
    if (status != LM_OK) return lm__py_raise(lm__py_state(module), status, &error);
    return PyLong_FromUnsignedLongLong(removed);
}

PyMethodDef lm__py_publish_methods[] = {
    {"publish_file", publish_file, METH_VARARGS, NULL},
    {"publish_directory", publish_directory, METH_VARARGS, NULL},
    {"staging_open", staging_open, METH_VARARGS, NULL},
    {"staging_close", staging_close, METH_O, NULL},
    {"undo", undo, METH_VARARGS, NULL},
    {"verify", verify, METH_VARARGS, NULL},
    {"gc", gc, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
