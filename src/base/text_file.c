/* SPDX-License-Identifier: ISC */
/* Reads a text file into memory. */
#include "base/text_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#define READ_BYTES 65536

int
text_file_read(int fd, size_t max, struct buf *out)
{
	size_t start = out->n, bom;
	ssize_t n;

	do {
		n = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
		if (n > 0)
			out->n += (size_t)n;
	} while (n > 0 ? out->n - start <= max : n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	bom = out->n - start -
	      utf8_skip_bom(span_of(out->p + start, out->n - start)).n;
	if (bom > 0) {
		memmove(
		    out->p + start, out->p + start + bom, out->n - start - bom);
		out->n -= bom;
	}
	if (out->n - start <= max)
		return 0;
	out->n = start + max;
	return 1;
}
