/* SPDX-License-Identifier: ISC */
/* Reads a whole file into memory, as bytes or as text. */
#include "base/read_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"

#define READ_BYTES 65536
#define BOM_BYTES 3

int
read_file_bytes(int fd, size_t max, struct buf *out)
{
	size_t start = out->n;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uint64_t)st.st_size <= max)
		buf_reserve(out, (size_t)st.st_size + READ_BYTES);
	do {
		n = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
		if (n > 0)
			out->n += (size_t)n;
	} while (n > 0 ? out->n - start <= max : n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	if (out->n - start <= max)
		return 0;
	out->n = start + max;
	return 1;
}

int
read_file_text(int fd, size_t max, struct buf *out)
{
	size_t start = out->n;
	int r = read_file_bytes(fd, max + BOM_BYTES, out);
	struct span all, text;

	if (r == -1 || out->n == start)
		return r;
	all = span_of(out->p + start, out->n - start);
	text = utf8_skip_bom(all);
	if (text.n < all.n) {
		memmove(out->p + start, text.p, text.n);
		out->n = start + text.n;
	}
	if (text.n <= max)
		return r;
	out->n = start + max;
	return 1;
}
