#include "conednn.h"

#include <stdio.h>
#include <stdlib.h>

#if !__has_include(<dnnl.h>)

const char *conednn_load(void) { return "this program was built without oneDNN's headers"; }
const char *conednn_version(void) { return ""; }
const char *conednn_instruction_set(void) { return ""; }
int conednn_has(int32_t set) { return 0; }
conednn_packer *conednn_packer_create(const conednn_product *product) { return NULL; }
conednn_primitive *conednn_create(const conednn_product *product, const conednn_packer *packer) { return NULL; }
int conednn_execute(conednn_primitive *primitive, const void *a, const void *b, const float *bias, void *c) {
    return 1;
}
size_t conednn_packed_size(const conednn_packer *packer) { return 0; }
int conednn_pack(const conednn_packer *packer, const void *b, void *packed) { return 1; }

#else

#include <dlfcn.h>
#include <dnnl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define LIBRARY "libdnnl.so." STRING(DNNL_VERSION_MAJOR)

// Version 3 made memory descriptors opaque and merged operation descriptors into primitive descriptors.
#if DNNL_VERSION_MAJOR >= 3
#define VERSIONED_FUNCTIONS(X)                                                                                         \
    X(dnnl_memory_desc_create_with_strides)                                                                            \
    X(dnnl_memory_desc_create_with_tag)                                                                                \
    X(dnnl_memory_desc_destroy)                                                                                        \
    X(dnnl_matmul_primitive_desc_create)
typedef dnnl_memory_desc_t descriptor;
typedef const_dnnl_memory_desc_t descriptor_reference;
#define REFERENCE(d) (d)
#define DESTROY_DESCRIPTOR(d) onednn.dnnl_memory_desc_destroy(d)
#else
#define VERSIONED_FUNCTIONS(X)                                                                                         \
    X(dnnl_memory_desc_init_by_strides)                                                                                \
    X(dnnl_memory_desc_init_by_tag)                                                                                    \
    X(dnnl_matmul_desc_init)                                                                                           \
    X(dnnl_primitive_desc_create)
typedef dnnl_memory_desc_t descriptor;
typedef const dnnl_memory_desc_t *descriptor_reference;
#define REFERENCE(d) (&(d))
#define DESTROY_DESCRIPTOR(d) ((void)(d))
#endif

#define FUNCTIONS(X)                                                                                                   \
    VERSIONED_FUNCTIONS(X)                                                                                             \
    X(dnnl_version)                                                                                                    \
    X(dnnl_get_effective_cpu_isa)                                                                                      \
    X(dnnl_engine_create)                                                                                              \
    X(dnnl_stream_create)                                                                                              \
    X(dnnl_memory_create)                                                                                              \
    X(dnnl_memory_destroy)                                                                                             \
    X(dnnl_memory_set_data_handle)                                                                                     \
    X(dnnl_memory_desc_get_size)                                                                                       \
    X(dnnl_primitive_attr_create)                                                                                      \
    X(dnnl_primitive_attr_destroy)                                                                                     \
    X(dnnl_primitive_attr_set_scratchpad_mode)                                                                         \
    X(dnnl_primitive_attr_set_post_ops)                                                                                \
    X(dnnl_post_ops_create)                                                                                            \
    X(dnnl_post_ops_destroy)                                                                                           \
    X(dnnl_post_ops_append_sum)                                                                                        \
    X(dnnl_primitive_desc_destroy)                                                                                     \
    X(dnnl_primitive_desc_query_md)                                                                                    \
    X(dnnl_primitive_create)                                                                                           \
    X(dnnl_primitive_destroy)                                                                                          \
    X(dnnl_primitive_execute)                                                                                          \
    X(dnnl_stream_destroy)                                                                                             \
    X(dnnl_reorder_primitive_desc_create)

static struct {
#define X(name) __typeof__(&name) name;
    FUNCTIONS(X)
#undef X
    void (*omp_set_num_threads)(int);
    dnnl_engine_t engine;
    char version[32];
    char failure[256];
} onednn;

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static _Thread_local int is_single_threaded = 0;

/// oneDNN asks OpenMP for the number of threads, which is a setting of the calling thread.
static void use_one_thread(void) {
    if (is_single_threaded) return;
    if (onednn.omp_set_num_threads) onednn.omp_set_num_threads(1);
    is_single_threaded = 1;
}

static void load(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(onednn.failure, sizeof onednn.failure, "%s", dlerror());
        return;
    }
#define X(name)                                                                                                        \
    if (!(onednn.name = (__typeof__(&name))dlsym(library, #name))) {                                                   \
        snprintf(onednn.failure, sizeof onednn.failure, LIBRARY " lacks " #name);                                      \
        return;                                                                                                        \
    }
    FUNCTIONS(X)
#undef X
    onednn.omp_set_num_threads = (void (*)(int))dlsym(library, "omp_set_num_threads");
    use_one_thread();
    if (onednn.dnnl_engine_create(&onednn.engine, dnnl_cpu, 0) != dnnl_success) {
        snprintf(onednn.failure, sizeof onednn.failure, LIBRARY " cannot create a processor engine");
        return;
    }
    const dnnl_version_t *version = onednn.dnnl_version();
    snprintf(onednn.version, sizeof onednn.version, "%d.%d.%d", version->major, version->minor, version->patch);
}

const char *conednn_load(void) {
    pthread_once(&load_once, load);
    return onednn.failure[0] ? onednn.failure : NULL;
}

const char *conednn_version(void) { return onednn.version; }

const char *conednn_instruction_set(void) {
    if (!onednn.version[0]) return "";
    int isa = (int)onednn.dnnl_get_effective_cpu_isa();
    if (isa == dnnl_cpu_isa_sse41) return "sse41";
    if (isa == dnnl_cpu_isa_avx) return "avx";
    if (isa == dnnl_cpu_isa_avx2) return "avx2";
    if (isa == dnnl_cpu_isa_avx2_vnni) return "avx2_vnni";
    if (isa == dnnl_cpu_isa_avx512_core) return "avx512_core";
    if (isa == dnnl_cpu_isa_avx512_core_vnni) return "avx512_core_vnni";
    if (isa == dnnl_cpu_isa_avx512_core_bf16) return "avx512_core_bf16";
    if (isa == dnnl_cpu_isa_avx512_core_amx) return "avx512_core_amx";
    static char number[32];
    snprintf(number, sizeof number, "instructions 0x%x", isa);
    return number;
}

int conednn_has(int32_t set) {
    // The library's values are masks: a newer set holds the bits of those it builds on.
    const int masks[] = {
        dnnl_cpu_isa_avx512_core, dnnl_cpu_isa_avx512_core_bf16, dnnl_cpu_isa_avx512_core_vnni, dnnl_cpu_isa_avx2_vnni};
    if (!onednn.version[0] || set < 0 || set > 3) return 0;
    return ((int)onednn.dnnl_get_effective_cpu_isa() & masks[set]) == masks[set];
}

// MARK: Descriptors

static dnnl_data_type_t data_type(int32_t type) {
    switch (type) {
    case conednn_bf16: return dnnl_bf16;
    case conednn_s8: return dnnl_s8;
    case conednn_u8: return dnnl_u8;
    case conednn_s32: return dnnl_s32;
    default: return dnnl_f32;
    }
}

static int strided_descriptor(
    descriptor *result, int32_t type, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
    dnnl_dims_t dimensions = {rows, columns}, strides = {row_stride, column_stride};
#if DNNL_VERSION_MAJOR >= 3
    return onednn.dnnl_memory_desc_create_with_strides(result, 2, dimensions, data_type(type), strides);
#else
    return onednn.dnnl_memory_desc_init_by_strides(result, 2, dimensions, data_type(type), strides);
#endif
}

static int tagged_descriptor(
    descriptor *result, int32_t type, int count, const dnnl_dims_t dimensions, dnnl_format_tag_t tag) {
#if DNNL_VERSION_MAJOR >= 3
    return onednn.dnnl_memory_desc_create_with_tag(result, count, dimensions, data_type(type), tag);
#else
    return onednn.dnnl_memory_desc_init_by_tag(result, count, dimensions, data_type(type), tag);
#endif
}

static int plain_b_descriptor(const conednn_product *p, int32_t type, descriptor *result) {
    return strided_descriptor(result, type, p->depth, p->columns, p->b_row, p->b_column);
}

/// The library's own scratchpads belong to the thread that created a primitive: those of any thread are the caller's.
static int attributes_create(dnnl_primitive_attr_t *result) {
    int status = onednn.dnnl_primitive_attr_create(result);
    return status | onednn.dnnl_primitive_attr_set_scratchpad_mode(*result, dnnl_scratchpad_mode_user);
}

/// - Parameter layout: of a packed B; NULL lets the library choose it.
static int describe(const conednn_product *p, descriptor_reference layout, dnnl_primitive_desc_t *result) {
    descriptor a, b, c, bias;
    int status = strided_descriptor(&a, p->a_type, p->rows, p->depth, p->a_row, p->a_column);
    descriptor_reference b_reference = layout;
    if (layout) {
        memset(&b, 0, sizeof b);
    } else if (p->b_is_packed) {
        dnnl_dims_t dimensions = {p->depth, p->columns};
        status |= tagged_descriptor(&b, p->b_type, 2, dimensions, dnnl_format_tag_any);
    } else {
        status |= plain_b_descriptor(p, p->b_type, &b);
    }
    if (!layout) b_reference = REFERENCE(b);
    status |= strided_descriptor(&c, p->c_type, p->rows, p->columns, p->c_row, 1);
    dnnl_dims_t bias_dimensions = {1, p->columns};
    status |= tagged_descriptor(&bias, conednn_f32, 2, bias_dimensions, dnnl_ab);

    dnnl_primitive_attr_t attributes;
    dnnl_post_ops_t post_ops;
    status |= attributes_create(&attributes);
    status |= onednn.dnnl_post_ops_create(&post_ops);
    if (p->accumulates) {
#if DNNL_VERSION_MAJOR >= 3
        status |= onednn.dnnl_post_ops_append_sum(post_ops, 1.0f, 0, data_type(p->c_type));
#else
        status |= onednn.dnnl_post_ops_append_sum(post_ops, 1.0f);
#endif
    }
    status |= onednn.dnnl_primitive_attr_set_post_ops(attributes, post_ops);
    if (status != dnnl_success) return status;

#if DNNL_VERSION_MAJOR >= 3
    status = onednn.dnnl_matmul_primitive_desc_create(
        result, onednn.engine, a, b_reference, p->has_bias ? bias : NULL, c, attributes);
#else
    dnnl_matmul_desc_t operation;
    status = onednn.dnnl_matmul_desc_init(&operation, &a, b_reference, p->has_bias ? &bias : NULL, &c);
    if (status == dnnl_success) {
        status = onednn.dnnl_primitive_desc_create(result, &operation, attributes, onednn.engine, NULL);
    }
#endif
    onednn.dnnl_post_ops_destroy(post_ops);
    onednn.dnnl_primitive_attr_destroy(attributes);
    DESTROY_DESCRIPTOR(a);
    if (!layout) DESTROY_DESCRIPTOR(b);
    DESTROY_DESCRIPTOR(c);
    DESTROY_DESCRIPTOR(bias);
    return status;
}

static descriptor_reference queried(dnnl_primitive_desc_t primitive, dnnl_query_t what) {
    return onednn.dnnl_primitive_desc_query_md(primitive, what, 0);
}

// MARK: Packing

/// A conversion of plain matrices to the layout that a product chose.
struct conednn_packer {
    dnnl_primitive_desc_t product, reorder_description;
    dnnl_primitive_t reorder;
    descriptor plain;
};

static descriptor_reference layout(const conednn_packer *packer) {
    return queried(packer->product, dnnl_query_weights_md);
}

conednn_packer *conednn_packer_create(const conednn_product *product) {
    use_one_thread();
    conednn_packer *result = calloc(1, sizeof *result);
    if (!result) return NULL;
    // The library converts f32 to bf16 on the way.
    int status = plain_b_descriptor(product, product->b_type == conednn_s8 ? conednn_s8 : conednn_f32, &result->plain);
    if (status == dnnl_success) status = describe(product, NULL, &result->product);
    dnnl_primitive_attr_t attributes = NULL;
    if (status == dnnl_success) status = attributes_create(&attributes);
    if (status == dnnl_success) {
        status = onednn.dnnl_reorder_primitive_desc_create(
            &result->reorder_description, REFERENCE(result->plain), onednn.engine, layout(result), onednn.engine,
            attributes);
    }
    if (attributes) onednn.dnnl_primitive_attr_destroy(attributes);
    if (status == dnnl_success) status = onednn.dnnl_primitive_create(&result->reorder, result->reorder_description);
    if (status == dnnl_success) return result;
    free(result);
    return NULL;
}

size_t conednn_packed_size(const conednn_packer *packer) {
    return onednn.dnnl_memory_desc_get_size(layout(packer));
}

int conednn_pack(const conednn_packer *packer, const void *b, void *packed) {
    use_one_thread();
    dnnl_memory_t from = NULL, to = NULL, scratch = NULL;
    dnnl_stream_t stream = NULL;
    descriptor_reference needed = queried(packer->reorder_description, dnnl_query_scratchpad_md);
    size_t size = needed ? onednn.dnnl_memory_desc_get_size(needed) : 0;
    void *scratchpad = NULL;
    if (size && posix_memalign(&scratchpad, 64, size)) return 1;
    int status = onednn.dnnl_memory_create(&from, REFERENCE(packer->plain), onednn.engine, (void *)b);
    status |= onednn.dnnl_memory_create(&to, layout(packer), onednn.engine, packed);
    if (size) status |= onednn.dnnl_memory_create(&scratch, needed, onednn.engine, scratchpad);
    status |= onednn.dnnl_stream_create(&stream, onednn.engine, dnnl_stream_default_flags);
    if (status == dnnl_success) {
        dnnl_exec_arg_t arguments[3] = {
            {DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, scratch}};
        status = onednn.dnnl_primitive_execute(packer->reorder, stream, size ? 3 : 2, arguments);
    }
    if (stream) onednn.dnnl_stream_destroy(stream);
    if (from) onednn.dnnl_memory_destroy(from);
    if (to) onednn.dnnl_memory_destroy(to);
    if (scratch) onednn.dnnl_memory_destroy(scratch);
    free(scratchpad);
    return status;
}

// MARK: Primitives

enum { ARGUMENTS = 5, THREADS = 64 };

/// A thread's own memory objects and scratchpad for one primitive.
typedef struct {
    dnnl_stream_t stream;
    dnnl_memory_t memory[ARGUMENTS];
    void *scratchpad;
} context;

struct conednn_primitive {
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t description;
    context contexts[THREADS];
};

static atomic_int next_thread = 0;
static _Thread_local int thread_index = -1;

conednn_primitive *conednn_create(const conednn_product *product, const conednn_packer *packer) {
    use_one_thread();
    conednn_primitive *result = calloc(1, sizeof *result);
    if (!result) return NULL;
    if (describe(product, packer ? layout(packer) : NULL, &result->description) != dnnl_success) goto failed;
    if (onednn.dnnl_primitive_create(&result->primitive, result->description) != dnnl_success) goto failed;
    return result;
failed:
    free(result);
    return NULL;
}

static int make_context(conednn_primitive *p, context *result) {
    dnnl_query_t queries[ARGUMENTS] = {
        dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_weights_md, dnnl_query_dst_md, dnnl_query_scratchpad_md};
    int status = onednn.dnnl_stream_create(&result->stream, onednn.engine, dnnl_stream_default_flags);
    for (int i = 0; i < ARGUMENTS; i++) {
        // The bias is the second of the weights; a product without one gets an empty descriptor.
        descriptor_reference md = onednn.dnnl_primitive_desc_query_md(p->description, queries[i], i == 2 ? 1 : 0);
        if (!md) continue;
        void *data = DNNL_MEMORY_NONE;
        if (i == 4) {
            size_t size = onednn.dnnl_memory_desc_get_size(md);
            if (size && posix_memalign(&result->scratchpad, 64, size)) return 1;
            data = result->scratchpad;
        }
        status |= onednn.dnnl_memory_create(&result->memory[i], md, onednn.engine, data);
    }
    return status;
}

static void free_context(context *context) {
    if (context->stream) onednn.dnnl_stream_destroy(context->stream);
    for (int i = 0; i < ARGUMENTS; i++) {
        if (context->memory[i]) onednn.dnnl_memory_destroy(context->memory[i]);
    }
    free(context->scratchpad);
}

static int execute(
    conednn_primitive *p, context *context, const void *a, const void *b, const float *bias, void *c) {
    if (!context->stream && make_context(p, context) != dnnl_success) return 1;
    const int names[ARGUMENTS] = {
        DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    const void *data[ARGUMENTS] = {a, b, bias, c, context->scratchpad};
    dnnl_exec_arg_t arguments[ARGUMENTS];
    int count = 0;
    for (int i = 0; i < ARGUMENTS; i++) {
        if (!data[i] || !context->memory[i]) continue;
        if (onednn.dnnl_memory_set_data_handle(context->memory[i], (void *)data[i]) != dnnl_success) return 1;
        arguments[count++] = (dnnl_exec_arg_t){names[i], context->memory[i]};
    }
    return onednn.dnnl_primitive_execute(p->primitive, context->stream, count, arguments);
}

int conednn_execute(conednn_primitive *p, const void *a, const void *b, const float *bias, void *c) {
    use_one_thread();
    if (thread_index < 0) thread_index = atomic_fetch_add(&next_thread, 1);
    if (thread_index < THREADS) return execute(p, &p->contexts[thread_index], a, b, bias, c);
    // The places are never given back: threads that come after many others make their own each time.
    context own = {0};
    int status = execute(p, &own, a, b, bias, c);
    free_context(&own);
    return status;
}

#endif
