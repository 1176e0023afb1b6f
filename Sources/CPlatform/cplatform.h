#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>

// Everything here is inlined: no vector is passed in another way than the processor at hand has.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

/// Whether the processor that is compiled for multiplies and adds in one instruction.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define HAS_MULTIPLY_ADD 1
#else
#define HAS_MULTIPLY_ADD 0
#endif

/// Whether it adds products of pairs of bfloat16 in one instruction.
#if defined(__AVX512BF16__)
#define HAS_HALF_PRODUCTS 1
#else
#define HAS_HALF_PRODUCTS 0
#endif

/// Whether it has 32 registers of sixteen numbers.
#if defined(__AVX512F__)
#define HAS_WIDE_REGISTERS 1
#else
#define HAS_WIDE_REGISTERS 0
#endif

/// Sixteen numbers, which Swift calls `SIMD16<Float>`.
typedef float cplatform_lanes __attribute__((ext_vector_type(16)));

/// Square roots in the processor's own instruction: Swift takes the lanes one by one.
static inline __attribute__((always_inline)) cplatform_lanes cplatform_square_roots(cplatform_lanes values) {
    return __builtin_elementwise_sqrt(values);
}

/// The sum of the lanes, in a tree of halves: Swift takes them one after the other.
static inline __attribute__((always_inline)) float cplatform_total(cplatform_lanes values) {
    __typeof__(values.lo) eight = values.lo + values.hi;
    __typeof__(eight.lo) four = eight.lo + eight.hi;
    __typeof__(four.lo) two = four.lo + four.hi;
    return two.x + two.y;
}

/// The largest of the lanes.
static inline __attribute__((always_inline)) float cplatform_largest(cplatform_lanes values) {
    __typeof__(values.lo) eight = values.hi > values.lo ? values.hi : values.lo;
    __typeof__(eight.lo) four = eight.hi > eight.lo ? eight.hi : eight.lo;
    __typeof__(four.lo) two = four.hi > four.lo ? four.hi : four.lo;
    return two.x > two.y ? two.x : two.y;
}

/// Sixteen bfloat16, which Swift calls `SIMD16<UInt16>`.
typedef uint16_t cplatform_halves __attribute__((ext_vector_type(16)));

/// Numbers rounded to the nearest bfloat16, of two as near to the even one. The instruction takes those below the smallest
/// normal one for zero.
static inline __attribute__((always_inline)) cplatform_halves cplatform_rounded(cplatform_lanes values) {
#if HAS_HALF_PRODUCTS
    typedef __bf16 halves __attribute__((ext_vector_type(16)));
    return (cplatform_halves)__builtin_ia32_cvtneps2bf16_512_mask(values, (halves)0, (unsigned short)-1);
#else
    typedef uint32_t words __attribute__((ext_vector_type(16)));
    words bits = (words)values;
    return __builtin_convertvector((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, cplatform_halves);
#endif
}

/// Sixteen pairs of bfloat16, the first of each pair in the low half of a word, which Swift calls `SIMD16<UInt32>`.
typedef uint32_t cplatform_pairs __attribute__((ext_vector_type(16)));

/// Neighbours rounded to pairs: eight of the first numbers, then eight of the second.
static inline __attribute__((always_inline)) cplatform_pairs cplatform_neighbors(
    cplatform_lanes first, cplatform_lanes second) {
    typedef uint16_t halves __attribute__((ext_vector_type(32)));
    return (cplatform_pairs)(halves)__builtin_shufflevector(
        cplatform_rounded(first), cplatform_rounded(second), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
        17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
}

/// One number of each, rounded, to a pair.
static inline __attribute__((always_inline)) cplatform_pairs cplatform_paired(
    cplatform_lanes first, cplatform_lanes second) {
    return __builtin_convertvector(cplatform_rounded(first), cplatform_pairs) |
        __builtin_convertvector(cplatform_rounded(second), cplatform_pairs) << 16;
}

/// The sums with both products of each pair added.
static inline __attribute__((always_inline)) cplatform_lanes cplatform_add_products(
    cplatform_lanes sums, cplatform_pairs a, cplatform_pairs b) {
#if HAS_HALF_PRODUCTS
    typedef __bf16 halves __attribute__((ext_vector_type(32)));
    return __builtin_ia32_dpbf16ps_512(sums, (halves)a, (halves)b);
#else
    // So that it compiles elsewhere, where nobody calls it.
    sums += (cplatform_lanes)(a & 0xFFFF0000) * (cplatform_lanes)(b & 0xFFFF0000);
    return sums + (cplatform_lanes)(a << 16) * (cplatform_lanes)(b << 16);
#endif
}

/// The first halves of two vectors, a number of one and a number of the other in turn.
static inline __attribute__((always_inline)) cplatform_pairs cplatform_zipped_first(
    cplatform_pairs a, cplatform_pairs b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/// The second halves.
static inline __attribute__((always_inline)) cplatform_pairs cplatform_zipped_second(
    cplatform_pairs a, cplatform_pairs b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

#pragma clang diagnostic pop
