/* SPDX-License-Identifier: ISC */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4). */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of n more bytes; crc is that of the bytes before, 0 for none. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
