/*
 * The words that every other public header speaks: status, error, allocator, cancellation.
 *
 * A function that can fail returns an lm_status and takes a trailing, caller-owned lm_error, which
 * may be NULL. The library keeps no globals that change after start-up, prints nothing and never
 * ends the process.
 */
#ifndef LAMELLA_BASE_H
#define LAMELLA_BASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LM_API __attribute__((visibility("default")))
#define LM_MUST_USE __attribute__((warn_unused_result))
#define LM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LM_API
#define LM_MUST_USE
#define LM_PRINTF(fmt, args)
#endif

/*
 * Every status: X(name, number, text, exit status of the command, Python exception).
 * Numbers are part of the interface and never change; new ones are added at the end.
 */
#define LM_STATUS_TABLE(X)                                                                         \
    X(LM_OK, 0, "ok", 0, "")                                                                       \
    X(LM_NO_MEMORY, 1, "out of memory", 1, "MemoryError")                                          \
    X(LM_INVALID, 2, "invalid argument", 2, "ValueError")                                          \
    X(LM_IO, 3, "input/output error", 1, "OSError")                                                \
    X(LM_NOT_FOUND, 4, "not found", 9, "FileNotFoundError")                                        \
    X(LM_EXISTS, 5, "exists already", 5, "FileExistsError")                                        \
    X(LM_CONFLICT, 6, "conflict", 4, "ConflictError")                                              \
    X(LM_PERMISSION, 7, "permission denied", 1, "PermissionError")                                 \
    X(LM_NO_SPACE, 8, "no space left", 1, "OSError")                                               \
    X(LM_UNSUPPORTED, 9, "not supported", 1, "NotImplementedError")                                \
    X(LM_LIMIT, 10, "limit exceeded", 1, "LimitError")                                             \
    X(LM_SCHEMA, 11, "schema does not fit", 3, "SchemaValidationError")                            \
    X(LM_DATA, 12, "data is not valid", 3, "DataError")                                            \
    X(LM_CORRUPT, 13, "corrupt", 3, "CorruptError")                                                \
    X(LM_STALE, 14, "stale", 8, "StaleError")                                                      \
    X(LM_CANCELLED, 15, "interrupted", 130, "KeyboardInterrupt")                                   \
    X(LM_UNKNOWN_DURABILITY, 16, "visible, but durability is unknown", 6,                          \
      "UnknownDurabilityError")                                                                    \
    X(LM_UNKNOWN_OUTCOME, 17, "outcome unknown", 7, "UnknownOutcomeError")                         \
    X(LM_UNSUITABLE, 18, "not a thing that can be replaced", 1, "OSError")                         \
    X(LM_BUSY, 19, "in use by another process", 4, "ConflictError")                                \
    X(LM_BROKEN, 20, "internal error", 1, "RuntimeError")

typedef enum lm_status {
#define LM_STATUS_ENUM(name, number, text, exit_status, exception) name = number,
    LM_STATUS_TABLE(LM_STATUS_ENUM)
#undef LM_STATUS_ENUM
} lm_status;

/* The text, exit status and Python exception of a status; a number that is none gives LM_BROKEN's.
 */
LM_API const char *lm_status_name(lm_status status);
LM_API const char *lm_status_text(lm_status status);
LM_API int lm_status_exit(lm_status status);
LM_API const char *lm_status_exception(lm_status status);

#define LM_ERROR_MESSAGE_MAX 1024

/* What went wrong, in the caller's memory: filling it never allocates. The message is one line of
 * UTF-8 that names the file, the place and, where there is one, the remedy. */
typedef struct lm_error {
    lm_status code;
    int os_code;    /* errno, or 0 */
    int http_code;  /* HTTP status, or 0 */
    bool retryable; /* the same call may succeed later */
    char message[LM_ERROR_MESSAGE_MAX];
} lm_error;

LM_API void lm_error_clear(lm_error *error);

/* Memory. A NULL allocator means the C library's. Functions must be callable from any thread. */
typedef struct lm_allocator {
    void *(*alloc)(void *context, size_t bytes);
    void *(*realloc)(void *context, void *memory, size_t bytes);
    void (*free)(void *context, void *memory);
    void *context;
} lm_allocator;

LM_API const lm_allocator *lm_allocator_default(void);

/* An allocator over `inner` that keeps large blocks when they are freed, at most bytes_max of them,
 * for whoever next asks for about as much: memory fresh from the system is a great part of what
 * reading a table costs, and a program that reads one after the other need not pay it each time. */
LM_API LM_MUST_USE lm_status lm_keeping_allocator_new(const lm_allocator *inner, size_t bytes_max,
                                                      const lm_allocator **allocator,
                                                      lm_error *error);
/* Gives back what it keeps. Memory that is still in use stays valid; it is freed as before, and the
 * last of it ends the allocator. Takes NULL. */
LM_API void lm_keeping_allocator_close(const lm_allocator *allocator);

/* Set to non-zero (from a signal handler or another thread) to stop a call; it ends with
 * LM_CANCELLED. */
typedef struct lm_cancel lm_cancel;
struct lm_cancel {
    atomic_int requested;
    const lm_cancel *above; /* may be NULL: asked for when that one is, too */
};

/* "1.2.3", and the same as a number: 10203. */
LM_API const char *lm_version(void);
LM_API int lm_version_number(void);

#endif
