/* SPDX-License-Identifier: ISC */
/* Names that need no server, and the reading of configuration. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/dns/resolve_int.h"

struct file {
	char path[40];
};

static void
file_write(struct file *f, const char *text)
{
	int fd;

	snprintf(f->path, sizeof(f->path), "/tmp/io_dns_resolve.XXXXXX");
	fd = mkstemp(f->path);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char hosts[] = "# a comment\n"
			    "127.0.0.5\tOne.Test two.test # three.test\r\n"
			    "::5 one.test\n"
			    "::1 h6.test\n"
			    "fe80::1%lo zoned.test\n"
			    "not.an.address four.test\n"
			    "127.0.0.6 one.test over.test dotted.test.\n"
			    "127.0.0.6 one.test\n"
			    "127.0.0.7";

static const char *const overrides[] = {
	"over.test:443:127.0.1.1,[::11],::12",
	"Case.Test.:80:127.0.1.2",
	"case.test:80:127.0.1.3",
	"*:8443:127.0.1.4",
	"10.0.0.1:443:127.0.1.5",
	"[::99]:443:[::98]",
};

enum { V4 = 1, V6 = 2, ANY = 3 };

static const char *
look_up(const char *host, uint16_t port, int use, char *out, size_t size)
{
	struct event_base *base = event_base_new();
	struct resolve_conf conf = { .timeout_us = 1000 * 1000,
		.use_v4 = use & V4,
		.use_v6 = use & V6,
		.servers = "127.0.0.1#9",
		.overrides = overrides,
		.noverride = sizeof(overrides) / sizeof(overrides[0]) };
	struct resolve_answer a;
	struct resolve_job *job;
	struct resolve *r;
	struct file f;
	char one[INET6_ADDRSTRLEN], why[100];
	unsigned i;

	file_write(&f, hosts);
	conf.hosts_path = f.path;
	r = resolve_new(base, &conf, why, sizeof(why));
	unlink(f.path);
	assert_non_null(r);
	snprintf(out, size, "?");
	if (resolve_start(r, span_str(host), port, NULL, NULL, &a, &job) ==
	    RESOLVE_DONE) {
		snprintf(out, size, "%s", a.err ? error_code(a.err) : "");
		for (i = 0; i < a.n; i++) {
			inet_ntop(a.addr[i].sa.sa_family,
			    a.addr[i].sa.sa_family == AF_INET
				? (void *)&a.addr[i].in.sin_addr
				: (void *)&a.addr[i].in6.sin6_addr,
			    one, sizeof(one));
			snprintf(out + strlen(out), size - strlen(out), "%s%s",
			    i > 0 ? " " : "", one);
		}
		assert_int_equal(a.from_cache, 1);
	}
	resolve_free(r);
	event_base_free(base);
	return out;
}

static void
test_overrides_numbers_and_hosts_need_no_query(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		int use;
		const char *what; /* "?": asked for */
	} rows[] = {
		{ "one.test", 80, ANY, "::5 127.0.0.5 127.0.0.6" },
		{ "one.test", 80, V4, "127.0.0.5 127.0.0.6" },
		{ "two.test.", 80, ANY, "127.0.0.5" },
		{ "three.test", 80, ANY, "?" },
		{ "four.test", 80, ANY, "?" },
		{ "zoned.test", 80, ANY, "?" },
		{ "dotted.test", 80, ANY, "127.0.0.6" },
		{ "h6.test", 80, ANY, "::1" },
		{ "h6.test", 80, V4, "dns_nodata" },
		{ "over.test", 443, ANY, "::11 127.0.1.1 ::12" },
		{ "over.test", 443, V4, "127.0.1.1" },
		{ "over.test", 80, ANY, "127.0.0.6" },
		{ "case.test", 80, ANY, "127.0.1.3" },
		{ "case.test", 80, V6, "dns_nodata" },
		{ "case.test", 443, ANY, "?" },
		{ "any.test", 8443, ANY, "127.0.1.4" },
		{ "10.0.0.1", 443, ANY, "127.0.1.5" },
		{ "10.0.0.1", 80, ANY, "10.0.0.1" },
		{ "10.0.0.1", 80, V6, "dns_nodata" },
		{ "::99", 443, ANY, "::98" },
		{ "2001:db8::1", 443, ANY, "2001:db8::1" },
		{ "2001:db8::1", 443, V4, "dns_nodata" },
		{ "localhost", 80, ANY, "::1 127.0.0.1" },
		{ "a.localhost", 80, V4, "127.0.0.1" },
		{ "localhost.test", 80, ANY, "?" },
		{ "notlocalhost", 80, ANY, "?" },
	};
	char out[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(look_up(rows[i].host, rows[i].port,
					rows[i].use, out, sizeof(out)),
		    rows[i].what);
}

static void
test_a_bad_override_is_named(void **state)
{
	static const char *const bad[] = { "", "h", "h:80", "h:80:", ":80:::1",
		"h:0:127.0.0.1", "h:65536:127.0.0.1", "h:x:127.0.0.1",
		"h:80:name", "h:80:127.0.0.1,", "[::1:80:::1" };
	struct resolve_conf conf = { .noverride = 1 };
	struct resolve_fixed fx;
	char why[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		conf.overrides = &bad[i];
		why[0] = '\0';
		assert_int_equal(
		    resolve_fixed_init(&fx, &conf, why, sizeof(why)), -1);
		assert_non_null(strstr(why, bad[i]));
	}
}

static void
server_text(const union resolve_addr *a, char *out, size_t size)
{
	char one[INET6_ADDRSTRLEN];

	if (a->sa.sa_family == AF_INET)
		snprintf(out, size, "%s %u",
		    inet_ntop(AF_INET, &a->in.sin_addr, one, sizeof(one)),
		    ntohs(a->in.sin_port));
	else
		snprintf(out, size, "%s %u %u",
		    inet_ntop(AF_INET6, &a->in6.sin6_addr, one, sizeof(one)),
		    ntohs(a->in6.sin6_port), a->in6.sin6_scope_id);
}

static void
test_servers_are_read_with_their_ports(void **state)
{
	static const struct {
		const char *list;
		int n;
		const char *last;
	} rows[] = {
		{ "127.0.0.53", 1, "127.0.0.53 53" },
		{ "127.0.0.53#5353", 1, "127.0.0.53 5353" },
		{ "1.1.1.1, 8.8.8.8#54", 2, "8.8.8.8 54" },
		{ "[::1]#5353", 1, "::1 5353 0" },
		{ "[::1]", 1, "::1 53 0" },
		{ "::1", 1, "::1 53 0" },
		{ "fe80::1%1", 1, "fe80::1 53 1" },
		{ "", -1, NULL },
		{ "1.1.1.1,", -1, NULL },
		{ "name.test", -1, NULL },
		{ "1.1.1.1#0", -1, NULL },
		{ "1.1.1.1#65536", -1, NULL },
		{ "1.1.1.1#", -1, NULL },
		{ "[1.1.1.1]", -1, NULL },
		{ "[]", -1, NULL },
		{ "1.1.1.1%1", -1, NULL },
		{ "fe80::1%no-such-interface", -1, NULL },
		{ "fe80::1%", -1, NULL },
		{ "1,2,3", -1, NULL },
		{ "::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,"
		  "::1,::1,::1",
		    -1, NULL },
	};
	union resolve_addr out[RESOLVE_MAX_SERVERS];
	struct resolve_conf conf = { .timeout_us = 0 };
	char why[200], text[80];
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		conf.servers = rows[i].list;
		why[0] = '\0';
		n = resolve_conf_servers(&conf, out, why, sizeof(why));
		assert_int_equal(n, rows[i].n);
		assert_int_equal(why[0] != '\0', n == -1);
		if (n == -1)
			continue;
		server_text(&out[n - 1], text, sizeof(text));
		assert_string_equal(text, rows[i].last);
	}
}

static void
test_without_a_usable_resolv_conf_localhost_is_asked(void **state)
{
	static const struct {
		const char *file;
		int n;
		const char *last;
	} rows[] = {
		{ "nameserver 10.0.0.1\nnameserver\t::1 # local\n", 2,
		    "::1 53 0" },
		{ "search a.test\noptions ndots:5\nnameserver 10.0.0.2", 1,
		    "10.0.0.2 53" },
		{ "nameserver name.test\nnameserver 10.0.0.3\n", 1,
		    "10.0.0.3 53" },
		{ "nameserver fe80::1%1\n", 1, "fe80::1 53 1" },
		{ "# nameserver 10.0.0.1\nnameserver\n", 1, "127.0.0.1 53" },
		{ "", 1, "127.0.0.1 53" },
		{ NULL, 1, "127.0.0.1 53" },
	};
	union resolve_addr out[RESOLVE_MAX_SERVERS];
	struct resolve_conf conf = { .timeout_us = 0 };
	char why[200], text[80];
	struct file f;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		file_write(&f, rows[i].file != NULL ? rows[i].file : "");
		if (rows[i].file == NULL)
			unlink(f.path); /* none at all */
		conf.resolv_conf_path = f.path;
		n = resolve_conf_servers(&conf, out, why, sizeof(why));
		unlink(f.path);
		assert_int_equal(n, rows[i].n);
		server_text(&out[n - 1], text, sizeof(text));
		assert_string_equal(text, rows[i].last);
	}
	conf.resolv_conf_path = "/";
	assert_int_equal(resolve_conf_servers(&conf, out, why, sizeof(why)), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_overrides_numbers_and_hosts_need_no_query),
		cmocka_unit_test(test_a_bad_override_is_named),
		cmocka_unit_test(test_servers_are_read_with_their_ports),
		cmocka_unit_test(
		    test_without_a_usable_resolv_conf_localhost_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
