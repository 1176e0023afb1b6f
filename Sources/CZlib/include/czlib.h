#ifndef CZLIB_H
#define CZLIB_H
#include <stddef.h>
#include <stdint.h>

/// The state of one gzip member that is being inflated.
typedef struct czlib_inflater czlib_inflater;

/// NULL when there is no memory for it.
czlib_inflater *czlib_open(void);
void czlib_close(czlib_inflater *inflater);

/// Inflates as much as there is input and room for.
///
/// Returns 0 when it can go on, 1 when the member has ended and its checksum is right (the next call begins another
/// one), and -1 when the bytes are not gzip or damaged.
int czlib_inflate(
    czlib_inflater *inflater, const uint8_t *input, size_t input_count, uint8_t *output, size_t room, size_t *consumed,
    size_t *produced);

/// The CRC-32 of bytes that follow others, whose CRC-32 is `before`; 0 before the first.
uint32_t czlib_crc32(uint32_t before, const uint8_t *bytes, size_t count);

#endif
