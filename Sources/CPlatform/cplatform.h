#include <malloc.h>
#include <sys/mman.h>

/// Whether the processor that is compiled for multiplies and adds in one instruction.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define HAS_MULTIPLY_ADD 1
#else
#define HAS_MULTIPLY_ADD 0
#endif
