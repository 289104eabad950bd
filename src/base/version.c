/* The version, from the build. */
#include <lamella/base.h>

const char *lm_version(void) { return LM_VERSION; }
int lm_version_number(void) { return LM_VERSION_NUMBER; }
