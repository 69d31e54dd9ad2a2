/* SPDX-License-Identifier: ISC */
/* Initialises a job from its options, and frees it. Decides nothing. */
#include "core/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/core.h"
#include "core/output/order.h"
#include "core/output/output.h"
#include "core/xchg.h"

static void
set_request_defaults(struct job *j)
{
	const struct opts *o = j->opts;
	struct http_header *v;
	const char *why;
	size_t i, at;

	if (o->user != NULL)
		xchg_basic(&j->authorization, span_str(o->user),
		    span_str(o->password));
	else if (o->oauth2_bearer != NULL)
		buf_printf(&j->authorization, "Bearer %s", o->oauth2_bearer);
	v = mem_zalloc(o->nheaders, sizeof(*v));
	for (i = 0; i < o->nheaders; i++) {
		v[i].name = span_str(o->headers[i].name);
		v[i].value = span_str(o->headers[i].value);
		v[i].remove = o->headers[i].remove;
	}
	j->headers = (struct http_headers){ v, o->nheaders };
	if (o->base_url != NULL) /* known to be good */
		(void)url_parse(&j->base_url, span_str(o->base_url), &why, &at);
}

static void
set_pace(struct job *j)
{
	struct hosts *hosts = &j->core->hosts;
	const struct opts *o = j->opts;
	size_t i;

	pace_set(&j->pace.all, o->rate);
	pace_set(&j->pace.per_host, o->rate_per_host);
	if (j->pace.per_host.gap_us > hosts->longest_gap_us)
		hosts->longest_gap_us = j->pace.per_host.gap_us;
	if (o->delay_us > hosts->longest_gap_us)
		hosts->longest_gap_us = o->delay_us;
	hosts->delays |= o->delay_us > 0;
	j->pace.budgets = mem_zalloc(o->nbudgets, sizeof(j->pace.budgets[0]));
	for (i = 0; i < o->nbudgets; i++)
		pace_budget_init(&j->pace.budgets[i], o->budgets[i].rate);
}

void
job_init(struct job *j, struct core *c, const struct opts *o)
{
	memset(j, 0, sizeof(*j));
	j->core = c;
	j->opts = o;
	list_init(&j->emit.waiting);
	list_init(&j->ready);
	list_init(&j->needs_lookup);
	set_request_defaults(j);
	set_pace(j);
	if (o->keep_order) {
		j->emit.order =
		    order_new(account_order_window(c), o->max_spill_bytes);
		order_on_passed(j->emit.order, output_put_in_order, j);
	}
	list_push(&c->jobs, &j->of_core);
}

void
job_fini(struct job *j)
{
	if (j->core == NULL)
		return;
	hosts_forget_job(j->core, j);
	list_remove(&j->core->jobs, &j->of_core);
	order_free(j->emit.order);
	free(j->pace.budgets);
	url_fini(&j->base_url);
	buf_fini(&j->authorization);
	free(j->headers.v);
}

int
job_is_done(const struct job *j)
{
	return j->intake.ended && j->alive == 0 &&
	       (j->emit.order == NULL || order_is_over(j->emit.order));
}
