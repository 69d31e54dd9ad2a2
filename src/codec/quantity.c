/* SPDX-License-Identifier: ISC */
/*
 * Parses numbers with units. Ambiguous spellings are rejected: "5M" is not a
 * duration, and in "1h30" the unit of 30 is missing.
 */
#include "codec/quantity.h"

#define SECOND_US 1000000ULL
#define BILLION 1000000000ULL

struct number {
	uint64_t whole;
	uint64_t billionths; /* the fraction, rounded up */
};

static const struct {
	const char *name;
	uint64_t us;
} units[] = {
	{ "ms", SECOND_US / 1000 },
	{ "msec", SECOND_US / 1000 },
	{ "msecs", SECOND_US / 1000 },
	{ "millisecond", SECOND_US / 1000 },
	{ "milliseconds", SECOND_US / 1000 },
	{ "s", SECOND_US },
	{ "sec", SECOND_US },
	{ "secs", SECOND_US },
	{ "second", SECOND_US },
	{ "seconds", SECOND_US },
	{ "m", 60 * SECOND_US },
	{ "min", 60 * SECOND_US },
	{ "mins", 60 * SECOND_US },
	{ "minute", 60 * SECOND_US },
	{ "minutes", 60 * SECOND_US },
	{ "h", 3600 * SECOND_US },
	{ "hr", 3600 * SECOND_US },
	{ "hrs", 3600 * SECOND_US },
	{ "hour", 3600 * SECOND_US },
	{ "hours", 3600 * SECOND_US },
	{ "d", 86400 * SECOND_US },
	{ "day", 86400 * SECOND_US },
	{ "days", 86400 * SECOND_US },
};

static int
starts_with_digit(struct span s)
{
	return s.n > 0 && span_is_digit(*s.p);
}

static void
skip_blanks(struct span *s)
{
	while (s->n > 0 && (*s->p == ' ' || *s->p == '\t'))
		span_drop(s, 1);
}

/* a * b + c, or QUANTITY_TOO_MUCH. */
static uint64_t
mul_add(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t r;

	if (__builtin_mul_overflow(a, b, &r) ||
	    __builtin_add_overflow(r, c, &r))
		return QUANTITY_TOO_MUCH;
	return r;
}

static uint64_t
take_digits(struct span *s)
{
	uint64_t v = 0;

	for (; starts_with_digit(*s); span_drop(s, 1))
		v = mul_add(v, 10, (uint64_t)(*s->p - '0'));
	return v;
}

/* The digits after a point, rounded up. */
static uint64_t
take_billionths(struct span *s)
{
	uint64_t v = 0, rest = 0;
	int n;

	for (n = 0; starts_with_digit(*s); span_drop(s, 1), n++) {
		if (n < 9)
			v = v * 10 + (uint64_t)(*s->p - '0');
		else
			rest |= (uint64_t)(*s->p - '0');
	}
	for (; n < 9; n++)
		v *= 10;
	return v + (rest != 0);
}

/* "2", "2.5" or ".5", but not "." or "2." */
static int
take_number(struct span *s, struct number *v)
{
	struct span after;

	v->whole = v->billionths = 0;
	if (!starts_with_digit(*s) && !(s->n > 0 && *s->p == '.'))
		return -1;
	v->whole = take_digits(s);
	if (s->n == 0 || *s->p != '.')
		return 0;
	after = span_of(s->p + 1, s->n - 1);
	if (!starts_with_digit(after))
		return -1;
	*s = after;
	v->billionths = take_billionths(s);
	return 0;
}

static uint64_t
times(struct number v, uint64_t unit)
{
	/* billionths * unit / BILLION, rounded up, without overflow. */
	uint64_t part = v.billionths * (unit / BILLION);

	part += (v.billionths * (unit % BILLION) + BILLION - 1) / BILLION;
	return mul_add(v.whole, unit, part);
}

static struct span
take_word(struct span *s)
{
	struct span word = *s;

	while (s->n > 0 && span_is_letter(*s->p))
		span_drop(s, 1);
	word.n -= s->n;
	return word;
}

/* 0 if the word is not a unit. Single letters are case-sensitive: "M" is not a
 * minute. */
static uint64_t
unit_us(struct span word)
{
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (span_eq(word, span_str(units[i].name)) ||
		    (word.n > 1 && span_ieq(word, span_str(units[i].name))))
			return units[i].us;
	return 0;
}

int
quantity_count(struct span s, uint64_t *v)
{
	s = span_trim(s);
	if (!starts_with_digit(s))
		return -1;
	*v = take_digits(&s);
	return s.n == 0 ? 0 : -1;
}

int
quantity_duration(struct span s, uint64_t *us)
{
	uint64_t unit, last = 0;
	struct number v;

	s = span_trim(s);
	*us = 0;
	do {
		if (take_number(&s, &v) != 0)
			return -1;
		skip_blanks(&s);
		unit =
		    s.n == 0 && last == 0 ? SECOND_US : unit_us(take_word(&s));
		if (unit == 0 || (last != 0 && unit >= last))
			return -1;
		last = unit;
		*us = mul_add(*us, 1, times(v, unit));
		skip_blanks(&s);
	} while (s.n > 0);
	return 0;
}

/* 0 if the word is not a unit of bytes. */
static uint64_t
unit_bytes(struct span word)
{
	static const char prefixes[] = "kmgt";
	uint64_t unit = 1;
	size_t i;

	if (word.n == 0 || span_ieq(word, SPAN("b")) ||
	    span_ieq(word, SPAN("byte")) || span_ieq(word, SPAN("bytes")))
		return 1;
	for (i = 0; prefixes[i] != '\0'; i++) {
		unit *= 1024;
		if (span_lower(*word.p) != prefixes[i])
			continue;
		span_drop(&word, 1);
		return word.n == 0 || span_ieq(word, SPAN("b")) ||
			       span_ieq(word, SPAN("ib"))
			   ? unit
			   : 0;
	}
	return 0;
}

int
quantity_size(struct span s, uint64_t *bytes)
{
	struct number v;
	uint64_t unit;

	s = span_trim(s);
	if (take_number(&s, &v) != 0)
		return -1;
	skip_blanks(&s);
	unit = unit_bytes(take_word(&s));
	if (unit == 0 || s.n > 0 || (unit == 1 && v.billionths > 0))
		return -1;
	*bytes = times(v, unit);
	return 0;
}

int
quantity_rate(struct span s, double *amount, int64_t *per_us)
{
	uint64_t unit = SECOND_US;
	struct number v;

	s = span_trim(s);
	if (take_number(&s, &v) != 0)
		return -1;
	skip_blanks(&s);
	if (s.n > 0) {
		if (*s.p != '/')
			return -1;
		span_drop(&s, 1);
		skip_blanks(&s);
		unit = unit_us(take_word(&s));
		if (unit < SECOND_US || unit > 3600 * SECOND_US || s.n > 0)
			return -1;
	}
	*amount = (double)v.whole + (double)v.billionths / 1e9;
	*per_us = (int64_t)unit;
	return 0;
}
