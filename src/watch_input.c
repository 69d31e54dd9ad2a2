/* SPDX-License-Identifier: ISC */
/* Prints the likely mistakes that core/fetch_begin found in lines. */
#include "watch_input.h"

#include "base/message.h"
#include "core/job.h"
#include "options/options.h"

static void
put(struct buf *out, const struct oddity *o, const char *what)
{
	message_begin(out);
	message_show(out, o->source);
	buf_printf(out, ":%llu: %s\n", (unsigned long long)o->line, what);
}

void
watch_input_put(struct watch_input *w, const struct job *j, struct buf *out)
{
	if (j->intake.two_urls.source != NULL && !w->said_two_urls) {
		w->said_two_urls = 1;
		put(out, &j->intake.two_urls,
		    "this line seems to contain a second URL after a comma or "
		    "a blank; it is fetched as one URL (shown once)");
	}
	if (j->intake.method_case.source != NULL && !w->said_method_case) {
		w->said_method_case = 1;
		put(out, &j->intake.method_case,
		    "the method is sent as written, but HTTP methods are upper "
		    "case (shown once)");
	}
	if (j->emit.left_out.source != NULL && !w->said_left_out) {
		w->said_left_out = 1;
		put(out, &j->emit.left_out,
		    "this line is too long and is not written to "
		    "--failed-input (shown once)");
	}
}
