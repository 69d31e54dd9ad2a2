/* SPDX-License-Identifier: ISC */
/*
 * What a person at a terminal gets to see: the short text line of an item, and
 * JSON lines, without a control byte.
 */
#include "base/utf8.h"
#include "codec/record.h"

/* For a terminal: no control byte, C0, DEL or C1, is let through. */
static void
add_visible(struct buf *out, struct span s)
{
	unsigned char c;
	size_t i, n;

	for (i = 0; i < s.n; i += n) {
		c = (unsigned char)s.p[i];
		n = utf8_len(span_of(s.p + i, s.n - i));
		if (n == 0) {
			n = 1;
			buf_str(out, "\xef\xbf\xbd");
		} else if (c < 0x20 || c == 0x7f ||
			   (c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0))
			buf_char(out, '?');
		else
			buf_add(out, s.p + i, n);
	}
}

/* "999", "1.2k", "12k", "3.4M": 1024 to the k. */
static void
add_size(struct buf *out, uint64_t v)
{
	static const char unit[] = "kMGTPE";
	uint64_t tenths;
	int i;

	if (v < 1000) {
		buf_u64(out, v);
		return;
	}
	for (i = 0; v >= 1000 * 1024ULL; i++)
		v /= 1024;
	tenths = v * 10 / 1024;
	buf_u64(out, tenths / 10);
	if (tenths < 100) {
		buf_char(out, '.');
		buf_u64(out, tenths % 10);
	}
	buf_char(out, unit[i]);
}

static void
add_seconds(struct buf *out, int64_t us)
{
	buf_printf(out, "%lld.%03llds", (long long)(us < 0 ? 0 : us) / 1000000,
	    (long long)(us < 0 ? 0 : us) / 1000 % 1000);
}

void
record_write_text(struct buf *out, const struct record *r)
{
	struct span what = r->url;

	if (what.p == NULL && r->error != E_OK && r->errormsg.n > 0)
		what = r->errormsg; /* it names the line */
	else if (what.p == NULL)
		what = r->input;
	if (r->status_code > 0)
		buf_i64(out, r->status_code);
	else
		buf_str(out, "---");
	buf_str(out, "  ");
	if (r->error != E_OK)
		buf_str(out, error_code(r->error));
	else
		add_size(out, r->size_download);
	buf_str(out, "  ");
	add_seconds(out, r->time_item);
	buf_str(out, "  ");
	add_visible(out, what);
	buf_char(out, '\n');
}

/* Bytes of a character that a terminal may obey, 0 if it is none. */
static size_t
control_bytes(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (p[0] == 0x7f)
		return 1;
	return s.n > 1 && p[0] == 0xc2 && p[1] < 0xa0 ? 2 : 0;
}

void
record_spare_terminal(struct buf *b, size_t from)
{
	struct span s = span_of(b->p + from, b->n - from);
	struct buf out = { 0 };
	size_t i, n;

	if (s.n == 0)
		return;
	for (i = 0; i < s.n; i++) {
		n = control_bytes(span_of(s.p + i, s.n - i));
		if (n == 0) {
			buf_char(&out, s.p[i]);
			continue;
		}
		i += n - 1;
		buf_printf(&out, "\\u00%02x", (unsigned char)s.p[i]);
	}
	b->n = from;
	buf_span(b, buf_view(&out));
	buf_fini(&out);
}
