/* SPDX-License-Identifier: ISC */
/*
 * Writes an error code and the facts of its exchange as a sentence. Knows
 * nothing of records.
 */
#include "core/explain.h"

#include <inttypes.h>

#include "core/fetch.h"
#include "core/xchg.h"

static int64_t
declared_length(const struct xchg *x)
{
	return xchg_has_head(x) ? http_content_length(x->http) : -1;
}

/* Is one event or line of a stream too large, rather than the whole body? */
static int
is_stream_item(const struct xchg *x, uint64_t max)
{
	return x->stream_mode == OUTPUT_STREAM_LINES &&
	       (max == 0 || (x->decoded_bytes < max && x->wire_bytes <= max));
}

static void
explain_body(struct buf *out, const struct xchg *x)
{
	uint64_t max = xchg_max_bytes(x);
	int64_t length = declared_length(x);

	if (is_stream_item(x, max)) {
		buf_printf(out,
		    "an event or line of the stream is larger than %u bytes",
		    STREAM_ITEM_MAX);
		return;
	}
	buf_printf(out,
	    "the body is over the limit of %" PRIu64 " bytes (--max-filesize)",
	    max);
	if (length >= 0)
		buf_printf(out, "; %" PRId64 " bytes were declared", length);
}

void
explain_error(struct buf *out, const struct fetch *f)
{
	const struct xchg *x = f->x;

	if (f->err == E_HTTP_STATUS)
		buf_printf(out, "status %d", http_status(x->http));
	else if (f->err == E_BODY_TOO_LARGE)
		explain_body(out, x);
	else
		buf_str(out, error_info(f->err)->text);
	if (f->detail != NULL)
		buf_printf(out, " (%s)", f->detail);
	if (x->note != NULL)
		buf_printf(out, ": %s", x->note);
}
