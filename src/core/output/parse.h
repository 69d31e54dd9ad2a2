/* SPDX-License-Identifier: ISC */
/*
 * The parsing of an answer by other processes: which answers, by whom, and what
 * comes of it. An answer goes first to the workers (--extract, --css, --xpath,
 * --regex), then to the coprocesses (--exec), as far as either is asked for.
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
	struct pool *pool; /* whose turn it is; NULL: nobody's */
	int is_put;        /* and that one has it */
	int was_parsed;    /* the record says how it went */
	enum parse_error error;
	int has_object, has_exec;
	struct buf object; /* the workers' JSON */
	struct buf exec;   /* the coprocess's */
	int64_t time_us;   /* RECORD_NO_TIME: it was with none */
	unsigned worker;
	/* How far it is handed over. */
	size_t body_done;
	struct record_at at;
};

/*
 * Makes ready to parse f's answer. Nonzero: it is to be parsed; 0: it is not,
 * and where that is nobody's choice but ours the record will say why.
 */
int parse_prepare(struct fetch *f);
/* Hands it to the first that parses it. */
void parse_start(struct fetch *f);
/* What that one made of it. Nonzero: it is done; 0: it is with the next. */
int parse_take(struct fetch *f, const struct pool_result *r);
/* Nobody works on it any more. */
void parse_cancel(struct fetch *f);
/* As many wait for a parser as there should be. */
int parse_is_full(const struct core *c);
/* For more of the answers of `pool`, under --max-buffer. */
enum pool_room parse_room(struct core *c, const struct pool *pool);
/* There may be some again. */
void parse_go_on(struct core *c);
/* Is f with a parser, and not waiting for one? */
int parse_is_running(const struct fetch *f);
/* ---- what the pools call: struct pool_conf says how ---- */
int parse_fill_document(struct pool_doc *d, struct buf *out, int begin);
int parse_fill_line(struct pool_doc *d, struct buf *out, int begin);
int parse_check_object(struct pool_doc *d, struct span value);
int parse_check_value(struct pool_doc *d, struct span value);

#endif
