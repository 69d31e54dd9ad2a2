/* SPDX-License-Identifier: ISC */
/*
 * What io/conn/conn.c needs of io/tls/tls.c: a handshake on a connected socket,
 * and OpenSSL's faults as our codes.
 *
 * Leaf contract: tls_handshake_new only queues; the callback comes once, only
 * from tls_run(), never after tls_handshake_free has returned.
 */
#ifndef IO_TLS_TLS_INT_H
#define IO_TLS_TLS_INT_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "io/tls/tls.h"

struct tls_handshake;

/* An error: our code, and the library's text. */
struct tls_fault {
	enum err err;
	const char *detail; /* static */
	char *note; /* more for people, or NULL; the receiver frees it */
};

typedef void tls_handshake_cb(void *arg, const struct tls_fault *fault);

/*
 * Begins TLS on fd with host (a name or a numeric address). The fd stays the
 * caller's. fault->err is E_OK when the session is up and verified.
 */
struct tls_handshake *tls_handshake_new(
    struct tls *t, int fd, struct span host, tls_handshake_cb *cb, void *arg);
/* How long it has waited in our own queue so far. */
int64_t tls_handshake_queue_us(const struct tls_handshake *h);
int tls_handshake_is_queued(const struct tls_handshake *h);
/* Takes the SSL out; the caller owns it. */
SSL *tls_handshake_take(struct tls_handshake *h);
/* Allowed at any time, also from the callback; frees the SSL if not taken. */
void tls_handshake_free(struct tls_handshake *h);

/*
 * The code for a fault after the handshake: `ssl_error` from SSL_get_error,
 * `queued` the first error queue entry (0 if none), errnum errno then.
 * E_OK: a clean end (close_notify). E_TLS_EOF: an end without it.
 */
struct tls_fault
tls_fault_open(int ssl_error, unsigned long queued, int errnum);
/* 0 with -k. */
int tls_is_verifying(const struct tls *t);

#endif
