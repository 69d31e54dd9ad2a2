/* SPDX-License-Identifier: ISC */
/* Reports versions of the linked libraries, not of their headers. */
#include "worker/version.h"

#include <libxml/parser.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <seccomp.h>
#include <string.h>

/* "20914" */
static void
add_libxml(struct buf *out)
{
	const char *s = xmlParserVersion;
	unsigned n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + (unsigned)(*s++ - '0');
	buf_printf(out, "libxml2 %u.%u.%u", n / 10000, n / 100 % 100, n % 100);
}

/* "10.42 2022-12-11" */
static void
add_pcre(struct buf *out)
{
	char text[64] = "";

	pcre2_config(PCRE2_CONFIG_VERSION, text);
	text[strcspn(text, " ")] = '\0';
	buf_printf(out, ", PCRE2 %s", text);
}

void
version_text(struct buf *out)
{
	const struct scmp_version *v = seccomp_version();

	buf_str(out, "fetchd-worker " FETCHD_VERSION "\n");
	add_libxml(out);
	add_pcre(out);
	if (v != NULL)
		buf_printf(
		    out, ", libseccomp %u.%u.%u", v->major, v->minor, v->micro);
	buf_char(out, '\n');
}
