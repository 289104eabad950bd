/* Has the caller asked to stop? What is long asks at every step, and answers LM_CANCELLED. */
#ifndef LM_BASE_CANCEL_H
#define LM_BASE_CANCEL_H

#include <lamella/base.h>

/* Takes NULL: nobody asks. */
static inline bool lm__cancel_requested(const lm_cancel *cancel)
{
    for (; cancel; cancel = cancel->above)
        if (atomic_load_explicit(&cancel->requested, memory_order_relaxed) != 0) return true;
    return false;
}

#endif
