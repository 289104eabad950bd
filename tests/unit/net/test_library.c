/* libcurl is loaded when the first client is made, and missed with an advice. */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "check.h"
#include "net/http.h"
#include "scratch.h"

static const char *self;
static lm_error error;

static bool is_loaded(void)
{
    char line[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, "libcurl") != NULL;
    if (maps) fclose(maps);
    return found;
}

TEST(it_is_loaded_when_it_is_needed)
{
    lm_http *http;
    CHECK(!is_loaded());
    CHECK_OK(lm__http_new(NULL, NULL, &http, &error), error);
    CHECK(is_loaded());
    lm__http_free(http);
}

/* In a process whose loader finds files of these names that are no libraries. */
TEST(one_that_is_missing_is_named_with_its_package)
{
    char directory[256], command[1024], line[1024] = "";
    scratch_make(directory);
    snprintf(command, sizeof command,
             "cd %s && echo none >libcurl.so.4 && cp libcurl.so.4 libcurl-gnutls.so.4", directory);
    REQUIRE(system(command) == 0);
    snprintf(command, sizeof command, "LD_LIBRARY_PATH=%s '%s' missing", directory, self);
    FILE *other = popen(command, "r");
    REQUIRE(other);
    CHECK(fgets(line, sizeof line, other));
    CHECK_INT(WEXITSTATUS(pclose(other)), LM_UNSUPPORTED);
    CHECK_TEXT(line,
               "the library libcurl.so.4 is not there; install it (Debian: apt install libcurl4)");
    scratch_remove(directory);
}

int main(int argc, char **argv)
{
    lm_http *http = NULL;
    self = argv[0];
    if (argc > 1) {
        int status = lm__http_new(NULL, NULL, &http, &error);
        printf("%s", error.message);
        return status;
    }
    RUN(it_is_loaded_when_it_is_needed);
    RUN(one_that_is_missing_is_named_with_its_package);
    return DONE();
}
