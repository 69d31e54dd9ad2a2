/* SPDX-License-Identifier: ISC */
/*
 * Marks the items that have a record, then reads the input and looks at the
 * mark of each line. Results come in any order, so there is a mark for every
 * item: whether it was seen, and 7 bits of a hash of its URL.
 */
#include "verify.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/utf8.h"
#include "codec/json/json.h"
#include "codec/json/write.h"
#include "codec/record/record.h"
#include "codec/request.h"
#include "codec/url/url.h"
#include "inputs.h"
#include "io/sink.h"
#include "io/source.h"
#include "store/scan.h"

#define FIRST 10         /* faults of each kind that are listed */
#define INPUT_MAX 65535  /* bytes of `input` in a record */
#define PAGE_ITEMS 65536 /* marks in a page */
#define PAGES_MAX 65536  /* 4 GiB; a larger seq counts as unexpected */
#define SEEN 0x80        /* in a mark; the rest is a hash, 0: not known */

enum kind { MISSING, DUPLICATE, TORN, UNEXPECTED, CHANGED, NKIND };

static const struct {
	const char *name, *text;
} kinds[] = {
	[MISSING] = { "missing", "no record" },
	[DUPLICATE] = { "duplicate", "another record of the same item" },
	[TORN] = { "torn", NULL },
	[UNEXPECTED] = { "unexpected", "the input has no such item" },
	[CHANGED] = { "changed", "the record is of another URL" },
};

/* One that is listed. */
struct fault {
	uint64_t seq; /* 0: not known */
	const char *file;
	uint64_t line;
	char *text; /* or NULL: that of the kind */
};

struct report {
	uint64_t items, records, failed;
	int is_error_unknown; /* a record does not say whether it failed */
	uint64_t n[NKIND];
	struct fault first[NKIND][FIRST];
};

struct verify {
	const struct opts *o;
	struct buf *err;
	char **file; /* of the results, in their order */
	size_t nfile, file_cap;
	unsigned char **page; /* of marks; NULL: none set */
	size_t npage;
	uint64_t largest; /* seq with a mark */
	struct report report;
	/* For the hash of a line: */
	struct request request;
	struct buf input, json, text;
};

/* ---- faults ---- */

static void
add_fault(struct verify *v, enum kind k, uint64_t seq, const char *file,
    uint64_t line, const char *text)
{
	struct report *r = &v->report;

	if (r->n[k] < FIRST)
		r->first[k][r->n[k]] = (struct fault){ seq, file, line,
			text != NULL ? mem_strdup(text) : NULL };
	r->n[k]++;
}

static int
fail(struct verify *v, const char *file, const char *why)
{
	message_about(v->err, file, why);
	return 3;
}

/* ---- marks ---- */

/* 7 bits, never 0. --csv-safe may have put a ' before the text, and CSV has no
 * NUL. */
static unsigned char
hash_of(struct span s)
{
	uint32_t h = 2166136261u;
	size_t i;

	if (s.n > 0 && s.p[0] == '\'')
		span_drop(&s, 1);
	for (i = 0; i < s.n; i++)
		h = s.p[i] == '\0' ? ((h ^ 0xef) * 16777619 ^ 0xbf) * 16777619
				   : (h ^ (unsigned char)s.p[i]) * 16777619;
	return (unsigned char)(1 + h % 127);
}

/* The mark of an item, or NULL if it has none. */
static unsigned char *
find_mark(const struct verify *v, uint64_t seq)
{
	size_t i = (size_t)(seq / PAGE_ITEMS);

	if (seq / PAGE_ITEMS >= v->npage || v->page[i] == NULL)
		return NULL;
	return &v->page[i][seq % PAGE_ITEMS];
}

static unsigned char *
make_mark(struct verify *v, uint64_t seq)
{
	size_t i = (size_t)(seq / PAGE_ITEMS), n = v->npage;

	if (i >= n) {
		n = i + 1 > 2 * n ? i + 1 : 2 * n;
		v->page = mem_realloc(v->page, n * sizeof(*v->page));
		memset(
		    v->page + v->npage, 0, (n - v->npage) * sizeof(*v->page));
		v->npage = n;
	}
	if (v->page[i] == NULL)
		v->page[i] = mem_zalloc(PAGE_ITEMS, 1);
	return &v->page[i][seq % PAGE_ITEMS];
}

/* ---- the results ---- */

static void
take_record(struct verify *v, const struct scan_item *item, const char *file)
{
	struct report *r = &v->report;
	unsigned char *mark;

	r->records++;
	r->failed += item->error.n > 0;
	r->is_error_unknown |= !item->has_error;
	if (item->seq / PAGE_ITEMS >= PAGES_MAX) {
		add_fault(v, UNEXPECTED, item->seq, file, item->number, NULL);
		return;
	}
	mark = make_mark(v, item->seq);
	if (*mark & SEEN) {
		add_fault(v, DUPLICATE, item->seq, file, item->number, NULL);
		return;
	}
	*mark = SEEN;
	if (item->input.p != NULL)
		*mark |= hash_of(item->input);
	if (item->seq > v->largest)
		v->largest = item->seq;
}

static int
read_results(struct verify *v, const char *file)
{
	struct scan *s = scan_open(file);
	enum scan_verdict verdict;
	struct scan_item item;
	int status = 0;

	if (s == NULL)
		return fail(v, file, strerror(errno));
	while ((verdict = scan_next(s, &item)) != SCAN_END) {
		if (verdict == SCAN_FAILED)
			status = fail(v, file, scan_why(s));
		else if (verdict == SCAN_TORN)
			add_fault(v, TORN, 0, file, item.number, scan_why(s));
		else if (verdict == SCAN_RECORD)
			take_record(v, &item, file);
	}
	scan_close(s);
	return status;
}

static void
add_file(struct verify *v, const char *path)
{
	v->file = mem_grow(v->file, v->nfile, &v->file_cap, sizeof(*v->file));
	v->file[v->nfile++] = mem_strdup(path);
}

/* The file with that name, or the series of --rotate. */
static int
find_files(struct verify *v)
{
	const char *path = v->o->verify;
	struct buf name = { 0 };
	struct stat st;
	uint32_t i;

	if (strcmp(path, "-") == 0)
		path = "/dev/stdin";
	else if (strncmp(path, "sqlite:", 7) == 0)
		path += 7;
	if (stat(path, &st) == 0)
		add_file(v, path);
	for (i = 1; v->nfile == i - 1; i++) {
		name.n = 0;
		sink_file_name(&name, path, i);
		buf_char(&name, '\0');
		if (stat(name.p, &st) == 0)
			add_file(v, name.p);
	}
	buf_fini(&name);
	return v->nfile > 0 ? 0 : fail(v, path, strerror(ENOENT));
}

/* ---- the input ---- */

/* The hash of what the record of the line says as `input`; 0: null, or not
 * known. */
static unsigned char
hash_of_line(struct verify *v, const struct source_line *line)
{
	struct request_fault fault;
	struct json_value value = { .kind = JSON_STRING, .escaped = 1 };
	char *p;

	if (line->too_long)
		return 0;
	(void)request_parse(&v->request, line->text, &fault);
	if (v->request.url.p == NULL)
		return 0;
	v->input.n = v->json.n = v->text.n = 0;
	url_redact(&v->input, v->request.url);
	if (v->input.n > INPUT_MAX)
		v->input.n = INPUT_MAX;
	/* Written and read again, so that it is UTF-8 as in the record. */
	p = buf_reserve(&v->json, JSON_WRITE_STRING(v->input.n));
	v->json.n = (size_t)(json_write_string(
				 p, utf8_cut(buf_view(&v->input), INPUT_MAX)) -
			     p);
	value.raw = buf_view(&v->json);
	json_unescape(&v->text, &value);
	return hash_of(buf_view(&v->text));
}

static void
take_line(struct verify *v, const struct source_line *line)
{
	uint64_t seq = ++v->report.items;
	const unsigned char *mark = find_mark(v, seq);
	unsigned char hash;

	if (mark == NULL || !(*mark & SEEN)) {
		add_fault(v, MISSING, seq, line->name, line->number, NULL);
		return;
	}
	if (*mark == SEEN)
		return;
	hash = hash_of_line(v, line);
	if (hash != 0 && hash != (*mark & ~SEEN))
		add_fault(v, CHANGED, seq, line->name, line->number, NULL);
}

static void
on_readable(void *arg)
{
	(void)arg; /* the loop returns */
}

static int
read_input(struct verify *v, int stdin_closed, struct event_base *base,
    struct source **source)
{
	struct source *s = source_new(base, on_readable, NULL);
	const struct inputs_stdin in = { .is_closed = stdin_closed };
	enum source_verdict verdict = SOURCE_MORE;
	struct source_line line;
	int status;

	*source = s;
	source_limits(s, REQUEST_JSON_LINE_MAX, REQUEST_URL_LINE_MAX);
	status = inputs_add(s, v->o, &in, v->err);
	if (status != 0)
		return status;
	while (v->report.items < (uint64_t)v->o->limit) {
		verdict = source_next(s, &line);
		if (verdict == SOURCE_LINE)
			take_line(v, &line);
		else if (verdict == SOURCE_WAIT)
			CHECK(event_base_loop(base, EVLOOP_ONCE) != -1);
		else if (verdict != SOURCE_MORE)
			break;
	}
	if (verdict != SOURCE_FAILED)
		return 0;
	message_begin(v->err);
	message_show(v->err, source_error(s));
	buf_char(v->err, '\n');
	return 3;
}

/* Records of items that the input does not have. */
static void
find_unexpected(struct verify *v)
{
	const unsigned char *mark;
	uint64_t seq = v->report.items + 1;

	while (seq <= v->largest) {
		mark = find_mark(v, seq);
		if (mark == NULL)
			seq += PAGE_ITEMS - seq % PAGE_ITEMS;
		else {
			if (*mark & SEEN)
				add_fault(
				    v, UNEXPECTED, seq, v->o->verify, 0, NULL);
			seq++;
		}
	}
}

/* ---- the report ---- */

static int
is_complete(const struct report *r)
{
	size_t k;

	for (k = 0; k < NKIND; k++)
		if (r->n[k] > 0)
			return 0;
	return 1;
}

static void
put_fault(struct buf *out, enum kind k, const struct fault *f)
{
	buf_printf(out, "%s: ", kinds[k].name);
	message_show(out, f->file);
	if (f->line > 0)
		buf_printf(out, ":%llu", (unsigned long long)f->line);
	if (f->seq > 0)
		buf_printf(out, ": seq %llu", (unsigned long long)f->seq);
	buf_str(out, ": ");
	message_show(out, f->text != NULL ? f->text : kinds[k].text);
	buf_char(out, '\n');
}

static void
put_count(struct buf *out, const char *name, uint64_t n)
{
	buf_printf(out, "%s %llu\n", name, (unsigned long long)n);
}

static void
put_text(struct buf *out, const struct report *r)
{
	size_t k, i;

	put_count(out, "items", r->items);
	put_count(out, "records", r->records);
	if (!r->is_error_unknown) {
		put_count(out, "ok", r->records - r->failed);
		put_count(out, "failed", r->failed);
	}
	for (k = 0; k < NKIND; k++)
		put_count(out, kinds[k].name, r->n[k]);
	buf_printf(out, "complete %s\n", is_complete(r) ? "yes" : "no");
	for (k = 0; k < NKIND; k++) {
		for (i = 0; i < FIRST && i < r->n[k]; i++)
			put_fault(out, (enum kind)k, &r->first[k][i]);
		if (r->n[k] > FIRST)
			buf_printf(out, "%s: and %llu more\n", kinds[k].name,
			    (unsigned long long)(r->n[k] - FIRST));
	}
}

static void
put_json_count(struct buf *out, const char *name, uint64_t n, int is_known)
{
	buf_printf(out, ",\"%s\":", name);
	if (is_known)
		buf_u64(out, n);
	else
		buf_str(out, "null");
}

static void
put_json_fault(
    struct buf *out, enum kind k, const struct fault *f, int is_first)
{
	const char *text = f->text != NULL ? f->text : kinds[k].text;

	buf_printf(out, "%s{\"kind\":\"%s\",\"file\":\"", is_first ? "" : ",",
	    kinds[k].name);
	record_escape(out, span_str(f->file));
	buf_str(out, "\"");
	put_json_count(out, "line", f->line, f->line > 0);
	put_json_count(out, "seq", f->seq, f->seq > 0);
	buf_str(out, ",\"text\":\"");
	record_escape(out, span_str(text));
	buf_str(out, "\"}");
}

static void
put_json(struct buf *out, const struct report *r)
{
	int is_first = 1;
	size_t k, i;

	buf_str(out, "{\"type\":\"verify\"");
	put_json_count(out, "items", r->items, 1);
	put_json_count(out, "records", r->records, 1);
	put_json_count(out, "ok", r->records - r->failed, !r->is_error_unknown);
	put_json_count(out, "failed", r->failed, !r->is_error_unknown);
	for (k = 0; k < NKIND; k++)
		put_json_count(out, kinds[k].name, r->n[k], 1);
	buf_printf(out, ",\"complete\":%s,\"first\":[",
	    is_complete(r) ? "true" : "false");
	for (k = 0; k < NKIND; k++)
		for (i = 0; i < FIRST && i < r->n[k]; i++) {
			put_json_fault(
			    out, (enum kind)k, &r->first[k][i], is_first);
			is_first = 0;
		}
	buf_str(out, "]}\n");
}

static int
print_report(struct verify *v)
{
	const struct report *r = &v->report;
	struct buf out = { 0 };
	struct span rest;
	int status = 0;
	ssize_t n;

	if (v->o->format == FORMAT_JSONL)
		put_json(&out, r);
	else
		put_text(&out, r);
	for (rest = buf_view(&out); rest.n > 0 && status == 0;) {
		n = write(STDOUT_FILENO, rest.p, rest.n);
		if (n > 0)
			span_drop(&rest, (size_t)n);
		else if (n == -1 && errno != EINTR)
			status = fail(v, "standard output", strerror(errno));
	}
	buf_fini(&out);
	if (status != 0 || is_complete(r))
		return status;
	return r->n[DUPLICATE] + r->n[TORN] + r->n[UNEXPECTED] + r->n[CHANGED] >
		       0
		   ? 3
		   : 75;
}

int
verify(const struct opts *o, int stdin_closed, struct buf *err)
{
	struct event_base *base = event_base_new();
	struct verify v = { .o = o, .err = err };
	struct source *source = NULL;
	int status;
	size_t i, k;

	CHECK(base != NULL);
	status = find_files(&v);
	for (i = 0; i < v.nfile && status == 0; i++)
		status = read_results(&v, v.file[i]);
	if (status == 0)
		status = read_input(&v, stdin_closed, base, &source);
	if (status == 0) {
		find_unexpected(&v);
		status = print_report(&v);
	}
	for (k = 0; k < NKIND; k++)
		for (i = 0; i < FIRST && i < v.report.n[k]; i++)
			free(v.report.first[k][i].text);
	for (i = 0; i < v.nfile; i++)
		free(v.file[i]);
	for (i = 0; i < v.npage; i++)
		free(v.page[i]);
	free(v.file);
	free(v.page);
	request_fini(&v.request);
	buf_fini(&v.input);
	buf_fini(&v.json);
	buf_fini(&v.text);
	if (source != NULL)
		source_free(source);
	event_base_free(base);
	return status;
}
