/* TLS is verified, always (invariant 4 of net/http.h). */
#define _GNU_SOURCE
#include "fixture.h"
#include "scratch.h"

#include <sys/wait.h>

static char directory[256], ca_file[300], why_not[256];
static int port_good, port_other, port_expired;
static pid_t child;
static int child_in;

static lm_http *http;
static lm_http_response response;
static fixture f; /* for its error */

/* The servers, in a process of their own; their end is that of its standard input. */
static bool servers_start(void)
{
    char command[1024], line[64] = "";
    int in[2], out[2];
    snprintf(command, sizeof command, "sh %s/make_certificates.sh %s >%s/log 2>&1", NET_TESTS,
             directory, directory);
    if (system(command) != 0) {
        snprintf(why_not, sizeof why_not, "openssl makes no certificates (openssl 3 is needed)");
        return false;
    }
    if (pipe(in) != 0 || pipe(out) != 0) return false;
    child = fork();
    if (child == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++) close(fd);
        execlp("python3", "python3", NET_TESTS "/tls_server.py", directory, "good", "other",
               "expired", NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    child_in = in[1];
    FILE *ports = fdopen(out[0], "r");
    bool started = fgets(line, sizeof line, ports) &&
                   sscanf(line, "%d %d %d", &port_good, &port_other, &port_expired) == 3;
    fclose(ports);
    if (!started) snprintf(why_not, sizeof why_not, "python3 starts no server with TLS");
    return started;
}

static void client_begin(const char *file)
{
    lm_http_options options = {.ca_file = file};
    CHECK_OK(lm__http_new(NULL, &options, &http, &f.error), f.error);
    lm__http_response_init(&response, NULL);
}

static void client_end(void)
{
    lm__http_response_deinit(&response);
    lm__http_free(http);
}

static lm_status get_from(int port)
{
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    lm_http_request request = {.method = "GET", .url = url};
    return lm__http_send(http, &request, &response, &f.error);
}

static void check_refused(int port, const char *words)
{
    CHECK_STATUS(get_from(port), LM_IO);
    CHECK(!response.began);
    CHECK(!f.error.retryable);
    CHECK_SAYS(&f, words);
}

TEST(the_right_host_with_a_known_ca_is_accepted)
{
    if (why_not[0]) SKIP("%s", why_not);
    client_begin(ca_file);
    for (int i = 0; i < 3; i++) CHECK_OK(get_from(port_good), f.error);
    CHECK_INT(response.status, 200);
    CHECK_INT(response.body.size, 5);
    client_end();
}

TEST(others_are_refused)
{
    if (why_not[0]) SKIP("%s", why_not);
    client_begin(ca_file);
    check_refused(port_other, "127.0.0.1");
    check_refused(port_expired, "certificate");
    client_end();
    client_begin(NULL); /* the system's CAs do not know ours */
    check_refused(port_good, "the option ca_file");
    client_end();
    client_begin("/no/such/file.pem");
    check_refused(port_good, "/no/such/file.pem");
    client_end();
}

TEST(the_environment_names_a_ca_file)
{
    if (why_not[0]) SKIP("%s", why_not);
    setenv("SSL_CERT_FILE", ca_file, 1);
    client_begin(NULL);
    CHECK_OK(get_from(port_good), f.error);
    client_end();
    setenv("CURL_CA_BUNDLE", "/no/such/file.pem", 1); /* goes before it, */
    client_begin(NULL);
    check_refused(port_good, "/no/such/file.pem");
    client_end();
    client_begin(ca_file); /* and the option before both */
    CHECK_OK(get_from(port_good), f.error);
    client_end();
    unsetenv("CURL_CA_BUNDLE");
    unsetenv("SSL_CERT_FILE");
}

TEST(a_plain_server_is_none_with_tls)
{
    lm_http_request request = {.method = "GET"};
    fixture_begin(&f, NULL);
    snprintf(f.url, sizeof f.url, "https://127.0.0.1:%d/", f.server.port);
    request.url = f.url;
    CHECK_STATUS(lm__http_send(f.http, &request, &f.response, &f.error), LM_IO);
    CHECK(!f.response.began);
    fixture_end(&f);
}

/* What the other side has closed fails; it ends no process by SIGPIPE, which is not ignored here.
 */
TEST(a_connection_that_is_slammed_fails_the_upload)
{
    static char block[65536];
    lm_http_upload *upload;
    char url[64];
    if (why_not[0]) SKIP("%s", why_not);
    client_begin(ca_file);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/slam", port_good);
    lm_http_request request = {.method = "PUT", .url = url};
    lm_status status =
        lm__http_upload_open(http, &request, 1000000000, &response, &upload, &f.error);
    CHECK_OK(status, f.error);
    for (int i = 0; i < 5000 && status == LM_OK; i++)
        status = lm__http_upload_write(upload, block, sizeof block, &f.error);
    CHECK_STATUS(status, LM_IO);
    CHECK(response.began);
    CHECK_STATUS(lm__http_upload_finish(upload, &f.error), LM_IO);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", port_good);
    CHECK_OK(lm__http_upload_open(http, &request, sizeof block, &response, &upload, &f.error),
             f.error);
    CHECK_OK(lm__http_upload_write(upload, block, sizeof block, &f.error), f.error);
    CHECK_OK(lm__http_upload_finish(upload, &f.error), f.error);
    CHECK_INT(response.status, 200);
    client_end();
}

int main(void)
{
    unsetenv("SSL_CERT_FILE");
    unsetenv("CURL_CA_BUNDLE");
    scratch_make(directory);
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", directory);
    if (!servers_start()) printf("# %s\n", why_not);
    RUN(the_right_host_with_a_known_ca_is_accepted);
    RUN(others_are_refused);
    RUN(the_environment_names_a_ca_file);
    RUN(a_plain_server_is_none_with_tls);
    RUN(a_connection_that_is_slammed_fails_the_upload);
    if (child > 0) {
        close(child_in);
        waitpid(child, NULL, 0);
    }
    scratch_remove(directory);
    return DONE();
}
