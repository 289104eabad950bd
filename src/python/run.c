/*
 * Work on a thread of its own; see module.h.
 *
 * Invariants
 *  1. The worker never touches Python: it asks, and the calling thread answers.
 *  2. The calling thread holds the lock never while it holds the GIL or waits for it.
 *  3. The source is released by the calling thread, after the worker's end.
 *  4. The worker has all signals blocked, so that they reach the interpreter's threads.
 */
#include "base/error.h"
#include "python/module.h"

struct lm_py_run {
    lm_stream stream; /* what the worker reads */
    const lm_py_run_options *options;
    lm_stream *source;
    pthread_mutex_t lock;
    pthread_cond_t to_caller, to_worker;
    bool asked, answered, done; /* under the lock */
    lm_batch *batch;
    lm_status pulled, status;
    lm_error pull_error, *error;
    uint64_t rows;
    struct ArrowArrayStream exported;
    PyObject *type, *value, *trace; /* of the exception that goes on */
};

/* ---- the worker's side ---- */

static lm_status run_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    lm_py_run *run = (lm_py_run *)stream;
    pthread_mutex_lock(&run->lock);
    run->asked = true;
    run->answered = false;
    pthread_cond_signal(&run->to_caller);
    while (!run->answered) pthread_cond_wait(&run->to_worker, &run->lock);
    *batch = run->batch;
    run->batch = NULL;
    lm_status status = run->pulled;
    if (status != LM_OK && error) *error = run->pull_error;
    pthread_mutex_unlock(&run->lock);
    return status;
}

/* It lies on the caller's stack, and so does what it reads. */
static void run_close(lm_stream *stream) { (void)stream; }

static void *run_thread(void *context)
{
    lm_py_run *run = context;
    lm_status status =
        run->options->work(run->options->context, run->source ? &run->exported : NULL, run->error);
    pthread_mutex_lock(&run->lock);
    run->status = status;
    run->done = true;
    pthread_cond_signal(&run->to_caller);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* ---- the caller's side ---- */

/* With the GIL: an exception is set; the work is to end. */
static void run_stop(lm_py_run *run)
{
    if (run->type)
        PyErr_Clear();
    else
        PyErr_Fetch(&run->type, &run->value, &run->trace);
    atomic_store(&run->options->cancel->requested, 1);
}

/* With the GIL. */
static void run_tell(lm_py_run *run, bool is_all)
{
    PyObject *progress = run->options->progress;
    if (!progress || progress == Py_None || run->type) return;
    PyObject *said = PyObject_CallFunction(progress, "KO", (unsigned long long)run->rows,
                                           is_all ? Py_True : Py_False);
    if (!said) run_stop(run);
    Py_XDECREF(said);
}

static void run_pull(lm_py_run *run, PyThreadState **saved)
{
    PyEval_RestoreThread(*saved);
    if (run->rows) run_tell(run, false);
    if (PyErr_CheckSignals() < 0) run_stop(run);
    *saved = PyEval_SaveThread();
    lm_error_clear(&run->pull_error);
    if (run->type) {
        run->pulled =
            lm__error_set(&run->pull_error, LM_CANCELLED, "interrupted: nothing was published");
        return;
    }
    run->pulled = lm__stream_next(run->source, &run->batch, &run->pull_error);
    if (run->pulled == LM_OK && run->batch) run->rows += (uint64_t)lm__batch_rows(run->batch);
}

static void run_tick(lm_py_run *run, PyThreadState **saved)
{
    PyEval_RestoreThread(*saved);
    if (PyErr_CheckSignals() < 0) run_stop(run);
    *saved = PyEval_SaveThread();
}

/* Without the GIL, until the worker is done. */
static void run_serve(lm_py_run *run, PyThreadState **saved)
{
    pthread_mutex_lock(&run->lock);
    while (!run->done) {
        if (run->asked) {
            run->asked = false;
            pthread_mutex_unlock(&run->lock);
            run_pull(run, saved);
            pthread_mutex_lock(&run->lock);
            run->answered = true;
            pthread_cond_signal(&run->to_worker);
            continue;
        }
        if (!lm__py_tick(&run->to_caller, &run->lock)) continue;
        pthread_mutex_unlock(&run->lock);
        run_tick(run, saved);
        pthread_mutex_lock(&run->lock);
    }
    pthread_mutex_unlock(&run->lock);
}

static bool run_open(lm_py_run *run)
{
    static const lm_stream_ops ops = {run_next, run_close};
    const lm_py_run_options *options = run->options;
    struct ArrowArrayStream given;
    lm_status status;
    if (!options->source) return true;
    if (!lm__py_stream_take(options->source, &given)) return false;
    Py_BEGIN_ALLOW_THREADS status =
        lm__stream_import_take(NULL, &given, options->validate, &run->source, run->error);
    if (status == LM_OK) {
        lm__stream_init(&run->stream, &ops, run->source->schema);
        status = lm__stream_export_take(NULL, &run->stream, &run->exported, run->error);
    }
    Py_END_ALLOW_THREADS if (status == LM_OK) return true;
    lm__stream_close(run->source);
    lm__py_raise(options->state, status, run->error);
    return false;
}

static int run_start(lm_py_run *run, pthread_t *thread)
{
    pthread_mutex_init(&run->lock, NULL);
    lm__py_condition_init(&run->to_caller);
    pthread_cond_init(&run->to_worker, NULL);
    return lm__py_thread(thread, run_thread, run);
}

bool lm__py_run(const lm_py_run_options *options, lm_status *status, lm_error *error)
{
    lm_py_run run = {.options = options, .error = error};
    pthread_t thread;
    lm_error_clear(error);
    if (!run_open(&run)) return false;
    PyThreadState *saved = PyEval_SaveThread();
    int failed = run_start(&run, &thread);
    if (failed) {
        run.status = lm__error_os(error, failed, "cannot start a thread");
        if (run.source) run.exported.release(&run.exported);
    } else {
        run_serve(&run, &saved);
        pthread_join(thread, NULL);
    }
    pthread_cond_destroy(&run.to_caller);
    pthread_cond_destroy(&run.to_worker);
    pthread_mutex_destroy(&run.lock);
    lm__batch_unref(run.batch);
    lm__stream_close(run.source);
    PyEval_RestoreThread(saved);
    *status = run.status;
    if (run.status == LM_OK && !failed) run_tell(&run, true);
    if (!run.type) return true;
    /* What was already published stays so: then the interrupt came too late to matter. */
    PyErr_Restore(run.type, run.value, run.trace);
    return false;
}
