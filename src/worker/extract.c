/* SPDX-License-Identifier: ISC */
/* Runs the jobs on a document and writes their results as one JSON object. */
#include "worker/extract.h"

#include <stdlib.h>

#include "base/mem.h"
#include "worker/answer.h"
#include "worker/charset/charset.h"
#include "worker/doc.h"
#include "worker/jsonld.h"
#include "worker/links.h"
#include "worker/meta.h"
#include "worker/select/regex.h"
#include "worker/select/select.h"
#include "worker/title.h"

#define KEEP_BYTES (1u << 20)

struct job {
	enum frame_job_kind kind;
	struct span name; /* in extract's config */
	struct select *select;
	struct regex *regex;
};

struct extract {
	struct buf config;
	struct job *job;
	size_t njob;
	struct charset *charset;
	struct doc doc;
	struct link_writer links;
	struct meta meta;
	struct buf scratch;
};

static void
put_job_name(struct buf *why, const char *option, struct span name)
{
	buf_str(why, option);
	buf_char(why, ' ');
	buf_span(why, name);
	buf_str(why, ": ");
}

/* On failure `why` gets the name of the option and the message; otherwise it is
 * unchanged. */
static int
open_job(struct job *j, const struct frame_job *in, struct buf *why)
{
	size_t n = why->n;
	int ok = 1;

	*j = (struct job){ .kind = in->kind, .name = in->name };
	switch (in->kind) {
	case FRAME_JOB_TITLE:
	case FRAME_JOB_LINKS:
	case FRAME_JOB_TEXT:
	case FRAME_JOB_META:
	case FRAME_JOB_JSONLD:
		return 0;
	case FRAME_JOB_CSS:
		put_job_name(why, "--css", in->name);
		j->select = select_css(in->expr, why);
		ok = j->select != NULL;
		break;
	case FRAME_JOB_XPATH:
		put_job_name(why, "--xpath", in->name);
		j->select = select_xpath(in->expr, why);
		ok = j->select != NULL;
		break;
	case FRAME_JOB_REGEX:
	case FRAME_JOB_REGEX_TEXT:
		put_job_name(why, "--regex", in->name);
		j->regex = regex_new(in->expr, why);
		ok = j->regex != NULL;
		break;
	}
	if (ok)
		why->n = n;
	return ok ? 0 : -1;
}

static int
open_jobs(struct extract *e, struct buf *why)
{
	struct span rest = buf_view(&e->config);
	struct frame_job in;
	size_t cap = 0;
	int got;

	while ((got = frame_get_job(&rest, &in)) > 0) {
		e->job = mem_grow(e->job, e->njob, &cap, sizeof(*e->job));
		e->njob++;
		if (open_job(&e->job[e->njob - 1], &in, why) < 0)
			return -1;
	}
	if (got < 0)
		buf_str(why, "the configuration is malformed");
	return got;
}

struct extract *
extract_new(struct span config, struct buf *why)
{
	struct extract *e = mem_zalloc(1, sizeof(*e));

	doc_setup();
	meta_init(&e->meta);
	buf_span(&e->config, config);
	if (open_jobs(e, why) < 0) {
		extract_free(e);
		return NULL;
	}
	e->charset = charset_new();
	return e;
}

void
extract_free(struct extract *e)
{
	size_t i;

	if (e == NULL)
		return;
	for (i = 0; i < e->njob; i++) {
		select_free(e->job[i].select);
		regex_free(e->job[i].regex);
	}
	free(e->job);
	if (e->charset != NULL)
		charset_free(e->charset);
	doc_fini(&e->doc);
	link_writer_fini(&e->links);
	meta_fini(&e->meta);
	buf_fini(&e->scratch);
	buf_fini(&e->config);
	free(e);
}

/* 0 or -1. */
static int
run_expr(struct extract *e, const struct job *j, struct answer *a)
{
	int rc;

	if (j->select != NULL)
		rc = select_run(j->select, &e->doc, a);
	else if (j->kind == FRAME_JOB_REGEX_TEXT)
		rc = regex_run(j->regex, doc_text(&e->doc), a);
	else
		rc = regex_run(j->regex, e->doc.source, a);
	if (rc < 0)
		answer_raw(a, SPAN("null"));
	return rc;
}

static int
run_job(struct extract *e, const struct job *j, struct answer *a)
{
	switch (j->kind) {
	case FRAME_JOB_TITLE:
		title_write(&e->doc, &e->scratch, a);
		break;
	case FRAME_JOB_LINKS:
		links_write(&e->links, &e->doc, a);
		break;
	case FRAME_JOB_TEXT:
		answer_string(a, doc_text(&e->doc));
		break;
	case FRAME_JOB_META:
		meta_write(&e->meta, &e->doc, a);
		break;
	case FRAME_JOB_JSONLD:
		jsonld_write(&e->doc, &e->scratch, a);
		break;
	case FRAME_JOB_CSS:
	case FRAME_JOB_XPATH:
	case FRAME_JOB_REGEX:
	case FRAME_JOB_REGEX_TEXT:
		return run_expr(e, j, a);
	}
	return 0;
}

static enum parse_error
run_jobs(struct extract *e, struct answer *a)
{
	enum parse_error error = PARSE_OK;
	size_t i;

	answer_raw(a, SPAN("{"));
	for (i = 0; i < e->njob && !a->full; i++) {
		answer_next(a);
		answer_string(a, e->job[i].name);
		answer_raw(a, SPAN(":"));
		if (run_job(e, &e->job[i], a) < 0)
			error = PARSE_FAILED;
	}
	answer_raw(a, SPAN("}"));
	return a->full ? PARSE_TOO_LARGE : error;
}

enum parse_error
extract_document(struct extract *e, const struct frame_doc *d, struct buf *out)
{
	enum parse_error error = doc_load(&e->doc, d, e->charset);
	struct answer a;
	size_t n = out->n;

	if (error == PARSE_OK) {
		answer_start(&a, out, FRAME_RESULT_MAX - 1);
		error = run_jobs(e, &a);
		if (error == PARSE_TOO_LARGE)
			out->n = n;
	}
	doc_clear(&e->doc);
	buf_clear(&e->scratch, KEEP_BYTES);
	return error;
}
