/* The processor's level is found once and can only be lowered. */
#include "base/cpu.h"
#include "check.h"

TEST(the_environment_lowers_it)
{
    setenv("LAMELLA_CPU", "scalar", 1);
    CHECK_INT(lm__cpu_level(), LM_CPU_SCALAR);
    setenv("LAMELLA_CPU", "avx512", 1);
    CHECK_INT(lm__cpu_level(), LM_CPU_SCALAR); /* found once */
}

int main(void)
{
    RUN(the_environment_lowers_it);
    return DONE();
}
