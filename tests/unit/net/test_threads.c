/* One client, sixteen threads. */
#include "fixture.h"
#include "net/retry.h"

#define THREADS 16
#define ROUNDS 20

static fixture f;
static lm_retry retry;
static atomic_int failures, lines;

static bool answer(web_peer *peer)
{
    const char *length = strstr(peer->head, "Content-Length: ");
    char text[128];
    if (length && !peer_body(peer, strtoul(length + 16, NULL, 10))) return false;
    if (peer_asks(peer, "GET /drop") && peer->requests % 3 == 2) return false;
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
             strcspn(peer->head + 5, " "), "");
    size_t used = strlen(text), more = strcspn(peer->head + 5, " ");
    memcpy(text + used, peer->head + 5, more);
    return peer_send(peer, text, used + more);
}

static void count_line(void *context, const char *line)
{
    (void)context;
    if (strstr(line, " 200, ")) atomic_fetch_add(&lines, 1);
}

static void must(bool good)
{
    if (!good) atomic_fetch_add(&failures, 1);
}

static void *work(void *context)
{
    int number = *(int *)context;
    lm_http_response response;
    lm__http_response_init(&response, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        char url[512], want[64];
        lm_error error;
        snprintf(want, sizeof want, "/%s-%d-%d", i % 2 ? "drop" : "keep", number, i);
        lm_http_request request = {
            .method = "GET", .url = server_url(&f.server, want, url), .repeatable = true};
        must(lm__retry_send(&retry, f.http, &request, &response, &error) == LM_OK &&
             response.body.size == strlen(want + 1) - 0 &&
             memcmp(response.body.data, want + 1, response.body.size) == 0);
        if (i % 5) continue;
        lm_http_upload *upload;
        request.method = "PUT";
        must(lm__http_upload_open(f.http, &request, 6, &response, &upload, &error) == LM_OK &&
             lm__http_upload_write(upload, "abc", 3, &error) == LM_OK &&
             lm__http_upload_write(upload, "def", 3, &error) == LM_OK &&
             lm__http_upload_finish(upload, &error) == LM_OK && response.status == 200);
    }
    lm__http_response_deinit(&response);
    return NULL;
}

TEST(sixteen_threads_share_a_client)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    lm_http_options options = {.trace = count_line};
    lm__retry_init(&retry, NULL);
    fixture_begin_with(&f, answer, &options);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CHECK_INT(failures, 0);
    CHECK_INT(lines, THREADS * (ROUNDS + ROUNDS / 5));
    fixture_end(&f);
}

int main(void)
{
    RUN(sixteen_threads_share_a_client);
    return DONE();
}
