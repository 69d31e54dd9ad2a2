/* SPDX-License-Identifier: ISC */
/*
 * Names in certificates, where OpenSSL's own comparison is stricter than DNS
 * and browsers are.
 */
#ifndef IO_TLS_NAME_H
#define IO_TLS_NAME_H

#include <openssl/x509.h>

/*
 * Does a wildcard of the certificate's subjectAltName cover host, a name in
 * lower case? As OpenSSL has it, but that labels may hold underscores: "*" is
 * a whole label, the first one, and matches one label; at least two others
 * follow.
 */
int tls_name_matches_wildcard(const X509 *cert, const char *host);

#endif
