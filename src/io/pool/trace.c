/* SPDX-License-Identifier: ISC */
/* Events of workers for the trace. */
#include "io/pool/pool_int.h"

void
pool_trace(const struct worker *w, enum trace_kind kind,
    const struct pool_doc *d, int64_t value, const char *why)
{
	const struct pool_conf *conf = &w->pool->conf;
	const struct trace_event e = {
		.at_us = timer_now_us(),
		.kind = (unsigned char)kind,
		.id = w->number,
		.other = d != NULL ? d->label : 0,
		.value = value,
		.why = why,
	};

	trace_put(conf->trace, &e,
	    conf->protocol == POOL_FRAMES ? SPAN("fetchd-worker")
					  : span_str(conf->argv[0]));
}
