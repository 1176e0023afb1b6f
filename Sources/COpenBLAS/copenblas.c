#include "copenblas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    __typeof__(&cblas_sgemm) cblas_sgemm;
    __typeof__(&openblas_set_num_threads) set_num_threads;
    __typeof__(&openblas_get_config) get_config;
    __typeof__(&openblas_get_corename) get_corename;
    char configuration[256];
    char failure[256];
} openblas;

static pthread_once_t load_once = PTHREAD_ONCE_INIT;

static void load(void) {
#if defined(__x86_64__)
    // Debian's 0.3.21 takes newer AMD cores for Haswell; their AVX-512 runs the SkylakeX kernels at twice the speed.
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 0);
    }
#endif
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(openblas.failure, sizeof openblas.failure, "%s", dlerror());
        return;
    }
    openblas.cblas_sgemm = (__typeof__(&cblas_sgemm))dlsym(library, "cblas_sgemm");
    openblas.set_num_threads = (__typeof__(&openblas_set_num_threads))dlsym(library, "openblas_set_num_threads");
    openblas.get_config = (__typeof__(&openblas_get_config))dlsym(library, "openblas_get_config");
    openblas.get_corename = (__typeof__(&openblas_get_corename))dlsym(library, "openblas_get_corename");
    if (!openblas.cblas_sgemm || !openblas.set_num_threads || !openblas.get_config || !openblas.get_corename) {
        snprintf(openblas.failure, sizeof openblas.failure, "libopenblas.so.0 lacks a function this program calls");
        return;
    }
    openblas.set_num_threads(1);
    snprintf(openblas.configuration, sizeof openblas.configuration, "%s", openblas.get_config());
    const char *core = openblas.get_corename();
    if (!strstr(openblas.configuration, core)) {
        size_t length = strlen(openblas.configuration);
        snprintf(openblas.configuration + length, sizeof openblas.configuration - length, " %s", core);
    }
}

const char *copenblas_load(void) {
    pthread_once(&load_once, load);
    return openblas.failure[0] ? openblas.failure : NULL;
}

const char *copenblas_configuration(void) { return openblas.configuration; }

void copenblas_sgemm(
    int a_is_transposed, int b_is_transposed, int64_t rows, int64_t columns, int64_t depth, const float *a,
    int64_t a_row, const float *b, int64_t b_row, int accumulates, float *c, int64_t c_row) {
    openblas.cblas_sgemm(
        CblasRowMajor, a_is_transposed ? CblasTrans : CblasNoTrans, b_is_transposed ? CblasTrans : CblasNoTrans,
        (blasint)rows, (blasint)columns, (blasint)depth, 1.0f, a, (blasint)a_row, b, (blasint)b_row,
        accumulates ? 1.0f : 0.0f, c, (blasint)c_row);
}
