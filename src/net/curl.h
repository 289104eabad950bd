/*
 * libcurl, loaded when it is first needed. Its headers are there at build time, so that calls
 * through the table are checked; of what came after 7.80 nothing may be used.
 */
#ifndef LM_NET_CURL_H
#define LM_NET_CURL_H

#include <curl/curl.h>

#include "base/library.h"

/* Macros that count arguments, in the way of calls through members of these names. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define LM_CURL_FUNCTIONS(X)                                                                       \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_init)                                                                              \
    X(curl_easy_pause)                                                                             \
    X(curl_easy_reset)                                                                             \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_strerror)                                                                          \
    X(curl_global_init)                                                                            \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_cleanup)                                                                          \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_init)                                                                             \
    X(curl_multi_perform)                                                                          \
    X(curl_multi_poll)                                                                             \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_setopt)                                                                           \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_version_info)

typedef struct lm_curl {
    LM_CURL_FUNCTIONS(LM_LIBRARY_MEMBER)
} lm_curl;

LM_MUST_USE lm_status lm__curl_load(const lm_curl **curl, lm_error *error);

#endif
