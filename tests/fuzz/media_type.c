/* SPDX-License-Identifier: ISC */
/*
 * Content-Type values: the result is as media_type.h specifies, survives being
 * written and parsed again, and of two types in a list the second counts. A NUL
 * separates the value from the body used for sniffing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "codec/http/http.h"
#include "codec/media_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A copy of the exact size, so that AddressSanitizer detects a read past its
 * end.
 */
static char *
copy(struct span s)
{
	char *p = mem_alloc(s.n);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

static void
check_promises(const struct media_type *m, struct span value)
{
	const char *slash;
	size_t i;

	CHECK(m->type.n + m->charset.n <= value.n);
	for (i = 0; i < m->type.n; i++)
		CHECK(m->type.p[i] == span_lower(m->type.p[i]));
	for (i = 0; i < m->charset.n; i++)
		CHECK(m->charset.p[i] == span_lower(m->charset.p[i]));
	if (m->type.n == 0)
		return;
	slash = memchr(m->type.p, '/', m->type.n);
	CHECK(slash != NULL);
	i = (size_t)(slash - m->type.p);
	CHECK(http_is_token(span_of(m->type.p, i)));
	CHECK(http_is_token(span_of(slash + 1, m->type.n - i - 1)));
	CHECK(!span_eq(m->type, SPAN("*/*")));
}

static void
write_again(struct buf *out, const struct media_type *m)
{
	size_t i;

	buf_span(out, m->type);
	if (m->charset.p == NULL)
		return;
	buf_str(out, ";charset=\"");
	for (i = 0; i < m->charset.n; i++) {
		if (m->charset.p[i] == '"' || m->charset.p[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, m->charset.p[i]);
	}
	buf_char(out, '"');
}

static void
check_again(const struct media_type *m)
{
	struct media_type again = { 0 };
	struct buf b = { 0 };

	buf_str(&b, "x/y;charset=z, ");
	write_again(&b, m);
	media_type_read(&again, buf_view(&b));
	if (m->type.n == 0 || span_eq(m->type, SPAN("x/y")))
		CHECK(span_eq(again.type, SPAN("x/y")));
	else {
		CHECK(span_eq(again.type, m->type));
		CHECK(span_eq(again.charset, m->charset));
		CHECK((again.charset.p != NULL) == (m->charset.p != NULL));
	}
	media_type_fini(&again);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size }, value = in, body = in;
	const char *nul = size > 0 ? memchr(in.p, '\0', in.n) : NULL;
	struct media_type m = { 0 };
	char *v, *b;

	body.n = 0;
	if (nul != NULL) {
		value.n = (size_t)(nul - in.p);
		body = span_of(nul + 1, in.n - value.n - 1);
	}
	v = copy(value);
	b = copy(body);
	media_type_read(&m, span_of(v, value.n));
	check_promises(&m, value);
	check_again(&m);
	CHECK(media_type_kind(&m, span_of(b, body.n)) <= MEDIA_OTHER);
	(void)media_type_may_be_json(m.type);
	media_type_fini(&m);
	free(v);
	free(b);
	return 0;
}
