/*
 * Interruption: signals become lm_cancel.
 *
 * The library looks at the cancel after each EINTR. A signal that comes between that look and the
 * next blocking call would be lost, so the handler also starts a timer whose SIGALRM breaks into
 * whatever blocks, again and again until the process ends. A handler can only reach static
 * storage: the variables here are the process's, and written nowhere else.
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "cli/cli.h"

#define SIGNAL_REPEAT_US 20000

static lm_cancel *signal_cancel;
static volatile sig_atomic_t signal_last, signal_from_terminal;
static bool pipe_was_usual;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    int keep = errno;
    struct itimerval repeat = {{0, SIGNAL_REPEAT_US}, {0, SIGNAL_REPEAT_US}};
    signal_from_terminal = info->si_code == SI_KERNEL;
    signal_last = number;
    atomic_store(&signal_cancel->requested, 1);
    setitimer(ITIMER_REAL, &repeat, NULL);
    errno = keep;
}

static void on_alarm(int number) { (void)number; }

void lm__cli_signals(lm_cancel *cancel)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, old;
    struct sigaction alarm = {.sa_handler = on_alarm}, ignore = {.sa_handler = SIG_IGN};
    signal_cancel = cancel;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&action.sa_mask, numbers[i]);
    sigaction(SIGALRM, &alarm, NULL);
    sigaction(SIGPIPE, &ignore, &old); /* a closed standard output is told by write */
    pipe_was_usual = old.sa_handler == SIG_DFL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
}

void lm__cli_signals_usual(sigset_t *usual)
{
    if (pipe_was_usual) sigaddset(usual, SIGPIPE);
}

int lm__cli_signal(bool *from_terminal)
{
    *from_terminal = signal_from_terminal != 0;
    return signal_last;
}
