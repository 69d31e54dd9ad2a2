/* SPDX-License-Identifier: ISC */
/*
 * Parses dates with a cursor that takes literals, numbers and names. Days are
 * counted in years that begin in March, so that a leap day is the last day.
 */
#include "codec/http/date.h"

#define S_PER_DAY 86400
#define S_PER_YEAR 31556952    /* on average */
#define CLOCK_MAX 251824463999 /* the end of the year 9949 */
#define US_PER_S 1000000

struct civil {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
};

static const char month_names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char day_names[] = "monday   tuesday  wednesdaythursday friday   "
				"saturday sunday   ";
#define DAY_WIDTH 9

/* ---- the cursor: each removes from the front of *s, or returns -1 ---- */

static int
take_text(struct span *s, struct span text)
{
	if (!span_istarts(*s, text))
		return -1;
	span_drop(s, text.n);
	return 0;
}

static int
take_number(struct span *s, size_t digits, int *v)
{
	*v = 0;
	for (; digits > 0; digits--) {
		if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
			return -1;
		*v = *v * 10 + (s->p[0] - '0');
		s->p++;
		s->n--;
	}
	return 0;
}

/* As asctime writes it: below 10 a space replaces the first digit. */
static int
take_blank_padded(struct span *s, int *v)
{
	if (take_text(s, SPAN(" ")) == 0)
		return take_number(s, 1, v);
	return take_number(s, 2, v);
}

static int
take_month(struct span *s, int *v)
{
	for (*v = 1; *v <= 12; ++*v)
		if (take_text(s, span_of(month_names + 3 * (*v - 1), 3)) == 0)
			return 0;
	return -1;
}

/* The name of a day: its first three letters, or the whole name. */
static int
take_day_name(struct span *s, int is_short)
{
	struct span name;
	size_t i;

	for (i = 0; i < 7; i++) {
		name = span_of(day_names + i * DAY_WIDTH, DAY_WIDTH);
		name = span_trim(name);
		if (is_short)
			name.n = 3;
		if (take_text(s, name) == 0)
			return 0;
	}
	return -1;
}

static int
take_time(struct span *s, struct civil *c)
{
	if (take_number(s, 2, &c->hour) == -1 ||
	    take_text(s, SPAN(":")) == -1 ||
	    take_number(s, 2, &c->minute) == -1 ||
	    take_text(s, SPAN(":")) == -1 ||
	    take_number(s, 2, &c->second) == -1)
		return -1;
	return 0;
}

/* ---- the forms ---- */

/* The part after ", ". */
static int
parse_imf(struct span s, struct civil *c)
{
	if (take_number(&s, 2, &c->day) == -1 ||
	    take_text(&s, SPAN(" ")) == -1 || take_month(&s, &c->month) == -1 ||
	    take_text(&s, SPAN(" ")) == -1 ||
	    take_number(&s, 4, &c->year) == -1 ||
	    take_text(&s, SPAN(" ")) == -1 || take_time(&s, c) == -1 ||
	    take_text(&s, SPAN(" GMT")) == -1)
		return -1;
	return s.n == 0 ? 0 : -1;
}

/* The part after ", ". The year has two digits. */
static int
parse_rfc850(struct span s, struct civil *c)
{
	if (take_number(&s, 2, &c->day) == -1 ||
	    take_text(&s, SPAN("-")) == -1 || take_month(&s, &c->month) == -1 ||
	    take_text(&s, SPAN("-")) == -1 ||
	    take_number(&s, 2, &c->year) == -1 ||
	    take_text(&s, SPAN(" ")) == -1 || take_time(&s, c) == -1 ||
	    take_text(&s, SPAN(" GMT")) == -1)
		return -1;
	return s.n == 0 ? 0 : -1;
}

/* The part after "Sun ". */
static int
parse_asctime(struct span s, struct civil *c)
{
	if (take_month(&s, &c->month) == -1 || take_text(&s, SPAN(" ")) == -1 ||
	    take_blank_padded(&s, &c->day) == -1 ||
	    take_text(&s, SPAN(" ")) == -1 || take_time(&s, c) == -1 ||
	    take_text(&s, SPAN(" ")) == -1 ||
	    take_number(&s, 4, &c->year) == -1)
		return -1;
	return s.n == 0 ? 0 : -1;
}

/* ---- the calendar ---- */

static int
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
is_civil(const struct civil *c)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int most;

	if (c->month < 1 || c->month > 12)
		return 0;
	most = days[c->month - 1] + (c->month == 2 && is_leap(c->year));
	return c->day >= 1 && c->day <= most && c->hour <= 23 &&
	       c->minute <= 59 && c->second <= 60;
}

/* The year is at least 0. The day may be one that the year does not have. */
static int64_t
unix_of(const struct civil *c)
{
	int64_t y = c->month <= 2 ? c->year - 1 : c->year, days;
	int month = c->month <= 2 ? c->month + 9 : c->month - 3;

	y += 400; /* not below 0 */
	days = y * 365 + y / 4 - y / 100 + y / 400;
	days += (153 * month + 2) / 5 + c->day - 1;
	days -= 719468 + 146097; /* 1970-01-01, and those 400 years */
	return days * S_PER_DAY + c->hour * 3600 + c->minute * 60 + c->second;
}

/*
 * Completes a year of two digits (RFC 9110 section 5.6.7): the latest year that
 * is no more than 50 years in the future. 51 because the current year is
 * computed from the average year and may be off by one.
 */
static void
set_century(struct civil *c, int64_t now_s)
{
	struct civil earlier = *c;
	int latest;

	now_s = now_s < 0 ? 0 : now_s > CLOCK_MAX ? CLOCK_MAX : now_s;
	latest = (int)(1970 + now_s / S_PER_YEAR) + 51;
	c->year = latest - (latest - c->year) % 100;
	earlier.year = c->year - 50;
	if (unix_of(&earlier) > now_s)
		c->year -= 100;
}

int
http_date_parse(struct span s, int64_t now_s, int64_t *unix_s)
{
	struct civil c = { 0 };
	int r, is_short;

	s = span_trim(s);
	is_short = s.n > 3 && (s.p[3] == ',' || s.p[3] == ' ');
	if (take_day_name(&s, is_short) == -1)
		return -1;
	if (is_short && take_text(&s, SPAN(" ")) == 0)
		r = parse_asctime(s, &c);
	else if (take_text(&s, SPAN(", ")) == -1)
		return -1;
	else if (is_short)
		r = parse_imf(s, &c);
	else if ((r = parse_rfc850(s, &c)) == 0)
		set_century(&c, now_s);
	if (r == -1 || !is_civil(&c))
		return -1;
	*unix_s = unix_of(&c);
	return 0;
}

/* ---- RFC 3339 ---- */

/* Any number of digits; those below a microsecond are ignored. */
static int
take_fraction(struct span *s, int64_t *us)
{
	int64_t place = US_PER_S;
	int digit;

	*us = 0;
	if (take_text(s, SPAN(".")) == -1)
		return 0;
	if (take_number(s, 1, &digit) == -1)
		return -1;
	do {
		place /= 10;
		*us += digit * place;
	} while (take_number(s, 1, &digit) == 0);
	return 0;
}

static int
take_offset(struct span *s, int64_t *seconds)
{
	int sign = -1, hours, minutes;

	*seconds = 0;
	if (take_text(s, SPAN("Z")) == 0)
		return 0;
	if (take_text(s, SPAN("-")) == 0)
		sign = 1;
	else if (take_text(s, SPAN("+")) == -1)
		return -1;
	if (take_number(s, 2, &hours) == -1 || take_text(s, SPAN(":")) == -1 ||
	    take_number(s, 2, &minutes) == -1 || hours > 23 || minutes > 59)
		return -1;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int
http_date_rfc3339(struct span s, int64_t *unix_us)
{
	struct civil c = { 0 };
	int64_t us, offset;

	s = span_trim(s);
	if (take_number(&s, 4, &c.year) == -1 ||
	    take_text(&s, SPAN("-")) == -1 ||
	    take_number(&s, 2, &c.month) == -1 ||
	    take_text(&s, SPAN("-")) == -1 ||
	    take_number(&s, 2, &c.day) == -1 ||
	    take_text(&s, SPAN("T")) == -1 || take_time(&s, &c) == -1 ||
	    take_fraction(&s, &us) == -1 || take_offset(&s, &offset) == -1 ||
	    s.n > 0 || !is_civil(&c))
		return -1;
	*unix_us = (unix_of(&c) + offset) * US_PER_S + us;
	return 0;
}
