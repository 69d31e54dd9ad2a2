/* SPDX-License-Identifier: ISC */
/* Connections to listeners of the test's own on loopback, without TLS. */
#include "io/conn/conn.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/timer.h"

struct world {
	struct event_base *base;
	struct conns *conns;
	int fd; /* listens on both families */
	uint16_t port;
	enum conn_event last;
	int calls;
};

static void
world_open(struct world *w)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(any);
	int off = 0;

	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	w->conns = conns_new(w->base, NULL, 100);
	w->fd = socket(AF_INET6, SOCK_STREAM, 0);
	setsockopt(w->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	assert_int_equal(bind(w->fd, (struct sockaddr *)&any, len), 0);
	assert_int_equal(listen(w->fd, 16), 0);
	assert_int_equal(getsockname(w->fd, (struct sockaddr *)&any, &len), 0);
	w->port = ntohs(any.sin6_port);
}

static void
world_close(struct world *w)
{
	conns_free(w->conns);
	close(w->fd);
	event_base_free(w->base);
}

static union resolve_addr
address(const char *text)
{
	union resolve_addr a;

	memset(&a, 0, sizeof(a));
	a.sa.sa_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	assert_int_equal(
	    inet_pton(a.sa.sa_family, text,
		a.sa.sa_family == AF_INET6 ? (void *)&a.in6.sin6_addr
					   : (void *)&a.in.sin_addr),
	    1);
	return a;
}

static void
on_conn(void *arg, enum conn_event ev)
{
	struct world *w = arg;

	w->last = ev;
	w->calls++;
}

/* Dials one address, or two, until it is up or has failed. */
static struct conn *
dial(struct world *w, const char *first, const char *second)
{
	union resolve_addr to[2] = { address(first),
		address(second != NULL ? second : first) };
	int64_t limit = timer_now_us() + 5000000;
	struct conn *c;

	w->calls = 0;
	assert_int_equal(conn_dial(w->conns, to, second != NULL ? 2 : 1,
			     w->port, on_conn, w, &c),
	    CONN_PENDING);
	while (w->calls == 0 && timer_now_us() < limit)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(w->calls, 1);
	return c;
}

/* Where the connection that came in comes from. */
static void
expect_peer(struct world *w, const char *text)
{
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char got[INET6_ADDRSTRLEN];
	int fd = accept(w->fd, (struct sockaddr *)&from, &len);

	assert_int_not_equal(fd, -1);
	inet_ntop(AF_INET6, &from.sin6_addr, got, sizeof(got));
	if (strncmp(got, "::ffff:", 7) == 0)
		memmove(got, got + 7, strlen(got + 7) + 1);
	assert_string_equal(got, text);
	close(fd);
}

static void
test_dials_leave_from_the_address_they_are_bound_to(void **state)
{
	static const struct {
		const char *from, *to, *second, *seen;
	} rows[] = {
		{ "127.0.0.5", "127.0.0.1", NULL, "127.0.0.5" },
		{ "127.8.9.1", "127.0.0.1", NULL, "127.8.9.1" },
		{ "::1", "::1", NULL, "::1" },
		{ "lo", "127.0.0.1", NULL, "127.0.0.1" },
		/* The other family is passed by. */
		{ "127.0.0.5", "::1", "127.0.0.1", "127.0.0.5" },
		{ "::1", "127.0.0.1", "::1", "::1" },
	};
	struct conn *c;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_open(&w);
		assert_int_equal(conns_interface(w.conns, rows[i].from), 0);
		c = dial(&w, rows[i].to, rows[i].second);
		assert_int_equal(w.last, CONN_UP);
		expect_peer(&w, rows[i].seen);
		conn_close(&c, "test");
		world_close(&w);
	}
}

static void
test_addresses_that_the_interface_cannot_reach_are_unreachable(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "::1", "127.0.0.1" },
		{ "127.0.0.1", "::1" },
		{ "192.0.2.1", "127.0.0.1" }, /* not ours */
		{ "2001:db8::1", "::1" },
	};
	struct conn *c;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_open(&w);
		assert_int_equal(conns_interface(w.conns, rows[i].from), 0);
		c = dial(&w, rows[i].to, NULL);
		assert_int_equal(w.last, CONN_FAILED);
		assert_int_equal(conn_error(c), E_CONNECT_UNREACHABLE);
		assert_string_equal(conn_error_detail(c), "EADDRNOTAVAIL");
		conn_close(&c, "test");
		assert_int_equal(conns_open(w.conns), 0);
		world_close(&w);
	}
}

static void
test_an_unknown_interface_is_refused(void **state)
{
	static const char *const bad[] = { "", "x y", "300.1.1.1", "1.2.3",
		"::g", "no-such-device", "a-name-longer-than-any-device-has",
		"lo ", "[::1]" };
	struct world w;
	size_t i;

	(void)state;
	world_open(&w);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(conns_interface(w.conns, bad[i]), -1);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_dials_leave_from_the_address_they_are_bound_to),
		cmocka_unit_test(
		    test_addresses_that_the_interface_cannot_reach_are_unreachable),
		cmocka_unit_test(test_an_unknown_interface_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
