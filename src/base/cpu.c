/*
 * The processor's level, found at the first call and kept.
 *
 * A name in LAMELLA_CPU that is none of the four changes nothing: the variable can only lower.
 */
#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static int has_lzcnt(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 5));
}

/* The builtins also ask the system whether it saves the wide registers. */
static lm_cpu_level level_find(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt") ||
        !__builtin_cpu_supports("pclmul"))
        return LM_CPU_SCALAR;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("fma") || !has_lzcnt())
        return LM_CPU_SSE42;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512vbmi") || !__builtin_cpu_supports("avx512vbmi2") ||
        !__builtin_cpu_supports("vpclmulqdq"))
        return LM_CPU_AVX2;
    return LM_CPU_AVX512;
}
#else
static lm_cpu_level level_find(void) { return LM_CPU_SCALAR; }
#endif

static lm_cpu_level level_lowered(lm_cpu_level found)
{
    static const char *const names[] = {"scalar", "sse42", "avx2", "avx512"};
    const char *wanted = getenv("LAMELLA_CPU");
    if (!wanted) return found;
    for (int i = 0; i < (int)found; i++)
        if (strcmp(wanted, names[i]) == 0) return (lm_cpu_level)i;
    return found;
}

lm_cpu_level lm__cpu_level(void)
{
    static atomic_int known = -1; /* every thread that finds it finds the same */
    int level = atomic_load_explicit(&known, memory_order_relaxed);
    if (__builtin_expect(level < 0, 0)) {
        level = (int)level_lowered(level_find());
        atomic_store_explicit(&known, level, memory_order_relaxed);
    }
    return (lm_cpu_level)level;
}
