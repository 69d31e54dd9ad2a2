/* SPDX-License-Identifier: ISC */
/* RFC 6125 section 6.4.3, wildcards. Knows nothing of handshakes. */
#include "io/tls/name.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "base/span.h"

static int
is_label_byte(char c)
{
	c = span_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

/* Two or more labels that are valid in DNS. */
static int
is_parent(struct span s)
{
	size_t i, label = 0, labels = 0;

	for (i = 0; i < s.n; i++) {
		if (is_label_byte(s.p[i])) {
			labels += label++ == 0;
		} else if (s.p[i] == '.' && label > 0) {
			label = 0;
		} else {
			return 0;
		}
	}
	return label > 0 && labels >= 2;
}

static int
covers(struct span pattern, const char *host)
{
	size_t label = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	struct span parent;

	if (pattern.n < 2 || pattern.p[0] != '*' || pattern.p[1] != '.')
		return 0;
	parent = span_of(pattern.p + 2, pattern.n - 2);
	if (label == 0 || host[label] != '.' || !is_parent(parent))
		return 0;
	return span_ieq(parent, span_str(host + label + 1));
}

int
tls_name_matches_wildcard(const X509 *cert, const char *host)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const GENERAL_NAME *name;
	const ASN1_IA5STRING *s;
	int i, found = 0;

	for (i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		s = name->d.dNSName;
		found = covers(span_of((const char *)ASN1_STRING_get0_data(s),
				   (size_t)ASN1_STRING_length(s)),
		    host);
	}
	GENERAL_NAMES_free(names);
	return found;
}
