/* SPDX-License-Identifier: ISC */
/*
 * OpenSSL's errors as our codes. The first entry of lib SSL in the error queue
 * decides; for a failed verification the X509_V code, for a socket error errno.
 * Knows nothing of connections.
 */
#include "io/tls/fault.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "base/mem.h"
#include "io/tls/name.h"

#define ALERT(n) (SSL_AD_REASON_OFFSET + (n))

static const struct {
	int reason;
	enum err err;
} reasons[] = {
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, E_TLS_EOF },
	{ SSL_R_WRONG_VERSION_NUMBER, E_TLS_NOT_TLS },
	{ SSL_R_HTTP_REQUEST, E_TLS_NOT_TLS },
	{ SSL_R_HTTPS_PROXY_REQUEST, E_TLS_NOT_TLS },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, E_TLS_NOT_TLS },
	{ SSL_R_BAD_RECORD_TYPE, E_TLS_NOT_TLS },
	{ SSL_R_UNSUPPORTED_PROTOCOL, E_TLS_PROTOCOL_VERSION },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, E_TLS_PROTOCOL_VERSION },
	{ ALERT(70), E_TLS_PROTOCOL_VERSION },
	{ SSL_R_DH_KEY_TOO_SMALL, E_TLS_WEAK_PARAMS },
	{ SSL_R_WRONG_SIGNATURE_TYPE, E_TLS_WEAK_PARAMS },
	{ SSL_R_BAD_ECPOINT, E_TLS_WEAK_PARAMS },
	{ ALERT(71), E_TLS_WEAK_PARAMS },
	{ ALERT(112), E_TLS_UNRECOGNIZED_NAME },
	{ ALERT(116), E_TLS_CLIENT_CERT_REQUIRED },
	{ ALERT(42), E_TLS_CLIENT_CERT_REQUIRED },
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, E_TLS_RECORD_ERROR },
	{ SSL_R_RECORD_LENGTH_MISMATCH, E_TLS_RECORD_ERROR },
	{ SSL_R_EE_KEY_TOO_SMALL, E_TLS_CERT_WEAK },
	{ SSL_R_CA_KEY_TOO_SMALL, E_TLS_CERT_WEAK },
	{ SSL_R_CA_MD_TOO_WEAK, E_TLS_CERT_WEAK },
};

static const struct {
	long verify;
	enum err err;
} verdicts[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, E_TLS_CERT_EXPIRED },
	{ X509_V_ERR_CERT_NOT_YET_VALID, E_TLS_CERT_NOT_YET_VALID },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, E_TLS_CERT_SELF_SIGNED },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, E_TLS_CERT_UNTRUSTED },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, E_TLS_CERT_UNTRUSTED },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, E_TLS_CERT_UNTRUSTED },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, E_TLS_CERT_UNTRUSTED },
	{ X509_V_ERR_CERT_UNTRUSTED, E_TLS_CERT_UNTRUSTED },
	{ X509_V_ERR_HOSTNAME_MISMATCH, E_TLS_CERT_HOSTNAME },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, E_TLS_CERT_HOSTNAME },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, E_TLS_CERT_WEAK },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, E_TLS_CERT_WEAK },
	{ X509_V_ERR_CA_MD_TOO_WEAK, E_TLS_CERT_WEAK },
};

/* OpenSSL refuses some wildcard names that are valid by RFC 6125. */
static int
is_named_by_wildcard(
    const X509_STORE_CTX *store, const struct tls_peer *peer, const X509 *cert)
{
	return X509_STORE_CTX_get_error(store) ==
		   X509_V_ERR_HOSTNAME_MISMATCH &&
	       peer->host != NULL &&
	       tls_name_matches_wildcard(cert, peer->host);
}

/* Notes the subject and the issuer of a certificate that failed, for people. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_peer *peer = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	char subject[160], issuer[160], text[400];

	if (ok || peer == NULL || cert == NULL)
		return ok;
	if (is_named_by_wildcard(store, peer, cert)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (peer->note != NULL)
		return 0;
	X509_NAME_oneline(
	    X509_get_subject_name(cert), subject, sizeof(subject));
	X509_NAME_oneline(X509_get_issuer_name(cert), issuer, sizeof(issuer));
	snprintf(
	    text, sizeof(text), "certificate %s, issuer %s", subject, issuer);
	peer->note = mem_strdup(text);
	return ok;
}

static int
on_cert_request(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct tls_peer *peer = SSL_get_app_data(ssl);

	(void)cert;
	(void)key;
	if (peer != NULL)
		peer->cert_requested = 1;
	return 0;
}

void
tls_peer_watch(SSL_CTX *ctx, int insecure)
{
	SSL_CTX_set_verify(ctx, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
	    insecure ? NULL : on_verify);
	SSL_CTX_set_client_cert_cb(ctx, on_cert_request);
}

static enum err
code_of_verdict(long verdict)
{
	size_t i;

	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (verdicts[i].verify == verdict)
			return verdicts[i].err;
	return E_TLS_CERT_INVALID;
}

static enum err
code_of_reason(int reason)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].reason == reason)
			return reasons[i].err;
	return reason >= SSL_AD_REASON_OFFSET ? E_TLS_HANDSHAKE_ALERT
					      : E_TLS_ERROR;
}

static const char *
reason_text(unsigned long e)
{
	int reason = ERR_GET_REASON(e);
	const char *text;

	if (reason >= SSL_AD_REASON_OFFSET)
		return SSL_alert_desc_string_long(
		    reason - SSL_AD_REASON_OFFSET);
	text = ERR_reason_error_string(e);
	return text != NULL ? text : "unknown reason";
}

/* The oldest entry of lib SSL: what went wrong first. */
static unsigned long
first_ssl_error(void)
{
	unsigned long e, first = 0;

	while ((e = ERR_get_error()) != 0) {
		if (ERR_GET_LIB(e) == ERR_LIB_SSL)
			return e;
		if (first == 0)
			first = e;
	}
	return first;
}

static struct tls_fault
fault_of_errno(int errnum)
{
	if (errnum == 0)
		return (struct tls_fault){ E_TLS_EOF, "EOF", NULL };
	if (errnum == ECONNRESET || errnum == EPIPE)
		return (struct tls_fault){ E_TLS_RESET,
			error_errno_name(errnum), NULL };
	return (
	    struct tls_fault){ E_TLS_ERROR, error_errno_name(errnum), NULL };
}

struct tls_fault
tls_fault_handshake(
    const SSL *ssl, struct tls_peer *peer, int ssl_error, int errnum)
{
	struct tls_fault f = { E_TLS_EOF, "close_notify", NULL };
	unsigned long e;
	long verdict;

	if (ssl_error == SSL_ERROR_SYSCALL)
		return fault_of_errno(errnum);
	if (ssl_error == SSL_ERROR_ZERO_RETURN)
		return f;
	e = first_ssl_error();
	if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		verdict = SSL_get_verify_result(ssl);
		f.err = code_of_verdict(verdict);
		f.detail = X509_verify_cert_error_string(verdict);
		f.note = peer->note;
		peer->note = NULL;
		return f;
	}
	f.err = ERR_GET_LIB(e) == ERR_LIB_SSL
		    ? code_of_reason(ERR_GET_REASON(e))
		    : E_TLS_ERROR;
	f.detail = reason_text(e);
	if (f.err == E_TLS_HANDSHAKE_ALERT && peer->cert_requested &&
	    ERR_GET_REASON(e) == ALERT(40))
		f.err = E_TLS_CLIENT_CERT_REQUIRED;
	return f;
}

struct tls_fault
tls_fault_open(int ssl_error, unsigned long queued, int errnum)
{
	int reason = ERR_GET_REASON(queued);
	struct tls_fault f = { E_OK, NULL, NULL };

	if (queued == 0) {
		if (ssl_error == SSL_ERROR_ZERO_RETURN)
			return f;
		return fault_of_errno(errnum);
	}
	f.detail = reason_text(queued);
	f.err = code_of_reason(reason);
	/* After the handshake an invalid record means damaged data. */
	if (f.err == E_TLS_NOT_TLS || reason == SSL_R_UNEXPECTED_MESSAGE)
		f.err = E_TLS_RECORD_ERROR;
	return f;
}
