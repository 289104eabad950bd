/*
 * Where bytes come from: ranged reads, the twin of the sink. Readers of formats take a source;
 * stores provide one. All calls may come from several threads at once.
 */
#ifndef LAMELLA_SOURCE_H
#define LAMELLA_SOURCE_H

#include <lamella/base.h>

typedef struct lm_source lm_source;

typedef struct lm_source_ops {
    /* Fills `buffer` with exactly `size` bytes from `offset`; a shorter file is an error. */
    lm_status (*read)(lm_source *source, uint64_t offset, void *buffer, size_t size,
                      lm_error *error);
    /* The same bytes without a copy, or NULL where the source cannot; valid until close. May be
     * NULL. */
    const void *(*view)(lm_source *source, uint64_t offset, size_t size);
    void (*close)(lm_source *source);
    /* These bytes will hardly be viewed again: what keeps them at hand may let go of them. They can
     * still be read and viewed. May be NULL. */
    void (*passed)(lm_source *source, uint64_t offset, size_t size);
    /* These bytes will be read soon, in order: what has to fetch them may begin. May be NULL. */
    void (*coming)(lm_source *source, uint64_t offset, uint64_t size);
} lm_source_ops;

/* Embed as the first member of an implementation. */
struct lm_source {
    const lm_source_ops *ops;
    uint64_t size;    /* of the whole object, in bytes */
    const char *name; /* for messages */
};

LM_API LM_MUST_USE lm_status lm_source_read(lm_source *source, uint64_t offset, void *buffer,
                                            size_t size, lm_error *error);
LM_API const void *lm_source_view(lm_source *source, uint64_t offset, size_t size);
LM_API void lm_source_passed(lm_source *source, uint64_t offset, size_t size);
LM_API void lm_source_coming(lm_source *source, uint64_t offset, uint64_t size);
LM_API void lm_source_close(lm_source *source);

/* Where bytes come from that can only be read forward: a pipe. */
typedef struct lm_feed {
    /* Reads 1 to `size` bytes and tells how many; 0 is the end. */
    lm_status (*read)(void *context, void *buffer, size_t size, size_t *got, lm_error *error);
    void (*close)(void *context); /* may be NULL */
    void *context;
    const char *name; /* for messages; must live until the close */
} lm_feed;

/* Borrows `data`, which must outlive the source. */
typedef struct lm_memory_source {
    lm_source source;
    const uint8_t *data;
} lm_memory_source;

LM_API void lm_memory_source_init(lm_memory_source *source, const void *data, size_t size,
                                  const char *name);

#endif
