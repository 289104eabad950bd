/*
 * Ranged reads of a remote file by requests that are worth their journey: small reads that follow
 * each other become windows that grow, fetched ahead while what was fetched before is used.
 *
 * Where it stands: beneath the sources of stores over a network. A store gives a function that
 * fetches a range; several may be under way at once.
 *
 * Invariants
 *  1. At most LM_WINDOW_SLOTS windows of at most LM_WINDOW_BYTES are held. A read that finds no
 * room, or is about as large as a window, goes past them.
 *  2. No byte is asked for that was not asked of us, unless reads in order (or a word of what is
 *     coming) say that it will be; never one past the end of the file.
 *  3. A failed fetch leaves nothing: whoever needs those bytes fetches them again, and has the
 * error. What was fetched ahead in vain is told to nobody.
 */
#ifndef LM_STORE_WINDOW_H
#define LM_STORE_WINDOW_H

#include <lamella/base.h>

typedef struct lm_windows lm_windows;

/* Fills `buffer`. `cancel` is requested when the windows are closed, and when theirs is. */
typedef lm_status lm_window_fetch(void *context, uint64_t offset, void *buffer, size_t size,
                                  const lm_cancel *cancel, lm_error *error);

LM_MUST_USE lm_status lm__windows_new(const lm_allocator *allocator, uint64_t file_bytes,
                                      lm_window_fetch *fetch, void *context,
                                      const lm_cancel *cancel, lm_windows **windows,
                                      lm_error *error);
/* No read may be under way. Takes NULL. */
void lm__windows_free(lm_windows *windows);
/* From any thread. The range lies in the file. */
LM_MUST_USE lm_status lm__windows_read(lm_windows *windows, uint64_t offset, void *buffer,
                                       size_t size, lm_error *error);
/* The range will be read soon, in order. One that goes on where the last one ends is joined to it,
 * any other takes its place. */
void lm__windows_coming(lm_windows *windows, uint64_t offset, uint64_t size);

#endif
