/*
 * Square roots by the core's own instruction.
 */
#include <math.h>

float sqrtf(float x)
{
    float root;
    __asm("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
    return root;
}
