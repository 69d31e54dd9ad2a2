/* SPDX-License-Identifier: ISC */
/*
 * What is known of a name, as an answer: the addresses of both families in the
 * order to try, or the one error that says most. Knows nothing of look-ups.
 */
#include "io/dns/resolve_int.h"

/* ---- what is known of a name -------------------------------------------- */

int
resolve_answer_is_usable(const struct resolve_name *nm,
    const struct resolve_known *kn, int64_t now_us)
{
	return kn->learned_at_us != 0 && kn->q == NULL &&
	       (kn->until_at_us > now_us || kn->batch == nm->batch);
}

struct resolve_view
resolve_answer_look(
    const struct resolve *r, const struct resolve_name *nm, int64_t now_us)
{
	struct resolve_view v = { 0, 0, 0 };
	const struct resolve_known *kn;
	int f;

	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		kn = &nm->known[f];
		if (!r->use[f])
			continue;
		v.pending += kn->q != NULL;
		if (!resolve_answer_is_usable(nm, kn, now_us))
			continue;
		v.found += kn->set.n > 0;
		v.absent += kn->err == E_DNS_NXDOMAIN;
	}
	return v;
}

/* ---- answers ------------------------------------------------------------ */

static void
put_addr(
    struct resolve_answer *a, enum resolve_family f, const unsigned char *raw)
{
	union resolve_addr *out = &a->addr[a->n++];

	memset(out, 0, sizeof(*out));
	if (f == RESOLVE_V6) {
		out->in6.sin6_family = AF_INET6;
		memcpy(&out->in6.sin6_addr, raw, 16);
	} else {
		out->in.sin_family = AF_INET;
		memcpy(&out->in.sin_addr, raw, 4);
	}
}

static void
put_sets(
    struct resolve_answer *a, const struct resolve_set set[RESOLVE_FAMILIES])
{
	unsigned i;
	int f;

	a->n = 0;
	for (i = 0; i < RESOLVE_MAX_ADDRS; i++)
		for (f = 0; f < RESOLVE_FAMILIES; f++)
			if (i < set[f].n && a->n < RESOLVE_MAX_ADDRS)
				put_addr(a, (enum resolve_family)f,
				    set[f].addr +
					i * resolve_addr_len(
						(enum resolve_family)f));
}

void
resolve_answer_fail(struct resolve_answer *a, enum err err, const char *detail,
    int64_t until_at_us)
{
	a->err = err;
	a->detail = detail;
	a->n = 0;
	a->is_absent = 0;
	a->until_at_us = until_at_us;
}

static void
note_error(struct resolve_answer *a, enum err err, const char *detail)
{
	if (a->err == E_OK || resolve_reply_says_more(err, a->err)) {
		a->err = err;
		a->detail = detail;
	}
}

static void
explain_absence(const struct resolve *r, const struct resolve_name *nm,
    int64_t now_us, struct resolve_answer *a)
{
	const struct resolve_known *kn;
	int f;

	resolve_answer_fail(a, E_OK, NULL, TIMER_NEVER);
	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		kn = &nm->known[f];
		if (!r->use[f])
			continue;
		if (resolve_answer_is_usable(nm, kn, now_us)) {
			note_error(a, kn->err, kn->detail);
			a->is_absent |= kn->err == E_DNS_NXDOMAIN;
			if (kn->until_at_us < a->until_at_us)
				a->until_at_us = kn->until_at_us;
			continue;
		}
		note_error(a, E_DNS_TIMEOUT, "TIMEOUT");
		if (kn->q != NULL)
			note_error(a, kn->q->err, kn->q->detail);
	}
	if (a->until_at_us == TIMER_NEVER)
		a->until_at_us = now_us;
}

void
resolve_answer_known(const struct resolve *r, const struct resolve_name *nm,
    int64_t now_us, struct resolve_answer *a)
{
	struct resolve_set set[RESOLVE_FAMILIES] = { { 0, NULL }, { 0, NULL } };
	const struct resolve_known *kn;
	int64_t until_at_us = TIMER_NEVER;
	int f, n = 0;

	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		kn = &nm->known[f];
		if (r->use[f] && kn->q != NULL && until_at_us > now_us)
			/* The other family is open: use this half for a
			 * short time only. */
			until_at_us = until_at_us < now_us + RESOLVE_WAITER_US
					  ? until_at_us
					  : now_us + RESOLVE_WAITER_US;
		if (!r->use[f] || kn->set.n == 0 ||
		    !resolve_answer_is_usable(nm, kn, now_us))
			continue;
		set[f] = kn->set;
		n++;
		if (kn->until_at_us < until_at_us)
			until_at_us = kn->until_at_us;
	}
	if (n == 0) {
		explain_absence(r, nm, now_us, a);
		return;
	}
	a->err = E_OK;
	a->detail = NULL;
	a->is_absent = 0;
	a->until_at_us = until_at_us;
	put_sets(a, set);
}

void
resolve_answer_fixed(const struct resolve *r, struct resolve_fixed_answer *fa,
    struct resolve_answer *a)
{
	int f;

	for (f = 0; f < RESOLVE_FAMILIES; f++)
		if (!r->use[f])
			fa->set[f].n = 0;
	put_sets(a, fa->set);
	a->err = E_OK;
	a->detail = NULL;
	a->is_absent = 0;
	a->until_at_us = TIMER_NEVER;
	if (a->n == 0)
		resolve_answer_fail(a, E_DNS_NODATA, "NODATA", TIMER_NEVER);
}
