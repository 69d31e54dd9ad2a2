/* SPDX-License-Identifier: ISC */
/* A name server's answer from its bytes: good, bad, cut and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "io/dns/resolve_int.h"

#define HEAD(flags, an, ns) "\0\1" flags "\0\1\0" an "\0" ns "\0\0"
/* Question h.test, at 12; its "test" is at 14. */
#define Q "\1h\4test\0\0\1\0\1"
#define RR_A(owner, ttl, addr) owner "\0\1\0\1" ttl "\0\4" addr
#define ALIAS(owner, ttl, len, to) owner "\0\5\0\1" ttl "\0" len to
#define SELF "\xc0\x0c"
#define TTL_60 "\0\0\0\x3c"
#define TTL_1H_PLUS "\0\1\0\0"
#define SOA_30 \
	"\xc0\x0e\0\6\0\1\0\0\1\0\0\x19\1n\xc0\x0e\0\0\0\0\1\0\0\0\1\0\0\0\1" \
	"\0" \
	"\0\0\1\0\0\0\x1e"
#define OK_FLAGS "\x81\x80"
#define BYTES(s) \
	{ \
		s, sizeof(s) - 1 \
	}

struct row {
	struct span bytes;
	enum err err;
	const char *detail;
	uint32_t ttl_s;
	unsigned n;
	int cut;
};

static const struct row rows[] = {
	{ BYTES(HEAD(OK_FLAGS, "\1", "\0") Q RR_A(SELF, TTL_60, "\1\2\3\4")),
	    E_OK, NULL, 60, 1, 0 },
	/* Case does not matter, nor does a name written out. */
	{ BYTES(HEAD(OK_FLAGS, "\2", "\0") Q RR_A("\1H\4tEsT\0", TTL_60,
	      "\1\2\3\4") RR_A(SELF, "\0\0\0\5", "\1\2\3\5")),
	    E_OK, NULL, 5, 2, 0 },
	{ BYTES(
	      HEAD(OK_FLAGS, "\1", "\0") Q RR_A(SELF, "\0\0\0\0", "\1\2\3\4")),
	    E_OK, NULL, 0, 1, 0 },
	{ BYTES(
	      HEAD(OK_FLAGS, "\1", "\0") Q RR_A(SELF, TTL_1H_PLUS, "\1\2\3\4")),
	    E_OK, NULL, 3600, 1, 0 },
	{ BYTES(HEAD(OK_FLAGS, "\1", "\0")
		  Q RR_A(SELF, "\xff\0\0\0", "\1\2\3\4")),
	    E_OK, NULL, 0, 1, 0 },
	/* A chain, its end first; TTL is the least of all. */
	{ BYTES(HEAD(OK_FLAGS, "\2", "\0") Q RR_A("\1i\xc0\x0e", TTL_60,
	      "\1\2\3\4") ALIAS(SELF, "\0\0\0\7", "\4", "\1i\xc0\x0e")),
	    E_OK, NULL, 7, 1, 0 },
	/* Somebody else's address is not ours. */
	{ BYTES(HEAD(OK_FLAGS, "\1", "\0")
		  Q RR_A("\1i\xc0\x0e", TTL_60, "\1\2\3\4")),
	    E_DNS_NODATA, "NODATA", 1, 0, 0 },
	{ BYTES(HEAD(OK_FLAGS, "\0", "\1") Q SOA_30), E_DNS_NODATA, "NODATA",
	    30, 0, 0 },
	{ BYTES(HEAD("\x81\x83", "\0", "\1") Q SOA_30), E_DNS_NXDOMAIN,
	    "NXDOMAIN", 30, 0, 0 },
	{ BYTES(HEAD("\x81\x83", "\0", "\0") Q), E_DNS_NXDOMAIN, "NXDOMAIN", 1,
	    0, 0 },
	{ BYTES(HEAD("\x81\x82", "\0", "\0")), E_DNS_SERVFAIL, "SERVFAIL", 0, 0,
	    0 },
	{ BYTES(HEAD("\x81\x85", "\0", "\0") Q), E_DNS_REFUSED, "REFUSED", 0, 0,
	    0 },
	{ BYTES(HEAD("\x81\x84", "\0", "\0") Q), E_DNS_ERROR, "NOTIMP", 0, 0,
	    0 },
	{ BYTES(HEAD("\x81\x81", "\0", "\0") Q), E_DNS_BAD_RESPONSE, "FORMERR",
	    0, 0, 0 },
	{ BYTES(HEAD("\x83\x80", "\0", "\0") Q), E_DNS_BAD_RESPONSE, "BADRESP",
	    0, 0, 1 },
	/* Not an answer; no question; a pointer to itself; a wrong length; a
	 * count of what is not there. */
	{ BYTES(HEAD("\1\0", "\0", "\0") Q), E_DNS_BAD_RESPONSE, "BADRESP", 0,
	    0, 0 },
	{ BYTES(HEAD(OK_FLAGS, "\0", "\0")), E_DNS_BAD_RESPONSE, "BADRESP", 0,
	    0, 0 },
	{ BYTES(HEAD(OK_FLAGS, "\0", "\0") "\xc0\x0c\0\1\0\1"),
	    E_DNS_BAD_RESPONSE, "BADRESP", 0, 0, 0 },
	{ BYTES(
	      HEAD(OK_FLAGS, "\1", "\0") Q "\xc0\x0c\0\1\0\1" TTL_60 "\0\3abc"),
	    E_DNS_BAD_RESPONSE, "BADRESP", 0, 0, 0 },
	{ BYTES(HEAD(OK_FLAGS, "\7", "\0") Q RR_A(SELF, TTL_60, "\1\2\3\4")),
	    E_DNS_BAD_RESPONSE, "BADRESP", 0, 0, 0 },
	/* An alias of itself. */
	{ BYTES(HEAD(OK_FLAGS, "\1", "\0") Q ALIAS(SELF, TTL_60, "\2", SELF)),
	    E_DNS_BAD_RESPONSE, "BADRESP", 0, 0, 0 },
	{ BYTES(""), E_DNS_BAD_RESPONSE, "BADRESP", 0, 0, 0 },
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

/* In memory of just that size, so that a sanitizer sees each byte beyond. */
static void
parse(struct resolve_reply *rp, const char *p, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	resolve_reply_parse(rp, RESOLVE_V4, (unsigned char *)copy, n);
	assert_int_equal(rp->err == E_OK, rp->n > 0);
	assert_int_equal(rp->err == E_OK, rp->detail == NULL);
	free(copy);
}

static void
test_each_reply_is_parsed(void **state)
{
	struct resolve_reply rp;
	size_t i;

	(void)state;
	for (i = 0; i < NROWS; i++) {
		parse(&rp, rows[i].bytes.p, rows[i].bytes.n);
		assert_int_equal(rp.err, rows[i].err);
		assert_int_equal(rp.n, rows[i].n);
		assert_int_equal(rp.truncated, rows[i].cut);
		assert_int_equal(rp.ttl_s, rows[i].ttl_s);
		if (rows[i].detail != NULL)
			assert_string_equal(rp.detail, rows[i].detail);
		if (rp.n > 0)
			assert_memory_equal(rp.addr, "\1\2\3\4", 4);
	}
}

static void
test_a_reply_cut_anywhere_is_malformed_or_negative(void **state)
{
	struct resolve_reply rp;
	size_t i, n;

	(void)state;
	for (i = 0; i < NROWS; i++)
		for (n = 0; n < rows[i].bytes.n; n++) {
			parse(&rp, rows[i].bytes.p, n);
			assert_int_not_equal(rp.err, E_OK);
		}
}

static void
test_a_damaged_reply_is_never_read_out_of_bounds(void **state)
{
	unsigned seed = 1, k;
	struct resolve_reply rp;
	char bytes[256];
	size_t i, n;
	int round;

	(void)state;
	for (round = 0; round < 40000; round++) {
		i = (size_t)round % NROWS;
		n = rows[i].bytes.n;
		memcpy(bytes, rows[i].bytes.p, n);
		for (k = 0; k < 3 && n > 4; k++) {
			seed = seed * 1103515245 + 12345;
			bytes[4 + seed / 65536 % (n - 4)] = (char)(seed >> 7);
		}
		parse(&rp, bytes, n);
	}
}

/* n aliases, each of the one before, then an address. */
static void
put_chain(struct buf *b, unsigned n)
{
	char owner = 'h', next;
	unsigned i;

	buf_add(b, HEAD(OK_FLAGS, "\0", "\0") Q, 12 + 12);
	for (i = 0; i < n; i++) {
		next = (char)('A' + i);
		next = next == 'H' ? '_' : next;
		buf_printf(b, "%c%c", 1, owner);
		buf_add(b, "\xc0\x0e\0\5\0\1" TTL_60 "\0\4\1", 13);
		buf_char(b, next);
		buf_add(b, "\xc0\x0e", 2);
		owner = next;
	}
	buf_printf(b, "%c%c", 1, owner);
	buf_add(b, "\xc0\x0e\0\1\0\1" TTL_60 "\0\4\1\2\3\4", 16);
	b->p[7] = (char)(n + 1);
}

static void
test_cname_chains_are_followed_for_16_steps(void **state)
{
	struct buf b = { NULL, 0, 0 };
	struct resolve_reply rp;
	unsigned n;

	(void)state;
	for (n = 0; n < 20; n++) {
		b.n = 0;
		put_chain(&b, n);
		parse(&rp, b.p, b.n);
		assert_int_equal(rp.err, n <= 16 ? E_OK : E_DNS_BAD_RESPONSE);
	}
	buf_fini(&b);
}

static void
test_addresses_over_the_limit_are_ignored(void **state)
{
	struct buf b = { NULL, 0, 0 };
	struct resolve_reply rp;
	int i;

	(void)state;
	buf_add(&b, HEAD(OK_FLAGS, "\0", "\0") Q, 12 + 12);
	for (i = 0; i < 3000; i++)
		buf_add(&b, RR_A(SELF, TTL_60, "\1\2\3\4"), 16);
	b.p[6] = 3000 >> 8;
	b.p[7] = (char)(3000 & 0xff);
	parse(&rp, b.p, b.n);
	assert_int_equal(rp.err, E_OK);
	assert_int_equal(rp.n, RESOLVE_MAX_ADDRS);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_reply_is_parsed),
		cmocka_unit_test(
		    test_a_reply_cut_anywhere_is_malformed_or_negative),
		cmocka_unit_test(
		    test_a_damaged_reply_is_never_read_out_of_bounds),
		cmocka_unit_test(test_cname_chains_are_followed_for_16_steps),
		cmocka_unit_test(test_addresses_over_the_limit_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
