/* SPDX-License-Identifier: ISC */
/*
 * Names that need no query: --resolve, numeric addresses, the hosts file (read
 * once), localhost (RFC 6761). Knows nothing of servers, time and the cache.
 */
#include "io/dns/resolve_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define HOSTS_MAX ((size_t)16 << 20)

/* A name of the hosts file or of --resolve, for one port or (0) for all. */
struct fixed {
	struct hash_link in_table;
	uint16_t port;
	struct resolve_set set[RESOLVE_FAMILIES];
	size_t n;
	char text[];
};

static struct fixed *
find(const struct hash *t, struct span name, uint16_t port)
{
	struct fixed *fx;
	struct hash_link *k;

	if (t->n == 0)
		return NULL;
	for (k = hash_first(t, hash_of(t, name)); k != NULL; k = hash_next(k)) {
		fx = CONTAINER(k, struct fixed, in_table);
		if (fx->port == port && span_eq(span_of(fx->text, fx->n), name))
			return fx;
	}
	return NULL;
}

/* In lower case, without a final dot. */
static struct span
normal(struct span name, char out[RESOLVE_NAME_MAX])
{
	size_t i;

	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n > RESOLVE_NAME_MAX)
		return SPAN_NONE;
	for (i = 0; i < name.n; i++)
		out[i] = span_lower(name.p[i]);
	return span_of(out, name.n);
}

static struct fixed *
add(struct hash *t, struct span name, uint16_t port)
{
	struct fixed *fx = find(t, name, port);

	if (fx != NULL)
		return fx;
	fx = mem_zalloc(1, sizeof(*fx) + name.n);
	fx->port = port;
	fx->n = name.n;
	memcpy(fx->text, name.p, name.n);
	hash_add(t, &fx->in_table, hash_of(t, name));
	return fx;
}

static void
clear(struct fixed *fx)
{
	int f;

	for (f = 0; f < RESOLVE_FAMILIES; f++) {
		free(fx->set[f].addr);
		fx->set[f] = (struct resolve_set){ 0, NULL };
	}
}

static void
add_address(struct fixed *fx, enum resolve_family f, const unsigned char *addr)
{
	struct resolve_set *set = &fx->set[f];
	size_t len = resolve_addr_len(f);
	unsigned i;

	for (i = 0; i < set->n; i++)
		if (memcmp(set->addr + i * len, addr, len) == 0)
			return;
	if (set->n == RESOLVE_MAX_ADDRS)
		return;
	set->addr = mem_realloc(set->addr, (set->n + 1) * len);
	memcpy(set->addr + set->n++ * len, addr, len);
}

/* Skips lines whose first word is not an address, or has a zone. */
static void
parse_hosts_line(struct hash *t, struct span line)
{
	char text[RESOLVE_NAME_MAX];
	unsigned char addr[16];
	enum resolve_family f;
	struct span word;

	if (!resolve_conf_number(resolve_conf_word(&line), &f, addr))
		return;
	while ((word = resolve_conf_word(&line)).n > 0) {
		word = normal(word, text);
		if (word.n > 0)
			add_address(add(t, word, 0), f, addr);
	}
}

static void
read_hosts(struct hash *t, const char *path)
{
	struct buf file = { NULL, 0, 0 };
	struct span rest;

	if (path != NULL && resolve_conf_read(path, HOSTS_MAX, &file) == 0)
		for (rest = buf_view(&file); rest.n > 0;)
			parse_hosts_line(t, resolve_conf_line(&rest));
	buf_fini(&file);
}

/* Moves what is before the separator from *s to *head; 0 if there is none. */
static int
cut(struct span *s, char sep, struct span *head)
{
	const char *at = s->n > 0 ? memchr(s->p, sep, s->n) : NULL;

	if (at == NULL)
		return 0;
	*head = span_of(s->p, (size_t)(at - s->p));
	*s = span_of(at + 1, s->n - head->n - 1);
	return 1;
}

static struct span
unbracket(struct span s)
{
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		return span_of(s.p + 1, s.n - 2);
	return s;
}

static int
parse_host_port(struct span *s, struct span *host, uint16_t *port)
{
	struct span digits;

	if (s->n > 0 && s->p[0] == '[') {
		if (!cut(s, ']', host) || s->n == 0 || s->p[0] != ':')
			return -1;
		host->p++, host->n--;
		s->p++, s->n--;
	} else if (!cut(s, ':', host)) {
		return -1;
	}
	if (host->n == 0 || !cut(s, ':', &digits))
		return -1;
	return resolve_conf_port(digits, port);
}

/* HOST:PORT:ADDR[,ADDR]; replaces an earlier one for the same host and port. */
static int
parse_override(struct hash *t, struct span s)
{
	char text[RESOLVE_NAME_MAX];
	struct span host, one;
	unsigned char addr[16];
	enum resolve_family f;
	struct fixed *fx;
	uint16_t port;
	int more;

	if (parse_host_port(&s, &host, &port) == -1)
		return -1;
	host = normal(host, text);
	if (host.n == 0)
		return -1;
	fx = add(t, host, port);
	clear(fx);
	do {
		more = cut(&s, ',', &one);
		if (!more)
			one = s;
		if (!resolve_conf_number(unbracket(one), &f, addr))
			return -1;
		add_address(fx, f, addr);
	} while (more);
	return 0;
}

int
resolve_fixed_init(struct resolve_fixed *fx, const struct resolve_conf *conf,
    char *why, size_t why_size)
{
	size_t i;

	hash_init(&fx->overrides);
	hash_init(&fx->hosts);
	for (i = 0; i < conf->noverride; i++)
		if (parse_override(
			&fx->overrides, span_str(conf->overrides[i])) == -1) {
			snprintf(why, why_size,
			    "--resolve: '%.80s' is not "
			    "HOST:PORT:ADDR[,ADDR]",
			    conf->overrides[i]);
			resolve_fixed_fini(fx);
			return -1;
		}
	read_hosts(&fx->hosts, conf->hosts_path);
	return 0;
}

static void
free_table(struct hash *t)
{
	struct hash_link *k, *next;
	struct fixed *fx;
	size_t i;

	for (i = 0; i < t->nslot; i++)
		for (k = t->slot[i]; k != NULL; k = next) {
			next = k->next;
			fx = CONTAINER(k, struct fixed, in_table);
			clear(fx);
			free(fx);
		}
	hash_fini(t);
}

void
resolve_fixed_fini(struct resolve_fixed *fx)
{
	free_table(&fx->overrides);
	free_table(&fx->hosts);
}

static int
is_localhost(struct span name)
{
	static const char suffix[] = ".localhost";
	size_t n = sizeof(suffix) - 1;

	return span_eq(name, SPAN("localhost")) ||
	       (name.n > n && memcmp(name.p + name.n - n, suffix, n) == 0);
}

/* An address that is kept in the answer itself. */
static void
set_one(struct resolve_fixed_answer *out, enum resolve_family f,
    const unsigned char *addr)
{
	memcpy(out->own[f], addr, resolve_addr_len(f));
	out->set[f] = (struct resolve_set){ 1, out->own[f] };
}

static void
set_loopback(struct resolve_fixed_answer *out)
{
	static const unsigned char v6[16] = { [15] = 1 };
	static const unsigned char v4[4] = { 127, 0, 0, 1 };

	set_one(out, RESOLVE_V6, v6);
	set_one(out, RESOLVE_V4, v4);
}

int
resolve_fixed_find(const struct resolve_fixed *fx, struct span name,
    uint16_t port, struct resolve_fixed_answer *out)
{
	const struct fixed *found = find(&fx->overrides, name, port);
	unsigned char number[16];
	enum resolve_family f;

	if (found == NULL)
		found = find(&fx->overrides, SPAN("*"), port);
	memset(out->set, 0, sizeof(out->set));
	if (found == NULL && resolve_conf_number(name, &f, number)) {
		set_one(out, f, number);
		return 1;
	}
	if (found == NULL)
		found = find(&fx->hosts, name, 0);
	if (found != NULL)
		memcpy(out->set, found->set, sizeof(out->set));
	else if (is_localhost(name))
		set_loopback(out);
	else
		return 0;
	return 1;
}
