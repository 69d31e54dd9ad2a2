/* SPDX-License-Identifier: ISC */
/*
 * Options as other programs spell them: each is answered with one that exists
 * here, and no guess is wrong.
 */
#include "options_test.h"

static int
has_option(const char *name, size_t n)
{
	struct span s = span_of(name, n), no = SPAN_NONE;
	const struct opt_row *row;
	int id;

	if (n > 3 && memcmp(name, "no-", 3) == 0)
		no = span_of(name + 3, n - 3);
	for (id = 0; id < OPT_COUNT; id++) {
		row = opts_row((enum opt)id);
		if (n == 1 && row->letter == *name)
			return 1;
		if (n > 1 && span_eq(s, span_str(row->name)))
			return 1;
		if (no.p != NULL && row->type == OPT_BOOL &&
		    span_eq(no, span_str(row->name)))
			return 1;
	}
	return 0;
}

/* Each -x and --xyz of the text. Returns how many there are. */
static int
check_targets(const char *word, const char *text)
{
	const char *p = text;
	size_t n;
	int found = 0;

	while ((p = strchr(p, '-')) != NULL) {
		/* A hyphen inside a word, or of a range of numbers. */
		if (p > text && strchr(" (;", p[-1]) == NULL) {
			p++;
			continue;
		}
		p += strspn(p, "-");
		n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"
			      "STUVWXYZ0123456789-");
		if (!has_option(p, n))
			fail_msg("%s: \"%s\" names no option", word, p);
		p += n;
		found++;
	}
	return found;
}

static void
test_each_word_of_another_program_names_options_that_exist(void **state)
{
	const char *word, *text;
	size_t i;
	int n;

	(void)state;
	for (i = 0; (word = opts_foreign_word(i)) != NULL; i++) {
		text = opts_foreign(span_str(word));
		assert_non_null(text);
		n = check_targets(word, text);
		if (n == 0 && strstr(text, "no option is needed") == NULL &&
		    strstr(text, "the URL") == NULL)
			fail_msg("%s: \"%s\" names nothing", word, text);
		if (has_option(word, strlen(word)))
			fail_msg("%s is an option here", word);
	}
	assert_true(i > 100);
}

static void
test_a_word_of_another_program_is_one_line_that_names_ours(void **state)
{
	static const struct {
		const char *arg, *names;
	} t[] = {
		{ "--timeout=5", "--max-time" },
		{ "--retries", "--retry " },
		{ "--tries=3", "--retry " },
		{ "--parallel", "--concurrency" },
		{ "--threads=8", "--concurrency" },
		{ "-t3", "--retry" },
		{ "-w", "--fields" },
		{ "-G", "the URL" },
		{ "--method=PUT", "-X" },
		{ "--bearer", "--oauth2-bearer" },
		{ "--no-progress", "--progress none" },
		{ "-Z", "-c " },
		{ "-P", "-c " },
		{ "--follow-redirects", "-L" },
		{ "--no-verify", "-k" },
		{ "--no-check-certificate", "-k" },
		{ "--range", "Range: bytes" },
		{ "--max-redirect=3", "--max-redirs" },
		{ "--Timeout", "--max-time" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(t); i++) {
		assert_int_equal(PARSE("x", t[i].arg, "5"), 2);
		if (strstr(err.p, t[i].names) == NULL)
			fail_msg("%s: %s", t[i].arg, err.p);
		assert_ptr_equal(
		    strstr(err.p, "fetchd: unknown option"), err.p);
		assert_null(strstr(err.p, "did you mean"));
	}
}

/* Long options of curl, wget and others for which there is nothing here. */
static void
test_no_guess_is_made_where_nothing_alike_exists(void **state)
{
	static const char *const none[] = { "abstract-unix-socket", "alt-svc",
		"anyauth", "aws-sigv4", "ca-native", "cert-status", "cert-type",
		"compressed-ssh", "create-dirs", "crlf", "curves", "delegation",
		"digest", "disable-eprt", "disallow-username-in-url", "doh-url",
		"egd-file", "engine", "etag-compare", "etag-save",
		"expect100-timeout", "false-start", "ftp-account",
		"happy-eyeballs-timeout-ms", "hostpubmd5", "hsts",
		"ignore-content-length", "junk-session-cookies",
		"keepalive-time", "krb", "libcurl", "list-only", "local-port",
		"login-options", "mail-from", "manual", "metalink", "negotiate",
		"netrc", "next", "ntlm", "path-as-is", "post301", "preproxy",
		"proto", "proto-default", "pubkey", "quote", "random-file",
		"remote-name", "remote-time", "request-target", "sasl-authzid",
		"service-name", "ssl", "styled-output",
		"suppress-connect-headers", "tcp-fastopen", "tcp-nodelay",
		"telnet-option", "tftp-blksize", "time-cond", "tr-encoding",
		"unix-socket", "use-ascii", "mirror", "recursive", "level",
		"accept", "reject", "domains", "cut-dirs", "timestamping",
		"quota", "prefer-family", "split", "checksum", "null",
		"replace", "verbose-errors", "semaphore", "results", "plus",
		"trim" };
	char arg[80];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(none); i++) {
		snprintf(arg, sizeof(arg), "--%s", none[i]);
		assert_int_equal(PARSE("x", arg), 2);
		if (strstr(err.p, "did you mean") != NULL)
			fail_msg("%s", err.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_each_word_of_another_program_names_options_that_exist),
		cmocka_unit_test(
		    test_a_word_of_another_program_is_one_line_that_names_ours),
		cmocka_unit_test(
		    test_no_guess_is_made_where_nothing_alike_exists),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
