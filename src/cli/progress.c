/* Drawing the progress line; see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define PROGRESS_AFTER_NS INT64_C(1000000000)
#define PROGRESS_EVERY_NS INT64_C(200000000)

static const char *const whens[] = {"auto", "always", "never", NULL};

const lm_cli_option lm__cli_progress_options[] = {
    {"progress", LM_CLI_CHOICE, offsetof(lm_cli_progress_settings, when), "auto|always|never",
     "A line with bytes and rate on standard error when the work is longer than a second; auto "
     "(the default) only on a terminal.",
     whens},
    {NULL},
};

static int64_t now_ns(void)
{
    const lm_clock *clock = lm__clock_system();
    return clock->monotonic_ns(clock->context);
}

void lm__cli_progress_begin(lm_cli_progress *progress, const lm_cli_progress_settings *settings,
                            const char *what)
{
    *progress = (lm_cli_progress){.what = what};
    progress->wanted = settings->when == 1 || (settings->when == 0 && isatty(STDERR_FILENO));
    if (progress->wanted) progress->started_ns = now_ns();
}

/* "1.23 GB": three digits that mean something. */
static void amount(char text[32], double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        unit++;
    }
    int digits = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    snprintf(text, 32, "%.*f %s", digits, bytes, units[unit]);
}

void lm__cli_progress_add(lm_cli_progress *progress, uint64_t bytes)
{
    if (!progress->wanted) return;
    progress->bytes += bytes;
    int64_t now = now_ns(), passed = now - progress->started_ns;
    if (passed < PROGRESS_AFTER_NS || now - progress->drawn_ns < PROGRESS_EVERY_NS) return;
    char done[32], rate[32], line[160];
    amount(done, (double)progress->bytes);
    amount(rate, (double)progress->bytes / ((double)passed / 1e9));
    int length = snprintf(line, sizeof line, "\r%s %s, %s/s\x1b[K", progress->what, done, rate);
    if (length > 0) (void)!write(STDERR_FILENO, line, (size_t)length); /* only a courtesy */
    progress->drawn_ns = now;
    progress->drawn = true;
}

void lm__cli_progress_end(lm_cli_progress *progress)
{
    if (progress->drawn) (void)!write(STDERR_FILENO, "\r\x1b[K", 4);
    progress->wanted = progress->drawn = false;
}
