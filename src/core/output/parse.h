/* SPDX-License-Identifier: ISC */
/*
 * Has answers parsed by other processes, and keeps the results. An answer goes
 * first to the workers (--extract, --css, --xpath, --regex), then to the
 * coprocesses (--exec), if the options ask for them.
 */
#ifndef CORE_OUTPUT_PARSE_H
#define CORE_OUTPUT_PARSE_H

#include "base/buf.h"
#include "base/parse_error.h"
#include "base/span.h"
#include "codec/record/record.h"
#include "io/pool/pool.h"

struct core;
struct fetch;

/* Of one exchange; its memory is kept for the next. */
struct parse {
	struct pool_doc doc;
	struct pool *pool; /* that parses it now or next; or NULL */
	int is_put;        /* `pool` has it */
	int was_parsed;    /* the record has the result or the error */
	enum parse_error error;
	int has_object, has_exec;
	struct buf object; /* the workers' JSON */
	struct buf exec;   /* the coprocess's */
	int64_t time_us;   /* spent parsing; RECORD_NO_TIME: none had it */
	unsigned worker;   /* number of the last one; 0: none */
	/* How much of it was sent. */
	size_t body_done;
	struct record_at at;
};

/*
 * Prepares to parse f's answer. Nonzero: it is to be parsed; 0: it is not, and
 * the record will say why if the options asked for it.
 */
int parse_prepare(struct fetch *f);
/* Sends it to the first pool that parses it. */
void parse_start(struct fetch *f);
/* Takes a pool's result. Nonzero: all is done; 0: the next pool has it now. */
int parse_take(struct fetch *f, const struct pool_result *r);
/* Cancels the parsing of f's answer, if there is any. */
void parse_cancel(struct fetch *f);
/* Do enough answers wait for a parser, so that no new item should start? */
int parse_is_full(const struct core *c);
/* How many more results of `pool` --max-buffer has room for. */
enum pool_room parse_room(struct core *c, const struct pool *pool);
/* Lets the pools ask parse_room again. */
void parse_resume_pools(struct core *c);
/* Is f with a parser, and not waiting for one? */
int parse_is_running(const struct fetch *f);
/* ---- callbacks of the pools; see struct pool_conf ---- */
int parse_fill_document(struct pool_doc *d, struct buf *out, int begin);
int parse_fill_line(struct pool_doc *d, struct buf *out, int begin);
int parse_check_object(struct pool_doc *d, struct span value);
int parse_check_value(struct pool_doc *d, struct span value);

#endif
