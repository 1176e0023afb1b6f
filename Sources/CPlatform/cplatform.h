#include <malloc.h>
#include <sys/mman.h>

/// Whether the processor that is compiled for multiplies and adds in one instruction.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define HAS_MULTIPLY_ADD 1
#else
#define HAS_MULTIPLY_ADD 0
#endif

/// Sixteen numbers, which Swift calls `SIMD16<Float>`.
typedef float cplatform_lanes __attribute__((ext_vector_type(16)));

/// Square roots in the processor's own instruction: Swift takes the lanes one by one.
static inline __attribute__((always_inline)) cplatform_lanes cplatform_square_roots(cplatform_lanes values) {
    return __builtin_elementwise_sqrt(values);
}
