/* SPDX-License-Identifier: ISC */
/*
 * A malicious fetchd-worker: a document that contains one of
 * `<!--evil:NAME-->` and `<!--evil:NAME N-->` makes it do what the table at the
 * end lists. Other documents are parsed normally. Started as evil-start (a link
 * to it) it exits before it sends anything, as evil-deaf it never reads.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/mem.h"
#include "worker/worker.h"

#define NOISE_BYTES (10 << 20)
#define LEAK_BYTES (UINT64_C(4) << 30)
#define LEAK_STEP (16 << 20)
#define FLOOD_BYTES (1 << 20)
#define DEEP 100000
/* A valid answer if only the title was requested. */
#define ANSWER SPAN("{\"title\":null}")

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITISED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITISED 1
#endif
#endif

/* The arguments of an action. */
struct order {
	uint64_t id; /* of the document */
	uint64_t n;  /* the number after its name, or 0 */
};

/* getppid() is forbidden later. */
static pid_t parent;

/* ---- words ---- */

static void
put(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = write(fd, at, n);
		if (done <= 0)
			_exit(FRAME_EXIT_OK); /* nobody is listening */
		at += done;
		n -= (size_t)done;
	}
}

static void
put_head(uint64_t id, uint32_t length)
{
	const struct frame f = { FRAME_RESULT, length, id };
	char head[FRAME_HEAD];

	frame_put_head(head, &f);
	put(1, head, sizeof(head));
}

/* A complete RESULT. */
static int
say(uint64_t id, unsigned char error, struct span json)
{
	put_head(id, (uint32_t)json.n + 1);
	put(1, &error, 1);
	put(1, json.p, json.n);
	return 1;
}

/* Waits for ever or for that time, with a permitted system call. */
static void
wait_ms(uint64_t ms)
{
	const struct timespec ts = { (time_t)(ms / 1000),
		(long)(ms % 1000) * 1000000 };
	uint32_t word = 0;

	syscall(SYS_futex, &word, FUTEX_WAIT, 0, ms > 0 ? &ts : NULL, NULL, 0);
}

/* ---- its end ---- */

static int
crash(const struct order *o)
{
	volatile char *p = (char *)(uintptr_t)(o->n + 8);

	*p = 1;
	return 1;
}

static int
do_abort(const struct order *o)
{
	(void)o;
	abort();
}

static int
check(const struct order *o)
{
	CHECK(o->id == 0);
	return 1;
}

static int
quit(const struct order *o)
{
	_exit((int)o->n);
}

/* ---- time ---- */

static int
loop(const struct order *o)
{
	volatile uint64_t n = 0;

	while (o->n != UINT64_MAX)
		n++;
	return 1;
}

/* Then answers. */
static int
burn(const struct order *o)
{
	struct timespec ts;
	uint64_t until_ms = 0, now_ms;

	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
		now_ms =
		    (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
		if (until_ms == 0)
			until_ms = now_ms + o->n;
	} while (now_ms < until_ms);
	return 0;
}

static int
do_sleep(const struct order *o)
{
	wait_ms(o->n);
	return 0;
}

/* Answers this document and reads no more. */
static int
stop_reading(const struct order *o)
{
	say(o->id, PARSE_OK, ANSWER);
	wait_ms(0);
	return 1;
}

/* ---- memory ---- */

static int
leak(const struct order *o)
{
	uint64_t n, most = LEAK_BYTES;

	(void)o;
#ifdef IS_SANITISED
	most = 256 << 20; /* no limit that would end it */
#endif
	for (n = 0; n < most; n += LEAK_STEP)
		memset(mem_alloc(LEAK_STEP), 1, LEAK_STEP);
	mem_exhausted(1, LEAK_STEP);
}

static int
big(const struct order *o)
{
	(void)o;
#ifdef IS_SANITISED
	mem_exhausted(1, LEAK_BYTES);
#endif
	free(mem_alloc(LEAK_BYTES * 1024));
	return 1;
}

/* Leaks memory, as a bug might. Then answers. */
static int
lose(const struct order *o)
{
	char *volatile p = mem_alloc((size_t)o->n + 100);

	p[0] = 1;
	p = NULL;
	return 0;
}

static int
overflow(const struct order *o)
{
	volatile char page[4096];

	page[0] = (char)o->n;
	return o->n == UINT64_MAX ? 0 : overflow(o) + page[0];
}

/* ---- what it may not ---- */

/* Reports the result of a system call, if it returns. */
static int
tell(const struct order *o, const char *what, long got)
{
	struct buf b = { 0 };

	buf_printf(&b, "{\"%s\":%ld}", what, got);
	say(o->id, PARSE_OK, buf_view(&b));
	buf_fini(&b);
	return 1;
}

static int
do_open(const struct order *o)
{
	return tell(o, "open", open("/etc/passwd", O_RDONLY));
}

static int
do_socket(const struct order *o)
{
	return tell(o, "socket", socket(AF_INET, SOCK_STREAM, 0));
}

static int
do_execve(const struct order *o)
{
	char path[] = "/bin/true";
	char *const argv[] = { path, NULL }, *const envp[] = { NULL };

	return tell(o, "execve", execve(path, argv, envp));
}

static int
do_ptrace(const struct order *o)
{
	return tell(o, "ptrace", ptrace(PTRACE_SEIZE, parent, NULL, NULL));
}

static int
do_kill(const struct order *o)
{
	return tell(o, "kill", kill(parent, SIGUSR2));
}

static int
do_fork(const struct order *o)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return tell(o, "fork", pid);
}

/* Tries to kill another process with the call that abort() needs. */
static int
do_tgkill(const struct order *o)
{
	return tell(o, "tgkill", syscall(SYS_tgkill, parent, parent, SIGUSR2));
}

static int
map_exec(const struct order *o)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return tell(o, "mmap", p != MAP_FAILED);
}

static int
protect_exec(const struct order *o)
{
	void *p =
	    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return tell(o, "mprotect", mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

/* Any call by its number, without arguments. */
static int
do_syscall(const struct order *o)
{
	return tell(o, "syscall", syscall((long)o->n, 0, 0, 0, 0, 0, 0));
}

/* Makes a system call of another architecture. */
static int
foreign(const struct order *o)
{
#ifdef __x86_64__
	long got = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(got) : : "memory");
	return tell(o, "foreign", got);
#else
	raise(SIGSYS);
	return (int)o->n;
#endif
}

/* ---- lies ---- */

static int
truncated(const struct order *o)
{
	put_head(o->id, 100);
	put(1, "\0{\"a\":", 6);
	_exit(FRAME_EXIT_OK);
}

static int
endless(const struct order *o)
{
	char head[FRAME_HEAD];
	const struct frame f = { FRAME_RESULT, UINT32_MAX, o->id };

	frame_put_head(head, &f);
	put(1, head, sizeof(head));
	wait_ms(0);
	return 1;
}

/* An incomplete answer. */
static int
stall(const struct order *o)
{
	put_head(o->id, 100);
	put(1, "\0{\"title\":\"", 11);
	wait_ms(0);
	return 1;
}

/* A title of that many bytes. */
static int
huge(const struct order *o)
{
	struct buf b = { 0 };

	buf_str(&b, "{\"title\":\"");
	memset(buf_reserve(&b, o->n), 'x', o->n);
	b.n += o->n;
	buf_str(&b, "\"}");
	say(o->id, PARSE_OK, buf_view(&b));
	buf_fini(&b);
	return 1;
}

static int
wrong_id(const struct order *o)
{
	return say(o->id + 1000000, PARSE_OK, ANSWER);
}

/* Answers with the id of the next document in its pipe. */
static int
other_id(const struct order *o)
{
	return say(o->id + 1, PARSE_OK, ANSWER);
}

static int
noise(const struct order *o)
{
	char block[4096];
	uint32_t x = (uint32_t)o->id + 1;
	size_t i, n;

	for (n = 0; n < NOISE_BYTES; n += sizeof(block)) {
		for (i = 0; i < sizeof(block); i++) {
			x = x * 1664525 + 1013904223;
			block[i] = (char)(x >> 24);
		}
		put(1, block, sizeof(block));
	}
	return 1;
}

static int
bad_json(const struct order *o)
{
	return say(o->id, PARSE_OK, SPAN("{\"title\":nul}"));
}

static int
two_values(const struct order *o)
{
	return say(o->id, PARSE_OK, SPAN("{}\n{\"type\":\"result\"}"));
}

static int
bad_utf8(const struct order *o)
{
	return say(o->id, PARSE_OK, SPAN("{\"title\":\"\xff\xfe\"}"));
}

static int
bad_keys(const struct order *o)
{
	return say(o->id, PARSE_OK, SPAN("{\"no such key\":null}"));
}

static int
no_object(const struct order *o)
{
	return say(o->id, PARSE_OK, SPAN("[]"));
}

static int
deep(const struct order *o)
{
	struct buf b = { 0 };

	buf_str(&b, "{\"title\":");
	memset(buf_reserve(&b, DEEP), '[', DEEP);
	b.n += DEEP;
	memset(buf_reserve(&b, DEEP), ']', DEEP);
	b.n += DEEP;
	buf_char(&b, '}');
	say(o->id, PARSE_OK, buf_view(&b));
	buf_fini(&b);
	return 1;
}

static int
bad_error(const struct order *o)
{
	return say(o->id, o->n > 0 ? (unsigned char)o->n : 200, ANSWER);
}

static int
empty(const struct order *o)
{
	put_head(o->id, 0);
	return 1;
}

/* Answers twice. */
static int
twice(const struct order *o)
{
	say(o->id, PARSE_OK, ANSWER);
	return say(o->id, PARSE_OK, ANSWER);
}

static int
ready_again(const struct order *o)
{
	struct buf b = { 0 };

	(void)o;
	frame_put_ready(&b, 0);
	put(1, b.p, b.n);
	buf_fini(&b);
	return 0;
}

static int
doc_back(const struct order *o)
{
	const struct frame f = { FRAME_DOC, 4, o->id };
	char head[FRAME_HEAD];

	frame_put_head(head, &f);
	put(1, head, sizeof(head));
	put(1, "\0\0\0\0", 4);
	return 1;
}

/* Writes control bytes to stderr. Then answers. */
static int
flood(const struct order *o)
{
	static const char line[] = "evil \033[31m\033]0;owned\007 \x9b"
				   "2J\r\b\b\xff\xc3 line\n";
	size_t n;

	(void)o;
	for (n = 0; n < FLOOD_BYTES; n += sizeof(line) - 1)
		put(2, line, sizeof(line) - 1);
	return 0;
}

/* An unterminated line. */
static int
flood_line(const struct order *o)
{
	char block[4096];
	size_t n;

	(void)o;
	memset(block, 'x', sizeof(block));
	for (n = 0; n < FLOOD_BYTES; n += sizeof(block))
		put(2, block, sizeof(block));
	return 0;
}

/* ---- the table ---- */

/* Nonzero: the regular code must not answer. */
static const struct {
	const char *name;
	int (*deed)(const struct order *o);
} deeds[] = {
	{ "crash", crash },
	{ "abort", do_abort },
	{ "check", check },
	{ "exit", quit },
	{ "loop", loop },
	{ "burn", burn },
	{ "sleep", do_sleep },
	{ "stop-reading", stop_reading },
	{ "leak", leak },
	{ "malloc", big },
	{ "lose", lose },
	{ "overflow", overflow },
	{ "open", do_open },
	{ "socket", do_socket },
	{ "execve", do_execve },
	{ "ptrace", do_ptrace },
	{ "kill", do_kill },
	{ "fork", do_fork },
	{ "tgkill", do_tgkill },
	{ "mmap-exec", map_exec },
	{ "mprotect-exec", protect_exec },
	{ "syscall", do_syscall },
	{ "foreign", foreign },
	{ "truncated", truncated },
	{ "endless", endless },
	{ "stall", stall },
	{ "huge", huge },
	{ "wrong-id", wrong_id },
	{ "other-id", other_id },
	{ "noise", noise },
	{ "bad-json", bad_json },
	{ "two-values", two_values },
	{ "bad-utf8", bad_utf8 },
	{ "bad-keys", bad_keys },
	{ "no-object", no_object },
	{ "deep", deep },
	{ "bad-error", bad_error },
	{ "empty", empty },
	{ "twice", twice },
	{ "ready-again", ready_again },
	{ "doc-back", doc_back },
	{ "flood", flood },
	{ "flood-line", flood_line },
};

/* "NAME-->" or "NAME N-->" */
static int
obey(const char *p, size_t n, struct order *o)
{
	size_t i, name = 0;

	while (
	    name + 2 < n && p[name] != ' ' && memcmp(p + name, "-->", 3) != 0)
		name++;
	for (i = name + 1; i < n && p[i] >= '0' && p[i] <= '9'; i++)
		o->n = o->n * 10 + (uint64_t)(p[i] - '0');
	for (i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strlen(deeds[i].name) == name &&
		    memcmp(deeds[i].name, p, name) == 0)
			return deeds[i].deed(o);
	fprintf(stderr, "evil: no such deed: %.*s\n", (int)name, p);
	_exit(FRAME_EXIT_USAGE);
}

static int
on_document(uint64_t id, const struct frame_doc *d)
{
	static const char mark[] = "<!--evil:";
	struct order o = { .id = id };
	const char *p;

	if (d->body.n == 0)
		return 0;
	p = memmem(d->body.p, d->body.n, mark, sizeof(mark) - 1);
	if (p == NULL)
		return 0;
	p += sizeof(mark) - 1;
	return obey(p, (size_t)(d->body.p + d->body.n - p), &o);
}

/* By the file name of the executable, with symbolic links resolved. */
static void
look_at_name(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *name;

	if (n <= 0)
		return;
	path[n] = '\0';
	name = strrchr(path, '/') + 1;
	if (strcmp(name, "evil-start") == 0)
		_exit(1);
	if (strcmp(name, "evil-deaf") == 0) {
		wait_ms(30000); /* nothing ends it with its parent yet */
		_exit(1);
	}
}

int
main(int argc, char **argv)
{
	static const struct serve_hooks hooks = { on_document };

	parent = getppid();
	look_at_name();
	return worker_main(argc, argv, &hooks);
}
