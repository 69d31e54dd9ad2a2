/* SPDX-License-Identifier: ISC */
/* What the readers of all forms say: an item, or what is wrong. */
#include <stdarg.h>

#include "store/scan_int.h"

enum scan_verdict
scan_say(struct scan *s, enum scan_verdict v, const char *fmt, ...)
{
	va_list ap;

	s->why.n = 0;
	va_start(ap, fmt);
	buf_vprintf(&s->why, fmt, ap);
	va_end(ap);
	buf_char(&s->why, '\0');
	return v;
}

int
scan_fill_item(struct scan *s, struct scan_item *item)
{
	struct span digits = buf_view(&s->text[SCAN_SEQ]);
	size_t i;

	if (!s->has[SCAN_SEQ] || digits.n == 0 || digits.n > 19)
		return -1;
	for (i = 0; i < digits.n; i++) {
		if (!span_is_digit(digits.p[i]))
			return -1;
		item->seq = item->seq * 10 + (uint64_t)(digits.p[i] - '0');
	}
	if (s->has[SCAN_ERROR])
		item->error = buf_view(&s->text[SCAN_ERROR]);
	if (s->has[SCAN_INPUT])
		item->input = s->text[SCAN_INPUT].n > 0
				  ? buf_view(&s->text[SCAN_INPUT])
				  : SPAN("");
	return item->seq > 0 ? 0 : -1;
}
