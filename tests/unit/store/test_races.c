/* Sixteen writers at once, as threads and as processes, and readers beside them: if-absent has one
 * winner, what is replaced is never missing and never mixed. */
#define _GNU_SOURCE
#include "stores.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { WRITERS = 16, ROUNDS = 12 };

typedef struct contest {
    atomic_int ready, round;
    int answers[ROUNDS][WRITERS];
} contest;

typedef struct racer {
    pthread_t thread;
    bench *b;
    contest *race;
    int number;
} racer;

/* Waits until all of them have come to this round. */
static void line_up(contest *race, int round)
{
    if (atomic_fetch_add(&race->ready, 1) + 1 == WRITERS) {
        atomic_store(&race->ready, 0);
        atomic_store(&race->round, round + 1);
    }
    while (atomic_load(&race->round) <= round) sched_yield();
}

/* The body tells whose it is, from its first byte to its last. */
static size_t body(int number, int round, char text[4000])
{
    size_t size = (size_t)(100 + number * 200 + round);
    for (size_t i = 0; i < size; i++) text[i] = (char)('a' + number);
    return size;
}

static void *run_race(void *context)
{
    racer *r = context;
    char path[600], text[4000];
    lm_error error = {0};
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = body(r->number, round, text);
        lm_stage *stage = NULL;
        lm_stage_options options = {.mode = LM_COMMIT_IF_ABSENT};
        snprintf(path, sizeof path, "%s/round-%d", r->b->scratch, round);
        line_up(r->race, round);
        lm_status status = lm__stage_open(r->b->store, path, &options, &stage, &error);
        if (status == LM_OK) status = lm__stage_write(stage, text, size, &error);
        if (status == LM_OK) status = lm__stage_seal(stage, &error);
        if (status == LM_OK) status = lm__stage_commit(stage, &error);
        lm__stage_close(stage);
        r->race->answers[round][r->number] = (int)status;
        if (status != LM_OK && status != LM_EXISTS) printf("# %s\n", error.message);
    }
    return NULL;
}

static void check_race(bench *b, const contest *race)
{
    char name[32], text[4000];
    for (int round = 0; round < ROUNDS; round++) {
        int winners = 0, losers = 0, winner = 0;
        for (int i = 0; i < WRITERS; i++) {
            winners += race->answers[round][i] == LM_OK;
            losers += race->answers[round][i] == LM_EXISTS;
            if (race->answers[round][i] == LM_OK) winner = i;
        }
        CHECK_INT(winners, 1);
        CHECK_INT(losers, WRITERS - 1);
        snprintf(name, sizeof name, "round-%d", round);
        text[body(winner, round, text)] = '\0';
        CHECK(is(b, name, text));
    }
    CHECK_INT(list(b, NULL).count, ROUNDS);
}

ON_EACH(of_sixteen_threads_one_wins)
{
    contest *race = calloc(1, sizeof *race);
    racer racers[WRITERS];
    scratch_must(race != NULL, "memory");
    for (int i = 0; i < WRITERS; i++) {
        racers[i] = (racer){.b = b, .race = race, .number = i};
        scratch_must(pthread_create(&racers[i].thread, NULL, run_race, &racers[i]) == 0,
                     "pthread_create");
    }
    for (int i = 0; i < WRITERS; i++) pthread_join(racers[i].thread, NULL);
    check_race(b, race);
    free(race);
}

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scratch_must(memory != MAP_FAILED, "mmap");
    return memory;
}

ON_EACH(of_sixteen_processes_one_wins)
{
    if (IS_FLAT(b)) return; /* memory has no other processes */
    contest *race = shared(sizeof *race);
    pid_t children[WRITERS];
    fflush(stdout);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        scratch_must(children[i] >= 0, "fork");
        if (children[i] > 0) continue;
        bench_reopen(b);
        run_race(&(racer){.b = b, .race = race, .number = i});
        fflush(stdout);
        _exit(0);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    check_race(b, race);
    munmap(race, sizeof *race);
}

/* ---- readers beside a writer ---- */

enum { GENERATIONS = 40, READERS = 3 };

typedef struct watch {
    pthread_t thread;
    bench *b;
    atomic_bool *done;
    int missing, mixed, failed, looks;
} watch;

/* A generation's bytes are its number, again and again; its size differs from the next one's. */
static size_t generation(int number, uint32_t words[3000])
{
    size_t count = (size_t)(500 + number * 37 % 2000);
    for (size_t i = 0; i < count; i++) words[i] = (uint32_t)number << 16 | (uint32_t)count;
    return count * sizeof *words;
}

static void *look(void *context)
{
    watch *w = context;
    char path[600];
    lm_error error;
    snprintf(path, sizeof path, "%s/a", w->b->scratch);
    while (!atomic_load(w->done)) {
        uint32_t *words;
        size_t size;
        lm_status status =
            lm__store_read(w->b->store, path, NULL, 1 << 20, (uint8_t **)&words, &size, &error);
        w->looks++;
        if (status == LM_NOT_FOUND) w->missing++;
        if (status == LM_STALE && w->b->is_remote) continue; /* replaced between open and read */
        if (status != LM_OK) {
            printf("# %s\n", error.message);
            w->failed++;
            continue;
        }
        bool whole = size >= 4 && size == (words[0] & 0xffff) * sizeof *words;
        for (size_t i = 0; whole && i < size / sizeof *words; i++) whole = words[i] == words[0];
        w->mixed += !whole;
        lm__free(NULL, words);
    }
    return NULL;
}

ON_EACH(what_is_replaced_is_never_missing_nor_mixed)
{
    uint32_t words[3000];
    watch readers[READERS];
    atomic_bool done = false;
    CHECK_STATUS(put_bytes(b, "a", words, generation(0, words), (lm_stage_options){0}), LM_OK);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (watch){.b = b, .done = &done};
        scratch_must(pthread_create(&readers[i].thread, NULL, look, &readers[i]) == 0,
                     "pthread_create");
    }
    for (int i = 1; i <= GENERATIONS; i++)
        CHECK_STATUS(put_bytes(b, "a", words, generation(i, words), (lm_stage_options){0}), LM_OK);
    atomic_store(&done, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        CHECK_INT(readers[i].missing, 0);
        CHECK_INT(readers[i].mixed, 0);
        CHECK_INT(readers[i].failed, 0);
    }
    CHECK_INT(list(b, NULL).count, 1);
}

/* Replacing needs no agreement: each of them succeeds, and one of them, whole, stays. */
static void *replace(void *context)
{
    racer *r = context;
    char text[4000], path[600];
    lm_error error;
    snprintf(path, sizeof path, "%s/a", r->b->scratch);
    for (int round = 0; round < 4; round++) {
        size_t size = body(r->number, round, text);
        lm_stage *stage = NULL;
        line_up(r->race, round);
        lm_status status = lm__stage_open(r->b->store, path, NULL, &stage, &error);
        if (status == LM_OK) status = lm__stage_write(stage, text, size, &error);
        if (status == LM_OK) status = lm__stage_seal(stage, &error);
        if (status == LM_OK) status = lm__stage_commit(stage, &error);
        lm__stage_close(stage);
        r->race->answers[round][r->number] = (int)status;
        if (status != LM_OK) printf("# %s\n", error.message);
    }
    return NULL;
}

ON_EACH(sixteen_may_replace_at_once)
{
    contest *race = calloc(1, sizeof *race);
    racer racers[WRITERS];
    scratch_must(race != NULL, "memory");
    for (int i = 0; i < WRITERS; i++) {
        racers[i] = (racer){.b = b, .race = race, .number = i};
        scratch_must(pthread_create(&racers[i].thread, NULL, replace, &racers[i]) == 0,
                     "pthread_create");
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(racers[i].thread, NULL);
        for (int round = 0; round < 4; round++) CHECK_INT(race->answers[round][i], LM_OK);
    }
    bool whole = false;
    char text[4000];
    for (int i = 0; i < WRITERS; i++) {
        text[body(i, 3, text)] = '\0';
        whole |= is(b, "a", text);
    }
    CHECK(whole);
    CHECK_INT(list(b, NULL).count, 1);
    free(race);
}

int main(void)
{
    RUN(of_sixteen_processes_one_wins); /* before there are threads */
    RUN(of_sixteen_threads_one_wins);
    RUN(what_is_replaced_is_never_missing_nor_mixed);
    RUN(sixteen_may_replace_at_once);
    return DONE();
}
