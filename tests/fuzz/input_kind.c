/* SPDX-License-Identifier: ISC */
/*
 * Recognition of files that are not lists: stays within bounds, and never
 * refuses a JSON request or a line with a single URL.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "codec/input_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of((const char *)data, size);
	struct buf out = { 0 }, list = { 0 };
	int is_refused = input_kind_refuse(&out, in, "F");

	CHECK(is_refused == (out.n > 0));
	(void)input_kind_has_two(in);
	buf_str(&list, "http://h.test/\n");
	if (in.n < 4096 && memchr(in.p, '\0', in.n) == NULL) {
		buf_span(&list, in);
		out.n = 0;
		if (input_kind_refuse(&out, buf_view(&list), "F"))
			CHECK(memmem(out.p, out.n, "not text", 8) != NULL);
	}
	buf_fini(&out);
	buf_fini(&list);
	return 0;
}
