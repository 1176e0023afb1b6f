#include <malloc.h>
#include <stdint.h>
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

/// Sixteen bfloat16, which Swift calls `SIMD16<UInt16>`.
typedef uint16_t cplatform_halves __attribute__((ext_vector_type(16)));

/// Numbers rounded to the nearest bfloat16, of two as near to the even one. The instruction takes those below the smallest
/// normal one for zero.
static inline __attribute__((always_inline)) cplatform_halves cplatform_rounded(cplatform_lanes values) {
#if defined(__AVX512BF16__)
    typedef __bf16 halves __attribute__((ext_vector_type(16)));
    return (cplatform_halves)__builtin_ia32_cvtneps2bf16_512_mask(values, (halves)0, (unsigned short)-1);
#else
    typedef uint32_t words __attribute__((ext_vector_type(16)));
    words bits = (words)values;
    return __builtin_convertvector((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, cplatform_halves);
#endif
}
