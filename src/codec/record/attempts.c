/* SPDX-License-Identifier: ISC */
/* Writes the key `attempts`: one object for each request, in order. */
#include "base/check.h"
#include "codec/json/write.h"
#include "codec/record/record_int.h"

/* Bytes of one attempt with its values, without its strings. */
#define ROOM 640

static char *
put_key(char *p, struct span name)
{
	*p++ = ',';
	*p++ = '"';
	p = json_write_raw(p, name);
	*p++ = '"';
	*p++ = ':';
	return p;
}

static char *
put_string(char *p, struct span name, struct span value)
{
	return json_write_string(put_key(p, name), value);
}

static char *
put_time(char *p, struct span name, int64_t us)
{
	return json_write_time(put_key(p, name), us);
}

static char *
put_attempt(char *p, const struct record_attempt *a)
{
	p = json_write_raw(p, SPAN("{\"attempt\":"));
	p = json_write_u64(p, a->attempt);
	p = put_string(p, SPAN("url"), a->url);
	p = json_write_int(put_key(p, SPAN("status_code")), a->status_code);
	p = put_string(p, SPAN("error"),
	    a->error == E_OK ? SPAN_NONE : span_str(error_code(a->error)));
	p = put_string(p, SPAN("remote_ip"), a->remote_ip);
	p = json_write_int(
	    put_key(p, SPAN("conn_id")), a->conn_id > 0 ? a->conn_id : -1);
	p = put_time(p, SPAN("time_namelookup"), a->time_namelookup);
	p = put_time(p, SPAN("time_connect"), a->time_connect);
	p = put_time(p, SPAN("time_appconnect"), a->time_appconnect);
	p = put_time(p, SPAN("time_starttransfer"), a->time_starttransfer);
	p = put_time(p, SPAN("time_total"), a->time_total);
	p = put_time(p, SPAN("wait"), a->wait_us);
	p = put_string(p, SPAN("wait_reason"), a->wait_reason);
	*p++ = '}';
	return p;
}

int
record_attempts(
    struct buf *out, const struct record *r, struct record_at *at, size_t end)
{
	const struct record_attempt *a;
	size_t room;
	char *start, *p;

	if (!r->has_attempts)
		return 0;
	if (at->attempts_done == 0) {
		record_add_name(out, at, SPAN("attempts"));
		buf_char(out, '[');
	}
	for (; at->attempts_done < r->nattempt; at->attempts_done++) {
		if (out->n >= end && at->attempts_done > 0)
			return 1;
		if (at->attempts_done > 0)
			buf_char(out, ',');
		a = &r->attempt[at->attempts_done];
		room = ROOM + JSON_WRITE_STRING(
				  a->url.n + a->remote_ip.n + a->wait_reason.n);
		start = buf_reserve(out, room);
		p = put_attempt(start, a);
		CHECK((size_t)(p - start) <= room);
		out->n += (size_t)(p - start);
	}
	buf_char(out, ']');
	return 0;
}
