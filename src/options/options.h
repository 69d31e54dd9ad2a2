/* SPDX-License-Identifier: ISC */
/*
 * The options as values: one field for each row of options/table.h, then
 * values derived from several of them. Reads argv and the files that options
 * name (@FILE); does not open operands or check addresses.
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

/* Defaults of the run or of one item if --max-time is 0. */
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
enum opt_format {
	FORMAT_AUTO,
	FORMAT_JSONL,
	FORMAT_TEXT,
	FORMAT_BODY,
	FORMAT_CSV,
	FORMAT_TSV,
};
/* A database: a name in .db, .sqlite or .sqlite3, or after "sqlite:". */
enum opt_output { OUTPUT_FILE, OUTPUT_DATABASE };
enum opt_body { BODY_INLINE, BODY_NONE, BODY_BASE64, BODY_JSON };
enum opt_fsync { FSYNC_NONE, FSYNC_BATCH, FSYNC_RECORD };
enum opt_net_down { NET_DOWN_WAIT, NET_DOWN_FAIL };
enum opt_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum opt_progress { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_NONE };

/* Which redirects are followed: of GET and HEAD; all (-L); none. */
enum opt_follow { FOLLOW_SAFE, FOLLOW_ALL, FOLLOW_NEVER };

/*
 * At most `amount` in any window of per_us: a second, minute or hour. An amount
 * of 0 means no limit; otherwise it is at least 1 per year.
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
	unsigned *at; /* for each value, as `given` in struct opts */
};

/* One valid -H. remove: send no header of that name; value is then "". */
struct opt_header {
	char *name, *value;
	int remove;
};

struct opt_operand {
	char *text;
	int argument; /* its index in argv */
	int is_file;  /* given by -i: a file or "-", never a URL */
	int is_url;   /* given by --url: never a file */
};

/* A piece of a --form body: bytes, or the name of a file to insert. */
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
 * delay_us. The struct owns everything; opts_fini frees it.
 */
struct opts {
#define OPT(id, name, letter, type, def, min, max, group, meta, help, more) \
	OPT_FIELD_##type(id)
#include "options/table.h"
#undef OPT

	/* 0 if the option was not given; of two options the one with the
	 * larger number was given later. */
	unsigned given[OPT_COUNT];
	unsigned ngiven;

	/* Operands and the files of -i, in the order of argv. */
	struct opt_operand *operands;
	size_t noperands, operand_cap;

	/*
	 * Derived values, set when opts_parse has returned 0. Some of the
	 * fields above are derived as well: limit is INT64_MAX unless given;
	 * format is FORMAT_JSONL after -j, and instead of FORMAT_AUTO with
	 * --stream or extraction, or FORMAT_CSV or FORMAT_TSV by the name of
	 * the output; with these two fields is never NULL; of -4 and -6, and of
	 * -q and -v, only the later one is set; max_per_host, max_idle,
	 * ttfb_timeout_us, speed_limit_bytes and speed_time_us have defaults
	 * that depend on other options, workers on the machine;
	 * speed_limit_bytes and speed_time_us are both 0 or both not; user is
	 * the name only; oauth2_bearer is the token; base_url is valid; journal
	 * is set by --resume, too; fsync is FSYNC_NONE by default without one.
	 */
	int output_kind;    /* enum opt_output; output has no "sqlite:" */
	const char *method; /* -X, -I, POST with a body, GET */
	int method_given;   /* by -X or -I: also for items with a body */
	struct opt_header *headers;
	size_t nheaders, header_cap;
	int has_body; /* by --data, --json-data or --form, even if empty */
	struct buf payload;       /* the bytes of the body, or else ... */
	struct opt_piece *pieces; /* ... the pieces of a form */
	size_t npieces, piece_cap;
	const char *content_type;    /* of the body; NULL without one */
	const char *password;        /* with user; NULL without -u */
	int follow_redirects;        /* enum opt_follow */
	int redir_http, redir_https; /* allowed by --proto-redir */
	unsigned char retry_status[OPT_STATUSES]; /* 1: in --retry-on */
	/* The same by error code; "errors" sets all with retry class Y. */
	unsigned char retry_error[E_COUNT];
	int retry_errors; /* "errors" was given: class C goes by the cause */
	struct opt_budget *budgets;
	size_t nbudgets;

	/* What is extracted from a page, in the order given. */
	struct frame_job *jobs;
	size_t njobs;
	char **exec_argv; /* of --exec, NULL-terminated; NULL without it */

	int stdin_taken; /* the option that read @-, plus one */

	char **kept; /* the strings that the fields above point to */
	size_t nkept, kept_cap;
};

enum { OPTS_HELP = -1, OPTS_VERSION = -2 };

/* The values without any options; for tests. */
void opts_init(struct opts *o);
/*
 * Initialises *o from argv. Returns 0; OPTS_HELP or OPTS_VERSION at the first
 * of these options; or an exit status (2 usage, 3 an @FILE that cannot be read)
 * after appending a message to err: one line, and for an unknown option a
 * second one that points to --help. Messages contain no secrets and no control
 * bytes. Call opts_fini in any case.
 */
int opts_parse(struct opts *o, int argc, char **argv, struct buf *err);
/* Overwrites secrets and frees everything. */
void opts_fini(struct opts *o);

static inline int
opts_given(const struct opts *o, enum opt id)
{
	return o->given[id] != 0;
}

/* Are the results a table: rows with a header line? */
static inline int
opts_is_table(const struct opts *o)
{
	return o->format == FORMAT_CSV || o->format == FORMAT_TSV;
}

/* Is anything extracted from responses, by workers or by --exec? */
static inline int
opts_extracts(const struct opts *o)
{
	return o->njobs > 0 || o->exec_argv != NULL;
}

/*
 * Appends the options that change what records contain, as bytes to compare
 * with those of another run. They hold no credentials, but request bodies.
 */
void opts_content(const struct opts *o, struct buf *to);

/* Is it a URL, and not the name of a file? */
int opts_is_url_operand(const struct opt_operand *op);

/* The text of --help, and the two lines of usage. */
void opts_help(struct buf *out);
void opts_usage(struct buf *out);

#endif
