/* SPDX-License-Identifier: ISC */
/*
 * Runs PCRE2 with limits of time and memory. PCRE2's own match limit is not
 * enough, because it starts anew at every position of the text. So automatic
 * callouts before every item of the pattern check the clock, weighted by how
 * far the match has moved since the last one (a repeated item can run over the
 * whole text). The JIT is not used: the sandbox forbids executable memory.
 */
#include "worker/select/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define STEPS_MAX 10000000 /* match limit at each position of the text */
#define HEAP_MAX_KIB (128 * 1024)
#define TEXT_LARGE (64 * 1024)  /* after larger texts memory is released */
#define CALLOUT_BYTES 1024      /* work that a callout counts as */
#define LOOK_BYTES (128 * 1024) /* work between two checks of the clock */
#define TIME_MAX_NS 300000000LL /* CPU time for a text ... */
#define TIME_MIB_NS 100000000LL /* ... plus this for each MiB of it */

struct regex {
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *match;
	uint32_t groups;
	unsigned extract; /* number of the group "extract", or 0 */
	struct span text;
	size_t at;           /* offset where the next search begins */
	int must_advance;    /* an empty match is not allowed there */
	size_t last_at;      /* offset of the last callout */
	size_t worked;       /* work since the last check of the clock */
	int64_t deadline_ns; /* 0: not set yet */
};

static int64_t
processor_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) < 0)
		return 0;
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A nonzero result ends the match with that error. */
static int
on_callout(pcre2_callout_block *block, void *arg)
{
	struct regex *r = arg;
	size_t at = block->current_position;

	r->worked += CALLOUT_BYTES;
	r->worked += at > r->last_at ? at - r->last_at : r->last_at - at;
	r->last_at = at;
	if (r->worked < LOOK_BYTES)
		return 0;
	r->worked = 0;
	if (r->deadline_ns == 0)
		r->deadline_ns = processor_ns() + TIME_MAX_NS +
				 (int64_t)(r->text.n >> 20) * TIME_MIB_NS;
	return processor_ns() > r->deadline_ns ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static int
hex_digits(struct span s, size_t n)
{
	size_t i;

	if (s.n < n)
		return 0;
	for (i = 0; i < n; i++)
		if (!memchr("0123456789abcdefABCDEF", s.p[i], 22))
			return 0;
	return 1;
}

/* Translates the escape at the start of s; returns its length. */
static size_t
put_escape(struct buf *out, struct span s, int inside)
{
	char c = s.n > 1 ? s.p[1] : '\0';
	size_t n = c == 'u' ? 4 : c == 'U' ? 8 : 0;

	if (n > 0 && hex_digits(span_of(s.p + 2, s.n - 2), n)) {
		buf_printf(out, "\\x{%.*s}", (int)n, s.p + 2);
		return n + 2;
	}
	if (c == 'v')
		buf_str(out, "\\x0b");
	else if (c == 'Z' && !inside)
		buf_str(out, "\\z");
	else
		buf_add(out, s.p, s.n > 1 ? 2 : 1);
	return s.n > 1 ? 2 : 1;
}

/* "{,3}" is a quantifier in Python. */
static int
is_open_count(struct span s)
{
	size_t i = 2;

	if (s.n < 4 || s.p[0] != '{' || s.p[1] != ',')
		return 0;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i > 2 && i < s.n && s.p[i] == '}';
}

/* Translates Python's syntax to Perl's. */
static void
put_pattern(struct buf *out, struct span s)
{
	size_t i = 0, first = 0; /* in a class: its start */

	while (i < s.n) {
		if (s.p[i] == '\\') {
			i += put_escape(
			    out, span_of(s.p + i, s.n - i), first > 0);
			continue;
		}
		if (first == 0 && s.p[i] == '[') {
			first = i + 1;
			if (first < s.n && s.p[first] == '^')
				first++;
		} else if (first > 0 && s.p[i] == ']' && i > first)
			first = 0;
		buf_char(out, s.p[i]);
		if (first == 0 && is_open_count(span_of(s.p + i, s.n - i)))
			buf_char(out, '0');
		i++;
	}
}

static pcre2_code *
compile(struct span pattern, uint32_t options, struct buf *why)
{
	pcre2_compile_context *c = pcre2_compile_context_create(NULL);
	struct buf perl = { 0 };
	pcre2_code *code;
	char text[256];
	size_t at;
	int e;

	buf_reserve(
	    &perl, 1); /* PCRE2 does not accept NULL as an empty pattern */
	put_pattern(&perl, pattern);
	if (c != NULL)
		pcre2_set_newline(c, PCRE2_NEWLINE_LF);
	code = pcre2_compile((PCRE2_SPTR)perl.p, perl.n,
	    options | PCRE2_UTF | PCRE2_UCP | PCRE2_AUTO_CALLOUT |
		PCRE2_NEVER_BACKSLASH_C,
	    &e, &at, c);
	if (code == NULL) {
		pcre2_get_error_message(e, (PCRE2_UCHAR *)text, sizeof(text));
		buf_printf(why, "%s, at %zu", text, at);
	}
	pcre2_compile_context_free(c);
	buf_fini(&perl);
	return code;
}

static struct regex *
make(struct span pattern, uint32_t options, struct buf *why)
{
	struct regex *r = mem_zalloc(1, sizeof(*r));

	r->code = compile(pattern, options, why);
	if (r->code == NULL)
		goto out;
	r->context = pcre2_match_context_create(NULL);
	r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
	if (r->context == NULL || r->match == NULL) {
		buf_str(why, "out of memory");
		goto out;
	}
	pcre2_set_match_limit(r->context, STEPS_MAX);
	pcre2_set_heap_limit(r->context, HEAP_MAX_KIB);
	pcre2_set_callout(r->context, on_callout, r);
	pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
	r->extract = regex_group_number(r, SPAN("extract"));
	return r;
out:
	regex_free(r);
	return NULL;
}

struct regex *
regex_new(struct span pattern, struct buf *why)
{
	return make(pattern, 0, why);
}

struct regex *
regex_new_caseless(struct span pattern, struct buf *why)
{
	return make(pattern, PCRE2_CASELESS, why);
}

void
regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_match_data_free(r->match);
	pcre2_match_context_free(r->context);
	pcre2_code_free(r->code);
	free(r);
}

unsigned
regex_groups(const struct regex *r)
{
	return r->groups;
}

unsigned
regex_group_number(const struct regex *r, struct span name)
{
	char text[64];
	int n;

	if (name.n >= sizeof(text))
		return 0;
	if (name.n > 0)
		memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)text);
	return n > 0 ? (unsigned)n : 0;
}

/* Frees the match data, which keeps the memory of the hardest match. */
static void
release_memory(struct regex *r)
{
	pcre2_match_data *fresh;

	if (r->text.n <= TEXT_LARGE)
		return;
	fresh = pcre2_match_data_create_from_pattern(r->code, NULL);
	if (fresh == NULL)
		return;
	pcre2_match_data_free(r->match);
	r->match = fresh;
}

void
regex_start(struct regex *r, struct span text)
{
	release_memory(r);
	r->text = text.p != NULL ? text : SPAN("");
	r->at = 0;
	r->must_advance = 0;
	r->last_at = r->worked = 0;
	r->deadline_ns = 0;
}

int
regex_next(struct regex *r)
{
	const size_t *v = pcre2_get_ovector_pointer(r->match);
	int rc;

	rc = pcre2_match(r->code, (PCRE2_SPTR)r->text.p, r->text.n, r->at,
	    PCRE2_NO_UTF_CHECK | (r->must_advance ? PCRE2_NOTEMPTY_ATSTART : 0),
	    r->match, r->context);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	/* With \K in a look-behind a match can end before its start. */
	if (rc < 0 || v[1] < v[0] || v[1] < r->at)
		return -1;
	r->at = v[1];
	r->must_advance = v[1] == v[0];
	return 1;
}

struct span
regex_group(const struct regex *r, unsigned i)
{
	const size_t *v = pcre2_get_ovector_pointer(r->match);

	if (i > r->groups || v[2 * i] == PCRE2_UNSET || v[2 * i + 1] < v[2 * i])
		return SPAN_NONE;
	return span_of(r->text.p + v[2 * i], v[2 * i + 1] - v[2 * i]);
}

/* Writes the result of the current match. */
static void
put_match(const struct regex *r, struct answer *a)
{
	unsigned i;

	if (r->groups == 0)
		answer_item(a, regex_group(r, 0));
	else if (r->extract == 0)
		for (i = 1; i <= r->groups; i++)
			answer_item(a, regex_group(r, i));
	else if (regex_group(r, r->extract).p != NULL)
		answer_item(a, regex_group(r, r->extract));
}

int
regex_run(struct regex *r, struct span text, struct answer *a)
{
	size_t start = a->to->n;
	int rc;

	answer_raw(a, SPAN("["));
	regex_start(r, text);
	while ((rc = regex_next(r)) > 0) {
		put_match(r, a);
		if (a->full || r->extract > 0)
			break;
	}
	answer_raw(a, SPAN("]"));
	if (rc >= 0)
		return 0;
	a->to->n = start;
	return -1;
}
