#ifndef CONEDNN_H
#define CONEDNN_H
#include <stddef.h>
#include <stdint.h>

// Matrix products of the oneDNN library, version 2 or 3. The library is loaded at run time, so that one binary runs with
// and without it. Every product runs on the calling thread alone.

/// The numbers of a matrix; zero is f32.
enum { conednn_f32 = 0, conednn_bf16, conednn_s8, conednn_u8, conednn_s32 };

/// C = A·B (+ C) (+ bias). Strides count elements; the columns of C are contiguous.
typedef struct {
    int64_t rows, columns, depth;
    int64_t a_row, a_column;
    int64_t b_row, b_column;
    int64_t c_row;
    /// A row vector of `columns` values is added to every row.
    int32_t has_bias;
    /// The product is added to what C holds.
    int32_t accumulates;
    /// B is in the layout that `conednn_pack` writes; its strides then say how the plain matrix was laid out.
    int32_t b_is_packed;
    /// The bias is f32 always.
    int32_t a_type, b_type, c_type;
} conednn_product;

typedef struct conednn_primitive conednn_primitive;

/// Loads the library once. Returns NULL when it can be used, else the reason why it cannot.
const char *conednn_load(void);

/// The version of the loaded library, such as "2.6.3", or "" when none is loaded.
const char *conednn_version(void);

/// Instruction sets that products of lower precision need.
enum { conednn_avx512 = 0, conednn_avx512_bf16, conednn_avx512_vnni, conednn_avx2_vnni };

/// Whether the library uses an instruction set, or a newer one that holds it. 0 when no library is loaded.
int conednn_has(int32_t set);

/// The instruction set the library chose, such as "avx512_core_bf16", or "" when none is loaded.
const char *conednn_instruction_set(void);

/// Writes right-hand sides of one size in the layout that products read fastest.
typedef struct conednn_packer conednn_packer;

/// Compiles a packer for a product with `b_is_packed`; the layout suits any number of rows. Returns NULL on failure.
/// Packers and primitives are kept until the process ends.
conednn_packer *conednn_packer_create(const conednn_product *product);

/// Bytes of a packed B.
size_t conednn_packed_size(const conednn_packer *packer);

/// Packs a B, which lies as the packer's product says and holds s8 where that is its type, else f32; `packed` is 64-byte
/// aligned. Safe to call from several threads at once. Returns 0 on success.
int conednn_pack(const conednn_packer *packer, const void *b, void *packed);

/// Compiles a product; one with `b_is_packed` reads what `packer` wrote. Returns NULL on failure.
conednn_primitive *conednn_create(const conednn_product *product, const conednn_packer *packer);

/// Runs a product. Safe to call from several threads at once, at most 64 in a process. Returns 0 on success.
int conednn_execute(conednn_primitive *primitive, const void *a, const void *b, const float *bias, void *c);

#endif
