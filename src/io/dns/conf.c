/* SPDX-License-Identifier: ISC */
/*
 * Which name servers to ask: --dns-servers, or the nameserver lines of
 * resolv.conf, or 127.0.0.1; and how such files are read. Knows nothing of the
 * search list and the options.
 */
#include "io/dns/resolve_int.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include "base/read_file.h"

#define DNS_PORT 53
#define RESOLV_CONF_MAX 65536

int
resolve_conf_read(const char *path, size_t cap, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd == -1)
		return -1;
	r = read_file_text(fd, cap, out);
	close(fd);
	return r == -1 ? -1 : 0;
}

struct span
resolve_conf_line(struct span *rest)
{
	struct span line = *rest;
	size_t i;

	for (i = 0; i < rest->n && rest->p[i] != '\n'; i++)
		;
	line.n = i;
	*rest = span_of(rest->p + i, rest->n - i);
	if (rest->n > 0)
		rest->p++, rest->n--;
	for (i = 0; i < line.n; i++)
		if (line.p[i] == '#' || line.p[i] == ';' || line.p[i] == '\0')
			line.n = i;
	return line;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

struct span
resolve_conf_word(struct span *line)
{
	struct span word;
	size_t i = 0;

	while (line->n > 0 && is_blank(line->p[0]))
		line->p++, line->n--;
	while (i < line->n && !is_blank(line->p[i]))
		i++;
	word = span_of(line->p, i);
	*line = span_of(line->p + i, line->n - i);
	return word;
}

int
resolve_conf_number(
    struct span s, enum resolve_family *f, unsigned char out[16])
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text))
		return 0;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (strlen(text) != s.n)
		return 0;
	*f = memchr(text, ':', s.n) != NULL ? RESOLVE_V6 : RESOLVE_V4;
	return inet_pton(*f == RESOLVE_V6 ? AF_INET6 : AF_INET, text, out) == 1;
}

/* The index of a zone: the name or number of an interface. 0: none. */
static unsigned
zone_index(struct span zone)
{
	char text[IF_NAMESIZE];
	unsigned index = 0;
	size_t i;

	if (zone.n == 0 || zone.n >= sizeof(text))
		return 0;
	memcpy(text, zone.p, zone.n);
	text[zone.n] = '\0';
	for (i = 0; i < zone.n && zone.p[i] >= '0' && zone.p[i] <= '9'; i++)
		index = index * 10 + (unsigned)(zone.p[i] - '0');
	return i == zone.n && i < 9 ? index : if_nametoindex(text);
}

int
resolve_conf_port(struct span s, uint16_t *port)
{
	unsigned v = 0;
	size_t i;

	for (i = 0; i < s.n && i < 6; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	if (i != s.n || v == 0 || v > 65535)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

/* addr, addr%zone (v6 only) */
static int
parse_address(struct span s, uint16_t port, union resolve_addr *out)
{
	const char *pct = s.n > 0 ? memchr(s.p, '%', s.n) : NULL;
	struct span zone = SPAN_NONE;
	enum resolve_family f;
	unsigned char raw[16];

	if (pct != NULL) {
		zone = span_of(pct + 1, (size_t)(s.p + s.n - pct) - 1);
		s.n = (size_t)(pct - s.p);
	}
	memset(out, 0, sizeof(*out));
	if (!resolve_conf_number(s, &f, raw))
		return -1;
	if (f == RESOLVE_V4) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		memcpy(&out->in.sin_addr, raw, 4);
		return pct != NULL ? -1 : 0;
	}
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(port);
	memcpy(&out->in6.sin6_addr, raw, 16);
	if (pct != NULL && (out->in6.sin6_scope_id = zone_index(zone)) == 0)
		return -1;
	return 0;
}

/* addr, addr#port, [v6], [v6]#port */
static int
parse_server(struct span s, union resolve_addr *out)
{
	const char *hash = s.n > 0 ? memchr(s.p, '#', s.n) : NULL;
	uint16_t port = DNS_PORT;

	if (hash != NULL) {
		if (resolve_conf_port(
			span_of(hash + 1, (size_t)(s.p + s.n - hash) - 1),
			&port) == -1)
			return -1;
		s.n = (size_t)(hash - s.p);
	}
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
		s = span_of(s.p + 1, s.n - 2);
		if (s.n == 0 || memchr(s.p, ':', s.n) == NULL)
			return -1;
	}
	return parse_address(s, port, out);
}

static int
parse_servers(const char *list, union resolve_addr *out, char *why, size_t size)
{
	const char *p = list, *end;
	struct span s;
	int n = 0;

	for (;; p = end + 1) {
		end = strchrnul(p, ',');
		s = span_trim(span_of(p, (size_t)(end - p)));
		if (n == RESOLVE_MAX_SERVERS) {
			snprintf(why, size,
			    "--dns-servers: more than %d name servers",
			    RESOLVE_MAX_SERVERS);
			return -1;
		}
		if (parse_server(s, &out[n]) == -1) {
			snprintf(why, size,
			    "--dns-servers: '%.*s' is not an address "
			    "(accepted: "
			    "ADDR, ADDR#PORT, [V6]#PORT)",
			    s.n > 80 ? 80 : (int)s.n, s.p);
			return -1;
		}
		n++;
		if (*end == '\0')
			return n;
	}
}

/* Skips lines that are not valid, as the C library does. */
static int
read_resolv_conf(const char *path, union resolve_addr *out)
{
	struct buf file = { NULL, 0, 0 };
	struct span rest, line;
	int n = 0;

	if (path != NULL &&
	    resolve_conf_read(path, RESOLV_CONF_MAX, &file) == 0) {
		rest = buf_view(&file);
		while (rest.n > 0 && n < RESOLVE_MAX_SERVERS) {
			line = resolve_conf_line(&rest);
			if (span_eq(
				resolve_conf_word(&line), SPAN("nameserver")) &&
			    parse_address(resolve_conf_word(&line), DNS_PORT,
				&out[n]) == 0)
				n++;
		}
	}
	buf_fini(&file);
	return n;
}

int
resolve_conf_servers(const struct resolve_conf *conf,
    union resolve_addr out[RESOLVE_MAX_SERVERS], char *why, size_t why_size)
{
	int n;

	if (conf->servers != NULL)
		return parse_servers(conf->servers, out, why, why_size);
	n = read_resolv_conf(conf->resolv_conf_path, out);
	if (n > 0)
		return n;
	return parse_address(SPAN("127.0.0.1"), DNS_PORT, &out[0]) == 0 ? 1
									: -1;
}
