/* SPDX-License-Identifier: ISC */
/* Reports versions of the linked libraries, not of their headers. */
#include "worker/version.h"

#include <libxml/parser.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <seccomp.h>
#include <string.h>

void
version_text(struct buf *out)
{
	const struct scmp_version *v = seccomp_version();
	const char *s = xmlParserVersion; /* "20914" */
	char pcre[64] = "";               /* "10.42 2022-12-11" */
	unsigned n = 0;

	while (span_is_digit(*s))
		n = n * 10 + (unsigned)(*s++ - '0');
	pcre2_config(PCRE2_CONFIG_VERSION, pcre);
	pcre[strcspn(pcre, " ")] = '\0';
	buf_str(out, "fetchd-worker " FETCHD_VERSION "\n");
	buf_printf(out, "libxml2 %u.%u.%u, PCRE2 %s", n / 10000, n / 100 % 100,
	    n % 100, pcre);
	if (v != NULL)
		buf_printf(
		    out, ", libseccomp %u.%u.%u", v->major, v->minor, v->micro);
	buf_char(out, '\n');
}
