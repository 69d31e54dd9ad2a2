/* SPDX-License-Identifier: ISC */
/*
 * What the user asked for, as values. Generated from options/table.h: one
 * field a row, then what follows from several of them. Knows argv and the
 * files that options name (@FILE); does not know what operands are, or whether
 * an address can be used.
 */
#ifndef OPTIONS_OPTIONS_H
#define OPTIONS_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "codec/frame.h"

#define OPT_NUM_MAX 1000000                       /* counts */
#define OPT_SIZE_MAX (1LL << 40)                  /* bytes */
#define OPT_HEADER_MAX (1LL << 30)                /* bytes */
#define OPT_DUR_MAX (365 * 24 * 3600 * 1000000LL) /* a year */
#define OPT_RETRY_MAX 1000
#define OPT_RATE_MAX 1e12 /* in its unit */
#define OPT_BUDGETS_MAX 16
#define OPT_STATUSES 1000
#define OPT_WORKERS_MAX 256
#define OPT_WORKER_MEM_MIN (64u << 20)
#define OPT_JOBS_MAX 64 /* of --extract, --css, --xpath, --regex */
#define OPT_EXEC_ARGS 64
#define OPT_FILE_MAX (1 << 20)   /* bytes of an @FILE of -H and -u */
#define OPT_BODY_MAX (256 << 20) /* bytes of a request body */

/* What applies where --max-time is off, for an item as for the run. */
#define OPT_UNTIMED_TTFB_US (300 * 1000000LL)
#define OPT_UNTIMED_SPEED_BYTES 100
#define OPT_UNTIMED_SPEED_US (30 * 1000000LL)

enum opt {
#define OPT(id, name, letter, type, def, min, max, group, meta, help, more) \
	OPT_##id,
#include "options/table.h"
#undef OPT
	OPT_COUNT
};

/* In the order of their choices in the table. */
enum opt_format { FORMAT_AUTO, FORMAT_JSONL, FORMAT_TEXT, FORMAT_BODY };
enum opt_body { BODY_INLINE, BODY_NONE, BODY_BASE64, BODY_JSON };
enum opt_net_down { NET_DOWN_WAIT, NET_DOWN_FAIL };
enum opt_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum opt_progress { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_NONE };

/* Which redirects: those of GET and HEAD; -L; --no-location. */
enum opt_follow { FOLLOW_SAFE, FOLLOW_ALL, FOLLOW_NEVER };

/*
 * At most that amount in any window of per_us: a second, minute or hour.
 * amount 0: no limit; otherwise it is at least one a year.
 */
struct opt_rate {
	double amount;
	int64_t per_us;
};

/* One --budget; its amount is more than 0. */
struct opt_budget {
	char *name;
	struct opt_rate rate;
};

struct opt_list {
	char **v;
	size_t n, cap;
	unsigned *at; /* as struct opts' given, of each value */
};

/* One -H, checked. `remove`: send none of that name; value is then "". */
struct opt_header {
	char *name, *value;
	int remove;
};

struct opt_operand {
	char *text;
	int argument; /* its index in argv */
	int is_file;  /* it came by -i: a file or "-", never a URL */
	int is_url;   /* it came by --url: never a file */
};

/* A piece of a --form: its bytes, or a file whose bytes stand there. */
struct opt_piece {
	char *text; /* may hold NUL unless it is a path */
	size_t n;
	int is_path;
};

#define OPT_FIELD_BOOL(id) int id;
#define OPT_FIELD_INT(id) int64_t id;
#define OPT_FIELD_SIZE(id) uint64_t id##_bytes;
#define OPT_FIELD_DUR(id) int64_t id##_us;
#define OPT_FIELD_RATE(id) struct opt_rate id;
#define OPT_FIELD_STR(id) const char *id; /* NULL: none */
#define OPT_FIELD_PATH(id) const char *id;
#define OPT_FIELD_LIST(id) struct opt_list id;
#define OPT_FIELD_ENUM(id) int id;

/*
 * 0 means no limit for timeouts and for maximum sizes and counts; it means
 * zero for max_idle, grace_us, limit, retry, retry_delay_us, max_redirs and
 * delay_us. Everything here is owned by the struct and gone with opts_fini.
 */
struct opts {
#define OPT(id, name, letter, type, def, min, max, group, meta, help, more) \
	OPT_FIELD_##type(id)
#include "options/table.h"
#undef OPT

	/* 0 if the user did not set it; otherwise counts up, so that the
	 * larger one came later. */
	unsigned given[OPT_COUNT];
	unsigned ngiven;

	/* Operands and the files of -i, in the order they stand in argv. */
	struct opt_operand *operands;
	size_t noperands, operand_cap;

	/*
	 * What follows, set when opts_parse has returned 0, besides:
	 * limit is INT64_MAX unless given; format is FORMAT_JSONL after -j, and
	 * instead of FORMAT_AUTO with --stream and with what extracts; of -4
	 * and -6, and of -q and -v, the later one holds; max_per_host,
	 * max_idle, ttfb_timeout_us, speed_limit_bytes and speed_time_us have
	 * the defaults that depend on other options, workers that of the
	 * machine; speed_limit_bytes and speed_time_us are both 0 or both not;
	 * user is the name alone; oauth2_bearer is the token; base_url is known
	 * to be good.
	 */
	const char *method; /* -X, -I, POST with a body, GET */
	int method_given;   /* by -X or -I: holds for items with a body too */
	struct opt_header *headers;
	size_t nheaders, header_cap;
	int has_body;             /* by -d and its kin or -F, even if empty */
	struct buf payload;       /* the body's bytes ... */
	struct opt_piece *pieces; /* ... unless there are these: a form's */
	size_t npieces, piece_cap;
	const char *content_type;    /* that body's; NULL without one */
	const char *password;        /* with user; NULL without -u */
	int follow_redirects;        /* enum opt_follow */
	int redir_http, redir_https; /* --proto-redir has it */
	unsigned char retry_status[OPT_STATUSES]; /* --retry-on has it */
	/* Likewise by code; "errors" sets all that are marked Y. */
	unsigned char retry_error[E_COUNT];
	int retry_errors; /* "errors" was there: C codes go by their cause */
	struct opt_budget *budgets;
	size_t nbudgets;

	/* What is taken from a page, in the order it was asked for. */
	struct frame_job *jobs;
	size_t njobs;
	char **exec_argv; /* of --exec, ended by NULL; NULL without it */

	int stdin_taken; /* the option that read @-, plus one */

	char **kept; /* the strings behind the fields above */
	size_t nkept, kept_cap;
};

enum { OPTS_HELP = -1, OPTS_VERSION = -2 };

/* As if no option had been given; for tests. */
void opts_init(struct opts *o);
/*
 * Initialises *o from argv. 0; OPTS_HELP or OPTS_VERSION as soon as one of
 * these is met; or an exit status (2 usage, 3 an @FILE that cannot be read)
 * with the message, ending in LF, appended to err: one line, and for an unknown
 * option one that points to --help. No message holds a secret or a control
 * byte. opts_fini is due whatever was returned.
 */
int opts_parse(struct opts *o, int argc, char **argv, struct buf *err);
/* Wipes and frees. */
void opts_fini(struct opts *o);

static inline int
opts_given(const struct opts *o, enum opt id)
{
	return o->given[id] != 0;
}

/* Is anything to be taken from the answers, by whomever? */
static inline int
opts_extracts(const struct opts *o)
{
	return o->njobs > 0 || o->exec_argv != NULL;
}

/* The text of --help, and the two lines for a start with nothing to do. */
void opts_help(struct buf *out);
void opts_usage(struct buf *out);

#endif
