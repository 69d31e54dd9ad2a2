/* SPDX-License-Identifier: ISC */
/*
 * The TLS context, and the handshake queue: a handshake whose socket is ready
 * is queued, and the queue is processed for a limited time in each pass of the
 * loop. So a thousand new hosts add latency, but do not block other transfers.
 * Knows nothing of what the connection is for.
 */
#include "io/tls/tls.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "io/timer.h"
#include "io/tls/fault.h"
#include "io/tls/tls_int.h"

#define PEM_MAX ((size_t)64 << 20) /* bytes of --cacert's file */

struct tls {
	struct event_base *base;
	SSL_CTX *ctx;
	struct list ready; /* handshakes whose peer has answered */
	struct list fresh; /* not started: each will take 24 KB until it ends */
	uint64_t begun;
	int insecure;
	int keylog_fd;
	int need_default_ca;
};

struct tls_handshake {
	struct tls *tls;
	SSL *ssl;           /* NULL: not started, or taken */
	struct list *queue; /* t->ready or t->fresh */
	char host[256];
	int fd;
	struct event ev;
	struct link ready;
	int64_t queued_at_us; /* since when it is in it */
	int64_t queue_us;     /* time in queues before that */
	tls_handshake_cb *cb;
	void *arg;
	struct tls_peer peer;
};

static void
log_key(const SSL *ssl, const char *line)
{
	struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	char text[512];
	int n = snprintf(text, sizeof(text), "%s\n", line);

	if (n > 0 && (size_t)n < sizeof(text) &&
	    write(t->keylog_fd, text, (size_t)n) < 0)
		return; /* only a debugging aid: not an error */
}

static int
open_keylog(struct tls *t, const char *path, char *why, size_t why_size)
{
	t->keylog_fd =
	    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (t->keylog_fd == -1) {
		snprintf(why, why_size, "SSLKEYLOGFILE %s: %s", path,
		    strerror(errno));
		return -1;
	}
	SSL_CTX_set_keylog_callback(t->ctx, log_key);
	return 0;
}

/* Adds the certificates and revocation lists of a PEM text. Returns how many.
 */
static int
add_pem(X509_STORE *store, struct span text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	STACK_OF(X509_INFO) * infos;
	char no_password[] = ""; /* so that a key in it never prompts */
	X509_INFO *info;
	int i, n = 0;

	if (bio == NULL)
		fatalx("BIO_new_mem_buf failed");
	infos = PEM_X509_INFO_read_bio(bio, NULL, NULL, no_password);
	BIO_free(bio);
	for (i = 0; infos != NULL && i < sk_X509_INFO_num(infos); i++) {
		info = sk_X509_INFO_value(infos, i);
		if (info->x509 != NULL)
			n += X509_STORE_add_cert(store, info->x509) == 1;
		if (info->crl != NULL)
			n += X509_STORE_add_crl(store, info->crl) == 1;
	}
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	return n;
}

/* Returns how many were added, or -1 with errno. */
static int
load_pem_file(struct tls *t, const char *path)
{
	struct buf text = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC), r, n = -1;

	if (fd == -1)
		return -1;
	r = read_file_text(fd, PEM_MAX, &text);
	if (r == 0)
		n = add_pem(SSL_CTX_get_cert_store(t->ctx), buf_view(&text));
	else if (r == 1)
		errno = EFBIG;
	buf_fini(&text);
	close(fd);
	return n;
}

static int
load_ca(struct tls *t, const char *path, char *why, size_t why_size)
{
	unsigned long e;
	int n;

	if (path == NULL) {
		t->need_default_ca = !t->insecure;
		return 0;
	}
	ERR_clear_error();
	n = load_pem_file(t, path);
	if (n > 0) {
		ERR_clear_error();
		return 0;
	}
	e = ERR_peek_last_error();
	snprintf(why, why_size, "--cacert %s: %s", path,
	    n == -1 ? strerror(errno)
	    : ERR_reason_error_string(e) != NULL
		? ERR_reason_error_string(e)
		: "the file contains no certificate");
	ERR_clear_error();
	return -1;
}

static void
configure(SSL_CTX *ctx, int insecure)
{
	static const unsigned char alpn[] = "\x08http/1.1";

	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Trust every certificate in the store, also one that is not a root,
	 * as curl does. */
	X509_VERIFY_PARAM_set_flags(
	    SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	CHECK(SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) == 0);
	tls_peer_watch(ctx, insecure);
}

struct tls *
tls_new(struct event_base *base, const struct tls_conf *conf, char *why,
    size_t why_size)
{
	struct tls *t = mem_zalloc(1, sizeof(*t));

	t->base = base;
	t->insecure = conf->insecure;
	t->keylog_fd = -1;
	list_init(&t->ready);
	list_init(&t->fresh);
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL)
		fatalx("SSL_CTX_new failed");
	SSL_CTX_set_app_data(t->ctx, t);
	configure(t->ctx, conf->insecure);
	if (load_ca(t, conf->cacert, why, why_size) == -1 ||
	    (conf->keylog != NULL &&
		open_keylog(t, conf->keylog, why, why_size) == -1)) {
		tls_free(t);
		return NULL;
	}
	return t;
}

void
tls_free(struct tls *t)
{
	CHECK(t->ready.n == 0 && t->fresh.n == 0);
	SSL_CTX_free(t->ctx);
	if (t->keylog_fd != -1)
		close(t->keylog_fd);
	free(t);
}

static void
enqueue(struct tls_handshake *h, struct list *queue)
{
	if (link_on(&h->ready))
		return;
	h->queued_at_us = timer_now_us();
	h->queue = queue;
	list_push(queue, &h->ready);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct tls_handshake *h = arg;

	(void)fd;
	(void)what;
	enqueue(h, &h->tls->ready);
}

/* Sets the name for SNI and verification, which has no trailing dot. */
static void
set_peer_name(SSL *ssl, char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	size_t n = strlen(name);
	unsigned char ip[16];

	if (inet_pton(AF_INET, name, ip) == 1 ||
	    inet_pton(AF_INET6, name, ip) == 1) {
		CHECK(X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1);
		return;
	}
	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	CHECK(SSL_set1_host(ssl, name) == 1);
	CHECK(SSL_set_tlsext_host_name(ssl, name) == 1);
}

/* If the system has none, every chain is untrusted. */
static void
load_default_ca(struct tls *t)
{
	const char *path = getenv(X509_get_default_cert_file_env());

	(void)SSL_CTX_set_default_verify_paths(t->ctx);
	if (path != NULL) /* OpenSSL cannot read one with a byte order mark */
		(void)load_pem_file(t, path);
	ERR_clear_error();
	t->need_default_ca = 0;
}

static void
start(struct tls_handshake *h)
{
	struct tls *t = h->tls;

	if (t->need_default_ca)
		load_default_ca(t);
	t->begun++;
	h->ssl = SSL_new(t->ctx);
	if (h->ssl == NULL || SSL_set_fd(h->ssl, h->fd) != 1)
		fatalx("SSL_new failed");
	h->peer.host = h->host;
	SSL_set_app_data(h->ssl, &h->peer);
	SSL_set_connect_state(h->ssl);
	/* Fewer reads, as records arrive in flights; tls_handshake_take
	 * switches it off. */
	SSL_set_read_ahead(h->ssl, 1);
	set_peer_name(h->ssl, h->host);
}

struct tls_handshake *
tls_handshake_new(
    struct tls *t, int fd, struct span host, tls_handshake_cb *cb, void *arg)
{
	struct tls_handshake *h = mem_zalloc(1, sizeof(*h));

	CHECK(host.n > 0 && host.n < sizeof(h->host));
	memcpy(h->host, host.p, host.n);
	h->tls = t;
	h->fd = fd;
	h->cb = cb;
	h->arg = arg;
	CHECK(event_assign(&h->ev, t->base, fd, EV_READ, on_ready, h) == 0);
	enqueue(h, &t->fresh);
	return h;
}

int64_t
tls_handshake_queue_us(const struct tls_handshake *h)
{
	if (!link_on(&h->ready))
		return h->queue_us;
	return h->queue_us + timer_now_us() - h->queued_at_us;
}

int
tls_handshake_is_queued(const struct tls_handshake *h)
{
	return link_on(&h->ready);
}

SSL *
tls_handshake_take(struct tls_handshake *h)
{
	SSL *ssl = h->ssl;

	/* bufferevents look only at the socket and at SSL_pending, and would
	 * not see records that were read ahead. */
	SSL_set_read_ahead(ssl, 0);
	SSL_set_app_data(ssl, NULL);
	h->ssl = NULL;
	return ssl;
}

void
tls_handshake_free(struct tls_handshake *h)
{
	if (h == NULL)
		return;
	if (link_on(&h->ready))
		list_remove(h->queue, &h->ready);
	event_del(&h->ev);
	SSL_free(h->ssl);
	free(h->peer.note);
	free(h);
}

static void
wait_for(struct tls_handshake *h, short what)
{
	CHECK(
	    event_assign(&h->ev, h->tls->base, h->fd, what, on_ready, h) == 0);
	CHECK(event_add(&h->ev, NULL) == 0);
}

static void
step(struct tls_handshake *h)
{
	struct tls_fault fault = { E_OK, NULL, NULL };
	int r, e, errnum;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(h->ssl);
	errnum = errno;
	e = r == 1 ? SSL_ERROR_NONE : SSL_get_error(h->ssl, r);
	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		wait_for(h, e == SSL_ERROR_WANT_READ ? EV_READ : EV_WRITE);
		return;
	}
	if (e != SSL_ERROR_NONE)
		fault = tls_fault_handshake(h->ssl, &h->peer, e, errnum);
	ERR_clear_error();
	h->cb(h->arg, &fault);
}

/*
 * A started handshake comes before a new one: it is complete sooner, and then
 * gives its memory back.
 */
static struct tls_handshake *
dequeue(struct tls *t)
{
	struct link *k = list_shift(&t->ready);

	if (k == NULL)
		k = list_shift(&t->fresh);
	return k != NULL ? CONTAINER(k, struct tls_handshake, ready) : NULL;
}

int
tls_run(struct tls *t, int64_t budget_us)
{
	int64_t now_us = timer_now_us(), end_at_us = now_us + budget_us;
	struct tls_handshake *h;

	while (now_us < end_at_us && (h = dequeue(t)) != NULL) {
		h->queue_us += now_us - h->queued_at_us;
		if (h->ssl == NULL)
			start(h);
		step(h);
		now_us = timer_now_us();
	}
	return t->ready.n + t->fresh.n > 0;
}

uint64_t
tls_handshakes(const struct tls *t)
{
	return t->begun;
}

int
tls_is_verifying(const struct tls *t)
{
	return !t->insecure;
}

const char *
tls_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
