/*
 * Work that Ctrl-C ends; see module.h.
 *
 * Invariants
 *  1. On the main thread of Python, the only one that answers signals, the work is done by another
 *     one, and every 50 ms the signals that came are handled. On any other thread it is done there.
 *  2. The GIL is taken for a moment only, and on the main thread alone: whoever calls from another
 *     one may keep somebody waiting who has it.
 *  3. What a handler raised is raised by a pending call of the interpreter's: between us and Python
 *     there may be code of others, which has no way to hand an exception on.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "python/module.h"

#define TICK_NS 50000000

void lm__py_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool lm__py_tick(pthread_cond_t *condition, pthread_mutex_t *lock)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return pthread_cond_timedwait(condition, lock, &until) == ETIMEDOUT;
}

int lm__py_thread(pthread_t *thread, void *(*run)(void *), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

typedef struct watched {
    lm_py_watched *work;
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done; /* under the lock */
    lm_status status;
    lm_error *error;
} watched;

typedef struct raised {
    PyObject *type, *value, *trace;
} raised;

static bool on_main_thread(void)
{
#ifdef __linux__
    return syscall(SYS_gettid) == getpid();
#else
    return pthread_main_np() != 0;
#endif
}

static int raise_now(void *context)
{
    raised *exception = context;
    PyErr_Restore(exception->type, exception->value, exception->trace);
    free(exception);
    return -1;
}

/* With the GIL, and an exception set. */
static void raise_later(void)
{
    raised *exception = malloc(sizeof *exception);
    if (exception) PyErr_Fetch(&exception->type, &exception->value, &exception->trace);
    if (exception && Py_AddPendingCall(raise_now, exception) == 0) return;
    if (exception) (void)raise_now(exception);
    PyErr_WriteUnraisable(NULL);
}

static void tick(lm_cancel *cancel)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    if (PyErr_CheckSignals() < 0) {
        raise_later();
        atomic_store(&cancel->requested, 1);
    }
    PyGILState_Release(gil);
}

static void *work_thread(void *context)
{
    watched *w = context;
    lm_status status = w->work(w->context, w->error);
    pthread_mutex_lock(&w->lock);
    w->status = status;
    w->done = true;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void wait_for(watched *w, lm_cancel *cancel)
{
    pthread_mutex_lock(&w->lock);
    while (!w->done) {
        if (!lm__py_tick(&w->ended, &w->lock)) continue;
        pthread_mutex_unlock(&w->lock);
        tick(cancel);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}

lm_status lm__py_watch(lm_cancel *cancel, lm_py_watched *work, void *context, lm_error *error)
{
    watched w = {.work = work, .context = context, .error = error};
    pthread_t thread;
    if (!on_main_thread()) return work(context, error);
    pthread_mutex_init(&w.lock, NULL);
    lm__py_condition_init(&w.ended);
    int failed = lm__py_thread(&thread, work_thread, &w);
    if (failed)
        w.status = work(context, error);
    else
        wait_for(&w, cancel);
    if (!failed) pthread_join(thread, NULL);
    pthread_cond_destroy(&w.ended);
    pthread_mutex_destroy(&w.lock);
    return w.status;
}
