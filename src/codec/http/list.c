/* SPDX-License-Identifier: ISC */
/* Splits field values at separators outside quoted strings. */
#include "codec/http/list.h"

struct span
http_list_part(struct span *s, char separator)
{
	struct span part;
	int quoted = 0;
	size_t i;

	for (i = 0; i < s->n && (quoted || s->p[i] != separator); i++) {
		if (s->p[i] == '"')
			quoted = !quoted;
		else if (quoted && s->p[i] == '\\' && i + 1 < s->n)
			i++;
	}
	part = span_of(s->p, i);
	if (i < s->n)
		i++;
	*s = i > 0 ? span_of(s->p + i, s->n - i) : *s;
	return span_trim(part);
}

int
http_list_next(struct span *list, struct span *member)
{
	while (list->n > 0) {
		*member = http_list_part(list, ',');
		if (member->n > 0)
			return 1;
	}
	return 0;
}
