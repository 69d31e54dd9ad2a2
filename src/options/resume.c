/* SPDX-License-Identifier: ISC */
/*
 * --journal, --resume and what belongs to them: the journal's name, the default
 * of --fsync, and which options a resumed run must have in common with the run
 * before it.
 */
#include <string.h>
#include <strings.h>

#include "options/options_int.h"

/* Without an output file there is no name to derive one from. */
static int
derive_journal(struct opts *o, struct buf *err)
{
	struct buf name = { 0 };

	if (o->journal != NULL)
		return 0;
	if (strcmp(o->output, "-") == 0)
		return opts_say(err, OPT_resume,
		    "needs -o FILE, or --journal FILE for results that go to "
		    "standard output");
	buf_str(&name, o->output);
	buf_str(&name, ".journal");
	o->journal = opts_keep(o, name.p, name.n);
	buf_fini(&name);
	return 0;
}

/* The state of the run is in the database; there is no journal. */
static int
check_database(const struct opts *o, struct buf *err)
{
	static const char database[] = "--resume with a database as the output";

	if (o->journal_salvage)
		return opts_say_conflict(err, OPT_journal_salvage, database);
	/* The names of body files are noted in a journal. */
	if (o->output_dir != NULL)
		return opts_say_conflict(err, OPT_output_dir, database);
	return 0;
}

int
opts_derive_resume(struct opts *o, struct buf *err)
{
	int can_resume, status;

	if (o->retry_failed || o->resume_force || o->journal_salvage)
		o->resume = 1;
	can_resume = o->journal != NULL || o->resume;
	if (!opts_given(o, OPT_fsync))
		o->fsync = can_resume ? FSYNC_BATCH : FSYNC_NONE;
	if (!can_resume)
		return 0;
	if (o->follow)
		return opts_say_conflict(err, OPT_follow,
		    "--journal or --resume: such a run has no end to go on to");
	if (o->output_kind == OUTPUT_DATABASE)
		return check_database(o, err);
	status = derive_journal(o, err);
	if (status == 0 && strcmp(o->journal, "-") == 0)
		return opts_say(err, OPT_journal, "must be a file");
	return status;
}

/* ---- what changes the content of records ---- */

static void
put_bytes(struct buf *to, const char *p, size_t n)
{
	buf_printf(to, "%zu:", n);
	buf_add(to, p, n);
}

static void
put_text(struct buf *to, const char *text)
{
	if (text != NULL)
		put_bytes(to, text, strlen(text));
	buf_char(to, ';');
}

/* Credentials are not part of it: they may be renewed between two runs. */
static void
put_headers(struct buf *to, const struct opts *o)
{
	static const char *const secret[] = { "authorization", "cookie",
		"proxy-authorization" };
	size_t i, k;

	for (i = 0; i < o->nheaders; i++) {
		for (k = 0; k < 3; k++)
			if (strcasecmp(o->headers[i].name, secret[k]) == 0)
				break;
		if (k < 3)
			continue;
		put_text(to, o->headers[i].name);
		put_text(to, o->headers[i].value);
	}
}

void
opts_content(const struct opts *o, struct buf *to)
{
	const int switches[] = { o->format, o->body, o->include_headers,
		o->stream, o->include_attempts, o->only_failed, o->only_ok,
		o->fail, o->compressed, o->follow_redirects, o->csv_safe,
		o->has_body };
	const char *const texts[] = { o->method, o->base_url, o->fields,
		o->content_type, o->exec, o->output_dir, o->output_name };
	const struct opt_list *const lists[] = { &o->extract, &o->css,
		&o->xpath, &o->regex };
	size_t i, k;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		buf_printf(to, "%d;", switches[i]);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(to, texts[i]);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (k = 0; k < lists[i]->n; k++)
			put_text(to, lists[i]->v[k]);
		buf_char(to, ';');
	}
	put_headers(to, o);
	put_bytes(to, o->payload.p, o->payload.n);
	for (i = 0; i < o->npieces; i++)
		put_bytes(to, o->pieces[i].text, o->pieces[i].n);
}
