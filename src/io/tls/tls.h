/* SPDX-License-Identifier: ISC */
/*
 * TLS for clients: one context with verification, and the queue that limits the
 * time of handshakes in each pass of the loop. Knows nothing of HTTP.
 * Only io/conn/conn.c uses more than this (io/tls/tls_int.h).
 */
#ifndef IO_TLS_TLS_H
#define IO_TLS_TLS_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct tls;

struct tls_conf {
	int insecure;       /* -k: no verification; records say so */
	const char *cacert; /* PEM file instead of the system's, or NULL */
	const char *keylog; /* file to append secrets to, or NULL */
};

/*
 * NULL with *why filled in if the CA file or the key log cannot be used. The
 * system's CA file is loaded when the first connection needs it.
 */
struct tls *tls_new(struct event_base *base, const struct tls_conf *conf,
    char *why, size_t why_size);
/* All connections must be closed and reaped before. */
void tls_free(struct tls *t);

/*
 * Continues ready handshakes for about budget_us; calls the owners of their
 * connections back. Returns nonzero if some are left in the queue.
 */
int tls_run(struct tls *t, int64_t budget_us);

/* Handshakes started so far. */
uint64_t tls_handshakes(const struct tls *t);
/* The version of the library at run time, "OpenSSL 3.0.22 25 Aug 2026". */
const char *tls_library(void);

#endif
