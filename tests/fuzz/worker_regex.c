/* SPDX-License-Identifier: ISC */
/*
 * Patterns: the first line is a pattern, the rest is a text. Matching always
 * ends and gives a list of strings.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "codec/json/json.h"
#include "worker/select/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size }, text = SPAN("");
	struct buf out = { 0 }, why = { 0 };
	struct answer a;
	struct regex *r;
	const char *line = size > 0 ? memchr(data, '\n', size) : NULL;

	if (line != NULL) {
		in.n = (size_t)(line - in.p);
		text = span_of(line + 1, size - in.n - 1);
		text.n = utf8_valid(text);
	}
	if (in.n > 256 || text.n > 4096)
		return 0;
	r = regex_new(in, &why);
	CHECK((r == NULL) == (why.n > 0));
	answer_start(&a, &out, 1 << 20);
	if (r != NULL && regex_run(r, text, &a) == 0) {
		CHECK(a.full || json_read_answer(buf_view(&out), NULL));
		CHECK(utf8_valid(buf_view(&out)) == out.n);
	} else
		CHECK(out.n == 0);
	regex_free(r);
	buf_fini(&out);
	buf_fini(&why);
	return 0;
}
