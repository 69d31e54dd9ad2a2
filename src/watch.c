/* SPDX-License-Identifier: ISC */
/*
 * The progress line, the USR1 list and the summary. Reads the counts of a run
 * and writes to the sink for stderr, which never blocks the run.
 */
#include "watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/message.h"
#include "codec/request.h"
#include "codec/url/url.h"
#include "core/fetch.h"
#include "core/origin/host.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "core/sched.h"
#include "core/xchg.h"
#include "engine.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/timer.h"
#include "options/options.h"
#include "watch_input.h"
#include "watch_origins.h"
#include "watch_stats.h"

#define PROGRESS_US 200000
#define COUNTED_MAX (8u << 20) /* bytes of input whose lines are counted */
#define DUMP_MAX 1000
#define URL_SHOWN 200 /* bytes of it in a dump */
#define ERASE "\r\033[K"
#define COLUMNS 80 /* of a terminal of unknown width */
#define REASONS_SHOWN 3

struct watch {
	struct engine *engine;
	struct core *core;
	const struct job *job;
	const struct source *source;
	struct sink *notes;
	struct timer *timer; /* NULL: no progress line */
	int is_shown;        /* the line is on the terminal */
	int shares_terminal; /* records go to the same terminal */
	int is_net_down;     /* and that was reported */
	int has_hinted;      /* at the options for certificates */
	int64_t began_us;
	int64_t last_at_us;
	uint64_t last_done;
	double rate;     /* items a second, smoothed */
	int64_t counted; /* items of the input; -1: it was not counted */
	struct watch_input input;
};

static void
say(struct watch *w, struct buf *line)
{
	sink_note(w->notes, buf_view(line));
	buf_fini(line);
}

/* "1.5k", "23.4M": at most five characters. */
static void
put_size(struct buf *b, uint64_t n)
{
	static const char units[] = "kMGTPE";
	double v = (double)n;
	int i = -1;

	if (n < 1024) {
		buf_u64(b, n);
		return;
	}
	while (v >= 1000 && i < 5) {
		v /= 1024;
		i++;
	}
	buf_printf(b, v < 10 ? "%.1f%c" : "%.0f%c", v, units[i]);
}

/* ---- progress ---- */

static uint64_t
done_items(const struct watch *w)
{
	return w->job->stats.ok + w->job->stats.failed;
}

/* The number of items in all; 0: not known. */
static uint64_t
total_items(const struct watch *w)
{
	uint64_t limit = (uint64_t)w->job->opts->limit;

	if (w->job->intake.ended || w->job->seq >= limit)
		return w->job->stats.items;
	if (w->counted < 0)
		return 0;
	return (uint64_t)w->counted < limit ? (uint64_t)w->counted : limit;
}

/* An estimate of it from the input read so far; 0: none. */
static double
estimated_items(const struct watch *w)
{
	double limit = (double)w->job->opts->limit, n;
	uint64_t done, total;

	source_progress(w->source, &done, &total);
	if (total == 0 || done == 0)
		return 0;
	n = (double)w->job->stats.items * (double)total / (double)done;
	return n < limit ? n : limit;
}

/* "120/2000 done (6%)", "120 done (about 6%)", "120 done". */
static void
put_done(struct buf *b, const struct watch *w)
{
	uint64_t done = done_items(w), total = total_items(w);
	double estimated = total > 0 ? 0 : estimated_items(w);

	buf_u64(b, done);
	if (total > 0)
		buf_printf(b, "/%llu", (unsigned long long)total);
	buf_str(b, " done");
	if (total > 0)
		buf_printf(
		    b, " (%d%%)", (int)(100 * (double)done / (double)total));
	else if (estimated > 0)
		buf_printf(
		    b, " (about %d%%)", (int)(100 * (double)done / estimated));
}

static void
put_eta(struct buf *b, const struct watch *w)
{
	double total = (double)total_items(w), share;
	int64_t gone = timer_now_us() - w->began_us, left;

	if (total <= 0)
		total = estimated_items(w);
	if (total <= 0 &&
	    opts_given(w->job->opts, OPT_limit)) /* no more than that */
		total = (double)w->job->opts->limit;
	share = total > 0 ? (double)done_items(w) / total : 0;
	if (share < 0.01 || w->core->sched.pauses & PAUSE_STOP)
		return;
	left = (int64_t)((double)gone * (1 - share) / share / 1e6);
	buf_printf(b, ", %d:%02d left", (int)(left / 60), (int)(left % 60));
}

static void
measure_rate(struct watch *w)
{
	int64_t now = timer_now_us();
	uint64_t done = done_items(w);
	double fresh;

	if (now - w->last_at_us < PROGRESS_US / 2)
		return;
	fresh =
	    (double)(done - w->last_done) * 1e6 / (double)(now - w->last_at_us);
	w->rate = w->rate == 0 ? fresh : 0.7 * w->rate + 0.3 * fresh;
	w->last_at_us = now;
	w->last_done = done;
}

static int
commonest(const size_t by_reason[WAIT_COUNT])
{
	int r, most = 0;

	for (r = 1; r < WAIT_COUNT; r++)
		if (by_reason[r] > by_reason[most])
			most = r;
	return most;
}

/*
 * ", waiting 120 (retry_after 80, rate 40)": the most frequent reasons. Items
 * that wait for a slot only are not counted: they are just read ahead.
 */
static void
put_waiting(struct buf *b, const struct core *c,
    const size_t by_reason[WAIT_COUNT], int reasons)
{
	size_t left[WAIT_COUNT], n = c->sched.known - by_reason[WAIT_SLOT];
	const char *sep = " (";
	int r;

	if (n == 0)
		return;
	memcpy(left, by_reason, sizeof(left));
	left[WAIT_SLOT] = 0;
	buf_printf(b, ", waiting %zu", n);
	for (r = commonest(left); reasons > 0 && left[r] > 0; reasons--) {
		buf_printf(b, "%s%s %zu", sep, stats_wait_name(r), left[r]);
		sep = ", ";
		left[r] = 0;
		r = commonest(left);
	}
	if (sep[0] == ',')
		buf_char(b, ')');
}

/* How much of a line fits: in the last column it would wrap. */
static size_t
room_on_terminal(void)
{
	struct winsize ws;

	if (ioctl(2, TIOCGWINSZ, &ws) != 0)
		return SIZE_MAX;
	return (ws.ws_col > 1 ? ws.ws_col : COLUMNS) - 1u;
}

/* Cuts the line between two parts: half a number would be misread. */
static void
cut_line(struct buf *b, size_t room)
{
	size_t n = room;

	if (b->n <= room)
		return;
	while (n > 0 && b->p[n] != ',' && memcmp(b->p + n - 1, " (", 2) != 0)
		n--;
	if (n > 0 && b->p[n] == '(')
		n--; /* the blank before it goes as well */
	b->n = n > 0 ? n : room;
}

static void
put_line(struct buf *b, const struct watch *w,
    const size_t by_reason[WAIT_COUNT], int reasons)
{
	const struct core *c = w->core;

	put_done(b, w);
	buf_printf(b, ", %llu failed, %zu in flight",
	    (unsigned long long)w->job->stats.failed, c->sched.slots);
	if (c->state[FETCH_SAVING].n > 0)
		buf_printf(b, ", %zu to save", c->state[FETCH_SAVING].n);
	if (c->state[FETCH_PARSING].n > 0)
		buf_printf(b, ", %zu to parse", c->state[FETCH_PARSING].n);
	put_waiting(b, c, by_reason, reasons);
	watch_origins_progress(b, c);
	put_eta(b, w);
	buf_printf(b, ", %.0f/s, ", w->rate);
	put_size(b, w->job->stats.bytes_in);
	buf_char(b, 'B');
}

static void
draw(struct watch *w)
{
	size_t by_reason[WAIT_COUNT], room = room_on_terminal();
	struct buf line = { 0 }, b = { 0 };
	int reasons = REASONS_SHOWN;

	measure_rate(w);
	sched_count_waiting(w->core, by_reason);
	put_line(&line, w, by_reason, reasons);
	while (line.n > room && --reasons > 0) {
		line.n = 0;
		put_line(&line, w, by_reason, reasons);
	}
	cut_line(&line, room);
	buf_str(&b, ERASE);
	buf_span(&b, buf_view(&line));
	buf_fini(&line);
	w->is_shown = 1;
	say(w, &b);
}

static void
erase(struct watch *w)
{
	if (!w->is_shown)
		return;
	w->is_shown = 0;
	sink_note(w->notes, SPAN(ERASE));
}

/* Before records are written to the same terminal: removes the line. */
static void
on_output(void *arg)
{
	struct watch *w = arg;

	if (!w->is_shown || !w->shares_terminal)
		return;
	erase(w);
	sink_flush(w->notes);
}

static void
on_progress(void *arg)
{
	struct watch *w = arg;

	clock_tick(&w->core->clock);
	draw(w);
	timer_set(w->timer, timer_now_us() + PROGRESS_US);
}

/* The program that reads the records may write to the same terminal. */
static int
is_piped_on(const struct opts *o)
{
	struct stat st;

	return strcmp(o->output, "-") == 0 && fstat(1, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int
wants_progress(const struct opts *o)
{
	const char *term = getenv("TERM");

	if (o->quiet || o->progress == PROGRESS_NONE)
		return 0;
	if (o->progress == PROGRESS_BAR)
		return 1;
	if (o->trace != NULL && strcmp(o->trace, "-") == 0)
		return 0; /* its lines are there */
	return isatty(2) && term != NULL && strcmp(term, "dumb") != 0 &&
	       !is_piped_on(o);
}

/* Without a progress line, which shows it, reports that the net is down. */
static void
on_hold(void *arg, const struct host *h)
{
	struct watch *w = arg;
	struct buf b = { 0 };

	message_begin(&b);
	watch_origins_hold(&b, h);
	buf_char(&b, '\n');
	say(w, &b);
}

void
watch_begin(struct watch *w)
{
	if (w->timer != NULL)
		w->counted = source_count(w->source, COUNTED_MAX);
}

/* ---- messages printed once ---- */

/* Once a run, on a terminal: which options help with a bad certificate. */
static void
hint_at_certificates(struct watch *w)
{
	const struct stats *s = &w->job->stats;
	struct buf b = { 0 };
	uint64_t untrusted = s->by_error[E_TLS_CERT_UNTRUSTED] +
			     s->by_error[E_TLS_CERT_SELF_SIGNED];
	uint64_t other = s->by_error[E_TLS_CERT_EXPIRED] +
			 s->by_error[E_TLS_CERT_NOT_YET_VALID] +
			 s->by_error[E_TLS_CERT_HOSTNAME] +
			 s->by_error[E_TLS_CERT_WEAK] +
			 s->by_error[E_TLS_CERT_INVALID];

	if (w->has_hinted || untrusted + other == 0 ||
	    w->job->opts->format != FORMAT_TEXT || w->job->opts->quiet)
		return;
	w->has_hinted = 1;
	erase(w);
	message_line(&b,
	    "a certificate could not be verified; %s-k (--insecure) "
	    "turns verification off",
	    untrusted > 0 ? "--cacert FILE trusts the authorities in FILE, "
			  : "");
	say(w, &b);
}

static void
on_pass(void *arg)
{
	struct watch *w = arg;
	const struct network *n = &w->core->network;
	struct buf b = { 0 };

	hint_at_certificates(w);
	if (!w->job->opts->quiet)
		watch_input_put(&w->input, w->job, &b);
	if (b.n > 0) {
		erase(w);
		say(w, &b);
	}

	if (n->is_down == w->is_net_down)
		return;
	w->is_net_down = n->is_down;
	if (w->job->opts->quiet)
		return;
	erase(w);
	if (n->is_down)
		message_line(&b,
		    "the network is down; waiting (with --net-down "
		    "fail, items fail instead)");
	else
		message_line(&b, "the network is back after %.0f s",
		    (double)(n->back_at_us - n->down_at_us) / 1e6);
	say(w, &b);
}

/* ---- the dump ---- */

struct dump {
	struct watch *watch;
	struct buf out, url;
	struct request request;
	const struct fetch **waiting;
	size_t n, cap;
	int left; /* lines that may still be written */
};

/*
 * Only the line of a waiting item is known; it may contain a password or
 * control bytes of a terminal.
 */
static void
put_line_url(struct dump *d, const struct fetch *f)
{
	struct request_fault fault;

	d->url.n = 0;
	(void)request_parse(&d->request, f->line, &fault);
	url_redact(&d->url, d->request.url);
	if (d->url.n > URL_SHOWN)
		d->url.n = URL_SHOWN;
	message_show_span(&d->out, buf_view(&d->url));
}

static void
dump_one(struct dump *d, const struct fetch *f)
{
	const char *why = sched_why(f);
	int64_t us = d->watch->core->clock.now_us - f->entered_at_us;
	struct span url;

	if (d->left-- <= 0)
		return;
	buf_printf(&d->out, "item %llu %s %.3fs %s%s",
	    (unsigned long long)f->seq, fetch_state_name(f->state),
	    (double)us / 1e6, why != NULL ? why : "", why != NULL ? " " : "");
	if (f->x != NULL && f->x->has_url) {
		url = url_text(&f->x->url);
		buf_add(&d->out, url.p, url.n < URL_SHOWN ? url.n : URL_SHOWN);
	} else {
		put_line_url(d, f);
	}
	buf_char(&d->out, '\n');
}

static void
dump_list(struct dump *d, const struct list *l)
{
	struct link *k;

	for (k = list_first(l); k != NULL && d->left > 0; k = list_next(l, k))
		dump_one(d, CONTAINER(k, struct fetch, link));
}

static int
note_waiting(void *arg, const struct fetch *f)
{
	struct dump *d = arg;

	d->waiting = mem_grow(d->waiting, d->n, &d->cap, sizeof(*d->waiting));
	d->waiting[d->n++] = f;
	return 1;
}

static int
by_seq(const void *a, const void *b)
{
	const struct fetch *const *f = a, *const *g = b;

	return (*f)->seq < (*g)->seq ? -1 : (*f)->seq > (*g)->seq;
}

static void
dump_waiting(struct dump *d)
{
	size_t i;

	hosts_each_waiting(d->watch->core, note_waiting, d);
	if (d->n > 0)
		qsort(d->waiting, d->n, sizeof(*d->waiting), by_seq);
	for (i = 0; i < d->n && d->left > 0; i++)
		dump_one(d, d->waiting[i]);
}

/* Finished items are not listed. */
static void
dump_order(struct dump *d)
{
	const struct order *o = d->watch->job->emit.order;

	if (o == NULL || order_pending(o) == 0)
		return;
	buf_printf(&d->out, "order: %zu finished %s for item %llu\n",
	    order_pending(o),
	    order_pending(o) == 1 ? "record waits" : "records wait",
	    (unsigned long long)output_next_seq(d->watch->job));
}

/* Puts each line by itself, so that the sink drops whole lines. */
static void
note_lines(struct watch *w, struct span text)
{
	const char *lf;
	size_t n;

	for (; text.n > 0; text = span_of(text.p + n, text.n - n)) {
		lf = memchr(text.p, '\n', text.n);
		n = lf != NULL ? (size_t)(lf - text.p) + 1 : text.n;
		sink_note(w->notes, span_of(text.p, n));
		if (sink_pending(w->notes) > SINK_NOTES_MAX / 2)
			sink_flush(w->notes);
	}
}

/* One line for each waiting or running item, at most DUMP_MAX. */
static void
on_dump(void *arg)
{
	struct watch *w = arg;
	const struct core *c = w->core;
	struct dump d = { .watch = w, .left = DUMP_MAX };
	size_t i;

	erase(w);
	buf_printf(&d.out, "%zu in flight, %zu waiting, %llu done\n",
	    c->sched.slots, c->sched.known, (unsigned long long)done_items(w));
	dump_order(&d);
	for (i = FETCH_CONNECTING; i < CORE_STATES; i++)
		dump_list(&d, &c->state[i]);
	dump_list(&d, &c->paused);
	dump_waiting(&d);
	watch_origins_dump(&d.out, c);
	note_lines(w, buf_view(&d.out));
	free(d.waiting);
	request_fini(&d.request);
	buf_fini(&d.url);
	buf_fini(&d.out);
}

/* ---- the end ---- */

/* Prints that the run stops, and what a second signal does. */
static void
on_stopping(void *arg, int sig)
{
	struct watch *w = arg;
	const struct core *c = w->core;
	size_t n = c->sched.slots + c->state[FETCH_SAVING].n +
		   c->state[FETCH_PARSING].n;
	struct buf b = { 0 };

	if (w->job->opts->quiet)
		return;
	erase(w);
	message_begin(&b);
	buf_str(&b, "stopping: no new item starts");
	if (n > 0 && w->job->opts->grace_us == 0)
		buf_printf(&b, ", %zu in flight %s cut (--grace 0)", n,
		    n == 1 ? "is" : "are");
	else if (n > 0)
		buf_printf(&b, ", %zu in flight %s up to %g s (--grace)", n,
		    n == 1 ? "has" : "have",
		    (double)w->job->opts->grace_us / 1e6);
	buf_printf(&b, "; %s stops immediately\n",
	    sig == SIGINT ? "another Ctrl-C" : "a second signal");
	say(w, &b);
}

static void
put_classes(struct buf *b, const struct stats *s)
{
	static const char *const names[] = { "other", "1xx", "2xx", "3xx",
		"4xx", "5xx" };
	const char *sep = " (";
	size_t i;

	for (i = 0; i < 6; i++) {
		if (s->by_status[i] == 0)
			continue;
		buf_printf(b, "%s%s %llu", sep, names[i],
		    (unsigned long long)s->by_status[i]);
		sep = ", ";
	}
	if (sep[0] == ',')
		buf_char(b, ')');
}

static void
put_errors(struct buf *b, const struct stats *s)
{
	const char *sep = " (";
	int e;

	for (e = E_OK + 1; e < E_COUNT; e++) {
		if (s->by_error[e] == 0)
			continue;
		buf_printf(b, "%s%s %llu", sep, error_code(e),
		    (unsigned long long)s->by_error[e]);
		sep = ", ";
	}
	if (sep[0] == ',')
		buf_char(b, ')');
}

/* The results of parsing, if the options ask for any. */
static void
put_parsed(struct buf *b, const struct stats *s)
{
	const char *sep = " (";
	uint64_t bad = 0;
	int e;

	for (e = PARSE_OK + 1; e < PARSE_COUNT; e++)
		bad += s->by_parse[e];
	if (s->by_parse[PARSE_OK] + bad == 0)
		return;
	buf_printf(b, "; %llu parsed, %llu not",
	    (unsigned long long)s->by_parse[PARSE_OK], (unsigned long long)bad);
	for (e = PARSE_OK + 1; e < PARSE_COUNT; e++) {
		if (s->by_parse[e] == 0)
			continue;
		buf_printf(b, "%s%s %llu", sep,
		    parse_error_code((enum parse_error)e),
		    (unsigned long long)s->by_parse[e]);
		sep = ", ";
	}
	if (sep[0] == ',')
		buf_char(b, ')');
}

static void
summarise(struct watch *w)
{
	const struct stats *s = &w->job->stats;
	struct buf b = { 0 };
	double took = (double)(timer_now_us() - w->began_us) / 1e6;

	message_begin(&b);
	buf_printf(&b, "%llu item%s%s in %.1f s: %llu answered",
	    (unsigned long long)s->items, s->items == 1 ? "" : "s",
	    w->job->intake.ended ? "" : " (input not read to the end)", took,
	    (unsigned long long)s->ok);
	put_classes(&b, s);
	buf_printf(&b, ", %llu failed", (unsigned long long)s->failed);
	put_errors(&b, s);
	if (s->items > s->ok + s->failed)
		buf_printf(&b, ", %llu left",
		    (unsigned long long)(s->items - s->ok - s->failed));
	buf_str(&b, ", ");
	put_size(&b, s->bytes_in);
	buf_char(&b, 'B');
	put_parsed(&b, s);
	buf_char(&b, '\n');
	say(w, &b);
}

static int
wants_summary(const struct opts *o)
{
	if (opts_given(o, OPT_summary))
		return o->summary;
	return !o->quiet && (o->verbose || isatty(2));
}

void
watch_end(struct watch *w)
{
	struct buf b = { 0 };

	hint_at_certificates(w);
	erase(w);
	if (wants_summary(w->job->opts))
		summarise(w);
	if (!w->job->opts->stats)
		return;
	watch_stats(
	    &b, w->engine, (double)(timer_now_us() - w->began_us) / 1e6);
	say(w, &b);
}

/* ---- begin and end ---- */

struct watch *
watch_new(struct engine *e)
{
	struct watch *w = mem_zalloc(1, sizeof(*w));
	struct engine_observer o = { on_pass, on_stopping, on_dump, w };
	struct core *c = engine_core(e);

	w->engine = e;
	w->core = c;
	w->job = engine_job(e);
	w->source = engine_source(e);
	w->notes = engine_notes(e);
	w->began_us = w->last_at_us = timer_now_us();
	w->counted = -1;
	w->shares_terminal =
	    isatty(1) && strcmp(w->job->opts->output, "-") == 0;
	engine_observe(e, &o);
	c->turn.before_output = on_output;
	c->turn.before_output_arg = w;
	if (!wants_progress(w->job->opts)) {
		c->hosts.hold_begun_arg = w;
		if (w->job->opts->verbose)
			c->hosts.hold_begun = on_hold;
		return w;
	}
	w->timer = timer_new(c->base, on_progress, w);
	timer_set(w->timer, w->began_us + PROGRESS_US);
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	timer_free(w->timer);
	free(w);
}
