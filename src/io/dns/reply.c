/* SPDX-License-Identifier: ISC */
/*
 * Parses a name server's reply. c-ares has matched it with its query (id, name,
 * type, address); nothing else of it is trusted. Knows no cache, no server and
 * no clock.
 */
#include "io/dns/resolve_int.h"

enum { T_A = 1, T_CNAME = 5, T_SOA = 6, T_AAAA = 28, C_IN = 1 };

#define HEADER_LEN 12
#define MAX_RRS 512 /* of one section; more are ignored */
#define MAX_CHAIN 16
#define WIRE_NAME_MAX 255

struct msg {
	const unsigned char *p;
	size_t n;
};

/* A name without compression, in lower case, without the final zero byte. */
struct wire_name {
	size_t n;
	unsigned char p[WIRE_NAME_MAX];
};

struct rr {
	struct wire_name owner;
	unsigned type, class;
	uint32_t ttl;
	size_t at; /* of its data */
	size_t n;  /* bytes of it */
};

static unsigned
get16(const struct msg *m, size_t at)
{
	return (unsigned)m->p[at] << 8 | m->p[at + 1];
}

static uint32_t
get32(const struct msg *m, size_t at)
{
	return (uint32_t)get16(m, at) << 16 | get16(m, at + 2);
}

static int
add_label(struct wire_name *out, const unsigned char *p, size_t n)
{
	size_t i;

	if (out->n + n >= WIRE_NAME_MAX)
		return -1;
	for (i = 0; i < n; i++)
		out->p[out->n + i] = (unsigned char)span_lower((char)p[i]);
	out->n += n;
	return 0;
}

/* A compression pointer must point to before the piece that it is in, which
 * excludes loops. */
static int
read_name(const struct msg *m, size_t *at, struct wire_name *out)
{
	size_t pos = *at, piece = pos, c;
	int jumped = 0;

	for (out->n = 0; pos < m->n; pos += c) {
		c = m->p[pos];
		if ((c & 0xc0) == 0xc0) {
			if (m->n - pos < 2)
				return -1;
			if (!jumped)
				*at = pos + 2;
			jumped = 1;
			pos = get16(m, pos) & 0x3fff;
			if (pos >= piece)
				return -1;
			piece = pos;
			c = 0;
			continue;
		}
		if (c == 0) {
			if (!jumped)
				*at = pos + 1;
			return 0;
		}
		c++;
		if (c > 64 || c > m->n - pos ||
		    add_label(out, m->p + pos, c) == -1)
			return -1;
	}
	return -1;
}

static int
read_rr(const struct msg *m, size_t *at, struct rr *rr)
{
	if (read_name(m, at, &rr->owner) == -1 || m->n - *at < 10)
		return -1;
	rr->type = get16(m, *at);
	rr->class = get16(m, *at + 2);
	rr->ttl = get32(m, *at + 4);
	rr->n = get16(m, *at + 8);
	rr->at = *at + 10;
	if (rr->n > m->n - rr->at)
		return -1;
	*at = rr->at + rr->n;
	if (rr->ttl > INT32_MAX) /* RFC 2181 section 8 */
		rr->ttl = 0;
	return 0;
}

static int
same_name(const struct wire_name *a, const struct wire_name *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* The answer section: its offset, and the number of records to read. */
struct section {
	size_t at;
	unsigned count;
};

/* If target is an alias, replaces it by what it is an alias of: 1. */
static int
follow_alias(const struct msg *m, const struct section *s,
    struct wire_name *target, uint32_t *ttl)
{
	size_t at = s->at, rdata;
	struct rr rr;
	unsigned i;

	for (i = 0; i < s->count; i++) {
		if (read_rr(m, &at, &rr) == -1)
			return -1;
		if (rr.type != T_CNAME || rr.class != C_IN ||
		    !same_name(&rr.owner, target))
			continue;
		rdata = rr.at;
		if (read_name(m, &rdata, target) == -1)
			return -1;
		if (rr.ttl < *ttl)
			*ttl = rr.ttl;
		return 1;
	}
	return 0;
}

/* Adds the addresses of target. *end: the offset after the section. */
static int
collect(struct resolve_reply *rp, enum resolve_family f, const struct msg *m,
    const struct section *s, const struct wire_name *target, size_t *end)
{
	size_t len = resolve_addr_len(f);
	struct rr rr;
	unsigned i;

	*end = s->at;
	for (i = 0; i < s->count; i++) {
		if (read_rr(m, end, &rr) == -1)
			return -1;
		if (rr.type != (f == RESOLVE_V6 ? T_AAAA : T_A) ||
		    rr.class != C_IN || !same_name(&rr.owner, target))
			continue;
		if (rr.n != len)
			return -1;
		if (rr.ttl < rp->ttl_s)
			rp->ttl_s = rr.ttl;
		if (rp->n < RESOLVE_MAX_ADDRS)
			memcpy(rp->addr + rp->n++ * len, m->p + rr.at, len);
	}
	return 0;
}

static uint32_t
clamp(uint32_t v, uint32_t lo, uint32_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* RFC 2308 section 5: the SOA's TTL or its MINIMUM, whichever is less. */
static uint32_t
negative_ttl(const struct msg *m, size_t at)
{
	unsigned i, count = get16(m, 8);
	struct rr rr;
	uint32_t least;

	for (i = 0; i < count && i < MAX_RRS; i++) {
		if (read_rr(m, &at, &rr) == -1)
			break;
		if (rr.type != T_SOA || rr.class != C_IN || rr.n < 22)
			continue;
		least = get32(m, rr.at + rr.n - 4);
		if (rr.ttl < least)
			least = rr.ttl;
		return clamp(least, RESOLVE_MIN_TTL_S, RESOLVE_MAX_NEG_TTL_S);
	}
	return RESOLVE_MIN_TTL_S;
}

static int
read_records(
    struct resolve_reply *rp, enum resolve_family f, const struct msg *m)
{
	struct section s = { HEADER_LEN, get16(m, 6) };
	struct wire_name target;
	unsigned count = s.count;
	int alias, length = 0;
	size_t end;

	if (get16(m, 4) != 1 || read_name(m, &s.at, &target) == -1 ||
	    m->n - s.at < 4)
		return -1;
	s.at += 4;
	if (s.count > MAX_RRS)
		s.count = MAX_RRS;
	rp->ttl_s = RESOLVE_MAX_TTL_S;
	while ((alias = follow_alias(m, &s, &target, &rp->ttl_s)) == 1)
		if (++length > MAX_CHAIN)
			return -1;
	if (alias == -1 || collect(rp, f, m, &s, &target, &end) == -1)
		return -1;
	if (rp->n == 0)
		rp->ttl_s =
		    count == s.count ? negative_ttl(m, end) : RESOLVE_MIN_TTL_S;
	return 0;
}

struct rcode {
	enum err err;
	const char *name;
};

static const struct rcode rcodes[16] = {
	{ E_OK, NULL },
	{ E_DNS_BAD_RESPONSE, "FORMERR" },
	{ E_DNS_SERVFAIL, "SERVFAIL" },
	{ E_DNS_NXDOMAIN, "NXDOMAIN" },
	{ E_DNS_ERROR, "NOTIMP" },
	{ E_DNS_REFUSED, "REFUSED" },
	{ E_DNS_ERROR, "YXDOMAIN" },
	{ E_DNS_ERROR, "YXRRSET" },
	{ E_DNS_ERROR, "NXRRSET" },
	{ E_DNS_ERROR, "NOTAUTH" },
	{ E_DNS_ERROR, "NOTZONE" },
	{ E_DNS_ERROR, "DSOTYPENI" },
	{ E_DNS_ERROR, "RCODE12" },
	{ E_DNS_ERROR, "RCODE13" },
	{ E_DNS_ERROR, "RCODE14" },
	{ E_DNS_ERROR, "RCODE15" },
};

void
resolve_reply_fail(struct resolve_reply *rp, enum err err, const char *detail)
{
	rp->err = err;
	rp->detail = detail;
	rp->truncated = 0;
	rp->ttl_s = 0;
	rp->n = 0;
}

void
resolve_reply_parse(struct resolve_reply *rp, enum resolve_family f,
    const unsigned char *p, size_t n)
{
	struct msg m = { p, n };
	const struct rcode *rc;

	resolve_reply_fail(rp, E_DNS_BAD_RESPONSE, "BADRESP");
	if (n < HEADER_LEN || (p[2] & 0x80) == 0)
		return;
	rc = &rcodes[p[3] & 0x0f];
	if (rc->err != E_OK && rc->err != E_DNS_NXDOMAIN) {
		resolve_reply_fail(rp, rc->err, rc->name);
		return;
	}
	/* c-ares cuts off what exceeds our EDNS size: such a reply is
	 * incomplete. */
	rp->truncated = (p[2] & 0x02) != 0;
	if (rp->truncated || read_records(rp, f, &m) == -1) {
		rp->truncated |= n >= 512;
		rp->ttl_s = 0;
		rp->n = 0;
		return;
	}
	if (rp->n > 0 && rc->err == E_OK) {
		rp->err = E_OK;
		rp->detail = NULL;
		if (rp->ttl_s != 0)
			rp->ttl_s = clamp(
			    rp->ttl_s, RESOLVE_MIN_TTL_S, RESOLVE_MAX_TTL_S);
		return;
	}
	rp->n = 0;
	rp->err = rc->err != E_OK ? rc->err : E_DNS_NODATA;
	rp->detail = rc->err != E_OK ? rc->name : "NODATA";
}

int
resolve_reply_says_more(enum err a, enum err b)
{
	/* NXDOMAIN comes late: some servers send it for the family that they
	 * do not serve, so while the other family has failed, it is not known
	 * that the name does not exist. */
	static const enum err order[] = { E_DNS_SERVFAIL, E_DNS_REFUSED,
		E_DNS_BAD_RESPONSE, E_DNS_TRUNCATED, E_DNS_ERROR, E_DNS_TIMEOUT,
		E_DNS_NO_SERVER, E_DNS_NXDOMAIN, E_DNS_NODATA };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (b == order[i])
			return 0;
		if (a == order[i])
			return 1;
	}
	return 0;
}
