#ifndef COPENBLAS_H
#define COPENBLAS_H
#include <stdint.h>

// OpenBLAS, loaded at run time: its choice of kernels is made while it loads, and is wrong on newer processors unless
// OPENBLAS_CORETYPE is set before. Every call runs on the calling thread alone.

/// Loads the library once. Returns NULL when it can be used, else the reason why it cannot.
const char *copenblas_load(void);

/// The library's own description of its version and kernels, or "" when none is loaded.
const char *copenblas_configuration(void);

/// C = A·B (+ C) in f32, row-major; `a_is_transposed` says that A is stored as [depth, rows], likewise B.
/// The leading dimensions are the distances between stored rows.
void copenblas_sgemm(
    int a_is_transposed, int b_is_transposed, int64_t rows, int64_t columns, int64_t depth, const float *a,
    int64_t a_row, const float *b, int64_t b_row, int accumulates, float *c, int64_t c_row);

#endif
