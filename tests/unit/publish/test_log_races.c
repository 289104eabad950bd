/* Sixteen processes write one numbered log, on every store (tests/unit/store/stores.h): it has no
 * gap, each entry one maker, and none is lost. Numbers are numbered_log.h's invariants. */
#define _GNU_SOURCE
#include "store/stores.h"

#include <sys/wait.h>

#include "publish/numbered_log.h"

enum { WRITERS = 16, ENTRIES = 3 };

/* Each entry is tried again under the next number until it is ours. */
static int append(bench *b, int writer)
{
    lm_numbered_log log;
    lm_error error;
    char text[80];
    lm__log_init(&log, b->store, NULL, b->scratch, ".json", 4096);
    for (int i = 0; i < ENTRIES; i++) {
        lm_status status = LM_EXISTS;
        int64_t last = -1;
        int size = snprintf(text, sizeof text, "writer %d, entry %d", writer, i);
        for (int tries = 0; status == LM_EXISTS && tries < 1000; tries++) {
            status = lm__log_last(&log, last < 0 ? 0 : last, &last, &error);
            if (status == LM_OK) status = lm__log_put(&log, last + 1, text, (size_t)size, &error);
        }
        if (status == LM_OK) continue;
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return 0;
}

ON_EACH(each_entry_has_one_maker) /* 1, 2 */
{
    if (IS_FLAT(b)) return; /* memory has no other processes */
    pid_t children[WRITERS];
    bool seen[WRITERS][ENTRIES] = {{false}};
    fflush(stdout);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        scratch_must(children[i] >= 0, "fork");
        if (children[i] > 0) continue;
        bench_reopen(b);
        _exit(append(b, i));
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    lm_numbered_log log;
    lm_error error;
    int64_t last;
    lm__log_init(&log, b->store, NULL, b->scratch, ".json", 4096);
    CHECK_OK(lm__log_last(&log, 0, &last, &error), error);
    CHECK_INT(last, WRITERS * ENTRIES - 1);
    for (int64_t number = 0; number <= last; number++) {
        uint8_t *data;
        size_t size;
        int writer = -1, entry = -1;
        char text[80] = "";
        CHECK_OK(lm__log_read(&log, number, &data, &size, &error), error);
        if (check_failed) return;
        memcpy(text, data, size < sizeof text ? size : 0);
        lm__free(NULL, data);
        CHECK_INT(sscanf(text, "writer %d, entry %d", &writer, &entry), 2);
        REQUIRE(writer >= 0 && writer < WRITERS && entry >= 0 && entry < ENTRIES);
        CHECK(!seen[writer][entry]);
        seen[writer][entry] = true;
        CHECK(entry == 0 || seen[writer][entry - 1]);
    }
    CHECK_INT(list(b, NULL).count, WRITERS * ENTRIES);
}

int main(void)
{
    RUN(each_entry_has_one_maker);
    return DONE();
}
