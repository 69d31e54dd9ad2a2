/* SPDX-License-Identifier: ISC */
/* Parses the text of one value and checks its bounds. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/message.h"
#include "codec/quantity.h"
#include "options/options_int.h"

#define HOUR_US ((int64_t)3600 * 1000000)

/* The index of p among the choices "a|b|c". */
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
say_wrong(
    struct buf *err, const struct opt_row *row, const char *text, int too_much)
{
	message_quote(err, text);
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
		message_quote(err, text);
		buf_str(err, " is not a rate (for example 10, 2.5/s, 600/min)");
	} else if (rate->amount > OPT_RATE_MAX) {
		message_quote(err, text);
		buf_printf(err, " is more than %.0f", OPT_RATE_MAX);
	} else if (rate->amount > 0 &&
		   (double)rate->per_us / rate->amount > OPT_DUR_MAX) {
		message_quote(err, text);
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
		CHECK(!"the type has no single number");
	}
	if (bad || v < min || v > max) {
		say_wrong(err, row, text, !bad);
		return -1;
	}
	*value = (int64_t)v;
	return 0;
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

int
opts_next_word(struct span *rest, struct span *word)
{
	size_t n;

	if (rest->p == NULL)
		return 0;
	for (n = 0; n < rest->n && rest->p[n] != ','; n++)
		;
	*word = span_trim(span_of(rest->p, n));
	*rest = n < rest->n ? span_skip(*rest, n + 1) : SPAN_NONE;
	return 1;
}
