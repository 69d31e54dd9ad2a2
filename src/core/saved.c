/* SPDX-License-Identifier: ISC */
/* Writes or reads values one after another. Knows nothing of what they mean. */
#include "core/saved.h"

#include <endian.h>
#include <string.h>

#include "base/buf.h"
#include "core/origin/backoff.h"
#include "core/origin/pace.h"

#define AMOUNT_MAX 1e18
#define COUNT_MAX (1u << 30)

static void
set_bad(struct saved *s)
{
	s->is_bad = 1;
	s->from = SPAN_NONE;
}

static uint64_t
read_u64(struct saved *s)
{
	uint64_t v = 0;
	unsigned shift;
	size_t i;

	for (i = 0, shift = 0; i < s->from.n && shift < 64; i++, shift += 7) {
		v |= (uint64_t)(s->from.p[i] & 0x7f) << shift;
		if (s->from.p[i] & 0x80)
			continue;
		if (shift == 63 && (unsigned char)s->from.p[i] > 1)
			break;
		s->from = span_of(s->from.p + i + 1, s->from.n - i - 1);
		return v;
	}
	set_bad(s);
	return 0;
}

void
saved_u64(struct saved *s, uint64_t *v, uint64_t max)
{
	uint64_t left = *v < max ? *v : max;

	if (s->to == NULL) {
		*v = read_u64(s);
		if (*v > max) {
			set_bad(s);
			*v = 0;
		}
		return;
	}
	for (; left > 0x7f; left >>= 7)
		buf_char(s->to, (char)(0x80 | (left & 0x7f)));
	buf_char(s->to, (char)left);
}

void
saved_unsigned(struct saved *s, unsigned *v, unsigned max)
{
	uint64_t u = *v;

	saved_u64(s, &u, max);
	*v = (unsigned)u;
}

void
saved_us(struct saved *s, int64_t *v)
{
	uint64_t u = *v > 0 ? (uint64_t)*v : 0;

	saved_u64(s, &u, OPT_DUR_MAX);
	*v = (int64_t)u;
}

void
saved_fraction(struct saved *s, double *v, double max)
{
	uint64_t bits = 0;
	double d = *v < max ? *v : max;

	if (s->to != NULL) {
		memcpy(&bits, &d, sizeof(bits));
		bits = htole64(bits);
		buf_add(s->to, &bits, sizeof(bits));
		return;
	}
	*v = 0;
	if (s->from.n < sizeof(bits)) {
		set_bad(s);
		return;
	}
	memcpy(&bits, s->from.p, sizeof(bits));
	s->from = span_of(s->from.p + sizeof(bits), s->from.n - sizeof(bits));
	bits = le64toh(bits);
	memcpy(&d, &bits, sizeof(d));
	if (d >= 0 && d <= max) /* not so for a NaN */
		*v = d;
	else
		set_bad(s);
}

void
saved_text(struct saved *s, struct span *v)
{
	uint64_t n = v->n;

	saved_u64(s, &n, SAVED_TEXT_MAX);
	if (s->to != NULL) {
		buf_add(s->to, v->p, (size_t)n);
		return;
	}
	*v = SPAN_NONE;
	if (n > s->from.n)
		set_bad(s);
	if (n == 0 || s->is_bad)
		return;
	*v = span_of(s->from.p, (size_t)n);
	s->from = span_of(s->from.p + n, s->from.n - (size_t)n);
}

void
saved_origin(struct saved *s, struct saved_origin *o)
{
	saved_text(s, &o->origin);
	saved_unsigned(s, &o->flags, SAVED_FLAGS);
	saved_us(s, &o->held_left_us);
	saved_us(s, &o->throttle_wait_us);
	saved_us(s, &o->throttled_age_us);
	saved_unsigned(s, &o->recovery_limit, COUNT_MAX);
	saved_unsigned(s, &o->nfailed, BACKOFF_FAILED_ITEMS);
	saved_u64(s, &o->failed_seq[0], UINT64_MAX);
	saved_u64(s, &o->failed_seq[1], UINT64_MAX);
	saved_us(s, &o->down_age_us);
	saved_us(s, &o->backoff_us);
	saved_text(s, &o->last_failure);
	saved_unsigned(s, &o->window, COUNT_MAX);
	saved_unsigned(s, &o->failed_in_a_row, COUNT_MAX);
	saved_u64(s, &o->quota, INT64_MAX);
	saved_us(s, &o->quota_left_us);
	saved_fraction(s, &o->rate, AMOUNT_MAX);
	saved_fraction(s, &o->counted, AMOUNT_MAX);
	saved_fraction(s, &o->counted_us, AMOUNT_MAX);
	saved_us(s, &o->refused_age_us);
	saved_unsigned(s, &o->refusals, COUNT_MAX);
	saved_us(s, &o->pace_left_us);
	saved_us(s, &o->started_age_us);
	saved_us(s, &o->sent_age_us);
}

void
saved_budget(struct saved *s, struct saved_budget *b)
{
	saved_text(s, &b->name);
	saved_fraction(s, &b->limit, AMOUNT_MAX);
	saved_us(s, &b->window_us);
	saved_unsigned(s, &b->nparts, PACE_PARTS + 2);
}

void
saved_part(struct saved *s, struct saved_part *p)
{
	saved_us(s, &p->age_us);
	saved_fraction(s, &p->amount, AMOUNT_MAX);
}
