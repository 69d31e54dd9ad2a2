/* SPDX-License-Identifier: ISC */
/* Opens a file of results, finds out what it is, and hands on to the reader of
 * that form. */
#include "store/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/decode.h"
#include "store/scan_int.h"

struct scan *
scan_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct scan *s;

	if (fd == -1)
		return NULL;
	s = mem_zalloc(1, sizeof(*s));
	s->path = mem_strdup(path);
	s->fd = fd;
	s->chunk = mem_alloc(SCAN_CHUNK_BYTES);
	s->raw = mem_alloc(SCAN_CHUNK_BYTES);
	return s;
}

void
scan_close(struct scan *s)
{
	size_t i;

	if (s == NULL)
		return;
	scan_db_close(s);
	decode_close(s->decode);
	table_fini(&s->table);
	for (i = 0; i < SCAN_NKEY; i++)
		buf_fini(&s->text[i]);
	buf_fini(&s->line);
	buf_fini(&s->why);
	close(s->fd);
	free(s->chunk);
	free(s->raw);
	free(s->path);
	free(s);
}

const char *
scan_why(const struct scan *s)
{
	return s->why.n > 0 ? s->why.p : "";
}

enum scan_coding
scan_coding(const struct scan *s)
{
	return s->coding;
}

int
scan_is_database(const struct scan *s)
{
	return s->form == SCAN_DATABASE;
}

/* ---- the next item ---- */

/* JSON lines begin with '{'; anything else is a table, or nothing of ours. */
static enum scan_verdict
begin(struct scan *s)
{
	if (scan_begin(s) == -1)
		return SCAN_FAILED;
	if (s->form != SCAN_UNKNOWN)
		return SCAN_RECORD;
	if (scan_fill(s) == -1)
		return SCAN_FAILED;
	s->form = s->in.n > 0 && *s->in.p != '{' ? SCAN_TABLE : SCAN_LINES;
	return SCAN_RECORD;
}

static enum scan_verdict
next_of_form(struct scan *s, struct scan_item *item)
{
	switch (s->form) {
	case SCAN_TABLE:
		return scan_rows_next(s, item);
	case SCAN_DATABASE:
		return scan_db_next(s, item);
	case SCAN_LINES:
	case SCAN_UNKNOWN:
		break;
	}
	return scan_line_next(s, item);
}

enum scan_verdict
scan_next(struct scan *s, struct scan_item *item)
{
	enum scan_verdict v = SCAN_END;

	*item = (struct scan_item){ .number = s->number, .offset = s->offset };
	if (s->is_over)
		return SCAN_END;
	if (s->form == SCAN_UNKNOWN && begin(s) == SCAN_FAILED)
		v = SCAN_FAILED;
	else
		v = next_of_form(s, item);
	/* What was decoded before the damage is read first. */
	if (v == SCAN_END && s->is_damaged) {
		s->is_damaged = 0;
		item->number = s->number;
		item->offset = s->offset;
		return SCAN_TORN;
	}
	s->is_over = v == SCAN_END || v == SCAN_FAILED;
	return v;
}

int
scan_read(struct scan *s, uint64_t max, struct span *piece)
{
	*piece = SPAN_NONE;
	if (s->form == SCAN_UNKNOWN && begin(s) == SCAN_FAILED)
		return -1;
	if (scan_fill(s) == -1 || s->is_damaged)
		return -1;
	*piece = s->in;
	if (piece->n > max)
		piece->n = (size_t)max;
	span_drop(&s->in, piece->n);
	return 0;
}
