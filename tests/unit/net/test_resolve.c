/* A name that takes long to be found holds up neither the cancelled nor the bounded. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>

#include "fixture.h"

static fixture f;
static atomic_bool let_go;
static atomic_int asked, told;

/* libcurl's question, as it goes to the C library: the program's own answer goes before. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!name || strcmp(name, "slow.invalid") != 0) return real(name, service, hints, found);
    atomic_fetch_add(&asked, 1);
    for (int i = 0; i < 3000 && !atomic_load(&let_go); i++) usleep(10000);
    atomic_fetch_add(&told, 1);
    return EAI_AGAIN;
}

static void *cancel_when_asked(void *context)
{
    while (!atomic_load(&asked)) usleep(1000);
    atomic_store(&((lm_cancel *)context)->requested, 1);
    return NULL;
}

TEST(nobody_waits_for_a_name)
{
    lm_cancel cancel = {0};
    pthread_t thread;
    lm_http_request request = {.method = "GET", .url = "http://slow.invalid/", .cancel = &cancel};
    fixture_begin(&f, NULL);
    pthread_create(&thread, NULL, cancel_when_asked, &cancel);
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_CANCELLED);
    int told_then = told;
    pthread_join(thread, NULL);
    request.cancel = NULL;
    request.times.connect_ns = 50 * MS;
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_IO);
    CHECK(f.error.retryable && !f.response.began);
    CHECK_INT(told_then + told, 0); /* both came back before the name did */
    fixture_end(&f);
    atomic_store(&let_go, true);
    while (told < asked) usleep(1000);
}

int main(void)
{
    RUN(nobody_waits_for_a_name);
    return DONE();
}
