/* Whatever stands around a secret, it does not come out; nor does anything that does not fit. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "net/mask.h"

#define TEXT_BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const char *const planted[] = {
        "&token=S3CR3T&",         "?X-Amz-Signature=S3CR3T ", "\nAuthorization: Some S3CR3T\n",
        "http://me:S3CR3T@host/", "\"secret\" : \"S3CR3T\"",
    };
    char text[TEXT_BYTES_MAX + 64], out[4 * TEXT_BYTES_MAX], small[16];
    if (size < 2 || size > TEXT_BYTES_MAX) return 0;
    const char *plant = planted[data[0] % (sizeof planted / sizeof *planted)];
    size_t at = data[1] % (size - 1), length = strlen(plant);
    data += 2;
    size -= 2;
    if (at > size) at = size;
    memcpy(text, data, at);
    memcpy(text + at, plant, length);
    memcpy(text + at + length, data + at, size - at);
    text[length + size] = '\0';
    for (size_t i = 0; i < length + size; i++)
        if (text[i] == '\0') text[i] = ' ';
    lm__mask(out, sizeof out, text);
    if (strstr(out, "S3CR3T") && !memmem(data, size, "S3CR3T", 6)) abort();
    lm__mask(small, sizeof small, text);
    if (memchr(small, '\0', sizeof small) == NULL || strncmp(small, out, strlen(small)) != 0)
        abort();
    return 0;
}
