/* SPDX-License-Identifier: ISC */
/*
 * A worker for the unit tests of the pool: does what the first word of a
 * document says and, at its start, what CONFIG says. Parses nothing. Built
 * without sanitizers, which turn signals into exit statuses.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "codec/frame.h"

#define PEEK 64 /* bytes of a document that are a command */

static struct frame doc;    /* its head */
static char text[PEEK + 1]; /* how it begins */
static size_t left;         /* bytes of it not read yet */
static volatile int for_ever = 1;

/* ---- bytes ---- */

static int
get(void *p, size_t n)
{
	ssize_t got;

	for (; n > 0; n -= (size_t)got, p = (char *)p + got)
		if ((got = read(0, p, n)) <= 0)
			return -1;
	return 0;
}

static void
put(const void *p, size_t n)
{
	ssize_t done;

	for (; n > 0; n -= (size_t)done, p = (const char *)p + done)
		if ((done = write(1, p, n)) <= 0)
			_exit(1);
}

static void
put_head(enum frame_type type, uint64_t id, uint32_t length)
{
	const struct frame f = { type, length, id };
	char head[FRAME_HEAD];

	frame_put_head(head, &f);
	put(head, sizeof(head));
}

static void
answer(uint64_t id, enum parse_error e, const char *json)
{
	char c = (char)e;

	put_head(FRAME_RESULT, id, (uint32_t)(1 + strlen(json)));
	put(&c, 1);
	put(json, strlen(json));
}

static void
skip_rest(void)
{
	char b[4096];
	size_t n;

	for (; left > 0; left -= n) {
		n = left < sizeof(b) ? left : sizeof(b);
		if (get(b, n) == -1)
			_exit(0);
	}
}

static void
hang(void)
{
	while (for_ever)
		pause();
}

/* ---- what a document can ask for ---- */

static void
do_echo(const char *what)
{
	char json[PEEK + 3];

	snprintf(json, sizeof(json), "\"%s\"", what);
	answer(doc.id, PARSE_OK, json);
}

static void
do_failed(const char *what)
{
	answer(doc.id, PARSE_FAILED, what);
}

static void
do_signal(const char *what)
{
	raise(atoi(what));
	answer(doc.id, PARSE_OK, "\"woken\"");
}

static void
do_exit(const char *what)
{
	_exit(atoi(what));
}

static void
do_hang(const char *what)
{
	(void)what;
	hang();
}

/* Answers as soon as something follows the document. */
static void
do_piped(const char *what)
{
	int n = 0;

	while (n == 0)
		if (ioctl(0, FIONREAD, &n) == -1 || usleep(500) == -1)
			_exit(1);
	do_echo(what);
}

static void
do_wait(const char *path)
{
	while (access(path, F_OK) == -1)
		usleep(500);
	do_echo("waited");
}

static void
do_wrong_id(const char *what)
{
	answer(doc.id + (uint64_t)atoi(what), PARSE_OK, "\"wrong\"");
}

static void
do_huge(const char *what)
{
	(void)what;
	put_head(FRAME_RESULT, doc.id, 0xffffffff);
	hang();
}

/* A valid length without a payload. */
static void
do_promise(const char *what)
{
	(void)what;
	put_head(FRAME_RESULT, doc.id, FRAME_RESULT_MAX);
	hang();
}

static void
do_noise(const char *what)
{
	static char b[1 << 20];
	int i;

	(void)what;
	memset(b, 'x', sizeof(b));
	for (i = 0; i < 10; i++)
		put(b, sizeof(b));
}

static void
do_truncated(const char *what)
{
	put_head(FRAME_RESULT, doc.id, 1000);
	put(what, strlen(what));
	_exit(0);
}

static void
do_ready_again(const char *what)
{
	struct buf b = { 0 };

	(void)what;
	frame_put_ready(&b, 0);
	put(b.p, b.n);
	hang();
}

static void
do_no_error(const char *what)
{
	answer(doc.id, PARSE_TIMEOUT, what);
}

static void
do_twice(const char *what)
{
	do_echo(what);
	do_echo(what);
}

static void
do_bye(const char *what)
{
	do_echo(what);
	_exit(0);
}

static void
do_words(const char *what)
{
	int i, n = atoi(what);

	for (i = 1; i <= n; i++)
		fprintf(stderr, "word %d\n", i);
	fprintf(stderr, "no end");
	do_echo(what);
}

static void
do_close(const char *what)
{
	(void)what;
	close(0);
	close(1);
	hang();
}

/* The answer first, the document later. */
static void
do_early(const char *what)
{
	do_echo(what);
	skip_rest();
}

/* Answers with the document while it arrives. */
static void
do_mirror(const char *what)
{
	char b[4096], c = PARSE_OK;
	size_t n;

	(void)what;
	put_head(FRAME_RESULT, doc.id, doc.length + 1);
	put(&c, 1);
	put(text, strlen(text));
	for (; left > 0; left -= n) {
		n = left < sizeof(b) ? left : sizeof(b);
		if (get(b, n) == -1)
			_exit(1);
		put(b, n);
	}
}

/* Leaves a child process running. */
static void
do_child(const char *what)
{
	char b[32];
	pid_t pid = fork();

	(void)what;
	if (pid == 0)
		hang();
	snprintf(b, sizeof(b), "%d", (int)pid);
	answer(doc.id, PARSE_OK, b);
}

/* How it was started: descriptors, environment, group, signals. */
static void
do_self(const char *what)
{
	extern char **environ;
	char b[128];
	int fd, n = 0;
	sigset_t mask;

	(void)what;
	for (fd = 3; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	snprintf(b, sizeof(b), "\"fds %d env %d group %d mask %d pipe %d\"", n,
	    environ[0] != NULL, getpgrp() == getpid(),
	    sigismember(&mask, SIGUSR1), signal(SIGPIPE, SIG_DFL) == SIG_DFL);
	answer(doc.id, PARSE_OK, b);
}

static const struct {
	const char *word;
	void (*act)(const char *what);
	int is_whole; /* reads the document first */
} acts[] = {
	{ "echo", do_echo, 1 },
	{ "failed", do_failed, 1 },
	{ "signal", do_signal, 1 },
	{ "exit", do_exit, 1 },
	{ "hang", do_hang, 1 },
	{ "deaf", do_hang, 0 },
	{ "piped", do_piped, 1 },
	{ "wait", do_wait, 1 },
	{ "wrong-id", do_wrong_id, 1 },
	{ "huge", do_huge, 1 },
	{ "promise", do_promise, 1 },
	{ "noise", do_noise, 1 },
	{ "truncated", do_truncated, 1 },
	{ "ready-again", do_ready_again, 1 },
	{ "no-error", do_no_error, 1 },
	{ "twice", do_twice, 1 },
	{ "bye", do_bye, 1 },
	{ "words", do_words, 1 },
	{ "close", do_close, 1 },
	{ "early", do_early, 0 },
	{ "mirror", do_mirror, 0 },
	{ "child", do_child, 1 },
	{ "self", do_self, 1 },
};

static void
act(void)
{
	char *what = strchr(text, ' ');
	size_t i, n = what != NULL ? (size_t)(what - text) : strlen(text);

	what = what != NULL ? what + 1 : text + n;
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strlen(acts[i].word) != n ||
		    memcmp(acts[i].word, text, n) != 0)
			continue;
		if (acts[i].is_whole) {
			skip_rest();
			text[strcspn(text, "\n")] = '\0';
		}
		acts[i].act(what);
		return;
	}
	_exit(99);
}

/* ---- its start ---- */

/* Adds a byte to the file; its length then. */
static long
count_in(const char *path)
{
	FILE *f = fopen(path, "a");
	long n = -1;

	if (f != NULL) {
		fputc('x', f);
		n = ftell(f);
		fclose(f);
	}
	return n;
}

/* Sends READY, or does something else instead. */
static void
begin(char *how, size_t n)
{
	struct buf b = { 0 };
	int times;
	char path[256];

	how[n] = '\0';
	if (sscanf(how, "die %d %255s", &times, path) == 2) {
		if (count_in(path) <= times)
			_exit(3);
	} else if (strncmp(how, "bad ", 4) == 0) {
		put_head(FRAME_BAD, 0, (uint32_t)(n - 4));
		put(how + 4, n - 4);
		_exit(0);
	} else if (strcmp(how, "silent") == 0) {
		hang();
	} else if (strcmp(how, "noise") == 0) {
		put("0123456789abcdefghijkl", 22);
		hang();
	} else if (strcmp(how, "signal") == 0) {
		raise(SIGSEGV);
	}
	frame_put_ready(&b, FRAME_NO_LANDLOCK);
	if (strcmp(how, "ready and noise") == 0)
		buf_add(&b, "0123456789abcdefghijkl", 22);
	put(b.p, b.n);
	if (strcmp(how, "idle death") == 0)
		_exit(0);
}

static int
serve(void)
{
	char head[FRAME_HEAD];
	static char config[FRAME_CONFIG_MAX + 1];

	if (get(head, sizeof(head)) == -1)
		return FRAME_EXIT_OK;
	if (frame_get_head(head, FRAME_READER_WORKER, &doc) == -1 ||
	    doc.type != FRAME_CONFIG || get(config, doc.length) == -1)
		return FRAME_EXIT_PROTOCOL;
	begin(config, doc.length);
	while (get(head, sizeof(head)) == 0) {
		if (frame_get_head(head, FRAME_READER_WORKER, &doc) == -1 ||
		    doc.type != FRAME_DOC)
			return FRAME_EXIT_PROTOCOL;
		left = doc.length < PEEK ? doc.length : PEEK;
		memset(text, 0, sizeof(text));
		if (get(text, left) == -1)
			return FRAME_EXIT_PROTOCOL;
		left = doc.length - left;
		act();
	}
	return FRAME_EXIT_OK;
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "--serve") == 0 &&
	    atoi(argv[2]) == (int)getppid())
		return serve();
	if (argc < 7 || strcmp(argv[1], "--exec") != 0)
		return FRAME_EXIT_USAGE;
	execvp(argv[6], argv + 6);
	perror(argv[6]);
	return FRAME_EXIT_EXEC;
}
