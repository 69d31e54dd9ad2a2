/* SPDX-License-Identifier: ISC */
/* Results in a database of store/results, which is only read. */
#include <sqlite3.h>
#include <string.h>

#include "store/results.h"
#include "store/scan_int.h"

static enum scan_verdict
fail(struct scan *s)
{
	return scan_say(s, SCAN_FAILED, "%s",
	    s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
}

/* "./" keeps SQLite from taking a name for a URI or ":memory:". */
static enum scan_verdict
open_rows(struct scan *s)
{
	struct buf name = { 0 };
	int rc;

	buf_printf(&name, "%s%s", s->path[0] == '/' ? "" : "./", s->path);
	buf_char(&name, '\0');
	rc = sqlite3_open_v2(name.p, &s->db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_PRIVATECACHE,
	    NULL);
	buf_fini(&name);
	if (rc != SQLITE_OK)
		return fail(s);
	sqlite3_busy_timeout(s->db, RESULTS_BUSY_MS);
	/* The file may come from somebody else. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (sqlite3_prepare_v2(s->db,
		"SELECT seq, error, input FROM results ORDER BY seq", -1,
		&s->rows, NULL) != SQLITE_OK)
		return fail(s);
	return SCAN_RECORD;
}

static void
keep(struct scan *s, size_t k, int column)
{
	const void *p = sqlite3_column_text(s->rows, column);
	int n = sqlite3_column_bytes(s->rows, column);

	s->text[k].n = 0;
	s->has[k] = p != NULL;
	if (p != NULL && n > 0)
		buf_add(&s->text[k], p, (size_t)n);
}

enum scan_verdict
scan_db_next(struct scan *s, struct scan_item *item)
{
	if (s->rows == NULL && open_rows(s) == SCAN_FAILED)
		return SCAN_FAILED;
	switch (sqlite3_step(s->rows)) {
	case SQLITE_DONE:
		return SCAN_END;
	case SQLITE_ROW:
		break;
	default:
		return fail(s);
	}
	item->number = ++s->number;
	item->has_error = 1;
	keep(s, SCAN_SEQ, 0);
	keep(s, SCAN_ERROR, 1);
	keep(s, SCAN_INPUT, 2);
	if (scan_fill_item(s, item) == -1)
		return scan_say(s, SCAN_TORN, "seq is not a number from 1");
	return SCAN_RECORD;
}

void
scan_db_close(struct scan *s)
{
	sqlite3_finalize(s->rows);
	sqlite3_close(s->db);
}
