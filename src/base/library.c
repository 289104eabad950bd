/* Loading libraries; see library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

const char *lm__library_open(const char *file, const char *const *names, void *functions)
{
    /* Never closed: functions from it are in use as long as the process is. */
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library) return file;
    for (size_t i = 0; names[i]; i++) {
        void *function = dlsym(library, names[i]);
        if (!function) return names[i];
        memcpy((char *)functions + i * sizeof function, &function, sizeof function);
    }
    return NULL;
}

lm_status lm__library_missing(const char *missing, const char *file, const char *package,
                              lm_error *error)
{
    if (strcmp(missing, file) == 0)
        return lm__error_set(error, LM_UNSUPPORTED,
                             "the library %s is not there; install it (Debian: apt install %s)",
                             file, package);
    return lm__error_set(error, LM_UNSUPPORTED, "the library %s has no %s; a newer one is needed",
                         file, missing);
}
