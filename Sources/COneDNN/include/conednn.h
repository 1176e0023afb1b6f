#ifndef CONEDNN_H
#define CONEDNN_H
#include <stddef.h>
#include <stdint.h>

// Matrix products of the oneDNN library, version 2 or 3, in f32. The library is loaded at run time, so that one binary
// runs with and without it. Every product runs on the calling thread alone.

/// C[i] = A[i]·B[i] (+ C[i]) (+ bias) for i in 0..<batch. Strides count elements; the columns of C are contiguous.
typedef struct {
    int64_t batch, rows, columns, depth;
    int64_t a_batch, a_row, a_column;
    int64_t b_batch, b_row, b_column;
    int64_t c_batch, c_row;
    /// A row vector of `columns` values is added to every row.
    int32_t has_bias;
    /// The product is added to what C holds.
    int32_t accumulates;
    /// B is in the layout that `conednn_pack` writes; its strides then say how the plain matrix was laid out.
    int32_t b_is_packed;
} conednn_product;

typedef struct conednn_primitive conednn_primitive;

/// Loads the library once. Returns NULL when it can be used, else the reason why it cannot.
const char *conednn_load(void);

/// The version of the loaded library, such as "2.6.3", or "" when none is loaded.
const char *conednn_version(void);

/// The instruction set the library chose, such as "avx512_core_bf16", or "" when none is loaded.
const char *conednn_instruction_set(void);

/// Compiles a product. Returns NULL on failure. Primitives are kept until the process ends.
conednn_primitive *conednn_create(const conednn_product *product);

/// Runs a product. Safe to call from several threads at once, at most 64 in a process. Returns 0 on success.
int conednn_execute(conednn_primitive *primitive, const float *a, const float *b, const float *bias, float *c);

/// Bytes of a packed B of this product, whatever its rows; 0 on failure.
size_t conednn_packed_size(const conednn_product *product);

/// Writes B in the layout that products with `b_is_packed` read; `packed` is 64-byte aligned. Returns 0 on success.
int conednn_pack(const conednn_product *product, const float *b, void *packed);

#endif
