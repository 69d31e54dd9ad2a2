/* SPDX-License-Identifier: ISC */
/*
 * The search list of resolv.conf: which names it is for, and which names follow
 * from them. Knows nothing of look-ups.
 */
#include "io/dns/resolve_int.h"

#define RESOLV_CONF_MAX 65536
#define LABEL_MAX 63
#define NDOTS_MAX 15

/* ---- resolv.conf -------------------------------------------------------- */

static struct span
trim_dots(struct span s)
{
	while (s.n > 0 && s.p[0] == '.')
		s.p++, s.n--;
	while (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

/* Is it valid in a query? */
static int
is_domain(struct span s)
{
	size_t i, label = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '\\')
			return 0;
		label = s.p[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MAX || (label == 0 && s.p[i + 1] == '.'))
			return 0;
	}
	return s.n > 0 && s.n <= RESOLVE_NAME_MAX - 2;
}

static void
add_domain(struct resolve_search *s, struct span word)
{
	struct resolve_domain *d = &s->domain[s->n];
	unsigned i;

	word = trim_dots(word);
	if (s->n == RESOLVE_MAX_DOMAINS || !is_domain(word))
		return;
	for (d->n = 0; d->n < word.n; d->n++)
		d->text[d->n] = span_lower(word.p[d->n]);
	for (i = 0; i < s->n; i++)
		if (span_eq(span_of(d->text, d->n),
			span_of(s->domain[i].text, s->domain[i].n)))
			return;
	s->n++;
}

static void
parse_option(struct resolve_search *s, struct span word)
{
	const struct span key = SPAN("ndots:");
	unsigned v = 0;
	size_t i;

	if (word.n <= key.n || !span_eq(span_of(word.p, key.n), key))
		return;
	for (i = key.n; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return;
		v = v * 10 + (unsigned)(word.p[i] - '0');
		v = v > NDOTS_MAX ? NDOTS_MAX : v;
	}
	s->ndots = v;
}

/* If there are several search and domain lines, the last one counts. */
static void
parse_line(struct resolve_search *s, struct span line)
{
	struct span key = resolve_conf_word(&line), word;

	if (span_eq(key, SPAN("options"))) {
		while ((word = resolve_conf_word(&line)).n > 0)
			parse_option(s, word);
	} else if (span_eq(key, SPAN("domain"))) {
		s->n = 0;
		add_domain(s, resolve_conf_word(&line));
	} else if (span_eq(key, SPAN("search"))) {
		s->n = 0;
		while ((word = resolve_conf_word(&line)).n > 0)
			add_domain(s, word);
	}
}

void
resolve_search_init(struct resolve_search *s, const char *path)
{
	struct buf file = { NULL, 0, 0 };
	struct span rest;

	s->n = 0;
	s->ndots = 1;
	if (path != NULL &&
	    resolve_conf_read(path, RESOLV_CONF_MAX, &file) == 0)
		for (rest = buf_view(&file); rest.n > 0;)
			parse_line(s, resolve_conf_line(&rest));
	buf_fini(&file);
}

/* ---- names -------------------------------------------------------------- */

/* RFC 7686: no query is sent for such a name, nor for it in a domain. */
static int
is_onion(struct span name)
{
	const struct span end = SPAN(".onion");

	return name.n > end.n &&
	       span_ieq(span_of(name.p + name.n - end.n, end.n), end);
}

int
resolve_search_applies(const struct resolve_search *s, struct span host)
{
	unsigned dots = 0;
	size_t i;

	if (s->n == 0 || host.n == 0 || host.p[host.n - 1] == '.')
		return 0;
	for (i = 0; i < host.n; i++)
		dots += host.p[i] == '.';
	return dots < s->ndots && !is_onion(host);
}

struct span
resolve_search_next(const struct resolve_search *s, struct span given,
    unsigned *next, char out[RESOLVE_NAME_MAX])
{
	const struct resolve_domain *d;

	while (*next < s->n) {
		d = &s->domain[(*next)++];
		if (given.n + 1 + d->n > RESOLVE_NAME_MAX)
			continue;
		memcpy(out, given.p, given.n);
		out[given.n] = '.';
		memcpy(out + given.n + 1, d->text, d->n);
		return span_of(out, given.n + 1 + d->n);
	}
	return SPAN_NONE;
}
