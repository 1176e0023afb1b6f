#include "czlib.h"
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct czlib_inflater {
    z_stream stream;
};

/// The largest window, and 16 for zlib's reading of gzip's header and checksum.
enum { GZIP_WINDOW = 15 + 16 };

czlib_inflater *czlib_open(void) {
    czlib_inflater *inflater = calloc(1, sizeof *inflater);
    if (inflater && inflateInit2(&inflater->stream, GZIP_WINDOW) != Z_OK) {
        free(inflater);
        return NULL;
    }
    return inflater;
}

void czlib_close(czlib_inflater *inflater) {
    inflateEnd(&inflater->stream);
    free(inflater);
}

static uInt clamped(size_t count) { return count > UINT_MAX ? UINT_MAX : (uInt)count; }

int czlib_inflate(
    czlib_inflater *inflater, const uint8_t *input, size_t input_count, uint8_t *output, size_t room, size_t *consumed,
    size_t *produced) {
    z_stream *stream = &inflater->stream;
    uInt available = clamped(input_count), space = clamped(room);
    stream->next_in = (Bytef *)input;
    stream->avail_in = available;
    stream->next_out = output;
    stream->avail_out = space;
    int status = inflate(stream, Z_NO_FLUSH);
    *consumed = available - stream->avail_in;
    *produced = space - stream->avail_out;
    if (status == Z_STREAM_END) return inflateReset(stream) == Z_OK ? 1 : -1;
    return status == Z_OK || status == Z_BUF_ERROR ? 0 : -1;
}

uint32_t czlib_crc32(uint32_t before, const uint8_t *bytes, size_t count) {
    return (uint32_t)crc32_z(before, bytes, count);
}
