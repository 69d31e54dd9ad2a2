/* SPDX-License-Identifier: ISC */
/*
 * Numbers, sizes, durations and choices as users write them. Knows one value
 * at a time.
 */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "options_row.h"

#define SHOWN_MAX 60 /* bytes of a wrong value in a message */

/* Too large for any row, yet safe to compare. */
#define TOO_MUCH UINT64_MAX

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* a * b + c, TOO_MUCH if that does not fit. */
static uint64_t
mul_add(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t r;

	if (__builtin_mul_overflow(a, b, &r) ||
	    __builtin_add_overflow(r, c, &r))
		return TOO_MUCH;
	return r;
}

/* Reads the digits at *p; 0 if there are none. */
static uint64_t
parse_digits(const char **p)
{
	uint64_t v = 0;

	for (; is_digit(**p); (*p)++)
		v = mul_add(v, 10, (uint64_t)(**p - '0'));
	return v;
}

static int
parse_int(const char *p, uint64_t *v)
{
	if (!is_digit(*p))
		return -1;
	*v = parse_digits(&p);
	return *p == '\0' ? 0 : -1;
}

static int
parse_size(const char *p, uint64_t *v)
{
	uint64_t unit = 1;

	if (!is_digit(*p))
		return -1;
	*v = parse_digits(&p);
	switch (*p) {
	case 'g':
	case 'G':
		unit <<= 10;
		/* FALLTHROUGH */
	case 'm':
	case 'M':
		unit <<= 10;
		/* FALLTHROUGH */
	case 'k':
	case 'K':
		unit <<= 10;
		p++;
	}
	*v = mul_add(*v, unit, 0);
	return *p == '\0' ? 0 : -1;
}

static uint64_t
unit_us(const char *p)
{
	if (strcmp(p, "ms") == 0)
		return 1000;
	if (strcmp(p, "s") == 0 || *p == '\0')
		return 1000000;
	if (strcmp(p, "m") == 0)
		return 60 * 1000000ULL;
	if (strcmp(p, "h") == 0)
		return 3600 * 1000000ULL;
	return 0;
}

/*
 * The digits behind a point, as parts of a billion, rounded up so that what is
 * not zero does not become zero, which would mean no limit.
 */
static uint64_t
parse_fraction(const char **p)
{
	uint64_t v = 0, rest = 0;
	int n;

	for (n = 0; is_digit(**p); (*p)++, n++) {
		if (n < 9)
			v = v * 10 + (uint64_t)(**p - '0');
		else
			rest |= (uint64_t)(**p - '0');
	}
	for (; n < 9; n++)
		v *= 10;
	return v + (rest != 0);
}

/* "2", "2.5", ".5". */
static int
parse_decimal(const char **p, uint64_t *whole, uint64_t *billionths)
{
	*billionths = 0;
	if (!is_digit(**p) && !(**p == '.' && is_digit((*p)[1])))
		return -1;
	*whole = parse_digits(p);
	if (**p != '.')
		return 0;
	(*p)++;
	if (!is_digit(**p))
		return -1;
	*billionths = parse_fraction(p);
	return 0;
}

static int
parse_duration(const char *p, uint64_t *v)
{
	uint64_t whole, unit, billionths;

	if (parse_decimal(&p, &whole, &billionths) != 0)
		return -1;
	unit = unit_us(p);
	if (unit == 0)
		return -1;
	*v = mul_add(whole, unit, (billionths * unit + 999999999) / 1000000000);
	return 0;
}

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

/* A bound as a user would write it. */
static void
put_bound(struct buf *err, const struct opt_row *row, int64_t v)
{
	static const char units[] = "kMG";
	int i;

	if (row->type == OPT_DUR) {
		buf_printf(err, "%" PRId64 "h", v / (int64_t)unit_us("h"));
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
		buf_str(err,
		    row->type == OPT_SIZE
			? " is not a size (for example 512, 64k, 16M)"
			: " is not a duration (for example 500ms, 30s, 5m)");
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

static int
parse_rate(const char *p, struct opt_rate *rate)
{
	uint64_t whole, billionths, unit = 1000000;

	if (parse_decimal(&p, &whole, &billionths) != 0)
		return -1;
	if (*p == '/') {
		p++;
		unit = p[0] != '\0' && p[1] == '\0' ? unit_us(p) : 0;
	} else if (*p != '\0')
		return -1;
	rate->amount = (double)whole + (double)billionths / 1e9;
	rate->per_us = (int64_t)unit;
	return unit != 0 ? 0 : -1;
}

int
opts_rate(const char *text, struct opt_rate *rate, struct buf *err)
{
	if (parse_rate(text, rate) != 0) {
		opts_quote(err, text);
		buf_str(err, " is not a rate (for example 10, 2.5/s, 600/m)");
	} else if (rate->amount > OPT_RATE_MAX) {
		opts_quote(err, text);
		buf_printf(err, " is more than %.0f", OPT_RATE_MAX);
	} else if (rate->amount > 0 &&
		   (double)rate->per_us / rate->amount > OPT_DUR_MAX) {
		opts_quote(err, text);
		buf_str(err, " is less than one a year");
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
		bad = parse_int(text, &v);
		break;
	case OPT_SIZE:
		bad = parse_size(text, &v);
		break;
	case OPT_DUR:
		bad = parse_duration(text, &v);
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
