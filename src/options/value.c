/* SPDX-License-Identifier: ISC */
/*
 * From a text to an option's value within its bounds, and what is said of one
 * that is not. Knows one value at a time.
 */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "codec/quantity.h"
#include "options/row.h"

#define HOUR_US ((int64_t)3600 * 1000000)
#define SHOWN_MAX 60 /* bytes of a wrong value in a message */

/* Its place among the choices "a|b|c". */
static int
parse_choice(const char *choices, const char *p, uint64_t *v)
{
	size_t n = strlen(p), len;

	for (*v = 0; *choices != '\0'; (*v)++) {
		len = strcspn(choices, "|");
		if (len == n && memcmp(choices, p, n) == 0)
			return 0;
		choices += len;
		choices += *choices == '|';
	}
	return -1;
}

/* One character, or a byte that is none; how many bytes that was. */
static size_t
show_one(struct buf *out, struct span s)
{
	size_t len = utf8_len(s);

	/* U+0080 to U+009F are controls too. */
	if (len == 0 || (unsigned char)*s.p < 0x20 || *s.p == 0x7f ||
	    (len == 2 && (unsigned char)s.p[0] == 0xc2 &&
		(unsigned char)s.p[1] < 0xa0)) {
		buf_printf(out, "\\x%02x", (unsigned char)*s.p);
		return 1;
	}
	buf_add(out, s.p, len);
	return len;
}

/* What is left after the first `max` bytes, or a little more. */
static struct span
show(struct buf *out, struct span s, size_t max)
{
	size_t len, shown;

	for (shown = 0; s.n > 0 && shown < max; shown += len) {
		len = show_one(out, s);
		s.p += len;
		s.n -= len;
	}
	return s;
}

void
opts_show(struct buf *out, const char *text)
{
	show(out, span_str(text), SIZE_MAX);
}

void
opts_quote(struct buf *out, const char *text)
{
	struct span rest;

	buf_char(out, '"');
	rest = show(out, span_str(text), SHOWN_MAX);
	buf_str(out, rest.n > 0 ? "...\"" : "\"");
}

void
opts_quote_path(struct buf *out, const char *path)
{
	buf_char(out, '"');
	opts_show(out, path);
	buf_char(out, '"');
}

/* A bound as a user would write it. */
static void
put_bound(struct buf *err, const struct opt_row *row, int64_t v)
{
	static const char units[] = "kMG";
	int i;

	if (row->type == OPT_DUR) {
		buf_printf(err, "%" PRId64 "h", v / HOUR_US);
		return;
	}
	for (i = 0; i < 3 && v > 0 && v % 1024 == 0; i++)
		v /= 1024;
	buf_printf(
	    err, "%" PRId64 "%.*s", v, i > 0, units + (i > 0 ? i - 1 : 0));
}

static void
complain(
    struct buf *err, const struct opt_row *row, const char *text, int too_much)
{
	opts_quote(err, text);
	switch (row->type) {
	case OPT_INT:
		buf_printf(err,
		    " is not a whole number from %" PRId64 " to %" PRId64,
		    row->min, row->max);
		break;
	case OPT_SIZE:
	case OPT_DUR:
		if (too_much) {
			buf_str(err, " is more than ");
			put_bound(err, row, row->max);
			break;
		}
		buf_str(
		    err, row->type == OPT_SIZE
			     ? " is not a size (for example 512, 64k, 16MB)"
			     : " is not a duration (for example 500ms, 30s, "
			       "1m30s)");
		break;
	case OPT_ENUM:
		buf_printf(err, " is not one of %s", row->meta);
		break;
	case OPT_BOOL:
	case OPT_STR:
	case OPT_LIST:
	case OPT_PATH:
	case OPT_RATE:
		buf_str(err, " is not one of on|off");
	}
}

int
opts_rate(const char *text, struct opt_rate *rate, struct buf *err)
{
	if (quantity_rate(span_str(text), &rate->amount, &rate->per_us) != 0) {
		opts_quote(err, text);
		buf_str(err, " is not a rate (for example 10, 2.5/s, 600/min)");
	} else if (rate->amount > OPT_RATE_MAX) {
		opts_quote(err, text);
		buf_printf(err, " is more than %.0f", OPT_RATE_MAX);
	} else if (rate->amount > 0 &&
		   (double)rate->per_us / rate->amount > OPT_DUR_MAX) {
		opts_quote(err, text);
		buf_str(err, " is less than 1 per year");
	} else {
		return 0;
	}
	return -1;
}

int
opts_value(const struct opt_row *row, const char *text, int64_t *value,
    struct buf *err)
{
	uint64_t v = 0, min = (uint64_t)row->min, max = (uint64_t)row->max;
	int bad = -1;

	switch (row->type) {
	case OPT_INT:
		bad = quantity_count(span_str(text), &v);
		break;
	case OPT_SIZE:
		bad = quantity_size(span_str(text), &v);
		break;
	case OPT_DUR:
		bad = quantity_duration(span_str(text), &v);
		break;
	case OPT_BOOL:
	case OPT_ENUM:
		bad = parse_choice(
		    row->type == OPT_BOOL ? "off|on" : row->meta, text, &v);
		min = 0;
		max = INT64_MAX;
		break;
	case OPT_STR:
	case OPT_LIST:
	case OPT_PATH:
	case OPT_RATE:
		CHECK(!"it has no single number");
	}
	if (bad || v < min || v > max) {
		complain(err, row, text, !bad);
		return -1;
	}
	*value = (int64_t)v;
	return 0;
}

int
opts_say(struct buf *err, enum opt id, const char *text, const char *what)
{
	buf_printf(err, "fetchd: --%s: ", opts_row(id)->name);
	opts_quote(err, text);
	buf_printf(err, " %s\n", what);
	return 2;
}

int
opts_is_name(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
			(span_lower(s.p[i]) >= 'a' &&
			    span_lower(s.p[i]) <= 'z') ||
			s.p[i] == '_' || s.p[i] == '-' || s.p[i] == '.'))
			return 0;
	return s.n > 0;
}
