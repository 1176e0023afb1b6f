#ifndef CSENTENCEPIECE_H
#define CSENTENCEPIECE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A SentencePiece model. Any number of threads may encode and decode with it at once.
typedef struct csp_processor csp_processor;

/// Reads a serialized model. Returns NULL and writes the library's message, ended by a zero byte, when it refuses it.
csp_processor *csp_open(const uint8_t *model, size_t size, char *message, size_t message_room);
void csp_close(csp_processor *processor);

int32_t csp_piece_count(const csp_processor *processor);

/// Encodes UTF-8 and returns the number of pieces, or -1. No more than `room` ids and offsets are written; when there
/// are more pieces, call again with more room. Offsets are in bytes; `starts` and `ends` may be NULL.
int64_t csp_encode(
    const csp_processor *processor, const char *text, size_t size, int32_t *ids, int32_t *starts, int32_t *ends,
    size_t room);

/// Decodes ids and returns the length in bytes, or -1; no more than `room` bytes are written.
int64_t csp_decode(const csp_processor *processor, const int32_t *ids, size_t count, char *text, size_t room);

/// Trains a model with the arguments of spm_train. Returns false and writes the library's message when that fails.
bool csp_train(const char *arguments, char *message, size_t message_room);

#ifdef __cplusplus
}
#endif
#endif
