/*
 * Finding libcurl: the one that Debian builds on OpenSSL, else the one on GnuTLS.
 *
 * It is started once for the process and never ended: others in the process may use it too. What
 * went wrong is remembered, and told to each that asks.
 */
#include "net/curl.h"

#include <pthread.h>
#include <string.h>

#define VERSION_MIN 0x075000 /* 7.80.0: CURLOPT_PREREQFUNCTION */
#define FILE_NAME "libcurl.so.4"
#define PACKAGE "libcurl4"

static struct {
    pthread_once_t once;
    const char *missing; /* a file or a function */
    CURLcode started;
    const char *version; /* when it is too old */
    lm_curl functions;
} library = {.once = PTHREAD_ONCE_INIT};

static void library_open(void)
{
    static const char *const files[] = {FILE_NAME, "libcurl-gnutls.so.4"};
    static const char *const names[] = {LM_CURL_FUNCTIONS(LM_LIBRARY_NAME) NULL};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *missing = lm__library_open(files[i], names, &library.functions);
        if (i == 0 || missing != files[i]) library.missing = missing;
        if (missing != files[i]) break;
    }
    if (library.missing) return;
    const curl_version_info_data *info = library.functions.curl_version_info(CURLVERSION_NOW);
    if (info->version_num < VERSION_MIN)
        library.version = info->version;
    else
        library.started = library.functions.curl_global_init(CURL_GLOBAL_DEFAULT);
}

lm_status lm__curl_load(const lm_curl **curl, lm_error *error)
{
    pthread_once(&library.once, library_open);
    if (library.missing) return lm__library_missing(library.missing, FILE_NAME, PACKAGE, error);
    if (library.version)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "libcurl is of version %s; remote stores need 7.80.0 or a newer one",
                             library.version);
    if (library.started != CURLE_OK)
        return lm__error_set(error, LM_IO, "libcurl cannot be started: %s",
                             library.functions.curl_easy_strerror(library.started));
    *curl = &library.functions;
    return LM_OK;
}
