/* SPDX-License-Identifier: ISC */
/*
 * bare LIST PARALLEL COUNT OUT: what one core does with pages if nothing else
 * is asked of it. Receives each URL of LIST (http, one host) over PARALLEL
 * kept-alive connections, inflates it with zlib and has our own worker's
 * extract_document take title and links from it, all in one thread. While one
 * page is parsed the others arrive in their sockets. The objects of the first
 * COUNT pages are written to OUT, a line each; the others are forgotten.
 *
 * Prints: pages, bytes of them, µs of CPU in extract_document. It handles no
 * fault of the server: whatever is not as expected ends it.
 */
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "codec/frame.h"
#include "worker/extract.h"

#define ANSWER_MAX (1u << 20)
#define PAGE_MAX (1u << 22)

struct peer {
	int fd;
	struct buf url;
};

struct bare {
	FILE *list, *out;
	char *host, *port;
	struct peer *peers;
	unsigned npeers;
	char *answer, *page;
	struct extract *extract;
	struct buf object;
	z_stream z;
	int keep; /* objects yet to be written */
	uint64_t pages, bytes;
	int64_t parse_ns;
};

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- what is sent and received ---- */

static int
dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		fatalx("bare: %s: no address", host);
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		fd = socket(ai->ai_family, ai->ai_socktype, 0);
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
			break;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd == -1)
		fatalx("bare: %s:%s: no connection", host, port);
	return fd;
}

/* Asks for the next of the list on p; p->url is empty at its end. */
static void
ask(struct bare *b, struct peer *p)
{
	struct buf request = { 0 };
	char line[4096], *path;

	p->url.n = 0;
	if (fgets(line, sizeof(line), b->list) == NULL)
		return;
	line[strcspn(line, "\n")] = '\0';
	buf_str(&p->url, line);
	path = strstr(line, "//");
	path = path != NULL ? strchr(path + 2, '/') : NULL;
	if (path == NULL)
		fatalx("bare: %s: not such a URL", line);
	buf_printf(&request,
	    "GET %s HTTP/1.1\r\nHost: %s:%s\r\nAccept-Encoding: gzip\r\n\r\n",
	    path, b->host, b->port);
	if (send(p->fd, request.p, request.n, 0) != (ssize_t)request.n)
		fatalx("bare: send: %s", strerror(errno));
	buf_fini(&request);
}

/* Where the body begins, once the head is there, and its length. */
static size_t
body_at(char *answer, size_t n, size_t *length)
{
	char *end, *field;

	answer[n] = '\0';
	end = strstr(answer, "\r\n\r\n");
	if (end == NULL)
		return 0;
	field = strstr(answer, "Content-Length: ");
	if (strncmp(answer, "HTTP/1.1 200", 12) != 0 || field == NULL ||
	    field > end || strstr(answer, "Content-Encoding: gzip") == NULL)
		fatalx("bare: unexpected answer: %.40s", answer);
	*length = strtoul(field + 16, NULL, 10);
	return (size_t)(end - answer) + 4;
}

static struct span
receive(struct bare *b, int fd)
{
	size_t n = 0, at = 0, length = 0;
	ssize_t got;

	while (at == 0 || n < at + length) {
		got = recv(fd, b->answer + n, ANSWER_MAX - 1 - n, 0);
		if (got <= 0)
			fatalx("bare: the server closed, or too long a page");
		n += (size_t)got;
		if (at == 0)
			at = body_at(b->answer, n, &length);
	}
	return span_of(b->answer + at, length);
}

static struct span
inflated(struct bare *b, struct span body)
{
	CHECK(inflateReset(&b->z) == Z_OK);
	b->z.next_in = (unsigned char *)body.p;
	b->z.avail_in = (unsigned)body.n;
	b->z.next_out = (unsigned char *)b->page;
	b->z.avail_out = PAGE_MAX;
	if (inflate(&b->z, Z_FINISH) != Z_STREAM_END)
		fatalx("bare: not such a gzip stream");
	return span_of(b->page, PAGE_MAX - b->z.avail_out);
}

/* ---- what is made of it ---- */

static void
extract(struct bare *b, const struct frame_doc *d)
{
	int64_t start = cpu_ns();

	b->object.n = 0;
	if (extract_document(b->extract, d, &b->object) != PARSE_OK)
		fatalx("bare: a page could not be parsed");
	b->parse_ns += cpu_ns() - start;
	b->pages++;
	b->bytes += d->body.n;
	if (b->keep-- > 0)
		fprintf(b->out, "%.*s\n", (int)b->object.n, b->object.p);
}

static void
fetch_all(struct bare *b)
{
	struct frame_doc d = { .content_type = SPAN("text/html") };
	struct buf url = { 0 };
	struct peer *p;
	unsigned i;

	for (i = 0; i < b->npeers; i++) {
		b->peers[i].fd = dial(b->host, b->port);
		ask(b, &b->peers[i]);
	}
	for (i = 0; b->peers[i].url.n > 0; i = (i + 1) % b->npeers) {
		p = &b->peers[i];
		d.body = inflated(b, receive(b, p->fd));
		url.n = 0;
		buf_span(&url, buf_view(&p->url));
		d.url = buf_view(&url);
		ask(b, p);
		extract(b, &d);
	}
	buf_fini(&url);
}

/* ---- setting up ---- */

/* The host and port of the list's first URL. */
static void
find_server(struct bare *b)
{
	char line[4096], *end;

	if (fgets(line, sizeof(line), b->list) == NULL ||
	    strncmp(line, "http://", 7) != 0 ||
	    (end = strchr(line + 7, ':')) == NULL)
		fatalx("bare: the list begins with no http://HOST:PORT/");
	b->host = strndup(line + 7, (size_t)(end - line) - 7);
	b->port = strndup(end + 1, strspn(end + 1, "0123456789"));
	rewind(b->list);
}

static void
set_up(struct bare *b)
{
	struct frame_job title = { FRAME_JOB_TITLE, SPAN("title"), { 0 } };
	struct frame_job links = { FRAME_JOB_LINKS, SPAN("links"), { 0 } };
	struct buf config = { 0 }, why = { 0 };

	frame_put_job(&config, &title);
	frame_put_job(&config, &links);
	b->extract = extract_new(buf_view(&config), &why);
	if (b->extract == NULL)
		fatalx("bare: %.*s", (int)why.n, why.p);
	buf_fini(&config);
	CHECK(inflateInit2(&b->z, 15 + 16) == Z_OK);
	b->answer = malloc(ANSWER_MAX);
	b->page = malloc(PAGE_MAX);
	b->peers = calloc(b->npeers, sizeof(*b->peers));
	CHECK(b->answer != NULL && b->page != NULL && b->peers != NULL);
	find_server(b);
}

int
main(int argc, char **argv)
{
	struct bare b = { 0 };

	if (argc != 5)
		fatalx("usage: bare LIST PARALLEL COUNT OUT");
	b.list = fopen(argv[1], "r");
	b.npeers = (unsigned)strtoul(argv[2], NULL, 10);
	b.keep = (int)strtol(argv[3], NULL, 10);
	b.out = fopen(argv[4], "w");
	if (b.list == NULL || b.out == NULL || b.npeers == 0)
		fatalx("bare: %s or %s: cannot be opened", argv[1], argv[4]);
	set_up(&b);
	fetch_all(&b);
	printf("%llu %llu %lld\n", (unsigned long long)b.pages,
	    (unsigned long long)b.bytes, (long long)b.parse_ns / 1000);
	return fclose(b.out) == 0 ? 0 : 1;
}
