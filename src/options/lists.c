/* SPDX-License-Identifier: ISC */
/*
 * Options whose value is a list: --retry-on, --proto-redir and --budget. Parses
 * the elements; their effect is decided elsewhere.
 */
#include <string.h>

#include "base/mem.h"
#include "base/message.h"
#include "codec/quantity.h"
#include "options/options_int.h"

/*
 * Calls `take` for each word of a list, of which an empty one has none. It
 * returns NULL, or what is wrong with the word.
 */
static int
take_words(struct opts *o, enum opt id, const char *list,
    const char *(*take)(struct opts *o, struct span word), struct buf *err)
{
	struct span rest = span_trim(span_str(list)), word;
	const char *why;

	if (rest.n == 0)
		return 0;
	while (opts_next_word(&rest, &word)) {
		why = take(o, word);
		if (why != NULL)
			return opts_say_value(
			    err, id, opts_keep(o, word.p, word.n), why);
	}
	return 0;
}

/* ---- --retry-on ---- */

/* A final status (200 to 999), or 0. */
static int
parse_status(struct span s)
{
	uint64_t v;

	if (s.n != 3 || quantity_count(s, &v) != 0 || v < 200)
		return 0;
	return (int)v;
}

/* "503", "5xx" or "500-504". Returns 1 and the range of statuses, or 0. */
static int
parse_statuses(struct span s, int *first, int *last)
{
	if (s.n == 3 && s.p[0] >= '2' && s.p[0] <= '9' &&
	    span_ieq(span_of(s.p + 1, 2), SPAN("xx"))) {
		*first = (s.p[0] - '0') * 100;
		*last = *first + 99;
		return 1;
	}
	*first = *last = parse_status(span_of(s.p, s.n < 3 ? s.n : 3));
	if (s.n == 7 && s.p[3] == '-')
		*last = parse_status(span_of(s.p + 4, 3));
	else if (s.n != 3)
		return 0;
	return *first > 0 && *first <= *last;
}

static enum err
find_error(struct span code)
{
	int e;

	for (e = E_OK + 1; e < E_COUNT; e++)
		if (span_eq(code, span_str(error_code((enum err)e))))
			return (enum err)e;
	return E_OK;
}

/* Errors outside of an exchange are never retried. */
static int
can_be_retried(enum err e)
{
	enum phase p = error_info(e)->phase;

	return p != PHASE_INPUT && p != PHASE_POLICY && p != PHASE_OUTPUT &&
	       p != PHASE_INTERNAL;
}

static void
take_errors(struct opts *o)
{
	int e;

	o->retry_errors = 1;
	for (e = E_OK + 1; e < E_COUNT; e++)
		if (error_info((enum err)e)->retry == 'Y')
			o->retry_error[e] = 1;
}

static const char *
take_retry(struct opts *o, struct span word)
{
	enum err e = find_error(word);
	int first, last;

	if (span_eq(word, SPAN("errors")))
		take_errors(o);
	else if (parse_statuses(word, &first, &last))
		memset(o->retry_status + first, 1, (size_t)(last - first) + 1);
	else if (e == E_OK)
		return "is not a status (503, 5xx, 500-504), an error code "
		       "(see ERROR CODES in man fetchd) or \"errors\"";
	else if (!can_be_retried(e))
		return "is an error that is never retried";
	else
		o->retry_error[e] = 1;
	return NULL;
}

/* ---- --proto-redir ---- */

static const char *
take_scheme(struct opts *o, struct span word)
{
	if (span_ieq(word, SPAN("http")))
		o->redir_http = 1;
	else if (span_ieq(word, SPAN("https")))
		o->redir_https = 1;
	else
		return "is not one of http, https";
	return NULL;
}

static int
derive_schemes(struct opts *o, struct buf *err)
{
	int status =
	    take_words(o, OPT_proto_redir, o->proto_redir, take_scheme, err);

	if (status == 0 && !o->redir_http && !o->redir_https)
		return opts_say_value(err, OPT_proto_redir, o->proto_redir,
		    "contains no scheme; expected http, https or both "
		    "(--no-location disables redirects)");
	return status;
}

/* ---- --budget ---- */

static int
is_budget_known(const struct opts *o, struct span name)
{
	size_t i;

	for (i = 0; i < o->nbudgets; i++)
		if (span_eq(name, span_str(o->budgets[i].name)))
			return 1;
	return 0;
}

static int
take_budget(struct opts *o, const char *text, struct buf *err)
{
	struct span name = span_of(text, strcspn(text, "="));
	struct opt_budget b = { 0 };
	size_t start = err->n;

	if (text[name.n] == '\0' || !opts_is_name(name))
		return opts_say_value(
		    err, OPT_budget, text, "is not NAME=RATE " OPT_NAME_RULE);
	if (is_budget_known(o, name))
		return opts_say_value(
		    err, OPT_budget, text, "has the name of an earlier budget");
	if (o->nbudgets == OPT_BUDGETS_MAX)
		return opts_say_value(
		    err, OPT_budget, text, "exceeds the limit of 16 budgets");
	message_begin(err);
	buf_str(err, "--budget: ");
	if (opts_rate(text + name.n + 1, &b.rate, err) != 0) {
		buf_char(err, '\n');
		return 2;
	}
	err->n = start;
	if (b.rate.amount <= 0)
		return opts_say_value(
		    err, OPT_budget, text, "must have a rate of more than 0");
	b.name = opts_keep(o, name.p, name.n);
	o->budgets[o->nbudgets++] = b;
	return 0;
}

static int
derive_budgets(struct opts *o, struct buf *err)
{
	int status = 0;
	size_t i;

	if (o->budget.n > 0)
		o->budgets = mem_zalloc(OPT_BUDGETS_MAX, sizeof(*o->budgets));
	for (i = 0; i < o->budget.n && status == 0; i++)
		status = take_budget(o, o->budget.v[i], err);
	return status;
}

int
opts_derive_lists(struct opts *o, struct buf *err)
{
	int status = take_words(o, OPT_retry_on, o->retry_on, take_retry, err);

	if (status == 0)
		status = derive_schemes(o, err);
	return status != 0 ? status : derive_budgets(o, err);
}
