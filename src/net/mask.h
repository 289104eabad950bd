/* The one place that knows what a secret looks like in a URL, a header line or a server's words. */
#ifndef LM_NET_MASK_H
#define LM_NET_MASK_H

#include <stddef.h>

/*
 * Copies `text` with every secret replaced by `***`, cut to fit, always terminated; gives `out`.
 * Secrets are
 *  - user and password before the host of a URL;
 *  - the value after `name=` where the name says so: delegation, sig, X-Amz-Signature, token, …,
 *    also when it is percent-encoded;
 *  - the rest of the line after `name: ` of such a name, Authorization and Cookie among them, and
 *    all that follows `"name":`.
 */
const char *lm__mask(char *out, size_t out_size, const char *text);

#endif
