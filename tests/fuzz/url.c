/* SPDX-License-Identifier: ISC */
/*
 * URLs: a parsed URL is in normal form and does not change when parsed again;
 * redacted text contains no password. The input is a URL, or a URL and a
 * reference separated by a newline.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "codec/url/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_same(const struct url *a, const struct url *b)
{
	return span_eq(url_text(a), url_text(b)) && a->scheme == b->scheme &&
	       a->host_kind == b->host_kind && a->port == b->port &&
	       a->host_at == b->host_at && a->host_n == b->host_n &&
	       a->authority_at == b->authority_at &&
	       a->authority_n == b->authority_n && a->target_at == b->target_at;
}

static void
check_parts(const struct url *u)
{
	struct span s = url_text(u), host = url_hostname(u);
	size_t i;

	CHECK(s.n > 0 && s.n <= URL_MAX && host.n > 0 && u->port > 0);
	CHECK(host.n <= URL_HOST_MAX + 1);
	for (i = 0; i < s.n; i++)
		CHECK(s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '"' &&
		      s.p[i] != '<' && s.p[i] != '>');
	for (i = 0; i < host.n; i++)
		CHECK(host.p[i] != '@' && host.p[i] != '/' &&
		      host.p[i] != '%' &&
		      !(host.p[i] >= 'A' && host.p[i] <= 'Z'));
	CHECK(memchr(host.p, ':', host.n) == NULL || u->host_kind == URL_IPV6);
	CHECK(memchr(s.p, '#', s.n) == NULL);
	CHECK(url_target(u).n > 0 && url_target(u).p[0] == '/');
	CHECK(url_origin(u).n == u->target_at);
}

/* With its fragment, as a redirect keeps it until its hop is sent. */
static void
check_kept(const struct url *u)
{
	struct url again = { 0 };
	struct buf kept = { 0 };
	const char *why;
	size_t at;

	buf_span(&kept, url_text(u));
	buf_char(&kept, '#');
	buf_span(&kept, buf_view(&u->fragment));
	CHECK(kept.n <= URL_MAX + (u->fragment.n == 0));
	if (u->fragment.n > 0) {
		CHECK(url_parse(&again, buf_view(&kept), &why, &at) == E_OK);
		CHECK(is_same(u, &again));
	}
	url_fini(&again);
	buf_fini(&kept);
}

/* Equal to the previous URL except for fragment and user. */
static void
check_again(const struct url *u)
{
	struct url again = { 0 };
	const char *why;
	size_t at;

	check_kept(u);

	CHECK(url_parse(&again, url_text(u), &why, &at) == E_OK);
	CHECK(is_same(u, &again));
	CHECK(!again.has_user && again.fragment.n == 0);
	CHECK(url_resolve(&again, u, SPAN("")) == E_OK);
	CHECK(is_same(u, &again));
	url_fini(&again);
}

static void
check_redacted(const struct url *u, struct span in)
{
	struct url again = { 0 };
	struct buf out = { 0 };
	const char *why;
	size_t at;

	url_redact(&out, in);
	if (u->password.n == 0 && !span_eq(buf_view(&out), in))
		CHECK(u->has_user); /* "u:@h" */
	CHECK(u->user.n == 0 || memchr(u->user.p, ':', u->user.n) == NULL);
	if (out.n <= URL_MAX) { /* an empty password makes it longer */
		CHECK(url_parse(&again, buf_view(&out), &why, &at) == E_OK);
		CHECK(is_same(u, &again));
		CHECK(span_eq(buf_view(&u->user), buf_view(&again.user)));
		CHECK(again.password.n == 0 ||
		      span_eq(buf_view(&again.password), SPAN("***")));
		CHECK((u->password.n == 0) || again.password.n > 0);
	}
	url_fini(&again);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size }, ref = SPAN_NONE;
	struct url u = { 0 }, v = { 0 };
	struct buf out = { 0 };
	const char *why, *line;
	size_t at;

	line = size > 0 ? memchr(data, '\n', size) : NULL;
	if (line != NULL) {
		in.n = (size_t)(line - in.p);
		ref = span_of(line + 1, size - in.n - 1);
	}
	if (url_parse(&u, in, &why, &at) != E_OK) {
		CHECK(u.text.n == 0 && why != NULL && at <= in.n);
		url_redact(&out, in);
		CHECK(out.n <= in.n + 3);
		out.n = 0;
		url_redact_cut(&out, in);
		CHECK(out.n <= in.n + 3);
	} else {
		check_parts(&u);
		check_again(&u);
		if (!url_has_stray_scheme(in))
			check_redacted(&u, in);
		if (url_resolve(&v, &u, ref) == E_OK) {
			check_parts(&v);
			check_again(&v);
			CHECK(!v.has_user && v.user.n + v.password.n == 0);
		} else
			CHECK(v.text.n == 0);
	}
	buf_fini(&out);
	url_fini(&v);
	url_fini(&u);
	return 0;
}
