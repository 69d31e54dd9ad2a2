/* SPDX-License-Identifier: ISC */
/*
 * Names of body files: whatever the facts are, the name is relative, stays
 * below its directory, fits and is valid UTF-8. The input is lines: template,
 * host, target, media type, id.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"
#include "codec/file_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span
take_line(struct span *rest)
{
	const char *lf = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n = lf != NULL ? (size_t)(lf - rest->p) : rest->n;
	struct span line = span_of(rest->p, n);

	*rest = span_skip(*rest, lf != NULL ? n + 1 : n);
	return line;
}

static void
check_component(struct span s)
{
	size_t i;

	CHECK(s.n > 0);
	CHECK(s.p[0] != '.' && s.p[0] != '-' && s.p[0] != ' ');
	CHECK(s.p[s.n - 1] != '.' && s.p[s.n - 1] != ' ');
	for (i = 0; i < s.n; i++) {
		CHECK((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
		CHECK(strchr("\\:*?\"<>|", s.p[i]) == NULL);
		CHECK(s.p[i] == span_lower(s.p[i]));
	}
	for (i = 0; i < s.n && s.p[i] != '.'; i++)
		;
	CHECK(!span_eq(span_of(s.p, i), SPAN("con")));
	CHECK(!span_eq(span_of(s.p, i), SPAN("com1")));
}

static void
check_name(struct span name)
{
	size_t i, from = 0;

	CHECK(name.n > 0 && name.n <= FILE_NAME_MAX);
	CHECK(utf8_valid(name) == name.n);
	for (i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] != '/')
			continue;
		check_component(span_of(name.p + from, i - from));
		from = i + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of((const char *)data, size), template, bad;
	struct file_name_facts f = { .seq = size * 1000003u };
	struct buf out = { 0 };

	f.sha256 = SPAN("0123456789abcdef0123456789abcdef"
			"0123456789abcdef0123456789abcdef");
	template = take_line(&rest);
	f.host = take_line(&rest);
	f.target = take_line(&rest);
	f.type = take_line(&rest);
	f.id = take_line(&rest);
	if (file_name_check(template, &bad) != NULL) {
		CHECK(bad.n == 0 ||
		      (bad.p >= template.p &&
			  bad.p + bad.n <= template.p + template.n));
		template = SPAN("{host}/{path}{ext}");
	}
	file_name_make(&out, template, &f);
	check_name(buf_view(&out));
	buf_fini(&out);
	return 0;
}
