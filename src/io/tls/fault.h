/* SPDX-License-Identifier: ISC */
/*
 * OpenSSL's faults as our error codes. Used by io/tls/tls.c.
 */
#ifndef IO_TLS_FAULT_H
#define IO_TLS_FAULT_H

#include <openssl/ssl.h>

#include "io/tls/tls_int.h"

/* What the callbacks of one handshake saw; hangs off the SSL meanwhile. */
struct tls_peer {
	int cert_requested; /* the server asked for a client certificate */
	char *note;         /* of the certificate that failed, heap */
	const char *host;   /* the name that the certificate must have */
};

/* Sets the context's verification and the callbacks that fill a tls_peer. */
void tls_peer_watch(SSL_CTX *ctx, int insecure);
/* Why SSL_do_handshake failed. Moves peer->note into the fault. */
struct tls_fault tls_fault_handshake(
    const SSL *ssl, struct tls_peer *peer, int ssl_error, int errnum);

#endif
